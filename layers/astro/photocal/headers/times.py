"""Dates, times of day and day numbers in every form that headers write them: text in, what it may mean out.

Nothing here knows keywords. Every function returns *options*, the likeliest first: ``03/04/2015`` is the 3rd of April
or the 4th of March, and which it is others must say. What cannot be a date raises `Unreadable` with the reason, and
nothing else is ever raised.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from cpcs.mappings import Format
from photocal.headers.instants import DAY, FIRST_DAY, LAST_DAY, SCALES, Instant, day_of, instant

_LONGEST = 80  # characters: a card has no more
_FARTHEST_ZONE = 14.0  # hours
_CENTURY_TURNS = 50  # of years in two digits, 50 to 99 are 19xx


class Unreadable(ValueError):
    """A text that is no date, no time, or none that can be; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What a text may mean.

    Attributes
    ----------
    day
        MJD of the date, in the text's own scale; None when it has only a time of day.
    seconds
        Since midnight; None when it has only a date.
    scale, offset_hours
        When the text itself says it (``Z``, ``UTC``, ``-0700``); empty and None otherwise.
    form
        The form that it was read in, in words of `cpcs.mappings` where they have one.
    resolution_s
        What the last digit is worth.
    """

    day: int | None = None
    seconds: float | None = None
    scale: str = ""
    offset_hours: float | None = None
    form: str = ""
    resolution_s: float = 1.0

    def moment(self) -> Instant:
        """Return date and time, midnight where there is none."""
        return instant(self.day or 0, self.seconds or 0.0)


# --- numbers ---

_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eEdD][+-]?[0-9]{1,3})?|[+-]?\.[0-9]{1,20}")


def decimal_of(text: str) -> Decimal | None:
    """Return a number exactly as it is written; None when it is none, or one that no header means."""
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        return None
    value = Decimal(stripped.replace("D", "E").replace("d", "e"))
    return value if value == 0 or Decimal("1e-12") < abs(value) < Decimal("1e15") else None


def _last_digit(value: Decimal) -> float:
    """Return what the last digit is worth; 1 of a whole number. Three zeros at the end and more are a program's."""
    written, plain = value.as_tuple().exponent, value.normalize().as_tuple().exponent
    if not isinstance(written, int) or not isinstance(plain, int):
        return 1.0
    return 10.0 ** min(0, plain if plain - written > 2 else written)


# --- day numbers ---

_MJD_OF = {"mjd": Decimal(0), "jd": Decimal("2400000.5"), "reduced jd": Decimal("0.5")}
_SHORT = {"jd - 2450000": Decimal("-49999.5"), "jd - 2440000": Decimal("-39999.5")}
_UNIX_DAY, _EARLIEST_UNIX = 40_587, Decimal(315_532_800)  # 1970; 1980


def read_day_number(text: str, kind: str = "") -> tuple[Option, ...]:
    """Return what a number of days (JD, MJD) or of seconds since MJD 0 or 1970 may mean.

    Parameters
    ----------
    text
        As the header has it; Fortran's ``D`` exponents too.
    kind
        ``jd`` or ``mjd``, as the keyword says; the other is taken where only that is between 1950 and 2100. A number
        of five digits may also be JD - 2400000, half a day more than an MJD.

    Raises
    ------
    Unreadable
        No number, or none of a day between 1950 and 2100.
    """
    value = decimal_of(text)
    if value is None:
        raise Unreadable(f"{text[:_LONGEST]!r} is no number")
    names = ["jd", "mjd", "reduced jd"]
    found = [option for name in names if (option := _day_option(value - _MJD_OF[name], name, value)) is not None]
    if kind == "jd" and not found:
        found = [option for name, at in _SHORT.items() if (option := _day_option(value - at, name, value)) is not None]
    if not found:
        found = list(_of_seconds(value))
    if not found:
        raise Unreadable(f"{text.strip()[:_LONGEST]} is no day between 1950 and 2100")
    return tuple(found)


def _day_option(mjd: Decimal, form: str, written: Decimal) -> Option | None:
    """Return an MJD as an option; None outside of the centuries. Without a fraction it is a date only."""
    if not FIRST_DAY <= mjd < LAST_DAY:
        return None
    day = int(mjd)
    fraction = mjd - day
    if written == int(written) and form != "jd":
        return Option(day=day, form=form, resolution_s=DAY)
    if written == int(written) or fraction == 0:  # a whole JD is a noon that nobody measured
        return Option(day=day, form=f"{form}, whole days", resolution_s=DAY)
    last = max(_last_digit(written), _single_precision(written))
    return Option(day=day, seconds=float(fraction * 86400), form=form, resolution_s=max(last * DAY, 1e-6))


def _single_precision(written: Decimal) -> float:
    """Return the steps of a number that was kept in four bytes (days), 0 for one that was not."""
    step = Decimal("0.25") if written > 2_000_000 else Decimal(1) / 256
    return float(step) if written % step == 0 else 0.0


def _of_seconds(value: Decimal) -> Iterator[Option]:
    """Yield what a number of seconds may be: since MJD 0 (SDSS), or since 1970, in seconds or milliseconds."""
    resolution = max(_last_digit(value), 1e-6)
    if FIRST_DAY * 86400 <= value < LAST_DAY * 86400:
        day, rest = divmod(value, 86400)
        yield Option(day=int(day), seconds=float(rest), form="seconds since MJD 0", resolution_s=resolution)
    if value > 100 * _EARLIEST_UNIX:
        value, resolution = value / 1000, max(resolution / 1000, 1e-6)
    if _EARLIEST_UNIX <= value < (LAST_DAY - _UNIX_DAY) * 86400:
        day, rest = divmod(value, 86400)
        form = "seconds since 1970"
        yield Option(day=int(day) + _UNIX_DAY, seconds=float(rest), scale="utc", form=form, resolution_s=resolution)


# --- zones ---

ZONES: dict[str, float] = {
    "HST": -10.0, "AKST": -9.0, "AKDT": -8.0, "PST": -8.0, "PDT": -7.0, "MST": -7.0, "MDT": -6.0, "EST": -5.0,
    "EDT": -4.0, "CLT": -4.0, "CLST": -3.0, "ART": -3.0, "BRT": -3.0, "WET": 0.0, "WEST": 1.0, "CET": 1.0, "MEZ": 1.0,
    "CEST": 2.0, "MESZ": 2.0, "EET": 2.0, "EEST": 3.0, "SAST": 2.0, "MSK": 3.0, "JST": 9.0, "KST": 9.0, "AWST": 8.0,
    "AEST": 10.0, "AEDT": 11.0, "NZST": 12.0, "NZDT": 13.0,
}  # fmt: skip
"""Names of zones that mean one thing only (CST, IST and AST do not), in hours east of Greenwich."""

_OFFSET = re.compile(r"(?:UTC?|GMT)?\s*([+-])\s*([0-9]{1,2})(?::?([0-9]{2}))?(?:\.([0-9]{1,2}))?\s*H?")
_LOCAL_WORDS = {"LT", "LOCAL", "LMT", "DST", "STD", "LOC", "LOCAL TIME"}


def read_zone(text: str) -> tuple[str, float | None] | None:
    """Return scale and offset (hours east) that a text names: ``Z``, ``UT``, ``-0700``, ``UTC+2``, ``CEST``, ``LT``."""
    word = text.strip().upper().strip(".()")
    if word in _LOCAL_WORDS:
        return "local", None
    if word in SCALES:
        return SCALES[word], None
    if word in ZONES:
        return "local", ZONES[word]
    found = _OFFSET.fullmatch(word)
    if not found:
        return None
    hours = int(found[2]) + int(found[3] or 0) / 60 + (float(f"0.{found[4]}") if found[4] else 0.0)
    if hours > _FARTHEST_ZONE or int(found[3] or 0) > 59:
        return None
    return "local", -hours if found[1] == "-" else hours


# --- times of day ---

_CLOCK = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<h>[0-9]{1,3})\s*[:hH ._-]\s*(?P<m>[0-9]{1,2})"
    r"(?:\s*[:mM' ._-]\s*(?P<s>[0-9]{1,2}(?:[.,:][0-9]*)?)\s*(?:s|sec|\")?|\s*m|)"
    r"\s*(?P<half>[aApP]\.?[mM]\.?)?\s*(?P<zone>[A-Za-z+-][A-Za-z0-9 :+.-]{0,11}|)"
)
_PACKED = re.compile(r"(?P<h>[0-9]{2})(?P<m>[0-9]{2})(?P<s>[0-9]{2}(?:[.,][0-9]*)?)\s*(?P<half>)(?P<zone>Z|UTC?|GMT|)")


def _clock(found: re.Match[str], form: str) -> Option:
    """Return a time of day from its parts."""
    text = found[0].strip()
    if found.groupdict().get("sign") == "-":
        raise Unreadable(f"{text} is negative: no time of day")
    hours, minutes = int(found["h"]), int(found["m"])
    written = (found["s"] or "").replace(",", ".").replace(":", ".")
    seconds = float(written or 0)
    half = (found["half"] or "").lower().replace(".", "")
    if half:
        if not 1 <= hours <= 12:
            raise Unreadable(f"{text} is no time of day")
        hours = hours % 12 + (12 if half == "pm" else 0)
    leap = (hours, minutes) == (23, 59) and seconds < 61
    midnight = (hours, minutes, seconds) == (24, 0, 0.0)
    if not midnight and (hours > 23 or minutes > 59 or (seconds >= 60 and not leap)):
        raise Unreadable(f"{text} is no time of day")
    zone = read_zone(found["zone"]) if found["zone"] else ("", None)
    if zone is None:
        raise Unreadable(f"{text} is no time of day")
    decimals = len(written.partition(".")[2])
    resolution = 60.0 if not written else max(10.0**-decimals, 1e-6)
    total = hours * 3600 + minutes * 60 + seconds
    return Option(seconds=total, scale=zone[0], offset_hours=zone[1], form=form, resolution_s=resolution)


def read_clock(text: str, form: str = "") -> tuple[Option, ...]:
    """Return what a time of day may be.

    A number is decimal hours up to 24, then seconds since midnight; up to 1, it may be a fraction of a day. 24:00:00
    and a leap second 23:59:60 are the next day's first seconds. Nothing negative is a time of day.

    Parameters
    ----------
    text
        ``21:05:43.2``, ``21 05 43``, ``21h05m43s``, ``210543``, ``9:05:43 PM``, ``21.0953``, ``75943.2``.
    form
        One of `cpcs.mappings.CLOCK_FORMS`, when it is known; the others are then not tried.

    Raises
    ------
    Unreadable
        No time of day.
    """
    stripped = text.strip()[:_LONGEST]
    value = decimal_of(stripped)
    if value is not None and form != "hms":
        return _number_clock(stripped, value, form)
    found = _CLOCK.fullmatch(stripped) or _PACKED.fullmatch(stripped)
    if found is None or form not in {"", "hms"}:
        raise Unreadable(f"{stripped!r} is no time of day")
    return (_clock(found, "hms"),)


_WORTH: dict[str, int] = {"hour": 3600, "s": 1, "day": 86400}


def _number_clock(text: str, value: Decimal, form: str) -> tuple[Option, ...]:
    """Return what a number may be as a time of day, the likeliest first."""
    if value < 0:
        raise Unreadable(f"{text} is negative: no time of day")
    found = []
    for name in (form,) if form else ("hour", "s", "day"):
        seconds = float(value * _WORTH[name])
        if seconds <= DAY:
            resolution = max(_last_digit(value) * _WORTH[name], 1e-6)
            found.append(Option(seconds=seconds, form=name, resolution_s=resolution))
    packed = _PACKED.fullmatch(text)
    if packed and not form:
        try:
            clock = _clock(packed, "hhmmss")
        except Unreadable:
            clock = None
        if clock is not None:
            found = [*found, clock] if text[0] != "0" and found else [clock, *found]
    if not found:
        raise Unreadable(f"{text} is no time of day")
    return tuple(found)


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
_BETWEEN = re.compile(r"\s*[Tt,;:_/-]?\s*")
_UNSET = {"1970-01-01", "1980-01-01", "1980-01-06"}  # where clocks begin that nobody set


def _date(year: int, month: int, day: int, form: str, fraction: str = "") -> Option:
    """Return one date, checked."""
    try:
        date = datetime.date(year, month, day)
    except ValueError:
        raise Unreadable(f"there is no day {day} of month {month} in {year}") from None
    mjd = day_of(date)
    if not FIRST_DAY <= mjd < LAST_DAY:
        raise Unreadable(f"{date.isoformat()} is not between 1950 and 2100")
    if date.isoformat() in _UNSET:
        raise Unreadable(f"{date.isoformat()} is where a clock begins that was never set")
    if fraction:
        part = Decimal(f"0{fraction[:20]}")
        seconds, resolution = float(part * 86400), max(_last_digit(part) * DAY, 1e-6)
        return Option(day=mjd, seconds=seconds, form=f"{form}.ddd", resolution_s=resolution)
    return Option(day=mjd, form=form, resolution_s=DAY)


def _year(text: str) -> int:
    """Return a year of two digits, of three (since 1900), or of four."""
    value = int(text)
    if len(text) == 3:
        return 1900 + value
    if len(text) <= 2:
        return value + (1900 if value >= _CENTURY_TURNS else 2000)
    return value


Maker = Callable[[], Option]


def _numeric(found: re.Match[str]) -> Iterator[Maker]:
    """Yield the dates that three numbers may be."""
    a, mark, b, c, fraction = found[1], found[2], found[3], found[4], found[5] or ""
    if len(a) >= 3:
        if len(c) <= 2:
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
    if len(c) <= 2:
        orders = (*orders, (a, b, c, f"yy{mark}mm{mark}dd"))
    for year, month, day, form in orders:
        if len(year) >= 2:
            yield lambda y=year, m=month, d=day, f=form: _date(_year(y), int(m), int(d), f)  # type: ignore[misc]


def _named(year: str, month: str, day: str, form: str) -> Iterator[Maker]:
    """Yield the date with the month in letters."""
    number = _MONTHS.get(month.lower()[:3])
    if number is not None:
        yield lambda: _date(_year(year), number, int(day), form)


def _packed_date(found: re.Match[str]) -> Iterator[Maker]:
    """Yield the dates that eight or six digits may be."""
    text = found[1]
    if len(text) == 8:
        yield lambda: _date(int(text[:4]), int(text[4:6]), int(text[6:]), "yyyymmdd")
        yield lambda: _date(int(text[4:]), int(text[2:4]), int(text[:2]), "ddmmyyyy")
        return
    yield lambda: _date(_year(text[:2]), int(text[2:4]), int(text[4:]), "yymmdd")
    yield lambda: _date(_year(text[4:]), int(text[2:4]), int(text[:2]), "ddmmyy")


def _ordinal(found: re.Match[str]) -> Iterator[Maker]:
    """Yield the date of a year and the number of a day in it."""

    def made() -> Option:
        year, number = int(found[1]), int(found[2])
        if not (1 <= number <= 366 and 1 <= year < 9999):
            raise Unreadable(f"{found[0]} is no date")
        date = datetime.date(year, 1, 1) + datetime.timedelta(days=number - 1)
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
        except Unreadable as problem:
            why = why or str(problem)
            continue
        if all(option.day != other.day for other in found):
            found.append(option)
    return tuple(found), why


def read_date(text: str) -> tuple[Option, ...]:
    """Return what a date, or a date with a time of day behind it, may be.

    Years in two digits are 1950 to 2049, in three digits since 1900 (``102`` is 2002). Day and month are told apart
    where one of them is above 12; else both orders are options, the day first, as FITS had it before 1999 (FITS
    Standard 4.0, section 4.4.2.1).

    Raises
    ------
    Unreadable
        No date, one that no calendar has, or not between 1950 and 2100.
    """
    stripped = text.strip()[:_LONGEST]
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
        if options:
            return tuple(_joined(option, clock) for option in options)
    raise Unreadable(why or f"{stripped!r} is no date")


def _clock_behind(rest: str) -> Option | None:
    """Return the time of day behind a date, an empty option when nothing is there, None when something else is."""
    if not rest.strip().strip("Tt"):
        return Option()
    between = _BETWEEN.match(rest)
    behind = rest[between.end() if between else 0 :]
    zone = read_zone(behind)
    if zone is not None and rest[:1].isspace():
        return Option(scale=zone[0], offset_hours=zone[1])
    found = _CLOCK.fullmatch(behind) or _PACKED.fullmatch(behind)
    return None if found is None else _clock(found, "hms")


def _joined(date: Option, clock: Option) -> Option:
    """Return date and time of day in one."""
    if clock.seconds is None:
        return replace(date, scale=clock.scale, offset_hours=clock.offset_hours)
    return replace(clock, day=date.day, form=f"{date.form} hms")


def read_any(text: str) -> tuple[Option, ...]:
    """Return what a text may be as date, date and time, or time of day with colons; never a bare number.

    Raises
    ------
    Unreadable
        Nothing of these.
    """
    stripped = text.strip()[:_LONGEST]
    try:
        return read_date(stripped)
    except Unreadable as problem:
        if ":" in stripped:
            try:
                return read_clock(stripped)
            except Unreadable:
                pass
        raise Unreadable(str(problem)) from None


# --- as a mapping says ---


def by_format(text: str, form: Format) -> tuple[Option, ...]:
    """Return what a text means in the format of a mapping's rule: one option, where the rule leaves nothing open.

    Raises
    ------
    Unreadable
        It is not in that format.
    """
    if form.type in {"jd", "mjd"}:
        options = tuple(option for option in read_day_number(text, form.type) if option.form.startswith(form.type))
    elif form.type == "time":
        options = read_clock(text, form.form)[:1]
    else:
        options = _by_date_form(text, form.form)
    if not options:
        raise Unreadable(f"{text.strip()[:_LONGEST]!r} is no {form.form or form.type}")
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
