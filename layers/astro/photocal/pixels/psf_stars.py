"""The stars that make the PSF: alone, bright, alike, and from all over the image."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Anything, Bools, Floats, Pixels
from photocal.pixels import grow
from photocal.pixels.records import Prepared, PsfStars
from photocal.pixels.seeing import half_light, half_sample_mode, lit_around, longest, objects, trailing

_THRESHOLD_RMS = 5.0
_EDGE, _APART, _APART_CROWDED, _CORE = 5.0, 4.0, 2.5, 1.5  # FWHM
_OF_EDGE = 0.125  # of the shorter side: no margin is wider
_LINEAR = 0.6  # of the saturation level: detectors are trusted up to it
_BRIGHT, _BRIGHT_WHEN_FEW = 80.0, 20.0  # flux over rms x FWHM
_FEW, _MIN = 30, 12  # stars: fewer, and the nearer, the fainter are taken too
_ROUGHLY, _ALIKE = 0.4, 0.12
_ALIKE_PIXELS = 0.12  # the radius of a star narrower than a pixel depends on its place in it
_NEAR = 12  # stars whose median radius is what a star is held against
_CELLS = 5  # along each side, that give stars in turn


def choose_psf_stars(prepared: Prepared, *, most: int = 250) -> PsfStars:
    """Return the stars that make the PSF, and why each other was rejected.

    Where fewer than 30 are left, neighbours may be as near as 2.5 FWHM instead of 4; where fewer than 12 are,
    stars down to a quarter of the brightness are taken. Of too many, 25 parts of the image give theirs in turn, the
    brightest first.

    Parameters
    ----------
    prepared
        The image.
    most
        How many to take at most.

    Returns
    -------
    PsfStars
        All objects that were looked at, the brightest first; of length 0 where there are none.
    """
    above = prepared.data - prepared.sky
    found = objects(above, prepared.bad, prepared.rms, _THRESHOLD_RMS)
    found = found[np.argsort(-found["flux"], kind="stable")]
    x, y, flux = (found[name].astype(np.float64) for name in ("x", "y", "flux"))
    reasons = np.full(len(found), "", dtype="U9")
    if len(found):
        _reject(reasons, found, above, prepared)
        taken = np.flatnonzero(reasons == "")
        turn = _turns(x[taken], y[taken], prepared.shape)
        reasons[taken[np.argsort(turn, kind="stable")][most:]] = "enough"
    told = tuple(str(reason) for reason in reasons)
    return PsfStars(x=x, y=y, flux=flux, reasons=told, trailing=trailing(found))


def _reject(reasons: Anything, found: Anything, above: Pixels, prepared: Prepared) -> None:
    """Write down why stars are rejected: of several reasons, the first in the order of this function."""
    fwhm, (ny, nx) = prepared.fwhm, prepared.shape
    x, y = found["x"], found["y"]
    margin = min(_EDGE * fwhm, _OF_EDGE * min(nx, ny))
    at_edge = (x < margin) | (x > nx - 1 - margin) | (y < margin) | (y > ny - 1 - margin)
    level = _LINEAR * prepared.saturation
    core = _CORE * fwhm
    offsets = np.arange(-int(np.ceil(core)), int(np.ceil(core)) + 1)
    within = np.hypot(offsets[:, None], offsets) <= core
    ix, iy = np.rint(x).astype(np.int64).clip(0, nx - 1), np.rint(y).astype(np.int64).clip(0, ny - 1)
    bright = found["flux"] / (prepared.rms * fwhm)
    peak = found["peak"] + prepared.sky[iy, ix]
    full = (peak > level) | grow.touched(prepared.saturated, ix, iy, np.ones_like(within))
    _mark(reasons, full, "saturated")
    _mark(reasons, at_edge, "edge")
    _mark(reasons, grow.touched(prepared.bad & ~prepared.saturated, ix, iy, within), "defect")
    _mark(reasons, bright < _BRIGHT_WHEN_FEW, "faint")
    radius = np.zeros(len(found))
    radius[reasons == ""] = half_light(above, prepared.bad, found[reasons == ""])
    unlike = (found["a"] > longest(found) * found["b"]) | ~lit_around(above, found, prepared.rms)
    good = (reasons == "") & ~unlike & (found["flag"] == 0)
    _mark(reasons, unlike | ~_alike(x, y, radius, good), "unlike")
    apart = cKDTree(np.c_[x, y]).query(np.c_[x, y], k=2)[0][:, 1] / fwhm
    near, low = (apart < _APART) | (found["flag"] != 0), bright < _BRIGHT
    free = reasons == ""
    if np.count_nonzero(free & ~near & ~low) < _FEW:
        near = (apart < _APART_CROWDED) | (found["flag"] != 0)
    if np.count_nonzero(free & ~near & ~low) < _MIN:
        low[:] = False
    _mark(reasons, near, "blended")
    _mark(reasons, low, "faint")


def _mark(reasons: Anything, which: Bools, reason: str) -> None:
    reasons[(reasons == "") & which] = reason


def _alike(x: Floats, y: Floats, radius: Floats, good: Bools) -> Bools:
    """Return which stars are as broad as those near them, (n,): the PSF may vary over the image, galaxies do more."""
    if not good.any():
        return good
    typical = half_sample_mode(radius[good])
    alike = max(_ALIKE, _ALIKE_PIXELS / max(typical, _ALIKE_PIXELS))
    clump = good & (np.abs(radius / typical - 1) < _ROUGHLY)
    k = min(_NEAR, int(np.count_nonzero(clump)))
    if k < _NEAR:
        return np.abs(radius / typical - 1) < 2 * alike
    _, index = cKDTree(np.c_[x, y][clump]).query(np.c_[x, y], k=k)
    here = np.median(radius[clump][index], axis=1)
    here = np.where(np.abs(here / typical - 1) < _ROUGHLY / 2, here, typical)
    return np.abs(radius / here - 1) < alike


def _turns(x: Floats, y: Floats, shape: tuple[int, int]) -> Anything:
    """Return the turn in which each star comes, (n,), from 0: its rank in its part of the image, by brightness."""
    ny, nx = shape
    cell = (y * _CELLS / ny).astype(np.int64).clip(0, _CELLS - 1) * _CELLS
    cell += (x * _CELLS / nx).astype(np.int64).clip(0, _CELLS - 1)
    turn = np.zeros(len(x), dtype=np.int64)
    for number in np.unique(cell):
        members = np.flatnonzero(cell == number)
        turn[members] = np.arange(members.size)
    return turn
