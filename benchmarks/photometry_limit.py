"""How well the stars of a simulated picture can be measured at all: signal to noise, and the Cramer-Rao bound.

The counts of pixel p are drawn about ``m_p = sky_p + sum_k F_k P_p(x_k, y_k)`` with the variance ``V_p = m_p / gain +
(read noise / gain)^2 + 1/12`` (photons, read noise, and the rounding to whole counts). No unbiased estimate of the
parameters theta has a smaller covariance than the inverse of Fisher's matrix

    I_ij = sum_p (dm_p / dtheta_i) (dm_p / dtheta_j) / V_p

(Cramer 1946, Mathematical Methods of Statistics, chapter 32; for stars on pixels King 1983, PASP 95, 163, and Mendez,
Silva & Lobos 2013, PASP 125, 580). The parameters are flux, x and y of the star and of every neighbour of S/N above 3
within 2.5 FWHM; PSF and sky are taken as known, so that the bound is one that no program can quite reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Bools, Floats, Ints
from photocal.simulate_image import StarField, stamp
from photocal.simulate_scene import Scene

NEAR_FWHM, NEIGHBOUR_SNR = 2.5, 3.0
_REACH_FWHM = 3.5  # of the pixels about a star that are summed over
_STEP = 0.02  # pixels, of the derivatives
_ROUNDING = 1.0 / 12.0  # counts^2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limit:
    """The Cramer-Rao bound of n stars: (n,) errors of flux (counts), x and y (pixels)."""

    flux: Floats
    x: Floats
    y: Floats


def noise_variance(scene: Scene, light: Floats | float) -> Floats:
    """Return the variance of pixels with so many counts, counts^2."""
    variance: Floats = np.asarray(light) / scene.gain + (scene.read_noise_e / scene.gain) ** 2 + _ROUNDING
    return variance


def signal_to_noise(scene: Scene, flux: Floats) -> Floats:
    """Return the S/N that stars of these fluxes have when they stand alone in the middle of the frame: (n,).

    ``1 / S/N^2 = (sum_p P_p^2 / V_p)^-1 / F^2``, with the photons of the star in V.
    """
    middle = (scene.shape[1] - 1) / 2.0, (scene.shape[0] - 1) / 2.0
    half = int(np.ceil(2.0 * _REACH_FWHM * scene.fwhm))
    columns, rows = (np.arange(round(place) - half, round(place) + half + 1) for place in middle)
    light = stamp(scene, *middle, columns, rows)
    grid = np.geomspace(max(float(flux.min()), 1e-3), float(flux.max()) + 1.0, 60)
    found = np.array([f * np.sqrt((light**2 / noise_variance(scene, scene.sky + f * light)).sum()) for f in grid])
    ratio: Floats = np.exp(np.interp(np.log(flux), np.log(grid), np.log(found)))
    return ratio


def flux_of(scene: Scene, ratio: float) -> float:
    """Return the flux of a star that stands alone with so high a S/N, counts."""
    grid = np.geomspace(1.0, 1e7, 200)
    return float(np.exp(np.interp(np.log(ratio), np.log(signal_to_noise(scene, grid)), np.log(grid))))


def cramer_rao(field: StarField, ratio: Floats, which: Ints) -> Limit:
    """Return the bound of some stars.

    Parameters
    ----------
    field
        The picture.
    ratio
        (n,) S/N of all its stars.
    which
        Their rows.
    """
    truth, scene = field.truth, field.scene
    shining = np.flatnonzero(ratio > NEIGHBOUR_SNR)
    near = cKDTree(np.c_[truth.x, truth.y][shining])
    errors = np.empty((len(which), 3))
    for row, star in enumerate(which):
        around = shining[near.query_ball_point([truth.x[star], truth.y[star]], NEAR_FWHM * scene.fwhm)]
        members = np.concatenate([[star], around[around != star]])
        errors[row] = np.sqrt(np.diag(_covariance(field, members))[:3])
    return Limit(flux=errors[:, 0], x=errors[:, 1], y=errors[:, 2])


def _covariance(field: StarField, members: Ints) -> Floats:
    """Return the least covariance of flux, x and y of stars, the first of which the pixels are about."""
    truth, scene = field.truth, field.scene
    half = int(np.ceil(_REACH_FWHM * scene.fwhm))
    columns, rows = (
        np.arange(max(round(place) - half, 0), min(round(place) + half + 1, size))
        for place, size in zip((truth.x[members[0]], truth.y[members[0]]), scene.shape[::-1], strict=True)
    )
    variance = noise_variance(scene, scene.sky + field.model[np.ix_(rows, columns)])
    slopes = []
    for star in members:
        x, y, flux = (float(column[star]) for column in (truth.x, truth.y, truth.flux))
        slopes.append(stamp(scene, x, y, columns, rows))
        for dx, dy in ((_STEP, 0.0), (0.0, _STEP)):
            there, back = (stamp(scene, x + k * dx, y + k * dy, columns, rows) for k in (1, -1))
            slopes.append(flux * (there - back) / (2.0 * _STEP))
    matrix = np.array([slope.ravel() for slope in slopes])
    covariance: Floats = np.linalg.inv((matrix / variance.ravel()) @ matrix.T)
    return covariance


def alone(field: StarField, ratio: Floats) -> tuple[Bools, Bools]:
    """Return which stars are isolated, and which in a crowd.

    Isolated: within 3 FWHM no star has more than a fiftieth of its flux. In a crowd: one of S/N above 3 stands within
    2 FWHM, and has that much.
    """
    truth, fwhm = field.truth, field.scene.fwhm
    places = np.c_[truth.x, truth.y]
    tree = cKDTree(places)
    pairs = tree.query_pairs(3.0 * fwhm, output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    matters = truth.flux[pairs[:, 1]] > truth.flux[pairs[:, 0]] / 50.0
    close = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T) < 2.0 * fwhm
    lonely, crowded = np.ones(len(places), np.bool_), np.zeros(len(places), np.bool_)
    lonely[pairs[matters, 0]] = False
    crowded[pairs[matters & close & (ratio[pairs[:, 1]] > NEIGHBOUR_SNR), 0]] = True
    return lonely, crowded
