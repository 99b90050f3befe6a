"""What is kept: events, observatories, keys, upload requests, jobs and follow-up points.

Plain frozen dataclasses, without numpy and without a database: the same words for the science, the storage, the
functions and the client. Times are ISO 8601 in UTC, to the second, with a trailing ``Z``; MJD is UTC, mid-exposure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What a key may do: its own uploads, its observatory's, everything."""

    OBSERVER = "observer"
    LEAD = "lead"
    ADMIN = "admin"


class Mode(StrEnum):
    """Who chose the filter: the server, or the observer."""

    AUTO = "AUTO"
    FORCED = "FORCED"


class JobState(StrEnum):
    """Where an upload stands.

    ``CREATED → UPLOADED → CALIBRATING → DONE | REJECTED | FAILED``, or ``WAITING_REFERENCE`` (tried again later);
    ``DELETED`` once its point was taken back, whatever else happens.
    """

    CREATED = "CREATED"
    UPLOADED = "UPLOADED"
    CALIBRATING = "CALIBRATING"
    WAITING_REFERENCE = "WAITING_REFERENCE"
    DONE = "DONE"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    DELETED = "DELETED"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in {JobState.DONE, JobState.REJECTED, JobState.FAILED, JobState.DELETED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An alert: a place on the sky that observers follow."""

    key: str  # cpcs.names.event_key of its name
    name: str  # as shown, without scheme
    event_id: int  # the number of the old interface
    ra_deg: float
    dec_deg: float
    published: str
    url: str = ""
    comment: str = ""
    created_by: str = ""  # key_id
    n_followups: int = 0
    version: int = 0  # grows with every change of its points


@dataclass(frozen=True, slots=True, kw_only=True)
class Observatory:
    """A site that uploads. Longitudes are east-positive; None is unknown."""

    observatory_id: int
    name: str
    longitude_deg: float | None = None
    latitude_deg: float | None = None
    altitude_m: float | None = None
    prefix: str = ""
    created: str = ""
    n_observations: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key, without its secret: only the SHA-256 of the secret is kept."""

    sha256: str
    observatory_id: int
    role: Role
    owner: str = ""
    created: str = ""
    last_used: str = ""
    revoked: bool = False

    @property
    def key_id(self) -> str:
        """The public name of the key, safe to show and to log."""
        return self.sha256[:12]

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything."""
        return self.role is Role.ADMIN


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRequest:
    """What an observer asked for: written to S3 before anything is promised."""

    job_id: str
    event: str  # event key
    observatory_id: int
    key_id: str
    mjd: float
    exposure_s: float | None = None
    matching_radius_arcsec: float = 2.0
    forced: str | None = None  # None for AUTO, else as cpcs.passbands.Choice prints itself
    filter_hint: str = ""  # the filter the observer or the header names, as written
    dry_run: bool = False
    figures: bool = True
    comment: str = ""
    filename: str = ""
    created: str = ""
    source: str = "api"  # or "cgi", the first CPCS's interface
    camera: str = ""  # as the observer calls it; where it is empty, the file's header may name it


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourPrior:
    """What is believed of a colour term before a frame is looked at: a Gaussian, mag per mag of colour.

    ``n_frames`` is how many frames of the same camera and filter it was learned from; 0 for what holds for any.
    """

    value: float
    err: float
    n_frames: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourMeasurement:
    """What one frame says of the colour term of its camera and filter by itself, whatever was believed before.

    ``std_mag = inst_mag + zero_point + value (colour - reference colour)``; ``colour`` is that of the reference
    catalogue, written ``g-r``.
    """

    passband: str
    colour: str
    value: float
    err: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourFrame:
    """What one frame says of the colour term, with what it was taken with: one entry of the telescope memory.

    ``camera`` and ``filter`` are as the form or the header names them (`cpcs.memory.setup_name`); empty when nobody
    does. Frames of one ``field`` share their reference stars, and with them the errors of these.
    """

    observatory_id: int
    camera: str = ""
    filter: str = ""
    passband: str
    colour: str
    value: float
    err: float
    mjd: float
    field: str
    job_id: str
    learned: str  # when


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowupPoint:
    """One point of a light curve: the target's standard magnitude, or a limit, and where it came from.

    ``std_mag = inst_mag + zero_point``. ``mag_err`` is the source's own error, ``calib_err`` the fitted scatter (as
    the first CPCS published it). With ``is_limit``, ``mag`` is the limiting magnitude and ``mag_err`` is None.
    ``corrected_mag`` is ``mag`` with the colour term: that of the target's own colour, as far as it is known. Without
    a colour term it and what belongs to it are None.
    """

    followup_id: int
    event: str  # event key
    event_id: int
    event_name: str
    observatory_id: int
    observatory: str
    mjd: float
    exposure_s: float | None
    mag: float
    mag_err: float | None
    is_limit: bool
    calib_err: float
    zero_point: float
    zero_point_err: float
    scatter: float
    outlier_fraction: float
    n_matched: int
    catalogue: str
    filter: str
    mode: Mode
    matching_radius_arcsec: float
    ra_deg: float | None  # of the source taken for the target
    dec_deg: float | None
    calibrated_at: str
    job_id: str
    revision: int
    key_id: str
    input_sha256: str
    pipeline: str
    comment: str = ""
    superseded_by: int | None = None
    corrected_mag: float | None = None
    corrected_mag_err: float | None = None
    colour_term: float | None = None  # mag per mag of `colour`
    colour_term_err: float | None = None
    colour: str | None = None  # two filters of the catalogue, "g-r"
    reference_colour: float | None = None  # that of the stars whose zero point it is

    @property
    def passband(self) -> str:
        """Catalogue and filter, ``APASS/r``."""
        return f"{self.catalogue}/{self.filter}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a revision of a job ended: written to S3 last, so that what it names is there.

    ``state`` is DONE, REJECTED or FAILED. ``point`` is the new point, or for a dry run the point that would have
    been stored (``followup_id`` 0). ``existing_id`` names the point that the same file had already made.
    """

    job_id: str
    revision: int
    state: JobState
    finished: str
    error: dict[str, str] | None = None  # code, message, hint
    point: FollowupPoint | None = None
    existing_id: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)  # step -> seconds
    summary: dict[str, Any] = field(default_factory=dict)  # runner-up, confidence, field, references
    learned: ColourFrame | None = None  # what the telescope memory takes from it, once it makes a point


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An upload on its way. ``revision`` is the newest calibration that was asked for, ended or not."""

    request: UploadRequest
    state: JobState
    updated: str
    attempt: int = 0
    revision: int = 1
    lease_until: float = 0.0  # Unix seconds; 0 when nobody holds it
    lease_owner: str = ""
    progress: str = ""  # of the work that is being done now, where it takes long: "stars 42", step and per cent
    retry_after: float = 0.0  # Unix seconds; for WAITING_REFERENCE
    outcome: Outcome | None = None  # that holds; while a recalibration is under way, the one before it
    figures_ready: bool = False  # of that outcome
    asked: str = ""  # when this revision was asked for, from the second on
    points: tuple[int, ...] = ()  # numbers of the points it has made, one for each revision that made one

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.request.job_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """That an upload is to be calibrated once more: written to S3 before anything is changed."""

    job_id: str
    revision: int  # the new one
    asked: str
    key_id: str
    recalibration_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which uploads are to be calibrated again: those that are in everything that is given; all, without anything."""

    job_ids: tuple[str, ...] = ()
    event: str = ""  # event key
    observatory_id: int | None = None
    since: str = ""  # uploaded then or later
    until: str = ""  # uploaded before
    mjd_since: float | None = None  # observed then or later
    mjd_until: float | None = None  # observed before
    include_refused: bool = False  # also those that ended without a result


LARGEST_RECALIBRATION = 100  # uploads: it is asked for, and shown, within the time of one request


class Reason(StrEnum):
    """Why an upload that was selected is not calibrated again."""

    UNKNOWN = "UNKNOWN"  # there is none of that id
    UNDER_WAY = "UNDER_WAY"  # it is not at its end
    DELETED = "DELETED"  # its point was taken back
    DUPLICATE = "DUPLICATE"  # its file had made a point before, as another upload: that one is to be calibrated again
    SUPERSEDED = "SUPERSEDED"  # a younger upload has, or had, the place of its point
    REFUSED = "REFUSED"  # it ended without a result, and such were not asked for
    NEVER_ARRIVED = "NEVER_ARRIVED"  # there is no file


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """An upload that was selected and is not calibrated again."""

    job_id: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An upload that is calibrated again: its new revision, and the one that held before."""

    job_id: str
    revision: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """A number of uploads that are calibrated again, asked for at once: written to S3 before the first of them is."""

    recalibration_id: str
    asked: str
    key_id: str
    selection: Selection
    entries: tuple[Entry, ...]
    passed_over: tuple[PassedOver, ...]
    cursor: str | None  # where the selection goes on; None at its end
    began: str | None = None  # the cursor that it was asked for with; None at the selection's beginning
