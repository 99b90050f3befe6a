"""The panel of all filters: which one the image was taken in, for eyes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from cpcs.records import Mode
from photocal.arrays import Floats
from photocal.figures.drawing import (
    INLIER,
    LINE,
    PALE,
    WINNER,
    Frame,
    Marks,
    headline,
    likely,
    line_above,
    mark_stars,
    note,
    place,
    png,
    sheet,
    spoken,
    title,
    with_error,
)
from photocal.results import Calibration, Candidate

MOST_PANELS = 12
_CELL, _GAP = (2.88, 1.96), (0.58, 0.76)  # inches: axes, and between them
_LEFT, _RIGHT, _BOTTOM, _TOP = 0.84, 0.14, 0.62, 1.06
_LEAST_WIDTH = 6.0
_SHIFT = 0.04  # of the half height: a published zero point nearer to the plain one is not drawn as a second line


def panel(calibration: Calibration) -> bytes:
    """Draw the candidates side by side: the zero point that each star gives, against its reference magnitude.

    What is drawn is the plain fit, without colour and field term: its scatter tells filters apart. All share one
    height of the vertical axis, so that the right filter is the one that looks narrowest. The winner's title has the
    zero point that was published.

    Returns
    -------
    bytes
        PNG.
    """
    shown = calibration.candidates[:MOST_PANELS]
    columns = _columns(len(shown))
    rows = math.ceil(len(shown) / columns)
    wide = columns * _CELL[0] + (columns - 1) * _GAP[0]
    width = max(_LEFT + wide + _RIGHT, _LEAST_WIDTH)
    cell = _CELL[0] + (width - _LEFT - wide - _RIGHT) / columns
    height = _BOTTOM + rows * _CELL[1] + (rows - 1) * _GAP[1] + _TOP
    figure, half = sheet(width, height), _half_height(shown)
    for number, candidate in enumerate(shown):
        row, column = divmod(number, columns)
        bottom = height - _TOP - _CELL[1] - row * (_CELL[1] + _GAP[1])
        frame = Frame(left=_LEFT + column * (cell + _GAP[0]), bottom=bottom, width=cell, height=_CELL[1])
        _draw_candidate(place(figure, frame), candidate, half=half, calibration=calibration)
    middle = 0.5 * (_LEFT + width - _RIGHT) / width
    line_above(figure, headline(calibration), down=0.1, size=12.5, bold=True)
    line_above(figure, _subtitle(calibration, shown, half), down=0.36, size=9.5)
    across, up = "reference magnitude", "reference \N{MINUS SIGN} instrumental (mag)"
    figure.text(middle, 0.1 / height, across, fontsize=10, color=LINE, ha="center", va="bottom")
    figure.text(0.1 / width, 0.5, up, fontsize=10, color=LINE, rotation=90, va="center")
    return png(figure)


def _columns(n: int) -> int:
    """Return in how many columns n candidates stand: up to three in one row, up to six in two rows."""
    return min(n, 3) if n <= 3 else 4 if n > 6 else (n + 1) // 2  # noqa: PLR2004


def _is_apart(winner: Candidate, half: float) -> bool:
    """Whether the published zero point is drawn as a line of its own."""
    return abs(winner.fit.zero_point - winner.native.zero_point) > _SHIFT * half


def _subtitle(calibration: Calibration, shown: Sequence[Candidate], half: float) -> str:
    """Return how the filter was chosen, what came next, and what is not shown."""
    sure = f"confidence {100.0 * calibration.confidence:.0f} %"
    parts = [f"filter forced, {calibration.forced}" if calibration.mode is Mode.FORCED else f"filter chosen, {sure}"]
    runner_up = calibration.runner_up
    n = len(calibration.candidates)
    none = "the only candidate" if n == 1 else "no other could have won"
    parts.append(f"runner-up {spoken(runner_up)}" if runner_up else none)
    if n > len(shown):
        parts.append(f"the first {len(shown)} of {n} candidates, {n - len(shown)} not shown")
    if _is_apart(calibration.winner, half):
        parts.append("dashed: with colour and field term")
    return "    ".join(parts)


def _half_height(shown: Sequence[Candidate]) -> float:
    """Return the half height of all panels, mag: room for the inliers of most of them."""
    spreads = []
    for item in shown:
        inliers = likely(item.native.inlier_probability)
        if inliers.any():
            spreads.append(float(np.quantile(np.abs(_plain_residual(item)[inliers]), 0.95)))
    return float(np.clip(1.6 * np.quantile(spreads, 0.6), 0.2, 2.0)) if spreads else 1.0


def _plain_residual(candidate: Candidate) -> Floats:
    """Return what one zero point for all stars leaves of each, (n,) array, mag."""
    stars = candidate.stars
    return stars.ref_mag - stars.inst_mag - candidate.native.zero_point


def _draw_candidate(axes: Axes, candidate: Candidate, *, half: float, calibration: Calibration) -> None:
    native, stars = candidate.native, candidate.stars
    wins = candidate is calibration.winner
    middle = native.zero_point
    axes.axhspan(middle - native.scatter, middle + native.scatter, color=INLIER, alpha=0.16, lw=0)
    axes.axhline(middle, color=LINE, lw=1.1, zorder=4)
    if wins and _is_apart(candidate, half):
        axes.axhline(candidate.fit.zero_point, color=WINNER, lw=1.4, ls=(0, (5, 2)), zorder=4)
    marks = Marks(
        y=_plain_residual(candidate),
        error=np.hypot(stars.ref_err, stars.inst_err),
        inlier=likely(native.inlier_probability),
        middle=middle,
        half=half,
    )
    mark_stars(axes, stars.ref_mag, marks)
    _label_candidate(axes, candidate, calibration)
    if wins or candidate is calibration.runner_up:
        for spine in axes.spines.values():
            spine.set(color=WINNER if wins else LINE, linewidth=2.6 if wins else 1.2, visible=True)


def _label_candidate(axes: Axes, candidate: Candidate, calibration: Calibration) -> None:
    native, fit = candidate.native, candidate.fit
    wins = candidate is calibration.winner
    told = fit if wins else native
    colour = WINNER if wins else (PALE if candidate.refused else LINE)
    sigma = f"\N{GREEK SMALL LETTER SIGMA} = {native.scatter:.3f}"
    if wins and f"{fit.scatter:.3f}" != f"{native.scatter:.3f}":
        sigma += f" ({fit.scatter:.3f} with terms)"
    title(
        axes,
        f"{spoken(candidate)}   ZP = {with_error(told.zero_point, told.zero_point_err)}",
        f"{sigma}   f_outl = {native.outlier_fraction:.2f}   N = {native.n_matched}",
        colour=colour,
    )
    note(axes, 0.975, 0.955, _verdict(candidate, calibration), colour=colour, bold=wins)


def _verdict(candidate: Candidate, calibration: Calibration) -> str:
    if candidate.refused:
        return f"cannot win: {candidate.refused}"
    share = 100.0 * candidate.probability
    probability = "P < 0.5 %" if share < 0.5 else f"P = {share:.0f} %"  # noqa: PLR2004 - half a per cent
    if candidate is calibration.winner:
        return f"chosen, {probability}"
    return f"runner-up, {probability}" if candidate is calibration.runner_up else probability
