"""Telescope memory: the colour term of an observatory, camera and filter, from what its frames said of it.

Frame i says x_i with error e_i (`cpcs.records.ColourFrame`). Frames differ by more than their errors (airmass, other
stars), hence random effects (DerSimonian & Laird 1986, Controlled Clinical Trials 7, 177):

    x_i = term + N(0, tau^2) + N(0, e_i^2)

tau comes from the equation of Paule & Mandel (1982, J. Res. NBS 87, 377), that the squared residuals add up to their
degrees of freedom, with residuals cut at 1.5 sigma as in Huber's second proposal (1964, Ann. Math. Statist. 35, 73), so
that a bad frame counts as a middling one. Few frames do not tell tau: `PRIOR_FRAMES` of scatter `USUAL_SCATTER` are
added to them. Frames of one field share their reference stars and the errors of these, so many of them are not many
measurements: the frames of each field are pooled first, then the fields.

A camera is changed, a filter replaced: where the frames before and after some date differ by `CHANGE_SIGMAS`, only
those on the side of the frame in question are used. For this, too, a field counts once on either side.

Pure Python: functions that carry no numpy show the memory too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, hypot, log, sqrt
from statistics import median
from typing import NamedTuple

from cpcs.records import ColourFrame, ColourPrior

ANY_CAMERA = ColourPrior(value=0.0, err=0.15)  # mag per mag: about what filters of one name differ by
MOST_FRAMES = 200  # of a set-up, the newest: what one question to the storage brings
LEAST_PRIOR_ERR = 0.005  # mag per mag: below what reference catalogues are good for; a rich frame may still object
USUAL_SCATTER, PRIOR_FRAMES = 0.02, 3.0  # mag per mag: what second-order extinction makes in blue filters
CHANGE_SIGMAS, LEAST_AFTER_CHANGE = 4.0, 4
_CUT = 1.5  # sigma
_MEAN_SQUARE = 0.77846  # of a normal deviate that is cut there
_COST = 1.0371  # variance of the mean with residuals so cut, in units of that of the plain one
_LOWEST, _HIGHEST, _HALVINGS, _ROUNDS = 1e-4, 2.0, 18, 12
_WINDOW = 3  # frames on either side with which one is compared before a change is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedTerm:
    """What is known of the colour term of one set-up in one passband.

    Attributes
    ----------
    value, err
        mag per mag of ``colour``: the mean and its error.
    scatter
        mag per mag: tau, how much frames and fields differ beyond their errors.
    n_frames, n_fields
        What it rests on.
    since_mjd
        Of the first frame since the last change.
    last_learned
        When the newest of the frames was calibrated.
    """

    passband: str
    colour: str
    value: float
    err: float
    scatter: float
    n_frames: int
    n_fields: int
    since_mjd: float
    last_learned: str

    @property
    def prior(self) -> ColourPrior:
        """What is to be believed of the term of the next frame."""
        err = min(max(hypot(self.err, self.scatter), LEAST_PRIOR_ERR), ANY_CAMERA.err)
        return ColourPrior(value=self.value, err=err, n_frames=self.n_frames)


class _Pooled(NamedTuple):
    mean: float
    err: float
    tau: float


def setup_name(given: str) -> str:
    """Return the name of a camera or filter as the memory keys it: without regard to case and superfluous blanks."""
    return " ".join(given.split()).casefold()


def priors(frames: Iterable[ColourFrame], *, mjd: float | None = None, job_id: str = "") -> dict[str, ColourPrior]:
    """Return what the frames of a set-up say beforehand: passband -> Gaussian.

    Parameters
    ----------
    frames
        The memory of the set-up, all its passbands.
    mjd
        Of the frame that is to be calibrated; None for the newest.
    job_id
        Its upload, which must not be its own witness.
    """
    others = [frame for frame in frames if not job_id or frame.job_id != job_id]
    return {term.passband: term.prior for term in learned_terms(others, mjd=mjd)}


def learned_terms(frames: Iterable[ColourFrame], *, mjd: float | None = None) -> list[LearnedTerm]:
    """Return what the frames of one set-up say, passband by passband.

    Where a passband has been learned in two colours, the newer holds: terms in different colours are not alike.
    """
    by_band: dict[str, list[ColourFrame]] = {}
    for frame in frames:
        by_band.setdefault(frame.passband, []).append(frame)
    learned = []
    for _, mine in sorted(by_band.items()):
        colour = max(mine, key=lambda frame: (frame.learned, frame.job_id)).colour
        learned.append(_learn([frame for frame in mine if frame.colour == colour], mjd))
    return learned


def _learn(frames: Sequence[ColourFrame], mjd: float | None) -> LearnedTerm:
    kept = _since_change(sorted(frames, key=lambda frame: (frame.mjd, frame.job_id)), mjd)
    by_field: dict[str, list[ColourFrame]] = {}
    for frame in kept:
        by_field.setdefault(frame.field, []).append(frame)
    fields = [_pool([(frame.value, frame.err) for frame in mine]) for mine in by_field.values()]
    pooled = _pool([(field.mean, field.err) for field in fields])
    within = sum(field.tau**2 * len(mine) for field, mine in zip(fields, by_field.values(), strict=True)) / len(kept)
    # Terms of cameras are spread like those of any camera: what a frame or two say is drawn towards that.
    precision = pooled.err**-2.0 + ANY_CAMERA.err**-2.0
    return LearnedTerm(
        passband=kept[0].passband,
        colour=kept[0].colour,
        value=(pooled.mean * pooled.err**-2.0 + ANY_CAMERA.value * ANY_CAMERA.err**-2.0) / precision,
        err=precision**-0.5,
        scatter=sqrt(pooled.tau**2 + within),
        n_frames=len(kept),
        n_fields=len(fields),
        since_mjd=kept[0].mjd,
        last_learned=max(frame.learned for frame in kept),
    )


# --- random effects -------------------------------------------------------------------------------


def _pool(measured: Sequence[tuple[float, float]]) -> _Pooled:
    """Return mean, its error and the scatter of values with errors."""
    mean = median(value for value, _ in measured)

    def excess(tau: float) -> float:
        nonlocal mean  # from where the next one is not far
        mean = _huber_mean(measured, tau, mean)
        squares = sum(min((value - mean) ** 2 / (err**2 + tau**2), _CUT**2) for value, err in measured)
        return squares / _MEAN_SQUARE - (len(measured) - 1)

    if len(measured) == 1:  # nothing to be in excess: the prior's scatter it is
        value, err = measured[0]
        return _Pooled(value, hypot(err, USUAL_SCATTER), USUAL_SCATTER)
    tau = _scatter(excess)
    precision = sum(1.0 / (err**2 + tau**2) for _, err in measured)
    return _Pooled(_huber_mean(measured, tau, mean), sqrt(_COST / precision), tau)


def _scatter(excess: Callable[[float], float]) -> float:
    """Return the tau at which squared residuals in excess of their number, with the prior's, vanish: by bisection."""
    low, high = log(_LOWEST), log(_HIGHEST)
    for _ in range(_HALVINGS):
        middle = exp(0.5 * (low + high))
        if excess(middle) + PRIOR_FRAMES * ((USUAL_SCATTER / middle) ** 2 - 1.0) > 0.0:
            low = log(middle)
        else:
            high = log(middle)
    return exp(0.5 * (low + high))


def _huber_mean(measured: Sequence[tuple[float, float]], tau: float, mean: float) -> float:
    """Return the mean with residuals cut at 1.5 sigma, by weighting anew from a guess of it."""
    for _ in range(_ROUNDS):
        total = weights = 0.0
        for value, err in measured:
            sigma = sqrt(err**2 + tau**2)
            weight = min(1.0, _CUT * sigma / max(abs(value - mean), 1e-12)) / sigma**2
            total += weight * value
            weights += weight
        before, mean = mean, total / weights
        if abs(mean - before) < 1e-5:  # noqa: PLR2004 -- mag per mag: nothing
            break
    return mean


# --- changes --------------------------------------------------------------------------------------


def _since_change(frames: Sequence[ColourFrame], mjd: float | None) -> Sequence[ColourFrame]:
    """Return the frames (in order of time) that no change separates from a date; from the newest when it is None."""
    while True:
        split = _change(frames)
        if split is None:
            return frames
        middle = 0.5 * (frames[split - 1].mjd + frames[split].mjd)
        frames = frames[split:] if mjd is None or mjd >= middle else frames[:split]


def _change(frames: Sequence[ColourFrame]) -> int | None:
    """Return the number of the first frame after the clearest change; None when there is none."""
    n = len(frames)
    if n < 2 * LEAST_AFTER_CHANGE:
        return None
    tau = _between_fields(frames)
    calm = [_calmed(frames, i) for i in range(n)]
    forwards = _sides(frames, calm, tau)
    backwards = _sides(frames[::-1], calm[::-1], tau)[::-1]

    def sigmas(split: int) -> float:
        (before, before_var), (after, after_var) = forwards[split - 1], backwards[split]
        return abs(after - before) / sqrt(before_var + after_var)

    best = max(range(LEAST_AFTER_CHANGE, n - LEAST_AFTER_CHANGE + 1), key=sigmas)
    return best if sigmas(best) > CHANGE_SIGMAS else None


def _between_fields(frames: Sequence[ColourFrame]) -> float:
    """Return the scatter of neighbours in time that are of different fields: a change leaves it as it is."""
    pairs = [(a, b) for a, b in pairwise(frames) if a.field != b.field]

    def excess(tau: float) -> float:
        variances = [a.err**2 + b.err**2 + 2.0 * tau**2 for a, b in pairs]
        squares = (
            min((a.value - b.value) ** 2 / variance, _CUT**2) for (a, b), variance in zip(pairs, variances, strict=True)
        )
        return sum(squares) / _MEAN_SQUARE - len(pairs)

    return _scatter(excess)


def _calmed(frames: Sequence[ColourFrame], i: int) -> float:
    """Return what a frame says, kept near to the median of its neighbours: a step stays, a single bad frame goes."""
    around = median(frame.value for frame in frames[max(0, i - _WINDOW) : i + _WINDOW + 1])
    most = _CUT * hypot(frames[i].err, USUAL_SCATTER)
    return min(max(frames[i].value, around - most), around + most)


def _sides(frames: Sequence[ColourFrame], calm: Sequence[float], tau: float) -> list[tuple[float, float]]:
    """Return mean and variance of the first one, two, three ... frames; each field in them counts as its best one."""
    fields: dict[str, tuple[float, float, float]] = {}  # sum of weighted values, of weights, and the best variance
    total = precision = 0.0
    sides = []
    for frame, value in zip(frames, calm, strict=True):
        variance = frame.err**2 + tau**2
        values, weights, best = fields.get(frame.field, (0.0, 0.0, variance))
        if weights:
            total -= values / weights / best
            precision -= 1.0 / best
        fields[frame.field] = values, weights, best = (
            values + value / variance,
            weights + 1.0 / variance,
            min(best, variance),
        )
        total += values / weights / best
        precision += 1.0 / best
        sides.append((total / precision, 1.0 / precision))
    return sides
