"""The stars of the zero point that was used: what the fit leaves of each, against all that it might depend on."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from photocal.arrays import Bools, Floats
from photocal.figures.drawing import (
    INLIER,
    LINE,
    OUTLIER,
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
    title,
    with_error,
)
from photocal.figures.field_map import draw_map
from photocal.results import Calibration, Candidate, ColourTerm, TargetMagnitude

_WIDTH, _HEIGHT = 7.2, 7.1  # inches
_LEFT, _RIGHT, _LOWER, _UPPER = 0.74, 4.36, 0.52, 3.74
_AXES, _SIDE, _BAR = (2.7, 2.3), 2.3, 0.09
_BINNED = 25  # stars from which a running median is drawn
_MOST_BINS = 10
_PULLS = 5.0  # how far the histogram goes to either side


def residuals(calibration: Calibration) -> bytes:
    """Draw the winner's stars: against colour, magnitude and position, and in units of their errors.

    Returns
    -------
    bytes
        PNG.
    """
    winner = calibration.winner
    figure = sheet(_WIDTH, _HEIGHT)
    right = Frame(left=_RIGHT, bottom=_UPPER, width=_AXES[0], height=_AXES[1])
    _against_colour(place(figure, Frame(left=_LEFT, bottom=_UPPER, width=_AXES[0], height=_AXES[1])), calibration)
    _against_magnitude(place(figure, right), winner)
    draw_map(
        place(figure, Frame(left=_LEFT, bottom=_LOWER, width=_SIDE, height=_SIDE)),
        place(figure, Frame(left=_LEFT + _SIDE + 0.08, bottom=_LOWER, width=_BAR, height=_SIDE)),
        calibration,
    )
    _in_errors(place(figure, Frame(left=_RIGHT, bottom=_LOWER, width=_AXES[0], height=_SIDE)), winner)
    line_above(figure, headline(calibration), down=0.1, size=12.5, bold=True)
    line_above(figure, _about(winner), down=0.37, size=9.5)
    return png(figure)


def _about(winner: Candidate) -> str:
    n_outliers = int((~likely(winner.stars.inlier_probability)).sum())
    counted = "1 outlier" if n_outliers == 1 else f"{n_outliers} outliers"
    return (
        f"zero point {with_error(winner.fit.zero_point, winner.fit.zero_point_err)},  "
        f"scatter {winner.fit.scatter:.3f},  {winner.fit.n_matched} stars,  {counted}"
    )


def _marks(winner: Candidate, y: Floats) -> Marks:
    """Return the stars about zero, with room for the inliers."""
    stars, inlier = winner.stars, likely(winner.stars.inlier_probability)
    error = np.hypot(stars.ref_err, stars.inst_err)
    own = np.abs(y[inlier]) if inlier.any() else np.abs(y)
    half = float(np.clip(1.5 * np.quantile(own, 0.98), max(3.5 * winner.fit.scatter, 0.05), 3.0))
    return Marks(y=y, error=error, inlier=inlier, middle=0.0, half=half)


# --- against colour -----------------------------------------------------------------------------


def _against_colour(axes: Axes, calibration: Calibration) -> None:
    winner = calibration.winner
    term, colour = winner.colour_term, winner.stars.colour
    known = np.zeros(len(winner.stars.residual), dtype=bool) if colour is None else np.isfinite(colour)
    if colour is None or not known.any():
        _say_why(axes, winner)
        return
    residual = winner.stars.residual
    slope = term.value * (colour - term.reference_colour) if term else np.zeros(len(residual))
    everything = _marks(winner, residual + np.where(known, slope, 0.0))
    marks = Marks(
        y=everything.y[known], error=everything.error[known], inlier=everything.inlier[known],
        middle=0.0, half=everything.half,
    )  # fmt: skip
    low, high = _colour_range(colour[known], marks.inlier, term, calibration.target)
    edge = 0.01 * (high - low)  # stars of a colour beyond stand at the edge
    mark_stars(axes, np.clip(colour[known], low + edge, high - edge), marks)
    axes.set_xlim(low, high)
    if term is None:
        axes.axhline(0.0, color=LINE, lw=1.1, zorder=4)
        title(axes, "no colour term", "too few stars with a colour, or all of one")
    else:
        _draw_term(axes, term, winner.fit.zero_point_err, np.linspace(low, high, 50))
        _mark_target(axes, calibration.target)
        title(axes, f"colour term {with_error(term.value, term.err, sign=True)}", _sources(term))
    named = _minus(term.colour) if term else "colour"
    axes.set_xlabel(f"{named} of {known.sum()} stars (mag)", fontsize=9.5, color=LINE)
    axes.set_ylabel("residual before colour term (mag)" if term else "residual (mag)", fontsize=9.5, color=LINE)


def _say_why(axes: Axes, winner: Candidate) -> None:
    """Write on axes with nothing to draw why there is nothing."""
    passband = winner.passband
    why = (
        f"{passband.catalogue} has no two filters\nfor a colour of {passband.filter}"
        if winner.stars.colour is None
        else "no star of the fit\nhas a colour"
    )
    axes.text(
        0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", fontsize=10, color=LINE, linespacing=1.4
    )
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set(visible=True, color=PALE, linestyle=(0, (3, 3)))
    title(axes, "no colour term", "")


def _colour_range(
    colour: Floats, inlier: Bools, term: ColourTerm | None, target: TargetMagnitude
) -> tuple[float, float]:
    """Return what the axis of colours shows: the inliers, and the target where its colour is known."""
    shown = list(colour[inlier] if inlier.any() else colour)
    if term is not None:
        shown.append(term.reference_colour)
        if _is_known(target):
            shown.append(target.colour)
    low, high = float(min(shown)), float(max(shown))
    room = max(0.05 * (high - low), 0.05)
    return low - room, high + room


def _draw_term(axes: Axes, term: ColourTerm, zero_point_err: float, colour: Floats) -> None:
    away = colour - term.reference_colour
    line, band = term.value * away, np.hypot(zero_point_err, term.err * away)
    axes.fill_between(colour, line - band, line + band, color=WINNER, alpha=0.28, lw=0, zorder=4)
    axes.plot(colour, line, color=WINNER, lw=1.6, zorder=5)
    axes.plot([term.reference_colour], [0.0], "o", ms=6.5, mfc="white", mec=WINNER, mew=1.6, zorder=6)


def _is_known(target: TargetMagnitude) -> bool:
    """Whether the target's colour is its own, not what the stars of the field have."""
    return target.colour is not None and target.colour_source in {"given", "catalogue"}


def _mark_target(axes: Axes, target: TargetMagnitude) -> None:
    if target.colour is None or not _is_known(target):
        note(axes, 0.025, 0.03, "\N{WHITE CIRCLE} stars' mean colour; the target's is unknown", size=7.5)
        return
    axes.axvline(target.colour, color=LINE, lw=1.2, ls=(0, (4, 2)), zorder=4)
    note(axes, 0.025, 0.03, f"\N{WHITE CIRCLE} stars' mean colour   ┆ target's ({target.colour_source})", size=7.5)


def _sources(term: ColourTerm) -> str:
    """Return what the term is made of: what this frame says, and what was believed before."""
    prior = term.prior
    frames = "1 frame" if prior.n_frames == 1 else f"{prior.n_frames} frames"
    believed = (
        f"{with_error(prior.value, prior.err, sign=True, digits=2)} ({frames if prior.n_frames else 'any camera'})"
    )
    measured = term.measured
    if measured is None:
        return f"prior only: {believed}"
    return f"frame {with_error(measured.value, measured.err, sign=True, digits=2)}, prior {believed}"


def _minus(colour: str) -> str:
    return colour.replace("-", " \N{MINUS SIGN} ")


# --- against magnitude --------------------------------------------------------------------------


def _against_magnitude(axes: Axes, winner: Candidate) -> None:
    fit, stars = winner.fit, winner.stars
    marks = _marks(winner, stars.residual)
    axes.axhspan(-fit.scatter, fit.scatter, color=INLIER, alpha=0.16, lw=0)
    axes.axhline(0.0, color=LINE, lw=1.1, zorder=4)
    mark_stars(axes, stars.ref_mag, marks)
    about = "shaded: scatter beyond the quoted errors"
    if marks.inlier.sum() >= _BINNED:
        _draw_medians(axes, stars.ref_mag[marks.inlier], stars.residual[marks.inlier])
        about = "shaded: scatter;  diamonds: median, 68 %"
    title(axes, f"scatter {with_error(fit.scatter, fit.scatter_err)}", about)
    axes.set_xlabel("reference magnitude", fontsize=9.5, color=LINE)
    axes.set_ylabel("residual (mag)", fontsize=9.5, color=LINE)


def _draw_medians(axes: Axes, mag: Floats, residual: Floats) -> None:
    """Draw the median of equal shares of the stars, with the middle 68 %."""
    n_bins = min(_MOST_BINS, len(mag) // 12)
    order = np.argsort(mag, kind="stable")
    shares = np.array_split(order, n_bins)
    where = np.array([np.median(mag[share]) for share in shares])
    low, middle, high = np.array([np.quantile(residual[share], (0.16, 0.5, 0.84)) for share in shares]).T
    axes.vlines(where, low, high, colors=LINE, lw=1.3, zorder=5)
    axes.plot(where, middle, "D", ms=4.2, mfc="white", mec=LINE, mew=1.2, ls="none", zorder=6)


# --- in units of the errors ---------------------------------------------------------------------


def _in_errors(axes: Axes, winner: Candidate) -> None:
    """Draw the histogram of residual over error, with what it would be were all errors right."""
    stars, inlier = winner.stars, likely(winner.stars.inlier_probability)
    quoted = np.maximum(np.hypot(stars.ref_err, stars.inst_err), 1e-9)
    pull = stars.residual / np.hypot(quoted, winner.fit.scatter)
    step = 0.5 if len(pull) >= 60 else 1.0  # noqa: PLR2004 - a few stars to a bin
    edges = np.arange(-_PULLS, _PULLS + 0.5 * step, step)
    inside = np.clip(pull, -_PULLS + 0.5 * step, _PULLS - 0.5 * step)  # those beyond in the last bins
    own, alone = (
        np.histogram(values, edges)[0] for values in (inside[inlier], stars.residual[inlier] / quoted[inlier])
    )
    odd = np.histogram(inside[~inlier], edges)[0]
    some = odd > 0
    axes.bar(edges[:-1][some], odd[some], step, own[some], align="edge", fill=False, ec=OUTLIER, lw=1.1, zorder=3)
    axes.stairs(own, edges, fill=True, color=INLIER, alpha=0.55, lw=0, zorder=2)
    axes.stairs(alone, edges, color=LINE, lw=1.0, ls=(0, (2, 1.5)), zorder=4)
    x = np.linspace(-_PULLS, _PULLS, 121)
    gauss = inlier.sum() * step * np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)
    axes.plot(x, gauss, color=WINNER, lw=1.6, zorder=5)
    axes.set_xlim(-_PULLS, _PULLS)
    axes.set_ylim(0.0, 1.1 * max(gauss.max(), (own + odd).max(), alone.max()))
    within = float(np.mean(np.abs(pull[inlier]) < 1.0)) if inlier.any() else 0.0
    title(axes, f"{100.0 * within:.0f} % within one error", "curve: Gaussian, 68 %;  dashed: quoted errors")
    axes.locator_params(axis="y", integer=True)
    axes.set_xlabel("residual / error", fontsize=9.5, color=LINE)
    axes.set_ylabel("stars", fontsize=9.5, color=LINE)
