"""Masks grown by their neighbours, without a filter that looks at every pixel's."""

from __future__ import annotations

import numpy as np

from photocal.arrays import Anything, Bools


def square(mask: Bools, times: int = 1) -> Bools:
    """Return a mask (ny, nx) with the eight pixels around each of its own, and so on."""
    for _ in range(times):
        mask = _along(_along(mask, 0), 1)
    return mask


def cross(mask: Bools, times: int = 1) -> Bools:
    """Return a mask (ny, nx) with the four pixels next to each of its own, and so on."""
    for _ in range(times):
        mask = _along(mask, 0) | _along(mask, 1)
    return mask


def touched(mask: Bools, ix: Anything, iy: Anything, near: Bools) -> Bools:
    """Return at which places (n,) a mask (ny, nx) is set in the (w, w) pixels around that ``near`` picks."""
    half = near.shape[0] // 2
    every = np.lib.stride_tricks.sliding_window_view(np.pad(mask, half), near.shape)
    found: Bools = np.any(every[iy, ix] & near, axis=(1, 2))
    return found


def _along(mask: Bools, axis: int) -> Bools:
    grown = mask.copy()
    to, back = [slice(None)] * 2, [slice(None)] * 2
    to[axis], back[axis] = slice(1, None), slice(None, -1)
    grown[tuple(to)] |= mask[tuple(back)]
    grown[tuple(back)] |= mask[tuple(to)]
    return grown
