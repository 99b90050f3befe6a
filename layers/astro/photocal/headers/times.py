"""Dates, and whatever may be date or time, in every form that headers write them: text in, what it may mean out.

Nothing here knows keywords. Every function returns *options*, the likeliest first: ``03/04/2015`` is the 3rd of April
or the 4th of March, and which it is others must say. What cannot be a date raises `UnreadableError` with the reason,
and nothing else is ever raised.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from cpcs.mappings import Format
from photocal.headers.clocks import (
    LONGEST,
    Option,
    UnreadableError,
    clock_of,
    last_digit,
    read_clock,
    read_day_number,
    read_zone,
)
from photocal.headers.instants import DAY, FIRST_DAY, LAST_DAY, day_of

_SHORT = 2  # digits of a day, a month, a year without its century
_CENTURY_TURNS = 50  # of years in two digits, 50 to 99 are 19xx

# --- dates ---

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene gen", "feb fev", "mar mrz", "apr abr avr", "may mai mag", "jun giu", "jul lug", "aug ago aou",
            "sep set", "oct okt ott out", "nov", "dec dic dez",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+)?"
_NUMERIC = re.compile(r"([0-9]{1,4})\s?([-/.: _])\s?([0-9]{1,2})\s?\2\s?([0-9]{1,4})(\.[0-9]+)?(?![0-9])")
_DAY_MONTH = re.compile(
    _WEEKDAY + r"([0-9]{1,2})[-\s./_]*([a-z]{3,9})\.?,?[-\s./_]*([0-9]{4}|[0-9]{2})(?![0-9])", re.IGNORECASE
)
_MONTH_DAY = re.compile(_WEEKDAY + r"([a-z]{3,9})\.?\s*([0-9]{1,2}),?\s+([0-9]{4})(?![0-9])", re.IGNORECASE)
_YEAR_MONTH = re.compile(r"([0-9]{4})[-\s./_]*([a-z]{3,9})\.?[-\s./_]*([0-9]{1,2})(?![0-9])", re.IGNORECASE)
_CTIME = re.compile(
    _WEEKDAY + r"([a-z]{3,9})\s+([0-9]{1,2})\s+([0-9:.]{5,15})\s+([a-z]{1,5}\s+|)([0-9]{4})", re.IGNORECASE
)
_ORDINAL = re.compile(r"([0-9]{4})[-:/ ]?([0-9]{3})(?![0-9-/.])")
_PACKED_DATE = re.compile(r"([0-9]{8}|[0-9]{6})(?![0-9])")
_HALF_OF_DAY = re.compile(r"[0-9]\s*[ap]\.?m\b", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[Tt,;:_/-]?\s*")
_UNSET = {"1970-01-01", "1980-01-01", "1980-01-06"}  # where clocks begin that nobody set


def _date(year: int, month: int, day: int, form: str, fraction: str = "") -> Option:
    """Return one date, checked."""
    try:
        date = dt.date(year, month, day)
    except ValueError:
        raise UnreadableError(f"there is no day {day} of month {month} in {year}") from None
    mjd = day_of(date)
    if not FIRST_DAY <= mjd < LAST_DAY:
        raise UnreadableError(f"{date.isoformat()} is not between 1950 and 2100")
    if date.isoformat() in _UNSET:
        raise UnreadableError(f"{date.isoformat()} is where a clock begins that was never set")
    if fraction:
        part = Decimal(f"0{fraction[:20]}")
        seconds, resolution = float(part * 86400), max(last_digit(part) * DAY, 1e-6)
        return Option(day=mjd, seconds=seconds, form=f"{form}.ddd", resolution_s=resolution)
    return Option(day=mjd, form=form, resolution_s=DAY)


def _year(text: str) -> int:
    """Return a year of two digits, of three (since 1900), or of four."""
    value = int(text)
    if len(text) == len("102"):
        return 1900 + value
    if len(text) <= _SHORT:
        return value + (1900 if value >= _CENTURY_TURNS else 2000)
    return value


Maker = Callable[[], Option]


def _numeric(found: re.Match[str]) -> Iterator[Maker]:
    """Yield the dates that three numbers may be."""
    a, mark, b, c, fraction = found[1], found[2], found[3], found[4], found[5] or ""
    if len(a) > _SHORT:
        if len(c) <= _SHORT:
            form = f"yyyy{mark}mm{mark}dd"
            yield lambda: _date(_year(a), int(b), int(c), form, fraction)
        return
    if fraction or mark == ":":
        return
    width = "y" * len(c) if len(c) > 1 else "yy"
    orders: tuple[tuple[str, str, str, str], ...] = (
        (c, b, a, f"dd{mark}mm{mark}{width}"),
        (c, a, b, f"mm{mark}dd{mark}{width}"),
    )
    if len(c) <= _SHORT:
        orders = (*orders, (a, b, c, f"yy{mark}mm{mark}dd"))
    for year, month, day, form in orders:
        if len(year) >= _SHORT:
            yield lambda y=year, m=month, d=day, f=form: _date(_year(y), int(m), int(d), f)  # type: ignore[misc]


def _named(year: str, month: str, day: str, form: str) -> Iterator[Maker]:
    """Yield the date with the month in letters."""
    number = _MONTHS.get(month.lower()[:3])
    if number is not None:
        yield lambda: _date(_year(year), number, int(day), form)


def _packed_date(found: re.Match[str]) -> Iterator[Maker]:
    """Yield the dates that eight or six digits may be."""
    text = found[1]
    if len(text) == len("20140307"):
        yield lambda: _date(int(text[:4]), int(text[4:6]), int(text[6:]), "yyyymmdd")
        yield lambda: _date(int(text[4:]), int(text[2:4]), int(text[:2]), "ddmmyyyy")
        return
    yield lambda: _date(_year(text[:2]), int(text[2:4]), int(text[4:]), "yymmdd")
    yield lambda: _date(_year(text[4:]), int(text[2:4]), int(text[:2]), "ddmmyy")


def _ordinal(found: re.Match[str]) -> Iterator[Maker]:
    """Yield the date of a year and the number of a day in it."""

    def made() -> Option:
        year, number = int(found[1]), int(found[2])
        try:
            date = dt.date(year, 1, 1) + dt.timedelta(days=number - 1)
        except (ValueError, OverflowError):
            raise UnreadableError(f"{found[0]} is no date") from None
        if date.year != year:
            raise UnreadableError(f"there is no day {number} in {year}")
        return _date(date.year, date.month, date.day, "yyyy-ddd")

    yield made


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Iterator[Maker]]], ...] = (
    (_NUMERIC, _numeric),
    (_YEAR_MONTH, lambda found: _named(found[1], found[2], found[3], "yyyy-mon-dd")),
    (_DAY_MONTH, lambda found: _named(found[3], found[2], found[1], "dd-mon-yyyy")),
    (_MONTH_DAY, lambda found: _named(found[3], found[1], found[2], "mon dd, yyyy")),
    (_PACKED_DATE, _packed_date),
    (_ORDINAL, _ordinal),
)


def _made(makers: Iterator[Maker]) -> tuple[tuple[Option, ...], str]:
    """Return the options that are dates, and why the first that is none is none."""
    found: list[Option] = []
    why = ""
    for make in makers:
        try:
            option = make()
        except UnreadableError as problem:
            why = why or str(problem)
            continue
        if all(option.day != other.day for other in found):
            found.append(option)
    return tuple(found), why


def read_date(text: str) -> tuple[Option, ...]:
    """Return what a date, or a date with a time of day behind it, may be.

    Years in two digits are 1950 to 2049, in three digits since 1900 (``102`` is 2002). Day and month are told apart
    where one of them is above 12; else both orders are options, the day first, as FITS had it before 1999 (FITS
    Standard 4.0, section 4.4.2.1), but the month first where slashes go with AM or PM, as in the United States.

    Raises
    ------
    UnreadableError
        No date, one that no calendar has, or not between 1950 and 2100.
    """
    stripped = text.strip()[:LONGEST]
    why = ""
    ctime = _CTIME.fullmatch(stripped)
    if ctime:
        stripped = f"{ctime[5]} {ctime[1]} {ctime[2]} {ctime[3]} {ctime[4]}".strip()
    for pattern, makers in _READERS:
        found = pattern.match(stripped)
        if found is None:
            continue
        rest = stripped[found.end() :]
        clock = _clock_behind(rest)
        if clock is None:
            continue
        options, reason = _made(makers(found))
        why = why or reason
        if options and "/" in found[0] and _HALF_OF_DAY.search(rest):
            options = tuple(sorted(options, key=lambda option: not option.form.startswith("mm")))
        if options:
            return tuple(_joined(option, clock) for option in options)
    raise UnreadableError(why or f"{stripped!r} is no date")


def _clock_behind(rest: str) -> Option | None:
    """Return the time of day behind a date, an empty option when nothing is there, None when something else is."""
    if not rest.strip().strip("Tt"):
        return Option()
    between = _BETWEEN.match(rest)
    behind = rest[between.end() if between else 0 :]
    zone = read_zone(behind)
    if zone is not None and rest[:1].isspace():
        return Option(scale=zone[0], offset_hours=zone[1])
    return clock_of(behind)


def _joined(date: Option, clock: Option) -> Option:
    """Return date and time of day in one."""
    if clock.seconds is None:
        return replace(date, scale=clock.scale, offset_hours=clock.offset_hours)
    return replace(clock, day=date.day, form=f"{date.form} hms")


def read_any(text: str) -> tuple[Option, ...]:
    """Return what a text may be as date, date and time, or time of day with colons; never a bare number.

    Raises
    ------
    UnreadableError
        Nothing of these.
    """
    stripped = text.strip()[:LONGEST]
    try:
        return read_date(stripped)
    except UnreadableError as problem:
        if ":" in stripped:
            try:
                return read_clock(stripped)
            except UnreadableError:
                pass
        raise UnreadableError(str(problem)) from None


# --- as a mapping says ---


def by_format(text: str, form: Format) -> tuple[Option, ...]:
    """Return what a text means in the format of a mapping's rule: one option, where the rule leaves nothing open.

    Raises
    ------
    UnreadableError
        It is not in that format.
    """
    if form.type in {"jd", "mjd"}:
        options = tuple(option for option in read_day_number(text, form.type) if option.form.startswith(form.type))
    elif form.type == "time":
        options = read_clock(text, form.form)[:1]
    else:
        options = _by_date_form(text, form.form)
    if not options:
        raise UnreadableError(f"{text.strip()[:LONGEST]!r} is no {form.form or form.type}")
    scale = form.scale
    if not scale:
        return options
    offset = form.offset_hours if scale == "local" else None
    return tuple(replace(option, scale=scale, offset_hours=offset) for option in options)


def _by_date_form(text: str, form: str) -> tuple[Option, ...]:
    """Return the readings of a date that are in a form; without a form, the likeliest."""
    options = read_date(text)
    if not form:
        return options[:1]
    letters = _order(form)
    return tuple(option for option in options if _order(option.form.split(" ")[0]) == letters)


def _order(form: str) -> str:
    """Return the order of year, month and day in a form: ``dmy``."""
    return "".join(dict.fromkeys(letter for letter in form if letter in "ymd"))
