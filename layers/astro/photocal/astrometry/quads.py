"""Patterns of four stars that look the same whatever the scale, the rotation and the place.

Lang et al. 2010 (AJ 139, 1782): the two stars farthest apart are put at 0 and 1 of the complex plane; where the other
two then lie is the code of the pattern. Its mirror image has the conjugate code.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Anything, Floats, Ints

_PAIRS = np.array(list(combinations(range(4), 2)))
_OTHERS = np.array([[i for i in range(4) if i not in pair] for pair in _PAIRS.tolist()])
_NARROW = 0.1  # of the longest side: patterns with stars nearer to each other than that are little use
_FEWEST_NEIGHBOURS = 3
_ROWS = 100_003  # more cells than a row has


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """Patterns of four stars.

    Attributes
    ----------
    codes
        (m, 4): where the third and the fourth star lie, real and imaginary parts.
    stars
        (m, 4) indices, in the order of the code.
    sides
        (m,) the longest side, in the unit of the points.
    """

    codes: Floats
    stars: Ints
    sides: Floats

    def __len__(self) -> int:
        return len(self.sides)


def patterns(points: Floats, neighbours: int) -> Patterns:
    """Return the patterns of each star with all threes of its nearest neighbours, thin ones left out.

    Parameters
    ----------
    points
        (n, 2) on a plane.
    neighbours
        How many of each star are used.
    """
    stars = _fours(points, neighbours)
    z = (points[:, 0] + 1j * points[:, 1])[stars]
    longest = np.abs(z[:, _PAIRS[:, 0]] - z[:, _PAIRS[:, 1]]).argmax(axis=1)
    order = np.concatenate([_PAIRS[longest], _OTHERS[longest]], axis=1)
    stars, z = np.take_along_axis(stars, order, axis=1), np.take_along_axis(z, order, axis=1)
    base = z[:, 1] - z[:, 0]
    some = np.abs(base) > 0
    stars, z, base = stars[some], z[some], base[some]
    third, fourth = (z[:, 2] - z[:, 0]) / base, (z[:, 3] - z[:, 0]) / base
    turned = third.real + fourth.real > 1.0  # which end is 0 and which star is third: one choice of each, for all
    third, fourth = np.where(turned, 1.0 - third, third), np.where(turned, 1.0 - fourth, fourth)
    stars = np.where(turned[:, None], stars[:, [1, 0, 2, 3]], stars)
    crossed = third.real > fourth.real
    third, fourth = np.where(crossed, fourth, third), np.where(crossed, third, fourth)
    stars = np.where(crossed[:, None], stars[:, [0, 1, 3, 2]], stars)
    wide = np.minimum(np.minimum(np.abs(third), np.abs(fourth)), np.abs(third - fourth)) > _NARROW
    codes = np.stack([third.real, third.imag, fourth.real, fourth.imag], axis=1)
    return Patterns(codes=codes[wide], stars=stars[wide], sides=np.abs(base)[wide])


def _fours(points: Floats, neighbours: int) -> Ints:
    """Return each four of stars once: (m, 4) indices."""
    n = len(points)
    used = min(neighbours, n - 1)
    if used < _FEWEST_NEIGHBOURS:
        return np.zeros((0, 4), dtype=np.int64)
    near = cKDTree(points).query(points, k=used + 1)[1]
    threes = np.array(list(combinations(range(1, used + 1), 3)))
    own = np.repeat(near[:, :1], len(threes), axis=0)
    fours: Ints = np.unique(np.sort(np.concatenate([own, near[:, threes].reshape(-1, 3)], axis=1), axis=1), axis=0)
    return fours


def brightest_of_cells(points: Floats, magnitudes: Anything, cell: float, most: int) -> Ints:
    """Return the indices of the brightest stars of each square cell, so that no corner of a wide field goes without.

    Parameters
    ----------
    points
        (n, 2) on a plane.
    magnitudes
        (n,) fainter is larger.
    cell
        Side of a cell, in the unit of the points.
    most
        Stars of a cell.
    """
    if not len(points):
        return np.zeros(0, dtype=np.int64)
    column, row = np.floor(points / cell).astype(np.int64).T
    key = column * _ROWS + row
    order = np.lexsort((magnitudes, key))
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    chosen: Ints = np.sort(order[rank < most])
    return chosen
