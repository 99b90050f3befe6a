"""The posterior of a zero point of few stars, integrated over zero point, scatter and outlier fraction.

First the ground is scouted: from several places, at a row of fixed scatters, the zero point is found by iterated
weighting (each star by its probability to be an inlier), which shows where the posterior has its mass. There a grid
of zero point and logarithmic scatter is laid. A sum over equidistant nodes is all but exact for a density that falls
to nothing at both ends. The outlier fraction is integrated by a Gauss rule: the likelihood is a polynomial in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from photocal.arrays import Bools, Floats
from photocal.mixture import Mixture

_DEEP = 9.5  # what lies so far below the best, in log posterior, is left out
_CENTRES, _SCATTERS = 6, 9
_ROUNDS = (3, 2)  # of weighting, over the coarse and the close row of scatters
_Z_STEP, _S_STEP = 0.5, 0.9  # in units of the narrowest conditional, and of the marginal, standard deviation
_F_NODES, _F_SCOUTS = 8, 4
_SURE = 0.6  # share of the likely inliers that the nodes in f count on
_GROWTH = 0.3  # of the step with the distance from a hill
_HIGH = 7.0  # a hill not further below the best has its own nodes
_MOST_S = 48
_TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Scouts:
    """Conditional maxima of the posterior in the zero point: from each of k places, at each of m scatters.

    Attributes
    ----------
    log_s
        (m,) array, ascending, s in mag.
    z, z_err
        (k, m) arrays, mag: the maximum and the standard deviation about it.
    log_posterior
        (k, m) array: of the hill around each, summed over the zero point and the outlier fraction.
    outliers
        (k, m) array: the expected number of outliers.
    """

    log_s: Floats
    z: Floats
    z_err: Floats
    log_posterior: Floats
    outliers: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Marginals:
    """The posterior of each parameter, integrated over the two others.

    Attributes
    ----------
    z, log_s, f
        The nodes.
    by_z, by_s, by_f
        The mass at each node; the sum is 1.
    """

    z: Floats
    log_s: Floats
    f: Floats
    by_z: Floats
    by_s: Floats
    by_f: Floats


def scout(mixture: Mixture) -> Scouts:
    """Find where the posterior of one zero point has its mass: over all scatters coarsely, then closely."""
    d = mixture.difference
    low = np.log(mixture.priors.scatter_least / 3.0)  # there the prior is a ten-thousandth
    high = np.log(2.0 * max(float(d.max() - d.min()), 0.3))
    log_s = _row(low, high, _SCATTERS)
    first = _weighted(mixture, log_s, np.repeat(_centres(d)[:, None], _SCATTERS, axis=1), _ROUNDS[0])
    close = _row(*_reach(first), _SCATTERS)
    nearest = np.rint((close - low) / (log_s[1] - low)).astype(int).clip(0, _SCATTERS - 1)
    return _weighted(mixture, close, first.z[_different(first)][:, nearest], _ROUNDS[1])


def _row(low: float, high: float, count: int) -> Floats:
    """Return equidistant nodes, in a tenth of the time that `numpy.linspace` takes over so few."""
    nodes: Floats = low + (high - low) / (count - 1) * np.arange(count, dtype=float)
    return nodes


def _different(scouts: Scouts) -> Bools:
    """Return which of the k places led to other zero points than all before it."""
    apart = np.abs(scouts.z[:, None] - scouts.z) > 0.1 * scouts.z_err
    first_alike = apart.any(axis=2).argmin(axis=1)
    different: Bools = np.equal(first_alike, np.arange(len(apart)))
    return different


def _centres(difference: Floats) -> Floats:
    """Return the medians of windows that hold half of the sorted stars."""
    d = np.sort(difference)
    window = max(3, (len(d) + 1) // 2)
    last = len(d) - window
    first = np.unique(np.linspace(0, last, min(_CENTRES, last + 1)).round().astype(int))
    centres: Floats = 0.5 * (d[first + (window - 1) // 2] + d[first + window // 2])
    return centres


def _weighted(mixture: Mixture, log_s: Floats, z: Floats, rounds: int) -> Scouts:
    """Iterate from (k, m) zero points at (m,) scatters."""
    d, prior = mixture.difference, mixture.priors
    total = np.exp(2.0 * log_s)[:, None] + mixture.variance
    weight, height = 1.0 / total, 1.0 / (np.sqrt(2.0 * np.pi * total) * mixture.broad)
    odds = prior.outlier_a / prior.outlier_b
    half, ones = -0.5 * weight, np.ones_like(d)
    for _ in range(rounds):
        ratio = height * np.exp((d - z[:, :, None]) ** 2 * half)
        share = ratio / (ratio + odds) * weight
        z = (share @ d + _TINY * z) / (share @ ones + _TINY)
    ratio = height * np.exp((d - z[:, :, None]) ** 2 * half)
    inlier = ratio / (ratio + odds)
    z_err = 1.0 / np.sqrt((inlier * weight).sum(axis=-1) + 1e-6)
    f, f_weight = fraction_nodes(prior.outlier_a, prior.outlier_b, 0, _F_SCOUTS)
    ratio *= (scale := _scale(height, axis=0))
    likelihood = sum(
        w * np.multiply.reduce((1.0 - x) * ratio + x * scale, axis=-1) for x, w in zip(f, f_weight, strict=True)
    )
    return Scouts(
        log_s=log_s,
        z=z,
        z_err=z_err,
        log_posterior=np.log(likelihood + _TINY) + np.log(z_err) + mixture.log_prior_scatter(log_s),
        outliers=len(d) - inlier.sum(axis=-1),
    )


def _scale(height: Floats, axis: int) -> Floats:
    """Return what to multiply each star's factor with, so that a product of all stays within floating point."""
    scale: Floats = 1.0 / np.sqrt(1.0 + height.max(axis=axis))
    return scale


def _reach(scouts: Scouts) -> tuple[float, float]:
    """Return the range of ln s outside of which the posterior is too low to matter.

    The square root of how far it is below its top is a straight line for a Gaussian: between the last node inside
    and the first outside it is followed to where the limit is crossed.
    """
    best = scouts.log_posterior.max(axis=0)
    depth = np.sqrt(best.max() - best)
    limit = np.sqrt(_DEEP)
    inside = np.flatnonzero(depth <= limit)
    u, step = scouts.log_s, scouts.log_s[1] - scouts.log_s[0]
    low, high = int(inside[0]), int(inside[-1])
    left = right = 0.0
    if low > 0:
        left = (limit - depth[low]) / (depth[low - 1] - depth[low])
    if high < len(u) - 1:
        right = (limit - depth[high]) / (depth[high + 1] - depth[high])
    return float(u[low] - min(1.0, left + 0.1) * step * (low > 0)), float(u[high] + min(1.0, right + 0.1) * step)


@cache
def fraction_nodes(a: float, b: float, inliers: int, count: int) -> tuple[Floats, Floats]:
    """Return nodes f and weights that integrate over f under its Beta(a, b) prior.

    With no inliers given it is Gauss and Jacobi's rule, exact for a polynomial of degree 2 count - 1: for so many
    stars. With more the nodes go where the posterior is: they are those of Beta(a, b + inliers), where so many stars
    are surely inliers, and the weights are divided by (1 - f)^inliers. Nodes and weights are eigenvalues and first
    components of the matrix of the recurrence of Jacobi's polynomials (Golub & Welsch 1969, Math. Comp. 23, 221).
    """
    alpha, beta = b + inliers - 1.0, a - 1.0
    j = np.arange(1.0, count)
    sums = 2.0 * j + alpha + beta
    middle = np.empty(count)
    middle[0] = (beta - alpha) / (alpha + beta + 2.0)
    middle[1:] = (beta**2 - alpha**2) / (sums * (sums + 2.0))
    beside = 4.0 * j * (j + alpha) * (j + beta) * (j + alpha + beta) / (sums**2 * (sums + 1.0) * (sums - 1.0))
    beside[0] = 4.0 * (1.0 + alpha) * (1.0 + beta) / (sums[0] ** 2 * (sums[0] + 1.0))  # also where alpha + beta = -1
    side = np.sqrt(beside)
    x, vectors = np.linalg.eigh(np.diag(middle) + np.diag(side, 1) + np.diag(side, -1))
    f = 0.5 * (1.0 + x)
    weight = vectors[0] ** 2 * (1.0 - f) ** -float(inliers)
    return f, weight / weight.sum()


def integrate(mixture: Mixture) -> Marginals:
    """Return the marginal posteriors, from a grid that holds practically all of it."""
    scouts = scout(mixture)
    z, z_step, log_s = _nodes(scouts, mixture.difference)
    prior, n = mixture.priors, len(mixture.difference)
    count = min(_F_NODES, (n + 4) // 2)  # exact for the second moment of f, while that is few
    inliers = n - float(scouts.outliers.flat[int(scouts.log_posterior.argmax())])
    sure = round(_SURE * max(0.0, 1.0 - (2 * count - 1) / n) * inliers)
    f, weight = fraction_nodes(prior.outlier_a, prior.outlier_b, sure, count)
    likelihood = _likelihood(mixture, z, log_s, f).reshape(count, -1)
    scatter_prior = np.exp(mixture.log_prior_scatter(log_s))
    mass = (weight @ likelihood).reshape(len(log_s), len(z)) * scatter_prior[:, None] * z_step
    mass /= (whole := mass.sum())
    by_f = weight * ((likelihood.reshape(count, len(log_s), len(z)) @ z_step) @ scatter_prior) / whole
    return Marginals(z=z, log_s=log_s, f=f, by_z=mass.sum(axis=0), by_s=mass.sum(axis=1), by_f=by_f)


def _nodes(scouts: Scouts, difference: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the nodes in z, the steps between them, and the nodes in ln s."""
    low, high = _reach(scouts)
    depth = scouts.log_posterior.max() - scouts.log_posterior
    n_s = int(np.ceil((high - low) * np.sqrt(2.0 * len(difference) + 1.0) / _S_STEP)) + 1
    reach = 1.3 * scouts.z_err * np.sqrt(2.0 * np.maximum(_DEEP - depth, 0.0))
    seen = depth < _DEEP
    room = 0.1 + 0.25 * float(difference.max() - difference.min())  # beyond the stars nothing speaks for a zero point
    z_low = max(float((scouts.z - reach)[seen].min()), float(difference.min()) - room)
    z_high = min(float((scouts.z + reach)[seen].max()), float(difference.max()) + room)
    hill, width = _hills(scouts, depth)
    z, step = _graded(hill, width / _GROWTH, z_low, z_high)
    return z, step, _row(low, high, min(max(n_s, 9), _MOST_S))


def _hills(scouts: Scouts, depth: Floats) -> tuple[Floats, Floats]:
    """Return the places of the hills that count, each but once, and their least widths."""
    width = np.where(depth < _HIGH, scouts.z_err, np.inf)
    narrowest = width.argmin(axis=1)[:, None]
    width = np.take_along_axis(width, narrowest, axis=1)[:, 0]
    hill = np.take_along_axis(scouts.z, narrowest, axis=1)[:, 0]
    order = np.argsort(np.where(np.isfinite(width), hill, np.inf), kind="stable")[: int(np.isfinite(width).sum())]
    hill, width = hill[order], width[order]
    new = np.append(True, np.diff(hill) > 2.0 * np.minimum(width[1:], width[:-1]))
    return hill[new], width[new]


def _graded(hill: Floats, scale: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Return nodes that are dense on the hills and further apart away from them, and the steps between them.

    They are equidistant in u = sum over the hills of arsinh((z - hill) / scale), so that sums over them keep their
    accuracy; the steps are those of u times dz / du.
    """
    ends = np.arcsinh((np.array([[low], [high]]) - hill) / scale)
    u_low, u_high = ends.sum(axis=1)
    count = max(17, int(np.ceil((u_high - u_low) / (_Z_STEP * _GROWTH))) + 1)
    u = _row(u_low, u_high, count)
    if len(hill) == 1:
        z = hill[0] + scale[0] * np.sinh(u)
    else:
        own = [_row(float(start), float(stop), count) for start, stop in ends.T]  # each hill's nodes, were it alone
        mesh = np.unique(hill[:, None] + scale[:, None] * np.sinh(own))
        z = np.interp(u, np.arcsinh((mesh[:, None] - hill) / scale).sum(axis=1), mesh)
    for _ in range(3 * (len(hill) > 1)):  # Newton's method, from close by
        off = (z[:, None] - hill) / scale
        z = z - (np.arcsinh(off).sum(axis=1) - u) / (1.0 / (scale * np.sqrt(1.0 + off**2))).sum(axis=1)
    slope = (1.0 / np.hypot(scale, z[:, None] - hill)).sum(axis=1)
    return z, (u[1] - u[0]) / slope


def _likelihood(mixture: Mixture, z: Floats, log_s: Floats, f: Floats) -> Floats:
    """Return the likelihood over (f, ln s, z), times one constant, with at least two inliers among the stars.

    Each star's factor is divided by its broad density. Of the sum over all ways to part the stars into inliers and
    outliers those with no and with one inlier are taken out: f^n and (1 - f) f^(n - 1) times the sum of the ratios.
    One star alone agrees with nothing: it is no evidence of a zero point.
    """
    n = len(mixture.difference)
    total = np.exp(2.0 * log_s) + mixture.variance[:, None]
    height = 1.0 / (np.sqrt(2.0 * np.pi * total) * mixture.broad[:, None])
    ratio = (mixture.difference[:, None] - z)[:, None, :] ** 2 * (-0.5 / total)[:, :, None]
    np.exp(ratio, out=ratio)
    scale = _scale(height, axis=1)[:, None, None]
    ratio *= height[:, :, None]
    none = float(scale.prod())
    alone = none * ratio.sum(axis=0)
    ratio *= scale
    likelihood = np.empty((len(f), len(log_s), len(z)))
    factor = np.empty_like(ratio)
    for j, x in enumerate(f):
        np.multiply(ratio, 1.0 - x, out=factor)
        factor += x * scale
        np.multiply.reduce(factor, axis=0, out=likelihood[j])
        likelihood[j] -= x ** (n - 1) * (x * none + (1.0 - x) * alone)
    return np.maximum(likelihood, 0.0, out=likelihood)


def quantiles(nodes: Floats, mass: Floats, shares: tuple[float, ...]) -> Floats:
    """Return where the integral of a density, known by the mass at nodes of a smooth scale, reaches the shares given.

    The logarithm of the mass is halved twice between its nodes, by cubics, as it is much smoother than itself.
    """
    fine = np.exp(_halved(_halved(np.log(mass + _TINY))))
    cumulative = np.zeros(len(fine))
    np.cumsum(0.5 * (fine[1:] + fine[:-1]), out=cumulative[1:])
    found: Floats = np.interp(np.array(shares) * cumulative[-1], cumulative, _halved(_halved(nodes)))
    return found


def _halved(values: Floats) -> Floats:
    """Return the values and, between every two, that of the cubic through the four around."""
    fine = np.empty(2 * len(values) - 1)
    fine[::2] = values
    fine[1::2] = 0.5 * (values[1:] + values[:-1])
    fine[3:-3:2] = (9.0 * (values[1:-2] + values[2:-1]) - values[:-3] - values[3:]) / 16.0
    return fine
