"""What all figures share: colours, marks, axes laid out by hand, PNG.

The colours are Okabe and Ito's, told apart by everybody; shapes tell the same as colours do.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from photocal.arrays import Bools, Floats
from photocal.results import Calibration, Candidate

DPI = 110
INLIER, OUTLIER, WINNER, LINE, PALE = "#0072B2", "#D55E00", "#009E73", "#222222", "#8C8C8C"
GRID = "#E6E6E6"
MANY = 400  # stars from which points are drawn small and without error bars
_TICKS = 6  # at most: each is some of the time of drawing
_LONGEST = 36  # letters of a name
_EDGE = 0.97  # of the half height: where stars that lie beyond are marked
_BOX = {"boxstyle": "round,pad=0.22", "fc": "white", "ec": "none", "alpha": 0.85}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where axes stand on a figure, in inches from its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Stars as they are drawn against anything; all arrays have the same length n.

    Attributes
    ----------
    y
        (n,) array, mag: how far from the middle of the axes.
    error
        (n,) array, mag.
    inlier
        (n,) which stars belong to the fit, more likely than not.
    middle, half
        mag: the middle of the axes, and how far they go to either side.
    """

    y: Floats
    error: Floats
    inlier: Bools
    middle: float
    half: float


def sheet(width: float, height: float, *, dpi: int = DPI) -> Figure:
    """Return an empty figure of so many inches."""
    return Figure(figsize=(width, height), dpi=dpi, facecolor="white")


def place(figure: Figure, frame: Frame) -> Axes:
    """Put axes on a figure.

    Everything is placed by hand, also labels: matplotlib would measure all texts several times to find room for them.
    """
    width, height = figure.get_size_inches()
    axes = figure.add_axes((frame.left / width, frame.bottom / height, frame.width / width, frame.height / height))
    plain(axes)
    axes.xaxis.set_label_coords(0.5, -0.26 / frame.height)
    axes.yaxis.set_label_coords(-0.48 / frame.width, 0.5)
    axes.locator_params(nbins=_TICKS)
    return axes


def plain(axes: Axes) -> None:
    """Give axes the looks of the house: two spines, a pale grid behind."""
    axes.grid(visible=True, color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5, colors=LINE, color=PALE)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)


def mark_stars(axes: Axes, x: Floats, marks: Marks) -> None:
    """Draw stars: inliers as discs, outliers as hollow squares, those beyond the axes as arrows at their edge."""
    small = len(x) > MANY
    low, high = marks.middle - marks.half, marks.middle + marks.half
    values = marks.middle + np.clip(marks.y, -_EDGE * marks.half, _EDGE * marks.half)
    beyond = np.abs(marks.y) > _EDGE * marks.half
    # The far ends of a few error bars would make room for themselves.
    bar_low, bar_high = np.clip(values - marks.error, low, high), np.clip(values + marks.error, low, high)
    for mask, colour, marker, face in (
        (marks.inlier & ~beyond, INLIER, "o", INLIER),
        (~marks.inlier & ~beyond, OUTLIER, "s", "none"),
        (beyond & (marks.y > 0), OUTLIER, "^", "none"),
        (beyond & (marks.y < 0), OUTLIER, "v", "none"),
    ):
        if not mask.any():
            continue
        if not small:
            axes.vlines(x[mask], bar_low[mask], bar_high[mask], colors=colour, alpha=0.35, lw=0.8, zorder=2)
        axes.plot(
            x[mask], values[mask], marker, ms=2.0 if small else 4.2, mfc=face, mec=colour,
            mew=0.9 if face == "none" else 0.0, alpha=0.55 if small else 0.9, ls="none", zorder=3,
        )  # fmt: skip
    axes.set_ylim(low, high)


def note(
    axes: Axes, x: float, y: float, text: str, *, colour: str = LINE, size: float = 8.0, bold: bool = False
) -> None:
    """Write on a white ground, at a place in units of the axes; in their right half the text ends there."""
    axes.text(
        x, y, text, transform=axes.transAxes, fontsize=size, color=colour, zorder=6, bbox=_BOX,
        fontweight="bold" if bold else "normal",
        ha="left" if x < 0.5 else "right", va="bottom" if y < 0.5 else "top",  # noqa: PLR2004 - halves
    )  # fmt: skip


def title(axes: Axes, text: str, second: str | None = None, *, colour: str = LINE) -> None:
    """Write one line or two above axes, at their left; matplotlib's own title takes long to find its place."""
    _above(axes, text, points=4.0 if second is None else 15.0, colour=colour, size=9.5, weight="bold")
    if second:
        _above(axes, second, points=4.0, colour=LINE, size=8.0, weight="normal")


def _above(axes: Axes, text: str, *, points: float, colour: str, size: float, weight: str) -> None:
    axes.annotate(
        text, (0.0, 1.0), xytext=(0.0, points), xycoords="axes fraction", textcoords="offset points", fontsize=size,
        fontweight=weight, color=colour, ha="left", va="bottom", annotation_clip=False, parse_math=False,
    )  # fmt: skip


def signed(value: float, digits: int = 3) -> str:
    """Return a number with its sign, as it is typeset; what rounds to nothing has none."""
    text = f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return text if any(digit in text for digit in "123456789") else text[1:]


def with_error(value: float, err: float, *, sign: bool = False, digits: int = 3) -> str:
    """Return a number and its error, to so many digits, or one more where the error would be lost."""
    digits += err < 0.95 * 10.0**-digits
    return f"{signed(value, digits) if sign else f'{value:.{digits}f}'} ± {err:.{digits}f}"


def headline(calibration: Calibration) -> str:
    """Return whose magnitude was found, in which filter, and what it is."""
    target = calibration.target
    name = calibration.position.name
    name = f"{name[: _LONGEST - 1]}…:  " if len(name) > _LONGEST else f"{name}:  " if name else ""
    value = f"> {target.mag:.2f} (limit)" if target.is_limit else f"= {target.mag:.3f} ± {target.mag_err:.3f}"
    return f"{name}{spoken(calibration.winner)} {value}"


def spoken(candidate: Candidate) -> str:
    """Return catalogue and filter, as titles have them."""
    return f"{candidate.passband.catalogue} {candidate.passband.filter}"


def line_above(figure: Figure, text: str, *, down: float, size: float, bold: bool = False) -> None:
    """Write a line over the middle of a figure, ``down`` inches from its top; a long one in smaller letters."""
    width, height = figure.get_size_inches()
    room = 72.0 * (width - 0.2) / (0.62 if bold else 0.52)  # points: a letter is so many times as wide as its size
    figure.text(
        0.5, 1.0 - down / height, text, fontsize=min(size, room / max(len(text), 1)), color=LINE, ha="center", va="top",
        fontweight="bold" if bold else "normal", parse_math=False,
    )  # fmt: skip


def likely(probability: Floats) -> Bools:
    """Return which stars belong to the fit, more likely than not."""
    mask: Bools = probability > 0.5  # noqa: PLR2004 - more likely than not
    return mask


def png(figure: Figure) -> bytes:
    """Return the figure as a PNG; no global state is used, so any thread may draw."""
    buffer = io.BytesIO()
    quick = {"compress_level": 3}  # as small as at the usual 6, in two thirds of the time
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": "photocal"}, pil_kwargs=quick)  # type: ignore[no-untyped-call]
    return buffer.getvalue()
