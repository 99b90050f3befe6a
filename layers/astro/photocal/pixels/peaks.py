"""Stars yet unknown: peaks of the light that is left, as a star would make them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from photocal.arrays import Bools, Floats, Pixels

_FWHM_PER_SIGMA = 2.3548


def find_peaks(light: Pixels, variance: Pixels, bad: Bools, fwhm: float, threshold: float) -> tuple[Floats, Floats]:
    """Return x and y of the pixels where a star is most significant.

    Parameters
    ----------
    light
        (ny, nx) counts above sky and known stars.
    variance
        (ny, nx) counts^2.
    bad
        (ny, nx) pixels that do not count.
    fwhm
        Of a star, pixels; a Gaussian of this width is looked for.
    threshold
        Signal to noise of the weighted flux.
    """
    weight = np.where(bad, 0, 1 / variance).astype(np.float32)
    sigma = fwhm / _FWHM_PER_SIGMA
    signal = ndimage.gaussian_filter(light * weight, sigma, truncate=3, mode="constant")
    noise = ndimage.gaussian_filter(weight, sigma / np.sqrt(2), truncate=3, mode="constant") / np.float32(
        4 * np.pi * sigma**2
    )
    significance = np.pad(signal / np.sqrt(noise + 1e-12), 1)
    y, x = np.nonzero(significance > threshold)
    here = significance[y, x]
    top = np.ones(x.size, np.bool_)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            top &= here >= significance[y + dy, x + dx]
    return x[top].astype(np.float64) - 1, y[top].astype(np.float64) - 1
