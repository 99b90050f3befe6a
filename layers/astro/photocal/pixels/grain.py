"""Noise that neighbouring pixels share, as where an image was interpolated: more of it than their differences say.

The variance of an image is had from its second differences (`photocal.pixels.noise`), which see only half of what
neighbours have in common; and the flux of a star adds up pixels, and with them what they have in common.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from photocal.arrays import Bools, Pixels
from photocal.pixels.background import SIGMA
from photocal.pixels.noise import variance_under
from photocal.pixels.records import Prepared

_TILE, _TILES = 256, 3  # pixels, and how many of them along each axis are looked at
_SHARED, _SCATTERED = 1.12, 1.12  # times: what is below is crowding, or chance
_LEAST = 1000  # pixels
_CUT_OFF = 0.05  # of the pixels
_MOST = 10.0  # times
_FWHM_PER_SIGMA = 2.3548


def of_pixels(prepared: Prepared) -> float:
    """Return how many times its differences say the noise of a pixel is: 1 where it is what they say.

    Second differences of pixels two apart, ``[1, 0, -2, 0, 1] x [1, 0, -2, 0, 1] / 6``, scatter as those of
    neighbours do when all noise is each pixel's own. Where more than a twentieth of the pixels has the lowest value of
    all, the noise was cut off below; there it is what the upper half of the pixels says.
    """
    above = prepared.data - prepared.sky
    scatter = _second_differences(above, prepared.bad, 1), _second_differences(above, prepared.bad, 2)
    ratio = scatter[1] / scatter[0] if scatter[0] > 0 else 1.0
    good = prepared.data[~prepared.bad][::7]
    if good.size >= _LEAST and np.count_nonzero(good == good.min()) > _CUT_OFF * good.size and scatter[0] > 0:
        half = float(np.subtract(*np.quantile(above[~prepared.bad][::7], (0.8413, 0.5))))
        ratio = max(ratio, half / scatter[0])
    return min(ratio, _MOST) if ratio > _SHARED else 1.0


def _second_differences(above: Pixels, bad: Bools, lag: int) -> float:
    """Return the scatter of second differences of pixels so far apart, as a standard deviation of pixels."""
    kernel = np.zeros(2 * lag + 1)
    kernel[[0, lag, -1]] = 1.0, -2.0, 1.0
    found = []
    for part in _tiles(above.shape):
        rough = ndi.convolve1d(ndi.convolve1d(above[part], kernel, axis=0), kernel, axis=1) / 6
        found.append(np.abs(rough[~ndi.binary_dilation(bad[part], iterations=lag)]))
    values = np.concatenate(found)
    return SIGMA * float(np.median(values)) if values.size >= _LEAST else 0.0


def of_stars(prepared: Prepared, left: Pixels, model: Pixels, area: Bools | None) -> float:
    """Return how many times its error the flux of a star scatters where there is none: 1 where it does as it should.

    Parameters
    ----------
    prepared
        The image.
    left, model
        (ny, nx) counts less sky and stars, and those of the stars.
    area
        (ny, nx) what is left out, or None.
    """
    sigma = prepared.fwhm / _FWHM_PER_SIGMA
    found = []
    for part in _tiles(prepared.shape):
        bad = prepared.bad[part] if area is None else prepared.bad[part] | area[part]
        variance = variance_under(prepared.noise_variance[part], model[part], prepared.gain)
        weight = np.where(bad, np.float32(0), 1 / variance)
        signal = ndi.gaussian_filter(left[part] * weight, sigma, truncate=3)
        noise = ndi.gaussian_filter(weight, sigma / np.sqrt(2), truncate=3) / np.float32(4 * np.pi * sigma**2)
        found.append((signal / np.sqrt(noise + 1e-12))[~bad])
    values = np.concatenate(found)
    if values.size < _LEAST:
        return 1.0
    low, middle = np.quantile(values, (0.1587, 0.5))  # stars that were not found are above
    ratio = float(middle - low)
    return ratio if ratio > _SCATTERED else 1.0


def _tiles(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Return tiles spread over an image; all of it where it is small."""
    along = []
    for size in shape:
        n = min(_TILES, -(-size // _TILE))
        starts = np.linspace(0, max(size - _TILE, 0), n).astype(np.int64) if n > 1 else np.zeros(1, np.int64)
        along.append([slice(int(start), int(start) + _TILE) for start in starts])
    return [(rows, columns) for rows in along[0] for columns in along[1]]
