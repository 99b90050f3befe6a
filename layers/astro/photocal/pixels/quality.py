"""What a measured image is like: in numbers that an observer knows it by."""

from __future__ import annotations

import numpy as np

from photocal.headers import ephemeris
from photocal.headers.standard import StandardHeader
from photocal.pixels.noise import typical_of, variance_under
from photocal.pixels.records import Fitted, Prepared, Psf, PsfStars

SIGMAS = 5.0  # of a detection, and of the depth
_MOST_PIXELS = 250_000
_USUAL = 5.0  # sigma: rms and skewness are those of the pixels within


def of_image(prepared: Prepared, psf_stars: PsfStars, fitted: Fitted) -> dict[str, float]:
    """Return the numbers that need nothing but the image.

    Returns
    -------
    dict
        ``fwhm_pix``, ``fwhm_pix_least``, ``fwhm_pix_most`` and ``ellipticity`` (of the PSF: the median over the field,
        and the extremes), ``background`` and ``background_rms`` (counts), ``n_stars`` (of S/N 5 and more),
        ``n_psf_stars``, ``unusable_share`` (of the pixels), ``depth_flux_5sigma`` (counts, of a star that stands
        alone), and of the residual image over its noise ``residual_rms``, ``residual_skew`` (both of the pixels within
        5 sigma) and ``residual_beyond_5sigma`` (the share of the others).
    """
    x, y = _grid(prepared.shape)
    fwhm = fitted.psf.fwhm(x, y)
    sources = fitted.sources
    return {
        "fwhm_pix": float(np.median(fwhm)),
        "fwhm_pix_least": float(fwhm.min()),
        "fwhm_pix_most": float(fwhm.max()),
        "ellipticity": float(np.median(fitted.psf.ellipticity(x, y))),
        "background": typical_of(fitted.sky),
        "background_rms": prepared.rms,
        "n_stars": float(np.sum(sources.flux >= SIGMAS * sources.flux_err)),
        "n_psf_stars": float(psf_stars.taken.sum()),
        "unusable_share": float(prepared.bad.mean()),
        "depth_flux_5sigma": _depth(prepared, fitted.psf),
        **_residuals(prepared, fitted),
    }


def _grid(shape: tuple[int, int]) -> tuple[np.typing.NDArray[np.float64], np.typing.NDArray[np.float64]]:
    """Return the x and y of five by five places, pixels."""
    ny, nx = shape
    share = np.linspace(0.05, 0.95, 5)
    x, y = np.meshgrid(share * (nx - 1), share * (ny - 1))
    return x.ravel(), y.ravel()


def _depth(prepared: Prepared, psf: Psf) -> float:
    """Return the flux of which a star that stands alone has S/N 5: the median over the field, counts.

    The error of a flux under a PSF P with sky noise V is (sum P^2 / V)^(-1/2).
    """
    x, y = _grid(prepared.shape)
    ix, iy, stamps = psf.stamps(x, y, psf.half)
    variance = prepared.noise_variance[iy, ix]
    one = np.sqrt(variance / np.sum(stamps[:, 0].astype(np.float64) ** 2, axis=(1, 2)))
    return SIGMAS * float(np.median(one))


def _residuals(prepared: Prepared, fitted: Fitted) -> dict[str, float]:
    """Return what the image less sky and stars is like, over its noise."""
    step = max(1, int(np.sqrt(prepared.data.size / _MOST_PIXELS)))
    some = slice(None, None, step), slice(None, None, step)
    good = ~prepared.bad[some]
    model = fitted.model[some][good]
    variance = variance_under(prepared.noise_variance[some][good], model, prepared.gain)
    pull = (prepared.data[some][good] - fitted.sky[some][good] - model) / np.sqrt(variance)
    usual = pull[np.abs(pull) <= _USUAL].astype(np.float64)
    if not len(usual):
        return {"residual_rms": float("nan"), "residual_skew": float("nan"), "residual_beyond_5sigma": 1.0}
    away = usual - usual.mean()
    rms = float(np.sqrt(np.mean(away**2)))
    return {
        "residual_rms": rms,
        "residual_skew": float(np.mean(away**3)) / rms**3 if rms else 0.0,
        "residual_beyond_5sigma": 1.0 - len(usual) / len(pull),
    }


def of_sky(header: StandardHeader, mjd: float | None, ra_deg: float, dec_deg: float) -> dict[str, float]:
    """Return the airmass and what the Moon does: the numbers that need time and place, as far as they are known.

    Parameters
    ----------
    header
        For the site, and the airmass where it has one.
    mjd
        UTC, mid-exposure.
    ra_deg, dec_deg
        Of the middle of the image, ICRS.

    Returns
    -------
    dict
        ``airmass``, ``altitude_deg``, ``moon_altitude_deg`` (below 0: it has set), ``moon_separation_deg``,
        ``moon_lit`` (share of its disc), ``sun_altitude_deg``.
    """
    said = header.number("AIRMASS")
    known = {} if said is None else {"airmass": said}
    longitude, latitude = header.number("LONGITUD"), header.number("LATITUDE")
    if mjd is None or longitude is None or latitude is None:
        return known
    here = ephemeris.of_date(ra_deg, dec_deg, mjd)
    altitude = ephemeris.horizontal(*here, mjd, longitude, latitude)[0]
    computed = ephemeris.airmass(altitude)
    if computed is not None:
        known = {"airmass": computed, **known}
    moon, sun = ephemeris.moon(mjd, longitude, latitude), ephemeris.sun(mjd)
    return {
        **known,
        "altitude_deg": altitude,
        "moon_altitude_deg": ephemeris.horizontal(moon.ra_deg, moon.dec_deg, mjd, longitude, latitude)[0],
        "moon_separation_deg": ephemeris.separation_deg(*here, moon.ra_deg, moon.dec_deg),
        "moon_lit": moon.lit,
        "sun_altitude_deg": ephemeris.horizontal(sun.ra_deg, sun.dec_deg, mjd, longitude, latitude)[0],
    }
