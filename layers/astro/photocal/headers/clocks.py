"""Numbers, day numbers, zones and times of day in every form that headers write them: text in, what it may mean out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from photocal.headers.instants import DAY, FIRST_DAY, LAST_DAY, SCALES, Instant, instant

LONGEST = 80  # characters: a card has no more
_FARTHEST_ZONE = 14.0  # hours
_ZEROS_OF_PROGRAMS = 3  # at the end of a number: its format had room for them


class UnreadableError(ValueError):
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

_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]{1,20},[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eEdD][+-]?[0-9]{1,3})?|[+-]?\.[0-9]{1,20}")


def decimal_of(text: str) -> Decimal | None:
    """Return a number exactly as it is written; None when it is none, or one that no header means."""
    stripped = text.strip()
    if _DECIMAL_COMMA.fullmatch(stripped):
        stripped = stripped.replace(",", ".")
    if not _NUMBER.fullmatch(stripped):
        return None
    value = Decimal(stripped.replace("D", "E").replace("d", "e"))
    return value if value == 0 or Decimal("1e-12") < abs(value) < Decimal("1e15") else None


def last_digit(value: Decimal) -> float:
    """Return what the last digit is worth; 1 of a whole number. Three zeros at the end and more are a program's."""
    written, plain = value.as_tuple().exponent, value.normalize().as_tuple().exponent
    if not isinstance(written, int) or not isinstance(plain, int):
        return 1.0
    return 10.0 ** min(0, plain if plain - written >= _ZEROS_OF_PROGRAMS else written)


# --- day numbers ---

_MJD_OF = {"mjd": Decimal(0), "jd": Decimal("2400000.5"), "reduced jd": Decimal("0.5")}
_SHORT = {"jd - 2450000": Decimal("-49999.5"), "jd - 2440000": Decimal("-39999.5")}
_LEAST_JD = 2_000_000
_DECIMALS_OF_MIDNIGHT = 5  # with fewer, a day without a fraction is a date
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
    UnreadableError
        No number, or none of a day between 1950 and 2100.
    """
    value = decimal_of(text)
    if value is None:
        raise UnreadableError(f"{text[:LONGEST]!r} is no number")
    names = ["jd", "mjd", "reduced jd"]
    found = [option for name in names if (option := _day_option(value - _MJD_OF[name], name, value)) is not None]
    if kind == "jd" and not found:
        found = [option for name, at in _SHORT.items() if (option := _day_option(value - at, name, value)) is not None]
    if not found:
        found = list(_of_seconds(value))
    if not found:
        raise UnreadableError(f"{text.strip()[:LONGEST]} is no day between 1950 and 2100")
    return tuple(found)


def _day_option(mjd: Decimal, form: str, written: Decimal) -> Option | None:
    """Return an MJD as an option; None outside of the centuries. Without a fraction it is a date only."""
    if not FIRST_DAY <= mjd < LAST_DAY:
        return None
    day = int(mjd)
    fraction = mjd - day
    decimals = -int(min(0, written.as_tuple().exponent))
    if fraction == 0 and decimals < _DECIMALS_OF_MIDNIGHT:
        return Option(day=day, form=form, resolution_s=DAY)
    if written == int(written) and decimals < _DECIMALS_OF_MIDNIGHT:  # a whole JD is a noon that nobody measured
        return Option(day=day, form=f"{form}, whole days", resolution_s=DAY)
    last = max(last_digit(written), _single_precision(written))
    return Option(day=day, seconds=float(fraction * 86400), form=form, resolution_s=max(last * DAY, 1e-6))


def _single_precision(written: Decimal) -> float:
    """Return the steps of a number that was kept in four bytes (days), 0 for one that was not."""
    step = Decimal("0.25") if written > _LEAST_JD else Decimal(1) / 256
    return float(step) if written % step == 0 else 0.0


def _of_seconds(value: Decimal) -> Iterator[Option]:
    """Yield what a number of seconds may be: since MJD 0 (SDSS), or since 1970, in seconds or milliseconds."""
    resolution = max(last_digit(value), 1e-6)
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
    if hours > _FARTHEST_ZONE or int(found[3] or 0) >= _SIXTY:
        return None
    east = -hours if found[1] == "-" else hours
    return ("local", east) if east else ("utc", None)


# --- times of day ---

_NOON, _SIXTY = 12, 60
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
        raise UnreadableError(f"{text} is negative: no time of day")
    hours, minutes = int(found["h"]), int(found["m"])
    written = (found["s"] or "").replace(",", ".").replace(":", ".")
    seconds = float(written or 0)
    half = (found["half"] or "").lower().replace(".", "")
    if half:
        if not 1 <= hours <= _NOON:
            raise UnreadableError(f"{text} is no time of day")
        hours = hours % _NOON + (_NOON if half == "pm" else 0)
    leap = minutes < _SIXTY and (seconds == _SIXTY or ((hours, minutes) == (23, 59) and seconds < _SIXTY + 1))
    midnight = (hours, minutes, seconds) == (24, 0, 0.0)
    if not midnight and (hours >= 2 * _NOON or minutes >= _SIXTY or (seconds >= _SIXTY and not leap)):
        raise UnreadableError(f"{text} is no time of day")
    zone = read_zone(found["zone"]) if found["zone"] else ("", None)
    if zone is None:
        raise UnreadableError(f"{text} is no time of day")
    decimals = len(written.partition(".")[2])
    resolution = 60.0 if not written else max(10.0**-decimals, 1e-6)
    total = hours * 3600 + minutes * 60 + seconds
    return Option(seconds=total, scale=zone[0], offset_hours=zone[1], form=form, resolution_s=resolution)


def clock_of(text: str) -> Option | None:
    """Return a time of day in parts, ``21:05:43`` or ``210543``; None for another text.

    Raises
    ------
    UnreadableError
        It has the parts, but is no time of day.
    """
    found = _CLOCK.fullmatch(text) or _PACKED.fullmatch(text)
    return None if found is None else _clock(found, "hms")


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
    UnreadableError
        No time of day.
    """
    stripped = text.strip()[:LONGEST]
    value = decimal_of(stripped)
    if value is not None and form != "hms":
        return _number_clock(stripped, value, form)
    found = clock_of(stripped) if form in {"", "hms"} else None
    if found is None:
        raise UnreadableError(f"{stripped!r} is no time of day")
    return (found,)


_WORTH: dict[str, int] = {"hour": 3600, "s": 1, "day": 86400}


def _number_clock(text: str, value: Decimal, form: str) -> tuple[Option, ...]:
    """Return what a number may be as a time of day, the likeliest first."""
    if value < 0:
        raise UnreadableError(f"{text} is negative: no time of day")
    found = []
    for name in (form,) if form else ("hour", "s", "day"):
        seconds = float(value * _WORTH[name])
        if seconds <= DAY:
            resolution = max(last_digit(value) * _WORTH[name], 1e-6)
            found.append(Option(seconds=seconds, form=name, resolution_s=resolution))
    packed = _PACKED.fullmatch(text)
    if packed and not form:
        try:
            clock = _clock(packed, "hhmmss")
        except UnreadableError:
            clock = None
        if clock is not None:
            found = [*found, clock] if text[0] != "0" and found else [clock, *found]
    if not found:
        raise UnreadableError(f"{text} is no time of day")
    return tuple(found)
