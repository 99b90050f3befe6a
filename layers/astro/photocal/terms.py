"""What the zero point depends on beside being one: the colour of a star, and its place in the field.

    ref_mag - inst_mag = zero_point + colour_term (colour - reference_colour) + field_term(x, y)

The plain fit comes first; its zero point, scatter and outlier fraction are where this one starts from, in the same
mixture of inliers and outliers. What was believed of the colour term before is a Gaussian prior: that of its camera and
filter, where earlier frames have been seen, else one that holds for any. So the term is there from the first star on,
and no threshold makes magnitudes jump from one frame to the next.

A learned prior can be wrong: filters are replaced. Hence it is one of two, as in the robust priors of Schmidli et al.
(2014, Biometrics 70, 1023): with probability `SURPRISE` the term is that of any camera. What the frame says by itself
is fitted first, with the general prior; its likelihood under either weighs them. Where a term is learned, three stars
with a colour are enough: only their mean colour is wanted.

Colours of reference stars have errors, which make a fitted slope too small, and the error of a magnitude that is part
of its own colour makes a slope of nothing. Both are taken out star by star by regression calibration (Carroll et al.
2006, Measurement Error in Nonlinear Models, chapter 4): with spread S of the true colours and error e of one, the
colour is drawn towards their mean m by S^2 / (S^2 + e^2), and the difference is relieved of what its error shares with
that of the colour, cov (colour - m) / (S^2 + e^2).

A field term is a polynomial of first or second order, taken only where the Bayesian information criterion (Schwarz
1978, Annals of Statistics 6, 461), -2 ln L + k ln(inliers), is better by more than 10 ("very strong", Kass & Raftery
1995, JASA 90, 773).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cpcs.memory import ANY_CAMERA
from cpcs.records import ColourMeasurement, ColourPrior
from photocal.arrays import Bools, Floats
from photocal.mixture import Mixture, Modes, Terms
from photocal.results import ColourTerm, FieldTerm
from photocal.zeropoint import DEFAULT_PRIORS, FEW_STARS, ZeroPointFit, fit_zero_point, from_curvature

SURPRISE = 0.05  # probability that a camera is not what it was
LEAST_COLOURED = 5  # stars with a colour
LEAST_SPREAD = 0.05  # mag: colours that differ less say nothing of a slope
LEAST_LEARNED = 3  # stars with a colour where the term is known already, and only their mean colour is wanted
FIRST_ORDER_STARS, SECOND_ORDER_STARS = 30, 60  # inliers from which a field term is tried
BIC_GAIN = 10.0
FIELD_PRIOR = 0.1  # mag: what flat fields leave, from the middle of a field to its edge
_NAMES = ("x", "y", "xx", "xy", "yy")
_ROUNDS = 30
_STEEPER = 2.0  # times the square of the slope that was expected
_FREE = 30.0  # mag per mag: no prior at all
_HARDLY = 0.3  # of its error: with a smaller error of the term a prior moves it by less than a tenth
_SAYS_NOTHING = 10.0  # times the prior's error: a measurement with such an error adds next to nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """The colours of the stars of a fit; all arrays have the same length n.

    Attributes
    ----------
    name
        Two filters, ``g-r``.
    value, err
        mag; NaN where a star has none.
    shared
        mag^2: covariance of the error of the colour with that of the star's difference; + or - the variance of the
        magnitude that is part of its own colour, or 0.
    """

    name: str
    value: Floats
    err: Floats
    shared: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the stars of a fit stand, and the target: on the tangent plane at the middle of the stars.

    ``xy`` and ``target`` are (n, 2) and (2,) arrays, east and north in units of ``scale_deg``.
    """

    xy: Floats
    target: Floats
    ra_deg: float
    dec_deg: float
    scale_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stars:
    """The stars of one passband: difference and error, (n,) arrays in mag, with their colours and places."""

    passband: str
    difference: Floats
    error: Floats
    colours: Colours | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FullFit:
    """A zero point with what it depends on; ``residual`` is an (n,) array, mag."""

    fit: ZeroPointFit
    colour_term: ColourTerm | None
    field_term: FieldTerm | None
    residual: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calibrated:
    """Colours by regression calibration, about their mean, and what that does to differences and errors."""

    column: Floats  # (n,) colour - reference colour, drawn towards 0
    away: Floats  # (n,) colour - reference colour as the catalogue has it; 0 where it has none
    difference: Floats
    error: Floats
    mean: float
    spread: float
    n_stars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """A set of terms, fitted."""

    mixture: Mixture
    modes: Modes
    order: int

    @property
    def theta(self) -> Floats:
        best: Floats = self.modes.theta[0]
        return best

    @property
    def covariance(self) -> Floats:
        of_best: Floats = self.modes.covariance[0]
        return of_best

    def bic(self, n_inliers: float) -> float:
        """Return the Bayesian information criterion; smaller is better."""
        n_free = len(self.theta)
        return -2.0 * self.mixture.log_likelihood(self.theta) + n_free * float(np.log(n_inliers))


def fit_terms(stars: Stars, native: ZeroPointFit, prior: ColourPrior = ANY_CAMERA) -> FullFit:
    """Fit the colour term and, where the stars support it, a field term.

    Parameters
    ----------
    stars
        The stars of one passband.
    native
        The plain fit of the same stars.
    prior
        What is believed of the colour term beforehand.

    Returns
    -------
    FullFit
        The zero point is that of a star of the reference colour at the target's place. Where no term can be had it
        is the plain one. What is measured is free of a learned prior.
    """
    alone = _fit_with(stars, native, ANY_CAMERA)
    if prior == ANY_CAMERA:
        return alone
    measured = alone.colour_term.measured if alone.colour_term else None
    full = _fit_with(stars, native, doubted(prior, measured) if measured else prior)
    return replace(full, colour_term=replace(full.colour_term, measured=measured) if full.colour_term else None)


def doubted(prior: ColourPrior, measured: ColourMeasurement) -> ColourPrior:
    """Return a learned prior with the doubt that a frame casts on it.

    Of the two priors each gives its precision by the probability that it is the right one. Where the frame agrees, the
    learned one stays nearly as it is; where it contradicts, what is left is that of any camera.
    """
    spread = [np.hypot(measured.err, one.err) for one in (prior, ANY_CAMERA)]
    away = [(measured.value - one.value) / s for one, s in zip((prior, ANY_CAMERA), spread, strict=True)]
    odds = SURPRISE / (1.0 - SURPRISE) * spread[0] / spread[1] * np.exp(0.5 * min(away[0] ** 2 - away[1] ** 2, 600.0))
    share = 1.0 / (1.0 + odds)
    weights = share * prior.err**-2.0, (1.0 - share) * ANY_CAMERA.err**-2.0
    value = (weights[0] * prior.value + weights[1] * ANY_CAMERA.value) / sum(weights)
    return ColourPrior(value=float(value), err=float(sum(weights) ** -0.5), n_frames=prior.n_frames)


def _fit_with(stars: Stars, native: ZeroPointFit, prior: ColourPrior) -> FullFit:
    """Fit the terms with a Gaussian prior of the colour term."""
    expected = prior.value**2 + prior.err**2
    coloured = _calibrated(stars, native, expected, is_learned=prior.n_frames > 0)
    base = coloured or _plain(stars)
    n_inliers = float(native.inlier_probability.sum())
    slope = prior if coloured else None
    plain = _fitted(base, _starts(base, native, slope), stars.place, slope, order=0)
    if coloured and (found := float(plain.theta[1] ** 2 + plain.covariance[1, 1])) > _STEEPER * expected:
        # Else stars whose colours are not known, or not well, would be taken for outliers.
        base = coloured = _calibrated(stars, native, found, is_learned=prior.n_frames > 0) or coloured
        plain = _fitted(base, plain.modes.theta[:1], stars.place, slope, order=0)
    model = plain
    for order in _promising(plain, base, stars.place, n_inliers):
        other = _fitted(base, plain.modes.theta[:1], stars.place, slope, order=order)
        if other.bic(n_inliers) < model.bic(n_inliers) - BIC_GAIN:
            model = other
    if model.order == 0 and coloured is None:
        return FullFit(fit=native, colour_term=None, field_term=None, residual=stars.difference - native.zero_point)
    fit = _zero_point(model, base)
    return FullFit(
        fit=fit,
        colour_term=_colour_term(model, coloured, stars, prior) if coloured else None,
        field_term=_field_term(model, stars.place, fit, gain=plain.bic(n_inliers) - model.bic(n_inliers)),
        residual=_residual(model, coloured, stars, fit),
    )


def _plain(stars: Stars) -> _Calibrated:
    none = np.zeros(len(stars.difference))
    return _Calibrated(
        column=none, away=none, difference=stars.difference, error=stars.error, mean=0.0, spread=0.0, n_stars=0
    )


def _calibrated(stars: Stars, native: ZeroPointFit, slope2: float, *, is_learned: bool) -> _Calibrated | None:
    """Return the colours as the fit can use them, a slope of that square being expected; None for no use."""
    colours = stars.colours
    if colours is None:
        return None
    known: Bools = np.isfinite(colours.value) & np.isfinite(colours.err)
    weight = np.where(known, native.inlier_probability / (native.scatter**2 + stars.error**2), 0.0)
    if known.sum() < (LEAST_LEARNED if is_learned else LEAST_COLOURED) or not weight.sum() > 0.0:
        return None
    value = np.where(known, colours.value, 0.0)
    variance = np.where(known, colours.err**2, 0.0)
    mean = float(np.average(value, weights=weight))
    spread2 = float(np.average((value - mean) ** 2 - variance, weights=weight))
    if spread2 < LEAST_SPREAD**2 and not is_learned:
        return None
    spread2 = max(spread2, LEAST_SPREAD**2)
    away = np.where(known, value - mean, 0.0)
    share = np.where(known, spread2 / (spread2 + variance), 0.0)
    shared = np.where(known, colours.shared, 0.0) / (spread2 + variance)
    return _Calibrated(
        column=share * away,
        away=away,
        difference=stars.difference - shared * away,
        # What is not known of a star's colour adds to its error, by the slope that may be.
        error=np.sqrt(stars.error**2 + slope2 * spread2 * (1.0 - share)),
        mean=mean,
        spread=float(np.sqrt(spread2)),
        n_stars=int(known.sum()),
    )


def _promising(plain: _Model, base: _Calibrated, place: Place | None, n_inliers: float) -> list[int]:
    """Return the orders of a field term that are worth a fit: at half of the gain that is asked for, or more.

    What a term would gain is read off the slope of the likelihood where the term is zero, and Fisher's information
    (Rao's score test).
    """
    if place is None or n_inliers < FIRST_ORDER_STARS:
        return []
    highest = 1 if n_inliers < SECOND_ORDER_STARS else 2
    design = np.hstack([plain.mixture.design, _field_columns(place, highest)])
    weight = plain.mixture.inlier_probability(plain.theta) / (np.exp(2.0 * plain.theta[-2]) + base.error**2)
    left = base.difference - plain.mixture.design @ plain.theta[:-2]
    n_before = len(plain.theta) - 2
    orders = []
    for order, n_columns in ((1, 2), (2, 5))[:highest]:
        asked = design[:, : n_before + n_columns]
        weighted = asked * weight[:, None]
        by = weighted.T @ left
        gain = float(by @ np.linalg.lstsq(weighted.T @ asked, by, rcond=None)[0])  # of 2 ln L
        if gain - n_columns * float(np.log(n_inliers)) > 0.5 * BIC_GAIN:
            orders.append(order)
    return orders


def _terms(base: _Calibrated, place: Place | None, slope: ColourPrior | None, *, order: int) -> Terms | None:
    """Return the columns of the colour and the field, with their priors; None where there are none."""
    columns, mean, err = [], [], []
    if slope is not None:
        columns.append(base.column[:, None])
        mean.append(slope.value)
        err.append(slope.err)
    if order and place is not None:
        columns.append(_field_columns(place, order))
        mean += [0.0] * columns[-1].shape[1]
        err += [FIELD_PRIOR] * columns[-1].shape[1]
    return Terms(columns=np.hstack(columns), mean=np.array(mean), err=np.array(err)) if columns else None


def _field_columns(place: Place, order: int) -> Floats:
    """Return the columns of a field term, less their values at the target: the constant is the zero point there."""
    columns: Floats = _basis(place.xy, order) - _basis(place.target[None, :], order)
    return columns


def _fitted(base: _Calibrated, starts: Floats, place: Place | None, slope: ColourPrior | None, *, order: int) -> _Model:
    """Climb from the best of (k, m) starts; coefficients that a start has not got are 0 there."""
    mixture = Mixture(base.difference, base.error, DEFAULT_PRIORS, _terms(base, place, slope, order=order))
    n_more = mixture.n_coefficients + 2 - starts.shape[1]
    starts = np.hstack([starts[:, :-2], np.zeros((len(starts), n_more)), starts[:, -2:]])
    best = max(starts, key=mixture.log_likelihood) if len(starts) > 1 else starts[0]
    return _Model(mixture=mixture, modes=mixture.modes(best[None, :], rounds=_ROUNDS), order=order)


def _starts(base: _Calibrated, native: ZeroPointFit, slope: ColourPrior | None) -> Floats:
    """Return where to climb from: the plain fit, or two of a slope: that of its inliers, and that of all stars.

    Where colours matter much, what the plain fit took for outliers may be the red stars.
    """
    fraction = float(np.clip(native.outlier_fraction, 0.01, 0.9))
    if slope is None:
        return np.array([[native.zero_point, np.log(native.scatter), np.log(fraction / (1.0 - fraction))]])
    weight = native.inlier_probability / (native.scatter**2 + base.error**2)
    of_inliers = float(weight @ (base.column * (base.difference - native.zero_point)))
    of_inliers /= float(weight @ base.column**2) + slope.err**-2.0
    return np.array([_around(base, value, fraction) for value in (of_inliers, _slope_of_thirds(base))])


def _around(base: _Calibrated, slope: float, fraction: float) -> Floats:
    """Return the parameters that go with a slope: the median and its deviation of what the slope leaves."""
    left = base.difference - slope * base.column
    zero_point = float(np.median(left))
    scatter = max(1.4826 * float(np.median(np.abs(left - zero_point))), 0.01)
    return np.array([zero_point, slope, np.log(scatter), np.log(fraction / (1.0 - fraction))])


def _slope_of_thirds(base: _Calibrated) -> float:
    """Return the slope between the medians of the blue and of the red third of the stars: no outlier leads it."""
    known = np.flatnonzero(base.column)
    order = known[np.argsort(base.column[known], kind="stable")]
    if len(order) < 3:  # noqa: PLR2004 - thirds of nothing
        return 0.0
    third = len(order) // 3
    blue, red = order[:third], order[-third:]
    run = float(np.median(base.column[red]) - np.median(base.column[blue]))
    rise = float(np.median(base.difference[red]) - np.median(base.difference[blue]))
    return rise / run if run > 0.0 else 0.0


def _basis(xy: Floats, order: int) -> Floats:
    """Return the (n, 2) or (n, 5) columns of a polynomial, its constant left out."""
    x, y = xy.T
    columns: Floats = np.stack([x, y] if order == 1 else [x, y, x * x, x * y, y * y], axis=1)
    return columns


def _without_terms(model: _Model, base: _Calibrated) -> Floats:
    """Return the (n,) differences with the terms taken out: what a zero point alone is left to explain."""
    columns = model.mixture.design[:, 1:]
    cleaned: Floats = base.difference - columns @ model.theta[1:-2]
    return cleaned


def _residual(model: _Model, coloured: _Calibrated | None, stars: Stars, fit: ZeroPointFit) -> Floats:
    """Return what the model leaves of each star, with the colours as the catalogue has them."""
    residual = stars.difference - fit.zero_point
    first = 1 if coloured is None else 2
    residual -= model.mixture.design[:, first:] @ model.theta[first:-2]
    if coloured is not None:
        residual -= model.theta[1] * coloured.away
    return residual


def _zero_point(model: _Model, base: _Calibrated) -> ZeroPointFit:
    """Return the zero point with its errors; for few stars by integration, with the terms as they were fitted."""
    if len(base.difference) <= FEW_STARS:
        plain = fit_zero_point(_without_terms(model, base), base.error)
        # The zero point is best known in the middle of the stars; from there to where it is wanted the terms lead.
        weight = plain.inlier_probability / (plain.scatter**2 + base.error**2)
        middle = np.average(model.mixture.design[:, 1:], weights=weight, axis=0)
        lead = float(middle @ model.covariance[1:-2, 1:-2] @ middle)
        return replace(plain, zero_point_err=float(np.hypot(plain.zero_point_err, np.sqrt(max(lead, 0.0)))))
    return from_curvature(model.mixture, model.modes)


def _colour_term(model: _Model, coloured: _Calibrated, stars: Stars, prior: ColourPrior) -> ColourTerm:
    return ColourTerm(
        colour=stars.colours.name if stars.colours else "",
        value=float(model.theta[1]),
        err=float(np.sqrt(model.covariance[1, 1])),
        reference_colour=coloured.mean,
        colour_spread=coloured.spread,
        n_stars=coloured.n_stars,
        prior=prior,
        measured=_measured(model, coloured, stars, prior),
    )


def _measured(model: _Model, coloured: _Calibrated, stars: Stars, prior: ColourPrior) -> ColourMeasurement | None:
    """Return what the stars say by themselves; None where that is next to nothing beside the prior.

    Its error holds what regression calibration did to the slope: that rests on the errors that the catalogue quotes,
    and is as uncertain as they are. In 45 real I frames with comparison stars of the AAVSO, measured terms scatter
    about their mean by 0.13 beyond their errors without it, and by 0.05 with it.
    """
    if stars.colours is None:
        return None
    value, err = _alone(model, coloured, prior)
    weight = model.mixture.inlier_probability(model.theta) / (np.exp(2.0 * model.theta[-2]) + coloured.error**2)
    column = weight * coloured.column
    squares, of_catalogue = float(column @ coloured.column), float(weight @ coloured.away**2)
    if not (squares > 0.0 and of_catalogue > 0.0):  # all of one colour
        return None
    taken = float(column @ (stars.difference - coloured.difference)) / squares
    reliability = float(column @ coloured.away) / of_catalogue
    err = float(np.hypot(err, abs(taken) + abs(value) * (1.0 - reliability)))
    if err > _SAYS_NOTHING * prior.err:
        return None
    return ColourMeasurement(passband=stars.passband, colour=stars.colours.name, value=value, err=err)


def _alone(model: _Model, coloured: _Calibrated, prior: ColourPrior) -> tuple[float, float]:
    """Return the slope and its error without the prior.

    A prior that hardly matters is divided out. One that does is left out of another fit: where it contradicts the
    stars, the scatter grows until it holds both, and the quotient is far from what either says.
    """
    value, err = float(model.theta[1]), float(np.sqrt(model.covariance[1, 1]))
    if err < _HARDLY * prior.err:
        precision = err**-2.0 - prior.err**-2.0
        return (value * err**-2.0 - prior.value * prior.err**-2.0) / precision, float(precision**-0.5)
    columns = model.mixture.design[:, 1:]
    free = np.full(columns.shape[1], FIELD_PRIOR)
    free[0] = _FREE
    terms = Terms(columns=columns, mean=np.zeros_like(free), err=free)
    mixture = Mixture(coloured.difference, coloured.error, DEFAULT_PRIORS, terms)
    modes = mixture.modes(model.modes.theta[:1], rounds=_ROUNDS)
    return float(modes.theta[0, 1]), float(np.sqrt(modes.covariance[0, 1, 1]))


def _field_term(model: _Model, place: Place | None, fit: ZeroPointFit, *, gain: float) -> FieldTerm | None:
    if model.order == 0 or place is None:
        return None
    names = _NAMES[:2] if model.order == 1 else _NAMES
    mine = slice(len(model.theta) - 2 - len(names), len(model.theta) - 2)
    coefficients = model.theta[mine]
    over_field = (_basis(place.xy, model.order) @ coefficients)[fit.inlier_probability > 0.5]  # noqa: PLR2004 - likely
    low, high = np.percentile(over_field, [5.0, 95.0]) if len(over_field) else (0.0, 0.0)
    return FieldTerm(
        order=model.order,
        names=names,
        coefficients=tuple(float(value) for value in coefficients),
        errors=tuple(float(value) for value in np.sqrt(np.diag(model.covariance)[mine])),
        ra_deg=place.ra_deg,
        dec_deg=place.dec_deg,
        scale_deg=place.scale_deg,
        bic_gain=gain,
        range_mag=float(high - low),
    )
