"""The plate solution at its best: all good stars, each by its error, with as much distortion as they show.

``(xi, eta)`` on the tangent plane is a polynomial of the pixels, linear in its coefficients; each order is fitted by
weighted least squares with Tukey's biweight (Beaton & Tukey 1974), and the order is that with the lowest Bayesian
information criterion (Schwarz 1978). Between the orders stand linear and quadratic ones with one number more, the third
order of a lens, which is ``k r^2 (u, v)`` about its axis (an axis beside the middle adds but terms of lower order): it
is most of what there is in most cameras, and a whole cubic has seven numbers more to err in the corners.

A star's error is its own and that of its reference star; a floor in quadrature, found from the scatter, stands for what
errors do not tell: the atmosphere's, the PSF's, and those of reference stars whose catalogue is silent about them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Anything, Bools, Floats, Ints
from photocal.astrometry.plane import Plane
from photocal.astrometry.solve import brightness
from photocal.pixels.flags import BLENDED, CUT, DEFECT, POOR_FIT, SATURATED, UNSTABLE
from photocal.references import ReferenceStars
from photocal.sphere import tangent_plane

_WORST, _BAD = CUT | SATURATED | UNSTABLE, BLENDED | DEFECT | POOR_FIT
# Order and whether the third order of a lens comes on top -> stars that it needs
_FEWEST = {(1, False): 6, (1, True): 12, (2, False): 9, (2, True): 14, (3, False): 24, (4, False): 80}
_LENS = 3  # the order of a lens
_ENOUGH = 20  # clean stars, with which no others are taken
_FIRST_RADIUS, _LAST_RADIUS = 6.0, 1.0  # pixels, of the match, and of the last at least
_FIRST_STARS = 300
_ROUNDS, _STEPS, _STEADY = 5, 12, 1e-3  # matches; steps of a fit, which ends when its floor changes by less than that
_LEAST_FLOOR, _MOST_FLOOR, _BISECTIONS = 1e-4, 10.0, 20  # pixels
_SINGULAR = 1e-3
_REJECTED = 5.0  # sigma: where the biweight ends
_HELD_BACK = 7.0  # chi-square of two degrees of freedom at most, where the floor is sought, and its mean then
_MEAN_HELD_BACK = 2.0 * (1.0 - float(np.exp(-_HELD_BACK / 2.0)))
_GRID = 9  # points along each axis at which the solution's error is told
_FEWEST_SHIFT = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """A refined plate solution.

    Attributes
    ----------
    plane
        The solution.
    order
        Of its polynomial: 1 is linear, 0 when there were stars for a shift only, or for nothing.
    n_used
        Stars with weight in the fit.
    source_index, reference_index
        (n_used,) which sources, and which reference stars.
    residual_east_arcsec, residual_north_arcsec
        (n_used,) measured minus reference.
    rms_arcsec
        East, north: of those residuals; NaN without a star.
    error_arcsec
        East, north: formal error of the solution, rms over the image; NaN without a fit.
    floor_arcsec
        What was added in quadrature to the errors of the stars, along each axis.
    catalogue
        Whose reference stars.
    """

    plane: Plane
    order: int
    n_used: int
    source_index: Ints
    reference_index: Ints
    residual_east_arcsec: Floats
    residual_north_arcsec: Floats
    rms_arcsec: tuple[float, float]
    error_arcsec: tuple[float, float]
    floor_arcsec: float
    catalogue: str


@dataclass(slots=True, kw_only=True, eq=False)
class _Fit:
    """A fit of one model: weights of its stars, and in pixels its floor and its error, rms over the image."""

    plane: Plane
    order: int
    weights: Floats
    floor: float
    n_free: int = 0
    formal: float = float("nan")


def refine(
    x: Floats,
    y: Floats,
    x_err: Floats,
    y_err: Floats,
    flux: Floats,
    flags: Anything,
    shape: tuple[int, int],
    reference: ReferenceStars,
    plane: Plane,
) -> Solution:
    """Return the best plate solution that the stars of an image give.

    Parameters
    ----------
    x, y, x_err, y_err
        (n,) 0-based pixels of the sources, and their errors.
    flux
        (n,) brighter is larger.
    flags
        (n,) see `photocal.pixels.flags`; sources that are cut, saturated or not at rest are left out; and those
        that are blended, damaged or badly fitted where there are enough others.
    shape
        Rows and columns.
    reference
        Reference stars at the epoch of the image.
    plane
        Where the image points, within some pixels (`photocal.astrometry.solve`).
    """
    error = np.sqrt((np.square(x_err) + np.square(y_err)) / 2.0)
    theirs = _reference_errors(reference, plane.scale_arcsec)
    usable = np.isfinite(x) & np.isfinite(y) & np.isfinite(flux) & np.isfinite(error) & (error > 0)
    sources = np.flatnonzero(usable)
    sources = sources[np.argsort(-flux[sources], kind="stable")]
    faintness, fit, radius = brightness(reference), _unfitted(plane.centred(shape), 0), _FIRST_RADIUS
    mine, other = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for turn in range(_ROUNDS):
        chosen = sources if turn > 1 else sources[:_FIRST_STARS]
        at = fit.plane if turn else plane  # the plane given may have a distortion, about another pixel
        mine, other = _pairs(x[chosen], y[chosen], shape, reference, faintness, at, radius)
        mine = chosen[mine]
        trusted = _trusted(np.asarray(flags)[mine])
        mine, other = mine[trusted], other[trusted]
        both = np.hypot(error[mine], theirs[other])
        fit = _best_order(x[mine], y[mine], both, shape, reference, other, fit.plane, most=min(turn + 1, 4))
        radius = max(_LAST_RADIUS, min(radius, _REJECTED * fit.floor + 0.2)) if fit.order else radius
    return _told(fit, x, y, mine, other, reference)


def _trusted(flags: Ints) -> Bools:
    """Return which pairs are fitted to: those with the least flags, as long as these are enough.

    All are paired first: where the star that belongs to a reference star is left out, another one is taken for it.
    """
    whole: Bools = (flags & _WORST) == 0
    clean: Bools = whole & ((flags & _BAD) == 0)
    for some, least in ((clean, _ENOUGH), (whole, min(_FEWEST.values()))):
        if np.count_nonzero(some) >= least:
            return some
    return np.ones(flags.shape, np.bool_)


def _reference_errors(reference: ReferenceStars, scale_arcsec: float) -> Floats:
    """Return the errors of the reference stars, pixels: the median for a star that has none, 0 where nobody has."""
    if reference.err_mas is None or not np.isfinite(reference.err_mas).any():
        return np.zeros(reference.n)
    known = np.isfinite(reference.err_mas)
    filled: Floats = np.where(known, reference.err_mas, np.median(reference.err_mas[known]))
    return filled / (1000.0 * scale_arcsec)


def _unfitted(plane: Plane, n: int) -> _Fit:
    return _Fit(plane=plane, order=0, weights=np.zeros(n), floor=float("nan"))


def _pairs(
    x: Floats,
    y: Floats,
    shape: tuple[int, int],
    reference: ReferenceStars,
    faintness: Floats,
    plane: Plane,
    radius: float,
) -> tuple[Ints, Ints]:
    """Return sources and reference stars that are each other's nearest within a radius, pixels."""
    there = np.stack(plane.pixel(reference.ra_deg, reference.dec_deg), axis=1)
    inside = np.flatnonzero(((there > -radius) & (there < np.array([shape[1], shape[0]]) + radius)).all(axis=1))
    inside = inside[np.argsort(faintness[inside], kind="stable")[: 2 * len(x)]]
    if not len(inside):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    here = np.stack([x, y], axis=1)
    distance, nearest = cKDTree(there[inside]).query(here, distance_upper_bound=radius)
    back = cKDTree(here).query(there[inside])[1]
    met = np.flatnonzero(np.isfinite(distance))
    mine: Ints = met[back[nearest[met]] == met]
    return mine, inside[nearest[mine]]


def _best_order(
    x: Floats,
    y: Floats,
    error: Floats,
    shape: tuple[int, int],
    reference: ReferenceStars,
    other: Ints,
    plane: Plane,
    *,
    most: int,
) -> _Fit:
    """Return the fit of the order with the lowest information criterion, among those that the stars suffice for."""
    models = [model for model, fewest in _FEWEST.items() if model[0] + model[1] <= most and len(x) >= fewest]
    if not models:
        return _shifted(x, y, reference, other, plane)
    ra, dec = reference.ra_deg[other], reference.dec_deg[other]
    fits = [_fitted(x, y, error, shape, ra, dec, plane, order, lens=lens) for order, lens in models]
    widest = min(fits, key=lambda fit: fit.floor)  # one measure of the errors, for all
    variance = np.square(error) + widest.floor**2
    limit = _REJECTED**2
    criteria = []
    for fit in fits:
        there = fit.plane.pixel(ra, dec)
        chi2 = (np.square(there[0] - x) + np.square(there[1] - y)) / variance
        criteria.append(float(np.sum(np.minimum(chi2, limit))) + fit.n_free * np.log(2.0 * len(x)))
    return fits[int(np.argmin(criteria))]


def _shifted(x: Floats, y: Floats, reference: ReferenceStars, other: Ints, plane: Plane) -> _Fit:
    """Return the plane moved by the median offset, where stars are too few for more."""
    fit = _unfitted(plane, len(x))
    if len(x) < _FEWEST_SHIFT:
        return fit
    there = plane.pixel(reference.ra_deg[other], reference.dec_deg[other])
    x0, y0 = plane.reference_pixel
    ra, dec = plane.sky(x0 - float(np.median(x - there[0])), y0 - float(np.median(y - there[1])))
    fit.plane, fit.weights = replace(plane, place=(float(ra), float(dec))), np.ones(len(x))
    fit.floor = float(np.median(np.abs(np.stack([x - there[0], y - there[1]]))))
    return fit


def _powers(order: int) -> list[tuple[int, int]]:
    return [(p, n - p) for n in range(order + 1) for p in range(n, -1, -1)]


def _design(u: Floats, v: Floats, order: int) -> Floats:
    return np.stack([u**p * v**q for p, q in _powers(order)], axis=1)


def _fitted(
    x: Floats,
    y: Floats,
    error: Floats,
    shape: tuple[int, int],
    ra_deg: Floats,
    dec_deg: Floats,
    plane: Plane,
    order: int,
    *,
    lens: bool,
) -> _Fit:
    """Return the robust weighted fit of one order, with the third order of a lens or without."""
    reach = max(shape) / 2.0
    u, v = (x - plane.reference_pixel[0]) / reach, (y - plane.reference_pixel[1]) / reach
    lines = _Lines(design=_design(u, v, order), radial=_radial(u, v) if lens else None)
    sky = tangent_plane(ra_deg, dec_deg, *plane.place)
    slope: Floats = np.array(plane.matrix) * reach
    # The first weights: how the offsets scatter about their median, since the plane given may be off as a whole.
    off = np.stack(plane.pixel(ra_deg, dec_deg), axis=1) - np.stack([x, y], axis=1)
    off2 = np.square(off - np.median(off, axis=0)).sum(axis=1)
    n_free = 2 * lines.design.shape[1] + lens
    floor, last, k = 0.0, np.inf, 0.0
    free: Floats = np.full(len(x), 1.0 - 0.5 * n_free / len(x))
    values: Floats = np.zeros((lines.design.shape[1], 2))
    error2: Floats = np.square(error)
    weights: Floats = error2
    for _ in range(_STEPS):
        floor = _floor(off2, error2, free)
        weights = _weights(off2, error2 + floor**2)
        if abs(floor / last - 1.0) < _STEADY:
            break
        last = floor
        values, k = lines.solved(sky, weights, slope)
        slope, free = values[1:3].T, 1.0 - lines.leverage(weights)
        if not np.isfinite(slope).all() or abs(float(np.linalg.det(slope))) < _SINGULAR * float(np.sum(slope**2)):
            return _unfitted(plane, len(x))
        off2 = np.square(reach * np.linalg.solve(slope, (sky - lines.model(values, k)).T)).sum(axis=0)
    if lens:
        values = np.concatenate([values, np.zeros((len(_powers(_LENS)) - len(values), 2))])
        values[-4:] = k * slope.T[[0, 1, 0, 1]]  # of u^3, u^2 v, u v^2, v^3
    bent = _LENS if lens else order
    return _Fit(
        plane=_plane(values, bent, reach, plane), order=bent, weights=weights, floor=floor, n_free=n_free,
        formal=lines.formal(weights, shape, order),
    )  # fmt: skip


def _radial(u: Floats, v: Floats) -> Floats:
    return (u**2 + v**2)[:, None] * np.stack([u, v], axis=1)


@dataclass(slots=True, kw_only=True, eq=False)
class _Lines:
    """The lines of a fit: powers of the scaled pixels, (n, terms), and where wanted r^2 (u, v), (n, 2)."""

    design: Floats
    radial: Floats | None

    def solved(self, sky: Floats, weights: Floats, slope: Floats) -> tuple[Floats, float]:
        """Return the coefficients, (terms, 2), and k, by least squares; the slope before turns r^2 (u, v) to the sky.

        k by what the powers leave of both sides (Frisch & Waugh 1933, Econometrica 1, 387).
        """
        weighted = (self.design * weights[:, None]).T
        if self.radial is None:
            return _solved(weighted @ self.design, weighted @ sky), 0.0
        turned = self.radial @ slope.T
        values, of_turned = np.hsplit(_solved(weighted @ self.design, weighted @ np.hstack([sky, turned])), 2)
        left, turned_left = sky - self.design @ values, turned - self.design @ of_turned
        k = float(np.sum(weights[:, None] * turned_left * left) / np.sum(weights[:, None] * turned_left**2))
        return values - k * of_turned, k

    def leverage(self, weights: Floats) -> Floats:
        """Return (n,) how much of its own offset each star takes away by the fit, 0 to 1; that by k is left out."""
        normal = (self.design * weights[:, None]).T @ self.design
        covariance = _solved(normal, np.eye(len(normal)))
        taken = weights * np.sum((self.design @ covariance) * self.design, axis=1)
        found: Floats = np.clip(taken, 0.0, 1.0)
        return found

    def model(self, values: Floats, k: float) -> Floats:
        """Return the places on the sky's plane."""
        powers: Floats = self.design @ values
        return powers if self.radial is None else powers + k * self.radial @ values[1:3]

    def formal(self, weights: Floats, shape: tuple[int, int], order: int) -> float:
        """Return the formal error of the solution along an axis, rms over the image, pixels."""
        middles = (np.arange(_GRID) + 0.5) / _GRID * 2.0 - 1.0
        u, v = (axis.ravel() for axis in np.meshgrid(middles * shape[1] / max(shape), middles * shape[0] / max(shape)))
        there = _design(u, v, order)
        weighted = (self.design * weights[:, None]).T
        covariance = _solved(weighted @ self.design, np.eye(self.design.shape[1]))
        variance = np.einsum("ij,jk,ik->i", there, covariance, there)
        if self.radial is not None:
            of_radial = covariance @ weighted @ self.radial
            left = self.radial - self.design @ of_radial
            by_k = np.square(_radial(u, v) - there @ of_radial).sum(axis=1) / 2.0
            variance = variance + by_k / float(np.sum(weights[:, None] * left**2))
        return float(np.sqrt(np.mean(variance)))


def _solved(normal: Floats, right: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(normal, right, rcond=None)[0], dtype=np.float64)


def _weights(off2: Floats, variance: Floats) -> Floats:
    """Return the inverse variances, pixels^-2, times Tukey's biweight."""
    weights: Floats = _biweight(off2 / variance) / variance
    return weights


def _biweight(chi2: Floats) -> Floats:
    """Return Tukey's weights for squared distances in sigma."""
    weights: Floats = np.square(np.maximum(1.0 - chi2 / _REJECTED**2, 0.0))
    return weights


def _floor(off2: Floats, error2: Floats, free: Floats) -> float:
    """Return what to add in quadrature to the errors, pixels: of greatest likelihood, outliers held back; by bisection.

    Likelihood, not the median chi-square, for it is the bright stars that tell: what is wrong with them is lost in the
    noise of the many faint ones, and yet most of the weight is theirs.

    Parameters
    ----------
    off2, error2
        (n,) squared offsets of both axes, and squared errors of one, pixels^2.
    free
        (n,) the part of a star's offset that the fit leaves: 1 less its leverage.
    """
    low, high = _LEAST_FLOOR, _MOST_FLOOR
    for _ in range(_BISECTIONS):
        middle = float(np.sqrt(low * high))
        variance = error2 + middle**2
        beyond = np.minimum(off2 / variance, _HELD_BACK) - _MEAN_HELD_BACK * free
        if np.sum(beyond / variance) > 0.0:
            low = middle
        else:
            high = middle
    return high


def _plane(values: Floats, order: int, reach: float, plane: Plane) -> Plane:
    """Return the plane of polynomial coefficients, its place moved to where the reference pixel now points."""
    powers = _powers(order)
    scaled = values / np.array([reach ** (p + q) for p, q in powers])[:, None]
    matrix = np.stack([scaled[1], scaled[2]], axis=1)  # u and v come right after the constant
    (a, b), (c, d) = matrix.tolist()
    bent = np.linalg.solve(matrix, scaled.T)
    linear = Plane(place=plane.place, reference_pixel=plane.reference_pixel, matrix=((a, b), (c, d)))
    ra, dec = linear.sky(*(np.array(plane.reference_pixel) + bent[:, 0]))
    terms = [{power: float(value) for power, value in zip(powers, row, strict=True) if sum(power) > 1} for row in bent]
    return replace(linear, place=(float(ra), float(dec)), order=order if order > 1 else 0, a=terms[0], b=terms[1])


def _told(fit: _Fit, x: Floats, y: Floats, mine: Ints, other: Ints, reference: ReferenceStars) -> Solution:
    """Return the solution with what it says of its stars."""
    used: Bools = fit.weights > 0
    mine, other = mine[used], other[used]
    ra, dec = fit.plane.sky(x[mine], y[mine])
    north = (dec - reference.dec_deg[other]) * 3600.0
    east = ((ra - reference.ra_deg[other] + 180.0) % 360.0 - 180.0) * np.cos(np.radians(dec)) * 3600.0
    rms = tuple(float(np.sqrt(np.mean(np.square(r)))) if len(r) else float("nan") for r in (east, north))
    scale = fit.plane.scale_arcsec
    formal = fit.formal * scale
    return Solution(
        plane=fit.plane,
        order=fit.order,
        n_used=len(mine),
        source_index=mine,
        reference_index=other,
        residual_east_arcsec=east,
        residual_north_arcsec=north,
        rms_arcsec=(rms[0], rms[1]),
        error_arcsec=(formal, formal),
        floor_arcsec=fit.floor * scale,
        catalogue=reference.catalogue,
    )
