"""The stars of the PSF: where they lie, why others are none of them, and what they look like."""

from __future__ import annotations

from collections import Counter

import numpy as np
from matplotlib.axes import Axes

from photocal.arrays import Floats
from photocal.figures.drawing import INLIER, OUTLIER, PALE, Frame, line_above, place, png, sheet
from photocal.pixels.records import Photometry, Prepared, PsfStars

_WIDTH, _HEIGHT, _SIDE = 7.2, 4.4, 3.0  # inches
_LEFT, _STAMPS, _LOWER = 0.7, 4.1, 0.6
_GRID = 5  # stamps along each side
_REACH, _LEAST_REACH = 2.5, 4  # FWHM, and pixels, from the middle of a stamp to its side
_STRETCH = 0.02  # of the peak: from where on brightness is drawn by its logarithm


def psf_stars(photometry: Photometry) -> bytes:
    """Draw the stars that were looked at for the PSF, and the brightest of those that were taken.

    Returns
    -------
    bytes
        PNG.
    """
    stars, prepared = photometry.psf_stars, photometry.prepared
    ny, nx = prepared.shape
    scale = _SIDE / max(nx, ny)
    figure = sheet(_WIDTH, _HEIGHT)
    _map(place(figure, Frame(left=_LEFT, bottom=_LOWER, width=nx * scale, height=ny * scale)), stars, prepared)
    axes = place(figure, Frame(left=_STAMPS, bottom=_LOWER, width=_SIDE, height=_SIDE))
    axes.set_axis_off()
    axes.imshow(mosaic(stars, prepared), origin="lower", cmap="gray_r", vmin=0.0, vmax=1.0, interpolation="nearest")
    line_above(figure, f"{np.count_nonzero(stars.taken)} stars make the PSF", down=0.1, size=12.5, bold=True)
    line_above(figure, _about(stars), down=0.37, size=9.0)
    return png(figure)


def _about(stars: PsfStars) -> str:
    counts = Counter(reason for reason in stars.reasons if reason)
    if not counts:
        return "none was rejected"
    return "rejected: " + ", ".join(f"{n} {reason}" for reason, n in counts.most_common())


def _map(axes: Axes, stars: PsfStars, prepared: Prepared) -> None:
    """Draw where stars lie: taken ones as discs, good ones that were too many pale, others as hollow squares."""
    ny, nx = prepared.shape
    spare = np.array([reason == "enough" for reason in stars.reasons], dtype=np.bool_)
    for mask, colour, marker, face in (
        (~stars.taken & ~spare, OUTLIER, "s", "none"),
        (spare, PALE, "o", PALE),
        (stars.taken, INLIER, "o", INLIER),
    ):
        axes.plot(stars.x[mask], stars.y[mask], marker, ms=2.6, mfc=face, mec=colour, mew=0.6, ls="none")
    axes.set_xlim(-0.5, nx - 0.5)
    axes.set_ylim(-0.5, ny - 0.5)
    axes.set_xlabel("x [pixels]", fontsize=9)
    axes.set_ylabel("y [pixels]", fontsize=9)


def mosaic(stars: PsfStars, prepared: Prepared) -> Floats:
    """Return the brightest stars that were taken, beside each other, each from 0 to 1 by an inverse hyperbolic sine."""
    reach = max(_LEAST_REACH, int(np.ceil(_REACH * prepared.fwhm)))
    side = 2 * reach + 1
    out = np.zeros((_GRID * (side + 1), _GRID * (side + 1)))
    above = np.pad(prepared.data - prepared.sky, reach)
    for k, star in enumerate(np.flatnonzero(stars.taken)[: _GRID**2]):
        x, y = round(float(stars.x[star])), round(float(stars.y[star]))
        stamp = above[y : y + side, x : x + side]
        shown = np.arcsinh(stamp / (_STRETCH * max(float(stamp.max()), prepared.rms))) / np.arcsinh(1 / _STRETCH)
        row, column = (_GRID - 1 - k // _GRID) * (side + 1), k % _GRID * (side + 1)
        out[row : row + side, column : column + side] = shown.clip(0, 1)
    return out
