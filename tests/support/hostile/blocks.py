"""Cards, headers and HDUs, right or wrong as asked: nothing is checked here."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

BLOCK, CARD = 2880, 80
N_STARS = 12
Cards = dict[str, object]
Change = tuple[str, object]


def card(key: str, value: object) -> bytes:
    """Return 80 bytes; a value that is bytes stands as it is."""
    if isinstance(value, bytes):
        return (f"{key:8s}= ".encode("latin-1") + value)[:CARD].ljust(CARD)
    shown = {True: "T", False: "F"}[value] if isinstance(value, bool) else str(value)
    return f"{key:8s}= {shown:>20s}".encode("latin-1", "replace")[:CARD].ljust(CARD)


def padded(data: bytes, fill: bytes = b"\0") -> bytes:
    return data + fill * (-len(data) % BLOCK)


def header(cards: Cards, *more: bytes, end: bytes = b"END") -> bytes:
    """Return a header; ``more`` are cards as they are, before END."""
    body = b"".join(card(key, value) for key, value in cards.items())
    return padded(body + b"".join(line.ljust(CARD) for line in more) + end.ljust(CARD), b" ")


def changed(cards: Cards, *changes: Change) -> Cards:
    """Return cards with some changed; those changed to None are left out."""
    new = cards | dict(changes)
    return {key: value for key, value in new.items() if value is not None}


PRIMARY: Cards = {"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True}
TABLE: Cards = {
    "XTENSION": "'BINTABLE'", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 32, "NAXIS2": N_STARS, "PCOUNT": 0, "GCOUNT": 1,
    "TFIELDS": 4, "TTYPE1": "'RA'", "TFORM1": "'D'", "TTYPE2": "'DEC'", "TFORM2": "'D'", "TTYPE3": "'MAG'",
    "TFORM3": "'D'", "TTYPE4": "'MAGERR'", "TFORM4": "'D'",
}  # fmt: skip
ASCII: Cards = {
    "XTENSION": "'TABLE'", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 40, "NAXIS2": N_STARS, "PCOUNT": 0, "GCOUNT": 1,
    "TFIELDS": 4, "TTYPE1": "'RA'", "TBCOL1": 1, "TFORM1": "'F10.5'", "TTYPE2": "'DEC'", "TBCOL2": 11,
    "TFORM2": "'F10.5'", "TTYPE3": "'MAG'", "TBCOL3": 21, "TFORM3": "'F10.5'", "TTYPE4": "'MAGERR'", "TBCOL4": 31,
    "TFORM4": "'F10.5'",
}  # fmt: skip


@cache
def stars() -> NDArray[np.float64]:
    """(n, 4) RA, Dec, magnitude and error of a dozen stars."""
    i = np.arange(N_STARS)
    return np.stack([120.0 + i / 50, 20.0 - i / 60, 15.0 + i / 7, np.full(N_STARS, 0.02)], axis=1)


def rows() -> bytes:
    return stars().astype(">f8").tobytes()


def text_rows() -> bytes:
    return "".join("".join(f"{value:10.5f}" for value in row) for row in stars()).encode()


def table_file(*changes: Change, data: bytes | None = None, more: Iterable[bytes] = ()) -> bytes:
    """Return a primary HDU and a binary table, some of its cards changed."""
    held = rows() if data is None else data
    return header(PRIMARY) + header(changed(TABLE, *changes), *more) + padded(held)


def ascii_file(*changes: Change, data: bytes | None = None) -> bytes:
    held = text_rows() if data is None else data
    return header(PRIMARY) + header(changed(ASCII, *changes)) + padded(held, b" ")


SIDE = 64


@cache
def sky() -> NDArray[np.float32]:
    """(64, 64) noise and nine stars."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE]
    field = rng.normal(1000.0, 8.0, (SIDE, SIDE))
    for _ in range(9):
        x0, y0 = rng.uniform(5, SIDE - 5, 2)
        field += rng.uniform(500, 20000) * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 4.0)
    return field.astype(np.float32)


IMAGE: Cards = {"SIMPLE": True, "BITPIX": 16, "NAXIS": 2, "NAXIS1": SIDE, "NAXIS2": SIDE}
SHORT = np.dtype(">i2")


def image_file(
    *changes: Change,
    pixels: NDArray[np.generic] | bytes | None = None,
    more: Iterable[bytes] = (),
    after: bytes = b"",
) -> bytes:
    """Return a single image, by default 64 x 64 of 16 bits, some of its cards changed."""
    held = sky().astype(SHORT) if pixels is None else pixels
    data = held if isinstance(held, bytes) else held.tobytes()
    return header(changed(IMAGE, *changes), *more) + padded(data) + after


def floats(pixels: NDArray[np.floating], *changes: Change) -> bytes:
    """Return an image of 32-bit floats."""
    ny, nx = pixels.shape
    return image_file(("BITPIX", -32), ("NAXIS1", nx), ("NAXIS2", ny), *changes, pixels=pixels.astype(">f4"))


def written(*hdus: object) -> bytes:
    """Return what astropy writes for HDUs."""
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream, output_verify="ignore")
    return stream.getvalue()


def packed(kind: str = "RICE_1", pixels: NDArray[np.generic] | None = None, **options: object) -> Callable[[], bytes]:
    """Return what makes an image packed in tiles, as .fits.fz has them."""

    def make() -> bytes:
        data = sky().astype(np.int16) if pixels is None else pixels
        return written(fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type=kind, **options))

    return make


def recarded(data: bytes, **changes: object) -> bytes:
    """Return a file with cards of its headers replaced where they stand (the first of each key after the primary)."""
    out = bytearray(data)
    for name, value in changes.items():
        key = name.replace("_", "-") if name.replace("_", "-").encode() in data else name
        at = out.find(f"{key:8s}=".encode(), BLOCK)
        assert at >= 0, key
        out[at : at + CARD] = card(key, value)
    return bytes(out)
