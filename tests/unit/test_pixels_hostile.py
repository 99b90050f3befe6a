"""Images that nobody should send: each is measured or refused with a code, and none crashes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cpcs.errors import BlankImage, TooFewStars, TrailedStars
from photocal.images import Image
from photocal.pixels.measure import measure_plane
from photocal.pixels.records import Detector, Photometry

SIDE, SKY = 200, 300.0


def stars(fwhm: float = 3.0, axis_ratio: float = 1.0, n: int = 30) -> Any:
    """Return stars that are so many times wider along the rows than along the columns, on a sky with noise."""
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:SIDE, :SIDE]
    light = np.full((SIDE, SIDE), SKY)
    sigma = fwhm / 2.3548
    for _ in range(n):
        dx, dy, flux = x - rng.uniform(10, SIDE - 10), y - rng.uniform(10, SIDE - 10), 10 ** rng.uniform(3.3, 4.5)
        shape = np.exp(-0.5 * ((dx / axis_ratio) ** 2 + dy**2) / sigma**2)
        light += flux / (2 * np.pi * sigma**2 * axis_ratio) * shape
    return rng.poisson(light)


def noise(*shape: int) -> Any:
    return np.random.default_rng(9).normal(100.0, 5.0, shape)


def measured(pixels: Any, detector: Detector | None = None) -> Photometry:
    return measure_plane(Image(data=np.ascontiguousarray(pixels, np.float32)), detector or Detector())


EVEN = np.add.outer(np.arange(SIDE), np.arange(SIDE))
AWAY = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2))
NOTHING = {
    "zero": np.zeros((SIDE, SIDE)),
    "constant": np.full((SIDE, SIDE), 77.0),
    "one pixel": np.ones((1, 1)),
    "strip": noise(3, 2000),
    "standing strip": noise(2000, 3),
    "noise": noise(SIDE, SIDE),
    "negative": -noise(SIDE, SIDE),
    "gradient": 3.0 * EVEN + noise(SIDE, SIDE),
    "step": np.where(EVEN < SIDE, 100.0, 5000.0) + noise(SIDE, SIDE),
    "full": np.full((SIDE, SIDE), 65535.0),
    "checkerboard": 1000.0 * (EVEN % 2),
    "a galaxy alone": 3000.0 * np.exp(-AWAY / 25.0) + noise(SIDE, SIDE),
    "a star larger than the image": np.minimum(1e7 * np.exp(-0.5 * (AWAY / 40.0) ** 2), 65535.0) + noise(SIDE, SIDE),
    "hot pixels": noise(SIDE, SIDE) + np.where(np.random.default_rng(1).random((SIDE, SIDE)) < 0.02, 5000.0, 0.0),
}


@pytest.mark.parametrize("what", NOTHING)
def test_no_stars_is_what_it_says(what: str) -> None:
    with pytest.raises(TooFewStars) as refused:
        measured(NOTHING[what])
    assert refused.value.code == "NO_STARS"


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_no_numbers(value: float) -> None:
    with pytest.raises(BlankImage):
        measured(np.full((SIDE, SIDE), value))


def test_trails() -> None:
    with pytest.raises(TrailedStars) as refused:
        measured(stars(axis_ratio=5.0))
    assert refused.value.code == "STARS_TRAILED"
    found = measured(stars(axis_ratio=1.8))
    assert 26 <= len(found.fitted.sources) <= 34
    assert found.quality["ellipticity"] == pytest.approx(1 - 1 / 1.8, abs=0.05)


@pytest.mark.parametrize("fwhm", [1.0, 12.0])
def test_narrow_and_broad(fwhm: float) -> None:
    assert 15 <= len(measured(stars(fwhm)).fitted.sources) <= 34


@pytest.mark.parametrize(
    "said", [{"gain": 0.0}, {"gain": -1.0}, {"gain": 1e9}, {"gain": 1e-9}, {"saturation": -5.0}, {"gain": float("nan")}]
)
def test_what_no_detector_has(said: dict[str, float]) -> None:
    found = measured(stars(), Detector(**said))
    assert found.prepared.gain == pytest.approx(1.0, rel=0.2)
    assert np.isfinite(found.fitted.sources.flux_err).all()
    assert 26 <= len(found.fitted.sources) <= 34


def test_a_star_on_a_galaxy() -> None:
    rng = np.random.default_rng(4)
    galaxy, sigma, flux = 400.0 * np.exp(-AWAY / 18.0), 3.0 / 2.3548, 6000.0
    y, x = np.mgrid[:SIDE, :SIDE]
    there = flux / (2 * np.pi * sigma**2) * np.exp(-0.5 * ((x - 112.3) ** 2 + (y - 84.6) ** 2) / sigma**2)
    found = measured(stars() + rng.poisson(galaxy + there))
    sources = found.fitted.sources
    assert len(sources) <= 45  # 30 stars, this one, and the nucleus
    nearest = int(np.argmin(np.hypot(sources.x - 112.3, sources.y - 84.6)))
    assert abs(sources.flux[nearest] - flux) < 4 * sources.flux_err[nearest]
    assert sources.flux_err[nearest] < 0.06 * flux


def test_noise_that_neighbours_share_is_no_crowd() -> None:
    smooth = np.random.default_rng(5).normal(0.0, 20.0, (SIDE + 1, SIDE + 1))
    smooth = (smooth[1:, 1:] + smooth[:-1, 1:] + smooth[1:, :-1] + smooth[:-1, :-1]) / 2
    found = measured(stars() + smooth)
    assert 20 <= len(found.fitted.sources) <= 36
    assert "neighbours" in found.prepared.notes["noise"]
