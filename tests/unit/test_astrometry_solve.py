"""Plate solving: any rotation, parity, pointing error; a right header, a wrong one; nothing where there is nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from cpcs.errors import NotSolved
from photocal.astrometry import chance
from photocal.astrometry.plane import Plane
from photocal.astrometry.solve import Hint, Work, solve
from photocal.references import ReferenceStars

SHAPE = (1000, 1400)


def scene(*, field_arcmin=20.0, in_field=200, angle=77.0, parity=-1, off_arcmin=12.0, dec=40.0, seed=1):
    """Return sources (x, y, flux), reference stars of the whole neighbourhood, the true plane and a hint."""
    rng = np.random.default_rng(seed)
    scale = field_arcmin / 60.0 / SHAPE[1]
    cos, sin = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    truth = Plane(place=(0.02, dec), reference_pixel=(699.5, 499.5), matrix=((cos, -sin * parity), (sin, cos * parity)))
    reach = 1.5 * field_arcmin / 60.0 + 1.5 * off_arcmin / 60.0
    n = int(in_field / (SHAPE[0] * SHAPE[1] * scale**2) * (2.0 * reach) ** 2)
    sky = Plane(place=truth.place, reference_pixel=(0.0, 0.0), matrix=((1.0, 0.0), (0.0, 1.0)))
    ra, dec_deg = sky.sky(*rng.uniform(-reach, reach, (2, n)))
    magnitude = 18.0 - rng.exponential(1.5, n)
    reference = ReferenceStars(
        catalogue="TEST", ra_deg=ra, dec_deg=dec_deg, bands={"V": (magnitude + rng.normal(0, 0.2, n), np.full(n, 0.1))}
    )
    x, y = np.array(truth.pixel(ra, dec_deg)) + rng.normal(0, 0.2, (2, n))
    seen = (x > 0) & (x < SHAPE[1]) & (y > 0) & (y < SHAPE[0]) & (rng.random(n) < 0.9)
    hint_ra, hint_dec = sky.sky(off_arcmin / 60.0 * 0.8, off_arcmin / 60.0 * 0.6)
    arcsec = truth.scale_arcsec
    hint = Hint(
        ra_deg=float(hint_ra), dec_deg=float(hint_dec), radius_deg=0.05 + off_arcmin / 60.0,
        scale_arcsec=(arcsec / 1.25, arcsec * 1.25),
    )  # fmt: skip
    return (x[seen], y[seen], 10.0 ** (-0.4 * magnitude[seen])), reference, truth, hint


def pixels_off(plane, truth):
    x, y = plane.pixel(*truth.sky(np.array([100.0, 700.0, 1300.0]), np.array([900.0, 500.0, 100.0])))
    return np.max(np.hypot(x - [100.0, 700.0, 1300.0], y - [900.0, 500.0, 100.0]))


@pytest.mark.parametrize(
    "given",
    [
        {}, {"parity": 1, "angle": -120.0}, {"dec": 89.9, "seed": 3}, {"in_field": 12, "off_arcmin": 3.0, "seed": 4},
        {"field_arcmin": 6.0, "off_arcmin": 40.0, "in_field": 60}, {"field_arcmin": 110.0, "in_field": 2000},
    ],
)  # fmt: skip
def test_blind(given):
    stars, reference, truth, hint = scene(**given)
    solved = solve(*stars, SHAPE, reference, hint)
    assert pixels_off(solved.plane, truth) < 1.5
    assert not solved.from_header
    assert solved.log_chance < np.log(1e-6)
    assert solved.plane.parity == truth.parity


def test_a_right_header_is_enough_where_it_is_some_way_off():
    stars, reference, truth, hint = scene()
    x0, y0 = truth.reference_pixel
    header = replace(truth, reference_pixel=(x0 + 40.0, y0 - 60.0))
    solved = solve(*stars, SHAPE, reference, replace(hint, plane=header))
    assert solved.from_header
    assert pixels_off(solved.plane, truth) < 1.0


def test_a_wrong_header_is_not_believed():
    stars, reference, truth, hint = scene()
    (a, b), (c, d) = truth.matrix
    header = replace(truth, matrix=((b, a), (d, c)))
    solved = solve(*stars, SHAPE, reference, replace(hint, plane=header))
    assert not solved.from_header
    assert pixels_off(solved.plane, truth) < 1.0


@pytest.mark.parametrize("n", [0, 3, 10, 200])
def test_other_stars_are_not_solved(n):
    _, reference, truth, hint = scene()
    rng = np.random.default_rng(n)
    with pytest.raises(NotSolved, match=f"its {n} stars"):
        solve(
            rng.uniform(0, SHAPE[1], n), rng.uniform(0, SHAPE[0], n), rng.uniform(1, 9, n), SHAPE, reference,
            replace(hint, plane=truth),
        )  # fmt: skip


def test_no_reference_stars_and_odd_numbers():
    (x, y, flux), reference, _, hint = scene()
    with pytest.raises(NotSolved):
        solve(x, y, flux, SHAPE, reference.select(np.zeros(reference.n, dtype=bool)), hint)
    x[:5], flux[5:9] = np.nan, np.inf
    assert solve(x, y, flux, SHAPE, replace(reference, bands={}), hint).n_matched > 20


def test_the_probability_of_chance_is_no_smaller_than_it_is():
    """Of a thousand places that are none, no more than a twentieth have less than a twentieth, clusters or not."""
    rng, few = np.random.default_rng(5), 0
    for _ in range(1000):
        cluster = rng.normal(300.0, 25.0, (2, 30, 2))
        stars, references = np.concatenate([rng.uniform(0, 600, (2, 30, 2)), cluster], axis=1)
        density = chance.chances(stars, references, 600.0**2)
        distance, nearest = cKDTree(references).query(stars)
        few += chance.log_tail(len(np.unique(nearest[distance < 4.0])), density, 4.0) < np.log(0.05)
    assert few <= 50


def test_a_hostile_header_and_many_stars_cost_no_more_than_is_allowed():
    _, reference, truth, hint = scene(in_field=400)
    rng, work = np.random.default_rng(9), Work(left=400_000)
    (a, b), (c, d) = truth.matrix
    header = replace(truth, matrix=((3 * a, b + a), (c, 3 * d)), order=3, a={(3, 0): 1e-7}, b={(0, 3): 1e-7})
    n = 50_000
    stars = rng.uniform(0, SHAPE[1], n), rng.uniform(0, SHAPE[0], n), rng.uniform(1, 9, n)
    with pytest.raises(NotSolved):
        solve(*stars, SHAPE, reference, replace(hint, plane=header), work)
    assert 0 < work.left < 400_000
