"""An image made ready, and the stars of its PSF: small simulated frames with every defect that a detector has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.special import erf

from cpcs.errors import BlankImage
from photocal.images import Image
from photocal.pixels.background import mesh_of
from photocal.pixels.noise import gain_of
from photocal.pixels.prepare import prepare
from photocal.pixels.psf_stars import choose_psf_stars
from photocal.pixels.records import Detector

SKY, GAIN, READ_NOISE = 400.0, 1.6, 5.0
DETECTOR = Detector(gain=GAIN, read_noise_e=READ_NOISE, saturation=60_000.0)
NOISE = float(np.sqrt(SKY / GAIN + (READ_NOISE / GAIN) ** 2 + 1 / 12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A simulated image before any defect, and where its stars are."""

    data: Any
    x: Any
    y: Any
    flux: Any


def field(fwhm: float = 3.0, *, side: int = 256, n: int = 40, brightest: float = 3e5, seed: int = 1) -> Field:
    """Return Gaussian stars, integrated over pixels, on a jittered grid; the brightest first, down to a hundredth."""
    rng = np.random.default_rng(seed)
    per_side = max(1, int(np.ceil(np.sqrt(n))))
    cells = rng.permutation(per_side**2)[:n]
    step = side / per_side
    x = (cells % per_side + 0.5 + rng.uniform(-0.2, 0.2, n)) * step
    y = (cells // per_side + 0.5 + rng.uniform(-0.2, 0.2, n)) * step
    flux = brightest * np.logspace(0, -2, n)
    edges = (np.arange(side + 1) - 0.5)[None, :]
    sigma = fwhm / 2.3548 * np.sqrt(2)
    along_x, along_y = (np.diff(0.5 * erf((edges - at[:, None]) / sigma), axis=1) for at in (x, y))
    light = np.einsum("n,ny,nx->yx", flux, along_y, along_x) + SKY
    counts = rng.poisson(light * GAIN) / GAIN + rng.normal(0, READ_NOISE / GAIN, light.shape)
    return Field(data=np.rint(counts).clip(0, 60_000).astype(np.float32), x=x, y=y, flux=flux)


def at(values: Any) -> Any:
    return np.rint(values).astype(int)


@pytest.mark.parametrize("fwhm", [1.3, 1.8, 3.0, 6.0])
def test_cores_of_stars_stay_and_the_numbers_are_right(fwhm: float) -> None:
    found = field(fwhm, brightest=60_000 * max(fwhm, 1.5) ** 2 * 0.5)
    ready = prepare(Image(data=found.data), DETECTOR)
    assert not ready.cosmic[at(found.y), at(found.x)].any()
    assert np.count_nonzero(ready.bad & ~ready.saturated) <= 2
    assert ready.fwhm == pytest.approx(np.hypot(fwhm, 0.8), rel=0.12)  # the pixel's own width is in it
    assert np.median(ready.sky) == pytest.approx(SKY, rel=0.01)
    assert np.sqrt(np.median(ready.noise_variance)) == pytest.approx(NOISE, rel=0.04)
    assert ready.rms == pytest.approx(NOISE, rel=0.06)
    assert ready.gain == GAIN
    assert "confirms" in ready.notes["gain"]


def test_defects_are_found() -> None:
    found = field()
    data = found.data.copy()
    rng = np.random.default_rng(2)
    hot = rng.integers(5, 250, (2, 30))
    data[hot[0], hot[1]] += 3_000
    for k in range(9):  # the track of a cosmic ray
        data[60 + k, 200 + k // 2] += 2_500
    data[:, 31] = 5
    data[128:, 77] += 400  # a part of a column
    data[210, :] = 5
    data[100, 100] = 0
    ready = prepare(Image(data=data), DETECTOR)
    assert ready.cosmic[hot[0], hot[1]].mean() > 0.9  # a few fell on stars or bad lines
    assert all(ready.bad[60 + k, 200 + k // 2] for k in range(9))
    assert ready.bad[:, 31].all()
    assert ready.bad[210].all()
    assert ready.bad[130:, 77].mean() > 0.9
    assert ready.bad[100, 100]
    assert np.count_nonzero(ready.bad) < 30 + 9 + 3 * 256 + 40
    assert ready.notes["n_cosmic"] >= 30


def test_what_holds_no_number_is_the_sky_and_bad() -> None:
    found = field()
    data = found.data.copy()
    data[40:60, 40:90] = np.nan
    data[:, 240:] = 0  # padding
    mask = np.isnan(data)
    mask[5, 5] = True
    ready = prepare(Image(data=data, mask=mask), DETECTOR)
    assert np.isfinite(ready.data).all()
    assert ready.bad[mask].all()
    assert ready.bad[:, 240:].all()
    assert np.allclose(ready.data[45:55, 45:85], SKY, rtol=0.02)
    assert np.allclose(ready.sky[:, :230], SKY, rtol=0.03)
    assert ready.notes["n_without_number"] == 1_001


def test_saturation_by_pile_up_where_the_header_is_silent_or_wrong() -> None:
    found = field(4.0, brightest=3e6)
    data = found.data.clip(None, 30_000)
    peak = at(found.y[:1]), at(found.x[:1])
    for header in (None, 65_535.0, 10.0):
        ready = prepare(Image(data=data), Detector(gain=GAIN, read_noise_e=READ_NOISE, saturation=header))
        assert ready.saturation == pytest.approx(30_000, rel=0.02)
        assert ready.saturated[data >= 30_000].all()
        assert ready.saturated[peak].all()
        assert "pile-up" in ready.notes["saturation"]
    assert prepare(Image(data=field().data), Detector()).saturation == np.inf


@pytest.mark.parametrize(
    ("header", "sky", "variance", "whole", "value", "word"),
    [
        (1.6, 400.0, 260.0, True, 1.6, "confirms"),
        (139.0, 400.0, 250.0, True, 1.6, "contradicts"),  # the setting of a camera
        (1.6, 1_400.0, 260.0, True, 1.6, "a bias"),
        (1.6, 400.0, 26.0, False, 400 / 26, "a mean or a rate"),
        (1.6, 0.1, 9.0, False, 1.6, "unchecked"),
        (None, 400.0, 250.0, True, 1.6, "header has none"),
        (None, 4_000.0, 10.0, True, 2.0, "full well"),
        (None, 0.0, 9.0, False, 1.0, "unknown"),
        (-1.0, 400.0, 250.0, True, 1.6, "header has none"),
    ],
)
def test_the_gain_is_checked(
    header: float | None, sky: float, variance: float, whole: bool, value: float, word: str
) -> None:
    found = gain_of(header=header, read_noise_e=5.0, sky=sky, variance=variance, highest=50_000.0, whole=whole)
    assert found.value == pytest.approx(value)
    assert word in found.how


def test_psf_stars_have_reasons() -> None:
    found = field(side=400, n=64, brightest=2e6)
    data = found.data.copy()
    inner = np.flatnonzero((np.abs(found.x - 200) < 120) & (np.abs(found.y - 200) < 120))
    pair, hit = inner[inner > 30][[0, -1]]  # not of the brightest
    y, x = at(found.y[pair]), at(found.x[pair])
    data[y - 5 : y + 6, x + 1 : x + 12] += found.data[y - 5 : y + 6, x - 5 : x + 6] - SKY  # the same star, 2 FWHM away
    data[at(found.y[hit]) + 1, at(found.x[hit]) - 1 : at(found.x[hit]) + 2] = 5
    ready = prepare(Image(data=data), DETECTOR)
    stars = choose_psf_stars(ready)

    def reason(k: int) -> str:
        return stars.reasons[int(np.argmin(np.hypot(stars.x - found.x[k], stars.y - found.y[k])))]

    assert reason(0) == "saturated"
    assert reason(pair) in {"blended", "unlike"}
    assert reason(hit) == "defect"
    taken = stars.taken
    distance = np.hypot(stars.x[taken][:, None] - found.x, stars.y[taken][:, None] - found.y).min(axis=1)
    assert taken.sum() >= 15
    assert distance.max() < 0.5
    assert (np.diff(stars.flux) <= 0).all()


def test_of_too_many_psf_stars_all_parts_of_the_image_give_some() -> None:
    found = field(side=400, n=100)
    stars = choose_psf_stars(prepare(Image(data=found.data), DETECTOR), most=30)
    assert stars.taken.sum() == 30
    assert "enough" in stars.reasons
    cells = set(zip((stars.x[stars.taken] // 80).astype(int), (stars.y[stars.taken] // 80).astype(int), strict=True))
    assert len(cells) >= 23


@pytest.mark.parametrize("shape", [(64, 64), (64, 300), (100, 65)])
def test_an_empty_sky_of_any_shape(shape: tuple[int, int]) -> None:
    data = np.rint(np.random.default_rng(4).normal(SKY, 16.0, shape)).astype(np.float32)
    ready = prepare(Image(data=data), Detector())
    assert ready.shape == shape
    assert ready.notes["fwhm"].startswith("no star")
    assert not ready.bad.any()
    assert not choose_psf_stars(ready).taken.any()
    assert mesh_of(shape) <= min(shape) // 4


def test_a_tiny_image_with_one_star() -> None:
    found = field(side=64, n=1)
    ready = prepare(Image(data=found.data), DETECTOR)
    assert ready.fwhm == pytest.approx(3.1, rel=0.15)
    assert choose_psf_stars(ready).taken.sum() == 1


def test_a_sky_that_was_subtracted_and_scaled() -> None:
    found = field()
    ready = prepare(Image(data=((found.data - SKY) / 1e4).astype(np.float32)), Detector(gain=GAIN))
    assert ready.rms == pytest.approx(NOISE / 1e4, rel=0.06)
    assert "too low to tell" in ready.notes["gain"]
    assert choose_psf_stars(ready).taken.sum() > 10


def test_a_sky_of_hardly_any_noise() -> None:
    data = field().data
    data[:] = np.rint((data - SKY) / 100) + 7
    ready = prepare(Image(data=data), Detector())
    assert np.min(ready.noise_variance) >= 1 / 12 - 1e-6
    assert np.isfinite(ready.rms)
    assert ready.rms > 0
    assert ready.bad.mean() < 0.01


@pytest.mark.parametrize("share", [0.4, 0.85])
def test_pixels_without_number_all_over(share: float) -> None:
    data = field().data
    data[np.random.default_rng(5).random(data.shape) < share] = np.nan
    ready = prepare(Image(data=data), DETECTOR)
    assert ready.rms == pytest.approx(NOISE, rel=0.15)
    assert np.sqrt(np.median(ready.noise_variance)) == pytest.approx(NOISE, rel=0.15)


def test_numbers_that_no_detector_counts_are_none() -> None:
    data = field().data
    data[10, 10], data[20, 20], data[30, 30] = 3e38, -3e38, np.inf
    ready = prepare(Image(data=data), DETECTOR)
    assert ready.notes["n_without_number"] == 3
    assert ready.rms == pytest.approx(NOISE, rel=0.06)
    with pytest.raises(BlankImage):
        prepare(Image(data=np.full((64, 64), 1e30, dtype=np.float32)), DETECTOR)
