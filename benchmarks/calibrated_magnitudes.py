"""Calibrated magnitudes against the truth: ``python -m benchmarks.calibrated_magnitudes DATA [FRAME ...]``.

DATA holds a folder for each frame, as `benchmarks.contestant` reads it, and beside that the truth: ``truth.fits`` (x, y
from 0, r, g, snr, infield, hit, contam: flux of neighbours over the star's own) and ``config.json`` (fwhm, pixels).
A frame's stars are measured, solved and calibrated in r as those of an upload are: zero point, colour term, and field
term where there is one. Each star's magnitude is then held against its true one. Columns, mmag, of stars that stand
alone: median error (of the zero point) and its standard error, robust scatter, and the scatter that the errors of the
stars foretell; for stars of S/N above 50 and above 200. By their errors the former scatter by 8 to 12.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from astropy.table import Table
from scipy.spatial import cKDTree

from benchmarks.contestant import measure, reference_stars
from cpcs.passbands import Choice
from photocal.arrays import Floats, Ints
from photocal.calibration import Calibration, calibrate
from photocal.results import Target
from photocal.sphere import tangent_plane

RADIUS_ARCSEC = 2.0
LONELY = 0.02  # of its flux: light of neighbours that a star may have
LEAST_SNR = (50.0, 200.0)


def standard_magnitudes(found: Calibration, colour: Floats) -> Floats:
    """Return the (n,) magnitudes of all stars, whose (n,) colours are given."""
    winner, stars = found.winner, found.stars
    mags = stars.inst_mag + winner.fit.zero_point
    if (term := winner.colour_term) is not None:
        mags = mags + term.value * (colour - term.reference_colour)
    at = found.position
    there = over_field(found, np.array([at.ra_deg]), np.array([at.dec_deg]))
    return mags + over_field(found, stars.ra_deg, stars.dec_deg) - there


def over_field(found: Calibration, ra_deg: Floats, dec_deg: Floats) -> Floats:
    """Return the (n,) field term at positions, mag."""
    term = found.winner.field_term
    if term is None:
        return np.zeros(len(ra_deg))
    x, y = tangent_plane(ra_deg, dec_deg, term.ra_deg, term.dec_deg).T / term.scale_deg
    columns = {"x": x, "y": y, "xx": x * x, "xy": x * y, "yy": y * y}
    return np.column_stack([columns[name] for name in term.names]) @ np.array(term.coefficients)


def pairs(found: Calibration, truth: Table, fwhm: float) -> tuple[Ints, Ints]:
    """Return rows of the stars and rows of the truth that are nearest to each other, within half a FWHM."""
    real = np.flatnonzero(truth["infield"] & (truth["snr"] > 3.0))
    tree = cKDTree(np.column_stack([truth["x"][real], truth["y"][real]]))
    places = np.column_stack([found.stars.x, found.stars.y])
    distance, row = tree.query(places)
    _, back = cKDTree(places).query(tree.data)
    mine = np.flatnonzero((distance < 0.5 * fwhm) & (back[np.minimum(row, len(real) - 1)] == np.arange(len(places))))
    return mine, real[row[mine]]


def figures(folder: Path) -> str:
    """Return the line of a frame."""
    truth, config = Table.read(folder / "truth.fits"), json.loads((folder / "config.json").read_text())
    plane = measure(folder)
    middle = plane.solution.plane.sky(np.array([config["nx"] / 2.0]), np.array([config["ny"] / 2.0]))
    found = calibrate(
        plane.stars,
        [reference_stars(folder / "ref.fits")],
        target=Target(ra_deg=float(middle[0][0]), dec_deg=float(middle[1][0])),
        matching_radius_arcsec=RADIUS_ARCSEC,
        forced=Choice("GAIA", "r"),
    )
    mine, real = pairs(found, truth, config["fwhm"])
    colour = np.full(len(plane.stars.inst_mag), np.nan)
    colour[mine] = truth["g"][real] - truth["r"][real]
    off = 1e3 * (standard_magnitudes(found, colour)[mine] - truth["r"][real])
    snr, error = np.asarray(truth["snr"][real]), 1e3 * plane.stars.inst_mag_err[mine]
    alone = np.asarray((truth["contam"][real] < LONELY) & (truth["hit"][real] == 0))
    winner = found.winner
    line = f"{folder.name:<8} n {winner.fit.n_matched:5d}  zp err {1e3 * winner.fit.zero_point_err:4.1f}"
    term = f"{winner.colour_term.value:+.4f}+-{winner.colour_term.err:.4f}" if winner.colour_term else "none"
    line += f"  colour {term}  field {winner.field_term.order if winner.field_term else 0}"
    for least in LEAST_SNR:
        chosen = off[alone & (snr > least) & np.isfinite(off)]
        told = error[alone & (snr > least) & np.isfinite(off)]
        width = 1.4826 * np.median(np.abs(chosen - np.median(chosen)))
        line += f" | S/N > {least:.0f}: {np.median(chosen):+5.1f}+-{1.25 * width / np.sqrt(len(chosen)):3.1f}"
        line += f" rms {width:4.1f} ({np.median(told):4.1f})"
    return line


def main(data: Path, names: list[str]) -> None:
    """Print the lines."""
    for folder in sorted(item for item in data.iterdir() if (item / "truth.fits").exists()):
        if not names or folder.name in names:
            print(figures(folder), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
