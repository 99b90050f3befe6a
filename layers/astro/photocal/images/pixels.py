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
_SAMPLE = 2**16
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values:
    """Pixels as numbers.

    Attributes
    ----------
    data
        (n, nx) float32; NaN where there is no number.
    mask
        Where that is; None where every pixel has one.
    lowest, highest
        Of the numbers; infinite, the wrong way round, when there are none.
    """

    data: Pixels
    mask: Bools | None
    lowest: float
    highest: float

    @property
    def good(self) -> Pixels:
        """The pixels that hold a number, one after another."""
        flat: Pixels = self.data.ravel() if self.mask is None else self.data[~self.mask]
        return flat


def values(raw: Anything, how: Scaling) -> Values:
    """Return (n, nx) stored pixels as numbers.

    Float32 holds what the chip gave: integers of 16 bits exactly, others to 6e-8 of their value. Infinite is no number.
    """
    out = np.empty(raw.shape, dtype=np.float32)
    mask: Bools | None = None
    lowest, highest = math.inf, -math.inf
    band = max(1, _BAND // raw.shape[1])
    with np.errstate(all="ignore"):
        for start in range(0, raw.shape[0], band):
            part = raw[start : start + band]
            numbers = out[start : start + band]
            _convert(part, numbers, how)
            low, high = float(numbers.min()), float(numbers.max())  # NaN when there is one: no other look is needed
            bad = _bad(part, numbers, how, finite=math.isfinite(low) and math.isfinite(high))
            if bad is not None:
                mask = np.zeros(raw.shape, dtype=np.bool_) if mask is None else mask
                mask[start : start + band] = bad
                numbers[bad] = np.nan
                good = numbers[~bad]
                low, high = float(good.min(initial=math.inf)), float(good.max(initial=-math.inf))
            lowest, highest = min(lowest, low), max(highest, high)
    return Values(data=out, mask=mask, lowest=lowest, highest=highest)


_UNSIGNED = 2.0**63  # BZERO of whole numbers of 64 bits without a sign


def _bad(part: Anything, numbers: Pixels, how: Scaling, *, finite: bool) -> Bools | None:
    """Return which pixels of a band hold no number; None where all do."""
    bad: Bools | None = None if finite else ~np.isfinite(numbers)
    if how.blank is not None and part.dtype.kind in "iu":
        blank = part == how.blank
        bad = blank if bad is None else bad | blank
    return bad if bad is not None and bad.any() else None


def _convert(part: Anything, numbers: Pixels, how: Scaling) -> None:
    if how.is_plain:
        numbers[...] = part
    elif part.dtype.kind in "iu" and part.dtype.itemsize <= _EXACT_BYTES and how.scale == 1.0 and _is_short(how.zero):
        numbers[...] = part
        numbers += np.float32(how.zero)
    elif part.dtype.kind == "i" and part.dtype.itemsize == 8 and how.scale == 1.0 and how.zero == _UNSIGNED:  # noqa: PLR2004
        # A float64 of 2**63 has steps of 1,024: the sum is done in whole numbers.
        numbers[...] = part.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)
    else:
        numbers[...] = part.astype(np.float64) * how.scale + how.zero


def _is_short(zero: float) -> bool:
    return zero.is_integer() and abs(zero) <= 2**16


def statistics(found: Values) -> PixelStatistics:
    """Return what pixels are like, and refuse those in which there can be no stars.

    Raises
    ------
    BlankImage
        No pixel holds a number.
    MostlyBlankImage
        Less than a tenth of the pixels do.
    """
    n = found.data.size
    good = found.good
    if not good.size:
        raise BlankImage(n=n)
    if good.size < _LEAST_FINITE * n:
        raise MostlyBlankImage(n=n, percent=100 * good.size / n, limit=100 * _LEAST_FINITE)
    return PixelStatistics(
        n=n,
        finite_share=good.size / n,
        minimum=found.lowest,
        median=float(np.median(sample(good))),
        maximum=found.highest,
        ceiling_share=int(np.count_nonzero(good == np.float32(found.highest))) / good.size,
    )


def sample(good: Pixels) -> Pixels:
    """Return at most so many of the pixels, evenly spread; at an odd step, as a Bayer pattern has period two."""
    return good[:: -(-good.size // _SAMPLE) | 1]


def check(found: Values, what: PixelStatistics, ceiling: float | None) -> None:
    """Refuse pixels in which there can be no stars.

    Parameters
    ----------
    found, what
        The pixels, and what they are like.
    ceiling
        The highest value that the file's type holds; None for floats.

    Raises
    ------
    SaturatedImage
        More than half of the pixels are at their maximum, or all at the ceiling of the type.
    ConstantImage
        All but a thousandth of them have the same value.
    """
    same = 0.0
    if np.count_nonzero(sample(found.good) == np.float32(what.median)) > _MOST_AT_CEILING * sample(found.good).size:
        same = int(np.count_nonzero(found.good == np.float32(what.median))) / found.good.size
    at_ceiling = ceiling is not None and what.median >= ceiling
    if at_ceiling or (what.ceiling_share > _MOST_AT_CEILING and what.maximum > what.minimum and same < _MOST_SAME):
        raise SaturatedImage(percent=100 * what.ceiling_share, value=what.maximum)
    if same >= _MOST_SAME:
        raise ConstantImage(percent=100 * same, value=what.median)


def highest(bitpix: int, how: Scaling) -> float | None:
    """Return the highest value that an integer type can store, scaled; None for floats."""
    if bitpix < 0:
        return None
    largest = 2.0**bitpix - 1 if bitpix == 8 else 2.0 ** (bitpix - 1) - 1  # noqa: PLR2004 -- FITS has no sign in 8 bits
    return largest * how.scale + how.zero if how.scale > 0 else None
