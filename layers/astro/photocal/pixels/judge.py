"""What the residuals under a star say of it: chi-square, sharpness and flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Bools, Floats, Ints, Pixels
from photocal.pixels import flags
from photocal.pixels.noise import variance_under
from photocal.pixels.psf import FieldPsf
from photocal.pixels.records import Prepared, Psf, Sources
from photocal.pixels.render import blank_outside, pixels_of

if TYPE_CHECKING:
    from photocal.pixels.joint import Stars

COLUMNS = ("x", "y", "x_err", "y_err", "flux", "flux_err", "sky", "chi2", "sharpness")

_MODEL_ERROR = 0.03  # of the star's light in a pixel, that no PSF is known better than
_OTHERS, _POOR, _SHARP = 0.1, 3.0, 6.0
_DROWNED = 4.0  # times its own light: that of others in its middle pixel
_RESTLESS = 0.5  # of its error: how much a last step may still change a number
_OWN_NUMBERS = 3  # flux, x and y


def judged(
    prepared: Prepared, psf: FieldPsf, stars: Stars, *, errors: Floats, change: Floats, model: Pixels, sky: Pixels
) -> Sources:
    """Return the stars with what their cores say of them.

    Parameters
    ----------
    prepared, psf, stars
        What was fitted, n stars.
    errors, change
        (n, 3), of flux, x and y: their errors, and what one more step would change.
    model, sky
        (ny, nx) of all stars, and under them.
    """
    half = max(int(np.ceil(prepared.fwhm)), 1)
    ix, iy, stamps = psf.stamps(stars.x, stars.y, half)
    places, cut, within = pixels_of(ix, iy, half, prepared.shape)
    own = stamps[:, 0] * stars.flux.astype(np.float32)[:, None, None]
    light = model.ravel()[places]
    variance = variance_under(prepared.noise_variance.ravel()[places], light, prepared.gain)
    good = ~prepared.bad.ravel()[places]
    blank_outside(good, cut, within)
    left = np.where(good, prepared.data.ravel()[places] - sky.ravel()[places] - light, 0)
    freedom = np.maximum(good.sum((1, 2)) - _OWN_NUMBERS, 1)
    chi2 = (left**2 / variance).sum((1, 2)) / freedom
    loose = variance + (_MODEL_ERROR * own) ** 2
    found = np.where((left**2 / loose).sum((1, 2)) / freedom > _POOR, flags.POOR_FIT, 0)
    outside = np.zeros(places.shape, np.bool_)
    outside[cut] = ~within
    found |= _core_flags(prepared, places, outside, _round(half, prepared.fwhm))
    others = ((light - own) * good).sum((1, 2)) > _OTHERS * (own * good).sum((1, 2))
    found |= np.where(others, flags.NEIGHBOUR, 0)
    found |= np.where(_crowded(stars, prepared.fwhm), flags.BLENDED, 0)
    found |= np.where((np.abs(change) > _RESTLESS * errors).any(1), flags.UNSTABLE, 0)
    return Sources(
        x=stars.x,
        y=stars.y,
        x_err=errors[:, 1],
        y_err=errors[:, 2],
        flux=stars.flux,
        flux_err=errors[:, 0],
        sky=sky[np.clip(iy, 0, sky.shape[0] - 1), np.clip(ix, 0, sky.shape[1] - 1)].astype(np.float64),
        chi2=chi2.astype(np.float64),
        sharpness=(left / np.sqrt(loose))[:, half, half].astype(np.float64),
        flags=found.astype(np.int64),
    )


def sharper_than_a_star(sources: Sources) -> Bools:
    """Return which sources (n,) have more light in their middle pixel than any star: cosmic rays and hot pixels."""
    return sources.sharpness > _SHARP


def drowned(psf: Psf, sources: Sources, model: Pixels) -> Bools:
    """Return which sources (n,) have less than a quarter of the others' light in their middle pixel.

    The wings of the PSF are not known well enough to tell these from residuals of a bright star.
    """
    ix, iy, stamps = psf.stamps(sources.x, sources.y, 1)
    own = stamps[:, 0, 1, 1] * sources.flux
    all_light = model[np.clip(iy, 0, model.shape[0] - 1), np.clip(ix, 0, model.shape[1] - 1)]
    lost: Bools = all_light - own > _DROWNED * own
    return lost


def _round(half: int, fwhm: float) -> Bools:
    offsets = np.arange(-half, half + 1)
    core: Bools = np.hypot(offsets[:, None], offsets) <= fwhm
    return core


def _core_flags(prepared: Prepared, places: Ints, outside: Bools, core: Bools) -> Ints:
    """Return the flags of pixels that are missing within a FWHM."""
    saturated = prepared.saturated.ravel()[places]
    defect = prepared.bad.ravel()[places] & ~saturated
    found = np.zeros(len(places), np.int64)
    kinds = (saturated & ~outside, flags.SATURATED), (defect & ~outside, flags.DEFECT), (outside, flags.CUT)
    for pixels, bit in kinds:
        found |= np.where((pixels & core).any((1, 2)), bit, 0)
    return found


def _crowded(stars: Stars, fwhm: float) -> Bools:
    """Return which stars have another nearer than one FWHM."""
    places = np.column_stack([stars.x, stars.y])
    distance, _ = cKDTree(places).query(places, k=2)
    close: Bools = distance[:, 1] < fwhm
    return close
