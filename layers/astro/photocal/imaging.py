"""A frame from its pixels to stars on the sky: every plane measured, solved, and the target's flux read off.

What comes out is what a catalogue would have been: a `StarList` with right ascensions, declinations and instrumental
magnitudes, for `photocal.calibration` to put on a standard scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cpcs.errors import CpcsError, NotSolved, TargetOutsideField, UnusableImage
from photocal.arrays import MAG_PER_RELATIVE_ERROR
from photocal.astrometry.cards import cards, hint_of
from photocal.astrometry.plane import Plane
from photocal.astrometry.refine import Solution, refine
from photocal.astrometry.solve import Hint, Solved, Work, solve
from photocal.epochs import year_of
from photocal.headers.standard import StandardHeader
from photocal.images.frame import Frame, Grid, Image
from photocal.pixels import quality
from photocal.pixels.measure import Progress, forced, measure_plane
from photocal.pixels.records import Detector, ForcedFlux, Photometry
from photocal.pointing import Pointing
from photocal.references import BEST_PLACES, ENOUGH_FOR_PLACES
from photocal.references.stars import ReferenceStars
from photocal.results import Target
from photocal.sphere import separation_deg
from photocal.stars import CatalogueMeta, StarList

FORMAT = "image"
MOST_TRIED = 2  # catalogues
_MEASURING = 0.7  # of all work; the rest is the solution


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredPlane:
    """One plane, measured and solved.

    Attributes
    ----------
    colour
        ``R``, ``G`` or ``B`` of a one-shot-colour camera; empty for an image through a filter.
    filter_name
        The header's; of a one-shot-colour camera what the AAVSO calls its colours: ``TR``, ``TG``, ``TB``.
    photometry
        Its stars, in pixels and counts.
    solution
        Where the pixels are on the sky.
    stars
        The same on the sky, with instrumental magnitudes: -2.5 log10 counts of the whole exposure. ``number`` is the
        row among the photometry's sources, from 1; those without a positive flux are left out.
    forced
        What the plane has at the target's position, within its aperture correction; None when no target was given.
    header_cards
        The solution as FITS cards.
    quality
        Name -> number: those of the photometry, ``seeing_arcsec``, ``scale_arcsec``, ``n_astrometric``,
        ``astrometric_rms_arcsec``, and those of `photocal.pixels.quality.of_sky`.
    """

    colour: str
    filter_name: str
    photometry: Photometry
    solution: Solution
    stars: StarList
    forced: ForcedFlux | None
    header_cards: dict[str, str | float | int]
    quality: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredFrame:
    """A frame, measured: its planes in the frame's order, without those of too few stars."""

    planes: tuple[MeasuredPlane, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Field:
    """What every plane of a frame has in common."""

    header: StandardHeader
    references: tuple[ReferenceStars, ...]  # at the epoch of the image, the best known places first
    pointing: Pointing
    target: Target | None
    mjd: float | None


def detector_of(header: StandardHeader) -> Detector:
    """Return what a header says of the detector."""
    return Detector(
        gain=header.number("GAIN"), read_noise_e=header.number("RDNOISE"), saturation=header.number("SATURATE")
    )


def measure_frame(
    frame: Frame,
    header: StandardHeader,
    references: Sequence[ReferenceStars],
    *,
    pointing: Pointing,
    target: Target | None,
    mjd: float | None,
    progress: Progress | None = None,
) -> MeasuredFrame:
    """Measure a frame.

    Parameters
    ----------
    frame
        As it was read.
    header
        What its header says.
    references
        Reference stars of the field and of as much around it as the pointing may be off by.
    pointing
        Where the image may be.
    target
        The position whose magnitude is wanted; None for the stars alone.
    mjd
        Mid-exposure, UTC; None leaves proper motions aside.
    progress
        Called with a step's name and the share of the work that is behind.

    Raises
    ------
    UnusableImage
        No plane can be measured; of the first, why: `TooFewStars`, most of the time.
    NotSolved
        The stars are not recognised, or there is no reference star.
    TargetOutsideField
        The target does not lie on the image.
    """
    photometry = dict(_measured(frame, header, progress))
    field = _Field(header=header, references=_best(references, mjd), pointing=pointing, target=target, mjd=mjd)
    first = max(photometry, key=lambda k: photometry[k].quality["n_stars"])
    if progress is not None:
        progress("solve", _MEASURING)
    solved = _solved(frame.planes[first], photometry[first], field)
    planes = []
    for k, (number, measured) in enumerate(photometry.items()):
        if progress is not None:
            progress("refine", _MEASURING + (1.0 - _MEASURING) * (k + 1) / (len(photometry) + 1))
        plane = solved.plane.on(_between(frame.planes[first].grid, frame.planes[number].grid))
        planes.append(_finished(frame.planes[number], measured, plane, field))
    return MeasuredFrame(planes=tuple(planes))


def forced_at(measured: MeasuredPlane, target: Target) -> MeasuredPlane:
    """Return the same plane with the flux at another target's position.

    Raises
    ------
    TargetOutsideField
        It is not on the image.
    """
    return replace(measured, forced=_forced(measured.photometry, measured.solution.plane, target))


def _measured(frame: Frame, header: StandardHeader, progress: Progress | None) -> Iterator[tuple[int, Photometry]]:
    """Yield the planes that can be measured, by their number.

    Raises
    ------
    UnusableImage
        There is none; of the first, why.
    """
    detector = detector_of(header)
    share = _MEASURING / len(frame.planes)
    failed: UnusableImage | None = None
    n_measured = 0
    for number, image in enumerate(frame.planes):

        def tell(step: str, done: float, before: float = number * share) -> None:
            if progress is not None:
                progress(step, before + share * done)

        try:
            yield number, measure_plane(image, detector, progress=tell)
            n_measured += 1
        except UnusableImage as error:  # TooFewStars is one
            failed = failed or error
    if failed is not None and not n_measured:
        raise failed


def _best(references: Sequence[ReferenceStars], mjd: float | None) -> tuple[ReferenceStars, ...]:
    """Return the reference stars that places are taken from, at the epoch, the best known first."""
    known = sorted((item for item in references if item.n), key=_rank)
    enough = [item for item in known if item.n >= ENOUGH_FOR_PLACES] or known
    if mjd is None:
        return tuple(enough)
    return tuple(item.at_epoch(year_of(mjd)) for item in enough)


def _rank(item: ReferenceStars) -> int:
    return BEST_PLACES.index(item.catalogue) if item.catalogue in BEST_PLACES else len(BEST_PLACES)


def _solved(image: Image, photometry: Photometry, field: _Field) -> Solved:
    """Find where the plane is on the sky, from the header's hints one after the other, with one catalogue or two."""
    sources, pointing = photometry.fitted.sources, field.pointing
    good = sources.flux > 0.0
    failed: CpcsError | None = None
    work = Work()
    for reference in field.references[:MOST_TRIED]:
        for hint in _hints(image, photometry.prepared.shape, field):
            try:
                return solve(
                    sources.x[good],
                    sources.y[good],
                    sources.flux[good],
                    photometry.prepared.shape,
                    reference,
                    hint,
                    work,
                )
            except NotSolved as error:
                failed = failed or error
    raise failed or NotSolved(
        n_stars=int(np.count_nonzero(good)),
        n_reference=0,
        radius_deg=pointing.within_deg,
        ra_deg=pointing.ra_deg,
        dec_deg=pointing.dec_deg,
        lowest_scale=pointing.scales_arcsec[-1][0],
        highest_scale=pointing.scales_arcsec[-1][1],
    )


def _hints(image: Image, shape: tuple[int, int], field: _Field) -> Iterator[Hint]:
    """Yield where the image may be: as its header points, if that is near, and around the place that is known."""
    step, within = image.grid.step, field.pointing.within_deg
    said = hint_of(field.header.wcs)
    plane = said.on(image.grid) if said is not None else None
    for low, high in ((low * step, high * step) for low, high in field.pointing.scales_arcsec):
        for ra, dec in _places(field, within + 0.5 * high / 3600.0 * float(np.hypot(*shape))):
            yield Hint(ra_deg=ra, dec_deg=dec, radius_deg=within, scale_arcsec=(low, high), plane=plane)


def _places(field: _Field, width_deg: float) -> Iterator[tuple[float, float]]:
    """Yield the positions that the image may be around: what its header points at, and what somebody said."""
    place = field.pointing.ra_deg, field.pointing.dec_deg
    ra, dec = field.header.number("RA"), field.header.number("DEC")
    if ra is not None and dec is not None and 0.0 < float(separation_deg(ra, dec, *place)) < width_deg:
        yield ra, dec
    yield place


def _between(first: Grid, other: Grid) -> Grid:
    """Return where the pixels of one plane lie in another of the same step."""
    if first.step != other.step:
        raise ValueError(f"the planes of a frame have different steps, {first.step} and {other.step}")
    return Grid(
        step=1,
        x_first=(other.x_first - first.x_first) / first.step,
        y_first=(other.y_first - first.y_first) / first.step,
    )


def _finished(image: Image, photometry: Photometry, plane: Plane, field: _Field) -> MeasuredPlane:
    sources = photometry.fitted.sources
    solution = refine(
        sources.x,
        sources.y,
        sources.x_err,
        sources.y_err,
        sources.flux,
        sources.flags,
        photometry.prepared.shape,
        field.references[0],
        plane,
    )
    ra, dec = _middle(photometry, solution.plane)
    scale = solution.plane.scale_arcsec
    return MeasuredPlane(
        colour=image.colour,
        filter_name=f"T{image.colour}" if image.colour else field.header.text("FILTER"),
        photometry=photometry,
        solution=solution,
        stars=_stars(photometry, solution.plane, image),
        forced=_forced(photometry, solution.plane, field.target),
        header_cards=cards(solution.plane, photometry.prepared.shape),
        quality={
            **photometry.quality,
            "scale_arcsec": scale,
            "seeing_arcsec": photometry.quality["fwhm_pix"] * scale,
            "n_astrometric": float(solution.n_used),
            "astrometric_rms_arcsec": float(np.hypot(*solution.rms_arcsec) / np.sqrt(2.0)),
            **quality.of_sky(field.header, field.mjd, ra, dec),
        },
    )


def _stars(photometry: Photometry, plane: Plane, image: Image) -> StarList:
    sources = photometry.fitted.sources
    rows = np.flatnonzero((sources.flux > 0.0) & np.isfinite(sources.flux_err))
    good = sources.select(rows)
    ra, dec = plane.sky(good.x, good.y)
    columns = {"inst_mag": "-2.5 log10 flux", "inst_mag_err": "flux_err / flux", "x": "x", "y": "y", "flags": "flags"}
    return StarList(
        ra_deg=ra,
        dec_deg=dec,
        inst_mag=-2.5 * np.log10(good.flux),
        inst_mag_err=MAG_PER_RELATIVE_ERROR * good.flux_err / good.flux,
        flags=good.flags,
        x=good.x,
        y=good.y,
        number=rows + 1,
        meta=CatalogueMeta(
            format=FORMAT,
            n_rows=len(sources),
            columns=columns,
            header=_meta(image),
            fwhm_arcsec=photometry.quality["fwhm_pix"] * plane.scale_arcsec,
        ),
    )


def _meta(image: Image) -> dict[str, str]:
    return {"COLOUR": image.colour} if image.colour else {}


def _forced(photometry: Photometry, plane: Plane, target: Target | None) -> ForcedFlux | None:
    """Return the flux at the target's position.

    Raises
    ------
    TargetOutsideField
        It is not on the image.
    """
    if target is None:
        return None
    ny, nx = photometry.prepared.shape
    column, row = plane.pixel(np.array([target.ra_deg]), np.array([target.dec_deg]))
    x, y = float(column[0]), float(row[0])
    if not (abs(x - (nx - 1) / 2.0) <= nx / 2.0 and abs(y - (ny - 1) / 2.0) <= ny / 2.0):
        ra, dec = _middle(photometry, plane)
        radius = 0.5 * float(np.hypot(nx, ny)) * plane.scale_arcsec / 3600.0
        raise TargetOutsideField(
            ra_deg=target.ra_deg,
            dec_deg=target.dec_deg,
            field_ra_deg=ra,
            field_dec_deg=dec,
            field_radius_deg=radius,
            outside_deg=max(float(separation_deg(target.ra_deg, target.dec_deg, ra, dec)) - radius, 0.0),
        )
    fwhm = float(photometry.fitted.psf.fwhm(np.array([x]), np.array([y]))[0])
    return replace(forced(photometry, x, y), fwhm_arcsec=fwhm * plane.scale_arcsec)


def _middle(photometry: Photometry, plane: Plane) -> tuple[float, float]:
    """Return where the middle of the image is, deg."""
    ny, nx = photometry.prepared.shape
    ra, dec = plane.sky(np.array([(nx - 1) / 2.0]), np.array([(ny - 1) / 2.0]))
    return float(ra[0]), float(dec[0])
