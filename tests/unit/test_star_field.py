"""The simulator of pictures: what it calls the truth is true, and its files are read like a camera's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS

from photocal.headers.standard import Level
from photocal.images import read_image
from photocal.intake import take_in
from photocal.simulate_image import THROUGH, render, stamp, star_field
from photocal.simulate_scene import NONE, Scene, julian_year
from photocal.sphere import separation_deg

BUSY = Scene(n_cosmics=5, n_hot=10, bad_columns=(40,), ellipticity=0.1, widening=0.2, distortion=3.0, motion_mas_yr=20)


@pytest.mark.parametrize("fwhm", [1.5, 3.0, 5.0])
@pytest.mark.parametrize("ellipticity", [0.0, 0.3])
def test_the_light_of_a_star_adds_up(fwhm: float, ellipticity: float) -> None:
    scene = Scene(shape=(501, 501), fwhm=fwhm, ellipticity=ellipticity, beta=3.5)
    image = render(scene, np.array([250.3]), np.array([249.6]), np.array([1e9]))
    y, x = np.indices(image.shape)
    assert image.sum() == pytest.approx(1e9, rel=2e-4)
    assert (image * x).sum() / image.sum() == pytest.approx(250.3, abs=0.002)
    assert (image * y).sum() / image.sum() == pytest.approx(249.6, abs=0.002)


def test_a_halo_is_part_of_the_light_and_stands_aside() -> None:
    scene = Scene(shape=(401, 401), beta=3.5, halo=(0.2, 2.0, 0.5, -0.25))
    x, y, ones = np.array([200.3]), np.array([199.6]), np.arange(401)
    image = render(scene, x, y, np.array([1e9]))
    rows, columns = np.indices(image.shape)
    assert image.sum() == pytest.approx(1e9, rel=5e-4)
    assert (image * columns).sum() / image.sum() == pytest.approx(200.3 + 0.2 * 0.5 * scene.fwhm, abs=0.005)
    assert (image * rows).sum() / image.sum() == pytest.approx(199.6 - 0.2 * 0.25 * scene.fwhm, abs=0.005)
    middle = slice(190, 211)
    assert np.allclose(stamp(scene, 200.3, 199.6, ones[middle], ones[middle]), image[middle, middle] / 1e9, rtol=0.01)


def test_counts_are_stars_and_sky_within_the_noise() -> None:
    field = star_field(Scene(slant=(0.0, 0.0)))
    clean = ~field.spoilt
    expected = field.model + field.scene.sky
    sigma = np.sqrt(expected / field.scene.gain + (field.scene.read_noise_e / field.scene.gain) ** 2 + 1 / 12)
    pull = ((field.counts - expected) / sigma)[clean]
    assert abs(pull.mean()) < 4 / np.sqrt(pull.size)
    assert pull.std() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize(("rotation", "distortion"), [(0.0, 0.0), (33.0, 4.0), (-120.0, 4.0)])
def test_places_agree_with_astropy(flipped: bool, rotation: float, distortion: float) -> None:
    field = star_field(Scene(rotation_deg=rotation, distortion=distortion, flipped=flipped, dec_deg=-71.0))
    del field.header["DATE-OBS"]  # astropy would warn that it works out the MJD
    ra, dec = WCS(field.header).all_pix2world(field.truth.x, field.truth.y, 0)
    assert separation_deg(ra, dec, field.truth.ra_deg, field.truth.dec_deg).max() * 3.6e6 < 0.01


def test_magnitudes_and_references_tell_the_same() -> None:
    scene = replace(BUSY, n_stars=500)
    truth, known = (field := star_field(scene)).truth, field.references.at_epoch(julian_year(scene))
    instrumental = -2.5 * np.log10(truth.flux) + scene.zero_point
    assert np.allclose(instrumental, truth.r + scene.colour_term * (truth.g - truth.r))
    for name, true in (("g", truth.g), ("r", truth.r)):
        mag, error = known.bands[name]
        assert ((mag - true) / error).std() == pytest.approx(1.0, abs=0.1)
    assert separation_deg(known.ra_deg, known.dec_deg, truth.ra_deg, truth.dec_deg).max() * 3600 < 0.15
    assert truth.inside.sum() == 500
    assert len(known) > 1500


def test_everything_follows_from_the_seed() -> None:
    assert star_field(BUSY, 3).data == star_field(BUSY, 3).data
    assert star_field(BUSY, 3).data != star_field(BUSY, 4).data


def test_stars_keep_apart_and_defects_are_known() -> None:
    field = star_field(replace(BUSY, apart=15.0))
    x, y = (column[field.truth.inside] for column in (field.truth.x, field.truth.y))
    distance = np.hypot(x[:, None] - x, y[:, None] - y)[~np.eye(len(x), dtype=bool)]
    assert distance.min() >= 15.0
    assert field.spoilt[:, 40].all()
    assert field.truth.hit[field.truth.inside & (np.abs(field.truth.x - 40) < 2)].all()
    assert 0 < field.truth.hit.sum() < 40


@pytest.mark.parametrize("scene", [BUSY, Scene(wcs="crude"), Scene(wcs=NONE, shape=(200, 320))])
def test_its_file_is_taken_in(scene: Scene) -> None:
    field = star_field(scene)
    intake = take_in(field.data)
    assert intake.header is not None
    assert not [remark for remark in intake.header.remarks if remark.level is Level.REFUSAL]
    assert intake.filter_name == "r"
    assert intake.stars is None
    assert intake.frame is not None
    (plane,) = intake.frame.planes
    assert np.array_equal(plane.data, field.counts)


@pytest.mark.parametrize("ra_deg", [0.1, 95.0, 200.0, 310.0])
@pytest.mark.parametrize("dec_deg", [-71.0, -29.5, 10.0, 85.0])
def test_its_field_was_up_at_night(ra_deg: float, dec_deg: float) -> None:
    header = take_in(star_field(Scene(shape=(64, 64), n_stars=3, ra_deg=ra_deg, dec_deg=dec_deg)).data).header
    assert header is not None
    assert not [remark.code for remark in header.remarks if remark.level is not Level.NOTE]


@pytest.mark.parametrize("bayer", ["RGGB", "GBRG"])
def test_a_mosaic_is_split_into_the_light_of_its_filters(bayer: str) -> None:
    field = star_field(Scene(bayer=bayer, slant=(0.0, 0.0)))
    planes = read_image(field.data).planes
    assert [plane.colour for plane in planes] == ["R", "G", "B"]
    for plane in planes:
        assert np.median(plane.data) == pytest.approx(field.scene.sky * THROUGH[plane.colour], rel=0.05)
