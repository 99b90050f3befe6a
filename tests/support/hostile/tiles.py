"""Images packed in tiles (.fits.fz): what the header says of the tiles, and what the streams hold."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache

import numpy as np

from .blocks import BLOCK, PRIMARY, SIDE, Cards, Change, changed, header, packed, padded, recarded, sky
from .case import Case, Door, Group

BROKEN = "BROKEN_FITS"
ANY = "BROKEN_FITS FITS_CUT_SHORT TOO_LARGE_UNPACKED TOO_MANY_ROWS IMAGE_TOO_LARGE UNKNOWN_PACKING IMAGE_CONSTANT"
GROUP = Group("tiles", Door.IMAGE)
TILES: Cards = {
    "XTENSION": "'BINTABLE'", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 8, "NAXIS2": SIDE, "PCOUNT": 0, "GCOUNT": 1,
    "TFIELDS": 1, "TTYPE1": "'COMPRESSED_DATA'", "TFORM1": "'1PB(100)'", "ZIMAGE": True, "ZBITPIX": 16, "ZNAXIS": 2,
    "ZNAXIS1": SIDE, "ZNAXIS2": SIDE, "ZTILE1": SIDE, "ZTILE2": 1, "ZCMPTYPE": "'RICE_1'",
}  # fmt: skip


def cases() -> Iterator[Case]:
    yield from good()
    yield from cards()
    yield from streams()
    yield from made()


@cache
def example(kind: str) -> bytes:
    """An image packed in one of the ways, of floats where the name says so."""
    floats = kind.endswith("of floats")
    pixels = sky() if floats else sky().astype(np.int16)
    options: dict[str, object] = {"quantize_method": 1, "dither_seed": 7} if floats else {}
    if kind.startswith("HCOMPRESS"):
        options["tile_shape"] = (16, 16)
    if kind.startswith("PLIO"):
        pixels = np.clip(pixels, 0, 2**23).astype(np.int32)
    return packed(kind.split(" ", maxsplit=1)[0], pixels, **options)()


KINDS = (
    "RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS", "RICE_1 of floats", "GZIP_1 of floats",
    "GZIP_2 of floats", "HCOMPRESS_1 of floats",
)  # fmt: skip


def good() -> Iterator[Case]:
    for kind in KINDS:
        yield GROUP.accept(f"{kind}", lambda kind=kind: example(kind))  # type: ignore[misc]


def cards() -> Iterator[Case]:
    """Sizes that are not there, packings that are none, scales that are no numbers."""
    wrong: list[Change] = [
        ("ZNAXIS", 0), ("ZNAXIS", -1), ("ZNAXIS", 999_999_999), ("ZNAXIS", 999), ("ZNAXIS", "'x'"), ("ZNAXIS", 3),
        ("ZNAXIS1", 2**31), ("ZNAXIS1", 2**31 - 1), ("ZNAXIS1", -64), ("ZNAXIS1", 0), ("ZNAXIS2", 2**40),
        ("ZNAXIS2", 2**62), ("ZNAXIS2", 1), ("ZNAXIS2", 65), ("ZTILE1", 0), ("ZTILE1", -1), ("ZTILE2", 0),
        ("ZTILE1", 1), ("ZTILE2", 2**62), ("ZTILE1", "'x'"), ("ZTILE2", 64), ("ZBITPIX", 0), ("ZBITPIX", 7),
        ("ZBITPIX", "'x'"), ("ZBITPIX", -999), ("ZCMPTYPE", "'RICE_9'"), ("ZCMPTYPE", "''"), ("ZCMPTYPE", 1),
        ("ZCMPTYPE", "'../../x'"), ("TFORM1", "'1PB(-1)'"), ("TFORM1", "'8B'"), ("TFORM1", "'PJ'"),
        ("TFORM1", "'1QB(9)'"), ("TTYPE1", "'OTHER'"), ("TFIELDS", 0), ("NAXIS2", 63), ("NAXIS2", -1), ("PCOUNT", 0),
        ("PCOUNT", 10**9), ("ZIMAGE", "'T'"), ("ZIMAGE", 1),
    ]  # fmt: skip
    for key, value in wrong:
        codes = f"{ANY} NO_IMAGE" if key in {"ZIMAGE", "ZNAXIS"} else ANY
        made = GROUP.either if (key, value) in LOOSE else GROUP.reject
        extra = () if made == GROUP.either else (codes,)
        yield made(f"{key} {value}", lambda key=key, value=value: recarded(example("RICE_1"), **{key: value}), *extra)  # type: ignore[misc, arg-type, operator]
    for key, value in (
        ("ZQUANTIZ", "'NONSENSE'"),
        ("ZQUANTIZ", 3),
        ("ZDITHER0", -1),
        ("ZDITHER0", 10**9),
        ("ZDITHER0", "'x'"),
    ):
        name = f"{key} {value}"
        yield GROUP.either(name, lambda key=key, value=value: recarded(example("RICE_1 of floats"), **{key: value}))  # type: ignore[misc]
    for key, value in (
        ("ZVAL1", 0),
        ("ZVAL1", -1),
        ("ZVAL1", 2**31),
        ("ZVAL1", "'x'"),
        ("ZVAL2", 3),
        ("ZVAL2", 0),
        ("ZVAL2", 16),
    ):
        yield GROUP.either(
            f"RICE {key} {value}", lambda key=key, value=value: recarded(example("RICE_1"), **{key: value})
        )  # type: ignore[misc]
    for key, value in (("ZVAL1", -1), ("ZVAL1", "1E400"), ("ZVAL2", 9)):
        yield GROUP.either(
            f"HCOMPRESS {key} {value}", lambda key=key, value=value: recarded(example("HCOMPRESS_1"), **{key: value})
        )  # type: ignore[misc]


# Not what was packed, but a picture may come out: another number of bits, another kind.
LOOSE = {("ZBITPIX", 32), ("TFORM1", "'1PB(-1)'"), ("ZIMAGE", "'T'")}


def _heap(data: bytes) -> tuple[int, int]:
    """Return where the table of a packed image begins, and where its heap does."""
    start = data.find(b"END     ", BLOCK)
    table = -(-start // BLOCK) * BLOCK
    head = data[BLOCK:table].decode("latin-1")
    naxis = [int(head[head.find(f"NAXIS{i}  =") + 10 :][:21]) for i in (1, 2)]
    return table, table + naxis[0] * naxis[1]


def streams() -> Iterator[Case]:
    """The packed bytes themselves, turned over, cut, of zeros, of ones; and descriptors that point elsewhere."""
    for number, kind in enumerate(KINDS):
        for seed in range(3):
            yield GROUP.either(f"{kind}, noise {seed}", lambda k=kind, n=(number, seed): _noisy(example(k), n, 12))  # type: ignore[misc]
        for fill in (0, 255):
            yield GROUP.either(f"{kind}, bytes of {fill}", lambda k=kind, f=fill: _filled(example(k), f))  # type: ignore[misc]
        yield GROUP.either(
            f"{kind}, half of each tile", lambda k=kind: _described(example(k), lambda n, at: (n // 2, at))
        )  # type: ignore[misc]
        yield GROUP.either(
            f"{kind}, one byte of each tile", lambda k=kind: _described(example(k), lambda _, at: (1, at))
        )  # type: ignore[misc]
        yield GROUP.either(f"{kind}, the next tile's", lambda k=kind: _described(example(k), lambda n, at: (n, at + 3)))  # type: ignore[misc]
    odd = {
        "none": lambda _n, at: (0, at), "negative": lambda _n, _at: (-1, -1), "beyond": lambda n, _at: (n, 10**8),
        "two gigabytes": lambda _n, at: (2**31 - 1, at), "before": lambda n, _at: (n, -8),
    }  # fmt: skip
    for what, change in odd.items():
        yield GROUP.reject(f"descriptors: {what}", lambda change=change: _described(example("RICE_1"), change), ANY)  # type: ignore[misc]
    for what, value in (("NaN", np.nan), ("infinite", np.inf), ("1e308", 1e308), ("zero", 0.0), ("negative", -1.0)):
        yield GROUP.either(f"ZSCALE {what}", lambda value=value: _scaled(example("RICE_1 of floats"), value))  # type: ignore[misc]


def _noisy(data: bytes, seed: tuple[int, int], n: int) -> bytes:
    rng = np.random.default_rng(seed)
    out = bytearray(data)
    _, heap = _heap(data)
    for at in rng.integers(heap, min(len(data), heap + 3000), n):
        out[at] = int(rng.integers(256))
    return bytes(out)


def _filled(data: bytes, byte: int) -> bytes:
    _, heap = _heap(data)
    return data[:heap] + bytes([byte]) * (len(data) - heap)


def _described(data: bytes, change: object) -> bytes:
    """Return the file with the descriptors of its first column changed."""
    assert callable(change)
    out = bytearray(data)
    table, heap = _heap(data)
    head = data[BLOCK:table].decode("latin-1")
    width = int(head[head.find("NAXIS1  =") + 10 :][:21])
    for at in range(table, heap, width):
        count, start = struct.unpack_from(">ii", data, at)
        struct.pack_into(">ii", out, at, *change(count, start))
    return bytes(out)


def _scaled(data: bytes, value: float) -> bytes:
    """Return the file with ZSCALE, which follows the descriptors, set in every row."""
    out = bytearray(data)
    table, heap = _heap(data)
    head = data[BLOCK:table].decode("latin-1")
    width = int(head[head.find("NAXIS1  =") + 10 :][:21])
    names = [head[i * 80 : i * 80 + 80] for i in range(len(head) // 80)]
    column = next(int(line[5:8]) for line in names if line.startswith("TTYPE") and "'ZSCALE" in line)
    assert column >= 2  # descriptors come first
    at = (column - 1) * 8
    for row in range(table, heap, width):
        struct.pack_into(">d", out, row + at, value)
    return bytes(out)


def _tiles(*changes: Change, descriptors: bytes, heap: bytes) -> bytes:
    cards = changed(TILES, ("PCOUNT", len(heap)), ("NAXIS2", len(descriptors) // 8), *changes)
    return header(PRIMARY) + header(cards) + padded(descriptors + heap)


def made() -> Iterator[Case]:
    """Small files that ask for large images."""
    one = struct.pack(">ii", 8, 0)
    big: list[Change] = [("ZNAXIS1", 2**13), ("ZNAXIS2", 2**13), ("ZTILE1", 2**13), ("ZTILE2", 2**13)]
    for kind in ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS"):
        data = _tiles(*big, ("ZCMPTYPE", f"'{kind}'"), descriptors=one, heap=bytes(8))
        yield GROUP.reject(f"67 million pixels in 8 bytes, {kind}", data, ANY)
        wide = _tiles(*big, ("ZTILE2", 1), ("ZCMPTYPE", f"'{kind}'"), descriptors=one * 2**13, heap=bytes(8))
        yield GROUP.reject(f"67 million pixels, one tile 8192 times, {kind}", wide, ANY)
    huge: list[Change] = [("ZNAXIS1", 2**31), ("ZNAXIS2", 2**31), ("ZTILE1", 2**31), ("ZTILE2", 2**31)]
    yield GROUP.reject("2^62 pixels in one tile", _tiles(*huge, descriptors=one, heap=bytes(8)), ANY)
    sharp = struct.pack(">2siii", b"\xdd\x99", 2**30, 2**30, 0) + bytes(30)
    small: list[Change] = [("ZTILE1", SIDE), ("ZTILE2", SIDE), ("ZCMPTYPE", "'HCOMPRESS_1'")]
    yield GROUP.reject(
        "HCOMPRESS that says 2^60", _tiles(*small, descriptors=struct.pack(">ii", len(sharp), 0), heap=sharp), ANY
    )
    plio = struct.pack(">7h", 0, 7, -100, 32767, 32767, 0, 0)
    cards: list[Change] = [("ZTILE2", SIDE), ("ZCMPTYPE", "'PLIO_1'"), ("TFORM1", "'1PI(9)'")]
    yield GROUP.reject("PLIO that says 2^30", _tiles(*cards, descriptors=struct.pack(">ii", 7, 0), heap=plio), ANY)
    yield GROUP.reject("no table", header(PRIMARY) + header(TILES), "BROKEN_FITS FITS_CUT_SHORT")
    dots: list[Change] = [("ZNAXIS1", 1024), ("ZNAXIS2", 1024), ("ZTILE1", 1), ("ZTILE2", 1)]
    yield GROUP.reject("a million tiles", lambda: _tiles(*dots, descriptors=one * 2**20, heap=bytes(8)), ANY)
    masked = ("ZMASKCMP", "'RICE_1'")
    yield GROUP.reject("a mask of its own", _tiles(masked, descriptors=one * SIDE, heap=bytes(8)), ANY)
