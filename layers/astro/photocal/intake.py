"""What an upload holds: a catalogue's stars, or an image, and what its header says in standard keywords.

One way for both, and for files with and without a header: here the form's words and the header's come together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cpcs.errors import HeaderContradiction, ImageNotCatalogue
from cpcs.mappings import HeaderMapping
from photocal.headers.cards import Card, Header
from photocal.headers.standard import Given, Level, Remark, StandardHeader, worst_first
from photocal.headers.understand import standardise
from photocal.images import Frame, image_of
from photocal.readers import LIMITS, Limits, table_of
from photocal.readers.build import star_list
from photocal.readers.table import RawTable
from photocal.readers.unpack import Opened, opened
from photocal.stars import StarList


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intake:
    """An upload, read.

    Attributes
    ----------
    stars
        Of a catalogue; None for an image.
    header
        What its header was understood to say; None where it has none.
    frame
        The image; None for a catalogue, and where only what its header says was handed on.
    """

    stars: StarList | None = None
    header: StandardHeader | None = None
    frame: Frame | None = None

    @property
    def filter_name(self) -> str:
        """The filter as the header names it; empty when it names none."""
        return "" if self.header is None else self.header.text("FILTER")

    @property
    def camera(self) -> str:
        """The camera as the header names it; where it names none, the telescope."""
        return "" if self.header is None else self.header.text("INSTRUME") or self.header.text("TELESCOP")

    def check(self) -> None:
        """Make sure that what it says of itself can be.

        Raises
        ------
        HeaderContradiction
            It is an image, and its header says what cannot be. A catalogue's is only worth a warning.
        """
        for remark in () if self.header is None else self.header.remarks:
            if remark.level is Level.REFUSAL:
                raise HeaderContradiction(remark=remark.code, reason=remark.message)


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
    file = opened(data, limits)
    table = _table(file, limits)
    if table is None:
        frame = image_of(file, limits)
        understood = standardise(frame.header, mappings=mappings, camera=camera, given=given)
        said = replace(understood, remarks=worst_first((*understood.remarks, *frame.remarks)))
        return Intake(header=said, frame=frame)
    stars = star_list(table)
    # A column with one value for all says what a card would.
    columns = [Card(key=key, value=value) for key, value in stars.meta.header.items() if key not in table.cards]
    header = Header((*table.cards.cards, *columns))
    if not len(header):
        return Intake(stars=stars)
    understood = standardise(header, mappings=mappings, camera=camera, given=given)
    return Intake(stars=stars, header=replace(understood, remarks=tuple(map(_as_warning, understood.remarks))))


def _as_warning(remark: Remark) -> Remark:
    """Return a remark on a catalogue's header: where and when its stars were, they and the form say better."""
    return replace(remark, level=Level.WARNING) if remark.level is Level.REFUSAL else remark


def _table(file: Opened, limits: Limits) -> RawTable | None:
    """Return the catalogue that a file holds; None for an image."""
    try:
        return table_of(file, limits)
    except ImageNotCatalogue:
        return None
