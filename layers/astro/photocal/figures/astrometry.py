"""The plate solution: what its stars are off by, over the image and as histograms."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from photocal.arrays import Floats
from photocal.figures.drawing import INLIER, LINE, OUTLIER, PALE, Frame, line_above, note, place, png, sheet
from photocal.imaging import MeasuredPlane

_WIDTH, _HEIGHT, _SIDE = 7.6, 4.55, 3.3  # inches
_LEFT, _RIGHT, _LOWER = 0.7, 4.75, 0.6
_HISTOGRAM = (2.6, 1.35)  # inches
_MOST_ARROWS = 400
_LONGEST = 0.06  # of the longer side: an arrow of so many rms
_RMS_SHOWN = 2.0
_BEYOND = 4.0  # rms at either end of a histogram; what lies beyond is counted in the last bins
_BINS = 32


def astrometry(measured: MeasuredPlane) -> bytes:
    """Draw the residuals of a plate solution: measured minus reference.

    Arrows point where the star was measured from where the catalogue has it, on the image; the brightest of many stars
    are drawn. A solution without stars is drawn empty.

    Parameters
    ----------
    measured
        A plane, solved.

    Returns
    -------
    bytes
        PNG.
    """
    solution = measured.solution
    figure = sheet(_WIDTH, _HEIGHT)
    ny, nx = measured.photometry.prepared.shape
    inch = _SIDE / max(nx, ny)
    field = place(figure, Frame(left=_LEFT, bottom=_LOWER, width=nx * inch, height=ny * inch))
    rms = float(np.sqrt(np.mean(np.square(np.nan_to_num(solution.rms_arcsec))))) * 1000.0
    _arrows(field, measured, rms)
    width, height = _HISTOGRAM
    sides = (
        ("north", solution.residual_north_arcsec, _LOWER, OUTLIER),
        ("east", solution.residual_east_arcsec, _LOWER + _SIDE - height, INLIER),
    )
    for name, residual, bottom, colour in sides:
        axes = place(figure, Frame(left=_RIGHT, bottom=bottom, width=width, height=height))
        _histogram(axes, name, 1000.0 * residual, rms, colour)
    line_above(figure, _headline(measured), down=0.1, size=12.5, bold=True)
    line_above(figure, _about(measured), down=0.37, size=9.0)
    return png(figure)


def _headline(measured: MeasuredPlane) -> str:
    solution = measured.solution
    if not solution.n_used:
        return "No star fits the plate solution"
    east, north = (1000.0 * value for value in solution.rms_arcsec)
    return f"{solution.n_used} stars of {solution.catalogue}, rms {east:.3g} mas east, {north:.3g} mas north"


def _about(measured: MeasuredPlane) -> str:
    solution = measured.solution
    words = {0: "shift only", 1: "linear", 2: "quadratic", 3: "cubic", 4: "quartic"}
    parts = [words[solution.order], f'{solution.plane.scale_arcsec:.4f}" per pixel']
    if np.isfinite(solution.error_arcsec[0]):
        parts.append(f"error of the solution {1000.0 * solution.error_arcsec[0]:.2g} mas along an axis")
    return ", ".join(parts)


def _arrows(axes: Axes, measured: MeasuredPlane, rms: float) -> None:
    """Draw the stars that were used, and from the brightest of them arrows along what they are off by, in pixels."""
    solution, sources = measured.solution, measured.photometry.fitted.sources
    ny, nx = measured.photometry.prepared.shape
    axes.set_xlim(-0.5, nx - 0.5)
    axes.set_ylim(-0.5, ny - 0.5)
    axes.set_xlabel("x [pixels]", fontsize=9)
    axes.set_ylabel("y [pixels]", fontsize=9)
    if not solution.n_used or not rms:
        return
    used = solution.source_index
    shown = np.argsort(-sources.flux[used], kind="stable")[:_MOST_ARROWS]
    x, y = sources.x[used][shown], sources.y[used][shown]
    sky = np.stack([solution.residual_east_arcsec[shown], solution.residual_north_arcsec[shown]])
    off = np.linalg.solve(np.array(solution.plane.matrix), sky / 3600.0)  # pixels
    scale = _LONGEST * max(nx, ny) / (_RMS_SHOWN * rms / 1000.0 / solution.plane.scale_arcsec)
    axes.plot(x, y, "o", ms=1.4, mfc=PALE, mec="none", ls="none")
    axes.quiver(
        x, y, off[0] * scale, off[1] * scale, angles="xy", scale_units="xy", scale=1.0, width=0.0035, headwidth=3.5,
        headlength=4.0, headaxislength=3.6, color=INLIER, zorder=3, clip_on=True,
    )  # fmt: skip
    length = _LONGEST * max(nx, ny)
    axes.plot([0.03 * nx, 0.03 * nx + length], [0.035 * ny] * 2, "-", color=LINE, lw=1.6, zorder=7)
    note(axes, 0.05 + length / nx, 0.015, f"{_RMS_SHOWN * rms:.3g} mas")


def _histogram(axes: Axes, name: str, residual: Floats, rms: float, colour: str) -> None:
    """Draw how many stars are off by how much."""
    axes.set_xlabel(f"{name}: measured \N{MINUS SIGN} catalogue [mas]", fontsize=9)
    axes.set_ylabel("stars", fontsize=9)
    if not len(residual) or not rms:
        return
    end = _BEYOND * rms
    axes.hist(np.clip(residual, -end, end), bins=_BINS, range=(-end, end), color=colour, alpha=0.85)
    axes.axvline(0.0, color=LINE, lw=0.8)
    axes.set_xlim(-end, end)
    mean = float(np.mean(residual))
    note(axes, 0.97, 0.95, f"rms {np.sqrt(np.mean(residual**2)):.3g}\nmean {mean:.2g}", size=7.5)
