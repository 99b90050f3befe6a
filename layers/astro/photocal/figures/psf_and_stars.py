"""The PSF: the stars that made it, why others did not, how well it fits them, and how it changes over the image."""

from __future__ import annotations

from collections import Counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure
from scipy.spatial import cKDTree

from photocal.arrays import Floats, Ints, Pixels
from photocal.figures.drawing import INLIER, LINE, OUTLIER, PALE, Frame, line_above, place, title
from photocal.figures.pictures import (
    MARGIN,
    PULL,
    SMALL,
    USUAL,
    WIDTH,
    page,
    picture,
    pulls,
    show_grey,
    show_pull,
    small_png,
)
from photocal.pixels.records import Photometry, PsfStars

# Reason -> what it means, marker, colour, size, filled; in the order in which they are drawn, the last on top
_KINDS = {
    "faint": ("too faint", "o", "#BBBBBB", 1.3, True),
    "blended": ("a neighbour is too near", "^", "#E69F00", 2.8, False),
    "edge": ("too near the edge", "x", PALE, 3.0, False),
    "defect": ("on a defect or cosmic ray", "+", LINE, 4.0, False),
    "unlike": ("not like the other stars", "D", "#CC79A7", 2.8, False),
    "enough": ("good, but there were enough", "o", "#56B4E9", 3.0, False),
    "saturated": ("saturated or nearly so", "s", OUTLIER, 3.2, False),
    "": ("taken", "o", INLIER, 3.6, True),
}
_MAP, _PROFILE, _CORNER = 2.95, 2.4, 1.08  # inches
_STAMPS, _ROWS = 4, 2  # of stars, and rows of them
_HEAD, _GAP, _MIDDLE = 0.7, 0.4, 2.83  # inches: the headline, between the rows, and the height of the second
_HEIGHT = _HEAD + _MAP + _GAP + _MIDDLE + _GAP + 2.0 * _CORNER + 0.42
_REACH, _LEAST_REACH = 2.5, 4  # FWHM, and pixels, from the middle of a stamp to its side
_LINEAR = 0.02  # of the peak: from where on brightness is drawn by its logarithm
_CROWDED = 1500  # objects from which marks would cover each other
_MOST_PROFILED, _FAINTEST, _POINTS = 40, 3e-4, 60  # stars; of the peak; of the curve
_DIFFERENT = 0.1  # of the peak: differences in full colour
_GREY = AsinhNorm(linear_width=_LINEAR, vmin=0.0, vmax=1.0)
_CORNERS = ("middle", "top left", "top right", "bottom left", "bottom right")
_ACROSS, _UP = (0.5, 0.06, 0.94, 0.06, 0.94), (0.5, 0.94, 0.94, 0.06, 0.06)  # where they are, of the sides


def psf(photometry: Photometry) -> bytes:
    """Draw the PSF and its stars.

    From the top: which stars were taken and why others were not; their profiles, and what the PSF leaves of the
    brightest; the PSF in the middle and the corners of the image, and how the corners differ from the middle.

    Returns
    -------
    bytes
        PNG.
    """
    stars, (ny, nx) = photometry.psf_stars, photometry.prepared.shape
    figure = page(_HEIGHT)
    line_above(figure, f"{np.count_nonzero(stars.taken)} stars make the PSF", down=0.1, size=12.5, bold=True)
    line_above(figure, _about(photometry), down=0.37, size=USUAL)
    scale = _MAP / max(nx, ny)
    top = _HEIGHT - _HEAD - _MAP
    frame = Frame(left=MARGIN, bottom=top + _MAP - ny * scale, width=nx * scale, height=ny * scale)
    _map(picture(figure, frame), stars, photometry)
    _list_kinds(figure, stars, _MAP + 0.32, top + _MAP)
    middle = top - _GAP
    profile = place(figure, Frame(left=0.66, bottom=middle - _PROFILE, width=2.1, height=_PROFILE))
    _profile(profile, photometry)
    _stamps(figure, photometry, middle)
    _corners(figure, photometry, middle - _MIDDLE - _GAP)
    return small_png(figure)


def _about(photometry: Photometry) -> str:
    quality = photometry.quality
    fwhm = f"FWHM {quality['fwhm_pix']:.2f} pixels"
    span = f"{quality['fwhm_pix_least']:.2f} to {quality['fwhm_pix_most']:.2f} over the image"
    return f"{fwhm} ({span}),   ellipticity {quality['ellipticity']:.2f}"


def _map(axes: Axes, stars: PsfStars, photometry: Photometry) -> None:
    ny, nx = photometry.prepared.shape
    reasons = np.array(stars.reasons, dtype="U9")
    shrunk = float(np.clip(np.sqrt(_CROWDED / max(len(reasons), 1)), 0.5, 1.0))
    for order, (reason, (_, marker, colour, size, filled)) in enumerate(_KINDS.items()):
        mask = reasons == reason
        axes.plot(
            stars.x[mask], stars.y[mask], marker, ms=shrunk * size, mfc=colour if filled else "none", mec=colour,
            mew=0.0 if filled else 0.8 * shrunk, ls="none", zorder=3 + order, scalex=False, scaley=False,
        )  # fmt: skip
    axes.set_xlim(-0.5, nx - 0.5)
    axes.set_ylim(-0.5, ny - 0.5)
    axes.set_aspect("equal")


def _list_kinds(figure: Figure, stars: PsfStars, left: float, top: float) -> None:
    """Write how many objects there are of each kind, with their marks."""
    counts = Counter(stars.reasons)
    axes = figure.add_axes((left / WIDTH, (top - _MAP) / _HEIGHT, (WIDTH - left) / WIDTH, _MAP / _HEIGHT))
    axes.set_axis_off()
    axes.set_xlim(0.0, WIDTH - left)
    axes.set_ylim(_MAP, 0.0)
    axes.text(0.0, 0.1, f"{len(stars.x)} objects were looked at:", fontsize=USUAL, color=LINE, va="center")
    shown = [reason for reason in reversed(_KINDS) if counts[reason] or not reason]
    for row, reason in enumerate(shown):
        said, marker, colour, size, filled = _KINDS[reason]
        y = 0.42 + 0.31 * row
        axes.plot(
            [0.08],
            [y],
            marker,
            ms=max(1.6 * size, 3.0),
            mfc=colour if filled else "none",
            mec=colour,
            mew=0.0 if filled else 1.1,
        )
        axes.text(0.62, y, f"{counts[reason]}", fontsize=SMALL, color=LINE, ha="right", va="center")
        axes.text(
            0.7, y, said, fontsize=SMALL, color=LINE, ha="left", va="center", fontweight="normal" if reason else "bold"
        )


def _profile(axes: Axes, photometry: Photometry) -> None:
    """Draw the pixels of the PSF's stars against distance, each over what its star's brightest has; and the PSF."""
    prepared, fitted = photometry.prepared, photometry.fitted
    half, stars = _half(photometry), _taken(photometry)[:_MOST_PROFILED]
    title(axes, f"{len(stars)} stars (dots), PSF (line)")
    if not len(stars):
        return
    x, y, flux = (np.asarray(getattr(fitted.sources, name))[stars] for name in ("x", "y", "flux"))
    padded, kept = (np.pad(values, half) for values in (prepared.data - fitted.sky, ~prepared.bad))
    ix, iy, light = fitted.psf.stamps(x, y, half)
    across, down = np.meshgrid(np.arange(2 * half + 1), np.arange(2 * half + 1))
    away = np.hypot(across + (ix - half - x)[:, None, None], down + (iy - half - y)[:, None, None])
    here = iy[:, None, None] + down, ix[:, None, None] + across
    unit = (flux * _peak(photometry))[:, None, None]
    shares, good = padded[here] / unit, kept[here]
    axes.semilogy(
        away[good], np.clip(shares[good], _FAINTEST, None), ".", ms=2.0, color=INLIER, alpha=0.25, mew=0.0,
    )  # fmt: skip
    order = np.argsort(away, axis=None)
    far, bright = (values.ravel()[order] for values in (away, light[:, 0] / _peak(photometry)))
    parts = np.array_split(np.arange(far.size), max(min(_POINTS, far.size), 1))
    axes.plot(
        [far[part].mean() for part in parts], [bright[part].mean() for part in parts], color=OUTLIER, lw=1.8, zorder=4
    )
    axes.set_ylim(_FAINTEST, 2.0)
    axes.set_xlim(0.0, half)
    axes.tick_params(labelsize=SMALL)
    axes.set_xlabel("distance (pixels)", fontsize=SMALL, color=LINE)
    axes.set_ylabel("light, peak = 1", fontsize=SMALL, color=LINE)


def _taken(photometry: Photometry) -> Ints:
    """Return the rows, among the sources, of the stars that make the PSF, the brightest first."""
    stars, sources = photometry.psf_stars, photometry.fitted.sources
    taken = np.flatnonzero(stars.taken)
    away, rows = cKDTree(np.c_[sources.x, sources.y]).query(np.c_[stars.x[taken], stars.y[taken]])
    found: Ints = rows[(away < photometry.quality["fwhm_pix"]) & (sources.flux[rows] > 0.0)]
    return found


def _half(photometry: Photometry) -> int:
    """Return how far a stamp reaches, pixels."""
    return min(photometry.fitted.psf.half, max(_LEAST_REACH, round(_REACH * photometry.quality["fwhm_pix"])))


def _peak(photometry: Photometry) -> float:
    """Return the share of a star's light in its brightest pixel, in the middle of the image."""
    return float(_at_corners(photometry, 1)[0].max())


def _at_corners(photometry: Photometry, half: int) -> Pixels:
    """Return the PSF in the middle and the corners: (5, w, w)."""
    x, y = _places(photometry)
    return photometry.fitted.psf.stamps(x, y, half)[2][:, 0]


def _places(photometry: Photometry) -> tuple[Floats, Floats]:
    ny, nx = photometry.prepared.shape
    return np.round(np.array(_ACROSS) * (nx - 1)), np.round(np.array(_UP) * (ny - 1))


def _stamps(figure: Figure, photometry: Photometry, top: float) -> None:
    """Draw the brightest stars of the PSF, and what it leaves of them."""
    half, (ny, nx) = _half(photometry), photometry.prepared.shape
    sources, prepared = photometry.fitted.sources, photometry.prepared
    side, left = 0.66, WIDTH - MARGIN - _STAMPS * 0.69
    for k, star in enumerate(_taken(photometry)[: _STAMPS * _ROWS]):
        ix, iy = round(float(sources.x[star])), round(float(sources.y[star]))
        window = slice(max(iy - half, 0), min(iy + half + 1, ny)), slice(max(ix - half, 0), min(ix + half + 1, nx))
        row, column = divmod(k, _STAMPS)
        frame = Frame(left=left + 0.69 * column, bottom=top - side - 1.45 * row, width=side, height=side)
        above = prepared.data[window] - photometry.fitted.sky[window]
        axes = picture(figure, frame)
        show_grey(axes, above / max(float(above.max()), 1e-9), window, _GREY)
        if k == 0:
            title(axes, "the brightest; what is left")
        below = Frame(left=frame.left, bottom=frame.bottom - side - 0.03, width=side, height=side)
        show_pull(picture(figure, below), pulls(photometry, window), window)


def _corners(figure: Figure, photometry: Photometry, top: float) -> None:
    """Draw the PSF in the middle and in the corners, and how the corners differ from the middle."""
    stamps, (x, y) = _at_corners(photometry, _half(photometry)), _places(photometry)
    shape, peak = photometry.fitted.psf, _peak(photometry)
    box = (slice(0, stamps.shape[1]), slice(0, stamps.shape[2]))
    fwhm, ellipticity = shape.fwhm(x, y), shape.ellipticity(x, y)
    step = (WIDTH - 2.0 * MARGIN - _CORNER) / (len(_CORNERS) - 1)
    for k, name in enumerate(_CORNERS):
        left = MARGIN + step * k
        upper = picture(figure, Frame(left=left, bottom=top - _CORNER, width=_CORNER, height=_CORNER))
        show_grey(upper, stamps[k] / peak, box, _GREY)
        title(upper, name)
        if k:
            lower = Frame(left=left, bottom=top - 2.0 * _CORNER - 0.06, width=_CORNER, height=_CORNER)
            show_pull(picture(figure, lower), PULL * (stamps[k] - stamps[0]) / (_DIFFERENT * peak), box)
        said = f"{fwhm[k]:.2f} px,  e {ellipticity[k]:.2f}"
        figure.text(
            (left + 0.5 * _CORNER) / WIDTH, (top - 2.0 * _CORNER - 0.2) / _HEIGHT, said, fontsize=SMALL - 1.0,
            color=LINE, ha="center", va="center",
        )  # fmt: skip
    words = f"corner\nless middle:\nfull colour at\n{100.0 * _DIFFERENT:.0f} % of the\npeak"
    figure.text(
        MARGIN / WIDTH, (top - 1.5 * _CORNER) / _HEIGHT, words, fontsize=SMALL - 1.0, color=LINE, ha="left", va="center"
    )
