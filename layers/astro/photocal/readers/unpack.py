"""Unpacking of gzip and bzip2, never further than the caps allow."""

from __future__ import annotations

import bz2
import io
import zlib
from dataclasses import dataclass

from cpcs.errors import BombSent, BrokenPacking, PackedTwice, TooManyRows, UnknownPacking
from photocal.readers.limits import Limits

GZIP, BZIP2 = b"\x1f\x8b", b"BZh"
_KNOWN = {
    GZIP: "gzip",
    BZIP2: "bzip2",
    b"PK\x03\x04": "zip",
    b"\x1f\x9d": "compress (.Z)",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
    b"(\xb5/\xfd": "zstd",
}
_ROOM = 2**23  # what the ratio always leaves: an empty catalogue packs well
_STEP = 2**16
_MOST_MEMBERS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """A file, unpacked if it was packed.

    Attributes
    ----------
    plain
        What is in it.
    sent
        Its bytes as it came.
    packing
        How it was packed; None where it was not.
    """

    plain: bytes
    sent: int
    packing: str | None

    def check_fits_size(self, limits: Limits) -> None:
        """Refuse a FITS file of which more was sent than is taken.

        Raises
        ------
        TooManyRows
            It is.
        """
        if self.sent > limits.fits_bytes:
            raise TooManyRows(n=self.sent, what="bytes", limit=limits.fits_bytes)


def opened(data: bytes, limits: Limits) -> Opened:
    """Return a file with what is in it, for whoever looks at it more than once.

    Raises
    ------
    UnreadableUpload
        As `unpacked`.
    """
    return Opened(plain=unpacked(data, limits), sent=len(data), packing=packing(data))


def unpacked(data: bytes, limits: Limits) -> bytes:
    """Return the bytes, unpacked once if they were packed.

    Raises
    ------
    BombSent
        They unpack to more than is taken.
    PackedTwice
        They unpack to something that is packed again.
    UnknownPacking
        They are packed in a way that is not read here.
    BrokenPacking
        They are damaged, or cut short.
    """
    other = packing(data)
    if other is None:
        return data
    if other not in {"gzip", "bzip2"}:
        raise UnknownPacking(packing=other)
    cap = min(limits.unpacked_bytes, max(limits.unpack_ratio * len(data), _ROOM))
    try:
        plain = _unpacked(data, GZIP if data.startswith(GZIP) else BZIP2, cap)
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise BrokenPacking(reason=str(error) or "it is damaged") from error
    inside = packing(plain)
    if inside is not None:
        raise PackedTwice(inside=inside)
    return plain


def packing(data: bytes) -> str | None:
    """Return how a file is packed, by its first bytes; None where it is not."""
    return next((name for magic, name in _KNOWN.items() if data.startswith(magic)), None)


def _unpacked(data: bytes, magic: bytes, cap: int) -> bytes:
    """Unpack member by member: pigz, bgzip and pbzip2 write many into one file."""
    out = io.BytesIO()  # grows in place, and gives what it holds without a copy: a list of parts takes twice as much
    position = 0
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(wbits=31) if magic == GZIP else bz2.BZ2Decompressor()
        while not member.eof:
            # In small steps, because what a member leaves unused is copied.
            step = data[position : position + _STEP]
            if not step:
                raise BrokenPacking(reason="it is cut short")
            out.write(member.decompress(step, cap - out.tell() + 1))
            if out.tell() > cap:
                raise BombSent(limit=cap)
            position += len(step) - len(member.unused_data)
        if not data.startswith(magic, position):
            return out.getvalue()
    raise BombSent(limit=cap)
