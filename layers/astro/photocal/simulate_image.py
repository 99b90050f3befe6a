"""A picture of stars of which everything is known: FITS bytes as a camera writes them, the truth, reference stars.

Stars are Moffat profiles integrated over the pixels (Gauss-Legendre in the core, the middle of the pixel in the
wings), on a sloping sky, with photon and read noise, saturation, cosmic rays, hot pixels and bad columns. Everything
follows from the scene and the seed. Pixels are 0-based, fluxes in counts of the whole exposure.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from photocal.arrays import Anything, Bools, Floats, Ints
from photocal.references.stars import ReferenceStars
from photocal.simulate_scene import Scene, header_of, julian_year, sky_of

NODES, WEIGHTS = (half / 2.0 for half in np.polynomial.legendre.leggauss(4))
CORE = 3.0  # FWHM about the middle pixel that are integrated: what the wings lose is under 2e-4 of the light
LEAST = 0.02  # counts in a pixel, where the wings end
THROUGH = {"R": 0.7, "G": 1.0, "B": 0.5}  # of a star's light, by each filter of a mosaic
DEAD = 5.0  # counts in a bad column
RED_SHARE = 0.4  # of the stars

Profile = Callable[[Anything, Anything], Floats]  # counts by area at distances along x and y


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """The stars; all arrays have the same length n, those inside the frame first.

    Attributes
    ----------
    x, y, flux
        (n,) pixels; counts.
    ra_deg, dec_deg
        (n,) deg, ICRS, at the time of the picture.
    g, r
        (n,) mag: ``-2.5 log10(flux) + zero_point = r + colour_term (g - r)``.
    inside
        (n,) whether the star's middle is on the frame.
    hit
        (n,) whether a saturated or spoilt pixel lies within one FWHM.
    """

    x: Floats
    y: Floats
    flux: Floats
    ra_deg: Floats
    dec_deg: Floats
    g: Floats
    r: Floats
    inside: Bools
    hit: Bools


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StarField:
    """A picture, what is true of it, and what a catalogue knows.

    Attributes
    ----------
    model
        (ny, nx) counts: the stars without sky, noise and defects.
    counts
        (ny, nx) uint16, as in the file.
    spoilt
        (ny, nx), True for saturated pixels and those with a defect.
    header
        As in the file.
    """

    scene: Scene
    truth: Truth
    references: ReferenceStars
    model: Floats
    counts: Anything
    spoilt: Bools
    header: fits.Header

    @property
    def data(self) -> bytes:
        """The FITS file."""
        stream = io.BytesIO()
        fits.PrimaryHDU(self.counts, self.header).writeto(stream)
        return stream.getvalue()


def star_field(scene: Scene | None = None, seed: int = 1) -> StarField:
    """Return the picture of a scene."""
    scene = scene or Scene()
    rng = np.random.default_rng(seed)
    truth = _stars(scene, rng)
    model = render(scene, truth.x, truth.y, truth.flux)
    counts, spoilt = _exposed(scene, model, rng)
    truth.hit[:] = _hit(scene, truth, spoilt)
    references = _references(scene, truth, rng)
    return StarField(
        scene=scene,
        truth=truth,
        references=references,
        model=model,
        counts=counts,
        spoilt=spoilt,
        header=header_of(scene),
    )


def render(scene: Scene, x: Floats, y: Floats, flux: Floats) -> Floats:
    """Return the (ny, nx) counts of stars."""
    ny, nx = scene.shape
    image = np.zeros(scene.shape)
    widths = fwhm_at(scene, x, y)
    for share, wider, right, up in _parts(scene):
        for star_x, star_y, star_flux, width in zip(x, y, share * flux, widths, strict=True):
            fwhm = wider * width
            profile, peak, alpha = _profile(scene, fwhm, star_flux)
            core = int(np.ceil(CORE * fwhm))
            reach = max(core, int(alpha * max(peak / LEAST, 1.0) ** (0.5 / scene.beta)) + 1)
            at = (star_x + right * width, star_y + up * width)
            _add(image, profile, at, (core, min(reach, nx + ny)))
    return image


def stamp(scene: Scene, x: float, y: float, columns: Ints, rows: Ints) -> Floats:
    """Return the (rows, columns) light of a star of flux 1, integrated over every pixel."""
    width = float(fwhm_at(scene, np.array([x]), np.array([y]))[0])
    light = np.zeros((len(rows), len(columns)))
    for share, wider, right, up in _parts(scene):
        profile = _profile(scene, wider * width, share)[0]
        light += _integrated(profile, columns - x - right * width, rows - y - up * width)
    return light


def _parts(scene: Scene) -> tuple[tuple[float, float, float, float], ...]:
    """Return of each Moffat the share, how many times as wide as the FWHM it is, and its place by x and y, FWHM."""
    if not scene.halo:
        return ((1.0, 1.0, 0.0, 0.0),)
    return (1.0 - scene.halo[0], 1.0, 0.0, 0.0), scene.halo


def fwhm_at(scene: Scene, x: Floats, y: Floats) -> Floats:
    """Return the (n,) FWHM, pixels."""
    ny, nx = scene.shape
    corner = np.hypot(nx, ny) / 2.0
    fwhm: Floats = scene.fwhm * (
        1.0 + scene.widening * np.hypot(x - (nx - 1) / 2.0, y - (ny - 1) / 2.0) ** 2 / corner**2
    )
    return fwhm


def _profile(scene: Scene, fwhm: float, flux: float) -> tuple[Profile, float, float]:
    """Return the counts in a pixel's area as a function of dx and dy from the star, their peak, and the alpha."""
    cos, sin = np.cos(np.radians(scene.angle_deg)), np.sin(np.radians(scene.angle_deg))
    ratio = 1.0 - scene.ellipticity  # b / a; alpha^2 = a b
    alpha = fwhm / 2.0 / np.sqrt(2.0 ** (1.0 / scene.beta) - 1.0)
    peak = flux * (scene.beta - 1.0) / (np.pi * alpha**2)

    def counts(dx: Floats, dy: Floats) -> Floats:
        along, across = dx * cos + dy * sin, dy * cos - dx * sin
        area: Floats = peak * (1.0 + (along**2 * ratio + across**2 / ratio) / alpha**2) ** -scene.beta
        return area

    return counts, float(peak), float(alpha)


def _integrated(profile: Profile, dx: Anything, dy: Anything) -> Floats:
    """Return the light of the pixels whose middles are so far from the star: (y, x)."""
    fine_x = (dx[:, None] + NODES)[None, :, None, :]
    fine_y = (dy[:, None] + NODES)[:, None, :, None]
    light: Floats = np.einsum("yxji,j,i->yx", profile(fine_x, fine_y), WEIGHTS, WEIGHTS)
    return light


def _add(image: Floats, profile: Profile, place: tuple[float, float], reaches: tuple[int, int]) -> None:
    (x, y), (core, reach) = place, reaches
    columns, rows = _near(x, reach, image.shape[1]), _near(y, reach, image.shape[0])
    if columns.size and rows.size:
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        core_x, core_y = np.abs(columns - round(x)) <= core, np.abs(rows - round(y)) <= core
        light = profile(columns[None, :] - x, rows[:, None] - y)
        light[np.ix_(core_y, core_x)] = _integrated(profile, columns[core_x] - x, rows[core_y] - y)
        image[box] += light


def _near(place: float, reach: int, size: int) -> Ints:
    return np.arange(max(0, round(place) - reach), min(size, round(place) + reach + 1))


def _stars(scene: Scene, rng: np.random.Generator) -> Truth:
    ny, nx = scene.shape
    size, n = np.array([nx, ny]), scene.n_stars
    around = rng.uniform(-0.5, 1.5, (8 * n, 2))
    around = around[((around < 0.0) | (around > 1.0)).any(axis=1)][: 3 * n]
    x, y = (np.concatenate([_inside(scene, rng), around]) * size - 0.5).T
    share = rng.random(len(x)) * (1.0 - (scene.brightest / scene.faintest) ** -scene.slope)
    flux = scene.faintest * (1.0 - share) ** (-1.0 / scene.slope)
    colour = np.where(rng.random(len(x)) < RED_SHARE, rng.normal(1.35, 0.1, len(x)), rng.normal(0.55, 0.15, len(x)))
    r = scene.zero_point - 2.5 * np.log10(flux) - scene.colour_term * colour
    inside = np.arange(len(x)) < n
    ra, dec = sky_of(scene, x, y)
    hit = np.zeros(len(x), np.bool_)
    return Truth(x=x, y=y, flux=flux, ra_deg=ra, dec_deg=dec, g=r + colour, r=r, inside=inside, hit=hit)


def _inside(scene: Scene, rng: np.random.Generator) -> Floats:
    """Return (n_stars, 2) places, 0 to 1 being the edges of the frame."""
    size, places = np.array(scene.shape[::-1]), rng.random((scene.n_stars, 2))
    if not scene.apart:
        return places
    kept = np.empty((0, 2))
    for place in rng.random((50 * scene.n_stars, 2)):
        if (np.hypot(*((kept - place) * size).T) >= scene.apart).all():
            kept = np.vstack([kept, place])
            if len(kept) == scene.n_stars:
                return kept
    raise ValueError("so many stars cannot keep so far apart")


def _exposed(scene: Scene, model: Floats, rng: np.random.Generator) -> tuple[Anything, Bools]:
    ny, nx = scene.shape
    slope_x, slope_y = (np.linspace(-0.5, 0.5, n) * share for n, share in zip((nx, ny), scene.slant, strict=True))
    light = model + scene.sky * (1.0 + slope_x[None, :] + slope_y[:, None])
    for place, colour in enumerate(scene.bayer):  # rows from the first in the file
        light[place // 2 :: 2, place % 2 :: 2] *= THROUGH[colour]
    counts = rng.poisson(light * scene.gain) / scene.gain
    spoilt = _cosmics(scene, counts, rng)
    rows, columns = rng.integers(0, ny, scene.n_hot), rng.integers(0, nx, scene.n_hot)
    counts[rows, columns] += 10.0 ** rng.uniform(2.5, 4.3, scene.n_hot)
    spoilt[rows, columns] = True
    counts += rng.normal(0.0, scene.read_noise_e / scene.gain, scene.shape)
    bad = list(scene.bad_columns)
    counts[:, bad] = rng.normal(DEAD, 1.0, (ny, len(bad)))
    spoilt[:, bad] = True
    counts = np.clip(np.round(counts), 0.0, min(scene.saturation, 65535.0))
    return counts.astype(np.uint16), spoilt | (counts >= scene.saturation)


def _cosmics(scene: Scene, counts: Floats, rng: np.random.Generator) -> Bools:
    """Add the tracks of cosmic rays; return where they are."""
    spoilt = np.zeros(scene.shape, np.bool_)
    for _ in range(scene.n_cosmics):
        steps, angle = np.arange(0.0, 1.0 + rng.exponential(4.0), 0.7), rng.uniform(0.0, np.pi)
        rows = (rng.uniform(0, scene.shape[0]) + steps * np.sin(angle)).astype(int)
        columns = (rng.uniform(0, scene.shape[1]) + steps * np.cos(angle)).astype(int)
        on = (rows < scene.shape[0]) & (columns >= 0) & (columns < scene.shape[1])
        deposit = 10.0 ** rng.uniform(2.7, 4.3) / scene.gain * rng.uniform(0.3, 0.7, on.sum())
        np.add.at(counts, (rows[on], columns[on]), deposit)
        spoilt[rows[on], columns[on]] = True
    return spoilt


def _hit(scene: Scene, truth: Truth, spoilt: Bools) -> Bools:
    hit = np.zeros(len(truth.x), np.bool_)
    rows, columns = np.nonzero(spoilt)
    for i in np.flatnonzero(truth.inside):
        hit[i] = (np.hypot(columns - truth.x[i], rows - truth.y[i]) <= scene.fwhm).any()
    return hit


def _references(scene: Scene, truth: Truth, rng: np.random.Generator) -> ReferenceStars:
    """Return what a catalogue of 2016 knows: places as the scene says, magnitudes to 5 mmag, worse for faint stars."""
    n = len(truth.x)
    error = np.hypot(0.005, 0.05 * np.sqrt(scene.faintest / truth.flux))
    east, north = rng.normal(0.0, scene.reference_mas / 3.6e6, (2, n))
    now = ReferenceStars(
        catalogue="PS1",
        ra_deg=(truth.ra_deg + east / np.cos(np.radians(truth.dec_deg))) % 360.0,
        dec_deg=truth.dec_deg + north,
        pm_ra_mas_yr=rng.normal(0.0, 1.0, n) * scene.motion_mas_yr,
        pm_dec_mas_yr=rng.normal(0.0, 1.0, n) * scene.motion_mas_yr,
        epoch_yr=julian_year(scene),
        bands={name: (mag + rng.normal(0.0, error), error) for name, mag in (("g", truth.g), ("r", truth.r))},
    )
    return now.at_epoch(2016.0)
