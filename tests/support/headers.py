"""Headers for tests: cards from a few words."""

from __future__ import annotations

from photocal.headers.cards import Header
from photocal.headers.sources import read_header


def header_of(*lines: str) -> Header:
    """Return the header of lines ``KEY = value / comment``."""
    return read_header("\n".join(lines).encode())


def card_images(*lines: str) -> bytes:
    """Return a FITS header of lines, in 80-byte cards and whole blocks, END included."""
    cards = b"".join(f"{line:<80}"[:80].encode("latin-1") for line in (*lines, "END"))
    return cards + b" " * (-len(cards) % 2880)
