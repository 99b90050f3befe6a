"""The residuals over the field, as it stands on the sky: north up, east to the left."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from photocal.arrays import Bools, Floats
from photocal.figures.drawing import LINE, OUTLIER, likely, signed, title
from photocal.results import Calibration, Candidate, FieldTerm
from photocal.sphere import tangent_plane
from photocal.terms import FIRST_ORDER_STARS

_COLOURS = "coolwarm"  # Moreland's: told apart by everybody, and its middle is not the white of the paper
_CROWDED = 1500  # stars from which means over cells are drawn
_IN_CELL = 12  # stars in a cell, about
_CELLS = (6, 28)
_LEAST_IN_CELL = 3
_ARCMIN = 60.0


def draw_map(axes: Axes, bar: Axes, calibration: Calibration) -> None:
    """Draw the winner's residuals over the field, into square axes, with their scale into ``bar``."""
    winner = calibration.winner
    xy, target = _places(calibration)
    middle, half = _extent(np.vstack([xy, target]))
    axes.set_xlim(middle[0] + half, middle[0] - half)  # east to the left
    axes.set_ylim(middle[1] - half, middle[1] + half)
    inlier = likely(winner.stars.inlier_probability)
    crowded = inlier.sum() > _CROWDED
    scale = _draw_cells(axes, xy, winner, inlier) if crowded else _draw_stars(axes, xy, winner, inlier)
    _draw_outliers(axes, xy[~inlier], small=crowded)
    if winner.field_term is not None:
        _draw_field_term(axes, winner.field_term, calibration)
    _cross_hair(axes, target, half)
    axes.set_xlabel("east (arcmin)", fontsize=9.5, color=LINE)
    axes.set_ylabel("north (arcmin)", fontsize=9.5, color=LINE)
    about = "colour: mean residual of cells (mag)" if crowded else "colour: residual (mag);  size: brightness"
    title(axes, _said(winner.field_term, int(inlier.sum())), about)
    _draw_scale(bar, scale)


def _said(term: FieldTerm | None, n_inliers: int) -> str:
    if term is not None:
        return f"field term, order {term.order}: {term.range_mag:.3f} mag"
    return "no field term: too few stars" if n_inliers < FIRST_ORDER_STARS else "no field term called for"


def _places(calibration: Calibration) -> tuple[Floats, Floats]:
    """Return where the stars of the fit stand and where the target: (n, 2) and (2,) arrays, arcmin east and north."""
    stars, rows = calibration.stars, calibration.winner.stars.source_index
    ra, dec = stars.centre
    xy = tangent_plane(stars.ra_deg[rows], stars.dec_deg[rows], ra, dec)
    target = tangent_plane(calibration.target.ra_deg, calibration.target.dec_deg, ra, dec)
    return _ARCMIN * xy, _ARCMIN * target


def _extent(places: Floats) -> tuple[Floats, float]:
    """Return the middle and half the side of the square that holds all places, arcmin."""
    low, high = places.min(axis=0), places.max(axis=0)
    half = 0.54 * float(np.max(high - low))
    return 0.5 * (low + high), max(half, 0.1)


def _symmetric(values: Floats, least: float) -> Normalize:
    """Return a scale that has zero in its middle and reaches as far as nearly all values do."""
    reach = max(float(np.quantile(np.abs(values), 0.95)) if len(values) else 0.0, least)
    return Normalize(-reach, reach)


def _draw_stars(axes: Axes, xy: Floats, winner: Candidate, inlier: Bools) -> Normalize:
    """Draw the inliers star by star: the brighter the larger, the odder the later."""
    residual, mag = winner.stars.residual[inlier], winner.stars.ref_mag[inlier]
    faintness = (mag - mag.min(initial=np.inf)) / max(float(np.ptp(mag)) if len(mag) else 0.0, 0.1)
    largest = 70.0 if len(mag) <= 100 else 70.0 * (100.0 / len(mag)) ** 0.6  # noqa: PLR2004 - room for them all
    order = np.argsort(np.abs(residual), kind="stable")
    scale = _symmetric(residual, 0.01)
    size = largest * (1.0 - 0.85 * faintness)
    east, north = xy[inlier][order].T
    axes.scatter(
        east, north, c=residual[order], s=size[order], cmap=_COLOURS, norm=scale, edgecolors=LINE,
        linewidths=0.35, zorder=3,
    )  # fmt: skip
    return scale


def _draw_cells(axes: Axes, xy: Floats, winner: Candidate, inlier: Bools) -> Normalize:
    """Draw the weighted mean residual of the inliers in cells."""
    own = xy[inlier]
    n_cells = int(np.clip(np.sqrt(len(own) / _IN_CELL), *_CELLS))
    (east, west), (south, north) = axes.get_xlim(), axes.get_ylim()
    edges = [np.linspace(west, east, n_cells + 1), np.linspace(south, north, n_cells + 1)]
    stars = winner.stars
    weight = 1.0 / (winner.fit.scatter**2 + stars.ref_err**2 + stars.inst_err**2)[inlier]
    count, weights, total = (
        np.histogram2d(own[:, 0], own[:, 1], bins=edges, weights=each)[0]
        for each in (None, weight, weight * stars.residual[inlier])
    )
    mean = np.divide(total, weights, out=np.full_like(total, np.nan), where=count >= _LEAST_IN_CELL)
    scale = _symmetric(mean[np.isfinite(mean)], 0.005)
    axes.pcolormesh(*edges, mean.T, cmap=_COLOURS, norm=scale, zorder=2)
    return scale


def _draw_outliers(axes: Axes, xy: Floats, *, small: bool) -> None:
    axes.plot(
        *xy.T, "s", ms=1.5 if small else 4.2, mfc="none", mec=OUTLIER, mew=0.5 if small else 1.0,
        alpha=0.5 if small else 0.9, ls="none", zorder=4,
    )  # fmt: skip


def _draw_field_term(axes: Axes, term: FieldTerm, calibration: Calibration) -> None:
    """Draw the zero point over the field against that at the target's place, as lines of equal height."""
    (east, west), (south, north) = axes.get_xlim(), axes.get_ylim()
    x, y = np.meshgrid(np.linspace(west, east, 41), np.linspace(south, north, 41))
    unit = _ARCMIN * term.scale_deg
    _, target = _places(calibration)
    height = _polynomial(term, x / unit, y / unit) - _polynomial(term, target[0] / unit, target[1] / unit)
    lines = axes.contour(x, y, height, levels=4, colors=LINE, linewidths=0.9, zorder=5)
    levels = np.array(lines.levels)
    digits = next((n for n in (2, 3) if np.allclose(levels, np.round(levels, n), atol=1e-6)), 4)
    middle, half = np.array([0.5 * (east + west), 0.5 * (south + north)]), 0.5 * (north - south)
    for level, segments in zip(levels, lines.allsegs, strict=True):
        points = np.vstack([*segments, np.empty((0, 2))])
        # Where there is room: as near the middle as the line comes, clear of the edges and of the target.
        points = points[np.all(np.abs(points - middle) < 0.82 * half, axis=1)]
        points = points[np.hypot(*(points - target).T) > 0.3 * half]
        if len(points):
            x_best, y_best = points[np.argmin(np.hypot(*(points - middle).T))]
            axes.text(
                x_best, y_best, signed(level, digits), fontsize=7.5, color=LINE, ha="center", va="center", zorder=6,
                bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8},
            )  # fmt: skip


def _polynomial(term: FieldTerm, x: Floats | float, y: Floats | float) -> Floats:
    """Return the field term, mag, at places in its own units; its coefficients are named by their powers, ``xxy``."""
    factors = {"x": np.asarray(x), "y": np.asarray(y)}
    parts = [
        value * np.prod([factors[letter] for letter in name], axis=0)
        for name, value in zip(term.names, term.coefficients, strict=True)
    ]
    total: Floats = np.sum(parts, axis=0)
    return total


def _cross_hair(axes: Axes, target: Floats, half: float) -> None:
    """Mark the target without covering it."""
    inner, outer = 0.05 * half, 0.15 * half
    for dx, dy in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        ends = np.array([inner, outer])
        for colour, width in (("white", 3.2), (LINE, 1.6)):
            axes.plot(target[0] + dx * ends, target[1] + dy * ends, color=colour, lw=width, zorder=7)


def _draw_scale(bar: Axes, scale: Normalize) -> None:
    """Draw what the colours mean."""
    high = float(scale.vmax or 0.0)
    values = np.linspace(-high, high, 64)[:, None]
    bar.imshow(values, cmap=_COLOURS, norm=scale, extent=(0.0, 1.0, -high, high), aspect="auto", origin="lower")
    bar.grid(visible=False)
    bar.set_xticks([])
    bar.yaxis.tick_right()
    bar.tick_params(axis="y", labelsize=7.5)
