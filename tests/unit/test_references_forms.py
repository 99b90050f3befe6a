"""Files of reference stars in the forms in which people keep them."""

from __future__ import annotations

import bz2
import gzip
import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.table import MaskedColumn, Table

from cpcs import errors
from photocal.references import FolderBlobs, TileStore, import_file
from photocal.references.declared import finished
from photocal.references.units import without_unit

RA, DEC = [83.323458, 83.4, 83.5], [-70.697639, -70.7, -70.8]
V, ERR = [15.011, 16.5, 17.0], [0.01, 0.02, 0.03]


def plain(delimiter=",", names=("ra", "dec", "V", "e_V"), rows=None):
    rows = rows or zip(RA, DEC, V, ERR, strict=True)
    return "\n".join([delimiter.join(names), *(delimiter.join(map(str, row)) for row in rows)]) + "\n"


def votable(tabledata_format):
    table = Table({"RAJ2000": RA, "DEJ2000": DEC, "Vmag": MaskedColumn(V, mask=[False, False, True])})
    table["Qflg"] = ["AAA", "UUU", "AAA"]
    stream = io.BytesIO()
    from_table(table).to_xml(stream, tabledata_format=tabledata_format)
    return stream.getvalue()


def check(stars, n=3, band="V"):
    np.testing.assert_allclose(stars.ra_deg, RA[:n], atol=2e-5)
    np.testing.assert_allclose(stars.dec_deg, DEC[:n], atol=2e-5)
    np.testing.assert_allclose(stars.bands[band][0], V[:n], atol=1e-6)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " ", "   "])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
@pytest.mark.parametrize("comment", ["", "# made by hand\n# on a rainy night\n"])
def test_separators_comments_and_packing(delimiter, pack, comment):
    stars = import_file(pack((comment + plain(delimiter)).encode()), "mine")
    check(stars)
    np.testing.assert_allclose(stars.bands["V"][1], ERR)


@pytest.mark.parametrize("tabledata_format", ["tabledata", "binary", "binary2"])
def test_votables_of_every_serialisation(tabledata_format):
    check(import_file(votable(tabledata_format), "APASS"), n=2)  # the third magnitude is masked


def test_texts_of_votables_and_fits_are_read_for_flags():
    table = Table({"RAJ2000": RA, "DEJ2000": DEC, "Jmag": V, "e_Jmag": ERR, "Qflg": ["AAA", "UAA", ""]})
    for fmt in ("fits", "votable", "ascii.ecsv"):
        stream = io.StringIO() if fmt == "ascii.ecsv" else io.BytesIO()
        table.write(stream, format=fmt)
        data = stream.getvalue()
        stars = import_file(data.encode() if isinstance(data, str) else data, "2MASS")
        assert stars.n == 1  # UAA is a limit in J, and a blank is no quality


def test_fits_with_masked_and_nan_values():
    table = Table({"RA": RA, "DEC": DEC, "V": [15.011, np.nan, 17.0], "e_V": MaskedColumn([1, 2, 3], mask=[0, 1, 0])})
    stream = io.BytesIO()
    table.write(stream, format="fits")
    stars = import_file(stream.getvalue(), "mine", "ra=RA,dec=DEC,V=V")
    assert stars.n == 2
    np.testing.assert_array_equal(stars.bands["V"][1], 0.05)


@pytest.mark.parametrize(
    ("ra", "dec", "names"),
    [
        ("05:33:17.63", "-70:41:51.5", ("ra", "dec")),
        ("05 33 17.63", "-70 41 51.5", ("RAJ2000", "DEJ2000")),
        ("05h33m17.63s", "-70d41m51.5s", ("RA", "DEC")),
        ("83d19m24.45s", "-70d41m51.5s", ("RA", "DEC")),
        ("5.554897", "-70.697639", ("RA (h)", "DEC (deg)")),
        ("83.323458", "-70.697639", ("RA[deg]", "DEC[deg]")),
        ("1.45426868", "-1.23390657", ("RA (rad)", "DEC (rad)")),
    ],
)
def test_angles_as_they_are_written(ra, dec, names):
    text = plain(",", (*names, "V (mag)", "e_V (mag)"), [(ra, dec, 15.011, 0.01)])
    stars = import_file(text.encode(), "mine")
    check(stars, n=1)
    assert stars.bands["V"][1][0] == pytest.approx(0.01)


def test_angles_as_text_in_fits_and_votable():
    table = Table({"RA": ["05:33:17.63"], "DEC": ["-70:41:51.5"], "V": [15.011]})
    for fmt in ("fits", "votable"):
        stream = io.BytesIO()
        table.write(stream, format=fmt)
        check(import_file(stream.getvalue(), "mine"), n=1)


@pytest.mark.parametrize(
    ("unit", "value"), [("mas/yr", 1.5), ("arcsec/yr", 0.0015), ("arcsec.yr-1", 0.0015), ("uas/yr", 1500.0), ("", 1.5)]
)
def test_units_of_proper_motion(unit, value):
    names = ("ra", "dec", "Gmag", f"pmRA [{unit}]" if unit else "pmRA", f"pmDE [{unit}]" if unit else "pmDE")
    stars = import_file(plain(",", names, [(10.0, 20.0, 15.0, value, -value)]).encode(), "GAIA")
    assert (stars.pm_ra_mas_yr[0], stars.pm_dec_mas_yr[0]) == pytest.approx((1.5, -1.5))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("e_V (mmag)", (12, 20), (0.012, 0.020)),
        ("e_V [cmag]", (1, 2), (0.01, 0.02)),
        ("e_V (mag)", (0.01, 0.02), (0.01, 0.02)),
        ("e_V", (0.01, 0.02), (0.01, 0.02)),
    ],
)
def test_units_of_errors(name, values, expected):
    text = plain(",", ("ra", "dec", "V", name), [(10.0, 20.0, 15.0, values[0]), (10.1, 20.0, 16.0, values[1])])
    np.testing.assert_allclose(import_file(text.encode(), "mine").bands["V"][1], expected)


def test_ucac4_without_units_gives_hundredths():
    names = ("RAJ2000", "DEJ2000", "f.mag", "Vmag", "e_Vmag", "f_Vmag")
    rows = [(10.0, 20.0, 15.1, 15.0, 4, "."), (10.1, 20.0, 15.2, 15.3, 1, "-"), (10.2, 20.0, 15.3, "", "", "")]
    stars = import_file(plain(",", names, rows).encode(), "ucac4")
    np.testing.assert_allclose(stars.bands["V"][1], [0.04, np.nan, np.nan])
    np.testing.assert_allclose(stars.bands["f"][0], [15.1, 15.2, 15.3])
    in_magnitudes = plain(",", names, [(10.0, 20.0, 15.1, 15.0, 0.04, ".")])
    assert import_file(in_magnitudes.encode(), "UCAC4").bands["V"][1][0] == pytest.approx(0.04)


VIZIER_TSV = """#
#   VizieR Astronomical Server vizier.cds.unistra.fr
#Column\tRAJ2000\t(F10.6)\tRight ascension\t[ucd=pos.eq.ra;meta.main]
RAJ2000\tDEJ2000\tVmag\te_Vmag\tr'mag\te_r'mag
deg\tdeg\tmag\tmag\tmag\tmmag
----------\t----------\t------\t-----\t------\t-----
 83.323458\t-70.697639\t15.011\t0.010\t14.500\t   20
 83.400000\t-70.700000\t16.500\t0.020\t      \t     
 83.500000\t-70.800000\t17.000\t0.030\t16.500\t   40

#   a second table
RAJ2000\tDEJ2000\tother
deg\tdeg\tkm
---------\t---------\t----
 1.000000\t2.000000\t3.0
"""  # noqa: W291  (VizieR's blanks)


def test_the_text_that_vizier_gives():
    stars = import_file(VIZIER_TSV.encode(), "apass")
    check(stars)
    np.testing.assert_allclose(stars.bands["r"][1], [0.020, np.nan, 0.040])
    spaced = VIZIER_TSV.replace(" 83.323458\t-70.697639", "05 33 17.63\t-70 41 51.5")
    spaced = spaced.replace("\ndeg\tdeg", '\n"h:m:s"\t"d:m:s"')
    assert import_file(spaced.encode(), "apass").ra_deg[0] == pytest.approx(83.323458, abs=2e-5)


OGLE_MAP = """    1 05:33:17.63 -70:41:51.5 1148.89   12.42 15.011  0.998 14.013  40 0 0.012 401 2 0.008
    2 05:33:18.00 -70:42:51.5 1158.89   22.42 99.999  9.999 18.500   0 0 9.999 300 1 0.090
    3 05:33:19.00 -70:43:51.5 1168.89   32.42 19.500  0.500 19.000  -1 0 0.150 200 0 0.120
"""


@pytest.mark.parametrize("columns", [None, "ra=2,dec=3,V=6:11,I=8:14"])
def test_an_ogle_map_as_it_is_published(columns):
    stars = import_file(OGLE_MAP.encode(), "OGLE-III", columns)
    assert stars.catalogue == "OGLE3"
    np.testing.assert_allclose(stars.ra_deg, [83.323458, 83.325, 83.329167], atol=1e-5)
    np.testing.assert_allclose(stars.bands["V"][0], [15.011, np.nan, 19.5])
    np.testing.assert_allclose(stars.bands["I"][1], [0.008, 0.090, 0.120])


def test_columns_by_number_of_a_file_without_names():
    text = "1 83.323458 -70.697639 15.011 x 7 8 9 .01\n2 83.4 -70.7 16.5 y 7 8 9 .02\n3 83.5 -70.8 17.0 z 7 8 9 .03\n"
    check(import_file(text.encode(), "mine", "ra=2,dec=3,V=4:9"))
    with pytest.raises(errors.MissingColumn):
        import_file(text.encode(), "mine", "ra=2,dec=3,V=12")
    with pytest.raises(errors.MissingColumn):
        import_file(text.encode(), "mine")


def test_columns_by_number_of_a_file_with_names():
    check(import_file(plain().encode(), "mine", "ra=1,dec=2,V=3:4"))


@pytest.mark.parametrize("extra", ["pmra=x,pmdec=y", "epoch=when", "epoch=1e400", "epoch=99"])
def test_columns_that_are_named_must_be_there(extra):
    with pytest.raises(errors.MissingReferenceColumn):
        import_file(plain().encode(), "mine", f"ra=ra,dec=dec,V=V:e_V,{extra}")
    with pytest.raises(errors.MissingReferenceColumn, match="nothing"):
        import_file(plain().encode(), "mine", "ra=ra,dec=dec,V=V:nothing")


def test_the_epoch_is_a_year_or_a_column_by_name_or_place():
    text = plain(",", ("ra", "dec", "V", "pmra", "pmdec", "when"), [(10.0, 20.0, 15.0, 5.0, -5.0, 2015.5)])
    for epoch in ("when", "6", "2015.5"):
        stars = import_file(text.encode(), "mine", f"ra=ra,dec=dec,V=V,pmra=pmra,pmdec=5,epoch={epoch}")
        assert (stars.epoch_yr, stars.pm_ra_mas_yr[0], stars.pm_dec_mas_yr[0]) == (2015.5, 5.0, -5.0)


def test_positions_that_are_no_numbers_are_left_out():
    text = plain(rows=[(*RA[:1], *DEC[:1], 15.011, 0.01), ("inf", 20.0, 15.0, 0.01), ("nan", 20.0, 15.0, 0.01)])
    check(import_file(text.encode(), "mine"), n=1)


IRAF = """# BEGIN CATALOG HEADER
#
# nfields 5
#     id    1  0 d INDEF %20.5f
#     ra    2  0 d degrees %10.5f
#     dec   3  0 d degrees %10.5f
#     V     4  0 r INDEF %6.2f
#     Verr  5   0 r INDEF %6.2f
# END CATALOG HEADER
#
L92-245  83.323458 -70.697639 15.011 0.01  31 62
L92-248  83.4      -70.7      16.5   0.02  11 57
L92-249  83.5      -70.8      17.0   0.03  29 78
"""


def test_a_catalogue_of_standards_as_iraf_writes_them():
    stars = import_file(IRAF.encode(), "Landolt")
    check(stars)
    np.testing.assert_allclose(stars.bands["V"][1], ERR)


def test_one_file_with_the_columns_of_many():
    names = "ra decl pm_ra pm_dec gaia_mag gaia_bp_mag gaia_rp_mag"
    names += " B_mag V_mag H_mag J_mag K_mag g_mag r_mag i_mag z_mag"
    row = (10.0, 20.0, 5.0, -5.0, 16.0, 16.5, 15.4, 17.0, 16.2, 14.0, 14.5, 13.9, 16.6, 16.0, 15.8, 15.7)
    data = plain(" ", names.split(), [row]).encode()
    expected = {
        "APASS": {"B": 17.0, "V": 16.2, "g": 16.6, "r": 16.0, "i": 15.8},
        "REFCAT2": {"g": 16.6, "r": 16.0, "i": 15.8, "z": 15.7},
        "2MASS": {"H": 14.0, "K": 13.9, "J": 14.5},
        "GAIA": {"G": 16.0, "BP": 16.5, "RP": 15.4},
    }
    for name, magnitudes in expected.items():
        stars = import_file(data, name)
        assert {band: float(mag[0]) for band, (mag, _) in stars.bands.items()} == magnitudes
        assert (stars.pm_ra_mas_yr is not None) == (name in {"REFCAT2", "GAIA"})
        assert np.isfinite(finished(stars).bands[next(iter(magnitudes))][1]).all()
    assert {"G", "BP", "RP", "B", "V", "J"} <= set(import_file(data, "mine").filters)


def test_sdss_photoobj_keeps_its_five_filters_in_one_column():
    vectors = [[19.0, 17.5, 17.0, 16.8, 16.7], [20.0, 18.5, 18.0, 17.8, 17.7]]
    columns = [
        fits.Column(name="MODE", format="B", array=[1, 2]),
        fits.Column(name="RA", format="D", array=RA[:2]),
        fits.Column(name="DEC", format="D", array=DEC[:2]),
        fits.Column(name="PSFMAG", format="5E", array=vectors),
        fits.Column(name="PSFMAGERR", format="5E", array=[[0.05, 0.02, 0.01, 0.02, 0.03]] * 2),
    ]
    stream = io.BytesIO()
    fits.BinTableHDU.from_columns(columns).writeto(stream)
    stars = import_file(stream.getvalue(), "SDSS")
    assert stars.n == 1  # the second is no primary observation
    np.testing.assert_allclose([stars.bands[band][0][0] for band in "ugriz"], vectors[0], rtol=1e-6)
    one = import_file(stream.getvalue(), "mine", "ra=RA,dec=DEC,r=PSFMAG[2]:PSFMAGERR[2]")
    np.testing.assert_allclose(one.bands["r"], [[17.0, 18.0], [0.01, 0.01]], rtol=1e-6)
    with pytest.raises(errors.NoUsableStars):
        import_file(stream.getvalue(), "mine", "ra=RA,dec=DEC,r=PSFMAG[7]")


def test_the_archive_of_gaia_gives_signal_to_noise():
    text = "ra,dec,phot_g_mean_mag,phot_g_mean_flux_over_error\n1,2,15,100\n"
    assert import_file(text.encode(), "GAIA").bands["G"][1][0] == pytest.approx(0.010857, rel=1e-4)


@pytest.mark.parametrize("catalogue", ["apass", "APASS", "Apass9", "2mass", "My own stars", "M67+"])
def test_imported_twice_changes_nothing(tmp_path, catalogue):
    rows = [(*row, 14.0, 0.02) for row in zip(RA, DEC, V, ERR, strict=True)]
    text = plain(",", ("ra", "dec", "V", "e_V", "Jmag", "e_Jmag"), rows)
    store = TileStore(FolderBlobs(tmp_path))
    store.add(import_file(text.encode(), catalogue))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.stars")}
    store.add(import_file(text.encode(), catalogue))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.stars")} == before
    assert before


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", errors.EmptyFile),
        (b"# nothing but a comment\n", errors.EmptyFile),
        (b"ra,dec,V\n", errors.EmptyFile),
        (b"x,y,V\n1,2,3\n", errors.MissingColumn),
        (b"ra,dec,name\n1,2,a\n", errors.MissingColumn),
        (b"ra,dec,V,e_V\n1,2,99.99,99.99\n3,4,-999,-999\n", errors.NoUsableStars),
        (b"ra,dec,V\n1,2,\n", errors.NoUsableStars),
        (b"ra,dec,V\n400,2,15\n", errors.NoUsableStars),
        (b"PAR1\x15\x04\x15\x80\x00\x00PAR1", errors.NotACatalogue),
        (b"PK\x03\x04rest", errors.NotACatalogue),
        (b'{"data": []}', errors.NotACatalogue),
        (b"\x1f\x8b\x08\x00broken", errors.NotACatalogue),
    ],
)
@pytest.mark.parametrize("catalogue", ["APASS", "mine"])
def test_what_cannot_be_imported_has_a_code(data, error, catalogue):
    with pytest.raises(error):
        import_file(data, catalogue)


def test_units_in_names():
    assert [without_unit(name) for name in ("RA (deg)", "Vmag[mag]", "g'mag", "PSFMAG[2]", "(x)", "E(BP/RP)corr")] == [
        "RA",
        "Vmag",
        "g'mag",
        "PSFMAG[2]",
        "(x)",
        "E(BP/RP)corr",
    ]


def test_a_private_catalogues_filters_get_their_usual_names():
    table = b"RA,DE,gpmag,rpmag,Vmag,RPmag\n150.1,2.2,15.1,14.8,15.0,14.2\n150.2,2.3,16.1,15.8,16.0,15.2\n"
    columns = "ra=RA,dec=DE,gp=gpmag,rp=rpmag,V=Vmag,RP=RPmag"
    assert set(import_file(table, "Mine", columns).bands) == {"g", "r", "V", "RP"}


@pytest.mark.parametrize("name", ["any", "ANY", "no"])
def test_a_catalogue_cannot_be_called_what_means_something_else(name):
    with pytest.raises(errors.BadField):
        import_file(b"ra,dec,V\n1,2,3\n", name)
