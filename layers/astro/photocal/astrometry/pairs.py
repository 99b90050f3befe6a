"""Few stars: every pair of them laid upon every pair of reference stars that may be the same two.

Where an image has so few stars that no four neighbours of it need be neighbours among the reference stars, patterns
fail; but then pairs are few enough to try them all. A bitmap of the reference stars tells at once whether something
lies where another star of the image would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Bools, Floats, Ints

_LARGEST = 5000  # cells along a side of the bitmap
_CHUNK = 200_000
_FIRST = 4  # other stars that are looked up of every transformation; of those with a hit all are
_FEWEST_HITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A similarity ``w = scale z + shift`` (z conjugated for parity -1), and how many other stars it puts on some."""

    parity: int
    scale: complex
    shift: complex
    hits: int


def by_pairs(
    image: Floats, sky: Floats, pixel: float, scales: tuple[float, float], reach: float, *, bases: int, most: int
) -> list[Found]:
    """Return the similarities that put most stars of an image on reference stars, the best first.

    Parameters
    ----------
    image
        (n, 2) pixels from the middle of the image, the brightest first.
    sky
        (m, 2) arcsec from the hint.
    pixel
        Arcsec: side of a cell of the bitmap, in which a star counts when it lies there or in a neighbouring one.
    scales
        Lowest and highest arcsec per pixel.
    reach
        How far the middle of the image may be from the hint, arcsec.
    bases
        How many of the brightest stars are paired.
    most
        Transformations that are tried.
    """
    low = sky.min(axis=0) - pixel
    cell = max(pixel, float(np.max(np.ptp(sky, axis=0))) / _LARGEST)
    taken = _bitmap(sky, low, cell)
    found: list[Found] = []
    z, w = image[:, 0] + 1j * image[:, 1], sky[:, 0] + 1j * sky[:, 1]
    couples = sorted(combinations(range(min(bases, len(z))), 2), key=lambda pair: -abs(z[pair[0]] - z[pair[1]]))
    longest = max(abs(z[i] - z[j]) for i, j in couples) * scales[1]
    theirs, apart = _neighbours(sky, longest, most)
    for i, j in couples:
        side = abs(z[i] - z[j])
        first, last = np.searchsorted(apart, [side * scales[0], side * scales[1]])
        if not side or most <= 0:
            continue
        for pairs in _chunks(theirs[first:last]):
            for parity in (1, -1):
                most -= len(pairs)
                found += _tried(z if parity > 0 else np.conj(z), (i, j), w, pairs, parity, reach, taken, low, cell)
    found.sort(key=lambda item: -item.hits)
    return found


def _neighbours(sky: Floats, longest: float, most: int) -> tuple[Ints, Floats]:
    """Return pairs of reference stars, both ways round, the nearest first, and how far apart they are."""
    tree = cKDTree(sky)
    if tree.count_neighbors(tree, longest) > most:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0)
    pairs = tree.query_pairs(longest, output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    apart = np.hypot(*(sky[pairs[:, 1]] - sky[pairs[:, 0]]).T)
    order = np.argsort(apart, kind="stable")
    return pairs[order], apart[order]


def _chunks(pairs: Ints) -> Iterator[Ints]:
    for start in range(0, len(pairs), _CHUNK):
        yield pairs[start : start + _CHUNK]


def _tried(
    z: Floats, base: tuple[int, int], w: Floats, pairs: Ints, parity: int, reach: float, taken: Bools, low: Floats,
    cell: float,
) -> list[Found]:  # fmt: skip
    i, j = base
    scale = (w[pairs[:, 1]] - w[pairs[:, 0]]) / (z[j] - z[i])
    shift = w[pairs[:, 0]] - scale * z[i]
    near = np.abs(shift) <= reach
    scale, shift = scale[near], shift[near]
    others = np.delete(np.arange(len(z)), [i, j])
    hits = _hits(z[others[:_FIRST]], scale, shift, taken, low, cell)
    some = hits >= 1
    scale, shift = scale[some], shift[some]
    hits = _hits(z[others], scale, shift, taken, low, cell)
    best = np.flatnonzero(hits >= _FEWEST_HITS)
    best = best[np.argsort(-hits[best], kind="stable")[:20]]
    return [Found(parity=parity, scale=complex(scale[k]), shift=complex(shift[k]), hits=int(hits[k])) for k in best]


def _bitmap(sky: Floats, low: Floats, cell: float) -> Bools:
    """Return which cells of a map have a reference star in them or in one of their neighbours."""
    column, row = (np.floor((sky - low) / cell).astype(np.int64) + 1).T
    found: Bools = np.zeros((int(row.max()) + 2, int(column.max()) + 2), dtype=np.bool_)
    for by_row in (-1, 0, 1):
        for by_column in (-1, 0, 1):
            found[row + by_row, column + by_column] = True
    return found


def _hits(z: Floats, scale: Floats, shift: Floats, taken: Bools, low: Floats, cell: float) -> Ints:
    """Return how many stars each transformation puts into cells that are taken."""
    count: Ints = np.zeros(len(scale), dtype=np.int64)
    ny, nx = taken.shape
    for one in z:
        w = scale * one + shift
        column = np.floor((w.real - low[0]) / cell).astype(np.int64) + 1
        row = np.floor((w.imag - low[1]) / cell).astype(np.int64) + 1
        inside = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
        count[inside] += taken[row[inside], column[inside]]
    return count
