"""Figures, as PNG. The only module that knows matplotlib; it uses no global state, so any thread may draw.

The colours are Okabe and Ito's, told apart by everybody; shapes tell the same as colours do.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from cpcs.filters import group_of
from cpcs.records import FollowupPoint
from photocal.arrays import Anything, Floats
from photocal.results import Calibration, Candidate

MOST_PANELS = 12
DPI = 110
INLIER, OUTLIER, WINNER, LINE, PALE = "#0072B2", "#D55E00", "#009E73", "#222222", "#8C8C8C"
_COLOURS = {
    "ultraviolet": "#CC79A7",
    "blue": "#0072B2",
    "visual": "#009E73",
    "red": "#D55E00",
    "infrared": "#7B3294",
    "far": "#5C4033",
    "J": "#E69F00",
    "H": "#56B4E9",
    "K": "#000000",
    "G": "#B8860B",  # Gaia's is as wide as g, V, r and i together
}
_MARKERS = "osD^vPX*<>hp"
_MJD_OF_UNIX_EPOCH = 40587.0
_MANY = 400  # stars from which points are drawn small and without error bars


# --- the panel of all filters -------------------------------------------------------------------


def panel(calibration: Calibration) -> bytes:
    """Draw the candidates side by side: the zero point that each star gives, against its reference magnitude.

    All share one height of the vertical axis, so that the right filter is the one that looks narrowest.

    Returns
    -------
    bytes
        PNG.
    """
    shown = calibration.candidates[:MOST_PANELS]
    columns = min(len(shown), 4 if len(shown) > 6 else 3)  # noqa: PLR2004 - up to six go into two rows of three
    rows = math.ceil(len(shown) / columns)
    figure, grid = _grid(rows, columns)
    half = _half_height(shown)
    for k, axes in enumerate(grid.flat):
        if k < len(shown):
            _draw_candidate(axes, shown[k], half=half, wins=shown[k] is calibration.winner)
        else:
            axes.set_axis_off()
    figure.suptitle(_headline(calibration), fontsize=12.5, fontweight="bold", color=LINE)
    figure.supxlabel("reference magnitude", fontsize=10, color=LINE)
    figure.supylabel("reference \N{MINUS SIGN} instrumental (mag)", fontsize=10, color=LINE)
    return _png(figure)


def _grid(rows: int, columns: int) -> tuple[Figure, Anything]:
    """Lay out equal panels by hand, in inches: an automatic layout takes most of the time of drawing."""
    width, height = max(3.5 * columns, 6.0), 2.7 * rows + 1.0
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    grid: Anything = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left=0.82 / width,
        right=1.0 - 0.12 / width,
        bottom=0.62 / height,
        top=1.0 - 0.72 / height,
        wspace=0.2,
        hspace=0.3,
    )
    return figure, grid


def _headline(calibration: Calibration) -> str:
    target, winner = calibration.target, calibration.winner
    name = f"{calibration.position.name}:  " if calibration.position.name else ""
    value = f"> {target.mag:.2f} (limit)" if target.is_limit else f"= {target.mag:.3f} ± {target.mag_err:.3f}"
    sure = f"{calibration.mode.value}, confidence {100.0 * calibration.confidence:.0f} %"
    return f"{name}{winner.passband.catalogue} {winner.passband.filter} {value}   ({sure})"


def _half_height(shown: Sequence[Candidate]) -> float:
    """Return the half height of all panels, mag: room for the inliers of most of them."""
    spreads = []
    for item in shown:
        inliers = item.stars.inlier_probability > 0.5  # noqa: PLR2004 - more likely than not
        if inliers.any():
            spreads.append(float(np.quantile(np.abs(item.stars.residual[inliers]), 0.95)))
    return float(np.clip(1.6 * np.quantile(spreads, 0.6), 0.2, 2.0)) if spreads else 1.0


def _draw_candidate(axes: Axes, candidate: Candidate, *, half: float, wins: bool) -> None:
    fit, stars = candidate.fit, candidate.stars
    low, high = fit.zero_point - half, fit.zero_point + half
    values = np.clip(stars.residual + fit.zero_point, low + 0.03 * half, high - 0.03 * half)
    beyond = np.abs(stars.residual) > 0.97 * half
    inlier = stars.inlier_probability > 0.5  # noqa: PLR2004 - more likely than not
    error = np.hypot(stars.ref_err, stars.inst_err)
    axes.axhspan(fit.zero_point - fit.scatter, fit.zero_point + fit.scatter, color=INLIER, alpha=0.16, lw=0)
    axes.axhline(fit.zero_point, color=LINE, lw=1.1, zorder=4)
    small = len(values) > _MANY
    size = 2.0 if small else 4.2
    for mask, colour, marker, face in (
        (inlier & ~beyond, INLIER, "o", INLIER),
        (~inlier & ~beyond, OUTLIER, "s", "none"),
        (beyond & (stars.residual > 0), OUTLIER, "^", "none"),
        (beyond & (stars.residual < 0), OUTLIER, "v", "none"),
    ):
        if not small:
            axes.errorbar(
                stars.ref_mag[mask], values[mask], error[mask], fmt="none", ecolor=colour, alpha=0.35, lw=0.8, zorder=2
            )
        axes.plot(
            stars.ref_mag[mask], values[mask], marker, ms=size, mfc=face, mec=colour,
            mew=0.9 if face == "none" else 0.0, alpha=0.55 if small else 0.9, ls="none", zorder=3,
        )  # fmt: skip
    axes.set_ylim(low, high)
    _label_candidate(axes, candidate, wins=wins)


def _label_candidate(axes: Axes, candidate: Candidate, *, wins: bool) -> None:
    fit = candidate.fit
    colour = WINNER if wins else (PALE if candidate.refused else LINE)
    band = f"{candidate.passband.catalogue} {candidate.passband.filter}"
    axes.set_title(
        f"{band}   ZP = {fit.zero_point:.3f} ± {fit.zero_point_err:.3f}",
        fontsize=9.5, fontweight="bold", color=colour, loc="left", pad=4,
    )  # fmt: skip
    note = (
        f"\N{GREEK SMALL LETTER SIGMA} = {fit.scatter:.3f}   f_outl = {fit.outlier_fraction:.2f}   N = {fit.n_matched}"
    )
    axes.text(
        0.025, 0.04, note, transform=axes.transAxes, fontsize=8, color=LINE, zorder=6,
        bbox={"boxstyle": "round,pad=0.22", "fc": "white", "ec": "none", "alpha": 0.85},
    )  # fmt: skip
    corner = f"cannot win: {candidate.refused}" if candidate.refused else _percent(candidate.probability)
    axes.text(
        0.975, 0.955, "chosen" if wins and not candidate.refused else corner, transform=axes.transAxes, fontsize=8,
        color=colour, fontweight="bold" if wins else "normal", ha="right", va="top", zorder=6,
        bbox={"boxstyle": "round,pad=0.22", "fc": "white", "ec": "none", "alpha": 0.85},
    )  # fmt: skip
    _plain(axes)
    if wins:
        for spine in axes.spines.values():
            spine.set(color=WINNER, linewidth=2.6, visible=True)


def _percent(probability: float) -> str:
    return "P < 0.5 %" if probability < 0.005 else f"P = {100.0 * probability:.0f} %"  # noqa: PLR2004 - half a per cent


# --- the light curve ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    colour: str
    marker: str


def light_curve(points: Sequence[FollowupPoint], title: str) -> bytes:
    """Draw a light curve: bright is up, MJD below, calendar date above, limits as arrows, one colour a filter.

    Parameters
    ----------
    points
        Of one event; superseded ones are left out by the caller.
    title
        Usually the event's name.

    Returns
    -------
    bytes
        PNG; with no points, a figure that says so.
    """
    figure = Figure(figsize=(9.0, 5.0), dpi=DPI, facecolor="white")
    axes = figure.subplots()
    _plain(axes)
    axes.set_title(title, fontsize=13, fontweight="bold", color=LINE, pad=34)
    figure.subplots_adjust(left=0.075, right=0.83, bottom=0.105, top=0.84)
    axes.set_xlabel("MJD (UTC, mid-exposure)", color=LINE)
    axes.set_ylabel("magnitude", color=LINE)
    if not points:
        axes.text(0.5, 0.5, "no observations yet", transform=axes.transAxes, ha="center", va="center", color=PALE)
        return _png(figure)
    passbands = sorted({point.passband for point in points})
    for passband, style in zip(passbands, _styles(passbands), strict=True):
        _draw_points(axes, [point for point in points if point.passband == passband], style, passband)
    _frame_points(axes, points)
    _date_axis(axes)
    axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, handletextpad=0.3,
        title="catalogue/filter", title_fontsize=9,
    )  # fmt: skip
    return _png(figure)


def _styles(passbands: Sequence[str]) -> list[_Style]:
    """Give each passband the colour of its part of the spectrum, and a marker of its own."""
    styles = []
    for k, passband in enumerate(passbands):
        band = passband.partition("/")[2]
        colour = _COLOURS.get(band) or _COLOURS.get(group_of(band), PALE)
        styles.append(_Style(colour=colour, marker=_MARKERS[k % len(_MARKERS)]))
    return styles


def _draw_points(axes: Axes, points: Sequence[FollowupPoint], style: _Style, label: str) -> None:
    seen = [point for point in points if not point.is_limit]
    limits = [point for point in points if point.is_limit]
    if seen:
        axes.errorbar(
            [point.mjd for point in seen], [point.mag for point in seen],
            [math.hypot(point.mag_err or 0.0, point.calib_err) for point in seen],
            fmt=style.marker, ms=5.5, color=style.colour, mec="white", mew=0.5, ecolor=style.colour, elinewidth=1.0,
            capsize=0, label=label, zorder=3,
        )  # fmt: skip
    if limits:
        axes.plot(
            [point.mjd for point in limits], [point.mag for point in limits], ls="none", marker="$\\downarrow$", ms=12,
            color=style.colour, alpha=0.8, label=f"{label} limit" if not seen else None, zorder=2,
        )  # fmt: skip


def _frame_points(axes: Axes, points: Sequence[FollowupPoint]) -> None:
    """Set the limits of both axes, with the bright end up."""
    mags, mjds = [point.mag for point in points], [point.mjd for point in points]
    room = max(0.08 * (max(mags) - min(mags)), 0.15)
    axes.set_ylim(max(mags) + room, min(mags) - room)
    side = max(0.04 * (max(mjds) - min(mjds)), 0.02)
    axes.set_xlim(min(mjds) - side, max(mjds) + side)
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)


def _date_axis(axes: Axes) -> None:
    """Put the calendar above."""
    dates = axes.secondary_xaxis("top", functions=(_day_of_mjd, _mjd_of_day))
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    dates.xaxis.set_major_locator(locator)
    dates.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    dates.spines["top"].set_visible(False)
    dates.tick_params(labelsize=8.5, colors=PALE, color=PALE)


def _day_of_mjd(mjd: npt.ArrayLike) -> Floats:
    """Return matplotlib's days since 1970."""
    return np.asarray(mjd, dtype=np.float64) - _MJD_OF_UNIX_EPOCH


def _mjd_of_day(day: npt.ArrayLike) -> Floats:
    return np.asarray(day, dtype=np.float64) + _MJD_OF_UNIX_EPOCH


def _plain(axes: Axes) -> None:
    axes.grid(visible=True, color="#E6E6E6", lw=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5, colors=LINE, color=PALE)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": "photocal"})  # type: ignore[no-untyped-call]
    return buffer.getvalue()
