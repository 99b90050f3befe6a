"""FITS tables and FITS_LDAC, read straight from the bytes that the gate has measured.

The binary layout is simple enough for numpy alone; a general reader would bring lazy loading, guesses and repairs.
FITS Standard 4.0, section 7.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cpcs.errors import BrokenFits, EmptyFile, ImageNotCatalogue
from photocal.arrays import Anything, Floats
from photocal.headers.cards import CARD, Header, from_bytes
from photocal.readers import columns
from photocal.readers.gate import WIDTHS, Hdu, binary_form, walk
from photocal.readers.limits import Limits
from photocal.readers.numbers import is_sexagesimal, number
from photocal.readers.table import RawTable, useful

_DTYPES = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_ELEMENT = re.compile(r"(.+)\[(\d{1,6})\]")
_ASCII_FORM = re.compile(r"([AIFED])(\d{1,4})(?:\.\d{1,4})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """Where a column lies in each row: bytes from the start, and how to read them."""

    start: int
    repeat: int
    letter: str
    scale: float = 1.0
    zero: float = 0.0
    null: int | None = None
    is_text: bool = False  # a field of an ASCII table

    @property
    def width(self) -> int:
        if self.letter == "X":
            return -(-self.repeat // 8)  # bits, never in an ASCII table
        return self.repeat * (1 if self.is_text else WIDTHS[self.letter])


def read_fits(data: bytes, limits: Limits) -> RawTable:
    """Read the catalogue of a FITS file: the LDAC objects, or the first table that has coordinates.

    Raises
    ------
    BrokenFits, TooManyRows
        From the gate.
    ImageNotCatalogue
        There are pixels, and no table of stars.
    EmptyFile
        Tables without rows, or no table at all.
    """
    hdus = walk(data, limits)
    tables = [hdu for hdu in hdus if hdu.kind in {"BINTABLE", "TABLE"} and not hdu.is_packed_image]
    objects = [hdu for hdu in tables if hdu.name == "LDAC_OBJECTS"]
    has_pixels = any(hdu.has_pixels for hdu in hdus)
    chosen = objects or _best(tables, located_only=has_pixels)
    if not chosen:
        raise ImageNotCatalogue if has_pixels else EmptyFile(size=len(data))
    header = chosen[0].header(data).over(hdus[0].header(data))
    image = _field_header(data, tables, limits) if objects else Header(())
    if len(image):
        header = image.over(Header(card for card in header.cards if card.key != "XTENSION"))
    return _table(data, chosen, "fits-ldac" if objects else "fits-table", header)


def _best(tables: Sequence[Hdu], *, located_only: bool) -> list[Hdu]:
    """Return the first table that says where its stars are; else the first that has rows.

    Beside an image, a table without coordinates is part of the image's own matters.
    """
    filled = [hdu for hdu in tables if hdu.integer("NAXIS2", 0, 2**40) and hdu.integer("TFIELDS", 0, 999)]
    located = [hdu for hdu in filled if columns.position(list(_layout(hdu)))]
    return located[:1] if located_only else (located or filled)[:1]


def _field_header(data: bytes, tables: Sequence[Hdu], limits: Limits) -> Header:
    """Return the header of the image, which LDAC_IMHEAD holds as one long text."""
    for hdu in tables:
        if hdu.name == "LDAC_IMHEAD":
            size = min(hdu.size, limits.header_cards * CARD)
            return from_bytes(memoryview(data)[hdu.offset : hdu.offset + size])
    return Header(())


def _layout(hdu: Hdu) -> dict[str, _Column]:
    fields = range(1, hdu.integer("TFIELDS", 0, 999) + 1)
    found: dict[str, _Column] = {}
    start = 0
    for field in fields:
        column = _text_column(hdu, field) if hdu.kind == "TABLE" else _binary_column(hdu, field, start)
        start = column.start + column.width
        found.setdefault(hdu.cards.get(f"TTYPE{field}", f"COLUMN{field}"), column)
    return found


def _binary_column(hdu: Hdu, number: int, start: int) -> _Column:
    repeat, letter = binary_form(hdu, number)
    scale, zero, null = _scaling(hdu, number)
    return _Column(start=start, repeat=repeat, letter=letter, scale=scale, zero=zero, null=null)


def _text_column(hdu: Hdu, number: int) -> _Column:
    form = _ASCII_FORM.match(hdu.cards.get(f"TFORM{number}", ""))
    if not form:
        raise BrokenFits(reason=f"TFORM{number} is {hdu.cards.get(f'TFORM{number}', '')[:20]!r}")
    start, width = hdu.integer(f"TBCOL{number}", 1, 2**31) - 1, int(form[2])
    if start + width > hdu.integer("NAXIS1", 0, 2**40):
        raise BrokenFits(reason=f"column {number} reaches beyond its row")
    scale, zero, _ = _scaling(hdu, number)
    return _Column(start=start, repeat=width, letter=form[1], scale=scale, zero=zero, is_text=True)


def _scaling(hdu: Hdu, number: int) -> tuple[float, float, int | None]:
    try:
        scale = float(hdu.cards.get(f"TSCAL{number}", "1").replace("D", "E"))
        zero = float(hdu.cards.get(f"TZERO{number}", "0").replace("D", "E"))
        null = hdu.cards.get(f"TNULL{number}")
        return scale, zero, None if null is None or hdu.kind == "TABLE" else int(null)
    except ValueError as error:
        raise BrokenFits(reason=f"the scaling of column {number} is no number") from error


def _table(data: bytes, hdus: Sequence[Hdu], kind: str, header: Header) -> RawTable:
    layouts = [_layout(hdu) for hdu in hdus]
    # Several LDAC_OBJECTS are the CCDs of one mosaic; those laid out alike belong together.
    parts = [(hdu, layout) for hdu, layout in zip(hdus, layouts, strict=True) if layout.keys() == layouts[0].keys()]
    names = tuple(layouts[0])
    n_rows = sum(hdu.integer("NAXIS2", 0, 2**40) for hdu, _ in parts)
    if not n_rows or not names:
        raise EmptyFile(size=len(data))

    def numbers(wanted: list[str]) -> Floats:
        blocks = [np.stack([_values(data, hdu, _found(layout, n)) for n in wanted], axis=1) for hdu, layout in parts]
        return np.concatenate(blocks)

    def constant(name: str) -> str:
        texts = {text for hdu, layout in parts for text in _texts(data, hdu, layout[name])}
        return texts.pop() if len(texts) == 1 else ""

    def all_texts(name: str) -> list[str]:
        return [text for hdu, layout in parts for text in _every_text(data, hdu, layout[name])]

    def sexagesimal(name: str) -> bool:
        return is_sexagesimal(next(iter(_every_text(data, parts[0][0], layouts[0][name], rows=1)), ""))

    first = hdus[0].cards
    keys = ((f"TTYPE{i}", f"TUNIT{i}") for i in range(1, len(names) + 1))
    units = {first[name]: first[unit] for name, unit in keys if name in first and unit in first}
    return RawTable(
        format=kind,
        names=names,
        n_rows=n_rows,
        numbers=numbers,
        constant=constant,
        texts=all_texts,
        sexagesimal=sexagesimal,
        units=units,
        header=useful({card.key: card.value for card in header}),
        cards=header,
    )


def _found(layout: dict[str, _Column], name: str) -> _Column:
    """Return a column, or an element (from 0) of a vector: ``PSFMAG[2]``; one that is not there has no width."""
    element = None if name in layout else _ELEMENT.fullmatch(name)
    if element is None:
        return layout[name]
    column, index = layout[element[1]], int(element[2])
    if column.is_text or column.letter == "A" or index >= column.repeat:
        return replace(column, repeat=0)
    return replace(column, start=column.start + index * WIDTHS[column.letter], repeat=1)


def _bytes(data: bytes, hdu: Hdu, column: _Column) -> Anything:
    """Return the (rows, width) bytes of a column."""
    rows, width = hdu.integer("NAXIS2", 0, 2**40), hdu.integer("NAXIS1", 0, 2**40)
    table = np.frombuffer(data, dtype=np.uint8, count=rows * width, offset=hdu.offset).reshape(rows, width)
    return table[:, column.start : column.start + column.width]


def _values(data: bytes, hdu: Hdu, column: _Column) -> Floats:
    """Return a column as numbers, of a vector the first element; NaN for what is not one."""
    raw = _bytes(data, hdu, column)
    if not column.repeat or (not column.is_text and column.letter not in {*_DTYPES, "A"}):
        return np.full(len(raw), np.nan)
    with np.errstate(all="ignore"):
        if column.is_text or column.letter == "A":
            values = np.array([number(_text(field)) for field in raw], dtype=np.float64)
        else:
            size = WIDTHS[column.letter]
            stored = np.ascontiguousarray(raw[:, :size]).view(_DTYPES[column.letter])[:, 0]
            values = stored.astype(np.float64)
            if column.null is not None and column.letter not in {"E", "D"}:
                values[stored == column.null] = np.nan
        return values * column.scale + column.zero


def _texts(data: bytes, hdu: Hdu, column: _Column) -> set[str]:
    """Return the values of a column as text, two of them at most."""
    if column.is_text or column.letter == "A":
        raw = np.ascontiguousarray(_bytes(data, hdu, column))
        distinct = np.unique(raw, axis=0)[:2] if column.width else raw[:0]
        return {_text(field) for field in distinct}
    return {f"{value:.10g}" for value in np.unique(_values(data, hdu, column))[:2]}


def _every_text(data: bytes, hdu: Hdu, column: _Column, rows: int | None = None) -> list[str]:
    if column.is_text or column.letter == "A":
        return [_text(field) for field in _bytes(data, hdu, column)[:rows]]
    return [f"{value:.10g}" for value in _values(data, hdu, column)[:rows]]


def _text(field: Anything) -> str:
    return bytes(field).decode("latin-1").strip(" \0")
