"""The whole image: its stars, what is left of it, and how well the plate solution holds."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from photocal.figures.drawing import INLIER, LINE, OUTLIER, PALE, Frame, line_above, note, place, title
from photocal.figures.pictures import (
    MARGIN,
    PULL,
    SIGMA,
    SMALL,
    USUAL,
    WIDTH,
    binned,
    compass,
    cross_hair,
    label,
    page,
    picture,
    pulls,
    scale_bar,
    show_grey,
    show_pull,
    small_png,
    stretch,
)
from photocal.imaging import MeasuredPlane
from photocal.pixels.records import Photometry
from photocal.results import Target

_ACROSS, _LEFT_ACROSS = 512, 176  # pixels at most that the image, and what is left of it, are drawn with
_TALLEST = 1.15  # times its width is no image drawn
_BELOW, _BOTTOM, _GAP = 2.5, 0.62, 0.4  # inches: the pictures in the lower row, what is below and above them
_MOST_MARKED = 300
_BRIGHT, _LEAST_BRIGHT = 50.0, 5  # signal to noise, and how many stars of it, by which a solution is judged
_CROWDED, _MOST_POINTS = 300, 2000  # stars from which points would cover each other; about so many are drawn
_NUMBERED = 1000.0  # mas: from where on residuals are told in arcsec
_HIGH_QUANTILE = 0.97
_SEEN, _BINS = 5.0, 30


def overview(photometry: Photometry, solved: MeasuredPlane | None = None, target: Target | None = None) -> bytes:
    """Draw the whole plane with its stars, what the model leaves of it, and how well the plate solution holds.

    Parameters
    ----------
    photometry
        The plane's.
    solved
        The plane on the sky; None where it is not known: then the stars' magnitudes are drawn instead.
    target
        Marked by a cross-hair, where there is one and the plane is solved.

    Returns
    -------
    bytes
        PNG.
    """
    ny, nx = photometry.prepared.shape
    width = WIDTH - 2.0 * MARGIN
    height = min(width * ny / nx, _TALLEST * width)
    width = height * nx / ny
    figure = page(_BOTTOM + _BELOW + _GAP + height + 0.68)
    line_above(figure, _headline(photometry, solved, target), down=0.1, size=12.5, bold=True)
    line_above(figure, _about(photometry, solved), down=0.37, size=USUAL)
    frame = Frame(left=0.5 * (WIDTH - width), bottom=_BOTTOM + _BELOW + _GAP, width=width, height=height)
    axes = picture(figure, frame)
    _draw_image(axes, photometry)
    _mark_stars(axes, photometry, solved)
    if solved is not None:
        _draw_sky(axes, solved, target)
    size = _BELOW / max(nx, ny)
    below = Frame(left=MARGIN, bottom=_BOTTOM + _BELOW - ny * size, width=nx * size, height=ny * size)
    _draw_left(picture(figure, below), photometry)
    side = place(figure, Frame(left=WIDTH - MARGIN - _BELOW, bottom=_BOTTOM, width=_BELOW, height=_BELOW))
    side.tick_params(labelsize=SMALL)
    if solved is None:
        _draw_magnitudes(side, photometry)
    else:
        _draw_places(side, solved)
    return small_png(figure)


def _headline(photometry: Photometry, solved: MeasuredPlane | None, target: Target | None) -> str:
    name = f"{target.name}:  " if target is not None and target.name else ""
    filter_name = f"filter {solved.filter_name},  " if solved is not None and solved.filter_name else ""
    return f"{name}{filter_name}{int(photometry.quality['n_stars'])} stars of S/N 5 and more"


def _about(photometry: Photometry, solved: MeasuredPlane | None) -> str:
    quality = photometry.quality
    sky = f"sky {quality['background']:.0f} ± {quality['background_rms']:.1f} counts"
    if solved is None:
        return f"FWHM {quality['fwhm_pix']:.1f} pixels,   {sky}"
    seeing = f"seeing {solved.quality['seeing_arcsec']:.2f}\N{DOUBLE PRIME} = {quality['fwhm_pix']:.1f} pixels"
    return f"{seeing},   {sky},   1 pixel = {solved.quality['scale_arcsec']:.2f}\N{DOUBLE PRIME}"


def _draw_image(axes: Axes, photometry: Photometry) -> None:
    prepared = photometry.prepared
    step = -(-max(prepared.shape) // _ACROSS)
    level = float(np.median(photometry.fitted.sky[::8, ::8]))
    whole = np.ones(prepared.shape, dtype=np.bool_)  # saturated pixels are light too
    light = binned(prepared.data - level, whole, step)
    show_grey(axes, light, _window(light.shape, step), stretch(light, prepared.rms))


def _mark_stars(axes: Axes, photometry: Photometry, solved: MeasuredPlane | None) -> None:
    """Draw circles around the brightest stars: those of the plate solution, or of all."""
    sources = photometry.fitted.sources
    rows = np.arange(len(sources)) if solved is None else solved.solution.source_index
    whose = "stars" if solved is None else "stars of the plate solution"
    shown = rows[np.argsort(-sources.flux[rows], kind="stable")][:_MOST_MARKED]
    axes.plot(
        sources.x[shown], sources.y[shown], "o", ms=7.0, mfc="none", mec=INLIER, mew=0.9, scalex=False, scaley=False
    )
    brightest = f"the brightest {len(shown)} of " if len(shown) < len(rows) else ""
    label(axes, f"circles: {brightest}{len(rows)} {whose}")


def _draw_sky(axes: Axes, solved: MeasuredPlane, target: Target | None) -> None:
    plane = solved.solution.plane
    compass(axes, plane)
    scale_bar(axes, plane.scale_arcsec)
    if target is not None:
        x, y = plane.pixel(np.array([target.ra_deg]), np.array([target.dec_deg]))
        size = max(solved.photometry.prepared.shape)
        cross_hair(axes, float(x[0]), float(y[0]), gap=0.02 * size, length=0.06 * size)


def _window(shape: tuple[int, ...], step: int) -> tuple[slice, slice]:
    """Return the pixels of the image that a binned one covers."""
    return slice(0, shape[0] * step), slice(0, shape[1] * step)


def _draw_left(axes: Axes, photometry: Photometry) -> None:
    """Draw what the model leaves of the image, over its noise."""
    ny, nx = photometry.prepared.shape
    left = pulls(photometry, (slice(0, ny), slice(0, nx)))
    step = -(-max(nx, ny) // _LEFT_ACROSS)
    means = binned(left, np.isfinite(left), step)
    show_pull(axes, means, _window(means.shape, step))
    quality = photometry.quality
    title(axes, "image \N{MINUS SIGN} model, over the noise")
    beyond = 100.0 * quality["residual_beyond_5sigma"]
    lines = (
        "red: light left,  blue: too much taken",
        f"full colour at {PULL:.0f} {SIGMA} of {step} \N{MULTIPLICATION SIGN} {step} pixels",
        f"rms {quality['residual_rms']:.2f};  {beyond:.1g} % of pixels beyond 5 {SIGMA}",
    )
    _below(axes, lines)


def _below(axes: Axes, lines: tuple[str, ...]) -> None:
    for row, text in enumerate(lines):
        axes.annotate(
            text, (0.0, 0.0), xytext=(0.0, -5.0 - 12.5 * row), xycoords="axes fraction", textcoords="offset points",
            fontsize=SMALL, color=LINE, ha="left", va="top", annotation_clip=False,
        )  # fmt: skip


def _draw_places(axes: Axes, solved: MeasuredPlane) -> None:
    """Draw the stars of the plate solution, measured less catalogue, east to the left as on the sky."""
    solution, sources = solved.solution, solved.photometry.fitted.sources
    places = np.stack([solution.residual_east_arcsec, solution.residual_north_arcsec])
    rows = solution.source_index
    bright = sources.flux[rows] > _BRIGHT * sources.flux_err[rows]
    best = bright if np.count_nonzero(bright) >= _LEAST_BRIGHT else np.ones(len(rows), dtype=np.bool_)
    typical = float(np.sqrt(np.mean(places[:, best] ** 2))) if best.any() else float("nan")
    unit, factor = ("mas", 1000.0) if 1000.0 * typical < _NUMBERED else ("\N{DOUBLE PRIME}", 1.0)
    largest = float(np.quantile(np.hypot(*places), _HIGH_QUANTILE)) if len(rows) else 1.0
    half = factor * float(np.nanmax([1.25 * largest, 1.6 * typical, 1e-6]))
    for mask, colour, alpha in ((~best, PALE, 0.45), (best, INLIER, 0.7)):
        some = np.flatnonzero(mask)[:: 1 + np.count_nonzero(mask) // _MOST_POINTS]
        east, north = np.clip(factor * places[:, some], -half, half)
        size = 2.2 if np.count_nonzero(mask) > _CROWDED else 3.8
        axes.plot(east, north, "o", ms=size, color=colour, alpha=alpha, mew=0.0, ls="none", zorder=3)
    if np.isfinite(typical):
        axes.add_patch(Circle((0.0, 0.0), factor * typical, fill=False, ec=OUTLIER, lw=1.5, zorder=4))
    axes.axhline(0.0, color=LINE, lw=0.7, zorder=2)
    axes.axvline(0.0, color=LINE, lw=0.7, zorder=2)
    axes.set_xlim(half, -half)
    axes.set_ylim(-half, half)
    axes.set_xlabel(f"east ({unit})", fontsize=SMALL, color=LINE)
    axes.set_ylabel(f"north ({unit})", fontsize=SMALL, color=LINE)
    title(axes, f"places less {solution.catalogue}'s")
    whose = f"blue, S/N > {_BRIGHT:.0f}: " if best is bright else ""
    note(axes, 0.03, 0.03, f"{whose}{factor * typical:.3g} {unit} rms", size=SMALL)


def _draw_magnitudes(axes: Axes, photometry: Photometry) -> None:
    """Draw how many stars there are of each magnitude, and where a star has S/N 5."""
    sources = photometry.fitted.sources
    good = (sources.flux > 0.0) & (sources.flux >= _SEEN * sources.flux_err)
    mag, depth = -2.5 * np.log10(sources.flux[good]), photometry.quality["depth_flux_5sigma"]
    axes.hist(mag, _BINS, color=INLIER, alpha=0.75)
    if depth > 0.0:
        axes.axvline(-2.5 * np.log10(depth), color=OUTLIER, lw=1.5)
    axes.set_xlabel("instrumental magnitude", fontsize=SMALL, color=LINE)
    axes.set_ylabel("stars", fontsize=SMALL, color=LINE)
    title(axes, "not placed on the sky")
    note(axes, 0.03, 0.97, "line: a lone star of S/N 5", size=SMALL)
