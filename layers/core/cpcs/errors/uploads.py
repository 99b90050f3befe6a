"""What can be wrong with a file that was sent."""

from __future__ import annotations

from cpcs.errors.root import CpcsError


class UnreadableUpload(CpcsError):
    """The file is neither a usable list of stars nor a usable image."""

    code = "UNREADABLE"
    sentence = "The file cannot be read: {reason}."
    advice = "Send a SExtractor catalogue (ASCII_HEAD, FITS table or FITS_LDAC), CSV, or RA Dec Mag MagErr columns."


class EmptyFile(UnreadableUpload):
    """There is nothing in it."""

    code = "EMPTY_FILE"
    sentence = "The file is empty ({size} bytes, no star)."
    advice = "Check that the catalogue was written before it was sent."


class MarkupSent(UnreadableUpload):
    """A web page or XML came where a catalogue was expected."""

    code = "MARKUP_SENT"
    sentence = "The file is {kind}, not a catalogue."
    advice = "The download was probably an error or login page: open it, and send the catalogue itself."


class NotACatalogue(UnreadableUpload):
    """Neither a known format nor columns of numbers."""

    code = "NOT_A_CATALOGUE"


class NotAHeader(UnreadableUpload):
    """No header of a frame: neither FITS nor a text that holds one."""

    code = "NOT_A_HEADER"
    sentence = "There is no header in the file: {reason}."
    advice = "Send a FITS file, or its header as text: lines KEY = value / comment, 80-column cards, YAML or JSON."


class MissingColumn(UnreadableUpload):
    """A table, but without what a calibration needs."""

    code = "MISSING_COLUMN"
    sentence = "The {format} catalogue has no column for {missing}; it has {found}."
    advice = "Write at least ALPHA_J2000, DELTA_J2000, MAG_AUTO and MAGERR_AUTO."


class MissingReferenceColumn(MissingColumn):
    """A table of reference stars, but not the columns that are needed, or not those that were named."""

    code = "MISSING_REFERENCE_COLUMN"
    sentence = "The reference stars have no column for {missing}; there is {found}."
    advice = "Say which column is what: --columns ra=RAJ2000,dec=DEJ2000,V=Vmag:e_Vmag. A number is a column's place."


class TooManyRows(UnreadableUpload):
    """More lines, columns or bytes than any catalogue needs."""

    code = "TOO_MANY_ROWS"
    sentence = "The file has {n} {what}; at most {limit} are read."
    advice = "Send the stars around the target only."


class BrokenFits(UnreadableUpload):
    """The FITS structure is wrong."""

    code = "BROKEN_FITS"
    sentence = "The FITS file is broken: {reason}."
    advice = "Check it with fitsverify, and write it again."


class CutShort(BrokenFits):
    """The FITS file ends before its data do."""

    code = "FITS_CUT_SHORT"
    sentence = "The FITS file is cut short: of HDU {hdu}, {missing} of {expected} bytes are missing."
    advice = "The transfer was probably broken off: send it again."


class BombSent(UnreadableUpload):
    """It unpacks to more than the server takes."""

    code = "TOO_LARGE_UNPACKED"
    sentence = "The file unpacks to more than {limit} bytes."
    advice = "Send it unpacked, or cut out the field around the target."


class PackedTwice(BombSent):
    """What it unpacks to is packed again."""

    code = "PACKED_TWICE"
    sentence = "The file is packed twice: what it unpacks to is packed with {inside}."
    advice = "Unpack it once, and send that."


class UnknownPacking(NotACatalogue):
    """Packed in a way that is not read here."""

    code = "UNKNOWN_PACKING"
    sentence = "The file is packed with {packing}, which is not read here."
    advice = "Send it unpacked, packed with gzip or bzip2, or as .fits.fz."


class BrokenPacking(NotACatalogue):
    """It claims to be packed, and cannot be unpacked."""

    code = "BROKEN_PACKING"
    sentence = "The file cannot be unpacked: {reason}."
    advice = "The transfer was probably broken off: pack it again, and send it again."


class HeaderContradiction(UnreadableUpload):
    """What the header says cannot be so; ``remark`` is the code of what was found."""

    code = "HEADER_CONTRADICTION"
    sentence = "The header of the file cannot be right ({remark}): {reason}"
    advice = (
        "See the header in the upload's status; correct it, the observatory's record, or the mapping of the camera."
    )


class ImageNotCatalogue(UnreadableUpload):
    """An image, where only a list of stars will do."""

    code = "IMAGE_NOT_CATALOGUE"
    sentence = "The file is a FITS image; a list of stars is expected here."
    advice = "Send a catalogue; an image is calibrated as an upload, or with python -m photocal."


class UnusableImage(UnreadableUpload):
    """There are pixels, but not those of one picture of the sky."""

    code = "UNUSABLE_IMAGE"
    sentence = "The image cannot be used: {reason}."
    advice = "Send one reduced exposure of the field, as a FITS image with two axes."


class NoImage(UnusableImage):
    """There is no picture in the file."""

    code = "NO_IMAGE"
    sentence = "There is no image with two axes in the file: {reason}."


class RawMosaic(UnusableImage):
    """Several amplifiers or chips as they were read out."""

    code = "RAW_MOSAIC"
    sentence = "The file is a raw mosaic of {n} parts, {parts}: {reason}."
    advice = "Send the reduced image: overscan subtracted and trimmed, the amplifiers of a chip put together."


class ImageCube(UnusableImage):
    """More than two axes."""

    code = "IMAGE_CUBE"
    sentence = "The data have {axes} pixels along their axes: a cube, not an image."
    advice = "Send one plane of it, or the planes added up, with two axes."


class ImageTooLarge(UnusableImage):
    """More pixels than are read."""

    code = "IMAGE_TOO_LARGE"
    sentence = "The image has {columns} x {rows} pixels; at most {limit} are read."
    advice = "Bin it, or cut out the field around the target."


class ImageTooDemanding(UnusableImage):
    """Measuring it takes more than there is."""

    code = "IMAGE_TOO_DEMANDING"
    sentence = "Measuring the image of {columns} x {rows} pixels takes more {what} than the server has."
    advice = "Bin it 2 x 2, cut out the field around the target, or send a catalogue of its stars."


class ImageTooSmall(UnusableImage):
    """Fewer pixels than a field of stars needs."""

    code = "IMAGE_TOO_SMALL"
    sentence = "The image has {columns} x {rows} pixels; at least {limit} x {limit} are needed."
    advice = "Send a larger cut-out, with reference stars in it."


class BlankImage(UnusableImage):
    """No pixel holds a number."""

    code = "IMAGE_BLANK"
    sentence = "None of the {n} pixels of the image holds a number."
    advice = "Check the reduction: all of them are NaN, infinite or BLANK."


class MostlyBlankImage(UnusableImage):
    """Too few pixels hold a number."""

    code = "IMAGE_MOSTLY_BLANK"
    sentence = "Only {percent:.4g} % of the {n} pixels of the image hold a number; at least {limit:.2g} % must."
    advice = "Cut out the part that does, or check the reduction: the others are NaN, infinite or BLANK."


class ConstantImage(UnusableImage):
    """All pixels are the same."""

    code = "IMAGE_CONSTANT"
    sentence = "{percent:.4g} % of the pixels of the image have the same value, {value:.6g}: there is nothing in it."
    advice = "Check that the shutter opened, and that the image was written before it was sent."


class SaturatedImage(UnusableImage):
    """Most pixels are at the ceiling."""

    code = "IMAGE_SATURATED"
    sentence = "{percent:.4g} % of the pixels of the image are at its ceiling, {value:.6g}: it is saturated."
    advice = "Send a shorter exposure."


class TooFewStars(UnusableImage):
    """There are pixels of the sky, and hardly a star on them."""

    code = "NO_STARS"
    sentence = "{n} stars were found on the image{colour}; at least {limit} are needed to measure it."
    advice = "Send a longer exposure, or a field with more stars; a picture of clouds, a flat or a dark has none."

    def __init__(self, **metadata: object) -> None:
        super().__init__(**{"colour": "", **metadata})  # colour: " of its green pixels"


class TrailedStars(TooFewStars):
    """All stars are lines: the telescope moved."""

    code = "STARS_TRAILED"
    sentence = (
        "The stars of the image are trails, {times:.3g} times as long as wide; at most {limit:.2g} can be measured."
    )
    advice = "Send an exposure during which the telescope followed the sky."


class NoUsableStars(UnreadableUpload):
    """Rows, but none of them usable."""

    code = "NO_USABLE_STARS"
    sentence = "None of the {n_rows} rows is a usable star: {reason}."
    advice = "Coordinates must be degrees (J2000), magnitudes finite, and magnitude errors positive."


class ReaderCrashed(UnreadableUpload):
    """Reading the file brought the reader down."""

    code = "READER_CRASHED"
    sentence = "The file could not be read: the reader ended with {how}."
    advice = "Write it again with another program, as a plain FITS image or SExtractor catalogue; the operators have been told."


class ReaderTimedOut(UnreadableUpload):
    """Reading the file took too long."""

    code = "READER_TIMED_OUT"
    sentence = "The file could not be read within {limit_s} s."
    advice = "Send a smaller file: the field around the target."
