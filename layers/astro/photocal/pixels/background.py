"""The sky under the stars: level and scatter on a mesh, by SEP (Bertin & Arnouts 1996; Barbary 2016)."""

from __future__ import annotations

import numpy as np
import sep

from photocal.arrays import Bools, Pixels

_MESH, _LEAST_MESH, _MESH_FWHM = 64, 8, 10.0  # pixels; FWHM of a star that a mesh holds at least
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
    np.nan_to_num(sky, copy=False, nan=float(np.median(data[~bad])) if not bad.all() else 0.0)
    rms = float(found.globalrms)
    return sky, rms if np.isfinite(rms) and rms > 0 else float(np.std(data[~bad])) if not bad.all() else 1.0
