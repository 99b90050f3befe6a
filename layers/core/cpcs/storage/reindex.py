"""The whole table anew, from S3: after it was lost, or after an unclean stop of the embedded stack.

Nothing else may write meanwhile. What is not in S3 is not promised to anybody: sessions end, leases and attempts are
forgotten, and so is when a key was last used. An upload without an outcome of the newest revision that was asked for
starts again; one whose documents were not published yet is published: both are returned, to be put into the queue. A
record that cannot be read is passed over and reported, with what hangs on it: the others are as good as before, and it
can be mended from its older versions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import TypeVar

from cpcs import serial
from cpcs.mappings import HeaderMapping
from cpcs.records import (
    ApiKey,
    Asked,
    ColourFrame,
    Event,
    FollowupPoint,
    Job,
    JobState,
    Observatory,
    Outcome,
    UploadRequest,
)
from cpcs.storage import Store

from . import access, colour_terms, events, index, jobs, keys, layout, mappings, observatories, revisions
from .files import Tombstone, existing_id
from .models import Item, Models
from .objects import Bucket

_READERS = 8  # objects are small and far away: waiting is most of the work

Entry = TypeVar("Entry")
Revision = tuple[str, int]  # job and number


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
    makers = record.makers()
    history = _history(record, makers)
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
    mappings: list[HeaderMapping]  # the newest version of each
    requests: list[UploadRequest]
    outcomes: dict[str, list[Outcome]]  # of each job, in the order of its revisions
    asked: dict[str, Asked]  # of each job, the newest revision that was asked for after the first
    duplicates: dict[Revision, int]  # the point that the job's file had made before
    published: frozenset[Revision]  # for which nothing is left to do
    uploaded: frozenset[str]  # jobs whose file is there
    tombstones: dict[str, Tombstone]  # of each job whose point was deleted, that of its newest point
    unreadable: list[str]  # keys of objects that are not what their names say

    def of_job(self, job_id: str) -> list[Outcome]:
        """Return the outcomes of a job that came to count: none that was recorded after its point was deleted."""
        found, tombstone = self.outcomes.get(job_id, []), self.tombstones.get(job_id)
        if tombstone is None:
            return found
        last = [at for at, outcome in enumerate(found) if _number(outcome) == tombstone.followup_id]
        return found[: last[0] + 1] if last else found

    def makers(self) -> dict[int, Outcome]:
        """Return, for every point that was ever added to a light curve, the outcome that made it."""
        return {
            index.point_of(outcome).followup_id: outcome
            for request in self.requests
            for outcome in self.of_job(request.job_id)
            if index.makes_point(request, outcome) and (request.job_id, outcome.revision) not in self.duplicates
        }


def _read(bucket: Bucket) -> _Record:
    names = _results(bucket)
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

        def of_revisions(read: Callable[[bytes], Entry], name: str) -> dict[Revision, Entry]:
            """Read what revisions have under this name."""
            places = {layout.result(*revision, name): revision for revision in sorted(names[name])}
            return {places[key]: entry for key, entry in load(read, places).items()}

        events_ = load(_reader(Event), bucket.list(layout.EVENTS))
        observatories_ = load(_reader(Observatory), bucket.list(layout.OBSERVATORIES))
        keys_ = load(_reader(ApiKey), bucket.list(layout.KEYS))
        versions = {of[:2]: key for key in bucket.list(layout.MAPPINGS) if (of := layout.parts_of_mapping(key))}
        mappings_ = load(_reader(HeaderMapping), versions.values())
        of_jobs = list(bucket.list(layout.JOBS))
        requests = load(_reader(UploadRequest), filter(layout.job_of_request, of_jobs))
        newest_asked = {parts[0]: key for key in of_jobs if (parts := layout.parts_of_asked(key))}
        asked = load(_reader(Asked), newest_asked.values())
        outcomes = of_revisions(_reader(Outcome), layout.OUTCOME)
        duplicates = of_revisions(existing_id, layout.DUPLICATE)
        tombstones = load(_reader(Tombstone), bucket.list(layout.TOMBSTONES))
        uploaded = frozenset(job for key in bucket.list(layout.UPLOADS) if (job := layout.job_of_upload(key)))
    unclear = {
        job for job, _ in (names[layout.OUTCOME] - outcomes.keys()) | (names[layout.DUPLICATE] - duplicates.keys())
    }
    unclear |= {job for job, key in newest_asked.items() if key not in asked}
    return _Record(
        events=list(events_.values()),
        observatories=list(observatories_.values()),
        keys=list(keys_.values()),
        mappings=list(mappings_.values()),
        requests=[request for request in requests.values() if request.job_id not in unclear],
        outcomes=_by_job(outcomes),
        asked={note.job_id: note for note in asked.values()},
        duplicates=duplicates,
        published=frozenset(names[layout.PUBLISHED]),
        uploaded=uploaded,
        tombstones={note.job_id: note for note in sorted(tombstones.values(), key=lambda note: note.followup_id)},
        unreadable=sorted(unreadable),
    )


def _reader(kind: type[Entry]) -> Callable[[bytes], Entry]:
    return partial(serial.loads, kind)


def _number(outcome: Outcome) -> int | None:
    return outcome.point.followup_id if outcome.point is not None else None


def _results(bucket: Bucket) -> dict[str, set[Revision]]:
    """Return, for each name of a result, the revisions that have it and an outcome."""
    having: dict[str, set[Revision]] = defaultdict(set)
    for key in bucket.list(layout.RESULTS):
        parts = layout.parts_of_result(key)
        if parts is not None:
            having[parts[2]].add(parts[:2])
    ended = having[layout.OUTCOME]
    return defaultdict(set, {name: found & ended for name, found in having.items()})


def _by_job(outcomes: dict[Revision, Outcome]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = defaultdict(list)
    for (job, _), outcome in sorted(outcomes.items(), key=itemgetter(0)):
        found[job].append(outcome)
    return dict(found)


# --- what follows from it -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """What became of the points, and the counts."""

    lines: list[list[FollowupPoint]]  # of the same event, observatory, time and passband, each in the order of rank
    of_jobs: dict[str, list[FollowupPoint]]  # in the order of their revisions
    current: frozenset[int]  # numbers of the points that are in the light curves
    learned: dict[int, ColourFrame]  # what the frames of points say of their telescopes, by the points' numbers
    n_followups: Counter[str]
    versions: Counter[str]
    n_observations: Counter[int]

    def first(self, point: FollowupPoint) -> int:
        """Return the number under which a point's upload stands."""
        return self.of_jobs[point.job_id][0].followup_id

    def own_next(self, point: FollowupPoint) -> FollowupPoint | None:
        """Return the point of the upload's next revision, if there is one."""
        own = self.of_jobs[point.job_id]
        at = own.index(point) + 1
        return own[at] if at < len(own) else None


def _history(record: _Record, makers: dict[int, Outcome]) -> _History:
    points = [index.point_of(makers[number]) for number in sorted(makers)]
    of_jobs: dict[str, list[FollowupPoint]] = defaultdict(list)
    for point in points:
        of_jobs[point.job_id].append(point)
    lines: dict[str, list[FollowupPoint]] = defaultdict(list)
    for point in sorted(points, key=lambda point: (of_jobs[point.job_id][0].followup_id, point.followup_id)):
        lines[keys.unique(point)].append(point)
    current = [
        line[-1]
        for line in lines.values()
        if line[-1].job_id not in record.tombstones and line[-1] is of_jobs[line[-1].job_id][-1]
    ]
    deletions = [of_jobs[job][-1].event for job in record.tombstones if job in of_jobs]
    return _History(
        lines=list(lines.values()),
        of_jobs=of_jobs,
        current=frozenset(point.followup_id for point in current),
        learned={number: outcome.learned for number, outcome in makers.items() if outcome.learned},
        n_followups=Counter(point.event for point in current),
        versions=Counter([point.event for point in points] + deletions),
        n_observations=Counter(point.observatory_id for point in current),
    )


def _job(record: _Record, makers: dict[int, Outcome], request: UploadRequest) -> Job:
    state = JobState.UPLOADED if request.job_id in record.uploaded else JobState.CREATED
    job = Job(request=request, state=state, updated=request.created)
    for outcome in record.of_job(request.job_id):
        existing = record.duplicates.get((job.job_id, outcome.revision))
        shown = index.as_duplicate(outcome, existing, makers.get(existing)) if existing is not None else outcome
        made = makers.get(_number(outcome) or 0) is outcome
        points = (*job.points, index.point_of(outcome).followup_id) if made else job.points
        job = revisions.ended(replace(job, revision=outcome.revision, points=points), shown)
    if job.outcome is not None:
        job = replace(job, figures_ready=(job.job_id, job.outcome.revision) in record.published)
    asked, tombstone = record.asked.get(job.job_id), record.tombstones.get(job.job_id)
    if tombstone is not None and job.points:
        return index.taken_back(job, tombstone)
    if asked is None:
        return job
    if asked.revision > job.revision:
        job = replace(job, state=JobState.UPLOADED, updated=asked.asked)
    return replace(job, revision=asked.revision, asked=asked.asked)


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
    for mapping in record.mappings:
        yield mappings.item_of(models, mapping)
    for job in made:
        yield jobs.job_item(models, job)
    for line in history.lines:
        yield from _line_items(models, line, history, record.tombstones)
    yield from _counter_items(models, record)


def _line_items(
    models: Models, line: list[FollowupPoint], history: _History, tombstones: dict[str, Tombstone]
) -> Iterator[Item]:
    """Yield the points of one line, each superseded by its upload's next or else the next here; what leads to them."""
    followers: list[FollowupPoint | None] = [*line[1:], None]
    for point, beside in zip(line, followers, strict=True):
        tombstone, follower = tombstones.get(point.job_id), history.own_next(point) or beside
        yield index.point_ref(models, point, tombstone.deleted if tombstone else None)
        if tombstone is None:
            yield index.point_item(models, replace(point, superseded_by=follower.followup_id if follower else None))
    newest = line[-1]
    gone = newest.followup_id not in history.current
    learned = None if gone else history.learned.get(newest.followup_id)
    yield index.unique_item(models, newest, history.first(newest), deleted=gone, learned=learned)
    if learned is not None:
        yield colour_terms.item_of(models, learned)


def _counter_items(models: Models, record: _Record) -> Iterator[Item]:
    """Yield the counters: no number that anybody knows is given out again."""
    points = [_number(outcome) or 0 for outcomes in record.outcomes.values() for outcome in outcomes]
    numbers = {
        "event": [event.event_id for event in record.events],
        "observatory": [observatory.observatory_id for observatory in record.observatories],
        "followup": [*points, *(tombstone.followup_id for tombstone in record.tombstones.values())],
    }
    for of, given in numbers.items():
        if any(given):
            yield models.counters(keys.counter(of), keys.META, value=max(given))


def _clear(models: Models) -> None:
    """Delete every item. The one scan there is: an emptied table is what is asked for."""
    with models.items.batch_write() as batch:
        for item in models.items.scan(attributes_to_get=["pk", "sk"], consistent_read=True):
            batch.delete(item)
