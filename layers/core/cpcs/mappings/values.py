"""Fixed and mapped values: whether they are of their keyword's kind and in its range, and the one form of a number."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from cpcs.errors import BadMapping
from cpcs.keywords import Keyword, Kind

from . import angles
from .formats import SYNONYMS, UNITS, Format

PLACES = ("LONGITUD", "LATITUDE", "RA", "DEC")
SCALES_OF_PIXELS = ("CDELTA1", "CDELTA2")
_SITES = ("LONGITUD", "LATITUDE")
_LETTERS = {"LONGITUD": "EW", "LATITUDE": "NS", "DEC": "NS"}
_OF_THE_FRAME = {"DATE-OBS", "TIME-OBS", "JD", "MJD-AVG"}  # a fixed one would be the same for every frame
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
_WITH_UNIT = re.compile(rf"({_PLAIN_NUMBER.pattern})\s*([a-zA-Z\u00b5\u03bc][a-zA-Z\u00b5\u03bc/-]*)")
_EPOCH = re.compile(r"[JB]\s*(\d+\.?\d*)", re.IGNORECASE)
_BINNING = re.compile(r"(\d{1,2})(?:\.0*)?(?:\s*[xX*,: ]\s*(\d{1,2})(?:\.0*)?)?")
_LARGEST_BIN = 64
_MEANT = {said: word for word, others in SYNONYMS.items() for said in others}


def plain(value: str, text: str, keyword: Keyword, form: Format) -> tuple[str, str]:
    """Return a fixed number without the unit that it was written with, and the format that says it.

    ``785 m`` is ``785`` in ``float m``, ``J2000`` is ``2000``. What is no number with a unit is returned as it is.

    Parameters
    ----------
    value, text
        The value and its format, as they were written.
    keyword, form
        Of the standard header, and the format taken apart.
    """
    if keyword.kind is Kind.TEXT or keyword.name in PLACES:
        return value, text
    epoch = _EPOCH.fullmatch(value) if keyword.name == "EQUINOX" else None
    if epoch:
        return epoch[1], text
    found = _WITH_UNIT.fullmatch(value)
    if not found:
        return value, text
    said = found[2].lower().replace("\u00b5", "u").replace("\u03bc", "u")
    unit = _MEANT.get(said, said)
    if unit == form.unit or (not form.unit and unit == keyword.unit.lower()):
        return found[1], text
    is_unit = unit in UNITS or unit in {"adu/e", "deg", "rad"}
    if not is_unit or form.unit or form.type not in {"str", "int", "float"}:
        return value, text
    return found[1], f"{'int' if form.type == 'int' else 'float'} {unit}"


def check_value(value: str, form: Format, keyword: Keyword, where: str) -> None:
    """Refuse a fixed or mapped value that is not of the keyword's kind, or out of its range.

    Raises
    ------
    BadMapping
        It is so; or the keyword is of the frame, and cannot be fixed.
    """
    if not value:
        return
    if keyword.name in _OF_THE_FRAME:
        advice = "Name the FITS keyword that has it; without one, leave the rule out."
        raise BadMapping(where=where, reason=f"{keyword.name} cannot be the same for every frame", advice=advice)
    if keyword.kind is Kind.TEXT:
        if keyword.name == "BIN" and not _is_binning(value):
            raise BadMapping(where=where, reason=f"{value[:40]!r} is no binning", advice="Give it as 2, or as 2x2.")
        return
    number = _number(value, form, keyword)
    if number is not None and keyword.name in SCALES_OF_PIXELS:
        number = abs(number)
    if number is not None and keyword.name == "LONGITUD" and abs(number) <= 360.0:  # noqa: PLR2004 -- a full turn
        number = (number + 180.0) % 360.0 - 180.0
    if number is None or (keyword.kind is Kind.WHOLE and number != int(number)):
        kind = "a whole number" if keyword.kind is Kind.WHOLE else "a number"
        advice = f"Give {kind}, in the unit that the format says."
        if keyword.name in PLACES or form.type == "angle":
            advice = "Give an angle: 44:15:33, 44.2592."
        raise BadMapping(where=where, reason=f"{value[:40]!r} is not {kind} as {form.type!r} has it", advice=advice)
    if not keyword.holds(number):
        low, high = (f"{bound:g}" if bound is not None else "any" for bound in (keyword.low, keyword.high))
        reason = f"{value[:40]!r} is {number:g} {keyword.unit}".rstrip() + f", and {keyword.name} is {low} to {high}"
        raise BadMapping(where=where, reason=reason, advice="Check the value, and the unit in the format.")


def _is_binning(value: str) -> bool:
    found = _BINNING.fullmatch(value)
    return found is not None and all(1 <= int(part) <= _LARGEST_BIN for part in found.groups() if part)


def _number(value: str, form: Format, keyword: Keyword) -> float | None:
    """Return a value in the keyword's unit; None when it is no number."""
    number = _plain_number(value, keyword)
    if number is not None:
        return _in_unit(number, form, keyword) if math.isfinite(number) else None
    return _angle(value, form, keyword) if keyword.name in PLACES or form.type == "angle" else None


def _plain_number(value: str, keyword: Keyword) -> float | None:
    if not _PLAIN_NUMBER.fullmatch(value):
        return None
    if keyword.name in _SITES:  # read as angles: 44D15 has minutes there
        read = angles.read(value)
        return read.value if read is not None and read.parts == 1 else None
    return float(value.upper().replace("D", "E"))


def _angle(value: str, form: Format, keyword: Keyword) -> float | None:
    """Return an angle that is no plain number, deg, as the readers of headers have it (`angles.read`)."""
    read, lower = angles.read(value), value.lower()
    if read is None or (read.letter and read.letter not in _LETTERS.get(keyword.name, "")):
        return None
    if (read.parts > 1 and (form.form in {"deg", "rad", "hour"} or form.unit)) or (
        "h" in lower and keyword.name in _SITES
    ):
        return None
    number = abs(read.value) if read.letter in {"N", "E"} and keyword.name in _SITES else read.value
    if read.letter in {"S", "W"}:
        number = -abs(number) if keyword.name in _SITES else -number
    said_hours = keyword.name == "RA" and not form.form and not form.unit and "h" in lower
    if read.parts == 1 and not said_hours:
        return _in_unit(number, replace(form, west=form.west and not read.letter), keyword)
    in_degrees = keyword.name != "RA" or (not said_hours and ("d" in lower or "\u00b0" in lower))
    hours = form.form == "hms" or (not form.form and not in_degrees)
    return number * (15.0 if hours else 1.0) * (-1.0 if form.west and not read.letter else 1.0)


def _in_unit(number: float, form: Format, keyword: Keyword) -> float:
    if form.type == "angle":
        turned = {"hour": number * 15.0, "hms": number * 15.0, "rad": math.degrees(number)}.get(form.form, number)
        return -turned if form.west else turned
    if form.unit == "adu/e":
        return 1.0 / number if number else math.inf
    if form.unit in {"deg", "rad"}:
        degrees = number if form.unit == "deg" else math.degrees(number)
        return degrees * 3600.0 if keyword.name in SCALES_OF_PIXELS else degrees
    return number * UNITS[form.unit][1] if form.unit else number
