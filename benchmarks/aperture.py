"""Aperture photometry of an image with sep, for the benchmarks on real frames: simple, and with errors that are honest.

Background and detection as SExtractor does them (Bertin & Arnouts 1996, A&AS 117, 393). A flux F (electrons) in an
aperture of A pixels over a background of variance s^2 per pixel has the variance F + A s^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sep
from astropy.io import fits
from astropy.wcs import WCS

from photocal.arrays import MAG_PER_RELATIVE_ERROR, Anything, Floats
from photocal.stars import CatalogueMeta, StarList

SATURATED, CUT = 4, 8  # SExtractor's flags
FWHM_PER_RMS = 2.3548
DETECTION_SIGMAS = 3.0
LARGEST_ELONGATION, FAINTEST_SHARE = 1.4, 0.3  # what a star may be to have its FWHM measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What has to be known of a camera: electrons per unit of its images, and the value at which they saturate."""

    gain: float
    saturation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The stars of an image, with the FWHM and the radius of the aperture that was used, pixels."""

    stars: StarList
    fwhm_pix: float
    radius_pix: float


def measure_image(image: Anything, header: fits.Header, camera: Camera, *, radius_fwhm: float = 1.0) -> Measured:
    """Detect the stars of an image and measure them in one round aperture.

    Parameters
    ----------
    image
        (ny, nx) array, in the units that ``camera`` is given in.
    header
        With the WCS.
    camera
        Gain and saturation.
    radius_fwhm
        Radius of the aperture in units of the measured FWHM: 1 for an aperture two FWHM wide.
    """
    pixels = np.ascontiguousarray(image, dtype=np.float64)
    background = sep.Background(pixels, bw=64, bh=64)
    clean = pixels - background.back()
    found = sep.extract(clean, DETECTION_SIGMAS, err=background.globalrms)
    fwhm = _fwhm(found)
    radius = radius_fwhm * fwhm
    x, y = _centred(clean, found, fwhm)
    flux, _, flags = sep.sum_circle(clean, x, y, radius, bkgann=(radius + fwhm, radius + 3.0 * fwhm))
    variance = np.maximum(flux, 0.0) / camera.gain + np.pi * radius**2 * background.globalrms**2
    good = flux > 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        mag = -2.5 * np.log10(flux)
        error = MAG_PER_RELATIVE_ERROR * np.sqrt(variance) / flux
    own = np.where(found["peak"] + background.globalback >= camera.saturation, SATURATED, 0)
    own |= np.where(flags & sep.APER_TRUNC, CUT, 0)
    ra, dec = WCS(header).all_pix2world(x, y, 0)
    meta = CatalogueMeta(format="sep", n_rows=len(found))
    stars = StarList(ra_deg=ra, dec_deg=dec, inst_mag=mag, inst_mag_err=error, flags=own, x=x, y=y, meta=meta)
    return Measured(stars=stars.select(good), fwhm_pix=fwhm, radius_pix=radius)


def _centred(clean: Floats, found: Anything, fwhm: float) -> tuple[Floats, Floats]:
    """Return windowed positions; where they wander off, to a neighbour or out of the image, those of the detection."""
    x, y, _ = sep.winpos(clean, found["x"], found["y"], np.full(len(found), fwhm / FWHM_PER_RMS))
    stayed = np.hypot(x - found["x"], y - found["y"]) < 0.5 * fwhm
    return np.where(stayed, x, found["x"]), np.where(stayed, y, found["y"])


def _fwhm(found: Anything) -> float:
    """Return the median FWHM of the round and bright among the detections, pixels."""
    round_ = found["a"] < LARGEST_ELONGATION * found["b"]
    bright = found["flux"] >= np.quantile(found["flux"][round_], 1.0 - FAINTEST_SHARE)
    size: Floats = FWHM_PER_RMS * np.sqrt(found["a"] * found["b"])
    return float(np.median(size[round_ & bright]))
