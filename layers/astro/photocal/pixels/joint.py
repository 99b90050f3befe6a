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
from photocal.pixels import confusion, flags, ground, haloes, judge, pairs, saturated
from photocal.pixels.ground import Ground
from photocal.pixels.noise import variance_under
from photocal.pixels.peaks import find_peaks
from photocal.pixels.psf import FieldPsf
from photocal.pixels.records import Fitted, Prepared, Sources
from photocal.pixels.render import Canvas, render

Progress = Callable[[float], None]

_STEPS = (2, 3, 2, 3)  # of each round at most
_FEW = 0.01  # of those known: when so few stars are new, the next round is the last
_THRESHOLD = 4.0  # signal to noise of a peak
_KEPT, FALSE_BELOW, _WITH_UNSEEN = 2.5, 5.0, 4.6  # signal to noise: while they are fitted; reported; all errors in
_CORE, _PAIR, _SAME, _NEW = 1.6, 1.7, 0.45, 0.6  # FWHM: half of the core; coupled; the same star; from known ones
_MOST_SHIFT, _LATER_SHIFT = 0.4, 0.25  # pixels in a step
_MODEL_ERROR = 0.03  # of a known star's light in a pixel, when others are looked for in its residuals
_AT_REST = 0.1  # of its error: a star that moved less, and whose neighbours did, is left as it is


class Stars(NamedTuple):
    """Each (n,)."""

    x: Floats
    y: Floats
    flux: Floats

    def select(self, mask: Bools | Ints) -> Stars:
        """Return those that a mask or indices pick."""
        return Stars(self.x[mask], self.y[mask], self.flux[mask])

    def __add__(self, others: Stars) -> Stars:  # type: ignore[override] # not a longer tuple
        """Return these stars and others."""
        return Stars(*(np.concatenate(both) for both in zip(self, others, strict=True)))


class Step(NamedTuple):
    """A Gauss-Newton step: (n, 3) changes of flux, x and y, the equations, and the model it started from."""

    change: Floats
    normal: pairs.Normal
    model: Canvas


class Scene(NamedTuple):
    """What stars are fitted to.

    Attributes
    ----------
    prepared, psf
        The image, and what a star of flux 1 looks like.
    light
        Of the stars: the image less its sky.
    noise
        Variance of the sky, infinite where no pixel can be used.
    scratch
        Overwritten by each step: an image costs more to ask for than to fill.
    """

    prepared: Prepared
    psf: FieldPsf
    light: Canvas
    noise: Canvas
    scratch: Canvas

    @classmethod
    def of(cls, prepared: Prepared, psf: FieldPsf, under: Ground) -> Scene:
        """Return the scene of an image on its ground."""
        margin = psf.half + 2
        light, scratch = Canvas.of(prepared.data - under.sky, margin), Canvas.empty(psf.size, margin)
        return cls(prepared, psf, light, _canvas_of(under.noise_variance, prepared.bad, margin), scratch)

    def on(self, under: Ground) -> Scene:
        """Return the same on another ground."""
        margin, noise = self.light.margin, self.noise
        if under.noise_variance is not self.prepared.noise_variance:
            noise = _canvas_of(under.noise_variance, self.prepared.bad, margin)
        prepared = replace(self.prepared, noise_variance=under.noise_variance)
        return self._replace(prepared=prepared, light=Canvas.of(prepared.data - under.sky, margin), noise=noise)

    @property
    def half(self) -> int:
        """Half the width of the stamps that stars are fitted on, pixels."""
        return core_half(self.prepared)

    @property
    def coupled(self) -> float:
        """How near to each other stars are whose numbers depend on each other, pixels."""
        return _PAIR * self.prepared.fwhm

    @property
    def same(self) -> float:
        """How near to each other stars are that are one and the same, pixels."""
        return _SAME * self.prepared.fwhm

    def with_cores(self, wings: Canvas, stars: Stars) -> Canvas:
        """Return what stars have outside their stamps with the rest of their light; it is overwritten by a step."""
        model = wings.copied_to(self.scratch)
        model.add(*self.psf.light(*stars, self.half))
        return model

    def draw(self, stars: Stars, *, cores: bool = True) -> Canvas:
        """Return the image of stars, or of what they have outside the stamps that they are fitted on."""
        return render(self.psf, *stars, rms=self.prepared.rms, half=self.half, cores=cores)


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
    scene = Scene.of(prepared, psf, under)
    stars = _new_stars(scene, scene.noise.image, scene.light.image, _THRESHOLD)
    stars = stars.select(~full.touch(stars.x, stars.y, prepared.fwhm)) + Stars(*full[:3])
    wings, last, few = scene.draw(stars, cores=False), len(_STEPS) - 1, False
    for number, steps in enumerate(_STEPS):
        at_end = number == last or few
        if at_end and (pieces := haloes.pieces(*stars, prepared.fwhm)).any():
            stars = stars.select(~pieces)
            wings = scene.draw(stars, cores=False)
        stars = _fit(scene, stars, wings, steps)
        wings = scene.draw(stars, cores=False)
        model = scene.with_cores(wings, stars).image
        under = ground.anew(prepared, model, under, number)
        scene = scene.on(under)
        if at_end:
            break
        variance = variance_under(scene.noise.image, model, prepared.gain) + (_MODEL_ERROR * model) ** 2
        new = _new_stars(scene, variance, scene.light.image - model, _THRESHOLD, (stars.x, stars.y))
        few = _n_seen(scene, new) <= _FEW * stars.x.size
        stars += new
        if progress is not None:
            progress((number + 1) / (len(_STEPS) + 1))
    fitted = _finish(scene, stars, wings, under.sky, full)
    if progress is not None:
        progress(1.0)
    return fitted


def core_half(prepared: Prepared) -> int:
    """Return half the width of the stamps that stars are fitted on, pixels."""
    return int(np.ceil(_CORE * prepared.fwhm))


def _canvas_of(noise_variance: Pixels, bad: Bools, margin: int) -> Canvas:
    return Canvas.of(np.where(bad, np.float32(np.inf), noise_variance), margin, np.inf)


def _new_stars(
    scene: Scene, variance: Pixels, light: Pixels, threshold: float, known: tuple[Floats, Floats] | None = None
) -> Stars:
    """Return the stars that peaks show, away from those known, with a first guess of their fluxes."""
    prepared = scene.prepared
    x, y = find_peaks(light, variance, prepared.fwhm, threshold)
    ix, iy = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    if known is not None and known[0].size and x.size:
        distance, _ = cKDTree(np.column_stack(known)).query(np.column_stack([x, y]))
        away = distance > _NEW * prepared.fwhm
        x, y, ix, iy = x[away], y[away], ix[away], iy[away]
    peak = np.maximum(light[iy, ix], prepared.rms)
    return Stars(x, y, 1.1 * peak / scene.psf.moffat(x, y).norm)


def _n_seen(scene: Scene, stars: Stars) -> int:
    """Return how many stars are not in the middle of a saturated one, where peaks are found again and again."""
    ix, iy = np.rint(stars.x).astype(np.int64), np.rint(stars.y).astype(np.int64)
    return int(np.count_nonzero(np.isfinite(scene.noise.windows(ix, iy, 1)).any((1, 2))))


def _fit(scene: Scene, stars: Stars, wings: Canvas, steps: int) -> Stars:
    """Take steps, and leave out stars that vanish, leave the image, or fall on a brighter one.

    Stars come to rest with those near them; they are then drawn once and for all.

    Parameters
    ----------
    scene, stars
        What is fitted.
    wings
        The light of all outside the stamps that they are fitted on; the stars that rest are added to it.
    steps
        How many at most.
    """
    at_rest = stars.select(np.zeros(0, np.int64))
    for number in range(steps):
        if not stars.x.size:
            break
        stars = stars.select(np.argsort(scene.psf.tables.phase(stars.x, stars.y), kind="stable"))
        step = take_step(scene, stars, wings)
        moved, keep = _moved(stars, step, _MOST_SHIFT if number < 2 else _LATER_SHIFT, scene)  # noqa: PLR2004 - first two
        restless = np.any(np.abs(step.change) * step.normal.scale > _AT_REST, axis=1)
        moving = _coupled(np.asarray(restless), step.normal.first, step.normal.second)
        rest = moved.select(keep & ~moving)
        wings.add(*scene.psf.light(*rest, scene.half))
        at_rest += rest
        stars = moved.select(keep & moving)
    stars += at_rest
    return stars.select(~_same(stars, pairs.near(stars.x, stars.y, scene.same), scene.same))


def _moved(stars: Stars, step: Step, most: float, scene: Scene) -> tuple[Stars, Bools]:
    """Return stars where a step takes them, by ``most`` pixels at most, and which are still to be kept."""
    x = stars.x + np.clip(step.change[:, 1], -most, most)
    y = stars.y + np.clip(step.change[:, 2], -most, most)
    moved = Stars(x, y, stars.flux + step.change[:, 0])
    ny, nx = scene.prepared.shape
    keep = (moved.flux * step.normal.scale[:, 0] > _KEPT) & (x > -1) & (x < nx) & (y > -1) & (y < ny)
    near = np.column_stack([step.normal.first, step.normal.second])  # a step is too short for others to meet
    return moved, keep & ~_same(moved, near, scene.same)


def _same(stars: Stars, near: Ints, distance: float) -> Bools:
    """Return which stars are so near to a brighter one that they are the same; (m, 2) pairs are looked at."""
    first, second = near.T
    close = np.hypot(stars.x[first] - stars.x[second], stars.y[first] - stars.y[second]) < distance
    first, second = first[close], second[close]
    same = np.zeros(stars.x.size, np.bool_)
    same[np.where(stars.flux[first] < stars.flux[second], first, second)] = True
    return same


def _coupled(some: Bools, first: Ints, second: Ints) -> Bools:
    """Return some stars, and those that make a pair with one of them."""
    found = some.copy()
    found[first[some[second]]] = True
    found[second[some[first]]] = True
    return found


def take_step(scene: Scene, stars: Stars, wings: Canvas) -> Step:
    """Return one Gauss-Newton step of stars together, beside all light that is not of their cores."""
    half = scene.half
    ix, iy, slopes = scene.psf.stamps(stars.x, stars.y, half)
    model = wings.copied_to(scene.scratch)
    model.add(ix, iy, slopes[:, 0] * stars.flux.astype(np.float32)[:, None, None])
    light = model.windows(ix, iy, half)
    weight = _disc(half) / np.sqrt(variance_under(scene.noise.windows(ix, iy, half), light, scene.prepared.gain))
    left = (scene.light.windows(ix, iy, half) - light) * weight
    slopes[:, 1:] *= np.maximum(stars.flux, 1).astype(np.float32)[:, None, None, None]
    slopes *= weight[:, None]
    gradient = np.matmul(slopes.reshape(len(slopes), 3, -1), left.reshape(len(left), -1, 1))[..., 0]
    coupled = pairs.near(stars.x, stars.y, scene.coupled)
    normal = pairs.normal_equations(slopes, ix, iy, coupled)
    return Step(pairs.solve(normal, gradient.astype(np.float64)), normal, model)


def _disc(half: int) -> Pixels:
    offsets = np.arange(-half, half + 1)
    return (np.hypot(offsets[:, None], offsets) <= half + 0.5).astype(np.float32)


def _finish(scene: Scene, stars: Stars, wings: Canvas, sky: Pixels, full: saturated.Patches) -> Fitted:
    """Return the stars with their errors, judged, the false ones left out."""
    prepared, psf, noise = scene.prepared, scene.psf, scene.prepared.noise_variance
    if not stars.x.size:
        nothing = np.zeros(0)
        empty = Sources(**dict.fromkeys(judge.COLUMNS, nothing), flags=np.zeros(0, np.int64))
        model = np.zeros(prepared.shape, np.float32)
        return Fitted(sources=empty, psf=psf, model=model, sky=sky, noise_variance=noise)
    stars = stars.select(np.argsort(psf.tables.phase(stars.x, stars.y), kind="stable"))
    step = take_step(scene, stars, wings)
    model = step.model.image
    errors = pairs.marginal_errors(step.normal)
    sources = judge.judged(prepared, psf, stars, errors=errors, change=step.change, model=model, sky=sky)
    real = (sources.flux > FALSE_BELOW * sources.flux_err) & ~judge.sharper_than_a_star(sources)
    real &= ~judge.drowned(psf, sources, model)
    sources = replace(sources, flux=confusion.unboosted(sources.flux, 1 / step.normal.scale[:, 0]))
    kept = saturated.with_lost(sources.select(real), full, prepared, sky)
    kept = confusion.with_unseen(prepared, psf, kept.select(np.lexsort((kept.x, kept.y))), model, sky)
    lost = (kept.flags & flags.SATURATED) != 0  # of which only the rim is known
    kept = kept.select((kept.flux > _WITH_UNSEEN * kept.flux_err) | lost)
    drawn = scene.draw(Stars(kept.x, kept.y, kept.flux)).image
    return Fitted(sources=kept, psf=psf, model=np.ascontiguousarray(drawn), sky=sky, noise_variance=noise)
