"""Uploads on their way: made, claimed for a while by one worker at a time, brought to an end.

Every change is made on the condition that the upload is still as its worker knows it: not at its end, and leased to
the same owner. A worker that was too slow finds its lease gone and its result refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from cpcs import clock, serial
from cpcs.errors import UnknownJob
from cpcs.records import Asked, Job, JobState, Outcome, UploadRequest

from . import keys
from .cursors import Cursors
from .files import Files
from .ids import is_safe, new_job_id
from .index import Index, held_by, is_open, lease_over
from .listing import Listing, Page, page
from .models import GSI1, GSI3, JobItem, Models, find, job_attributes, job_record
from .queue import Queue
from .revisions import has_result
from .transactions import condition_failed, until_settled

MOST_SWEPT = 1000
RECALIBRATED = (JobState.DONE, JobState.REJECTED, JobState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The uploads."""

    models: Models
    files: Files
    index: Index
    cursors: Cursors
    queue: Queue
    now: Callable[[], float] = time.time

    def new_id(self) -> str:
        """Return an id for a new upload: sortable by time, unguessable."""
        return new_job_id(self.now())

    def create(self, request: UploadRequest) -> Job:
        """Register an upload: what was asked for goes to S3 first. Doing it again changes nothing."""
        if not request.created:
            request = replace(request, created=clock.iso(self.now()))
        self.files.write_request(request)
        job = Job(request=request, state=JobState.CREATED, updated=request.created)
        try:
            job_item(self.models, job).save(condition=JobItem.pk.does_not_exist())
        except PutError as error:
            if not condition_failed(error):
                raise
            return self.get(request.job_id)
        return job

    def get(self, job_id: str) -> Job:
        """Return an upload as it stands now.

        Raises
        ------
        UnknownJob
            There is none of that id.
        """
        item = find(self.models.jobs, keys.job(job_id), keys.META) if is_safe(job_id) else None
        if item is None:
            raise UnknownJob(job_id=job_id[:64])
        return job_record(item)

    def many(self, job_ids: Iterable[str]) -> list[Job]:
        """Return those of the uploads that exist, in the order asked for."""
        wanted = [job_id for job_id in dict.fromkeys(job_ids) if is_safe(job_id)]
        items = self.models.jobs.batch_get([(keys.job(job_id), keys.META) for job_id in wanted], consistent_read=True)
        found = {item.job_id: job_record(item) for item in items}
        return [found[job_id] for job_id in wanted if job_id in found]

    def by_key(self, key_id: str, limit: int = 100, cursor: str | None = None) -> Page[Job]:
        """Return a page of one API key's uploads, newest first.

        Raises
        ------
        BadCursor
            The cursor is not of this list.
        """
        partition = keys.jobs_by(key_id)
        listing = Listing(scope=partition, index=GSI3, partitions=[partition])
        return page(listing, self.models.jobs, job_record, limit=limit, cursor=cursor, cursors=self.cursors)

    def uploaded(self, job_id: str) -> None:
        """Note that the file has arrived; without effect on an upload that is further."""
        now = clock.iso(self.now())
        actions = [JobItem.state.set(JobState.UPLOADED.value), *_stamp(job_id, JobState.UPLOADED, now)]
        self._update(job_id, actions, JobItem.state == JobState.CREATED.value)

    def claim(self, job_id: str, owner: str, lease_s: float) -> Job | None:
        """Lease an upload for ``lease_s`` seconds.

        Parameters
        ----------
        job_id
            Which.
        owner
            Of the lease: different for every attempt anybody makes.
        lease_s
            At least as long as the owner can live.

        Returns
        -------
        Job or None
            None when somebody else holds it, or when it is at its end.

        Raises
        ------
        UnknownJob
            There is none of that id.
        """
        now = self.now()
        actions = [
            JobItem.state.set(JobState.CALIBRATING.value),
            JobItem.attempt.add(1),
            JobItem.lease_owner.set(owner),
            JobItem.lease_until.set(now + lease_s),
            JobItem.progress.remove(),
            *_stamp(job_id, JobState.CALIBRATING, clock.iso(now)),
        ]
        claimed = self._update(job_id, actions, is_open() & (JobItem.lease_until < now))
        if claimed is not None:
            return claimed
        there = self.get(job_id)
        # A lost reply: the lease was given, and to this owner.
        mine = there.state is JobState.CALIBRATING and there.lease_owner == owner and there.lease_until > now
        return there if mine else None

    def tell(self, job: Job, progress: str) -> None:
        """Note how far the work on an upload is, for whoever waits for it; without effect when the lease is lost."""
        self._update(job.job_id, [JobItem.progress.set(progress)], held_by(job))

    def release(self, job: Job) -> None:
        """Give a lease back, so that the next delivery need not wait for its end; without effect when it is lost."""
        actions = [
            JobItem.state.set(JobState.UPLOADED.value),
            *lease_over(),
            *_stamp(job.job_id, JobState.UPLOADED, clock.iso(self.now())),
        ]
        self._update(job.job_id, actions, (JobItem.state == JobState.CALIBRATING.value) & held_by(job))

    def wait_for_reference(self, job: Job, error: dict[str, str], retry_after: float) -> None:
        """Put an upload aside until reference stars can be had. Waiting is no attempt: the count starts again.

        Parameters
        ----------
        job
            As claimed.
        error
            Code, message and hint, to be shown meanwhile.
        retry_after
            Unix seconds.
        """
        now = clock.iso(self.now())
        waiting = JobState.WAITING_REFERENCE
        outcome = Outcome(job_id=job.job_id, revision=job.revision, state=waiting, finished=now, error=error)
        if job.outcome is not None and has_result(job):
            outcome = job.outcome  # that holds while a later revision waits
        actions = [
            JobItem.state.set(waiting.value),
            JobItem.attempt.set(0),
            *lease_over(),
            JobItem.retry_after.set(retry_after),
            JobItem.outcome.set(serial.dumps(outcome).decode()),
            *_stamp(job.job_id, waiting, now),
        ]
        self._update(job.job_id, actions, is_open() & held_by(job))

    def finish(self, job: Job, outcome: Outcome) -> Outcome:
        """Bring an upload to its end, whatever it is; the outcome must be in S3 already.

        Returns
        -------
        Outcome
            As stored: with ``existing_id`` where the same file had made a point before, with state DELETED where the
            point has been deleted since. After a lost reply, the outcome that was stored then.

        Raises
        ------
        StorageConflict
            The lease is somebody else's by now.
        UnknownJob, UnknownEvent
            It is not there.
        """
        return self.index.finish(job, outcome)

    def ask_again(self, asked: Asked) -> Job | None:
        """Let an upload that is at its end be calibrated once more, and put it into the queue.

        That it was asked for goes to S3 first. Doing it again changes nothing, but sends the message again while
        nobody is at it: it may have been lost.

        Parameters
        ----------
        asked
            Its ``revision`` is the one after the upload's.

        Returns
        -------
        Job or None
            The upload as it stands; None when it has been deleted, or is not as far as the revision before.

        Raises
        ------
        UnknownJob
            There is none of that id.
        """
        held = self.files.write_asked(asked)
        actions = [
            JobItem.state.set(JobState.UPLOADED.value),
            JobItem.revision.set(held.revision),
            JobItem.asked.set(held.asked),
            JobItem.attempt.set(0),
            *lease_over(),
            JobItem.retry_after.set(0),
            *_stamp(asked.job_id, JobState.UPLOADED, held.asked),
        ]
        at_end = JobItem.state.is_in(*(state.value for state in RECALIBRATED))
        job = self._update(asked.job_id, actions, at_end & (JobItem.revision == held.revision - 1))
        job = job if job is not None else self.get(asked.job_id)
        if job.state is JobState.DELETED or job.revision < held.revision:
            return None
        if job.revision == held.revision and job.state is JobState.UPLOADED:
            self.queue.send(job.job_id)
        return job

    def figures_ready(self, job_id: str) -> None:
        """Note that figures and public documents of what holds are written: nothing is left to do.

        Raises
        ------
        UnknownJob
            There is none of that id.
        """
        published = _shown(self.get(job_id))
        self.files.write_published(job_id, published)

        def step() -> None:
            job = self.get(job_id)
            if _shown(job) != published:  # a later revision has ended meanwhile, and has its own figures
                return
            actions: list[Action] = [JobItem.figures_ready.set(True), JobItem.g1pk.set(keys.jobs_in(job.state))]
            seen = (JobItem.state == job.state.value) & (JobItem.revision == job.revision)
            self.models.jobs(keys.job(job_id), keys.META).update(actions, seen)

        until_settled(f"The upload {job_id}", step)

    def in_state(self, state: JobState, older_than_s: float = 0.0) -> list[Job]:
        """Return uploads that have been in a state for so long, oldest first (`MOST_SWEPT` at most)."""
        return self._listed(keys.jobs_in(state), older_than_s)

    def unpublished(self, older_than_s: float = 0.0) -> list[Job]:
        """Return uploads that are done, but whose figures and public documents are not written; oldest first."""
        return self._listed(keys.UNPUBLISHED, older_than_s)

    def _listed(self, partition: str, older_than_s: float) -> list[Job]:
        until = clock.iso(self.now() - older_than_s) + "$"  # "$" follows "#": all of that second too
        items = self.models.jobs.query(partition, JobItem.g1sk < until, index_name=GSI1, scan_index_forward=True)
        return [job_record(item) for item in islice(items, MOST_SWEPT)]

    def _update(self, job_id: str, actions: Sequence[Action], condition: Condition) -> Job | None:
        """Change an upload; None when the condition does not hold, or there is none."""
        item = self.models.jobs(keys.job(job_id), keys.META)
        try:
            item.update(actions=list(actions), condition=condition)
        except UpdateError as error:
            if condition_failed(error):
                return None
            raise
        return job_record(item)


def _shown(job: Job) -> int:
    """Return the revision whose result an upload shows."""
    return job.outcome.revision if job.outcome is not None else job.revision


def _stamp(job_id: str, state: JobState, now: str) -> list[Action]:
    return [
        JobItem.updated.set(now),
        JobItem.g1pk.set(keys.jobs_in(state)),
        JobItem.g1sk.set(f"{now}#{job_id}"),
    ]


def job_item(models: Models, job: Job) -> JobItem:
    """Return what the table holds of an upload."""
    return models.jobs(
        keys.job(job.job_id),
        keys.META,
        g1pk=keys.jobs_in(job.state, figures_ready=job.figures_ready),
        g1sk=keys.job_order(job),
        g2pk=keys.jobs_for(job.request.event),
        g2sk=keys.job_age(job),
        g3pk=keys.jobs_by(job.request.key_id),
        g3sk=keys.job_age(job),
        **job_attributes(job),
    )
