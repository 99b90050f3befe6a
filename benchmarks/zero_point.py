"""Zero points of few stars: this project's fit beside the textbook mixture, sigma clipping and STDPipe's match.

Run ``python benchmarks/zero_point.py [--draws 200] [--numbers 5 6 ...] [--only ours ...] [--jobs 2]``. STDPipe is no
dependency of this project: ``pip install --group bench`` puts it into an environment of its own choice (it brings
pandas, photutils and more); where it is missing its columns are left out. ``stdpipe`` is `photometry.match` by its
defaults; ``stdpipe+s`` is told of an intrinsic scatter of up to 1 mag, which makes it another estimator.

Every case draws its stars from one seed, the same stars for all estimators. Columns: bias and rms of the zero point in
units of the ideal error (that of a fit which knows the scatter and the outliers), coverage of the quoted 1-sigma
errors, share of fits that failed. For each row: who has the least rms of those that failed in less than one draw of
twenty, and how ours stands. Ours is behind a rival if the difference of the squared errors, draw by draw, is above
zero by more than 1.96 of its standard errors, or that of squared errors cut off at 5 ideal errors (the plain mean is
ruled by a few catastrophes), and in either case by more than a hundredth of the rms (where two fits all but agree, a
difference of nothing can be sure). Draws in which the rival failed are left out, which flatters it. Ours is first if
nobody is ahead and its rms is the least, level if nobody is ahead. The count is printed without that margin too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.zero_point_cases import (
    NUMBERS,
    PLAIN,
    TRUE_ZERO_POINT,
    Case,
    fields,
    hard_cases,
    plain_cases,
)
from benchmarks.zero_point_rivals import ESTIMATORS, FLOOR
from photocal.arrays import Floats

CUT = 5.0  # ideal errors
SIGNIFICANT = 1.96
MARGIN = 0.01  # of the rms: what is less is nobody's loss, however sure
OURS, BY_ITS_DEFAULTS = "ours", "stdpipe"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One case and one estimator: the draws, and the figures of the table."""

    case: Case
    estimator: str
    off: Floats
    inside: float
    floor: float
    scatter_inside: float
    outliers_inside: float
    milliseconds: float

    @property
    def failed(self) -> float:
        """Share of draws without an answer."""
        return float(np.isnan(self.off).mean())

    @property
    def bias(self) -> float:
        """Mean error, in ideal errors."""
        return mean(self.off)

    @property
    def rms(self) -> float:
        """Root mean square error, in ideal errors."""
        return float(np.sqrt(mean(self.off**2)))

    @property
    def cut(self) -> float:
        """Root mean square error when no error counts as more than so many ideal errors."""
        return float(np.sqrt(mean(np.minimum(self.off**2, CUT**2))))


def mean(values: Floats | list[float]) -> float:
    """Return the mean of what is a number; nan when nothing is."""
    known = np.asarray(values)[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def measure(case: Case, names: list[str], draws: int) -> list[Column]:
    """Return the columns of one case: every estimator on the same draws."""
    stars = list(fields(case, draws))
    ideal = np.array([field.ideal for field in stars])
    columns = []
    for name in names:
        estimate = ESTIMATORS[name]
        estimate(stars[0].difference, stars[0].error)  # what is imported or cached at first use
        start = time.process_time()
        found = [estimate(field.difference, field.error) for field in stars]
        spent = time.process_time() - start
        off = np.array([item.zero_point for item in found]) - TRUE_ZERO_POINT
        inside = np.abs(off) <= np.array([item.error for item in found])
        scatter = np.array([item.scatter for item in found])
        outliers = np.array([item.outliers for item in found])
        columns.append(
            Column(
                case=case,
                estimator=name,
                off=off / ideal,
                inside=mean(np.where(np.isfinite(off), inside, np.nan)),
                floor=float(np.mean(scatter <= 1.05 * FLOOR)),
                scatter_inside=float(
                    np.mean(np.abs(scatter - case.scatter) <= np.array([item.scatter_error for item in found]))
                ),
                outliers_inside=float(
                    np.mean(np.abs(outliers - case.fraction) <= np.array([item.outliers_error for item in found]))
                ),
                milliseconds=1e3 * spent / draws,
            )
        )
    return columns


def ahead(ours: Floats, rival: Floats, margin: float = MARGIN) -> bool:
    """Whether the rival's errors are smaller than ours by more than chance and the margin, in one of both measures."""
    both = np.isfinite(ours) & np.isfinite(rival)
    if both.sum() < 2:
        return False
    for cut in (np.inf, CUT**2):
        mine, its = np.minimum(ours[both] ** 2, cut), np.minimum(rival[both] ** 2, cut)
        worse = mine - its
        chance = SIGNIFICANT * worse.std(ddof=1) / np.sqrt(len(worse))
        if worse.mean() > chance and mine.mean() > (1.0 + margin) ** 2 * its.mean():
            return True
    return False


def standing(columns: list[Column], margin: float = MARGIN) -> tuple[str, str, list[str]]:
    """Return who is best in a row, how ours stands, and which rivals are ahead of ours."""
    best = min((column for column in columns if column.failed < 0.05), key=lambda column: column.rms).estimator
    ours = next(column for column in columns if column.estimator == OURS)
    better = [c.estimator for c in columns if c.estimator != OURS and ahead(ours.off, c.off, margin)]
    verdict = "behind" if better else "first" if best == OURS else "level"
    return best, verdict, better


def show(rows: list[list[Column]]) -> None:
    """Print one line a case."""
    names = [column.estimator for column in rows[0]]
    head = "  ".join(f"{name + ': bias':>15} {'rms':>5} {'cov':>3} {'fail':>4}" for name in names)
    print(f"{'stars':<12} {'N':>4} {'f':>4} {'s':>4}  {head}  best, ours")
    for columns in rows:
        case = columns[0].case
        shown = "  ".join(f"{c.bias:15.2f} {c.rms:5.2f} {100 * c.inside:3.0f} {100 * c.failed:4.0f}" for c in columns)
        word = ""
        if OURS in names:
            best, verdict, better = standing(columns)
            word = f"{best}, {verdict} {' '.join(better)}".rstrip()
        print(f"{case.kind:<12} {case.n:4d} {case.fraction:4.2f} {case.scatter:4.2f}  {shown}  {word}")


def summarise(rows: list[list[Column]]) -> None:
    """Print the means by number of stars for every estimator, over all rows with so many."""
    for index, first in enumerate(rows[0]):
        for n in sorted({columns[0].case.n for columns in rows}):
            of_n = [columns for columns in rows if columns[0].case.n == n]
            mine = [columns[index] for columns in of_n]
            floor = [c.floor for c in mine if c.case.scatter >= 0.05]
            beside = ""
            if any(c.failed for c in mine) and rows[0][0].estimator == OURS:
                same = [columns[0].off[np.isfinite(c.off)] for columns, c in zip(of_n, mine, strict=True)]
                beside = f" (ours where it did not: rms {mean([float(np.sqrt(mean(off**2))) for off in same]):.2f})"
            print(
                f"{first.estimator:>9} N={n:3d}: rms {mean([c.rms for c in mine]):5.2f}, "
                f"cut at {CUT:.0f} {mean([c.cut for c in mine]):.2f}, "
                f"coverage {100 * mean([c.inside for c in mine]):.1f} %, "
                f"floor {100 * mean(floor):.1f} % (s >= 0.05), "
                f"failed {100 * mean([c.failed for c in mine]):.1f} %{beside}, "
                f"{mean([c.milliseconds for c in mine]):.2f} ms"
            )


def count(rows: list[list[Column]]) -> None:
    """Print in how many rows ours is first, level and behind; where STDPipe was told more, also without that."""
    named = [column.estimator for column in rows[0]]
    for names in ([name for name in named if "+" not in name], named):
        chosen = [[column for column in columns if column.estimator in names] for columns in rows]
        verdicts = Counter(standing(columns)[1] for columns in chosen)
        strict = sum(standing(columns, 0.0)[1] == "behind" for columns in chosen)
        clear = sum(all(ahead(c.off, columns[0].off) for c in columns if c.estimator != OURS) for columns in chosen)
        print(
            f"ours among {', '.join(names)}: first in {verdicts['first']} rows, level in {verdicts['level']}, behind "
            f"in {verdicts['behind']} ({strict} without the margin) of {len(rows)}; clearly ahead of each in {clear}"
        )
        if names == named:
            break


def coverage(rows: list[list[Column]]) -> None:
    """Print the coverage of our three errors in percent, by number of stars and by what makes it differ."""
    ours = [column for columns in rows for column in columns if column.estimator == OURS]
    for title, attribute, key in (
        ("zero point, by scatter", "inside", "scatter"),
        ("zero point, by outliers", "inside", "fraction"),
        ("scatter, by scatter", "scatter_inside", "scatter"),
        ("outlier fraction, by outliers", "outliers_inside", "fraction"),
    ):
        values = sorted({getattr(column.case, key) for column in ours})
        print(f"coverage of {title}: " + " ".join(f"{value:>6g}" for value in values) + "    all")
        for n in sorted({column.case.n for column in ours}):
            mine = [column for column in ours if column.case.n == n]
            cells = [100 * mean([getattr(c, attribute) for c in mine if getattr(c.case, key) == x]) for x in values]
            print(f"{'N=' + str(n):>{len(title) + 13}} " + " ".join(f"{x:6.1f}" for x in [*cells, mean(cells)]))


def main(arguments: list[str] | None = None) -> int:
    """Print both parts of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--only", nargs="+", choices=list(ESTIMATORS), help="estimators")
    parser.add_argument("--numbers", type=int, nargs="+", default=NUMBERS, help="numbers of stars of the first part")
    parser.add_argument("--part", choices=("plain", "hard", "both"), default="both")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args(arguments)
    names = given.only or list(ESTIMATORS)
    if BY_ITS_DEFAULTS not in ESTIMATORS:
        print("STDPipe is not installed: its columns are left out.\n")
    cases = plain_cases(tuple(given.numbers)) * (given.part != "hard") + hard_cases() * (given.part != "plain")
    with ProcessPoolExecutor(given.jobs) as pool:
        rows = list(pool.map(partial(measure, names=names, draws=given.draws), cases))
    for title, part in (
        ("What the model expects", [row for row in rows if row[0].case.kind == PLAIN]),
        ("What it does not expect", [row for row in rows if row[0].case.kind != PLAIN]),
    ):
        if not part:
            continue
        print(f"{title}: {len(part)} rows of {given.draws} draws\n")
        show(part)
        print()
        summarise(part)
        if OURS in names:
            print()
            count(part)
            print()
            coverage(part)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
