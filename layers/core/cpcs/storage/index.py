"""The two transactions that change a light curve: a calibration's end, and a deletion.

Both follow what S3 holds already (the outcome, the tombstone), and both can be done again: after a crash, a lost reply
or a second delivery they find their own work done and say what was stored.

Which of several points of one event, observatory, time and passband is the current one does not depend on the order
in which they arrive: the youngest upload's newest revision wins, by numbers that are given out before the outcome is
written (`cpcs.storage.revisions`). Hence the table that `cpcs.storage.reindex` makes from S3 is the one that was lost.

The telescope memory (`cpcs.storage.colour_terms`) holds what the frames of current points say, and of no other: the
same exposure, reduced again, must not count twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from cpcs import clock, serial
from cpcs.errors import Forbidden, StorageConflict, UnknownEvent, UnknownJob, UnknownPoint
from cpcs.records import ApiKey, ColourFrame, Event, FollowupPoint, Job, JobState, Outcome, UploadRequest

from . import colour_terms, keys, revisions
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
from .revisions import Rank
from .transactions import LookAgain, until_settled


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
        current = job_record(self._job(job.job_id))
        if current.state.is_terminal:
            return _as_stored(current, outcome)
        if (current.revision, current.lease_owner) != (job.revision, job.lease_owner):
            raise StorageConflict(what=f"The upload {job.job_id}")
        if not makes_point(current.request, outcome):
            return self._end(current, outcome)
        point = point_of(outcome)
        holder = self._place_of(point)
        existing = self._existing(outcome, point, holder) if not current.points else None
        if existing is not None:
            return self._end(current, self._duplicate(outcome, existing))
        self._add(current, outcome, point, holder)
        return outcome

    def _end(self, job: Job, outcome: Outcome) -> Outcome:
        item = self.models.jobs(keys.job(job.job_id), keys.META)
        after = revisions.ended(job, outcome)
        item.update(actions=end_actions(after), condition=is_open() & held_by(job))
        return after.outcome or outcome

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
        held = find(self.models.points, keys.event(holder.event), holder.point) if holder is not None else None
        place = revisions.place(job, point, holder, held, self._before(job))
        vacated = self._place_of(place.vacates) if place.vacates is not None else None
        after = replace(revisions.ended(job, outcome), points=(*job.points, point.followup_id))
        item = point_item(self.models, replace(point, superseded_by=place.superseded_by))
        with TransactWrite(connection=self.models.table.connection) as transaction:
            transaction.save(item, condition=PointItem.pk.does_not_exist())
            transaction.save(point_ref(self.models, point), condition=PointRefItem.pk.does_not_exist())
            transaction.update(
                self.models.events(keys.event(event.key), keys.META),
                _event_changes(event, gain=place.gain),
                EventItem.version == event.version if place.gain < 0 else EventItem.pk.exists(),
            )
            transaction.update(
                self.models.jobs(keys.job(job.job_id), keys.META),
                end_actions(after),
                is_open() & held_by(job),
            )
            if place.rank is not Rank.OLDER:
                unique = unique_item(self.models, point, place.first, learned=outcome.learned)
                transaction.save(unique, condition=_as_seen(holder))
            if place.gain:
                transaction.update(
                    self.models.observatories(keys.observatory(point.observatory_id), keys.META),
                    [ObservatoryItem.n_observations.add(place.gain)],
                    ObservatoryItem.pk.exists(),
                )
            for other in place.overtakes:
                transaction.update(
                    self.models.points(keys.event(other.event), keys.point(other)),
                    _supersede(point.followup_id),
                    _unchanged(other),
                )
            if place.vacates is not None:
                transaction.update(*self._vacate(place.vacates))
            if place.rank is Rank.OLDER:
                self._learn(transaction, point, None, [vacated])
            else:
                self._learn(transaction, point, outcome.learned, [holder, vacated])

    def _before(self, job: Job) -> PointItem | None:
        """Return the point of an upload's revision before, or None where it made none."""
        ref = find(self.models.point_refs, keys.point_ref(job.points[-1]), keys.REF) if job.points else None
        return find(self.models.points, keys.event(ref.event), ref.point) if ref is not None else None

    def _place_of(self, point: FollowupPoint) -> UniqueItem | None:
        """Return who holds a point's event, observatory, time and passband."""
        return find(self.models.uniques, keys.unique(point), keys.UQ)

    def _vacate(self, point: FollowupPoint) -> tuple[UniqueItem, list[Action], Condition]:
        """Return the change that gives up a current point's place."""
        place = self.models.uniques(keys.unique(point), keys.UQ)
        gone: list[Action] = [UniqueItem.deleted.set(True), UniqueItem.learned.remove()]
        return place, gone, UniqueItem.holder == point.followup_id

    def _learn(
        self,
        transaction: TransactWrite,
        point: FollowupPoint,
        frame: ColourFrame | None,
        instead_of: Iterable[UniqueItem | None],
    ) -> None:
        """Put into the memory what a current point's frame says; what those said whose place it takes goes."""
        kept = keys.colour_frame(frame) if frame is not None else None
        if frame is not None:
            transaction.save(colour_terms.item_of(self.models, frame))
        for other in instead_of:
            if other is not None and other.learned != kept:
                self._unlearn(transaction, point, other)

    def _unlearn(self, transaction: TransactWrite, point: FollowupPoint, holder: UniqueItem | None) -> None:
        """Take out of the memory what the frame of a point says that is current no more."""
        if holder is not None and holder.learned is not None:
            transaction.delete(self.models.colour_frames(keys.colour_terms(point.observatory_id), holder.learned))

    # --- a deletion -------------------------------------------------------------------------------

    def delete(self, followup_id: int, key: ApiKey) -> Deletion:
        """Delete a point; see `cpcs.storage.points.Points.delete`."""
        ref = self._ref(followup_id)
        if not key.is_admin and key.observatory_id != ref.observatory_id:
            raise Forbidden(reason="the point belongs to another observatory")
        tombstone = Tombstone(
            followup_id=followup_id,
            job_id=ref.job_id,
            event=ref.event,
            deleted=clock.iso(self.now()),
            key_id=key.key_id,
        )
        # The newest first: what came after a point that alone is said to be deleted would be lost at a reindex.
        newest = job_record(self._job(ref.job_id)).points[-1]
        for number in dict.fromkeys((newest, followup_id)):
            tombstone = self.files.write_tombstone(replace(tombstone, followup_id=number))
        until_settled(f"The follow-up point {followup_id}", lambda: self._delete(tombstone))
        return Deletion(followup_id=followup_id, event=ref.event, deleted=tombstone.deleted)

    def _delete(self, asked: Tombstone) -> None:
        """Take back an upload whose point is to be deleted: with all its points, the newest last."""
        there = self._job(asked.job_id)
        job = job_record(there)
        if job.state is JobState.DELETED:
            return
        newest = job.points[-1]
        tombstone = asked
        if newest != asked.followup_id:  # a revision has taken its place: the record must say that it is gone too
            tombstone = self.files.write_tombstone(replace(asked, followup_id=newest))
        for followup_id in job.points[:-1]:
            self._forget(followup_id, tombstone.deleted)
        ref = self._ref(newest)
        item = find(self.models.points, keys.event(ref.event), ref.point)
        if item is None:  # somebody else deletes it at this moment, or a later revision with it
            raise LookAgain
        point = record(FollowupPoint, item)
        event = self._event(point.event)
        current = point.superseded_by is None
        vacated = self._place_of(point) if current else None
        with TransactWrite(connection=self.models.table.connection) as transaction:
            transaction.delete(item, condition=_unchanged(point))
            transaction.update(ref, *_forgotten(tombstone.deleted))
            transaction.update(there, _delete_job(job, tombstone), _as_far(job))
            transaction.update(
                self.models.events(keys.event(event.key), keys.META),
                _event_changes(event, gain=-int(current)),
                EventItem.version == event.version,
            )
            if current:
                transaction.update(*self._vacate(point))
                self._unlearn(transaction, point, vacated)
                transaction.update(
                    self.models.observatories(keys.observatory(point.observatory_id), keys.META),
                    [ObservatoryItem.n_observations.add(-1)],
                    ObservatoryItem.pk.exists(),
                )

    def _forget(self, followup_id: int, deleted: str) -> None:
        """Delete a point that a later revision of its upload has superseded."""
        ref = self._ref(followup_id)
        if ref.deleted:
            return
        with TransactWrite(connection=self.models.table.connection) as transaction:
            transaction.delete(self.models.points(keys.event(ref.event), ref.point))
            transaction.update(ref, *_forgotten(deleted))

    # --- what is there ----------------------------------------------------------------------------

    def _event(self, event_key: str) -> Event:
        item = find(self.models.events, keys.event(event_key), keys.META)
        if item is None:
            raise UnknownEvent(event=event_key)
        return record(Event, item)

    def _job(self, job_id: str) -> JobItem:
        item = find(self.models.jobs, keys.job(job_id), keys.META)
        if item is None:
            raise UnknownJob(job_id=job_id)
        return item

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
    """Return the outcome of a file that was sent before, showing the point that it made then, and how."""
    if first is None:
        return replace(outcome, existing_id=existing_id)
    return replace(outcome, existing_id=existing_id, point=first.point or outcome.point, summary=first.summary)


def is_open() -> Condition:
    """Return the condition that an upload is not at its end."""
    return JobItem.state.is_in(*(state.value for state in JobState if not state.is_terminal))


def held_by(job: Job) -> Condition:
    """Return the condition that an upload is leased to whom it was when it was read (or to nobody)."""
    owner = JobItem.lease_owner == job.lease_owner if job.lease_owner else JobItem.lease_owner.does_not_exist()
    held: Condition = owner & (JobItem.revision == job.revision)
    return held


def lease_over() -> list[Action]:
    """Return what changes in an upload that nobody holds any longer."""
    return [JobItem.lease_until.set(0), JobItem.lease_owner.remove(), JobItem.progress.remove()]


def end_actions(after: Job) -> list[Action]:
    """Return what changes in an upload that comes to its end, and is ``after`` it as given."""
    actions: list[Action] = [
        JobItem.state.set(after.state.value),
        JobItem.updated.set(after.updated),
        *lease_over(),
        JobItem.retry_after.set(0),
        JobItem.figures_ready.set(after.figures_ready),
        JobItem.g1pk.set(keys.jobs_in(after.state, figures_ready=after.figures_ready)),
        JobItem.g1sk.set(keys.job_order(after)),
    ]
    if after.outcome is not None:
        actions.append(JobItem.outcome.set(serial.dumps(after.outcome).decode()))
    if after.points:
        actions.append(JobItem.points.set(list(after.points)))
    return actions


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
    models: Models, point: FollowupPoint, first: int, *, deleted: bool = False, learned: ColourFrame | None = None
) -> UniqueItem:
    """Return the item that makes a point the only one of its event, observatory, time and passband.

    ``first`` is the number of its upload's first point, ``learned`` what its frame says of its telescope.
    """
    return models.uniques(
        keys.unique(point),
        keys.UQ,
        holder=point.followup_id,
        first=first,
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


def _as_seen(holder: UniqueItem | None) -> Condition:
    if holder is None:
        return UniqueItem.pk.does_not_exist()
    same: Condition = (UniqueItem.holder == holder.holder) & (UniqueItem.deleted == holder.deleted)
    return same


def _unchanged(point: FollowupPoint) -> Condition:
    """Return the condition that a point is there, and superseded by whom it was (or by nobody)."""
    by = point.superseded_by
    same = PointItem.superseded_by == by if by is not None else PointItem.superseded_by.does_not_exist()
    unchanged: Condition = PointItem.pk.exists() & same
    return unchanged


def _as_far(job: Job) -> Condition:
    """Return the condition that an upload is where it was when it was read: it has no points that were not seen."""
    same: Condition = (JobItem.state == job.state.value) & (JobItem.revision == job.revision)
    return same


def _event_changes(event: Event, *, gain: int) -> list[Action]:
    """Return what changes in an event whose points change, and that has ``gain`` (-1, 0, 1) current ones more."""
    actions: list[Action] = [EventItem.version.add(1)]
    if gain:
        actions.append(EventItem.n_followups.add(gain))
    if gain > 0:
        actions += [
            EventItem.g2pk.set(keys.observed_of(keys.year(event.published))),
            EventItem.g2sk.set(keys.event_order(event)),
        ]
    elif gain < 0 and event.n_followups + gain <= 0:
        actions += [EventItem.g2pk.remove(), EventItem.g2sk.remove()]
    return actions


def _supersede(followup_id: int) -> list[Action]:
    places = (PointItem.g1pk, PointItem.g1sk, PointItem.g2pk, PointItem.g2sk, PointItem.g3pk, PointItem.g3sk)
    return [PointItem.superseded_by.set(followup_id), *(place.remove() for place in places)]


def _forgotten(deleted: str) -> tuple[list[Action], Condition]:
    """Return the change that says when a point was deleted."""
    return [PointRefItem.deleted.set(deleted)], PointRefItem.deleted.does_not_exist()


def taken_back(job: Job, tombstone: Tombstone) -> Job:
    """Return an upload once its point is deleted: a revision that was asked for and not recorded is none any more."""
    revision = job.outcome.revision if job.outcome is not None else job.revision
    return replace(job, state=JobState.DELETED, updated=tombstone.deleted, revision=revision, asked="")


def _delete_job(job: Job, tombstone: Tombstone) -> list[Action]:
    after = taken_back(job, tombstone)
    return [
        JobItem.state.set(after.state.value),
        JobItem.updated.set(after.updated),
        JobItem.revision.set(after.revision),
        JobItem.asked.remove(),
        JobItem.g1pk.set(keys.jobs_in(after.state)),
        JobItem.g1sk.set(keys.job_order(after)),
    ]
