"""What a header was understood to say: every standard keyword, where its value is from, and what does not agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = str | int | float


class How(StrEnum):
    """How a value came about."""

    FOUND = "found"  # under its own name, in the form that FITS asks for
    MAPPED = "mapped"  # as the observatory's mapping says
    GIVEN = "given"  # by the upload's form, or the observatory's record
    GUESSED = "guessed"  # under another name, in another form or unit, or from a comment
    DERIVED = "derived"  # computed from other values
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One standard keyword.

    Attributes
    ----------
    keyword
        Its name.
    value
        In the unit of `cpcs.keywords.KEYWORDS`; None when missing.
    how
        How it came about.
    source
        What it was read from, as the file has it: ``DATE-OBS = '26/10/92'``.
    why
        What was assumed, or why there is none: a sentence for people; empty where there is nothing to say.
    """

    keyword: str
    value: Value | None = None
    how: How = How.MISSING
    source: str = ""
    why: str = ""


class Level(StrEnum):
    """How bad a remark is."""

    NOTE = "note"  # worth knowing
    WARNING = "warning"  # something contradicts something; the better is taken, and said
    REFUSAL = "refusal"  # an image cannot be calibrated like that


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What does not agree, or would mislead.

    Attributes
    ----------
    code
        Stable, as those of errors: ``DATE_AGAINST_JD``.
    level
        How bad.
    message
        What contradicts what, with the numbers, and what was made of it.
    """

    code: str
    level: Level
    message: str


def worst_first(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """Return remarks by their level, the worst first; those of a level in the order in which they came."""
    order = tuple(reversed(Level))
    return tuple(sorted(remarks, key=lambda remark: order.index(remark.level)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingUsed:
    """The mapping that a header was read with, and whether the upload named it or the header was recognised."""

    camera: str
    observatory_id: int
    version: int
    recognised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is known beside the header: the upload's form, the event, the observatory's record. None is unknown.

    Longitudes are east-positive. What a header says of the site is checked against the observatory's record, and the
    record wins; what it says of time and exposure is checked against the form.
    """

    mjd: float | None = None
    exposure_s: float | None = None
    filter: str = ""
    camera: str = ""
    observatory: str = ""
    longitude_deg: float | None = None
    latitude_deg: float | None = None
    altitude_m: float | None = None
    target_ra_deg: float | None = None
    target_dec_deg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardHeader:
    """A header, understood.

    Attributes
    ----------
    findings
        One for each keyword of `cpcs.keywords.KEYWORDS`, in its order.
    remarks
        What does not agree, the worst first.
    mapping
        The mapping that was used, if any was.
    wcs
        The cards of the world coordinate system, as the file has them (CD, PC, CDELT, SIP, ...).
    """

    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...] = ()
    mapping: MappingUsed | None = None
    wcs: Mapping[str, str] = field(default_factory=dict)

    def finding(self, keyword: str) -> Finding:
        """Return what was found for a standard keyword."""
        return next(found for found in self.findings if found.keyword == keyword)

    def number(self, keyword: str) -> float | None:
        """Return the value of a keyword that is a number; None when missing."""
        value = self.finding(keyword).value
        return None if value is None else float(value)

    def text(self, keyword: str) -> str:
        """Return the value of a keyword that is text; empty when missing."""
        value = self.finding(keyword).value
        return "" if value is None else str(value)

    @property
    def guesses(self) -> tuple[Finding, ...]:
        """What was guessed."""
        return tuple(found for found in self.findings if found.how is How.GUESSED)
