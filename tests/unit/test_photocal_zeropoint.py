"""The zero-point fit: right with many stars, honest with few."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import beta

from benchmarks.zero_point_cases import TRUE_ZERO_POINT, Case, fields
from photocal import fewstars
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


@pytest.mark.parametrize("n", [5, 12, FEW_STARS + 1, 200])
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


def test_both_ways_to_the_posterior_join(monkeypatch):
    fields = [field([5, k], 58 + k % 7, scatter=s, outliers=0.15) for k in range(20) for s in (0.03, 0.15)]
    monkeypatch.setattr("photocal.zeropoint.FEW_STARS", 100)
    grid = [fit_zero_point(d, e) for d, e in fields]
    monkeypatch.setattr("photocal.zeropoint.FEW_STARS", 10)
    curvature = [fit_zero_point(d, e) for d, e in fields]
    pairs = list(zip(grid, curvature, strict=True))
    off = np.array([(c.zero_point - g.zero_point) / g.zero_point_err for g, c in pairs])
    assert np.abs(off).max() < 0.3
    assert off.mean() == pytest.approx(0.0, abs=0.05)
    assert np.mean([c.zero_point_err / g.zero_point_err for g, c in pairs]) == pytest.approx(1.0, abs=0.015)
    assert np.mean([(c.scatter - g.scatter) / g.scatter_err for g, c in pairs]) == pytest.approx(0.0, abs=0.06)


@pytest.mark.parametrize("n", [5, 6, 20, FEW_STARS])
def test_a_finer_grid_changes_nothing(monkeypatch, n):
    fields = [field([37, n, k], n, scatter=s, outliers=0.2) for k in range(6) for s in (0.02, 0.15)]
    usual = [fit_zero_point(d, e) for d, e in fields]
    for name, value in {"_Z_STEP": 0.15, "_S_STEP": 0.3, "_GROWTH": 0.2, "_DEEP": 16.0, "_HIGH": 12.0}.items():
        monkeypatch.setattr(fewstars, name, value)
    monkeypatch.setattr(fewstars, "_F_NODES", 31)  # exact for so many stars
    monkeypatch.setattr(fewstars, "_MOST_S", 200)
    for (d, e), there in zip(fields, usual, strict=True):
        fine = fit_zero_point(d, e)
        assert there.zero_point == pytest.approx(fine.zero_point, abs=0.01 * fine.zero_point_err)
        assert there.zero_point_err == pytest.approx(fine.zero_point_err, rel=0.02)
        assert there.scatter == pytest.approx(fine.scatter, abs=0.02 * fine.scatter_err)
        assert there.outlier_fraction == pytest.approx(fine.outlier_fraction, abs=0.02 * fine.outlier_fraction_err)


def test_at_least_two_stars_are_inliers():
    d, e = field(41, 5, outliers=0.4)
    mixture = Mixture(d, e, Priors())
    z, log_s, f = np.array([TRUTH - 0.05, TRUTH + 0.9]), np.log([0.02, 0.3]), np.array([0.1, 0.6])
    expected = np.zeros((2, 2, 2))
    for inliers in product((False, True), repeat=5):
        if sum(inliers) < 2:
            continue
        for j, k, i in np.ndindex(2, 2, 2):
            total = np.exp(2.0 * log_s[k]) + e**2
            narrow = np.exp(-0.5 * (d - z[i]) ** 2 / total) / np.sqrt(2.0 * np.pi * total)
            expected[j, k, i] += np.prod(np.where(inliers, (1.0 - f[j]) * narrow, f[j] * mixture.broad))
    found = fewstars._likelihood(mixture, z, log_s, f)
    assert found / found.max() == pytest.approx(expected / expected.max(), rel=1e-9)


@pytest.mark.parametrize(("inliers", "count", "n", "outliers"), [(0, 5, 7, 3), (0, 8, 14, 0), (20, 8, 60, 5)])
def test_the_outlier_fraction_is_integrated(inliers, count, n, outliers):
    f, weight = fewstars.fraction_nodes(1.0, 4.0, inliers, count)
    likelihood = weight * f**outliers * (1.0 - f) ** (n - outliers)
    exact = beta(2.0 + outliers, 4.0 + n - outliers) / beta(1.0 + outliers, 4.0 + n - outliers)
    assert (likelihood @ f) / likelihood.sum() == pytest.approx(exact, rel=2e-3)


def test_every_climb_ends_on_a_top():
    d, e = field(43, 120, outliers=0.3)
    mixture = Mixture(d, e, Priors())
    for z, s, logit_f in product((-0.5, 0.0, 0.1), (0.01, 0.05, 0.4), (-3.0, 0.0)):
        modes = mixture.modes(np.array([[TRUTH + z, np.log(s), logit_f]]), rounds=40)
        _, gradient, hessian = mixture.derivatives(modes.theta)
        assert np.linalg.eigvalsh(-hessian[0]).min() > 0.0
        assert gradient[0] @ np.linalg.solve(-hessian[0], gradient[0]) < 1e-6


@pytest.mark.parametrize("n", [6, 12, 100])
@pytest.mark.parametrize("kind", ["blends", "chance", "errors/3", "errors x2", "giant weight"])
def test_what_the_model_does_not_expect_breaks_nothing(n, kind):
    inside = []
    for k in range(40):
        rng = np.random.Generator(np.random.PCG64([47, n, k]))
        error = np.exp(rng.uniform(np.log(0.01), np.log(0.05), n))
        d = TRUTH + rng.normal(0.0, 1.0, n) * np.hypot(0.05, error)
        odd = rng.random(n) < (0.15 if n > 6 else 0.0)
        odd[0] = True
        d[odd] = TRUTH + (rng.uniform(-5.0, 5.0, odd.sum()) if kind == "chance" else rng.uniform(0.4, 1.0, odd.sum()))
        quoted = error * {"errors/3": 1.0 / 3.0, "errors x2": 2.0}.get(kind, 1.0)
        if kind == "giant weight":
            quoted[0] = 0.0005
        fit = fit_zero_point(d, quoted)
        inside.append(abs(fit.zero_point - TRUTH) <= fit.zero_point_err)
        assert abs(fit.zero_point - TRUTH) < 6.0 * fit.zero_point_err
    assert 0.45 <= np.mean(inside) <= 0.93  # 40 draws: three standard deviations


def test_many_stars_with_blends_are_not_taken_for_a_wide_scatter():
    # Every third of the stars alone would mislead in some of these draws.
    for stars in fields(Case(n=200, fraction=0.2, scatter=0.05, kind="blends"), 150):
        fit = fit_zero_point(stars.difference, stars.error)
        assert abs(fit.zero_point - TRUE_ZERO_POINT) < 5.0 * fit.zero_point_err


def test_thirty_percent_outliers_cost_little():
    off = [fit.zero_point - TRUTH for fit in fits(20, 100, scatter=0.05, outliers=0.3)]
    ideal = np.hypot(0.05, 0.027) / np.sqrt(14.0)  # 0.027 mag: the root mean square of the errors drawn
    assert np.sqrt(np.mean(np.square(off))) < 1.5 * ideal


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
