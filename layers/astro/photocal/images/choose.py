"""Which HDU of a FITS file is the image: rules, so that nobody has to guess what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cpcs.errors import ImageCube, NoImage, RawMosaic
from photocal.readers.gate import Hdu

_SCIENCE = {"SCI", "SCIENCE"}
_BESIDE = {
    "MASK", "MSK", "DQ", "DQMASK", "DATAQUAL", "BPM", "BADPIX", "FLAG", "FLAGS", "WEIGHT", "WEIGHTS", "WGT", "WHT",
    "WT", "WTMAP", "VAR", "VARIANCE", "ERR", "ERROR", "ERRORS", "UNC", "UNCERT", "UNCERTAINTY", "SIGMA", "RMS",
    "IVAR", "INVVAR", "STD", "STAT", "NOISE", "SKY", "BKG", "BKGD", "BACKGROUND", "EXPMAP", "CTX", "CON", "CONF",
    "CONFIDENCE", "QUALITY", "QUAL", "COVERAGE", "NIMAGE", "SAMP", "PSF", "KERNEL", "THUMBNAIL", "PREVIEW", "SEGM",
}  # fmt: skip
"""Words of an EXTNAME that name what goes with an image: masks, weights, errors, sky."""
_ON_THE_SKY = {"SKY", "STD", "BACKGROUND"}
"""Of these words those that a frame of the sky may be called, where it is alone."""
_DONE_WITH = {"SUB", "SUBTR", "SUBTRACTED", "CORR", "CORRECTED", "STAR", "FIELD"}
"""Words that say of such a word that it was taken off, or is of the sky."""
_CHIP_CARDS = ("CCDNAME", "CCDNUM", "CCD", "CCDID", "CCDCHIP", "CHIPNAME", "CHIPID", "CHIP", "DETNAME")
_AMPLIFIER_CARDS = ("AMPNAME", "AMPID", "AMPLIFIE", "AMPNUM", "AMP")
_AMPLIFIER_NAME = re.compile(r"(AMP|AMPLIFIER|SEGMENT)[ _-]?\d+", re.IGNORECASE)
_SECTION = re.compile(r"\s*\[?\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]?\s*")
_MOST_NAMED, _DIGITS = 6, 8
FLAT, COLOURS, N_COLOURS = 2, 3, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The image, and what else there is.

    Attributes
    ----------
    hdu, index
        The HDU and its number, counted from 0.
    others
        Names of the other images of the file, which are not read.
    """

    hdu: Hdu
    index: int
    others: tuple[str, ...] = ()


def choose(hdus: Sequence[Hdu]) -> Chosen:
    """Return the image of a file.

    Masks, weights, errors and the like (by EXTNAME or PRODTYPE) never count. Where extensions are called SCI, only
    these do. Of what counts, the first with two axes longer than one pixel is it; else the first with three of which
    the last has three pixels, in case they are colours. Several chips, each reduced, are one image and others that are
    not read; several amplifiers of a chip, or chips with their overscan, are refused.

    Raises
    ------
    NoImage
        Nothing counts.
    ImageCube
        What counts has more axes.
    RawMosaic
        Parts as they were read out.
    """
    pictures = [(index, hdu) for index, hdu in enumerate(hdus) if hdu.has_pixels and not hdu.is_groups]
    counting = [(index, hdu) for index, hdu in pictures if not _is_beside(hdu)]
    if not counting and len(pictures) == 1 and _words(pictures[0][1]) & _ON_THE_SKY:
        counting = pictures  # the only one: a frame that somebody called so
    science = [(index, hdu) for index, hdu in counting if _words(hdu) & _SCIENCE]
    counting = science or counting
    flat = [(index, hdu) for index, hdu in counting if len(sides(hdu)) == FLAT]
    _refuse_mosaic([hdu for _, hdu in flat])
    colours = [(i, hdu) for i, hdu in counting if len(sides(hdu)) == COLOURS and sides(hdu)[-1] == N_COLOURS]
    if not flat and not colours:
        raise _why_none(hdus, pictures, counting)
    index, hdu = (flat or colours)[0]
    others = tuple(_label(number, other) for number, other in flat if number != index)
    return Chosen(hdu=hdu, index=index, others=others)


def sides(hdu: Hdu) -> tuple[int, ...]:
    """Return the lengths of the axes of more than one pixel, in the file's order."""
    return tuple(length for length in hdu.axes if length != 1)


def listed(names: Sequence[str]) -> str:
    """Return names as a short list for people."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _label(index: int, hdu: Hdu) -> str:
    name = f"{hdu.name[:20]} {hdu.cards.get('EXTVER', '')[:4]}".strip()
    return name or f"HDU {index}"


def _words(hdu: Hdu) -> set[str]:
    return set(re.split(r"[^A-Z]+", hdu.name))


def _is_beside(hdu: Hdu) -> bool:
    kind = hdu.cards.get("PRODTYPE", "").upper()
    words = _words(hdu)
    return bool(words & _BESIDE and not words & _DONE_WITH) or kind in {"DQMASK", "WTMAP", "EXPMAP"}


def _why_none(
    hdus: Sequence[Hdu], pictures: Sequence[tuple[int, Hdu]], counting: Sequence[tuple[int, Hdu]]
) -> NoImage | ImageCube:
    cubes = [hdu for _, hdu in counting if len(sides(hdu)) > FLAT]
    if cubes:
        return ImageCube(axes=" x ".join(str(length) for length in cubes[0].axes[:8]))
    if counting:
        return NoImage(reason=f"{_label(*counting[0])} has no two axes longer than one pixel")
    if pictures:
        return NoImage(reason=f"there is only what goes with one: {listed([_label(*each) for each in pictures])}")
    if any(hdu.is_groups for hdu in hdus):
        return NoImage(reason="it holds random groups, visibilities of an interferometer")
    return NoImage(reason="it holds tables only" if len(hdus) > 1 else "there are no data in it")


def _refuse_mosaic(images: Sequence[Hdu]) -> None:
    parts = [hdu for hdu in images if overscan(hdu)]
    why = "each still has its overscan"
    if len(parts) < FLAT:
        parts, why = _amplifiers(images), "they are amplifiers, not put together"
    if len(parts) >= FLAT:
        raise RawMosaic(n=len(parts), parts=listed([_label(i, hdu) for i, hdu in enumerate(parts, 1)]), reason=why)


def _amplifiers(images: Sequence[Hdu]) -> list[Hdu]:
    """Return the images that are amplifiers of one chip: by their names, or several on a chip with the same name."""
    named = [hdu for hdu in images if _AMPLIFIER_NAME.fullmatch(hdu.name)]
    if len(named) >= FLAT:
        return named
    chips: dict[str, list[Hdu]] = {}
    for hdu in images:
        chip = _first(hdu, _CHIP_CARDS)
        if chip and _first(hdu, _AMPLIFIER_CARDS):
            chips.setdefault(chip, []).append(hdu)
    for parts in chips.values():
        if len({_first(hdu, _AMPLIFIER_CARDS) for hdu in parts}) == len(parts) >= FLAT:
            return parts
    return []


def _first(hdu: Hdu, keys: Iterable[str]) -> str:
    return next((hdu.cards[key] for key in keys if hdu.cards.get(key)), "")


def overscan(hdu: Hdu) -> str:
    """Return the section of the overscan that an image still has, as its header names it; empty when there is none.

    A header keeps its sections when a program trims the pixels: they count only where both the data section, smaller
    than the image, and the overscan lie within it. Of ESO's cameras, the pixels of an output, those before and those
    behind them must add up to the image.
    """
    lengths = sides(hdu)
    if before_and_behind := _of_eso(hdu, lengths):
        return before_and_behind
    data = _section(hdu, ("DATASEC", "TRIMSEC"), lengths)
    if data is None or (data[1] - data[0] + 1, data[3] - data[2] + 1) == lengths[:2]:
        return ""
    biased = [key for key in hdu.cards if key.startswith("BIASSEC")]
    return next((hdu.cards[key] for key in biased if _section(hdu, (key,), lengths) is not None), "")


def _of_eso(hdu: Hdu, lengths: Sequence[int]) -> str:
    for axis, length in zip("XY", lengths, strict=False):
        pixels, *scans = (hdu.cards.get(f"ESO DET OUT1 {name}{axis}", "0") for name in ("N", "PRSC", "OVSC"))
        numbers = [int(text) if text.isdecimal() and len(text) < _DIGITS else 0 for text in (pixels, *scans)]
        if sum(numbers) == length and sum(numbers[1:]) > 0:
            return f"{numbers[1]} and {numbers[2]} pixels before and behind the {numbers[0]} of axis {axis}"
    return ""


def _section(hdu: Hdu, keys: Iterable[str], lengths: Sequence[int]) -> tuple[int, int, int, int] | None:
    """Return the first section (x1, x2, y1, y2; from 1) that lies within an image."""
    for key in keys:
        found = _SECTION.fullmatch(hdu.cards.get(key, "")[:80])
        if found:
            x1, x2, y1, y2 = (int(text) for text in found.groups())
            x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
            if x1 >= 1 and y1 >= 1 and x2 <= lengths[0] and y2 <= lengths[1]:
                return x1, x2, y1, y2
    return None
