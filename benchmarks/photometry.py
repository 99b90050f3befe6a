"""Pictures of which everything is known, measured as an upload is: stars, magnitudes, places, and what that costs.

    python -m benchmarks.photometry [typical crowded under broad halo sparse] [--seed 1] [--size 2048] [--figures DIR]

The pictures are our own simulator's (`photocal.simulate_image`; `benchmarks.photometry_scenes` has every number):
stars from S/N 1 on, a PSF that varies over the field, a sloping sky, cosmic rays, hot pixels, dead columns, saturation,
distortion, and a WCS that is a few hundred pixels off. ``under`` is undersampled, ``halo``'s PSF is no Moffat.

S/N is that of a star that stands alone. Stars at the edge, or with a spoilt pixel within one FWHM, are not scored.
All scatters are 1.4826 median absolute deviations. The columns:

n / false       rows, and those with no star of S/N > 3 within one FWHM
found           share of the stars of S/N 5-10, 10-20, 20-50 and above 50 that have a row within 0.7 FWHM
zero            median of measured less true magnitude, isolated stars of S/N 80 to 1500 (total light is what is
                claimed); taken off in the columns that follow
alone / crowd   bias and scatter in mmag, and scatter over the Cramer-Rao bound of each star (see
                `benchmarks.photometry_limit`: 1 is what nobody can beat), around S/N 100 (60 to 170) and 20 (14 to 28)
floor           what the scatter of isolated stars of S/N > 250 has beyond the bound, mmag
place           scatter of x and y of stars of S/N > 50, in thousandths of a pixel, and over the bound
pulls           scatter of error over quoted error: alone and crowd around S/N 100, alone around 20, places
sky             rms of an axis, and largest error of the plate solution over the frame, mas
step columns    CPU seconds of each step, in brackets as multiples of ``sep.Background`` and ``sep.extract`` (S/N 1.5
                pixels, default settings) on the same frame in the same process; MB is the peak of that process
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sep

from benchmarks.photometry_scenes import SCENES, SIZE, scene_of
from benchmarks.photometry_score import Errors, Score, score
from photocal import figures
from photocal.arrays import Anything
from photocal.astrometry.plane import Plane
from photocal.calibration import calibrate
from photocal.headers.standard import Given
from photocal.headers.understand import standardise
from photocal.images import read_image
from photocal.imaging import MeasuredPlane, forced_at, measure_frame
from photocal.pointing import around_place
from photocal.references.stars import ReferenceStars
from photocal.results import Target
from photocal.simulate_image import star_field

REFERENCE_SNR = 8.0  # the reference catalogue is as deep as that
STEPS = ("read", "prepare", "psf-stars", "psf", "stars", "total", "solve", "refine")
_DRAWN_SNR, _LIKE = 50.0, 0.3  # of the star that is drawn; how far its ln may be off
_THRESHOLD, _MOST_OBJECTS = 1.5, 3_000_000
_COLUMNS = ("x", "y", "x_err", "y_err", "flux", "flux_err")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a process of its own found, and what that cost it."""

    columns: dict[str, Anything]
    plane: Plane
    seconds: dict[str, float]  # CPU
    yardstick: float  # CPU seconds
    peak_mb: float


def measure(content: bytes, references: ReferenceStars, folder: Path | None = None) -> Measured:
    """Measure a picture, the steps by the process's own clock; and draw it into a folder, where one is given."""
    _yardstick(content)  # what is loaded at first use
    yardstick = _yardstick(content)
    seconds = dict.fromkeys(STEPS, 0.0)
    running, began = "read", time.process_time()

    def tell(step: str, _share: float) -> None:
        nonlocal running, began
        now = time.process_time()
        seconds[running] += now - began
        running, began = step, now

    frame = read_image(content)
    header = standardise(frame.header, given=Given())
    pointing = around_place(header, header.number("RA") or 0.0, header.number("DEC") or 0.0)
    mjd = header.number("MJD-AVG")
    found = measure_frame(frame, header, [references], pointing=pointing, target=None, mjd=mjd, progress=tell)
    tell("end", 1.0)
    plane, sources = found.planes[0], found.planes[0].photometry.fitted.sources
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    if folder is not None:
        _draw(plane, references, folder)
    return Measured(
        columns={name: getattr(sources, name) for name in _COLUMNS},
        plane=plane.solution.plane,
        seconds=seconds,
        yardstick=yardstick,
        peak_mb=peak_mb,
    )


def _draw(plane: MeasuredPlane, references: ReferenceStars, folder: Path) -> None:
    """Draw the picture, its PSF, and what is around the star of about S/N 50 that is nearest to the middle."""
    photometry, sources = plane.photometry, plane.photometry.fitted.sources
    ny, nx = photometry.prepared.shape
    like = np.abs(np.log(sources.flux / sources.flux_err / _DRAWN_SNR)) < _LIKE
    away = np.hypot(sources.x - nx / 2, sources.y - ny / 2) + np.where(like, 0.0, nx)
    row = int(np.argmin(away))
    ra, dec = plane.solution.plane.sky(sources.x[row], sources.y[row])
    target = Target(ra_deg=float(ra), dec_deg=float(dec), name="Simulated star")
    seen = forced_at(plane, target)
    found = calibrate(
        seen.stars,
        [references],
        target=target,
        matching_radius_arcsec=2.0 * seen.quality["scale_arcsec"],
        filter_hint=seen.filter_name,
        forced_flux=seen.forced,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cutout.png").write_bytes(figures.cutout(seen, target, found))
    (folder / "image.png").write_bytes(figures.overview(photometry, seen, target))
    (folder / "psf.png").write_bytes(figures.psf(photometry))


def _yardstick(content: bytes) -> float:
    """Return the CPU seconds that SEP takes to find the objects of a picture."""
    data = np.ascontiguousarray(read_image(content).planes[0].data, dtype=np.float32)
    sep.set_extract_pixstack(_MOST_OBJECTS)
    began = time.process_time()
    sky = sep.Background(data)
    sep.extract(data - sky.back(), _THRESHOLD, err=sky.globalrms)
    return time.process_time() - began


def play(name: str, seed: int, size: int = SIZE, folder: Path | None = None) -> tuple[Score, Measured]:
    """Simulate a picture, measure (and draw) it in a process of its own, and score it."""
    field = star_field(scene_of(name, size), seed)
    deep = field.truth.flux > field.scene.faintest * REFERENCE_SNR
    alone = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=alone) as pool:
        measured = pool.submit(measure, field.data, field.references.select(deep), folder).result()
    return score(field, measured.columns, measured.plane), measured


def first_row(name: str, found: Score) -> str:
    """Return a row of the table of what was measured."""
    shares = " ".join(f"{share:.3f}" for share in found.found)
    cells = [name, f"{found.n} / {found.false}", shares, f"{found.zero:+.1f}"]
    cells += [_told(found.classes[key]) for key in ("alone100", "alone20", "crowd100", "crowd20")]
    cells += [f"{found.floor:.1f}", f"{found.place:.1f} (x {found.place_over_limit:.2f})"]
    pulls = [_pull(found.classes[key]) for key in ("alone100", "crowd100", "alone20")]
    cells += [" ".join([*pulls, f"{found.place_pull:.2f}"]), f"{found.sky_rms:.2f} / {found.sky_most:.1f}"]
    return f"| {' | '.join(cells)} |"


def _told(errors: Errors | None) -> str:
    if errors is None:
        return "-"
    return f"{errors.bias:+.1f} / {errors.scatter:.1f} (x {errors.over_limit:.2f})"


def _pull(errors: Errors | None) -> str:
    return "-" if errors is None else f"{errors.pull:.2f}"


def second_row(name: str, measured: Measured) -> str:
    """Return a row of the table of what it cost."""
    whole = sum(measured.seconds.values())
    cells = [f"{value:.2f} ({value / measured.yardstick:.1f})" for value in (*measured.seconds.values(), whole)]
    return f"| {name} | {measured.yardstick:.2f} | {' | '.join(cells)} | {measured.peak_mb:.0f} |"


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", nargs="*", default=list(SCENES), metavar="scene", help=", ".join(SCENES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=SIZE, help="pixels along each side")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw each picture into a folder of its name there")
    given = parser.parse_args(arguments)
    if unknown := set(given.scene) - set(SCENES):
        parser.error(f"no such scene: {', '.join(sorted(unknown))}")
    costs = []
    heads = (
        "scene", "n / false", "found", "zero", "alone 100", "alone 20", "crowd 100", "crowd 20", "floor", "place",
        "pulls", "sky",
    )  # fmt: skip
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n")
    for name in given.scene:
        found, measured = play(name, given.seed, given.size, given.figures and given.figures / name)
        sys.stdout.write(f"{first_row(name, found)}\n")
        sys.stdout.flush()
        costs.append(second_row(name, measured))
    heads = ("scene", "SEP", *STEPS, "whole", "MB")
    sys.stdout.write(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n")
    sys.stdout.writelines(f"{row}\n" for row in costs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
