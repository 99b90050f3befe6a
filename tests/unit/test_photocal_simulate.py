"""The simulator: reproducible, and true to what it says."""

from __future__ import annotations

import numpy as np

from photocal.readers import read_catalogue
from photocal.simulate import Setup, simulate


def test_the_same_seed_makes_the_same_field_to_the_byte():
    assert simulate(seed=8).catalogue == simulate(seed=8).catalogue
    assert simulate(seed=8).catalogue != simulate(seed=9).catalogue


def test_the_catalogue_is_a_sextractor_catalogue_with_the_target_in_it():
    field = simulate(seed=8)
    stars = read_catalogue(field.catalogue)
    assert stars.n == field.n_observed
    assert field.target_seen
    assert "MAG_AUTO" in stars.meta.columns.values()
    east = (stars.ra_deg - field.target.ra_deg) * np.cos(np.radians(field.target.dec_deg)) * 3600.0
    north = (stars.dec_deg - field.target.dec_deg) * 3600.0
    distance = np.hypot(east - field.setup.offset_arcsec[0], north - field.setup.offset_arcsec[1])
    assert distance.min() < 0.6


def test_a_faint_target_is_not_in_the_catalogue():
    faint, bright = simulate(Setup(target_mag=21.0), seed=8), simulate(seed=8)
    assert not faint.target_seen
    assert faint.n_observed == bright.n_observed - 1


def test_the_reference_catalogues_know_what_they_should():
    references = {item.catalogue: item for item in simulate(seed=8).references}
    assert {name: set(item.bands) for name, item in references.items()} == {
        "APASS": set("BVgri"),
        "PS1": set("griz"),
        "2MASS": set("JHK"),
        "GAIA": {"G"},
    }
    assert references["GAIA"].pm_ra_mas_yr is not None
    for item in references.values():
        for mag, err in item.bands.values():
            assert np.array_equal(np.isfinite(mag), np.isfinite(err))
    apass = references["APASS"].bands
    colour = apass["B"][0] - apass["V"][0]
    assert 0.3 < np.nanmedian(colour) < 1.6


def test_a_frame_that_sees_no_star_has_the_zero_point_it_was_given():
    field = simulate(Setup(depth=8.0, target_mag=7.0, zero_point=21.0, colour_term=0.1), seed=1)
    assert (field.n_observed, field.true_zero_point) == (1, 21.0)
