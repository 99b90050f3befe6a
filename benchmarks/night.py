"""How repeatable is a night? ``python -m benchmarks.night [--stars N] [--few N]``.

EY UMa, 94 frames of one night in R against APASS. Each of the N brightest reference stars (default 10) is in turn the
target, so that it is not among its own calibrators, and its magnitude is read off every frame in four ways:

    raw       instrumental, less its mean
    plain     with the zero point of all stars
    term      with the colour term that the frame finds by itself
    memory    with the colour term that the frames before it have taught (`learned`)

The rms over the night (mmag) stands against the photon error. Then the same with ``--few`` stars in each frame
(default 7: the target aside, others in every frame, as clouds or a small chip would leave), and the variable itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.real_data import RADIUS_ARCSEC, learned
from benchmarks.real_frames import Frame, frames
from cpcs.memory import ANY_CAMERA
from cpcs.passbands import Choice
from cpcs.records import ColourMeasurement, ColourPrior
from infra.realsets import ABSENT, realdata_folder, robust_scatter
from photocal.arrays import Floats, Ints
from photocal.calibration import Calibration, calibrate
from photocal.results import Target
from photocal.sphere import separation_deg

WAYS = ("raw", "plain", "term", "memory")
PASSBAND = "APASS/r"
SEED = 20141230


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A star over the night: (n_frames,) arrays, mag; ``way`` -> magnitudes, and the scatter of the fits of each."""

    mags: dict[str, Floats]
    photon_err: Floats
    scatter: dict[str, Floats]
    terms: dict[str, Floats]


def course(night: Sequence[Frame], target: Target, kept: Sequence[Ints] | None = None) -> Course:
    """Follow a star through the night; ``kept`` has for each frame the rows that it is left with."""
    mags: dict[str, list[float]] = {way: [] for way in WAYS}
    scatter: dict[str, list[float]] = {way: [] for way in WAYS[1:]}
    terms: dict[str, list[float]] = {way: [] for way in WAYS[2:]}
    photon, taught = [], list[ColourMeasurement]()
    for number, frame in enumerate(night):
        some = frame if kept is None else replace(frame, stars=frame.stars.select(kept[number]))
        alone, led = (_calibrated(some, target, prior) for prior in (ANY_CAMERA, learned(taught)))
        if led.winner.colour_term and led.winner.colour_term.measured:
            taught.append(led.winner.colour_term.measured)
        mags["raw"].append(alone.target.inst_mag)
        mags["plain"].append(alone.target.inst_mag + alone.winner.native.zero_point)
        scatter["plain"].append(alone.winner.native.scatter)
        for way, found in (("term", alone), ("memory", led)):
            corrected = found.target.corrected_mag
            mags[way].append(found.target.mag if corrected is None else corrected)
            scatter[way].append(found.winner.fit.scatter)
            terms[way].append(found.winner.colour_term.value if found.winner.colour_term else np.nan)
        photon.append(alone.target.mag_err or np.nan)
    return Course(
        mags={way: np.array(values) for way, values in mags.items()},
        photon_err=np.array(photon),
        scatter={way: np.array(values) for way, values in scatter.items()},
        terms={way: np.array(values) for way, values in terms.items()},
    )


def _calibrated(frame: Frame, target: Target, prior: ColourPrior) -> Calibration:
    return calibrate(
        frame.stars,
        frame.references,
        target=target,
        matching_radius_arcsec=RADIUS_ARCSEC,
        forced=Choice(*PASSBAND.split("/")),
        mjd=frame.mjd,
        colour_priors={PASSBAND: prior},
    )


def rms(values: Floats) -> float:
    """Return the rms about the mean, mag."""
    return float(np.std(values))


def brightest(night: Sequence[Frame], n: int) -> list[Target]:
    """Return the brightest stars of the first frame that APASS has in r and that are not the variable."""
    first, reference = night[0], night[0].references[0]
    known = reference.select(np.isfinite(reference.bands["r"][0]))
    chosen: list[Target] = []
    for row in np.argsort(first.stars.inst_mag):
        ra, dec = float(first.stars.ra_deg[row]), float(first.stars.dec_deg[row])
        near = float(separation_deg(known.ra_deg, known.dec_deg, ra, dec).min()) * 3600.0
        variable = float(separation_deg(first.target.ra_deg, first.target.dec_deg, ra, dec)) * 3600.0
        if near < RADIUS_ARCSEC < variable:
            chosen.append(Target(ra_deg=ra, dec_deg=dec, name=f"{first.stars.inst_mag[row]:.2f}"))
    return chosen[:n]


def few_rows(night: Sequence[Frame], target: Target, n: int) -> list[Ints]:
    """Return for each frame the target's row and n others that APASS has, drawn anew; the seed is fixed."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    kept = []
    for frame in night:
        reference = frame.references[0]
        known = reference.select(np.isfinite(reference.bands["r"][0]))
        ra, dec = frame.stars.ra_deg, frame.stars.dec_deg
        apart = np.array(
            [separation_deg(known.ra_deg, known.dec_deg, *place).min() for place in zip(ra, dec, strict=True)]
        )
        own = int(np.argmin(separation_deg(ra, dec, target.ra_deg, target.dec_deg)))
        others = np.flatnonzero((apart * 3600.0 < RADIUS_ARCSEC) & (np.arange(len(ra)) != own))
        kept.append(np.append(rng.choice(others, size=n, replace=False), own))
    return kept


def lines(title: str, courses: Sequence[Course]) -> Iterator[str]:
    """Yield the table of some stars."""
    yield f"{title}\n{'star':>8}{'photon':>8}" + "".join(f"{way:>8}" for way in WAYS)
    table = np.array([[np.median(one.photon_err), *(rms(one.mags[way]) for way in WAYS)] for one in courses])
    for number, row in enumerate(table, 1):
        yield f"{number:>8}" + "".join(f"{1e3 * value:8.1f}" for value in row)
    yield f"{'median':>8}" + "".join(f"{1e3 * value:8.1f}" for value in np.median(table, axis=0))
    scatter = {way: 1e3 * np.median([one.scatter[way] for one in courses]) for way in WAYS[1:]}
    yield "scatter of the fits, mmag: " + ", ".join(f"{way} {value:.1f}" for way, value in scatter.items())
    terms = {way: np.concatenate([one.terms[way] for one in courses]) for way in WAYS[2:]}
    told = [f"{way} {np.nanmean(values):+.3f}, rms {np.nanstd(values):.3f}" for way, values in terms.items()]
    yield f"colour term: {', '.join(told)}"


def variable_lines(night: Sequence[Frame], found: Course) -> Iterator[str]:
    """Yield what the night shows of the variable: its range, and how smooth its course is."""
    mag = found.mags["plain"]
    low, high = np.percentile(mag, [5.0, 95.0])
    step = robust_scatter(np.diff(mag)) / np.sqrt(2.0)
    hours = 24.0 * ((night[-1].mjd or np.nan) - (night[0].mjd or np.nan))
    yield f"EY UMa: {len(mag)} frames in {hours:.2f} h, r {mag.min():.3f} to {mag.max():.3f}"
    yield f"from the 5th to the 95th percentile {high - low:.3f} mag; from frame to frame {1e3 * step:.0f} mmag"
    yield f"photon error {1e3 * np.median(found.photon_err):.0f} mmag"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=10)
    parser.add_argument("--few", type=int, default=7)
    given = parser.parse_args()
    folder = realdata_folder()
    if folder is None:
        print(ABSENT)
        return 0
    night = list(frames(folder, "ey-uma"))
    stars = brightest(night, given.stars)
    full = [course(night, star) for star in stars]
    few = [course(night, star, few_rows(night, star, given.few)) for star in stars]
    print("\n".join(lines("All stars: rms over the night, mmag", full)))
    print("\n".join(lines(f"\n{given.few} stars in each frame", few)))
    variable = course(night, night[0].target)
    print("\n" + "\n".join(variable_lines(night, variable)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
