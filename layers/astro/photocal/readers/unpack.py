"""Unpacking of gzip and bzip2, never further than the caps allow."""

from __future__ import annotations

import bz2
import zlib

from cpcs.errors import BombSent, NotACatalogue, UnreadableUpload
from photocal.readers.limits import Limits

GZIP, BZIP2 = b"\x1f\x8b", b"BZh"
_OTHER = {
    b"PK\x03\x04": "zip",
    b"\x1f\x9d": "compress (.Z)",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
    b"(\xb5/\xfd": "zstd",
}
_ROOM = 2**20  # what the ratio always leaves: an empty catalogue packs well
_STEP = 2**20


def unpacked(data: bytes, limits: Limits) -> bytes:
    """Return the bytes, unpacked once if they were packed.

    Raises
    ------
    BombSent
        They unpack to more than is taken, or to something packed again.
    NotACatalogue
        They are packed in a way that is not read here, or damaged.
    """
    for magic, name in _OTHER.items():
        if data.startswith(magic):
            raise NotACatalogue(reason=f"it is packed with {name}; send it unpacked, or packed with gzip")
    if not data.startswith((GZIP, BZIP2)):
        return data
    cap = min(limits.unpacked_bytes, max(limits.unpack_ratio * len(data), _ROOM))
    try:
        plain = _gunzipped(data, cap) if data.startswith(GZIP) else _bunzipped(data, cap)
    except UnreadableUpload:
        raise
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise NotACatalogue(reason=f"it cannot be unpacked ({error})") from error
    if plain.startswith((GZIP, BZIP2)):
        raise BombSent(limit=cap)
    return plain


def _gunzipped(data: bytes, cap: int) -> bytes:
    parts, size, rest = [], 0, data
    while rest.startswith(GZIP):  # a file may hold several members
        member = zlib.decompressobj(wbits=31)
        part = member.decompress(rest, cap - size + 1)
        size += len(part)
        if size > cap:
            raise BombSent(limit=cap)
        if not member.eof:
            raise NotACatalogue(reason="it cannot be unpacked (cut short)")
        parts.append(part)
        # Nothing in, nothing out: thousands of empty members must not be walked one by one.
        if not part and len(parts) > 1:
            raise BombSent(limit=cap)
        rest = member.unused_data
    return b"".join(parts)


def _bunzipped(data: bytes, cap: int) -> bytes:
    unpacker = bz2.BZ2Decompressor()
    parts = [unpacker.decompress(data, min(cap + 1, _STEP))]
    size = len(parts[0])
    while not unpacker.eof:
        if size > cap:
            raise BombSent(limit=cap)
        if unpacker.needs_input:
            raise NotACatalogue(reason="it cannot be unpacked (cut short)")
        parts.append(unpacker.decompress(b"", min(cap + 1 - size, _STEP)))
        size += len(parts[-1])
    if size > cap:
        raise BombSent(limit=cap)
    return b"".join(parts)
