"""The likelihood of the zero-point model, its derivatives and its modes.

The differences ``d = ref_mag - inst_mag`` of n stars with errors ``e`` are drawn from

    p(d) = (1 - f) N(d; X b, s^2 + e^2) + f B(d)

with the design matrix X, its coefficients b (the zero point, and the colour and field terms where there are any),
intrinsic scatter s, outlier fraction f, and a broad density B of fixed place and width (a Cauchy distribution: it never
lets one star, however far, pull on the zero point). Parameters are theta = (b, ln s, logit f), so that no bound has to
be watched; the prior of each is stated in `Priors` and `Terms`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photocal.arrays import Floats

_SETTLED = 1e-4  # in log posterior, still to be gained before the last step; after it, the square of it
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))
_LONGEST_STEP = (0.5, 1.0, 1.5)  # of a coefficient (mag), ln s and logit f in one round


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """What is believed before a single star is looked at.

    Attributes
    ----------
    scatter_median, scatter_spread, scatter_least
        The density of u = ln s is proportional to exp(-(u - ln median)^2 / (2 spread^2) - (least / s)^2); median and
        least in mag. Wide enough to be nearly the scale-free 1/s, for which the errors of z have their nominal
        coverage, and falling off below what flat fields and colours leave in any image, so that a few stars which
        agree by chance do not make a scatter of nothing.
    outlier_a, outlier_b
        The outlier fraction is Beta(a, b): few in most fields, a fifth on average.
    broad_width
        Half width at half maximum of the outliers' distribution, mag.
    """

    scatter_median: float = 0.06
    scatter_spread: float = 1.5
    scatter_least: float = 0.009
    outlier_a: float = 1.0
    outlier_b: float = 4.0
    broad_width: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the zero point depends on, beside being one: columns of the design matrix, each with a Gaussian prior.

    Attributes
    ----------
    columns
        (n, m) array; the first column of the design matrix, of ones, is not among them.
    mean, err
        (m,) arrays: the prior of each coefficient.
    """

    columns: Floats
    mean: Floats
    err: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """Local maxima of the posterior, best first; p is the number of coefficients.

    Attributes
    ----------
    theta
        (k, p + 2) array: the coefficients in mag, ln s with s in mag, logit f.
    log_posterior
        (k,) array, up to one constant.
    covariance
        (k, p + 2, p + 2) array: the inverse of the negative second derivatives.
    """

    theta: Floats
    log_posterior: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Densities:
    """What the stars are at k sets of parameters; (k, n) arrays.

    The density of each, its probability to be an inlier, residual over variance, squared residual over variance,
    1 / variance, and the share of the intrinsic scatter in the variance.
    """

    density: Floats
    inlier: Floats
    by_z: Floats
    chi2: Floats
    precision: Floats
    share: Floats


class Mixture:
    """The posterior of one set of differences.

    Parameters
    ----------
    difference
        (n,) array, mag: reference minus instrumental magnitude.
    error
        (n,) array, mag: both errors in quadrature, positive.
    priors
        What is believed beforehand.
    terms
        What the zero point depends on; None for one zero point of all stars.
    """

    def __init__(self, difference: Floats, error: Floats, priors: Priors, terms: Terms | None = None) -> None:
        self.difference = difference
        self.variance = error**2
        self.priors = priors
        n = len(difference)
        ones = np.ones((n, 1))
        self.design: Floats = ones if terms is None else np.hstack([ones, terms.columns])
        p = self.design.shape[1]
        self._mean = np.zeros(p) if terms is None else np.concatenate([[0.0], terms.mean])
        self._precision = np.zeros(p) if terms is None else np.concatenate([[0.0], terms.err**-2.0])
        offset = (difference - np.median(difference)) / priors.broad_width
        self.broad: Floats = 1.0 / (np.pi * priors.broad_width * (1.0 + offset**2))

    @property
    def n_coefficients(self) -> int:
        """How many coefficients there are: the zero point's, and one for each term."""
        return int(self.design.shape[1])

    def n_from_stars(self, covariance: Floats) -> float:
        """Return how many coefficients the stars fix, by a (p + 2, p + 2) covariance: less one that its prior fixes."""
        p = self.n_coefficients
        return float(np.sum(1.0 - np.diag(covariance)[:p] * self._precision))

    def log_prior_fraction(self, logit_f: Floats) -> Floats:
        """Return the logarithm of the prior density of logit f, without its constant."""
        prior = self.priors
        total: Floats = -prior.outlier_a * np.logaddexp(0.0, -logit_f) - prior.outlier_b * np.logaddexp(0.0, logit_f)
        return total

    def log_prior_scatter(self, log_s: Floats) -> Floats:
        """Return the logarithm of the prior density of ln s, without its constant."""
        prior = self.priors
        wide = -0.5 * ((log_s - np.log(prior.scatter_median)) / prior.scatter_spread) ** 2
        total: Floats = wide - (prior.scatter_least * np.exp(-log_s)) ** 2
        return total

    def inlier_probability(self, theta: Floats) -> Floats:
        """Return the (n,) probabilities that the stars are inliers, at one (p + 2,) set of parameters."""
        probability: Floats = self._densities(theta[None, :]).inlier[0]
        return probability

    def log_likelihood(self, theta: Floats) -> float:
        """Return the logarithm of the likelihood at one (p + 2,) set of parameters."""
        return float(np.log(self._densities(theta[None, :]).density).sum())

    def _densities(self, theta: Floats) -> _Densities:
        residual = self.difference - theta[:, :-2] @ self.design.T
        s2 = np.exp(2.0 * theta[:, -2, None])
        f = 1.0 / (1.0 + np.exp(-theta[:, -1, None]))
        precision = 1.0 / (s2 + self.variance)
        by_z = residual * precision
        chi2 = residual * by_z
        narrow = (1.0 - f) / _ROOT_2PI * np.exp(-0.5 * chi2) * np.sqrt(precision)
        density = narrow + f * self.broad
        return _Densities(
            density=density, inlier=narrow / density, by_z=by_z, chi2=chi2, precision=precision, share=s2 * precision
        )

    def derivatives(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the log posterior with its first and second derivatives.

        Returns
        -------
        tuple of ndarray
            (k,), (k, p + 2) and (k, p + 2, p + 2) arrays.
        """
        at = self._densities(theta)
        k, p, n = len(theta), self.n_coefficients, len(self.difference)
        log_s, f = theta[:, -2], 1.0 / (1.0 + np.exp(-theta[:, -1]))
        sums, curvature = self._sums(at)
        away = theta[:, :p] - self._mean
        prior = self.priors
        low = (prior.scatter_least * np.exp(-log_s)) ** 2

        gradient = np.empty((k, p + 2))
        gradient[:, :p] = sums[:, 0] - self._precision * away
        gradient[:, p] = sums[:, 3, 0] + 2.0 * low
        gradient[:, p] -= (log_s - np.log(prior.scatter_median)) / prior.scatter_spread**2
        gradient[:, p + 1] = n - sums[:, 4, 0] - n * f + prior.outlier_a * (1.0 - f) - prior.outlier_b * f

        hessian = np.empty((k, p + 2, p + 2))
        hessian[:, :p, :p] = curvature - np.diag(self._precision)
        hessian[:, :p, p] = hessian[:, p, :p] = sums[:, 1]
        hessian[:, :p, p + 1] = hessian[:, p + 1, :p] = -sums[:, 2]
        hessian[:, p, p] = sums[:, 5, 0] - 4.0 * low - 1.0 / prior.scatter_spread**2
        hessian[:, p, p + 1] = hessian[:, p + 1, p] = -sums[:, 6, 0]
        hessian[:, p + 1, p + 1] = sums[:, 7, 0] - (n + prior.outlier_a + prior.outlier_b) * f * (1.0 - f)

        value = np.log(at.density).sum(axis=1) + self.log_prior_scatter(log_s) + self.log_prior_fraction(theta[:, -1])
        value -= 0.5 * (away**2 @ self._precision)
        return value, gradient, hessian

    def _sums(self, at: _Densities) -> tuple[Floats, Floats]:
        """Return sums over the stars: (k, 8, p), each times the columns of the design, the first of which is ones; and
        the (k, p, p) second derivatives by the coefficients.
        """  # noqa: D205 (one sentence, too long for a line)
        by_s = at.share * (at.chi2 - 1.0)
        doubt = at.inlier * (1.0 - at.inlier)
        sure_z, doubt_z, doubt_s = at.inlier * at.by_z, doubt * at.by_z, doubt * by_s
        rows = np.empty((len(by_s), 8, len(self.difference)))
        rows[:, 0] = sure_z
        rows[:, 1] = doubt_z * by_s - 2.0 * sure_z * at.share
        rows[:, 2] = doubt_z
        rows[:, 3] = at.inlier * by_s
        rows[:, 4] = at.inlier
        rows[:, 5] = doubt_s * by_s + 2.0 * at.inlier * ((1.0 - at.share) * by_s - at.share**2 * at.chi2)
        rows[:, 6] = doubt_s
        rows[:, 7] = doubt
        weight = doubt_z * at.by_z - at.inlier * at.precision
        return rows @ self.design, (weight[:, None, :] * self.design.T) @ self.design

    def modes(self, starts: Floats, rounds: int) -> Modes:
        """Climb from (k, p + 2) starts towards the maxima, by at most so many rounds of Newton's method.

        The second derivatives are made negative definite first (their eigenvalues' absolute values are used), so
        that every step leads uphill; a step that does not is shortened and tried again.
        """
        theta = starts.copy()
        value, gradient, hessian = self.derivatives(theta)
        shrink = np.ones(len(theta))
        for _ in range(rounds):
            step = _uphill(gradient, hessian)
            if np.all(np.einsum("ki,ki->k", step, gradient) < 2.0 * _SETTLED):
                theta += step  # so near the top that it leads there without another look
                break
            step *= shrink[:, None]
            new_value, new_gradient, new_hessian = self.derivatives(theta + step)
            better = new_value >= value
            theta[better] += step[better]
            value[better], gradient[better], hessian[better] = (
                new_value[better],
                new_gradient[better],
                new_hessian[better],
            )
            shrink = np.where(better, np.minimum(1.0, 3.0 * shrink), 0.25 * shrink)
        order = np.argsort(-value, kind="stable")
        return Modes(theta=theta[order], log_posterior=value[order], covariance=_inverse(-hessian[order]))


def _uphill(gradient: Floats, hessian: Floats) -> Floats:
    """Return the Newton steps, shortened to what the parameters can reasonably move at once."""
    try:
        np.linalg.cholesky(-hessian)  # says whether there is a top to step to, in less time than eigenvalues take
        step: Floats = np.asarray(np.linalg.solve(-hessian, gradient[..., None])[..., 0], dtype=np.float64)
    except np.linalg.LinAlgError:
        step = np.asarray(np.einsum("kij,kj->ki", _inverse(-hessian), gradient), dtype=np.float64)
    coefficient, log_s, logit_f = _LONGEST_STEP
    longest = np.full(step.shape[1], coefficient)
    longest[-2:] = log_s, logit_f
    step /= np.maximum(1.0, (np.abs(step) / longest).max(axis=1))[:, None]
    return step


def _inverse(matrix: Floats) -> Floats:
    """Invert (k, m, m) symmetric matrices as if all their eigenvalues were positive."""
    values, vectors = np.linalg.eigh(matrix)
    bounded = np.maximum(np.abs(values), 1e-6)
    inverse: Floats = np.einsum("kij,kj,klj->kil", vectors, 1.0 / bounded, vectors)
    return inverse
