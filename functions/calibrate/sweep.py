"""Looking after the jobs that nobody is at: those whose event was lost, whose worker died, or that wait.

Runs every few minutes by schedule, and on demand. It only puts jobs back into the queue (claiming decides who works)
or ends those that cannot end by themselves, so running it twice at once does no harm. What goes wrong with one job
keeps nobody from looking after the others. The published lists are written again: they are read off an index that
may be a moment behind when a point is published, and new events are in them only then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

from aws_lambda_powertools import Logger

from cpcs import clock
from cpcs.errors import CpcsError, NeverArrived, ReferenceUnavailable
from cpcs.publishing import publish_lists
from cpcs.records import Job, JobState, Outcome
from cpcs.storage import Store

LOST_AFTER_S = 15 * 60.0  # a presigned form is good for as long
ABANDONED_AFTER_S = 24 * 3600.0
LONGEST_WAIT_S = 14 * 24 * 3600.0
MOST_ATTEMPTS = 8


@dataclass(slots=True)
class Swept:
    """What one round did: jobs put back into the queue, ended, left as they are; and what went wrong."""

    queued: int = 0
    failed: int = 0
    unfinished: int = 0
    faults: int = 0


def sweep(store: Store, logger: Logger, *, now: float | None = None, lost_after_s: float = LOST_AFTER_S) -> Swept:
    """Go once through the jobs that are not at their end.

    Parameters
    ----------
    store
        The storage.
    logger
        Where to report.
    now
        Unix seconds; the clock when not given.
    lost_after_s
        How long a job may stand still before its event counts as lost.

    Returns
    -------
    Swept
        How many jobs were put back into the queue, ended, or left as they are, and how much went wrong.
    """
    now = time.time() if now is None else now
    swept = Swept()

    def try_to(what: str, job_id: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            logger.exception(what, extra={"job_id": job_id})
            swept.faults += 1

    for state in (JobState.CREATED, JobState.UPLOADED, JobState.CALIBRATING, JobState.WAITING_REFERENCE):
        wait = 0.0 if state is JobState.WAITING_REFERENCE else lost_after_s
        for job in store.jobs.in_state(state, older_than_s=wait):
            try_to("not looked after", job.job_id, partial(_look_at, store, job, now, swept))
    for job in store.jobs.unpublished(older_than_s=lost_after_s):
        try_to("not looked after", job.job_id, partial(_send, store, job, swept))
    try_to("the lists were not published", "", partial(publish_lists, store))
    logger.info("swept", extra=asdict(swept))
    return swept


def _look_at(store: Store, listed: Job, now: float, swept: Swept) -> None:
    job = store.jobs.get(listed.job_id)  # the list may be a moment behind
    if job.state is not listed.state:
        swept.unfinished += 1
    elif job.state is JobState.CREATED and not store.files.upload_exists(job.job_id):
        # The observer never sent the file; the form has long expired.
        if clock.unix(job.request.created) < now - ABANDONED_AFTER_S:
            _fail(store, job, NeverArrived(), now, swept)
        else:
            swept.unfinished += 1
    elif _held_until(job) > now:
        swept.unfinished += 1
    elif _hopeless(job, now):
        _fail(store, job, _why_hopeless(store, job), now, swept)
    else:
        store.jobs.uploaded(job.job_id)
        _send(store, job, swept)


def _send(store: Store, job: Job, swept: Swept) -> None:
    store.queue.send(job.job_id)
    swept.queued += 1


def _held_until(job: Job) -> float:
    """Return the time (Unix seconds) before which the job is somebody's, or waits on purpose."""
    if job.state is JobState.CALIBRATING:
        return job.lease_until
    return job.retry_after if job.state is JobState.WAITING_REFERENCE else 0.0


def _hopeless(job: Job, now: float) -> bool:
    if job.state is JobState.WAITING_REFERENCE:
        return clock.unix(job.asked or job.request.created) < now - LONGEST_WAIT_S
    return job.attempt >= MOST_ATTEMPTS


def _why_hopeless(store: Store, job: Job) -> CpcsError:
    if job.state is not JobState.WAITING_REFERENCE or _told(job):
        return CpcsError()
    event = store.events.get(job.request.event)
    days = f"none came in {LONGEST_WAIT_S / clock.SECONDS_PER_DAY:.0f} days"
    return ReferenceUnavailable(
        catalogues="the catalogues needed", ra_deg=event.ra_deg, dec_deg=event.dec_deg, reason=days
    )


def _fail(store: Store, job: Job, error: CpcsError, now: float, swept: Swept) -> None:
    """Give a job up, unless its outcome is in S3 already: then that one holds."""
    outcome = Outcome(
        job_id=job.job_id,
        revision=job.revision,
        state=JobState.FAILED,
        finished=clock.iso(now),
        error=_told(job) or error.as_dict(),
    )
    written = store.files.write_outcome(outcome)
    store.jobs.finish(job, written)
    swept.failed += written.state is JobState.FAILED


def _told(job: Job) -> dict[str, str] | None:
    """Return why the job waits, where that is known: what is kept of an earlier revision is not it."""
    waiting = job.outcome is not None and job.outcome.state is JobState.WAITING_REFERENCE
    return job.outcome.error if job.outcome is not None and waiting else None
