"""The aperture correction: from the flux of the PSF to all the light of a star, whatever the PSF has missed.

A PSF that adds up to 1 gives total fluxes, if its wings are right. What they lack is seen when the stars are taken off:
the residuals of bright, lonely stars, added up within a radius, are the growth curve of the light that the PSF has not
got. It is measured against the residuals of a ring around, so that an error of the sky drops out, and is drawn towards
nothing by as much as it is uncertain: with few stars there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photocal.arrays import MAG_PER_RELATIVE_ERROR, Anything, Bools, Floats
from photocal.pixels import flags
from photocal.pixels.records import Fitted, Prepared, Sources

RADIUS_FWHM, RING_FWHM = 4.0, 6.0  # the light is total within the first; the ring around it ends at the second
LEAST_SNR = 80.0
MOST_STARS, LEAST_STARS = 150, 5
EXPECTED = 0.01  # of the flux: what a PSF of ours may have missed, 1 sigma; its prior
LARGEST = 0.1  # of the flux: more is a defect, not a wing
_SPREAD = 0.01  # of the flux: between stars of one frame, beyond their errors
_LONELY = 0.2  # of the flux: neighbours within the ring, all together, that a star may have
_UNFIT = ~flags.NEIGHBOUR  # any other flag leaves a star out
_CLIP = 3.0  # sigma
_LEAST_LEFT = 0.9  # of the pixels within the radius that must be usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is added to every magnitude, mag, with its error; from how many stars, and to which radius, pixels."""

    mag: float
    err: float
    n_stars: int
    radius: float

    @property
    def factor(self) -> float:
        """By which fluxes are multiplied."""
        return float(10.0 ** (-0.4 * self.mag))


def correct(prepared: Prepared, fitted: Fitted) -> Correction:
    """Measure the aperture correction.

    Parameters
    ----------
    prepared
        The image.
    fitted
        Its stars, as the PSF has them.

    Returns
    -------
    Correction
        0 with the error of what may have been missed, 0.011 mag, where fewer than 5 stars are bright and lonely enough.
    """
    radius = RADIUS_FWHM * prepared.fwhm
    rows = _rows(fitted.sources, prepared, float(np.ceil(RING_FWHM * prepared.fwhm)) + 1.0)
    missed, err = _missed(prepared, fitted, rows, radius)
    usable = np.isfinite(missed) & (np.abs(missed) < LARGEST + _CLIP * err)
    missed, err = missed[usable], err[usable]
    if len(missed) < LEAST_STARS:
        return Correction(mag=0.0, err=MAG_PER_RELATIVE_ERROR * EXPECTED, n_stars=len(missed), radius=radius)
    mean, mean_err = _robust_mean(missed, np.hypot(err, _SPREAD))
    share = EXPECTED**2 / (EXPECTED**2 + mean_err**2)
    light = float(np.clip(share * mean, -LARGEST, LARGEST))
    return Correction(
        mag=float(-2.5 * np.log10(1.0 + light)),
        err=MAG_PER_RELATIVE_ERROR * float(np.sqrt(share)) * mean_err,
        n_stars=len(missed),
        radius=radius,
    )


def _rows(sources: Sources, prepared: Prepared, reach: float) -> Anything:
    """Return the rows of the brightest stars that stand alone, well inside."""
    from scipy.spatial import cKDTree

    ny, nx = prepared.shape
    snr = sources.flux / np.maximum(sources.flux_err, 1e-30)
    good = ((sources.flags & _UNFIT) == 0) & (snr > LEAST_SNR)
    good &= (sources.x > reach) & (sources.x < nx - 1 - reach) & (sources.y > reach) & (sources.y < ny - 1 - reach)
    rows = np.flatnonzero(good)
    rows = rows[np.argsort(-snr[rows], kind="stable")][: 4 * MOST_STARS]
    if not len(rows):
        return rows
    places = np.stack([sources.x, sources.y], axis=1)
    near = cKDTree(places).query_ball_point(places[rows], reach)
    others = np.array([sources.flux[mine].sum() for mine in near]) - sources.flux[rows]
    return rows[others < _LONELY * sources.flux[rows]][:MOST_STARS]


def _missed(prepared: Prepared, fitted: Fitted, rows: Anything, radius: float) -> tuple[Floats, Floats]:
    """Return the (n,) shares of their flux that stars have beyond the PSF within a radius, and their errors."""
    half = int(np.ceil(radius * RING_FWHM / RADIUS_FWHM))
    step = np.arange(-half, half + 1)
    missed, err = np.full(len(rows), np.nan), np.full(len(rows), np.inf)
    for k, row in enumerate(rows):
        x, y, flux = (float(column[row]) for column in (fitted.sources.x, fitted.sources.y, fitted.sources.flux))
        ix, iy = round(x), round(y)
        window = slice(iy - half, iy + half + 1), slice(ix - half, ix + half + 1)
        distance = np.hypot(step[None, :] + ix - x, step[:, None] + iy - y)
        good = ~prepared.bad[window]
        inner, ring = (distance <= radius) & good, (distance > radius) & (distance <= half) & good
        if inner.sum() < _LEAST_LEFT * np.pi * radius**2 or ring.sum() < inner.sum() / 2:
            continue
        residual = prepared.data[window] - fitted.sky[window] - fitted.model[window]
        variance = prepared.noise_variance[window] + np.maximum(fitted.model[window], 0.0) / prepared.gain
        around = _level(residual, ring)
        missed[k] = float(residual[inner].sum(dtype=np.float64) - inner.sum() * around) / flux
        of_ring = float(variance[ring].sum(dtype=np.float64)) * (inner.sum() / ring.sum()) ** 2
        err[k] = np.sqrt(float(variance[inner].sum(dtype=np.float64)) + of_ring) / flux
    return missed, err


def _level(residual: Anything, ring: Bools) -> float:
    """Return the mean of the ring's pixels within three sigma of their median."""
    values = residual[ring].astype(np.float64)
    middle = np.median(values)
    away = np.abs(values - middle)
    return float(values[away <= _CLIP * 1.4826 * np.median(away)].mean())


def _robust_mean(values: Floats, err: Floats) -> tuple[float, float]:
    """Return the weighted mean without what is off by more than three times the scatter, and its error."""
    keep = np.ones(len(values), dtype=np.bool_)
    mean = float(np.median(values))
    for _ in range(5):
        pull = (values - mean) / err
        width = max(1.0, 1.4826 * float(np.median(np.abs(pull))))
        keep = np.abs(pull) <= _CLIP * width
        mean = float(np.average(values[keep], weights=err[keep] ** -2.0))
    return mean, width * float(np.sum(err[keep] ** -2.0) ** -0.5)
