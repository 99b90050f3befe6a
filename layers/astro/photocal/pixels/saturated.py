"""Stars whose middle is saturated: one for each patch of saturated pixels, measured on what surrounds it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.ndimage as ndi
from scipy.spatial import cKDTree

from photocal.arrays import Bools, Floats, Pixels
from photocal.pixels import flags
from photocal.pixels.psf import FieldPsf
from photocal.pixels.records import Prepared, Sources

_RIM = 2  # pixels around a patch that tell the flux
_MOST = 10.0  # times the counts of the patch: far from its middle, a star is not as its PSF
_APART = 1.0  # FWHM beyond the patch: what is nearer is a part of the star
_FLUX_ERROR, _PLACE_ERROR = 0.3, 0.5  # of the flux, and of the patch's radius: of a star of which only its rim is known


class Patches(NamedTuple):
    """Each (n,): the middle and the radius of patches, pixels, and the flux that their rims tell, counts."""

    x: Floats
    y: Floats
    flux: Floats
    radius: Floats

    def touch(self, x: Floats, y: Floats, fwhm: float) -> Bools:
        """Return which places (m,) are not more than one FWHM beyond a patch."""
        if not self.x.size or not x.size:
            return np.zeros(x.size, np.bool_)
        found = np.zeros(x.size, np.bool_)
        tree = cKDTree(np.column_stack([x, y]))
        for near in tree.query_ball_point(np.column_stack([self.x, self.y]), self.radius + _APART * fwhm):
            found[near] = True
        return found


def patches(prepared: Prepared, psf: FieldPsf, light: Pixels) -> Patches:
    """Return the stars that the saturated pixels of an image belong to; light: (ny, nx) counts above the sky."""
    labels, n = ndi.label(prepared.saturated, np.ones((3, 3)))
    x, y, flux, radius = (np.zeros(n) for _ in range(4))
    for k, (rows, columns) in enumerate(ndi.find_objects(labels)):
        top, left = max(rows.start - _RIM, 0), max(columns.start - _RIM, 0)
        window = slice(top, rows.stop + _RIM), slice(left, columns.stop + _RIM)
        own = labels[window] == k + 1
        own_y, own_x = np.nonzero(own)
        y[k], x[k], radius[k] = top + np.median(own_y), left + np.median(own_x), np.sqrt(own_x.size / np.pi)
        rim_y, rim_x = np.nonzero(ndi.binary_dilation(own, iterations=_RIM) & ~prepared.bad[window])
        if rim_x.size:
            dx, dy = rim_x + left - x[k], rim_y + top - y[k]
            a, b, c, beta, norm = (item[0] for item in psf.moffat(x[k : k + 1], y[k : k + 1]))
            profile = norm * (1 + a * dx * dx + 2 * b * dx * dy + c * dy * dy) ** -beta
            rim = float(np.median(light[window][rim_y, rim_x] / profile))
            flux[k] = min(rim, _MOST * float(light[window][own].sum(dtype=np.float64)))
    lit = flux > 0
    return Patches(x[lit], y[lit], flux[lit], radius[lit])


def with_lost(sources: Sources, found: Patches, prepared: Prepared, sky: Pixels) -> Sources:
    """Return the sources with the stars of patches so large that nothing could be fitted to them."""
    lost = np.ones(found.x.size, np.bool_)
    if len(sources) and lost.size:
        tree = cKDTree(np.column_stack([sources.x, sources.y]))
        near = tree.query_ball_point(np.column_stack([found.x, found.y]), found.radius + _APART * prepared.fwhm)
        lost = np.array([not (sources.flags[mine] & flags.SATURATED).any() for mine in near])
    if not lost.any():
        return sources
    x, y, flux, radius = (column[lost] for column in found)
    more = {
        "x": x,
        "y": y,
        "x_err": _PLACE_ERROR * radius,
        "y_err": _PLACE_ERROR * radius,
        "flux": flux,
        "flux_err": _FLUX_ERROR * flux,
        "sky": sky[y.astype(np.int64), x.astype(np.int64)].astype(np.float64),
        "chi2": np.zeros(x.size),
        "sharpness": np.zeros(x.size),
        "flags": np.full(x.size, flags.SATURATED | flags.POOR_FIT | flags.UNSTABLE, np.int64),
    }
    return Sources(**{name: np.concatenate([column, more[name]]) for name, column in sources.columns().items()})
