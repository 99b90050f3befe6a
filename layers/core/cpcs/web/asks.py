"""What a request asks for, checked: an upload, a new event, an observatory, a key.

The first CPCS's forms ask the same under other names; ``wire`` says which, so that refusals name what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cpcs import clock
from cpcs.errors import EmptyFile, FileTooLarge
from cpcs.passbands import parse_choice
from cpcs.records import ApiKey, Event, Role, UploadRequest
from cpcs.web import fields
from cpcs.web.request import restored_scheme

USUAL_RADIUS_ARCSEC = 2.0
LONGEST_EXPOSURE_S = 86400.0
LONGEST_NAME = 150
LARGEST_FILE = 2**40
_NAME_OF_EVENT = "the name of the alert, for instance Gaia18bmt"

_UPLOAD_FIELDS = (
    "mjd", "exposure_s", "matching_radius_arcsec", "filter", "filter_hint", "dry_run", "figures", "comment", "filename",
    "camera",
)  # fmt: skip

Wire = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAsk:
    """A new event."""

    name: str
    ra_deg: float
    dec_deg: float
    url: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservatoryAsk:
    """A new observatory. Longitudes are east-positive."""

    name: str
    longitude_deg: float | None
    latitude_deg: float | None
    altitude_m: float | None
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAsk:
    """A new key."""

    observatory_id: int
    role: Role
    owner: str


def event_name(given: Mapping[str, Any], wire: Wire | None = None) -> str:
    """Return the event's name as it was sent."""
    name = (wire or {}).get("event", "event")
    return restored_scheme(fields.text(given, name, meaning=_NAME_OF_EVENT))


def upload(
    given: Mapping[str, Any],
    *,
    job_id: str,
    event: Event,
    key: ApiKey,
    now: float,
    source: str = "api",
    wire: Wire | None = None,
) -> UploadRequest:
    """Return what an upload asks for.

    Parameters
    ----------
    given
        The fields.
    job_id, event, key
        The new job, the event it is for, and whose upload it is.
    now
        Unix seconds.
    source
        ``api`` or ``cgi``.
    wire
        Our names -> the names of the fields, where they differ.

    Raises
    ------
    MissingField, BadField, MjdIsJd, MjdInFuture, MjdTooEarly, UnknownFilter
        A field is missing, or cannot be meant so.
    """
    named = {name: (wire or {}).get(name, name) for name in _UPLOAD_FIELDS}
    exposure = fields.optional_number(
        given, named["exposure_s"], lowest=0.0, highest=LONGEST_EXPOSURE_S, meaning="the exposure time in seconds"
    )
    forced = parse_choice(fields.text(given, named["filter"]))
    return UploadRequest(
        job_id=job_id,
        event=event.key,
        observatory_id=key.observatory_id,
        key_id=key.key_id,
        mjd=fields.mjd(given, named["mjd"], now),
        exposure_s=exposure or None,
        matching_radius_arcsec=fields.number(
            given,
            named["matching_radius_arcsec"],
            lowest=0.1,
            highest=60.0,
            meaning="the matching radius in arcsec",
            default=USUAL_RADIUS_ARCSEC,
        ),
        forced=str(forced) if forced else None,
        filter_hint=fields.text(given, named["filter_hint"], longest=64),
        dry_run=fields.flag(given, named["dry_run"]),
        figures=fields.flag(given, named["figures"], default=True),
        comment=fields.text(given, named["comment"], longest=fields.LONGEST_COMMENT),
        filename=fields.text(given, named["filename"], longest=255),
        created=clock.iso(now),
        source=source,
        camera=fields.text(given, named["camera"], longest=64),
    )


def check_size(size: int, limit: int) -> None:
    """Refuse a file that is empty or too large before anything is promised.

    Raises
    ------
    EmptyFile, FileTooLarge
        It is.
    """
    if size == 0:
        raise EmptyFile(size=0)
    if size > limit:
        raise FileTooLarge(size=size, limit=limit)


def announced_size(given: Mapping[str, Any]) -> int | None:
    """Return how large the file will be, if the request says so."""
    size = fields.optional_number(
        given, "size", lowest=0, highest=LARGEST_FILE, meaning="the size of the file in bytes"
    )
    return None if size is None else int(size)


def event(given: Mapping[str, Any], wire: Wire | None = None) -> EventAsk:
    """Return what a new event asks for."""
    named = wire or {"event": "name"}
    return EventAsk(
        name=event_name(given, named),
        ra_deg=fields.right_ascension(given, named.get("ra_deg", "ra_deg")),
        dec_deg=fields.declination(given, named.get("dec_deg", "dec_deg")),
        url=fields.web_address(given, "url"),
        comment=fields.text(given, "comment", longest=fields.LONGEST_COMMENT),
    )


def observatory(given: Mapping[str, Any], wire: Wire | None = None) -> ObservatoryAsk:
    """Return what a new observatory asks for."""
    named = wire or {}
    longitude, latitude = named.get("longitude_deg", "longitude_deg"), named.get("latitude_deg", "latitude_deg")
    meaning = "the longitude in degrees, positive to the east"
    east = fields.optional_number(given, longitude, lowest=-180.0, highest=360.0, meaning=meaning)
    meaning = "the latitude in degrees"
    north = fields.optional_number(given, latitude, lowest=-90.0, highest=90.0, meaning=meaning)
    is_known = bool(east or north)  # (0, 0) lies in the Gulf of Guinea, and stands for "unknown"
    return ObservatoryAsk(
        name=fields.text(given, named.get("name", "name"), longest=LONGEST_NAME, meaning="the observatory's name"),
        longitude_deg=east if is_known else None,
        latitude_deg=north if is_known else None,
        altitude_m=fields.optional_number(
            given, "altitude_m", lowest=-500.0, highest=9000.0, meaning="the altitude in metres"
        ),
        prefix=fields.text(given, "prefix", longest=32),
    )


def key(given: Mapping[str, Any]) -> KeyAsk:
    """Return what a new key asks for."""
    role = fields.text(given, "role") or Role.OBSERVER.value
    if role not in {known.value for known in Role}:
        raise fields.bad("role", role, f"one of {', '.join(known.value for known in Role)}")
    return KeyAsk(
        observatory_id=fields.whole(
            given, "observatory_id", lowest=1, highest=2**31, meaning="the number of the observatory"
        ),
        role=Role(role),
        owner=fields.text(given, "owner", longest=LONGEST_NAME),
    )
