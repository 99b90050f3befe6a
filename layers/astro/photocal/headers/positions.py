"""Right ascensions and declinations as headers write them: by their form, their comment, and what else the header says.

A decimal right ascension is degrees by the FITS standard and hours in many headers; sexagesimal ones are hours unless
somebody says degrees. What neither form nor comment decides, a second position in the header does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cpcs.mappings import Format, angles
from photocal.headers.ephemeris import separation_deg
from photocal.headers.values import LONGEST, number, with_unit

_CIRCLE_HOURS = 24.0
_SIXTY = 60.0
_HOURS = re.compile(r"\[h\]|\[hrs?\]|\bhours?\b|\bhrs?\b|\[hour|hh[:\s]?mm|hms|h:m:s", re.IGNORECASE)
_DEGREES = re.compile(r"\bdeg|\bdecimal degrees|\u00b0|\[d\]", re.IGNORECASE)
_RADIANS = re.compile(r"\brad(ian)?s?\b", re.IGNORECASE)
_REPEATED_DEG = 0.01
_NEAR_DEG = 2.0  # what counts as the same place, of two positions in one header


@dataclass(frozen=True, slots=True, kw_only=True)
class Angle:
    """An angle, its unit still open.

    Attributes
    ----------
    value
        In the unit of its first part.
    sexagesimal
        Whether it was written in parts.
    marks
        ``h`` or ``d`` where the text itself says so.
    """

    value: float
    sexagesimal: bool
    marks: str = ""


def angle(text: str) -> Angle | None:
    """Return an angle of any form, ``10 00 50.5``, ``10h00m50.5s``, ``12:30``, ``-00:55:31``, ``150.1``; else None."""
    plain = text[:LONGEST].strip()
    value, rest = with_unit(plain)
    if value is not None and not rest:
        return Angle(value=value, sexagesimal=False)
    read = angles.read(plain)
    if read is None or read.letter in {"E", "W"}:
        return None
    lower = plain.lower()
    marks = "h" if "h" in lower else "d" if "d" in lower or "\u00b0" in lower else ""
    return Angle(value=-read.value if read.letter == "S" else read.value, sexagesimal=read.parts > 1, marks=marks)


def packed(text: str) -> Angle | None:
    """Return an angle of ``hhmmss.sss`` or ``ddmmss.sss`` written as one number."""
    value = number(text)
    if value is None or abs(value) >= 1e7:  # noqa: PLR2004 -- at most dddmmss
        return None
    size = abs(value)
    whole, minutes, seconds = size // 10000, size % 10000 // 100, size % 100
    if minutes >= _SIXTY or seconds >= _SIXTY:
        return None
    return Angle(value=math.copysign(whole + minutes / 60.0 + seconds / 3600.0, value), sexagesimal=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position in degrees, in the system that the header means, and what was assumed to get it."""

    ra_deg: float
    dec_deg: float
    why: str = ""
    sure: bool = True


class NoPlace(ValueError):  # noqa: N818 -- a word, as the errors of cpcs.errors
    """A right ascension or declination that cannot be one; the message says why."""


def place(ra: Angle, dec: Angle, comments: tuple[str, str], others: Sequence[tuple[float, float]]) -> Place:
    """Return what two angles mean together.

    Parameters
    ----------
    ra, dec
        As `angle` read them.
    comments
        Of the two cards.
    others
        Positions that the header (or the upload) names otherwise, deg: what decides between hours and degrees.

    Raises
    ------
    NoPlace
        They are not on the sphere.
    """
    if not ra.sexagesimal and not dec.sexagesimal and all(_RADIANS.search(text) for text in comments):
        return Place(
            ra_deg=_circle(math.degrees(ra.value)),
            dec_deg=_latitude(math.degrees(dec.value)),
            why="radians",
            sure=False,
        )
    dec_deg = _latitude(dec.value)
    factor, why, sure = _ra_unit(ra, comments[0], dec_deg, others)
    return Place(ra_deg=_circle(ra.value * factor), dec_deg=dec_deg, why=why, sure=sure)


_Unit = tuple[float, str, bool]


def _ra_unit(ra: Angle, comment: str, dec_deg: float, others: Sequence[tuple[float, float]]) -> _Unit:
    """Return the degrees that a right ascension's unit has, why, and whether FITS has it so."""
    if ra.marks:
        return (15.0, "hours, as it says", False) if ra.marks == "h" else (1.0, "degrees, as it says", False)
    if abs(ra.value) >= _CIRCLE_HOURS:
        return 1.0, "degrees, as there are no 24 hours" if ra.sexagesimal else "", not ra.sexagesimal
    said_degrees = bool(_DEGREES.search(comment)) and not _HOURS.search(comment)
    if ra.sexagesimal:
        in_hours = _agrees(ra.value * 15.0, dec_deg, others) or _repeats(comment, ra.value * 15.0)
        if said_degrees and not in_hours:
            return 1.0, "degrees, by its comment", False
        return 15.0, "hours, by its form", True
    return _decimal_unit(ra, comment, dec_deg, others)


def _decimal_unit(ra: Angle, comment: str, dec_deg: float, others: Sequence[tuple[float, float]]) -> _Unit:
    """Return the unit of a decimal right ascension below 24, which may be either."""
    in_comment = angle_in(comment)
    if in_comment is not None:
        others = [*others, (in_comment * 15.0, dec_deg)]
    agreeing = [factor for factor in (1.0, 15.0) if _agrees(ra.value * factor, dec_deg, others)]
    if len(agreeing) == 1:
        word = "hours" if agreeing[0] > 1 else "degrees"
        return agreeing[0], f"{word}, as another position agrees", agreeing[0] == 1.0
    if _HOURS.search(comment):
        return 15.0, "hours, by its comment", False
    return 1.0, "" if _DEGREES.search(comment) else "degrees, as FITS has it: nothing says hours", True


def angle_in(comment: str) -> float | None:
    """Return the sexagesimal angle that a comment repeats (``265.209 / 17:40:50.1 RA (J2000)``), in its own unit."""
    found = re.search(r"(?<![\d:])(\d{1,2}):(\d{2}):(\d{2}(?:\.\d*)?)", comment)
    return int(found[1]) + int(found[2]) / 60.0 + float(found[3]) / 3600.0 if found else None


def _repeats(comment: str, degrees: float) -> bool:
    """Whether a comment repeats an angle in decimal degrees: ``RA (220.942504 degrees)``."""
    numbers = re.findall(r"(?<![\d.:])\d{1,3}\.\d{1,16}", comment[:LONGEST])
    return any(abs(float(text) - degrees) < _REPEATED_DEG for text in numbers)


def _agrees(ra_deg: float, dec_deg: float, others: Sequence[tuple[float, float]]) -> bool:
    return any(separation_deg(ra_deg, dec_deg, *other) < _NEAR_DEG for other in others)


def _circle(degrees: float) -> float:
    if not -180.0 <= degrees <= 360.0:  # noqa: PLR2004
        raise NoPlace(f"a right ascension of {degrees:.6g} deg is not on the sky")
    return degrees % 360.0


def _latitude(degrees: float) -> float:
    if not -90.0 <= degrees <= 90.0:  # noqa: PLR2004
        raise NoPlace(f"a declination of {degrees:.6g} deg is not on the sky")
    return degrees


def by_format(text: str, form: Format) -> float | None:
    """Return an angle in degrees as a mapping's format has it: deg, hour, rad, hms, dms; else by its own form."""
    read = angle(text)
    if read is None:
        return None
    if form.form == "rad":
        return math.degrees(read.value)
    hours = form.form in {"hour", "hms"} or (not form.form and read.marks == "h")
    return read.value * (15.0 if hours else 1.0)
