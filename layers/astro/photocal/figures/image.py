"""The image itself: around the target, the whole of it with what was left, and its PSF."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.figure import Figure

from photocal.arrays import Anything, Floats, Pixels
from photocal.astrometry.plane import Plane
from photocal.figures.drawing import (
    INLIER,
    LINE,
    OUTLIER,
    PALE,
    WINNER,
    Frame,
    line_above,
    note,
    place,
    png,
    sheet,
    title,
)  # fmt: skip
from photocal.imaging import MeasuredPlane
from photocal.pixels.records import Photometry, Psf
from photocal.results import Target

_GREY, _SIGNED = "gray_r", "coolwarm"
_HALF_FWHM, _LEAST_HALF, _MOST_HALF = 14.0, 20, 80  # of a cutout, from the target to its edge: FWHM, pixels, pixels
_ROUND = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)  # arcsec
_ACROSS = 700  # pixels of a whole frame as it is drawn
_PULL = 5.0  # sigma
_MOST_MARKED = 400


def cutout(measured: MeasuredPlane, target: Target) -> bytes:
    """Draw the image around the target, the model of its stars, and what is left: a PNG.

    Parameters
    ----------
    measured
        The plane, on which the target lies.
    target
        Whose position the cross-hair is at.
    """
    photometry, plane = measured.photometry, measured.solution.plane
    window, x, y = _window(measured, target)
    data = photometry.prepared.data[window] - photometry.fitted.sky[window]
    model = photometry.fitted.model[window]
    figure = sheet(11.0, 4.35)
    line_above(figure, _headline(measured, target), down=0.12, size=12.0, bold=True)
    stretch = _stretch(data, photometry.prepared.rms)
    for k, (values, name) in enumerate(
        ((data, "image"), (model, "model of the stars"), (data - model, "what is left"))
    ):
        axes = _picture(figure, Frame(left=0.2 + 3.6 * k, bottom=0.3, width=3.4, height=3.4))
        _show(axes, values, window, norm=stretch)
        title(axes, name)
        _cross(axes, x, y, gap=1.5 * photometry.quality["fwhm_pix"], length=4.0 * photometry.quality["fwhm_pix"])
        if k == 0:
            _compass(axes, plane, target)
            _scale_bar(axes, plane.scale_arcsec)
    return png(figure)


def overview(measured: MeasuredPlane, target: Target | None = None) -> bytes:
    """Draw the whole plane with its stars of the plate solution and the target, and its residuals over their noise."""
    photometry = measured.photometry
    prepared, fitted = photometry.prepared, photometry.fitted
    figure = sheet(11.0, 6.0)
    line_above(figure, _headline(measured, target), down=0.12, size=12.0, bold=True)
    ny, nx = prepared.shape
    width = 5.0 if nx >= ny else 5.0 * nx / ny
    height = width * ny / nx
    left = _picture(figure, Frame(left=0.3, bottom=5.35 - height, width=width, height=height))
    step = max(1, -(-max(nx, ny) // _ACROSS))
    light = _binned(prepared.data - fitted.sky, ~prepared.bad, step) / step
    _show(left, light, _whole(prepared.shape), norm=_stretch(light, prepared.rms))
    _mark_stars(left, measured)
    title(left, "image", f"circles: {measured.solution.n_used} stars of the plate solution")
    if target is not None and measured.forced is not None:
        _cross(left, measured.forced.x, measured.forced.y, gap=0.02 * nx, length=0.06 * nx)
        _compass(left, measured.solution.plane, target)
    _scale_bar(left, measured.solution.plane.scale_arcsec)
    right = _picture(figure, Frame(left=5.7, bottom=5.35 - height, width=width, height=height))
    variance = prepared.noise_variance + np.maximum(fitted.model, 0.0) / prepared.gain
    pull = (prepared.data - fitted.sky - fitted.model) / np.sqrt(variance)
    _show(
        right, _binned(pull, ~prepared.bad, step), _whole(prepared.shape), norm=Normalize(-_PULL, _PULL), map_=_SIGNED
    )
    quality = photometry.quality
    said = f"rms {quality['residual_rms']:.3f}, beyond 5 sigma {100 * quality['residual_beyond_5sigma']:.2g} %"
    title(right, "what is left, over its noise", f"{said}; {step} x {step} pixels to one, \N{MINUS SIGN}5 to 5 sigma")
    return png(figure)


def psf(photometry: Photometry) -> bytes:
    """Draw the PSF in the middle and in the corners of the plane, and how the corners differ from the middle: a PNG."""
    ny, nx = photometry.prepared.shape
    x = np.round(np.array([0.5, 0.06, 0.94, 0.06, 0.94]) * (nx - 1))
    y = np.round(np.array([0.5, 0.94, 0.94, 0.06, 0.06]) * (ny - 1))
    shape = photometry.fitted.psf
    half = min(shape.half, max(6, round(2.5 * photometry.quality["fwhm_pix"])))
    stamps = shape.stamps(x, y, half)[2][:, 0]
    figure = sheet(11.0, 4.9)
    said = f"FWHM {photometry.quality['fwhm_pix']:.2f} pixels ({photometry.quality['fwhm_pix_least']:.2f} to "
    said += (
        f"{photometry.quality['fwhm_pix_most']:.2f} over the field), from {int(photometry.psf_stars.taken.sum())} stars"
    )
    line_above(figure, f"PSF: {said}", down=0.12, size=12.0, bold=True)
    names = ("middle", "top left", "top right", "bottom left", "bottom right")
    box = (slice(0, 2 * half + 1), slice(0, 2 * half + 1))
    for k, name in enumerate(names):
        _psf_column(figure, k, name, stamps, shape, (float(x[k]), float(y[k])), box)
    return png(figure)


def _psf_column(
    figure: Figure, k: int, name: str, stamps: Pixels, shape: Psf, at: tuple[float, float], box: tuple[slice, slice]
) -> None:
    """Draw the PSF at one place, and below how it differs from that in the middle."""
    peak = float(stamps[0].max())
    axes = _picture(figure, Frame(left=0.2 + 2.15 * k, bottom=2.25, width=2.0, height=2.0))
    _show(axes, stamps[k] / peak, box, norm=AsinhNorm(linear_width=0.02, vmin=0.0, vmax=1.0))
    place_ = np.array([at[0]]), np.array([at[1]])
    title(axes, name, f"FWHM {shape.fwhm(*place_)[0]:.2f}, ellipticity {shape.ellipticity(*place_)[0]:.3f}")
    if k:
        below = _picture(figure, Frame(left=0.2 + 2.15 * k, bottom=0.1, width=2.0, height=2.0))
        _show(below, (stamps[k] - stamps[0]) / peak, box, norm=Normalize(-0.2, 0.2), map_=_SIGNED)
        note(below, 0.03, 0.97, "less the middle", size=7.5)


def _headline(measured: MeasuredPlane, target: Target | None) -> str:
    quality = measured.quality
    name = f"{target.name}:  " if target is not None and target.name else ""
    fwhm = f"FWHM {quality['fwhm_pix']:.2f} pixels = {quality['seeing_arcsec']:.2f} arcsec"
    return f"{name}{measured.filter_name or 'image'}, {fwhm}, {int(quality['n_stars'])} stars"


def _picture(figure: Figure, frame: Frame) -> Axes:
    """Put axes for pixels on a figure: a thin frame, nothing else."""
    axes = place(figure, frame)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(True)
        side.set_color(PALE)
    return axes


def _window(measured: MeasuredPlane, target: Target) -> tuple[tuple[slice, slice], float, float]:
    """Return the rows and columns around the target, and where it is, pixels."""
    ny, nx = measured.photometry.prepared.shape
    column, row = measured.solution.plane.pixel(np.array([target.ra_deg]), np.array([target.dec_deg]))
    x, y = float(column[0]), float(row[0])
    half = int(np.clip(_HALF_FWHM * measured.photometry.quality["fwhm_pix"], _LEAST_HALF, _MOST_HALF))
    ix, iy = round(x), round(y)
    rows = slice(max(iy - half, 0), max(min(iy + half + 1, ny), 1))
    return (rows, slice(max(ix - half, 0), max(min(ix + half + 1, nx), 1))), x, y


def _whole(shape: tuple[int, int]) -> tuple[slice, slice]:
    return slice(0, shape[0]), slice(0, shape[1])


def _show(axes: Axes, values: Anything, window: tuple[slice, slice], *, norm: Normalize, map_: str = _GREY) -> None:
    rows, columns = window
    extent = (columns.start - 0.5, columns.stop - 0.5, rows.start - 0.5, rows.stop - 0.5)
    axes.imshow(values, origin="lower", cmap=map_, norm=norm, extent=extent, interpolation="nearest", aspect="equal")
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])


def _stretch(values: Anything, rms: float) -> Normalize:
    """Return a scale from a little below the sky to the brightest pixels, that shows noise and cores alike."""
    finite = values[np.isfinite(values)]
    top = max(float(np.quantile(finite, 0.998)) if finite.size else 0.0, 8.0 * rms)
    return AsinhNorm(linear_width=2.0 * rms, vmin=-3.0 * rms, vmax=top)


def _binned(values: Anything, good: Anything, step: int) -> Floats:
    """Return sums of step x step pixels over the root of their number: noise stays what it was."""
    ny, nx = (size // step * step for size in values.shape)
    blocks = (ny // step, step, nx // step, step)
    kept = np.where(good, values, 0.0)[:ny, :nx].reshape(blocks).sum(axis=(1, 3), dtype=np.float64)
    n = good[:ny, :nx].reshape(blocks).sum(axis=(1, 3))
    binned: Floats = np.where(n > 0, kept / np.sqrt(np.maximum(n, 1)), np.nan)
    return binned


def _cross(axes: Axes, x: float, y: float, *, gap: float, length: float) -> None:
    """Draw a cross-hair that leaves its middle free."""
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        axes.plot(
            [x + gap * dx, x + length * dx], [y + gap * dy, y + length * dy], color=WINNER, lw=1.4, scalex=False,
            scaley=False,
        )  # fmt: skip


def _compass(axes: Axes, plane: Plane, target: Target) -> None:
    """Draw arrows to the north and to the east in the upper right corner."""
    step = 10.0 * plane.scale_arcsec / 3600.0
    ra = target.ra_deg + np.array([0.0, 0.0, step / max(np.cos(np.radians(target.dec_deg)), 1e-6)])
    dec = np.clip(target.dec_deg + np.array([0.0, step, 0.0]), -90.0, 90.0)
    x, y = plane.pixel(ra, dec)
    for k, name in ((1, "N"), (2, "E")):
        dx, dy = float(x[k] - x[0]), float(y[k] - y[0])
        length = max(float(np.hypot(dx, dy)), 1e-9)
        ux, uy = dx / length, dy / length
        axes.annotate(
            "", (0.86 + 0.09 * ux, 0.86 + 0.09 * uy), xytext=(0.86, 0.86), xycoords="axes fraction",
            textcoords="axes fraction", arrowprops={"arrowstyle": "->", "color": INLIER, "lw": 1.3},
        )  # fmt: skip
        axes.text(
            0.86 + 0.12 * ux, 0.86 + 0.12 * uy, name, transform=axes.transAxes, fontsize=8.0, color=INLIER,
            ha="center", va="center",
        )  # fmt: skip


def _scale_bar(axes: Axes, scale_arcsec: float) -> None:
    """Draw a bar of a round length in the lower left corner."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    room = 0.3 * (high - low) * scale_arcsec
    arcsec = max((value for value in _ROUND if value <= room), default=_ROUND[0])
    start, level = low + 0.05 * (high - low), bottom + 0.05 * (top - bottom)
    axes.plot([start, start + arcsec / scale_arcsec], [level, level], color=LINE, lw=2.2, scalex=False, scaley=False)
    said = f"{arcsec:g} arcsec" if arcsec < 60.0 else f"{arcsec / 60.0:g} arcmin"  # noqa: PLR2004 - of a minute
    note(axes, 0.05, 0.065, said, size=8.0)


def _mark_stars(axes: Axes, measured: MeasuredPlane) -> None:
    """Draw circles around the brightest stars of the plate solution."""
    sources, rows = measured.photometry.fitted.sources, measured.solution.source_index
    rows = rows[np.argsort(-sources.flux[rows], kind="stable")][:_MOST_MARKED]
    axes.plot(
        sources.x[rows], sources.y[rows], "o", ms=6.0, mfc="none", mec=OUTLIER, mew=0.7, alpha=0.8, scalex=False,
        scaley=False,
    )  # fmt: skip
