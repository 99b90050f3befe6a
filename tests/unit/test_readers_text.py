"""Text catalogues: every form observers send, and the ways they go wrong."""

from __future__ import annotations

import bz2
import gzip
import io

import numpy as np
import pytest
from astropy.table import Table

from cpcs import errors
from photocal.readers import Limits, read_catalogue

SEXTRACTOR = """\
#   1 NUMBER                 Running object number
#   2 ALPHA_J2000            Right ascension of barycenter (J2000)                      [deg]
#   3 DELTA_J2000            Declination of barycenter (J2000)                          [deg]
#   4 MAG_APER               Fixed aperture magnitude vector                            [mag]
#   7 MAGERR_APER            RMS error vector for fixed aperture mag.                   [mag]
#  10 FLAGS                  Extraction flags
#  11 X_IMAGE                Object position along x                                    [pixel]
#  12 Y_IMAGE                Object position along y                                    [pixel]
         1 285.1000000 +11.1000000 -7.1 -7.2 -7.3 0.01 0.02 0.03 0 101.5 201.5
         2 285.2000000 +11.2000000 -6.1 -6.2 -6.3 0.04 0.05 0.06 4 102.5 202.5
         3 285.3000000 +11.3000000 99.0 99.0 99.0 99.0 99.0 99.0 0 103.5 203.5
"""
FOUR = "285.1 11.1 15.5 0.01\n285.2 11.2 16.5 0.02\n"
BHTOM = "1 285.1 11.1 10 20 15.5 0.01\n999999 285.2 11.2 30 40 16.5 0.02\n"


def read(text: str | bytes):
    return read_catalogue(text if isinstance(text, bytes) else text.encode())


def test_sextractor_with_vector_columns_takes_the_first_element():
    stars = read(SEXTRACTOR)
    assert stars.meta.format == "sextractor-ascii"
    np.testing.assert_array_equal(stars.inst_mag, [-7.1, -6.1])
    np.testing.assert_array_equal(stars.inst_mag_err, [0.01, 0.04])
    np.testing.assert_array_equal(stars.flags, [0, 4])
    np.testing.assert_array_equal(stars.x, [100.5, 101.5])
    np.testing.assert_array_equal(stars.number, [1, 2])
    assert stars.meta.n_rows == 3
    assert stars.meta.columns["mag"] == "MAG_APER"


@pytest.mark.parametrize(
    "text",
    [
        FOUR,
        FOUR.replace(" ", "\t"),
        FOUR.replace(" ", ","),
        FOUR.replace(" ", ";"),
        FOUR.replace("\n", "\r\n"),
        FOUR.replace("\n", "\r"),
        "# made by hand\n" + FOUR,
        "RA DEC MAG MAGERR\n" + FOUR,
        "#RA DEC MAG MAGERR\n" + FOUR,
        "# ra_deg dec_deg mag mag_err\n\n" + FOUR,
        "ra,dec,mag,magerr\n" + FOUR.replace(" ", ","),
        "# ra,dec,mag,magerr\n" + FOUR.replace(" ", ","),
        '"degRA";"degDec";"InstMag";"InstMagSigma"\n' + FOUR.replace(" ", ";"),
        "name,RAJ2000,DEJ2000,mag,e_mag\n"
        + "".join(f'"a, b",{line.replace(" ", ",")}\n' for line in FOUR.split("\n")[:2]),
        "# 1 X_WORLD x [deg]\n# 2 Y_WORLD y [deg]\n# 3 MAG_PSF m [mag]\n# 4 MAGERR_PSF e [mag]\n" + FOUR,
        FOUR.replace("0.01", "1.0D-02"),
        "\ufeff" + FOUR,
        FOUR.encode("utf-16"),
        b"# \xe9t\xe9\n" + FOUR.encode(),
        gzip.compress(FOUR.encode()),
        gzip.compress(FOUR[:21].encode()) + gzip.compress(FOUR[21:].encode()),
        bz2.compress(FOUR.encode()),
        bz2.compress(FOUR[:21].encode()) + bz2.compress(FOUR[21:].encode()),
        FOUR + "285.3 nan 15.5 0.01\n",
        FOUR + "285.3 11.3 99.99 9.99\n",
        FOUR + "285.3 11.3 inf 0.1\n",
        FOUR + "285.3 11.3 1e400 0.1\n",
        FOUR + "285.3 11.3 15.5 -1\n",
        FOUR + "400.0 11.3 15.5 0.1\n",
        FOUR + "285.3 91.0 15.5 0.1\n",
        FOUR + "285.3 11.\n",
        FOUR + "285.3 11.3 INDEF 0.1\n",
        "1 285.1 11.1 15.5 0.01\n2 285.2 11.2 16.5 0.02\n",
        BHTOM,
        "# NUMBER ALPHA_J2000 DELTA_J2000 XWIN_IMAGE YWIN_IMAGE MAG_AUTO MAGERR_AUTO\n" + BHTOM,
    ],
    ids=lambda text: repr(text[:40]),
)
def test_every_way_of_writing_the_same_two_stars(text):
    stars = read(text)
    np.testing.assert_allclose(stars.ra_deg, [285.1, 285.2], rtol=1e-15)
    np.testing.assert_allclose(stars.dec_deg, [11.1, 11.2], rtol=1e-15)
    np.testing.assert_array_equal(stars.inst_mag, [15.5, 16.5])
    np.testing.assert_array_equal(stars.inst_mag_err, [0.01, 0.02])


@pytest.mark.parametrize("mag", ["MAG_AUTO", "MAG_BEST", "MAG_APER_3", "mag_inst_R", "Mag", "inst_mag", "MAG_ISOCOR"])
def test_names_of_magnitudes(mag):
    error = {"mag_inst_R": "mag_error", "Mag": "MagErr", "inst_mag": "inst_mag_err"}.get(
        mag, mag.replace("MAG_", "MAGERR_")
    )
    stars = read(f"ALPHAWIN_J2000,DELTAWIN_J2000,{mag},{error}\n" + FOUR.replace(" ", ","))
    assert stars.meta.columns["mag"] == mag
    assert stars.meta.columns["mag_err"] == error


def test_positions_are_taken_in_pairs_and_in_order():
    names = "X_WORLD,Y_WORLD,ALPHA_J2000,DELTAPSF_J2000,MAG,MAGERR\n"
    stars = read(names + "1,2,3,4,15,0.1\n")
    assert (stars.ra_deg[0], stars.dec_deg[0]) == (1.0, 2.0)


def test_fluxes_become_magnitudes():
    stars = read("ra,dec,FLUX_AUTO,FLUXERR_AUTO\n1,2,100,1\n1,3,-5,1\n1,4,0,1\n")
    np.testing.assert_allclose(stars.inst_mag, [-5.0])
    np.testing.assert_allclose(stars.inst_mag_err, [0.010857], rtol=1e-4)


def test_an_unmeasured_psf_column_gives_way():
    stars = read("ra,dec,MAG_PSF,MAGERR_PSF,MAG_APER,MAGERR_APER\n1,2,99,99,15,0.1\n1,3,99,99,16,0.1\n")
    assert stars.meta.columns["mag"] == "MAG_APER"


def test_a_column_measured_for_a_few_rows_gives_way_to_a_full_one():
    rows = "".join(f"1,{i},{15 if i == 0 else 99},0.1,16,0.1\n" for i in range(9))
    stars = read("ra,dec,MAG_AUTO,MAGERR_AUTO,MAG_APER,MAGERR_APER\n" + rows)
    assert (stars.meta.columns["mag"], stars.n) == ("MAG_APER", 9)
    rows = "".join(f"1,{i},{15 if i < 5 else 99},0.1,16,0.1\n" for i in range(9))
    assert read("ra,dec,MAG_AUTO,MAGERR_AUTO,MAG_APER,MAGERR_APER\n" + rows).meta.columns["mag"] == "MAG_AUTO"


@pytest.mark.parametrize(("errors", "chosen"), [((5, 4, 4.2, 9), 3), ((9, 8, 7, 6), 4), ((1, 3, 4, 5), 1)])
def test_of_numbered_apertures_the_largest_of_little_noise(errors, chosen):
    names = ",".join(f"fluxaper{k},fluxerr{k}" for k in range(1, 5))
    values = ",".join(f"1000,{error}" for error in errors)
    stars = read(f"ra,dec,flux,fluxerr,{names}\n1,2,1000,50,{values}\n1,3,-5,50,{values}\n")
    assert (stars.meta.columns["mag"], stars.n) == (f"fluxaper{chosen}", 2)
    assert stars.meta.columns["mag_err"] == f"fluxerr{chosen}"
    with_mag = read(f"ra,dec,MAG_AUTO,MAGERR_AUTO,{names}\n1,2,15,0.1,{values}\n")
    assert with_mag.meta.columns["mag"] == "MAG_AUTO"


def test_apertures_nobody_measured_leave_the_flux():
    stars = read("ra,dec,flux,fluxerr,fluxaper1,fluxerr1,fluxaper2,fluxerr2\n1,2,100,5,-1,1,-1,1\n")
    assert stars.meta.columns["mag"] == "flux"


def test_a_lone_quotation_mark_costs_its_own_row_only():
    rows = "".join(f"1,{i % 80},15,0.1,{chr(34) if i == 3 else 'ok'}\n" for i in range(2000))
    assert read("ra,dec,mag,magerr,remark\n" + rows).n == 2000
    rows = "".join(f"1,{i % 80},15,0.1,R,{chr(34) * (i == 3)}{'x' * 200}\n" for i in range(2000))
    stars = read("ra,dec,mag,magerr,filter,remark\n" + rows)
    assert (stars.n, stars.meta.header["FILTER"]) == (2000, "R")


def test_an_ellipsis_of_old_windows_does_not_end_a_line():
    assert read(b"# made by hand\x85 1 2 3\n" + FOUR.encode()).n == read(FOUR).n


def test_an_error_rounded_to_nothing_is_a_thousandth():
    assert read(FOUR.replace("0.01", "0.0000")).inst_mag_err[0] == 0.001


def test_hours_only_where_said_so():
    ecsv = (
        "# %ECSV 1.0\n# ---\n# datatype:\n"
        "# - {name: ra, unit: hourangle, datatype: float64}\n# - {name: dec, unit: deg, datatype: float64}\n"
        "# - {name: mag, unit: mag, datatype: float64}\n# - {name: mag_err, datatype: float64}\n"
        "# schema: astropy-2.0\nra dec mag mag_err\n19.0 11.0 15.5 0.1\n"
    )
    assert read(ecsv).ra_deg[0] == 285.0
    assert read(ecsv.replace("unit: hourangle, ", "")).ra_deg[0] == 19.0
    assert read("ra,dec,mag,magerr\n19:00:00.0,-00:30:00,15,0.1\n").ra_deg[0] == 285.0
    assert read("ra,dec,mag,magerr\n19:00:00.0,-00:30:00,15,0.1\n").dec_deg[0] == -0.5


def test_ecsv_of_astropy_with_units_on_their_own_lines():
    table = Table(
        {"RA_ICRS": [-1.0, 2.0], "DE_ICRS": [3.0, 4.0], "mag": [1.5, 2.5], "e_mag": [0.1, 0.1], "n": ["a b", ""]}
    )
    table["RA_ICRS"].unit = "deg"
    table["RA_ICRS"].description = "Right ascension, of the 'centre'"
    for delimiter in (" ", ","):
        stars = read(_ecsv(table, delimiter))
        assert stars.meta.format == "ecsv"
        np.testing.assert_array_equal(stars.ra_deg, [359.0, 2.0])


def _ecsv(table, delimiter):
    text = io.StringIO()
    table.write(text, format="ascii.ecsv", delimiter=delimiter)
    return text.getvalue()


def test_cards_in_comments_and_constant_columns():
    stars = read("# FILTER = r\n# EXPTIME: 60\n# MJD-OBS = 58000.5\n# nonsense = 1\n" + FOUR)
    assert stars.meta.header == {"FILTER": "r", "EXPTIME": "60", "MJD-OBS": "58000.5"}
    stars = read("ra,dec,mag,magerr,filter,exposure\n1,2,15,0.1,V,90\n1,3,15,0.1,V,91\n")
    assert stars.meta.header == {"FILTER": "V"}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", errors.EmptyFile),
        (b" \n\n \t\n", errors.EmptyFile),
        (b"# only\n# comments\n", errors.EmptyFile),
        (b"ra,dec,mag,magerr\n", errors.EmptyFile),
        (SEXTRACTOR[: SEXTRACTOR.index("         1")].encode(), errors.EmptyFile),
        (b"<!DOCTYPE html><html><body>Login</body></html>", errors.MarkupSent),
        (b"\n <html>", errors.MarkupSent),
        (b'<?xml version="1.0"?><VOTABLE></VOTABLE>', errors.MarkupSent),
        (b'{"error": "no"}', errors.NotACatalogue),
        (b"/etc/passwd", errors.NotACatalogue),
        (b"http://169.254.169.254/latest/meta-data", errors.NotACatalogue),
        (b"1 2 3\n4 5 6\n", errors.NotACatalogue),
        (b"500 95 15 0.1\n", errors.NotACatalogue),
        (b"1\x002\x003\n", errors.NotACatalogue),
        (b"PK\x03\x04....", errors.UnknownPacking),
        (b"\x1f\x9d....", errors.UnknownPacking),
        (b"\x1f\x8bgarbage", errors.BrokenPacking),
        (gzip.compress(FOUR.encode())[:-9], errors.BrokenPacking),
        (bz2.compress(FOUR.encode())[:-9], errors.BrokenPacking),
        (b"BZhgarbage", errors.BrokenPacking),
        (gzip.compress(bytes(30 * 2**20)), errors.BombSent),
        (bz2.compress(bytes(30 * 2**20)), errors.BombSent),
        (gzip.compress(gzip.compress(FOUR.encode())), errors.PackedTwice),
        (gzip.compress(b"1 2 3 4\n") * 5001, errors.BombSent),
        (b"ra,dec,mag\n1,2,15\n", errors.MissingColumn),
        (b"x,y,mag,magerr\n1,2,15,0.1\n", errors.MissingColumn),
        (b"ra,dec\n1,2\n", errors.MissingColumn),
        (b"ra,dec,mag,magerr\n500,2,15,0.1\n", errors.NoUsableStars),
        (b"ra,dec,mag,magerr\n5,2,99,99\n", errors.NoUsableStars),
        (b"ra,dec,mag,magerr\n5,2,15,-1\n", errors.NoUsableStars),
        (b"ra,dec,mag,magerr\nfive,two,x,y\n", errors.NoUsableStars),
        (b"1 2 15 0.1\n" * 200_001, errors.TooManyRows),
        (b"1 " * 5000, errors.TooManyRows),
        (b",".join(b"c%d" % i for i in range(500)) + b"\n1,2\n", errors.TooManyRows),
        (b"x" * (20 * 2**20 + 1), errors.TooManyRows),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else value.__name__,
)
def test_bad_input_has_its_own_name(data, error):
    with pytest.raises(error) as caught:
        read_catalogue(data)
    assert type(caught.value) is error
    assert caught.value.message
    assert caught.value.hint


def test_the_missing_is_named():
    with pytest.raises(errors.MissingColumn, match="RA and Dec"):
        read("x,y,mag,magerr\n1,2,15,0.1\n")
    with pytest.raises(errors.MissingColumn, match="the magnitude's error"):
        read("ra,dec,mag\n1,2,15\n")


def test_limits_can_be_set():
    with pytest.raises(errors.TooManyRows):
        read_catalogue(FOUR.encode(), Limits(lines=1))
