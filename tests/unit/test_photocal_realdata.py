"""Real observations: the right filter, at least as narrow as a crude match, and colour terms of a sane size.

Bounds are a little above what was measured (docs/science/real-data.md).
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.night import Course, brightest, course, rms
from benchmarks.real_data import deviations, run, run_all
from benchmarks.real_frames import DECAM_ZERO_POINT, SDSS_ZERO_POINT, frames
from cpcs.errors import CpcsError
from cpcs.records import ColourPrior
from photocal.calibration import calibrate

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def photrix(realdata):
    return run_all(list(frames(realdata, "photrix")))


@pytest.fixture(scope="module")
def supernova(realdata):
    return {frame.filter: run(frame) for frame in frames(realdata, "sn2019so")}


def candidate(found, passband):
    return next(item for item in found.candidates if str(item.passband) == passband)


def test_ey_uma_is_in_r_in_every_frame(realdata):
    done, refused = run_all(list(frames(realdata, "ey-uma")))
    assert len(done) == 94
    assert not refused
    assert {str(item.found.winner.passband) for item in done} == {"APASS/r"}
    assert {str(item.passband) for item in done[0].found.candidates} == {f"APASS/{band}" for band in "BVgri"}
    assert min(item.found.confidence for item in done) > 0.98
    assert min(item.found.winner.fit.n_matched for item in done) >= 23
    assert np.median([item.found.winner.native.scatter for item in done]) < 0.018
    assert np.median([deviations(item.found.winner)[0] for item in done]) < 0.036  # the crude match: 0.040
    assert np.std([item.found.winner.native.zero_point for item in done]) < 0.020  # of a night with clear weather


def test_without_the_header_ey_uma_is_in_r_still(realdata):
    done, _ = run_all(list(frames(realdata, "ey-uma"))[::8], blind=True)
    assert all(item.right for item in done)
    assert min(item.found.confidence for item in done) > 0.9


def test_the_colour_term_of_ey_uma_is_that_of_an_r_filter(realdata):
    """R of Cousins would have +0.13 to +0.18 in g - r, SDSS's r none; APASS and REFCAT2 must agree."""
    done, _ = run_all(list(frames(realdata, "ey-uma-three"))[::8])
    assert all(item.right for item in done)  # r, of whichever catalogue
    for passband in ("APASS/r", "REFCAT2/r"):
        terms = [candidate(item.found, passband).colour_term for item in done]
        assert {term.colour for term in terms} == {"g-r"}
        assert np.median([term.value for term in terms]) == pytest.approx(0.06, abs=0.09)
        assert 0.04 < np.median([term.err for term in terms]) < 0.09
        assert np.std([term.value for term in terms]) < 0.06
        assert np.std([term.reference_colour for term in terms]) < 0.01  # the same stars, frame after frame


def test_the_terms_of_one_image_in_r_and_in_g_differ_by_one(realdata):
    """g - r is what they are slopes in. The prior of 0 +- 0.15 contradicts the second, and must not be divided out."""
    done, _ = run_all(list(frames(realdata, "ey-uma-three"))[::12])
    for catalogue, bound in (("REFCAT2", 0.15), ("APASS", 0.4)):
        in_r, in_g = (
            [candidate(item.found, f"{catalogue}/{band}").colour_term.measured for item in done] for band in "rg"
        )
        difference = [one.value - other.value for one, other in zip(in_g, in_r, strict=True)]
        assert np.median(difference) == pytest.approx(1.0, abs=bound)
        assert max(item.err for item in in_g) < 0.5


@pytest.fixture(scope="module")
def night(realdata) -> list[Course]:
    every = list(frames(realdata, "ey-uma"))[::3]
    return [course(every, star) for star in brightest(every, 3)]


def test_bright_stars_repeat_over_the_night(night):
    for way, bound in (("plain", 0.009), ("term", 0.015), ("memory", 0.011)):
        assert np.median([rms(one.mags[way]) for one in night]) < bound
    # Better than no calibration: the night drifts by 0.05.
    assert np.median([rms(one.mags["plain"]) for one in night]) < 0.6 * np.median(
        [rms(one.mags["raw"]) for one in night]
    )


def test_what_frames_before_taught_steadies_the_colour_term(night):
    assert np.median([rms(one.mags["memory"]) for one in night]) < np.median([rms(one.mags["term"]) for one in night])
    taught, alone = (np.mean([np.std(one.terms[way][10:]) for one in night]) for way in ("memory", "term"))
    assert taught < 0.5 * alone


def test_lco_is_in_i_and_its_terms_narrow_it(realdata):
    (frame,) = frames(realdata, "lco-i")
    found = run(frame, blind=True)
    winner = found.winner
    assert str(winner.passband) == "REFCAT2/i"
    assert found.confidence > 0.95
    assert winner.fit.n_matched > 2600
    assert winner.fit.scatter < 0.019 < winner.native.scatter < 0.023
    assert deviations(winner)[1] < 0.031  # the crude match: 0.042
    assert winner.fit.zero_point - 2.5 * np.log10(250.032) == pytest.approx(23.1, abs=0.1)
    assert winner.colour_term.value == pytest.approx(0.0143, abs=0.004)
    assert winner.field_term.order == 1
    assert winner.field_term.range_mag == pytest.approx(0.015, abs=0.005)


def test_lco_w_is_nearest_to_g_of_gaia(realdata):
    (frame,) = frames(realdata, "lco-w")
    found = run(frame)
    assert str(found.winner.passband) == "GAIA/G"
    assert found.winner.fit.n_matched > 100
    assert deviations(found.winner)[0] < 0.053
    assert found.winner.colour_term is None  # the reference has one filter
    assert np.hypot(found.offset.east_arcsec, found.offset.north_arcsec) < 0.2


def test_photrix_frames_find_their_filter_wherever_the_sequence_has_it(photrix):
    done, _ = photrix
    assert len(done) > 105
    choosable = [item for item in done if item.frame.expected[0] in {str(k.passband) for k in item.found.candidates}]
    assert len(choosable) > 100
    assert all(item.right for item in choosable)


def test_photrix_frames_with_few_comparison_stars_are_refused_by_code(photrix):
    done, refused = photrix
    assert len(done) + len(refused) == 218
    assert {error.code for _, error in refused} == {"TOO_FEW_MATCHES"}
    assert {frame.label.split("-")[0] for frame, _ in refused} >= {"SS Gem", "V1023 Her"}


def test_where_a_filter_is_wrong_without_the_header_the_confidence_is_low(photrix):
    done, _ = photrix
    several = [item.frame for item in done if len({k.passband.filter for k in item.found.candidates}) > 1]
    blind, _ = run_all(several, blind=True)
    assert np.mean([item.right for item in blind]) > 0.78
    assert all(item.found.confidence < 0.75 for item in blind if not item.right)


@pytest.mark.parametrize(("band", "median", "spread"), [("V", 0.02, 0.040), ("R", 0.03, 0.075)])
def test_check_stars_of_photrix_come_out_at_their_catalogue_magnitude(photrix, band, median, spread):
    mine = [item for item in photrix[0] if item.frame.filter == band and item.right and item.frame.true_mag]
    off = np.array([item.native_mag - item.frame.true_mag for item in mine if not item.found.target.is_limit])
    assert len(off) >= 19
    assert abs(np.median(off)) < median
    assert 1.4826 * np.median(np.abs(off - np.median(off))) < spread


def test_supernova_frames_are_in_v_and_in_r(supernova):
    assert str(supernova["V"].winner.passband) == "APASS/V"
    assert str(supernova["R"].winner.passband) == "REFCAT2/r"
    assert supernova["V"].winner.fit.n_matched >= 22
    assert supernova["R"].winner.fit.n_matched >= 50


def test_supernova_frames_have_the_colour_terms_of_johnson_and_cousins(supernova):
    """Tonry et al. 2012 (ApJ 750, 99, table 6): V - r = 0.474 (g - r) and R - r = -0.131 (g - r), PS1 magnitudes."""
    for band, passband, expected in (("V", "REFCAT2/r", -0.474), ("V", "REFCAT2/g", 0.526), ("R", "REFCAT2/r", 0.131)):
        term = candidate(supernova[band], passband).colour_term
        assert term.colour == "g-r"
        assert term.value == pytest.approx(expected, abs=0.13)
        assert term.err < 0.04


def test_supernova_frames_show_one_gradient_in_every_catalogue(supernova):
    for band in "VR":
        fits = [candidate(supernova[band], name) for name in ("GAIA/G", "GAIA/BP", "REFCAT2/r")]
        slopes = np.array([item.field_term.coefficients for item in fits])
        assert all(item.field_term.order == 1 for item in fits)
        assert np.ptp(slopes, axis=0).max() < 0.04
        assert all(item.fit.scatter < 0.35 * item.native.scatter for item in fits)


def test_the_supernova_itself(supernova):
    mags = {band: found.target for band, found in supernova.items()}
    assert not any(target.is_limit for target in mags.values())
    assert mags["V"].mag == pytest.approx(17.19, abs=0.06)
    assert mags["R"].mag == pytest.approx(17.06, abs=0.04)
    assert all(target.mag_err < 0.02 for target in mags.values())


def test_an_sdss_field_has_the_zero_point_of_its_flux_unit(realdata):
    fluxes, cutout = frames(realdata, "sdss")
    found = run(fluxes, blind=True)
    assert str(found.winner.passband) == "SDSS/r"
    assert found.winner.fit.zero_point == pytest.approx(SDSS_ZERO_POINT, abs=found.winner.fit.zero_point_err)
    assert found.winner.fit.zero_point_err < 0.03
    with pytest.raises(CpcsError) as refusal:
        run(cutout)
    assert refusal.value.code == "TOO_FEW_MATCHES"


def test_a_decam_cutout_full_of_a_galaxy_says_how_little_it_knows(realdata):
    (frame,) = frames(realdata, "decam")
    fit = run(frame).winner.fit
    assert fit.zero_point == pytest.approx(DECAM_ZERO_POINT, abs=fit.zero_point_err)
    assert fit.zero_point_err > 0.1


def test_a_prior_that_is_known_leads_a_real_frame(realdata):
    frame = next(iter(frames(realdata, "ey-uma")))
    prior = ColourPrior(value=0.13, err=0.01, n_frames=30)
    found = calibrate(
        frame.stars,
        frame.references,
        target=frame.target,
        matching_radius_arcsec=2.0,
        mjd=frame.mjd,
        colour_priors={"APASS/r": prior},
    )
    assert found.winner.colour_term.prior.n_frames == 30
    assert found.winner.colour_term.value == pytest.approx(0.13, abs=0.01)
