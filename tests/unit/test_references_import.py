"""Files of reference stars: columns as given or guessed, every format, and what real ones hold."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from cpcs import errors
from photocal.references import FolderBlobs, TileStore, import_file
from photocal.references.guess import guess_columns, parse_columns
from photocal.references.importer import catalogue_name

CSV = "name,RAJ2000,DEJ2000,Vmag,e_Vmag,Imag,e_Imag\na,270.1,-30.1,15.5,0.01,14.5,0.02\nb,270.2,-30.2,16.5,0.03,,\n"


def table():
    columns = {
        "RA_ICRS": [270.1, 270.2, 270.3],
        "DE_ICRS": [-30.1, -30.2, -30.3],
        "pmRA": [1.0, np.nan, 3.0],
        "pmDE": [-1.0, np.nan, -3.0],
        "Gmag": [15.5, 16.5, np.nan],
        "e_Gmag": [0.01, 0.0, 0.01],
    }
    made = Table(columns)
    made["RA_ICRS"].unit = "deg"
    made["pmRA"].unit = "mas / yr"
    return made


def written(fmt):
    stream = io.BytesIO() if fmt in {"fits", "votable"} else io.StringIO()
    table().write(stream, format=fmt)
    value = stream.getvalue()
    return value if isinstance(value, bytes) else value.encode()


@pytest.mark.parametrize("fmt", ["fits", "votable", "ascii.csv", "ascii.ecsv", "ascii.basic"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_format(fmt, pack):
    stars = import_file(pack(written(fmt)), "gaia")
    assert stars.catalogue == "GAIA"
    np.testing.assert_allclose(stars.ra_deg, [270.1, 270.2])  # the third has no magnitude
    np.testing.assert_allclose(stars.bands["G"][1], [0.01, 0.02])  # an error of 0 is the catalogue's default
    np.testing.assert_array_equal(stars.pm_ra_mas_yr, [1.0, 0.0])
    assert stars.epoch_yr == 2016.0


def test_blank_errors():
    stars = import_file(CSV.replace("0.03", "").encode(), "OGLE-III")
    assert stars.catalogue == "OGLE3"
    np.testing.assert_array_equal(stars.bands["V"][1], [0.01, 0.02])
    limits = import_file(b"RAJ2000,DEJ2000,Jmag,e_Jmag\n1,2,15,0.1\n1,3,16,\n", "2MASS")
    np.testing.assert_array_equal(limits.bands["J"][0], [15.0])


def test_given_columns():
    text = "ra=RAJ2000,dec=DEJ2000,V=Vmag:e_Vmag,R=Imag,pmra=e_Vmag,pmdec=e_Imag,epoch=1999.5"
    stars = import_file(CSV.encode(), "my own", text)
    assert stars.catalogue == "my own"
    assert stars.filters == ("V", "R")
    assert stars.epoch_yr == 1999.5
    np.testing.assert_array_equal(stars.bands["R"][1], [0.05, np.nan])  # the error of those that give none
    np.testing.assert_array_equal(stars.pm_ra_mas_yr, [0.01, 0.03])


def test_an_epoch_may_be_a_column_of_years_or_of_mjd():
    text = "ra,dec,V,when\n1,2,15,2015.5\n1,3,15,2015.5\n"
    assert import_file(text.encode(), "x", "ra=ra,dec=dec,V=V,epoch=when").epoch_yr == 2015.5
    text = text.replace("2015.5", "57388.0")
    assert import_file(text.encode(), "x", "ra=ra,dec=dec,V=V,epoch=when").epoch_yr == pytest.approx(2016.0, abs=0.01)


@pytest.mark.parametrize("text", ["", "ra=a", "ra=a,dec=b", "V=c", "ra=a,dec=b,V", "ra,dec,V", "=,=,="])
def test_columns_badly_written(text):
    with pytest.raises(errors.BadField):
        parse_columns(text)


@pytest.mark.parametrize(
    ("catalogue", "names", "expected"),
    [
        ("APASS", "RAJ2000 DEJ2000 Vmag e_Vmag g'mag e_g'mag", {"V": ("Vmag", "e_Vmag"), "g": ("g'mag", "e_g'mag")}),
        ("APASS", "RAJ2000 DEJ2000 Vmag e_Vmag g_mag e_g_mag", {"V": ("Vmag", "e_Vmag"), "g": ("g_mag", "e_g_mag")}),
        ("APASS", "ra dec r_mag r_mag_err V_mag V_mag_err", {"r": ("r_mag", "r_mag_err"), "V": ("V_mag", "V_mag_err")}),
        ("REFCAT2", "RA Dec g dg r dr", {"g": ("g", "dg"), "r": ("r", "dr")}),
        ("REFCAT2", "ra dec gmag gmagerr rmag rmagerr", {"g": ("gmag", "gmagerr"), "r": ("rmag", "rmagerr")}),
        (
            "GAIA",
            "ra dec phot_g_mean_mag phot_bp_mean_mag",
            {"G": ("phot_g_mean_mag", None), "BP": ("phot_bp_mean_mag", None)},
        ),
        ("GAIADR2", "XWIN_WORLD YWIN_WORLD MAG MAGERR OBSDATE", {"G": ("MAG", "MAGERR")}),
        ("USNO", "RAJ2000 DEJ2000 b1mag r1mag", {"R1pg": ("r1mag", None), "B1pg": ("b1mag", None)}),
        ("GaiaSP", "RA_ICRS DE_ICRS umag Umag", {"u": ("umag", None), "U": ("Umag", None)}),
        ("private", "ra dec VTmag", {"VT": ("VTmag", None)}),
        ("private", "ra dec mag_V mag_V_err B-V e_mag inst_mag", {"V": ("mag_V", "mag_V_err")}),
        ("private", "RA DEC V e_V B-V U-B", {"V": ("V", "e_V")}),
    ],
)
def test_guesses(catalogue, names, expected):
    found = guess_columns(names.split(), catalogue)
    assert {name: (band.mag, band.err) for name, band in found.bands.items()} == expected


def test_the_archive_of_gaia_gives_its_errors_as_fluxes():
    text = "ra,dec,phot_g_mean_mag,phot_g_mean_flux,phot_g_mean_flux_error\n1,2,15,1000,10\n"
    assert import_file(text.encode(), "GAIA").bands["G"][1][0] == pytest.approx(0.010857, rel=1e-4)


def test_motions_belong_to_catalogues_that_have_them():
    names = ["ra", "dec", "pm_ra", "pm_dec", "J_mag", "gaia_mag"]
    assert guess_columns(names, "2MASS").pm_ra is None
    assert guess_columns(names, "GAIA").pm_ra == "pm_ra"
    assert guess_columns(names, "private").pm_ra == "pm_ra"


def test_motions_in_arcsec():
    made = table()
    made["pmRA"] = made["pmRA"] / 1000
    made["pmRA"].unit = "arcsec / yr"
    stream = io.StringIO()
    made.write(stream, format="ascii.ecsv")
    assert import_file(stream.getvalue().encode(), "GAIA").pm_ra_mas_yr[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("data", "catalogue", "columns", "error"),
    [
        (b"", "APASS", None, errors.EmptyFile),
        (b"<html></html>", "APASS", None, errors.MarkupSent),
        (b'<?xml version="1.0"?><VOTABLE version="1.4"></VOTABLE>', "APASS", None, errors.EmptyFile),
        (b'<?xml version="1.0"?><VOTABLE version="1.4">', "APASS", None, errors.NotACatalogue),
        (b"ra,dec,x\n1,2,3\n", "APASS", None, errors.MissingColumn),
        (b"a,b,V\n1,2,3\n", "private", None, errors.MissingColumn),
        (CSV.encode(), "x", "ra=RAJ2000,dec=DEJ2000,V=nothing", errors.MissingColumn),
        (CSV.encode(), "x", "ra=nothing,dec=DEJ2000,V=Vmag", errors.MissingColumn),
        (b"ra,dec,V\n1,2,99.99\n", "x", None, errors.NoUsableStars),
        (CSV.encode(), "../secrets", None, errors.BadField),
        (CSV.encode(), "..", None, errors.BadField),
        (CSV.encode(), "", None, errors.BadField),
    ],
)
def test_bad_files_and_names(data, catalogue, columns, error):
    with pytest.raises(error):
        import_file(data, catalogue, columns)


def test_names_in_any_spelling():
    assert catalogue_name("gaia-dr3") == "GAIA"
    assert catalogue_name(" gaiasp ") == "GaiaSP"
    assert catalogue_name("M67 standards") == "M67 standards"


def test_imported_and_asked_for_in_any_spelling(tmp_path):
    store = TileStore(FolderBlobs(tmp_path))
    stars = import_file(CSV.encode(), "ogle-iii")
    assert store.add(stars) == store.summary()[0].tiles
    assert [(item.catalogue, item.stars, item.whole_tiles) for item in store.summary()] == [("OGLE3", 2, 0)]
    assert store.cone("ogle3", 270.1, -30.1, 0.01).n == 1
    with pytest.raises(errors.ReferenceUnavailable):
        store.cone("OGLE3", 10.0, -30.0, 0.1)


# --- real files ---------------------------------------------------------------------------------

REAL = {
    ("catalogues/feder_ey_uma/all_apass_ey_uma.ecsv", "APASS"): (53, "B V g i r"),  # one of 54 has no magnitude at all
    ("catalogues/feder_ey_uma/all_refcat2_ey_uma.ecsv", "REFCAT2"): (170, "g i r z"),  # 17 are blends or variable
    ("catalogues/feder_ey_uma/all_refcat2_ey_uma.ecsv", "GAIA"): (187, "BP G RP"),
    ("catalogues/feder_ey_uma/all_refcat2_ey_uma.ecsv", "2MASS"): (133, "H J K"),
    ("catalogues/lco_ldac_xhbdf79/GAIA-DR2.cat", "GAIA"): (249, "G"),
    ("images/ctio13m_andicam_sn2019so/reference_stars.ecsv", "REFCAT2"): (57, "g i r z"),
    ("images/ctio13m_andicam_sn2019so/reference_stars.ecsv", "APASS"): (57, "B V g i r"),
    ("references/tycho2_hatp32.csv", "TYCHO2"): (123, "VT"),
    ("references/landolt_all.csv", "Landolt"): (930, "V"),
    ("references/lcogtsnpipe_landolt_L92_landolt_stetson.cat", "Landolt"): (462, "B I R U V"),
    ("images/ctio13m_andicam_sn2019so/reference_stars.ecsv", "2MASS"): (57, "H J K"),
    ("images/ctio13m_andicam_sn2019so/reference_stars.ecsv", "GAIA"): (56, "BP G RP"),
    ("images/small_cutouts/decam_gaia_chunk-05483.fits", "GAIADR2"): (884, "BP G RP"),
    ("images/small_cutouts/sdss_photoObj-001000-1-0100.fits", "SDSS"): (9, "g i r u z"),
    ("references/vizier_UCAC4_299.59+35.20.csv", "UCAC4"): (1607, "B V a f g i r"),
    ("references/vizier_PPMXL_299.59+35.20.csv", "USNO"): (737, "B1pg B2pg Ipg R1pg R2pg"),
    ("catalogues/lco_banzai_matched/cpt1m012-fa06-20200113-0102-matched-cat.fits", "REFCAT2"): (2752, "g i r z"),
}


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "catalogue"), REAL)
def test_real_files(realdata: Path, tmp_path: Path, name: str, catalogue: str):
    n, bands = REAL[name, catalogue]
    stars = import_file((realdata / name).read_bytes(), catalogue)
    assert (stars.n, " ".join(sorted(stars.filters))) == (n, bands)
    store = TileStore(FolderBlobs(tmp_path))
    store.add(stars)
    middle = store.cone(catalogue, stars.ra_deg[0], stars.dec_deg[0], 0.05)
    assert middle.n >= 1
    assert sum(item.stars for item in store.summary()) == pytest.approx(
        n, abs=n / 50
    )  # twins within 0.5 arcsec are one
