"""The zero-point fit: right with many stars, honest with few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from photocal.mixture import Mixture, Priors
from photocal.zeropoint import FEW_STARS, ZeroPointFit, fit_zero_point

TRUTH = 23.456


def field(seed, n, *, scatter=0.05, outliers=0.0):
    rng = np.random.Generator(np.random.PCG64(seed))
    error = np.exp(rng.uniform(np.log(0.01), np.log(0.05), n))
    wide = np.where(rng.random(n) < outliers, 1.5, scatter)
    return TRUTH + rng.normal(0.0, 1.0, n) * np.hypot(wide, error), error


def fits(n, draws, **case) -> list[ZeroPointFit]:
    return [fit_zero_point(*field([31, n, k, round(1000 * case["scatter"])], n, **case)) for k in range(draws)]


def test_derivatives_are_those_of_the_posterior():
    d, e = field(1, 15, outliers=0.2)
    mixture = Mixture(d, e, Priors())
    theta = np.array([TRUTH + 0.02, -2.7, -1.3])

    def value(at):
        return mixture.derivatives(at[None, :])[0][0]

    def slope(at):
        return mixture.derivatives(at[None, :])[1][0]

    assert slope(theta) == pytest.approx(approx_fprime(theta, value, 1e-7), rel=1e-4, abs=1e-4)
    hessian = np.array([approx_fprime(theta, lambda at, k=k: slope(at)[k], 1e-7) for k in range(3)])
    assert mixture.derivatives(theta[None, :])[2][0] == pytest.approx(hessian, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("scatter", [0.05, 0.15, 0.35])
def test_six_stars_do_not_collapse_onto_the_floor(scatter):
    scatters = [fit.scatter for fit in fits(6, 100, scatter=scatter, outliers=0.1)]
    assert np.mean(np.array(scatters) <= 0.0105) <= 0.01


@pytest.mark.parametrize("n", [5, 12, 80])
def test_error_bars_cover_what_they_say(n):
    found = [fit for scatter in (0.03, 0.2) for fit in fits(n, 150, scatter=scatter, outliers=0.1)]
    inside = np.mean([abs(fit.zero_point - TRUTH) <= fit.zero_point_err for fit in found])
    assert inside == pytest.approx(0.68, abs=0.08)  # 300 draws: three standard deviations


@pytest.mark.parametrize("n", [20, FEW_STARS, FEW_STARS + 1, 400])
def test_thirty_percent_outliers(n):
    fit = fit_zero_point(*field(3, n, scatter=0.03, outliers=0.3))
    assert fit.zero_point == pytest.approx(TRUTH, abs=4.0 * fit.zero_point_err)
    assert fit.zero_point_err < 0.2 / np.sqrt(n)
    assert fit.outlier_fraction == pytest.approx(0.3, abs=4.0 * fit.outlier_fraction_err)
    assert fit.scatter == pytest.approx(0.03, abs=4.0 * fit.scatter_err)


def test_both_ways_to_the_posterior_agree(monkeypatch):
    d, e = field(5, FEW_STARS, outliers=0.1)
    grid = fit_zero_point(d, e)
    monkeypatch.setattr("photocal.zeropoint.FEW_STARS", 10)
    curvature = fit_zero_point(d, e)
    assert grid.zero_point == pytest.approx(curvature.zero_point, abs=0.3 * grid.zero_point_err)
    assert grid.zero_point_err == pytest.approx(curvature.zero_point_err, rel=0.15)
    assert grid.scatter == pytest.approx(curvature.scatter, rel=0.15)


def test_one_star_with_a_giant_error_does_not_matter():
    d, e = field(11, 8, scatter=0.02)
    alone = fit_zero_point(d, e)
    more = fit_zero_point(np.append(d, TRUTH + 0.9), np.append(e, 1.0))
    assert more.zero_point == pytest.approx(alone.zero_point, abs=0.2 * alone.zero_point_err)
    assert more.zero_point_err == pytest.approx(alone.zero_point_err, rel=0.3)


def test_underestimated_errors_show_as_scatter():
    d, e = field(13, 100, scatter=0.1)
    fit = fit_zero_point(d, e / 20.0)
    assert fit.scatter == pytest.approx(np.hypot(0.1, 0.03), rel=0.25)
    assert fit.zero_point == pytest.approx(TRUTH, abs=4.0 * fit.zero_point_err)


def test_two_camps_of_three_are_not_settled_by_chance():
    d = np.array([0.0, 0.01, -0.01, 0.6, 0.61, 0.59])
    fit = fit_zero_point(d, np.full(6, 0.02))
    assert fit.zero_point_err > 0.1


def test_one_far_star_never_pulls():
    d, e = field(17, 12)
    near, far = (fit_zero_point(np.append(d, TRUTH + off), np.append(e, 0.02)) for off in (3.0, 30.0))
    assert far.zero_point == pytest.approx(near.zero_point, abs=0.02)
    assert far.inlier_probability[-1] < 1e-6


def test_the_same_input_gives_the_same_output_and_is_left_alone():
    d, e = field(19, 9)
    before = d.copy(), e.copy()
    first, second = fit_zero_point(d, e), fit_zero_point(d, e)
    assert (first.zero_point, first.scatter) == (second.zero_point, second.scatter)
    assert np.array_equal(d, before[0])
    assert np.array_equal(e, before[1])


def test_shifting_the_stars_shifts_the_zero_point_and_nothing_else():
    d, e = field(23, 30, outliers=0.2)
    here, there = fit_zero_point(d, e), fit_zero_point(d + 5.0, e)
    assert there.zero_point == pytest.approx(here.zero_point + 5.0, abs=1e-6)
    assert there.scatter == pytest.approx(here.scatter, rel=1e-5)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="2 stars"):
        fit_zero_point(np.zeros(2), np.full(2, 0.1))
    with pytest.raises(ValueError, match="finite"):
        fit_zero_point(np.array([0.0, 1.0, np.nan]), np.full(3, 0.1))
