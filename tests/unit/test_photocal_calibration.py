"""Whole calibrations of simulated fields, and everything that can be refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from cpcs.errors import NoReferenceStars, PoorFit, TargetNotFound, TargetOutsideField, TooFewMatches
from cpcs.passbands import Choice, Passband, parse_choice
from cpcs.records import Mode
from photocal import report
from photocal.calibration import calibrate, check_in_field
from photocal.readers import read_catalogue
from photocal.results import SkyOffset, Target
from photocal.simulate import Setup, simulate
from photocal.sphere import from_unit_vector, shifted_back, unit_vectors
from photocal.stars import StarList
from photocal.target import limiting_magnitude, measure

ROOT = Path(__file__).resolve().parents[2]
FIELD = simulate(seed=1)
STARS = read_catalogue(FIELD.catalogue)


def run(field=FIELD, stars=None, references=None, **options):
    stars = read_catalogue(field.catalogue) if stars is None else stars
    options = {"target": field.target, "matching_radius_arcsec": 2.0, "mjd": field.setup.mjd, **options}
    return calibrate(stars, field.references if references is None else references, **options)


def test_the_truth_comes_out():
    found = run()
    assert found.winner.passband.filter == "r"
    assert found.mode is Mode.AUTO
    assert found.target.mag == pytest.approx(FIELD.true_mag, abs=0.06)
    assert found.target.mag_err == pytest.approx(0.024, abs=0.01)
    assert not found.target.is_limit
    assert found.winner.fit.zero_point == pytest.approx(FIELD.true_zero_point, abs=0.03)
    assert found.target.mag == pytest.approx(found.target.inst_mag + found.winner.fit.zero_point)
    assert found.confidence > 0.9  # without a hint
    assert run(filter_hint="r").confidence > 0.99
    assert (found.offset.east_arcsec, found.offset.north_arcsec) == pytest.approx(FIELD.setup.offset_arcsec, abs=0.05)
    assert set(found.seconds) == {"match", "fit", "choose", "target"}


@pytest.mark.parametrize("catalogue_filter", ["APASS/B", "APASS/V", "PS1/g", "PS1/r", "PS1/i", "PS1/z", "2MASS/J"])
def test_the_right_filter_is_chosen_without_a_hint(catalogue_filter):
    catalogue, band = catalogue_filter.split("/")
    field = simulate(Setup(passband=Passband(catalogue, band), target_mag=15.0, depth=17.5), seed=3)
    found = run(field)
    assert found.winner.passband.filter == band
    assert found.confidence > 0.5  # an instrument with a colour term of its own could have another
    named = run(field, filter_hint=band)
    assert named.winner.passband.filter == band
    assert named.confidence > 0.9


def test_a_forced_filter_that_is_wrong_says_so():
    found = run(forced=parse_choice("any/i"))
    assert found.winner.passband.filter == "i"
    assert found.confidence < 0.1
    assert run(forced=parse_choice("any/r")).confidence > 0.7


def test_a_wrong_hint_does_not_beat_many_stars():
    assert run(filter_hint="V").winner.passband.filter == "r"


def test_a_right_hint_helps_where_there_are_few_stars():
    field = simulate(Setup(passband=Passband("APASS", "V"), n_stars=250), seed=4)
    plain, hinted = run(field), run(field, filter_hint="Johnson V")
    assert hinted.winner.passband.filter == "V"
    v_plain, v_hinted = (
        sum(item.probability for item in found.candidates if item.passband.filter == "V") for found in (plain, hinted)
    )
    assert v_hinted > v_plain


def test_probabilities_add_up_and_candidates_are_ordered():
    found = run()
    assert sum(item.probability for item in found.candidates) == pytest.approx(1.0)
    assert found.candidates[0] is found.winner
    assert found.runner_up is found.candidates[1]


@pytest.mark.parametrize(("given", "expected"), [("APASS/V", {"APASS/V"}), ("any/g", {"APASS/g", "PS1/g"})])
def test_forced(given, expected):
    found = run(forced=parse_choice(given))
    assert {str(item.passband) for item in found.candidates} == expected
    assert found.mode is Mode.FORCED
    assert found.forced == parse_choice(given)


def test_forced_catalogue_still_chooses_among_its_filters():
    assert str(run(forced=Choice("APASS", "any")).winner.passband) == "APASS/r"


def test_a_plate_never_beats_a_ccd_of_its_part_of_the_spectrum():
    apass = next(item for item in FIELD.references if item.catalogue == "APASS")
    mag, err = apass.bands["r"]
    plates = replace(apass, catalogue="USNO", bands={"R2pg": (mag, err)})
    worse = replace(apass, bands={"r": (mag + np.where(np.arange(len(mag)) % 2, 0.1, -0.1), err)})
    found = run(references=[plates, worse])
    assert found.winner.passband.catalogue == "APASS"
    assert {item.refused for item in found.candidates if item.photographic} == {"photographic"}
    alone = run(references=[plates])
    assert str(alone.winner.passband) == "USNO/R2pg"


def test_stars_that_are_saturated_are_not_fitted():
    flags = STARS.flags.copy()
    flags[:50] |= 4
    found = run(stars=replace(STARS, flags=flags))
    assert found.winner.stars.source_index.min() >= 50


def test_quality_cuts_on_rows():
    mag, err = STARS.inst_mag.copy(), STARS.inst_mag_err.copy()
    mag[0], err[1], err[2] = 99.0, 1.5, np.nan
    used = run(stars=replace(STARS, inst_mag=mag, inst_mag_err=err)).winner.stars.source_index
    assert not {0, 1, 2} & set(used.tolist())


def test_a_missing_target_gets_a_limit():
    field = simulate(Setup(target_mag=20.5), seed=5)
    found = run(field)
    assert found.target.is_limit
    assert found.target.mag_err is None
    # The error is 0.2 mag at the depth: five sigma (0.217 mag) lies just beyond.
    assert found.target.mag == pytest.approx(field.setup.depth + 0.1, abs=0.3)
    assert found.target.limit_method == "error-relation"
    assert found.target.nearest_arcsec is not None
    assert found.target.nearest_arcsec > 2.0


def test_the_limit_without_usable_errors_is_the_faintest_source():
    mag = np.linspace(-10.0, -5.0, 40)
    assert limiting_magnitude(mag, np.zeros(40)) == (-5.0, "faintest-source")


@pytest.mark.parametrize("ra", [0.0, 120.0, 250.0])
def test_the_offset_near_a_pole_is_that_of_the_frame(ra):
    stars = StarList(
        ra_deg=np.array([30.0, 30.0, 210.0, 120.0, 300.0, ra]),
        dec_deg=np.array([89.95, 89.85, 89.95, 89.97, 89.97, 89.96]),
        inst_mag=np.arange(6.0),
        inst_mag_err=np.full(6, 0.01),
        flags=np.zeros(6, dtype=np.int64),
    )
    centre = stars.centre
    shifted = shifted_back(unit_vectors(stars.ra_deg, stars.dec_deg), centre, 5.0, -3.0)
    truth = from_unit_vector(shifted[5])
    found = measure(
        stars,
        Target(ra_deg=truth[0], dec_deg=truth[1]),
        offset=SkyOffset(east_arcsec=5.0, north_arcsec=-3.0),
        matching_radius_arcsec=1.0,
        zero_point=20.0,
    )
    assert found.source_index == 5
    assert found.sep_arcsec == pytest.approx(0.0, abs=1e-3)


def test_no_measurement_no_limit():
    bad = replace(STARS, inst_mag=np.full(STARS.n, 99.0))
    with pytest.raises(TargetNotFound):
        measure(bad, FIELD.target, offset=SkyOffset(), matching_radius_arcsec=2.0, zero_point=20.0)


def test_outside_the_field():
    with pytest.raises(TargetOutsideField) as caught:
        run(target=Target(ra_deg=FIELD.target.ra_deg, dec_deg=FIELD.target.dec_deg + 1.0))
    assert caught.value.metadata["outside_deg"] > 0.5


def test_at_the_edge_is_inside():
    edge = FIELD.setup.dec_deg + 0.5 * FIELD.setup.field_deg
    check_in_field(STARS, Target(ra_deg=FIELD.setup.ra_deg, dec_deg=edge))


def test_no_reference_stars():
    with pytest.raises(NoReferenceStars, match="any catalogue"):
        run(references=[])
    with pytest.raises(NoReferenceStars, match="SDSS/u"):
        run(forced=parse_choice("SDSS/u"))


def test_too_few_matches():
    far = [replace(item, dec_deg=item.dec_deg + 0.05) for item in FIELD.references]
    with pytest.raises(TooFewMatches) as caught:
        run(references=far)
    assert caught.value.metadata["n_needed"] == 5
    with pytest.raises(TooFewMatches, match="reference stars of APASS/V within"):
        run(references=far, forced=parse_choice("APASS/V"))


def test_magnitudes_without_meaning_are_a_poor_fit():
    rng = np.random.Generator(np.random.PCG64(1))
    with pytest.raises(PoorFit):
        run(stars=replace(STARS, inst_mag=rng.uniform(-40.0, 40.0, STARS.n)), references=FIELD.references[:1])


def test_the_report_keeps_to_its_schema():
    schema = json.loads((ROOT / "docs" / "schemas" / "report-1.json").read_text())
    for field in (FIELD, simulate(Setup(target_mag=20.5), seed=5)):
        found = run(field)
        text = json.dumps(report.document(found, input_sha256="0" * 64, job_id="j", revision=1), allow_nan=False)
        document = json.loads(text)
        jsonschema.validate(document, schema)
        assert document["calibration"]["passband"] == str(found.winner.passband)
        assert document["target"]["limit"] is found.target.is_limit
        winner = document["candidates"][0]
        assert len(winner["stars"]["residual"]) == found.winner.fit.n_matched
        star = winner["stars"]["star"][0]
        term, colour = winner["colour_term"], winner["stars"]["colour"][0]
        standard = document["stars"]["inst_mag"][star] + winner["zero_point"] + winner["stars"]["residual"][0]
        standard += term["value"] * (colour - term["reference_colour"])
        assert winner["field_term"] is None
        assert standard == pytest.approx(winner["stars"]["ref_mag"][0], abs=0.001)


def test_a_crowded_report_stays_small(monkeypatch):
    found = run()
    most = found.winner.fit.n_matched + 10
    monkeypatch.setattr(report, "MOST_STARS", most)
    shown = [len(item["stars"]["star"]) for item in report.document(found)["candidates"]]
    assert shown[0] == found.winner.fit.n_matched
    assert sum(shown) <= most
    monkeypatch.setattr(report, "MOST_STARS", 20)
    document = report.document(found)
    winner = document["candidates"][0]["stars"]
    assert 10 <= len(winner["residual"]) <= 20
    assert {len(column) for column in winner.values() if column is not None} == {len(document["stars"]["source"])}
    assert all(item["stars"]["star"] == [] for item in document["candidates"][1:])
    assert all(item["n_matched"] >= 5 for item in document["candidates"])


def test_what_is_not_a_number_is_null():
    assert report.number(float("nan")) is None
    assert report.number(float("inf")) is None
    assert report.number(1.23456789, 3) == 1.235
    assert report.number(None) is None


def test_stars_that_the_image_has_blended_are_left_out():
    """Reference stars with another within the FWHM, that was not found, do not count: their magnitudes are of both."""
    forced = parse_choice("PS1/r")
    plain = run(forced=forced)
    (reference,) = (item for item in FIELD.references if item.catalogue == "PS1")
    used = plain.winner.stars
    pairs = used.reference_index[::5]

    def both(column):
        return np.append(column, column[pairs])

    doubled = replace(
        reference,
        ra_deg=both(reference.ra_deg),
        dec_deg=np.append(reference.dec_deg, reference.dec_deg[pairs] + 2.4 / 3600),
        pm_ra_mas_yr=None,
        pm_dec_mas_yr=None,
        bands={name: (both(mag), both(err)) for name, (mag, err) in reference.bands.items()},
    )
    mags = STARS.inst_mag.copy()
    mags[used.source_index[::5]] -= 0.2
    stars = replace(STARS, inst_mag=mags, meta=replace(STARS.meta, fwhm_arcsec=3.0))
    found = run(stars=stars, references=[doubled], forced=forced)
    assert found.winner.fit.n_matched <= plain.winner.fit.n_matched - 0.9 * len(pairs)
    assert found.winner.fit.zero_point == pytest.approx(plain.winner.fit.zero_point, abs=0.01)
