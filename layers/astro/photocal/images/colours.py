"""One-shot-colour cameras: a mosaic of filters over the pixels, or the three planes that a program made of it.

The pattern is named by BAYERPAT (or COLORTYP, CFA, FILTER) from the picture's upper left corner. Rows of a file run
from the top where ROWORDER is TOP-DOWN or nothing is said, as camera programs write them; from the bottom where it is
BOTTOM-UP. XBAYROFF and YBAYROFF shift the pattern. Binned pixels have no colour, unless the camera binned like with
like: then the four pixels of a cell have levels of their own. Each colour becomes a plane of half the size: nothing is
interpolated, so that the noise of a pixel stays its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from photocal.arrays import Bools, Pixels
from photocal.headers.cards import Header
from photocal.headers.names import BAYER_KEYS, PAIRED_BINS, SINGLE_BINS
from photocal.headers.standard import Level, Remark
from photocal.images.frame import Grid, Image

_PATTERN = re.compile(r"(?<![A-Z])(RGGB|BGGR|GRBG|GBRG)(?![A-Z])")
_PATTERN_CARDS = (*BAYER_KEYS, "FILTER")
_X_CARDS, _Y_CARDS = ("XBAYROFF", "BAYOFFX", "BAYEROFFX"), ("YBAYROFF", "BAYOFFY", "BAYEROFFY")
_BINNING_CARDS = (*(key for pair in PAIRED_BINS for key in pair), *SINGLE_BINS)
_COLOUR_WORDS = re.compile(r"\b(RGB|COLOU?R)\b", re.IGNORECASE)
_COLOUR_MAKERS = re.compile(
    r"SIRIL|PIXINSIGHT|SEESTAR|DWARF|ASTAP|DEEPSKYSTACKER|ASTRO ?PIXEL|EVSCOPE|UNISTELLAR|STELLINA|VESPERA|CANON|NIKON"
    r"|DSLR|SHARPCAP|ASISTUDIO|ASIIMG|ASIAIR",
    re.IGNORECASE,
)
_MAKER_CARDS = ("PROGRAM", "SWCREATE", "SOFTWARE", "CREATOR", "INSTRUME", "TELESCOP", "CAMERA", "DETECTOR")
_COLOUR_CARDS = ("COLORTYP", "COLORSPC", "COLORSPACE", "CSPACE", "CTYPE3", "IMAGETYP", "FILTER")
_SAMPLE = 2**18
_ALIKE, _LEVELS_APART = 0.5, 0.03
_GREENS_APART = 3.0
_CERTAIN = 10.0  # errors of a level, by which two must differ
_OF_WHOLE = 0.1  # counts: the error of a level of whole numbers, at the least


@dataclass(frozen=True, slots=True, kw_only=True)
class Bayer:
    """The pattern of filters over the stored pixels.

    Attributes
    ----------
    pattern
        As the header names it.
    cell
        Colours of the stored pixels (0, 0), (0, 1), (1, 0), (1, 1); row, then column.
    is_binned
        Whether the header says that the pixels are binned.
    """

    pattern: str
    cell: str
    is_binned: bool = False

    def flipped(self) -> Bayer:
        """Return the pattern with its two rows exchanged."""
        return replace(self, cell=self.cell[2:] + self.cell[:2])


def bayer(header: Header, n_rows: int) -> Bayer | None:
    """Return the Bayer pattern that a header tells of; None when it tells of none.

    Parameters
    ----------
    header
        Of the image.
    n_rows
        Its rows: seen from the other end, an even number of them exchanges the rows of the pattern.
    """
    named = next((found for key in _PATTERN_CARDS if (found := _PATTERN.search(header.text(key).upper()))), None)
    if named is None:
        return None
    x, y = _whole(header, _X_CARDS), _whole(header, _Y_CARDS)
    if header.text("ROWORDER").upper().startswith("BOTTOM") and n_rows % 2 == 0:
        y += 1
    pattern = named[1]
    cell = "".join(pattern[2 * ((row + y) % 2) + (column + x) % 2] for row, column in product((0, 1), (0, 1)))
    is_binned = any(_whole(header, (key,)) > 1 for key in _BINNING_CARDS)
    return Bayer(pattern=pattern, cell=cell, is_binned=is_binned)


def _whole(header: Header, keys: tuple[str, ...]) -> int:
    text = next((header.text(key) for key in keys if header.text(key)), "0")
    found = re.match(r"[+-]?\d{1,6}", text)
    return int(found[0]) if found else 0


def split(data: Pixels, mask: Bools | None, found: Bayer) -> tuple[tuple[Image, ...], tuple[Remark, ...]]:
    """Return the R, G and B planes of a mosaic, each of half its size: of the two greens the mean.

    Where the two pixels that should be green differ far more than the other two, the rows are the other way round than
    the header says: they are exchanged, with a remark. Binned pixels of one level stay one plane.
    """
    levels, error = _levels(data)
    if found.is_binned and max(levels) - min(levels) <= _CERTAIN * error:
        message = (
            f"The header names the Bayer pattern {found.pattern}, and binned pixels: they have no colour any more."
        )
        return (Image(data=data, mask=mask),), (Remark(code="BAYER_BINNED", level=Level.NOTE, message=message),)
    by_pixels = found.flipped() if _contradict(levels, error, found) else found
    remarks: tuple[Remark, ...] = ()
    if by_pixels.cell != found.cell:
        message = (
            f"The pixels that should be green by the header's Bayer pattern {found.pattern} differ; the others do not. "
            f"The pattern is taken with its rows exchanged: red and blue may be the wrong way round."
        )
        remarks = (Remark(code="BAYER_ROWS_EXCHANGED", level=Level.WARNING, message=message),)
    message = f"A one-shot-colour frame ({found.pattern}) was split into R, G and B planes of half its size."
    note = Remark(code="BAYER_SPLIT", level=Level.NOTE, message=message)
    return tuple(_plane(data, mask, by_pixels.cell, colour) for colour in "RGB"), (*remarks, note)


def _phases(data: Pixels) -> list[Pixels]:
    ny, nx = (length // 2 for length in data.shape)
    return [data[row::2, column::2][:ny, :nx] for row, column in product((0, 1), (0, 1))]


def _levels(data: Pixels) -> tuple[list[float], float]:
    """Return the median of each of the four pixels of a cell, and the error of the worst; 0 where nothing is known."""
    step = max(1, int((data.size / 4 / _SAMPLE) ** 0.5))
    samples = [phase[::step, ::step].ravel() for phase in _phases(data)]
    samples = [sample[np.isfinite(sample)] for sample in samples]
    least = min(sample.size for sample in samples)
    if least == 0:
        return [0.0] * 4, 0.0
    levels = [float(np.median(sample)) for sample in samples]
    spreads = [float(np.median(np.abs(sample - level))) for sample, level in zip(samples, levels, strict=True)]
    error = 1.2533 * 1.4826 * max(spreads) / least**0.5  # of a median, and of normal noise from its MAD
    whole = all(np.array_equal(sample, np.rint(sample)) for sample in samples)
    return levels, max(error, _OF_WHOLE if whole else 0.0)


def _contradict(levels: list[float], error: float, found: Bayer) -> bool:
    """Return whether the two greens of the pattern differ for certain, and far more than the other two."""
    main, other = abs(levels[0] - levels[3]), abs(levels[1] - levels[2])  # the two diagonals of a cell
    greens, rest = (other, main) if found.cell[1] == "G" else (main, other)
    return greens > max(_GREENS_APART * rest, _CERTAIN * error)


def _plane(data: Pixels, mask: Bools | None, cell: str, colour: str) -> Image:
    phases = _phases(data)
    chosen = [i for i, letter in enumerate(cell) if letter == colour]
    if len(chosen) == 1:
        pixels = np.ascontiguousarray(phases[chosen[0]])
    else:
        pixels = (phases[chosen[0]] + phases[chosen[1]]) * np.float32(0.5)
    bad = None if mask is None else ~np.isfinite(pixels)
    rows, columns = [i // 2 for i in chosen], [i % 2 for i in chosen]
    grid = Grid(step=2, x_first=sum(columns) / len(chosen), y_first=sum(rows) / len(chosen))
    return Image(data=pixels, mask=bad if bad is not None and bad.any() else None, colour=colour, grid=grid)


def are_colours(planes: Pixels, header: Header) -> bool:
    """Return whether three planes are red, green and blue rather than a cube.

    They are when the header says so: a Bayer pattern, a colour space, CTYPE3 = RGB, or a program or camera that makes
    colour pictures. They are not when CTYPE3 names anything else (velocity, wavelength, time, Stokes). Where nothing is
    said, they are when they show the same (correlation above 0.5) at different levels (3 % of the brightest): exposures
    of one camera in a row have the same level.

    Parameters
    ----------
    planes
        (3, ny, nx).
    header
        Of the image.
    """
    if any(_COLOUR_WORDS.search(header.text(key)) for key in _COLOUR_CARDS):
        return True
    if header.text("CTYPE3"):
        return False
    if any(_PATTERN.search(header.text(key).upper()) for key in _PATTERN_CARDS):
        return True
    if any(_COLOUR_MAKERS.search(header.text(key)) for key in _MAKER_CARDS):
        return True
    flat = planes.reshape(len(planes), -1)
    sample = flat[:, :: -(-flat.shape[1] // _SAMPLE) | 1].astype(np.float64)
    sample = sample[:, np.isfinite(sample).all(axis=0)]
    if sample.shape[1] < 2 or not (np.ptp(sample, axis=1) > 0).all():  # noqa: PLR2004 -- nothing to correlate
        return False
    levels = np.median(sample, axis=1)
    apart = float(np.ptp(levels)) > _LEVELS_APART * float(np.abs(levels).max())
    return apart and float(np.corrcoef(sample).min()) > _ALIKE


def are_one(planes: Pixels) -> bool:
    """Return whether three planes are the same picture: a grey one saved in colours."""
    return bool(np.array_equal(planes[0], planes[1], equal_nan=True)) and bool(
        np.array_equal(planes[0], planes[2], equal_nan=True)
    )
