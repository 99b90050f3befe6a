"""Light that is wider than a star: galaxies, nebulae, haloes of bright stars. It is a sky of smaller mesh, not stars.

The sky's mesh is some twenty times as wide as a star, and what is narrower than it would be cut into hundreds of stars.
Blocks of 2.5 FWHM have medians that single stars hardly move. Where many neighbouring ones are high, as compared with
all blocks of the image, so that a crowded field is not taken for a nebula, their medians are added to the sky.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.ndimage as ndi

from photocal.arrays import Bools, Floats, Ints, Pixels
from photocal.pixels.background import SIGMA
from photocal.pixels.noise import typical_of
from photocal.pixels.psf import FieldPsf
from photocal.pixels.records import Prepared

_BLOCK, _LEAST_BLOCK = 2.5, 4  # FWHM, pixels
_MEDIAN_ERROR = 1.2533  # of the mean's
_HIGH, _LOW = 5.0, 2.0  # sigma of blocks: that begin an area, and that belong to it
_WIDE, _HIGH_WIDE = 5, 8.0  # blocks along a side, whose mean is so many sigma: that begin an area, too
_OF_NINE = 6  # high blocks among the nine around one, that begin an area
_LEAST_PIXELS = 0.5  # of a block, that are good
_BRIGHT, _STEEP, _RING = 12.0, 0.6, 2.5  # rms; share of the peak above the ring around it; its radius, FWHM
_FWHM_PER_SIGMA = 2.3548
_LEFT_OF_MEDIAN = 0.1587
_MOST_ROUGH = 30.0


class Extended(NamedTuple):
    """Light wider than a star.

    Attributes
    ----------
    light
        (ny, nx) counts, to be added to the sky; 0 outside the area.
    rough
        (ny, nx) how many times the noise a star's flux scatters there, as the residuals show it: 1 outside the area.
    area
        (ny, nx) where it is.
    """

    light: Pixels
    rough: Pixels
    area: Bools


def of_residuals(prepared: Prepared, left: Pixels) -> Extended | None:
    """Return the extended light of an image from which sky and known stars were taken off; None where there is none.

    Parameters
    ----------
    prepared
        The image.
    left
        (ny, nx) counts.
    """
    side = max(_LEAST_BLOCK, round(_BLOCK * prepared.fwhm))
    ny, nx = prepared.shape
    if min(ny, nx) < 3 * side:
        return None
    medians, known = _medians(left, prepared.bad, side)
    if not known.any():
        return None
    middle = float(np.median(medians[known]))
    sigma = SIGMA * float(np.median(np.abs(medians[known] - middle)))
    sigma = max(sigma, _MEDIAN_ERROR * float(np.sqrt(typical_of(prepared.noise_variance))) / side)
    above = np.where(known, (medians - middle) / sigma, 0.0)
    wide = ndi.uniform_filter(above.clip(-_HIGH, _HIGH), _WIDE, mode="nearest")
    wide /= max(SIGMA * float(np.median(np.abs(wide - np.median(wide)))), 1.0 / _WIDE)
    many = ndi.uniform_filter((above > _HIGH).astype(np.float32), 3, mode="nearest") > (_OF_NINE - 0.5) / 9
    many |= wide > _HIGH_WIDE
    if not many.any():
        return None
    area = ndi.binary_propagation(many, mask=(above > _LOW) | many)
    area = ndi.binary_dilation(area, np.ones((3, 3), np.bool_))
    whole = _pixels_of(area, side, (ny, nx))
    light = _at_pixels(np.where(area & known, medians - middle, 0.0), side, whole, 0.0)
    return Extended(light, _roughness(prepared, left - light, area, side), whole)


def bright_stars(prepared: Prepared, psf: FieldPsf, light: Pixels) -> tuple[Floats, Floats, Floats]:
    """Return x, y and roughly the flux of the stars whose light would be taken for extended: bright and steep peaks.

    The flux is what the brightest pixel has above a ring around. Saturated stars are not among them.
    """
    ny, nx = prepared.shape
    good = np.where(prepared.bad, np.float32(0), light)
    y, x = np.nonzero(good > _BRIGHT * prepared.rms)
    here = good[y, x]
    top = np.ones(x.size, np.bool_)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            top &= here >= good[(y + dy).clip(0, ny - 1), (x + dx).clip(0, nx - 1)]
    x, y, here = x[top], y[top], here[top]
    angle = np.arange(12) * np.pi / 6
    radius = _RING * prepared.fwhm
    ring_x = np.rint(x[:, None] + radius * np.cos(angle)).astype(np.int64).clip(0, nx - 1)
    ring_y = np.rint(y[:, None] + radius * np.sin(angle)).astype(np.int64).clip(0, ny - 1)
    above = here - np.median(good[ring_y, ring_x], axis=1)
    steep = above > _STEEP * here
    x, y = x[steep].astype(np.float64), y[steep].astype(np.float64)
    flux = above[steep] / psf.moffat(x, y).norm
    return x, y, flux


def _medians(left: Pixels, bad: Bools, side: int) -> tuple[Floats, Bools]:
    """Return the medians of the good pixels in blocks, and which blocks have enough of them."""
    ordered = np.sort(_blocks(np.where(bad, np.float32(np.inf), left), side), axis=-1)
    n_good = np.count_nonzero(np.isfinite(ordered), axis=-1)
    found = np.take_along_axis(ordered, np.maximum(n_good - 1, 0)[..., None] // 2, axis=-1)[..., 0]
    known = n_good >= _LEAST_PIXELS * side * side
    return np.where(known, found, 0.0).astype(np.float64), known


def _blocks(image: Pixels, side: int) -> Pixels:
    """Return (rows, columns, side * side) pixels of blocks; there are none (infinity) beyond the edge."""
    ny, nx = image.shape
    if ny % side or nx % side:
        image = np.pad(image, ((0, -ny % side), (0, -nx % side)), constant_values=np.inf)
    rows, columns = image.shape[0] // side, image.shape[1] // side
    parts: Pixels = image.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(rows, columns, side * side)
    return parts


def _pixels_of(area: Bools, side: int, shape: tuple[int, int]) -> Bools:
    return area.repeat(side, 0).repeat(side, 1)[: shape[0], : shape[1]]


def _at_pixels(values: Floats, side: int, where: Bools, elsewhere: float) -> Pixels:
    """Return the (ny, nx) values of blocks at the pixels of a mask, linear between their middles."""
    found = np.full(where.shape, elsewhere, np.float32)
    places = np.flatnonzero(where)
    (y, down), (x, across) = (
        _between(place, side, n) for place, n in zip(np.divmod(places, where.shape[1]), values.shape, strict=True)
    )
    rows, columns = values.shape
    below, right = np.minimum(y + 1, rows - 1), np.minimum(x + 1, columns - 1)
    above = values[y, x] * (1 - down) + values[below, x] * down
    beside = values[y, right] * (1 - down) + values[below, right] * down
    found.ravel()[places] = above * (1 - across) + beside * across
    return found


def _between(place: Ints, side: int, n: int) -> tuple[Ints, Floats]:
    """Return which of n blocks is before a place, and how far it is on the way to the next."""
    at = ((place + 0.5) / side - 0.5).clip(0, n - 1)
    low = np.minimum(at.astype(np.int64), max(n - 2, 0))
    return low, at - low


def _roughness(prepared: Prepared, left: Pixels, area: Bools, side: int) -> Pixels:
    """Return how many times its error the flux of a star scatters: the lower half of the significances in blocks."""
    sigma = prepared.fwhm / _FWHM_PER_SIGMA
    found = np.ones(area.shape)
    labels, _ = ndi.label(area, np.ones((3, 3)))
    for part in ndi.find_objects(labels):
        rows, columns = (slice(max(s.start - 1, 0), s.stop + 1) for s in part)
        cut = slice(rows.start * side, rows.stop * side), slice(columns.start * side, columns.stop * side)
        weight = np.where(prepared.bad[cut], np.float32(0), 1 / prepared.noise_variance[cut])
        signal = ndi.gaussian_filter(left[cut] * weight, sigma, truncate=3)
        noise = ndi.gaussian_filter(weight, sigma / np.sqrt(2), truncate=3) / np.float32(4 * np.pi * sigma**2)
        ordered = np.sort(_blocks(signal / np.sqrt(noise + 1e-12), side), axis=-1)
        low, middle = ordered[..., int(_LEFT_OF_MEDIAN * side * side)], ordered[..., side * side // 2]
        spread = np.where(np.isfinite(middle), middle - low, 1.0)
        spread = ndi.maximum_filter(ndi.median_filter(spread, 3), 3)
        here = found[rows, columns]
        found[rows, columns] = np.where(area[rows, columns], np.maximum(here, spread), here)
    near = _pixels_of(ndi.binary_dilation(area, np.ones((3, 3), np.bool_)), side, prepared.shape)
    return _at_pixels(np.minimum(found, _MOST_ROUGH), side, near, 1.0)
