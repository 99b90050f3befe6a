"""The two transactions that change a light curve: a calibration's end, and a deletion.

Both follow what S3 holds already (the outcome, the tombstone), and both can be done again: after a crash, a lost reply
or a second delivery they find their own work done and say what was stored.

Which of several points of one event, observatory, time and passband is the current one does not depend on the order
in which they arrive: the highest number wins, and numbers are given out before the outcome is written. Hence the table
that `cpcs.storage.reindex` makes from S3 is the one that was lost.

The telescope memory (`cpcs.storage.colour_terms`) holds what the frames of current points say, and of no other: the
same exposure, reduced again, must not count twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from cpcs import clock, serial
from cpcs.errors import Forbidden, StorageConflict, UnknownEvent, UnknownJob, UnknownPoint
from cpcs.records import ApiKey, ColourFrame, Event, FollowupPoint, Job, JobState, Outcome, UploadRequest

from . import colour_terms, keys
from .files import Files, Tombstone
from .models import (
    EventItem,
    JobItem,
    Models,
    ObservatoryItem,
    PointItem,
    PointRefItem,
    UniqueItem,
    attributes,
    find,
    job_record,
    record,
)
from .transactions import until_settled


class _Rank(Enum):
    """What a new point is among those of the same event, observatory, time and passband."""

    FIRST = "first"  # or the others are deleted
    NEWER = "newer"  # takes the place of the current one
    OLDER = "older"  # came late: a newer one is, or was, there


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A point that was deleted."""

    followup_id: int
    event: str  # event key
    deleted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What joins points, events, observatories and jobs."""

    models: Models
    files: Files
    now: Callable[[], float] = time.time

    # --- a calibration's end ----------------------------------------------------------------------

    def finish(self, job: Job, outcome: Outcome) -> Outcome:
        """Bring an upload to its end; see `cpcs.storage.jobs.Jobs.finish`."""
        return until_settled(f"The upload {job.job_id}", lambda: self._finish(job, outcome))

    def _finish(self, job: Job, outcome: Outcome) -> Outcome:
        item = find(self.models.jobs, keys.job(job.job_id), keys.META)
        if item is None:
            raise UnknownJob(job_id=job.job_id)
        current = job_record(item)
        if current.state.is_terminal:
            return _as_stored(current, outcome)
        if current.lease_owner != job.lease_owner:
            raise StorageConflict(what=f"The upload {job.job_id}")
        if not makes_point(current.request, outcome):
            return self._end(current, outcome)
        point = point_of(outcome)
        holder = find(self.models.uniques, keys.unique(point), keys.UQ)
        existing = self._existing(outcome, point, holder)
        if existing is not None:
            return self._end(current, self._duplicate(outcome, existing))
        self._add(current, outcome, point, holder)
        return outcome

    def _end(self, job: Job, outcome: Outcome) -> Outcome:
        item = self.models.jobs(keys.job(job.job_id), keys.META)
        item.update(actions=end_actions(job, outcome), condition=is_open() & held_by(job))
        return outcome

    def _existing(self, outcome: Outcome, point: FollowupPoint, holder: UniqueItem | None) -> int | None:
        """Return the number of the point that the same file has made before, or None."""
        noted = self.files.read_duplicate(outcome.job_id, outcome.revision)
        if noted is not None or holder is None or holder.deleted or holder.input_sha256 != point.input_sha256:
            return noted
        return self.files.write_duplicate(outcome.job_id, outcome.revision, int(holder.holder))

    def _duplicate(self, outcome: Outcome, existing_id: int) -> Outcome:
        """Return the outcome of an upload whose file had made a point before: that point, not a new one."""
        ref = find(self.models.point_refs, keys.point_ref(existing_id), keys.REF)
        first = self.files.read_outcome(ref.job_id, int(ref.revision)) if ref is not None else None
        return as_duplicate(outcome, existing_id, first)

    def _add(self, job: Job, outcome: Outcome, point: FollowupPoint, holder: UniqueItem | None) -> None:
        """Write the one transaction of a calibration."""
        event = self._event(point.event)
        rank = _rank(point, holder)
        if rank is _Rank.OLDER and holder is not None:
            point = replace(point, superseded_by=int(holder.holder))
        item = point_item(self.models, point)
        with TransactWrite(connection=self.models.table.connection) as transaction:
            transaction.save(item, condition=PointItem.pk.does_not_exist())
            transaction.save(point_ref(self.models, point), condition=PointRefItem.pk.does_not_exist())
            transaction.update(
                self.models.events(keys.event(event.key), keys.META),
                _event_gains(event, counted=rank is _Rank.FIRST),
                EventItem.pk.exists(),
            )
            transaction.update(
                self.models.jobs(keys.job(job.job_id), keys.META),
                end_actions(job, outcome),
                is_open() & held_by(job),
            )
            if rank is not _Rank.OLDER:
                unique = unique_item(self.models, point, learned=outcome.learned)
                transaction.save(unique, condition=_as_seen(holder))
                self._learn(transaction, point, outcome.learned, instead_of=holder)
            if rank is _Rank.FIRST:
                transaction.update(
                    self.models.observatories(keys.observatory(point.observatory_id), keys.META),
                    [ObservatoryItem.n_observations.add(1)],
                    ObservatoryItem.pk.exists(),
                )
            if rank is _Rank.NEWER and holder is not None:
                transaction.update(
                    self.models.points(keys.event(holder.event), holder.point),
                    _supersede(point.followup_id),
                    PointItem.pk.exists() & PointItem.superseded_by.does_not_exist(),
                )

    def _learn(
        self,
        transaction: TransactWrite,
        point: FollowupPoint,
        frame: ColourFrame | None,
        *,
        instead_of: UniqueItem | None,
    ) -> None:
        """Put into the memory what a point's frame says, in the place of what the point before it said."""
        place = keys.colour_frame(frame) if frame is not None else None
        if frame is not None:
            transaction.save(colour_terms.item_of(self.models, frame))
        if instead_of is not None and instead_of.learned not in {None, place}:
            self._forget(transaction, point, instead_of.learned)

    def _forget(self, transaction: TransactWrite, point: FollowupPoint, place: str) -> None:
        transaction.delete(self.models.colour_frames(keys.colour_terms(point.observatory_id), place))

    # --- a deletion -------------------------------------------------------------------------------

    def delete(self, followup_id: int, key: ApiKey) -> Deletion:
        """Delete a point; see `cpcs.storage.points.Points.delete`."""
        ref = self._ref(followup_id)
        if not key.is_admin and key.observatory_id != ref.observatory_id:
            raise Forbidden(reason="the point belongs to another observatory")
        tombstone = self.files.write_tombstone(
            Tombstone(
                followup_id=followup_id,
                job_id=ref.job_id,
                event=ref.event,
                deleted=clock.iso(self.now()),
                key_id=key.key_id,
            )
        )
        until_settled(f"The follow-up point {followup_id}", lambda: self._delete(tombstone))
        return Deletion(followup_id=followup_id, event=ref.event, deleted=tombstone.deleted)

    def _delete(self, tombstone: Tombstone) -> None:
        ref = self._ref(tombstone.followup_id)
        item = find(self.models.points, keys.event(ref.event), ref.point)
        if ref.deleted or item is None:
            return
        point = record(FollowupPoint, item)
        event = self._event(point.event)
        current = point.superseded_by is None
        holder = find(self.models.uniques, keys.unique(point), keys.UQ) if current else None
        unchanged = PointItem.superseded_by.does_not_exist() if current else PointItem.superseded_by.exists()
        with TransactWrite(connection=self.models.table.connection) as transaction:
            transaction.delete(item, condition=PointItem.pk.exists() & unchanged)
            transaction.update(
                ref, [PointRefItem.deleted.set(tombstone.deleted)], PointRefItem.deleted.does_not_exist()
            )
            transaction.update(
                self.models.jobs(keys.job(point.job_id), keys.META),
                _delete_job(point.job_id, tombstone),
                JobItem.pk.exists(),
            )
            transaction.update(
                self.models.events(keys.event(event.key), keys.META),
                _event_loses(event, counted=current),
                EventItem.version == event.version,
            )
            if current:
                transaction.update(
                    self.models.uniques(keys.unique(point), keys.UQ),
                    [UniqueItem.deleted.set(True), UniqueItem.learned.remove()],
                    UniqueItem.holder == point.followup_id,
                )
                if holder is not None and holder.learned is not None:
                    self._forget(transaction, point, holder.learned)
                transaction.update(
                    self.models.observatories(keys.observatory(point.observatory_id), keys.META),
                    [ObservatoryItem.n_observations.add(-1)],
                    ObservatoryItem.pk.exists(),
                )

    # --- what is there ----------------------------------------------------------------------------

    def _event(self, event_key: str) -> Event:
        item = find(self.models.events, keys.event(event_key), keys.META)
        if item is None:
            raise UnknownEvent(event=event_key)
        return record(Event, item)

    def _ref(self, followup_id: int) -> PointRefItem:
        ref = find(self.models.point_refs, keys.point_ref(followup_id), keys.REF)
        if ref is None:
            raise UnknownPoint(followup_id=followup_id)
        return ref


def makes_point(request: UploadRequest, outcome: Outcome) -> bool:
    """Whether this outcome adds to a light curve: not a refusal, not a dry run."""
    return outcome.state is JobState.DONE and outcome.point is not None and not request.dry_run


def point_of(outcome: Outcome) -> FollowupPoint:
    """Return the point of an outcome that `makes_point`."""
    if outcome.point is None:
        raise ValueError(f"the outcome of {outcome.job_id} has no point")
    return outcome.point


def as_duplicate(outcome: Outcome, existing_id: int, first: Outcome | None) -> Outcome:
    """Return the outcome of a file that was sent before, showing the point that it made then."""
    point = first.point if first is not None else None
    return replace(outcome, existing_id=existing_id, point=point or outcome.point)


def is_open() -> Condition:
    """Return the condition that an upload is not at its end."""
    return JobItem.state.is_in(*(state.value for state in JobState if not state.is_terminal))


def held_by(job: Job) -> Condition:
    """Return the condition that an upload is leased to whom it was when it was read (or to nobody)."""
    return JobItem.lease_owner == job.lease_owner if job.lease_owner else JobItem.lease_owner.does_not_exist()


def end_actions(job: Job, outcome: Outcome) -> list[Action]:
    """Return what changes in an upload that comes to its end."""
    return [
        JobItem.state.set(outcome.state.value),
        JobItem.updated.set(outcome.finished),
        JobItem.revision.set(outcome.revision),
        JobItem.outcome.set(serial.dumps(outcome).decode()),
        JobItem.lease_until.set(0),
        JobItem.lease_owner.remove(),
        JobItem.retry_after.set(0),
        JobItem.figures_ready.set(False),
        JobItem.g1pk.set(keys.jobs_in(outcome.state, figures_ready=False)),
        JobItem.g1sk.set(f"{outcome.finished}#{job.job_id}"),
    ]


def point_item(models: Models, point: FollowupPoint) -> PointItem:
    """Return what the table holds of a point; one that is superseded is in no list."""
    item = models.points(keys.event(point.event), keys.point(point), **attributes(point))
    if point.superseded_by is None:
        order = keys.point_order(point)
        item.g1pk, item.g1sk = keys.points_of(keys.year(point.calibrated_at)), order
        item.g2pk, item.g2sk = keys.points_at(point.observatory_id), order
        item.g3pk, item.g3sk = keys.points_by(point.key_id), order
    return item


def point_ref(models: Models, point: FollowupPoint, deleted: str | None = None) -> PointRefItem:
    """Return the item that leads from a point's number to the point."""
    return models.point_refs(
        keys.point_ref(point.followup_id),
        keys.REF,
        event=point.event,
        point=keys.point(point),
        observatory_id=point.observatory_id,
        job_id=point.job_id,
        revision=point.revision,
        deleted=deleted,
    )


def unique_item(
    models: Models, point: FollowupPoint, *, deleted: bool = False, learned: ColourFrame | None = None
) -> UniqueItem:
    """Return the item that makes a point the only one of its event, observatory, time and passband."""
    return models.uniques(
        keys.unique(point),
        keys.UQ,
        holder=point.followup_id,
        event=point.event,
        point=keys.point(point),
        input_sha256=point.input_sha256,
        deleted=deleted,
        learned=keys.colour_frame(learned) if learned is not None and not deleted else None,
    )


def _as_stored(job: Job, outcome: Outcome) -> Outcome:
    """Return how an upload ended that is at its end already."""
    stored = job.outcome or outcome
    return replace(stored, state=JobState.DELETED) if job.state is JobState.DELETED else stored


def _rank(point: FollowupPoint, holder: UniqueItem | None) -> _Rank:
    if holder is None:
        return _Rank.FIRST
    if holder.holder > point.followup_id:
        return _Rank.OLDER
    return _Rank.FIRST if holder.deleted else _Rank.NEWER


def _as_seen(holder: UniqueItem | None) -> Condition:
    if holder is None:
        return UniqueItem.pk.does_not_exist()
    same: Condition = (UniqueItem.holder == holder.holder) & (UniqueItem.deleted == holder.deleted)
    return same


def _event_gains(event: Event, *, counted: bool) -> list[Action]:
    actions: list[Action] = [EventItem.version.add(1)]
    if counted:
        actions += [
            EventItem.n_followups.add(1),
            EventItem.g2pk.set(keys.observed_of(keys.year(event.published))),
            EventItem.g2sk.set(keys.event_order(event)),
        ]
    return actions


def _event_loses(event: Event, *, counted: bool) -> list[Action]:
    actions: list[Action] = [EventItem.version.add(1)]
    if counted:
        actions.append(EventItem.n_followups.add(-1))
        if event.n_followups <= 1:
            actions += [EventItem.g2pk.remove(), EventItem.g2sk.remove()]
    return actions


def _supersede(followup_id: int) -> list[Action]:
    places = (PointItem.g1pk, PointItem.g1sk, PointItem.g2pk, PointItem.g2sk, PointItem.g3pk, PointItem.g3sk)
    return [PointItem.superseded_by.set(followup_id), *(place.remove() for place in places)]


def _delete_job(job_id: str, tombstone: Tombstone) -> list[Action]:
    return [
        JobItem.state.set(JobState.DELETED.value),
        JobItem.updated.set(tombstone.deleted),
        JobItem.g1pk.set(keys.jobs_in(JobState.DELETED)),
        JobItem.g1sk.set(f"{tombstone.deleted}#{job_id}"),
    ]
