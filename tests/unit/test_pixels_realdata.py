"""Real frames, made ready for measurement: from a scope of 6 inches to cutouts of surveys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photocal.images import Image, read_image
from photocal.pixels.joint import fit_together
from photocal.pixels.prepare import prepare
from photocal.pixels.psf_fit import fit_psf
from photocal.pixels.psf_stars import choose_psf_stars
from photocal.pixels.records import Detector

pytestmark = pytest.mark.realdata

# Around what was measured when this was written: the FWHM in pixels, and how many stars the PSF gets at least.
FRAMES = {
    "ctio13m_andicam_sn2019so/SN2019so_20190201_R.fits.gz": (2.0, 3.2, 50),
    "eaba154_eso085-030/aligned_eso085-030-004.fit": (2.0, 3.2, 50),
    "microobservatory_hatp32/HATP-32171220045112.FITS": (1.6, 2.5, 80),
    "panoptes_dslr/solved.fits.fz": (0.9, 1.5, 50),
    "panoptes_dslr/unsolved.fits": (0.9, 1.5, 50),
    "small_cutouts/cfht_megaprime_r.fits": (3.5, 5.0, 1),
    "small_cutouts/k4m_160319_075112_ooi_zd_ls9.CCD3.fits": (2.8, 4.0, 2),
}


def planes(realdata: Path, name: str) -> tuple[Image, ...]:
    return read_image((realdata / "images" / name).read_bytes()).planes


@pytest.mark.parametrize("name", FRAMES)
def test_real_frames(realdata: Path, name: str) -> None:
    narrowest, broadest, least = FRAMES[name]
    for image in planes(realdata, name):
        ready = prepare(image, Detector())
        stars = choose_psf_stars(ready)
        assert narrowest < ready.fwhm < broadest
        assert stars.taken.sum() >= least
        finite: Any = [np.isfinite(plane).all() for plane in (ready.data, ready.sky, ready.noise_variance)]
        assert all(finite)
        assert ready.bad.mean() < 0.02


def test_the_psf_fits_stars_that_no_moffat_fits(realdata: Path) -> None:
    """Bright stars of a small refractor's frame: a reduced chi-square of 1.4 in the median, of 8 by a Moffat alone."""
    (image,) = planes(realdata, "microobservatory_hatp32/HATP-32171220045112.FITS")
    ready = prepare(image, Detector())
    stars = fit_together(ready, fit_psf(ready, choose_psf_stars(ready))).sources
    snr = stars.flux / stars.flux_err
    assert np.median(stars.chi2[(snr > 50) & (snr < 150)]) < 2.0
