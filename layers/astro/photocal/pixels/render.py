"""Stamps on images: the pixels under them, and the image of all stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from photocal.arrays import Anything, Bools, Floats, Ints, Pixels
from photocal.pixels.psf import FieldPsf

_LOST = 0.02  # of the sky's noise: where a star's light in a pixel ends
_FARTHEST = 200  # pixels
_AT_ONCE = 8_000_000  # numbers in the stamps made at once


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """An image with a margin around it, so that no stamp is cut.

    Attributes
    ----------
    margin
        Pixels.
    pixels
        (ny + 2 margin, nx + 2 margin).
    """

    margin: int
    pixels: Pixels

    @classmethod
    def of(cls, image: Pixels, margin: int, outside: float = 0.0) -> Self:
        """Return a canvas with an image on it, and a value all around."""
        return cls(margin, np.pad(image, margin, constant_values=np.float32(outside)))

    @classmethod
    def empty(cls, size: tuple[int, int], margin: int) -> Self:
        """Return a canvas of zeros for an image of (ny, nx)."""
        return cls(margin, np.zeros((size[0] + 2 * margin, size[1] + 2 * margin), np.float32))

    @property
    def image(self) -> Pixels:
        """(ny, nx): what is within the margin."""
        return self.pixels[self.margin : -self.margin, self.margin : -self.margin]

    def copied_to(self, other: Self) -> Self:
        """Overwrite another canvas of the same size with this, and return it."""
        np.copyto(other.pixels, self.pixels)
        return other

    def add(self, ix: Ints, iy: Ints, stamps: Pixels) -> None:
        """Add (n, w, w) stamps around their middle pixels (n,)."""
        width, row = stamps.shape[-1], self.pixels.shape[1]
        corner = (iy + self.margin - width // 2) * row + ix + self.margin - width // 2
        steps = np.arange(width)
        places = corner[:, None] + (steps[:, None] * row + steps).ravel()
        np.add.at(self.pixels.reshape(-1), places.ravel(), stamps.ravel())

    def windows(self, ix: Ints, iy: Ints, half: int) -> Pixels:
        """Return the (n, w, w) pixels around middle ones (n,)."""
        width, start = 2 * half + 1, self.margin - half
        every = np.lib.stride_tricks.sliding_window_view(self.pixels, (width, width))
        cut: Pixels = every[iy + start, ix + start]
        return cut


def pixels_of(ix: Ints, iy: Ints, half: int, size: tuple[int, int]) -> tuple[Ints, Ints, Bools]:
    """Return which pixels stamps cover.

    Parameters
    ----------
    ix, iy
        (n,) middle pixels.
    half
        Of the stamps, pixels.
    size
        (ny, nx) of the image.

    Returns
    -------
    tuple
        (n, w, w) places in the flat image, clipped to it; the stars (m,) whose stamps the edge cuts; and (m, w, w),
        which of their pixels are within.
    """
    ny, nx = size
    offsets = np.arange(-half, half + 1)
    rows, columns = iy[:, None] + offsets, ix[:, None] + offsets
    places = (np.clip(rows, 0, ny - 1) * nx)[:, :, None] + np.clip(columns, 0, nx - 1)[:, None, :]
    cut = np.flatnonzero((ix < half) | (ix >= nx - half) | (iy < half) | (iy >= ny - half))
    rows_in, columns_in = (rows[cut] >= 0) & (rows[cut] < ny), (columns[cut] >= 0) & (columns[cut] < nx)
    return places, cut, rows_in[:, :, None] & columns_in[:, None, :]


def blank_outside(stamps: Anything, cut: Ints, within: Bools) -> None:
    """Set to 0, in place, what (n, w, w) stamps have outside the image."""
    stamps[cut] = np.where(within, stamps[cut], 0)


def render(psf: FieldPsf, x: Floats, y: Floats, flux: Floats, *, rms: float, half: int, cores: bool = True) -> Canvas:
    """Return the image of all stars, each out to where it is lost in the noise.

    Parameters
    ----------
    psf
        What a star looks like.
    x, y, flux
        (n,) stars.
    rms
        Of the sky's noise, counts.
    half
        Of the smallest stamps, the cores, pixels.
    cores
        Whether these are drawn, or only what is around them.

    Returns
    -------
    Canvas
        With a margin for stamps of stars up to a pixel outside.
    """
    canvas = Canvas.empty(psf.size, psf.half + 2)
    reach = _reach(psf, x, y, flux, rms)
    halves = (half, min(int(1.5 * half), psf.half), psf.half)
    chosen = np.digitize(reach, halves[:2])
    for k in range(0 if cores else 1, 3):
        mine, wide = np.flatnonzero(chosen == k), halves[k]
        for part in np.array_split(mine, max(1, mine.size * (2 * wide + 1) ** 2 // _AT_ONCE)):
            ix, iy, light = psf.light(x[part], y[part], flux[part], wide)
            if not cores:
                light[:, wide - half : wide + half + 1, wide - half : wide + half + 1] = 0
            canvas.add(ix, iy, light)
    far = np.flatnonzero(reach > psf.half + 2)
    _add_wings(canvas.image, psf, x[far], y[far], flux[far], reach[far])
    return canvas


def _reach(psf: FieldPsf, x: Floats, y: Floats, flux: Floats, rms: float) -> Floats:
    """Return how far from the star its light is lost, pixels."""
    co = psf.moffat(x, y)
    core = (co.a * co.c - co.b**2) ** -0.25
    q = (np.abs(flux) * co.norm / (_LOST * rms)) ** (1 / co.beta)
    distance: Floats = core * np.sqrt(np.maximum(q - 1, 0.5))
    return distance


def _add_wings(image: Pixels, psf: FieldPsf, x: Floats, y: Floats, flux: Floats, reach: Floats) -> None:
    """Add the light of bright stars beyond the tables, one by one."""
    ny, nx = image.shape
    co = psf.moffat(x, y)
    for k in range(x.size):
        far, ix, iy = int(min(reach[k], _FARTHEST)) + 1, int(np.rint(x[k])), int(np.rint(y[k]))
        left, right, low, high = max(ix - far, 0), min(ix + far + 1, nx), max(iy - far, 0), min(iy + far + 1, ny)
        if left >= right or low >= high:
            continue
        dx = (np.arange(left, right) - x[k]).astype(np.float32)[None, :]
        dy = (np.arange(low, high) - y[k]).astype(np.float32)[:, None]
        a, b, c, beta, norm = (np.float32(item[k]) for item in co)
        light = np.float32(flux[k]) * norm * np.exp(-beta * np.log(1 + a * dx * dx + 2 * b * dx * dy + c * dy * dy))
        drawn_y = np.abs(np.arange(low, high) - iy) <= psf.half
        drawn_x = np.abs(np.arange(left, right) - ix) <= psf.half
        light[np.ix_(drawn_y, drawn_x)] = 0
        image[low:high, left:right] += light
