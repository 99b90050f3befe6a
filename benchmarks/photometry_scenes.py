"""The six pictures of `benchmarks.photometry`: what a small telescope takes, each with a trouble of its own."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.photometry_limit import flux_of
from photocal.simulate_scene import CRUDE, Scene

SIZE = 2048  # pixels along each side
FAINTEST_SNR, COUNTED_SNR, BRIGHTEST = 1.0, 5.0, 2e6  # of the stars drawn; of those counted; counts

_USUAL = Scene(
    shape=(SIZE, SIZE),
    n_stars=2000,
    fwhm=3.2,
    beta=3.0,
    ellipticity=0.05,
    widening=0.06,
    sky=600.0,
    slant=(0.06, -0.04),
    gain=1.6,
    read_noise_e=5.0,
    n_cosmics=80,
    n_hot=150,
    bad_columns=(401, 402, 1300),
    ra_deg=195.0,
    dec_deg=28.0,
    scale_arcsec=0.45,
    rotation_deg=33.0,
    distortion=6.0,
    wcs=CRUDE,
    off_arcsec=(180.0, -120.0),
    reference_mas=0.5,
)

# Of each, ``n_stars`` is how many of S/N 5 and more a frame of SIZE^2 pixels has when they stand alone
SCENES = {
    "typical": _USUAL,
    "crowded": replace(
        _USUAL, n_stars=20000, fwhm=3.5, sky=500.0, scale_arcsec=0.4, rotation_deg=-21.0, ra_deg=268.0, dec_deg=-29.5
    ),
    "under": replace(
        _USUAL, fwhm=2.0, beta=2.5, ellipticity=0.03, scale_arcsec=1.5, sky=1500.0, gain=1.0, read_noise_e=8.0,
        distortion=20.0, rotation_deg=71.0,
    ),
    "broad": replace(
        _USUAL, fwhm=5.0, beta=4.0, ellipticity=0.12, scale_arcsec=0.3, sky=1200.0, distortion=4.0, rotation_deg=178.0
    ),
    "halo": replace(
        _USUAL, n_stars=4000, fwhm=3.0, beta=3.5, scale_arcsec=0.5, rotation_deg=60.0, halo=(0.15, 2.0, 0.12, -0.06)
    ),
    "sparse": replace(
        _USUAL, n_stars=300, fwhm=3.0, beta=3.5, scale_arcsec=0.58, sky=300.0, gain=2.2, read_noise_e=3.1,
        distortion=3.0, rotation_deg=12.0, dec_deg=48.0,
    ),
}  # fmt: skip


def scene_of(name: str, size: int = SIZE) -> Scene:
    """Return a picture by its name, with the stars from S/N 1 on, in a frame of so many pixels along each side."""
    scene = SCENES[name]
    low, counted = flux_of(scene, FAINTEST_SNR), flux_of(scene, COUNTED_SNR)
    n = scene.n_stars * (size / SIZE) ** 2 * (counted / low) ** scene.slope
    return replace(
        scene,
        shape=(size, size),
        n_stars=round(n),
        faintest=low,
        brightest=BRIGHTEST,
        distortion=scene.distortion * size / SIZE,
        bad_columns=tuple(column for column in scene.bad_columns if column < size),
    )
