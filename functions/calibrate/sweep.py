"""Looking after the jobs that nobody is at: those whose event was lost, whose worker died, or that wait.

Runs every few minutes by schedule, and on demand. It only puts jobs back into the queue (claiming decides who works)
or ends those that cannot end by themselves, so running it twice at once does no harm.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from cpcs import clock
from cpcs.errors import CpcsError
from cpcs.records import Job, JobState, Outcome
from cpcs.storage import Store

LOST_AFTER_S = 15 * 60.0  # a presigned form is good for as long
ABANDONED_AFTER_S = 24 * 3600.0
LONGEST_WAIT_S = 14 * 24 * 3600.0
MOST_ATTEMPTS = 8


@dataclass(slots=True)
class Swept:
    """What one round did."""

    queued: int = 0
    failed: int = 0
    unfinished: int = 0


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
        How many jobs were put back into the queue, ended, or left as they are.
    """
    now = time.time() if now is None else now
    swept = Swept()
    for state in (JobState.CREATED, JobState.UPLOADED, JobState.CALIBRATING, JobState.WAITING_REFERENCE):
        wait = 0.0 if state is JobState.WAITING_REFERENCE else lost_after_s
        for job in store.jobs.in_state(state, older_than_s=wait):
            _look_at(store, job, now, swept)
    for job in store.jobs.unpublished(older_than_s=lost_after_s):
        store.queue.send(job.job_id)
        swept.queued += 1
    logger.info("swept", extra={"queued": swept.queued, "failed": swept.failed, "unfinished": swept.unfinished})
    return swept


def _look_at(store: Store, job: Job, now: float, swept: Swept) -> None:
    if job.state is JobState.CREATED and not store.files.upload_exists(job.job_id):
        # The observer never sent the file; the form has long expired.
        if clock.unix(job.request.created) < now - ABANDONED_AFTER_S:
            _fail(store, job, now, swept)
        else:
            swept.unfinished += 1
    elif _held_until(job) > now:
        swept.unfinished += 1
    elif _hopeless(job, now):
        _fail(store, job, now, swept)
    else:
        store.queue.send(job.job_id)
        swept.queued += 1


def _held_until(job: Job) -> float:
    """Return the time (Unix seconds) before which the job is somebody's, or waits on purpose."""
    if job.state is JobState.CALIBRATING:
        return job.lease_until
    return job.retry_after if job.state is JobState.WAITING_REFERENCE else 0.0


def _hopeless(job: Job, now: float) -> bool:
    if job.state is JobState.WAITING_REFERENCE:
        return clock.unix(job.request.created) < now - LONGEST_WAIT_S
    return job.attempt >= MOST_ATTEMPTS


def _fail(store: Store, job: Job, now: float, swept: Swept) -> None:
    outcome = Outcome(
        job_id=job.job_id,
        revision=job.revision,
        state=JobState.FAILED,
        finished=clock.iso(now),
        error=(job.outcome.error if job.outcome else None) or CpcsError().as_dict(),
    )
    store.jobs.fail(job, store.files.write_outcome(outcome))
    swept.failed += 1
