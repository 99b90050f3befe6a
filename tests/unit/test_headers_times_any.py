"""No text and no header breaks the reading of times, and every way to say a moment comes out alike."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cpcs.keywords import KEYWORDS
from photocal.headers import clocks, instants, times
from photocal.headers.cards import Card, Header
from photocal.headers.clocks import UnreadableError
from photocal.headers.exposure import read_duration
from photocal.headers.instants import Instant
from photocal.headers.standard import Given, How, Level
from photocal.headers.time_block import time_block
from photocal.headers.time_remarks import TIME_CODES
from tests.support.time_headers import block, codes, finding, start

# --- nothing breaks it ---

ANY_TEXT = st.one_of(
    st.text(max_size=90),
    st.from_regex(r"[0-9T:/. +eEDZ,-]{0,40}", fullmatch=True),
    st.from_regex(
        r"[0-9]{1,4}[-/.: ][0-9]{1,3}[-/.: ][0-9]{1,4}([T ][0-9]{1,2}:[0-9]{1,2}(:[0-9.]{0,8})?)?", fullmatch=True
    ),
)
MOST_KEYS = [
    "DATE-OBS", "TIME-OBS", "DATE", "UT", "UTC", "UTSTART", "UT-END", "JD", "MJD-OBS", "MJD-AVG", "DATE-AVG",
    "DATE-END", "TIMESYS",
    "TIMEZONE", "LOCTIME", "DATE-LOC", "EXPTIME", "EXPOSURE", "HJD", "TAI", "EXPSTART", "EXPEND", "NDIT", "STACKCNT",
    "TM-START", "TOTALEXP", "EPOCH",
    "ESO DET DIT", "DARKTIME", "IMAGETYP", "ITIME", "COADDS",
]  # fmt: skip
COMMENTS = ["", "start UT", "local time", "mid of exposure", "[ms]", "UTC-7", "TAI", "12:13:14 UTC", "minutes", "end"]
CARDS = st.builds(
    Card,
    key=st.sampled_from(MOST_KEYS),
    value=ANY_TEXT.map(str.strip),
    comment=st.one_of(st.sampled_from(COMMENTS), st.text(max_size=60)),
    is_text=st.booleans(),
)


@given(text=ANY_TEXT)
@example(text="\u0662\u0660\u0661\u0664-\u0660\u0663-\u0660\u0667")
@example(text="1e999999999")
@settings(max_examples=400)
def test_no_text_raises_anything_but_unreadable(text: str) -> None:
    for read in (times.read_date, times.read_any, clocks.read_clock, clocks.read_day_number):
        try:
            options = read(text)
        except UnreadableError:
            continue
        for option in options:
            assert option.day is None or instants.FIRST_DAY <= option.day < instants.LAST_DAY
            assert option.seconds is None or 0.0 <= option.seconds < 86_402.0
            assert math.isfinite(option.resolution_s)
            assert option.resolution_s > 0
    try:
        value, _ = read_duration(text)
    except UnreadableError:
        return
    assert math.isfinite(value)
    assert value >= 0


@given(
    cards=st.lists(CARDS, max_size=12),
    mjd=st.none() | st.floats(allow_nan=True),
    exposure=st.none() | st.floats(allow_nan=True),
    longitude=st.none() | st.floats(-360, 360),
)
@settings(max_examples=600, deadline=None)
def test_no_header_raises_anything(
    cards: list[Card], mjd: float | None, exposure: float | None, longitude: float | None
) -> None:
    found = time_block(Header(cards), {}, Given(mjd=mjd, exposure_s=exposure, longitude_deg=longitude))
    assert [one.keyword for one in found.findings] == ["TIMESYS", "DATE-OBS", "TIME-OBS", "JD", "EXPTIME", "MJD-AVG"]
    for one in found.findings:
        assert (one.value is None) == (one.how is How.MISSING)
        assert one.value is not None or one.why
        if isinstance(one.value, float):
            assert KEYWORDS[one.keyword].holds(one.value)
    for value in (found.start_mjd, found.mid_mjd, found.end_mjd):
        assert value is None or math.isfinite(value)
    assert codes(found) <= set(TIME_CODES)
    levels = [list(Level).index(remark.level) for remark in found.remarks]
    assert levels == sorted(levels, reverse=True)


MOMENTS = st.builds(
    Instant, st.integers(44_300, 88_000), st.integers(0, 86_399_999).map(lambda milliseconds: milliseconds / 1000)
)


@given(moment=MOMENTS, exposure=st.integers(1, 36_000).map(lambda n: n / 10))
@settings(deadline=None)
def test_iso_round_trip_keeps_milliseconds(moment: Instant, exposure: float) -> None:
    date, clock = moment.texts()
    found = block(f"DATE-OBS= '{date}T{clock}'\nEXPTIME = {exposure}")
    assert start(found) == f"{date}T{clock}"
    assert found.mid_mjd == pytest.approx(moment.mjd + exposure / 172_800, abs=2e-11)
    assert found.end_mjd == pytest.approx(moment.mjd + exposure / 86_400, abs=2e-11)
    assert finding(found, "DATE-OBS").how is How.FOUND


@given(moment=MOMENTS)
@settings(deadline=None)
def test_every_way_to_say_a_moment_comes_out_alike(moment: Instant) -> None:
    date, clock = moment.texts()
    year, month, day = date.split("-")
    hours = moment.seconds / 3600
    for text in (
        f"DATE-OBS= '{date}'\nTIME-OBS= '{clock}'",
        f"UT-DATE = '{date}'\nUTSTART = '{clock}'",
        f"DATE-OBS= '{date}'\nUT      = {hours:.9f} / hours",
        f"DATE-OBS= '{date}'\nTM-START= {moment.seconds:.3f}",
        f"DATE-OBS= '{year}/{month}/{day} {clock}'",
        f"JD      = {moment.day + 2400000.5 + moment.seconds / 86400:.9f}",
        f"MJD-OBS = {moment.day + moment.seconds / 86400:.10f}",
        f"DATE-OBS= '{date}T{clock}'\nMJD-OBS = {moment.mjd:.10f}\nUT      = '{clock}'",
        f"DATE-OBS= '{date}T{clock}'\nMJD-END = {moment.mjd + 60 / 86400:.10f}",
    ):
        found = block(text + "\nEXPTIME = 60.")
        assert found.start_mjd is not None
        assert abs(found.start_mjd - moment.mjd) * 86_400 < 1e-3, text
        assert codes(found) <= {"LOW_TIME_RESOLUTION", "DATE_REFUSED"}, (text, found.remarks)
