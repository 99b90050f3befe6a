"""The figure of the stars of the PSF: it is drawn, whatever there is to draw."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import numpy as np
import pytest

from photocal.figures.psf_stars import mosaic, psf_stars
from photocal.images import Image
from photocal.pixels.prepare import prepare
from photocal.pixels.psf_stars import choose_psf_stars
from photocal.pixels.records import Detector, Fitted, Photometry, Psf, Sources


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
        fitted=Fitted(
            sources=Sources(**none),
            psf=cast("Psf", None),
            model=np.zeros_like(ready.data),
            sky=ready.sky,
            noise_variance=ready.noise_variance,
        ),
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
