"""Which filter is right: one statement at a time, on candidates made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cpcs.passbands import Passband, is_photographic
from cpcs.records import ColourMeasurement, ColourPrior
from photocal.results import Candidate, ColourTerm, UsedStars
from photocal.selection import expected_error, filter_confidence, instrument_place, rank
from photocal.zeropoint import ZeroPointFit

ANY_CAMERA = ColourPrior(value=0.0, err=0.15)
# mag per mag of g - i
PLACES = {"g": 0.49, "B": 0.80, "V": 0.23, "r": 0.0, "R": -0.085, "i": -0.43, "I": -0.51, "z": -0.64, "G": -0.15}
COLOUR, SCALE = {"G": "BP-RP"}, {"g-r": 0.57, "BP-RP": 0.76}


def a_fit(n=200, scatter=0.05, outliers=0.05):
    return ZeroPointFit(
        zero_point=22.0, zero_point_err=scatter / np.sqrt(n), scatter=scatter, scatter_err=scatter / np.sqrt(2 * n),
        outlier_fraction=outliers, outlier_fraction_err=0.02, n_matched=n, inlier_probability=np.ones(n),
    )  # fmt: skip


def a_candidate(passband, *, at=None, err=0.02, prior=ANY_CAMERA, measured=True, **fit):
    """Return a candidate as an instrument at a place on the colour axis would give; no colour term without one."""
    catalogue, band = passband.split("/")
    none, nothing = np.empty(0), np.empty(0, dtype=np.int64)
    stars = UsedStars(
        source_index=nothing, reference_index=nothing, sep_arcsec=none, ref_mag=none, ref_err=none, inst_mag=none,
        inst_err=none, residual=none, inlier_probability=none,
    )  # fmt: skip
    term = None
    if at is not None:
        colour = COLOUR.get(band, "g-r")
        value, error = (PLACES[band] - at) / SCALE[colour], err / SCALE[colour]
        told = ColourMeasurement(passband=passband, colour=colour, value=value, err=error)
        term = ColourTerm(
            colour=colour, value=value, err=error, reference_colour=0.7, colour_spread=0.4, n_stars=200, prior=prior,
            measured=told if measured else None,
        )  # fmt: skip
    return Candidate(
        passband=Passband(catalogue, band), fit=a_fit(**fit), native=a_fit(**fit), stars=stars, colour_term=term,
        photographic=is_photographic(catalogue),
    )  # fmt: skip


def some(at, names="PS1/g PS1/r PS1/i PS1/z GaiaSP/V GaiaSP/R GaiaSP/I GaiaSP/B GAIA/G", **options):
    return [a_candidate(name, at=at, **options) for name in names.split()]


def chosen(candidates, hint=""):
    ranked = rank(candidates, hint)
    return ranked[0].passband.filter, filter_confidence(ranked, ranked[0])


@pytest.mark.parametrize("band", ["g", "B", "V", "r", "R", "i", "I", "z"])
def test_the_colour_terms_tell_where_the_scatters_do_not(band):
    name, confidence = chosen(some(PLACES[band]), band if band in "RI" else "")
    assert (name, confidence > 0.5) == (band, True)


def test_all_candidates_agree_on_the_place_of_the_instrument():
    place, err = instrument_place(some(0.1, err=0.05))
    assert place == pytest.approx(0.1, abs=0.01)
    assert 0.04 < err < 0.07  # the noise of the same stars does not average out
    assert instrument_place([a_candidate("USNO/R1pg")]) is None


def test_a_colour_term_that_leaves_much_is_not_believed():
    good = some(0.0)
    bad = a_candidate("REFCAT2/g", at=1.0, err=0.01, scatter=0.5)
    assert instrument_place([*good, bad])[0] == pytest.approx(0.0, abs=0.03)


def test_a_filter_is_not_right_because_many_catalogues_have_it():
    names = "PS1/r APASS/r REFCAT2/r SDSS/r SKYMAPPER/r GaiaSP/r GaiaSP/R"
    assert chosen(some(PLACES["R"], names), "Rc")[0] == "R"
    assert chosen(some(PLACES["R"], names))[1] < 0.9  # without a name, nobody can be sure


def test_a_header_decides_between_filters_that_are_alike_and_not_against_the_stars():
    assert chosen(some(-0.04), "Bessell-R")[0] == "R"
    assert chosen(some(-0.04), "SDSS-R")[0] == "r"
    assert chosen(some(0.0), "B")[0] == "r"
    wrong = chosen(some(0.23), "rp")
    assert wrong[1] < 0.9


def test_few_stars_leave_it_to_the_header():
    few = {"err": 0.5, "n": 6, "scatter": 0.08}
    assert chosen(some(0.0, **few), "Johnson V")[0] == "V"
    assert chosen(some(0.0, **few))[1] < 0.7


def test_six_stars_that_agree_by_chance_do_not_beat_two_hundred():
    lucky = a_candidate("USNO/B1pg", n=6, scatter=0.005)
    also = a_candidate("GaiaSP/B", at=None, n=6, scatter=0.005)
    assert chosen([*some(0.0, "PS1/g PS1/r PS1/i GaiaSP/V"), lucky, also])[0] == "r"


@pytest.mark.parametrize(
    ("at", "hint", "low", "high"),
    [
        (0.0, "SDSS-R", 0.0, 0.1), (0.0, "", 0.0, 0.4), (-0.15, "Clear", 0.8, 1.0), (0.5, "", 0.0, 0.1),
        (None, "V", 0.0, 0.2),
    ],
)  # fmt: skip
def test_a_single_candidate_is_only_as_sure_as_its_filter(at, hint, low, high):
    name, confidence = chosen([a_candidate("GAIA/G", at=at)], hint)
    assert name == "G"
    assert low <= confidence <= high


def test_what_nobody_holds_is_replaced_by_its_neighbour():
    held = some(PLACES["R"], "PS1/g PS1/r PS1/i PS1/z")
    name, confidence = chosen(held, "R Cousins")
    assert (name, confidence > 0.9) == ("r", True)
    assert chosen(some(PLACES["I"], "PS1/i GAIA/G"), "Ic")[0] == "i"
    assert sum(item.probability for item in rank(some(PLACES["B"], "PS1/z"), "B")) < 0.1


def test_gaias_prisms_are_nobodys_filters():
    both = [a_candidate("GaiaSP/V", at=0.23), a_candidate("GAIA/BP", scatter=0.04)]
    assert chosen(both)[0] == "V"


def test_within_a_filter_the_least_error_wins_and_shares_add_up():
    pair = [a_candidate("SDSS/r", at=0.0, scatter=0.06), a_candidate("PS1/r", at=0.0, scatter=0.03)]
    ranked = rank(pair, "r")
    assert [str(item.passband) for item in ranked] == ["PS1/r", "SDSS/r"]
    by_error = (expected_error(pair[0]) / expected_error(pair[1])) ** 2
    assert ranked[0].probability == pytest.approx(by_error * ranked[1].probability, rel=0.01)
    assert filter_confidence(ranked, ranked[0]) == pytest.approx(sum(item.probability for item in ranked))


def test_the_survey_with_the_better_zero_points_wins_unless_its_fit_is_far_worse():
    """Else the catalogue, and with it the light curve, would jump from frame to frame."""
    for scatter in (0.02, 0.05):
        apass = a_candidate("APASS/r", at=0.0, scatter=0.02)
        assert str(rank([apass, a_candidate("PS1/r", at=0.0, scatter=scatter)], "r")[0].passband) == "PS1/r"
    assert str(rank([apass, a_candidate("PS1/r", at=0.0, scatter=0.3)], "r")[0].passband) == "APASS/r"


def test_ties_keep_their_order_and_the_answer_is_always_the_same():
    twins = [a_candidate("REFCAT2/r", at=0.0), a_candidate("PS1/r", at=0.0), a_candidate("SDSS/r", at=0.0)]
    ranked = rank(twins)
    assert [item.passband.catalogue for item in ranked] == ["REFCAT2", "PS1", "SDSS"]
    assert len({item.probability for item in ranked}) == 1
    assert [item.probability for item in rank(twins)] == [item.probability for item in ranked]


def test_plates_lose_to_a_ccd_of_their_part_of_the_spectrum_and_win_only_alone():
    plates = [a_candidate("USNO/R1pg", scatter=0.02), a_candidate("USNO/B1pg", scatter=0.3)]
    ranked = rank([*plates, a_candidate("PS1/r", at=0.3, scatter=0.3)], "R")
    assert str(ranked[0].passband) == "PS1/r"
    assert [item.refused for item in ranked if str(item.passband) == "USNO/R1pg"] == ["photographic"]
    assert str(rank(plates, "R")[0].passband) == "USNO/R1pg"


def test_what_was_learned_of_a_camera_is_taken_where_a_frame_adds_nothing():
    learned = ColourPrior(value=0.0, err=0.01, n_frames=50)
    assert instrument_place([a_candidate("PS1/r", at=0.1, prior=learned, measured=False)])[0] == pytest.approx(0.1)
    assert instrument_place([a_candidate("PS1/r", at=0.1, measured=False)]) is None


def test_a_private_catalogues_own_names_are_understood():
    private = [a_candidate("M67/Rc", scatter=0.02), a_candidate("M67/F606W", scatter=0.03)]
    assert chosen(private, "R")[0] == "Rc"
    assert sum(item.probability for item in rank(private)) <= 1.0


def test_nothing_usable_has_no_probability():
    refused = rank([a_candidate("PS1/r", at=0.0, n=4), a_candidate("PS1/g", at=0.0, outliers=0.6)])
    assert {item.refused for item in refused} == {"few-stars", "outliers"}
    assert sum(item.probability for item in refused) == 0.0
