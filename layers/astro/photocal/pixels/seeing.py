"""Objects at a first look, and how broad a star is."""

from __future__ import annotations

import numpy as np
import sep
from scipy.optimize import curve_fit

from photocal.arrays import Anything, Bools, Floats, Pixels

_COLUMNS = ("x", "y", "xpeak", "ypeak", "a", "b", "theta", "flux", "peak", "npix", "flag")
_LOOK_RMS, _TRIES, _STEEPER = 10.0, 4, 3.0
_LIT, _LIT_RMS = 0.03, 2.0  # of the peak, and of the sky's rms, that three of the four pixels next to a star's have
_LEAST_PIXELS, _MOST_LONG, _ALIKE, _MOST_STARS = 8, 1.5, 0.12, 80
_TELLING, _FEWEST_TELLING = 60, 5  # objects: the brightest are asked whether the telescope moved
_LONG, _MOSTLY, _ALIGNED, _MARGIN = 1.35, 0.6, 0.8, 1.3
FALLBACK = 2.5  # pixels: the FWHM where no star tells
_NARROWEST, _BROADEST = 0.9, 40.0


def objects(above: Pixels, bad: Bools, rms: float, threshold: float) -> tuple[Anything, Floats]:
    """Return what SEP finds above so many rms, and the (n,) radii that hold half of the light, pixels.

    Where there is more than SEP has room for, the threshold is raised, three times by a factor of three.
    """
    sep.set_extract_pixstack(max(500_000, above.size // 2))
    sep.set_sub_object_limit(4096)
    found: Anything = np.zeros(0, dtype=[(name, float) for name in _COLUMNS])
    for attempt in range(_TRIES):
        try:
            found = sep.extract(above, threshold * _STEEPER**attempt, err=rms, mask=bad)
        except Exception as error:  # SEP raises nothing narrower
            if "full" not in str(error) and "limit" not in str(error):
                raise
            continue
        break
    found = found[np.isfinite(found["a"]) & (found["b"] > 0)]
    if not len(found):
        return found, np.zeros(0)
    radius, _ = sep.flux_radius(above, found["x"], found["y"], 6.0 * found["a"], 0.5, mask=bad, subpix=5)
    return found, np.nan_to_num(radius)


def lit_around(above: Pixels, found: Anything, rms: float) -> Bools:
    """Return which objects have light in three of the four pixels next to their brightest, (n,).

    Stars have, however narrow; a hot pixel has it in none, the track of a cosmic ray in two.
    """
    ny, nx = above.shape
    x, y = found["xpeak"].astype(np.int64), found["ypeak"].astype(np.int64)
    steps = ((0, 1), (0, -1), (1, 0), (-1, 0))
    around = np.sort([above[(y + dy).clip(0, ny - 1), (x + dx).clip(0, nx - 1)] for dy, dx in steps], axis=0)
    lit: Bools = around[1] > np.maximum(_LIT * found["peak"], _LIT_RMS * rms)
    return lit


def trailing(found: Anything) -> float:
    """Return how many times longer than wide all stars are: 1 unless most of the brightest are, in one direction."""
    some = found[(found["flag"] == 0) & (found["npix"] > _LEAST_PIXELS)]
    some = some[np.argsort(-some["flux"])][:_TELLING]
    if len(some) < _FEWEST_TELLING:
        return 1.0
    ratio = some["a"] / some["b"]
    long = ratio > _LONG
    if np.mean(long) < _MOSTLY or abs(np.mean(np.exp(2j * some["theta"][long]))) < _ALIGNED:
        return 1.0
    return float(np.median(ratio[long]))


def longest(found: Anything) -> float:
    """Return how many times longer than wide an object may be that is taken for a star."""
    return max(_MOST_LONG, _MARGIN * trailing(found))


def half_sample_mode(values: Floats) -> float:
    """Return where values are densest: the half of them that is narrowest, and so on (Bickel & Fruehwirth 2006)."""
    rest = np.sort(values)
    while rest.size > 3:  # noqa: PLR2004 -- of three there is no half
        half = (rest.size + 1) // 2
        first = int(np.argmin(rest[half - 1 :] - rest[: rest.size - half + 1]))
        rest = rest[first : first + half]
    return float(rest.mean())


def seeing(above: Pixels, bad: Bools, rms: float, level: float) -> tuple[float, int]:
    """Return the FWHM of a star, pixels, and from how many stars it is (0: nothing told, a usual value).

    The clump of half-light radii of round objects, then a Moffat profile through all pixels of its brightest.

    Parameters
    ----------
    above
        (ny, nx) float32, counts above the sky.
    bad
        (ny, nx), pixels to leave out.
    rms
        Of the sky, counts.
    level
        Counts above the sky at which stars are saturated.
    """
    found, radius = objects(above, bad, rms, _LOOK_RMS)
    keep = (found["flag"] == 0) & (found["peak"] < 0.5 * level) & (found["npix"] > _LEAST_PIXELS)
    keep &= (found["a"] < longest(found) * found["b"]) & lit_around(above, found, rms)
    found, radius = found[keep], radius[keep]
    if not len(found):
        return FALLBACK, 0
    typical = half_sample_mode(radius)
    found = found[np.abs(radius / typical - 1) < _ALIKE]
    found = found[np.argsort(-found["flux"])][:_MOST_STARS]
    fwhm = _profile_fwhm(above, bad, found, typical) if len(found) else 2 * typical
    return float(np.clip(fwhm, _NARROWEST, _BROADEST)), max(len(found), 1)


def _profile_fwhm(above: Pixels, bad: Bools, found: Anything, typical: float) -> float:
    """Return the FWHM of a Moffat profile through the pixels of stars; twice the half-light radius where it fails."""
    reach = int(np.ceil(3 * typical))
    ny, nx = above.shape
    offsets = np.arange(-reach, reach + 1)
    middle_x, middle_y = np.rint(found["x"]).astype(np.int64), np.rint(found["y"]).astype(np.int64)
    inside = (middle_x >= reach) & (middle_x < nx - reach) & (middle_y >= reach) & (middle_y < ny - reach)
    found, middle_x, middle_y = found[inside], middle_x[inside], middle_y[inside]
    if not len(found):
        return 2 * typical
    rows, columns = middle_y[:, None, None] + offsets[None, :, None], middle_x[:, None, None] + offsets[None, None, :]
    distance = np.hypot(columns - found["x"][:, None, None], rows - found["y"][:, None, None])
    share = above[rows, columns] / found["flux"][:, None, None]
    good = ~bad[rows, columns] & np.isfinite(share)
    try:
        shape, _ = curve_fit(
            _moffat,
            distance[good],
            share[good].astype(np.float64),
            p0=(0.1, typical, 3.0),
            bounds=([0, 0.3, 1.2], [9, 90, 9]),
            loss="soft_l1",
            f_scale=0.005,
        )
    except (RuntimeError, ValueError):
        return 2 * typical
    fwhm = float(2 * shape[1] * np.sqrt(2 ** (1 / shape[2]) - 1))
    return fwhm if 0.6 * typical < fwhm < 4 * typical else 2 * typical


def _moffat(distance: Floats, height: float, width: float, beta: float) -> Floats:
    profile: Floats = height * (1 + (distance / width) ** 2) ** -beta
    return profile
