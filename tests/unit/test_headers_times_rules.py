"""The rules by which the times of a header are understood, and what is said of them."""

from __future__ import annotations

import re

import pytest

from cpcs.mappings import Rule
from photocal.headers import clocks, times
from photocal.headers.instants import Instant
from photocal.headers.standard import Finding, Given, How, Level
from photocal.headers.time_block import time_block
from photocal.headers.time_remarks import TIME_CODES
from tests.support.time_headers import block, codes, finding, header, start

# --- day and month ---

AMBIGUOUS = "DATE-OBS= '03/04/2015'\nUT      = '03:10:00'\nEXPTIME = 60\n"


@pytest.mark.parametrize(
    ("more", "date"),
    [
        ("JD      = 2457085.63194", "2015-03-04"),
        ("JD      = 2457115.63194", "2015-04-03"),
        ("MJD-OBS = 57085.", "2015-03-04"),
        ("DATE    = '2015-03-05T10:00:00'", "2015-03-04"),
        ("DATE    = '2015-04-03T03:12:00'", "2015-04-03"),
        ("UT-DATE = '2015-03-04'", "2015-03-04"),
    ],
)
def test_other_cards_tell_day_and_month_apart(more: str, date: str) -> None:
    found = block(AMBIGUOUS + more)
    assert finding(found, "DATE-OBS").value == date
    assert finding(found, "DATE-OBS").how is How.GUESSED
    assert "DATE_AMBIGUOUS" not in codes(found)


def test_the_forms_mjd_tells_day_and_month_apart() -> None:
    assert finding(block(AMBIGUOUS, mjd=57085.13229), "DATE-OBS").value == "2015-03-04"


def test_day_and_month_that_nothing_decides_are_as_fits_had_them_with_a_warning() -> None:
    found = block(AMBIGUOUS)
    assert finding(found, "DATE-OBS").value == "2015-04-03"
    assert "DATE_AMBIGUOUS" in codes(found, Level.WARNING)


@pytest.mark.parametrize(("text", "date"), [("8/11/2021", "2021-08-11"), ("8/11/21", "2021-08-11")])
def test_the_month_is_first_where_slashes_go_with_am_and_pm(text: str, date: str) -> None:
    found = block(f"DATE-OBS= '{text} 9:10:22 PM'\nEXPTIME = 60")
    assert start(found) == f"{date}T21:10:22.000"
    assert "DATE_AMBIGUOUS" in codes(found, Level.WARNING)
    assert "month first" in finding(found, "DATE-OBS").why
    other = block(f"DATE-OBS= '{text} 9:10:22 PM'\nJD      = 2459527.382199\nEXPTIME = 60")
    assert finding(other, "DATE-OBS").value == "2021-11-08"


PLATE = "DATE-OBS= '01/12/51'\nUT      = '04:25:00'\nEXPOSURE= 50. / minutes\n"


@pytest.mark.parametrize(
    ("more", "date", "decided"),
    [
        ("EPOCH   = 1.9519155273438E+03", "1951-12-01", True),
        ("EPOCH   = 1951.0315", "1951-01-12", True),
        ("OBSEPOCH= 1951.0315\nEPOCH   = 1950.0", "1951-01-12", True),
        ("EPOCH   = 1950.0", "1951-12-01", False),
        ("EPOCH   = 1951.5005", "1951-12-01", False),
        ("EPOCH   = 1951.9155\nMJD     = 33658.184", "1951-01-12", True),
        ("EPOCH   = 'unknown'", "1951-12-01", False),
    ],
)
def test_a_year_with_its_fraction_tells_day_and_month_apart(more: str, date: str, decided: bool) -> None:
    found = block(PLATE + more)
    assert start(found) == f"{date}T04:25:00.000"
    assert ("DATE_AMBIGUOUS" not in codes(found)) is decided
    assert not codes(found, Level.REFUSAL)


@pytest.mark.parametrize("number", ["-1", "0", "0.0", "-1.0", "-2400000.5"])
@pytest.mark.parametrize("key", ["JD", "MJD-OBS", "JD_UTC"])
def test_a_day_number_that_nobody_set_is_passed_over(key: str, number: str) -> None:
    found = block(f"DATE-OBS= '2021-08-11T21:10:22'\n{key:8}= {number}\nEXPTIME = 60")
    assert start(found) == "2021-08-11T21:10:22.000"
    assert codes(found) == set()


# --- stacks ---

STACK = "DATE-OBS= '2024-05-01T20:00:00'\nEXPTIME = 10\n"


@pytest.mark.parametrize(
    ("more", "elapsed", "level"),
    [
        ("STACKCNT= 112\nTOTALEXP= 1120", 1120.0, Level.WARNING),
        ("STACKCNT= 112\nLIVETIME= 1000.", 1000.0, Level.WARNING),  # some were left out
        ("STACKCNT= 112\nTOTEXP  = 10", 10.0, Level.WARNING),  # EXPTIME is the sum already
        ("STACKCNT= 112\nTOTALEXP= 5000", 10.0, Level.WARNING),
        ("STACKCNT= 112\nTOTALEXP= 18.67 / [min]", 1120.2, Level.WARNING),
        ("STACKCNT= 112", 10.0, Level.WARNING),
        ("SNAPSHOT= 112", 10.0, Level.WARNING),
        ("NCOMBINE= 112", 10.0, Level.NOTE),
        ("NCOMBINE= 112\nTOTEXP  = 1120", 1120.0, Level.WARNING),
    ],
)
def test_the_middle_of_a_stack_is_that_of_the_whole(more: str, elapsed: float, level: Level) -> None:
    found = block(STACK + more)
    assert found.mid_mjd == pytest.approx(60431.0 + (72000.0 + elapsed / 2) / 86400.0, abs=1e-8)
    assert finding(found, "EXPTIME").value == 10.0
    assert "EXPOSURE_STACKED" in codes(found, level)
    assert ("EXPOSURES_DISAGREE" in codes(found)) is ("5000" in more)


# --- local time, nights ---


def test_ut_beside_a_local_date_is_used() -> None:
    found = block("DATE-OBS= '2019-03-01T22:10:00' / local time\nUT      = '03:10:00'\nEXPTIME = 60")
    assert start(found) == "2019-03-02T03:10:00.000"
    assert codes(found) == {"LOCAL_TIME"}


def test_a_date_that_is_whole_hours_off_ut_is_local_with_a_warning() -> None:
    found = block("DATE-OBS= '2019-03-01T20:10:00'\nUT      = '19:10:00'\nEXPTIME = 60")
    assert start(found) == "2019-03-01T19:10:00.000"
    assert "LOCAL_TIME" in codes(found, Level.WARNING)


@pytest.mark.parametrize(("longitude", "expected"), [(-70.0, "2019-03-02T03:10"), (75.0, "2019-03-01T22:10")])
def test_the_longitude_tells_whether_date_or_jd_is_local(longitude: float, expected: str) -> None:
    text = "DATE-OBS= '2019-03-01T22:10:00'\nJD      = 2458544.631944\nEXPTIME = 60"
    found = block(text, longitude_deg=longitude)
    assert found.start_mjd == pytest.approx(Instant(day_of_iso(expected), seconds_of(expected)).mjd, abs=1e-6)
    assert codes(found, Level.WARNING) & {"LOCAL_TIME", "DATE_AGAINST_JD"}


def day_of_iso(text: str) -> int:
    return times.read_date(text[:10])[0].day or 0


def seconds_of(text: str) -> float:
    return clocks.read_clock(text[11:])[0].seconds or 0.0


@pytest.mark.parametrize(
    ("more", "longitude", "expected"),
    [
        ("TIMEZONE= -7", -110.0, "2014-02-22T04:00:00.000"),
        ("TIMEZONE= 7", -110.0, "2014-02-22T04:00:00.000"),
        ("TIMEZONE= 7 / hours west of Greenwich", None, "2014-02-22T04:00:00.000"),
        ("TIMEZONE= 'UTC-7'", None, "2014-02-22T04:00:00.000"),
        ("UTCOFFS = 2.0", None, "2014-02-21T19:00:00.000"),
        ("TIMESYS = 'LT'", 15.0, "2014-02-21T20:00:00.000"),
        ("", -110.0, "2014-02-22T04:00:00.000"),
    ],
)
def test_local_time_is_brought_to_utc(more: str, longitude: float | None, expected: str) -> None:
    text = f"DATE-OBS= '2014-02-21T21:00:00' / local time\nEXPTIME = 120\n{more}"
    found = time_block(header(text), {}, Given(longitude_deg=longitude))
    assert start(found) == expected
    assert "LOCAL_TIME" in codes(found)


def test_local_time_of_no_zone_is_not_taken() -> None:
    found = block("DATE-OBS= '2014-02-21T21:00:00' / local time\nEXPTIME = 120")
    assert found.mid_mjd is None
    assert {"LOCAL_TIME_UNRESOLVED", "TIME_UNKNOWN"} <= codes(found)


@pytest.mark.parametrize(
    "more", ["MJD-OBS = 58544.131944", "JD      = 2458544.631944", "DATE    = '2019-03-02T03:12:00'"]
)
def test_the_date_of_the_night_is_seen_by_other_cards(more: str) -> None:
    found = block(f"DATE-OBS= '2019-03-01'\nUT      = '03:10:00'\nEXPTIME = 60\n{more}")
    assert start(found) == "2019-03-02T03:10:00.000"
    assert "DATE_IS_OF_THE_NIGHT" in codes(found, Level.WARNING)


# --- contradictions ---


def test_date_against_jd_by_a_little_is_a_note_by_more_a_warning_by_days_a_refusal() -> None:
    for jd, level in ((2456710.37506, Level.NOTE), (2456710.376, Level.WARNING), (2456810.375, Level.REFUSAL)):
        found = block(f"DATE-OBS= '2014-02-21T21:00:00'\nJD      = {jd:.5f} / start\nEXPTIME = 20")
        assert [remark.level for remark in found.remarks if remark.code == "DATE_AGAINST_JD"] == [level]


def test_the_form_decides_between_date_and_jd() -> None:
    text = "DATE-OBS= '2014-02-21T21:00:00'\nJD      = 2456810.375000\nEXPTIME = 20"
    found = block(text, mjd=56809.875116)
    assert finding(found, "DATE-OBS").value == "2014-06-01"
    assert "DATE_AGAINST_JD" in codes(found, Level.WARNING)


def test_two_that_agree_outvote_a_third() -> None:
    text = """DATE-OBS= '2000-05-15'
    MJD-OBS =         51679.460878
    TM-START=        39819.8592011
    UTC     =             76731.75 / 21:18:51.750 UTC at start (sec)
    EXPTIME =                   1."""
    found = block(text)
    assert start(found) == "2000-05-15T11:03:39.859"
    assert "CLOCKS_DISAGREE" in codes(found, Level.WARNING)


def test_a_heliocentric_date_is_a_check_and_never_the_time() -> None:
    assert block("HJD     = 2458902.3209\nEXPTIME = 10").mid_mjd is None
    text = "DATE-OBS= '2020-02-22T19:41:54'\nEXPTIME = 90\nHJD     = "
    assert "HJD_AGAINST_TIME" not in codes(block(text + "2458902.3250"))
    assert "HJD_AGAINST_TIME" in codes(block(text + "2458902.4250"), Level.WARNING)


def test_a_date_after_the_files_is_a_warning() -> None:
    found = block("DATE-OBS= '2020-02-22T19:41:54'\nEXPTIME = 90\nDATE    = '2019-02-22T19:45:00'")
    assert "DATE_AFTER_FILE" in codes(found, Level.WARNING)


@pytest.mark.parametrize("date", ["2014-02-31", "1947-03-04", "1970-01-01", "2150-01-01"])
def test_impossible_dates_are_missing_with_a_reason(date: str) -> None:
    found = block(f"DATE-OBS= '{date}T21:00:00'\nEXPTIME = 60")
    assert finding(found, "DATE-OBS").how is How.MISSING
    assert finding(found, "DATE-OBS").why
    assert "DATE_REFUSED" in codes(found, Level.WARNING)


# --- what DATE-OBS means ---


def test_the_middle_said_by_a_comment() -> None:
    found = block("DATE-OBS= '2014-02-21T21:00:00' / mid of exposure, UTC\nEXPTIME = 60")
    assert start(found) == "2014-02-21T20:59:30.000"
    assert found.mid_mjd == 56709.875
    assert finding(found, "DATE-OBS").how is How.DERIVED


def test_the_end_said_by_a_comment() -> None:
    found = block("DATE-OBS= '2014-02-21T21:00:00' / end of exposure\nEXPTIME = 60")
    assert start(found) == "2014-02-21T20:59:00.000"


def test_a_jd_of_the_middle_that_does_not_say_so_agrees() -> None:
    found = block("DATE-OBS= '2014-02-21T21:00:00'\nJD      = 2456710.3756944\nEXPTIME = 120")
    assert not found.remarks
    assert finding(found, "JD").value == pytest.approx(2456710.375)


def test_a_found_middle_is_taken_as_it_is() -> None:
    found = block("DATE-OBS= '2014-02-21T21:00:00'\nMJD-AVG = 56709.87569445\nEXPTIME = 120")
    assert finding(found, "MJD-AVG") == Finding(
        keyword="MJD-AVG", value=56709.87569445, how=How.FOUND, source="MJD-AVG = 56709.87569445"
    )


def test_a_middle_that_is_not_start_and_half_the_exposure_is_said() -> None:
    found = block("DATE-OBS= '2014-02-21T21:00:00'\nDATE-AVG= '2014-02-21T21:00:01'\nEXPTIME = 270")
    assert found.mid_mjd == pytest.approx(56709.875 + 135 / 86400)
    assert "MID_AGAINST_START" in codes(found)


# --- exposure ---


@pytest.mark.parametrize(
    ("cards", "seconds", "how"),
    [
        ("EXPTIME = 60.0", 60.0, How.FOUND),
        ("EXPTIME = '60.0'", 60.0, How.FOUND),
        ("EXPTIME = '60 s'", 60.0, How.GUESSED),
        ("EXPTIME = '00:02:00'", 120.0, How.GUESSED),
        ("EXPTIME = '1/60'", 1 / 60, How.GUESSED),
        ("EXPTIME = 60000 / [ms]", 60.0, How.GUESSED),
        ("EXPTIME = 60000 / exposure in msec", 60.0, How.GUESSED),
        ("EXPOSURE= 5.0 / Exposure time minutes", 300.0, How.GUESSED),
        ("EXPOSURE= 60000\nDATE-END= '2014-02-21T21:01:00'", 60.0, How.GUESSED),
        ("EXPOSURE= 5\nDATE-END= '2014-02-21T21:05:00'", 300.0, How.GUESSED),
        ("EXP_TIME= 60", 60.0, How.GUESSED),
        ("ITIME   = 60", 60.0, How.GUESSED),
        ("XPOSURE = 60", 60.0, How.GUESSED),
        ("EXPMEAS = 60", 60.0, How.GUESSED),
        ("HIERARCH ESO DET WIN1 DIT1 = 60.", 60.0, How.GUESSED),
        ("MYKEY   = 60. / exposure time of this frame", 60.0, How.GUESSED),
        ("DARKTIME= 61.", 61.0, How.GUESSED),
        ("EXPTIME = 0.\nEXPOSURE= 4. / Exposure time minutes", 240.0, How.GUESSED),
        ("DATE-END= '2014-02-21T21:01:00'", 60.0, How.DERIVED),
        ("UT-END  = '21:01:00'", 60.0, How.DERIVED),
        ("EXPTIME = 0.0\nIMAGETYP= 'Bias Frame'", 0.0, How.FOUND),
        ("EXPTIME = 'sixty'", None, How.MISSING),
        ("EXPTIME = -5.0", None, How.MISSING),
        ("EXPTIME = 0.0", None, How.MISSING),
        ("EXPTIME = 1e30", None, How.MISSING),
        ("", None, How.MISSING),
    ],
)  # fmt: skip
def test_exposures(cards: str, seconds: float | None, how: How) -> None:
    found = finding(block(f"DATE-OBS= '2014-02-21T21:00:00'\n{cards}"), "EXPTIME")
    assert found.value == (None if seconds is None else pytest.approx(seconds))
    assert found.how is how
    assert found.why or how is How.FOUND


def test_the_forms_exposure_fills_in_and_is_checked() -> None:
    assert finding(block("DATE-OBS= '2014-02-21T21:00:00'", exposure_s=30.0), "EXPTIME").how is How.GIVEN
    found = block("DATE-OBS= '2014-02-21T21:00:00'\nEXPTIME = 60", exposure_s=30.0)
    assert finding(found, "EXPTIME").value == 60.0
    assert "EXPOSURE_AGAINST_FORM" in codes(found, Level.WARNING)


def test_an_exposure_longer_than_start_to_end_is_a_warning() -> None:
    found = block("DATE-OBS= '2014-02-21T21:00:00'\nDATE-END= '2014-02-21T21:01:00'\nEXPTIME = 90. / [s]")
    assert "EXPOSURE_AGAINST_END" in codes(found, Level.WARNING)


def test_reading_out_before_the_end_does_not_move_the_middle() -> None:
    found = block("DATE-OBS= '2014-02-21T21:00:00'\nDATE-END= '2014-02-21T21:02:00'\nEXPTIME = 60.")
    assert found.mid_mjd == pytest.approx(56709.875 + 30 / 86400)
    assert not found.remarks


# --- the form's MJD ---

PLAIN = "DATE-OBS= '2014-02-21T21:00:00'\nEXPTIME = 120."
MIDDLE = 56709.875 + 60 / 86400


@pytest.mark.parametrize(
    ("mjd", "code", "level", "says"),
    [
        (MIDDLE, None, None, ""),
        (round(MIDDLE, 3), None, None, ""),
        (56709.8750000, "MJD_OF_START_OR_END", Level.NOTE, "it is the start"),
        (56709.875 + 120 / 86400, "MJD_OF_START_OR_END", Level.NOTE, "it is the end"),
        (MIDDLE + 1 / 24, "MJD_AGAINST_HEADER", Level.WARNING, r"local time, UTC\+1"),
        (MIDDLE + 0.5, "MJD_AGAINST_HEADER", Level.WARNING, "JD - 2400000"),
        (MIDDLE + 2400000.5, "MJD_AGAINST_HEADER", Level.WARNING, "it is a JD"),
        (MIDDLE + 3, "MJD_AGAINST_HEADER", Level.WARNING, "the date is not"),
        (MIDDLE + 200 / 86400, "MJD_AGAINST_HEADER", Level.WARNING, "200"),
    ],
)
def test_the_forms_mjd_is_checked(mjd: float, code: str | None, level: Level | None, says: str) -> None:
    found = block(PLAIN, mjd=mjd)
    assert found.mid_mjd == pytest.approx(MIDDLE, abs=1e-11)
    assert codes(found) == ({code} if code else set())
    for remark in found.remarks:
        assert remark.level is level
        assert re.search(says, remark.message)


def test_the_forms_mjd_is_used_where_the_header_has_none() -> None:
    found = block("EXPTIME = 120.", mjd=MIDDLE)
    assert start(found) == "2014-02-21T21:00:00.000"
    assert finding(found, "MJD-AVG").how is How.GIVEN
    found = block("DATE-OBS= '2014-03-21'\nEXPTIME = 120.", mjd=MIDDLE)
    assert "MJD_AGAINST_HEADER" in codes(found, Level.WARNING)


# --- mappings ---


def rules(**formats: tuple[str, str]) -> dict[str, Rule]:
    return {
        (name := key.replace("_", "-")): Rule(keyword=name, source=source, format=form)
        for key, (source, form) in formats.items()
    }


def test_a_mapping_is_not_guessed_at() -> None:
    text = "D       = '03/04/2015'\nT       = 1.5\nE       = 2.0\nDATE-OBS= '2019-01-01T00:00:01'"
    mapped = rules(DATE_OBS=("D", "date mm/dd/yyyy"), TIME_OBS=("T", "time hour utc+2"), EXPTIME=("E", "float min"))
    found = block(text, mapped)
    assert start(found) == "2015-03-03T23:30:00.000"
    assert finding(found, "EXPTIME") == Finding(keyword="EXPTIME", value=120.0, how=How.MAPPED, source="E = 2.0")
    assert finding(found, "DATE-OBS").how is How.MAPPED
    assert finding(found, "TIME-OBS").how is How.MAPPED


def test_a_mapped_middle() -> None:
    found = block("M       = 57085.5\nEXPTIME = 86.4", rules(MJD_AVG=("M", "mjd mid tai")))
    assert found.mid_mjd == pytest.approx(57085.5 - 35 / 86400, abs=1e-11)
    assert start(found) == "2015-03-04T11:58:41.800"
    assert finding(found, "MJD-AVG").how is How.MAPPED


def test_a_value_that_is_not_in_the_mappings_format_is_said_and_the_default_tried() -> None:
    found = block("DATE-OBS= '2015-03-04T05:06:07'\nEXPTIME = 10", rules(DATE_OBS=("DATE-OBS", "date ddmmyy")))
    assert "MAPPED_VALUE_REFUSED" in codes(found, Level.WARNING)
    assert start(found) == "2015-03-04T05:06:07.000"


def test_a_fixed_time_scale() -> None:
    fixed = {"TIMESYS": Rule(keyword="TIMESYS", fixed="TAI")}
    found = block("DATE-OBS= '2017-01-02T00:00:37'\nEXPTIME = 10", fixed)
    assert start(found) == "2017-01-02T00:00:00.000"
    assert finding(found, "TIMESYS").how is How.MAPPED


# --- TIMESYS ---


@pytest.mark.parametrize(
    ("cards", "value", "how"),
    [
        ("TIMESYS = 'UTC'", "UTC", How.FOUND),
        ("TIMESYS = 'UTC approximate'", "UTC", How.GUESSED),
        ("TIMESYS = 'utc'", "UTC", How.GUESSED),
        ("TIMESYS = 'TT'", "TT", How.FOUND),
        ("TIMESYS = 'Mars'", "UTC", How.GUESSED),
        ("", "UTC", How.GUESSED),
    ],
)
def test_timesys(cards: str, value: str, how: How) -> None:
    found = block(f"DATE-OBS= '2014-02-21T21:00:00'\nEXPTIME = 10\n{cards}")
    assert (finding(found, "TIMESYS").value, finding(found, "TIMESYS").how) == (value, how)


def test_every_code_is_documented_once() -> None:
    assert all(code == code.upper() and meaning[-1] != "." for code, meaning in TIME_CODES.items())
