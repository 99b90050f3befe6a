"""Packed files: bombs, damage, and packings that are not read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache

from .blocks import PRIMARY, card, header, image_file, table_file
from .case import Case, Door, Group
from .texts import SEXTRACTOR

BOMB = "TOO_LARGE_UNPACKED"
BROKEN = "BROKEN_PACKING"
OTHER = "UNKNOWN_PACKING"
MEGABYTE = 2**20


def cases() -> Iterator[Case]:
    yield from good()
    for door in (Door.CATALOGUE, Door.IMAGE):
        yield from bombs(door)
    yield from damaged()
    yield from other()
    yield from formats()


def good() -> Iterator[Case]:
    group = Group("packed")
    text = SEXTRACTOR.encode()
    halves = text[:200], text[200:]
    files = {
        "gzip": gzip.compress(text), "bzip2": bz2.compress(text), "gzip of FITS": gzip.compress(table_file()),
        "bzip2 of FITS": bz2.compress(table_file()), "gzip in members": b"".join(map(gzip.compress, halves)),
        "bzip2 in members": b"".join(map(bz2.compress, halves)), "gzip with a name": _named(text, b"../../etc/passwd"),
        "gzip, zeros behind": gzip.compress(text) + bytes(512),
        "gzip with an empty member": gzip.compress(b"") + gzip.compress(text),
        "stored": gzip.compress(text, 0),
    }  # fmt: skip
    for name, data in files.items():
        yield group.accept(name, data)
    image = Group("packed", Door.IMAGE)
    yield image.accept("image, gzip", gzip.compress(image_file()))
    yield image.accept("image, bzip2", bz2.compress(image_file()))
    yield image.accept("plain image (as .gz)", image_file())


def _named(data: bytes, name: bytes) -> bytes:
    plain = gzip.compress(data)
    return plain[:3] + b"\x08" + plain[4:10] + name + b"\0" + plain[10:]


@cache
def bzip2_bomb() -> bytes:
    """Return a gigabyte of zeros in 45 bytes for each 40 MB: whole members, which follow each other."""
    return bz2.compress(bytes(40 * MEGABYTE)) * 25


@cache
def bzip2_bomb_of_one() -> bytes:
    """Return 300 MB of zeros in one member of a few hundred bytes."""
    return bz2.compress(bytes(300 * MEGABYTE))


@cache
def gzip_bomb(start: bytes = b"", megabytes: int = 400) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, mtime=0) as stream:
        stream.write(start)
        for _ in range(megabytes // 10):
            stream.write(bytes(10 * MEGABYTE))
    return out.getvalue()


def bombs(door: Door) -> Iterator[Case]:
    group = Group("bombs", door)
    start = header({"SIMPLE": True, "BITPIX": 16, "NAXIS": 2, "NAXIS1": 64, "NAXIS2": 64})
    plain: dict[str, Callable[[], bytes]] = {
        f"bzip2, {door}": bzip2_bomb,
        f"bzip2 in one, {door}": bzip2_bomb_of_one,
        f"gzip, {door}": gzip_bomb,
        f"gzip, FITS first, {door}": lambda: gzip_bomb(start),
        f"gzip, a catalogue first, {door}": lambda: gzip_bomb(SEXTRACTOR.encode()),
        f"gzip, members of a megabyte, {door}": lambda: gzip.compress(bytes(MEGABYTE)) * 2000,
        f"bzip2, members, {door}": lambda: bz2.compress(bytes(5 * MEGABYTE)) * 500,
    }
    for name, make in plain.items():
        if door is Door.IMAGE and "in one" not in name and "FITS" not in name:
            continue  # the same way to the same end
        yield group.reject(name, make, f"{BOMB} TOO_MANY_ROWS", huge=door is Door.IMAGE)
    inner = gzip_bomb(megabytes=100)
    nested = {
        "gzip in gzip": lambda: gzip.compress(inner), "bzip2 in gzip": lambda: gzip.compress(bzip2_bomb()),
        "gzip in bzip2": lambda: bz2.compress(gzip.compress(SEXTRACTOR.encode())),
        "zip in gzip": lambda: gzip.compress(_zip()),
    }  # fmt: skip
    for name, make in nested.items():
        yield group.reject(f"{name}, {door}", make, f"PACKED_TWICE {BOMB} {OTHER} NOT_A_CATALOGUE NO_IMAGE")
    empty = gzip.compress(b"")
    yield group.reject(f"6000 empty members, {door}", empty * 6000, f"{BOMB} EMPTY_FILE")
    if door is Door.CATALOGUE:
        yield group.reject("2 million empty members", lambda: empty * 2_000_000, f"{BOMB} EMPTY_FILE", huge=True)
    yield group.reject(f"an empty member, {door}", empty, "EMPTY_FILE")


def damaged() -> Iterator[Case]:
    group = Group("damaged")
    for name, data in (("gzip", gzip.compress(SEXTRACTOR.encode())), ("bzip2", bz2.compress(SEXTRACTOR.encode()))):
        for n in (2, 3, 4, 9, 10, 11, 18, len(data) // 2, len(data) - 1):
            yield group.reject(f"{name} at {n}", data[:n], f"{BROKEN} NOT_A_CATALOGUE")
        flipped = bytearray(data)
        flipped[len(data) // 2] ^= 16
        yield group.reject(f"{name}, a bit turned", bytes(flipped), BROKEN)
        yield group.reject(
            f"{name}, checksum", data[:-5] + bytes([data[-5] ^ 1]) + data[-4:], f"{BROKEN} NOT_A_CATALOGUE"
        )
        yield group.either(f"{name}, noise behind", data + b"\x13\x37" * 300)
        yield group.either(f"{name}, its own magic behind", data + data[:3])
    odd = {
        "magic only": b"\x1f\x8b", "a method that is none": b"\x1f\x8b\x07" + bytes(20),
        "reserved flags": b"\x1f\x8b\x08\xff" + bytes(20), "a name without end": b"\x1f\x8b\x08\x08" + b"a" * 5000,
        "an extra field that is longer": b"\x1f\x8b\x08\x04" + bytes(6) + b"\xff\xff" + bytes(50),
        "a size that lies": gzip.compress(b"")[:-4] + struct.pack("<I", 2**32 - 1), "BZh only": b"BZh9",
        "BZh0": b"BZh0" + bytes(9),
    }  # fmt: skip
    for name, data in odd.items():
        yield group.reject(name, data, f"{BROKEN} EMPTY_FILE NOT_A_CATALOGUE")


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("../../x.cat"), SEXTRACTOR)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("../../x.cat")
        info.size = len(SEXTRACTOR)
        archive.addfile(info, io.BytesIO(SEXTRACTOR.encode()))
    return out.getvalue()


def other() -> Iterator[Case]:
    """Packings and pictures that are not read: they must be told apart from broken catalogues."""
    files = {
        "zip": _zip(), "xz": lzma.compress(SEXTRACTOR.encode()), "compress": b"\x1f\x9d\x90" + bytes(range(200)),
        "7-Zip": b"7z\xbc\xaf\x27\x1c" + bytes(100), "RAR": b"Rar!\x1a\x07\x01\0" + bytes(100),
        "zstd": b"(\xb5/\xfd\x04\0" + bytes(50),
    }  # fmt: skip
    for door in (Door.CATALOGUE, Door.IMAGE):
        group = Group("other packings", door)
        yield from group.rejects(OTHER, ((f"{name}, {door}", data) for name, data in files.items()))
    for door in (Door.CATALOGUE, Door.IMAGE):
        group = Group("other formats", door)
        yield from group.rejects(
            "NOT_A_CATALOGUE NO_IMAGE", ((f"{name}, {door}", data) for name, data in formats_of_others().items())
        )


def formats_of_others() -> dict[str, bytes]:
    pixel = zlib.compress(b"\0\0\0\0")
    return {
        "PNG": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1,
        8, 2, 0, 0, 0) + pixel,
        "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(300), "CR2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(300),
        "TIFF": b"MM\0*\0\0\0\x08" + bytes(100), "GIF": b"GIF89a" + bytes(50),
        "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\0",
        "Windows": b"MZ\x90\0" + bytes(500), "Linux": b"\x7fELF\x02\x01\x01\0" + bytes(500), "tar": _tar(),
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(100), "SQLite": b"SQLite format 3\0" + bytes(100),
        "ASDF": b"#ASDF 1.0.0\n%YAML 1.1\n--- !core/asdf\n...\n\xd3BLK\0" + bytes(100), "Parquet": b"PAR1" + bytes(64),
        "NumPy": b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}\n\0",
        "XISF": b"XISF0100" + bytes(100),
        "SER": b"LUCAM-RECORDER" + bytes(200), "WOFF": b"wOFF\0\1\0\0" + bytes(60),
        "MP4": b"\0\0\0\x18ftypmp42" + bytes(80),
    }  # fmt: skip


def formats() -> Iterator[Case]:
    """Files that are two things at once."""
    group = Group("polyglots", Door.IMAGE)
    yield group.accept("FITS with a zip behind the block", image_file() + bytes(2880))
    yield group.either("FITS and zip", image_file() + _zip())
    first = card("SIMPLE", True)
    yield group.reject(
        "a page after SIMPLE", first + b"<html><script>alert(1)</script></html>".ljust(2800), "BROKEN_FITS"
    )
    yield group.reject("a page before SIMPLE", b"<html>".ljust(80) + image_file(), "NO_IMAGE MARKUP_SENT")
    catalogue = Group("polyglots")
    yield catalogue.reject("a page as a table", b"<html>\n" + SEXTRACTOR.encode(), "MARKUP_SENT")
    yield catalogue.either("a catalogue in a header", header(PRIMARY, *SEXTRACTOR.encode().splitlines()))
