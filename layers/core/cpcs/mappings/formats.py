"""The words of a format: what kind of value the file has, how it is written, in which unit, when in the exposure."""

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


SYNONYMS: dict[str, tuple[str, ...]] = {
    "str": ("string", "text", "char", "character"),
    "int": ("integer", "long", "short"),
    "float": ("double", "real", "number", "decimal"),
    "s": ("sec", "second", "seconds"),
    "min": ("minute", "minutes"),
    "hour": ("h", "hr", "hours"),
    "day": ("d", "days"),
    "m": ("metre", "metres", "meter", "meters"),
    "ft": ("foot", "feet"),
    "um": ("micron", "microns"),
    "e/adu": ("e-/adu", "electrons/adu"),
    "adu/e": ("adu/e-", "adu/electron"),
    "arcsec": ("arcsec/pixel", "arcsec/pix", "arcsec/px"),
    "arcmin": ("arcmin/pixel", "arcmin/pix"),
    "deg": ("degree", "degrees", "deg/pixel", "deg/pix"),
    "rad": ("radian", "radians"),
    "mid": ("middle",),
    "datetime": ("isot", "iso", "iso8601"),
}
"""What else is understood: types as older scripts call them, units written out, ``%8.3f``, ``hh:mm:ss.s``."""


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


_MEANT = {said: word for word, others in SYNONYMS.items() for said in others}
_PRINTF = re.compile(r"%[-+ 0#]*\d*(?:\.\d*)?l?([sdifge])")
_PRINTED = {"s": "str", "d": "int", "i": "int", "f": "float", "g": "float", "e": "float"}
_SHAPES = {
    "hms": re.compile(r"hh?:mm?(?::ss?(?:\.[sf]+)?)?"),
    "dms": re.compile(r"[+-]?d{1,3}:mm?(?::ss?(?:\.[sf]+)?)?"),
    "datetime": re.compile(r"yyyy-mm-dd[t_]hh:mm(?::ss(?:\.[sf]+)?)?z?"),
}
"""Forms as they look, and the word that they mean."""
_SIZED = re.compile(r"(?:np\.|numpy\.)?u?(int|float)(?:8|16|32|64)")
_ZONE = re.compile(r"utc([+-])(\d{1,2})(?:(\.\d{1,2})|:?([0-5]\d))?")
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
    words = spelled_out(text).lower().split() or ["str"]
    kind = _type(words[0])
    if kind not in TYPES:
        raise ValueError(f"{words[0]!r} is none of {', '.join(TYPES)} (nor string, double, %s, %f, ...)")
    found = Format(type=kind)
    said: set[str] = set()
    for word in words[1:]:
        added = _word(_meaning(word), found.type)
        if said & added.keys():
            raise ValueError(f"{word!r} contradicts what is said before it")
        said |= added.keys()
        found = replace(found, **added)
    return found


def spelled_out(text: str, *, angular: bool = False) -> str:
    """Return a format with its type before it, where only a form was written.

    ``dd/mm/yy`` is ``date dd/mm/yy``; ``hh:mm:ss`` is ``time hms``; ``str hh:mm:ss`` is the same.

    Parameters
    ----------
    text
        As it was written; returned as it is where it has a type, and what follows goes with that.
    angular
        Whether it is of an angle: ``hh:mm:ss`` is ``angle hms`` then, and ``float hour`` is ``angle hour``.
    """
    words = text.split()
    meant = [_meaning(word.lower()) for word in words]
    if meant[1:] and _type(meant[0]) == "str" and meant[1] in {*TYPES, *DATE_FORMS, *_SHAPES}:
        words, meant = words[1:], meant[1:]
    first, rest = (meant[0], meant[1:]) if meant else ("", [])
    has_both = "datetime" in rest or {"yyyy-mm-dd", "hms"} <= set(meant)
    if first in {"date", "datetime", "yyyy-mm-dd"} and (has_both or first == "datetime"):
        return " ".join(
            ["datetime", *(word for word in meant if word not in {"date", "datetime", "yyyy-mm-dd", "hms"})]
        )
    if first in DATE_FORMS:
        return " ".join(["date", *words])
    if first in _SHAPES:
        return " ".join(["angle" if angular or first == "dms" else "time", *meant])
    if angular and _type(first) in {"float", "int"} and "hour" in rest:
        return " ".join(["angle", *rest])
    return " ".join(words)


def _meaning(word: str) -> str:
    """Return the word that one means which is said otherwise."""
    return next((name for name, shape in _SHAPES.items() if shape.fullmatch(word)), _MEANT.get(word, word))


def _type(word: str) -> str:
    """Return what the first word means, in whichever way it is said."""
    printed, sized = _PRINTF.fullmatch(word), _SIZED.fullmatch(word)
    if printed:
        return _PRINTED[printed[1]]
    return sized[1] if sized else _MEANT.get(word, word)


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
        if zone:
            return {"scale": "local", "offset_hours": _offset(*zone.groups())}
        if word in MOMENTS:
            return {"moment": word}
        if word in SCALES:
            return {"scale": word}
    raise ValueError(f"{word!r} means nothing after {kind!r}")


def _offset(sign: str, hours: str, fraction: str | None, minutes: str | None) -> float:
    """Return the hours of a zone: ``utc-3.5``, ``utc-3:30``, ``utc-0330``."""
    value = int(hours) + float(fraction or 0) + int(minutes or 0) / 60
    if value > _FARTHEST_ZONE:
        raise ValueError(f"no time zone is {value:g} hours from UTC")
    return -value if sign == "-" else value
