"""What noise does to the fluxes of stars that were looked for, and unseen stars to their errors.

A star is put where it fits best, and there the noise has put it, too: the flux found is on average sqrt(F^2 + 2 s^2),
with s its error, for the two coordinates that were free (Vanderlinde et al. 2010, ApJ 722, 1180, have three).

Where stars are many, light of unseen ones lies under each measured one. Its mean is part of the sky; its scatter is
in no photon statistics (confusion noise: Condon 1974, ApJ 188, 279). It is measured where it shows: the PSF is put on
places without a star, in the image from which all stars and the sky were taken. Without unseen stars the fluxes
there, over their errors, scatter by 1. Unseen stars only add light, and those found are not among them, so that the
upper side of the distribution is taken: k, the distance of its 84th percentile from the median. It takes in as well
what else makes pixels err together, such as resampling or structure that no sky follows.

A star's variance then grows by (k^2 - 1) times the part of it that is the sky's,

    V_sky sum (D / V)^2 / (sum D^2 / V)^2,

with D the PSF or its slope, V the variance of the pixels with all light in them, V_sky that without stars.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from photocal.arrays import Floats, Ints, Pixels
from photocal.pixels.noise import variance_under
from photocal.pixels.records import Prepared, Psf, Sources
from photocal.pixels.render import blank_outside, pixels_of

_ALONG, _CELLS = 96, 4  # places that are tried along each side of the image; parts of each side with a k of their own
_DARK = 0.5  # of the sky's noise: light of stars in a place without a star
_LEAST = 50  # places of a part, and of the image
_ONE_SIGMA = 84.13  # per cent
_ERROR = 1.52  # of that percentile less the median, times the root of the number
_LARGEST = 5.0
_FREE = 2  # coordinates
_MOST = 0.5  # error over flux


def unboosted(flux: Floats, err: Floats) -> Floats:
    """Return (n,) fluxes less what the freedom of the position has added on average; ``err`` (n,) is of the star alone.

    Of fluxes below twice their error it takes as much as of those at it.
    """
    share = np.minimum(err / np.maximum(np.abs(flux), 1e-30), _MOST)
    less: Floats = flux * np.sqrt(1 - _FREE * share**2)
    return less


def with_unseen(prepared: Prepared, psf: Psf, sources: Sources, model: Pixels, sky: Pixels) -> Sources:
    """Return stars with errors that have the stars unseen in them.

    Parameters
    ----------
    prepared, psf, sources
        The image, what a star of flux 1 looks like, and n stars with the errors of their photons and neighbours.
    model, sky
        (ny, nx) counts: of all stars that were found, and under them.
    """
    if not len(sources):
        return sources
    excess = excess_at(sources.x, sources.y, prepared, psf, model=model, sky=sky)
    grown = np.sqrt(1 + excess[:, None] * _of_sky(prepared, psf, sources, model))
    return replace(
        sources,
        flux_err=sources.flux_err * grown[:, 0],
        x_err=sources.x_err * grown[:, 1],
        y_err=sources.y_err * grown[:, 2],
    )


def excess_at(x: Floats, y: Floats, prepared: Prepared, psf: Psf, *, model: Pixels, sky: Pixels) -> Floats:
    """Return k^2 - 1 at places (n,), pixels: by how much the sky's part of a variance there is too small."""
    ny, nx = prepared.shape
    row = (y * _CELLS / ny).astype(np.int64).clip(0, _CELLS - 1)
    column = (x * _CELLS / nx).astype(np.int64).clip(0, _CELLS - 1)
    here: Floats = _excess(prepared, psf, model, sky)[row, column]
    return here


def _excess(prepared: Prepared, psf: Psf, model: Pixels, sky: Pixels) -> Floats:
    """Return k^2 - 1 in (_CELLS, _CELLS) parts of the image, as far as they differ by more than chance."""
    ny, nx = prepared.shape
    half = max(int(np.ceil(prepared.fwhm)), 1)
    at = (np.arange(_ALONG) + 0.5) / _ALONG
    x, y = (item.ravel() for item in np.meshgrid((at * nx).astype(np.int64), (at * ny).astype(np.int64)))
    free = (x >= half) & (x < nx - half) & (y >= half) & (y < ny - half)
    free &= (model[y, x] < _DARK * prepared.rms) & ~prepared.bad[y, x]
    x, y = x[free], y[free]
    if len(x) < _LEAST:
        return np.zeros((_CELLS, _CELLS))
    ix, iy, stamps = psf.stamps(x.astype(np.float64), y.astype(np.float64), half)
    places, _, _ = pixels_of(ix, iy, half, prepared.shape)
    light, weight = _light_and_weight(prepared, places, model)
    left = prepared.data.ravel()[places] - sky.ravel()[places] - light
    lit = stamps[:, 0] * weight
    pulls: Floats = (lit * left).sum((1, 2)) / np.sqrt((lit * stamps[:, 0]).sum((1, 2)))
    cell = y * _CELLS // ny * _CELLS + x * _CELLS // nx
    everywhere, _ = _width(pulls)
    found = np.array([_width(pulls[cell == k]) for k in range(_CELLS**2)])
    known = np.isfinite(found[:, 1])
    real = max(float(np.mean((found[known, 0] - everywhere) ** 2 - found[known, 1] ** 2)), 0.0) if known.any() else 0.0
    share = np.where(known, real / (real + np.where(known, found[:, 1], 1.0) ** 2), 0.0)
    width = everywhere + share * np.where(known, found[:, 0] - everywhere, 0.0)
    excess: Floats = np.clip(width, 1.0, _LARGEST) ** 2 - 1
    return excess.reshape(_CELLS, _CELLS)


def _width(pulls: Floats) -> tuple[float, float]:
    """Return k and its error; the latter is infinite where there are too few."""
    if len(pulls) < _LEAST:
        return 1.0, np.inf
    middle, high = np.percentile(pulls, (50.0, _ONE_SIGMA))
    return float(high - middle), _ERROR * float(high - middle) / float(np.sqrt(len(pulls)))


def _light_and_weight(prepared: Prepared, places: Ints, model: Pixels) -> tuple[Pixels, Pixels]:
    light = model.ravel()[places]
    variance = variance_under(prepared.noise_variance.ravel()[places], light, prepared.gain)
    return light, np.where(prepared.bad.ravel()[places], np.float32(0), 1 / variance)


def _of_sky(prepared: Prepared, psf: Psf, sources: Sources, model: Pixels) -> Floats:
    """Return which share of the (n, 3) variances of flux, x and y is the sky's."""
    half = max(int(np.ceil(prepared.fwhm)), 1)
    ix, iy, stamps = psf.stamps(sources.x, sources.y, half)
    places, cut, within = pixels_of(ix, iy, half, prepared.shape)
    _, weight = _light_and_weight(prepared, places, model)
    blank_outside(weight, cut, within)
    lit = stamps * weight[:, None]
    own = prepared.noise_variance.ravel()[places][:, None]
    information = (lit * stamps).sum((2, 3))
    share: Floats = (lit * lit * own).sum((2, 3)) / np.maximum(information, 1e-30)
    return share.clip(0.0, 1.0).astype(np.float64)
