"""What an upload holds: a catalogue's stars, or an image, and what its header says in standard keywords.

One way for both, and for files with and without a header: here the form's words and the header's come together.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from cpcs.errors import HeaderContradiction, ImageNotMeasured
from cpcs.mappings import HeaderMapping
from photocal.headers.cards import Card, Header
from photocal.headers.standard import Given, Level, StandardHeader
from photocal.headers.time_remarks import TIME_CODES
from photocal.headers.understand import standardise
from photocal.images import read_image
from photocal.readers import LIMITS, Limits, read_table
from photocal.readers.build import star_list
from photocal.readers.table import RawTable
from photocal.stars import StarList

OF_THE_STARS = frozenset({"TARGET_AGAINST_POINTING"})
"""Remarks that refuse no catalogue: where its field lies, its stars say better than its header."""
OF_THE_SKY = frozenset({"SUN_UP", "TARGET_BELOW_HORIZON"})
"""Remarks that refuse a catalogue only where header and form agree on the time: the form's is the point's."""
_WORST_FIRST = tuple(reversed(Level))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """An upload, read.

    Attributes
    ----------
    stars
        Of a catalogue; None for an image.
    header
        What its header was understood to say; None where it has none.
    """

    stars: StarList | None = None
    header: StandardHeader | None = None

    @property
    def filter_name(self) -> str:
        """The filter as the header names it; empty when it names none."""
        return "" if self.header is None else self.header.text("FILTER")

    @property
    def camera(self) -> str:
        """The camera as the header names it; where it names none, the telescope."""
        return "" if self.header is None else self.header.text("INSTRUME") or self.header.text("TELESCOP")

    def measured(self) -> StarList:
        """Return the stars.

        Raises
        ------
        HeaderContradiction
            The header says what cannot be.
        ImageNotMeasured
            It is an image.
        """
        remarks = () if self.header is None else self.header.remarks
        passed_over = self._passed_over({remark.code for remark in remarks})
        for remark in remarks:
            if remark.level is Level.REFUSAL and remark.code not in passed_over:
                raise HeaderContradiction(remark=remark.code, reason=remark.message)
        if self.stars is None:
            raise ImageNotMeasured
        return self.stars

    def _passed_over(self, codes: AbstractSet[str]) -> AbstractSet[str]:
        """Return the codes that refuse nothing here: of a catalogue, what its stars or the form say better."""
        if self.stars is None:
            return frozenset()
        of_the_sky = OF_THE_SKY if "MJD_AGAINST_HEADER" in codes else frozenset()
        return OF_THE_STARS | TIME_CODES.keys() | of_the_sky


def take_in(
    data: bytes,
    *,
    mappings: Sequence[HeaderMapping] = (),
    camera: str = "",
    given: Given | None = None,
    limits: Limits = LIMITS,
) -> Intake:
    """Read an upload, and understand its header.

    Parameters
    ----------
    data
        The file.
    mappings, camera, given
        As for `photocal.headers.understand.standardise`.
    limits
        What is taken at most.

    Raises
    ------
    UnreadableUpload
        One of its classes says why there are neither stars nor an image to be had.
    """
    table = _table(data, limits)
    if table is None:
        frame = read_image(data, limits)
        understood = standardise(frame.header, mappings=mappings, camera=camera, given=given)
        remarks = sorted((*understood.remarks, *frame.remarks), key=lambda remark: _WORST_FIRST.index(remark.level))
        return Intake(header=replace(understood, remarks=tuple(remarks)))
    stars = star_list(table)
    # A column with one value for all says what a card would.
    columns = [Card(key=key, value=value) for key, value in stars.meta.header.items() if key not in table.cards]
    header = Header((*table.cards.cards, *columns))
    if not len(header):
        return Intake(stars=stars)
    return Intake(stars=stars, header=standardise(header, mappings=mappings, camera=camera, given=given))


def _table(data: bytes, limits: Limits) -> RawTable | None:
    """Return the catalogue that a file holds; None for an image, and what was unpacked is let go before it is read."""
    try:
        return read_table(data, limits)
    except ImageNotMeasured:
        return None
