"""Real observations as frames to calibrate: stars, reference stars, a target that is a real star, what must be chosen.

Sets of the folder that are not here, and why: MicroObservatory (no WCS: its stars have no positions), PANOPTES (Bayer
mosaic, four filters in one image), AF Vel and HSC (no reference stars, or no fluxes).
"""

from __future__ import annotations

import csv
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Column, Table
from astropy.wcs import WCS

from benchmarks.aperture import SATURATED, Camera, measure_image
from infra import realsets
from infra.realsets import RealSet
from photocal.arrays import MAG_PER_RELATIVE_ERROR, Floats
from photocal.intake import take_in
from photocal.references import ReferenceStars, import_file
from photocal.references.declared import finished
from photocal.results import Target
from photocal.stars import CatalogueMeta, StarList

ANDICAM = Camera(gain=2.3, saturation=45_000.0)  # CTIO 1.3 m, Fairchild 447: electrons per ADU
PHOTRIX_SATURATION = 54_000.0  # SBIG STXL 6303, as the observer's own configuration has it
DECAM_GAIN, DECAM_SATURATION = 3.71, 49_900.0  # GAINA and SATURATE of the frame's header
SN_2019SO = Target(ra_deg=190.65175, dec_deg=-40.74633, name="SN 2019so")
STAR, R_OF_SDSS, SDSS_GAIN = 6, 2, 4.71  # SDSS's number of stars, place of r in ugriz; electrons per count in r
SDSS_ZERO_POINT, DECAM_ZERO_POINT = 22.5, 25.168
# Gaia DR2 release documentation, section 5.3.7: G - band = polynomial in BP - RP, with its scatter.
GAIA_TO = {
    "g": ((0.13518, -0.46245, -0.25171, 0.021349), 0.16497),
    "r": ((-0.12879, 0.24662, -0.027464, -0.049465), 0.066739),
    "i": ((-0.29676, 0.64728, -0.10141), 0.098957),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One real catalogue with all that its calibration needs.

    ``expected`` are the passbands that are right; ``true_mag`` is the catalogue's own magnitude of the target, where
    it has one: the target is never among the calibrators.
    """

    filter: str
    label: str
    stars: StarList
    references: tuple[ReferenceStars, ...]
    target: Target
    expected: tuple[str, ...]
    mjd: float | None = None
    hint: str = ""
    crude: float | None = None
    true_mag: float | None = None


def _frames(real: RealSet, band: str, references: tuple[ReferenceStars, ...] = (), also: str = "") -> Iterator[Frame]:
    for number, upload in enumerate(real.uploads):
        intake = take_in(upload.content)
        if intake.stars is None:
            raise ValueError(f"{real.event}: an image among the catalogues")
        yield Frame(
            filter=band,
            label=f"{number:03d}",
            stars=intake.stars,
            hint=intake.filter_name,
            references=references or tuple(finished(item) for item in real.references),
            target=Target(ra_deg=real.ra_deg, dec_deg=real.dec_deg, name=real.event),
            expected=(real.expected, also) if also else (real.expected,),
            mjd=upload.mjd,
            crude=real.crude,
        )


def ey_uma_apass(folder: Path) -> Iterator[Frame]:
    """Yield EY UMa against APASS alone."""
    return _frames(realsets.ey_uma(folder), "R")


def ey_uma_three(folder: Path) -> Iterator[Frame]:
    """Yield EY UMa against APASS, ATLAS-REFCAT2 and Gaia DR2 together."""
    real = realsets.ey_uma(folder)
    rows = (folder / "catalogues" / "feder_ey_uma" / "all_refcat2_ey_uma.ecsv").read_bytes()
    more = tuple(finished(import_file(rows, name)) for name in ("REFCAT2", "GAIA"))
    return _frames(real, "R", (finished(real.references[0]), *more), also="REFCAT2/r")


def lco_i(folder: Path) -> Iterator[Frame]:
    """Yield LCO 1 m in i against ATLAS-REFCAT2."""
    return _frames(realsets.lco_i(folder), "i")


def lco_w(folder: Path) -> Iterator[Frame]:
    """Yield LCO 1 m in white light against Gaia DR2 G."""
    return _frames(realsets.lco_ldac(folder), "w")


# --- photrix: comparison stars of the AAVSO in the observer's own rows ---------------------------


def photrix(folder: Path) -> Iterator[Frame]:
    """Yield 218 images of 36 fields in V, R and I.

    The check star is the target, where there is one: it has a catalogue magnitude to be held against. All other stars
    of the sequence calibrate.
    """
    file = folder / "catalogues" / "dose_photrix_20170504" / "df_master.csv"
    images: dict[str, list[dict[str, str]]] = defaultdict(list)
    with file.open(newline="") as stream:
        for row in csv.DictReader(stream, delimiter=";"):
            images[row["FITSfile"]].append(row)
    sequence = _sequence([row for rows in images.values() for row in rows])
    for name, rows in images.items():
        if any(row["StarType"] != "Target" for row in rows):
            yield _photrix_frame(name, rows, sequence)


def _sequence(rows: list[dict[str, str]]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the catalogue magnitudes of the comparison stars: star -> filter -> (mag, error).

    Each row has the magnitude of its image's filter and the colour V - I, which gives the other of these two.
    """
    known: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for row in rows:
        if row["StarType"] != "Target" and row["CatMag"] != "NA":
            known[row["ModelStarID"]][row["Filter"]] = (float(row["CatMag"]), _number(row["CatMagError"]))
    for row in rows:
        star, colour = known.get(row["ModelStarID"]), _number(row["CI"])
        if star and np.isfinite(colour):
            if "V" in star:
                star.setdefault("I", (star["V"][0] - colour, star["V"][1]))
            elif "I" in star:
                star.setdefault("V", (star["I"][0] + colour, star["I"][1]))
    return known


def _number(text: str) -> float:
    return np.nan if text in {"", "NA"} else float(text)


def _photrix_frame(name: str, rows: list[dict[str, str]], sequence: dict[str, dict[str, tuple[float, float]]]) -> Frame:
    band = rows[0]["Filter"]
    mine = {row["ModelStarID"]: row for row in rows if row["StarType"] != "Target"}
    of_sequence = [mine[star] for star in mine if star in sequence]
    ra, dec = _of(of_sequence, "degRA"), _of(of_sequence, "degDec")
    bands = {}
    for other in "VRI":
        pairs = [sequence[row["ModelStarID"]].get(other, (np.nan, np.nan)) for row in of_sequence]
        mag, err = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
        if np.isfinite(mag).any():
            bands[other] = (mag, np.where((err > 0.0) | ~np.isfinite(mag), err, 0.02))
    check = next((row for row in of_sequence if row["StarType"] == "Check"), None)
    aim = check or next((row for row in rows if row["StarType"] == "Target"), rows[0])
    return Frame(
        filter=band,
        label=name,
        stars=StarList(
            ra_deg=_of(rows, "degRA"),
            dec_deg=_of(rows, "degDec"),
            inst_mag=_of(rows, "InstMag"),
            inst_mag_err=_of(rows, "InstMagSigma"),
            flags=np.where(_of(rows, "MaxADU_Ur") >= PHOTRIX_SATURATION, SATURATED, 0),
            meta=CatalogueMeta(format="csv", n_rows=len(rows)),
        ),
        references=(ReferenceStars(catalogue="AAVSO", ra_deg=ra, dec_deg=dec, bands=bands),),
        target=Target(ra_deg=float(aim["degRA"]), dec_deg=float(aim["degDec"]), name=aim["ModelStarID"]),
        expected=(f"AAVSO/{band}",),
        mjd=float(rows[0]["JD_mid"]) - 2_400_000.5,
        hint=band,
        true_mag=sequence[check["ModelStarID"]][band][0] if check else None,
    )


def _of(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([_number(row[name]) for row in rows], dtype=np.float64)


# --- images ---------------------------------------------------------------------------------------


def sn2019so(folder: Path) -> Iterator[Frame]:
    """Yield SN 2019so, CTIO 1.3 m, V and R, measured here; APASS B V, ATLAS-REFCAT2 g r i z and Gaia around it.

    The file of reference stars has no errors, so that each catalogue's default stands in; 2MASS has none, and a star
    without an error is a limit there: it cannot be imported.
    """
    here = folder / "images" / "ctio13m_andicam_sn2019so"
    rows = (here / "reference_stars.ecsv").read_bytes()
    place = "ra=ra,dec=decl,pmra=pm_ra,pmdec=pm_dec,epoch=2015.5"
    columns = {
        "APASS": "B=B_mag,V=V_mag",
        "REFCAT2": "g=g_mag,r=r_mag,i=i_mag,z=z_mag",
        "GAIA": "G=gaia_mag,BP=gaia_bp_mag,RP=gaia_rp_mag",
    }
    references = tuple(finished(import_file(rows, name, f"{place},{bands}")) for name, bands in columns.items())
    expected = {"V": ("APASS/V",), "R": ("REFCAT2/r", "APASS/r")}
    for band in "VR":
        with fits.open(here / f"SN2019so_20190201_{band}.fits.gz") as opened:
            image, header = opened[0].data, opened[0].header
        yield Frame(
            filter=band,
            label=band,
            stars=measure_image(image, header, ANDICAM).stars,
            references=references,
            target=SN_2019SO,
            expected=expected[band],
            hint=band,
            mjd=float(header["JD"]) - 2_400_000.5 + float(header["EXPTIME"]) / 2.0 / 86400.0,
        )


def decam(folder: Path) -> Iterator[Frame]:
    """Yield a DECam r cutout with Gaia DR2 turned to g r i; the survey's own zero point is the truth.

    Magnitudes are of counts per second in an aperture that holds all of the light. A bright galaxy fills the middle,
    with two of the six Gaia stars in its halo, one double and one cut by the edge: it is a test of the error bar.
    """
    here = folder / "images" / "small_cutouts"
    with fits.open(here / "decam_c4d_171113_060340_ooi_r.fits") as opened:
        image, header = opened[1].data, opened[1].header
        exposure, name = float(opened[0].header["EXPTIME"]), str(opened[0].header["FILTER"])
    camera = Camera(gain=DECAM_GAIN * exposure, saturation=DECAM_SATURATION / exposure)
    stars = measure_image(np.asarray(image) / exposure, header, camera, radius_fwhm=2.0).stars
    gaia = Table.read(here / "decam_gaia_chunk-05483.fits")
    bright, colour = (
        _filled(gaia["phot_g_mean_mag"]),
        _filled(gaia["phot_bp_mean_mag"]) - _filled(gaia["phot_rp_mean_mag"]),
    )
    colour_err = np.hypot(
        *(MAG_PER_RELATIVE_ERROR / _filled(gaia[f"phot_{name}_mean_flux_over_error"]) for name in ("bp", "rp"))
    )
    bands = {
        band: _from_gaia(bright, colour, colour_err, np.array(terms), scatter)
        for band, (terms, scatter) in GAIA_TO.items()
    }
    reference = ReferenceStars(
        catalogue="Gaia as gri",
        ra_deg=np.asarray(gaia["ra"], dtype=np.float64),
        dec_deg=np.asarray(gaia["dec"], dtype=np.float64),
        pm_ra_mas_yr=np.nan_to_num(_filled(gaia["pmra"])),
        pm_dec_mas_yr=np.nan_to_num(_filled(gaia["pmdec"])),
        epoch_yr=2015.5,
        bands=bands,
    )
    ra, dec = WCS(header).all_pix2world(140.0, 187.0, 0)
    yield Frame(
        filter="r",
        label="N6",
        stars=stars,
        references=(reference,),
        target=Target(ra_deg=float(ra), dec_deg=float(dec), name="middle"),
        expected=("Gaia as gri/r",),
        mjd=58070.2525,
        hint=name,
    )


def _filled(column: Column) -> Floats:
    return np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)


def _from_gaia(
    bright: Floats, colour: Floats, colour_err: Floats, terms: Floats, scatter: float
) -> tuple[Floats, Floats]:
    """Return magnitudes of another filter from G and BP - RP, with their errors, mag."""
    known = (colour > 0.0) & (colour < 2.5) & (colour_err < 0.2)
    polynomial = np.polynomial.Polynomial(terms)
    mag = np.where(known, bright - polynomial(colour), np.nan)
    return mag, np.hypot(scatter, polynomial.deriv()(colour) * colour_err)


def sdss(folder: Path) -> Iterator[Frame]:
    """Yield the stars of an SDSS field, whose zero point is 22.5 by definition of the flux unit, and its image.

    The first frame has the survey's own PSF fluxes (nanomaggies) for instrumental magnitudes: a test of the
    arithmetic, not of a measurement. The image beside it is a cutout of 100 pixels with two stars: to be refused.
    """
    here = folder / "images" / "small_cutouts"
    table = Table.read(here / "sdss_photoObj-001000-1-0100.fits")
    table = table[np.asarray(table["OBJC_TYPE"]) == STAR]
    reference = _sdss_reference(table)
    flux, weight = (np.asarray(table[name], dtype=np.float64)[:, R_OF_SDSS] for name in ("PSFFLUX", "PSFFLUX_IVAR"))
    good = (flux > 0.0) & (weight > 0.0)
    stars = StarList(
        ra_deg=reference.ra_deg[good],
        dec_deg=reference.dec_deg[good],
        inst_mag=-2.5 * np.log10(flux[good]),
        inst_mag_err=MAG_PER_RELATIVE_ERROR * weight[good] ** -0.5 / flux[good],
        flags=np.zeros(int(good.sum()), dtype=np.int64),
    )
    faintest = int(np.argmax(stars.inst_mag))
    aim = Target(ra_deg=float(stars.ra_deg[faintest]), dec_deg=float(stars.dec_deg[faintest]), name="faintest star")
    common = {"filter": "r", "references": (finished(reference),), "expected": ("SDSS/r",), "hint": "r"}
    yield Frame(label="PSF fluxes", stars=stars, target=aim, **common)
    with fits.open(here / "sdss_frame-r-001000-1-0100.fits.bz2") as opened:
        image, header = opened[0].data, opened[0].header
    camera = Camera(gain=SDSS_GAIN / float(header["NMGY"]), saturation=np.inf)
    cutout = measure_image(image, header, camera).stars
    ra, dec = cutout.centre
    yield Frame(label="cutout", stars=cutout, target=Target(ra_deg=ra, dec_deg=dec), **common)


def _sdss_reference(table: Table) -> ReferenceStars:
    mags, errors = (np.asarray(table[name], dtype=np.float64) for name in ("PSFMAG", "PSFMAGERR"))
    return ReferenceStars(
        catalogue="SDSS",
        ra_deg=np.asarray(table["RA"], dtype=np.float64),
        dec_deg=np.asarray(table["DEC"], dtype=np.float64),
        bands={band: (mags[:, k], errors[:, k]) for k, band in enumerate("ugriz")},
    )


SETS: dict[str, Callable[[Path], Iterator[Frame]]] = {
    "ey-uma": ey_uma_apass,
    "ey-uma-three": ey_uma_three,
    "lco-i": lco_i,
    "lco-w": lco_w,
    "photrix": photrix,
    "sn2019so": sn2019so,
    "decam": decam,
    "sdss": sdss,
}


def frames(folder: Path, name: str) -> Iterator[Frame]:
    """Yield the frames of a set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real headers: astropy has much to say about their units
        yield from SETS[name](folder)
