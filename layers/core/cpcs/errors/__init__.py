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
    │   ├── HeaderContradiction  ImageNotCatalogue  NoUsableStars
    │   ├── UnusableImage       there are pixels, but not those of one picture of the sky
    │   │   ├── NoImage  RawMosaic  ImageCube  ImageTooLarge  ImageTooDemanding  ImageTooSmall
    │   │   └── BlankImage  MostlyBlankImage  ConstantImage  SaturatedImage  TooFewStars  TrailedStars
    │   └── ReaderCrashed  ReaderTimedOut
    ├── CalibrationFailed       the stars could not be put on a standard scale
    │   ├── NoReferenceStars  TooFewMatches  PoorFit  NotSolved
    │   └── TargetOutsideField  TargetNotFound
    ├── ReferenceUnavailable    reference stars are not to be had now; the job waits
    └── StorageConflict         somebody else changed it first; try again

Each class has a ``code`` that never changes, a ``sentence`` (what was wrong, with the numbers) and an ``advice``
(what to do). The numbers are kept as ``metadata``, so that a failed job is recorded as data.
`cpcs.web.problems` maps each class to its HTTP status, in one table.
"""

from __future__ import annotations

from cpcs.errors.root import CpcsError, walk
from cpcs.errors.uploads import (
    BlankImage,
    BombSent,
    BrokenFits,
    BrokenPacking,
    ConstantImage,
    CutShort,
    EmptyFile,
    HeaderContradiction,
    ImageCube,
    ImageNotCatalogue,
    ImageTooDemanding,
    ImageTooLarge,
    ImageTooSmall,
    MarkupSent,
    MissingColumn,
    MissingReferenceColumn,
    MostlyBlankImage,
    NoImage,
    NotACatalogue,
    NotAHeader,
    NoUsableStars,
    PackedTwice,
    RawMosaic,
    ReaderCrashed,
    ReaderTimedOut,
    SaturatedImage,
    TooFewStars,
    TooManyRows,
    TrailedStars,
    UnknownPacking,
    UnreadableUpload,
    UnusableImage,
)

__all__ = [
    "BadCommandLine",
    "BadCursor",
    "BadField",
    "BadKey",
    "BadMapping",
    "BlankImage",
    "BombSent",
    "BrokenFits",
    "BrokenPacking",
    "CalibrationFailed",
    "ConstantImage",
    "CpcsError",
    "CutShort",
    "EmptyFile",
    "EventExists",
    "FileTooLarge",
    "Forbidden",
    "HeaderContradiction",
    "ImageCube",
    "ImageNotCatalogue",
    "ImageTooDemanding",
    "ImageTooLarge",
    "ImageTooSmall",
    "KeyRequired",
    "MarkupSent",
    "MethodNotAllowed",
    "MissingColumn",
    "MissingField",
    "MissingReferenceColumn",
    "MjdInFuture",
    "MjdIsJd",
    "MjdTooEarly",
    "MostlyBlankImage",
    "NeverArrived",
    "NoImage",
    "NoReferenceStars",
    "NoUsableStars",
    "NotACatalogue",
    "NotAHeader",
    "NotDeletable",
    "NotSolved",
    "ObservatoryExists",
    "PackedTwice",
    "PoorFit",
    "RateLimited",
    "RawMosaic",
    "ReaderCrashed",
    "ReaderTimedOut",
    "ReferenceUnavailable",
    "RequestError",
    "SaturatedImage",
    "StorageConflict",
    "TargetNotFound",
    "TargetOutsideField",
    "TooFewMatches",
    "TooFewStars",
    "TooManyRows",
    "TrailedStars",
    "UnknownEvent",
    "UnknownFilter",
    "UnknownJob",
    "UnknownMapping",
    "UnknownObservatory",
    "UnknownPacking",
    "UnknownPage",
    "UnknownPoint",
    "UnknownRecalibration",
    "UnreadableUpload",
    "UnusableImage",
    "UnusablePath",
    "walk",
]


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
    advice = "Send it through POST /api/uploads, which takes up to 80 MiB, or leave out what is far from the target."


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
    sentence = "The event at RA {ra_deg:.5f} Dec {dec_deg:.5f} is outside the field that was observed (centre RA {field_ra_deg:.5f} Dec {field_dec_deg:.5f}, radius {field_radius_deg:.3f} deg)."
    advice = (
        "Check the event's name, and the coordinates of the catalogue (degrees, J2000) or the pointing of the image."
    )


class TargetNotFound(CalibrationFailed):
    """The event is in the field, no source is at its place, and no limit can be given."""

    code = "TARGET_NOT_FOUND"
    sentence = (
        "There is no source within {radius_arcsec} arcsec of the event; the nearest is at {nearest_arcsec:.1f} arcsec."
    )
    advice = "Give a larger matching radius, or check the astrometry."


class NotSolved(CalibrationFailed):
    """The stars of an image form no pattern of the reference stars where it was sought."""

    code = "NOT_SOLVED"
    sentence = "No place was found for the image: of its {n_stars} stars, no pattern fits the {n_reference} reference stars within {radius_deg:.2f} deg of RA {ra_deg:.5f} Dec {dec_deg:.5f} at {lowest_scale:.3g} to {highest_scale:.3g} arcsec per pixel."
    advice = "Check the position and the pixel scale in the header and in the observatory's record, and that stars are round in the image."


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
    """Somebody else changed it first; ``advice`` in the metadata where more is to be done than to try again."""

    code = "CONFLICT"
    sentence = "{what} was changed by somebody else at the same time."
    advice = "Try again."

    @property
    def hint(self) -> str:
        """What to do about it, in one sentence."""
        return str(self.metadata.get("advice", self.advice))
