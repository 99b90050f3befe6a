"""Stored uploads again with the present engine: which, asked for by whom, how far they are, what shifted.

A recalibration is one object in S3, written before the first of its uploads is asked for: with the same id it can be
asked for again, after a lost reply or a crash, and only what was left undone is done. It holds so few uploads
(`cpcs.records.LARGEST_RECALIBRATION`) that every answer keeps within its time; a larger selection goes on with its
cursor, as another recalibration.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cpcs import clock, serial
from cpcs.errors import BadField, NeverArrived, UnknownJob, UnknownRecalibration
from cpcs.records import (
    LARGEST_RECALIBRATION,
    ApiKey,
    Asked,
    Entry,
    Job,
    JobState,
    Outcome,
    PassedOver,
    Reason,
    Recalibration,
    Selection,
)
from cpcs.shifts import Shift, is_through, shift

from . import keys
from .cursors import Cursors
from .files import Files
from .ids import is_safe, new_job_id
from .jobs import RECALIBRATED, Jobs
from .listing import Listing, page
from .models import GSI1, GSI2, GSI3, Models, find, job_record, record

_PAGES_SEARCHED = 20
_READERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The uploads of a selection, in part: those to be calibrated again, those that are not, where it goes on."""

    entries: tuple[Entry, ...]
    passed_over: tuple[PassedOver, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrations:
    """The recalibrations."""

    models: Models
    files: Files
    jobs: Jobs
    cursors: Cursors
    now: Callable[[], float] = time.time

    def choose(self, selection: Selection, *, limit: int = LARGEST_RECALIBRATION, cursor: str | None = None) -> Choice:
        """Return the next uploads of a selection, youngest first, and change nothing.

        Parameters
        ----------
        selection
            Which; with ``job_ids`` all of them at once, which must be `LARGEST_RECALIBRATION` at most.
        limit
            How many at most (1 to `LARGEST_RECALIBRATION`).
        cursor
            Where to go on, from the choice before.

        Raises
        ------
        BadCursor
            The cursor is not of this selection.
        BadField
            There are too many ``job_ids``.
        """
        entries: list[Entry] = []
        passed_over: list[PassedOver] = []
        if selection.job_ids:
            found, goes_on = self._named(selection), None
        else:
            found, goes_on = self._selected(selection, max(1, min(limit, LARGEST_RECALIBRATION)), cursor)
        with ThreadPoolExecutor(_READERS) as pool:
            verdicts = list(pool.map(lambda pair: self._verdict(pair[1], selection), found))
        for (job_id, _), verdict in zip(found, verdicts, strict=True):
            if isinstance(verdict, Reason):
                passed_over.append(PassedOver(job_id=job_id, reason=verdict))
            else:
                entries.append(verdict)
        return Choice(entries=tuple(entries), passed_over=tuple(passed_over), cursor=goes_on)

    def ask(
        self,
        selection: Selection,
        key_id: str,
        *,
        limit: int = LARGEST_RECALIBRATION,
        cursor: str | None = None,
        recalibration_id: str | None = None,
    ) -> Recalibration:
        """Let the next uploads of a selection be calibrated again.

        Parameters
        ----------
        selection, limit, cursor
            As for `choose`.
        key_id
            Of whoever asks.
        recalibration_id
            A name for it, where it may have to be asked for again: then that does nothing twice. Every part of a
            selection has its own.

        Raises
        ------
        BadCursor, BadField
            As for `choose`; the id is that of another selection, or of another part of it, or none.
        """
        given = recalibration_id or new_job_id(self.now())
        if not is_safe(given):
            raise BadField(field="id", value=given[:40], expected="letters, digits, _ and -, at most 64 of them")
        held = self.files.read_recalibration(given)
        if held is None:
            choice = self.choose(selection, limit=limit, cursor=cursor)
            held = self.files.write_recalibration(
                Recalibration(
                    recalibration_id=given,
                    asked=clock.iso(self.now()),
                    key_id=key_id,
                    selection=selection,
                    entries=choice.entries,
                    passed_over=choice.passed_over,
                    cursor=choice.cursor,
                    began=cursor,
                )
            )
        if held.selection != selection:
            raise BadField(field="id", value=given, expected="an id that no other selection has")
        if held.began != cursor:
            raise BadField(field="id", value=given, expected="an id that no other part of the selection has")
        notes = [
            Asked(
                job_id=entry.job_id,
                revision=entry.revision,
                asked=held.asked,
                key_id=held.key_id,
                recalibration_id=given,
            )
            for entry in held.entries
        ]
        with ThreadPoolExecutor(_READERS) as pool:
            list(pool.map(self.jobs.ask_again, notes))
        return held

    def get(self, recalibration_id: str) -> Recalibration:
        """Return a recalibration.

        Raises
        ------
        UnknownRecalibration
            There is none of that id.
        """
        held = self.files.read_recalibration(recalibration_id)
        if held is None:
            raise UnknownRecalibration(recalibration_id=recalibration_id[:64])
        return held

    def shifts(self, recalibration: Recalibration) -> list[Shift]:
        """Return the table of shifts as far as it is known: a row for each upload."""
        entries = recalibration.entries
        jobs = {job.job_id: job for job in self.jobs.many(entry.job_id for entry in entries)}
        found = [(entry, jobs[entry.job_id]) for entry in entries if entry.job_id in jobs]
        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(lambda pair: self._shift(*pair), found))

    def _shift(self, entry: Entry, job: Job) -> Shift:
        before = self.files.read_outcome(entry.job_id, entry.before)
        through = is_through(entry, job) and job.state is not JobState.DELETED
        after = self.files.read_outcome(entry.job_id, entry.revision) if through else None
        return shift(entry, job, before, after)

    # --- which ------------------------------------------------------------------------------------

    def _named(self, selection: Selection) -> list[tuple[str, Job | None]]:
        """Return the jobs that a selection names, but for those that are not in the rest of it; None: there is none."""
        job_ids = selection.job_ids
        if len(job_ids) > LARGEST_RECALIBRATION:
            raise BadField(
                field="job_ids", value=f"{len(job_ids)} ids", expected=f"at most {LARGEST_RECALIBRATION} ids"
            )
        wanted = list(dict.fromkeys(job_ids))
        with ThreadPoolExecutor(_READERS) as pool:  # one by one: the function that asks may not read in batches
            found = list(pool.map(self._there, wanted))
        named = zip(wanted, found, strict=True)
        return [(job_id, job) for job_id, job in named if job is None or _is_in(selection, job)]

    def _there(self, job_id: str) -> Job | None:
        try:
            return self.jobs.get(job_id)
        except UnknownJob:
            return None

    def _selected(
        self, selection: Selection, limit: int, cursor: str | None
    ) -> tuple[list[tuple[str, Job | None]], str | None]:
        """Return some of the jobs that a selection names; none may be among them, and it may go on all the same."""
        listing, found = self._listing(selection), list[Job]()
        for _ in range(_PAGES_SEARCHED):
            part = page(
                listing,
                self.models.jobs,
                job_record,
                limit=limit - len(found),
                cursor=cursor,
                cursors=self.cursors,
            )
            found += [job for job in part.items if _is_in(selection, job)]
            cursor = part.cursor
            if cursor is None or len(found) >= limit:
                break
        return [(job.job_id, job) for job in found], cursor

    def _listing(self, selection: Selection) -> Listing:
        """Return the list that holds a selection: the uploads for an event, or those of each key."""
        if selection.event:
            index, partitions = GSI2, [keys.jobs_for(selection.event)]
        else:
            of_site = selection.observatory_id
            index = GSI3
            partitions = [
                keys.jobs_by(key.key_id) for key in self._keys() if of_site is None or key.observatory_id == of_site
            ]
        return Listing(
            scope=f"recalibration {serial.dumps(selection).decode()}",
            index=index,
            partitions=partitions,
            lowest=selection.since,
            highest=selection.until or None,
        )

    def _keys(self) -> list[ApiKey]:
        """Return every key that ever was: those that are revoked have uploads too."""
        items = self.models.api_keys.query(keys.ALL_KEYS, index_name=GSI1)
        return [record(ApiKey, item) for item in items]

    def _verdict(self, listed: Job | None, selection: Selection) -> Entry | Reason:
        """Return what is to be done with an upload, or why nothing. Lists may be a moment behind: look again."""
        if listed is None:
            return Reason.UNKNOWN
        job = self.jobs.get(listed.job_id)
        if job.state is JobState.DELETED:
            return Reason.DELETED
        if job.state not in RECALIBRATED or job.outcome is None:
            return Reason.UNDER_WAY
        why_not = _why_refused(job.outcome, selection) or self._why_settled(job, job.outcome)
        return why_not or Entry(job_id=job.job_id, revision=job.revision + 1, before=job.outcome.revision)

    def _why_settled(self, job: Job, outcome: Outcome) -> Reason | None:
        """Return why the point of an upload is none that could shift, or None."""
        if outcome.existing_id is not None:
            return Reason.DUPLICATE
        if not job.points or outcome.point is None:  # a dry run, or a refusal
            return None
        item = find(self.models.points, keys.event(outcome.point.event), keys.point(outcome.point))
        if item is None or any(self.files.is_taken_back(number) for number in job.points):
            return Reason.DELETED
        return Reason.SUPERSEDED if item.superseded_by is not None else None


def _why_refused(outcome: Outcome, selection: Selection) -> Reason | None:
    if outcome.state is JobState.DONE:
        return None
    if (outcome.error or {}).get("code") == NeverArrived.code:
        return Reason.NEVER_ARRIVED
    return None if selection.include_refused else Reason.REFUSED


def _is_in(selection: Selection, job: Job) -> bool:
    request = job.request
    return (
        selection.event in ("", request.event)
        and selection.observatory_id in (None, request.observatory_id)
        and request.created >= selection.since
        and (not selection.until or request.created < selection.until)
        and (selection.mjd_since is None or request.mjd >= selection.mjd_since)
        and (selection.mjd_until is None or request.mjd < selection.mjd_until)
    )
