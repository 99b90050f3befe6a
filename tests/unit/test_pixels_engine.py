"""The PSF, all stars together, and forced flux, on simulated frames whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from photocal.arrays import Floats, Pixels
from photocal.pixels import flags, judge, moffat, residual
from photocal.pixels.forced import forced_flux
from photocal.pixels.joint import fit_together
from photocal.pixels.psf import FieldPsf
from photocal.pixels.psf_fit import fit_psf
from photocal.pixels.records import Fitted, Prepared, PsfStars
from photocal.pixels.render import render

SIZE, SKY, GAIN, READ_NOISE, SATURATION = 256, 300.0, 1.6, 4.0, 55_000.0
FWHM, BETA, RATIO = 3.1, 3.2, 0.9  # of the major axis along x; what the simulation draws
FINE = 5  # points of a pixel's axis that the simulation adds up


class Truth(NamedTuple):
    """Stars of a simulated frame."""

    x: Floats
    y: Floats
    flux: Floats


def starlight(truth: Truth, across: Floats) -> Floats:
    """Return the light of all stars; ``across`` are the FWHM along x, one for each star."""
    ny = nx = SIZE
    light = np.zeros((ny, nx))
    fine = (np.arange(SIZE * FINE) + 0.5) / FINE - 0.5
    for x, y, flux, wide in zip(*truth, across, strict=True):
        ax, ay = (width / 2 / np.sqrt(2 ** (1 / BETA) - 1) for width in (wide, wide * RATIO))
        q = 1 + ((fine - x) / ax)[None, :] ** 2 + ((fine - y) / ay)[:, None] ** 2
        drawn = flux * (BETA - 1) / np.pi / ax / ay * q**-BETA
        light += drawn.reshape(ny, FINE, nx, FINE).mean((1, 3))
    return light


def frame(truth: Truth, *, across: Floats | None = None, seed: int = 5, bad: tuple[int, int] | None = None) -> Prepared:
    """Return a frame of these stars with photon and read noise, prepared with what the simulation knows."""
    rng = np.random.default_rng(seed)
    light = starlight(truth, np.full(truth.x.size, FWHM) if across is None else across)
    data = rng.poisson((light + SKY) * GAIN) / GAIN + rng.normal(0, READ_NOISE / GAIN, light.shape)
    variance = SKY / GAIN + (READ_NOISE / GAIN) ** 2
    saturated = data > SATURATION
    cosmic = np.zeros(light.shape, np.bool_)
    if bad is not None:
        cosmic[bad] = True
        data[bad] += 5000
    return Prepared(
        data=np.minimum(data, SATURATION).astype(np.float32),
        sky=np.full(light.shape, SKY, np.float32),
        rms=float(np.sqrt(variance)),
        noise_variance=np.full(light.shape, variance, np.float32),
        bad=saturated | cosmic,
        saturated=saturated,
        cosmic=cosmic,
        gain=GAIN,
        saturation=SATURATION,
        fwhm=FWHM,
    )


def field(n: int = 60, *, seed: int = 3) -> Truth:
    """Return stars on a jittered grid, of 1,500 to 200,000 counts."""
    rng = np.random.default_rng(seed)
    gx, gy = (item.ravel()[:n] for item in np.meshgrid(np.arange(20, 240, 28.0), np.arange(20, 240, 28.0)))
    return Truth(gx + rng.uniform(-3, 3, n), gy + rng.uniform(-3, 3, n), 10 ** rng.uniform(3.2, 5.3, n))


def chosen(truth: Truth, most: int | None = None) -> PsfStars:
    """Return the brightest as stars for the PSF."""
    best = np.argsort(-truth.flux)[:most]
    return PsfStars(x=truth.x[best], y=truth.y[best], flux=truth.flux[best], reasons=("",) * len(best))


def nearest(fitted: Fitted, truth: Truth) -> tuple[np.ndarray, Floats]:
    """Return for each true star the nearest measured one, and its distance."""
    found = fitted.sources
    distance = np.hypot(found.x[:, None] - truth.x, found.y[:, None] - truth.y)
    return distance.argmin(0), distance.min(0)


@pytest.fixture(scope="module")
def truth() -> Truth:
    """Return a field of sixty stars."""
    return field()


@pytest.fixture(scope="module")
def prepared(truth: Truth) -> Prepared:
    """Return a frame of them."""
    return frame(truth)


@pytest.fixture(scope="module")
def fitted(truth: Truth, prepared: Prepared) -> Fitted:
    """Return the frame measured."""
    return fit_together(prepared, fit_psf(prepared, chosen(truth)))


def test_the_psf_is_what_was_drawn(truth: Truth, prepared: Prepared) -> None:
    """Width, shape and wings come back, in the middle and at the edge."""
    psf = fit_psf(prepared, chosen(truth))
    x, y = np.array([128.0, 30.0]), np.array([128.0, 220.0])
    np.testing.assert_allclose(psf.fwhm(x, y), FWHM * np.sqrt(RATIO), rtol=0.01)
    np.testing.assert_allclose(psf.ellipticity(x, y), 1 - RATIO, atol=0.01)
    assert psf.order == 2
    assert psf.beta == pytest.approx(BETA, rel=0.04)


def test_a_psf_that_varies_is_followed() -> None:
    """A FWHM that grows by a fifth across the field is found at both sides."""
    truth = field()
    across = FWHM * (0.9 + 0.2 * truth.x / SIZE)
    psf = fit_psf(frame(truth, across=across), chosen(truth))
    x = np.array([30.0, 226.0])
    wanted = FWHM * (0.9 + 0.2 * x / SIZE) * np.sqrt(RATIO)
    np.testing.assert_allclose(psf.fwhm(x, np.array([128.0, 128.0])), wanted, rtol=0.015)


@pytest.mark.parametrize(("n", "order"), [(60, 2), (12, 1), (3, 0), (0, 0)])
def test_few_stars_make_a_simple_psf(truth: Truth, prepared: Prepared, n: int, order: int) -> None:
    """The order of the polynomials follows the number of stars; none give a round Moffat of the image's FWHM."""
    psf = fit_psf(prepared, chosen(truth, n))
    middle = np.array([128.0])
    assert psf.order == order
    assert psf.fwhm(middle, middle)[0] == pytest.approx(FWHM if n == 0 else FWHM * np.sqrt(RATIO), rel=0.02)
    if n == 0:
        assert psf.beta == pytest.approx(3.0)


def test_stamps_are_the_pixel_integral_and_their_slopes_its_derivatives() -> None:
    """Tables and formula agree; derivatives agree with differences of stamps."""
    psf = FieldPsf((SIZE, SIZE), 0, np.array([[np.log(FWHM), 0.05, -0.04]]), float(np.log(BETA - 1)))
    x, y = np.array([100.37, 51.88]), np.array([80.21, 200.46])
    ix, iy, stamps = psf.stamps(x, y, 8)
    offsets = np.arange(-8, 9)
    dx: Pixels = (offsets[None, None, :] + (ix - x)[:, None, None]).astype(np.float32)
    dy: Pixels = (offsets[None, :, None] + (iy - y)[:, None, None]).astype(np.float32)
    light, slopes = moffat.pixel_values(dx, dy, psf.shape(x, y))
    peak = float(light.max())
    np.testing.assert_allclose(stamps[:, 0], light, atol=1e-3 * peak)
    np.testing.assert_allclose(stamps[:, 1], slopes[4], atol=0.03 * peak)
    np.testing.assert_allclose(stamps[:, 2], slopes[5], atol=0.03 * peak)


def test_the_derivatives_by_shape_are_those_of_the_profile() -> None:
    """Each of the four agrees with a central difference."""
    offsets = np.arange(-8, 9, dtype=np.float32)
    shape = np.array([[np.log(3.0), 0.08, -0.05, np.log(2.2)]])
    dx, dy = offsets[None, None, :] - np.float32(0.3), offsets[None, :, None] + np.float32(0.2)
    light, slopes = moffat.pixel_values(dx, dy, shape)
    for k in range(4):
        step = np.zeros((1, 4))
        step[0, k] = 0.01
        difference = moffat.pixel_values(dx, dy, shape + step)[0] - moffat.pixel_values(dx, dy, shape - step)[0]
        np.testing.assert_allclose(slopes[k], difference / 0.02, atol=5e-4 * float(light.max()))


def test_all_stars_are_found_and_none_is_made_up(truth: Truth, fitted: Fitted) -> None:
    """Each star is there once, at its place, with its flux; the errors are those of the differences."""
    index, distance = nearest(fitted, truth)
    found = fitted.sources
    assert len(found) == truth.x.size
    assert len(set(index)) == truth.x.size
    assert distance.max() < 0.3
    for measured, error, true in (
        (found.flux, found.flux_err, truth.flux),
        (found.x, found.x_err, truth.x),
        (found.y, found.y_err, truth.y),
    ):
        pulls = (measured[index] - true) / error[index]
        assert 0.7 < np.sqrt(np.mean(pulls**2)) < 1.4
    assert np.median(found.chi2) == pytest.approx(1.0, abs=0.1)
    assert np.abs(found.sharpness).max() < 5
    assert not (found.flags & (flags.SATURATED | flags.CUT | flags.DEFECT | flags.POOR_FIT)).any()
    assert np.all(np.diff(found.y) >= 0)


def test_the_model_takes_the_stars_off(prepared: Prepared, fitted: Fitted) -> None:
    """What is left is noise."""
    left = prepared.data - fitted.sky - fitted.model
    noise = np.sqrt(prepared.noise_variance + np.maximum(fitted.model, 0) / prepared.gain)
    assert np.std(left / noise) == pytest.approx(1.0, abs=0.03)


def test_a_blend_is_two_stars_with_larger_errors(truth: Truth, fitted: Fitted) -> None:
    """Two stars at 0.9 FWHM are told apart, flagged, and their errors are larger than alone."""
    k = int(np.argsort(truth.flux)[30])
    second = truth.x[k] + 0.9 * FWHM, truth.y[k], truth.flux[k]
    pair = Truth(*(np.append(column, value) for column, value in zip(truth, second, strict=True)))
    prepared = frame(pair)
    both = fit_together(prepared, fit_psf(prepared, chosen(truth, 25)))
    index, distance = nearest(both, pair)
    alone, _ = nearest(fitted, truth)
    stars = both.sources
    assert len(stars) == pair.x.size
    assert max(distance[k], distance[-1]) < 0.3
    for one in (k, -1):
        assert abs(stars.flux[index[one]] - pair.flux[one]) < 4 * stars.flux_err[index[one]]
        assert stars.flags[index[one]] & flags.BLENDED
        assert stars.flags[index[one]] & flags.NEIGHBOUR
        assert stars.flux_err[index[one]] > 1.05 * fitted.sources.flux_err[alone[k]]


def test_what_is_wrong_with_a_star_is_flagged() -> None:
    """A saturated star, one cut by the edge and one with a cosmic ray in its core say so, and are measured still."""
    truth = Truth(np.array([60.2, 0.4, 180.0]), np.array([60.7, 130.3, 180.3]), np.array([1.5e6, 4e4, 4e4]))
    prepared = frame(truth, bad=(181, 181))
    psf = FieldPsf(
        (SIZE, SIZE), 0, np.array([[np.log(FWHM * np.sqrt(RATIO)), np.log(1 / RATIO), 0.0]]), np.log(BETA - 1)
    )
    measured = fit_together(prepared, psf)
    index, _ = nearest(measured, truth)
    found = measured.sources
    kinds = flags.SATURATED | flags.CUT | flags.DEFECT
    assert [int(item) & kinds for item in found.flags[index]] == [flags.SATURATED, flags.CUT, flags.DEFECT]
    np.testing.assert_allclose(found.flux[index], truth.flux, rtol=0.05)
    assert len(found) == truth.x.size


def test_an_unmasked_hot_pixel_is_no_star(truth: Truth, prepared: Prepared) -> None:
    """A single bright pixel that nothing masked is sharper than a star, and left out."""
    data = prepared.data.copy()
    data[8, 8] += 3000
    hot = replace(prepared, data=data)
    measured = fit_together(hot, fit_psf(hot, chosen(truth)))
    assert len(measured.sources) == truth.x.size


def test_an_empty_frame_has_no_stars() -> None:
    """Noise alone gives nothing, and no error; progress comes to its end."""
    nothing = np.zeros(0)
    prepared = frame(Truth(nothing, nothing, nothing))
    told: list[float] = []
    measured = fit_together(prepared, fit_psf(prepared, chosen(Truth(nothing, nothing, nothing))), progress=told.append)
    assert len(measured.sources) == 0
    assert not measured.model.any()
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert (
        abs(forced_flux(prepared, measured, 100.0, 90.0).flux)
        < 5 * forced_flux(prepared, measured, 100.0, 90.0).flux_err
    )


def test_forced_flux_puts_the_star_itself_back(truth: Truth, prepared: Prepared, fitted: Fitted) -> None:
    """At a star's place it has the star's flux, and beside it nothing, as the star is taken off."""
    k = int(np.argmax(truth.flux))
    at = forced_flux(prepared, fitted, truth.x[k], truth.y[k])
    beside = forced_flux(prepared, fitted, truth.x[k] + 1.5 * FWHM, truth.y[k])
    assert at.flux == pytest.approx(truth.flux[k], abs=4 * at.flux_err)
    assert at.flags == flags.FORCED
    assert at.usable_share == 1.0
    assert abs(beside.flux) < 5 * beside.flux_err


def test_forced_flux_where_pixels_are_missing(prepared: Prepared, fitted: Fitted) -> None:
    """The edge cuts it, or nothing of it is there."""
    edge, away = forced_flux(prepared, fitted, 128.0, 0.0), forced_flux(prepared, fitted, -60.0, 128.0)
    assert edge.flags & flags.CUT
    assert 0.4 < edge.usable_share < 0.8
    assert (away.flux, away.usable_share) == (0.0, 0.0)
    assert np.isinf(away.flux_err)


def test_what_a_bright_star_drowns_is_told(fitted: Fitted) -> None:
    """A source in the wings of a star of a thousand times its flux is drowned; the star itself, and others, are not."""
    bright = int(np.argmax(fitted.sources.flux))
    assert not judge.drowned(fitted.psf, fitted.sources, fitted.model).any()
    faint = fitted.sources.select(np.array([bright]))
    faint = replace(faint, x=faint.x + FWHM, flux=faint.flux / 1000)
    assert judge.drowned(fitted.psf, faint, fitted.model).all()


def test_what_a_moffat_has_not_got_of_the_psf_is_found(truth: Truth, prepared: Prepared, fitted: Fitted) -> None:
    """A lopsided PSF comes back, adds up to 1, and leaves positions where its peak is; a Moffat alone moves them."""
    table = np.zeros((3, len(residual.FUNCTIONS)))
    table[0] = 0.006 * residual.FUNCTIONS.reshape(-1, residual.ORDER + 1, residual.ORDER + 1)[:, 3, 0]
    table[0] += 0.006 * residual.FUNCTIONS.reshape(-1, residual.ORDER + 1, residual.ORDER + 1)[:, 1, 2]
    real = replace(fitted.psf, residual=residual.Residual((SIZE, SIZE), table))
    light, plain = (render(psf, *truth, rms=prepared.rms, half=6).image for psf in (real, fitted.psf))
    light = light - plain
    bent = replace(prepared, data=prepared.data + light)
    psf = fit_psf(bent, chosen(truth))
    assert psf.residual is not None
    _, _, (found,) = psf.stamps(truth.x[:1], truth.y[:1], psf.half)
    _, _, (wanted,) = real.stamps(truth.x[:1], truth.y[:1], psf.half)
    assert float(found[0].sum()) == pytest.approx(1.0, abs=0.015)
    assert np.abs(found[0] - wanted[0]).max() < 0.01 * wanted[0].max()
    off = []
    for kind in (psf, replace(psf, residual=None)):
        stars = fit_together(bent, kind).sources
        index = np.hypot(stars.x[:, None] - truth.x, stars.y[:, None] - truth.y).argmin(0)
        off.append(abs(np.average(stars.x[index] - truth.x, weights=stars.x_err[index] ** -2.0)))
    assert off[0] < 0.005 < off[1]


def test_a_moffat_needs_nothing_beyond_it(truth: Truth, prepared: Prepared) -> None:
    """Noise is not taken for a part of the PSF, and few stars are not asked."""
    assert fit_psf(prepared, chosen(truth)).residual is None
    assert fit_psf(prepared, chosen(truth, 12)).residual is None


def test_errors_grow_where_stars_are_too_many_to_be_seen(truth: Truth, prepared: Prepared, fitted: Fitted) -> None:
    """Unseen stars, one in ten pixels, make errors larger, about as much as they scatter fluxes."""
    rng = np.random.default_rng(11)
    faint = np.zeros((SIZE, SIZE))
    np.add.at(faint, tuple(rng.integers(0, SIZE, (2, 6500))), rng.uniform(20, 130, 6500))
    light = gaussian_filter(faint, FWHM / 2.35)
    full = replace(prepared, data=(prepared.data + light).astype(np.float32))
    measured = fit_together(full, fitted.psf)
    (one, _), (two, apart) = nearest(fitted, truth), nearest(measured, truth)
    weak = (truth.flux < np.quantile(truth.flux, 0.4)) & (apart < 1)
    assert np.median((measured.sources.flux_err[two] / fitted.sources.flux_err[one])[weak]) > 1.06
    pulls = (measured.sources.flux[two] - truth.flux)[weak] / measured.sources.flux_err[two][weak]
    assert 0.5 < 1.4826 * np.median(np.abs(pulls - np.median(pulls))) < 1.8
