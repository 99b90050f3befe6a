"""What the figures of an image share: pixels in grey, residuals in colour, where north is and how long an arcminute.

All are six inches wide, so that a phone shows their letters at a size that can be read.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import AsinhNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image

from photocal.arrays import Anything, Bools, Floats, Pixels
from photocal.astrometry.plane import Plane
from photocal.figures.drawing import INLIER, LINE, OUTLIER, PALE, Frame, note, place, sheet
from photocal.pixels.noise import variance_under
from photocal.pixels.records import Photometry

WIDTH, MARGIN = 6.0, 0.12  # inches
SMALL, USUAL = 9.5, 10.5  # points
NORTH, TARGET = INLIER, OUTLIER
PULL, SIGMA = 5.0, "\N{GREEK SMALL LETTER SIGMA}"  # where the colours of residuals end
_GREYS, _SIGNED, _LEFT_OUT = "gray_r", "RdBu_r", "#F0E442"  # scales; pixels without a value
_PLAIN = (INLIER, OUTLIER, LINE, PALE, _LEFT_OUT, "#56B4E9", "#E69F00", "#CC79A7", "#BBBBBB")  # of marks and letters
_DPI = 130
_LEVELS = 40  # of grey: more are not seen, and noise would make the file large
_ROUND = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)  # arcsec
_HALO = [withStroke(linewidth=2.6, foreground="white")]  # letters and lines stand out of any picture
_SKY, _TOP, _LEAST_TOP = 0.01, 0.998, 20.0  # quantiles that are white and black; and that at least so many rms above


def page(height: float) -> Figure:
    """Return an empty figure of so many inches."""
    return sheet(WIDTH, height, dpi=_DPI)


def small_png(figure: Figure) -> bytes:
    """Return the figure as a PNG of the colours that are used here: pictures full of noise become a third as large."""
    canvas, buffer = FigureCanvasAgg(figure), io.BytesIO()
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    drawn = Image.fromarray(pixels).quantize(palette=_palette(), dither=Image.Dither.NONE)
    drawn.save(buffer, "png", compress_level=6)
    return buffer.getvalue()


@cache
def _palette() -> Image.Image:
    """Return a picture of all colours: both scales, and those of marks and letters on their way to white."""
    share = np.linspace(1.0, 0.2, 6)[:, None]
    rows = [colormaps[name].resampled(_LEVELS)(np.arange(_LEVELS))[:, :3] for name in (_GREYS, _SIGNED)]
    rows += [share * np.array(to_rgb(colour)) + 1.0 - share for colour in _PLAIN]
    rows.append(np.linspace(0.1, 1.0, 20)[:, None].repeat(3, axis=1))
    colours = np.rint(255.0 * np.concatenate(rows)).astype(np.uint8).ravel().tolist()
    found = Image.new("P", (1, 1))
    found.putpalette(colours + [255] * (3 * 256 - len(colours)))
    return found


def picture(figure: Figure, frame: Frame) -> Axes:
    """Put axes for pixels on a figure: a thin frame, nothing else."""
    axes = place(figure, frame)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(True)
        side.set_color(PALE)
    return axes


def show_grey(axes: Axes, values: Anything, window: tuple[slice, slice], norm: Normalize) -> None:
    """Draw pixels, light dark as on a plate, at their places on the image."""
    _show(axes, values, window, norm, _GREYS)


def show_pull(axes: Axes, values: Anything, window: tuple[slice, slice]) -> None:
    """Draw residuals over their noise; those that are NaN, pixels that were left out, in yellow."""
    _show(axes, values, window, Normalize(-PULL, PULL), _SIGNED)


def _show(axes: Axes, values: Anything, window: tuple[slice, slice], norm: Normalize, name: str) -> None:
    rows, columns = window
    extent = (columns.start - 0.5, columns.stop - 0.5, rows.start - 0.5, rows.stop - 0.5)
    colours = colormaps[name].resampled(_LEVELS).with_extremes(bad=_LEFT_OUT)
    axes.imshow(values, origin="lower", cmap=colours, norm=norm, extent=extent, interpolation="nearest")
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    axes.set_aspect("equal")


def stretch(values: Anything, rms: float) -> Normalize:
    """Return a scale that shows noise and cores alike: an inverse hyperbolic sine, linear within two rms."""
    finite = values[np.isfinite(values)]
    low, top = np.quantile(finite, (_SKY, _TOP)) if finite.size else (0.0, 0.0)
    low = max(float(low), -3.0 * rms) if low < 0.0 else float(low) - rms
    return AsinhNorm(linear_width=2.0 * rms, vmin=low, vmax=max(float(top), low + _LEAST_TOP * rms))


def pulls(photometry: Photometry, window: tuple[slice, slice]) -> Pixels:
    """Return what is left of a part of the image over its noise, NaN where pixels were left out."""
    prepared, fitted = photometry.prepared, photometry.fitted
    model = fitted.model[window]
    variance = variance_under(prepared.noise_variance[window], model, prepared.gain)
    left: Pixels = ((prepared.data[window] - fitted.sky[window] - model) / np.sqrt(variance)).astype(np.float32)
    left[prepared.bad[window]] = np.nan
    return left


def binned(values: Anything, good: Bools, step: int) -> Floats:
    """Return sums of step x step pixels over the root of their number: noise stays what it was."""
    ny, nx = (size // step * step for size in values.shape)
    kept = np.where(good, values, 0.0)[:ny, :nx]
    sums, n = (_sums(item.astype(np.float32), step) for item in (kept, good[:ny, :nx]))
    means: Floats = np.where(n > 0, sums / np.sqrt(np.maximum(n, 1)), np.nan)
    return means


def _sums(values: Pixels, step: int) -> Anything:
    across = np.add.reduceat(values, np.arange(0, values.shape[1], step), axis=1)
    return np.add.reduceat(across, np.arange(0, values.shape[0], step), axis=0)


def cross_hair(axes: Axes, x: float, y: float, *, gap: float, length: float, colour: str = TARGET) -> None:
    """Draw a cross-hair that leaves its middle free."""
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        axes.plot(
            [x + gap * dx, x + length * dx], [y + gap * dy, y + length * dy], color=colour, lw=1.6, scalex=False,
            scaley=False, path_effects=_HALO, zorder=5, solid_capstyle="butt",
        )  # fmt: skip


def compass(axes: Axes, plane: Plane) -> None:
    """Draw arrows to the north and to the east of the middle of the picture, in its upper right corner."""
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = np.array([0.5 * (low + high)]), np.array([0.5 * (bottom + top)])
    ra, dec = plane.sky(x, y)
    step = 10.0 * plane.scale_arcsec / 3600.0
    north = plane.pixel(ra, dec + step)
    east = plane.pixel(ra + step / np.maximum(np.cos(np.radians(dec)), 1e-6), dec)
    arrow = 0.085 * float(np.clip((top - bottom) / (high - low), 0.3, 1.0))
    ways = [np.array([float(to[0][0] - x[0]), float(to[1][0] - y[0])]) for to in (north, east)]
    ways = [way / max(float(np.hypot(*way)), 1e-9) for way in ways]
    # Both arrows and their letters keep clear of the corner, whatever their directions.
    reach = 1.55 * arrow * np.max([np.zeros(2), *ways], axis=0)
    shape = np.array([1.0, (high - low) / (top - bottom)])
    start = 1.0 - (0.05 + reach) * shape
    for way, name in zip(ways, "NE", strict=True):
        axes.annotate(
            "", start + arrow * way * shape, xytext=start, xycoords="axes fraction", textcoords="axes fraction",
            arrowprops={"arrowstyle": "-|>", "color": NORTH, "lw": 1.5, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        x_name, y_name = start + 1.4 * arrow * way * shape
        axes.text(
            x_name, y_name, name, transform=axes.transAxes, fontsize=USUAL, fontweight="bold",
            color=NORTH, ha="center", va="center", path_effects=_HALO,
        )  # fmt: skip


def scale_bar(axes: Axes, scale_arcsec: float) -> None:
    """Draw a bar of a round length in the lower left corner."""
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    room = 0.3 * (high - low) * scale_arcsec
    arcsec = max((value for value in _ROUND if value <= room), default=_ROUND[0])
    start, level = low + 0.04 * (high - low), bottom + 0.035 * (top - bottom)
    axes.plot(
        [start, start + arcsec / scale_arcsec], [level, level], color=LINE, lw=2.6, scalex=False, scaley=False,
        path_effects=_HALO, solid_capstyle="butt",
    )  # fmt: skip
    said = f"{arcsec:g}\N{DOUBLE PRIME}" if arcsec < 60.0 else f"{arcsec / 60.0:g}\N{PRIME}"  # noqa: PLR2004 - minute
    axes.annotate(
        said, (start, level), xytext=(0.0, 4.0), textcoords="offset points", fontsize=USUAL, color=LINE, ha="left",
        va="bottom", path_effects=_HALO,
    )  # fmt: skip


def label(axes: Axes, text: str) -> None:
    """Write what a picture is into its upper left corner."""
    note(axes, 0.02, 0.98, text, size=SMALL)
