"""The sky under the stars: level and scatter on a mesh, by SEP (Bertin & Arnouts 1996; Barbary 2016)."""

from __future__ import annotations

import numpy as np
import sep

from photocal.arrays import Bools, Pixels

_MESH, _LEAST_MESH, _MESH_FWHM = 64, 8, 10.0  # pixels; FWHM of a star that a mesh holds at least
SIGMA = 1.4826  # of a Gaussian, in median absolute deviations
_SEP_KNOWS_NOTHING = (0.0, 1.0)  # what SEP says where more than half of the pixels of every mesh are left out
_MESHES = 4  # along the shorter side, at least


def mesh_of(shape: tuple[int, int], fwhm: float = 0.0) -> int:
    """Return the side of a mesh, pixels: 64, more for broad stars, less where the image has no room for four."""
    wanted = max(_MESH, int(np.ceil(_MESH_FWHM * fwhm)))
    return max(_LEAST_MESH, min(wanted, min(shape) // _MESHES))


def background(data: Pixels, bad: Bools, fwhm: float = 0.0) -> tuple[Pixels, float]:
    """Return the sky, and how its pixels scatter about it.

    Parameters
    ----------
    data
        (ny, nx) float32, all finite.
    bad
        (ny, nx), pixels to leave out.
    fwhm
        Of a star, pixels; 0 when not yet known.

    Returns
    -------
    tuple
        (ny, nx) float32 sky, and the rms typical of the image, counts; unresolved stars are in it.
    """
    mesh = mesh_of((data.shape[0], data.shape[1]), fwhm)
    found = sep.Background(np.ascontiguousarray(data), mask=bad, bw=mesh, bh=mesh)
    sky: Pixels = np.asarray(found.back(), dtype=np.float32)
    level, rms = float(found.globalback), float(found.globalrms)
    if (level, rms) == _SEP_KNOWS_NOTHING or not (np.isfinite(rms) and rms > 0 and np.isfinite(sky).all()):
        return _plain(data, bad)
    return sky, rms


def _plain(data: Pixels, bad: Bools) -> tuple[Pixels, float]:
    """Return one level and its scatter for an image of which no mesh has enough pixels, or that has no scatter."""
    good = data[~bad] if not bad.all() else data.ravel()
    level = float(np.median(good))
    rms = SIGMA * float(np.median(np.abs(good - level))) or float(np.std(good, dtype=np.float64))
    return np.full_like(data, level), rms or max(abs(level), 1.0) * float(np.finfo(np.float32).eps)
