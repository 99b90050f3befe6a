"""A storage on moto, in process: tables and buckets as the template makes them, and a clock that tests turn.

moto has no atomicity between threads, accepts every presigned form and never throttles: what depends on these is
tested on the embedded stack.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import boto3

from cpcs import clock
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
from cpcs.settings import Settings
from cpcs.storage import Store
from cpcs.storage.models import SCHEMA

REGION = "us-east-1"
CAMERA = "apogee alta u42"  # of every frame that does not say otherwise
START = 1_795_384_800.0  # 2026-11-22T22:00:00Z, MJD 61366.91667
SETTINGS = Settings(table="cpcs-test", data_bucket="cpcs-test-data", site_bucket="cpcs-test-site", region=REGION)


@dataclass
class Clock:
    """A clock that stands still until it is turned."""

    seconds: float = START

    def __call__(self) -> float:
        return self.seconds

    def turn(self, seconds: float) -> None:
        self.seconds += seconds


@cache
def session() -> boto3.Session:
    """Return the one session of all tests: making clients is most of their time."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


def make_aws(settings: Settings = SETTINGS) -> Settings:
    """Make table, buckets and queue inside ``mock_aws``; return the settings that name them."""
    used = session()
    used.client("dynamodb").create_table(TableName=settings.table, BillingMode="PAY_PER_REQUEST", **SCHEMA)
    s3 = used.client("s3")
    for bucket in (settings.data_bucket, settings.site_bucket):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=settings.data_bucket, VersioningConfiguration={"Status": "Enabled"})
    queue = used.client("sqs").create_queue(QueueName="cpcs-test")
    return replace(settings, queue_url=queue["QueueUrl"])


def make_store(settings: Settings = SETTINGS, *, now: Clock | None = None) -> Store:
    """Return a storage with nothing in it; call it inside ``mock_aws``."""
    return Store.connect(make_aws(settings), session(), now=now or Clock())


@dataclass
class Scene:
    """A storage with one observatory, one key and one event, and short ways to bring points into it."""

    store: Store
    now: Clock
    observatory: Observatory = field(init=False)
    secret: str = field(init=False)
    key: ApiKey = field(init=False)
    event: Event = field(init=False)

    def __post_init__(self) -> None:
        self.observatory = self.store.observatories.create("Montarrenti Observatory", longitude_deg=11.2)
        self.secret, self.key = self.store.keys.issue(self.observatory.observatory_id, Role.OBSERVER, "An Observer")
        self.event = self.store.events.create("Gaia18dps", 220.665, 53.2651944444, created_by=self.key.key_id)

    def request(self, **changes: Any) -> UploadRequest:
        given = {
            "job_id": self.store.jobs.new_id(),
            "event": self.event.key,
            "observatory_id": self.key.observatory_id,
            "key_id": self.key.key_id,
            "mjd": 58397.6877795,
            "exposure_s": 60.0,
            "created": clock.iso(self.now()),
        }
        return UploadRequest(**(given | changes))

    def uploaded(self, data: bytes = b"1 2 3", **changes: Any) -> Job:
        """Return a job whose file has arrived."""
        job = self.store.jobs.create(self.request(**changes))
        self.store.files.put_upload(job.job_id, data)
        self.store.jobs.uploaded(job.job_id)
        return self.store.jobs.get(job.job_id)

    def claimed(self, data: bytes = b"1 2 3", **changes: Any) -> Job:
        """Return a job that a worker has leased."""
        job = self.store.jobs.claim(self.uploaded(data, **changes).job_id, f"worker-{self.now()}", 125.0)
        assert job is not None
        return job

    def point(self, job: Job, followup_id: int, **changes: Any) -> FollowupPoint:
        """Return the point that a calibration of the job's file makes."""
        request = job.request
        event = self.store.events.get(request.event)
        point = FollowupPoint(
            followup_id=followup_id,
            event=event.key,
            event_id=event.event_id,
            event_name=event.name,
            observatory_id=request.observatory_id,
            observatory=self.store.observatories.get(request.observatory_id).name,
            mjd=request.mjd,
            exposure_s=request.exposure_s,
            mag=16.52319908,
            mag_err=0.0051178,
            is_limit=False,
            calib_err=0.0412,
            zero_point=25.3125,
            zero_point_err=0.0046,
            scatter=0.0412,
            outlier_fraction=0.0625,
            n_matched=79,
            catalogue="APASS",
            filter="r",
            mode=Mode.AUTO,
            matching_radius_arcsec=request.matching_radius_arcsec,
            ra_deg=220.66501,
            dec_deg=53.26521,
            calibrated_at=clock.iso(self.now()),
            job_id=job.job_id,
            revision=job.revision,
            key_id=request.key_id,
            input_sha256=hashlib.sha256(self.store.files.read_upload(job.job_id)).hexdigest(),
            pipeline="photocal test",
        )
        return replace(point, **changes)

    def frame(self, point: FollowupPoint, **changes: Any) -> ColourFrame:
        """Return what the frame of a point says of the colour term of its telescope."""
        frame = ColourFrame(
            observatory_id=point.observatory_id,
            camera=CAMERA,
            filter=point.filter,
            passband=point.passband,
            colour="g-r",
            value=0.0625,
            err=0.03125,
            mjd=point.mjd,
            field=point.event,
            job_id=point.job_id,
            learned=point.calibrated_at,
        )
        return replace(frame, **changes)

    def outcome(self, job: Job, *, teaches: bool = True, **changes: Any) -> Outcome:
        """Return the outcome of a calibration that went well; it is in S3, and not in the table yet."""
        point = self.point(job, 0 if job.request.dry_run else self.store.points.next_id(), **changes)
        return self.store.files.write_outcome(
            Outcome(
                job_id=job.job_id,
                revision=job.revision,
                state=JobState.DONE,
                finished=point.calibrated_at,
                point=point,
                seconds={"read": 0.125},
                summary={"confidence": 0.99, "runner_up": None, "references": ["APASS"]},
                learned=self.frame(point, camera=job.request.camera or CAMERA) if teaches else None,
            )
        )

    def add(self, data: bytes = b"1 2 3", *, band: str = "r", teaches: bool = True, **changes: Any) -> FollowupPoint:
        """Bring one upload through to its end, with all that follows; return its point."""
        job = self.claimed(data, **changes)
        stored = self.store.jobs.finish(job, self.outcome(job, teaches=teaches, filter=band))
        self.store.jobs.figures_ready(job.job_id)
        self.now.turn(1.0)
        assert stored.point is not None
        return stored.point


def refused(job: Job, finished: str) -> Outcome:
    """Return the outcome of an upload that could not be calibrated."""
    error = {"code": "TOO_FEW_MATCHES", "message": "Only 3 stars matched.", "hint": "Check the coordinates."}
    return Outcome(job_id=job.job_id, revision=job.revision, state=JobState.REJECTED, finished=finished, error=error)


def dump(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the whole table: (pk, sk) -> attributes as DynamoDB holds them."""
    pages = session().client("dynamodb").get_paginator("scan").paginate(TableName=store.models.table.table_name)
    return {(item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]}


# What the table knows and S3 does not: who has a lease, how often it was tried, when a key was used.
NOT_IN_S3 = frozenset({"attempt", "lease_owner", "progress", "lease_until", "retry_after", "last_used"})


def lasting(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what must be the same after a reindex: all but sessions, and what is in no object of S3.

    Counters may fall back to the last number that anybody knows of.
    """
    return {
        key: {name: value for name, value in item.items() if name not in NOT_IN_S3}
        for key, item in dump(store).items()
        if not key[0].startswith(("SES#", "COUNTER#"))
    }


def faults(store: Store) -> list[str]:
    """Return what is wrong with the table: counters that are not the number of points, points that nothing leads to."""
    found = []
    table = dump(store)
    points = {key: item for key, item in table.items() if key[1].startswith("PT#")}
    current = [item for item in points.values() if "superseded_by" not in item]
    for (pk, sk), item in table.items():
        if pk.startswith("EV#") and sk == "META":
            n_points = sum(point["event"]["S"] == item["key"]["S"] for point in current)
            if int(item["n_followups"]["N"]) != n_points or ("g2pk" in item) != (n_points > 0):
                found.append(f"{pk}: {item['n_followups']['N']} counted, {n_points} there, listed: {'g2pk' in item}")
        if pk.startswith("OBS#"):
            n_points = sum(point["observatory_id"] == item["observatory_id"] for point in current)
            if int(item["n_observations"]["N"]) != n_points:
                found.append(f"{pk}: {item['n_observations']['N']} counted, {n_points} there")
        if pk.startswith("FU#") and ("deleted" in item) == ((f"EV#{item['event']['S']}", item["point"]["S"]) in points):
            found.append(f"{pk}: leads to nothing, or to what is deleted")
        if pk.startswith("UQ#"):
            held = (f"EV#{item['event']['S']}", item["point"]["S"])
            is_current = held in points and "superseded_by" not in points[held]
            if item["deleted"]["BOOL"] == is_current:
                found.append(f"{pk}: held by {held}, which is not the current point")
    found += _faults_of_memory(table, {item["job_id"]["S"] for item in current})
    lines = [
        (item["event"], item["observatory_id"], item["mjd"], item["catalogue"], item["filter"]) for item in current
    ]
    found += [f"two current points: {line}" for line in lines if lines.count(line) > 1]
    return found


def _faults_of_memory(table: dict[tuple[str, str], dict[str, Any]], current: set[str]) -> list[str]:
    """Return what is wrong with the telescope memory: it holds the frames of current points, and no other."""
    kept = {key: item["job_id"]["S"] for key, item in table.items() if key[0].startswith("CT#")}
    named = {
        (f"CT#{key[0].split('#')[-3]}", item["learned"]["S"])
        for key, item in table.items()
        if key[0].startswith("UQ#") and "learned" in item
    }
    found = [f"{key}: of no current point" for key, job_id in kept.items() if job_id not in current]
    return found + [f"{key}: in the memory or named by a point, but not both" for key in named ^ kept.keys()]
