"""The gate before every FITS file: pure Python, it walks the structure and refuses what does not add up.

Nothing here trusts a number of the file: axes, sizes and counts are checked against the bytes that are there, so that
what passes can be read without surprises (a NAXIS of 999999999 or a negative row count sends general readers into
endless loops). FITS Standard 4.0, sections 3, 4, 7 and 10.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from cpcs.errors import BrokenFits, CutShort, TooManyRows
from photocal.headers.cards import BLOCK, CARD, Header, from_bytes, key_and_value
from photocal.readers.limits import Limits

_INTEGER = re.compile(r"[+-]?\d{1,12}")
_BITPIX = {8, 16, 32, 64, -32, -64}
_MOST_AXES, _MOST_FIELDS, _MOST = 999, 999, 2**40
_TFORM = re.compile(r"(\d{0,9})([LXBIJKAEDCMPQ])")
WIDTHS = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
PACKINGS = {"RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS"}
_PADDING = b"\0 \t\r\n\x1a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hdu:
    """One header and where its data lie.

    Attributes
    ----------
    cards
        Keyword -> value as text, quotes and comments taken off; the first of a keyword counts.
    header_offset, header_size
        Bytes of the header, with its END and padding.
    offset, size
        Bytes of the data, padding left out.
    """

    cards: dict[str, str] = field(default_factory=dict)
    header_offset: int = 0
    header_size: int = 0
    offset: int = 0
    size: int = 0

    def header(self, data: bytes) -> Header:
        """Return its header as the file has it, comments and all."""
        return from_bytes(memoryview(data)[self.header_offset : self.header_offset + self.header_size])

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
        return self.kind in {"BINTABLE", "TABLE"} and self.cards.get("ZIMAGE", "F") == "T"

    @property
    def is_groups(self) -> bool:
        """Whether its data are random groups: visibilities, not pixels."""
        return self.cards.get("GROUPS") == "T" and self.cards.get("NAXIS1") == "0"

    @property
    def has_pixels(self) -> bool:
        """Whether it is an image with something in it."""
        return self.is_packed_image or (self.kind == "IMAGE" and self.size > 0)

    @property
    def bitpix(self) -> int:
        """BITPIX of the image, before it was packed."""
        return self.integer("ZBITPIX" if self.is_packed_image else "BITPIX", -64, 64)

    @property
    def axes(self) -> tuple[int, ...]:
        """The lengths of the image's axes, before it was packed, in the file's order: the first runs fastest."""
        z = "Z" if self.is_packed_image else ""
        return tuple(self.integer(f"{z}NAXIS{i}", 0, _MOST) for i in range(1, self.integer(f"{z}NAXIS", 0, 999) + 1))

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

    What follows the last HDU is passed over when it is padding, or less than one block: a line break or a label that
    some transfer left. A whole block that belongs to none means that a size is wrong somewhere.

    Raises
    ------
    BrokenFits
        The structure is wrong.
    CutShort
        There are fewer bytes than the headers say.
    TooManyRows
        More HDUs, rows, columns or tiles than are read.
    """
    hdus: list[Hdu] = []
    offset = 0
    while offset < len(data) and (not hdus or data.startswith(b"XTENSION", offset)):
        if len(hdus) == limits.hdus:
            raise TooManyRows(n=f"more than {limits.hdus}", what="FITS extensions", limit=limits.hdus)
        hdu = _hdu(data, offset, limits, number=len(hdus))
        hdus.append(hdu)
        offset = hdu.offset + -(-hdu.size // BLOCK) * BLOCK
    _check_rest(data, offset)
    return hdus


def _check_rest(data: bytes, offset: int) -> None:
    n = len(data) - offset
    if n >= BLOCK and data[offset:].strip(_PADDING):
        raise BrokenFits(reason=f"{n} bytes follow the last HDU and belong to none")


def _hdu(data: bytes, start: int, limits: Limits, *, number: int) -> Hdu:
    cards, offset = _header(data, start, limits)
    hdu = Hdu(cards=cards, offset=offset)
    if number == 0 and cards.get("SIMPLE") not in {"T", "F"}:
        raise BrokenFits(reason="the first card is not SIMPLE")
    size = _data_size(hdu)
    if offset + size > len(data):
        name = f"{number} ({cards['EXTNAME'][:40]})" if cards.get("EXTNAME") else str(number)
        raise CutShort(hdu=name, missing=offset + size - len(data), expected=size)
    hdu = Hdu(cards=cards, header_offset=start, header_size=offset - start, offset=offset, size=size)
    if hdu.kind in {"BINTABLE", "TABLE"}:
        _check_table(hdu, limits)
        if hdu.is_packed_image:
            _check_tiles(hdu, limits)
    return hdu


def _header(data: bytes, start: int, limits: Limits) -> tuple[dict[str, str], int]:
    cards: dict[str, str] = {}
    for number, position in enumerate(range(start, len(data) - CARD + 1, CARD)):
        if number == limits.header_cards:
            raise BrokenFits(reason=f"a header has more than {limits.header_cards} cards")
        key, value = key_and_value(data[position : position + CARD].decode("latin-1"))
        if key == "END" and value is None:
            end = position + CARD - start
            return cards, start + -(-end // BLOCK) * BLOCK
        if value is not None:
            cards.setdefault(key, value)
    raise BrokenFits(reason="a header has no END")


def _data_size(hdu: Hdu) -> int:
    bitpix = hdu.integer("BITPIX", -64, 64)
    if bitpix not in _BITPIX:
        raise BrokenFits(reason=f"BITPIX = {bitpix} is not allowed")
    n_axes = hdu.integer("NAXIS", 0, _MOST_AXES)
    axes = [hdu.integer(f"NAXIS{i}", 0, _MOST) for i in range(1, n_axes + 1)]
    parameters = hdu.integer("PCOUNT", 0, _MOST, 0)
    groups = hdu.integer("GCOUNT", 1, 2**31, 1)
    if not axes:
        return 0
    if hdu.is_groups:
        axes = axes[1:]  # the first axis is a sign, not a length
    return abs(bitpix) // 8 * groups * (parameters + math.prod(axes))


def _check_table(hdu: Hdu, limits: Limits) -> None:
    if hdu.integer("NAXIS", 0, _MOST_AXES) != 2 or hdu.integer("BITPIX", -64, 64) != 8:  # noqa: PLR2004  (rows of bytes)
        raise BrokenFits(reason="a table must have NAXIS = 2 and BITPIX = 8")
    n_fields = hdu.integer("TFIELDS", 0, _MOST_FIELDS)
    n_rows = hdu.integer("NAXIS2", 0, _MOST)
    most, what = (limits.tiles, "tiles") if hdu.is_packed_image else (limits.lines, "rows")
    if n_rows > most:
        raise TooManyRows(n=n_rows, what=what, limit=most)
    if n_fields > limits.columns:
        raise TooManyRows(n=n_fields, what="columns", limit=limits.columns)
    row_width = hdu.integer("NAXIS1", 0, _MOST)
    if hdu.kind == "BINTABLE":
        width = sum(field_width(hdu, number) for number in range(1, n_fields + 1))
        if width != row_width:
            raise BrokenFits(reason=f"the columns are {width} bytes wide, the rows {row_width}")
        hdu.integer("THEAP", n_rows * row_width, hdu.size, n_rows * row_width)


def field_width(hdu: Hdu, number: int) -> int:
    """Return the bytes of a column of a binary table in each row, counted from 1.

    Raises
    ------
    BrokenFits
        There is no such TFORM, or it means nothing.
    """
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


def _check_tiles(hdu: Hdu, limits: Limits) -> None:
    """Hold what a packed image says of itself against its table: section 10 of the standard."""
    if hdu.kind != "BINTABLE":
        raise BrokenFits(reason="a packed image must be a binary table")
    packing = hdu.cards.get("ZCMPTYPE", "")
    if packing not in PACKINGS:
        raise BrokenFits(reason=f"ZCMPTYPE is {packing[:20]!r}, a packing that is not known")
    if hdu.bitpix not in _BITPIX:
        raise BrokenFits(reason=f"ZBITPIX = {hdu.bitpix} is not allowed")
    hdu.integer("ZNAXIS", 1, _MOST_AXES)
    n_tiles, n_rows = math.prod(tile_counts(hdu)), hdu.integer("NAXIS2", 0, limits.tiles)
    if n_tiles != n_rows:
        raise BrokenFits(reason=f"the image has {n_tiles} tiles, its table {n_rows} rows")


def tile_counts(hdu: Hdu) -> list[int]:
    """Return how many tiles a packed image has along each axis.

    Raises
    ------
    BrokenFits
        A length is not a positive integer.
    """
    pairs = zip(hdu.axes, tile_shape(hdu), strict=True)
    return [-(-length // tile) for length, tile in pairs]


def tile_shape(hdu: Hdu) -> tuple[int, ...]:
    """Return the lengths of a tile along each axis, in the file's order; rows where the header says nothing.

    Raises
    ------
    BrokenFits
        One is not a positive integer.
    """
    defaults = (hdu.axes[0], *(1 for _ in hdu.axes[1:]))
    named = (hdu.integer(f"ZTILE{i}", 1, _MOST, max(default, 1)) for i, default in enumerate(defaults, 1))
    return tuple(min(tile, max(length, 1)) for tile, length in zip(named, hdu.axes, strict=True))
