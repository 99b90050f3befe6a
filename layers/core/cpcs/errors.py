"""Everything that can go wrong, as a tree of exceptions with stable codes.

::

    CpcsError
    ├── RequestError            what was asked for cannot be
    │   ├── KeyRequired  BadKey  Forbidden  RateLimited
    │   ├── MissingField  BadField  BadCommandLine  UnusablePath
    │   ├── MjdIsJd  MjdInFuture  MjdTooEarly
    │   ├── UnknownEvent  UnknownObservatory  UnknownFilter  UnknownPoint  UnknownJob  UnknownPage
    │   ├── UnknownRecalibration  UnknownMapping  BadMapping
    │   ├── EventExists  ObservatoryExists  NotDeletable
    │   └── FileTooLarge  NeverArrived  BadCursor  MethodNotAllowed
    ├── UnreadableUpload        the file is neither a usable list of stars nor a usable image
    │   ├── EmptyFile  MarkupSent  NotACatalogue  NotAHeader  MissingColumn  MissingReferenceColumn  TooManyRows
    │   ├── BrokenFits  CutShort  BombSent  PackedTwice  UnknownPacking  BrokenPacking
    │   ├── ImageNotMeasured  NoUsableStars
    │   ├── UnusableImage       there are pixels, but not those of one picture of the sky
    │   │   ├── NoImage  RawMosaic  ImageCube  ImageTooLarge  ImageTooSmall
    │   │   └── BlankImage  MostlyBlankImage  ConstantImage  SaturatedImage
    │   └── ReaderCrashed  ReaderTimedOut
    ├── CalibrationFailed       the stars could not be put on a standard scale
    │   ├── NoReferenceStars  TooFewMatches  PoorFit
    │   └── TargetOutsideField  TargetNotFound
    ├── ReferenceUnavailable    reference stars are not to be had now; the job waits
    └── StorageConflict         somebody else changed it first; try again

Each class has a ``code`` that never changes, a ``sentence`` (what was wrong, with the numbers) and an ``advice``
(what to do). The numbers are kept as ``metadata``, so that a failed job is recorded as data.
`cpcs.web.problems` maps each class to its HTTP status, in one table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar


class CpcsError(Exception):
    """The root of the tree.

    Parameters
    ----------
    **metadata
        The numbers and names that ``sentence`` and ``advice`` speak of; kept as given.
    """

    code: ClassVar[str] = "INTERNAL"
    sentence: ClassVar[str] = "Something went wrong inside the server."
    advice: ClassVar[str] = "Try again; if it happens again, send the request id to the operators."

    def __init__(self, **metadata: object) -> None:
        self.metadata = metadata
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What was wrong, in one sentence."""
        return self.sentence.format(**self.metadata)

    @property
    def hint(self) -> str:
        """What to do about it, in one sentence."""
        return self.advice.format(**self.metadata)

    def as_dict(self) -> dict[str, str]:
        """Return ``code``, ``message`` and ``hint``: the form every interface shows."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    def __reduce__(self) -> tuple[object, tuple[type[CpcsError], dict[str, object]]]:
        return _rebuild, (type(self), self.metadata)


def _rebuild(kind: type[CpcsError], metadata: dict[str, object]) -> CpcsError:
    return kind(**metadata)


def walk(kind: type[CpcsError] = CpcsError) -> Iterator[type[CpcsError]]:
    """Yield ``kind`` and every class below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from walk(child)


# --- what was asked for cannot be -------------------------------------------------------------


class RequestError(CpcsError):
    """What was asked for cannot be."""

    code = "BAD_REQUEST"
    sentence = "The request cannot be understood."
    advice = "See the manual for the fields of this request."


class KeyRequired(RequestError):
    """No key was sent."""

    code = "KEY_REQUIRED"
    sentence = "This needs a key, and none was sent."
    advice = "Send it as 'Authorization: Bearer <key>', or as the field hashtag on the old routes."


class BadKey(RequestError):
    """The key is unknown, mistyped or revoked."""

    code = "BAD_KEY"
    sentence = "The key is not known here."
    advice = "Check it for missing characters; ask an administrator for a new one if it was revoked."


class Forbidden(RequestError):
    """The key is good, but not for this."""

    code = "FORBIDDEN"
    sentence = "This key may not do that: {reason}."
    advice = "Use the key of the observatory concerned, or ask an administrator."


class RateLimited(RequestError):
    """Too many requests."""

    code = "RATE_LIMITED"
    sentence = "Too many requests; try again in {retry_after_s} s."
    advice = "Wait that long before the next one."


class MissingField(RequestError):
    """A field that must be there is not."""

    code = "MISSING_FIELD"
    sentence = "The field {field} is missing."
    advice = "Add {field}: {meaning}."


class BadField(RequestError):
    """A field has a value that cannot be used."""

    code = "BAD_FIELD"
    sentence = "The field {field} is {value!r}, which is not {expected}."
    advice = "Give {field} as {expected}."


class BadCommandLine(RequestError):
    """A command was given words or numbers that it does not take."""

    code = "BAD_COMMAND_LINE"
    sentence = "The command line cannot be used: {reason}."
    advice = "See '{program} --help'."


class UnusablePath(RequestError):
    """A file or folder of the command line cannot be read or written."""

    code = "UNUSABLE_PATH"
    sentence = "{path} cannot be used: {reason}."
    advice = "Check the path, and who may read and write there."


class MjdIsJd(RequestError):
    """A Julian Date was sent where a Modified Julian Date belongs."""

    code = "MJD_IS_JD"
    sentence = "MJD {mjd} is a Julian Date."
    advice = "Subtract 2400000.5: MJD {corrected}."


class MjdInFuture(RequestError):
    """The observation is later than now."""

    code = "MJD_IN_FUTURE"
    sentence = "MJD {mjd} is in the future; now is {now}."
    advice = "Give the middle of the exposure in UTC as a Modified Julian Date."


class MjdTooEarly(RequestError):
    """The observation is older than the service can mean."""

    code = "MJD_TOO_EARLY"
    sentence = "MJD {mjd} is before 1990 (MJD 47892)."
    advice = "Give the middle of the exposure in UTC as a Modified Julian Date."


class UnknownEvent(RequestError):
    """No event of that name."""

    code = "UNKNOWN_EVENT"
    sentence = "There is no event {event!r}."
    advice = "Check the name in the list of alerts, or make it with New event."


class UnknownObservatory(RequestError):
    """No observatory of that id."""

    code = "UNKNOWN_OBSERVATORY"
    sentence = "There is no observatory {observatory!r}."
    advice = "See the list of observatories."


class UnknownFilter(RequestError):
    """A forced filter that no catalogue has."""

    code = "UNKNOWN_FILTER"
    sentence = "There is no filter {given!r} to force."
    advice = "Give no, <catalogue>/<filter>, any/<filter> or <catalogue>/any; for instance APASS/V."


class UnknownPoint(RequestError):
    """No follow-up point of that id."""

    code = "UNKNOWN_POINT"
    sentence = "There is no follow-up point {followup_id}."
    advice = "See the list of follow-ups for its id; it may have been deleted."


class UnknownJob(RequestError):
    """No upload of that id."""

    code = "UNKNOWN_JOB"
    sentence = "There is no upload {job_id!r}."
    advice = "Use the job_id that the upload was answered with."


class UnknownRecalibration(RequestError):
    """No recalibration of that id."""

    code = "UNKNOWN_RECALIBRATION"
    sentence = "There is no recalibration {recalibration_id!r}."
    advice = "Use the id that the recalibration was answered with."


class UnknownMapping(RequestError):
    """No header mapping of that camera, or no such version of it."""

    code = "UNKNOWN_MAPPING"
    sentence = "Observatory {observatory} has no mapping of {camera!r}{version}."
    advice = "See the list of its mappings, or make one."

    def __init__(self, **metadata: object) -> None:
        super().__init__(**{"version": "", **metadata})  # version: ", version 7" where one was asked for


class BadMapping(RequestError):
    """A header mapping that cannot be used; ``where`` is the line or rule, ``advice`` the way out."""

    code = "BAD_MAPPING"
    sentence = "The mapping cannot be used: {where}: {reason}."
    advice = "{advice}"


class UnknownPage(RequestError):
    """Nothing lives at that path."""

    code = "NOT_FOUND"
    sentence = "There is nothing at {path}."
    advice = "See the manual for the addresses of this server."


class MethodNotAllowed(RequestError):
    """The path exists, the method does not."""

    code = "METHOD_NOT_ALLOWED"
    sentence = "{path} does not take {method}."
    advice = "See the manual for the methods of this address."


class EventExists(RequestError):
    """One event per name."""

    code = "EVENT_EXISTS"
    sentence = "The event {event!r} exists already, at RA {ra_deg} Dec {dec_deg}."
    advice = "Use it as it is, or choose another name."


class ObservatoryExists(RequestError):
    """One observatory per name."""

    code = "OBSERVATORY_EXISTS"
    sentence = "The observatory {name!r} exists already, with id {observatory_id}."
    advice = "Ask an administrator for a key to it, or choose another name."


class NotDeletable(RequestError):
    """The point cannot be deleted as it stands."""

    code = "NOT_DELETABLE"
    sentence = "Follow-up point {followup_id} cannot be deleted: {reason}."
    advice = "Reload the list of follow-ups and try again."


class FileTooLarge(RequestError):
    """The file is larger than this road takes."""

    code = "FILE_TOO_LARGE"
    sentence = "The file has {size} bytes; at most {limit} are taken here."
    advice = "Send it through POST /api/uploads, which takes up to 64 MiB, or leave out what is far from the target."


class NeverArrived(RequestError):
    """The upload was announced, and its file was never sent."""

    code = "NEVER_ARRIVED"
    sentence = "The file of this upload never arrived."
    advice = "Upload it again; the form is good for fifteen minutes."


class BadCursor(RequestError):
    """A page cursor that this server did not make, or that is too old."""

    code = "BAD_CURSOR"
    sentence = "The page cursor is not one of this server's."
    advice = "Start again at the first page, without a cursor."


# --- the file is neither a usable list of stars nor a usable image ------------------------------


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


class ImageNotMeasured(UnreadableUpload):
    """An image, not a catalogue."""

    code = "IMAGE_NOT_MEASURED"
    sentence = "The file is a FITS image; this server does not measure images yet."
    advice = "Send the catalogue that SExtractor makes of it."


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
    sentence = "Only {percent:.2g} % of the {n} pixels of the image hold a number; at least {limit:.2g} % must."
    advice = "Cut out the part that does, or check the reduction: the others are NaN, infinite or BLANK."


class ConstantImage(UnusableImage):
    """All pixels are the same."""

    code = "IMAGE_CONSTANT"
    sentence = "{percent:.4g} % of the pixels of the image have the same value, {value:.6g}: there is nothing in it."
    advice = "Check that the shutter opened, and that the image was written before it was sent."


class SaturatedImage(UnusableImage):
    """Most pixels are at the ceiling."""

    code = "IMAGE_SATURATED"
    sentence = "{percent:.2g} % of the pixels of the image are at its ceiling, {value:.6g}: it is saturated."
    advice = "Send a shorter exposure."


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


# --- the stars could not be put on a standard scale -------------------------------------------


class CalibrationFailed(CpcsError):
    """The stars could not be put on a standard scale."""

    code = "CALIBRATION_FAILED"
    sentence = "The catalogue could not be calibrated: {reason}."
    advice = "See the report for what was tried."


class NoReferenceStars(CalibrationFailed):
    """The field is covered, and there is no star in it."""

    code = "NO_REFERENCE_STARS"
    sentence = (
        "There are no reference stars of {passband} within {radius_deg:.3f} deg of RA {ra_deg:.5f} Dec {dec_deg:.5f}."
    )
    advice = "Force another catalogue, or leave the choice to the server."


class TooFewMatches(CalibrationFailed):
    """Not enough stars in common."""

    code = "TOO_FEW_MATCHES"
    sentence = (
        "Only {n_matched} stars matched reference stars{of} within {radius_arcsec} arcsec; {n_needed} are needed."
    )
    advice = "Check the coordinates (degrees, J2000), the event, and the matching radius."

    def __init__(self, **metadata: object) -> None:
        super().__init__(**{"of": "", **metadata})  # of: " of APASS/V" where that was forced


class PoorFit(CalibrationFailed):
    """No filter gave a zero point of the required quality."""

    code = "POOR_FIT"
    sentence = "No zero point is good enough: the best, {passband}, has scatter {scatter:.2f} mag and outlier fraction {outlier_fraction:.2f}."
    advice = "Check the magnitudes and the filter; at most 1.5 mag and 0.5 are accepted."


class TargetOutsideField(CalibrationFailed):
    """The event is not where the stars are."""

    code = "TARGET_OUTSIDE_FIELD"
    sentence = "The event at RA {ra_deg:.5f} Dec {dec_deg:.5f} is outside the field of the catalogue (centre RA {field_ra_deg:.5f} Dec {field_dec_deg:.5f}, radius {field_radius_deg:.3f} deg)."
    advice = "Check the event's name and the catalogue's coordinates (degrees, J2000)."


class TargetNotFound(CalibrationFailed):
    """The event is in the field, no source is at its place, and no limit can be given."""

    code = "TARGET_NOT_FOUND"
    sentence = (
        "There is no source within {radius_arcsec} arcsec of the event; the nearest is at {nearest_arcsec:.1f} arcsec."
    )
    advice = "Give a larger matching radius, or check the astrometry."


# --- not now ------------------------------------------------------------------------------------


class ReferenceUnavailable(CpcsError):
    """Reference stars are not to be had now: neither a tile nor the service. The job waits."""

    code = "REFERENCE_UNAVAILABLE"
    sentence = (
        "Reference stars of {catalogues} around RA {ra_deg:.5f} Dec {dec_deg:.5f} are not to be had now: {reason}."
    )
    advice = (
        "An upload waits and is tried again by itself. From the command line, give it reference stars first: "
        "'photocal references import' takes them from a file, 'photocal references fetch' from VizieR."
    )


class StorageConflict(CpcsError):
    """Somebody else changed it first."""

    code = "CONFLICT"
    sentence = "{what} was changed by somebody else at the same time."
    advice = "Try again."
