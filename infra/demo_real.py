"""``make demo-real``: real observers' catalogues against real reference stars, through the embedded stack.

The observations are not part of the repository; without their folder (``CPCS_REALDATA``, or ``shared/realdata`` beside
the checkout) this says so and does nothing.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

from cpcs.storage import Store
from cpcs_client import Client
from infra import seed
from infra.local.deploy import ROOT
from infra.local.stack import EmbeddedStack
from photocal.references import ReferenceStars, TileStore, import_file

OBSERVATORY = "Real observations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One real catalogue on its way."""

    content: bytes
    mjd: float
    exposure_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RealSet:
    """A set of real catalogues of one field."""

    name: str
    event: str
    ra_deg: float
    dec_deg: float
    references: tuple[ReferenceStars, ...]
    uploads: tuple[Upload, ...]
    expected: str  # the passband that must be chosen
    crude: float  # mag: the scatter (1.4826 MAD) that the folder's README states


def ey_uma(folder: Path) -> RealSet:
    """EY UMa, Feder Observatory 0.4 m, R: 94 frames of 41 stars in one table."""
    here = folder / "catalogues" / "feder_ey_uma"
    table = Table.read(here / "2014-12-29-ey-uma-9.fits")
    frames = []
    for name in np.unique(table["file"]):
        frame = table[table["file"] == name]
        middle = Time(str(frame["date-obs"][0]), scale="utc").mjd + float(frame["exposure"][0]) / 2 / 86400.0
        frames.append(Upload(content=_fits(frame), mjd=middle, exposure_s=float(frame["exposure"][0])))
    apass = import_file((here / "all_apass_ey_uma.ecsv").read_bytes(), "APASS")
    return RealSet(
        name="EY UMa, Feder 0.4 m, R",
        event="EY UMa",
        ra_deg=135.58632,
        dec_deg=49.81921,
        references=(apass,),
        uploads=tuple(sorted(frames, key=lambda upload: upload.mjd)),
        expected="APASS/r",
        crude=0.040,
    )


def lco_i(folder: Path) -> RealSet:
    """LCO 1 m, i, 250 s, with the reference magnitudes (ATLAS-REFCAT2) in the same rows."""
    file = folder / "catalogues" / "lco_banzai_matched" / "cpt1m012-fa06-20200113-0102-matched-cat.fits"
    content = file.read_bytes()
    table = Table.read(file)
    header = fits.getheader(file, 1)
    start = Time(header["DATE-OBS"], scale="utc").mjd if "DATE-OBS" in header else 58861.8
    bands = "g=gmag:gmagerr,r=rmag:rmagerr,i=imag:imagerr,z=zmag:zmagerr"
    references = import_file(content, "REFCAT2", columns=f"ra=ra,dec=dec,{bands}")
    # The target: a star in the middle of the magnitudes and of the frame, since the set names none.
    star = _ordinary_star(table["x"], table["y"], table["flux"])
    return RealSet(
        name="LCO 1 m, i, 250 s",
        event="LCO field star",
        ra_deg=float(table["ra"][star]),
        dec_deg=float(table["dec"][star]),
        references=(references,),
        uploads=(Upload(content=content, mjd=start + 125.016 / 86400.0, exposure_s=250.032),),
        expected="REFCAT2/i",
        crude=0.042,
    )


def lco_ldac(folder: Path) -> RealSet:
    """LCO 1 m, white light (w), FITS_LDAC of SExtractor, against Gaia DR2 G."""
    here = folder / "catalogues" / "lco_ldac_xhbdf79"
    content = (here / "ldac_test_catalog.fits").read_bytes()
    stars = Table.read(here / "ldac_test_catalog.fits", hdu=2)
    star = _ordinary_star(stars["XWIN_IMAGE"], stars["YWIN_IMAGE"], stars["FLUX_AUTO"])
    gaia = import_file(
        (here / "GAIA-DR2.cat").read_bytes(), "GAIA", columns="ra=XWIN_WORLD,dec=YWIN_WORLD,G=MAG:MAGERR"
    )
    return RealSet(
        name="LCO 1 m, w, FITS_LDAC",
        event="XHBDF79 field star",
        ra_deg=float(stars["ALPHA_J2000"][star]),
        dec_deg=float(stars["DELTA_J2000"][star]),
        references=(gaia,),
        uploads=(Upload(content=content, mjd=57506.84160072917 + 57.5 / 86400.0, exposure_s=115.0),),
        expected="GAIA/G",
        crude=0.051,
    )


SETS = (ey_uma, lco_i, lco_ldac)


def sets(folder: Path) -> Iterator[RealSet]:
    """Yield every set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real headers: astropy has much to say about their units
        for make in SETS:
            yield make(folder)


def load(store: Store, real: RealSet) -> str:
    """Put event, key and reference stars of a set into the storage; return the key."""
    seed.event(store, real.event, real.ra_deg, real.dec_deg)
    tiles = TileStore(store.references)
    for reference in real.references:
        tiles.add(reference)
    return seed.observer(store, OBSERVATORY, owner=real.name).secret


def run(stack: EmbeddedStack, real: RealSet, folder: Path) -> list[dict[str, Any]]:
    """Upload every catalogue of a set, and return the jobs; those that made a point with their ``crude`` scatter."""
    secret = load(seed.connect(stack.environment), real)
    with Client(stack.url, secret) as client:
        jobs = []
        for number, upload in enumerate(real.uploads):
            file = folder / f"{number:03d}.cat"
            file.write_bytes(upload.content)
            sent = client.upload(file, event=real.event, mjd=upload.mjd, exposure_s=upload.exposure_s, figures=False)
            jobs.append(sent["job_id"])
        ended = client.wait(jobs, timeout_s=600.0)
        return [job | {"crude": crude_scatter(client.report(job["job_id"]))} if job["report"] else job for job in ended]


def crude_scatter(report: dict[str, Any]) -> float:
    """Return 1.4826 times the median absolute deviation of the winner's residuals, mag: no star left out, no model.

    The statistic of the folder's README, so that the two can be held against each other.
    """
    residual = np.array(report["candidates"][0]["stars"]["residual"])
    return float(1.4826 * np.median(np.abs(residual - np.median(residual))))


def tell(real: RealSet, jobs: list[dict[str, Any]]) -> bool:
    """Print what was found in a set, and return whether it is as it must be."""
    points = [job["outcome"] for job in jobs if job["state"] == "DONE"]
    chosen: int = sum(point["passband"] == real.expected for point in points)
    print(f"{real.name}: {len(points)} of {len(jobs)} calibrated, {real.expected} chosen in {chosen}")
    for job in jobs:
        if job["state"] != "DONE":
            print(f"  {job['state']}: {job['error']}")
    if not points:
        return False
    print(f"  zero point {_span(points, 'zero_point')}, error {_span(points, 'zero_point_err')}")
    print(f"  magnitude {_span(points, 'mag')}")
    crude = [{"crude": job["crude"]} for job in jobs if "crude" in job]
    print(f"  scatter beyond the quoted errors {_span(points, 'scatter')}")
    print(f"  1.4826 x MAD of all matched stars {_span(crude, 'crude')}; the folder's README has {real.crude}")
    print(f"  stars used {_span(points, 'n_matched', 0)}, outlier fraction {_span(points, 'outlier_fraction')}")
    return len(jobs) == chosen


def _span(points: list[dict[str, Any]], name: str, digits: int = 3) -> str:
    values = [point[name] for point in points]
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.median(values):.{digits}f} (median; {min(values):.{digits}f} to {max(values):.{digits}f})"


def _ordinary_star(x: Any, y: Any, flux: Any) -> int:  # noqa: ANN401 -- columns of astropy tables
    """Return the row of a well-measured star near the middle of the frame."""
    x, y, flux = (np.asarray(column, dtype=float) for column in (x, y, flux))
    distance = np.hypot(x - np.median(x), y - np.median(y))
    bright = (flux > np.percentile(flux, 70)) & (flux < np.percentile(flux, 95))
    return int(np.argmin(np.where(bright, distance, np.inf)))


def _fits(table: Table) -> bytes:
    stream = io.BytesIO()
    table.write(stream, format="fits")
    return stream.getvalue()


def main() -> int:
    """Run from the command line."""
    folder = Path(os.environ.get("CPCS_REALDATA", ROOT.parent / "shared" / "realdata"))
    if not folder.is_dir():
        print("No real observations here: set CPCS_REALDATA to their folder. Nothing was run.")
        return 0
    good = True
    with tempfile.TemporaryDirectory() as temporary:
        for number, real in enumerate(sets(folder)):  # a stack each: reference stars of one do not help another
            own = Path(temporary) / str(number)
            own.mkdir()
            with EmbeddedStack(own / "state") as stack:
                good &= tell(real, run(stack, real, own))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
