"""Plate solutions and their cards, against astropy's."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.wcs import WCS

from photocal.astrometry.cards import cards, hint_of, plane_of
from photocal.astrometry.plane import Plane, polynomial
from photocal.images import Grid

SCALE = 0.6 / 3600.0
A = {(2, 0): 2e-6, (1, 1): -1e-6, (0, 3): 1.5e-9}
B = {(0, 2): -1e-6, (2, 1): 2e-9}
PLACES = [(10.0, 20.0), (0.01, -5.0), (200.0, 89.95), (123.4, -90.0)]


def a_plane(place=(10.0, 20.0), angle=33.0, *, sip=True):
    cos, sin = np.cos(np.radians(angle)) * SCALE, np.sin(np.radians(angle)) * SCALE
    more = {"order": 3, "a": A, "b": B} if sip else {}
    return Plane(place=place, reference_pixel=(1023.5, 767.0), matrix=((-cos, sin), (sin, cos)), **more)


def pixels(seed=1, n=200):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 2047, n), rng.uniform(0, 1535, n)


def apart(ra, dec, other_ra, other_dec):
    east = np.abs((ra - other_ra + 180.0) % 360.0 - 180.0) * np.cos(np.radians(dec))
    return max(
        np.max(east),
        np.max(np.abs(dec - other_dec)),
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("sip", [False, True])
def test_sky_and_pixel_are_astropys(place, sip):
    plane = a_plane(place, sip=sip)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(Header(cards(plane)))
    x, y = pixels()
    ra, dec = plane.sky(x, y)
    assert apart(ra, dec, *wcs.all_pix2world(x, y, 0)) < 1e-9
    back = plane.pixel(ra, dec)
    assert np.allclose(back, (x, y), rtol=0, atol=1e-6)


def test_the_written_inverse_is_one():
    plane = a_plane()
    given = cards(plane, (1536, 2048))
    x, y = pixels()
    u, v = np.subtract(replace(plane, a={}, b={}).pixel(*plane.sky(x, y)), np.reshape(plane.reference_pixel, (2, 1)))
    back = [axis + polynomial(terms(given, name), u, v) for axis, name in ((u, "AP"), (v, "BP"))]
    assert np.max(np.abs(np.add(back, np.reshape(plane.reference_pixel, (2, 1))) - (x, y))) < 0.01


def terms(given, name):
    return {(p, q): given[f"{name}_{p}_{q}"] for p in range(5) for q in range(5) if f"{name}_{p}_{q}" in given}


@pytest.mark.parametrize("place", PLACES)
def test_cards_there_and_back(place):
    plane = a_plane(place)
    assert plane_of(cards(plane)) == Plane(
        place=place, reference_pixel=plane.reference_pixel, matrix=plane.matrix, order=3, a=A, b=B
    )
    assert plane_of({key: str(value) for key, value in cards(plane).items()}) == plane_of(cards(plane))


def test_axes_may_be_swapped():
    plane = a_plane(sip=False)
    given = cards(plane)
    swapped = {
        **given, "CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": given["CRVAL2"], "CRVAL2": given["CRVAL1"],
        "CD1_1": given["CD2_1"], "CD1_2": given["CD2_2"], "CD2_1": given["CD1_1"], "CD2_2": given["CD1_2"],
    }  # fmt: skip
    assert plane_of(swapped) == plane


@pytest.mark.parametrize(
    "change",
    [
        {"CTYPE1": "RA---ZEA-SIP"}, {"CTYPE1": "GLON-TAN"}, {"CTYPE1": ""}, {"CRVAL2": "nan"}, {"CRVAL2": 91.0},
        {"CRPIX1": 1e300}, {"CD1_1": 0.0, "CD1_2": 0.0}, {"CD1_1": float("inf")}, {"CD2_2": 1e5}, {"A_ORDER": 99},
        {"A_ORDER": -1}, {"A_ORDER": 2.5}, {"A_2_0": 1e9}, {"B_0_2": "x"}, {"LONPOLE": 90.0}, {"PV1_1": 0.9},
        {"RADESYS": "FK4"}, {"RADESYS": "FK5", "EQUINOX": 1950.0}, {"CUNIT1": "furlong"},
    ],
)  # fmt: skip
def test_hostile_cards_give_none(change):
    assert plane_of({**cards(a_plane()), **change}) is None


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 1.0, "PV1_7": 3e-5, "PV2_1": 1.0}, True),
        ({"CTYPE1": "RA---TNX", "CTYPE2": "DEC--TNX", "WAT1_001": "wtype=tnx"}, True),
        ({"CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "PV2_1": 1.0, "PV2_3": 40.0}, True),
        ({"A_2_0": 1e9}, True), ({"A_ORDER": 99}, True), ({"LONPOLE": 90.0}, True), ({"LONPOLE": "x"}, True),
        ({"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 0.0}, False), ({"CTYPE1": "GLON-TAN"}, False),
        ({"RADESYS": "FK4"}, False), ({"CD2_2": 1e5}, False), ({"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TAN"}, False),
    ],
)  # fmt: skip
def test_the_linear_part_is_a_hint(change, left):
    given = {**cards(a_plane()), **change}
    found = hint_of(given)
    assert (found is not None) == left
    if found is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            linear = {key: value for key, value in given.items() if key[0] not in "ABPW" and value != "x"}
            theirs = WCS({**linear, "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
        x, y = np.add(np.reshape(found.reference_pixel, (2, 1)), [[20.0, -30.0], [5.0, 40.0]])
        assert apart(*found.sky(x, y), *theirs.all_pix2world(x, y, 0)) < 1e-7


def test_nothing_gives_none():
    assert hint_of({}) is None
    assert plane_of({}) is None


def test_on_a_grid_places_stay():
    plane = a_plane()
    grid = Grid(step=2, x_first=0.5, y_first=-1.25)
    x, y = pixels()
    on = plane.on(grid)
    assert apart(*on.sky(x, y), *plane.sky(0.5 + 2 * x, -1.25 + 2 * y)) < 1e-11
    assert on.scale_arcsec == pytest.approx(1.2)
    assert plane.parity == on.parity == -1


def test_no_pixel_behind_the_sky():
    assert np.isnan(a_plane(sip=False).pixel(190.0, -20.0)).all()
