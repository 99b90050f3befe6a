"""Simulated pictures to upload: small, quick to measure, with reference stars, a target, and a bare place."""

from __future__ import annotations

from functools import cache

import numpy as np

from photocal.results import Target
from photocal.simulate_image import StarField, star_field
from photocal.simulate_scene import CRUDE, NONE, Scene
from photocal.sphere import separation_deg

STARRY = Scene(
    ra_deg=61.3,
    dec_deg=-12.2,
    shape=(256, 256),
    n_stars=90,
    faintest=1000.0,
    apart=9.0,
    distortion=0.5,
    wcs=CRUDE,
    rotation_deg=40.0,
)
MOSAIC = Scene(
    ra_deg=200.5,
    dec_deg=8.1,
    shape=(400, 400),
    n_stars=120,
    faintest=3000.0,
    apart=12.0,
    fwhm=5.0,
    wcs=NONE,
    bayer="RGGB",
)


@cache
def picture(scene: Scene = STARRY) -> StarField:
    """Return the picture of a scene."""
    return star_field(scene, seed=11)


def a_star(field: StarField, flux: float = 20_000.0) -> tuple[Target, int]:
    """Return a star of about this flux, away from the edge, as a target, and its row in the truth."""
    truth, (ny, nx) = field.truth, field.counts.shape
    inner = truth.inside & ~truth.hit & (np.abs(truth.x - nx / 2) < nx / 4) & (np.abs(truth.y - ny / 2) < ny / 4)
    row = int(np.argmin(np.where(inner, np.abs(np.log(truth.flux / flux)), np.inf)))
    return Target(ra_deg=float(truth.ra_deg[row]), dec_deg=float(truth.dec_deg[row]), name="a star"), row


def a_bare_place(scene: Scene = STARRY) -> Target:
    """Return a position on the picture that is far from every star."""
    truth = picture(scene).truth
    steps = np.linspace(-0.25, 0.25, 15) * scene.shape[0] * scene.scale_arcsec / 3600.0
    east, north = (grid.ravel() for grid in np.meshgrid(steps, steps))
    ra, dec = scene.ra_deg + east / np.cos(np.radians(scene.dec_deg)), scene.dec_deg + north
    nearest = [float(separation_deg(truth.ra_deg, truth.dec_deg, *place).min()) for place in zip(ra, dec, strict=True)]
    best = int(np.argmax(nearest))
    return Target(ra_deg=float(ra[best]), dec_deg=float(dec[best]), name="nothing")
