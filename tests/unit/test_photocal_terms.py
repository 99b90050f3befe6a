"""Colour and field terms: unbiased, honest, and there only where the stars support them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.terms import TARGET, TRUE_ZERO_POINT, Case, draw
from cpcs.passbands import colour_for
from cpcs.records import ColourPrior
from photocal.terms import Colours, Place, Stars, fit_terms
from photocal.zeropoint import fit_zero_point

CASE = Case(name="test")


def stars_of(case=CASE, n=200, seed=1):
    return draw(np.random.Generator(np.random.PCG64([7, seed])), case, n)[0]


def fitted(stars, **given):
    return fit_terms(stars, fit_zero_point(stars.difference, stars.error), **given)


def over_draws(case, n, draws, read):
    return np.array([read(fitted(stars_of(case, n, seed))) for seed in range(draws)])


def slope(full):
    return full.colour_term.value, full.colour_term.err


@pytest.mark.parametrize("case", [CASE, replace(CASE, colour_err=0.1), replace(CASE, colour_term=-0.25)])
def test_the_slope_is_unbiased_and_its_error_true(case):
    value, err = over_draws(case, 200, 60, slope).T
    off = (value - case.colour_term) / err
    assert abs(np.mean(off)) < 0.45  # 3.5 standard errors of the mean
    assert 0.7 < np.std(off) < 1.35


def test_errors_that_colour_and_magnitude_share_would_make_a_slope():
    noisy = replace(CASE, colour_term=0.0, colour_err=0.15)
    stars = [stars_of(noisy, 400, seed) for seed in range(25)]
    blind = [replace(item, colours=replace(item.colours, shared=np.zeros(400))) for item in stars]
    seeing, not_seeing = (np.mean([fitted(item).colour_term.value for item in sort]) for sort in (stars, blind))
    assert abs(seeing) < 0.012
    assert not_seeing < -0.03


def test_a_colour_term_takes_its_scatter_out():
    stars = stars_of(replace(CASE, colour_term=-0.25, outliers=0.05), 300)
    native = fit_zero_point(stars.difference, stars.error)
    full = fit_terms(stars, native)
    assert native.scatter > 0.07
    assert full.fit.scatter < 0.03
    assert full.fit.zero_point_err < 0.5 * native.zero_point_err
    inlier = full.fit.inlier_probability > 0.9
    assert np.std(full.residual[inlier]) < 0.06 < np.std((stars.difference - native.zero_point)[inlier])


@pytest.mark.parametrize("n", [6, 12, 40, 100])
def test_error_bars_cover_what_they_say(n):
    def read(full):
        truth = TRUE_ZERO_POINT + CASE.colour_term * (full.colour_term.reference_colour - 0.8)
        return full.fit.zero_point - truth, full.fit.zero_point_err

    off, err = over_draws(CASE, n, 150, read).T
    assert np.mean(np.abs(off) <= err) == pytest.approx(0.70, abs=0.12)


def test_stars_without_a_colour_count_for_the_zero_point_only():
    stars = stars_of(n=300)
    value = stars.colours.value.copy()
    value[::2] = np.nan
    full = fitted(replace(stars, colours=replace(stars.colours, value=value)))
    assert full.colour_term.n_stars == 150
    assert full.colour_term.value == pytest.approx(0.1, abs=4.0 * full.colour_term.err)
    assert full.fit.n_matched == 300
    assert np.isfinite(full.residual).all()


@pytest.mark.parametrize("colours", ["none", "all alike", "unknown", "four known"])
def test_without_colours_that_differ_there_is_the_plain_fit(colours):
    stars = stars_of(n=50)
    value = {
        "none": None,
        "all alike": np.full(50, 0.8),
        "unknown": np.full(50, np.nan),
        "four known": np.where(np.arange(50) < 4, stars.colours.value, np.nan),
    }[colours]
    bare = replace(stars, colours=None if value is None else replace(stars.colours, value=value), place=None)
    native = fit_zero_point(bare.difference, bare.error)
    full = fit_terms(bare, native)
    assert full.fit is native
    assert full.colour_term is None
    assert full.field_term is None


def test_what_is_known_of_the_camera_leads_where_stars_are_few():
    stars = stars_of(n=6, seed=4)
    known = ColourPrior(value=0.1, err=0.01, n_frames=20)
    alone, led = fitted(stars), fitted(stars, prior=known)
    assert led.colour_term.err < 0.011 < alone.colour_term.err
    assert led.colour_term.value == pytest.approx(0.1, abs=0.02)
    assert led.colour_term.prior.value == pytest.approx(0.1, abs=0.001)  # hardly any doubt: the frame agrees
    assert led.colour_term.prior.n_frames == 20


def test_what_a_frame_says_alone_does_not_depend_on_what_was_believed():
    stars = stars_of(n=300)
    one, other = (fitted(stars, prior=ColourPrior(value=at, err=0.1)).colour_term for at in (0.0, 0.3))
    assert one.value != other.value
    assert one.measured.value == pytest.approx(other.measured.value, abs=0.1 * one.measured.err)
    assert one.measured.err == pytest.approx(other.measured.err, rel=0.05)
    assert one.measured.passband == "REF/r"


def test_what_a_frame_says_alone_is_right_where_it_contradicts_what_was_believed():
    rng = np.random.Generator(np.random.PCG64(5))
    colour = rng.normal(
        0.5, 0.14, 24
    )  # g of stars of nearly one colour, in an image in r: a slope of 1.5, not 0 +- 0.15
    difference = TRUE_ZERO_POINT + 1.5 * (colour - 0.5) + rng.normal(0.0, 0.06, 24)
    colours = Colours(name="g-r", value=colour, err=np.full(24, 0.01), shared=np.full(24, 0.5e-4))
    term = fitted(Stars(passband="REF/g", difference=difference, error=np.full(24, 0.02), colours=colours)).colour_term
    assert term.value < 1.4  # the prior leads
    assert term.measured.value == pytest.approx(1.5, abs=3.0 * term.measured.err)
    assert term.measured.err < 0.2


def test_a_measured_term_is_no_surer_than_the_errors_that_the_catalogue_quotes():
    stars = stars_of(n=300)  # colours good to 0.02, quoted as if to 0.2
    modest = replace(stars.colours, err=np.full(300, 0.2), shared=np.full(300, -0.02))
    measured = fitted(replace(stars, colours=modest)).colour_term.measured
    assert abs(measured.value - CASE.colour_term) > 0.05
    assert measured.value == pytest.approx(CASE.colour_term, abs=1.5 * measured.err)
    assert fitted(stars).colour_term.measured.err < 0.01


def test_a_measurement_is_the_frames_own_whatever_is_known_of_the_camera():
    stars = stars_of(n=6)
    known = fitted(stars, prior=ColourPrior(value=0.1, err=0.005, n_frames=500))
    assert known.colour_term.measured == fitted(stars).colour_term.measured
    assert known.colour_term.err < 0.006 < known.colour_term.measured.err


def test_a_learned_term_that_the_frame_contradicts_is_given_up():
    stars = stars_of(n=100)
    found = fitted(stars, prior=ColourPrior(value=-0.3, err=0.005, n_frames=500)).colour_term
    assert found.value == pytest.approx(0.1, abs=0.05)
    assert found.prior.err > 0.05


def test_a_gradient_is_found_where_stars_are_many_and_not_invented():
    def found(full):
        return full.field_term is not None

    assert over_draws(CASE, 300, 40, found).sum() == 0
    assert over_draws(replace(CASE, gradient=0.04), 300, 20, found).sum() >= 19
    assert over_draws(replace(CASE, gradient=0.04), 20, 10, found).sum() == 0


def test_the_zero_point_is_that_at_the_target():
    steep = replace(CASE, gradient=0.06)
    stars = stars_of(steep, 400)
    there = TRUE_ZERO_POINT + steep.gradient * (TARGET[0] + 0.5 * TARGET[1])
    full = fitted(stars)
    truth = there + steep.colour_term * (full.colour_term.reference_colour - 0.8)
    assert full.fit.zero_point == pytest.approx(truth, abs=4.0 * full.fit.zero_point_err)
    term = full.field_term
    assert dict(zip(term.names, term.coefficients, strict=True))["x"] == pytest.approx(0.06, abs=4.0 * term.errors[0])
    assert term.bic_gain > 10.0
    assert 0.05 < term.range_mag < 0.12


def test_a_curved_field_takes_the_second_order():
    stars = stars_of(n=600)
    curved = 0.15 * (stars.place.xy**2).sum(axis=1)
    full = fitted(replace(stars, difference=stars.difference + curved, colours=None))
    assert full.field_term.order == 2
    truth = TRUE_ZERO_POINT + 0.15 * float((TARGET**2).sum())
    assert full.fit.zero_point == pytest.approx(truth, abs=0.02)
    flat = Place(xy=np.zeros((600, 2)), target=np.zeros(2), ra_deg=0.0, dec_deg=0.0, scale_deg=1.0)
    assert fitted(replace(stars, place=flat)).field_term is None


def test_the_same_stars_give_the_same_terms():
    stars = stars_of(n=150)
    first, second = fitted(stars), fitted(stars)
    assert first.colour_term == second.colour_term
    assert first.fit.zero_point == second.fit.zero_point


def test_each_filter_has_the_first_colour_that_its_catalogue_knows():
    assert colour_for("r", {"g", "r", "i"}) == ("g", "r")
    assert colour_for("i", {"g", "r", "i"}) == ("g", "i")
    assert colour_for("V", {"B", "V", "g", "r"}) == ("B", "V")
    assert colour_for("V", {"V", "I"}) == ("V", "I")
    assert colour_for("r", {"r"}) is None
    assert colour_for("R1pg", {"R1pg", "B1pg"}) is None


def test_stars_of_unknown_colour_are_no_outliers_beside_a_steep_term():
    steep = replace(CASE, colour_term=-0.6, outliers=0.0)
    stars = stars_of(steep, 300)
    unknown = np.arange(300) % 3 == 0
    value = np.where(unknown, np.nan, stars.colours.value)
    full = fitted(replace(stars, colours=replace(stars.colours, value=value)))
    assert full.fit.outlier_fraction < 0.05
    assert full.fit.inlier_probability[unknown].mean() > 0.9
    assert full.colour_term.value == pytest.approx(-0.6, abs=0.03)


def test_colours_that_are_all_the_same_teach_nothing_of_a_learned_term():
    stars = stars_of(n=40)
    alike = replace(stars, colours=replace(stars.colours, value=np.full(40, 0.5)))
    full = fitted(alike, prior=ColourPrior(value=0.1, err=0.02, n_frames=9))
    assert full.colour_term is None or full.colour_term.measured is None
    assert np.isfinite(full.fit.zero_point)


def test_a_colour_that_is_no_number_is_none():
    stars = stars_of(n=60)
    value = stars.colours.value.copy()
    value[::3] = np.inf
    full = fitted(replace(stars, colours=replace(stars.colours, value=value)))
    assert full.colour_term.n_stars == 40
    assert np.isfinite(full.residual).all()
