"""Quality cuts: which rows, and which magnitudes, a catalogue's own flags leave standing.

``catalogues.toml`` writes them in three ways: ``cuts``, a range of a number; ``bits``, bits that must not be set in a
word of flags; ``letters``, what a character of a text must be. A table that lacks the column is not cut by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from photocal.arrays import Bools, Floats
from photocal.readers.table import RawTable


class Cut(Protocol):
    """One column, and what must be true of it."""

    @property
    def column(self) -> str:
        """The column's name in the catalogue."""

    def passes(self, table: RawTable, name: str) -> Bools:
        """Return which rows pass; `name` is the column as the table spells it."""


@dataclass(frozen=True, slots=True)
class Range:
    """The number lies in a range, ends included; a row without one passes."""

    column: str
    low: float
    high: float

    def passes(self, table: RawTable, name: str) -> Bools:
        """Return which rows pass."""
        values = _numbers(table, name)
        return np.isnan(values) | ((values >= self.low) & (values <= self.high))


@dataclass(frozen=True, slots=True)
class Bits:
    """None of these bits is set; a row without a number passes."""

    column: str
    unset: int

    def passes(self, table: RawTable, name: str) -> Bools:
        """Return which rows pass."""
        words = np.nan_to_num(_numbers(table, name), nan=0.0, posinf=0.0, neginf=0.0).astype(np.int64)
        passed: Bools = (words & self.unset) == 0
        return passed


@dataclass(frozen=True, slots=True)
class Letters:
    """The character at a place (from 0) is one of these. A blank is not; a text too short for the place says nothing.

    Programs make a number of ``000``, and 0 of the number: that is too short.
    """

    column: str
    place: int
    allowed: str

    def passes(self, table: RawTable, name: str) -> Bools:
        """Return which rows pass."""
        return np.array([self._may_be(text) for text in table.texts(name)], dtype=np.bool_)

    def _may_be(self, text: str) -> bool:
        return text != "" and (len(text) <= self.place or text[self.place] in self.allowed)


def _numbers(table: RawTable, name: str) -> Floats:
    return table.numbers([name])[:, 0]


def cuts_of(entry: Mapping[str, Any]) -> tuple[Cut, ...]:
    """Return the cuts that a catalogue's entry, or that of one of its filters, writes down."""
    return (
        *(Range(str(column), float(low), float(high)) for column, low, high in entry.get("cuts", ())),
        *(Bits(str(column), int(unset)) for column, unset in entry.get("bits", ())),
        *(Letters(str(column), int(place), str(allowed)) for column, place, allowed in entry.get("letters", ())),
    )


def columns_of(cuts: Iterable[Cut]) -> list[str]:
    """Return the columns that the cuts look at."""
    return [cut.column for cut in cuts]


def passes(table: RawTable, found: Sequence[tuple[Cut, str | None]]) -> Bools:
    """Return the rows that pass every cut; each comes with its column as the table spells it, or None."""
    passed = np.ones(table.n_rows, dtype=np.bool_)
    for cut, name in found:
        if name is not None:
            passed &= cut.passes(table, name)
    return passed
