"""Figures of a measured image: they are drawn, whatever there is to draw. What they look like is for eyes."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture

from photocal import figures
from photocal.figures import pictures
from photocal.headers.understand import standardise
from photocal.images import read_image
from photocal.imaging import MeasuredPlane, forced_at, measure_frame
from photocal.pointing import around_place
from photocal.results import Target
from photocal.simulate_image import star_field
from photocal.simulate_scene import Scene

SCENE = Scene(shape=(220, 300), n_stars=60, apart=12.0, n_cosmics=4, rotation_deg=130.0)


@pytest.fixture(scope="module")
def plane() -> MeasuredPlane:
    """Return a measured image that is wider than high."""
    field = star_field(SCENE, seed=4)
    frame = read_image(field.data)
    return measure_frame(
        frame,
        standardise(frame.header),
        [field.references],
        pointing=around_place(standardise(frame.header), SCENE.ra_deg, SCENE.dec_deg),
        target=None,
        mjd=None,
    ).planes[0]


def _target(plane: MeasuredPlane, x: float, y: float) -> Target:
    ra, dec = plane.solution.plane.sky(x, y)
    return Target(ra_deg=float(ra), dec_deg=float(dec), name="Gaia19sim")


def _looked_at(png: bytes) -> tuple[int, int]:
    """Return the size of a picture that is one, is not empty, and not too large to be sent to a phone."""
    assert len(png) < 300_000
    picture = Picture.open(io.BytesIO(png)).convert("L")
    assert np.asarray(picture).std() > 5.0
    return picture.size


@pytest.mark.parametrize(("x", "y"), [(150.0, 100.0), (1.0, 218.0)])
def test_around_the_target(plane: MeasuredPlane, x: float, y: float) -> None:
    """In the middle, and in a corner, where the square keeps its size."""
    target = _target(plane, x, y)
    sizes = {_looked_at(figures.cutout(item, target)) for item in (plane, forced_at(plane, target))}
    assert len(sizes) == 1


def test_the_whole_image(plane: MeasuredPlane) -> None:
    """With and without a place on the sky; a tall one is no taller than a screen."""
    target = _target(plane, 150.0, 100.0)
    width, height = _looked_at(figures.overview(plane.photometry, plane, target))
    assert _looked_at(figures.overview(plane.photometry)) == (width, height)
    assert height < 2.2 * width


def test_the_plate_solution(plane: MeasuredPlane) -> None:
    """Also one without a star."""
    whole = _looked_at(figures.astrometry(plane))
    none = np.zeros(0, np.int64)
    empty = replace(
        plane.solution,
        n_used=0,
        source_index=none,
        reference_index=none,
        residual_east_arcsec=np.zeros(0),
        residual_north_arcsec=np.zeros(0),
    )
    assert _looked_at(figures.astrometry(replace(plane, solution=empty))) == whole


def test_the_psf(plane: MeasuredPlane) -> None:
    """Also where none of its stars was measured in the end."""
    whole = _looked_at(figures.psf(plane.photometry))
    away = replace(plane.photometry.psf_stars, x=plane.photometry.psf_stars.x - 1e4)
    assert _looked_at(figures.psf(replace(plane.photometry, psf_stars=away))) == whole


def test_binning_keeps_the_noise_and_leaves_out_what_is_bad() -> None:
    """Sums over the root of the number of good pixels."""
    values, good = np.ones((5, 7)), np.ones((5, 7), dtype=np.bool_)
    good[:2, :2] = False
    good[2, 2] = False
    found = pictures.binned(values, good, 2)
    assert found.shape == (2, 3)
    assert np.isnan(found[0, 0])
    assert found[1, 1] == pytest.approx(3.0 / np.sqrt(3.0))
    assert found[0, 1] == pytest.approx(2.0)
