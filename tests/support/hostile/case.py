"""A file to try, and how it must end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Door(StrEnum):
    """Which reader a file is meant for."""

    CATALOGUE = "catalogue"
    IMAGE = "image"
    HEADER = "header"
    MAPPING = "mapping"


class Verdict(StrEnum):
    """How a file must end."""

    ACCEPT = "accept"
    REJECT = "reject"
    EITHER = "either"  # read, or refused with any code: both are sensible


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One file.

    Attributes
    ----------
    name
        ``class/what``: unique.
    make
        Makes it, the same bytes every time.
    door, verdict
        Which reader it is meant for, and how it must end there.
    codes
        What it may be refused with; of a refusal that may be any, none.
    huge
        Whether it is tens of megabytes: there are few of them.
    """

    name: str
    make: Callable[[], bytes]
    door: Door = Door.CATALOGUE
    verdict: Verdict
    codes: frozenset[str] = frozenset()
    huge: bool = False

    @property
    def group(self) -> str:
        """Its class."""
        return self.name.partition("/")[0]


Maker = bytes | Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Group:
    """Makes the cases of one class."""

    name: str
    door: Door = Door.CATALOGUE

    def accept(self, what: str, data: Maker, *, huge: bool = False) -> Case:
        return self._case(what, data, Verdict.ACCEPT, "", huge=huge)

    def reject(self, what: str, data: Maker, codes: str, *, huge: bool = False) -> Case:
        """``codes`` are those that a refusal may have, with blanks between them."""
        return self._case(what, data, Verdict.REJECT, codes, huge=huge)

    def either(self, what: str, data: Maker, *, huge: bool = False) -> Case:
        return self._case(what, data, Verdict.EITHER, "", huge=huge)

    def rejects(self, codes: str, data: Iterable[tuple[str, Maker]]) -> Iterator[Case]:
        return (self.reject(what, made, codes) for what, made in data)

    def _case(self, what: str, data: Maker, verdict: Verdict, codes: str, *, huge: bool = False) -> Case:
        make = data if callable(data) else _constant(data)
        return Case(
            name=f"{self.name}/{what}",
            make=make,
            door=self.door,
            verdict=verdict,
            codes=frozenset(codes.split()),
            huge=huge,
        )


def _constant(data: bytes) -> Callable[[], bytes]:
    return lambda: data
