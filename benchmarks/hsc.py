"""Hyper Suprime-Cam, a real visit: residuals of each CCD's stars against Gaia DR2 after refinement, mas.

    python -m benchmarks.hsc FOLDER

FOLDER holds the centroids of the CCDs (``1180_*.fits``) and ``gaia_refCat.parquet``, which pyarrow reads (it is no
dependency here: ``uv run --with pyarrow``). Parallaxes are left aside, below 1 mas for nearly all of these stars.
The residuals hold the centroids' own errors, Gaia's at that epoch, and the atmosphere's. A fifth of the stars of each
CCD is kept out of the fit and told apart: what the solution is good for where it was not fitted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from photocal.arrays import Bools, Floats
from photocal.astrometry.cards import plane_of
from photocal.astrometry.plane import Plane
from photocal.astrometry.refine import Solution, refine
from photocal.astrometry.solve import Hint, solve
from photocal.references import ReferenceStars
from photocal.sphere import MAS_PER_RADIAN

SHAPE = (4176, 2048)
SCALE = (0.15, 0.19)  # arcsec per pixel
OBSERVED = 2014.0 + 87.3 / 365.25
GAIA_EPOCH = 2015.5
KEPT_OUT = 5  # every fifth star
NEAR_PIXELS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ccd:
    """A CCD: how it was solved, and its residuals, mas, rms along an axis."""

    name: str
    n_stars: int
    solution: Solution
    header_off_mas: float
    kept_out_mas: float

    @property
    def fitted_mas(self) -> float:
        """Of the stars of the fit."""
        east, north = self.solution.rms_arcsec
        return 1000.0 * float(np.hypot(east, north)) / np.sqrt(2.0)


def gaia(folder: Path) -> ReferenceStars:
    """Return Gaia's stars at the epoch of the visit."""
    from pyarrow import parquet

    table = parquet.read_table(folder / "gaia_refCat.parquet")

    def column(name: str) -> Floats:
        return np.asarray(table[name].to_numpy(), dtype=np.float64)

    flux = column("phot_g_mean_flux")
    stars = ReferenceStars(
        catalogue="GAIADR2",
        ra_deg=np.degrees(column("coord_ra")),
        dec_deg=np.degrees(column("coord_dec")),
        pm_ra_mas_yr=np.nan_to_num(column("pm_ra")) * MAS_PER_RADIAN,
        pm_dec_mas_yr=np.nan_to_num(column("pm_dec")) * MAS_PER_RADIAN,
        err_mas=np.hypot(column("coord_raErr"), column("coord_decErr")) / np.sqrt(2.0) * MAS_PER_RADIAN,
        pm_err_mas_yr=np.hypot(column("pm_raErr"), column("pm_decErr")) / np.sqrt(2.0) * MAS_PER_RADIAN,
        epoch_yr=GAIA_EPOCH,
        bands={"G": (-2.5 * np.log10(flux), np.full(len(flux), 0.02))},
    )
    return stars.at_epoch(OBSERVED)


def ccds(folder: Path, reference: ReferenceStars) -> Iterator[Ccd]:
    """Yield the CCDs, solved from their header's plane."""
    for path in sorted(folder.glob("1180_*.fits"), key=lambda path: int(path.stem.partition("_")[2])):
        with fits.open(path) as opened:
            header, table = opened[0].header, opened[1].data
            x, y, x_err, y_err = (np.asarray(table[name], np.float64) for name in ("x", "y", "xErr", "yErr"))
        said = plane_of(dict(header))
        if said is None:
            raise ValueError(f"{path.name} has no plane in its header")
        yield _ccd(path.stem, (x, y, x_err, y_err), said, reference)


def _ccd(name: str, measured: tuple[Floats, Floats, Floats, Floats], said: Plane, reference: ReferenceStars) -> Ccd:
    x, y, x_err, y_err = measured
    ra, dec = (float(value) for value in said.sky((SHAPE[1] - 1) / 2.0, (SHAPE[0] - 1) / 2.0))
    flux = 1.0 / np.hypot(x_err, y_err)  # there is none in the file; brighter stars have smaller errors
    hint = Hint(ra_deg=ra, dec_deg=dec, radius_deg=0.25, scale_arcsec=SCALE, plane=said)
    found = solve(x, y, flux, SHAPE, reference, hint)
    kept_out = np.arange(len(x)) % KEPT_OUT == 0
    flags = np.zeros(len(x), dtype=np.int64)
    solution = refine(
        *(column[~kept_out] for column in (x, y, x_err, y_err, flux, flags)), SHAPE, reference, found.plane
    )
    scale = 1000.0 * solution.plane.scale_arcsec
    return Ccd(
        name=name,
        n_stars=len(x),
        solution=solution,
        header_off_mas=scale * _off(said, x, y, solution.plane),
        kept_out_mas=scale * _residual(solution.plane, x, y, kept_out, reference),
    )


def _off(said: Plane, x: Floats, y: Floats, plane: Plane) -> float:
    """Return how far the header's plane is off, pixels, rms along an axis."""
    there = plane.pixel(*said.sky(x, y))
    return float(np.sqrt(np.mean(np.square([there[0] - x, there[1] - y]))))


def _residual(plane: Plane, x: Floats, y: Floats, some: Bools, reference: ReferenceStars) -> float:
    """Return the residuals of some stars, pixels along an axis, by the median of the distance of Gaia's nearest.

    For a normal scatter of two axes that median is 1.1774 of the scatter along one.
    """
    there = np.stack(plane.pixel(reference.ra_deg, reference.dec_deg), axis=1)
    there = there[np.isfinite(there).all(axis=1)]
    distance = np.array([np.min(np.hypot(*(there - np.array([x[k], y[k]])).T)) for k in np.flatnonzero(some)])
    near = distance[distance < NEAR_PIXELS]
    return float(np.median(near)) / 1.1774 if len(near) else float("nan")


def main() -> int:
    """Run from the command line."""
    folder = Path(sys.argv[1])
    reference = gaia(folder)
    found = list(ccds(folder, reference))
    for ccd in found:
        print(
            f"{ccd.name:8s} {ccd.solution.n_used:4d} of {ccd.n_stars} stars, order {ccd.solution.order}: header off by "
            f"{ccd.header_off_mas:6.1f} mas, residuals {ccd.fitted_mas:5.1f}, kept out {ccd.kept_out_mas:5.1f}"
        )
    for what, values in (
        ("residuals", [ccd.fitted_mas for ccd in found]),
        ("kept out", [c.kept_out_mas for c in found]),
    ):
        print(f"{what}: median {np.nanmedian(values):.1f}, most {np.nanmax(values):.1f} mas along an axis")
    return 0


if __name__ == "__main__":
    sys.exit(main())
