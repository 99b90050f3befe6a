"""What the readers take at most: more than any observer's catalogue needs, less than hurts a small machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps on one upload; sizes in bytes."""

    text_bytes: int = 20 * 2**20
    fits_bytes: int = 64 * 2**20  # images come here too, to be told that they are images
    lines: int = 200_000
    columns: int = 300
    line_length: int = 4_096
    unpacked_bytes: int = 64 * 2**20
    unpack_ratio: int = 200  # catalogues pack to a tenth at most; bombs to a thousandth
    hdus: int = 300  # a mosaic of 104 CCDs as FITS_LDAC has 209
    header_cards: int = 20_000


LIMITS = Limits()
