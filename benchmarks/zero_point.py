"""Zero points of few stars: this project's fit beside the textbook mixture and sigma clipping, on simulated stars.

Run ``python benchmarks/zero_point.py [--draws 200] [--markdown]``. Every case draws its stars from one seed, the same
for all estimators. Columns: bias and rms of the zero point in units of the ideal error sqrt(s^2 + e^2) / sqrt(inliers),
coverage of the quoted 1-sigma errors, share of fits whose scatter fell on the floor.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from photocal.arrays import Floats
from photocal.zeropoint import fit_zero_point

NUMBERS = (5, 6, 9, 12, 20, 50, 200)
FRACTIONS = (0.0, 0.1, 0.2, 0.3)
SCATTERS = (0.02, 0.05, 0.15, 0.35)
TRUE_ZERO_POINT = 23.456
FLOOR = 0.01


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What every estimator is asked for, mag."""

    zero_point: float
    error: float
    scatter: float


Estimator = Callable[[Floats, Floats], Estimate]


def ours(d: Floats, e: Floats) -> Estimate:
    """Fit as CPCS 2.0 does."""
    fit = fit_zero_point(d, e)
    return Estimate(zero_point=fit.zero_point, error=fit.zero_point_err, scatter=fit.scatter)


def textbook(d: Floats, e: Floats) -> Estimate:
    """Maximise the mixture's likelihood with a floor of 0.01 mag under the scatter and f <= 0.5, as CPCS 1 does."""

    def cost(theta: Floats) -> float:
        z, log_s, f = theta
        variance = np.exp(2.0 * log_s) + e**2
        narrow = np.exp(-0.5 * (d - z) ** 2 / variance) / np.sqrt(2.0 * np.pi * variance)
        return -float(np.log((1.0 - f) * narrow + f / 5.0).sum())

    spread = max(1.4826 * float(np.median(np.abs(d - np.median(d)))), 2 * FLOOR)
    bounds = [(d.min(), d.max()), (np.log(FLOOR), np.log(2.0)), (0.0, 0.5)]
    fits = [
        minimize(cost, [np.median(d), np.log(s), 0.1], bounds=bounds, method="L-BFGS-B") for s in (spread, 2 * FLOOR)
    ]
    z, log_s, f = min(fits, key=lambda item: item.fun).x
    return Estimate(
        zero_point=z, error=float(np.exp(log_s)) / np.sqrt(len(d) * (1.0 - f)), scatter=float(np.exp(log_s))
    )


def clipping(d: Floats, e: Floats) -> Estimate:
    """Clip at three standard deviations around the weighted mean until nothing changes."""
    keep = np.ones(len(d), dtype=bool)
    for _ in range(20):
        z = np.average(d[keep], weights=e[keep] ** -2.0)
        s = float(np.std(d[keep], ddof=1)) if keep.sum() > 1 else 0.0
        new = np.abs(d - z) <= 3.0 * max(s, 1e-9)
        if new.sum() < 3 or np.array_equal(new, keep):
            break
        keep = new
    return Estimate(zero_point=float(z), error=s / np.sqrt(keep.sum()), scatter=s)


ESTIMATORS: dict[str, Estimator] = {"ours": ours, "textbook": textbook, "clipping": clipping}


def draw(rng: np.random.Generator, n: int, fraction: float, scatter: float) -> tuple[Floats, Floats, int]:
    """Return differences, errors and the number of inliers of one simulated field.

    Errors run log-uniformly from 0.01 to 0.05 mag. Each star is an outlier with the given probability; outliers
    scatter by 1.5 mag around the zero point (variables, blends, chance matches).
    """
    e = np.exp(rng.uniform(np.log(0.01), np.log(0.05), n))
    outlier = rng.random(n) < fraction
    wide = np.where(outlier, 1.5, scatter)
    d = TRUE_ZERO_POINT + rng.normal(0.0, 1.0, n) * np.hypot(wide, e)
    return d, e, int(n - outlier.sum())


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case and one estimator: the figures of the table."""

    n: int
    fraction: float
    scatter: float
    estimator: str
    bias: float
    rms: float
    coverage: float
    floor: float
    milliseconds: float


def measure(n: int, fraction: float, scatter: float, names: list[str], draws: int) -> Iterator[Row]:
    """Yield the row of each estimator for one case."""
    rng = np.random.Generator(np.random.PCG64([n, round(100 * fraction), round(1000 * scatter)]))
    fields = [draw(rng, n, fraction, scatter) for _ in range(draws)]
    ideal = np.array([1.0 / np.sqrt((1.0 / (scatter**2 + e**2)).sum() * max(k, 1) / n) for _, e, k in fields])
    for name in names:
        start = time.perf_counter()
        found = [ESTIMATORS[name](d, e) for d, e, _ in fields]
        spent = time.perf_counter() - start
        off = np.array([item.zero_point for item in found]) - TRUE_ZERO_POINT
        err = np.array([item.error for item in found])
        yield Row(
            n=n, fraction=fraction, scatter=scatter, estimator=name,
            bias=float(np.mean(off / ideal)), rms=float(np.sqrt(np.mean((off / ideal) ** 2))),
            coverage=float(np.mean(np.abs(off) <= err)),
            floor=float(np.mean([item.scatter <= 1.05 * FLOOR for item in found])),
            milliseconds=1e3 * spent / draws,
        )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--only", action="append", choices=sorted(ESTIMATORS), help="estimator (repeatable)")
    parser.add_argument("--numbers", type=int, nargs="+", default=NUMBERS)
    given = parser.parse_args(arguments)
    names = given.only or list(ESTIMATORS)
    rows = []
    print(
        f"{'N':>4} {'f':>5} {'s':>5}  "
        + "  ".join(f"{name + ': bias':>15} {'rms':>5} {'cov':>4} {'floor':>5}" for name in names)
    )
    for n in given.numbers:
        for fraction in FRACTIONS:
            for scatter in SCATTERS:
                case = list(measure(n, fraction, scatter, names, given.draws))
                rows += case
                shown = "  ".join(
                    f"{r.bias:15.2f} {r.rms:5.2f} {100 * r.coverage:4.0f} {100 * r.floor:5.1f}" for r in case
                )
                print(f"{n:4d} {fraction:5.2f} {scatter:5.2f}  {shown}", flush=True)
    print()
    for name in names:
        mine = [row for row in rows if row.estimator == name]
        for n in given.numbers:
            of_n = [row for row in mine if row.n == n]
            print(
                f"{name:>9} N={n:3d}: rms {np.mean([r.rms for r in of_n]):.2f}, "
                f"coverage {100 * np.mean([r.coverage for r in of_n]):.1f} %, "
                f"floor {100 * np.mean([r.floor for r in of_n if r.scatter >= 0.05]):.2f} % (s >= 0.05), "
                f"{np.mean([r.milliseconds for r in of_n]):.2f} ms"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
