"""What is kept of a measured image: its stars, the flux at the target, numbers for the report, and files.

Nothing but data: it goes through a pipe between processes, and from there into storage. The pixels stay behind.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from astropy.io import fits

from cpcs.errors import TooFewStars
from cpcs.filters import understand
from cpcs.passbands import ANY, Choice
from photocal.arrays import MAG_PER_RELATIVE_ERROR, Anything
from photocal.astrometry.cards import cards as plane_cards
from photocal.astrometry.plane import Plane
from photocal.headers.standard import StandardHeader
from photocal.images.frame import Grid
from photocal.imaging import MeasuredFrame, MeasuredPlane
from photocal.pixels.records import ForcedFlux, Photometry
from photocal.results import Target
from photocal.stars import StarList
from photocal.writers.ldac import ldac

Cards = Mapping[str, str | float | int]

LDAC, ECSV, HEADER, CUTOUT = "stars.fits", "stars.ecsv", "solved.hdr", "cutout.fits"
FIGURES = ("cutout", "overview", "psf", "astrometry")
COLOURS = ("R", "G", "B")
MAIN_COLOUR = "G"  # half of a mosaic's pixels, and the one that is nearest to a standard filter
_CUTOUT_ARCSEC, _LEAST_CUTOUT, _MOST_CUTOUT = 60.0, 32, 256  # from the target to the edge: arcsec, pixels, pixels
# Cards that would be those of the file as it came: its time scale, equinox, axes and pixels; nobody's name is kept
_REPLACED = (
    "NAXIS1", "NAXIS2", "CDELTA1", "CDELTA2", "ORIENTAT", "PIXSIZE1", "PIXSIZE2", "TIMESYS", "EQUINOX", "FILTER",
    "OBSERVER",
)  # fmt: skip
_UNITS = {"ra_deg": "deg", "dec_deg": "deg", "mag": "mag", "mag_err": "mag", "flux": "count", "flux_err": "count"}
_UNITS |= dict.fromkeys(("x", "y", "x_err", "y_err"), "pixel")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptPlane:
    """One plane of an image.

    Attributes
    ----------
    colour
        ``R``, ``G`` or ``B`` of a one-shot-colour camera; empty for an image through a filter.
    filter_name
        As the header has it; ``TR``, ``TG`` or ``TB`` of a one-shot-colour camera.
    stars
        On the sky, with instrumental magnitudes.
    forced
        What the plane has at the target's position; None where none was asked for.
    facts
        What the report says of it; JSON.
    files
        Name -> content: `LDAC`, `ECSV`, `HEADER`, `CUTOUT` and figures (``figures/cutout.png``), the colour in them.
    """

    colour: str
    filter_name: str
    stars: StarList
    forced: ForcedFlux | None
    facts: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)


def keep(
    measured: MeasuredFrame, header: StandardHeader, target: Target | None, *, figures: bool
) -> tuple[KeptPlane, ...]:
    """Return what is kept of every plane of a frame; a figure that cannot be drawn is left out, and said."""
    return tuple(_kept(plane, header, target, figures) for plane in measured.planes)


def main_plane(planes: Sequence[KeptPlane], forced: Choice | None, filter_hint: str = "") -> int:
    """Return which plane answers for the image.

    Of a colour camera it is the one whose light the forced filter is, or that which the form names; else the green
    one, and without it the first that there is.

    Raises
    ------
    TooFewStars
        The colour that was asked for could not be measured.
    """
    colours = [plane.colour for plane in planes]
    if not colours[0]:
        return 0
    asked = {forced.filter} if forced is not None and forced.filter != ANY else set(understand(filter_hint).filters)
    for colour in COLOURS:
        if any(understand(f"T{colour}").weight(band) > 1.0 for band in asked):
            if colour not in colours:
                raise TooFewStars(n=0, limit=1, colour=f" in its {colour} pixels")
            return colours.index(colour)
    return colours.index(MAIN_COLOUR) if MAIN_COLOUR in colours else 0


def place_error_mas(facts: Mapping[str, Any]) -> float:
    """Return how well the place of a kept plane on the sky is known, mas along an axis; infinite without a fit."""
    errors = [facts["solution"][f"error_{axis}_arcsec"] for axis in ("east", "north")]
    return float("inf") if None in errors else 1000.0 * max(errors)


def named(name: str, colour: str) -> str:
    """Return the name of a file of a plane: ``stars.fits``, or of a colour ``stars-R.fits``."""
    stem, dot, kind = name.rpartition(".")
    return f"{stem}-{colour}{dot}{kind}" if colour else name


def columns(photometry: Photometry, plane: Plane | None) -> dict[str, Anything]:
    """Return name -> (n,) column of a plane's catalogue: pixels (0-based), counts, mag (instrumental), deg."""
    sources = photometry.fitted.sources
    with np.errstate(invalid="ignore", divide="ignore"):
        mag = np.where(sources.flux > 0.0, -2.5 * np.log10(sources.flux), np.nan)
        mag_err = np.where(sources.flux > 0.0, MAG_PER_RELATIVE_ERROR * sources.flux_err / sources.flux, np.nan)
    found: dict[str, Anything] = {
        "x": sources.x,
        "y": sources.y,
        "x_err": sources.x_err,
        "y_err": sources.y_err,
        "flux": sources.flux,
        "flux_err": sources.flux_err,
        "mag": mag,
        "mag_err": mag_err,
        "flags": sources.flags,
        "chi2": sources.chi2,
    }
    if plane is not None:
        found["ra_deg"], found["dec_deg"] = plane.sky(sources.x, sources.y)
    return found


def table_of(found: Mapping[str, Anything], cards: Cards) -> Any:  # noqa: ANN401 -- astropy publishes no types
    """Return a catalogue as a table with units, the cards as its meta data."""
    from astropy.table import Table  # half a second that a catalogue's calibration need not wait for

    table = Table(dict(found), units={name: unit for name, unit in _UNITS.items() if name in found})
    table.meta.update(cards)
    return table


def card_lines(cards: Cards) -> str:
    """Return cards as text, a line each, ``END`` last."""
    header = fits.Header(list(cards.items()))
    return "".join(f"{card}\n" for card in (*map(str, header.cards), "END".ljust(80)))


def _kept(measured: MeasuredPlane, header: StandardHeader, target: Target | None, figures: bool) -> KeptPlane:
    photometry, colour = measured.photometry, measured.colour
    solved = solved_cards(header, measured)
    rows = np.asarray(measured.stars.number) - 1
    sources = photometry.fitted.sources
    stars_file = ldac(measured.stars, solved, flux=sources.flux[rows], flux_err=sources.flux_err[rows])
    text = io.StringIO()
    table_of(columns(photometry, measured.solution.plane), solved).write(text, format="ascii.ecsv")
    files = {LDAC: stars_file, ECSV: text.getvalue().encode(), HEADER: card_lines(solved).encode("ascii")}
    if target is not None:
        files[CUTOUT] = _cutout(measured, solved, target)
    drawn = dict(_drawn(measured, target)) if figures else {}
    files |= {f"figures/{name}.png": png for name, png in drawn.items() if png}
    failed = [name for name, png in drawn.items() if not png]
    return KeptPlane(
        colour=colour,
        filter_name=measured.filter_name,
        stars=measured.stars,
        forced=measured.forced,
        facts={**_facts(measured), "not_drawn": failed},
        files={named(name, colour): content for name, content in files.items()},
    )


def solved_cards(header: StandardHeader, measured: MeasuredPlane) -> dict[str, str | float | int]:
    """Return the header of a measured plane: the standard keywords that are known, and the plate solution."""
    ny, nx = measured.photometry.prepared.shape
    own = {*measured.header_cards, *_REPLACED}
    known = {found.keyword: found.value for found in header.findings if found.value is not None}
    if "DATE-OBS" in known and "TIME-OBS" in known:  # as the FITS standard has it, in one card
        known["DATE-OBS"] = f"{known['DATE-OBS']}T{known.pop('TIME-OBS')}"
    said = {name: _card(value) for name, value in known.items() if name not in own}
    filter_name = {"FILTER": _card(measured.filter_name)} if measured.filter_name else {}
    return {"NAXIS1": nx, "NAXIS2": ny, "TIMESYS": "UTC", **said, **filter_name, **measured.header_cards}


def _card(value: str | float) -> str | float | int:
    """Return a value that a card can hold: text in ASCII, as much of it as there is room for."""
    return value if isinstance(value, int | float) else value.encode("ascii", "replace").decode()[:60]


def _facts(measured: MeasuredPlane) -> dict[str, Any]:
    solution, plane = measured.solution, measured.solution.plane
    ny, nx = measured.photometry.prepared.shape
    ra, dec = plane.sky(np.array([(nx - 1) / 2.0]), np.array([(ny - 1) / 2.0]))
    found = measured.forced
    forced = None if found is None else {name: _plain(value) for name, value in asdict(found).items()}
    return {
        "colour": measured.colour,
        "filter": measured.filter_name,
        "shape": [ny, nx],
        "quality": {name: _plain(value) for name, value in measured.quality.items()},
        "preparation": {name: _plain(value) for name, value in measured.photometry.prepared.notes.items()},
        "solution": {
            "ra_deg": float(ra[0]),
            "dec_deg": float(dec[0]),
            "scale_arcsec": plane.scale_arcsec,
            "mirrored": plane.parity > 0,
            "order": solution.order,
            "catalogue": solution.catalogue,
            "n_used": solution.n_used,
            "rms_east_arcsec": _plain(float(solution.rms_arcsec[0])),
            "rms_north_arcsec": _plain(float(solution.rms_arcsec[1])),
            "error_east_arcsec": _plain(float(solution.error_arcsec[0])),
            "error_north_arcsec": _plain(float(solution.error_arcsec[1])),
            "cards": dict(measured.header_cards),
        },
        "forced": forced,
    }


def _plain(value: object) -> object:
    """Return what JSON can hold: null for what is no number."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def _cutout(measured: MeasuredPlane, solved: Cards, target: Target) -> bytes:
    """Return the pixels around the target, and those that are left without sky and stars, as a FITS file."""
    photometry, plane = measured.photometry, measured.solution.plane
    ny, nx = photometry.prepared.shape
    column, row = plane.pixel(np.array([target.ra_deg]), np.array([target.dec_deg]))
    x, y = round(float(column[0])), round(float(row[0]))
    half = int(np.clip(_CUTOUT_ARCSEC / plane.scale_arcsec, _LEAST_CUTOUT, _MOST_CUTOUT))
    left, low = max(x - half, 0), max(y - half, 0)
    window = slice(low, min(y + half + 1, ny)), slice(left, min(x + half + 1, nx))
    data = photometry.prepared.data[window]
    rest = data - photometry.fitted.sky[window] - photometry.fitted.model[window]
    own = plane.on(Grid(step=1, x_first=left, y_first=low))
    replaced = {"NAXIS1", "NAXIS2", *measured.header_cards}
    cards = {name: value for name, value in solved.items() if name not in replaced}
    header = fits.Header(list({**cards, **plane_cards(own, data.shape)}.items()))
    file = fits.HDUList([fits.PrimaryHDU(data, header), fits.ImageHDU(rest, header, name="RESIDUAL")])
    written = io.BytesIO()
    file.writeto(written)
    return written.getvalue()


def _drawn(measured: MeasuredPlane, target: Target | None) -> Iterator[tuple[str, bytes]]:
    """Yield the figures, each with its name; without content where it cannot be drawn."""
    from photocal import figures

    draw: dict[str, Callable[[], bytes]] = {
        "overview": lambda: figures.overview(measured.photometry, measured, target),
        "psf": lambda: figures.psf(measured.photometry),
        "astrometry": lambda: figures.astrometry(measured),
    }
    if target is not None:
        draw["cutout"] = lambda: figures.cutout(measured, target)
    for name, figure in draw.items():
        try:
            yield name, figure()
        except Exception:  # noqa: BLE001 -- the stars count, with or without their picture
            yield name, b""
