"""Reading and checking the fields of requests: every refusal names the field, and says what to give instead."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cpcs import clock
from cpcs.errors import BadField, MissingField, MjdInFuture, MjdIsJd, MjdTooEarly

MJD_1990 = 47892.0
CLOCK_SKEW_DAYS = 0.01
LONGEST_COMMENT = 1000
LONGEST_URL = 500
LARGEST_PAGE = 500
USUAL_PAGE = 100
SHOWN = 40  # characters of a bad value that are told back
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"", "0", "false", "no", "off"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")  # and halves of characters
_SEXAGESIMAL = re.compile(r"([+-]?)(\d{1,3})(?:\s*[:hd\s]\s*)(\d{1,2})(?:\s*[:m\s]\s*)(\d{1,2}(?:\.\d*)?)\s*s?")

Fields = Mapping[str, Any]


def bad(name: str, value: object, expected: str) -> BadField:
    """Return the error for a value that cannot be used, cut to a length that can be shown."""
    shown = str(value)
    return BadField(field=name, value=shown if len(shown) <= SHOWN else shown[:SHOWN] + "...", expected=expected)


def text(fields: Fields, name: str, *, longest: int = 200, meaning: str = "") -> str:
    """Return a field as text without control characters; with a ``meaning`` it must not be empty.

    Raises
    ------
    MissingField, BadField
        It is empty; it is too long, or no text.
    """
    value = fields.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        raise bad(name, value, "text")
    given = _CONTROL.sub("", "" if value is None else str(value)).strip()
    if len(given) > longest:
        raise bad(name, given, f"text of at most {longest} characters")
    if meaning and not given:
        raise MissingField(field=name, meaning=meaning)
    return given


def number(
    fields: Fields, name: str, *, lowest: float, highest: float, meaning: str, default: float | None = None
) -> float:
    """Return a field as a finite number between ``lowest`` and ``highest``.

    Raises
    ------
    MissingField, BadField
        It is empty, and there is no default; it is no number, or outside.
    """
    given = optional_number(fields, name, lowest=lowest, highest=highest, meaning=meaning)
    if given is not None:
        return given
    if default is None:
        raise MissingField(field=name, meaning=meaning)
    return default


def optional_number(fields: Fields, name: str, *, lowest: float, highest: float, meaning: str) -> float | None:
    """Return a field as a finite number between ``lowest`` and ``highest``, or None when it is empty."""
    given = text(fields, name)
    if not given:
        return None
    expected = f"{meaning}, between {lowest:g} and {highest:g}"
    value = _float(name, given, expected)
    if not lowest <= value <= highest:
        raise bad(name, given, expected)
    return value


def whole(fields: Fields, name: str, *, lowest: int, highest: int, meaning: str, default: int | None = None) -> int:
    """Return a field as a whole number between ``lowest`` and ``highest``."""
    given = number(fields, name, lowest=lowest, highest=highest, meaning=meaning, default=default)
    if given != int(given):
        raise bad(name, fields.get(name), f"{meaning}, a whole number")
    return int(given)


def flag(fields: Fields, name: str, *, default: bool = False) -> bool:
    """Return a switch: 1, true, yes, on, or 0, false, no, off.

    Raises
    ------
    BadField
        It is none of these.
    """
    value = fields.get(name)
    if value is None or value == "":
        return default
    given = str(value).strip().lower()
    if given in YES | NO:
        return given in YES
    raise bad(name, value, "1 or 0")


def words(fields: Fields, name: str, *, most: int, meaning: str) -> tuple[str, ...]:
    """Return a list of words: of JSON, or in one text with commas between them.

    Raises
    ------
    BadField
        It is no such list, or longer than ``most``.
    """
    value = fields.get(name)
    expected = f"at most {most} {meaning}"
    listed = value.split(",") if isinstance(value, str) else value if value is not None else []
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        raise bad(name, value, expected)
    found = tuple(dict.fromkeys(word.strip() for word in listed if word.strip()))
    if len(found) > most:
        raise bad(name, f"{len(found)} words", expected)
    return found


def moment(fields: Fields, name: str) -> str:
    """Return a date, or a date and time (UTC where it does not say), as ``2026-11-22T21:30:00Z``; "" when empty.

    Raises
    ------
    BadField
        It is none.
    """
    given = text(fields, name)
    if not given:
        return ""
    try:
        meant = datetime.fromisoformat(given)
        return clock.iso((meant if meant.tzinfo else meant.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise bad(name, given, "a time, as 2026-11-22 or 2026-11-22T21:30:00Z") from error


def mjd(fields: Fields, name: str, now: float) -> float:
    """Return the middle of an exposure as MJD (UTC).

    Parameters
    ----------
    fields
        What was sent.
    name
        The field.
    now
        Unix seconds.

    Raises
    ------
    MissingField, BadField, MjdIsJd, MjdInFuture, MjdTooEarly
        It is empty; no number; a Julian Date; later than now; before 1990.
    """
    meaning = "the middle of the exposure as a Modified Julian Date (UTC)"
    given = text(fields, name, meaning=meaning)
    value = _float(name, given, meaning)
    today = clock.mjd(now)
    if value >= clock.JD_MINUS_MJD:
        raise MjdIsJd(mjd=given, corrected=f"{value - clock.JD_MINUS_MJD:.6f}".rstrip("0").rstrip("."))
    if value < MJD_1990:
        raise MjdTooEarly(mjd=given)
    if value > today + CLOCK_SKEW_DAYS:
        raise MjdInFuture(mjd=given, now=f"{today:.5f}")
    return value


def right_ascension(fields: Fields, name: str) -> float:
    """Return a right ascension in degrees, from degrees or from ``hh mm ss.s``."""
    return _angle(fields, name, "the right ascension in degrees (J2000)", lowest=0.0, highest=360.0, per_unit=15.0)


def declination(fields: Fields, name: str) -> float:
    """Return a declination in degrees, from degrees or from ``dd mm ss.s``."""
    return _angle(fields, name, "the declination in degrees (J2000)", lowest=-90.0, highest=90.0, per_unit=1.0)


def web_address(fields: Fields, name: str) -> str:
    """Return an http or https address, or an empty text: others (``javascript:``) could harm whoever follows them.

    Raises
    ------
    BadField
        It is no such address.
    """
    given = text(fields, name, longest=LONGEST_URL)
    if given and not is_web_address(given):
        raise bad(name, given, "an address that begins with http:// or https://")
    return given


def is_web_address(given: str) -> bool:
    """Whether this is an http or https address with a host, and nothing that breaks out of one."""
    if re.search(r"[\s<>\"'\\`]", given):
        return False
    try:
        parts = urlsplit(given)
        return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def observatory(given: str) -> int:
    """Return the number of an observatory, of an address that names one."""
    return whole({"id": given}, "id", lowest=1, highest=2**31, meaning="the number of the observatory")


def page_size(query: Mapping[str, str]) -> int:
    """Return how many rows of a list are wanted: 1 to 500, 100 when not said."""
    return whole(query, "limit", lowest=1, highest=LARGEST_PAGE, meaning="the rows of a page", default=USUAL_PAGE)


def _float(name: str, given: str, expected: str) -> float:
    try:
        # Python's underscores and words (1_0, infinity) are no numbers here.
        value = float(given) if re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?\d+)?", given) else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise bad(name, given, expected)
    return value


def _angle(fields: Fields, name: str, meaning: str, *, lowest: float, highest: float, per_unit: float) -> float:
    given = text(fields, name, meaning=meaning)
    parts = _SEXAGESIMAL.fullmatch(given)
    if parts is None:
        value = _float(name, given, meaning)
    else:
        sign, units, minutes, seconds = parts.groups()
        if int(minutes) >= 60 or float(seconds) >= 60:  # noqa: PLR2004 -- minutes and seconds
            raise bad(name, given, meaning)
        value = (int(units) + int(minutes) / 60 + float(seconds) / 3600) * per_unit * (-1 if sign == "-" else 1)
    if not lowest <= value <= highest:
        raise bad(name, given, f"{meaning}, between {lowest:g} and {highest:g}")
    return value % 360.0 if highest == 360.0 else value  # noqa: PLR2004 -- a full turn
