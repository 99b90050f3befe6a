"""The noise of the sky as the image shows it, and whether the header's gain can be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from photocal.arrays import Bools, Floats, Pixels
from photocal.pixels import grow
from photocal.pixels.background import SIGMA, mesh_of

_TILE, _LEAST_IN_TILE = 64, 40
_ENOUGH_ROWS = 32  # of a tile
_SOME = 7  # each so many-th pixel, where the whole image is asked for one number
_AGREES = 2.0  # factor of variance within which the header's gain is believed
_FULL_WELL_E = 100_000.0  # electrons: what pixels of usual chips hold, few more
_LEAST_GAIN = 1e-4  # electrons for each count, that any detector has
_SKY_RMS = 3.0  # a sky lower than so many rms was subtracted: it tells nothing of the gain


def variance_under(noise: Pixels, light: Pixels, gain: float) -> Pixels:
    """Return the variance of pixels with the light of stars on them: that of the sky, and of the stars' photons.

    Parameters
    ----------
    noise
        Variance of the sky's pixels, counts^2.
    light
        Of stars, counts, of the same shape; below 0 it adds nothing.
    gain
        Electrons for each count.
    """
    return np.asarray(noise + np.maximum(light, 0) / gain, np.float32)


def variance_map(data: Pixels, bad: Bools, rms: float) -> Pixels:
    """Return the variance of the sky's pixels, counts^2, (ny, nx).

    It is that of the image less its second differences along both axes, ``[1, -2, 1] x [1, -2, 1] / 6`` (Immerkaer
    1996), which leaves hardly anything of sky and stars; by the median absolute deviation in tiles of 64 pixels.

    Parameters
    ----------
    data, bad
        (ny, nx) counts, and the pixels to leave out.
    rms
        Of the sky, counts: taken where hardly any pixel has all its neighbours.
    """
    ny, nx = data.shape
    side = min(_TILE, 2 * mesh_of((ny, nx)))
    step = max(1, side // _ENOUGH_ROWS)
    rough, usable = _differences(data, step), ~grow.square(bad)[1:-1:step, 1:-1]
    if not rough.size:  # a row or two
        return np.full((ny, nx), max(rms**2, _least(data, bad)), np.float32)
    some = rough.ravel()[::_SOME][usable.ravel()[::_SOME]]
    whole = _variance(some) if some.size >= _LEAST_IN_TILE else rms**2
    rows = np.array_split(np.arange(rough.shape[0]), max(1, ny // side))
    columns = np.array_split(np.arange(rough.shape[1]), max(1, nx // side))
    tiles = np.full((len(rows), len(columns)), whole)
    for j, row in enumerate(rows):
        for i, column in enumerate(columns):
            part = np.s_[row[0] : row[-1] + 1, column[0] : column[-1] + 1]
            values = rough[part][usable[part]]
            if values.size >= _LEAST_IN_TILE:
                tiles[j, i] = _variance(values)
    tiles = np.maximum(ndi.median_filter(tiles, 3, mode="nearest"), _least(data, bad))
    return enlarged(tiles, (ny, nx))


def _differences(data: Pixels, step: int) -> Pixels:
    """Return the second differences along both axes, as noise of the same size, of each ``step``-th row but the edge's.

    Neighbouring rows have much of their noise in common.
    """
    down = data[2::step] + data[:-2:step]
    down -= 2 * data[1:-1:step]
    across: Pixels = down[:, 2:] + down[:, :-2]
    across -= 2 * down[:, 1:-1]
    across /= 6
    return across


def typical_of(smooth: Pixels) -> float:
    """Return the median of an image that hardly changes from pixel to pixel; of each seventh along both axes."""
    return float(np.median(smooth[::_SOME, ::_SOME]))


def _variance(values: Floats | Pixels) -> float:
    """Return the variance of differences about 0; where most are alike, by their mean square."""
    if not values.size:
        return 0.0
    found = (SIGMA * float(np.median(np.abs(values)))) ** 2
    return found if found > 0 else float(np.mean(np.square(values, dtype=np.float64)))


def whole_numbers(data: Pixels, bad: Bools) -> bool:
    """Return whether the image holds whole numbers only, as a converter gives them, or halves: means of two greens."""
    part = 2 * data.ravel()[::101][~bad.ravel()[::101]]
    return bool(part.size) and bool(np.all(part == np.rint(part)))


def _least(data: Pixels, bad: Bools) -> float:
    """Return the variance that any pixel has: of rounding, 1/12; of float32, where the image is not whole numbers."""
    if whole_numbers(data, bad):
        return 1 / 12
    highest = max(float(np.max(data, where=~bad, initial=0.0)), -float(np.min(data, where=~bad, initial=0.0)))
    return max(highest * 1e-7, 1e-18) ** 2


def enlarged(tiles: Floats, shape: tuple[int, int]) -> Pixels:
    """Return tiles as an image: linear between their middles, constant beyond."""
    image: Pixels = tiles.astype(np.float32)
    for axis, (n, size) in enumerate(zip(tiles.shape, shape, strict=True)):
        at = ((np.arange(size) + 0.5) * n / size - 0.5).clip(0, n - 1)
        low = np.minimum(at.astype(np.int64), max(n - 2, 0))
        share = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        image = image.take(low, axis) * (1 - share) + image.take(np.minimum(low + 1, n - 1), axis) * share
    return image


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Electrons for each count, and how that was had."""

    value: float
    how: str


def gain_of(
    *, header: float | None, read_noise_e: float | None, sky: float, variance: float, highest: float, whole: bool
) -> Gain:
    """Return the gain: the header's if the noise of the sky can be had with it, else what that noise says.

    Photons make the sky's variance ``sky / gain + (read noise / gain)^2`` counts^2. More noise than that: the keyword
    is no gain. Less: a bias is still in the sky (whole numbers), or the image is a mean or a rate.

    Parameters
    ----------
    header, read_noise_e
        What the header says, electrons for each count and electrons; None where it does not.
    sky, variance
        Typical level and variance of the sky, counts and counts^2.
    highest
        The highest count, or the saturation.
    whole
        Whether the image holds whole numbers only.
    """
    told = sky > _SKY_RMS * math.sqrt(variance) and variance > 0
    if header is None or not (math.isfinite(header) and header > _LEAST_GAIN):
        if told:
            return _guessed(sky / variance, highest if whole else 0.0)
        return Gain(value=1.0, how="unknown: neither the header nor the sky tells; taken as 1")
    if not told:
        return Gain(value=header, how="header, unchecked: the sky is too low to tell")
    return _checked(header, sky / header + ((read_noise_e or 0.0) / header) ** 2, sky, variance, whole=whole)


def _guessed(told: float, highest: float) -> Gain:
    """Return the gain when only the noise of the sky tells, in which a bias makes it too high."""
    if told * highest <= _FULL_WELL_E:
        return Gain(value=told, how="from the noise of the sky; the header has none")
    return Gain(
        value=_FULL_WELL_E / highest,
        how=f"a full well of {_FULL_WELL_E:.0f} electrons assumed: the header has none, and a bias is in the sky",
    )


def _checked(header: float, expected: float, sky: float, variance: float, *, whole: bool) -> Gain:
    """Return the gain when the variance that the header's makes us expect is held against the image's."""
    if variance > _AGREES * expected:
        return Gain(value=sky / variance, how=f"from the noise of the sky, which contradicts the header's {header:g}")
    if variance * _AGREES >= expected:
        return Gain(value=header, how="header, as the noise of the sky confirms")
    if whole:
        return Gain(value=header, how="header; the sky has less noise than its level: a bias is in it")
    return Gain(value=sky / variance, how=f"from the noise of the sky: a mean or a rate, header {header:g}")
