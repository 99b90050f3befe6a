"""What stars stand on: the sky, light wider than a star, and the noise of both; found anew as stars become known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from photocal.arrays import Bools, Pixels
from photocal.pixels import extended, grain
from photocal.pixels.background import background
from photocal.pixels.psf import FieldPsf
from photocal.pixels.records import Prepared
from photocal.pixels.render import render
from photocal.pixels.saturated import Patches

_LOOKS = 1  # rounds after which extended light is looked for where none was seen before
_KNOWN = 1  # rounds after which so many stars are known that what is left is noise


class Ground(NamedTuple):
    """Under the stars.

    Attributes
    ----------
    sky
        (ny, nx) counts: the sky with what is wider than a star.
    noise_variance
        (ny, nx) counts^2, without the photons of stars.
    area
        (ny, nx) where light is wider than a star; None where it is nowhere.
    """

    sky: Pixels
    noise_variance: Pixels
    area: Bools | None


def first(prepared: Prepared, psf: FieldPsf, full: Patches, half: int) -> Ground:
    """Return the ground before any star is known.

    Parameters
    ----------
    prepared, psf
        The image, and what a star looks like.
    full
        Its saturated stars.
    half
        Of the smallest stamps that stars are drawn on, pixels.
    """
    light = prepared.data - prepared.sky
    bright = extended.bright_stars(prepared, psf, light)
    x, y, flux = (np.concatenate(both) for both in zip(bright, full[:3], strict=True))
    light -= render(psf, x, y, flux, rms=prepared.rms, half=half).image
    wide = extended.of_residuals(prepared, light)
    if wide is None:
        return Ground(prepared.sky, prepared.noise_variance, None)
    return Ground(prepared.sky + wide.light, prepared.noise_variance, wide.area)


def anew(prepared: Prepared, model: Pixels, before: Ground, n_rounds: int) -> Ground:
    """Return the ground under known stars.

    Parameters
    ----------
    prepared
        The image.
    model
        (ny, nx) counts of the stars.
    before
        As it was found last.
    n_rounds
        Of finding stars, that are behind, before this one.
    """
    left = prepared.data - model
    bad, area = prepared.bad, before.area
    sky, _ = background(left, bad if area is None else bad | area)
    noise = prepared.noise_variance
    if n_rounds < _LOOKS or area is not None:
        wide = extended.of_residuals(prepared, left - sky)
        if wide is not None:
            sky, area = sky + wide.light, wide.area
            noise = noise * wide.rough**2
    if n_rounds >= _KNOWN:
        noise = noise * grain.of_stars(prepared, left - sky, model, area) ** 2
    return Ground(sky, noise, area)
