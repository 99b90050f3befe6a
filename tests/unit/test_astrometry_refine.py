"""The refined plate solution: as good as its errors say, with as much distortion as there is, whatever the outliers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from photocal.astrometry.plane import Plane
from photocal.astrometry.refine import refine
from photocal.pixels.flags import BLENDED, SATURATED
from photocal.references import ReferenceStars

SHAPE = (1200, 1600)
SCALE = 0.5 / 3600.0
CUBIC = {"order": 3, "a": {(3, 0): 3e-9, (1, 2): 3e-9}, "b": {(2, 1): 3e-9, (0, 3): 3e-9}}
SQUARE = {"order": 2, "a": {(2, 0): 3e-6}, "b": {(1, 1): -2e-6}}


def scene(n=500, *, seed=1, error=0.03, share=0.05, dec=-30.0, **distortion):
    """Return sources and reference stars, some of them with wrong places, and the true plane."""
    rng = np.random.default_rng(seed)
    truth = Plane(
        place=(359.999, dec), reference_pixel=(799.5, 599.5), matrix=((-SCALE, 2e-6), (2e-6, SCALE)), **distortion
    )
    x, y = rng.uniform(0, SHAPE[1] - 1, n), rng.uniform(0, SHAPE[0] - 1, n)
    ra, dec_deg = truth.sky(x, y)
    errors = error * rng.uniform(0.3, 3.0, n)
    wrong = np.where(rng.random(n) < share, 3.0, 0.0)
    noise = rng.normal(0, np.hypot(errors, 0.01), (2, n)) + wrong * rng.normal(size=(2, n))
    reference = ReferenceStars(catalogue="TEST", ra_deg=ra, dec_deg=dec_deg)
    sources = (x + noise[0], y + noise[1], errors, errors, 1.0 / errors**2, np.zeros(n, dtype=np.int64))
    return sources, reference, truth


def start(truth):
    x0, y0 = truth.reference_pixel
    (a, b), (c, d) = truth.matrix
    return Plane(place=truth.place, reference_pixel=(x0 + 1.5, y0 - 1.0), matrix=((a * 1.001, b), (c, d * 0.9995)))


def arcsec_off(plane, truth):
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(50, 1550, 15), np.linspace(50, 1150, 15)))
    there = truth.pixel(*plane.sky(x, y))
    return float(np.sqrt(np.mean(np.square([there[0] - x, there[1] - y])))) * truth.scale_arcsec


@pytest.mark.parametrize(("distortion", "order"), [({}, 1), (SQUARE, 2), (CUBIC, 3)])
def test_the_order_is_that_of_the_distortion_and_the_error_as_told(distortion, order):
    ratios = []
    for seed in range(6):
        sources, reference, truth = scene(seed=seed, **distortion)
        found = refine(*sources, SHAPE, reference, start(truth))
        assert found.order == order
        ratios.append(arcsec_off(found.plane, truth) / found.error_arcsec[0])
    assert 0.6 < np.sqrt(np.mean(np.square(ratios))) < 1.5


def test_what_is_told_of_the_stars():
    sources, reference, truth = scene(dec=89.9, **SQUARE)
    found = refine(*sources, SHAPE, reference, start(truth))
    assert found.n_used == len(found.source_index) == len(found.residual_east_arcsec) > 450
    assert np.array_equal(found.source_index, found.reference_index)
    assert found.rms_arcsec == pytest.approx((0.03, 0.03), rel=0.5)
    assert found.floor_arcsec == pytest.approx(0.005, abs=0.003)
    assert found.catalogue == "TEST"


def test_reference_stars_that_are_ill_known_weigh_less():
    sources, reference, truth = scene(share=0.0, error=0.003)
    bad = np.arange(500) % 2 == 0
    north = np.where(bad, np.random.default_rng(3).normal(300.0, 300.0, 500), 0.0)
    wrong = replace(reference, dec_deg=reference.dec_deg + north / 3.6e6)
    told = replace(wrong, err_mas=np.where(bad, 400.0, 1.0))
    assert arcsec_off(refine(*sources, SHAPE, told, start(truth)).plane, truth) < 0.002
    assert arcsec_off(refine(*sources, SHAPE, wrong, start(truth)).plane, truth) > 0.01


def test_flagged_stars_have_no_say():
    (x, y, x_err, y_err, flux, flags), reference, truth = scene(share=0.0)
    bright = flux > np.quantile(flux, 0.7)
    x[bright] += 0.5
    flags[bright] = SATURATED
    found = refine(x, y, x_err, y_err, flux, flags, SHAPE, reference, start(truth))
    assert not np.isin(found.source_index, np.flatnonzero(bright)).any()
    assert arcsec_off(found.plane, truth) < 0.005


def test_blended_stars_are_used_where_there_are_no_others():
    (*measured, flags), reference, truth = scene(share=0.0)
    found = refine(*measured, flags | BLENDED, SHAPE, reference, start(truth))
    assert found.n_used > 450
    flags[100:] = BLENDED
    assert refine(*measured, flags, SHAPE, reference, start(truth)).source_index.max() < 100


@pytest.mark.parametrize(("n", "order"), [(0, 0), (2, 0), (4, 0), (10, 1), (30, 1)])
def test_few_stars(n, order):
    sources, reference, truth = scene(n, share=0.0, error=0.01)
    given = start(truth)
    found = refine(*sources, SHAPE, reference, given)
    assert found.order == order
    assert np.isnan(found.error_arcsec[0]) == (order == 0)
    assert arcsec_off(found.plane, truth) <= arcsec_off(given, truth) + 1e-5
    assert n or np.isnan(found.rms_arcsec[0])


def test_no_reference_stars_and_a_plane_with_another_reference_pixel():
    sources, reference, truth = scene(**CUBIC)
    x0, y0 = truth.reference_pixel
    moved = replace(
        start(truth), reference_pixel=(x0 - 700.0, y0 - 500.0), place=tuple(map(float, truth.sky(101.0, 98.0)))
    )
    assert refine(*sources, SHAPE, reference, moved).order == 3
    assert refine(*sources, SHAPE, reference.select(np.zeros(500, dtype=bool)), moved).n_used == 0
