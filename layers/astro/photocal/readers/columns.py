"""The one table of column names: what observers' programs call a right ascension, a magnitude, an error.

Names are compared without regard to case. Earlier entries win. A trailing ``*`` stands for anything (``mag_inst_*``
is Feder's ``mag_inst_R``). Coordinates, and magnitudes with their errors, are taken in pairs, so that a windowed right
ascension never meets an isophotal declination.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

POSITIONS: tuple[tuple[str, str], ...] = (
    ("ALPHA_J2000", "DELTA_J2000"),
    ("ALPHAWIN_J2000", "DELTAWIN_J2000"),
    ("ALPHAPSF_J2000", "DELTAPSF_J2000"),
    ("ALPHAMODEL_J2000", "DELTAMODEL_J2000"),
    ("ALPHAPEAK_J2000", "DELTAPEAK_J2000"),
    ("ALPHA_SKY", "DELTA_SKY"),
    ("ALPHAWIN_SKY", "DELTAWIN_SKY"),
    ("ALPHAPSF_SKY", "DELTAPSF_SKY"),
    ("X_WORLD", "Y_WORLD"),
    ("XWIN_WORLD", "YWIN_WORLD"),
    ("XPSF_WORLD", "YPSF_WORLD"),
    ("RA", "DEC"),
    ("RA", "DECL"),
    ("RAJ2000", "DEJ2000"),
    ("RAJ2000", "DECJ2000"),
    ("RA_J2000", "DEC_J2000"),
    ("RA_ICRS", "DE_ICRS"),
    ("RA_ICRS", "DEC_ICRS"),
    ("RA_DEG", "DEC_DEG"),
    ("RADEG", "DECDEG"),
    ("RADEG", "DEDEG"),
    ("DEGRA", "DEGDEC"),
    ("RA2000", "DEC2000"),
    ("RIGHT_ASCENSION", "DECLINATION"),
    ("RA[DEG]", "DEC[DEG]"),
    ("RA (DEG)", "DEC (DEG)"),
    ("COORD_RA", "COORD_DEC"),
    ("SKY_CENTROID.RA", "SKY_CENTROID.DEC"),
    ("ALPHA", "DELTA"),
)

_KINDS = ("AUTO", "PSF", "BEST", "APER", "APER_*", "APER1", "ISOCOR", "PETRO", "MODEL", "POINTSOURCE", "WIN", "ISO")
_ERRORS = ("MAGERR", "MAG_ERR", "MAG_ERROR", "MAGNITUDE_ERR", "MAGNITUDE_ERROR", "MERR", "E_MAG", "EMAG", "DMAG",
           "MAG_SIGMA", "SIGMA_MAG", "MAG_UNC", "ERR", "ERROR", "SIGMA")  # fmt: skip

# Magnitude -> its possible errors.
MAGNITUDES: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((f"MAG_{kind}", (f"MAGERR_{kind}", f"MAG_{kind}_ERR", f"E_MAG_{kind}")) for kind in _KINDS),
    ("MAG", _ERRORS),
    ("MAGNITUDE", _ERRORS),
    ("INST_MAG", ("INST_MAG_ERR", "INST_MAGERR", "E_INST_MAG", "INST_MAG_ERROR", *_ERRORS)),
    ("INSTMAG", ("INSTMAGSIGMA", "INSTMAGERR", "INSTMAG_ERR", *_ERRORS)),
    ("MAG_INST", ("MAG_INST_ERR", "MAG_INST_ERROR", "MAGERR_INST", *_ERRORS)),
    ("MAG_INST_*", ("MAG_INST_ERR_*", "MAG_ERROR_*", "MAGERR_INST_*", *_ERRORS)),
    ("INSTRUMENTAL_MAG", ("INSTRUMENTAL_MAG_ERR", "INSTRUMENTAL_MAGERR", *_ERRORS)),
    ("MAG_CALIB", ("MAG_CALIB_ERR", *_ERRORS)),
)

FLUXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((f"FLUX_{kind}", (f"FLUXERR_{kind}", f"FLUX_{kind}_ERR", f"E_FLUX_{kind}")) for kind in _KINDS),
    ("FLUX", ("FLUXERR", "FLUX_ERR", "FLUX_ERROR", "E_FLUX", "EFLUX", "FLUX_UNC")),
    ("FLUX_FIT", ("FLUX_ERR", "FLUX_UNC")),
    ("COUNTS", ("COUNTS_ERR", "COUNT_ERR", "COUNTERR", "COUNTSERR", "E_COUNTS")),
    ("APERTURE_SUM_BKGSUB", ("APERTURE_SUM_ERR",)),
    ("APERTURE_SUM", ("APERTURE_SUM_ERR",)),
)

# Numbered apertures, small to large, and their errors: BANZAI (Las Cumbres) writes them beside a bare ``flux``, which
# is an elliptical aperture that follows each star's noise: in one frame of 2700 stars (LCO 1 m, i) it scatters about
# REFCAT2 by 0.058 mag, fluxaper4 to 6 by 0.029, 0.028 and 0.031 (1.4826 MAD).
APERTURES: tuple[tuple[str, str], ...] = (("FLUXAPER", "FLUXERR"),)

# x, y, and what the first pixel's centre is called.
PIXELS: tuple[tuple[str, str, float], ...] = (
    ("X_IMAGE", "Y_IMAGE", 1.0),
    ("XWIN_IMAGE", "YWIN_IMAGE", 1.0),
    ("XPSF_IMAGE", "YPSF_IMAGE", 1.0),
    ("XMODEL_IMAGE", "YMODEL_IMAGE", 1.0),
    ("XCENTER", "YCENTER", 0.0),
    ("XCENTROID", "YCENTROID", 0.0),
    ("X", "Y", 1.0),
    ("XPIX", "YPIX", 1.0),
)

FLAGS = ("FLAGS", "FLAG", "SEXTRACTOR_FLAGS", "SEFLAGS", "FLAGS_WIN")
NUMBERS = ("NUMBER", "ID", "SEQ", "NUM", "STARID", "STAR_ID")
CONSTANTS = {"FILTER": ("FILTER", "FILT", "BAND", "PASSBAND"), "EXPTIME": ("EXPTIME", "EXPOSURE", "EXPOSURE_S")}
HOURS = {"H", "HR", "HOUR", "HOURS", "HOURANGLE", "HMS"}
RADIANS = {"RAD", "RADIAN", "RADIANS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness:
    """A column pair that may serve as magnitude and error."""

    value: str
    error: str
    is_flux: bool


def find(wanted: str, names: Sequence[str]) -> str | None:
    """Return the column that bears a name (or a pattern ending in ``*``), as the file spells it."""
    target = wanted.casefold()
    for name in names:
        given = name.strip().casefold()
        if given == target or (target.endswith("*") and given.startswith(target[:-1]) and given != target[:-1]):
            return name
    return None


def find_first(wanted: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the first of several names that is there."""
    return next((found for item in wanted if (found := find(item, names))), None)


def position(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the columns of right ascension and declination."""
    for ra, dec in POSITIONS:
        found = find(ra, names), find(dec, names)
        if found[0] and found[1]:
            return found[0], found[1]
    return None


def brightness(names: Sequence[str]) -> Iterator[Brightness]:
    """Yield the pairs that may serve as magnitude and error, best first; fluxes after magnitudes."""
    for table, is_flux in ((MAGNITUDES, False), (FLUXES, True)):
        for wanted, errors in table:
            value = find(wanted, names)
            if not value:
                continue
            rest = [name for name in names if name != value]
            suffix = value[len(wanted) - 1 :] if wanted.endswith("*") else ""
            error = find_first([item.replace("*", suffix) for item in errors], rest)
            if error:
                yield Brightness(value=value, error=error, is_flux=is_flux)


def apertures(names: Sequence[str]) -> list[Brightness]:
    """Return the numbered apertures, small to large; none where there are fewer than two."""
    for value, error in APERTURES:
        found = ((find(f"{value}{number}", names), find(f"{error}{number}", names)) for number in range(1, 100))
        pairs = [Brightness(value=v, error=e, is_flux=True) for v, e in found if v and e]
        if len(pairs) > 1:
            return pairs
    return []


def has_magnitude(names: Sequence[str]) -> bool:
    """Whether there is a magnitude or flux at all, with an error or without."""
    return find_first([wanted for wanted, _ in (*MAGNITUDES, *FLUXES)], names) is not None


def pixels(names: Sequence[str]) -> tuple[str, str, float] | None:
    """Return the columns of x and y, and what the centre of the first pixel is called there."""
    for x, y, origin in PIXELS:
        found = find(x, names), find(y, names)
        if found[0] and found[1]:
            return found[0], found[1], origin
    return None
