"""What lies in S3: uploads, requests, results, outcomes, and the public documents."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cpcs import clock, serial
from cpcs.errors import FileTooLarge, UnknownJob
from cpcs.records import Asked, Outcome, Recalibration, UploadRequest

from . import layout
from .ids import is_safe
from .objects import Bucket

FORM_S = 15 * 60
JSON = "application/json"
PUBLIC_CACHE = "public, max-age=30, stale-while-revalidate=300"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresignedPost:
    """A form that lets whoever holds it upload one file, once it is filled: ``fields`` first, the ``file`` last."""

    url: str
    fields: dict[str, str]
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """The note that a point was deleted: written before it is."""

    followup_id: int
    job_id: str
    event: str  # event key
    deleted: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The objects of both buckets, but for those of the registry."""

    data: Bucket
    site: Bucket
    upload_url: str = ""
    public_data: bool = True  # whether magnitudes may stand in the site bucket, which everybody reads
    max_upload_bytes: int = 80 * 1024 * 1024
    now: Callable[[], float] = time.time

    def presign_upload(self, job_id: str, max_bytes: int) -> PresignedPost:
        """Return a form for the upload of a job's file: this key only, 1 to ``max_bytes`` bytes, for 15 minutes."""
        form = self.data.client.generate_presigned_post(
            self.data.name,
            layout.upload(job_id),
            Conditions=[["content-length-range", 1, max_bytes]],
            ExpiresIn=FORM_S,
        )
        return PresignedPost(
            url=self.upload_url or form["url"],
            fields=form["fields"],
            expires_at=clock.iso(self.now() + FORM_S),
        )

    def put_upload(self, job_id: str, data: bytes) -> None:
        """Write a job's file: the road of the first CPCS's interface, where the file comes through the function."""
        self.data.put(layout.upload(job_id), data)

    def upload_exists(self, job_id: str) -> bool:
        """Whether a job's file has arrived."""
        return self.data.head(layout.upload(job_id)) is not None

    def read_upload(self, job_id: str) -> bytes:
        """Return a job's file; what is measured is what is read, whatever is uploaded meanwhile.

        Raises
        ------
        UnknownJob
            It has not arrived.
        FileTooLarge
            It is larger than anything that is taken.
        """
        key = layout.upload(job_id)
        head = self.data.head(key)
        if head is None:
            raise UnknownJob(job_id=job_id)
        if head.size > self.max_upload_bytes:
            raise FileTooLarge(size=head.size, limit=self.max_upload_bytes)
        data = self.data.get(key, head.version)
        if data is None:
            raise UnknownJob(job_id=job_id)
        return data

    def write_request(self, request: UploadRequest) -> None:
        """Write what an observer asked for."""
        self.data.put_new(layout.request(request.job_id), serial.dumps(request))

    def write_asked(self, asked: Asked) -> Asked:
        """Write that a revision of a job was asked for; return the note that holds, the first one."""
        there = self.data.put_new(layout.asked(asked.job_id, asked.revision), serial.dumps(asked))
        return serial.loads(Asked, there)

    def write_recalibration(self, recalibration: Recalibration) -> Recalibration:
        """Write which uploads are calibrated again; return what holds, the first of that id."""
        there = self.data.put_new(layout.recalibration(recalibration.recalibration_id), serial.dumps(recalibration))
        return serial.loads(Recalibration, there)

    def read_recalibration(self, recalibration_id: str) -> Recalibration | None:
        """Return a recalibration, or None."""
        there = self.data.get(layout.recalibration(recalibration_id)) if is_safe(recalibration_id) else None
        return serial.loads(Recalibration, there) if there is not None else None

    def write_result(self, job_id: str, revision: int, name: str, data: bytes, content_type: str) -> None:
        """Write one result of a calibration: report.json, figures/panel.png."""
        self.data.put(layout.result(job_id, revision, name), data, content_type)

    def read_result(self, job_id: str, revision: int, name: str) -> bytes | None:
        """Return one result of a calibration, or None."""
        try:
            return self.data.get(layout.result(job_id, revision, name)) if is_safe(job_id) else None
        except ValueError:
            return None

    def presign_result(self, job_id: str, revision: int, name: str) -> str:
        """Return an address that one result can be fetched from for 15 minutes: it is too large for an answer."""
        key = {"Bucket": self.data.name, "Key": layout.result(job_id, revision, name)}
        address: str = self.data.client.generate_presigned_url("get_object", Params=key, ExpiresIn=FORM_S)
        return address

    def write_outcome(self, outcome: Outcome) -> Outcome:
        """Write how a revision of a job ended: the commit record, written once.

        Returns
        -------
        Outcome
            The one that holds: this one, or that of somebody who was faster.
        """
        key = layout.result(outcome.job_id, outcome.revision, layout.OUTCOME)
        return serial.loads(Outcome, self.data.put_new(key, serial.dumps(outcome)))

    def read_outcome(self, job_id: str, revision: int) -> Outcome | None:
        """Return how a revision of a job ended, or None while it has not."""
        there = self.data.get(layout.result(job_id, revision, layout.OUTCOME))
        return serial.loads(Outcome, there) if there is not None else None

    def write_duplicate(self, job_id: str, revision: int, followup_id: int) -> int:
        """Write that a job's file had already made a point; return the point that holds, as for outcomes."""
        body = json.dumps({"existing_id": followup_id}).encode()
        return existing_id(self.data.put_new(layout.result(job_id, revision, layout.DUPLICATE), body))

    def read_duplicate(self, job_id: str, revision: int) -> int | None:
        """Return the point that a job's file had already made, or None."""
        there = self.data.get(layout.result(job_id, revision, layout.DUPLICATE))
        return existing_id(there) if there is not None else None

    def write_published(self, job_id: str, revision: int) -> None:
        """Write that nothing is left to do for a revision of a job."""
        self.data.put(layout.result(job_id, revision, layout.PUBLISHED), b"{}", JSON)

    def write_tombstone(self, tombstone: Tombstone) -> Tombstone:
        """Write that a point is deleted; return the note that holds, the first one."""
        there = self.data.put_new(layout.tombstone(tombstone.followup_id), serial.dumps(tombstone))
        return serial.loads(Tombstone, there)

    def is_taken_back(self, followup_id: int) -> bool:
        """Whether it is written that a point is deleted, whatever the table says yet."""
        return self.data.head(layout.tombstone(followup_id)) is not None

    def publish(self, key: str, data: bytes, content_type: str, encoding: str | None = None) -> None:
        """Write a public document into the site bucket.

        Parameters
        ----------
        key
            As `cpcs.storage.layout.public_key` makes it.
        data
            The document.
        content_type
            Its media type.
        encoding
            ``gzip`` where it is compressed.
        """
        self.site.put(key, data, content_type, encoding=encoding, cache_control=PUBLIC_CACHE)

    def read_published(self, key: str) -> bytes | None:
        """Return a public document as it was published (compressed, if it was), or None."""
        return self.site.get(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The blobs of the tile store."""

    data: Bucket

    def get(self, key: str) -> bytes | None:
        """Return a blob, or None when it is not there."""
        return self.data.get(layout.reference(key))

    def put(self, key: str, data: bytes) -> None:
        """Write a blob."""
        self.data.put(layout.reference(key), data)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys of the blobs that begin with ``prefix``."""
        for key in self.data.list(layout.reference(prefix)):
            yield key.removeprefix(layout.REFERENCES)


def existing_id(text: bytes) -> int:
    """Return the point that a note of a duplicate names.

    Raises
    ------
    BadRecord
        It names none.
    """
    try:
        return int(json.loads(text)["existing_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise serial.BadRecord(f"not the note of a duplicate: {text[:80]!r}") from error
