"""One frame of a photometry and astrometry harness, measured as an upload is: ``contestant.py DIR OUT``.

DIR holds ``image.fits``, what an observer would send, and ``ref.fits``, a catalogue of reference stars (ra, dec in deg
at 2018.72, B, V, g, r, i with errors e_*); it gets no truth. OUT receives ``phot_cpcs.fits`` (x, y from 0, flux,
fluxerr, flags), ``wcs_cpcs.fits`` (the solved header) and ``stages.json`` (step -> wall and CPU seconds). To take part
in a harness that runs a script by its name, one that lies beside its peers runs this module.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from astropy.io import fits

from photocal.headers.standard import Given
from photocal.headers.understand import standardise
from photocal.images import read_image
from photocal.imaging import MeasuredPlane, measure_frame
from photocal.pointing import around_place
from photocal.references.stars import ReferenceStars

EPOCH_YR = 2018.72
BANDS = ("B", "V", "g", "r", "i")


def reference_stars(path: Path) -> ReferenceStars:
    """Return the catalogue of a frame."""
    table = fits.getdata(path, 1)

    def column(name: str) -> np.typing.NDArray[np.float64]:
        return np.asarray(table[name], np.float64)

    return ReferenceStars(
        catalogue="GAIA",
        ra_deg=column("ra"),
        dec_deg=column("dec"),
        epoch_yr=EPOCH_YR,
        bands={band: (column(band), column(f"e_{band}")) for band in BANDS},
    )


def measure(folder: Path) -> MeasuredPlane:
    """Measure the frame of a folder."""
    references = reference_stars(folder / "ref.fits")
    frame = read_image((folder / "image.fits").read_bytes())
    header = standardise(frame.header, given=Given())
    place = header.number("RA"), header.number("DEC")
    if place[0] is None or place[1] is None:
        raise SystemExit(f"{folder}: the header points nowhere")
    pointing = around_place(header, place[0], place[1])
    measured = measure_frame(frame, header, [references], pointing=pointing, target=None, mjd=None)
    return measured.planes[0]


def main(folder: Path, out: Path) -> None:
    """Measure, and write what was found."""
    start = time.perf_counter(), time.process_time()
    plane = measure(folder)
    took = time.perf_counter() - start[0], time.process_time() - start[1]
    stars = plane.photometry.fitted.sources
    out.mkdir(parents=True, exist_ok=True)
    columns = {"x": stars.x, "y": stars.y, "flux": stars.flux, "fluxerr": stars.flux_err, "flags": stars.flags}
    forms = {name: "K" if name == "flags" else "D" for name in columns}
    table = fits.BinTableHDU.from_columns([fits.Column(name, forms[name], array=columns[name]) for name in columns])
    table.writeto(out / "phot_cpcs.fits", overwrite=True)
    header = fits.Header()
    header.update(plane.header_cards)
    fits.PrimaryHDU(None, header).writeto(out / "wcs_cpcs.fits", overwrite=True)
    stages = {name: [seconds, seconds] for name, seconds in plane.photometry.seconds.items()}
    stages["all"] = [round(value, 3) for value in took]
    notes = {"n_psf_stars": plane.quality["n_psf_stars"], "n_astrometric": plane.quality["n_astrometric"]}
    (out / "stages.json").write_text(json.dumps({"stages": stages, "notes": notes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
