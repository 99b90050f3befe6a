"""An image as it was read: planes of pixels, what the header says beside them, and how it all came out of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from photocal.arrays import Bools, Pixels
from photocal.headers.cards import Header
from photocal.headers.standard import Remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where the pixels of a plane lie in the image that the header describes.

    Along each axis, the 0-based coordinate X in that image and x in the plane are tied by ``X = first + step x``.

    Attributes
    ----------
    step
        Pixels of the image to each pixel of the plane.
    x_first, y_first
        Where the centre of the plane's first pixel lies, pixels of the image.
    """

    step: int = 1
    x_first: float = 0.0
    y_first: float = 0.0


WHOLE = Grid()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """One plane of pixels.

    Attributes
    ----------
    data
        (ny, nx) float32, C-contiguous, native; BZERO and BSCALE are applied. NaN where there is no number.
    mask
        (ny, nx), True where there is no number; None where every pixel has one.
    colour
        ``R``, ``G`` or ``B`` of a one-shot-colour camera; empty for an image through a filter.
    grid
        Where its pixels lie in the image of the header.
    """

    data: Pixels
    mask: Bools | None = None
    colour: str = ""
    grid: Grid = WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelStatistics:
    """What the pixels are like, all planes together, before they are split into colours.

    Attributes
    ----------
    n
        How many there are.
    finite_share
        Of them that hold a number.
    minimum, maximum
        Of those.
    median
        Of some 65,000 of them, evenly spread.
    ceiling_share
        Of them that are at the maximum.
    """

    n: int
    finite_share: float
    minimum: float
    median: float
    maximum: float
    ceiling_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """The image of a file.

    Attributes
    ----------
    planes
        One; three, R G B in this order, of a one-shot-colour camera.
    header
        That of the image, over what it inherits from the primary header; NAXIS and BITPIX are those of the image also
        where it was packed in tiles.
    hdu
        Which HDU it was, counted from 0.
    packing
        How it was packed, outermost first: ``gzip``, ``RICE_1``, ``gzip, RICE_1``; empty when it was not.
    statistics
        Of its pixels.
    remarks
        What was found on the way that whoever uses it should know.
    """

    planes: tuple[Image, ...]
    header: Header
    hdu: int
    packing: str
    statistics: PixelStatistics
    remarks: tuple[Remark, ...] = ()


def plane_cards(cards: Mapping[str, str], grid: Grid) -> dict[str, str]:
    """Return the cards of a world coordinate system for a plane whose pixels lie on a grid of the image's.

    The centre of the first pixel is 1 in both, so ``CRPIX' = (CRPIX - 1 - first) / step + 1``; scales grow with the
    step (CD, CDELT; PC has none), and a SIP coefficient of order p + q, pixels of correction for each pixel^(p + q),
    becomes ``A' = A step^(p + q - 1)``. TPV and TNX polynomials are in degrees and stay. (Greisen & Calabretta 2002,
    section 2; Shupe et al. 2005.)

    Parameters
    ----------
    cards
        Keyword -> value as text, as `photocal.headers.standard.StandardHeader.wcs` has them.
    grid
        Where the plane's pixels lie.
    """
    changed = dict(cards)
    for key, value in cards.items():
        try:
            number = float(value.upper().replace("D", "E"))
        except ValueError:
            continue
        new = _for_plane(key, number, grid)
        if new is not None:
            changed[key] = repr(new)
    return changed


def _for_plane(key: str, number: float, grid: Grid) -> float | None:
    """Return the value of a card on the grid; None where it does not depend on pixels."""
    stem = key[:-1] if key[-1:].isalpha() and key[:5] in {"CRPIX", "CDELT"} else key
    if stem in {"CRPIX1", "CRPIX2"}:
        first = grid.x_first if stem.endswith("1") else grid.y_first
        return (number - 1.0 - first) / grid.step + 1.0
    if stem in {"CDELT1", "CDELT2"} or (key.startswith("CD") and key[2:5] in {"1_1", "1_2", "2_1", "2_2"}):
        return number * grid.step
    name, *powers = key.split("_")
    if name in {"A", "B", "AP", "BP"} and len(powers) == 2 and all(p.isdigit() and len(p) == 1 for p in powers):  # noqa: PLR2004 -- p and q
        return number * float(grid.step) ** (int(powers[0]) + int(powers[1]) - 1)
    return None
