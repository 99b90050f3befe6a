"""From the bytes of an upload to a frame of pixels."""

from __future__ import annotations

import math

from cpcs.errors import EmptyFile, ImageCube, ImageTooLarge, ImageTooSmall, NoImage
from photocal.arrays import Anything, Bools, Pixels
from photocal.headers.cards import Header
from photocal.headers.standard import Level, Remark
from photocal.images import colours, pixels
from photocal.images.choose import FLAT, Chosen, choose, listed, overscan, sides
from photocal.images.frame import Frame, Image
from photocal.images.headers import image_header
from photocal.images.tiles import unpacked_tiles
from photocal.readers.gate import Hdu, walk
from photocal.readers.limits import LIMITS, Limits
from photocal.readers.unpack import Opened, opened

_OTHER_PICTURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"II*\0": "a TIFF picture, or the raw file of a camera",
    b"MM\0*": "a TIFF picture, or the raw file of a camera",
    b"XISF": "an XISF file",
    b"GIF8": "a GIF picture",
    b"LUCAM-RECORDER": "a SER video",
    b"\x89HDF": "an HDF5 file",
}


def read_image(data: bytes, limits: Limits = LIMITS) -> Frame:
    """Read the image of a FITS file: gzipped, bzipped, packed in tiles, or none of these; what it is its content says.

    Parameters
    ----------
    data
        The file.
    limits
        What is taken at most.

    Returns
    -------
    Frame
        Its pixels as float32, its header, and how they were found; which HDU it is, `photocal.images.choose` says.

    Raises
    ------
    UnreadableUpload
        One of its classes says why there is no image to be had.
    """
    return image_of(opened(data, limits), limits)


def image_of(file: Opened, limits: Limits = LIMITS) -> Frame:
    """Read the image of a FITS file that is unpacked; parameters and refusals as of `read_image`."""
    file.check_fits_size(limits)
    plain = file.plain
    if not plain or plain.isspace():
        raise EmptyFile(size=file.sent)
    if not plain.startswith(b"SIMPLE"):
        kind = next((name for magic, name in _OTHER_PICTURES.items() if plain.startswith(magic)), "not a FITS file")
        raise NoImage(reason=f"it is {kind}")
    hdus = walk(plain, limits)
    chosen = choose(hdus)
    _check_size(chosen.hdu, limits)
    header = image_header(plain, hdus, chosen.index)
    wrapped = [file.packing, chosen.hdu.cards["ZCMPTYPE"] if chosen.hdu.is_packed_image else None]
    return _frame(plain, chosen, header, ", ".join(each for each in wrapped if each), limits)


def _check_size(hdu: Hdu, limits: Limits) -> None:
    columns, rows, *_ = sides(hdu)
    if math.prod(hdu.axes) > limits.pixels:
        raise ImageTooLarge(columns=columns, rows=rows, limit=limits.pixels)
    if min(columns, rows) < limits.smallest_side:
        raise ImageTooSmall(columns=columns, rows=rows, limit=limits.smallest_side)


def _frame(data: bytes, chosen: Chosen, header: Header, packed: str, limits: Limits) -> Frame:
    hdu = chosen.hdu
    raw = unpacked_tiles(data, hdu, limits) if hdu.is_packed_image else pixels.stored(data, hdu)
    shape = sides(hdu)[::-1]
    how = pixels.scaling(hdu.cards, "ZBLANK" if hdu.is_packed_image and "ZBLANK" in hdu.cards else "BLANK")
    found = pixels.values(raw.reshape(-1, shape[-1]), how)
    statistics = pixels.statistics(found)
    pixels.check(found, statistics, pixels.highest(hdu.bitpix, how))
    planes, remarks = _planes(found.data, found.mask, shape, header)
    return Frame(
        planes=planes,
        header=header,
        hdu=chosen.index,
        packing=packed,
        statistics=statistics,
        remarks=(*remarks, *_remarks(chosen)),
    )


def _planes(
    flat: Pixels, mask: Bools | None, shape: tuple[int, ...], header: Header
) -> tuple[tuple[Image, ...], tuple[Remark, ...]]:
    if len(shape) > FLAT:
        return _colour_planes(flat.reshape(shape), None if mask is None else mask.reshape(shape), header)
    pattern = colours.bayer(header, len(flat))
    return ((Image(data=flat, mask=mask),), ()) if pattern is None else colours.split(flat, mask, pattern)


def _colour_planes(cube: Pixels, mask: Bools | None, header: Header) -> tuple[tuple[Image, ...], tuple[Remark, ...]]:
    if colours.are_one(cube):
        note = "The three planes of the image are the same: one was taken."
        one = Image(data=cube[0], mask=_some(mask, 0))
        return (one,), (Remark(code="GREY_IN_COLOURS", level=Level.NOTE, message=note),)
    if not colours.are_colours(cube, header):
        raise ImageCube(axes=" x ".join(str(length) for length in cube.shape[::-1]))
    planes = tuple(Image(data=cube[i], mask=_some(mask, i), colour=colour) for i, colour in enumerate("RGB"))
    note = "The three planes of the image were taken as red, green and blue."
    return planes, (Remark(code="COLOUR_PLANES", level=Level.NOTE, message=note),)


def _some(mask: Anything | None, plane: int) -> Bools | None:
    return mask[plane] if mask is not None and mask[plane].any() else None


def _remarks(chosen: Chosen) -> tuple[Remark, ...]:
    found = []
    if section := overscan(chosen.hdu):
        message = f"The image still has its overscan, {section[:40]}: its columns and rows are no sky."
        found.append(Remark(code="OVERSCAN_NOT_TRIMMED", level=Level.WARNING, message=message))
    if chosen.others:
        n = len(chosen.others)
        message = (
            f"HDU {chosen.index} was read; {n} other image{'s' * (n > 1)} of the file not: {listed(chosen.others)}."
        )
        found.append(Remark(code="OTHER_IMAGES", level=Level.NOTE, message=message))
    return tuple(found)
