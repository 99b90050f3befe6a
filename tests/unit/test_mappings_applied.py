"""What a mapping may say means the same when it is applied: lines of a table, and the header that they make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cpcs.mappings import check, parse_table
from photocal.headers.cards import Card, Header
from photocal.headers.standard import Given, StandardHeader
from photocal.headers.understand import standardise

LOIANO = {"LONGITUD": 11.336667, "LATITUDE": 44.259167}


def applied(lines: str, **cards: str) -> StandardHeader:
    mapping = check(replace(parse_table(lines), camera="c"))
    header = Header(tuple(Card(key=key.replace("_", "-"), value=value) for key, value in cards.items()))
    return standardise(header, mappings=[mapping], camera="c", given=Given())


def values(header: StandardHeader, *keywords: str) -> list[Any]:
    return [header.finding(keyword).value for keyword in keywords]


@pytest.mark.parametrize(
    ("longitude", "latitude"),
    [
        ("str : 11:20:12", "str : +44:15:33"),
        ("str : 11:20:12 E", "str : 44 15 33 N"),
        ("float : 11.336667 E", "float : 44.259167 N"),
        ("str : 11d20m12s", "str : 44\u00b015'33"),
        ("dd:mm:ss : 11:20:12", "dd:mm:ss : 44:15:33"),
        ("angle deg west : -11.336667", "float : 4.4259167D1"),
        ("angle dms west : E 11:20:12", "angle dms : N 44:15:33"),
        ("float : 1.1336667D1", "float : 44:15.55"),
    ],
)
def test_a_site_in_every_form(longitude: str, latitude: str) -> None:
    found = applied(f"x : - : LONGITUD : {longitude} : -\nx : - : LATITUDE : {latitude} : -")
    assert values(found, *LOIANO) == pytest.approx(list(LOIANO.values()), abs=1e-5)


def test_letters_of_the_other_hemisphere() -> None:
    found = applied("x : - : LONGITUD : str : 70 48 54 W : -\nx : - : LATITUDE : str : 30:10 S : -")
    assert values(found, *LOIANO) == pytest.approx([-70.815, -30.166667], abs=1e-5)
    of_file = applied("x : A : LONGITUD : str : -\nx : B : LATITUDE : str : -", A="70:48:54 W", B="30.25 S")
    assert values(of_file, *LOIANO) == pytest.approx([-70.815, -30.25], abs=1e-5)


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("ALTITUDE", "float : 785 m", 785.0),
        ("ALTITUDE", "float : 7.85D2", 785.0),
        ("ALTITUDE", "str : 2.4 km", 2400.0),
        ("ALTITUDE", "%s : 785", 785.0),
        ("GAIN", "float : 2.22 e-/ADU", 2.22),
        ("GAIN", "float : 0.5 ADU/e-", 2.0),
        ("SATURATE", "str : 6.5e4", 65000.0),
        ("RDNOISE", "float : 3.1 e-", 3.1),
        ("PIXSIZE1", "float : 0.02 mm", 20.0),
        ("CDELTA1", "float : 0.58 arcsec/pix", 0.58),
        ("CDELTA1", "float : -1.61e-4 deg/pix", 0.5796),
        ("EQUINOX", "str : J2000", 2000.0),
        ("BIN", "int : 2x1", "2x1"),
        ("EXPTIME", "float : 2 min", 120.0),
    ],
)
def test_a_fixed_value_with_its_unit(keyword: str, value: str, expected: float | str) -> None:
    assert values(applied(f"x : - : {keyword} : {value} : -"), keyword) == [pytest.approx(expected)]


@pytest.mark.parametrize(
    ("keyword", "form", "text", "expected"),
    [
        ("ALTITUDE", "str", "7.85D2", 785.0),
        ("ALTITUDE", "str", "2.4 km", 2400.0),
        ("EXPTIME", "str", "120.0", 120.0),
        ("GAIN", "string", "2.22", 2.22),
        ("CDELTA1", "float deg/pix", "1.25e-4", 0.45),
        ("CRVAL1", "str", "187.5", 187.5),
        ("CRVAL1", "str", "12:30:00", None),  # hours or degrees: angle hms says which
        ("CRVAL1", "hh:mm:ss", "12:30:00", 187.5),
        ("EQUINOX", "str", "J2000", 2000.0),
        ("JD", "str", "2458397.62345", 2458397.62345),
        ("MJD-AVG", "str", "58397.5", 58397.5),
        ("DATE-OBS", "str", "2018-10-06T12:00:00", "2018-10-06"),
        ("DATE-OBS", "isot", "2018-10-06T12:00:00", "2018-10-06"),
        ("DATE-OBS", "yyyy-mm-ddThh:mm:ss", "2018-10-06T12:00:00", "2018-10-06"),
    ],
)
def test_a_value_of_the_file(keyword: str, form: str, text: str, expected: float | str | None) -> None:
    found = values(applied(f"x : VALUE : {keyword} : {form} : - : -", VALUE=text, EXPTIME="60.0"), keyword)
    assert found == [pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected]


@pytest.mark.parametrize(
    ("day", "clock"), [("str", "str"), ("dd/mm/yy", "hh:mm:ss"), ("date dd/mm/yy", "time hh:mm:ss.s"), ("str", "hh:mm")]
)
def test_a_date_and_a_time(day: str, clock: str) -> None:
    lines = f"x : D : DATE-OBS : {day} : - : -\nx : UT : TIME-OBS : {clock} : - : hh:mm:ss"
    found = applied(lines, D="26/07/02", UT="21:05:43", EXPTIME="60")
    assert found.finding("DATE-OBS").value == "2002-07-26"
    assert str(found.finding("TIME-OBS").value).startswith("21:05:43")


@pytest.mark.parametrize(
    ("ra", "form"), [("12:30:00", "str"), ("12 30 00", "hh:mm:ss"), ("12.5", "float hours"), ("187.5", "float deg")]
)
def test_a_position(ra: str, form: str) -> None:
    found = applied(f"x : P : RA : {form} : - : hh:mm:ss\nx : Q : DEC : str : - : dd:mm:ss", P=ra, Q="-10:30:00")
    assert values(found, "RA", "DEC") == pytest.approx([187.5, -10.5])
