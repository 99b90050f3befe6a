"""Numbers out of the stored pixels: BSCALE, BZERO, BLANK, and what they are like (FITS Standard 4.0, section 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cpcs.errors import BlankImage, BrokenFits, ConstantImage, MostlyBlankImage, SaturatedImage
from photocal.arrays import Anything, Bools, Pixels
from photocal.images.frame import PixelStatistics
from photocal.readers.gate import Hdu

DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_BAND = 2**18  # pixels that are converted at a time: they stay in the processor's cache
_SAMPLE = 2**20
_EXACT_BYTES = 2  # integers so wide, and their sum with an integer so wide, are exact as float32
_LEAST_FINITE, _MOST_AT_CEILING, _MOST_SAME = 0.10, 0.50, 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """``value = stored x scale + zero``, and what is stored where there is no value."""

    scale: float = 1.0
    zero: float = 0.0
    blank: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the stored number is the value."""
        return self.scale == 1.0 and self.zero == 0.0


def scaling(cards: Mapping[str, str], blank_key: str = "BLANK") -> Scaling:
    """Return the scaling that a header asks for.

    Raises
    ------
    BrokenFits
        BSCALE or BZERO is no finite number.
    """
    try:
        blank = int(cards[blank_key])
    except (KeyError, ValueError):
        blank = None  # none, or not the integer that the standard asks for: nothing is blank
    return Scaling(scale=_number(cards, "BSCALE", 1.0), zero=_number(cards, "BZERO", 0.0), blank=blank)


def _number(cards: Mapping[str, str], key: str, default: float) -> float:
    text = cards.get(key, "")
    if not text:
        return default
    try:
        value = float(text.upper().replace("D", "E"))
    except ValueError as error:
        raise BrokenFits(reason=f"{key} is no number: {text[:20]!r}") from error
    if not math.isfinite(value):
        raise BrokenFits(reason=f"{key} = {text[:20]} is not finite")
    return value


def stored(data: bytes, hdu: Hdu) -> Anything:
    """Return the pixels of an image that is not packed, as they lie in the file: (..., ny, nx), nothing is copied."""
    axes = hdu.axes
    flat = np.frombuffer(data, dtype=DTYPES[hdu.bitpix], count=math.prod(axes), offset=hdu.offset)
    return flat.reshape(axes[::-1])


def values(raw: Anything, how: Scaling) -> tuple[Pixels, Bools | None]:
    """Return (n, nx) stored pixels as numbers, and where there are none (None where all are).

    Float32 holds what the chip gave: integers of 16 bits exactly, others to 6e-8 of their value. Infinite is no number.
    """
    out = np.empty(raw.shape, dtype=np.float32)
    mask: Bools | None = None
    band = max(1, _BAND // raw.shape[1])
    with np.errstate(all="ignore"):
        for start in range(0, raw.shape[0], band):
            part = raw[start : start + band]
            numbers = out[start : start + band]
            _convert(part, numbers, how)
            bad = ~np.isfinite(numbers)
            if how.blank is not None and raw.dtype.kind in "iu":
                bad |= part == how.blank
            if bad.any():
                mask = np.zeros(raw.shape, dtype=np.bool_) if mask is None else mask
                mask[start : start + band] = bad
                numbers[bad] = np.nan
    return out, mask


def _convert(part: Anything, numbers: Pixels, how: Scaling) -> None:
    if how.is_plain:
        numbers[...] = part
    elif part.dtype.kind in "iu" and part.dtype.itemsize <= _EXACT_BYTES and how.scale == 1.0 and _is_short(how.zero):
        numbers[...] = part
        numbers += np.float32(how.zero)
    else:
        numbers[...] = part.astype(np.float64) * how.scale + how.zero


def _is_short(zero: float) -> bool:
    return zero.is_integer() and abs(zero) <= 2**16


def statistics(data: Pixels, mask: Bools | None) -> PixelStatistics:
    """Return what pixels are like.

    Raises
    ------
    BlankImage
        None holds a number.
    """
    good = data.ravel() if mask is None else data[~mask]
    if not good.size:
        raise BlankImage(n=data.size)
    highest = good.max()
    return PixelStatistics(
        n=data.size,
        finite_share=good.size / data.size,
        minimum=float(good.min()),
        median=float(np.median(good[:: -(-good.size // _SAMPLE) | 1])),  # odd: a Bayer pattern has period two
        maximum=float(highest),
        ceiling_share=float(np.count_nonzero(good == highest) / good.size),
    )


def check(data: Pixels, mask: Bools | None, found: PixelStatistics, ceiling: float | None) -> None:
    """Refuse pixels in which there can be no stars.

    Parameters
    ----------
    data, mask, found
        The pixels, where there are none, and their statistics.
    ceiling
        The highest value that the file's type holds; None for floats.

    Raises
    ------
    MostlyBlankImage
        Less than a tenth of the pixels hold a number.
    SaturatedImage
        More than half of those are at their maximum, or all at the ceiling of the type.
    ConstantImage
        All but a thousandth of those have the same value.
    """
    if found.finite_share < _LEAST_FINITE:
        raise MostlyBlankImage(n=found.n, percent=100 * found.finite_share, limit=100 * _LEAST_FINITE)
    good = data if mask is None else data[~mask]
    same = np.count_nonzero(good == np.float32(found.median)) / good.size
    at_ceiling = ceiling is not None and found.median >= ceiling
    if at_ceiling or (found.ceiling_share > _MOST_AT_CEILING and found.maximum > found.minimum and same < _MOST_SAME):
        raise SaturatedImage(percent=100 * found.ceiling_share, value=found.maximum)
    if same >= _MOST_SAME:
        raise ConstantImage(percent=100 * same, value=found.median)


def highest(bitpix: int, how: Scaling) -> float | None:
    """Return the highest value that an integer type can store, scaled; None for floats."""
    if bitpix < 0:
        return None
    largest = 2.0**bitpix - 1 if bitpix == 8 else 2.0 ** (bitpix - 1) - 1  # noqa: PLR2004 -- FITS has no sign in 8 bits
    return largest * how.scale + how.zero if how.scale > 0 else None
