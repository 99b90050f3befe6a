"""Where headers point: hours and degrees, equinoxes, coordinate systems that cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from photocal.headers.linear import ImpossibleWcs, linear_wcs, wcs_cards
from photocal.headers.positions import angle, packed
from photocal.headers.standard import Given, How, Level, StandardHeader
from photocal.headers.understand import standardise
from tests.support.headers import header_of

TAN = (
    "CTYPE1 = 'RA---TAN'",
    "CTYPE2 = 'DEC--TAN'",
    "CRPIX1 = 512.5",
    "CRPIX2 = 512.5",
    "NAXIS1 = 1024",
    "NAXIS2 = 1024",
)
MATRIX = ("CD1_1 = -1e-4", "CD1_2 = 0", "CD2_1 = 0", "CD2_2 = 1e-4")


def understood(*lines: str, **given_: object) -> StandardHeader:
    return standardise(header_of(*lines), given=Given(**given_))


def codes(standard: StandardHeader) -> dict[str, Level]:
    return {remark.code: remark.level for remark in standard.remarks}


@pytest.mark.parametrize(
    ("text", "value", "sexagesimal", "marks"),
    [
        ("10 00 50.5", 10.0140278, True, ""), ("10h00m50.5s", 10.0140278, True, "h"), ("12:30", 12.5, True, ""),
        (" 22:04:08", 22.0688889, True, ""), ("-00:55:31", -0.9252778, True, ""), ("+41d16m", 41.2666667, True, "d"),
        ("+41\u00b016'09\"", 41.2691667, True, "d"), ("5h 35.5m", 5.5916667, True, "h"), ("150.25", 150.25, False, ""),
        ("1.5D2", 150.0, False, ""), ("150.25 deg", 150.25, False, "d"), ("10h", 10.0, False, "h"),
        ("-0:0:36", -0.01, True, ""), ("34 12 11 S", -34.2030556, True, ""),
    ],
)  # fmt: skip
def test_angles_of_every_form(text: str, value: float, sexagesimal: bool, marks: str) -> None:
    read = angle(text)
    assert read is not None
    assert (read.value, read.sexagesimal, read.marks) == (pytest.approx(value), sexagesimal, marks)


@pytest.mark.parametrize("text", ["", "abc", "10:75:00", "nan", "1e400", "10:20:30:40", "10 70", "T", "12:30 W"])
def test_what_is_no_angle(text: str) -> None:
    assert angle(text) is None


def test_digits_packed_into_one_number() -> None:
    assert packed("174050.004").value == pytest.approx(17 + 40 / 60 + 50.004 / 3600)
    assert packed("-305204.239").value == pytest.approx(-(30 + 52 / 60 + 4.239 / 3600))
    assert packed("196199.0") is None


@pytest.mark.parametrize(
    ("lines", "ra", "dec"),
    [
        (("RA = '10:00:50.5'", "DEC = '+02:13:51'"), 150.2104167, 2.2308333),
        (("RA = '10 00 50.5'", "DEC = '-02 13 51'"), 150.2104167, -2.2308333),
        (("RA = 150.2104167", "DEC = 2.2308333"), 150.2104167, 2.2308333),
        (("RA = 10.0140278 / hours", "DEC = 2.2308333"), 150.2104167, 2.2308333),
        (("RA = 10.0140278 / [deg]", "DEC = 2.2308333"), 10.0140278, 2.2308333),
        (("RA = 10.0140278", "DEC = 2.2308333"), 10.0140278, 2.2308333),
        (("RA = 10.0140278", "DEC = 2.2308333", "OBJCTRA = '10 00 50'", "OBJCTDEC = '+02 14'"), 150.2104167, 2.2308333),
        (("RA = 10.0140278", "DEC = 2.2308333", "RA_DEG = 150.21", "DEC_DEG = 2.23"), 150.2104167, 2.2308333),
        (("RA = 10.0140278 / 10:00:50.5 RA (J2000) pointing", "DEC = 2.2308333"), 150.2104167, 2.2308333),
        (("RA = 10.0140278 / 00:40:03.4 RA (J2000) pointing", "DEC = 2.2308333"), 10.0140278, 2.2308333),
        (("RA = '150:12:37.5' / degrees", "DEC = '02:13:51'"), 150.2104167, 2.2308333),
        (("RA = '10h00m50.5s'", "DEC = '+02d13m51s'"), 150.2104167, 2.2308333),
        (("RA = 2.62166635 / in radians", "DEC = 0.03893538 / in radians"), 150.210417, 2.230833),
        (("RA = 0", "DEC = 0", "OBJCTRA = '10 00 50.5'", "OBJCTDEC = '+02 13 51'"), 150.2104167, 2.2308333),
        (("ESO TEL TARG ALPHA = 100050.500", "ESO TEL TARG DELTA = 21351.0"), 150.2104167, 2.2308333),
        (("RA = -10.0", "DEC = 5.0"), 350.0, 5.0),
        (("RA = 400.0", "DEC = 5.0", "TELRA = '01:00:00'", "TELDEC = '+05:00:00'"), 15.0, 5.0),
    ],
)  # fmt: skip
def test_hours_and_degrees(lines: tuple[str, ...], ra: float, dec: float) -> None:
    standard = understood(*lines)
    assert standard.number("RA") == pytest.approx(ra, abs=1e-5)
    assert standard.number("DEC") == pytest.approx(dec, abs=1e-5)


def test_the_target_and_the_coordinate_system_decide_between_hours_and_degrees() -> None:
    lines = ("RA = 10.0140278", "DEC = 2.2308333")
    assert understood(*lines, target_ra_deg=150.2, target_dec_deg=2.2).number("RA") == pytest.approx(150.2104167)
    assert understood(*lines, target_ra_deg=10.0, target_dec_deg=2.2).number("RA") == pytest.approx(10.0140278)
    system = (*TAN, *MATRIX, "CRVAL1 = 150.2", "CRVAL2 = 2.23")
    assert understood(*lines, *system).number("RA") == pytest.approx(150.2104167)


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (("RA = 400", "DEC = 10"), "400"),
        (("RA = 100", "DEC = 95"), "95"),
        (("RA = 'N/A'", "DEC = 'N/A'"), "does not say"),
        (("RA = 'somewhere'", "DEC = 'up'"), "no position"),
        (("RA = 0.0", "DEC = 0.0"), "both 0"),
        (("RA = NaN", "DEC = 10"), "no position"),
    ],
)
def test_positions_that_cannot_be_are_missing(lines: tuple[str, ...], word: str) -> None:
    finding = understood("EXPTIME = 1", *lines).finding("RA")
    assert finding.how is How.MISSING
    assert word in finding.why


def test_equinoxes_are_brought_to_icrs() -> None:
    place = ("RA = '10:00:00'", "DEC = '+20:00:00'")
    old = SkyCoord("10h00m00s +20d00m00s", frame="fk4", equinox="B1950").icrs
    for line in ("EQUINOX = 1950.0", "EPOCH = 1950.0", "RADECSYS = 'FK4'", "EQUINOX = 'B1950'"):
        standard = understood(*place, line)
        found = SkyCoord(standard.number("RA"), standard.number("DEC"), unit="deg")
        assert found.separation(old).arcsec < 0.01, line
        assert standard.finding("RA").how is How.DERIVED
        assert "B1950" in standard.finding("RA").why
    assert understood(*place, "EPOCH = 2013.2").number("RA") == pytest.approx(150.0)  # of the observation
    recent = understood(*place, "EQUINOX = 2025.0")
    assert recent.number("RA") == pytest.approx(
        SkyCoord("10h +20d", frame="fk5", equinox="J2025").icrs.ra.deg, abs=1e-6
    )


def test_coordinates_of_date_need_the_date() -> None:
    place = ("RA = '10:00:00' / JNOW", "DEC = '+20:00:00'")
    moved = understood(*place, mjd=59215.0)
    of_date = SkyCoord("10h +20d", frame="fk5", equinox="J2021").icrs
    assert moved.number("RA") == pytest.approx(of_date.ra.deg, abs=1e-4)
    still = understood(*place)
    assert still.number("RA") == pytest.approx(150.0)
    assert "not known" in still.finding("RA").why
    assert understood("RA = '10:00:00'", "DEC = '+20:00:00'", "RADECSYS = 'GAPPT'", mjd=59215.0).number("RA") != 150.0


def test_galactic_coordinate_systems_point_somewhere() -> None:
    system = ("CTYPE1 = 'GLON-TAN'", "CTYPE2 = 'GLAT-TAN'", *TAN[2:], *MATRIX, "CRVAL1 = 0.0", "CRVAL2 = 0.0")
    standard = understood(*system)
    assert standard.number("RA") == pytest.approx(266.405, abs=1e-2)
    assert standard.number("ORIENTAT") is None  # north of the galaxy is not north


def test_the_middle_of_the_image_where_nothing_else_is_said() -> None:
    standard = understood(*TAN, *MATRIX, "CRVAL1 = 150.0", "CRVAL2 = 20.0")
    assert (standard.number("RA"), standard.number("DEC")) == (pytest.approx(150.0), pytest.approx(20.0))
    assert standard.finding("RA").how is How.DERIVED
    assert set(standard.wcs) >= {"CTYPE1", "CD1_1", "CRVAL2", "CRPIX1"}


def test_a_pointing_that_the_coordinate_system_contradicts() -> None:
    system = (*TAN, *MATRIX, "CRVAL1 = 150.0", "CRVAL2 = 20.0")
    near = understood(*system, "RA = '10:00:04'", "DEC = '+20:01:00'")
    assert "POSITION_AGAINST_WCS" not in codes(near)
    far = understood(*system, "RA = '10:10:00'", "DEC = '+20:00:00'")
    assert codes(far)["POSITION_AGAINST_WCS"] is Level.WARNING
    assert far.number("RA") == pytest.approx(150.0)
    aimed = understood(*system, "RA = '10:10:00'", "DEC = '+20:00:00'", target_ra_deg=152.5, target_dec_deg=20.0)
    assert aimed.number("RA") == pytest.approx(152.5)
    mosaic = understood(*system, "RA = '10:04:00'", "DEC = '+20:00:00'", "DETSIZE = '[1:20000,1:20000]'")
    assert "POSITION_AGAINST_WCS" not in codes(mosaic)


@pytest.mark.parametrize(
    "lines",
    [
        ("CD1_1 = 1e-4", "CD1_2 = 1e-4", "CD2_1 = 1e-4", "CD2_2 = 1e-4"),
        ("CD1_1 = 0", "CD1_2 = 0", "CD2_1 = 0", "CD2_2 = 0"),
        ("CD1_1 = NaN", "CD1_2 = 0", "CD2_1 = 0", "CD2_2 = 1e-4"),
        ("CD1_1 = 1e400", "CD1_2 = 0", "CD2_1 = 0", "CD2_2 = 1e-4"),
        ("CD1_1 = 10.0", "CD1_2 = 0", "CD2_1 = 0", "CD2_2 = 10.0"),
        ("CDELT1 = 1.0", "CDELT2 = 1.0"),
        ("CDELT1 = -1e-4", "CDELT2 = 1e-4", "CRVAL2 = 95"),
        ("CDELT1 = -1e-4", "CDELT2 = 1e-4", "CRVAL1 = 400"),
        ("CDELT1 = -1e-4", "CDELT2 = 1e-4", "CUNIT1 = 'furlong'"),
        ("CDELT1 = -1e-4", "CDELT2 = 1e-4", "CRPIX1 = 1e30"),
        ("CDELT1 = -1e-4", "CDELT2 = 1e-2"),
        ("CDELT1 = -1e-4", "CDELT2 = 1e-4", "A_ORDER = 99"),
        ("CDELT1 = -1e-4", "CDELT2 = 1e-4", "A_2_0 = 'x'"),
        ("CDELT1 = -1e-4", "CDELT2 = 1e-4", "PV1_1 = NaN"),
    ],
)
def test_coordinate_systems_that_cannot_be_are_not_taken(lines: tuple[str, ...]) -> None:
    standard = understood(*lines, *TAN, "CRVAL1 = 150", "CRVAL2 = 20", "PIXSCALE = 0.5")
    assert codes(standard)["IMPOSSIBLE_WCS"] is Level.WARNING
    assert standard.wcs == {}
    assert standard.finding("CRVAL1").how is How.MISSING
    assert "cannot be" in standard.finding("CTYPE1").why
    assert standard.number("CDELTA1") == 0.5
    assert standard.number("RA") is None


def test_axes_of_pixels_are_no_coordinate_system() -> None:
    standard = understood(
        "CTYPE1 = 'LINEAR'", "CTYPE2 = 'LINEAR'", "CRVAL1 = 0", "CRVAL2 = 0", "CDELT1 = 1", "CDELT2 = 1"
    )
    assert set(codes(standard)) == {"TIME_UNKNOWN"}
    assert standard.wcs == {}


@settings(max_examples=150, deadline=None)
@given(
    lon=st.floats(0.0, 359.9), lat=st.floats(-89.0, 89.0), turn=st.floats(-180.0, 180.0), scale=st.floats(1e-5, 1e-2),
    mirrored=st.booleans(), swapped=st.booleans(), x=st.floats(0.0, 200.0), y=st.floats(0.0, 200.0),
)  # fmt: skip
def test_the_linear_part_is_that_of_the_standard_library(
    lon: float, lat: float, turn: float, scale: float, mirrored: bool, swapped: bool, x: float, y: float
) -> None:
    cos, sin = scale * math.cos(math.radians(turn)), scale * math.sin(math.radians(turn))
    sign = 1.0 if mirrored else -1.0
    rows = [(sign * cos, sin), (-sign * sin, cos)]
    kinds, values = ["RA---TAN", "DEC--TAN"], [lon, lat]
    if swapped:
        rows, kinds, values = rows[::-1], kinds[::-1], values[::-1]
    lines = [f"CTYPE{i} = '{kinds[i - 1]}'" for i in (1, 2)]
    lines += [f"CRVAL{i} = {values[i - 1]!r}" for i in (1, 2)] + ["CRPIX1 = 100.0", "CRPIX2 = 90.0"]
    lines += [f"CD{i}_{j} = {rows[i - 1][j - 1]!r}" for i in (1, 2) for j in (1, 2)]
    linear = linear_wcs(header_of(*lines))
    assert linear is not None
    library = WCS(naxis=2)
    library.wcs.ctype, library.wcs.crval, library.wcs.crpix = kinds, values, [100.0, 90.0]
    library.wcs.cd = np.array(rows)
    expected = library.celestial.pixel_to_world(x, y)
    found = SkyCoord(*linear.at(x + 1.0, y + 1.0), unit="deg")
    assert found.separation(expected).arcsec < 1e-4
    ahead = SkyCoord(*linear.at(100.0, 90.01), unit="deg")
    angle_deg = SkyCoord(lon, lat, unit="deg").position_angle(ahead).wrap_at("180d").deg
    assert abs((linear.orientation_deg - angle_deg + 180.0) % 360.0 - 180.0) < 0.01
    assert linear.scales_arcsec == pytest.approx((scale * 3600.0, scale * 3600.0))


def test_the_cards_of_a_coordinate_system_are_those_of_the_first() -> None:
    header = header_of(
        *TAN, *MATRIX, "CRVAL1 = 1", "CRVAL2 = 2", "CRVAL1A = 5", "A_ORDER = 2", "A_2_0 = 1e-5", "PV1_1 = 'x'"
    )
    assert {"A_ORDER", "A_2_0", "CD2_2"} <= set(wcs_cards(header))
    assert not {"CRVAL1A", "PV1_1", "NAXIS1"} & set(wcs_cards(header))
    with pytest.raises(ImpossibleWcs):
        linear_wcs(header)
