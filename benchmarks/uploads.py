"""Uploads for `benchmarks.choice`: drawn once and for all, whatever the engine makes of them.

Observers' filters are drawn with the weights of `OBSERVED`; an instrument's response is the standard band, plus its
own colour term (normal, 0.06 mag per mag of g - i; one telescope in ten 0.2) and a little of second order. Numbers of
stars run log-uniformly from 5 to 3,000, the depth from 14 to 20 mag, scatter log-uniformly from 0.005 to 0.15 mag,
outliers from 0 to 20 %; one observer in four quotes errors a factor of two too small, one in twelve too large. The
header names the right filter in 70 %, nothing in 15 %, something that several filters share or that means nothing in
8 %, and another filter in 7 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from benchmarks import sky
from photocal.arrays import Bools, Floats
from photocal.stars import CatalogueMeta, StarList

SEED = 20190129


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A filter that observers have.

    Attributes
    ----------
    weight
        How common it is.
    systems
        The photometric systems that its makers copied: one of them, for each telescope.
    right
        The catalogues' filters that are right for it, best first: the first that the field's catalogues hold.
    names
        How headers spell it.
    ambiguous
        What else they say, which fits others too.
    """

    weight: float
    systems: tuple[sky.Key, ...]
    right: tuple[str, ...]
    names: tuple[str, ...]
    ambiguous: tuple[str, ...] = ()


_WHEEL = ("2 1", "48", "Clear")
OBSERVED = {
    "U": Observed(weight=2, systems=(("JC", "U"),), right=("U", "u"), ambiguous=("U",),
                  names=("Johnson U", "Bessell-U", "U_JC", "UJ", "U_BESS")),
    "B": Observed(weight=10, systems=(("JC", "B"),), right=("B", "g"), ambiguous=("blue",),
                  names=("B", "Bessell-B", "Johnson_B", "B Bessell #10", "JB", "B_JC", "Bessel B", "Harris-B")),
    "V": Observed(weight=17, systems=(("JC", "V"),), right=("V", "g", "r"), ambiguous=("green",),
                  names=("V", "Bessell-V", "Johnson V", "V_Bessell 1", "V Harris", "Astrodon V", "JV", "V_JC")),
    "R": Observed(weight=15, systems=(("JC", "R"),), right=("R", "r"), ambiguous=("R", "Red", "r"),
                  names=("Rc", "Bessell-R", "R Cousins", "R_Cousins", "Johnson R", "R_JC", "R-Bessel")),
    "I": Observed(weight=10, systems=(("JC", "I"),), right=("I", "i"), ambiguous=("I",),
                  names=("Ic", "Bessell-I", "I Cousins", "I_c", "Johnson I", "I_JC", "I-Bessel")),
    "u": Observed(weight=3, systems=(("SDSS", "u"),), right=("u", "U"), ambiguous=("U",),
                  names=("u", "up", "u'", "SDSS-U", "sloan u")),
    "g": Observed(weight=10, systems=(("SDSS", "g"), ("PS1", "g")), right=("g", "B"), ambiguous=("G",),
                  names=("g", "gp", "g'", "SDSS-G", "2 7 g-Gunn", "sdss_g", "Sloan g", "g'_SDSS 118")),
    "r": Observed(weight=13, systems=(("SDSS", "r"), ("PS1", "r")), right=("r", "R"), ambiguous=("R", "Red"),
                  names=("r", "rp", "r'", "SDSS-R", "sdss_r", "r-Sloan", "Sloan r'", "r.MP9601", "PS1 r")),
    "i": Observed(weight=10, systems=(("SDSS", "i"), ("PS1", "i")), right=("i", "I"), ambiguous=("I",),
                  names=("i", "ip", "i'", "SDSS-I", "sdss_i", "iprime", "i-Sloan", "Sloan i'")),
    "z": Observed(weight=4, systems=(("SDSS", "z"), ("PS1", "z")), right=("z", "Y"),
                  names=("z", "zs", "z'", "SDSS-Z", "PanSTARRS-z", "zp")),
    "G": Observed(weight=6, systems=(("GAIA", "G"),), right=("G", "r", "R"),
                  names=("Clear", "clear", "No filter", "L", "Luminance", "w", "open", "None", "C", "CV", "CR", "Air")),
    "J": Observed(weight=1, systems=(("2MASS", "J"),), right=("J",), names=("J", "MK-J", "Bessell J")),
    "H": Observed(weight=1, systems=(("2MASS", "H"),), right=("H",), names=("H", "MK-H")),
    "K": Observed(weight=1, systems=(("2MASS", "K"),), right=("K",), names=("K", "Ks", "MK-K", "Kp")),
    "TG": Observed(weight=3, systems=(("JC", "V"),), right=("V", "g", "r"), ambiguous=("RGGB",),
                   names=("TG", "green", "Green", "G channel")),
}  # fmt: skip
NAMED, MISSING, AMBIGUOUS, WRONG = "right name", "no name", "ambiguous", "wrong name"
_HEADERS = (NAMED, MISSING, AMBIGUOUS, WRONG)
_SHARES = (0.70, 0.15, 0.08, 0.07)
_OWN_TERM, _ODD_TERM, _ODD_SHARE, _SECOND_ORDER = 0.06, 0.2, 0.1, 0.01
_GREEN_TERM = 0.1  # mag per mag of g - i: of a Bayer mask's green, beyond V
_FIELD_DEG = 0.3
_RANGE = 6.0  # mag: from the brightest star of a frame that is not saturated to its limit
_BLENDED = 0.3  # of the outliers that SExtractor would flag
_STRANGERS = 0.5  # reference stars that the frame does not show, per star of the frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload, and what is true of it.

    Attributes
    ----------
    band
        The observer's filter, a key of `OBSERVED`.
    header
        Which kind of name the header has: ``right name``, ``no name``, ``ambiguous``, ``wrong name``.
    hint
        The name.
    clean
        (n,) array, mag: the instrumental magnitudes without noise and outliers.
    ideal
        Band of `OBSERVED` -> its probability to an ideal observer: one who knows how uploads are drawn, the header, the
        true magnitudes of the stars in every band, the noise of every star and which are outliers, and who fits slope
        and curvature of the instrument's magnitudes in g - i against every band.
    """

    band: str
    header: str
    hint: str
    stars: StarList
    clean: Floats
    ideal: Mapping[str, float]
    known: tuple[sky.Known, ...]
    mjd: float
    dec_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the telescope made of the stars; ``sigma`` (mag) is the true noise of each that is no outlier."""

    stars: StarList
    clean: Floats
    sigma: Floats
    outlier: Bools


def draw(number: int, seed: int = SEED) -> Upload:
    """Draw an upload; the same number and seed make the same one."""
    rng = np.random.Generator(np.random.PCG64([seed, number]))
    band = str(rng.choice(list(OBSERVED), p=_weights()))
    header = str(rng.choice(_HEADERS, p=_SHARES))
    hint = _name(rng, band, header)
    n = int(np.exp(rng.uniform(np.log(5.0), np.log(3000.0))))
    depth = rng.uniform(14.0, 20.0)
    total = n + int(_STRANGERS * n)
    mags, own = _field(rng, band, n, total, depth)
    ra0, dec0 = rng.uniform(0.0, 360.0), float(np.degrees(np.arcsin(rng.uniform(-0.98, 0.98))))
    east, north = rng.uniform(-0.5 * _FIELD_DEG, 0.5 * _FIELD_DEG, (2, total))
    dec = dec0 + north
    ra = (ra0 + east / np.cos(np.radians(dec))) % 360.0
    motion = rng.normal(0.0, 8.0, (2, total))
    mjd = float(rng.uniform(56500.0, 60500.0))
    found = [sky.known_stars(rng, name, ra, dec, mags, motion) for name in sky.covering(rng, dec0)]
    years = 2000.0 + (mjd - 51544.5) / 365.25 - 2016.0
    moved = dec + motion[1] * years / 3.6e6
    there = (ra + motion[0] * years / 3.6e6 / np.cos(np.radians(dec))) % 360.0
    seen = _observe(rng, (there[:n], moved[:n]), own[:n], depth)
    return Upload(
        band=band, header=header, hint=hint, stars=seen.stars, clean=seen.clean, ideal=_ideal(mags, seen, hint),
        known=tuple(item for item in found if item is not None), mjd=mjd, dec_deg=dec0,
    )  # fmt: skip


def _ideal(mags: sky.Magnitudes, seen: _Seen, hint: str) -> dict[str, float]:
    """Return what an ideal observer makes of an upload: band -> probability.

    With the fitted slope and curvature t of covariance C, and those of instruments drawn from N(0, S), the likelihood
    of a band is N(t; 0, C + S), a mixture of two S as in the draw.
    """
    n = len(seen.clean)
    away = (mags["SDSS", "g"] - mags["SDSS", "i"])[:n] - 1.0
    inlier = ~seen.outlier
    design = np.stack([np.ones(n), away, away**2], axis=1)[inlier] / seen.sigma[inlier, None]
    covariance = np.linalg.pinv(design.T @ design, hermitian=True)
    log_p = np.empty(len(OBSERVED))
    for k, (band, item) in enumerate(OBSERVED.items()):
        mean = [_GREEN_TERM if band == "TG" else 0.0, 0.0]
        parts = []
        for system in item.systems:
            y = (seen.stars.inst_mag - mags[system][:n])[inlier] / seen.sigma[inlier]
            terms = (covariance @ design.T @ y)[1:]
            usual, odd = (
                multivariate_normal.logpdf(terms, mean, covariance[1:, 1:] + np.diag([spread**2, _SECOND_ORDER**2]))
                for spread in (_OWN_TERM, _ODD_TERM)
            )
            parts.append(np.logaddexp(np.log1p(-_ODD_SHARE) + usual, np.log(_ODD_SHARE) + odd))
        log_p[k] = logsumexp(parts) - np.log(len(parts)) + np.log(item.weight * _chance(band, hint))
    return dict(zip(OBSERVED, np.exp(log_p - logsumexp(log_p)).tolist(), strict=True))


def _chance(band: str, hint: str) -> float:
    """Return how often a filter's header says this."""
    named, missing, ambiguous, wrong = _SHARES
    if not hint:
        return missing

    def share(names: tuple[str, ...]) -> float:
        return names.count(hint) / len(names)

    others = [share(item.names) for other, item in OBSERVED.items() if other != band]
    return (
        named * share(OBSERVED[band].names)
        + ambiguous * share((*OBSERVED[band].ambiguous, *_WHEEL))
        + wrong * sum(others) / len(others)
        + 1e-9
    )


def _weights() -> Floats:
    weights = np.array([item.weight for item in OBSERVED.values()], dtype=np.float64)
    normalised: Floats = weights / weights.sum()
    return normalised


def _name(rng: np.random.Generator, band: str, header: str) -> str:
    if header == MISSING:
        return ""
    if header == AMBIGUOUS:
        return str(rng.choice((*OBSERVED[band].ambiguous, *_WHEEL)))
    named = band if header == NAMED else str(rng.choice([other for other in OBSERVED if other != band]))
    return str(rng.choice(OBSERVED[named].names))


def _field(rng: np.random.Generator, band: str, n: int, total: int, depth: float) -> tuple[sky.Magnitudes, Floats]:
    """Return the stars' magnitudes in every band, and as the instrument sees them; those beyond n are fainter."""
    mags = sky.magnitudes(rng, total)
    colour = mags["SDSS", "g"] - mags["SDSS", "i"]
    systems = OBSERVED[band].systems
    own = mags[systems[int(rng.integers(len(systems)))]].copy()
    spread = _ODD_TERM if rng.random() < _ODD_SHARE else _OWN_TERM
    term = rng.normal(0.0, spread) + (_GREEN_TERM if band == "TG" else 0.0)
    own += term * (colour - 1.0) + rng.normal(0.0, _SECOND_ORDER) * (colour - 1.0) ** 2
    counts = rng.uniform(0.2, 0.4)  # log10 of how counts grow with a magnitude
    wanted = depth - _RANGE + np.log10(1.0 + rng.random(total) * (10.0 ** (counts * _RANGE) - 1.0)) / counts
    wanted[n:] = depth + rng.uniform(0.0, 1.5, total - n)
    shift = wanted - own
    return {key: mag + shift for key, mag in mags.items()}, own + shift


def _observe(rng: np.random.Generator, where: tuple[Floats, Floats], own: Floats, depth: float) -> _Seen:
    """Measure the stars."""
    n = len(own)
    zero_point = rng.uniform(18.0, 28.0)
    scatter = np.exp(rng.uniform(np.log(0.005), np.log(0.15)))
    error = np.hypot(0.003, 0.2 * 10.0 ** (0.4 * (own - depth)))
    outlier: Bools = rng.random(n) < rng.uniform(0.0, 0.2)
    clean = own - zero_point
    inst = clean + rng.normal(0.0, 1.0, n) * np.hypot(np.where(outlier, 0.8, scatter), error)
    quoted = error * rng.choice([1.0, 0.5, 2.0], p=[2 / 3, 1 / 4, 1 / 12])
    angle, away = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.0, 1.0)
    off = rng.normal(0.0, rng.uniform(0.03, 0.25), (2, n)) + away * np.array([[np.cos(angle)], [np.sin(angle)]])
    ra, dec = where
    stars = StarList(
        ra_deg=(ra + off[0] / 3600.0 / np.cos(np.radians(dec))) % 360.0, dec_deg=dec + off[1] / 3600.0, inst_mag=inst,
        inst_mag_err=np.round(np.maximum(quoted, 0.0001), 4),
        flags=np.where(outlier & (rng.random(n) < _BLENDED), 3, 0).astype(np.int64),
        meta=CatalogueMeta(format="simulated", n_rows=n),
    )  # fmt: skip
    return _Seen(stars=stars, clean=clean, sigma=np.hypot(scatter, error), outlier=outlier)
