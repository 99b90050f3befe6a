"""Blind plate solving: how many simulated fields are solved, how many falsely, in how many CPU seconds.

    python -m benchmarks.plate_solving [300] [--seed 1] [--verbose]

Each field is made of stars on the sky and what an image shows of them: sides of 5 arcmin to 2 degrees, 10 to 3,000
stars (a fifth of the fields with a cluster), any rotation, either parity, a pointing off by up to 40 arcmin, a scale
known to a factor of 1.1 to 1.5 only, third-order distortion, stars that only the image or only the catalogue has, an
image deeper or shallower than the catalogue and in another band. A solution, refined as an upload's is, counts as
false when any corner or the middle is off by more than the FWHM (3 pixels), and as exact within a third of it, which a
corner that few stars leave open may miss. Each field is then offered the reference stars of another part of the sky:
none may be solved.

solve-field (Astrometry.net) would be the rival; where this was written it was not installed, so that nothing is said
of it. Real centroids are in `benchmarks.hsc`.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

import numpy as np

from cpcs.errors import NotSolved
from photocal.arrays import Floats
from photocal.astrometry.plane import Plane
from photocal.astrometry.refine import refine
from photocal.astrometry.solve import Hint, Solved, solve
from photocal.references import ReferenceStars

FWHM, CENTROID = 3.0, 0.15  # pixels
GOOD, FALSE = 0.33, 1.0  # FWHM: what counts as right everywhere, and as false
RADIUS_DEG, MOST_OFF_DEG = 0.75, 40.0 / 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A simulated field: what the solver gets, and the truth."""

    x: Floats
    y: Floats
    flux: Floats
    error: Floats
    shape: tuple[int, int]
    reference: ReferenceStars
    hint: Hint
    truth: Plane
    n_common: int


def simulated(seed: int) -> Field:
    """Return the field of a seed."""
    rng = np.random.default_rng([7, seed])
    truth, shape = _truth(rng)
    n = int(10.0 ** rng.uniform(1.0, 3.5))
    off, angle = MOST_OFF_DEG * np.sqrt(rng.random()), rng.uniform(0.0, 2.0 * np.pi)
    touching = Plane(place=truth.place, reference_pixel=(0.0, 0.0), matrix=((1.0, 0.0), (0.0, 1.0)))
    ra, dec = touching.sky(off * np.cos(angle), off * np.sin(angle))
    side = np.array([shape[1], shape[0]]) * truth.scale_arcsec / 3600.0
    reach = MOST_OFF_DEG + RADIUS_DEG + 0.6 * float(np.hypot(*side))
    sky, magnitude = _stars(rng, n, side, reach)
    place = touching.sky(*sky)
    x, y = truth.pixel(*place)
    seen = _seen(rng, x, y, shape, magnitude, n)
    flux = 10.0 ** (-0.4 * (magnitude[seen] + rng.normal(0.0, rng.uniform(0.1, 0.5), len(seen))))
    here = np.stack([x[seen], y[seen]]) + rng.normal(0.0, CENTROID, (2, len(seen)))
    wrong = rng.poisson(rng.uniform(0.02, 0.2) * len(seen))
    here = np.concatenate([here, rng.uniform(0.0, 1.0, (2, wrong)) * np.array([[shape[1]], [shape[0]]])], axis=1)
    flux = np.concatenate([flux, rng.choice(flux, wrong)])
    known = rng.random(len(magnitude)) > rng.uniform(0.02, 0.15)
    known &= magnitude < np.quantile(magnitude, rng.uniform(0.6, 1.0))
    common = int(np.count_nonzero(known[seen]))
    looseness = rng.uniform(1.1, 1.5)
    low = truth.scale_arcsec / looseness ** rng.random()
    return Field(
        x=here[0], y=here[1], flux=flux, error=np.full(len(flux), CENTROID), shape=shape,
        reference=_reference(rng, place, magnitude, known), truth=truth, n_common=common,
        hint=Hint(ra_deg=float(ra), dec_deg=float(dec), radius_deg=RADIUS_DEG, scale_arcsec=(low, low * looseness)),
    )  # fmt: skip


def _truth(rng: np.random.Generator) -> tuple[Plane, tuple[int, int]]:
    """Return where the image points; distortion grows with the field, to 8 pixels in the corners of 2 degrees."""
    shape = int(rng.integers(800, 4000)), int(rng.integers(800, 4000))
    side = 5.0 / 60.0 * 24.0 ** rng.random()
    scale, angle = side / max(shape), rng.uniform(0.0, 2.0 * np.pi)
    cos, sin, parity = scale * np.cos(angle), scale * np.sin(angle), int(rng.choice([-1, 1]))
    corner = float(np.hypot(*shape)) / 2.0
    bend = rng.uniform(-1.0, 1.0) * 8.0 * (side / 2.0) ** 1.5 / corner**3
    dec = float(np.degrees(np.arcsin(rng.uniform(-1.0, 1.0)))) if rng.random() > 0.05 else 89.8
    plane = Plane(
        place=(float(rng.uniform(0.0, 360.0)), dec),
        reference_pixel=((shape[1] - 1.0) / 2.0, (shape[0] - 1.0) / 2.0),
        matrix=((cos, -sin * parity), (sin, cos * parity)),
        order=3, a={(3, 0): bend, (1, 2): bend}, b={(2, 1): bend, (0, 3): bend},
    )  # fmt: skip
    return plane, shape


def _stars(rng: np.random.Generator, n: int, side: Floats, reach: float) -> tuple[Floats, Floats]:
    """Return stars, (2, m), deg on the plane that touches at the field's middle, as dense as n in it; magnitudes."""
    density = 2.0 * n / float(np.prod(side))
    total = min(int(density * (2.0 * reach) ** 2), 600_000)  # of a bulge, only the brighter stars of all around
    sky = rng.uniform(-reach, reach, (2, total))
    if rng.random() < 0.2:
        members, width = rng.integers(n // 4, n + 1), float(np.min(side)) * rng.uniform(0.03, 0.2)
        middle = rng.uniform(-0.5, 0.5, 2) * side
        sky = np.concatenate([sky, middle[:, None] + rng.normal(0.0, width, (2, members))], axis=1)
    return sky, 18.0 - rng.exponential(1.3, sky.shape[1])


def _seen(
    rng: np.random.Generator, x: Floats, y: Floats, shape: tuple[int, int], magnitude: Floats, n: int
) -> np.typing.NDArray[np.int64]:
    """Return the rows of about n stars that the image shows: the brighter ones, with gaps."""
    inside = np.flatnonzero((x > 0) & (x < shape[1] - 1) & (y > 0) & (y < shape[0] - 1))
    inside = inside[np.argsort(magnitude[inside])][: int(1.1 * n)]
    return inside[rng.random(len(inside)) > rng.uniform(0.02, 0.2)]


def _reference(
    rng: np.random.Generator, place: tuple[Floats, Floats], magnitude: Floats, known: np.typing.NDArray[np.bool_]
) -> ReferenceStars:
    noise = rng.normal(0.0, 0.05, int(known.sum()))
    return ReferenceStars(
        catalogue="GAIA",
        ra_deg=place[0][known],
        dec_deg=place[1][known],
        bands={"G": (magnitude[known] + noise, np.full(len(noise), 0.05))},
    )


def worst_off(plane: Plane, field: Field) -> float:
    """Return the largest error of a solution in the corners and the middle, FWHM."""
    ny, nx = field.shape
    x, y = np.array([0.0, nx - 1, 0.0, nx - 1, nx / 2]), np.array([0.0, 0.0, ny - 1, ny - 1, ny / 2])
    there = field.truth.pixel(*plane.sky(x, y))
    return float(np.max(np.nan_to_num(np.hypot(there[0] - x, there[1] - y), nan=np.inf))) / FWHM


def tried(field: Field, reference: ReferenceStars) -> tuple[Solved | None, float]:
    """Return what the solver makes of a field, and its CPU seconds."""
    start = time.process_time()
    try:
        found = solve(field.x, field.y, field.flux, field.shape, reference, field.hint)
    except NotSolved:
        return None, time.process_time() - start
    return found, time.process_time() - start


def refined(field: Field, plane: Plane) -> Plane:
    """Return a solution refined as that of an upload is."""
    flags = np.zeros(len(field.x), dtype=np.int64)
    return refine(
        field.x, field.y, field.error, field.error, field.flux, flags, field.shape, field.reference, plane
    ).plane


def elsewhere(field: Field, seed: int) -> ReferenceStars:
    """Return stars of another part of the sky, as dense, as if they were those where the field is sought."""
    rng = np.random.default_rng([11, seed])
    side = np.array([field.shape[1], field.shape[0]]) * field.truth.scale_arcsec / 3600.0
    reach = RADIUS_DEG + 0.6 * float(np.hypot(*side))
    sky, magnitude = _stars(rng, len(field.x), side, reach)
    touching = Plane(
        place=(field.hint.ra_deg, field.hint.dec_deg), reference_pixel=(0.0, 0.0), matrix=((1.0, 0.0), (0.0, 1.0))
    )
    return _reference(rng, touching.sky(*sky), magnitude, np.ones(len(magnitude), dtype=np.bool_))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int, nargs="?", default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    solved, false, exact, accepted = 0, 0, 0, 0
    seconds: list[float] = []
    away: list[float] = []
    for seed in range(given.seed, given.seed + given.n):
        field = simulated(seed)
        found, took = tried(field, field.reference)
        seconds.append(took)
        off = np.nan if found is None else worst_off(refined(field, found.plane), field)
        solved += off <= FALSE
        false += off > FALSE
        exact += off <= GOOD
        other, took = tried(field, elsewhere(field, seed))
        away.append(took)
        accepted += other is not None
        if given.verbose and (found is None or off > GOOD or other is not None):
            said = "not solved" if found is None else f"off by {off:.2f} FWHM, ln chance {found.log_chance:.0f}"
            print(f"field {seed}: {len(field.x)} stars, {field.n_common} in common, {took:.1f} s, {said}", flush=True)
    print(f"solved {solved}/{given.n}, false {false}; within {GOOD} FWHM everywhere {exact}")
    for name, times in (("on", seconds), ("off", away)):
        middle, late = np.quantile(times, [0.5, 0.95])
        print(f"CPU s, {name} field: median {middle:.2f}, 95 % {late:.2f}, most {max(times):.1f}")
    print(f"references of elsewhere: {accepted}/{given.n} accepted")
    return 0 if not false and not accepted else 1


if __name__ == "__main__":
    sys.exit(main())
