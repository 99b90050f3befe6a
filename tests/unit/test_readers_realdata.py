"""Real observers' catalogues: how many stars each holds, counted once by eye, or why there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpcs import errors
from photocal.readers import read_catalogue

pytestmark = pytest.mark.realdata

READ = {
    "feder_ey_uma/2014-12-29-ey-uma-9.fits": (3854, "fits-table", "mag_inst_R"),  # 94 frames of 41 stars
    "feder_ey_uma/aavso_comp_stars.fits": (67, "fits-table", "mag"),
    "formats/elp1m008-fl05-20160217-0218-e90_cat.fits": (319, "fits-table", "MAG_APER"),
    "formats/lsc1m005-kb78-20151109-0179-e90_cat_GJ3470_V.fits": (242, "fits-table", "MAG_APER"),
    "formats/oracdr_test_catalog.fits": (360, "fits-table", "MAG_APER"),
    "formats/ogg2m001-fs02-20150827-0106-e91_ldac.fits": (257, "fits-ldac", "MAG_ISOCOR"),
    "formats/photpipe_test_ldac.fits": (2318, "fits-ldac", "MAG_AUTO"),  # 182 of 2500 rows are 99
    "formats/swope_test_ldac.fits": (388, "fits-ldac", "MAG_ISOCOR"),
    "formats/sextractor_ascii_head_ngc2264.cat": (127, "sextractor-ascii", "MAG_AUTO"),
    "lco_ldac_xhbdf79/ldac_test_catalog.fits": (974, "fits-ldac", "MAG_ISOCOR"),
    "lco_ldac_xhbdf79/GAIA-DR2.cat": (249, "fits-ldac", "MAG"),
    "lco_banzai_matched/cpt1m012-fa06-20200113-0102-matched-cat.fits": (2747, "fits-table", "fluxaper6"),  # 5 have none
    "dose_photrix_20170504/df_master.csv": (2283, "csv", "InstMag"),
    "lco04m_afvel/psx/afvel_V_2458571d3380558020_2019d03d28T20d00d12d006_1a0746294_30d283_kb84_alexhewett.psx": (
        768,
        "ascii",
        "COUNTS",
    ),
}
REFUSED = {
    "formats/psfex_out_GIT.cat": errors.MissingColumn,
    "formats/sextractor_ascii_head_F15anh.cat": errors.MissingColumn,  # pixels only
    "formats/sextractor_incomplete.cat": errors.MissingColumn,  # DELTA_SKY is missing
    "formats/sextractor_noasciihead.cat": errors.NotACatalogue,  # 22 columns without names
    "lco_ldac_xhbdf79/ldac_test_catalog_corrupt.fits": errors.BrokenFits,
    "feder_ey_uma/sample_wcs_ey_uma.fits": errors.EmptyFile,
    "hsc_cosmos_visit1180/1180_0.fits": errors.MissingColumn,  # pixels only
    "../images/ntt_emmi_1992/image.cat": errors.MissingColumn,
    "../images/ntt_emmi_1992/image.fits": errors.ImageNotCatalogue,
    "../images/lco04m_kb29/banzai_test_frame.fits.fz": errors.ImageNotCatalogue,
    "../images/lco1m_sinistro_raw_mef/mef_raw_test_frame.fits": errors.ImageNotCatalogue,
}
FIELDS = {  # the pointing that the header gives (NGC 2264: its south), and how far stars reach, deg
    "formats/sextractor_ascii_head_ngc2264.cat": (100.30, 9.28, 0.3),
    "lco_ldac_xhbdf79/ldac_test_catalog.fits": (219.8308, -9.7677, 0.2),
    "formats/swope_test_ldac.fits": (45.6254, -34.3933, 0.35),
}


@pytest.mark.parametrize("name", READ)
def test_read(realdata: Path, name: str):
    stars = read_catalogue((realdata / "catalogues" / name).read_bytes())
    n, kind, mag = READ[name]
    assert (stars.n, stars.meta.format, stars.meta.columns["mag"]) == (n, kind, mag)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(realdata: Path, name: str):
    with pytest.raises(REFUSED[name]):
        read_catalogue((realdata / "catalogues" / name).read_bytes())


@pytest.mark.parametrize("name", FIELDS)
def test_the_field_is_where_it_should_be(realdata: Path, name: str):
    stars = read_catalogue((realdata / "catalogues" / name).read_bytes())
    ra, dec, radius = FIELDS[name]
    assert stars.centre == pytest.approx((ra, dec), abs=0.03)
    assert stars.radius_deg < radius


def test_every_frame_of_af_vel(realdata: Path):
    frames = sorted((realdata / "catalogues" / "lco04m_afvel" / "psx").iterdir())
    counts = [read_catalogue(frame.read_bytes()).n for frame in frames]
    assert len(counts) == 16
    assert (min(counts), max(counts)) == (117, 768)


def test_the_header_of_the_image_comes_along(realdata: Path):
    ldac = read_catalogue((realdata / "catalogues" / "lco_ldac_xhbdf79" / "ldac_test_catalog.fits").read_bytes())
    header = ldac.meta.header
    assert (header["OBJECT"], header["FILTER"], header["EXPTIME"]) == ("XHBDF79", "w", "115.0")
    assert header["MJD-OBS"] == "57506.84160072917"
    feder = read_catalogue((realdata / "catalogues" / "feder_ey_uma" / "2014-12-29-ey-uma-9.fits").read_bytes())
    assert feder.meta.header == {"FILTER": "R", "EXPTIME": "90"}
