"""The light curve of an event."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from cpcs.filters import group_of
from cpcs.records import FollowupPoint
from photocal.arrays import Floats
from photocal.figures.drawing import LINE, PALE, plain, png, sheet

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
    figure = sheet(9.0, 5.0)
    axes = figure.subplots()
    plain(axes)
    axes.set_title(title, fontsize=13, fontweight="bold", color=LINE, pad=34, parse_math=False)
    figure.subplots_adjust(left=0.075, right=0.83, bottom=0.105, top=0.84)
    axes.set_xlabel("MJD (UTC, mid-exposure)", color=LINE)
    axes.set_ylabel("magnitude", color=LINE)
    if not points:
        axes.text(0.5, 0.5, "no observations yet", transform=axes.transAxes, ha="center", va="center", color=PALE)
        return png(figure)
    passbands = sorted({point.passband for point in points})
    for passband, style in zip(passbands, _styles(passbands), strict=True):
        _draw_points(axes, [point for point in points if point.passband == passband], style, passband)
    _frame_points(axes, points)
    _date_axis(axes)
    axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, handletextpad=0.3,
        title="catalogue/filter", title_fontsize=9,
    )  # fmt: skip
    return png(figure)


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
