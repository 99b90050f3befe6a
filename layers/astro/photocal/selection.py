"""Which passband was the image taken in? A probability for each candidate, from its scatter and from the hint.

The right filter is the one whose magnitudes the instrument reproduces with the least scatter beyond the errors: in any
other, stars of different colours lie on different zero points. Let s0 be the scatter that the instrument itself makes,
the same for all candidates but unknown. Under the hypothesis that filter F is right, each candidate c is expected at

    ln s_c = ln s0 + N(0, tolerance)       c measured in F (by whatever catalogue),
    ln s_c = ln s0 + an excess > 0         c measured in another filter: any excess, all equally likely,

and its fitted ln s_c has the error that the fit states. The likelihood of F is the product over all candidates,
integrated over s0; its prior comes from the filter's name in the header or the form, and from the number of stars: a
fit to few stars has a large error of ln s and therefore little say, however small its scatter came out, and among
dozens of candidates some such fit is always lucky. This is what keeps six stars that agree by chance from beating two
hundred. Within the filter, the catalogue with the least expected error of the zero point wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import log_ndtr, logsumexp

from cpcs.filters import FilterHint, group_of, understand
from photocal.arrays import Bools, Floats
from photocal.results import Candidate
from photocal.zeropoint import ZeroPointFit

LEAST_STARS, MOST_OUTLIERS, MOST_SCATTER = 5, 0.5, 1.5  # CPCS 1's quality cuts
FEW_STARS, OUTLIERS, SCATTER, PHOTOGRAPHIC = "few-stars", "outliers", "scatter", "photographic"
TOLERANCE = 0.2  # in ln s: between catalogues of one filter
WIDEST_EXCESS = 4.0  # in ln s: of a wrong filter over the right one
CREDIBLE_STARS = 10.0  # stars at which a fit is half as credible as one with very many
SYSTEMATIC = 0.2  # share of the scatter that more stars do not average out
PLATES_PRIOR = 0.1
_LN_S0 = np.log(np.geomspace(0.003, 2.0, 120))


def quality(fit: ZeroPointFit) -> str:
    """Return why a fit cannot be used: ``few-stars``, ``outliers``, ``scatter``; empty when it can."""
    if fit.n_matched < LEAST_STARS:
        return FEW_STARS
    if fit.outlier_fraction > MOST_OUTLIERS:
        return OUTLIERS
    return SCATTER if fit.scatter >= MOST_SCATTER else ""


def expected_error(fit: ZeroPointFit) -> float:
    """Return the expected error of a zero point, mag: the posterior's, and the part of the scatter that stays."""
    return float(np.hypot(fit.zero_point_err, SYSTEMATIC * fit.scatter))


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
        With ``probability`` and ``refused`` set; the probabilities add up to 1 where any candidate can win.
    """
    judged = _without_plates([replace(item, refused=quality(item.native)) for item in candidates])
    usable = [item for item in judged if not item.refused]
    refused = sorted((item for item in judged if item.refused), key=lambda item: expected_error(item.fit))
    if not usable:
        return tuple(refused)
    by_filter = filter_probabilities(usable, understand(filter_hint))
    weights = np.array([expected_error(item.fit) ** -2.0 for item in usable])
    filters = np.array([item.passband.filter for item in usable])
    shares = np.array([weight / weights[filters == name].sum() for weight, name in zip(weights, filters, strict=True)])
    probable = [
        replace(item, probability=float(by_filter[item.passband.filter] * share))
        for item, share in zip(usable, shares, strict=True)
    ]
    # The filter first, then the catalogue: a filter that many catalogues share must not lose for that.
    probable.sort(key=lambda item: (by_filter[item.passband.filter], item.probability), reverse=True)
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


def filter_probabilities(candidates: Sequence[Candidate], hint: FilterHint) -> dict[str, float]:
    """Return the probability of each filter among the candidates."""
    scatter = np.array([_comparable_scatter(item.native) for item in candidates])
    error = np.array([item.native.scatter_err / item.native.scatter for item in candidates])
    right, wrong = _log_densities(np.log(scatter), np.hypot(error, TOLERANCE))
    filters = [item.passband.filter for item in candidates]
    names = list(dict.fromkeys(filters))
    scores = np.empty(len(names))
    for k, name in enumerate(names):
        mine = np.array([own == name for own in filters])
        likelihood = right[mine].sum(axis=0) + wrong[~mine].sum(axis=0)
        plates = all(item.photographic for item in candidates if item.passband.filter == name)
        prior = hint.weight(name) * (PLATES_PRIOR if plates else 1.0) * _credible(candidates, mine)
        scores[k] = logsumexp(likelihood) + np.log(prior)
    probabilities = np.exp(scores - logsumexp(scores))
    return {name: float(value) for name, value in zip(names, probabilities, strict=True)}


def _credible(candidates: Sequence[Candidate], mine: Bools) -> float:
    """Return how far the number of stars makes a filter's scatter credible, 0 to 1."""
    most = max(
        item.native.n_matched * (1.0 - item.native.outlier_fraction)
        for item, own in zip(candidates, mine, strict=True)
        if own
    )
    return float((most / (most + CREDIBLE_STARS)) ** 2)


def _comparable_scatter(fit: ZeroPointFit) -> float:
    """Return the scatter, mag, raised where much of the sample had to be called outliers to make it small."""
    return fit.scatter / (1.0 - fit.outlier_fraction)


def _log_densities(log_s: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return the log densities of each ln s, were its filter right and were it wrong, for every s0: (n, m) arrays."""
    x = (log_s[:, None] - _LN_S0) / error[:, None]
    right = -0.5 * x**2 - np.log(error[:, None]) - 0.5 * np.log(2.0 * np.pi)
    wrong = log_ndtr(x) - np.log(WIDEST_EXCESS)
    return right, wrong
