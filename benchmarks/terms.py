"""Colour and field terms on simulated stars: ``python -m benchmarks.terms [DRAWS]`` (default 400).

Every case draws stars with a colour term, colours with errors, and outliers; some with a zero point that varies over
the field. Columns: rms of the zero point (mmag) of the plain fit and with terms, both against the truth for a star of
the reference colour at the target's place; coverage of the quoted 1-sigma error; bias and coverage of the colour term;
how often a field term was taken. Seeds are fixed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from photocal.arrays import Floats
from photocal.terms import Colours, FullFit, Place, Stars, fit_terms
from photocal.zeropoint import ZeroPointFit, fit_zero_point

TRUE_ZERO_POINT = 23.456
NUMBERS = (6, 9, 12, 20, 50, 100, 300, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is drawn: colour term (mag/mag), gradient over the field (mag from middle to edge), errors of colours."""

    name: str
    colour_term: float = 0.1
    gradient: float = 0.0
    colour_err: float = 0.02
    outliers: float = 0.1
    scatter: float = 0.015


CASES = (
    Case(name="no term", colour_term=0.0),
    Case(name="colour 0.1"),
    Case(name="colour 0.1, noisy colours", colour_err=0.1),
    Case(name="colour -0.25", colour_term=-0.25),
    Case(name="colour 0.1, 30 % outliers", outliers=0.3),
    Case(name="gradient 0.04", gradient=0.04),
)
TARGET = np.array([0.4, -0.3])


def draw(rng: np.random.Generator, case: Case, n: int) -> tuple[Stars, Floats]:
    """Return the stars of a frame in r, and their true g - r.

    The magnitude in r is part of the colour, so its error is in both, as in any real catalogue.
    """
    red = rng.random(n) < 0.4
    colour = np.clip(np.where(red, rng.normal(1.3, 0.2, n), rng.normal(0.55, 0.2, n)), 0.0, 1.6)
    error_g, error_r = rng.normal(0.0, case.colour_err / np.sqrt(2.0), (2, n))
    inst_err = np.exp(rng.uniform(np.log(0.005), np.log(0.05), n))
    xy = rng.uniform(-0.7, 0.7, (n, 2))
    wide = np.where(rng.random(n) < case.outliers, 1.0, case.scatter)
    true = TRUE_ZERO_POINT + case.colour_term * (colour - 0.8) + case.gradient * (xy[:, 0] + 0.5 * xy[:, 1])
    difference = true + error_r + rng.normal(0.0, 1.0, n) * np.hypot(wide, inst_err)
    ref_err = case.colour_err / np.sqrt(2.0)
    stars = Stars(
        passband="REF/r",
        difference=difference,
        error=np.hypot(inst_err, ref_err),
        colours=Colours(
            name="g-r",
            value=colour + error_g - error_r,
            err=np.full(n, case.colour_err),
            shared=np.full(n, -(ref_err**2)),
        ),
        place=Place(xy=xy, target=TARGET, ra_deg=0.0, dec_deg=0.0, scale_deg=0.2),
    )
    return stars, colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One frame: both fits, and the truth for a star of the reference colour at the target's place."""

    native: ZeroPointFit
    full: FullFit
    truth: float


def frames(case: Case, n: int, draws: int) -> Iterator[Found]:
    """Yield the fits of a case."""
    rng = np.random.Generator(np.random.PCG64([CASES.index(case), n]))
    for _ in range(draws):
        stars, colour = draw(rng, case, n)
        native = fit_zero_point(stars.difference, stars.error)
        full = fit_terms(stars, native)
        reference = full.colour_term.reference_colour if full.colour_term else float(np.mean(colour))
        truth = TRUE_ZERO_POINT + case.colour_term * (reference - 0.8)
        yield Found(native=native, full=full, truth=truth + case.gradient * float(TARGET[0] + 0.5 * TARGET[1]))


def row(case: Case, n: int, draws: int) -> str:
    """Return one line of the table."""
    found = list(frames(case, n, draws))
    off = np.array([(item.native.zero_point - item.truth, item.full.fit.zero_point - item.truth) for item in found])
    err = np.array([(item.native.zero_point_err, item.full.fit.zero_point_err) for item in found])
    rms, covered = 1e3 * np.sqrt(np.mean(off**2, axis=0)), 100.0 * np.mean(np.abs(off) <= err, axis=0)
    terms = [item.full.colour_term for item in found if item.full.colour_term]
    slope = np.array([(term.value - case.colour_term, term.err) for term in terms])
    fields = 100.0 * np.mean([item.full.field_term is not None for item in found])
    told = (
        f"{1e3 * np.mean(slope[:, 0]):7.1f} {1e3 * np.std(slope[:, 0]):6.1f}"
        f" {100.0 * np.mean(np.abs(slope[:, 0]) <= slope[:, 1]):5.0f}"
        if len(slope)
        else f"{'-':>7} {'-':>6} {'-':>5}"
    )
    return f"{n:5d}  {rms[0]:7.1f} {covered[0]:5.0f}  {rms[1]:7.1f} {covered[1]:5.0f}  {told}  {fields:6.1f}"


def main(draws: int) -> None:
    """Print the tables."""
    for case in CASES:
        print(f"\n{case.name}: scatter {case.scatter}, outliers {case.outliers}, errors of colours {case.colour_err}")
        heads = f"{'plain':>7} {'cov':>5}  {'terms':>7} {'cov':>5}  {'bias':>7} {'sd':>6} {'cov':>5}  {'field':>6}"
        print(f"{'N':>5}  {heads}")
        print(f"{'':>5}  {'mmag':>7} {'%':>5}  {'mmag':>7} {'%':>5}  {'mmag/mag':>14} {'%':>5}  {'%':>6}")
        for n in NUMBERS:
            print(row(case, n, draws), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
