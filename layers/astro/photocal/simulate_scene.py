"""What is pictured by `photocal.simulate_image`, where its pixels are on the sky, and what the camera writes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from astropy.io import fits

from photocal.arrays import Floats
from photocal.sphere import axes

RIGHT, CRUDE, NONE = "right", "crude", "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is pictured.

    Attributes
    ----------
    n_stars
        Inside the frame; the reference stars reach half a frame further on all sides.
    faintest, brightest, slope
        Counts; N(brighter than F) goes as F^-slope.
    apart
        Pixels that stars inside the frame keep from each other.
    fwhm, beta, ellipticity, angle_deg
        Of the PSF at the centre; the angle is that of its long axis, from x towards y.
    halo
        What is no Moffat: the share of the light in a second one, how many times as wide that is, and how far it stands
        from the star along x and y, FWHM. Empty for none.
    widening
        By how much of itself the FWHM grows from the centre to the corner.
    slant
        Share of the sky that is added from one side of the frame to the other, along x and y.
    rotation_deg, flipped
        North from +y towards +x; a flipped frame has east to the right when north is up.
    distortion
        Pixels at the corner, of third order; 0 for a plain TAN.
    wcs
        In the header: ``right``, ``crude`` (shifted by ``off_arcsec``, turned by 0.3 deg, no distortion), or ``none``.
    reference_mas
        Error of the reference stars' places along each axis.
    motion_mas_yr
        rms of the proper motions along each axis.
    bayer
        ``RGGB`` or another order of the mosaic; empty for a camera without.
    """

    shape: tuple[int, int] = (300, 300)
    n_stars: int = 80
    faintest: float = 300.0
    brightest: float = 3e5
    slope: float = 0.6
    apart: float = 0.0
    fwhm: float = 3.0
    beta: float = 3.0
    ellipticity: float = 0.0
    angle_deg: float = 30.0
    halo: tuple[float, float, float, float] | tuple[()] = ()
    widening: float = 0.0
    sky: float = 400.0
    slant: tuple[float, float] = (0.03, -0.02)
    gain: float = 1.5
    read_noise_e: float = 6.0
    saturation: float = 60000.0
    n_cosmics: int = 0
    n_hot: int = 0
    bad_columns: tuple[int, ...] = ()
    ra_deg: float = 150.1
    dec_deg: float = 32.4
    scale_arcsec: float = 0.8
    rotation_deg: float = 0.0
    flipped: bool = False
    distortion: float = 0.0
    wcs: str = RIGHT
    off_arcsec: tuple[float, float] = (40.0, -25.0)
    reference_mas: float = 20.0
    motion_mas_yr: float = 0.0
    zero_point: float = 27.0
    colour_term: float = 0.1
    exposure_s: float = 60.0
    bayer: str = ""


def cd_matrix(scene: Scene, turned_deg: float = 0.0) -> Floats:
    """Return the CD matrix, deg per pixel: east and north by x and y."""
    angle = np.radians(scene.rotation_deg + turned_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    hand = 1.0 if scene.flipped else -1.0
    return scene.scale_arcsec / 3600.0 * np.array([[hand * cos, -hand * sin], [sin, cos]])


def sky_of(scene: Scene, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the RA and Dec, deg, of pixels: exact."""
    u, v = x - (scene.shape[1] - 1) / 2.0, y - (scene.shape[0] - 1) / 2.0
    stretch = 1.0 + _cubic(scene) * (u**2 + v**2)
    xi, eta = np.radians(cd_matrix(scene) @ np.stack([u * stretch, v * stretch]))
    east, north, centre = axes(scene.ra_deg, scene.dec_deg)
    vx, vy, vz = xi * east[:, None] + eta * north[:, None] + centre[:, None]
    return np.degrees(np.arctan2(vy, vx)) % 360.0, np.degrees(np.arctan2(vz, np.hypot(vx, vy)))


def _cubic(scene: Scene) -> float:
    """Return the coefficient of u (u^2 + v^2) in the distortion, pixels^-2."""
    return scene.distortion / float(np.hypot(*scene.shape) / 2.0) ** 3


def julian_year(scene: Scene) -> float:
    """Return when the picture was taken."""
    return 2000.0 + (_midnight(scene) - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400.0 / 365.25


def mid_exposure_mjd(scene: Scene) -> float:
    """Return the middle of the exposure, MJD (UTC)."""
    start = (_midnight(scene) - datetime(1858, 11, 17, tzinfo=UTC)).total_seconds()
    return (start + scene.exposure_s / 2.0) / 86400.0


def _midnight(scene: Scene) -> datetime:
    """Return the UTC at which the Sun stands opposite the field, to half an hour: it culminates at night."""
    night = datetime(2019, 3, 21, tzinfo=UTC) + timedelta(days=int((scene.ra_deg - 180.0) % 360.0 / 360.0 * 365.25))
    return night - timedelta(days=_site(scene)[1] / 360.0)


def _site(scene: Scene) -> tuple[float, float]:
    """Return the latitude and longitude, deg: Tenerife, or La Silla for the southern sky."""
    return (28.3, -16.51) if scene.dec_deg >= 0.0 else (-29.26, -70.73)


def header_of(scene: Scene) -> fits.Header:
    """Return the cards that the camera writes."""
    latitude, longitude = _site(scene)
    header = fits.Header()
    for keyword, value in {
        "OBJECT": "Gaia19sim", "TELESCOP": "0.6m Cassegrain", "INSTRUME": "ANDOR iKon-L", "IMAGETYP": "Light Frame",
        "DATE-OBS": f"{_midnight(scene):%Y-%m-%dT%H:%M:%S.%f}", "TIMESYS": "UTC",
        "EXPTIME": scene.exposure_s, "FILTER": "r",
        "GAIN": scene.gain, "RDNOISE": scene.read_noise_e, "SATURATE": scene.saturation, "XBINNING": 1, "YBINNING": 1,
        "RA": scene.ra_deg, "DEC": scene.dec_deg, "SITELAT": latitude, "SITELONG": longitude, "SITEELEV": 2390.0,
    }.items():  # fmt: skip
        header[keyword] = value
    if scene.bayer:
        header["BAYERPAT"] = scene.bayer
        del header["FILTER"]
    if scene.wcs != NONE:
        header.update(_wcs_cards(scene))
    return header


def _wcs_cards(scene: Scene) -> dict[str, str | float | int]:
    right = scene.wcs == RIGHT
    bent = right and bool(scene.distortion)
    (cd11, cd12), (cd21, cd22) = cd_matrix(scene, 0.0 if right else 0.3)
    east, north = (0.0, 0.0) if right else scene.off_arcsec
    cards: dict[str, str | float | int] = {
        "CTYPE1": "RA---TAN" + "-SIP" * bent, "CTYPE2": "DEC--TAN" + "-SIP" * bent, "RADESYS": "ICRS",
        "CRVAL1": scene.ra_deg + east / 3600.0 / np.cos(np.radians(scene.dec_deg)),
        "CRVAL2": scene.dec_deg + north / 3600.0,
        "CRPIX1": (scene.shape[1] + 1) / 2.0, "CRPIX2": (scene.shape[0] + 1) / 2.0,
        "CD1_1": cd11, "CD1_2": cd12, "CD2_1": cd21, "CD2_2": cd22,
    }  # fmt: skip
    if bent:
        cards |= {"A_ORDER": 3, "B_ORDER": 3}
        cards |= dict.fromkeys(("A_3_0", "A_1_2", "B_2_1", "B_0_3"), _cubic(scene))
    return cards
