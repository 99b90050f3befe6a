"""Real frames, made ready for measurement: from a scope of 6 inches to cutouts of surveys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cpcs.errors import TrailedStars
from photocal.images import Image, read_image
from photocal.pixels.joint import fit_together
from photocal.pixels.measure import forced, measure_plane
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


def test_a_galaxy_is_not_cut_into_stars(realdata: Path) -> None:
    """The supernova in the spiral is measured, and so is the star beside the nucleus; the arms are no stars."""
    found = measure_plane(planes(realdata, "ctio13m_andicam_sn2019so/SN2019so_20190201_V.fits.gz")[0], Detector())
    sources = found.fitted.sources
    good = sources.flux > 10 * sources.flux_err
    assert 120 < good.sum() < 230  # 402 when galaxy and haloes were cut up
    within = np.hypot(sources.x - 410.5, sources.y - 556) < 120
    assert within.sum() < 45
    for x, y in ((448.1, 533.0), (391.7, 567.2)):
        away = np.hypot(sources.x - x, sources.y - y)
        nearest = int(np.argmin(away))
        assert away[nearest] < 0.5
        assert good[nearest]
        flux = forced(found, x, y)
        assert flux.flux == pytest.approx(sources.flux[nearest], rel=0.07)
        assert flux.flux > 30 * flux.flux_err
    corner = (sources.x < 50) & (sources.y < 30)
    assert corner.sum() <= 4
    assert found.fitted.noise_variance[555, 410] > 2 * found.fitted.noise_variance[300, 300]


def test_trails_are_refused(realdata: Path) -> None:
    with pytest.raises(TrailedStars):
        measure_plane(planes(realdata, "lco04m_kb29/banzai_test_frame.fits.fz")[0], Detector())
