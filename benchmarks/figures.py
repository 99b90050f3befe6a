"""CPU seconds of the figures of one calibration, against numpy.loadtxt of a file of 2,000 stars in the same run.

    python -m benchmarks.figures [--repeats 5]

Simulated fields with four reference catalogues (13 passbands), so many that the winner has about 30, 300, 3,000 and
20,000 stars. Of each figure the quickest of the repeats; the first drawing, which loads the fonts, is not counted.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from infra.sample import SEED, SETUP
from photocal import figures
from photocal.calibration import calibrate
from photocal.readers import read_catalogue
from photocal.simulate import simulate

FIELDS = ((850, 0.4), (8_500, 0.4), (87_000, 0.4), (600_000, 0.6))  # stars around the field, its side in degrees
RADIUS_ARCSEC = 2.0


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    text = _text()
    warm = False
    print("  stars  passbands  loadtxt (s)         panel     residuals           sum")
    for n_stars, field_deg in FIELDS:
        field = simulate(replace(SETUP, n_stars=n_stars, field_deg=field_deg), seed=SEED)
        found = calibrate(
            read_catalogue(field.catalogue),
            field.references,
            target=field.target,
            matching_radius_arcsec=RADIUS_ARCSEC,
            mjd=SETUP.mjd,
        )
        if not warm:
            figures.panel(found)
            warm = True
        yardstick = _cpu(partial(_load, text), repeats)
        panel, residuals = (
            _cpu(partial(figures.panel, found), repeats),
            _cpu(partial(figures.residuals, found), repeats),
        )
        told = [f"{seconds:.3f} ({seconds / yardstick:5.1f}x)" for seconds in (panel, residuals, panel + residuals)]
        print(f"{found.winner.fit.n_matched:7d}  {len(found.candidates):9d}  {yardstick:11.4f}  {'  '.join(told)}")
    return 0


def _text() -> str:
    """Return 2,000 rows of eight numbers."""
    table = io.StringIO()
    np.savetxt(table, np.random.Generator(np.random.PCG64(SEED)).normal(size=(2_000, 8)))
    return table.getvalue()


def _load(text: str) -> None:
    np.loadtxt(io.StringIO(text))


def _cpu(work: Callable[[], object], repeats: int) -> float:
    """Return the CPU seconds of the quickest of several runs."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


if __name__ == "__main__":
    sys.exit(main())
