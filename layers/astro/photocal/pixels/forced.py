"""The flux at a position that is given, the neighbours taken off."""

from __future__ import annotations

import numpy as np

from photocal.arrays import Floats, Pixels
from photocal.pixels import flags
from photocal.pixels.confusion import excess_at
from photocal.pixels.joint import core_half
from photocal.pixels.noise import variance_under
from photocal.pixels.records import Fitted, ForcedFlux, Prepared
from photocal.pixels.render import blank_outside, pixels_of

_ITSELF = 0.5  # FWHM: a star so near to the position is what is to be measured
_CORE = 1.0  # FWHM


def forced_flux(prepared: Prepared, fitted: Fitted, x: float, y: float) -> ForcedFlux:
    """Measure the PSF's flux at a fixed position.

    Parameters
    ----------
    prepared, fitted
        The image, and its stars: all but one at the position itself are taken off.
    x, y
        Pixels.

    Returns
    -------
    ForcedFlux
        Flux 0 with an infinite error where no pixel can be used. The error has the noise of the pixels and the stars
        that are not seen, not the errors of the neighbours.
    """
    half = core_half(prepared)
    at_x, at_y = np.array([x], np.float64), np.array([y], np.float64)
    ix, iy, stamps = fitted.psf.stamps(at_x, at_y, half)
    places, cut, within = pixels_of(ix, iy, half, prepared.shape)
    profile = stamps[:, 0].astype(np.float64)
    good = ~prepared.bad.ravel()[places]
    blank_outside(good, cut, within)
    light = (prepared.data - fitted.sky - fitted.model).ravel()[places].astype(np.float64)
    stars = fitted.sources
    itself = np.flatnonzero(np.hypot(stars.x - x, stars.y - y) < _ITSELF * prepared.fwhm)
    own = np.zeros(light.shape, np.float32)
    for k in itself:
        own += _star_in(fitted, int(k), int(ix[0]), int(iy[0]), half)
    light += own
    model, noise = fitted.model.ravel()[places], prepared.noise_variance.ravel()[places]
    variance = variance_under(noise, model, prepared.gain)
    weight = np.where(good, 1.0 / variance, 0.0)
    information = float((weight * profile**2).sum())
    excess = float(excess_at(at_x, at_y, prepared, fitted.psf, model=fitted.model, sky=fitted.sky)[0])
    bare = np.where(good, 1.0 / variance_under(noise, model - own, prepared.gain), 0.0)
    offsets = np.arange(-half, half + 1)
    core = np.hypot(offsets[:, None], offsets) <= _CORE * prepared.fwhm
    inside = np.ones(places.shape, np.bool_)
    blank_outside(inside, cut, within)
    saturated = prepared.saturated.ravel()[places] & inside
    found = flags.FORCED
    found |= flags.SATURATED if (saturated & core).any() else 0
    found |= flags.DEFECT if (~good & inside & ~saturated & core).any() else 0
    found |= flags.CUT if (~inside & core).any() else 0
    return ForcedFlux(
        x=x,
        y=y,
        flux=float((weight * profile * light).sum() / information) if information else 0.0,
        flux_err=_error(weight, profile, noise, excess),
        empty_err=_error(bare, profile, noise, excess),
        flags=found,
        usable_share=float((profile * good).sum() / profile.sum()),
    )


def _error(weight: Floats, profile: Floats, noise: Pixels, excess: float) -> float:
    """Return the error of a flux: of the photons, with those of unseen stars (`photocal.pixels.confusion`)."""
    information = float((weight * profile**2).sum())
    of_sky = float((weight**2 * profile**2 * noise).sum())
    return float(np.sqrt(information + excess * of_sky)) / information if information else float("inf")


def _star_in(fitted: Fitted, k: int, ix: int, iy: int, half: int) -> Floats:
    """Return a fitted star's light in the (w, w) pixels around a middle one."""
    stars, wide = fitted.sources, fitted.psf.half
    own_x, own_y, stamps = fitted.psf.stamps(stars.x[k : k + 1], stars.y[k : k + 1], wide)
    right, low = wide + ix - int(own_x[0]), wide + iy - int(own_y[0])
    light: Floats = stars.flux[k] * stamps[0, 0, low - half : low + half + 1, right - half : right + half + 1]
    return light
