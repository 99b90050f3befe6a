"""Text catalogues: SExtractor ASCII_HEAD, columns of numbers, CSV and ECSV."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cpcs.errors import EmptyFile, NotACatalogue, TooManyRows
from photocal.arrays import Bools, Floats
from photocal.headers.cards import Card, Header
from photocal.readers import columns
from photocal.readers.limits import Limits
from photocal.readers.numbers import is_sexagesimal, number
from photocal.readers.table import USEFUL_CARDS, RawTable, useful

_SEXTRACTOR = re.compile(r"#\s*(\d{1,4})\s+([A-Za-z][\w.\-]*)(?:\(\d+\))?(.*)")
_UNIT = re.compile(r"\[([^\]]*)\]\s*$")
_CARD = re.compile(r"#\s*([A-Za-z][\w\-]{1,7})\s*([=:])\s*(.+)")
_ECSV_ITEM = re.compile(r"-\s*\{?\s*name:\s*('[^']*'|\"[^\"]*\"|[^,}]+)")
_ECSV_UNIT = re.compile(r"(?:^|[,{\s])unit:\s*('[^']*'|\"[^\"]*\"|[^,}]+)")
_ECSV_DELIMITER = re.compile(r"#\s*delimiter:\s*'?\"?([,|;])")
_IRAF = re.compile(r"#\s*(\w+)\s+(\d{1,4})\s+\d+\s+[a-z]\s+(\S+)\s+%\S+")
_DASHES = re.compile(r"-{2,}")
_FEWEST_HEADER_LINES = 2
_BLANKS = {"", "--", "-", "nan", "null", "none", "n/a", "indef"}


@dataclass(frozen=True, slots=True)
class _Rows:
    """Lines of data and how they are split; None splits at blanks."""

    lines: list[str]
    delimiter: str | None

    def fields(self) -> Iterator[list[str]]:
        if self.delimiter is None:
            return (line.split() for line in self.lines)
        # One line at a time: a lone quotation mark must not swallow the rows that follow it.
        return (_split(line, self.delimiter) for line in self.lines)

    def first(self) -> list[str]:
        return next(_Rows(self.lines[:1], self.delimiter).fields(), [])


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader((line,), delimiter=delimiter, skipinitialspace=True), [])


def decoded(data: bytes) -> str:
    """Return the text, whatever it was written with.

    Raises
    ------
    NotACatalogue
        It holds bytes that no text has.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise NotACatalogue(reason="it is neither text nor FITS")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_text(data: bytes, limits: Limits, *, numbered: bool = False) -> RawTable:
    """Read a text catalogue of any kind.

    Parameters
    ----------
    data, limits
        The file, and what is taken at most.
    numbered
        Whether columns without names that are of no known layout are called 1, 2, 3 ..., instead of being refused.

    Raises
    ------
    EmptyFile, NotACatalogue, TooManyRows
        As their names say.
    """
    if len(data) > limits.text_bytes:
        raise TooManyRows(n=len(data), what="bytes", limit=limits.text_bytes)
    # Not splitlines(), to which a Latin-1 ellipsis and a form feed are ends of lines, too.
    lines = decoded(data).replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    if len(lines) > limits.lines:
        raise TooManyRows(n=len(lines), what="lines", limit=limits.lines)
    longest = max(map(len, lines), default=0)
    if longest > limits.line_length:
        raise TooManyRows(n=longest, what="characters in one line", limit=limits.line_length)
    comments = [line.strip() for line in lines if line.lstrip().startswith("#")]
    body = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not body:
        raise EmptyFile(size=len(data))
    table = _recognised(comments, body, numbered=numbered)
    if len(table.names) > limits.columns:
        raise TooManyRows(n=len(table.names), what="columns", limit=limits.columns)
    if not table.n_rows:
        raise EmptyFile(size=len(data))
    return table


def _recognised(comments: list[str], body: list[str], *, numbered: bool) -> RawTable:
    described = _described(comments, body)
    if described is not None:
        return described
    delimiter = _delimiter(body[0])
    kind = "csv" if delimiter else "ascii"
    first = _Rows(body[:1], delimiter).first()
    if any(_is_number(item) for item in first):
        names = _names_in_comment(comments, len(first), delimiter)
        if names:
            return _named(kind, names, _Rows(body, delimiter), comments)
        return _headerless(_Rows(body, delimiter), comments, numbered=numbered)
    if _is_ruled(body, delimiter):
        return _ruled(kind, first, body, delimiter, comments)
    second = _Rows(body[1:2], delimiter).first()
    if not columns.position(first) and not any(_is_number(item) for item in second):
        raise NotACatalogue(reason="it is text without columns of numbers")
    return _named(kind, first, _Rows(body[1:], delimiter), comments)


def _described(comments: list[str], body: list[str]) -> RawTable | None:
    """Return the table of a file whose comments say what its columns are, in one of three ways."""
    if comments and comments[0].replace(" ", "").upper().startswith("#%ECSV"):
        return _ecsv(comments, body)
    for form, read in ((_SEXTRACTOR, _sextractor), (_IRAF, _iraf)):
        heads = [match for line in comments if (match := form.fullmatch(line))]
        if len(heads) >= _FEWEST_HEADER_LINES:
            return read(heads, comments, body)
    return None


def _delimiter(line: str) -> str | None:
    return next((mark for mark in (";", ",", "\t", "|") if mark in line), None)


def _is_number(text: str) -> bool:
    return text.strip().casefold() in _BLANKS or np.isfinite(number(text))


# --- the kinds ----------------------------------------------------------------------------------


def _sextractor(heads: Sequence[re.Match[str]], comments: list[str], body: list[str]) -> RawTable:
    """ASCII_HEAD: each header line numbers the first column of a parameter; vectors leave gaps in the numbers."""
    indices: dict[str, int] = {}
    units: dict[str, str] = {}
    for match in heads:
        name, index = match[2], int(match[1]) - 1
        if index < 0 or name in indices:
            continue
        indices[name] = index
        unit = _UNIT.search(match[3])
        if unit:
            units[name] = unit[1]
    rows = _Rows(body, _delimiter(body[0]))
    return _table("sextractor-ascii", indices, rows, units, _cards(comments))


def _iraf(heads: Sequence[re.Match[str]], comments: list[str], body: list[str]) -> RawTable:
    """IRAF's text catalogues: ``# ra 2 0 d degrees %10.5f`` says name, column, type, unit and form."""
    indices = {match[1]: int(match[2]) - 1 for match in reversed(heads) if int(match[2]) > 0}
    units = {match[1]: match[3] for match in heads if match[3].upper() != "INDEF"}
    return _table("ascii", indices, _Rows(body, _delimiter(body[0])), units, _cards(comments))


def _is_ruled(body: list[str], delimiter: str | None) -> bool:
    """Whether the third line is a rule of dashes: the form in which VizieR gives its tables as text."""
    marks = _Rows(body[2:3], delimiter).first()
    return bool(marks) and all(_DASHES.fullmatch(item.strip()) or not item.strip() for item in marks)


def _ruled(kind: str, names: list[str], body: list[str], delimiter: str | None, comments: list[str]) -> RawTable:
    """Names, units, a rule, and the rows; a second table that follows in the file is not of these columns."""
    units = {name.strip(): unit.strip() for name, unit in zip(names, _Rows(body[1:2], delimiter).first(), strict=False)}
    rows = body[3:]
    end = next((i - 2 for i in range(2, len(rows)) if _is_ruled(rows[i - 2 : i + 1], delimiter)), len(rows))
    units = {name: unit for name, unit in units.items() if unit}
    return _named(kind, names, _Rows(rows[:end], delimiter), comments, units)


def _named(
    kind: str, names: Sequence[str], rows: _Rows, comments: list[str], units: dict[str, str] | None = None
) -> RawTable:
    indices: dict[str, int] = {}
    for index, name in enumerate(names):
        indices.setdefault(name.strip().lstrip("#").strip(), index)
    return _table(kind, indices, rows, units or {}, _cards(comments))


def _ecsv(comments: list[str], body: list[str]) -> RawTable:
    units: dict[str, str] = {}
    name = ""
    for line in comments:
        item = _ECSV_ITEM.search(line)
        name = item[1].strip(" '\"") if item else name
        unit = _ECSV_UNIT.search(line[item.end() :] if item else line[1:])
        if name and unit:
            units.setdefault(name, unit[1].strip(" '\""))
    marks = [match[1] for line in comments if (match := _ECSV_DELIMITER.match(line))]
    delimiter = marks[0] if marks else " "
    header = _Rows(body[:1], delimiter).first()
    return _named("ecsv", header, _Rows(body[1:], delimiter), comments, units)


def _names_in_comment(comments: list[str], width: int, delimiter: str | None) -> list[str] | None:
    """Return the names that a comment line gives, where one has as many as there are columns and means a position."""
    for line in reversed(comments):
        text = line.lstrip("#").strip()
        names = [item.strip() for item in (text.split(delimiter) if delimiter else text.split())]
        if len(names) == width and columns.position(names):
            return names
    return None


def _headerless(rows: _Rows, comments: list[str], *, numbered: bool) -> RawTable:
    """Columns without names: recognised by how many there are and what the numbers can be."""
    width = len(rows.first())
    for names, fits in _LAYOUTS:
        if len(names) != width:
            continue
        table = _table("ascii", {name: index for index, name in enumerate(names)}, rows, {}, _cards(comments))
        values = table.numbers(list(names))
        values = values[np.isfinite(values).all(axis=1)]
        if len(values) and fits(values):
            return table
    if numbered:
        return _table("ascii", {str(index + 1): index for index in range(width)}, rows, {}, _cards(comments))
    raise NotACatalogue(reason=f"its {width} columns have no names, and are not RA Dec Mag MagErr")


def _mostly(condition: Bools) -> bool:
    return bool(np.mean(condition) > 0.5)  # noqa: PLR2004  (more often than not)


def _on_sky(ra: Floats, dec: Floats) -> bool:
    return _mostly((ra >= -180) & (ra <= 360) & (np.abs(dec) <= 90))  # noqa: PLR2004  (a circle, and a quarter of it)


def _plain(values: Floats) -> bool:
    ra, dec, mag, err = values.T
    return _on_sky(ra, dec) and _mostly(np.abs(mag) < 50) and _mostly((err >= 0) & (err < 10))  # noqa: PLR2004


def _counted(values: Floats) -> bool:
    return _mostly(values[:, 0] == np.round(values[:, 0])) and _plain(values[:, 1:])


def _bhtom(values: Floats) -> bool:
    return _mostly(values[:, 0] == np.round(values[:, 0])) and _plain(values[:, [1, 2, 5, 6]])


def _counts(values: Floats) -> bool:
    counts, error = values[:, 4], values[:, 5]
    return _on_sky(values[:, 0], values[:, 1]) and _mostly(counts > 50) and _mostly((error > 0) & (error < counts))  # noqa: PLR2004


# The manual's four columns; the same with a running number; BHTOM's own order; astrosource's photometry files.
_LAYOUTS: tuple[tuple[tuple[str, ...], Callable[[Floats], bool]], ...] = (
    (("RA", "DEC", "MAG", "MAGERR"), _plain),
    (("NUMBER", "RA", "DEC", "MAG", "MAGERR"), _counted),
    (("NUMBER", "ALPHA_J2000", "DELTA_J2000", "XWIN_IMAGE", "YWIN_IMAGE", "MAG_AUTO", "MAGERR_AUTO"), _bhtom),
    (("RA", "DEC", "XPIX", "YPIX", "COUNTS", "COUNTS_ERR", "RA_ERR", "DEC_ERR"), _counts),
)


# --- rows ---------------------------------------------------------------------------------------


def _cards(comments: list[str]) -> Header:
    """Return the header that comment lines carry, as ``# FILTER = r``; with a colon only what is surely a card."""
    found = [(match[1].upper(), match[2], match[3]) for line in comments if (match := _CARD.fullmatch(line))]
    cards = [(key, text.strip(" '\"")) for key, sign, text in found if sign == "=" or key in USEFUL_CARDS]
    return Header(Card(key=key, value=text, is_text=not _is_number(text)) for key, text in cards)


def _table(kind: str, indices: dict[str, int], rows: _Rows, units: dict[str, str], header: Header) -> RawTable:
    def numbers(names: list[str]) -> Floats:
        return _numbers(rows, [indices[name] for name in names])

    def texts(name: str) -> list[str]:
        index = indices[name]
        return [row[index].strip() if len(row) > index else "" for row in rows.fields()]

    def constant(name: str) -> str:
        values = {row[indices[name]].strip() for row in rows.fields() if len(row) > indices[name]}
        return values.pop() if len(values) == 1 else ""

    def sexagesimal(name: str) -> bool:
        first = rows.first()
        return indices[name] < len(first) and is_sexagesimal(first[indices[name]])

    return RawTable(
        format=kind,
        names=tuple(indices),
        n_rows=len(rows.lines),
        numbers=numbers,
        constant=constant,
        texts=texts,
        sexagesimal=sexagesimal,
        units=units,
        header=useful({card.key: card.value for card in header}),
        cards=header,
    )


def _numbers(rows: _Rows, indices: list[int]) -> Floats:
    """Return (n, k) numbers: at numpy's speed where the rows are plain, one by one where they are not."""
    if not rows.lines:
        return np.empty((0, len(indices)))
    delimiter = None if rows.delimiter == " " else rows.delimiter
    quote = '"' if any('"' in line for line in rows.lines) else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = np.loadtxt(
                rows.lines, delimiter=delimiter, usecols=indices, ndmin=2, comments=None, quotechar=quote
            )
        if len(plain) == len(rows.lines):
            return plain.astype(np.float64, copy=False)
    except (ValueError, IndexError, OverflowError):
        pass  # a blank field, a word, a short row: worth the slower way
    picked = [[number(row[i]) if i < len(row) else np.nan for i in indices] for row in rows.fields()]
    return np.array(picked, dtype=np.float64).reshape(-1, len(indices))
