"""The gate before every FITS file: pure Python, it walks the structure and refuses what does not add up.

Nothing here trusts a number of the file: axes, sizes and counts are checked against the bytes that are there, so that
what passes can be read without surprises (a NAXIS of 999999999 or a negative row count sends general readers into
endless loops). FITS Standard 4.0, sections 3 and 4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cpcs.errors import BrokenFits, TooManyRows
from photocal.readers.limits import Limits

BLOCK, CARD = 2880, 80
_INTEGER = re.compile(r"[+-]?\d{1,12}")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_BITPIX = {8, 16, 32, 64, -32, -64}
_MOST_AXES, _MOST_FIELDS = 999, 999
_TFORM = re.compile(r"(\d{0,9})([LXBIJKAEDCMPQ])")
WIDTHS = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hdu:
    """One header and where its data lie.

    Attributes
    ----------
    cards
        Keyword -> value as text, quotes and comments taken off; the first of a keyword counts.
    offset, size
        Bytes of the data, padding left out.
    """

    cards: dict[str, str] = field(default_factory=dict)
    offset: int = 0
    size: int = 0

    @property
    def kind(self) -> str:
        """``BINTABLE``, ``TABLE``, ``IMAGE``; the primary HDU is an image, with or without pixels."""
        return self.cards.get("XTENSION", "IMAGE")

    @property
    def name(self) -> str:
        """Its EXTNAME, in capitals."""
        return self.cards.get("EXTNAME", "").upper()

    @property
    def is_packed_image(self) -> bool:
        """Whether the table holds the tiles of a compressed image."""
        return self.cards.get("ZIMAGE", "F") == "T"

    @property
    def has_pixels(self) -> bool:
        """Whether it is an image with something in it."""
        return self.is_packed_image or (self.kind == "IMAGE" and self.size > 0)

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return an integer card within bounds.

        Raises
        ------
        BrokenFits
            It is missing without a default, no integer, or out of bounds.
        """
        text = self.cards.get(key)
        if text is None:
            if default is None:
                raise BrokenFits(reason=f"{key} is missing")
            return default
        if not _INTEGER.fullmatch(text):
            raise BrokenFits(reason=f"{key} is not an integer: {text[:20]!r}")
        value = int(text)
        if not low <= value <= high:
            raise BrokenFits(reason=f"{key} = {value} is out of range")
        return value


def walk(data: bytes, limits: Limits) -> list[Hdu]:
    """Return every HDU of a FITS file whose structure holds.

    Padding after the last HDU is ignored; anything else there means that a size is wrong somewhere.

    Raises
    ------
    BrokenFits
        The structure is wrong.
    TooManyRows
        More HDUs, rows or columns than are read.
    """
    hdus: list[Hdu] = []
    offset = 0
    while offset < len(data) and (not hdus or data.startswith(b"XTENSION", offset)):
        if len(hdus) == limits.hdus:
            raise TooManyRows(n=f"more than {limits.hdus}", what="FITS extensions", limit=limits.hdus)
        hdu = _hdu(data, offset, limits, first=not hdus)
        hdus.append(hdu)
        offset = hdu.offset + -(-hdu.size // BLOCK) * BLOCK
    if data[offset:].strip(b"\0 \r\n\x1a"):
        raise BrokenFits(reason=f"{len(data) - offset} bytes follow the last HDU and belong to none")
    return hdus


def _hdu(data: bytes, start: int, limits: Limits, *, first: bool) -> Hdu:
    cards, offset = _header(data, start, limits)
    hdu = Hdu(cards=cards, offset=offset)
    if first and cards.get("SIMPLE") not in {"T", "F"}:
        raise BrokenFits(reason="the first card is not SIMPLE")
    size = _data_size(hdu)
    if offset + size > len(data):
        missing = offset + size - len(data)
        raise BrokenFits(reason=f"it is cut short: {missing} bytes of HDU {cards.get('EXTNAME', 'data')!r} are missing")
    if hdu.kind in {"BINTABLE", "TABLE"}:
        _check_table(hdu, limits)
    return Hdu(cards=cards, offset=offset, size=size)


def _header(data: bytes, start: int, limits: Limits) -> tuple[dict[str, str], int]:
    cards: dict[str, str] = {}
    for number, (key, value) in enumerate(_cards(data, start)):
        if number == limits.header_cards:
            raise BrokenFits(reason=f"a header has more than {limits.header_cards} cards")
        if key == "END":
            end = start + (number + 1) * CARD
            return cards, start + -(-(end - start) // BLOCK) * BLOCK
        if value is not None:
            cards.setdefault(key, value)
    raise BrokenFits(reason="a header has no END")


def _cards(data: bytes, start: int) -> Iterator[tuple[str, str | None]]:
    for position in range(start, len(data) - CARD + 1, CARD):
        yield parse_card(data[position : position + CARD])


def parse_card(card: bytes) -> tuple[str, str | None]:
    """Return keyword and value (None for a comment) of one 80-byte card; text that is not ASCII is kept as Latin-1."""
    text = card.decode("latin-1")
    key = text[:8].rstrip()
    if text[8:9] != "=":
        return key, None
    body = text[9:].strip()
    quoted = _STRING.match(body)
    if quoted:
        return key, quoted[1].replace("''", "'").rstrip()
    return key, body.split("/", 1)[0].strip()


def _data_size(hdu: Hdu) -> int:
    bitpix = hdu.integer("BITPIX", -64, 64)
    if bitpix not in _BITPIX:
        raise BrokenFits(reason=f"BITPIX = {bitpix} is not allowed")
    n_axes = hdu.integer("NAXIS", 0, _MOST_AXES)
    axes = [hdu.integer(f"NAXIS{i}", 0, 2**40) for i in range(1, n_axes + 1)]
    parameters = hdu.integer("PCOUNT", 0, 2**40, 0)
    groups = hdu.integer("GCOUNT", 1, 2**31, 1)
    if not axes:
        return 0
    if axes[0] == 0 and hdu.cards.get("GROUPS") == "T":
        axes = axes[1:]  # random groups: the first axis is a sign, not a length
    return abs(bitpix) // 8 * groups * (parameters + math.prod(axes))


def _check_table(hdu: Hdu, limits: Limits) -> None:
    if hdu.integer("NAXIS", 0, _MOST_AXES) != 2 or hdu.integer("BITPIX", -64, 64) != 8:  # noqa: PLR2004  (rows of bytes)
        raise BrokenFits(reason="a table must have NAXIS = 2 and BITPIX = 8")
    n_fields = hdu.integer("TFIELDS", 0, _MOST_FIELDS)
    if hdu.is_packed_image:
        return
    n_rows = hdu.integer("NAXIS2", 0, 2**40)
    if n_rows > limits.lines:
        raise TooManyRows(n=n_rows, what="rows", limit=limits.lines)
    if n_fields > limits.columns:
        raise TooManyRows(n=n_fields, what="columns", limit=limits.columns)
    row_width = hdu.integer("NAXIS1", 0, 2**40)
    if hdu.kind == "BINTABLE":
        width = sum(_field_width(hdu, number) for number in range(1, n_fields + 1))
        if width != row_width:
            raise BrokenFits(reason=f"the columns are {width} bytes wide, the rows {row_width}")


def _field_width(hdu: Hdu, number: int) -> int:
    repeat, letter = binary_form(hdu, number)
    return -(-repeat // 8) if letter == "X" else repeat * WIDTHS[letter]


def binary_form(hdu: Hdu, number: int) -> tuple[int, str]:
    """Return repeat count and type letter of a column of a binary table, counted from 1.

    Raises
    ------
    BrokenFits
        There is no such TFORM, or it means nothing.
    """
    text = hdu.cards.get(f"TFORM{number}", "")
    form = _TFORM.match(text)
    if not form:
        raise BrokenFits(reason=f"TFORM{number} is {text[:20]!r}")
    return int(form[1] or 1), form[2]
