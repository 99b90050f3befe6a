"""Stars yet unknown: peaks of the light that is left, as a star would make them."""

from __future__ import annotations

import numpy as np

from photocal.arrays import Floats, Pixels

_FWHM_PER_SIGMA = 2.3548
_REACH = 3.0  # sigma: of the filter
_BLOCK = 64  # pixels that are filtered together


def find_peaks(light: Pixels, variance: Pixels, fwhm: float, threshold: float) -> tuple[Floats, Floats]:
    """Return x and y where a star is most significant: of the tops of parabolas through three pixels along each axis.

    Parameters
    ----------
    light
        (ny, nx) counts above sky and known stars.
    variance
        (ny, nx) counts^2; infinite where a pixel does not count.
    fwhm
        Of a star, pixels; a Gaussian of this width is looked for.
    threshold
        Signal to noise of the weighted flux.
    """
    significance = np.pad(_significance(light, variance, fwhm / _FWHM_PER_SIGMA), 1)
    y, x = np.divmod(np.flatnonzero(significance > threshold), significance.shape[1])
    here = significance[y, x]
    top = np.ones(x.size, np.bool_)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            top &= here >= significance[y + dy, x + dx]
    x, y, here = x[top], y[top], here[top]
    along = _top(significance[y, x - 1], here, significance[y, x + 1])
    down = _top(significance[y - 1, x], here, significance[y + 1, x])
    return x - 1 + along, y - 1 + down


def _top(before: Pixels, here: Pixels, after: Pixels) -> Floats:
    """Return where from the middle the parabola through three values is highest, within half a pixel."""
    bend = np.maximum(2 * here - before - after, 1e-9)
    top: Floats = np.clip(0.5 * (after - before) / bend, -0.5, 0.5).astype(np.float64)
    return top


def _significance(light: Pixels, variance: Pixels, sigma: float) -> Pixels:
    """Return the signal to noise of a Gaussian in the middle of every pixel, (ny, nx).

    With weights w = 1 / variance it is ``sum(g w light) / sqrt(sum(g^2 w))``. Both sums are products of matrices, some
    rows and columns at once: what is in hand stays in the processor's cache. Where the second has no pixel that counts
    and the first has, in the middle of a saturated star, it is very high.
    """
    ny, nx = light.shape
    reach = int(_REACH * sigma + 0.5)
    signal_band, noise_band = _band(sigma, reach), _band(sigma / np.sqrt(2), reach)
    found = np.empty((ny, nx), np.float32)
    for top in range(0, ny, _BLOCK):
        rows = min(_BLOCK, ny - top)
        first, last = max(top - reach, 0), min(top + rows + reach, ny)
        weight = np.zeros((rows + 2 * reach, nx + 2 * reach), np.float32)
        within = np.s_[first - top + reach : last - top + reach, reach : reach + nx]
        np.divide(1, variance[first:last], out=weight[within])
        lit = np.zeros_like(weight)
        np.multiply(weight[within], light[first:last], out=lit[within])
        down = np.s_[:rows, : rows + 2 * reach]
        signal, noise = signal_band[down] @ lit, noise_band[down] @ weight
        for left in range(0, nx, _BLOCK):
            columns = min(_BLOCK, nx - left)
            across, there = np.s_[:columns, : columns + 2 * reach], np.s_[:, left : left + columns + 2 * reach]
            size = noise[there] @ noise_band[across].T
            size /= np.float32(4 * np.pi * sigma**2)
            size += np.float32(1e-12)
            np.divide(
                signal[there] @ signal_band[across].T,
                np.sqrt(size),
                out=found[top : top + rows, left : left + columns],
            )
    return found


def _band(sigma: float, reach: int) -> Pixels:
    """Return the matrix that a column of pixels with a margin is multiplied by to be smoothed."""
    offsets = np.arange(-reach, reach + 1)
    kernel = np.where(np.abs(offsets) <= int(_REACH * sigma + 0.5), np.exp(-0.5 * (offsets / sigma) ** 2), 0)
    band = np.zeros((_BLOCK, _BLOCK + 2 * reach), np.float32)
    for row in range(_BLOCK):
        band[row, row : row + offsets.size] = kernel / kernel.sum()
    return band
