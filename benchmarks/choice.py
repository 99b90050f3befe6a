"""Is the right filter chosen, and the stated confidence true? ``python -m benchmarks.choice [UPLOADS] [--jobs N]``.

Uploads (1,000 unless told otherwise) are drawn by `benchmarks.uploads` under the sky of `benchmarks.sky`, and
calibrated as the service does it, with the header's filter as the hint.

**Right** is the filter of the observer's band. R and r are different filters. Where no CCD catalogue has five stars in
common with the upload in that filter, the first of the band's list ``right`` in `benchmarks.uploads.OBSERVED` that one
has is right: the nearest filter (r for R, g for B; for unfiltered light G, else r; for the green of a Bayer mask V).
Uploads of which no filter on the list is held have no right answer; like those that are refused they do not count, and
both are listed.

**Decidable** is an upload where an ideal observer would be sure: one who knows how uploads are drawn, the header, the
true magnitudes of all stars in every band, the noise of each and which are outliers, and fits the instrument's colour
term and its curvature against every band (`benchmarks.uploads.Upload.ideal`). Where even its best choice has a
probability below 0.9 (an R filter with a colour term beside r, and no name) the stars do not hold the answer. The
share that it gets right bounds what can be got from colour terms and names.

**Low** is a confidence below 0.9. Beside the engine stand, on the same uploads, CPCS 1's rules (least scatter; since
2024 least scatter over the root of the number of stars) and the header alone.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks import uploads
from cpcs.errors import CpcsError
from cpcs.filters import understand
from photocal.arrays import Bools
from photocal.calibration import calibrate
from photocal.results import Candidate, Target

UPLOADS = 1000
LOW = 0.9
SURE, CERTAIN = 0.9, 0.99  # the ideal observer's probability, where an upload is decidable, and beyond doubt
STATED = (0.0, 0.3, 0.5, 0.7, 0.9, 0.97, 0.995, 1.01)
NUMBERS = (5, 10, 20, 50, 200, 1000, 3001)
RADIUS_ARCSEC = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one upload.

    Attributes
    ----------
    right, chosen
        Filters; ``right`` is empty where there is no right answer.
    refused
        The code of the refusal; empty where there was none.
    confidence, bound
        Stated; and the ideal observer's probability of its best choice.
    ideal_right
        Whether the ideal observer chose right.
    rivals
        Rule -> filter that it would have chosen.
    zero_point_errors
        Of the catalogues that measured in the right filter, the engine's choice first, mag.
    """

    number: int
    band: str
    header: str
    hint: str
    n_stars: int
    right: str = ""
    chosen: str = ""
    refused: str = ""
    confidence: float = 0.0
    bound: float = 0.0
    ideal_right: bool = False
    rivals: tuple[tuple[str, str], ...] = ()
    zero_point_errors: tuple[float, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether there is a right answer and one was given."""
        return bool(self.right and self.chosen)

    @property
    def is_right(self) -> bool:
        """Whether it was the right one."""
        return self.chosen == self.right


def play(number: int, seed: int = uploads.SEED) -> Outcome:
    """Calibrate one upload, and judge it."""
    upload = uploads.draw(number, seed)
    start = Outcome(number=number, band=upload.band, header=upload.header, hint=upload.hint, n_stars=upload.stars.n)
    ra, dec = upload.stars.centre
    try:
        found = calibrate(
            upload.stars,
            [item.stars for item in upload.known],
            target=Target(ra_deg=ra, dec_deg=dec),
            matching_radius_arcsec=RADIUS_ARCSEC,
            filter_hint=upload.hint,
            mjd=upload.mjd,
        )
    except CpcsError as error:
        return _with(start, refused=error.code)
    held = {item.passband.filter for item in found.candidates if not item.photographic}
    right = _first(uploads.OBSERVED[upload.band].right, held)
    chances = Counter[str]()
    for band, chance in upload.ideal.items():
        chances[_first(uploads.OBSERVED[band].right, held)] += chance  # type: ignore[assignment] # counts may be floats
    best, bound = chances.most_common(1)[0]
    return _with(
        start,
        right=right,
        chosen=found.winner.passband.filter,
        confidence=found.confidence,
        bound=bound,
        ideal_right=best == right,
        rivals=tuple((name, rule(found.candidates, upload.hint)) for name, rule in RULES.items()),
        zero_point_errors=_zero_point_errors(upload, found.candidates, right),
    )


def _with(outcome: Outcome, **known: object) -> Outcome:
    values = {name: getattr(outcome, name) for name in Outcome.__dataclass_fields__}
    return Outcome(**{**values, **known})


def _first(wanted: Iterable[str], held: set[str]) -> str:
    return next((band for band in wanted if band in held), "")


def _zero_point_errors(upload: uploads.Upload, candidates: Sequence[Candidate], right: str) -> tuple[float, ...]:
    """Return by how much each catalogue's zero point in the right filter is off for the stars it was fitted to, mag."""
    known = {item.stars.catalogue: item for item in upload.known}
    errors = []
    for item in candidates:
        if item.passband.filter == right and not item.refused:
            true = known[item.passband.catalogue].true[right][item.stars.reference_index]
            truth = float(np.median(true - upload.clean[item.stars.source_index]))
            errors.append(item.native.zero_point - truth)
    return tuple(errors)


def _least(candidates: Sequence[Candidate], key: Callable[[Candidate], float]) -> str:
    usable = [item for item in candidates if item.refused in {"", "photographic"}]
    return min(usable, key=key).passband.filter if usable else ""


def least_scatter(candidates: Sequence[Candidate], hint: str) -> str:  # noqa: ARG001 - every rule is told the same
    """Choose as CPCS 1 did at first, without its 1 / sqrt(n)."""
    return _least(candidates, lambda item: item.native.scatter)


def least_error(candidates: Sequence[Candidate], hint: str) -> str:  # noqa: ARG001 - every rule is told the same
    """Choose as CPCS 1 does since 2024: the least scatter over the root of the number of stars."""
    return _least(candidates, lambda item: item.native.scatter / np.sqrt(item.native.n_matched))


def header_alone(candidates: Sequence[Candidate], hint: str) -> str:
    """Choose what the header names, among several names the one of least scatter; nothing where it names none."""
    named = understand(hint).filters
    return _least([item for item in candidates if item.passband.filter in named], lambda item: item.native.scatter)


RULES = {"least scatter": least_scatter, "scatter / sqrt(n)": least_error, "header alone": header_alone}


def _share(mask: Bools) -> str:
    return f"{100.0 * mask.mean():6.1f} %" if len(mask) else "     - "


def report(outcomes: Sequence[Outcome]) -> None:
    """Print the tables."""
    refused = Counter(item.refused for item in outcomes if item.refused)
    nothing = sum(not item.refused and not item.right for item in outcomes)
    judged = [item for item in outcomes if item.counts]
    print(f"{len(outcomes)} uploads: {len(judged)} judged, no right filter held {nothing}, refused {dict(refused)}")
    right = np.array([item.is_right for item in judged], dtype=np.bool_)
    bound = np.array([item.bound for item in judged])
    sure, ideal = bound >= SURE, np.array([item.ideal_right for item in judged], dtype=np.bool_)
    columns = {"all": bound >= 0.0, f"bound {SURE}": sure, f"bound {CERTAIN}": bound >= CERTAIN}
    print(f"\n{'':22}" + "".join(f"{name:>12}" for name in columns))
    print(f"{'uploads':22}" + "".join(f"{int(mask.sum()):>12}" for mask in columns.values()))
    rows = {"right": right, "ideal observer": ideal}
    for name in RULES:
        rows[name] = np.array([dict(item.rivals)[name] == item.right for item in judged], dtype=np.bool_)
    for name, row in rows.items():
        print(f"{name:22}" + "".join(f"{_share(row[mask]):>12}" for mask in columns.values()))
    _classes(judged, right, sure, ideal)
    _calibration(judged, right)
    _wrong_ones(judged, right)
    _catalogues(judged)


def _classes(judged: Sequence[Outcome], right: Bools, sure: Bools, ideal: Bools) -> None:
    n = np.array([item.n_stars for item in judged])
    groups = [(f"{low}-{high - 1} stars", (n >= low) & (n < high)) for low, high in pairwise(NUMBERS)]
    headers = np.array([item.header for item in judged])
    groups += [(name, headers == name) for name in dict.fromkeys(headers.tolist())]
    bands = np.array([item.band for item in judged])
    groups += [(f"band {name}", bands == name) for name in uploads.OBSERVED]
    print(f"\n{'':16}{'uploads':>8}{'right':>9}{'ideal':>9}{'of decidable':>14}")
    for name, mask in groups:
        if mask.any():
            print(
                f"{name:16}{int(mask.sum()):>8}{_share(right[mask]):>9}{_share(ideal[mask]):>9}"
                f"{_share(right[mask & sure]):>14}"
            )


def _calibration(judged: Sequence[Outcome], right: Bools) -> None:
    stated = np.array([item.confidence for item in judged])
    print(f"\n{'stated':>12}{'uploads':>9}{'mean':>8}{'right':>8}{'+-':>7}")
    for low, high in pairwise(STATED):
        here = (stated >= low) & (stated < high)
        if here.any():
            share, count = float(right[here].mean()), int(here.sum())
            error = np.sqrt((share * count + 1.0) * ((1.0 - share) * count + 1.0) / (count + 2.0) ** 3)
            label = f"{low:.3g}-{min(high, 1.0):.3g}"
            print(f"{label:>12}{count:>9}{stated[here].mean():>8.3f}{share:>8.3f}{error:>7.3f}")


def _wrong_ones(judged: Sequence[Outcome], right: Bools) -> None:
    stated = np.array([item.confidence for item in judged])
    low = stated < LOW
    print(
        f"\nstated below {LOW}: {int((low & ~right).sum())} of {int((~right).sum())} wrong choices, "
        f"{int((low & right).sum())} of {int(right.sum())} right ones; "
        f"stated above: {int((~low).sum())}, of them {_share(right[~low])} right"
    )
    wrong = [item for item, ok in zip(judged, right, strict=True) if not ok]
    quantiles = np.quantile([item.confidence for item in wrong], [0.1, 0.5, 0.9]) if wrong else np.zeros(3)
    print("confidence of the wrong choices, 10, 50, 90 %: " + ", ".join(f"{value:.2f}" for value in quantiles))
    for (true, chosen), count in Counter((item.right, item.chosen) for item in wrong).most_common(12):
        print(f"    {true:>3} taken for {chosen:<5} {count}")
    for item in sorted(wrong, key=lambda each: -each.confidence):
        if item.confidence >= LOW:
            print(
                f"    sure and wrong: upload {item.number}, {item.band} taken for {item.chosen}, {item.n_stars} stars, "
                f"{item.header} {item.hint!r}, stated {item.confidence:.2f}, ideal {item.bound:.2f}"
            )


def _catalogues(judged: Sequence[Outcome]) -> None:
    several = [np.abs(item.zero_point_errors) for item in judged if item.is_right and len(item.zero_point_errors) > 1]
    if not several:
        return
    best = np.mean([np.argmin(errors) == 0 for errors in several])
    chosen, least, middle = (
        1e3 * float(np.median([pick(errors) for errors in several]))
        for pick in (lambda errors: errors[0], np.min, np.median)
    )
    chance = np.mean([1.0 / len(errors) for errors in several])
    print(
        f"\ncatalogue within the right filter ({len(several)} uploads with a choice): the best one chosen "
        f"{100 * best:.0f} % "
        f"of the time (by chance {100 * chance:.0f} %); median error of the zero point {chosen:.1f} mmag chosen, "
        f"{least:.1f} best, {middle:.1f} middle one"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Play the uploads and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("uploads", type=int, nargs="?", default=UPLOADS)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=uploads.SEED, help="of the draw")
    given = parser.parse_args(arguments)
    once = partial(play, seed=given.seed)
    if given.jobs > 1:
        with ProcessPoolExecutor(given.jobs) as pool:
            outcomes = list(pool.map(once, range(given.uploads), chunksize=4))
    else:
        outcomes = [once(number) for number in range(given.uploads)]
    report(outcomes)


if __name__ == "__main__":
    main()
