"""An image, from its bytes to a calibrated magnitude of its target: simulated pictures with exact truth."""

from __future__ import annotations

import numpy as np
import pytest

from cpcs.errors import NotSolved, TargetOutsideField, TooFewStars
from cpcs.records import Mode
from photocal.calibration import calibrate
from photocal.headers.understand import standardise
from photocal.images import read_image
from photocal.imaging import MeasuredFrame, measure_frame
from photocal.pointing import Pointing
from photocal.results import Calibration, Target
from photocal.simulate_image import StarField, star_field
from photocal.simulate_scene import NONE, Scene
from photocal.sphere import separation_deg

SCENE = Scene(
    shape=(384, 384), n_stars=120, apart=12.0, n_cosmics=8, n_hot=8, distortion=1.0, wcs=NONE, rotation_deg=70.0
)
POINTING = Pointing(
    ra_deg=SCENE.ra_deg, dec_deg=SCENE.dec_deg, within_deg=0.2, references_deg=0.5, scales_arcsec=((0.6, 1.1),)
)


def _measure(field: StarField, target: Target | None) -> MeasuredFrame:
    frame = read_image(field.data)
    return measure_frame(
        frame,
        standardise(frame.header),
        [field.references],
        pointing=POINTING,
        target=target,
        mjd=None,
    )


def _target_of(field: StarField, flux: float) -> tuple[Target, int]:
    """Return a clean star of about this flux, away from the edge, as a target, and its row."""
    truth = field.truth
    inner = truth.inside & ~truth.hit & (truth.x > 60) & (truth.x < 320) & (truth.y > 60) & (truth.y < 320)
    row = int(np.argmin(np.where(inner, np.abs(np.log(truth.flux / flux)), np.inf)))
    return Target(ra_deg=float(truth.ra_deg[row]), dec_deg=float(truth.dec_deg[row])), row


def _calibrated(field: StarField, measured: MeasuredFrame, target: Target) -> Calibration:
    plane = measured.planes[0]
    return calibrate(
        plane.stars,
        [field.references],
        target=target,
        matching_radius_arcsec=2.0,
        filter_hint="r",
        forced_flux=plane.forced,
    )


@pytest.fixture(scope="module")
def field() -> StarField:
    """Return a field without a WCS in its header."""
    return star_field(SCENE, seed=5)


def test_a_picture_without_wcs_becomes_a_magnitude_of_its_target(field: StarField) -> None:
    """The star's own magnitude, to the error that is stated, and positions to a few hundredths of a pixel."""
    target, row = _target_of(field, 30_000.0)
    measured = _measure(field, target)
    plane = measured.planes[0]
    found = _calibrated(field, measured, target)
    assert found.mode is Mode.AUTO
    assert found.target.method == "source"
    assert not found.target.is_limit
    truth = field.truth
    best = int(np.argmin(separation_deg(plane.stars.ra_deg, plane.stars.dec_deg, target.ra_deg, target.dec_deg)))
    off = float(separation_deg(plane.stars.ra_deg[best], plane.stars.dec_deg[best], target.ra_deg, target.dec_deg))
    assert off * 3600.0 < 0.05
    assert found.target.corrected_mag is not None
    assert abs(found.target.corrected_mag - truth.r[row]) < 0.03
    assert plane.quality["fwhm_pix"] == pytest.approx(SCENE.fwhm, rel=0.15)


def test_an_empty_place_has_a_limit_from_the_pixels_there(field: StarField) -> None:
    """Where nothing is, the forced flux says how faint something could be."""
    truth = field.truth
    grid = np.stack(np.meshgrid(np.arange(80.0, 300.0, 7.0), np.arange(80.0, 300.0, 7.0)), -1).reshape(-1, 2)
    nearest = np.min(np.hypot(grid[:, :1] - truth.x, grid[:, 1:] - truth.y), axis=1)
    x, y = grid[int(np.argmax(nearest))]
    measured = _measure(field, None)
    ra, dec = measured.planes[0].solution.plane.sky(np.array([x]), np.array([y]))
    target = Target(ra_deg=float(ra[0]), dec_deg=float(dec[0]))
    again = _measure(field, target)
    assert again.planes[0].forced is not None
    assert abs(again.planes[0].forced.flux) < 5.0 * again.planes[0].forced.flux_err
    found = _calibrated(field, again, target)
    assert found.target.is_limit
    assert found.target.limit_method == "forced-psf"


def test_reference_stars_of_another_field_are_refused(field: StarField) -> None:
    """No false solution: the stars of elsewhere are not recognised."""
    other = star_field(SCENE, seed=6)
    frame = read_image(field.data)
    with pytest.raises(NotSolved):
        measure_frame(
            frame,
            standardise(frame.header),
            [other.references],
            target=None,
            mjd=None,
            pointing=POINTING,
        )


def test_a_target_beyond_the_image_is_refused(field: StarField) -> None:
    """Near enough to be looked for, but not on the image."""
    away = Target(ra_deg=SCENE.ra_deg, dec_deg=SCENE.dec_deg + 0.15)
    with pytest.raises(TargetOutsideField):
        _measure(field, away)


def test_a_picture_with_hardly_a_star_is_refused() -> None:
    """Two stars make no PSF and no zero point."""
    poor = star_field(Scene(shape=(200, 200), n_stars=2), seed=3)
    with pytest.raises(TooFewStars):
        _measure(poor, None)
