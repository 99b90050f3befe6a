"""Cross-match: offsets, proper motions, the radius as an upper bound."""

from __future__ import annotations

import numpy as np
import pytest

from photocal.epochs import year_of
from photocal.matching import match
from photocal.references import ReferenceStars
from photocal.stars import StarList


def scene(n=60, *, east=0.0, north=0.0, jitter=0.05, dec=45.0, ra=0.05, seed=1):
    """Return a star list displaced by (east, north) arcsec, and its reference stars, in a field of half a degree."""
    rng = np.random.Generator(np.random.PCG64(seed))
    dec_deg = dec + rng.uniform(-0.25, 0.25, n)
    stretch = np.cos(np.radians(dec_deg))
    ra_deg = (ra + rng.uniform(-0.25, 0.25, n) / stretch) % 360.0
    noise = rng.normal(0.0, jitter, (2, n))
    stars = StarList(
        ra_deg=(ra_deg + (east + noise[0]) / 3600.0 / stretch) % 360.0,
        dec_deg=dec_deg + (north + noise[1]) / 3600.0,
        inst_mag=rng.uniform(-10.0, -5.0, n),
        inst_mag_err=np.full(n, 0.01),
        flags=np.zeros(n, dtype=np.int64),
    )
    return stars, ReferenceStars(catalogue="APASS", ra_deg=ra_deg, dec_deg=dec_deg)


@pytest.mark.parametrize(("east", "north"), [(0.0, 0.0), (1.9, -0.5), (-2.4, 2.4), (-6.0, 7.0)])
def test_the_offset_is_found_and_taken_out(east, north):
    stars, reference = scene(east=east, north=north)
    found = match(stars, reference, matching_radius_arcsec=2.0)
    assert len(found.source_index) == stars.n
    assert np.array_equal(found.source_index, found.reference_index)
    assert found.offset.east_arcsec == pytest.approx(east, abs=0.05)
    assert found.offset.north_arcsec == pytest.approx(north, abs=0.05)
    assert found.offset.scatter_arcsec == pytest.approx(0.05, abs=0.03)
    assert found.sep_arcsec.max() < 0.3


@pytest.mark.parametrize("radius", [0.1, 2.0, 60.0])
def test_a_crowded_field_is_matched_with_any_radius(radius):
    stars, reference = scene(n=20_000, east=0.3, north=-0.2, jitter=0.02, ra=270.0, dec=-30.0)
    found = match(stars, reference, matching_radius_arcsec=radius)
    assert (found.offset.east_arcsec, found.offset.north_arcsec) == pytest.approx((0.3, -0.2), abs=0.01)
    assert len(found.source_index) > 0.98 * stars.n
    assert np.mean(found.source_index == found.reference_index) > 0.99
    assert found.radius_arcsec <= 0.7


@pytest.mark.parametrize("radius", [2.0, 60.0])
def test_few_stars_among_many_references_find_their_offset(radius):
    stars, reference = scene(n=3000, east=-1.5, north=2.0)
    few = stars.select(np.arange(6))
    found = match(few, reference, matching_radius_arcsec=radius)
    assert found.source_index.tolist() == found.reference_index.tolist() == list(range(6))


def test_the_radius_is_an_upper_bound():
    stars, reference = scene(jitter=0.8)
    found = match(stars, reference, matching_radius_arcsec=1.0)
    assert found.sep_arcsec.max() <= 1.0
    assert found.radius_arcsec <= 1.0


def test_the_radius_shrinks_to_what_the_positions_deserve():
    stars, reference = scene(jitter=0.05)
    assert match(stars, reference, matching_radius_arcsec=5.0).radius_arcsec < 1.0


def test_strangers_make_no_offset():
    stars, _ = scene(seed=1)
    _, reference = scene(seed=2)
    found = match(stars, reference, matching_radius_arcsec=2.0)
    assert (found.offset.east_arcsec, found.offset.north_arcsec) == (0.0, 0.0)
    assert len(found.source_index) <= 1


@pytest.mark.parametrize("dec", [-89.9, 0.0, 89.9])
def test_poles_and_the_seam_are_nothing_special(dec):
    rng = np.random.Generator(np.random.PCG64(3))
    ra = np.concatenate([rng.uniform(359.9, 360.0, 20), rng.uniform(0.0, 0.1, 20)])
    dec_deg = dec + rng.uniform(-0.05, 0.05, 40)
    stars = StarList(
        ra_deg=ra,
        dec_deg=dec_deg,
        inst_mag=np.zeros(40),
        inst_mag_err=np.full(40, 0.01),
        flags=np.zeros(40, dtype=np.int64),
    )
    reference = ReferenceStars(catalogue="APASS", ra_deg=ra.copy(), dec_deg=dec_deg.copy())
    assert len(match(stars, reference, matching_radius_arcsec=0.5).source_index) == 40


def test_every_star_is_used_once():
    stars, reference = scene(n=30)
    doubled = ReferenceStars(
        catalogue="APASS",
        ra_deg=np.tile(reference.ra_deg, 2),
        dec_deg=np.concatenate([reference.dec_deg, reference.dec_deg + 0.5 / 3600.0]),
    )
    found = match(stars, doubled, matching_radius_arcsec=2.0)
    assert len(set(found.source_index.tolist())) == len(found.source_index) == 30
    assert len(set(found.reference_index.tolist())) == 30


def test_proper_motions_are_carried_to_the_night():
    stars, reference = scene(n=40, jitter=0.01)
    rng = np.random.Generator(np.random.PCG64(5))
    motion = rng.normal(0.0, 60.0, (2, 40))  # mas/yr: far more than the jitter in 16 years
    years = year_of(57388.0) - 2000.0
    early = ReferenceStars(
        catalogue="GAIA",
        ra_deg=reference.ra_deg - motion[0] * years / 3.6e6 / np.cos(np.radians(reference.dec_deg)),
        dec_deg=reference.dec_deg - motion[1] * years / 3.6e6,
        pm_ra_mas_yr=motion[0],
        pm_dec_mas_yr=motion[1],
        epoch_yr=2000.0,
    )
    carried = match(stars, early, matching_radius_arcsec=3.0, mjd=57388.0)
    left = match(stars, early, matching_radius_arcsec=3.0, mjd=None)
    assert carried.offset.scatter_arcsec < 0.03
    assert left.offset.scatter_arcsec > 0.3


def test_a_reference_without_a_usable_position_is_passed_over():
    stars, reference = scene(n=20)
    ra = reference.ra_deg.copy()
    ra[3] = np.nan
    found = match(
        stars, ReferenceStars(catalogue="X", ra_deg=ra, dec_deg=reference.dec_deg), matching_radius_arcsec=2.0
    )
    assert len(found.source_index) == 19


def test_nothing_to_match_with():
    stars, reference = scene(n=5)
    none = reference.select(np.zeros(5, dtype=bool))
    assert len(match(stars, none, matching_radius_arcsec=2.0).source_index) == 0
    assert len(match(stars.select(np.zeros(5, dtype=bool)), reference, matching_radius_arcsec=2.0).source_index) == 0
