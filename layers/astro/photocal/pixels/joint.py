"""All stars of an image measured together: positions and fluxes by Gauss-Newton, and rounds of looking for more.

A round fits the stars that are known, takes them off, finds the sky anew in what is left, and looks there for stars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Bools, Floats, Ints, Pixels
from photocal.pixels import ground, haloes, judge, pairs, saturated
from photocal.pixels.peaks import find_peaks
from photocal.pixels.psf import FieldPsf
from photocal.pixels.records import Fitted, Prepared, Sources
from photocal.pixels.render import Stamps, blank_outside, pixels_of, render

Progress = Callable[[float], None]

_STEPS = (3, 3, 2, 3)  # of each round
_FIRST_THRESHOLD, _THRESHOLD = 4.0, 4.5  # signal to noise of a peak
_KEPT, FALSE_BELOW = 2.5, 5.0  # signal to noise: of stars while they are fitted, and of those reported
_CORE, _PAIR, _SAME, _NEW = 1.6, 1.7, 0.45, 0.6  # FWHM: half of the core; coupled; the same star; from known ones
_MOST_SHIFT, _LATER_SHIFT = 0.4, 0.25  # pixels in a step
_MODEL_ERROR = 0.03  # of a known star's light in a pixel, when others are looked for in its residuals


class Stars(NamedTuple):
    """Each (n,)."""

    x: Floats
    y: Floats
    flux: Floats

    def select(self, mask: Bools | Ints) -> Stars:
        """Return those that a mask or indices pick."""
        return Stars(self.x[mask], self.y[mask], self.flux[mask])


class Step(NamedTuple):
    """A Gauss-Newton step: (n, 3) changes of flux, x and y, the equations, and the model it started from."""

    change: Floats
    normal: pairs.Normal
    model: Pixels


def fit_together(prepared: Prepared, psf: FieldPsf, *, progress: Progress | None = None) -> Fitted:
    """Find and measure all stars of an image.

    Parameters
    ----------
    prepared
        The image.
    psf
        What a star of flux 1 looks like.
    progress
        Called with the share of the work that is done, 0 to 1.

    Returns
    -------
    Fitted
        The stars of five times their error and more, that are no sharper than a star and not drowned in the light of
        others, in the order of y and x; the model is of these.
    """
    full = saturated.patches(prepared, psf, prepared.data - prepared.sky)
    under = ground.first(prepared, psf, full, core_half(prepared))
    noisy = prepared
    stars = _new_stars(prepared, psf, prepared.data - under.sky, prepared.noise_variance, _FIRST_THRESHOLD)
    stars = _joined(stars.select(~full.touch(stars.x, stars.y, prepared.fwhm)), Stars(*full[:3]))
    for number, steps in enumerate(_STEPS):
        if number == len(_STEPS) - 1:
            stars = stars.select(~haloes.pieces(*stars, prepared.fwhm))
        stars = _fit(noisy, psf, stars, under.sky, steps)
        model = _draw(prepared, psf, stars)
        under = ground.anew(prepared, model, under, number)
        noisy = replace(prepared, noise_variance=under.noise_variance)
        if number < len(_STEPS) - 1:
            variance = under.noise_variance + np.maximum(model, 0) / np.float32(prepared.gain)
            light = prepared.data - model - under.sky
            new = _new_stars(
                prepared, psf, light, variance + (_MODEL_ERROR * model) ** 2, _THRESHOLD, (stars.x, stars.y)
            )
            stars = _joined(stars, new)
        if progress is not None:
            progress((number + 1) / (len(_STEPS) + 1))
    fitted = _finish(noisy, psf, stars, under.sky, full)
    if progress is not None:
        progress(1.0)
    return fitted


def _joined(stars: Stars, more: Stars) -> Stars:
    return Stars(*(np.concatenate(both) for both in zip(stars, more, strict=True)))


def core_half(prepared: Prepared) -> int:
    """Return half the width of the stamps that stars are fitted on, pixels."""
    return int(np.ceil(_CORE * prepared.fwhm))


def _draw(prepared: Prepared, psf: FieldPsf, stars: Stars, cores: Stamps | None = None) -> Pixels:
    return render(psf, *stars, rms=prepared.rms, half=core_half(prepared), cores=cores)


def _new_stars(
    prepared: Prepared,
    psf: FieldPsf,
    light: Pixels,
    variance: Pixels,
    threshold: float,
    known: tuple[Floats, Floats] | None = None,
) -> Stars:
    """Return the stars that peaks show, away from those known, with a first guess of their fluxes."""
    x, y = find_peaks(light, variance, prepared.bad, prepared.fwhm, threshold)
    if known is not None and known[0].size and x.size:
        distance, _ = cKDTree(np.column_stack(known)).query(np.column_stack([x, y]))
        x, y = x[distance > _NEW * prepared.fwhm], y[distance > _NEW * prepared.fwhm]
    peak = np.maximum(light[y.astype(np.int64), x.astype(np.int64)], prepared.rms)
    return Stars(x, y, 1.1 * peak / psf.moffat(x, y).norm)


def _fit(prepared: Prepared, psf: FieldPsf, stars: Stars, sky: Pixels, steps: int) -> Stars:
    """Take steps, and leave out stars that vanish, leave the image, or fall on a brighter one."""
    ny, nx = prepared.shape
    for number in range(steps):
        if not stars.x.size:
            break
        stars = stars.select(np.argsort(psf.tables.phase(stars.x, stars.y), kind="stable"))
        step = take_step(prepared, psf, stars, sky)
        most = _MOST_SHIFT if number < 2 else _LATER_SHIFT  # noqa: PLR2004 - the first two
        x = stars.x + np.clip(step.change[:, 1], -most, most)
        y = stars.y + np.clip(step.change[:, 2], -most, most)
        flux = stars.flux + step.change[:, 0]
        keep = flux * step.normal.scale[:, 0] > _KEPT
        keep &= (x > -1) & (x < nx) & (y > -1) & (y < ny)
        close = pairs.near(x, y, _SAME * prepared.fwhm)
        keep[np.where(flux[close[:, 0]] < flux[close[:, 1]], close[:, 0], close[:, 1])] = False
        stars = Stars(x, y, flux).select(keep)
    return stars


def take_step(prepared: Prepared, psf: FieldPsf, stars: Stars, sky: Pixels) -> Step:
    """Return one Gauss-Newton step of all stars together."""
    half = core_half(prepared)
    ix, iy, slopes = psf.stamps(stars.x, stars.y, half)
    model = _draw(prepared, psf, stars, (ix, iy, slopes))
    places, cut, within = pixels_of(ix, iy, half, prepared.shape)
    light = model.ravel()[places]
    variance = prepared.noise_variance.ravel()[places] + np.maximum(light, 0) / np.float32(prepared.gain)
    weight = np.where(prepared.bad.ravel()[places], np.float32(0), 1 / np.sqrt(variance))
    blank_outside(weight, cut, within)
    weight *= _disc(half)
    left = (prepared.data.ravel()[places] - sky.ravel()[places] - light) * weight
    slopes[:, 1:] *= np.maximum(stars.flux, 1).astype(np.float32)[:, None, None, None]
    slopes *= weight[:, None]
    gradient = np.matmul(slopes.reshape(len(slopes), 3, -1), left.reshape(len(left), -1, 1))[..., 0]
    coupled = pairs.near(stars.x, stars.y, _PAIR * prepared.fwhm)
    normal = pairs.normal_equations(slopes, ix, iy, coupled)
    return Step(pairs.solve(normal, gradient.astype(np.float64)), normal, model)


def _disc(half: int) -> Pixels:
    offsets = np.arange(-half, half + 1)
    return (np.hypot(offsets[:, None], offsets) <= half + 0.5).astype(np.float32)


def _finish(prepared: Prepared, psf: FieldPsf, stars: Stars, sky: Pixels, full: saturated.Patches) -> Fitted:
    """Return the stars with their errors, judged, the false ones left out."""
    if not stars.x.size:
        nothing = np.zeros(0)
        empty = Sources(**dict.fromkeys(judge.COLUMNS, nothing), flags=np.zeros(0, np.int64))
        model = np.zeros(prepared.shape, np.float32)
        return Fitted(sources=empty, psf=psf, model=model, sky=sky, noise_variance=prepared.noise_variance)
    step = take_step(prepared, psf, stars, sky)
    errors = pairs.marginal_errors(step.normal)
    sources = judge.judged(prepared, psf, stars, errors=errors, change=step.change, model=step.model, sky=sky)
    real = (sources.flux > FALSE_BELOW * sources.flux_err) & ~judge.sharper_than_a_star(sources)
    real &= ~judge.drowned(psf, sources, step.model)
    kept = saturated.with_lost(sources.select(real), full, prepared, sky)
    kept = kept.select(np.lexsort((kept.x, kept.y)))
    model = _draw(prepared, psf, Stars(kept.x, kept.y, kept.flux))
    return Fitted(sources=kept, psf=psf, model=model, sky=sky, noise_variance=prepared.noise_variance)
