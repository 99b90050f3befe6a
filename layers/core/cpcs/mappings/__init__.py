"""Mappings: what the keywords of one observatory's camera mean, said by its lead.

A mapping is a list of rules, *standard keyword ← keyword of the file, or a fixed value*, each with a format, and with a
map of values where the file speaks in numbers of filter wheel positions. It holds for one camera of one observatory,
and has a version: a calibration names the one it used. Where no rule speaks, the default understanding does.

Formats are words, the type first: ``float min``, ``date dd/mm/yyyy``, ``time hms utc-3``, ``angle hms``.
"""

from __future__ import annotations

from . import angles
from .check import LONGEST_TEXT, MOST_CONDITIONS, MOST_RULES, MOST_VALUES, check, check_rule
from .formats import (
    ANGLE_FORMS,
    CLOCK_FORMS,
    DATE_FORMS,
    MOMENTS,
    SCALES,
    SYNONYMS,
    TYPES,
    UNITS,
    Format,
    parse_format,
)
from .records import Condition, HeaderMapping, Rule, camera_key
from .table import decoded, parse_table, table

__all__ = [
    "ANGLE_FORMS",
    "CLOCK_FORMS",
    "DATE_FORMS",
    "LONGEST_TEXT",
    "MOMENTS",
    "MOST_CONDITIONS",
    "MOST_RULES",
    "MOST_VALUES",
    "SCALES",
    "SYNONYMS",
    "TYPES",
    "UNITS",
    "Condition",
    "Format",
    "HeaderMapping",
    "Rule",
    "angles",
    "camera_key",
    "check",
    "check_rule",
    "decoded",
    "parse_format",
    "parse_table",
    "table",
]
