"""The simulated fields of `benchmarks/zero_point.py`: every draw from a seed of its own case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from photocal.arrays import Bools, Floats

NUMBERS = (5, 6, 9, 12, 20, 50, 200)
FRACTIONS = (0.0, 0.1, 0.2, 0.3)
SCATTERS = (0.02, 0.05, 0.15, 0.35)
TRUE_ZERO_POINT = 23.456
PLAIN = "plain"
HARD = ("blends", "chance", "errors/3", "errors x2", "giant error", "giant weight")
HARD_NUMBERS, HARD_FRACTION, HARD_SCATTERS = (6, 12, 50, 200), 0.2, (0.05, 0.15)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table.

    Attributes
    ----------
    n
        Number of stars.
    fraction
        Probability of a star to be an outlier.
    scatter
        Of the inliers beyond their errors, mag.
    kind
        What is special: outliers are blends, always 0.2 to 1 mag too bright; or chance matches, uniform within
        5 mag; or the errors quoted are a third, or twice, of the true; or one star has an error of 1 mag; or one
        outlier, 0.5 mag off, quotes an error of 0.0005 mag.
    """

    n: int
    fraction: float
    scatter: float
    kind: str = PLAIN


@dataclass(frozen=True, kw_only=True)
class Field:
    """One draw: differences and quoted errors, (n,) arrays in mag, and the error of a fit that knows all but z."""

    difference: Floats
    error: Floats
    ideal: float


def plain_cases(numbers: tuple[int, ...] = NUMBERS) -> list[Case]:
    """Return the first part of the table: outliers scatter by 1.5 mag around the zero point."""
    return [Case(n=n, fraction=f, scatter=s) for n in numbers for f in FRACTIONS for s in SCATTERS]


def hard_cases() -> list[Case]:
    """Return the second part: what the model does not expect."""
    return [
        Case(n=n, fraction=HARD_FRACTION, scatter=s, kind=kind)
        for kind in HARD
        for n in HARD_NUMBERS
        for s in HARD_SCATTERS
    ]


def fields(case: Case, draws: int) -> Iterator[Field]:
    """Yield so many draws of a case; the first of them are the same whatever their number."""
    kind = (PLAIN, *HARD).index(case.kind)
    seed = [case.n, round(100 * case.fraction), round(1000 * case.scatter)] + [kind] * (kind > 0)
    rng = np.random.Generator(np.random.PCG64(seed))
    for _ in range(draws):
        yield _field(rng, case)


def _field(rng: np.random.Generator, case: Case) -> Field:
    """Draw one field; errors run log-uniformly from 0.01 to 0.05 mag."""
    n = case.n
    e = np.exp(rng.uniform(np.log(0.01), np.log(0.05), n))
    outlier = rng.random(n) < case.fraction
    if case.kind == "giant error":
        e[0], outlier[0] = 1.0, False
    elif case.kind == "giant weight":
        outlier[0] = True
    quoted = e * {"errors/3": 1.0 / 3.0, "errors x2": 2.0}.get(case.kind, 1.0)
    d = TRUE_ZERO_POINT + _offsets(rng, case, e, outlier)
    if case.kind == "giant weight":
        d[0], quoted[0] = TRUE_ZERO_POINT + 0.5, 0.0005
    inliers = max(n - int(outlier.sum()), 1)
    ideal = 1.0 / np.sqrt((1.0 / (case.scatter**2 + e**2)).sum() * inliers / n)
    return Field(difference=d, error=quoted, ideal=float(ideal))


def _offsets(rng: np.random.Generator, case: Case, e: Floats, outlier: Bools) -> Floats:
    """Draw how far each star is from the zero point: by its error, its scatter, or its being an outlier."""
    usual = rng.normal(0.0, 1.0, case.n)
    if case.kind == "blends":
        wide = rng.uniform(0.2, 1.0, case.n) + usual * e
    elif case.kind == "chance":
        wide = rng.uniform(-5.0, 5.0, case.n)
    else:
        wide = usual * np.hypot(1.5, e)
    offsets: Floats = np.where(outlier, wide, usual * np.hypot(case.scatter, e))
    return offsets
