"""The figures of the stars of the PSF and of the plate solution: drawn, whatever there is to draw."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from photocal.astrometry.plane import Plane
from photocal.astrometry.refine import refine
from photocal.figures.astrometry import astrometry
from photocal.figures.psf_stars import mosaic, psf_stars
from photocal.images import Image
from photocal.imaging import MeasuredPlane
from photocal.pixels.prepare import prepare
from photocal.pixels.psf_stars import choose_psf_stars
from photocal.pixels.records import Detector, Fitted, Photometry, Psf, Sources
from photocal.references import ReferenceStars


def photometry(n: int, shape: tuple[int, int]) -> Photometry:
    """Return what a figure gets of an image with n stars; it does not look at the fit."""
    rng = np.random.default_rng(1)
    data = rng.normal(400, 16, shape)
    rows, columns = np.indices(shape)
    for _ in range(n):
        x, y = rng.uniform(20, shape[1] - 20), rng.uniform(20, shape[0] - 20)
        data += 5_000 * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / 1.3**2)
    ready = prepare(Image(data=data.astype(np.float32)), Detector())
    none: dict[str, Any] = {item.name: np.zeros(0, dtype=np.int64) for item in fields(Sources)}
    return Photometry(
        prepared=ready,
        psf_stars=choose_psf_stars(ready),
        fitted=Fitted(sources=Sources(**none), psf=cast("Psf", None), model=np.zeros_like(ready.data), sky=ready.sky),
        aperture_correction_mag=0.0,
        aperture_correction_err=0.0,
        quality={},
        seconds={},
    )


@pytest.mark.parametrize(("n", "shape"), [(0, (64, 64)), (1, (64, 200)), (40, (300, 200))])
def test_the_stars_of_the_psf(n: int, shape: tuple[int, int]) -> None:
    measured = photometry(n, shape)
    assert psf_stars(measured).startswith(b"\x89PNG")
    shown = mosaic(measured.psf_stars, measured.prepared)
    side = len(shown) // 5
    brightest = shown.reshape(5, side, 5, side).max(axis=(1, 3))
    assert np.count_nonzero(brightest > 0.99) == min(np.count_nonzero(measured.psf_stars.taken), 25)


@pytest.mark.parametrize("n", [0, 7, 600])
def test_the_plate_solution(n: int) -> None:
    """Drawn with no star, with few, with more than get an arrow."""
    rng = np.random.default_rng(2)
    scale = 1.0 / 3600.0
    truth = Plane(place=(10.0, 20.0), reference_pixel=(99.5, 149.5), matrix=((-scale, 0.0), (0.0, scale)))
    x, y = rng.uniform(0, 199, n), rng.uniform(0, 299, n)
    ra, dec = truth.sky(x, y)
    error, flux = np.full(n, 0.1), np.arange(n) + 1.0
    measured = x + rng.normal(0, 0.1, n), y + rng.normal(0, 0.1, n)
    stars = ReferenceStars(catalogue="GAIA", ra_deg=ra, dec_deg=dec)
    solution = refine(*measured, error, error, flux, np.zeros(n, dtype=np.int64), (300, 200), stars, truth)
    sources = SimpleNamespace(x=measured[0], y=measured[1], flux=flux)
    photometry = SimpleNamespace(prepared=SimpleNamespace(shape=(300, 200)), fitted=SimpleNamespace(sources=sources))
    plane = cast("MeasuredPlane", SimpleNamespace(solution=solution, photometry=photometry))
    assert astrometry(plane).startswith(b"\x89PNG")
