"""Images that are packed in tiles: what their table says is checked tile by tile, then astropy unpacks them.

Astropy sees a file made here, of the few numbers that were checked and the packed bytes, and none of the observer's
cards: its decoders are C, and trust what they are told. FITS Standard 4.0, section 10; the streams as Pence et al. 2009
(PASP 121, 414) and White, Postman & Lattanzi 1992 (HCOMPRESS) describe them.
"""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from cpcs.errors import BombSent, BrokenFits, UnknownPacking
from photocal.arrays import Anything, Ints
from photocal.headers.cards import BLOCK, CARD
from photocal.readers.gate import WIDTHS, Hdu, field_width, tile_shape
from photocal.readers.limits import Limits

_FORM = re.compile(r"(\d*)([PQ])([LXBIJKAEDCM])")
_PACKED, _GZIPPED, _PLAIN = "COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"
_RAGGED = {_PACKED, _GZIPPED, _PLAIN}
_COLUMNS = {*_RAGGED, "ZSCALE", "ZZERO", "ZBLANK"}
_SETTINGS = {"BLOCKSIZE": (1, 2**16), "BYTEPIX": (1, 8), "SCALE": (0, 2**30), "SMOOTH": (0, 1)}
_DITHERS = {"NONE", "NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2"}
_TRUSTING = {"GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"}  # their decoders believe sizes that the stream holds
_WIDEST = 8  # bytes of a pixel
_HCOMPRESS = struct.Struct(">2sii")
_HCOMPRESS_MAGIC = b"\xdd\x99"
_ROOM = 2**23
_LOOKED_AT = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ragged:
    """A column of variable length: where its parts lie in the file."""

    element: str
    counts: Ints
    starts: Ints

    @property
    def longest(self) -> int:
        return int(self.counts.max(initial=0))

    def part(self, data: bytes, row: int) -> bytes:
        start = int(self.starts[row])
        return data[start : start + int(self.counts[row]) * WIDTHS[self.element]]


def prepare(data: bytes) -> None:
    """Import what unpacks tiles, where an upload looks as if it has any.

    For whoever forks a process to read it in: what the child imports is lost with the child.
    """
    if data.find(b"ZCMPTYPE=", 0, _LOOKED_AT) >= 0:
        _fits()


def _fits() -> ModuleType:
    from astropy.io import fits

    module: ModuleType = fits
    return module


def unpacked_tiles(data: bytes, hdu: Hdu, limits: Limits) -> Anything:
    """Return the stored pixels of an image that is packed in tiles: (..., ny, nx), floats where it was quantised.

    Raises
    ------
    BrokenFits
        The table does not hold what its header says, or a tile cannot be unpacked.
    BombSent
        It unpacks to far more than images do.
    UnknownPacking
        It needs what is not read here.
    """
    size = math.prod(hdu.axes) * abs(hdu.bitpix) // 8
    if size > max(limits.unpack_ratio * hdu.size, _ROOM):
        raise BombSent(limit=limits.unpack_ratio * hdu.size)
    if hdu.cards.get("ZMASKCMP"):
        raise UnknownPacking(packing="a mask of its own (ZMASKCMP)")
    names = _names(hdu)
    ragged = {name: _ragged(data, hdu, names[name]) for name in _RAGGED & names.keys()}
    _check_columns(hdu, names, ragged)
    trusting = hdu.cards["ZCMPTYPE"] in _TRUSTING
    for row, pixels in enumerate(_tile_sizes(hdu)):
        if trusting or not ragged[_PACKED].counts[row]:
            _check_tile(data, hdu, ragged, row, pixels)
    return _by_astropy(_file(data, hdu, names, ragged), hdu)


def _names(hdu: Hdu) -> dict[str, int]:
    """Return the columns that matter, by name: their numbers, counted from 1."""
    names: dict[str, int] = {}
    for number in range(1, hdu.integer("TFIELDS", 0, 999) + 1):
        name = hdu.cards.get(f"TTYPE{number}", "").upper()
        if name in _COLUMNS:
            if name in names:
                raise BrokenFits(reason=f"two columns are called {name}")
            names[name] = number
    if _PACKED not in names:
        raise BrokenFits(reason=f"a packed image without a column {_PACKED}")
    return names


def _start(hdu: Hdu, number: int) -> int:
    return sum(field_width(hdu, before) for before in range(1, number))


def _heap(hdu: Hdu) -> int:
    table = hdu.integer("NAXIS1", 0, 2**40) * hdu.integer("NAXIS2", 0, 2**40)
    return hdu.integer("THEAP", table, hdu.size, table)


def _ragged(data: bytes, hdu: Hdu, number: int) -> _Ragged:
    form = _FORM.match(hdu.cards.get(f"TFORM{number}", ""))
    if not form or form[1] not in {"", "1"}:
        raise BrokenFits(reason=f"TFORM{number} is {hdu.cards.get(f'TFORM{number}', '')[:20]!r}")
    rows, width = hdu.integer("NAXIS2", 0, 2**40), hdu.integer("NAXIS1", 0, 2**40)
    table = np.frombuffer(data, dtype=np.uint8, count=rows * width, offset=hdu.offset).reshape(rows, width)
    start, bytes_each = _start(hdu, number), WIDTHS[form[2]]
    described = np.ascontiguousarray(table[:, start : start + bytes_each]).view(">i4" if form[2] == "P" else ">i8")
    counts, offsets = described.astype(np.int64).T
    room = hdu.size - _heap(hdu)
    element = WIDTHS[form[3]]
    odd = (counts < 0) | (counts > room // element) | (counts > 0) & ((offsets < 0) | (offsets > room))
    # Only now can the sum not run over.
    odd |= ~odd & (counts > 0) & (offsets + counts * element > room)
    if odd.any():
        raise BrokenFits(reason=f"the data of row {int(np.argmax(odd)) + 1} lie outside the file's heap")
    return _Ragged(element=form[3], counts=counts, starts=np.where(counts > 0, offsets, 0) + hdu.offset + _heap(hdu))


def _check_columns(hdu: Hdu, names: dict[str, int], ragged: dict[str, _Ragged]) -> None:
    packing = hdu.cards["ZCMPTYPE"]
    if ragged[_PACKED].element not in ("I" if packing == "PLIO_1" else "BIJKED" if packing == "NOCOMPRESS" else "B"):
        raise BrokenFits(reason=f"the column {_PACKED} does not hold bytes")
    if (hdu.cards.get("ZQUANTIZ") or "NONE").upper() not in _DITHERS:
        raise UnknownPacking(packing=f"the dithering {hdu.cards['ZQUANTIZ'][:20]!r}")
    lossless = packing.startswith("GZIP") or packing == "NOCOMPRESS"
    if hdu.bitpix < 0 and not lossless and not {"ZSCALE", "ZZERO"} <= names.keys():
        raise BrokenFits(reason="floats are packed as integers, without columns ZSCALE and ZZERO")
    for name in names.keys() - _RAGGED:
        form = hdu.cards[f"TFORM{names[name]}"]
        if form not in ({"J", "1J", "I", "1I"} if name == "ZBLANK" else {"D", "1D", "E", "1E"}):
            raise BrokenFits(reason=f"the column {name} has TFORM {form[:20]!r}")


def _tile_sizes(hdu: Hdu) -> list[int]:
    """Return the pixels of each tile, in the order of the rows; those at the edges are smaller."""
    sizes = np.ones(1, dtype=np.int64)
    for length, tile in zip(hdu.axes[::-1], tile_shape(hdu)[::-1], strict=True):
        whole, rest = divmod(length, tile)
        along = np.array([tile] * whole + [rest] * (rest > 0), dtype=np.int64)
        sizes = (sizes[:, None] * along).ravel()
    return [int(size) for size in sizes]


def _check_tile(data: bytes, hdu: Hdu, ragged: dict[str, _Ragged], row: int, pixels: int) -> None:
    """Check what a decoder would believe: the sizes that the stream itself holds."""
    packing = hdu.cards["ZCMPTYPE"]
    if not ragged[_PACKED].counts[row]:
        spare = ragged.get(_GZIPPED) or ragged.get(_PLAIN)
        if spare is None or not spare.counts[row]:
            raise BrokenFits(reason=f"tile {row + 1} is empty")
        if _GZIPPED in ragged:
            _check_gzip(ragged[_GZIPPED].part(data, row), row, pixels)
        elif spare.counts[row] != pixels:
            raise BrokenFits(reason=f"tile {row + 1} has {int(spare.counts[row])} pixels, not {pixels}")
        return
    stream = ragged[_PACKED].part(data, row)
    if packing.startswith("GZIP"):
        _check_gzip(stream, row, pixels)
    elif packing == "HCOMPRESS_1":
        _check_hcompress(stream, row, pixels)
    elif packing == "PLIO_1":
        _check_plio(stream, row)


def _check_gzip(stream: bytes, row: int, pixels: int) -> None:
    most = pixels * _WIDEST
    try:
        member = zlib.decompressobj(wbits=47)  # with a header of gzip or zlib
        size = len(member.decompress(stream, most + 1))
    except zlib.error as error:
        raise BrokenFits(reason=f"tile {row + 1} cannot be unpacked ({error})") from error
    if size > most:
        raise BombSent(limit=most)
    if not member.eof or size % pixels or member.unused_data.strip(b"\0"):
        raise BrokenFits(reason=f"tile {row + 1} unpacks to {size} bytes, not to {pixels} pixels")


def _check_hcompress(stream: bytes, row: int, pixels: int) -> None:
    if len(stream) < _HCOMPRESS.size:
        raise BrokenFits(reason=f"tile {row + 1} is cut short")
    magic, nx, ny = _HCOMPRESS.unpack_from(stream)
    if magic != _HCOMPRESS_MAGIC or nx < 1 or ny < 1 or nx * ny != pixels:
        raise BrokenFits(reason=f"tile {row + 1} says that it has {nx} x {ny} pixels, not {pixels}")


def _check_plio(stream: bytes, row: int) -> None:
    """Check the length of a list of instructions: its third word, or in the newer form the fourth and fifth."""
    words = np.frombuffer(stream, dtype=">i2", count=len(stream) // 2)
    if len(words) < 3:  # noqa: PLR2004 -- see above
        raise BrokenFits(reason=f"tile {row + 1} is cut short")
    length = int(words[2])
    if length <= 0:
        length = (int(words[4]) << 15) + int(words[3]) if len(words) > 4 else -1  # noqa: PLR2004 -- see above
    if not 0 <= length <= len(words):
        raise BrokenFits(reason=f"tile {row + 1} says that it has {length} words, and has {len(words)}")


def _file(data: bytes, hdu: Hdu, names: dict[str, int], ragged: dict[str, _Ragged]) -> io.BytesIO:
    """Return the packed image as a file of its own, with no card but those that its unpacking needs."""
    heap = _heap(hdu)
    table = hdu.integer("NAXIS1", 0, 2**40) * hdu.integer("NAXIS2", 0, 2**40)
    out = io.BytesIO()
    out.write(_header({"SIMPLE": "T", "BITPIX": "8", "NAXIS": "0", "EXTEND": "T"}))
    out.write(_header(dict(_cards(hdu, names, ragged, hdu.size - heap))))
    view = memoryview(data)
    out.write(view[hdu.offset : hdu.offset + table])
    out.write(view[hdu.offset + heap : hdu.offset + hdu.size])
    out.write(bytes(-out.tell() % BLOCK))
    out.seek(0)
    return out


def _header(cards: dict[str, str]) -> bytes:
    lines = [f"{key:8s}= {value:>20s}".ljust(CARD) for key, value in cards.items()]
    text = "".join([*lines, "END".ljust(CARD)])
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")


def _cards(hdu: Hdu, names: dict[str, int], ragged: dict[str, _Ragged], heap: int) -> Iterator[tuple[str, str]]:
    yield from {"XTENSION": "'BINTABLE'", "BITPIX": "8", "NAXIS": "2"}.items()
    for key in ("NAXIS1", "NAXIS2"):
        yield key, str(hdu.integer(key, 0, 2**40))
    yield from {"PCOUNT": str(heap), "GCOUNT": "1", "TFIELDS": str(hdu.integer("TFIELDS", 0, 999))}.items()
    called = {number: name for name, number in names.items()}
    for number in range(1, hdu.integer("TFIELDS", 0, 999) + 1):
        name = called.get(number, f"COLUMN{number}")
        yield f"TTYPE{number}", f"'{name}'"
        if name in ragged:
            letter = _FORM.match(hdu.cards[f"TFORM{number}"])
            wide = "P" if letter is None else letter[2]
            yield f"TFORM{number}", f"'1{wide}{ragged[name].element}({ragged[name].longest})'"
        else:
            width = field_width(hdu, number)
            form = hdu.cards[f"TFORM{number}"] if name in _COLUMNS else f"{width}B"
            yield f"TFORM{number}", f"'{form}'"
    yield from {"ZIMAGE": "T", "ZBITPIX": str(hdu.bitpix), "ZNAXIS": str(len(hdu.axes))}.items()
    for i, (length, tile) in enumerate(zip(hdu.axes, tile_shape(hdu), strict=True), 1):
        yield f"ZNAXIS{i}", str(length)
        yield f"ZTILE{i}", str(tile)
    yield "ZCMPTYPE", f"'{hdu.cards['ZCMPTYPE']}'"
    yield from _settings(hdu)
    if hdu.bitpix < 0:
        yield "ZQUANTIZ", f"'{(hdu.cards.get('ZQUANTIZ') or 'NO_DITHER').upper()}'"
        yield "ZDITHER0", str(hdu.integer("ZDITHER0", 0, 2**31, 0))
        if "ZBLANK" in hdu.cards:
            yield "ZBLANK", str(hdu.integer("ZBLANK", -(2**31), 2**31 - 1))


def _settings(hdu: Hdu) -> Iterator[tuple[str, str]]:
    """Yield the parameters of the packing that are known, each within its bounds."""
    for i in range(1, 20):
        name = hdu.cards.get(f"ZNAME{i}", "").upper()
        if name in _SETTINGS:
            yield f"ZNAME{i}", f"'{name}'"
            value = hdu.cards.get(f"ZVAL{i}", "")
            whole = Hdu(cards={name: value.removesuffix(".0").removesuffix(".")})
            yield f"ZVAL{i}", str(whole.integer(name, *_SETTINGS[name]))


def _by_astropy(file: io.BytesIO, hdu: Hdu) -> Anything:
    fits = _fits()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(file, memmap=False, do_not_scale_image_data=True, lazy_load_hdus=True) as hdus:
                pixels: Anything = np.asarray(hdus[1].data)
    except MemoryError:
        raise
    except Exception as error:
        raise BrokenFits(reason=f"its tiles cannot be unpacked ({type(error).__name__}: {error})"[:200]) from error
    if pixels.shape != hdu.axes[::-1]:
        raise BrokenFits(reason=f"its tiles unpack to {pixels.shape} pixels")
    return pixels
