"""The normal equations of stars that overlap: a block for each star, and one for each pair of near ones."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.spatial import cKDTree

from photocal.arrays import Floats, Ints, Pixels

_TOLERANCE, _MOST_ITERATIONS = 3e-3, 60
_NEIGHBOURS = 4  # that a star's error takes in: the strongest


class Normal(NamedTuple):
    """Equations scaled to a unit diagonal; the numbers of a star are flux, x and y.

    ``own`` is (n, 3, 3); ``blocks`` (m, 3, 3) those of stars ``first`` and ``second`` (m,); ``scale`` (n, 3) is what
    the unknowns were multiplied by.
    """

    own: Floats
    blocks: Floats
    first: Ints
    second: Ints
    scale: Floats


def normal_equations(slopes: Pixels, ix: Ints, iy: Ints, pairs: Ints) -> Normal:
    """Return the equations of (n, 3, w, w) slopes, already divided by the pixels' errors, and of the (m, 2) pairs."""
    n = len(slopes)
    flat = slopes.reshape(n, 3, -1)
    own = np.matmul(flat, flat.transpose(0, 2, 1)).astype(np.float64)
    first, second, blocks = _blocks(slopes, ix, iy, pairs)
    scale = np.sqrt(np.maximum(np.einsum("nii->ni", own), 1e-12))
    own = own / scale[:, :, None] / scale[:, None, :] + 1e-4 * np.eye(3)
    return Normal(own, blocks / scale[first][:, :, None] / scale[second][:, None, :], first, second, scale)


def near(x: Floats, y: Floats, distance: float) -> Ints:
    """Return the (m, 2) pairs of stars nearer to each other than a distance."""
    found: Ints = cKDTree(np.column_stack([x, y])).query_pairs(distance, output_type="ndarray").astype(np.int64)
    return found


def _blocks(slopes: Pixels, ix: Ints, iy: Ints, pairs: Ints) -> tuple[Ints, Ints, Floats]:
    """Return the blocks of pairs: those with the same offset between the middle pixels are made together."""
    width = slopes.shape[-1]
    swap = iy[pairs[:, 1]] < iy[pairs[:, 0]]
    first, second = np.where(swap, pairs[:, 1], pairs[:, 0]), np.where(swap, pairs[:, 0], pairs[:, 1])
    dx, dy = ix[second] - ix[first], iy[second] - iy[first]
    overlap = (np.abs(dx) < width) & (dy < width)
    first, second, dx, dy = first[overlap], second[overlap], dx[overlap], dy[overlap]
    key = dy * (4 * width) + dx + width
    order = np.argsort(key, kind="stable")
    first, second, dx, dy, key = first[order], second[order], dx[order], dy[order], key[order]
    blocks = np.zeros((first.size, 3, 3))
    cuts = np.flatnonzero(np.diff(key, prepend=-1, append=-1))  # every key is above 0
    for start, stop in pairwise(cuts):
        ox, oy = int(dx[start]), int(dy[start])
        x1, x2 = slice(max(ox, 0), width + min(ox, 0)), slice(max(-ox, 0), width - max(ox, 0))
        one = slopes[first[start:stop], :, oy:, x1].reshape(stop - start, 3, -1)
        two = slopes[second[start:stop], :, : width - oy, x2].reshape(stop - start, 3, -1)
        blocks[start:stop] = np.matmul(one, two.transpose(0, 2, 1))
    return first, second, blocks


def solve(normal: Normal, gradient: Floats) -> Floats:
    """Return the (n, 3) step for a gradient (n, 3): conjugate gradients, each star's own block inverted first."""
    n = len(normal.own)
    inverse = np.linalg.inv(normal.own)
    right = gradient / normal.scale
    if not normal.first.size:
        alone: Floats = np.einsum("nij,nj->ni", inverse, right) / normal.scale
        return alone
    rows = np.concatenate([np.arange(n), normal.first, normal.second])
    columns = np.concatenate([np.arange(n), normal.second, normal.first])
    data = np.concatenate([normal.own, normal.blocks, normal.blocks.transpose(0, 2, 1)])
    order = np.lexsort((columns, rows))
    starts = np.searchsorted(rows[order], np.arange(n + 1))
    matrix = sparse.bsr_matrix((data[order], columns[order], starts), shape=(3 * n, 3 * n))

    def precondition(vector: Floats) -> Floats:
        made: Floats = np.einsum("nij,nj->ni", inverse, vector.reshape(n, 3)).ravel()
        return made

    operator = LinearOperator((3 * n, 3 * n), matvec=precondition, dtype=np.float64)
    found, _ = cg(matrix, right.ravel(), rtol=_TOLERANCE, maxiter=_MOST_ITERATIONS, M=operator)
    step: Floats = found.reshape(n, 3) / normal.scale
    return step


def marginal_errors(normal: Normal) -> Floats:
    """Return the (n, 3) errors of flux, x and y, those of each star's four strongest neighbours taken in.

    The equations of a star and its neighbours (with what couples those) are inverted as they stand.
    """
    n = len(normal.own)
    one = np.concatenate([normal.first, normal.second])
    two = np.concatenate([normal.second, normal.first])
    blocks = np.concatenate([normal.blocks, normal.blocks.transpose(0, 2, 1)])
    strength = np.einsum("nij,nij->n", blocks, blocks)
    order = np.lexsort((-strength, one))
    rank = np.arange(one.size) - np.searchsorted(one[order], one[order])
    chosen = rank < _NEIGHBOURS
    members = np.full((n, 1 + _NEIGHBOURS), -1, np.int64)
    members[:, 0] = np.arange(n)
    members[one[order][chosen], 1 + rank[chosen]] = two[order][chosen]
    keys = one * n + two
    by_key = np.argsort(keys)
    keys, blocks = keys[by_key], blocks[by_key]
    joint = np.zeros((n, 1 + _NEIGHBOURS, 3, 1 + _NEIGHBOURS, 3))
    for i in range(1 + _NEIGHBOURS):
        there = members[:, i] >= 0
        joint[:, i, :, i] = np.where(there[:, None, None], normal.own[members[:, i]], np.eye(3))
        for j in range(1 + _NEIGHBOURS):
            wanted = members[:, i] * n + members[:, j]
            place = np.minimum(np.searchsorted(keys, wanted), max(keys.size - 1, 0))
            if i != j and keys.size:
                known = there & (members[:, j] >= 0) & (keys[place] == wanted)
                joint[known, i, :, j] = blocks[place[known]]
    size = 3 * (1 + _NEIGHBOURS)
    variance = np.einsum("nii->ni", np.linalg.inv(joint.reshape(n, size, size)))[:, :3]
    # Equations cut out of their neighbourhood need not be positive definite; no neighbour makes a star better known.
    alone = np.einsum("nii->ni", np.linalg.inv(normal.own))
    errors: Floats = np.sqrt(np.maximum(variance, alone)) / normal.scale
    return errors
