"""Telescope memory: what a frame gains from the frames before it, on whole simulated calibrations.

Run ``python benchmarks/memory.py [--telescopes 10]``. Every telescope has one camera and filter that differs from the
catalogue's (APASS r, which is forced) by -0.1 mag per mag of g - i, about -0.15 per mag of g - r. Each of its frames
shows another field with other stars; the target is bright and bluer than they are, and its colour is given. Every frame
is calibrated twice: with the general prior, and with what the frames before it taught. The second table changes the
filter by 0.2 mag per mag of g - r after frame 100. The third is the estimator alone, on frames that only say a number:
its errors, how often it sees a change where there is none, and how soon where there is one.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import hypot

import numpy as np

from cpcs import memory
from cpcs.errors import CalibrationFailed
from cpcs.passbands import parse_choice
from cpcs.records import ColourFrame, ColourPrior
from photocal.calibration import calibrate
from photocal.learning import lesson
from photocal.readers import read_catalogue
from photocal.results import Calibration
from photocal.simulate import Setup, SimulatedField, simulate

PASSBAND = "APASS/r"
TARGET_COLOUR = 0.457  # APASS g - r of what has PS1 g - i = 0.5 on the simulator's locus
TERM, JUMP = 0.1, 0.13  # mag per mag of g - i: 0.155 and 0.2 of g - r
FRAMES = 40
STARS = {8: 200, 15: 380, 60: 1500}  # matched, about -> simulated
CHANGE_AT, AFTER = 100, 30


@dataclass(kw_only=True)
class Telescope:
    """A set-up that learns; errors of the target's magnitude, mag, frame by frame, NaN where it was refused."""

    seed: int
    n_stars: int
    frames: list[ColourFrame] = field(default_factory=list)
    native: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    remembering: list[float] = field(default_factory=list)
    terms_alone: list[float] = field(default_factory=list)
    terms_remembering: list[float] = field(default_factory=list)
    matched: list[int] = field(default_factory=list)

    def observe(self, number: int, term: float, *, twice: bool = True) -> None:
        """Take a frame, calibrate it with and without the memory, and learn."""
        setup = Setup(
            n_stars=self.n_stars,
            colour_term=term,
            target_mag=14.0,
            mjd=58000.0 + number,
            zero_point=23.0 + 0.01 * number,
        )
        simulated = simulate(setup, seed=self.seed * 10_000 + number)
        remembered = memory.priors(self.frames, mjd=setup.mjd)
        found = _calibrated(simulated, remembered)
        plain = _calibrated(simulated, {}) if twice else found
        self.remembering.append(_error(found, simulated))
        self.alone.append(_error(plain, simulated))
        self.native.append(np.nan if plain is None else plain.target.mag - simulated.true_mag)
        self.terms_remembering.append(_term(found))
        self.terms_alone.append(_term(plain))
        self.matched.append(found.winner.fit.n_matched if found else 0)
        taught = lesson(found, field=str(number), job_id=f"{number:04d}", learned=f"{number:04d}") if found else None
        if taught is not None:
            self.frames.append(taught)


def _calibrated(simulated: SimulatedField, priors: dict[str, ColourPrior]) -> Calibration | None:
    try:
        return calibrate(
            read_catalogue(simulated.catalogue),
            simulated.references,
            target=simulated.target,
            matching_radius_arcsec=2.0,
            forced=parse_choice(PASSBAND),
            filter_hint="r",
            mjd=simulated.setup.mjd,
            colour_priors=priors,
            target_colours={"g-r": TARGET_COLOUR},
        )
    except CalibrationFailed:
        return None


def _error(found: Calibration | None, simulated: SimulatedField) -> float:
    """Return the error of the colour-corrected magnitude; NaN where the frame has no colour term."""
    if found is None or found.target.corrected_mag is None:
        return float("nan")
    return found.target.corrected_mag - simulated.true_mag


def _term(found: Calibration | None) -> float:
    return found.winner.colour_term.value if found and found.winner.colour_term else float("nan")


def _mmag(errors: np.typing.NDArray[np.float64]) -> str:
    return f"{1e3 * np.nanmean(errors):+.1f} / {1e3 * np.sqrt(np.nanmean(errors**2)):.1f}"


def learning(telescopes: int) -> Iterator[str]:
    """Yield the table of what the memory is worth."""
    yield "| stars | frames | native | alone | with memory | term alone | term with memory |"
    yield "|---|---|---|---|---|---|---|"
    for stars, n_stars in STARS.items():
        made = [Telescope(seed=seed, n_stars=n_stars) for seed in range(1, telescopes + 1)]
        for telescope in made:
            for number in range(FRAMES):
                telescope.observe(number, TERM)
        columns = {
            name: np.array([getattr(telescope, name) for telescope in made])
            for name in ("native", "alone", "remembering", "terms_alone", "terms_remembering", "matched")
        }
        has_term = np.isfinite(columns["alone"]) & np.isfinite(columns["remembering"])
        for name, chosen in (("1 to 5", slice(0, 5)), ("6 to 20", slice(5, 20)), ("21 to 40", slice(20, FRAMES))):
            here = has_term[:, chosen]
            cells = [_mmag(columns[column][:, chosen][here]) for column in ("native", "alone", "remembering")]
            cells += [
                f"{np.mean(terms):+.3f} ± {np.std(terms):.3f}"
                for terms in (columns[column][:, chosen][here] for column in ("terms_alone", "terms_remembering"))
            ]
            yield f"| {np.median(columns['matched'][columns['matched'] > 0]):.0f} | {name} | {' | '.join(cells)} |"
        yield f"| {stars} wanted | {has_term.mean():.0%} of {has_term.size} frames have a colour term alone | | | | | |"
        learned_only = np.isfinite(columns["remembering"]) & ~has_term
        if learned_only.any():
            native, remembering = (_mmag(columns[column][learned_only]) for column in ("native", "remembering"))
            share = f"{learned_only.mean():.0%} have one only with the memory"
            yield f"| {stars} wanted | {share} | {native} | | {remembering} | | |"


def changing(telescopes: int) -> Iterator[str]:
    """Yield the table of how the memory follows a new filter."""
    yield "| stars | frames since the change | alone | with memory | term with memory |"
    yield "|---|---|---|---|---|"
    for n_stars in (STARS[15], STARS[60]):
        made = [Telescope(seed=100 + seed, n_stars=n_stars) for seed in range(telescopes)]
        for telescope in made:
            for number in range(CHANGE_AT + AFTER):
                after = number >= CHANGE_AT
                telescope.observe(number, TERM + JUMP * after, twice=after)
        matched = np.median([telescope.matched for telescope in made])
        for first, last in ((-20, 0), (0, 1), (1, 2), (2, 4), (4, 6), (6, 10), (10, 20), (20, AFTER)):
            chosen = slice(CHANGE_AT + first, CHANGE_AT + last)
            alone, remembering, terms = (
                np.array([getattr(telescope, name)[chosen] for telescope in made])
                for name in ("alone", "remembering", "terms_remembering")
            )
            name = "the 20 before" if first < 0 else f"{first + 1} to {last}" if last - first > 1 else f"{last}"
            yield f"| {matched:.0f} | {name} | {_mmag(alone)} | {_mmag(remembering)} | {np.nanmean(terms):+.3f} |"


FRAME = ColourFrame(
    observatory_id=1, passband=PASSBAND, colour="g-r", value=0.0, err=0.05, mjd=0.0, field="", job_id="", learned=""
)


def _said(
    rng: random.Random, n: int, term: float, *, scatter: float = 0.02, errs: tuple[float, float] = (0.03, 0.1),
    bad: float = 0.0, jump: float = 0.0,
) -> list[ColourFrame]:  # fmt: skip
    """Return what n frames of n fields say; the term jumps after frame 100."""
    frames = []
    for number in range(n):
        err = rng.uniform(*errs)
        value = term + (jump if number >= CHANGE_AT else 0.0) + rng.gauss(0.0, hypot(scatter, err))
        if rng.random() < bad:
            value += rng.choice((-1, 1)) * rng.uniform(0.3, 1.0)
        name = f"{number:04d}"
        frames.append(replace(FRAME, value=value, err=err, mjd=float(number), field=name, job_id=name))
    return frames


def estimating(draws: int) -> Iterator[str]:
    """Yield the tables of the estimator alone."""
    yield "| frames | bad | rms | within 1 error | next frame within 1 prior error | a change seen |"
    yield "|---|---|---|---|---|---|"
    for n, bad in ((1, 0.0), (3, 0.0), (10, 0.0), (40, 0.0), (200, 0.0), (40, 0.05), (200, 0.05)):
        rng = random.Random(n)
        away, inside, following, cut = [], [], [], []
        for _ in range(draws):
            truth = rng.gauss(0.0, memory.ANY_CAMERA.err)
            (term,) = memory.learned_terms(_said(rng, n, truth, bad=bad))
            away.append(term.value - truth)
            inside.append(abs(away[-1]) < term.err)
            following.append(abs(truth + rng.gauss(0.0, 0.02) - term.prior.value) < term.prior.err)
            cut.append(term.n_frames < n)
        rms = float(np.sqrt(np.mean(np.square(away))))
        yield f"| {n} | {bad:.0%} | {rms:.4f} | {np.mean(inside):.2f} | {np.mean(following):.2f} | {np.mean(cut):.3f} |"
    yield ""
    yield "| error of one frame | frames until it is half-way: median, 90 %, most |"
    yield "|---|---|"
    for errs in ((0.02, 0.03), (0.03, 0.05), (0.05, 0.1), (0.1, 0.15)):
        rng, lags = random.Random(1), []
        for _ in range(max(draws // 8, 1)):
            frames = _said(rng, CHANGE_AT + 40, 0.05, errs=errs, jump=0.2)
            followed = (n for n in range(40) if memory.learned_terms(frames[: CHANGE_AT + n])[0].value > 0.15)
            lags.append(next(followed, 40))
        middle, most = np.percentile(lags, [50, 90])
        yield f"| {errs[0]} to {errs[1]} | {middle:.0f}, {most:.0f}, {max(lags)} |"


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--telescopes", type=int, default=10)
    given = parser.parse_args(arguments)
    print("Target's magnitude: bias / rms, mmag\n")
    for line in learning(given.telescopes):
        print(line, flush=True)
    print()
    for line in changing(given.telescopes):
        print(line, flush=True)
    print()
    for line in estimating(25 * given.telescopes):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
