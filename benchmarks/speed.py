"""How long a calibration takes, step by step: ``python -m benchmarks.speed [STARS] [ROUNDS]`` (default 2000, 15).

A simulated catalogue of so many stars against every filter of six catalogues out of a warm tile store, on one core.
CPU seconds, the median of the rounds, and as a ratio to ``np.loadtxt`` of the same file in the same round. Figures are
drawn after the point is stored, and stand below the sum.
"""

from __future__ import annotations

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from photocal import report
from photocal.calibration import calibrate
from photocal.readers import read_catalogue
from photocal.references import FolderBlobs, ReferenceStars, TileStore, gather
from photocal.references.sky import Cone
from photocal.references.stars import Bands
from photocal.results import Calibration
from photocal.simulate import Setup, SimulatedField, simulate

Answer = TypeVar("Answer")
STEPS = ("read", "references", "calibrate", "report")


def field_of(n_stars: int) -> SimulatedField:
    """Return a field whose catalogue holds about so many stars, most of them with reference magnitudes."""
    setup = Setup(n_stars=4 * n_stars, depth=21.0, colour_term=0.08)
    return simulate(setup, seed=3)


def six_catalogues(field: SimulatedField) -> list[ReferenceStars]:
    """Return the four simulated catalogues, and two more made of PS1's stars with errors of their own."""
    rng = np.random.Generator(np.random.PCG64(8))
    ps1 = next(item for item in field.references if item.catalogue == "PS1")

    def again(bands: Bands) -> Bands:
        return {name: (mag + rng.normal(0.0, 1.0, len(mag)) * err, err) for name, (mag, err) in bands.items()}

    g, i = ps1.bands["g"][0], ps1.bands["i"][0]
    u = (g + 1.0 + 0.8 * (g - i), np.full(ps1.n, 0.03))
    sdss = replace(ps1, catalogue="SDSS", bands={"u": u, **again(ps1.bands)})
    return [*field.references, sdss, replace(ps1, catalogue="REFCAT2", bands=again(ps1.bands))]


class Service:
    """What VizieR is to a deployment: tiles that it filled are whole, and kept in memory between uploads."""

    def __init__(self, references: list[ReferenceStars]) -> None:
        self.references = {item.catalogue: item for item in references}

    def fetch(self, catalogue: str, cone: Cone) -> ReferenceStars:
        """Return every star in a cone."""
        return self.references[catalogue].within(*cone)


def main(n_stars: int, rounds: int) -> None:
    """Print the table."""
    field = field_of(n_stars)
    with tempfile.TemporaryDirectory() as folder:
        service = Service(six_catalogues(field))
        store = TileStore(FolderBlobs(Path(folder)), source=service)
        spent: dict[str, list[float]] = {}
        for number in range(rounds + 1):  # the first warms up
            seconds, found = once(field, store, tuple(service.references))
            if number:
                for step, value in seconds.items():
                    spent.setdefault(step, []).append(value)
    show(spent, found, field)


def once(field: SimulatedField, store: TileStore, names: tuple[str, ...]) -> tuple[dict[str, float], Calibration]:
    """Do everything once; returns CPU seconds by step."""
    seconds: dict[str, float] = {}

    def timed(step: str, work: Callable[[], Answer]) -> Answer:
        start = time.process_time()
        answer = work()
        seconds[step] = time.process_time() - start
        return answer

    timed("np.loadtxt", lambda: np.loadtxt(io.BytesIO(field.catalogue)))
    stars = timed("read", lambda: read_catalogue(field.catalogue))
    gathered = timed("references", lambda: gather(store, names, *stars.centre, stars.radius_deg))
    mjd = field.setup.mjd
    found = timed(
        "calibrate",
        lambda: calibrate(stars, gathered.stars, target=field.target, matching_radius_arcsec=2.0, mjd=mjd),
    )
    timed("report", lambda: report.encoded(report.document(found)))
    seconds["whole"] = sum(seconds[step] for step in STEPS)
    seconds |= {f"  calibrate: {step} (wall)": value for step, value in found.seconds.items()}
    from photocal import figures

    timed("figures: panel", lambda: figures.panel(found))
    timed("figures: residuals", lambda: figures.residuals(found))
    return seconds, found


def show(spent: dict[str, list[float]], found: Calibration, field: SimulatedField) -> None:
    """Print what it took."""
    reference = np.array(spent["np.loadtxt"])
    stars = [item.fit.n_matched for item in found.candidates]
    print(f"{found.stars.n} stars, {len(field.catalogue)} bytes")
    print(f"{len(stars)} passbands of {min(stars)}-{max(stars)} stars")
    print(f"{'step':<28} {'ms':>8} {'x np.loadtxt':>13}")
    for step, values in spent.items():
        ratio = np.median(np.array(values) / reference)
        print(f"{step:<28} {1e3 * np.median(values):8.1f} {ratio:13.2f}")
    print(f"memory peak of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0:.0f} MB")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:3]]
    main(*(given + [2000, 15][len(given) :]))
