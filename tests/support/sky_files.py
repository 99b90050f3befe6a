"""FITS files with a little sky in them, as astropy writes them, and files written card by card."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.io import fits

from photocal.headers.cards import BLOCK, CARD


def sky(shape: tuple[int, ...] = (60, 80), *, level: float = 1000.0, seed: int = 4) -> np.ndarray:
    """Return noise around a level, with a few stars, as floats."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(level, 10.0, shape)
    y, x = np.indices(shape[-2:])
    for _ in range(8):
        x0, y0, flux = rng.uniform(0, shape[-1]), rng.uniform(0, shape[-2]), rng.uniform(500, 5000)
        pixels += flux * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 6.0)
    return pixels


def written(*hdus: Any, **how: Any) -> bytes:
    """Return a file of these HDUs; the first becomes the primary one if it can."""
    first = hdus[0] if isinstance(hdus[0], fits.PrimaryHDU) else fits.PrimaryHDU()
    rest = hdus[1:] if first is hdus[0] else hdus
    stream = io.BytesIO()
    fits.HDUList([first, *rest]).writeto(stream, **how)
    return stream.getvalue()


def header(cards: Mapping[str, Any]) -> fits.Header:
    """Return cards as astropy wants them."""
    return fits.Header(cards=list(cards.items()))


def image_file(pixels: np.ndarray, cards: Mapping[str, Any] | None = None) -> bytes:
    """Return a file with the pixels in its primary HDU."""
    return written(fits.PrimaryHDU(pixels, header=header(cards or {})))


def raw(*cards: str, data: bytes = b"") -> bytes:
    """Return an HDU of these cards, whatever they say, and data."""
    head = b"".join(card.encode("latin-1").ljust(CARD)[:CARD] for card in (*cards, "END"))
    return head.ljust(-(-len(head) // BLOCK) * BLOCK) + data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")


def with_card(data: bytes, key: str, value: str) -> bytes:
    """Return a file whose first card of a keyword says something else; one that is not there is added at the end.

    Raises
    ------
    ValueError
        There is no room for one more in the first header.
    """
    new = f"{key:8s}= {value}".encode("latin-1").ljust(CARD)
    for position in range(0, len(data), CARD):
        if data[position : position + 9] == new[:9]:
            return data[:position] + new + data[position + CARD :]
        if data[position : position + CARD] == b"END".ljust(CARD):
            after = position + 2 * CARD
            if data[position + CARD : after].strip():
                raise ValueError(key)
            return data[:position] + new + b"END".ljust(CARD) + data[after:]
    raise ValueError(key)
