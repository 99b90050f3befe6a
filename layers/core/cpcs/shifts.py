"""What a calibration done again has shifted: one row for each upload, and a summary.

``shift`` is the new magnitude less the old one, ``zero_point_shift`` likewise. Where the passband has changed, a shift
is for the most part the star's colour: the summary leaves such rows out of its median and its largest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from cpcs.records import Entry, FollowupPoint, Job, JobState, Outcome


class Progress(StrEnum):
    """How far a recalibration of one upload is."""

    WAITING = "WAITING"
    DONE = "DONE"
    REFUSED = "REFUSED"  # what was there before holds
    DELETED = "DELETED"  # taken back meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A row of the table of shifts. Magnitudes in mag; None where there was, or is, none."""

    job_id: str
    revision: int
    event: str  # as shown
    observatory_id: int
    observatory: str  # "" where no revision made a result
    mjd: float
    progress: Progress
    passband_before: str | None
    passband: str | None
    mag_before: float | None
    mag: float | None
    shift: float | None  # None also between a limit and a detection
    zero_point_before: float | None
    zero_point: float | None
    zero_point_shift: float | None
    refused_before: str | None  # the code
    refused: str | None

    @property
    def has_other_passband(self) -> bool:
        """Whether both revisions have a passband, and not the same."""
        return None not in (self.passband_before, self.passband) and self.passband_before != self.passband


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The table in a few numbers. ``median_shift`` and ``largest_shift`` are absolute, within the same passband."""

    n: int
    done: int
    refused: int
    waiting: int
    deleted: int
    passband_changed: int
    n_shifts: int  # rows that median and largest are taken over
    median_shift: float | None
    largest_shift: float | None


def shift(entry: Entry, job: Job, before: Outcome | None, after: Outcome | None) -> Shift:
    """Return the row of one upload.

    Parameters
    ----------
    entry
        Which revisions are compared.
    job
        The upload as it stands.
    before
        How the revision that held before had ended.
    after
        How the new one has ended; None while it has not.
    """
    old, new = _point(before), _point(after)
    known = new or old
    alike = old is not None and new is not None and old.is_limit == new.is_limit
    return Shift(
        job_id=entry.job_id,
        revision=entry.revision,
        event=known.event_name if known else job.request.event,
        observatory_id=job.request.observatory_id,
        observatory=known.observatory if known else "",
        mjd=job.request.mjd,
        progress=progress(entry, job, after),
        passband_before=old.passband if old else None,
        passband=new.passband if new else None,
        mag_before=old.mag if old else None,
        mag=new.mag if new else None,
        shift=new.mag - old.mag if alike and old and new else None,
        zero_point_before=old.zero_point if old else None,
        zero_point=new.zero_point if new else None,
        zero_point_shift=new.zero_point - old.zero_point if old and new else None,
        refused_before=_code(before),
        refused=_code(after),
    )


def is_through(entry: Entry, job: Job) -> bool:
    """Whether nothing more will happen to a revision."""
    return (
        job.state is JobState.DELETED
        or job.revision > entry.revision
        or (job.revision == entry.revision and job.state.is_terminal)
    )


def progress(entry: Entry, job: Job, after: Outcome | None) -> Progress:
    """Return how far one upload is."""
    if job.state is JobState.DELETED:
        return Progress.DELETED
    if after is None or not is_through(entry, job):
        return Progress.WAITING
    return Progress.DONE if after.state is JobState.DONE else Progress.REFUSED


def summary(rows: Sequence[Shift]) -> Summary:
    """Return the table in a few numbers."""
    count = Counter(row.progress for row in rows)
    sizes = [abs(row.shift) for row in rows if row.shift is not None and not row.has_other_passband]
    return Summary(
        n=len(rows),
        done=count[Progress.DONE],
        refused=count[Progress.REFUSED],
        waiting=count[Progress.WAITING],
        deleted=count[Progress.DELETED],
        passband_changed=sum(row.has_other_passband for row in rows),
        n_shifts=len(sizes),
        median_shift=median(sizes) if sizes else None,
        largest_shift=max(sizes, default=None),
    )


def _point(outcome: Outcome | None) -> FollowupPoint | None:
    return outcome.point if outcome is not None else None


def _code(outcome: Outcome | None) -> str | None:
    return outcome.error.get("code") if outcome is not None and outcome.error else None
