"""Dates, times and durations alone, in every form, and keywords and comments."""

from __future__ import annotations

import pytest

from cpcs.mappings import parse_format
from photocal.headers import clocks, instants, time_words, times
from photocal.headers.clocks import UnreadableError
from photocal.headers.exposure import read_duration
from photocal.headers.instants import Instant

# --- single values ---


@pytest.mark.parametrize(
    ("text", "days", "seconds"),
    [
        ("2014-03-07", ["2014-03-07"], None),
        ("2014-3-7", ["2014-03-07"], None),
        ("2014/03/07", ["2014-03-07"], None),
        ("2014.03.07", ["2014-03-07"], None),
        ("2000:12:03", ["2000-12-03"], None),
        ("20141231", ["2014-12-31"], None),
        ("24Sep2022", ["2022-09-24"], None),
        ("24-SEP-22", ["2022-09-24"], None),
        ("24 September 2022", ["2022-09-24"], None),
        ("Sep 24, 2022", ["2022-09-24"], None),
        ("2022-Sep-24", ["2022-09-24"], None),
        ("05-Okt-1999", ["1999-10-05"], None),
        ("26/10/92", ["1992-10-26"], None),
        ("26/07/102", ["2002-07-26"], None),
        ("102-07-26", ["2002-07-26"], None),
        ("15-5-99", ["1999-05-15"], None),
        ("99/12/31", ["1999-12-31"], None),
        ("03/04/2015", ["2015-04-03", "2015-03-04"], None),
        ("04/04/2015", ["2015-04-04"], None),
        ("31.12.2014", ["2014-12-31"], None),
        ("12/31/2014", ["2014-12-31"], None),
        ("13/02/03", ["2003-02-13", "2013-02-03"], None),
        ("2005-245", ["2005-09-02"], None),
        ("2014-03-07T21:05:43.25", ["2014-03-07"], 75943.25),
        ("2014-03-07 21:05:43", ["2014-03-07"], 75943.0),
        ("2014-03-07T21:05", ["2014-03-07"], 75900.0),
        ("2014-03-07T24:00:00", ["2014-03-07"], 86400.0),
        ("2016-12-31T23:59:60.5", ["2016-12-31"], 86400.5),
        ("20140307T210543", ["2014-03-07"], 75943.0),
        ("2014-03-07-21:05:43", ["2014-03-07"], 75943.0),
        ("2014 03 07 21 05 43", ["2014-03-07"], 75943.0),
        ("2014-03-07.5", ["2014-03-07"], 43200.0),
        ("2014-03-07T", ["2014-03-07"], None),
        ("Fri Mar 07 21:05:43 2014", ["2014-03-07"], 75943.0),
        ("2014-03-07T21:05:43.1234567", ["2014-03-07"], 75943.1234567),
        ("2014-03-07T21:05:43,5", ["2014-03-07"], 75943.5),
    ],
)  # fmt: skip
def test_dates_in_every_form(text: str, days: list[str], seconds: float | None) -> None:
    options = times.read_date(text)
    assert [instants.date_of(option.day or 0).isoformat() for option in options] == days
    assert options[0].seconds == pytest.approx(seconds, abs=1e-6) if seconds is not None else not options[0].seconds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2014-02-31", "no day 31 of month 2"),
        ("30/02/2014", "no day 30 of month 2"),
        ("2014-13-07", "month 13"),
        ("2015-366", "no day 366"),
        ("1949-12-31", "not between 1950 and 2100"),
        ("2101-01-01", "not between 1950 and 2100"),
        ("1970-01-01T00:00:00", "never set"),
        ("2014-03-07T25:00:00", "no time of day"),
        ("2014-03-07T12:61:00", "no time of day"),
        ("0000-00-00T00:00:00", "no day 0"),
        ("yesterday", "no date"),
        ("", "no date"),
        ("2014-03-07 or so", "no date"),
    ],
)
def test_what_is_no_date_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        times.read_date(text)


@pytest.mark.parametrize(
    ("text", "scale", "hours"),
    [
        ("2014-03-07T21:05:43Z", "utc", None),
        ("2014-03-07T21:05:43 UTC", "utc", None),
        ("2014-03-07T21:05:43-0700", "local", -7.0),
        ("2014-03-07T21:05:43+05:30", "local", 5.5),
        ("2014-03-07 21:05:43 CEST", "local", 2.0),
        ("Fri Mar 07 21:05:43 HST 2014", "local", -10.0),
        ("3/7/2014 9:05:43.000 PM DST", "local", None),
        ("2014-03-07T21:05:43 TAI", "tai", None),
    ],
)
def test_zones_in_the_value(text: str, scale: str, hours: float | None) -> None:
    option = times.read_date(text)[0]
    assert (option.scale, option.offset_hours, option.seconds) == (scale, hours, 75943.0)


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        ("21:05:43.2", {"hms": 75943.2}),
        ("21 05 43", {"hms": 75943.0}),
        ("21h05m43.5s", {"hms": 75943.5}),
        ("9:05:43", {"hms": 32743.0}),
        ("12:05:43 AM", {"hms": 343.0}),
        ("210543", {"hhmmss": 75943.0}),
        ("043015", {"hhmmss": 16215.0, "s": 43015.0}),
        ("21.5", {"hour": 77400.0, "s": 21.5}),
        ("11048", {"s": 11048.0}),
        ("1.104800000000E+04", {"s": 11048.0}),
        ("0.25", {"hour": 900.0, "s": 0.25, "day": 21600.0}),
        ("24:00:00", {"hms": 86400.0}),
        ("23:59:60", {"hms": 86400.0}),
        ("24.0", {"hour": 86400.0, "s": 24.0}),
    ],
)
def test_clocks_in_every_form(text: str, meanings: dict[str, float]) -> None:
    options = clocks.read_clock(text)
    assert {option.form: pytest.approx(option.seconds) for option in options} == meanings
    assert options[0].form == next(iter(meanings))


@pytest.mark.parametrize("text", ["-00:30:00", "-1.5", "25:00:00", "24:00:01", "23:60:00", "86401", "noon", "13:00 PM"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        clocks.read_clock(text)


@pytest.mark.parametrize(
    ("text", "kind", "form", "mjd"),
    [
        ("2456866.3789699073", "jd", "jd", 56865.8789699073),
        ("56865.8789699073", "mjd", "mjd", 56865.8789699073),
        ("2456866.3789699073", "mjd", "jd", 56865.8789699073),
        ("56865.8789699073", "jd", "mjd", 56865.8789699073),
        ("4.892112787000E+04", "mjd", "mjd", 48921.12787),
        ("5.686587896990D+04", "mjd", "mjd", 56865.8789699),
        ("7233.125", "jd", "jd - 2450000", 57232.625),
        ("4445991495.33", "unix", "seconds since MJD 0", 51458 + 20295.33 / 86400),
        ("1500000000.5", "unix", "seconds since 1970", 57948 + 9600.5 / 86400),
        ("1500000000500", "unix", "seconds since 1970", 57948 + 9600.5 / 86400),
    ],
)
def test_day_numbers(text: str, kind: str, form: str, mjd: float) -> None:
    option = clocks.read_day_number(text, kind)[0]
    assert option.form == form
    assert option.moment().mjd == pytest.approx(mjd, abs=1e-11)


@pytest.mark.parametrize(
    ("text", "resolution_s"),
    [("2457873.7", 8640.0), ("58107.202", 86.4), ("56866.3789699", 86400e-7), ("57072.58203125", 337.5)],
)
def test_coarse_day_numbers_are_known_for_it(text: str, resolution_s: float) -> None:
    assert clocks.read_day_number(text)[0].resolution_s == pytest.approx(resolution_s)


@pytest.mark.parametrize("text", ["56486.0", "58516.", "58516", "2458222.", "2458222.5"])
def test_whole_days_are_dates_only(text: str) -> None:
    assert clocks.read_day_number(text)[0].seconds is None


@pytest.mark.parametrize("text", ["0.0", "1e400", "nan", "inf", "33281.9", "88070.0", "2400000.5", "", "2014-03-07"])
def test_numbers_of_no_day_are_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        clocks.read_day_number(text, "mjd")


@pytest.mark.parametrize(
    ("scale", "utc"),
    [
        ("tai", "2017-01-01T00:00:00.000"),
        ("utc", "2017-01-01T00:00:37.000"),
        ("tt", "2016-12-31T23:59:28.816"),
        ("gps", "2017-01-01T00:00:19.000"),
    ],
)
def test_time_scales_across_a_leap_second(scale: str, utc: str) -> None:
    assert str(instants.to_utc(Instant(57754, 37.0), scale)) == utc


def test_scales_agree_with_astropy() -> None:
    from astropy.time import Time

    for day in (41_700, 45_000, 50_000, 57_204, 57_753, 58_000, 60_000):
        for scale in ("tai", "tt"):
            utc = instants.to_utc(Instant(day, 43_210.123), scale)
            assert str(utc) == Time(day, 43_210.123 / 86_400, format="mjd", scale=scale).utc.isot


@pytest.mark.parametrize(
    ("key", "kind", "moment", "scale"),
    [
        ("DATE-OBS", "date", "", ""),
        ("DATE_OBS", "date", "", ""),
        ("UTC-OBS", "clock", "", "utc"),
        ("UT-STR", "clock", "start", "utc"),
        ("UTSTART", "clock", "start", "utc"),
        ("TU-START", "clock", "start", "utc"),
        ("TIME-BEG", "clock", "start", ""),
        ("TM-START", "clock", "start", ""),
        ("STARTTIME", "clock", "start", ""),
        ("OPENTIME", "clock", "start", ""),
        ("UTSTOP", "clock", "end", "utc"),
        ("UTCEND", "clock", "end", "utc"),
        ("SHUTOPEN", "open", "start", ""),
        ("EXPSTART", "open", "start", ""),
        ("EXPEND", "open", "end", ""),
        ("MJD-STR", "mjd", "start", ""),
        ("MJDATE", "mjd", "", ""),
        ("OBSMJD", "mjd", "", ""),
        ("MIDJD", "jd", "mid", ""),
        ("JD_UTC", "jd", "", "utc"),
        ("JD_SOBS", "jd", "start", ""),
        ("DATE-AVG", "date", "mid", ""),
        ("DATE-LOC", "date", "", "local"),
        ("LOCTIME", "clock", "", "local"),
        ("HSTTIME", "clock", "", "local"),
        ("TIME_UTC", "clock", "", "utc"),
        ("UTMIDDLE", "clock", "mid", "utc"),
    ],
)
def test_keywords_are_understood_by_their_words(key: str, kind: str, moment: str, scale: str) -> None:
    role = time_words.role(key)
    assert role is not None
    assert (role.kind, role.moment, role.scale) == (kind, moment, scale)


@pytest.mark.parametrize(
    "key",
    [
        "EXPTIME", "EXPOSURE", "LST", "LST-OBS", "ST", "STSTART", "SIDTIME",
        "REL_DATE", "BLKSDATE", "UT1-UTC", "LTM1_1",
        "TIMEZONE", "TIMESYS",
        "HJD-OBS", "BJD_TDB", "OBSERVAT", "MJDREF", "LJD", "DATASUM", "DATAMAX", "IRAF-TLM", "HA",
        "ESO DET EXP UTC", "ESO TEL DATE", "DATE", "OUTTEMP", "MEANC", "DAY-OBS", "X" * 80, "",
    ],
)  # fmt: skip
def test_other_keywords_are_left_alone(key: str) -> None:
    assert time_words.role(key) is None


@pytest.mark.parametrize(
    ("comment", "moment", "scale"),
    [
        ("YYYY-MM-DDThh:mm:ss observation start, UT", "start", ("utc", None)),
        ("Universal Time at mid-exposure", "mid", ("utc", None)),
        ("MIDAS desc.: O_TIME(1)", "", ("", None)),
        ("System Clock:Est. Frame Mid", "mid", ("", None)),
        ("[UTC] The finish time of the observation", "end", ("utc", None)),
        ("Start date & time of observation, LT", "start", ("local", None)),
        ("Local apparent sidereal time of exp. start", "start", ("", None)),
        ("TAI date at middle of observation", "mid", ("tai", None)),
        ("local time (UTC-3)", "", ("local", -3.0)),
        ("GMT + 5:30", "", ("local", 5.5)),
        ("Local time in Hawaii, HST", "", ("local", -10.0)),
        ("1st row - TAI time (HH:MM:SS.SS) (TAI-UT = appr", "", ("", None)),
    ],
)
def test_comments_say_moment_and_scale(comment: str, moment: str, scale: tuple[str, float | None]) -> None:
    assert time_words.moment_said(comment) == moment
    assert time_words.scale_said(comment) == scale


@pytest.mark.parametrize(
    ("text", "seconds", "unit"),
    [
        ("120", 120.0, ""),
        ("1.2E+002", 120.0, ""),
        ("120 s", 120.0, "s"),
        ("120s", 120.0, "s"),
        ("2 min", 2.0, "min"),
        ("2m30s", 150.0, "s"),
        ("500 ms", 500.0, "ms"),
        ("00:02:00", 120.0, "s"),
        ("1/60", 1 / 60, "s"),
    ],
)
def test_durations(text: str, seconds: float, unit: str) -> None:
    assert read_duration(text) == (pytest.approx(seconds), unit)


@pytest.mark.parametrize("text", ["sixty", "-120", "", "1/0", "02:00", "12 parsec", "nan", "1e999"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_duration(text)


# --- formats of mappings ---


@pytest.mark.parametrize(
    ("text", "form", "utc"),
    [
        ("03/04/2015", "date mm/dd/yyyy", "2015-03-04T00:00:00.000"),
        ("03/04/2015", "date dd/mm/yyyy", "2015-04-03T00:00:00.000"),
        ("26/07/102", "date dd/mm/yy", "2002-07-26T00:00:00.000"),
        ("040315", "date ddmmyy", "2015-03-04T00:00:00.000"),
        ("150304", "date yymmdd", "2015-03-04T00:00:00.000"),
        ("2015-03-04T05:06:07", "datetime utc-3.5", "2015-03-04T08:36:07.000"),
        ("57085.5", "mjd tai", "2015-03-04T11:59:25.000"),
        ("2457086.25", "jd", "2015-03-04T18:00:00.000"),
    ],
)
def test_mappings_formats_leave_nothing_open(text: str, form: str, utc: str) -> None:
    (option,) = times.by_format(text, parse_format(form))
    assert str(instants.to_utc(option.moment(), option.scale or "utc", option.offset_hours or 0.0)) == utc


@pytest.mark.parametrize(
    ("text", "form"),
    [("31/12/2014", "date mm/dd/yyyy"), ("57085.5", "jd"), ("21:05", "time s"), ("25.5", "time hour"), ("x", "date")],
)
def test_values_that_are_not_in_the_format_are_refused(text: str, form: str) -> None:
    with pytest.raises(UnreadableError):
        times.by_format(text, parse_format(form))
