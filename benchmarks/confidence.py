"""Is the stated probability of a filter true? ``python -m benchmarks.confidence [FIELDS]`` (default 300).

Fields of random richness, noise, colour term, depth and outliers are simulated in a random filter of APASS or PS1 and
calibrated without a hint. Of the calibrations that state a confidence of 80 %, four in five should name the right one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from cpcs.errors import CpcsError
from cpcs.passbands import Passband
from photocal.calibration import calibrate
from photocal.readers import read_catalogue
from photocal.simulate import Setup, simulate

PASSBANDS = [Passband("APASS", band) for band in "BVgri"] + [Passband("PS1", band) for band in "griz"]
EDGES = (0.0, 0.3, 0.5, 0.7, 0.9, 0.97, 0.995, 1.01)


def setups(n: int) -> Iterator[Setup]:
    """Yield what is to be simulated."""
    rng = np.random.Generator(np.random.PCG64(0))
    for _ in range(n):
        yield Setup(
            passband=PASSBANDS[rng.integers(len(PASSBANDS))],
            n_stars=int(10.0 ** rng.uniform(2.0, 3.4)),
            scatter=float(10.0 ** rng.uniform(-2.0, -0.7)),
            colour_term=float(rng.normal(0.0, 0.06)),
            outlier_fraction=float(rng.uniform(0.0, 0.2)),
            depth=float(rng.uniform(15.5, 19.0)),
        )


def main(n: int) -> None:
    """Print the table: stated confidence, and how often it was right."""
    told: list[tuple[float, bool]] = []
    for seed, setup in enumerate(setups(n), 1000):
        field = simulate(setup, seed=seed)
        try:
            stars = read_catalogue(field.catalogue)
            found = calibrate(stars, field.references, target=field.target, matching_radius_arcsec=2.0)
        except CpcsError:  # too few stars
            continue
        told.append((found.confidence, found.winner.passband.filter == setup.passband.filter))
    stated, right = (np.array(column, dtype=np.float64) for column in zip(*told, strict=True))
    print(f"{len(told)} of {n} fields calibrated\n{'stated':>12} {'fields':>8} {'mean':>8} {'right':>8} {'+-':>6}")
    for low, high in pairwise(EDGES):
        here = (stated >= low) & (stated < high)
        if here.any():
            share, count = right[here].mean(), int(here.sum())
            error = np.sqrt((share * count + 1.0) * ((1.0 - share) * count + 1.0) / (count + 2.0) ** 3)
            label = f"{low:.3g}-{min(high, 1.0):.3g}"
            print(f"{label:>12} {count:>8} {stated[here].mean():>8.3f} {share:>8.3f} {error:>6.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
