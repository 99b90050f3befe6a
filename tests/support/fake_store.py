"""A storage in memory with the manners of the real one, as far as the HTTP functions see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from cpcs import errors, names
from cpcs.apikeys import digest
from cpcs.records import (
    ApiKey,
    ColourFrame,
    Event,
    FollowupPoint,
    Job,
    JobState,
    Mode,
    Observatory,
    Outcome,
    Role,
    UploadRequest,
)
from cpcs.storage import Deletion

NOW = 1_795_384_800.0  # 2026-11-22T22:00:00Z, MJD 61366.91667


@dataclass(frozen=True)
class FakePage:
    items: tuple[Any, ...]
    cursor: str | None


def paged(records: list[Any], limit: int, cursor: str | None) -> FakePage:
    if cursor is not None and not cursor.startswith("after-"):
        raise errors.BadCursor
    start = int(cursor.removeprefix("after-")) if cursor else 0
    more = start + limit < len(records)
    return FakePage(tuple(records[start : start + limit]), f"after-{start + limit}" if more else None)


@dataclass
class FakeEvents:
    kept: dict[str, Event] = field(default_factory=dict)

    def create(
        self,
        name: str,
        ra_deg: float,
        dec_deg: float,
        *,
        url: str = "",
        comment: str = "",
        created_by: str = "",
        published: str | None = None,
    ) -> Event:
        key = names.event_key(name)
        if key in self.kept:
            old = self.kept[key]
            raise errors.EventExists(event=old.name, ra_deg=old.ra_deg, dec_deg=old.dec_deg)
        event = Event(
            key=key,
            name=names.clean(name),
            event_id=len(self.kept) + 27001,
            ra_deg=ra_deg,
            dec_deg=dec_deg,
            published=published or "2026-11-22T22:00:00Z",
            url=url,
            comment=comment,
            created_by=created_by,
        )
        self.kept[key] = event
        return event

    def get(self, given_name: str) -> Event:
        try:
            return self.kept[names.event_key(given_name)]
        except KeyError:
            raise errors.UnknownEvent(event=given_name) from None

    def by_id(self, event_id: int) -> Event:
        for event in self.kept.values():
            if event.event_id == event_id:
                return event
        raise errors.UnknownEvent(event=str(event_id))

    def page(self, observed: bool = False, limit: int = 100, cursor: str | None = None) -> FakePage:
        found = sorted(self.kept.values(), key=lambda event: (event.published, event.event_id), reverse=True)
        return paged([event for event in found if event.n_followups or not observed], limit, cursor)


@dataclass
class FakeObservatories:
    kept: dict[int, Observatory] = field(default_factory=dict)

    def create(
        self,
        name: str,
        *,
        longitude_deg: float | None = None,
        latitude_deg: float | None = None,
        altitude_m: float | None = None,
        prefix: str = "",
    ) -> Observatory:
        for site in self.kept.values():
            if site.name.casefold() == name.casefold():
                raise errors.ObservatoryExists(name=site.name, observatory_id=site.observatory_id)
        site = Observatory(
            observatory_id=len(self.kept) + 1,
            name=name,
            longitude_deg=longitude_deg,
            latitude_deg=latitude_deg,
            altitude_m=altitude_m,
            prefix=prefix,
        )
        self.kept[site.observatory_id] = site
        return site

    def get(self, observatory_id: int) -> Observatory:
        try:
            return self.kept[observatory_id]
        except KeyError:
            raise errors.UnknownObservatory(observatory=observatory_id) from None

    def all(self) -> list[Observatory]:
        return list(self.kept.values())


@dataclass
class FakeKeys:
    kept: dict[str, ApiKey] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)

    def issue(self, observatory_id: int, role: Role, owner: str = "") -> tuple[str, ApiKey]:
        secret = f"cpcs_new{len(self.kept):040d}_123456"
        return secret, self.register(secret, observatory_id, role, owner)

    def register(self, secret: str, observatory_id: int, role: Role, owner: str = "") -> ApiKey:
        key = ApiKey(sha256=digest(secret), observatory_id=observatory_id, role=role, owner=owner)
        self.kept[key.sha256] = key
        return key

    def verify(self, secret: str, *, touch: bool = True) -> ApiKey:
        key = self.kept.get(digest(secret))
        if key is None or key.revoked:
            raise errors.BadKey
        if touch:
            self.touched.append(key.key_id)
        return key

    def open_session(self, secret: str) -> str:
        token = f"token-{len(self.sessions)}-of-a-session"
        self.sessions[token] = self.verify(secret).sha256
        return token

    def session(self, token: str) -> ApiKey:
        if token not in self.sessions:
            raise errors.BadKey
        return self.kept[self.sessions[token]]

    def close_session(self, token: str) -> None:
        self.sessions.pop(token, None)


@dataclass
class FakeJobs:
    """Jobs; ``worker`` is asked each time one is looked at, and may bring it on."""

    kept: dict[str, Job] = field(default_factory=dict)
    worker: Callable[[Job], Job] = lambda job: job

    def create(self, request: UploadRequest) -> Job:
        job = Job(request=request, state=JobState.CREATED, updated=request.created)
        self.kept[job.job_id] = job
        return job

    def get(self, job_id: str) -> Job:
        if job_id not in self.kept:
            raise errors.UnknownJob(job_id=job_id)
        self.kept[job_id] = self.worker(self.kept[job_id])
        return self.kept[job_id]

    def many(self, ids: list[str]) -> list[Job]:
        return [self.kept[job_id] for job_id in ids if job_id in self.kept]

    def by_key(self, key_id: str, limit: int, cursor: str | None) -> FakePage:
        return paged([job for job in self.kept.values() if job.request.key_id == key_id], limit, cursor)


@dataclass
class FakePoints:
    kept: dict[int, FollowupPoint] = field(default_factory=dict)
    gone: dict[int, FollowupPoint] = field(default_factory=dict)

    def by_event(self, key: str) -> list[FollowupPoint]:
        return sorted((point for point in self.kept.values() if point.event == key), key=lambda point: point.mjd)

    def get(self, followup_id: int) -> FollowupPoint:
        try:
            return self.kept[followup_id]
        except KeyError:
            raise errors.UnknownPoint(followup_id=followup_id) from None

    def page(
        self,
        observatory_id: int | None = None,
        key_id: str | None = None,
        event: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> FakePage:
        wanted = {"observatory_id": observatory_id, "key_id": key_id, "event": event}
        found = [
            point
            for point in reversed(self.kept.values())
            if all(value is None or getattr(point, name) == value for name, value in wanted.items())
        ]
        return paged(found, limit, cursor)

    def delete(self, followup_id: int, key: ApiKey) -> Deletion:
        point = self.gone.get(followup_id) or self.get(followup_id)
        if not key.is_admin and point.observatory_id != key.observatory_id:
            raise errors.Forbidden(reason="the point is another observatory's")
        self.kept.pop(followup_id, None)
        self.gone[followup_id] = point
        return Deletion(followup_id=followup_id, event=point.event, deleted="2026-11-22T22:00:00Z")


@dataclass
class FakeColourTerms:
    kept: list[ColourFrame] = field(default_factory=list)

    def of_observatory(self, observatory_id: int) -> Iterator[list[ColourFrame]]:
        setups: dict[tuple[str, str], list[ColourFrame]] = {}
        for frame in self.kept:
            if frame.observatory_id == observatory_id:
                setups.setdefault((frame.camera, frame.filter), []).append(frame)
        yield from setups.values()


@dataclass(frozen=True)
class FakeForm:
    url: str
    fields: dict[str, str]
    expires_at: str


@dataclass
class FakeFiles:
    uploads: dict[str, bytes] = field(default_factory=dict)
    results: dict[tuple[str, int, str], bytes] = field(default_factory=dict)
    published: dict[str, bytes] = field(default_factory=dict)
    public_data: bool = True

    def presign_upload(self, job_id: str, max_bytes: int) -> FakeForm:
        fields = {"key": f"uploads/{job_id}/file", "policy": str(max_bytes)}
        return FakeForm("https://bucket.example/", fields, "2026-11-22T22:15:00Z")

    def put_upload(self, job_id: str, data: bytes) -> None:
        self.uploads[job_id] = data

    def read_result(self, job_id: str, revision: int, name: str) -> bytes | None:
        return self.results.get((job_id, revision, name))

    def publish(self, key: str, data: bytes, content_type: str, encoding: str | None = None) -> None:
        assert (content_type, encoding) == ("application/json", "gzip")
        self.published[key] = data

    def read_published(self, key: str) -> bytes | None:
        return self.published.get(key)


@dataclass
class FakeStore:
    events: FakeEvents = field(default_factory=FakeEvents)
    observatories: FakeObservatories = field(default_factory=FakeObservatories)
    keys: FakeKeys = field(default_factory=FakeKeys)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    points: FakePoints = field(default_factory=FakePoints)
    colour_terms: FakeColourTerms = field(default_factory=FakeColourTerms)
    files: FakeFiles = field(default_factory=FakeFiles)


def a_frame(**changes: Any) -> ColourFrame:
    """Return what a frame says of its colour term."""
    frame = ColourFrame(
        observatory_id=1,
        camera="apogee alta u42",
        filter="r",
        passband="APASS/r",
        colour="g-r",
        value=0.1,
        err=0.05,
        mjd=58397.6877795,
        field="gaia18dps",
        job_id="01JOB",
        learned="2018-10-07T01:02:03Z",
    )
    return replace(frame, **changes)


def a_point(event: Event, **changes: Any) -> FollowupPoint:
    """Return a point like row 122113 of the first CPCS."""
    point = FollowupPoint(
        followup_id=122113,
        event=event.key,
        event_id=event.event_id,
        event_name=event.name,
        observatory_id=1,
        observatory="Montarrenti Observatory",
        mjd=58397.6877795,
        exposure_s=60.0,
        mag=16.5232,
        mag_err=0.0051178,
        is_limit=False,
        calib_err=0.01,
        zero_point=25.3125,
        zero_point_err=0.0125,
        scatter=0.01,
        outlier_fraction=0.0625,
        n_matched=79,
        catalogue="APASS",
        filter="i",
        mode=Mode.AUTO,
        matching_radius_arcsec=2.0,
        ra_deg=220.66501,
        dec_deg=53.26521,
        calibrated_at="2018-10-07T01:02:03Z",
        job_id="01JOB",
        revision=1,
        key_id="0123456789ab",
        input_sha256="0" * 64,
        pipeline="photocal 2.0",
    )
    return replace(point, **changes)


def done(job: Job, point: FollowupPoint | None, **changes: Any) -> Job:
    """Return the job as a finished calibration leaves it."""
    outcome = Outcome(
        job_id=job.job_id,
        revision=job.revision,
        state=JobState.DONE,
        finished="2026-11-22T22:00:02Z",
        point=point,
        seconds={"calibrate": 0.25},
        summary={"confidence": 0.99, "colour_priors": {}},
    )
    return replace(job, state=JobState.DONE, outcome=replace(outcome, **changes), figures_ready=True)


def rejected(job: Job, error: errors.CpcsError) -> Job:
    """Return the job as a refused calibration leaves it."""
    outcome = Outcome(
        job_id=job.job_id,
        revision=job.revision,
        state=JobState.REJECTED,
        finished="2026-11-22T22:00:02Z",
        error=error.as_dict(),
    )
    return replace(job, state=JobState.REJECTED, outcome=outcome)
