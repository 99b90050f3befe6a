"""Longitudes, latitudes and times of day as headers write them: decimal, in two or three parts, with N, S, E or W."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite

_LONGEST = 60
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00ba": "\u00b0", "\u2032": "'", "\u2033": '"', "_": " "})
_WORDS = re.compile(r"\b(NORTH|SOUTH|EAST|WEST)\b")
_UNITS = re.compile(r"\[?\bDEG(?:REES?|S)?\b\.?\]?|\bHOURS?\b")
_BEFORE = re.compile(r"^([NSEW])(?=[\s\d.:+-])")
_AFTER = re.compile(r"(?<=[\s\d.\"':\u00b0MD])([NSEW])$")
_GAP = "[ :;\u00b0'\"HDMS]+"
_NUMBER = r"(\d+(?:[.,]\d*)?|\.\d+)"
_PARTS = re.compile(rf"([+-]?) ?{_NUMBER}(?:{_GAP}{_NUMBER})?(?:{_GAP}{_NUMBER})?(?:{_GAP})?")
_FORTRAN = re.compile(r"([+-]?(?:\d+\.\d*|\.\d+))D([+-]?\d{1,3})")  # with a point: 44D15 has minutes
_SIXTY = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Angle:
    """An angle or a time of day.

    Attributes
    ----------
    value
        In the unit of its first part, with the sign that it is written with.
    letter
        N, S, E or W, where the text has one.
    parts
        How many numbers it was written with.
    """

    value: float
    letter: str = ""
    parts: int = 1


def read(text: str) -> Angle | None:
    """Return an angle; None for what is none.

    ``05h30m``, ``-30:09:54``, ``31:57.8``, ``W 70 48 54``, ``4,54``, and Fortran's ``4.426D1``.
    """
    plain = " ".join(text.translate(_SIGNS).upper().split())[:_LONGEST]
    plain = _WORDS.sub(lambda word: word[1][0], _UNITS.sub("", plain)).strip()
    letter = ""
    for pattern in (_BEFORE, _AFTER):
        found = pattern.search(plain)
        if found and not letter and not (found[1] == "S" and "M" in plain):  # 28d45m43s: seconds, not south
            letter = found[1]
            plain = pattern.sub("", plain).strip()
    return _decimal(plain, letter) or _in_parts(plain, letter)


def _decimal(plain: str, letter: str) -> Angle | None:
    try:
        value = float(_FORTRAN.sub(r"\1E\2", plain) if _FORTRAN.fullmatch(plain) else plain)
    except ValueError:
        return None
    return Angle(value=value, letter=letter) if isfinite(value) else None


def _in_parts(plain: str, letter: str) -> Angle | None:
    found = _PARTS.fullmatch(plain)
    if found is None:
        return None
    numbers = [float(part.replace(",", ".")) for part in found.groups()[1:] if part]
    if any(part > _SIXTY for part in numbers[1:]) or any(part % 1 for part in numbers[:-1]):
        return None
    size = sum(part / _SIXTY**index for index, part in enumerate(numbers))
    return Angle(value=-size if found[1] == "-" else size, letter=letter, parts=len(numbers))
