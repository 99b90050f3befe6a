"""Objects at a first look, and how broad a star is."""

from __future__ import annotations

import numpy as np
import sep

from photocal.arrays import Anything, Bools, Floats, Pixels

_COLUMNS = ("x", "y", "xpeak", "ypeak", "a", "b", "theta", "flux", "peak", "npix", "flag")
_LOOK_RMS, _TRIES, _STEEPER = 10.0, 4, 3.0
_LEVELS = 16  # of brightness, between which SEP looks for parts of objects
_LARGE = 1_000_000  # pixels
_LIT, _LIT_RMS = 0.03, 2.0  # of the peak, and of the sky's rms, that three of the four pixels next to a star's have
_LEAST_PIXELS, _MOST_LONG, _ALIKE, _MOST_STARS = 8, 1.5, 0.12, 80
_MOST_STEPS, _AT_REST = 30, 1e-3  # of the logarithms
_LOOSE = 0.005  # of the star's light: pixels farther from the profile count less
_BETA_LOG = float(np.log(0.2)), float(np.log(8.0))  # of beta - 1
_TELLING, _FEWEST_TELLING = 60, 5  # objects: the brightest are asked whether the telescope moved
_LONG, _MOSTLY, _ALIGNED, _MARGIN = 1.35, 0.6, 0.8, 1.3
_NARROW, _PARTS_OF_NARROW, _PARTS = 1.0, 5, 2  # pixels: rms along the axis; into how many parts pixels are cut
FALLBACK = 2.5  # pixels: the FWHM where no star tells
_NARROWEST, _BROADEST = 0.9, 40.0


def objects(above: Pixels, bad: Bools, rms: float, threshold: float) -> Anything:
    """Return what SEP finds above so many rms.

    Where there is more than SEP has room for, the threshold is raised, three times by a factor of three.
    """
    sep.set_extract_pixstack(max(500_000, above.size // 2))
    sep.set_sub_object_limit(4096)
    found: Anything = np.zeros(0, dtype=[(name, float) for name in _COLUMNS])
    for attempt in range(_TRIES):
        try:
            found = sep.extract(above, threshold * _STEEPER**attempt, err=rms, mask=bad, deblend_nthresh=_LEVELS)
        except Exception as error:  # SEP raises nothing narrower
            if "full" not in str(error) and "limit" not in str(error):
                raise
            continue
        break
    whole: Anything = found[np.isfinite(found["a"]) & (found["b"] > 0)]
    return whole


def half_light(above: Pixels, bad: Bools, found: Anything) -> Floats:
    """Return the (n,) radii that hold half of the light of objects, pixels."""
    if not len(found):
        return np.zeros(0)
    parts = _PARTS_OF_NARROW if np.median(found["a"]) < _NARROW else _PARTS
    radius, _ = sep.flux_radius(above, found["x"], found["y"], 6.0 * found["a"], 0.5, mask=bad, subpix=parts)
    return np.nan_to_num(np.asarray(radius, np.float64))


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

    The clump of half-light radii of round objects, then a Moffat profile through all pixels of its brightest. Of
    a large image two quarters are looked at, if they have enough stars.

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
    if above.size >= _LARGE:
        fwhm, n_stars = _seeing(_quarters(above), _quarters(bad), rms, level)
        if n_stars >= _MOST_STARS:
            return fwhm, n_stars
    return _seeing(above, bad, rms, level)


def _quarters(image: Anything) -> Anything:
    """Return two opposite quarters of an image, one above the other: typical of what varies over the field."""
    ny, nx = image.shape
    return np.concatenate([image[: ny // 2, : nx // 2], image[ny - ny // 2 :, nx - nx // 2 :]])


def _seeing(above: Pixels, bad: Bools, rms: float, level: float) -> tuple[float, int]:
    found = objects(above, bad, rms, _LOOK_RMS)
    keep = (found["flag"] == 0) & (found["peak"] < 0.5 * level) & (found["npix"] > _LEAST_PIXELS)
    keep &= (found["a"] < longest(found) * found["b"]) & lit_around(above, found, rms)
    found = found[keep]
    if not len(found):
        return FALLBACK, 0
    radius = half_light(above, bad, found)
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
    fwhm = _moffat_fwhm(distance[good], share[good].astype(np.float64), typical)
    return fwhm if 0.6 * typical < fwhm < 4 * typical else 2 * typical


def _moffat_fwhm(distance: Floats, light: Floats, width: float) -> float:
    """Return the FWHM of the Moffat profile that fits pixels (n,) best, those far from it counting less.

    Levenberg-Marquardt in the logarithms of height, width and beta - 1; the loss is ``sqrt(1 + (r / 0.005)^2)``.
    """
    at, damping, lost = np.log([0.1, width, 2.0]), 1e-2, np.inf
    left, slopes = _left_of_moffat(at, distance, light)
    for _ in range(_MOST_STEPS):
        loss = np.sqrt(1 + (left / _LOOSE) ** 2)
        lost = float(loss.sum())
        matrix = (slopes / loss) @ slopes.T
        step = np.linalg.solve(matrix + damping * np.diag(np.diag(matrix) + 1e-12), (slopes / loss) @ left)
        to = np.clip(at + step, at - 0.5, at + 0.5)
        to[2] = np.clip(to[2], *_BETA_LOG)
        left_there, slopes_there = _left_of_moffat(to, distance, light)
        if float(np.sqrt(1 + (left_there / _LOOSE) ** 2).sum()) < lost:
            done = float(np.abs(to - at).max()) < _AT_REST
            at, left, slopes, damping = to, left_there, slopes_there, damping / 10
            if done:
                break
        else:
            damping *= 10
    return float(2 * np.exp(at[1]) * np.sqrt(2 ** (1 / (1 + np.exp(at[2]))) - 1))


def _left_of_moffat(at: Floats, distance: Floats, light: Floats) -> tuple[Floats, Floats]:
    """Return the (n,) light less a profile, and the profile's (3, n) derivatives."""
    height, width, less_one = np.exp(at)
    q = 1 + (distance / width) ** 2
    profile = height * q ** -(1 + less_one)
    slopes = np.stack([profile, 2 * (1 + less_one) * profile * (1 - 1 / q), -less_one * profile * np.log(q)])
    return light - profile, slopes
