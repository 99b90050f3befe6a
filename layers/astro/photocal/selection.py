"""Which passband was the image taken in? A probability for each candidate, from its fit and from the hint.

Three things tell filters apart, and `filter_probabilities` multiplies them by Bayes' rule:

    P(F) ~ usual(F) header(F) place(F) scatter(F)

**Place.** A filter F has a place P_F on the colour axis of stars: how fast its magnitude grows with g - i, less that of
r (``PLACES``). An instrument of filter F lies at P_F + k, with its own colour term k. A candidate in filter j with the
colour term c_j (per g - i) says that the instrument lies at q_j = P_j - c_j. All candidates say it of the same
instrument and from the same stars: their mean q is weighted, but the errors of the slopes do not average out.

    place(F) = 0.95 N(q; P_F, e^2 + 0.08^2) + 0.05 N(q; P_F, e^2 + 0.2^2)

**Scatter.** What is left beyond the errors, s_j, once the colour term is taken out. With the instrument's own scatter
s0 and a locus of stars that is no straight line, a filter j near the instrument's place has, were F right,

    ln s_j ~ N(ln sqrt(s0^2 + (b D_Fj)^2), t_j^2),       t_j^2 = (error of ln s_j)^2 + 0.2^2 + (0.012 / s_j)^2

(with tails) where D_Fj is the difference of the places, more where one of them sees nearly all light or the
ultraviolet; s0 and b are integrated out. The last term of t_j allows for errors that catalogues do not quote.

**Header.** `cpcs.filters.FilterHint.weight`: a name is right in most headers, wrong in some. **Usual.** Few telescopes
have Gaia's BP, and a plate is never what was observed.

All filters are weighed, those too in which no reference star of the field was measured: a filter that nobody can
calibrate may still be the right one, and then the confidence in all others is low. Where another filter of its group is
there, that stands in for it. Within a filter, the catalogue with the least expected error of the zero point wins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from cpcs.filters import FilterHint, group_of, understand
from cpcs.passbands import accuracy, filters_alike
from photocal.arrays import Bools, Floats
from photocal.results import Candidate
from photocal.zeropoint import ZeroPointFit

LEAST_STARS, MOST_OUTLIERS, MOST_SCATTER = 5, 0.5, 1.5  # CPCS 1's quality cuts
FEW_STARS, OUTLIERS, SCATTER, PHOTOGRAPHIC = "few-stars", "outliers", "scatter", "photographic"
SYSTEMATIC = 0.2  # share of the scatter that more stars do not average out

# mag per mag of g - i, r's being 0: from the relations between the systems that benchmarks/sky.py cites
PLACES = {
    "u": 1.43, "U": 1.47, "B": 0.80, "g": 0.55, "BP": 0.29, "V": 0.23, "r": 0.0, "R": -0.085, "G": -0.15, "i": -0.43,
    "I": -0.51, "RP": -0.47, "z": -0.66, "Y": -0.75, "J": -0.91, "H": -1.06, "K": -1.13,
}  # fmt: skip
# Where a catalogue's filter of that name lies elsewhere
_ODD_PLACES = {
    "PS1/g": 0.49, "REFCAT2/g": 0.49, "SKYMAPPER/g": 0.35, "DES/g": 0.52, "SDSS/g": 0.58, "APASS/g": 0.58,
    "GaiaSP/g": 0.58, "DES/r": -0.065, "SKYMAPPER/r": 0.02, "DES/i": -0.49, "SKYMAPPER/i": -0.50, "SDSS/i": -0.42,
    "APASS/i": -0.42, "GaiaSP/i": -0.42, "PS1/z": -0.64, "REFCAT2/z": -0.64, "DES/z": -0.69, "SKYMAPPER/z": -0.69,
    "SKYMAPPER/u": 1.65,
}  # fmt: skip
_USUAL = {"BP": 0.02, "RP": 0.02, "G": 0.5, "U": 0.3, "u": 0.3, "z": 0.5, "Y": 0.1, "J": 0.2, "H": 0.2, "K": 0.2}
PLATES_PRIOR = 0.1
_NEXT = {"V": "g", "G": "r"}  # V has more light in common with g than with r
_RARE = 0.05  # such a filter stands in for another only where there is no better one
# How far from a straight line of colour a filter lies, beside its place
_BENT = {"G": 0.3, "u": 0.8, "U": 0.8}
# mag per mag of g - i: how fast a colour grows, to turn its colour term into one of g - i
_COLOURS = {
    "g-r": 0.57, "g-i": 1.0, "r-i": 0.43, "i-z": 0.24, "B-V": 0.56, "V-I": 0.75, "V-R": 0.32, "R-I": 0.43,
    "BP-RP": 0.76, "J-K": 0.22, "J-H": 0.15,
}  # fmt: skip
OWN_TERM, ODD_TERM, ODD_SHARE = 0.08, 0.2, 0.05  # mag per mag of g - i: what instruments of one filter differ by
_PLACE_ERROR, _CURVED = 0.03, 0.15  # of a place, and of a colour term as a share of it
_CROOKED = 1.0  # of a colour term, mag per mag of g - i, per mag of scatter that it leaves
TOLERANCE, UNQUOTED = 0.2, 0.012  # in ln s, and in s (mag): between catalogues of one filter
_STRAY = 3.0  # times as far, one scatter in ten is off
_LOG_USUAL, _LOG_STRAY = np.log(0.9), np.log(0.1 / _STRAY)
_S0 = np.geomspace(0.004, 0.6, 36)
_NEAR = 0.35  # in place: candidates farther from the instrument say nothing of the scatter
_AXIS = 2.7  # the length of the axis of places
_UNKNOWN = 0.3  # difference in place to a filter of unknown place
_SLANTED = 0.5  # mag of scatter per difference in place, where no colour term is taken out
_BEND = np.array([0.03, 0.07, 0.15])  # mag of scatter per mag per mag of difference in place


def quality(fit: ZeroPointFit) -> str:
    """Return why a fit cannot be used: ``few-stars``, ``outliers``, ``scatter``; empty when it can."""
    if fit.n_matched < LEAST_STARS:
        return FEW_STARS
    if fit.outlier_fraction > MOST_OUTLIERS:
        return OUTLIERS
    return SCATTER if fit.scatter >= MOST_SCATTER else ""


def expected_error(candidate: Candidate) -> float:
    """Return the expected error of a zero point, mag: the fit's, the part of the scatter that stays, the survey's.

    What the survey's own zero points may be off by is the same in every frame of a field: with it the catalogue does
    not change from frame to frame as the fits fall.
    """
    fit = candidate.fit
    return math.hypot(fit.zero_point_err, SYSTEMATIC * fit.scatter, accuracy(candidate.passband.catalogue))


def rank(candidates: Sequence[Candidate], filter_hint: str = "") -> tuple[Candidate, ...]:
    """Give every candidate its probability, and order them: best first, those that cannot win last.

    Parameters
    ----------
    candidates
        All passbands that were fitted.
    filter_hint
        The filter's name in the header or the form, as written; empty when unknown.

    Returns
    -------
    tuple of Candidate
        With ``probability`` and ``refused`` set. The probabilities add up to 1 less that of the filters that no
        candidate is near to. Equal ones keep the order of their errors, then that in which they came.
    """
    judged = _without_plates([replace(item, refused=quality(item.native) or quality(item.fit)) for item in candidates])
    usable = [item for item in judged if not item.refused]
    refused = sorted((item for item in judged if item.refused), key=expected_error)
    if not usable:
        return tuple(refused)
    by_filter = filter_probabilities(usable, understand(filter_hint))
    weights = np.array([expected_error(item) ** -2.0 for item in usable])
    filters = np.array([item.passband.filter for item in usable])
    shares = np.array([weight / weights[filters == name].sum() for weight, name in zip(weights, filters, strict=True)])
    probable = [
        replace(item, probability=float(by_filter[item.passband.filter] * share))
        for item, share in zip(usable, shares, strict=True)
    ]
    # The filter first, then the catalogue: a filter that many catalogues share must not lose for that.
    probable.sort(key=lambda item: (-by_filter[item.passband.filter], -item.probability, expected_error(item)))
    return (*probable, *refused)


def filter_confidence(ranked: Sequence[Candidate], candidate: Candidate) -> float:
    """Return the probability that a candidate's filter is right, whichever catalogue measured it."""
    return float(sum(item.probability for item in ranked if item.passband.filter == candidate.passband.filter))


def _without_plates(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Mark the photographic candidates that a CCD catalogue of the same part of the spectrum stands against."""
    ccd = {group_of(item.passband.filter) for item in candidates if not item.photographic and not item.refused}
    return [
        replace(item, refused=PHOTOGRAPHIC)
        if item.photographic and not item.refused and group_of(item.passband.filter) in ccd
        else item
        for item in candidates
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filter:
    """A filter that may be the right one. ``place`` is None where it is unknown, ``held`` where candidates have it."""

    name: str
    place: float | None
    bent: float
    usual: float
    held: bool


def filter_probabilities(candidates: Sequence[Candidate], hint: FilterHint) -> dict[str, float]:
    """Return the probability of each filter among the candidates; what is missing to 1 is that of other filters."""
    held = dict.fromkeys(item.passband.filter for item in candidates)
    plates = {name for name in held if all(c.photographic for c in candidates if c.passband.filter == name)}
    hypotheses = [_hypothesis(name, held=name in held, plates=name in plates) for name in {**held, **PLACES}]
    scores = np.array([np.log(item.usual * hint.weight(item.name)) for item in hypotheses])
    instrument = instrument_place(candidates)
    scores = scores + _log_place(candidates, hypotheses, instrument)
    scores = scores + _log_scatter(candidates, hypotheses, instrument[0] if instrument else np.nan)
    probabilities = np.exp(scores - logsumexp(scores))
    told = dict.fromkeys(held, 0.0)
    for item, value in zip(hypotheses, probabilities, strict=True):
        name = _stand_in(item, held)
        if name is not None:
            told[name] += float(value)
    return told


def _hypothesis(name: str, *, held: bool, plates: bool) -> _Filter:
    alike = filters_alike().get(name, name)
    if alike not in PLACES:  # a private catalogue's own name for it
        meant = understand(name).filters
        alike = min(meant) if meant else name
    usual = _USUAL.get(alike, 1.0) * (PLATES_PRIOR if plates else 1.0)
    return _Filter(name=name, place=PLACES.get(alike), bent=_BENT.get(alike, 0.0), usual=usual, held=held)


def _stand_in(item: _Filter, held: Sequence[str] | dict[str, None]) -> str | None:
    """Return the filter that is taken where this one is right: itself, or the nearest of its group; None for none."""
    if item.held:
        return item.name
    akin = [name for name in held if group_of(name) == group_of(item.name)]
    akin = akin or [name for name in held if name == _NEXT.get(item.name)]
    place = item.place or 0.0

    def unlike(name: str) -> tuple[bool, float]:
        alike = filters_alike().get(name, name)
        return _USUAL.get(alike, 1.0) < _RARE, abs(PLACES.get(alike, np.inf) - place)

    return min(akin, key=unlike) if akin else None


def instrument_place(candidates: Sequence[Candidate]) -> tuple[float, float] | None:
    """Return where the colour terms put the instrument, and its error, mag per mag of g - i; None where none tells."""
    told = [
        (place - slope[0], *slope, item.fit.scatter)
        for item in candidates
        if (place := _place_of(item)) is not None and (slope := _slope(item)) is not None
    ]
    return _mean_place(np.array(told)) if told else None


def _log_place(
    candidates: Sequence[Candidate], hypotheses: Sequence[_Filter], instrument: tuple[float, float] | None
) -> Floats:
    """Return the log likelihood of each hypothesis, given where the colour terms put the instrument."""
    told: Floats = np.full(len(hypotheses), -np.log(_AXIS))  # anywhere, where nothing tells
    for k, item in enumerate(hypotheses):
        if item.place is not None and instrument is not None:
            told[k] = _log_own_term(instrument[0] - item.place, instrument[1])
        elif item.place is None:  # as near to the instrument as its own colour terms say
            own = [slope for each in candidates if each.passband.filter == item.name and (slope := _slope(each))]
            if own:
                told[k] = _log_own_term(*min(own, key=lambda slope: slope[1]))
    return told


def _place_of(item: Candidate) -> float | None:
    """Return the place of a candidate's filter, as its catalogue has it; None where it is unknown."""
    name = item.passband.filter
    return _ODD_PLACES.get(str(item.passband), PLACES.get(filters_alike().get(name, name)))


def _slope(item: Candidate) -> tuple[float, float] | None:
    """Return a candidate's colour term and its error, mag per mag of g - i; None where the frame does not tell."""
    term = item.colour_term
    scale = _COLOURS.get(term.colour) if term is not None else None
    if term is None or scale is None:
        return None
    if term.measured is not None:
        return scale * term.measured.value, scale * term.measured.err
    # What was learned of the camera so well that one frame adds nothing to it
    return (scale * term.value, scale * term.err) if term.prior.n_frames else None


def _mean_place(told: Floats) -> tuple[float, float]:
    """Return the instrument's place and its error from rows of place, slope, error of the slope, and scatter left.

    The errors of the slopes are those of the same stars in the same frame, so they are not averaged out; those of the
    places, and of the straight line that the colours are taken for, are. What a straight line leaves beyond the best
    candidate's scatter says how far it is from straight.
    """
    place, slope, err, scatter = told.T
    bent = _CROOKED * np.sqrt(np.maximum(scatter**2 - scatter.min() ** 2, 0.0))
    table = np.sqrt(_PLACE_ERROR**2 + (_CURVED * slope) ** 2 + bent**2)
    weight = (err**2 + table**2) ** -2.0
    weight /= weight.sum()
    return float(weight @ place), float(np.sqrt(weight**2 @ table**2 + (weight @ err) ** 2))


def _log_own_term(term: float, err: float) -> float:
    """Return the log density of an instrument's own colour term, mag per mag of g - i, known to ``err``."""
    usual, odd = math.hypot(OWN_TERM, err), math.hypot(ODD_TERM, err)
    log_usual = math.log((1.0 - ODD_SHARE) / usual) - 0.5 * (term / usual) ** 2
    log_odd = math.log(ODD_SHARE / odd) - 0.5 * (term / odd) ** 2
    most = max(log_usual, log_odd)
    return most + math.log(math.exp(log_usual - most) + math.exp(log_odd - most)) - 0.5 * math.log(2.0 * math.pi)


def _log_scatter(candidates: Sequence[Candidate], hypotheses: Sequence[_Filter], q: float) -> Floats:
    """Return the log likelihood of each hypothesis, given the scatters; s0 and the bend of the locus integrated out.

    Only candidates near the instrument's place ``q`` are asked, and of those only such as a colour term was taken out
    of: the slopes of the others say what ``q`` says already. Where no colour term tells, ``q`` is NaN, and all are.
    """
    seen = _scatters(candidates, q)
    if seen is None:
        return np.zeros(len(hypotheses))
    bend = np.where(seen.straight, _BEND[:, None], _SLANTED)
    extra = (bend * _away(hypotheses, seen)[:, None, :]) ** 2  # (hypotheses, bends, filters)
    expected = 0.5 * np.log(_S0[:, None] ** 2 + extra[:, :, None, :])
    x2 = ((seen.log_s - expected) / seen.width) ** 2
    log_p = np.logaddexp(_LOG_USUAL - 0.5 * x2, _LOG_STRAY - x2 / (2.0 * _STRAY**2)).sum(axis=-1)
    result: Floats = logsumexp(log_p, axis=(1, 2))
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scatters:
    """The scatter of each filter, over its catalogues; arrays and lists of the same length.

    ``place`` is NaN where it is unknown; ``straight`` where a colour term was taken out.
    """

    names: list[str]
    log_s: Floats
    width: Floats
    place: Floats
    bent: Floats
    straight: Bools


def _scatters(candidates: Sequence[Candidate], q: float) -> _Scatters | None:
    by_filter: dict[str, list[Candidate]] = {}
    for item in candidates:
        place = _place_of(item)
        if np.isnan(q) or (item.colour_term is not None and (place is None or abs(place - q) <= _NEAR)):
            by_filter.setdefault(item.passband.filter, []).append(item)
    if not by_filter:
        return None
    rows = [_scatter_of(items) for items in by_filter.values()]
    alike = [filters_alike().get(name, name) for name in by_filter]
    return _Scatters(
        names=list(by_filter),
        log_s=np.array([log_s for log_s, _ in rows]),
        width=np.array([width for _, width in rows]),
        place=np.array([np.nan if (place := _place_of(items[0])) is None else place for items in by_filter.values()]),
        bent=np.array([_BENT.get(name, 0.0) for name in alike]),
        straight=np.array([items[0].colour_term is not None for items in by_filter.values()]),
    )


def _scatter_of(items: Sequence[Candidate]) -> tuple[float, float]:
    """Return ln s of a filter and its width; the catalogues share their stars, so errors do not average out."""
    s = np.array([item.fit.scatter / (1.0 - item.fit.outlier_fraction) for item in items])
    error = np.array([item.fit.scatter_err / item.fit.scatter for item in items])
    weight = 1.0 / (error**2 + TOLERANCE**2 + (UNQUOTED / s) ** 2)
    return float(weight @ np.log(s) / weight.sum()), float(np.sqrt(error.min() ** 2 + 1.0 / weight.sum()))


def _away(hypotheses: Sequence[_Filter], seen: _Scatters) -> Floats:
    """Return how unlike hypotheses and filters are, in places: (hypotheses, filters) array."""
    place = np.array([np.nan if item.place is None else item.place for item in hypotheses])
    bent = np.array([item.bent for item in hypotheses])
    away = np.nan_to_num(np.hypot(place[:, None] - seen.place, bent[:, None] - seen.bent), nan=_UNKNOWN)
    same = np.array([item.name for item in hypotheses])[:, None] == np.array(seen.names)
    result: Floats = np.where(same, 0.0, away)
    return result
