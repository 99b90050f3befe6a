"""One plane of an image, from its pixels to all of its stars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from cpcs.errors import TooFewStars, TrailedStars
from photocal.images.frame import Image
from photocal.pixels import aperture, grain, quality
from photocal.pixels.forced import forced_flux
from photocal.pixels.joint import fit_together
from photocal.pixels.prepare import prepare
from photocal.pixels.psf_fit import fit_psf
from photocal.pixels.psf_stars import choose_psf_stars
from photocal.pixels.records import Detector, Fitted, ForcedFlux, Photometry, Prepared
from photocal.watch import Watch

Progress = Callable[[str, float], None]  # a step's name, and the share of all work that is done before it

LEAST_PSF_STARS = 3
MOST_TRAILING = 2.5  # times longer than wide, of stars that a PSF can be made of
LEAST_STARS = 5  # that a zero point can be fitted to
_SHARES = {"prepare": 0.0, "psf-stars": 0.15, "psf": 0.25, "stars": 0.35, "total": 0.95}


def measure_plane(image: Image, detector: Detector, *, progress: Progress | None = None) -> Photometry:
    """Measure all stars of a plane.

    Parameters
    ----------
    image
        The plane.
    detector
        What its header says of the detector.
    progress
        Called with each step's name and the share of the work that is behind, 0 to 1.

    Raises
    ------
    TrailedStars
        The telescope moved.
    TooFewStars
        Fewer than three stars can show what the PSF is, or fewer than five are there.
    """
    watch = _Watch(progress)
    with watch.step("prepare"):
        prepared = _grained(prepare(image, detector))
    with watch.step("psf-stars"):
        stars = choose_psf_stars(prepared)
    if stars.trailing > MOST_TRAILING:
        raise TrailedStars(times=stars.trailing, limit=MOST_TRAILING)
    if (n := int(stars.taken.sum())) < LEAST_PSF_STARS:
        raise _too_few(image, n, LEAST_PSF_STARS)
    with watch.step("psf"):
        psf = fit_psf(prepared, stars)
    with watch.step("stars"):
        fitted = fit_together(prepared, psf, progress=watch.within("stars"))
        prepared = replace(prepared, noise_variance=fitted.noise_variance)
    if (n := int(np.sum(fitted.sources.flux >= quality.SIGMAS * fitted.sources.flux_err))) < LEAST_STARS:
        raise _too_few(image, n, LEAST_STARS)
    with watch.step("total"):
        correction = aperture.correct(prepared, fitted)
        found = quality.of_image(prepared, stars, fitted)
    found |= {"aperture_radius_pix": correction.radius, "n_aperture_stars": float(correction.n_stars)}
    return Photometry(
        prepared=prepared,
        psf_stars=stars,
        fitted=scaled(fitted, correction.factor),
        aperture_correction_mag=correction.mag,
        aperture_correction_err=correction.err,
        quality=found | {"depth_flux_5sigma": found["depth_flux_5sigma"] * correction.factor},
        seconds=watch.seconds,
    )


def forced(photometry: Photometry, x: float, y: float) -> ForcedFlux:
    """Return the total flux at a position, pixels, the neighbours taken off."""
    factor = float(10.0 ** (-0.4 * photometry.aperture_correction_mag))
    plain = forced_flux(photometry.prepared, scaled(photometry.fitted, 1.0 / factor), x, y)
    empty_err = plain.empty_err * factor
    return replace(plain, flux=plain.flux * factor, flux_err=plain.flux_err * factor, empty_err=empty_err)


def scaled(fitted: Fitted, factor: float) -> Fitted:
    """Return the same stars with their fluxes and errors multiplied; the model of the image stays."""
    sources = fitted.sources
    return replace(fitted, sources=replace(sources, flux=sources.flux * factor, flux_err=sources.flux_err * factor))


def _grained(prepared: Prepared) -> Prepared:
    """Return the image with the noise that neighbouring pixels share."""
    share = grain.of_pixels(prepared)
    if share == 1:
        return prepared
    said = f"{share:.2f} times what neighbours' differences say: they share it, or it was cut off at the bottom"
    notes = prepared.notes | {"noise": said}
    variance = prepared.noise_variance * np.float32(share**2)
    return replace(prepared, noise_variance=variance, rms=prepared.rms * share, notes=notes)


def _too_few(image: Image, n: int, limit: int) -> TooFewStars:
    return TooFewStars(n=n, limit=limit, colour=f" in its {image.colour} pixels" if image.colour else "")


class _Watch(Watch):
    """Says which step it is, too."""

    def __init__(self, progress: Progress | None) -> None:
        super().__init__()
        self._progress = progress

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say it, and take its time."""
        self._say(name, 0.0)
        with super().step(name):
            yield

    def within(self, step: str) -> Callable[[float], None]:
        """Return what a step of several parts tells its own share to."""
        return lambda share: self._say(step, share)

    def _say(self, step: str, share: float) -> None:
        if self._progress is None:
            return
        names = list(_SHARES)
        following = names.index(step) + 1
        end = _SHARES[names[following]] if following < len(names) else 1.0
        self._progress(step, _SHARES[step] + share * (end - _SHARES[step]))
