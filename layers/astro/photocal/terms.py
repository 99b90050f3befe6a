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
    coloured = _calibrated(stars, native, prior)
    base = coloured or _plain(stars)
    n_inliers = float(native.inlier_probability.sum())
    model = _fitted(base, native, stars.place, prior if coloured else None, order=0)
    plain_bic = model.bic(n_inliers)
    for order in _orders(stars.place, n_inliers):
        other = _fitted(base, native, stars.place, prior if coloured else None, order=order)
        if other.bic(n_inliers) < model.bic(n_inliers) - BIC_GAIN:
            model = other
    if model.order == 0 and coloured is None:
        return FullFit(fit=native, colour_term=None, field_term=None, residual=stars.difference - native.zero_point)
    fit = _zero_point(model, base)
    return FullFit(
        fit=fit,
        colour_term=_colour_term(model, coloured, stars, prior) if coloured else None,
        field_term=_field_term(model, stars.place, fit, gain=plain_bic - model.bic(n_inliers)),
        residual=_residual(model, coloured, stars, fit),
    )


def _plain(stars: Stars) -> _Calibrated:
    none = np.zeros(len(stars.difference))
    return _Calibrated(column=none, difference=stars.difference, error=stars.error, mean=0.0, spread=0.0, n_stars=0)


def _calibrated(stars: Stars, native: ZeroPointFit, prior: ColourPrior) -> _Calibrated | None:
    """Return the colours as the fit can use them; None where they say nothing of a slope."""
    colours = stars.colours
    if colours is None:
        return None
    known: Bools = np.isfinite(colours.value) & np.isfinite(colours.err)
    weight = np.where(known, native.inlier_probability / (native.scatter**2 + stars.error**2), 0.0)
    is_learned = prior.n_frames > 0
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
    slope2 = prior.value**2 + prior.err**2
    return _Calibrated(
        column=share * away,
        difference=stars.difference - shared * away,
        # What is not known of a star's colour adds to its error, by the slope that may be.
        error=np.sqrt(stars.error**2 + slope2 * spread2 * (1.0 - share)),
        mean=mean,
        spread=float(np.sqrt(spread2)),
        n_stars=int(known.sum()),
    )


def _orders(place: Place | None, n_inliers: float) -> tuple[int, ...]:
    """Return the orders of a field term that so many stars may be asked about."""
    if place is None or n_inliers < FIRST_ORDER_STARS:
        return ()
    return (1,) if n_inliers < SECOND_ORDER_STARS else (1, 2)


def _fitted(
    base: _Calibrated, native: ZeroPointFit, place: Place | None, prior: ColourPrior | None, *, order: int
) -> _Model:
    columns, mean, err = [], [], []
    if prior is not None:
        columns.append(base.column[:, None])
        mean.append(prior.value)
        err.append(prior.err)
    if order and place is not None:
        # Differences from the target's place: the constant is then the zero point there.
        columns.append(_basis(place.xy, order) - _basis(place.target[None, :], order))
        mean += [0.0] * columns[-1].shape[1]
        err += [FIELD_PRIOR] * columns[-1].shape[1]
    terms = Terms(columns=np.hstack(columns), mean=np.array(mean), err=np.array(err)) if columns else None
    mixture = Mixture(base.difference, base.error, DEFAULT_PRIORS, terms)
    fraction = np.clip(native.outlier_fraction, 0.01, 0.9)
    start = np.array([native.zero_point, *mean, np.log(native.scatter), np.log(fraction / (1.0 - fraction))])
    return _Model(mixture=mixture, modes=mixture.modes(start[None, :], rounds=_ROUNDS), order=order)


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
    if coloured is not None and stars.colours is not None:
        residual -= model.theta[1] * np.nan_to_num(stars.colours.value - coloured.mean)
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
    value, err = float(model.theta[1]), float(np.sqrt(model.covariance[1, 1]))
    name = stars.colours.name if stars.colours else ""
    measured = None
    precision = err**-2.0 - prior.err**-2.0  # what the frame adds to what was known
    if precision > 0.01 * prior.err**-2.0:
        alone = (value * err**-2.0 - prior.value * prior.err**-2.0) / precision
        measured = ColourMeasurement(
            passband=stars.passband, colour=name, value=float(alone), err=float(precision**-0.5)
        )
    return ColourTerm(
        colour=name,
        value=value,
        err=err,
        reference_colour=coloured.mean,
        colour_spread=coloured.spread,
        n_stars=coloured.n_stars,
        prior=prior,
        measured=measured,
    )


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
