"""Mappings: what the keywords of one observatory's camera mean, said by its lead.

A mapping is a list of rules, *standard keyword ← keyword of the file, or a fixed value*, each with a format, and with a
map of values where the file speaks in numbers of filter wheel positions. It holds for one camera of one observatory,
and has a version: a calibration names the one it used. Where no rule speaks, the default understanding does.

Formats are words, the type first: ``float min``, ``date dd/mm/yyyy``, ``time hms local utc-3``, ``angle hms``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

TYPES: dict[str, str] = {
    "str": "text, as it stands",
    "int": "a whole number",
    "float": "a number",
    "date": "a date; its form follows, yyyy-mm-dd where none does",
    "time": "a time of day",
    "datetime": "date and time in one, ISO 8601 (yyyy-mm-ddThh:mm:ss)",
    "jd": "a Julian Date",
    "mjd": "a Modified Julian Date",
    "angle": "a coordinate, longitude or latitude",
}
"""The first word of a format."""

UNITS: dict[str, tuple[str, float]] = {
    "s": ("s", 1.0),
    "ms": ("s", 1e-3),
    "us": ("s", 1e-6),
    "min": ("s", 60.0),
    "hour": ("s", 3600.0),
    "day": ("s", 86400.0),
    "m": ("m", 1.0),
    "km": ("m", 1000.0),
    "ft": ("m", 0.3048),
    "um": ("um", 1.0),
    "mm": ("um", 1000.0),
    "arcsec": ("arcsec/pixel", 1.0),
    "arcmin": ("arcsec/pixel", 60.0),
    "e/adu": ("e-/ADU", 1.0),
}
"""Words after ``float`` or ``int``: what a unit is measured in here, and what it is worth in that.

``adu/e`` says that the inverse gain is given; ``deg`` and ``rad`` go with angles and pixel scales.
"""

DATE_FORMS = (
    "yyyy-mm-dd", "dd/mm/yyyy", "dd/mm/yy", "mm/dd/yyyy", "mm/dd/yy", "yyyy/mm/dd", "yyyymmdd", "dd-mm-yyyy",
    "dd.mm.yyyy", "ddmmyy", "yymmdd",
)  # fmt: skip
"""Words after ``date``. Of a year in two digits, 50 to 99 are 19xx; in three, ``102`` is 2002 (years since 1900)."""

CLOCK_FORMS: dict[str, str] = {
    "hms": "hours, minutes, seconds, with colons or blanks",
    "hour": "decimal hours",
    "s": "seconds since midnight",
    "day": "fraction of a day",
}
"""Words after ``time``."""

ANGLE_FORMS: dict[str, str] = {
    "deg": "degrees",
    "hour": "decimal hours",
    "rad": "radians",
    "hms": "hours, minutes, seconds",
    "dms": "degrees, minutes, seconds",
}
"""Words after ``angle``; beside them ``west`` for longitudes that grow westwards."""

MOMENTS = ("start", "mid", "end")
"""Words for times: when in the exposure. ``start`` where none is given."""

SCALES = ("utc", "ut1", "tai", "tt", "gps", "tdb")
"""Words for times: the time scale; ``utc+2`` or ``utc-3.5`` is the local time of such a zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a mapping.

    Attributes
    ----------
    keyword
        The standard keyword that it fills (`cpcs.keywords.KEYWORDS`).
    source
        The keyword of the file; several, joined by ``|``, are tried in turn. Empty with a fixed value.
    format
        Words, the type first.
    fixed
        The value, where the file has none.
    values
        What the file says, and what it means: ``(("1", "U"), ("2", "B"))``. What is not named stands for itself.
    description, comment
        For people.
    """

    keyword: str
    source: str = ""
    format: str = "str"
    fixed: str = ""
    values: tuple[tuple[str, str], ...] = ()
    description: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a header must say for a mapping to be recognised: a keyword, and a pattern (``*`` and ``?``, any case)."""

    keyword: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderMapping:
    """The rules of one camera of an observatory; a new version with every change.

    ``recognise`` must all hold for a header to be taken as one of this camera, when the upload names no camera; without
    any, the mapping holds only when it is named. ``observatory_id`` and ``version`` are 0 for one read from a file.
    """

    observatory_id: int = 0
    camera: str
    version: int = 0
    recognise: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    comment: str = ""
    created: str = ""
    key_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format, taken apart.

    Attributes
    ----------
    type
        One of `TYPES`.
    form
        One of `DATE_FORMS`, `CLOCK_FORMS` or `ANGLE_FORMS`, where the type has forms; empty when left open.
    unit
        One of `UNITS`, or ``adu/e``, ``deg``, ``rad``; empty for none.
    moment
        One of `MOMENTS`; empty when left open.
    scale
        One of `SCALES`, or ``local``; empty when left open.
    offset_hours
        Of local time from UTC, east positive.
    west
        Whether a longitude grows westwards.
    """

    type: str = "str"
    form: str = ""
    unit: str = ""
    moment: str = ""
    scale: str = ""
    offset_hours: float = 0.0
    west: bool = False


_ZONE = re.compile(r"utc([+-]\d{1,2}(?:\.\d{1,2})?)")
_FARTHEST_ZONE = 14.0
_TIMED = {"date", "time", "datetime", "jd", "mjd"}
_BARE_UNITS = {"adu/e", "deg", "rad"}


def parse_format(text: str) -> Format:
    """Take a format apart.

    Raises
    ------
    ValueError
        A word means nothing, or nothing with this type; the message says which.
    """
    words = text.lower().split() or ["str"]
    if words[0] not in TYPES:
        raise ValueError(f"{words[0]!r} is none of {', '.join(TYPES)}")
    found = Format(type=words[0])
    for word in words[1:]:
        added = _word(word, found.type)
        if any(getattr(found, name) for name in added):
            raise ValueError(f"{word!r} contradicts what is said before it")
        found = replace(found, **added)
    return found


def _word(word: str, kind: str) -> dict[str, Any]:
    """Return what a word after the type says."""
    forms = {"date": DATE_FORMS, "time": tuple(CLOCK_FORMS), "angle": tuple(ANGLE_FORMS)}.get(kind, ())
    if word in forms:
        return {"form": word}
    if kind == "angle" and word == "west":
        return {"west": True}
    if kind in {"float", "int"} and (word in UNITS or word in _BARE_UNITS):
        return {"unit": word}
    if kind in _TIMED:
        zone = _ZONE.fullmatch(word)
        if zone and abs(float(zone[1])) <= _FARTHEST_ZONE:
            return {"scale": "local", "offset_hours": float(zone[1])}
        if word in MOMENTS:
            return {"moment": word}
        if word in SCALES:
            return {"scale": word}
    raise ValueError(f"{word!r} means nothing after {kind!r}")
