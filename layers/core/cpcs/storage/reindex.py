"""The whole table anew, from S3: after it was lost, or after an unclean stop of the embedded stack.

Nothing else may write meanwhile. What is not in S3 is not promised to anybody: sessions end, leases and attempts are
forgotten, and so is when a key was last used. An upload without an outcome starts again; one whose documents were not
published yet is published: both are returned, to be put into the queue. A record that cannot be read is passed over
and reported, with what hangs on it: the others are as good as before, and it can be mended from its older versions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from cpcs import serial
from cpcs.records import ApiKey, ColourFrame, Event, FollowupPoint, Job, JobState, Observatory, Outcome, UploadRequest
from cpcs.storage import Store

from . import access, colour_terms, events, index, jobs, keys, layout, observatories
from .files import Tombstone, existing_id
from .models import Item, Models
from .objects import Bucket

_READERS = 8  # objects are small and far away: waiting is most of the work

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReindexReport:
    """How much was found, the uploads to be put into the queue, and the objects that could not be read."""

    events: int
    observatories: int
    keys: int
    jobs: int
    points: int
    to_enqueue: list[str]
    unreadable: list[str]


def reindex(store: Store) -> ReindexReport:
    """Empty the table and fill it from S3.

    Returns
    -------
    ReindexReport
        How much was found, the uploads to be put into the queue, and the objects that could not be read: an upload
        whose outcome is among them is not in the table until that is mended.
    """
    record = _read(store.data)
    makers, history = record.makers(), _history(record)
    made = [_job(record, makers, request) for request in record.requests]
    _clear(store.models)
    with store.models.items.batch_write() as batch:
        for item in _items(store.models, record, history, made):
            batch.save(item)
    return ReindexReport(
        events=len(record.events),
        observatories=len(record.observatories),
        keys=len(record.keys),
        jobs=len(made),
        points=sum(history.n_followups.values()),
        to_enqueue=[job.job_id for job in made if _is_unfinished(job)],
        unreadable=record.unreadable,
    )


# --- what S3 says ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    events: list[Event]
    observatories: list[Observatory]
    keys: list[ApiKey]
    requests: list[UploadRequest]
    outcomes: dict[str, Outcome]  # of each job, the newest revision
    duplicates: dict[str, int]  # job -> the point that its file had made before
    published: frozenset[str]  # jobs for which nothing is left to do
    uploaded: frozenset[str]  # jobs whose file is there
    tombstones: dict[int, Tombstone]
    unreadable: list[str]  # keys of objects that are not what their names say

    def makers(self) -> dict[int, Outcome]:
        """Return, for every point that was ever added to a light curve, the outcome that made it."""
        makers = {}
        for request in self.requests:
            outcome = self.outcomes.get(request.job_id)
            if outcome and index.makes_point(request, outcome) and request.job_id not in self.duplicates:
                makers[index.point_of(outcome).followup_id] = outcome
        return makers


def _read(bucket: Bucket) -> _Record:
    newest, names = _newest_outcomes(bucket)
    unreadable: list[str] = []
    with ThreadPoolExecutor(_READERS) as pool:

        def load(read: Callable[[bytes], Entry], keys_: Iterable[str]) -> dict[str, Entry]:
            listed = list(keys_)
            found = {}
            for key, text in zip(listed, pool.map(bucket.get, listed), strict=True):
                try:
                    if text is not None:
                        found[key] = read(text)
                except ValueError:  # BadRecord is one
                    unreadable.append(key)
            return found

        def of_jobs(read: Callable[[bytes], Entry], name: str) -> dict[str, Entry]:
            """Read what the newest revisions of jobs have under this name; the keys become those of the jobs."""
            places = {layout.result(job, newest[job], name): job for job in sorted(names[name])}
            return {places[key]: entry for key, entry in load(read, places).items()}

        events_ = load(_reader(Event), bucket.list(layout.EVENTS))
        observatories_ = load(_reader(Observatory), bucket.list(layout.OBSERVATORIES))
        keys_ = load(_reader(ApiKey), bucket.list(layout.KEYS))
        requests = load(_reader(UploadRequest), filter(layout.job_of_request, bucket.list(layout.JOBS)))
        outcomes = of_jobs(_reader(Outcome), layout.OUTCOME)
        duplicates = of_jobs(existing_id, layout.DUPLICATE)
        tombstones = load(_reader(Tombstone), bucket.list(layout.TOMBSTONES))
        uploaded = frozenset(job for key in bucket.list(layout.UPLOADS) if (job := layout.job_of_upload(key)))
    unclear = (names[layout.OUTCOME] - outcomes.keys()) | (names[layout.DUPLICATE] - duplicates.keys())
    return _Record(
        events=list(events_.values()),
        observatories=list(observatories_.values()),
        keys=list(keys_.values()),
        requests=[request for request in requests.values() if request.job_id not in unclear],
        outcomes=outcomes,
        duplicates=duplicates,
        published=frozenset(names[layout.PUBLISHED]),
        uploaded=uploaded,
        tombstones={tombstone.followup_id: tombstone for tombstone in tombstones.values()},
        unreadable=sorted(unreadable),
    )


def _reader(kind: type[Entry]) -> Callable[[bytes], Entry]:
    return partial(serial.loads, kind)


def _newest_outcomes(bucket: Bucket) -> tuple[dict[str, int], dict[str, set[str]]]:
    """Return the newest revision of each job that has an outcome; and for each other name, the jobs that have it."""
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for key in bucket.list(layout.RESULTS):
        parts = layout.parts_of_result(key)
        if parts is not None:
            found[parts[0], parts[1]].add(parts[2])
    newest = {job: revision for (job, revision), names in sorted(found.items()) if layout.OUTCOME in names}
    having: dict[str, set[str]] = defaultdict(set)
    for job, revision in newest.items():
        for name in found[job, revision]:
            having[name].add(job)
    return newest, having


# --- what follows from it -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """The points of the same event, observatory, time and passband, in the order of their numbers; and the counts."""

    lines: list[list[FollowupPoint]]
    learned: dict[int, ColourFrame]  # by the number of its point
    n_followups: Counter[str]
    versions: Counter[str]
    n_observations: Counter[int]


def _history(record: _Record) -> _History:
    lines: dict[str, list[FollowupPoint]] = defaultdict(list)
    makers = record.makers()
    for _, outcome in sorted(makers.items()):
        point = index.point_of(outcome)
        lines[keys.unique(point)].append(point)
    current = [line[-1] for line in lines.values() if line[-1].followup_id not in record.tombstones]
    changes = [point.event for line in lines.values() for point in line]
    changes += [point.event for line in lines.values() for point in line if point.followup_id in record.tombstones]
    return _History(
        lines=list(lines.values()),
        learned={number: outcome.learned for number, outcome in makers.items() if outcome.learned},
        n_followups=Counter(point.event for point in current),
        versions=Counter(changes),
        n_observations=Counter(point.observatory_id for point in current),
    )


def _job(record: _Record, makers: dict[int, Outcome], request: UploadRequest) -> Job:
    outcome = record.outcomes.get(request.job_id)
    if outcome is None:
        state = JobState.UPLOADED if request.job_id in record.uploaded else JobState.CREATED
        return Job(request=request, state=state, updated=request.created)
    state, updated = outcome.state, outcome.finished
    existing = record.duplicates.get(request.job_id)
    if existing is not None:
        outcome = index.as_duplicate(outcome, existing, makers.get(existing))
    elif index.makes_point(request, outcome):
        tombstone = record.tombstones.get(index.point_of(outcome).followup_id)
        state, updated = (JobState.DELETED, tombstone.deleted) if tombstone else (state, updated)
    return Job(
        request=request,
        state=state,
        updated=updated,
        revision=outcome.revision,
        outcome=outcome,
        figures_ready=request.job_id in record.published,
    )


def _is_unfinished(job: Job) -> bool:
    return job.state is JobState.UPLOADED or (job.state is JobState.DONE and not job.figures_ready)


def _items(models: Models, record: _Record, history: _History, made: Iterable[Job]) -> Iterator[Item]:
    for event in record.events:
        n_followups, version = history.n_followups[event.key], history.versions[event.key]
        yield from events.items(models, replace(event, n_followups=n_followups, version=version))
    for observatory in record.observatories:
        n_observations = history.n_observations[observatory.observatory_id]
        yield from observatories.items(models, replace(observatory, n_observations=n_observations))
    for key in record.keys:
        yield access.api_key_item(models, key)
    for job in made:
        yield jobs.job_item(models, job)
    for line in history.lines:
        yield from _line_items(models, line, record.tombstones, history.learned.get(line[-1].followup_id))
    yield from _counter_items(models, record)


def _line_items(
    models: Models, line: list[FollowupPoint], tombstones: dict[int, Tombstone], learned: ColourFrame | None
) -> Iterator[Item]:
    """Yield the points of one line, each superseded by the next, what leads to them, and what the last one taught."""
    followers: list[FollowupPoint | None] = [*line[1:], None]
    for point, follower in zip(line, followers, strict=True):
        tombstone = tombstones.get(point.followup_id)
        yield index.point_ref(models, point, tombstone.deleted if tombstone else None)
        if tombstone is None:
            yield index.point_item(models, replace(point, superseded_by=follower.followup_id if follower else None))
    deleted = line[-1].followup_id in tombstones
    yield index.unique_item(models, line[-1], deleted=deleted, learned=learned)
    if learned is not None and not deleted:
        yield colour_terms.item_of(models, learned)


def _counter_items(models: Models, record: _Record) -> Iterator[Item]:
    """Yield the counters: no number that anybody knows is given out again."""
    points = [outcome.point.followup_id for outcome in record.outcomes.values() if outcome.point]
    numbers = {
        "event": [event.event_id for event in record.events],
        "observatory": [observatory.observatory_id for observatory in record.observatories],
        "followup": [*points, *record.tombstones],
    }
    for of, given in numbers.items():
        if any(given):
            yield models.counters(keys.counter(of), keys.META, value=max(given))


def _clear(models: Models) -> None:
    """Delete every item. The one scan there is: an emptied table is what is asked for."""
    with models.items.batch_write() as batch:
        for item in models.items.scan(attributes_to_get=["pk", "sk"], consistent_read=True):
            batch.delete(item)
