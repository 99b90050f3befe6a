"""The process is killed after every call to AWS in turn; the work is then done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from cpcs import clock
from cpcs.errors import EventExists, ObservatoryExists, StorageConflict
from cpcs.records import JobState, Selection
from cpcs.storage import Store, transactions
from cpcs.storage.reindex import reindex
from tests.support.aws import Scene, faults, lasting, refused


class Killed(BaseException):
    """The process ends here: nothing catches it."""


class Saboteur:
    """Counts the calls to AWS, and strikes after the one it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.victim, self.blow = -1, Killed

    def arm(self, victim: int) -> None:
        self.calls, self.victim = [], victim

    @contextmanager
    def at_work(self) -> Iterator[None]:
        real = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, arguments: dict[str, object]) -> object:
            number = len(self.calls)
            self.calls.append(operation)
            try:
                answer = real(client, operation, arguments)
            except ClientError:
                if number == self.victim:
                    raise self.blow from None
                raise
            if number == self.victim:
                raise self.blow
            return answer

        with patch.object(BaseClient, "_make_api_call", call):
            yield


Piece = tuple[Callable[[], object], Callable[[], None]]  # the work, and the check that it was done once


def crash_everywhere(scene: Scene, prepare: Callable[[Scene], Piece]) -> int:
    """Do pieces of work, failing each in another call; do each again until it is done, and check that it was done once.

    Each piece has an event of its own. To be killed before a call is to be killed after the one before it, so only
    the latter is tried. Returns the number of calls of an undisturbed piece.
    """
    saboteur = Saboteur()
    for victim in count():
        scene.event = scene.store.events.create(f"Gaia26call{victim}", 10.0, 20.0)
        work, check = prepare(scene)
        saboteur.arm(victim)
        with saboteur.at_work():
            try:
                work()
                killed = False
            except Killed:
                killed = True
        if not killed:
            assert faults(scene.store) == []  # they name the event, and that the call
            reindex_changes_nothing(scene.store)
            return victim
        scene.now.turn(200.0)  # whatever was leased is free again
        work()
        check()
    raise AssertionError


def reindex_changes_nothing(store: Store) -> None:
    before = lasting(store)
    reindex(store)
    assert lasting(store) == before


def deliver(store: Store, scene: Scene, job_id: str, *, refuse: bool = False, **changes: object) -> None:
    """Do what the worker does with a delivery."""
    job = store.jobs.claim(job_id, f"worker-{scene.now()}", 125.0)
    if job is None:
        job = store.jobs.get(job_id)
    if not job.state.is_terminal:
        recorded = store.files.read_outcome(job.job_id, job.revision)
        if recorded is None and refuse:
            recorded = store.files.write_outcome(refused(job, clock.iso(scene.now())))
        stored = store.jobs.finish(job, recorded or scene.outcome(job, **changes))
        assert stored.state is JobState.DONE
    if not store.jobs.get(job_id).figures_ready:
        store.jobs.figures_ready(job_id)


def test_a_calibration(scene: Scene):
    def prepare(scene: Scene) -> Piece:
        job_id, event = scene.uploaded().job_id, scene.event.key

        def check() -> None:
            job = scene.store.jobs.get(job_id)
            assert (job.state, job.figures_ready) == (JobState.DONE, True)
            assert job.outcome is not None
            assert scene.store.points.by_event(event) == [job.outcome.point]

        return lambda: deliver(scene.store, scene, job_id), check

    assert crash_everywhere(scene, prepare) >= 10


def test_a_calibration_that_supersedes(scene: Scene):
    def prepare(scene: Scene) -> Piece:
        first = scene.add(b"first")
        job_id, event = scene.uploaded(b"second").job_id, scene.event.key

        def check() -> None:
            outcome = scene.store.jobs.get(job_id).outcome
            assert outcome is not None
            assert outcome.point is not None
            assert scene.store.points.by_event(event) == [outcome.point]
            assert scene.store.points.get(first.followup_id).superseded_by == outcome.point.followup_id

        return lambda: deliver(scene.store, scene, job_id), check

    assert crash_everywhere(scene, prepare) >= 10


def test_a_file_sent_twice(scene: Scene):
    def prepare(scene: Scene) -> Piece:
        first = scene.add(b"same")
        job_id, event = scene.uploaded(b"same").job_id, scene.event.key

        def check() -> None:
            outcome = scene.store.jobs.get(job_id).outcome
            assert outcome is not None
            assert outcome.existing_id == first.followup_id
            assert scene.store.points.by_event(event) == [first]

        return lambda: deliver(scene.store, scene, job_id), check

    assert crash_everywhere(scene, prepare) >= 10


def asked_and_done(scene: Scene, job_id: str, **how: Any) -> Callable[[], object]:
    """Return a recalibration, from its asking to its end."""

    def work() -> None:
        selection = Selection(job_ids=(job_id,))
        scene.store.recalibrations.ask(selection, "operator", recalibration_id=f"of-{job_id}")
        deliver(scene.store, scene, job_id, **how)

    return work


@pytest.mark.parametrize("band", ["r", "g"])
def test_a_recalibration(scene: Scene, band: str):
    def prepare(scene: Scene) -> Piece:
        first, event = scene.add(), scene.event.key

        def check() -> None:
            job = scene.store.jobs.get(first.job_id)
            assert (job.state, job.revision, job.figures_ready) == (JobState.DONE, 2, True)
            assert job.outcome is not None
            assert job.outcome.point is not None
            assert job.outcome.point.passband == f"APASS/{band}"
            assert scene.store.points.by_event(event) == [job.outcome.point]
            assert scene.store.points.get(first.followup_id).superseded_by == job.outcome.point.followup_id
            assert job.points == (first.followup_id, job.outcome.point.followup_id)
            assert scene.store.events.get(event).n_followups == 1

        return asked_and_done(scene, first.job_id, filter=band), check

    assert crash_everywhere(scene, prepare) >= 15


def test_a_recalibration_that_is_refused(scene: Scene):
    def prepare(scene: Scene) -> Piece:
        first, event = scene.add(), scene.event.key

        def check() -> None:
            job = scene.store.jobs.get(first.job_id)
            assert (job.state, job.revision, job.figures_ready) == (JobState.DONE, 2, True)
            assert scene.store.points.by_event(event) == [first]

        return asked_and_done(scene, first.job_id, refuse=True), check

    assert crash_everywhere(scene, prepare) >= 10


def test_a_deletion_of_a_point_with_revisions(scene: Scene):
    def prepare(scene: Scene) -> Piece:
        first, event = scene.add(), scene.event.key
        asked_and_done(scene, first.job_id, filter="g")()

        def check() -> None:
            assert scene.store.points.by_event(event) == []
            assert scene.store.jobs.get(first.job_id).state is JobState.DELETED
            assert scene.store.events.get(event).n_followups == 0

        return lambda: scene.store.points.delete(first.followup_id, scene.key), check

    assert crash_everywhere(scene, prepare) >= 8


def test_a_deletion(scene: Scene):
    def prepare(scene: Scene) -> Piece:
        point, event = scene.add(), scene.event.key

        def check() -> None:
            assert scene.store.points.by_event(event) == []
            assert scene.store.jobs.get(point.job_id).state is JobState.DELETED

        return lambda: scene.store.points.delete(point.followup_id, scene.key), check

    assert crash_everywhere(scene, prepare) >= 4


def test_what_is_registered(scene: Scene):
    """A crash leaves a gap in the numbers at most: asking again brings what was asked for."""

    def prepare(scene: Scene) -> Piece:
        store, name = scene.store, f"of {scene.event.name}"
        secret = f"secret {name}"

        def work() -> None:
            with suppress(ObservatoryExists):
                store.observatories.create(name, latitude_deg=-30.0)
            with suppress(EventExists):
                store.events.create(name, 295.0, 30.13, created_by=scene.key.key_id)
            store.keys.register(secret, 2, scene.key.role)

        def check() -> None:
            assert [site.name for site in store.observatories.all()].count(name) == 1
            assert [event.name for event in store.events.page(limit=1000).items].count(name) == 1
            assert store.events.get(name) == store.events.by_id(store.events.get(name).event_id)
            assert store.keys.verify(secret, touch=False).observatory_id == 2

        return work, check

    assert crash_everywhere(scene, prepare) >= 10


def test_a_lost_reply_of_the_transaction_is_found_out(scene: Scene):
    job = scene.claimed()
    outcome = scene.outcome(job)
    saboteur = Saboteur()
    with saboteur.at_work():
        scene.store.jobs.finish(job, outcome)
    transaction = saboteur.calls.index("TransactWriteItems")
    other = scene.claimed(b"other", mjd=58000.5)
    expected = scene.outcome(other)
    saboteur.blow = ConnectionError
    saboteur.arm(transaction)
    with saboteur.at_work(), pytest.raises(ConnectionError):
        scene.store.jobs.finish(other, expected)
    assert scene.store.jobs.finish(other, expected) == expected
    assert faults(scene.store) == []


def conflicting(times: int) -> Callable[[BaseClient, str, dict[str, object]], object]:
    """Return a stand-in for the client's calls whose transactions meet others' so many times."""
    real, left = BaseClient._make_api_call, [times]

    def call(client: BaseClient, operation: str, arguments: dict[str, object]) -> object:
        if operation == "TransactWriteItems" and left[0]:
            left[0] -= 1
            reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
            error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(error, operation)
        return real(client, operation, arguments)

    return call


def test_transactions_that_meet_are_tried_again(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transactions, "_LONGEST_S", 0.0)
    job = scene.claimed()
    outcome = scene.outcome(job)
    with patch.object(BaseClient, "_make_api_call", conflicting(transactions.TRIES - 1)):
        assert scene.store.jobs.finish(job, outcome) == outcome


def test_not_for_ever(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transactions, "_LONGEST_S", 0.0)
    job = scene.claimed()
    outcome = scene.outcome(job)
    with patch.object(BaseClient, "_make_api_call", conflicting(99)), pytest.raises(StorageConflict):
        scene.store.jobs.finish(job, outcome)
    assert scene.store.points.by_event(scene.event.key) == []


def test_two_who_look_at_the_same_moment(scene: Scene):
    """Between look and write of one upload, another of the same exposure is stored: the first looks again."""
    slow, quick = scene.claimed(b"slow"), scene.claimed(b"quick")
    outcomes = [scene.outcome(slow), scene.outcome(quick)]
    real, met = BaseClient._make_api_call, []

    def call(client: BaseClient, operation: str, arguments: dict[str, object]) -> object:
        if operation == "TransactWriteItems" and not met:
            met.append(operation)
            scene.store.jobs.finish(quick, outcomes[1])
        return real(client, operation, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        scene.store.jobs.finish(slow, outcomes[0])
    assert scene.store.points.by_event(scene.event.key) == [outcomes[1].point]
    assert scene.store.points.get(1) == replace(outcomes[0].point, superseded_by=2)
    assert scene.store.events.get("Gaia18dps").n_followups == 1
    assert faults(scene.store) == []
