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

import numpy as np

from photocal.arrays import Floats
from photocal.fewstars import integrate, quantiles
from photocal.mixture import Mixture, Modes, Priors

FEW_STARS = 60  # up to here the posterior is integrated, beyond it is Gaussian enough
PARAMETERS = 3
DEFAULT_PRIORS = Priors()
_STARTS = 6
_SAMPLE = 200
_CLIMB, _FINISH = 6, 30  # rounds of climbing: from all starts to near the tops, from the best to its very top
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
    thin = slice(None, None, max(1, len(difference) // _SAMPLE))  # enough to find the way up
    sample = Mixture(difference[thin], error[thin], priors)
    near = sample.modes(_starts(sample.difference, error[thin]), rounds=_CLIMB)
    return _from_curvature(mixture, mixture.modes(near.theta[:1], rounds=_FINISH))


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


def _from_curvature(mixture: Mixture, modes: Modes) -> ZeroPointFit:
    """Read the fit off the best mode, its errors off the curvature there."""
    theta, covariance = modes.theta[0], modes.covariance[0]
    err = np.sqrt(np.diag(covariance))
    scatter, fraction = float(np.exp(theta[1])), float(1.0 / (1.0 + np.exp(-theta[2])))
    return ZeroPointFit(
        zero_point=float(theta[0]),
        zero_point_err=float(err[0]),
        scatter=scatter,
        scatter_err=float(scatter * err[1]),
        outlier_fraction=fraction,
        outlier_fraction_err=float(fraction * (1.0 - fraction) * err[2]),
        n_matched=len(mixture.difference),
        inlier_probability=mixture.inlier_probability(theta),
    )


def _from_grid(mixture: Mixture) -> ZeroPointFit:
    """Integrate the posterior over everything but the parameter in question, for each of the three."""
    grid = integrate(mixture)
    z_low, zero_point, z_high = quantiles(grid.z, grid.mass.sum(axis=(0, 1)), _CENTRAL)
    s_low, middle_s, s_high = np.exp(quantiles(grid.log_s, grid.mass.sum(axis=(0, 2)), _CENTRAL))
    by_f = grid.mass.sum(axis=(1, 2))
    fraction = float(by_f @ grid.f)
    theta = np.array([zero_point, np.log(middle_s), np.log(fraction / (1.0 - fraction))])
    return ZeroPointFit(
        zero_point=float(zero_point),
        zero_point_err=float(0.5 * (z_high - z_low)),
        scatter=float(middle_s),
        scatter_err=float(0.5 * (s_high - s_low)),
        outlier_fraction=fraction,
        outlier_fraction_err=float(np.sqrt(by_f @ (grid.f - fraction) ** 2)),
        n_matched=len(mixture.difference),
        inlier_probability=mixture.inlier_probability(theta),
    )
