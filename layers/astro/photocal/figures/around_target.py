"""The image around the target: what an observer looks at first."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from photocal.arrays import MAG_PER_RELATIVE_ERROR
from photocal.figures import drawing
from photocal.figures.drawing import Frame, line_above
from photocal.figures.pictures import (
    MARGIN,
    PULL,
    SIGMA,
    SMALL,
    TARGET,
    USUAL,
    WIDTH,
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
from photocal.results import Calibration, Target

_HALF_FWHM, _LEAST_HALF, _MOST_HALF = 14.0, 20, 80  # from the target to the edge: FWHM, pixels, pixels
_LOWER, _LARGE, _GAP = 0.5, 3.78, 0.1  # inches
_HEIGHT = _LOWER + _LARGE + 0.66
_SEEN = 3.0  # sigma


def cutout(measured: MeasuredPlane, target: Target, calibration: Calibration | None = None) -> bytes:
    """Draw the image around the target, the model of what is there, and what the model leaves.

    Parameters
    ----------
    measured
        The plane, on which the target lies.
    target
        Whose position the cross-hair is at.
    calibration
        What the target's magnitude became; without it the figure tells the instrumental one.

    Returns
    -------
    bytes
        PNG.
    """
    photometry, plane = measured.photometry, measured.solution.plane
    window, x, y = _window(measured, target)
    sky = photometry.fitted.sky[window]
    level = float(np.median(sky))
    data = photometry.prepared.data[window] - level
    model = photometry.fitted.model[window] + sky - level
    figure = page(_HEIGHT)
    line_above(figure, _headline(measured, target, calibration), down=0.1, size=12.5, bold=True)
    line_above(figure, _about(measured, calibration), down=0.37, size=USUAL)
    fwhm = photometry.quality["fwhm_pix"]
    side = 0.5 * (_LARGE - _GAP)
    scale = stretch(data, photometry.prepared.rms)
    large = picture(figure, Frame(left=MARGIN, bottom=_LOWER, width=_LARGE, height=_LARGE))
    right = WIDTH - MARGIN - side
    upper = picture(figure, Frame(left=right, bottom=_LOWER + side + _GAP, width=side, height=side))
    lower = picture(figure, Frame(left=right, bottom=_LOWER, width=side, height=side))
    show_grey(large, data, window, scale)
    show_grey(upper, model, window, scale)
    show_pull(lower, pulls(photometry, window), window)
    for axes, name, colour in (
        (large, "image", TARGET),
        (upper, "model: sky and stars", TARGET),
        (lower, "image \N{MINUS SIGN} model", drawing.LINE),
    ):
        cross_hair(axes, x, y, gap=1.6 * fwhm, length=4.2 * fwhm, colour=colour)
        label(axes, name)
    compass(large, plane)
    scale_bar(large, plane.scale_arcsec)
    _mark_source(large, measured, calibration)
    _explain(figure, calibration)
    return small_png(figure)


def _window(measured: MeasuredPlane, target: Target) -> tuple[tuple[slice, slice], float, float]:
    """Return the rows and columns of a square about the target that lies on the image, and where the target is."""
    column, row = measured.solution.plane.pixel(np.array([target.ra_deg]), np.array([target.dec_deg]))
    x, y = float(column[0]), float(row[0])
    half = int(np.clip(_HALF_FWHM * measured.photometry.quality["fwhm_pix"], _LEAST_HALF, _MOST_HALF))
    rows, columns = (
        _reach(place, half, size) for place, size in zip((y, x), measured.photometry.prepared.shape, strict=True)
    )
    return (rows, columns), x, y


def _reach(place: float, half: int, size: int) -> slice:
    """Return the pixels about a place; at an edge as many, but further in."""
    start = int(np.clip(round(place) - half, 0, max(size - 2 * half - 1, 0)))
    return slice(start, min(start + 2 * half + 1, size))


def _headline(measured: MeasuredPlane, target: Target, calibration: Calibration | None) -> str:
    if calibration is not None:
        return drawing.headline(calibration)
    name = f"{target.name}:  " if target.name else ""
    flux = measured.forced
    if flux is None:
        return f"{name}{measured.filter_name or 'no filter'}"
    if flux.flux <= _SEEN * flux.flux_err:
        limit = -2.5 * np.log10(max(_SEEN * flux.flux_err, 1e-9))
        return f"{name}not seen, instrumental > {limit:.2f}".replace("-", "\N{MINUS SIGN}")
    mag, err = -2.5 * np.log10(flux.flux), MAG_PER_RELATIVE_ERROR * flux.flux_err / flux.flux
    return f"{name}instrumental {drawing.with_error(mag, err, sign=True)} mag"


def _about(measured: MeasuredPlane, calibration: Calibration | None) -> str:
    quality, flux = measured.quality, measured.forced
    parts = [] if calibration is not None or not measured.filter_name else [f"filter {measured.filter_name}"]
    if flux is not None and flux.flux_err > 0.0:
        parts.append(f"S/N {flux.flux / flux.flux_err:.1f}".replace("-", "\N{MINUS SIGN}"))
    parts.append(f"seeing {quality['seeing_arcsec']:.2f}\N{DOUBLE PRIME} = {quality['fwhm_pix']:.1f} pixels")
    parts.append(f"1 pixel = {quality['scale_arcsec']:.2f}\N{DOUBLE PRIME}")
    return ",   ".join(parts)


def _mark_source(axes: Axes, measured: MeasuredPlane, calibration: Calibration | None) -> None:
    """Draw a ring around the star that was taken for the target."""
    row = None if calibration is None else calibration.target.source_index
    if row is None or measured.stars.x is None or measured.stars.y is None:
        return
    radius = 1.25 * measured.photometry.quality["fwhm_pix"]
    place = float(measured.stars.x[row]), float(measured.stars.y[row])
    axes.add_patch(Circle(place, radius, fill=False, ec=TARGET, lw=1.2, zorder=5))


def _explain(figure: Figure, calibration: Calibration | None) -> None:
    """Write below what lines and colours mean."""
    ringed = calibration is not None and calibration.target.source_index is not None
    left = ["cross-hair: the position given", "ring: the star that was measured"][: 1 + ringed]
    right = [
        "red: light left,  blue: too much taken",
        f"full colour at {PULL:.0f} {SIGMA},  yellow: left out",
    ]
    for x, lines, way in ((MARGIN, left, "left"), (WIDTH - MARGIN, right, "right")):
        for row, text in enumerate(lines):
            figure.text(
                x / WIDTH, (0.34 - 0.2 * row) / _HEIGHT, text, ha=way, va="center", fontsize=SMALL, color=drawing.LINE
            )
