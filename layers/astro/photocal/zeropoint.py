"""The zero point of one passband: a robust fit that is honest with few stars.

The model is in `photocal.mixture`. With many stars the posterior is a Gaussian around its best mode, which Newton's
method finds, and its curvature gives the errors. With few it is not: it has long tails and sometimes several modes, and
the highest point of it may be a spike over two or three stars which agree by chance (the collapse of the textbook
mixture fit). There `photocal.fewstars` integrates it; the zero point is the median of what remains, its error half of
the central 68.27 %. Figures: docs/science/zero-point.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photocal.arrays import Floats
from photocal.fewstars import integrate, quantiles, scout
from photocal.mixture import Mixture, Modes, Priors

FEW_STARS = 60  # up to here the posterior is integrated, beyond it is Gaussian enough
PARAMETERS = 3
DEFAULT_PRIORS = Priors()
_SAMPLE = 60  # stars that show where to start, at least
_ROUNDS = 30  # of climbing, at most
_CENTRAL = (0.158655, 0.5, 0.841345)  # the median and the central 68.27 %


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPointFit:
    """A zero point with everything that says how good it is. ``std_mag = inst_mag + zero_point``.

    Attributes
    ----------
    zero_point, zero_point_err
        mag.
    scatter, scatter_err
        Intrinsic scatter of the inliers beyond their quoted errors, mag.
    outlier_fraction, outlier_fraction_err
        Share of stars that are not drawn from the inliers' distribution, 0 to 1.
    n_matched
        Number of stars in the fit.
    inlier_probability
        (n,) array, 0 to 1, in the order of the input.
    """

    zero_point: float
    zero_point_err: float
    scatter: float
    scatter_err: float
    outlier_fraction: float
    outlier_fraction_err: float
    n_matched: int
    inlier_probability: Floats


def fit_zero_point(difference: Floats, error: Floats, *, priors: Priors = DEFAULT_PRIORS) -> ZeroPointFit:
    """Fit zero point, scatter and outlier fraction.

    Parameters
    ----------
    difference
        (n,) array, mag: reference minus instrumental magnitude.
    error
        (n,) array, mag: both errors in quadrature, positive.
    priors
        What is believed beforehand.

    Returns
    -------
    ZeroPointFit
        The same for the same input, to the last bit: nothing in it is random.

    Raises
    ------
    ValueError
        There are fewer than 3 stars, or a difference or an error is not finite.
    """
    if len(difference) < PARAMETERS:
        raise ValueError(f"{len(difference)} stars cannot fix {PARAMETERS} parameters")
    if not (np.isfinite(difference).all() and np.isfinite(error).all()):
        raise ValueError("differences and errors must be finite")
    mixture = Mixture(difference, error, priors)
    if len(difference) <= FEW_STARS:
        return _from_grid(mixture)
    return from_curvature(mixture, mixture.modes(_starts(difference, error, priors), rounds=_ROUNDS))


def _starts(difference: Floats, error: Floats, priors: Priors) -> Floats:
    """Return (k, 3) starts near the modes of every so manieth star: the best at each scatter that tops its neighbours.

    That is nearly always one. Two are a narrow mode, and a wide scatter that outliers all to one side look like.
    """
    thin = slice(None, None, max(1, len(difference) // _SAMPLE))
    scouts = scout(Mixture(difference[thin], error[thin], priors))
    place = scouts.log_posterior.argmax(axis=0)
    column = np.arange(len(place))
    profile = np.concatenate([[-np.inf], scouts.log_posterior[place, column], [-np.inf]])
    top = np.flatnonzero((profile[1:-1] >= profile[:-2]) & (profile[1:-1] > profile[2:]))
    outliers = scouts.outliers[place[top], top]
    odds = (outliers + priors.outlier_a) / (len(difference[thin]) - outliers + priors.outlier_b)
    return np.stack([scouts.z[place[top], top], scouts.log_s[top], np.log(odds)], axis=1)


def from_curvature(mixture: Mixture, modes: Modes) -> ZeroPointFit:
    """Read a fit off the best mode, its errors off the curvature there; the first coefficient is the zero point.

    The scatter that is likeliest together with the coefficients is too small, as they follow the stars. The posterior
    integrated over the coefficients has the product of their errors more, and with g = d ln z_err / d ln s for each of
    them its mode is the sum of the g times the covariance with ln s away; a coefficient counts as far as it comes from
    the stars and not from its prior. Over the width of ln s that is left the errors of z average to exp(g^2 var(ln s))
    more.
    """
    theta, covariance = modes.theta[0], modes.covariance[0]
    err = np.sqrt(np.diag(covariance))
    weight = mixture.inlier_probability(theta) / (np.exp(2.0 * theta[-2]) + mixture.variance)
    g = float((weight / (1.0 + mixture.variance * np.exp(-2.0 * theta[-2]))).sum() / weight.sum())
    theta = theta + g * mixture.n_from_stars(covariance) * covariance[-2]
    err[0] *= np.exp(2.0 * g**2 * covariance[-2, -2])
    scatter, fraction = float(np.exp(theta[-2])), float(1.0 / (1.0 + np.exp(-theta[-1])))
    return ZeroPointFit(
        zero_point=float(theta[0]),
        zero_point_err=float(err[0]),
        scatter=scatter,
        scatter_err=float(scatter * err[-2]),
        outlier_fraction=fraction,
        outlier_fraction_err=float(fraction * (1.0 - fraction) * err[-1]),
        n_matched=len(mixture.difference),
        inlier_probability=mixture.inlier_probability(theta),
    )


def _from_grid(mixture: Mixture) -> ZeroPointFit:
    """Integrate the posterior over everything but the parameter in question, for each of the three."""
    found = integrate(mixture)
    z_low, zero_point, z_high = quantiles(found.z, found.by_z, _CENTRAL)
    s_low, middle_s, s_high = np.exp(quantiles(found.log_s, found.by_s, _CENTRAL))
    fraction = float(found.by_f @ found.f)
    theta = np.array([zero_point, np.log(middle_s), np.log(fraction / (1.0 - fraction))])
    return ZeroPointFit(
        zero_point=float(zero_point),
        zero_point_err=float(0.5 * (z_high - z_low)),
        scatter=float(middle_s),
        scatter_err=float(0.5 * (s_high - s_low)),
        outlier_fraction=fraction,
        outlier_fraction_err=float(np.sqrt(found.by_f @ (found.f - fraction) ** 2)),
        n_matched=len(mixture.difference),
        inlier_probability=mixture.inlier_probability(theta),
    )
