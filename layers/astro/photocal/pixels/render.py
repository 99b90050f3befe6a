"""Stamps on images: the pixels under them, and the image of all stars."""

from __future__ import annotations

import numpy as np

from photocal.arrays import Anything, Bools, Floats, Ints, Pixels
from photocal.pixels.psf import FieldPsf

Stamps = tuple[Ints, Ints, Pixels]

_LOST = 0.02  # of the sky's noise: where a star's light in a pixel ends
_FARTHEST = 200  # pixels
_AT_ONCE = 8_000_000  # numbers in the stamps made at once


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


def render(
    psf: FieldPsf, x: Floats, y: Floats, flux: Floats, *, rms: float, half: int, cores: Stamps | None = None
) -> Pixels:
    """Return the (ny, nx) image of all stars, each out to where it is lost in the noise.

    Parameters
    ----------
    psf
        What a star looks like.
    x, y, flux
        (n,) stars.
    rms
        Of the sky's noise, counts.
    half
        Of the smallest stamps, pixels.
    cores
        What `FieldPsf.stamps` gives of all these stars for ``half``, where it is known already.
    """
    ny, nx = psf.size
    flat = np.zeros(ny * nx, np.float32)
    reach = _reach(psf, x, y, flux, rms)
    halves = (half, min(int(1.5 * half), psf.half), psf.half)
    chosen = np.digitize(reach, halves[:2])
    for k, wide in enumerate(halves):
        mine = np.flatnonzero(chosen == k)
        for part in np.array_split(mine, max(1, mine.size * (2 * wide + 1) ** 2 * 3 // _AT_ONCE)):
            if cores is not None and k == 0:
                ix, iy, stamps = cores[0][part], cores[1][part], cores[2][part, :1]
            else:
                ix, iy, stamps = psf.stamps(x[part], y[part], wide)
            places, cut, within = pixels_of(ix, iy, wide, psf.size)
            light = stamps[:, 0] * flux[part].astype(np.float32)[:, None, None]
            blank_outside(light, cut, within)
            np.add.at(flat, places.ravel(), light.ravel())
    image = flat.reshape(ny, nx)
    far = np.flatnonzero(reach > psf.half + 2)
    _add_wings(image, psf, x[far], y[far], flux[far], reach[far])
    return image


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
