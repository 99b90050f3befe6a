"""The header of the image: over what it inherits, and without the cards that only tell how it was stored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from photocal.headers.cards import Card, Header
from photocal.headers.inheritance import over_primary
from photocal.readers.gate import Hdu

_OF_THE_TABLE = re.compile(
    r"XTENSION|BITPIX|NAXIS\d*|[PG]COUNT|TFIELDS|THEAP|(TTYPE|TFORM|TUNIT|TDIM|TNULL|TSCAL|TZERO|TDISP)\d+"
    r"|CHECKSUM|DATASUM"
)
_PACKING = re.compile(
    r"Z(IMAGE|TENSION|SIMPLE|BITPIX|NAXIS\d*|TILE\d+|CMPTYPE|NAME\d+|VAL\d+|MASKCMP|QUANTIZ|DITHER0|BLANK|SCALE|ZERO"
    r"|EXTEND|BLOCKED|PCOUNT|GCOUNT|HECKSUM|DATASUM|THEAP)"
)


def image_header(data: bytes, hdus: Sequence[Hdu], index: int) -> Header:
    """Return the header of an image: its own cards, then those of the primary header that speak of the whole file.

    Of an image that was packed in tiles, NAXIS and BITPIX are the image's, and the table's own cards are left out.
    """
    own = hdus[index].header(data)
    if hdus[index].is_packed_image:
        own = Header(_unpacked(own))
    if index == 0:
        return own
    return over_primary(own, hdus[0].header(data))


def _unpacked(packed: Header) -> Iterator[Card]:
    """Yield the cards of the image that a table of tiles holds."""
    for card in packed.cards:
        if re.fullmatch(r"Z(BITPIX|NAXIS\d*)", card.key):
            yield replace(card, key=card.key[1:])
        elif not _OF_THE_TABLE.fullmatch(card.key) and not _PACKING.fullmatch(card.key):
            yield card
