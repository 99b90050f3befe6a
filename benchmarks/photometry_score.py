"""How far what was measured on a simulated picture is from its truth: see `benchmarks.photometry` for the columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from benchmarks.photometry_limit import Limit, alone, cramer_rao, signal_to_noise
from photocal.arrays import MAG_PER_RELATIVE_ERROR, Anything, Bools, Floats, Ints
from photocal.astrometry.plane import Plane
from photocal.simulate_image import StarField
from photocal.simulate_scene import sky_of
from photocal.sphere import tangent_plane

MATCH_FWHM, FALSE_FWHM, FOUND_SNR = 0.7, 1.0, 3.0
EDGE = 12  # pixels: nearer ones are not scored
COMPLETENESS = ((5.0, 10.0), (10.0, 20.0), (20.0, 50.0), (50.0, np.inf))
BRIGHT, FAINT, FLOOR, CENTRED = (60.0, 170.0), (14.0, 28.0), 250.0, 50.0  # S/N
ZERO = (80.0, 1500.0)
_FEWEST, _MOST = 8, 400  # stars of a class, and those whose bound is worked out
_GRID = 30  # places along each axis at which the plate solution is held against the truth
_LOSS = 0.02  # of the frame, at its edges
_MMAG = 1000.0 * MAG_PER_RELATIVE_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Of a class of n stars, mmag: bias, scatter, the median bound, and the scatter of error over bound; and the pull.

    The pull is the scatter of error over the error that was quoted.
    """

    n: int
    bias: float
    scatter: float
    limit: float
    over_limit: float
    pull: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One frame's."""

    n: int
    false: int
    found: tuple[float, ...]  # share, by `COMPLETENESS`
    zero: float  # mmag
    classes: dict[str, Errors | None]
    floor: float  # mmag; NaN with too few stars
    place: float  # mpix
    place_over_limit: float
    place_pull: float
    sky_rms: float  # mas
    sky_most: float


def spread(values: Floats) -> float:
    """Return 1.4826 times the median absolute deviation: the standard deviation, were it a Gaussian."""
    good = values[np.isfinite(values)]
    return float(1.4826 * np.median(np.abs(good - np.median(good)))) if len(good) else float("nan")


def score(field: StarField, found: dict[str, Anything], plane: Plane) -> Score:
    """Return how good a measurement is.

    Parameters
    ----------
    field
        The picture.
    found
        ``x``, ``y``, ``x_err``, ``y_err``, ``flux``, ``flux_err``: (m,) of the stars measured.
    plane
        The plate solution.
    """
    truth, scene = field.truth, field.scene
    ratio = signal_to_noise(scene, truth.flux)
    partner, false = _match(field, ratio, found)
    good = truth.inside & ~truth.hit & _within(field)
    matched = good & (partner >= 0)
    mag = np.full(len(ratio), np.nan)
    mag[matched] = -_MMAG * np.log(np.maximum(found["flux"][partner[matched]], 1e-3) / truth.flux[matched])
    lonely, crowded = alone(field, ratio)
    steady = matched & lonely & (ratio > ZERO[0]) & (ratio < ZERO[1])
    zero = float(np.median(mag[steady])) if steady.any() else 0.0
    classes = {
        f"{name}{label}": _class(
            field, found, partner, ratio, np.flatnonzero(matched & mask & (ratio > low) & (ratio < high)), mag - zero
        )
        for name, mask in (("alone", lonely), ("crowd", crowded))
        for label, (low, high) in (("100", BRIGHT), ("20", FAINT))
    }
    bright = np.flatnonzero(matched & lonely & (ratio > FLOOR))
    best = _class(field, found, partner, ratio, bright, mag - zero)
    centred = _thinned(np.flatnonzero(matched & (ratio > CENTRED)))
    off = np.stack([found[name][partner[centred]] - getattr(truth, name)[centred] for name in ("x", "y")])
    middle = np.median(off, axis=1)
    off -= middle[:, None]
    limit = cramer_rao(field, ratio, centred)
    quoted = [found[f"{name}_err"][partner[centred]] for name in ("x", "y")]
    rms, most = _on_the_sky(field, plane, middle)
    return Score(
        n=len(found["x"]),
        false=false,
        found=tuple(_share(good & (ratio >= low) & (ratio < high), partner >= 0) for low, high in COMPLETENESS),
        zero=zero,
        classes=classes,
        floor=float("nan") if best is None else float(np.sqrt(max(best.scatter**2 - best.limit**2, 0.0))),
        place=1000.0 * _both(off[0], off[1]),
        place_over_limit=_both(off[0] / limit.x, off[1] / limit.y),
        place_pull=_both(off[0] / quoted[0], off[1] / quoted[1]),
        sky_rms=rms,
        sky_most=most,
    )


def _within(field: StarField) -> Bools:
    ny, nx = field.scene.shape
    x, y = field.truth.x, field.truth.y
    inner: Bools = (x > EDGE) & (x < nx - 1 - EDGE) & (y > EDGE) & (y < ny - 1 - EDGE)
    return inner


def _share(which: Bools, found: Bools) -> float:
    return float(found[which].mean()) if which.any() else float("nan")


def _both(x: Floats, y: Floats) -> float:
    return float(np.hypot(spread(x), spread(y)) / np.sqrt(2.0))


def _match(field: StarField, ratio: Floats, found: dict[str, Anything]) -> tuple[Ints, int]:
    """Return for each true star the row found for it (-1: none), the closest pairs first, and how many belong to none.

    A row belongs to no star when none of S/N above 3 stands within a FWHM of it.
    """
    truth, fwhm = field.truth, field.scene.fwhm
    shining = np.flatnonzero(ratio > FOUND_SNR)
    true, seen = cKDTree(np.c_[truth.x, truth.y][shining]), cKDTree(np.c_[found["x"], found["y"]])
    pairs = true.sparse_distance_matrix(seen, MATCH_FWHM * fwhm, output_type="coo_matrix")
    partner, taken = np.full(len(truth.x), -1), np.zeros(len(found["x"]), np.bool_)
    for k in np.argsort(pairs.data, kind="stable"):
        star, row = shining[pairs.row[k]], pairs.col[k]
        if partner[star] < 0 and not taken[row]:
            partner[star], taken[row] = row, True
    false = int(np.sum(~np.isfinite(true.query(seen.data, distance_upper_bound=FALSE_FWHM * fwhm)[0])))
    return partner, false


def _thinned(which: Ints) -> Ints:
    """Return every so manieth, so that the bounds of no class take long."""
    return which[:: 1 + len(which) // _MOST]


def _class(
    field: StarField, found: dict[str, Anything], partner: Ints, ratio: Floats, which: Ints, mag: Floats
) -> Errors | None:
    which = _thinned(which)
    if len(which) < _FEWEST:
        return None
    limit: Limit = cramer_rao(field, ratio, which)
    bound, error = _MMAG * limit.flux / field.truth.flux[which], mag[which]
    rows = partner[which]
    return Errors(
        n=len(which),
        bias=float(np.median(error)),
        scatter=spread(error),
        limit=float(np.median(bound)),
        over_limit=spread(error / bound),
        pull=spread(error / (_MMAG * found["flux_err"][rows] / found["flux"][rows])),
    )


def _on_the_sky(field: StarField, plane: Plane, middle: Floats) -> tuple[float, float]:
    """Return the rms of an axis and the largest error of the plate solution over the frame, mas.

    A PSF that is not symmetric is measured beside the star's place in the optics, everywhere by the same ``middle``:
    the solution is asked where a star is that is measured there.
    """
    ny, nx = field.scene.shape
    x, y = (axis.ravel() for axis in np.meshgrid(*(np.linspace(_LOSS, 1.0 - _LOSS, _GRID) * n for n in (nx, ny))))
    ra, dec = sky_of(field.scene, x, y)
    there = plane.sky(x + middle[0], y + middle[1])
    at = field.scene.ra_deg, field.scene.dec_deg
    off = 3.6e6 * (tangent_plane(*there, *at) - tangent_plane(ra, dec, *at))
    return float(np.sqrt(np.mean(off**2))), float(np.hypot(*off.T).max())
