"""A simulated field: stars on a stellar locus, reference catalogues of them, and an observer's catalogue with truth.

For the demonstration and the tests; everything follows from the seed. Colours of the stars, with c = g - i (PS1):

    r - i = 0.17 c + 0.11 c^2        g - r = c - (r - i)        i - z = 0.5 (r - i) - 0.01

B and V follow Tonry et al. (2012, ApJ 750, 99, table 6), as do APASS g r i (there SDSS's): ``_APASS`` below. The
infrared and Gaia's G are rough: z - J = 0.6 + 1.2 (i - z), J - H = 0.22 + 0.28 (g - r), H - K = 0.03 + 0.1 (r - i),
G = g - 0.075 - 0.41 c - 0.08 c^2. Single stars lie off these relations by 0.01 mag in each filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpcs.passbands import Passband
from photocal.arrays import Bools, Floats, Ints
from photocal.references.stars import ReferenceStars
from photocal.results import Target
from photocal.sphere import tangent_plane

# g - r polynomials added to the PS1 magnitude of the first name
_APASS = {
    "B": ("g", (0.213, 0.587)),
    "V": ("r", (0.006, 0.474)),
    "g": ("g", (0.013, 0.145, 0.019)),
    "r": ("r", (-0.001, 0.004, 0.007)),
    "i": ("i", (-0.005, 0.011, 0.010)),
}
COSMIC_SCATTER = 0.01  # mag, of single stars about the locus
TARGET_COLOUR = 0.5  # g - i of the target
RED_SHARE = 0.4  # of dwarfs, beside stars at the turn-off
BLENDED_SHARE = 0.3  # of the outliers that SExtractor would flag
PIXELS = 2048  # the side of the frame
APASS_R = Passband("APASS", "r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """How a reference catalogue measures: its range of magnitudes, errors and positions."""

    bright: float
    faint: float
    floor: float  # mag: error of bright stars
    jitter_arcsec: float  # per axis
    epoch_yr: float


SURVEYS = {
    "APASS": Survey(bright=9.0, faint=17.5, floor=0.02, jitter_arcsec=0.15, epoch_yr=2012.0),
    "PS1": Survey(bright=13.5, faint=21.5, floor=0.005, jitter_arcsec=0.02, epoch_yr=2012.5),
    "2MASS": Survey(bright=5.0, faint=16.0, floor=0.02, jitter_arcsec=0.08, epoch_yr=1999.5),
    "GAIA": Survey(bright=4.0, faint=20.5, floor=0.003, jitter_arcsec=0.001, epoch_yr=2016.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is simulated.

    Attributes
    ----------
    passband
        The filter the observer has, as the catalogue that defines it has it.
    zero_point
        mag; standard = instrumental + zero point for a star with g - i = 1.
    colour_term
        mag per mag of g - i: how the observer's filter differs.
    scatter
        mag: what the observer's errors do not explain.
    outlier_fraction
        Variables and blends among the stars.
    offset_arcsec
        East and north: how far the observer's astrometry is off.
    depth
        Standard magnitude at which the observer's error is 0.2 mag.
    target_mag
        Standard magnitude of the target; fainter than ``depth`` it is not in the catalogue.
    """

    ra_deg: float = 150.1
    dec_deg: float = 32.4
    field_deg: float = 0.4  # the side of the square frame
    n_stars: int = 2500  # in a square twice as wide
    passband: Passband = APASS_R
    zero_point: float = 23.456
    colour_term: float = 0.0
    scatter: float = 0.02
    outlier_fraction: float = 0.05
    offset_arcsec: tuple[float, float] = (0.4, -0.3)
    depth: float = 18.5
    target_mag: float = 16.2
    mjd: float = 58765.4321
    name: str = "Gaia19sim"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedField:
    """A field and what is true of it.

    Attributes
    ----------
    references
        APASS, PS1, 2MASS and GAIA, of a square twice as wide as the frame.
    catalogue
        What the observer uploads: a SExtractor ASCII_HEAD catalogue.
    target
        Where the event is.
    true_mag
        The target's standard magnitude in the observer's passband.
    true_zero_point
        mag, of a star with the median colour of those in the frame.
    target_seen
        Whether the target is in the catalogue.
    """

    setup: Setup
    seed: int
    references: tuple[ReferenceStars, ...]
    catalogue: bytes
    target: Target
    true_mag: float
    true_zero_point: float
    target_seen: bool
    n_observed: int


def simulate(setup: Setup | None = None, seed: int = 1) -> SimulatedField:
    """Make a field; the same seed makes the same field, to the last byte."""
    setup = setup or Setup()
    rng = np.random.Generator(np.random.PCG64(seed))
    ra, dec = _positions(rng, setup)
    mags = _magnitudes(rng, setup.n_stars)
    proper_motion = rng.normal(0.0, 8.0, (2, setup.n_stars))
    references = tuple(_survey(rng, name, ra, dec, mags, proper_motion) for name in SURVEYS)
    target = Target(ra_deg=setup.ra_deg + 0.011, dec_deg=setup.dec_deg - 0.017, name=setup.name)
    colour = mags["PS1", "g"] - mags["PS1", "i"]
    rows = _observe(rng, setup, (ra, dec), mags[setup.passband.catalogue, setup.passband.filter], colour, target)
    return SimulatedField(
        setup=setup,
        seed=seed,
        references=references,
        catalogue=_sextractor(rows),
        target=target,
        true_mag=setup.target_mag,
        true_zero_point=setup.zero_point - setup.colour_term * (_middle(colour[rows.star]) - 1.0),
        target_seen=setup.target_mag <= setup.depth,
        n_observed=len(rows.ra),
    )


def _middle(colour: Floats) -> float:
    """Return the median colour; that of the zero point where no star is bright enough to be seen."""
    return float(np.median(colour)) if len(colour) else 1.0


def _positions(rng: np.random.Generator, setup: Setup) -> tuple[Floats, Floats]:
    """Return positions in a square twice as wide as the frame."""
    east, north = rng.uniform(-setup.field_deg, setup.field_deg, (2, setup.n_stars))
    dec = setup.dec_deg + north
    return (setup.ra_deg + east / np.cos(np.radians(dec))) % 360.0, dec


def _magnitudes(rng: np.random.Generator, n: int) -> dict[tuple[str, str], Floats]:
    """Return the true magnitudes of n stars: (catalogue, filter) -> (n,) array."""
    red = rng.random(n) < RED_SHARE
    c = np.clip(np.where(red, rng.normal(1.9, 0.45, n), rng.normal(0.75, 0.25, n)), 0.1, 3.0)
    r = 12.0 + np.log10(1.0 + rng.random(n) * (10.0 ** (0.22 * 9.0) - 1.0)) / 0.22  # counts grow as 10^(0.22 m)
    r_i = 0.17 * c + 0.11 * c**2
    g_r, i_z = c - r_i, 0.5 * r_i - 0.01
    ps1 = {"g": r + g_r, "r": r, "i": r - r_i, "z": r - r_i - i_z}
    true = {("PS1", band): mag for band, mag in ps1.items()}
    for band, (base, polynomial) in _APASS.items():
        true["APASS", band] = ps1[base] + np.polynomial.polynomial.polyval(g_r, polynomial)
    true["2MASS", "J"] = ps1["z"] - (0.6 + 1.2 * i_z)
    true["2MASS", "H"] = true["2MASS", "J"] - (0.22 + 0.28 * g_r)
    true["2MASS", "K"] = true["2MASS", "H"] - (0.03 + 0.1 * r_i)
    true["GAIA", "G"] = ps1["g"] - 0.075 - 0.41 * c - 0.08 * c**2
    return {key: mag + rng.normal(0.0, COSMIC_SCATTER, n) for key, mag in true.items()}


def _survey(
    rng: np.random.Generator,
    name: str,
    ra: Floats,
    dec: Floats,
    mags: dict[tuple[str, str], Floats],
    proper_motion: Floats,
) -> ReferenceStars:
    """Return what a reference catalogue knows of the stars, at its own epoch (the stars' places are of 2016)."""
    survey, n = SURVEYS[name], len(ra)
    bands = {}
    for (catalogue, band), mag in mags.items():
        if catalogue == name:
            error = np.hypot(survey.floor, 0.15 * 10.0 ** (0.4 * (mag - survey.faint)))
            seen = (mag > survey.bright) & (mag < survey.faint)
            measured = mag + rng.normal(0.0, 1.0, n) * error
            bands[band] = (np.where(seen, measured, np.nan), np.where(seen, np.round(error, 4), np.nan))
    years = survey.epoch_yr - 2016.0
    jitter = rng.normal(0.0, survey.jitter_arcsec, (2, n)) / 3600.0 + proper_motion * years / 3.6e6
    known = np.any([np.isfinite(mag) for mag, _ in bands.values()], axis=0)
    moves = name == "GAIA"
    stars = ReferenceStars(
        catalogue=name,
        ra_deg=(ra + jitter[0] / np.cos(np.radians(dec))) % 360.0,
        dec_deg=dec + jitter[1],
        pm_ra_mas_yr=proper_motion[0] if moves else None,
        pm_dec_mas_yr=proper_motion[1] if moves else None,
        epoch_yr=survey.epoch_yr,
        bands=bands,
    )
    return stars.select(known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The rows of the observer's catalogue; ``star`` is the place in the field of those that are not the target."""

    ra: Floats
    dec: Floats
    mag: Floats
    error: Floats
    flags: Ints
    x: Floats
    y: Floats
    star: Ints


def _observe(
    rng: np.random.Generator,
    setup: Setup,
    where: tuple[Floats, Floats],
    mag: Floats,
    colour: Floats,
    target: Target,
) -> _Rows:
    """Measure the stars in the frame, and the target, as the observer's telescope would."""
    ra, dec = where
    half = 0.5 * setup.field_deg
    plane = tangent_plane(ra, dec, setup.ra_deg, setup.dec_deg)
    inside: Bools = np.all(np.abs(plane) < half, axis=1)
    error = np.hypot(0.004, 0.2 * 10.0 ** (0.4 * (mag - setup.depth)))
    inside &= mag < setup.depth
    star: Ints = np.flatnonzero(inside).astype(np.int64)
    n = len(star)
    outlier = rng.random(n) < setup.outlier_fraction
    wide = np.where(outlier, 0.8, setup.scatter)
    native = mag[star] + setup.colour_term * (colour[star] - 1.0)
    inst = native - setup.zero_point + rng.normal(0.0, 1.0, n) * np.hypot(wide, error[star])
    flags = np.where(outlier & (rng.random(n) < BLENDED_SHARE), 3, 0)
    ras, decs, insts, errors = ra[star], dec[star], inst, error[star]
    if setup.target_mag <= setup.depth:
        own, own_err = _observe_target(rng, setup)
        ras, decs = np.append(ras, target.ra_deg), np.append(decs, target.dec_deg)
        insts, errors, flags = np.append(insts, own), np.append(errors, own_err), np.append(flags, 0)
    seen_ra, seen_dec = _misplace(rng, setup, ras, decs)
    place = tangent_plane(ras, decs, setup.ra_deg, setup.dec_deg) * [-1.0, 1.0] / setup.field_deg
    pixels = PIXELS * (0.5 + place) - 0.5
    return _Rows(
        ra=seen_ra,
        dec=seen_dec,
        mag=insts,
        error=errors,
        flags=flags,
        x=pixels[:, 0],
        y=pixels[:, 1],
        star=star,
    )


def _observe_target(rng: np.random.Generator, setup: Setup) -> tuple[float, float]:
    """Return the target's instrumental magnitude and its error."""
    error = float(np.hypot(0.004, 0.2 * 10.0 ** (0.4 * (setup.target_mag - setup.depth))))
    native = setup.target_mag + setup.colour_term * (TARGET_COLOUR - 1.0)
    return native - setup.zero_point + float(rng.normal(0.0, error)), error


def _misplace(rng: np.random.Generator, setup: Setup, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    """Return the positions that a wrong astrometric solution and the noise of centroids give."""
    east, north = rng.normal(0.0, 0.1, (2, len(ra))) + np.array(setup.offset_arcsec)[:, None]
    return (ra + east / 3600.0 / np.cos(np.radians(dec))) % 360.0, dec + north / 3600.0


_HEADER = """\
#   1 NUMBER                 Running object number
#   2 X_IMAGE                Object position along x                                    [pixel]
#   3 Y_IMAGE                Object position along y                                    [pixel]
#   4 ALPHA_J2000            Right ascension of barycenter (J2000)                      [deg]
#   5 DELTA_J2000            Declination of barycenter (J2000)                          [deg]
#   6 MAG_AUTO               Kron-like elliptical aperture magnitude                    [mag]
#   7 MAGERR_AUTO            RMS error for AUTO magnitude                               [mag]
#   8 FLAGS                  Extraction flags
"""


def _sextractor(rows: _Rows) -> bytes:
    """Write the rows as SExtractor does, from the bottom of the frame to its top."""
    lines = [
        f"{number:10d} {rows.x[i] + 1.0:11.4f} {rows.y[i] + 1.0:11.4f} {rows.ra[i]:12.7f} {rows.dec[i]:+12.7f}"
        f" {rows.mag[i]:9.4f} {max(rows.error[i], 0.0001):8.4f} {int(rows.flags[i]):3d}\n"
        for number, i in enumerate(np.argsort(rows.y, kind="stable"), 1)
    ]
    return (_HEADER + "".join(lines)).encode("ascii")
