"""Units, as tables and the names of their columns give them."""

from __future__ import annotations

import re

import numpy as np

from photocal.arrays import Floats
from photocal.readers.columns import HOURS, RADIANS
from photocal.readers.table import RawTable

_IN_NAME = re.compile(r"(.*\S)\s*[\[(]([^\[\]()]*)[\])]\s*")  # RA (deg), Vmag[mag]
_ELEMENT = re.compile(r"\d*")  # PSFMAG[2] is an element, not a unit
_PER_YEAR = {"arcsec": 1000.0, "as": 1000.0, '"': 1000.0, "''": 1000.0, "uas": 0.001, "µas": 0.001, "deg": 3.6e6}
_MILLI = {"mmag", "millimag", "0.001mag", "10-3mag", "1e-3mag"}
_CENTI = {"cmag", "centimag", "0.01mag", "10-2mag", "1e-2mag"}


def without_unit(name: str) -> str:
    """Return a column's name without the unit that follows it in brackets.

    Examples
    --------
    >>> without_unit("RA (deg)"), without_unit("PSFMAG[2]")
    ('RA', 'PSFMAG[2]')
    """
    match = _IN_NAME.fullmatch(name)
    return name if match is None or _ELEMENT.fullmatch(match[2]) else match[1]


def unit_of(table: RawTable, name: str) -> str:
    """Return a column's unit, from the table or from the column's name; "" where neither gives one."""
    unit = table.units.get(name, "").strip().strip("\"'[]“”").strip()
    match = None if unit else _IN_NAME.fullmatch(name)
    return unit or (match[2].strip() if match else "")


def degrees(table: RawTable, name: str, *, may_be_hours: bool) -> Floats:
    """Return an angle in degrees."""
    values = table.numbers([name])[:, 0]
    unit = unit_of(table, name).upper()
    if may_be_hours and (unit.replace(":", "") in HOURS or table.sexagesimal(name)):
        return values * 15.0
    return np.degrees(values) if unit in RADIANS else values


def mas(table: RawTable, name: str) -> Floats:
    """Return a small angle in mas, or a motion in mas/yr, which is what a column without a unit is taken to be in."""
    unit = unit_of(table, name).replace(" ", "").casefold()
    angle = re.split(r"/|\.|\*\*|yr|\^", unit, maxsplit=1)[0]
    return table.numbers([name])[:, 0] * _PER_YEAR.get(angle, 1.0)


def magnitudes(table: RawTable, name: str, *, unnamed_scale: float = 1.0) -> Floats:
    """Return magnitudes, or their errors, in mag.

    Parameters
    ----------
    unnamed_scale
        What whole numbers without a unit are in: UCAC4 writes the errors of its APASS magnitudes in hundredths.
    """
    values = table.numbers([name])[:, 0]
    unit = unit_of(table, name).replace(" ", "").replace("^", "").replace("+", "").casefold()
    if unit in _MILLI | _CENTI:
        return values * (0.001 if unit in _MILLI else 0.01)
    if not unit and unnamed_scale != 1.0:
        finite = values[np.isfinite(values)]
        return values * unnamed_scale if np.array_equal(finite, np.round(finite)) else values
    return values
