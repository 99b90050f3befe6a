"""The benchmark of pictures, in short: its bound is right, and it finds errors that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import photometry, photometry_score
from benchmarks.photometry_limit import alone, cramer_rao, flux_of, noise_variance, signal_to_noise
from benchmarks.photometry_scenes import SCENES, scene_of
from photocal.astrometry.plane import Plane
from photocal.simulate_image import StarField, stamp, star_field
from photocal.simulate_scene import cd_matrix

SIZE = 512


@pytest.fixture(scope="module")
def field() -> StarField:
    """Return a small picture without distortion."""
    return star_field(replace(scene_of("typical", SIZE), n_stars=700, distortion=0.0), 1)


def test_the_bound_of_a_star_alone_is_that_of_its_psf(field: StarField) -> None:
    """Flux is independent of place there: (sum P^2 / V)^(-1/2); a neighbour makes it worse."""
    scene = field.scene
    ratio = signal_to_noise(scene, field.truth.flux)
    lonely, crowded = alone(field, ratio)
    inner = field.truth.inside & (np.abs(field.truth.x - 255) < 200) & (np.abs(field.truth.y - 255) < 200)
    one, two = (int(np.flatnonzero(inner & mask & (ratio > 10))[0]) for mask in (lonely, crowded))
    limit = cramer_rao(field, ratio, np.array([one, two]))
    for star, low, high, found in ((one, 0.99, 1.1, limit.flux[0]), (two, 1.0, 3.0, limit.flux[1])):
        x, y = field.truth.x[star], field.truth.y[star]
        columns, rows = (np.arange(round(place) - 20, round(place) + 21) for place in (x, y))
        light = stamp(scene, float(x), float(y), columns, rows)
        variance = noise_variance(scene, scene.sky + field.truth.flux[star] * light)
        plain = 1.0 / np.sqrt((light**2 / variance).sum())
        assert low < found / plain < high
    assert flux_of(scene, 5.0) == pytest.approx(5.0 * scene.faintest, rel=0.3)


def test_errors_that_are_known_are_found(field: StarField) -> None:
    """Every star with an error as large as its bound, and an offset of the zero point and of the places."""
    rng, truth = np.random.default_rng(3), field.truth
    ratio = signal_to_noise(field.scene, truth.flux)
    rows = np.flatnonzero(truth.inside & (ratio > 5.0))
    limit = cramer_rao(field, ratio, rows)
    found = {"flux": 1.01 * (truth.flux[rows] + rng.normal(0.0, limit.flux)), "flux_err": 1.01 * limit.flux}
    found |= {name: getattr(truth, name)[rows] + rng.normal(0.1, getattr(limit, name)) for name in ("x", "y")}
    found |= {"x_err": limit.x, "y_err": limit.y}
    found = {name: np.append(column, 1.0) for name, column in found.items()}  # and one where there is no star
    matrix = cd_matrix(field.scene)
    middle = (SIZE - 1) / 2.0 + 0.1
    plane = Plane(
        place=(field.scene.ra_deg, field.scene.dec_deg),
        reference_pixel=(middle, middle),
        matrix=((matrix[0, 0], matrix[0, 1]), (matrix[1, 0], matrix[1, 1])),
    )
    told = photometry_score.score(field, found, plane)
    assert told.zero == pytest.approx(-10.8, abs=3.0)
    assert min(told.found[1:]) > 0.95
    assert told.false <= 1
    faint = told.classes["alone20"]
    assert faint is not None
    assert faint.over_limit == pytest.approx(1.0, abs=0.4)
    assert faint.pull == pytest.approx(1.0, abs=0.4)
    assert told.place_over_limit == pytest.approx(1.0, abs=0.4)
    assert told.sky_most < 0.1 * 1000.0 * field.scene.scale_arcsec


def test_a_small_picture_is_measured_and_told(field: StarField) -> None:
    """The rows of both tables."""
    measured = photometry.measure(field.data, field.references)
    told = photometry_score.score(field, measured.columns, measured.plane)
    assert told.found[2] > 0.9
    assert photometry.first_row("typical", told).count("|") == 13
    assert photometry.second_row("typical", measured).count("|") == 13
    assert set(measured.seconds) == set(photometry.STEPS)


@pytest.mark.parametrize("name", SCENES)
def test_every_scene_is_drawn(name: str) -> None:
    """From S/N 1 on."""
    scene = scene_of(name, 256)
    assert signal_to_noise(scene, np.array([scene.faintest]))[0] == pytest.approx(1.0, abs=0.02)
    assert star_field(scene, 2).counts.max() > 2.0 * scene.sky
