"""Real observations for the demonstration, the benchmarks and the tests: each set as uploads and reference stars.

They are no part of the repository: their folder is ``CPCS_REALDATA``, or ``shared/realdata`` beside the checkout.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

from photocal.arrays import Floats
from photocal.references import ReferenceStars, import_file

_ROOT = Path(__file__).parents[1]
ABSENT = "No real observations here: set CPCS_REALDATA to their folder. Nothing was run."


def realdata_folder() -> Path | None:
    """Return the folder of real observations; None where it is absent."""
    folder = Path(os.environ.get("CPCS_REALDATA", _ROOT.parent / "shared" / "realdata"))
    return folder if folder.is_dir() else None


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


def robust_scatter(values: Floats) -> float:
    """Return 1.4826 times the median absolute deviation from the median: the folder's README calls it ``MAD*``."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


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
