"""What the steps from pixels to stars hand to each other: plain frozen records.

Pixel coordinates are 0-based: the centre of the first pixel is (0, 0). Pixels and fluxes are in counts (ADU).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import numpy as np

from photocal.arrays import Anything, Bools, Floats, Ints, Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """What has to be known of a detector; None where the header does not say, or cannot be right.

    Attributes
    ----------
    gain
        Electrons for each count.
    read_noise_e
        Electrons, rms.
    saturation
        Counts at which a pixel is saturated.
    """

    gain: float | None = None
    read_noise_e: float | None = None
    saturation: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """An image ready to be measured.

    Attributes
    ----------
    data
        (ny, nx) float32, counts, the sky still in it; where there was no number, the sky.
    sky
        (ny, nx) float32, counts.
    rms
        Of the sky's noise, counts, typical of the image.
    noise_variance
        (ny, nx) float32, counts^2: of the sky's pixels as the image shows it (read noise and all), without any star.
    bad
        (ny, nx), True for pixels that no fit may use: without number, saturated, cosmic rays, hot or dead ones.
    saturated, cosmic
        (ny, nx), those of them that are saturated (with what bled from them), and that are cosmic rays or hot.
    gain
        Electrons for each count: the header's, or where that cannot be, what the noise of the image says.
    saturation
        Counts at which a pixel counts as saturated; infinite when there is nothing of the kind.
    fwhm
        FWHM of a star, pixels, by a first look.
    notes
        Numbers and words worth telling: how gain and saturation were had, how many pixels of which kind are left out.
    """

    data: Pixels
    sky: Pixels
    rms: float
    noise_variance: Pixels
    bad: Bools
    saturated: Bools
    cosmic: Bools
    gain: float
    saturation: float
    fwhm: float
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        ny, nx = self.data.shape
        return ny, nx


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PsfStars:
    """The stars that were looked at for the PSF; all arrays have the same length n.

    Attributes
    ----------
    x, y
        (n,) pixels.
    flux
        (n,) counts, roughly.
    reasons
        (n,) why each was rejected: ``saturated``, ``blended``, ``unlike``, ``edge``, ``defect``, ``faint``, ``enough``
        (others are better and there are enough); empty for those that were taken.
    trailing
        How many times longer than wide stars are, where the telescope moved; 1 where it did not.
    """

    x: Floats
    y: Floats
    flux: Floats
    reasons: tuple[str, ...]
    trailing: float = 1.0

    @property
    def taken(self) -> Bools:
        """(n,) which stars make the PSF."""
        return np.array([not reason for reason in self.reasons], dtype=np.bool_)


class Psf(Protocol):
    """The image of a star of flux 1, anywhere in the field; it adds up to 1 over an infinite plane."""

    @property
    def half(self) -> int:
        """How far from the middle pixel the tables reach, pixels."""

    def fwhm(self, x: Floats, y: Floats) -> Floats:
        """Return the (n,) FWHM, pixels: the geometric mean of both axes, before the pixel's own width."""

    def ellipticity(self, x: Floats, y: Floats) -> Floats:
        """Return the (n,) ellipticities 1 - b/a."""

    def stamps(self, x: Floats, y: Floats, half: int) -> tuple[Ints, Ints, Pixels]:
        """Return the middle pixels ix, iy (n,), and the (n, 3, w, w) PSF and its derivatives by x and y of the star."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sources:
    """Stars as measured on one image; all arrays have the same length n.

    Attributes
    ----------
    x, y, x_err, y_err
        (n,) pixels.
    flux, flux_err
        (n,) counts: of the whole star, as the PSF adds up to 1. The errors are marginal: those of neighbours are in.
    sky
        (n,) counts in a pixel under the star.
    chi2
        (n,) reduced chi-square of the core.
    sharpness
        (n,) flux of the central pixels over what the PSF has there, less 1, in units of its error: far above 0 for
        cosmic rays, far below for what is broader than a star.
    flags
        (n,) bits of `photocal.pixels.flags`.
    """

    x: Floats
    y: Floats
    x_err: Floats
    y_err: Floats
    flux: Floats
    flux_err: Floats
    sky: Floats
    chi2: Floats
    sharpness: Floats
    flags: Ints

    def __len__(self) -> int:
        return len(self.x)

    def columns(self) -> dict[str, Anything]:
        """Return name -> column."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def select(self, mask: Bools | Ints) -> Sources:
        """Return the stars that a mask (or a list of indices) picks."""
        picked: dict[str, Any] = {name: column[mask] for name, column in self.columns().items()}
        return replace(self, **picked)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """All stars of an image measured together.

    Attributes
    ----------
    sources
        The stars.
    psf
        What was fitted.
    model
        (ny, nx) float32, counts: all stars, without sky.
    sky
        (ny, nx) float32, counts: as it was found under them, with what is wider than a star.
    noise_variance
        (ny, nx) float32, counts^2: as that of the image made ready, with what the residuals say of it.
    """

    sources: Sources
    psf: Psf
    model: Pixels
    sky: Pixels
    noise_variance: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedFlux:
    """What the image has at a position that was given, the neighbours taken off.

    Attributes
    ----------
    x, y
        Pixels.
    flux, flux_err
        Counts; the flux may be negative.
    empty_err
        Counts: what the error were if no star stood there; limits follow from it.
    flags
        Bits of `photocal.pixels.flags`.
    usable_share
        Of the PSF's light that falls on pixels that could be used, 0 to 1.
    fwhm_arcsec
        FWHM of a star there, arcsec: what is nearer cannot be told from the position; None where the scale is unknown.
    """

    x: float
    y: float
    flux: float
    flux_err: float
    empty_err: float
    flags: int
    usable_share: float
    fwhm_arcsec: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photometry:
    """One plane of an image, measured.

    Attributes
    ----------
    prepared
        The image as it was measured.
    psf_stars
        What the PSF was made of.
    fitted
        The stars.
    aperture_correction_mag, aperture_correction_err
        mag, added to every magnitude so that it is total; already in `fitted.sources.flux`. 0 where it cannot be had.
    quality
        Name -> number: ``fwhm_pix``, ``ellipticity``, ``background``, ``background_rms``, ``n_stars``,
        ``n_psf_stars``, ``residual_rms`` (of residuals over their error), ``residual_skew``, ``depth_flux_5sigma`` and
        the others that `photocal.pixels.quality` names.
    seconds
        Step -> wall seconds.
    """

    prepared: Prepared
    psf_stars: PsfStars
    fitted: Fitted
    aperture_correction_mag: float
    aperture_correction_err: float
    quality: dict[str, float]
    seconds: dict[str, float]
