"""Numbers as people and programs write them, angles among them."""

from __future__ import annotations

import re

# 05:33:17.6, 05 33 17.6, 05h33m17.6s, -70d41m51.5s
_SEXAGESIMAL = re.compile(r"([+-]?)(\d{1,3})(?:[: ]|([hd]) ?)(\d{1,2})[: m] ?(\d{1,2}(?:\.\d*)?)s?")


def number(text: str) -> float:
    """Return a number in any of the ways it is written; NaN for anything else.

    Angles come out in the unit of their first part: ``05:30:00`` is 5.5.
    """
    stripped = text.strip()
    try:
        return float(stripped)
    except ValueError:
        pass
    angle = _SEXAGESIMAL.fullmatch(stripped)
    if angle:
        size = int(angle[2]) + int(angle[4]) / 60.0 + float(angle[5]) / 3600.0
        return -size if angle[1] == "-" else size
    try:
        return float(stripped.replace("D", "E").replace("d", "e"))  # Fortran's double precision
    except ValueError:
        return float("nan")


def is_sexagesimal(text: str) -> bool:
    """Whether it is an angle in three parts that does not itself say that it is in degrees."""
    angle = _SEXAGESIMAL.fullmatch(text.strip())
    return angle is not None and angle[3] != "d"
