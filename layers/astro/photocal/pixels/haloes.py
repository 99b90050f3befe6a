"""Pieces of haloes: what wings, spikes and bleeding of bright stars are cut into, where the PSF has them wrong.

They cannot be told from faint stars one by one, but there are too many of them too near.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Bools, Floats

_FAINT = 0.03  # of the bright star's flux, that a piece of its halo has at most
_NEAR, _FAR = 6.0, 15.0  # FWHM: of a halo, and of the ring around it that tells how many stars there are
_CORE = 1.0  # FWHM
_FEWEST, _TIMES = 4, 3.0  # pieces, beyond so many times what the ring lets one expect


def pieces(x: Floats, y: Floats, flux: Floats, fwhm: float) -> Bools:
    """Return which stars (n,) are pieces of the halo of a brighter one.

    They are where there are more than four and three times as many as the ring around it lets one expect; and what is
    as faint within one FWHM is what the PSF has wrong of its core.

    Parameters
    ----------
    x, y, flux
        (n,) pixels and counts.
    fwhm
        Pixels.
    """
    found = np.zeros(x.size, np.bool_)
    if x.size <= _FEWEST:
        return found
    places = np.column_stack([x, y])
    tree = cKDTree(places)
    one, other = tree.query_pairs(_CORE * fwhm, output_type="ndarray").reshape(-1, 2).T
    found[one[flux[one] < _FAINT * flux[other]]] = True
    found[other[flux[other] < _FAINT * flux[one]]] = True
    bright = np.flatnonzero(_FAINT * flux > np.partition(flux, _FEWEST)[_FEWEST])
    enough = tree.query_ball_point(places[bright], _NEAR * fwhm, return_length=True) > _FEWEST + 1
    bright = bright[enough]
    wide = tree.query_ball_point(places[bright], _FAR * fwhm)
    for k, near in zip(bright, wide, strict=True):
        faint = np.asarray(near)[flux[near] < _FAINT * flux[k]]
        mine = np.hypot(x[faint] - x[k], y[faint] - y[k]) < _NEAR * fwhm
        n_near = np.count_nonzero(mine)
        expected = (mine.size - n_near) * _NEAR**2 / (_FAR**2 - _NEAR**2)
        if n_near > _FEWEST + _TIMES * expected:
            found[faint[mine]] = True
    return found
