"""The zero point of one passband: a robust fit that is honest with few stars.

The model is in `photocal.mixture`. Its modes are found by Newton's method from fixed starts. With many stars the
posterior is a Gaussian around the best mode, and its curvature gives the errors. With few it is not: it has long
tails and sometimes several modes, and the highest point of it may be a spike over two or three stars which agree by
chance (the collapse of the textbook mixture fit). There the posterior is integrated over a grid of zero point and
scatter and, exactly, over the outlier fraction; the zero point is the median of what remains, its error half of the
central 68.27 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import roots_jacobi

from photocal.arrays import Floats
from photocal.mixture import Mixture, Modes, Priors

FEW_STARS = 60  # up to here the posterior is integrated, beyond it is Gaussian enough
PARAMETERS = 3
DEFAULT_PRIORS = Priors()
_Z_NODES, _S_NODES, _F_NODES = 65, 21, 10
_STARTS = 6
_SAMPLE = 200
_CLIMB, _FINISH = 6, 30  # rounds of climbing: from all starts to near the tops, from the best to its very top
_LOW, _HIGH = 0.158655, 0.841345  # the central 68.27 %


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
        return _from_grid(mixture, mixture.modes(_starts(difference, error), rounds=_CLIMB))
    thin = slice(None, None, max(1, len(difference) // _SAMPLE))  # enough to find the way up
    sample = Mixture(difference[thin], error[thin], priors)
    near = sample.modes(_starts(sample.difference, error[thin]), rounds=_CLIMB)
    return from_curvature(mixture, mixture.modes(near.theta[:1], rounds=_FINISH))


def _starts(difference: Floats, error: Floats) -> Floats:
    """Return (k, 3) starts: the medians of the windows that hold most of the sorted stars, tight and loose."""
    d = np.sort(difference)
    n = len(d)
    window = max(3, int(np.ceil(0.6 * n)))
    first = np.unique(np.linspace(0, n - window, min(_STARTS, n - window + 1)).round().astype(int))
    if n > FEW_STARS:  # the shortest window, and the median
        widths = d[window - 1 :] - d[: n - window + 1]
        first = np.unique([int(np.argmin(widths)), (n - window) // 2])
    centres = np.array([np.median(d[i : i + window]) for i in first])
    spread = np.array([(d[i + window - 1] - d[i]) / 1.7 for i in first])
    noise = float(np.median(error))
    loose = np.log(np.sqrt(np.maximum(spread**2 - noise**2, (0.3 * spread) ** 2)) + 0.005)
    tight = loose - 1.2
    fraction = np.full(2 * len(first), -2.0)
    return np.stack([np.tile(centres, 2), np.concatenate([loose, tight]), fraction], axis=1)


def from_curvature(mixture: Mixture, modes: Modes) -> ZeroPointFit:
    """Read a fit off the best mode, its errors off the curvature there; the first coefficient is the zero point."""
    theta, covariance = modes.theta[0], modes.covariance[0]
    err = np.sqrt(np.diag(covariance))
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


@cache
def _fraction_nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Return nodes and weights that integrate over f under its Beta(a, b) prior.

    The likelihood is a polynomial in f of degree n, so that Gauss and Jacobi's rule with m nodes is exact for
    n < 2 m, and practically so for all n that come here.
    """
    x, weight = roots_jacobi(_F_NODES, b - 1.0, a - 1.0)
    return 0.5 * (1.0 + x), weight / weight.sum()


def _box(modes: Modes, difference: Floats) -> tuple[Floats, Floats]:
    """Return the nodes in z and ln s that hold practically all of the posterior."""
    near = modes.log_posterior > modes.log_posterior[0] - 7.0
    theta, covariance = modes.theta[near], modes.covariance[near]
    z_err, s_err = np.sqrt(covariance[:, 0, 0]), np.clip(np.sqrt(covariance[:, 1, 1]), 0.05, 1.2)
    s_low, s_high = np.min(theta[:, 1] - 3.5 * s_err), np.max(theta[:, 1] + 4.5 * s_err)
    z_low, z_high = np.min(theta[:, 0] - 8.0 * z_err), np.max(theta[:, 0] + 8.0 * z_err)
    # Beyond the stars nothing speaks for a zero point, and nothing against it were all of them outliers.
    room = 0.1 + 0.25 * float(np.ptp(difference))
    z_low, z_high = max(z_low, difference.min() - room), min(z_high, difference.max() + room)
    n_z = int(np.clip((z_high - z_low) / (0.25 * np.min(z_err)), _Z_NODES, 4 * _Z_NODES))
    return np.linspace(z_low, z_high, n_z), np.linspace(s_low, s_high, _S_NODES)


def _from_grid(mixture: Mixture, modes: Modes) -> ZeroPointFit:
    """Integrate the posterior over everything but the parameter in question, for each of the three."""
    z, log_s = _box(modes, mixture.difference)
    f, weight = _fraction_nodes(mixture.priors.outlier_a, mixture.priors.outlier_b)
    posterior = _posterior(mixture, z, log_s, f, weight)
    z_low, zero_point, z_high = _quantiles(z, posterior.sum(axis=(0, 1)))
    s_low, middle_s, s_high = np.exp(_quantiles(log_s, posterior.sum(axis=(0, 2))))
    by_f = posterior.sum(axis=(1, 2))
    fraction = float((by_f * f).sum())
    fraction_err = float(np.sqrt((by_f * (f - fraction) ** 2).sum()))
    theta = np.array([zero_point, np.log(middle_s), np.log(fraction / (1.0 - fraction))])
    return ZeroPointFit(
        zero_point=float(zero_point),
        zero_point_err=float(0.5 * (z_high - z_low)),
        scatter=float(middle_s),
        scatter_err=float(0.5 * (s_high - s_low)),
        outlier_fraction=fraction,
        outlier_fraction_err=fraction_err,
        n_matched=len(mixture.difference),
        inlier_probability=mixture.inlier_probability(theta),
    )


def _posterior(mixture: Mixture, z: Floats, log_s: Floats, f: Floats, weight: Floats) -> Floats:
    """Return the posterior mass in every cell of the (f, ln s, z) grid; the sum is 1."""
    log_p = np.zeros((len(f), len(log_s), len(z)))
    product = np.ones_like(log_p)
    for i, (d, variance, broad) in enumerate(zip(mixture.difference, mixture.variance, mixture.broad, strict=True), 1):
        total = np.exp(2.0 * log_s)[:, None] + variance
        narrow = np.exp(-0.5 * (d - z) ** 2 / total) / np.sqrt(2.0 * np.pi * total)
        product *= (1.0 - f)[:, None, None] * narrow + (f * broad)[:, None, None]
        if i % 16 == 0:  # a product of more could leave the range of floating point
            log_p += np.log(product)
            product[:] = 1.0
    log_p += np.log(product) + np.log(weight)[:, None, None]
    log_p += mixture.log_prior_scatter(log_s)[:, None]
    posterior: Floats = np.exp(log_p - log_p.max())
    posterior /= posterior.sum()
    return posterior


def _quantiles(nodes: Floats, mass: Floats) -> Floats:
    """Return the 15.87, 50 and 84.13 % points of a density known on equidistant nodes."""
    cumulative = np.cumsum(mass) - 0.5 * mass
    quantiles: Floats = np.interp([_LOW, 0.5, _HIGH], cumulative, nodes)
    return quantiles
