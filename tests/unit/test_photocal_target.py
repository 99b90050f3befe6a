"""The target: its limit where it stands, its colour, and that it is no calibrator of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cpcs.passbands import parse_choice
from photocal.calibration import calibrate
from photocal.readers import read_catalogue
from photocal.references.stars import ReferenceStars
from photocal.results import Target
from photocal.simulate import Setup, simulate
from photocal.stars import StarList
from photocal.target import LIMIT_SIGMAS, limiting_magnitude

SETUP = Setup(colour_term=0.15, scatter=0.01, n_stars=4000)
FORCED = parse_choice("any/r")
FIELD = simulate(SETUP, seed=7)


def run(field=FIELD, references=None, **options):
    options = {
        "target": field.target,
        "matching_radius_arcsec": 2.0,
        "mjd": field.setup.mjd,
        "forced": FORCED,
        **options,
    }
    return calibrate(read_catalogue(field.catalogue), references or field.references, **options)


def with_target(field, g, r):
    """Return the references, the target being one of PS1's and APASS's stars."""
    more = []
    for item in field.references:
        bands = {}
        for band, (mag, err) in item.bands.items():
            value = {"g": g, "r": r}.get(band, np.nan)
            bands[band] = np.append(mag, value), np.append(err, 0.01 if np.isfinite(value) else np.nan)
        more.append(
            ReferenceStars(
                catalogue=item.catalogue,
                ra_deg=np.append(item.ra_deg, field.target.ra_deg),
                dec_deg=np.append(item.dec_deg, field.target.dec_deg),
                epoch_yr=item.epoch_yr,
                bands=bands,
            )
        )
    return more


@pytest.mark.parametrize("depth", [16.5, 18.5, 20.0])
def test_the_limit_is_where_the_errors_say(depth):
    field = simulate(Setup(depth=depth, target_mag=22.0, n_stars=6000), seed=11)
    found = run(field).target
    # The error is 0.2 mag at the depth and grows as 10^(0.4 mag); at five sigma it is 0.217 mag.
    truth = depth + 2.5 * np.log10(2.5 / np.log(10.0) / LIMIT_SIGMAS / 0.2)
    assert found.is_limit
    assert found.mag == pytest.approx(truth, abs=0.1)
    assert found.limit_mag == found.mag
    assert found.corrected_mag_err is None


def test_the_limit_follows_the_sky_over_the_field():
    rng = np.random.Generator(np.random.PCG64(2))
    x = rng.uniform(0.0, 1.0, 800)
    mag = rng.uniform(-12.0, -5.0, 800)
    error = 0.217 * 10.0 ** (0.4 * (mag + 5.0 + x))  # five sigma at -5 on the left, at -6 on the right
    seen = error < 0.3
    limits = [limiting_magnitude(mag[seen], error[seen], separation=np.abs(x[seen] - place))[0] for place in (0.0, 1.0)]
    assert limits[0] == pytest.approx(-5.25, abs=0.15)  # the nearer half of the faint sources decides
    assert limits[1] == pytest.approx(-5.75, abs=0.15)
    assert limits[0] - limits[1] > 0.3


def test_a_target_that_is_seen_has_a_limit_beside_it():
    found = run().target
    assert not found.is_limit
    assert found.limit_mag > found.mag + 1.0


def test_the_target_is_none_of_its_calibrators():
    found = run(references=with_target(FIELD, 17.0, 16.2))
    own = found.target.source_index
    assert own is not None
    assert all(own not in item.stars.source_index for item in found.candidates)


def test_an_unknown_colour_is_that_of_the_field_and_its_spread_is_in_the_error():
    found = run()
    target, term = found.target, found.winner.colour_term
    assert target.colour_source == "field"
    assert target.corrected_mag == pytest.approx(target.mag)
    of_colour = (term.value**2 + term.err**2) * term.colour_spread**2  # the term, too, is only known so well
    assert target.corrected_mag_err**2 == pytest.approx(target.mag_err**2 + of_colour)


def test_a_colour_that_is_given_corrects_the_magnitude():
    found = run(target_colours={"g-r": 0.2, "B-V": 9.9})
    target, term = found.target, found.winner.colour_term
    assert term.colour == "g-r"
    assert target.colour_source == "given"
    assert target.corrected_mag == pytest.approx(target.mag + term.value * (0.2 - term.reference_colour))
    assert abs(target.corrected_mag - target.mag) > 0.02


def test_a_target_that_is_a_reference_star_has_its_colour():
    found = run(references=with_target(FIELD, 17.4, 16.2))
    target, term = found.target, found.winner.colour_term
    assert target.colour_source == "catalogue"
    assert target.colour == pytest.approx(1.2)
    assert target.corrected_mag == pytest.approx(target.mag + term.value * (1.2 - term.reference_colour))


def test_the_colour_correction_brings_stars_of_any_colour_to_the_standard_scale():
    """Red and blue stars as targets, seen through a filter that is off by 0.15 mag per mag of colour."""
    stars = read_catalogue(FIELD.catalogue)
    found = run()
    used, term = found.winner.stars, found.winner.colour_term
    bright = (used.inlier_probability > 0.9) & np.isfinite(used.colour) & (used.ref_err < 0.03)
    ends = np.flatnonzero(bright)[np.argsort(used.colour[bright])][[*range(8), *range(-8, 0)]]
    off = []
    for k in ends:
        source = int(used.source_index[k])
        place = Target(ra_deg=float(stars.ra_deg[source]) - 0.4 / 3600.0, dec_deg=float(stars.dec_deg[source]))
        one = run(target=place, target_colours={term.colour: float(used.colour[k])}).target
        assert one.source_index == source
        off.append((one.mag - used.ref_mag[k], one.corrected_mag - used.ref_mag[k]))
    native, corrected = np.array(off).T
    blue, red = native[:8].mean(), native[8:].mean()
    assert abs(blue - red) > 0.1
    assert abs(corrected[:8].mean() - corrected[8:].mean()) < 0.03


def test_without_colours_there_is_only_the_native_magnitude():
    bare = [replace(item, bands={"r": item.bands["r"]}) for item in FIELD.references if "r" in item.bands]
    target = run(references=bare).target
    assert target.corrected_mag is None
    assert target.colour_source == ""


def test_a_colour_may_be_given_the_other_way_round():
    one, other = (run(target_colours=given).target for given in ({"g-r": 0.2}, {"r-g": -0.2}))
    assert one.corrected_mag == other.corrected_mag


def test_a_star_of_half_a_sky_away_does_not_stop_a_calibration():
    stars = read_catalogue(FIELD.catalogue)
    ra, dec = stars.centre
    far = {"ra_deg": np.append(stars.ra_deg, (ra + 180.0) % 360.0), "dec_deg": np.append(stars.dec_deg, -dec)}
    rest = {
        name: np.append(getattr(stars, name), getattr(stars, name)[-1])
        for name in ("inst_mag", "inst_mag_err", "flags")
    }
    more = StarList(**far, **rest)
    references = []
    for item in FIELD.references:
        bands = {band: (np.append(mag, 15.0), np.append(err, 0.01)) for band, (mag, err) in item.bands.items()}
        references.append(
            ReferenceStars(
                catalogue=item.catalogue,
                ra_deg=np.append(item.ra_deg, far["ra_deg"][-1]),
                dec_deg=np.append(item.dec_deg, far["dec_deg"][-1]),
                epoch_yr=item.epoch_yr,
                bands=bands,
            )
        )
    found = calibrate(more, references, target=FIELD.target, matching_radius_arcsec=2.0, forced=FORCED)
    assert found.target.mag == pytest.approx(run().target.mag, abs=0.02)
