"""What the readers take at most: more than any observer's upload needs, less than hurts a small machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps on one upload.

    Attributes
    ----------
    text_bytes, fits_bytes
        Of a catalogue as text, and of a FITS file as it is sent.
    lines, columns, line_length
        Of a table.
    unpacked_bytes, unpack_ratio
        What gzip or bzip2 may unpack to, and how many times what was sent (catalogues and images pack to a tenth at
        most, bombs to a thousandth).
    hdus, header_cards
        Of a FITS file: a mosaic of 104 CCDs as FITS_LDAC has 209 HDUs.
    pixels, smallest_side, tiles
        Of an image: the largest chips of observers have 61 million pixels; tiles are those of a packed image.
    """

    text_bytes: int = 20 * 2**20
    fits_bytes: int = 80 * 2**20
    lines: int = 200_000
    columns: int = 300
    line_length: int = 4_096
    unpacked_bytes: int = 256 * 2**20
    unpack_ratio: int = 200
    hdus: int = 300
    header_cards: int = 20_000
    pixels: int = 2**26
    smallest_side: int = 16
    tiles: int = 2**16


LIMITS = Limits()
