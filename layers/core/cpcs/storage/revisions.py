"""What the calibrations of one upload are to each other, and its points to those of other uploads: the rules.

An upload stands among others under the number of its first point, whatever its later revisions are numbered: so a
recalibration of an older upload never takes the place of a younger one, whichever is done first. Of one upload, the
newest revision that made a point counts. A refusal never takes the place of a result. All of this follows from what is
in S3, in any order: `cpcs.storage.index` and `cpcs.storage.reindex` come to the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from cpcs.records import FollowupPoint, Job, JobState, Outcome

from . import keys
from .models import PointItem, UniqueItem, record


class Rank(Enum):
    """What a new point is among those of the same event, observatory, time and passband."""

    FIRST = "first"  # or the others are deleted
    NEWER = "newer"  # takes the place of the current one
    OLDER = "older"  # came late: a newer one is, or was, there


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a new point comes to stand, and what it moves.

    Attributes
    ----------
    rank
        Among those of the same event, observatory, time and passband.
    first
        The number under which its upload stands.
    superseded_by
        The number of the point that is current in its stead, if it is not.
    overtakes
        The points that are superseded by it, as they are now.
    vacates
        The place that its upload had among those of another passband, which is nobody's now.
    """

    rank: Rank
    first: int
    superseded_by: int | None
    overtakes: tuple[FollowupPoint, ...]
    vacates: FollowupPoint | None

    @property
    def gain(self) -> int:
        """By how many current points the event has more."""
        return (self.rank is Rank.FIRST) - (self.vacates is not None)


def place(
    job: Job,
    point: FollowupPoint,
    holder: UniqueItem | None,
    held: PointItem | None,
    before: PointItem | None,
) -> Place:
    """Return where a new point comes to stand.

    Parameters
    ----------
    job
        Its upload, without the new point.
    point
        The new point.
    holder
        Who holds its event, observatory, time and passband.
    held
        The holder's point; None where it is not there.
    before
        The point of the upload's revision before; None where it made none.
    """
    first = job.points[0] if job.points else point.followup_id
    rank = _rank((first, point.followup_id), holder)
    own = record(FollowupPoint, before) if before is not None else None
    stays = own is not None and keys.unique(own) == keys.unique(point)
    superseded_by = int(holder.holder) if rank is Rank.OLDER and holder is not None else None
    if rank is Rank.OLDER and stays and own is not None:
        superseded_by = (
            own.superseded_by or superseded_by
        )  # whoever has taken the place of the one before, has taken this one's
    overtakes = [own] if own is not None else []
    if rank is Rank.NEWER and held is not None and (own is None or int(held.followup_id) != own.followup_id):
        overtakes.append(record(FollowupPoint, held))
    is_current = own is not None and own.superseded_by is None
    return Place(
        rank=rank,
        first=first,
        superseded_by=superseded_by,
        overtakes=tuple(overtakes),
        vacates=own if is_current and not stays else None,
    )


def _rank(number: tuple[int, int], holder: UniqueItem | None) -> Rank:
    if holder is None:
        return Rank.FIRST
    if (int(holder.first or holder.holder), int(holder.holder)) > number:
        return Rank.OLDER
    return Rank.FIRST if holder.deleted else Rank.NEWER


def has_result(job: Job) -> bool:
    """Whether a revision of this upload has ended well, so that its outcome is one to keep."""
    return job.outcome is not None and job.outcome.state is JobState.DONE


def ended(job: Job, outcome: Outcome) -> Job:
    """Return an upload as it is once its newest revision has ended so.

    A refusal after a result changes nothing but the time: what held before holds on.
    """
    if outcome.state is not JobState.DONE and has_result(job):
        return replace(job, state=JobState.DONE, updated=outcome.finished)
    return replace(job, state=outcome.state, updated=outcome.finished, outcome=outcome, figures_ready=False)
