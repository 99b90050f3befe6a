"""A sky for `benchmarks.choice`: stars in every photometric system at once, and what each reference catalogue knows.

`photocal.simulate` is a field for demonstrations and tests, in four catalogues; its bytes must not change. Here the
relations between the systems matter, because they are all that tells one filter from another:

* colours of stars: the locus of Covey et al. (2007, AJ 134, 2398) in SDSS's g - i, with a dwarf's and a giant's
  infrared, reddened by Schlafly & Finkbeiner (2011, ApJ 737, 103) with R_V = 3.1;
* SDSS, Johnson and Cousins B V R I from PS1: Tonry et al. (2012, ApJ 750, 99, table 6), inverted for PS1 from SDSS;
* U: Jordi et al. (2006, A&A 460, 339), U - B = 0.79 (u - g) - 0.93;
* Gaia G, BP, RP from V - I: the relations of the documentation of Gaia EDR3 (Riello et al. 2021, A&A 649, A3);
* DES from SDSS: Abbott et al. (2021, ApJS 255, 20); SkyMapper from SDSS: slopes in g - i of about -0.23 in g (Wolf et
  al. 2018, PASA 35, e010), rough in the other filters.

Single stars lie off all that: metallicity moves the ultraviolet, and a smooth random function of the logarithm of the
wavelength moves everything, so that filters which see the same light are off by the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.polynomial.polynomial import polyval

from photocal.arrays import Bools, Floats
from photocal.references.declared import finished
from photocal.references.stars import ReferenceStars

Key = tuple[str, str]  # system and band
Magnitudes = dict[Key, Floats]

_COVEY = {
    "ug": (1.0636113, -1.6267818, 4.9389572, -3.2809081, 0.8725109, -0.0828035),
    "gr": (0.4290263, -0.8852323, 2.0740616, -1.1091553, 0.2397461, -0.0183195),
    "iz": (-0.2270331, 0.7794558, -0.7350749, 0.3727802, -0.0735412, 0.0049808),
    "zJ": (0.5908002, 0.5550226, -0.0980948, -0.0744787, 0.0416410, -0.0051909),
    "JH": (0.2636025, -0.1509139, 0.9523650, -0.7403368, 0.2125663, -0.0201250),
    "HK": (-0.0134374, 0.1844403, -0.1989967, 0.1300435, -0.0344786, 0.0032191),
}
_BLUEST, _REDDEST = 0.2, 2.7  # g - i of unreddened stars
_TO_SDSS = {  # of PS1's g - r, added to the PS1 magnitude of the same name
    "g": (0.013, 0.145, 0.019),
    "r": (-0.001, 0.004, 0.007),
    "i": (-0.005, 0.011, 0.010),
    "z": (0.013, -0.039, -0.012),
}
_TO_JOHNSON = {
    "B": ("g", (0.212, 0.556, 0.034)),
    "V": ("r", (0.005, 0.462, 0.013)),
    "R": ("r", (-0.137, -0.108, -0.029)),
    "I": ("i", (-0.366, -0.136, -0.018)),
}
_GAIA_LESS_V = {  # of V - I
    "G": (-0.01597, -0.02809, -0.2483, 0.03656, -0.002939),
    "BP": (-0.0143, 0.3564, -0.1332, 0.01212),
    "RP": (0.01868, -0.9028, -0.005321, -0.004186),
}
# Wavelength (nm), and extinction per E(B-V), of each band
BANDS: dict[Key, tuple[float, float]] = {
    ("JC", "U"): (361, 4.33), ("JC", "B"): (441, 3.63), ("JC", "V"): (551, 2.74), ("JC", "R"): (647, 2.17),
    ("JC", "I"): (786, 1.51), ("SDSS", "u"): (355, 4.24), ("SDSS", "g"): (470, 3.30), ("SDSS", "r"): (617, 2.29),
    ("SDSS", "i"): (749, 1.70), ("SDSS", "z"): (893, 1.26), ("PS1", "g"): (487, 3.17), ("PS1", "r"): (621, 2.27),
    ("PS1", "i"): (754, 1.68), ("PS1", "z"): (868, 1.32), ("2MASS", "J"): (1235, 0.71), ("2MASS", "H"): (1662, 0.45),
    ("2MASS", "K"): (2159, 0.30), ("GAIA", "G"): (622, 2.36), ("GAIA", "BP"): (511, 2.90), ("GAIA", "RP"): (777, 1.75),
    ("DES", "g"): (480, 3.24), ("DES", "r"): (641, 2.18), ("DES", "i"): (781, 1.60), ("DES", "z"): (924, 1.22),
    ("DES", "Y"): (989, 1.06), ("SM", "u"): (350, 4.29), ("SM", "g"): (507, 2.99), ("SM", "r"): (615, 2.29),
    ("SM", "i"): (777, 1.59), ("SM", "z"): (913, 1.21),
}  # fmt: skip
_SMOOTH = 0.012  # mag: of each of the cosines that a star's deviation from the locus is made of
_COSINES = 4
_METALLICITY = {("SDSS", "u"): 0.12, ("SM", "u"): 0.15, ("JC", "U"): 0.10, ("JC", "B"): 0.02, ("SDSS", "g"): 0.01}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """How a reference catalogue measures.

    Attributes
    ----------
    bands
        Its filter -> whose system it is in. What ``catalogues.toml`` derives from others is added by `photocal`.
    bright, faint
        mag: the brightest star, and the one whose error is 0.15 mag.
    floor
        mag: error of bright stars, beyond photon noise.
    quoted
        Which share of its true errors it quotes.
    jitter_arcsec, epoch_yr
        Of the positions, per axis.
    share
        Of the fields between ``south`` and ``north`` (deg) that it covers.
    worse
        Filter -> by how many magnitudes it is shallower.
    """

    bands: dict[str, str]
    bright: float
    faint: float
    floor: float
    quoted: float = 1.0
    jitter_arcsec: float = 0.05
    epoch_yr: float = 2012.0
    south: float = -90.0
    north: float = 90.0
    share: float = 1.0
    worse: dict[str, float] = field(default_factory=dict)


def _all(system: str, bands: str) -> dict[str, str]:
    return dict.fromkeys(bands.split(), system)


_PLATES = {"B1pg": "B", "B2pg": "B", "R1pg": "R", "R2pg": "R", "Ipg": "I"}
CATALOGUES = {
    "APASS": Knowledge(
        bands=_all("JC", "B V") | _all("SDSS", "g r i"), bright=9.5, faint=17.0, floor=0.025, quoted=0.8,
        jitter_arcsec=0.2, share=0.93, worse={"B": 0.3, "i": 0.7},
    ),
    "PS1": Knowledge(
        bands=_all("PS1", "g r i z"), bright=13.5, faint=21.7, floor=0.010, quoted=0.7, jitter_arcsec=0.02,
        south=-31.0, share=0.98, worse={"z": 1.0},
    ),
    "SDSS": Knowledge(
        bands=_all("SDSS", "u g r i z"), bright=14.0, faint=22.2, floor=0.012, south=-10.0, epoch_yr=2004.0,
        share=0.45, worse={"u": 1.0, "z": 1.5},
    ),
    "2MASS": Knowledge(
        bands=_all("2MASS", "J H K"), bright=5.0, faint=16.2, floor=0.022, jitter_arcsec=0.08, epoch_yr=1999.5,
        worse={"H": 0.7, "K": 1.2},
    ),
    "GAIA": Knowledge(
        bands=_all("GAIA", "G BP RP"), bright=5.0, faint=21.5, floor=0.003, jitter_arcsec=0.002, epoch_yr=2016.0,
        worse={"BP": 1.7, "RP": 1.7},
    ),
    "GaiaSP": Knowledge(
        bands=_all("SDSS", "u g r i z") | _all("JC", "U B V R I"), bright=6.0, faint=19.3, floor=0.008, quoted=0.6,
        jitter_arcsec=0.002, epoch_yr=2016.0, worse={"u": 2.5, "U": 2.3, "B": 0.8, "z": 0.5},
    ),
    "REFCAT2": Knowledge(
        bands=_all("PS1", "g r i z"), bright=6.0, faint=20.3, floor=0.012, quoted=0.8, epoch_yr=2015.5, share=0.98,
        worse={"z": 0.8},
    ),
    "SKYMAPPER": Knowledge(
        bands=_all("SM", "u g r i z"), bright=9.0, faint=19.5, floor=0.015, epoch_yr=2017.5, north=5.0, share=0.95,
        worse={"u": 1.5, "i": 0.5, "z": 1.0},
    ),
    "DES": Knowledge(
        bands=_all("DES", "g r i z Y"), bright=15.5, faint=23.5, floor=0.006, epoch_yr=2016.0, south=-65.0, north=5.0,
        share=0.2, worse={"z": 1.0, "Y": 2.3},
    ),
    "USNO": Knowledge(
        bands=_all("plate", " ".join(_PLATES)), bright=10.0, faint=20.5, floor=0.25, jitter_arcsec=0.25,
        epoch_yr=2000.0,
        worse={"Ipg": 1.5},
    ),
}  # fmt: skip
_LIMITS = {"GaiaSP": 17.65, "GAIA": 20.7, "REFCAT2": 19.5}  # mag: where a catalogue ends by decision
_QUOTED_LEAST = {"USNO": 0.3, "GaiaSP": 0.002, "2MASS": 0.02}
_HOLES = 0.03  # of single stars in a filter
_FIELD_BAND_MISSING = 0.03  # of whole filters in a field
_ODD_TERM, _ODD_ZERO_POINT = 0.012, 0.012  # mag per mag of g - i and mag: a catalogue's own in a field


def magnitudes(rng: np.random.Generator, n: int) -> Magnitudes:
    """Return the magnitudes of n stars in every band, up to a constant for each star: SDSS's r is 0."""
    red = rng.random(n) < rng.uniform(0.15, 0.5)
    c = np.clip(np.where(red, rng.normal(1.9, 0.4, n), rng.normal(0.75, 0.25, n)), _BLUEST, _REDDEST)
    giant = rng.random(n) < rng.uniform(0.02, 0.3)
    r = np.zeros(n)
    g = r + polyval(c, _COVEY["gr"])
    i = g - c
    z = i - polyval(c, _COVEY["iz"])
    true: Magnitudes = {("SDSS", "u"): g + polyval(c, _COVEY["ug"])}
    true |= {("SDSS", "g"): g, ("SDSS", "r"): r, ("SDSS", "i"): i, ("SDSS", "z"): z}
    true["2MASS", "J"] = z - polyval(c, _COVEY["zJ"])
    true["2MASS", "H"] = true["2MASS", "J"] - polyval(c, _COVEY["JH"]) - 0.08 * giant * (c > 1.0)
    true["2MASS", "K"] = true["2MASS", "H"] - polyval(c, _COVEY["HK"])
    true |= _other_systems(true)
    return _off_the_locus(rng, n, true)


def _other_systems(sdss: Magnitudes) -> Magnitudes:
    u, g, r, i, z = (sdss["SDSS", band] for band in "ugriz")
    g_r = g - r
    for _ in range(6):  # PS1's g - r, of which SDSS's is a polynomial
        g_r = (g - r) - polyval(g_r, _TO_SDSS["g"]) + polyval(g_r, _TO_SDSS["r"])
    true: Magnitudes = {
        ("PS1", band): sdss["SDSS", band] - polyval(g_r, coefficients) for band, coefficients in _TO_SDSS.items()
    }
    for band, (base, coefficients) in _TO_JOHNSON.items():
        true["JC", band] = true["PS1", base] + polyval(g_r, coefficients)
    true["JC", "U"] = true["JC", "B"] + 0.79 * (u - g) - 0.93
    v, v_i = true["JC", "V"], true["JC", "V"] - true["JC", "I"]
    true |= {("GAIA", band): v + polyval(v_i, coefficients) for band, coefficients in _GAIA_LESS_V.items()}
    true |= {
        ("DES", "g"): g - 0.061 * (g - i), ("DES", "r"): r - 0.155 * (r - i), ("DES", "i"): i - 0.166 * (r - i),
        ("DES", "z"): z - 0.056 * (r - i), ("DES", "Y"): z - 0.056 * (r - i) - 0.25 * (i - z),
        ("SM", "u"): u + 0.25 * (u - g), ("SM", "g"): g - 0.23 * (g - i), ("SM", "r"): r + 0.02 * (g - i),
        ("SM", "i"): i - 0.20 * (r - i), ("SM", "z"): z - 0.10 * (i - z),
    }  # fmt: skip
    return true


def _off_the_locus(rng: np.random.Generator, n: int, true: Magnitudes) -> Magnitudes:
    """Redden the stars, and move each off the locus."""
    mean = 0.05 + rng.exponential(0.15)
    reddening = mean * np.exp(0.4 * rng.normal(0.0, 1.0, n)) * rng.uniform(0.2, 1.0)
    metallicity = rng.normal(0.0, 1.0, n)
    waves = rng.normal(0.0, _SMOOTH, (_COSINES, n))
    off = {}
    for key, mag in true.items():
        wavelength, extinction = BANDS[key]
        place = np.log(wavelength / 350.0) / np.log(2200.0 / 350.0)
        smooth = sum(np.cos(np.pi * (k + 1) * place) * wave for k, wave in enumerate(waves))
        off[key] = mag + extinction * reddening + _METALLICITY.get(key, 0.0) * metallicity + smooth
    return off


def covering(rng: np.random.Generator, dec_deg: float) -> list[str]:
    """Return the catalogues that have stars in a field at this declination."""
    drawn = rng.random(len(CATALOGUES))
    return [
        name
        for (name, item), chance in zip(CATALOGUES.items(), drawn, strict=True)
        if item.south <= dec_deg <= item.north and chance < item.share
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a catalogue has of a field: its stars, and which of the true magnitudes each of its filters stands for.

    ``stars.bands`` holds measured magnitudes; ``true`` the same without noise and offset, for the same rows.
    """

    stars: ReferenceStars
    true: dict[str, Floats]


def known_stars(
    rng: np.random.Generator, name: str, ra: Floats, dec: Floats, mags: Magnitudes, proper_motion: Floats
) -> Known | None:
    """Return what a reference catalogue knows of the stars; places are of 2016. None where it has nothing."""
    item, n = CATALOGUES[name], len(ra)
    colour = mags["SDSS", "g"] - mags["SDSS", "i"]
    bands, true = {}, {}
    for band, system in item.bands.items():
        own = mags["JC", _PLATES[band]] if system == "plate" else mags[system, band]
        own = own + rng.normal(0.0, _ODD_TERM) * (colour - 1.0)
        true[band] = own
        bands[band] = _measured(rng, name, band, own)
    known = np.any([np.isfinite(mag) for mag, _ in bands.values()], axis=0)
    if not known.any():
        return None
    years = item.epoch_yr - 2016.0
    off = rng.normal(0.0, item.jitter_arcsec, (2, n)) / 3600.0 + proper_motion * years / 3.6e6
    moves = name in {"GAIA", "GaiaSP", "REFCAT2"}
    stars = ReferenceStars(
        catalogue=name, ra_deg=(ra + off[0] / np.cos(np.radians(dec))) % 360.0, dec_deg=dec + off[1],
        pm_ra_mas_yr=proper_motion[0] if moves else None, pm_dec_mas_yr=proper_motion[1] if moves else None,
        epoch_yr=item.epoch_yr, bands=bands,
    ).select(known)  # fmt: skip
    true |= {band: mags["JC", band] for band in "BVRI"} if name == "SDSS" else {}
    return Known(stars=finished(stars), true={band: mag[known] for band, mag in true.items()})


def _measured(rng: np.random.Generator, name: str, band: str, own: Floats) -> tuple[Floats, Floats]:
    """Return magnitudes and quoted errors as the catalogue has them."""
    item, n = CATALOGUES[name], len(own)
    faint = item.faint - item.worse.get(band, 0.0)
    error = np.hypot(item.floor, 0.15 * 10.0 ** (0.4 * (own - faint)))
    mag = own + rng.normal(0.0, _ODD_ZERO_POINT) + rng.normal(0.0, 1.0, n) * error
    quoted = np.round(np.maximum(item.quoted * error, _QUOTED_LEAST.get(name, 0.001)), 4)
    seen: Bools = (mag > item.bright) & (own < faint + 0.7) & (rng.random(n) > _HOLES)
    seen &= mag < _LIMITS.get(name, np.inf)
    if rng.random() < _FIELD_BAND_MISSING:
        seen[:] = False
    return np.where(seen, mag, np.nan), np.where(seen, quoted, np.nan)
