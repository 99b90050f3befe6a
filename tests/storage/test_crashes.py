"""Every call to AWS fails once, before or after it took effect; the work is then done again until it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from unittest.mock import patch

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

from cpcs.errors import StorageConflict
from cpcs.records import Job, JobState
from cpcs.storage import Store, transactions
from cpcs.storage.reindex import reindex
from tests.support.aws import Clock, Scene, faults, lasting, make_store


class Killed(BaseException):
    """The process ends here: nothing catches it."""


class Saboteur:
    """Counts the calls to AWS, and fails the one it is told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.victim, self.effective, self.blow = -1, False, Killed

    def arm(self, victim: int, *, effective: bool) -> None:
        self.calls, self.victim, self.effective = [], victim, effective

    @contextmanager
    def at_work(self) -> Iterator[None]:
        real = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, arguments: dict[str, object]) -> object:
            number = len(self.calls)
            self.calls.append(operation)
            if number == self.victim and not self.effective:
                raise self.blow
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


def crash_everywhere(prepare: Callable[[Scene], Callable[[], object]], check: Callable[[Scene], None]) -> int:
    """Do a piece of work once for each call it makes, failing there; then again until it is done; then check.

    Returns the number of calls of an undisturbed run.
    """
    saboteur = Saboteur()
    for victim in count():
        for effective in (False, True):
            with mock_aws():
                now = Clock()
                scene = Scene(make_store(now=now), now)
                work = prepare(scene)
                saboteur.arm(victim, effective=effective)
                with saboteur.at_work():
                    try:
                        work()
                    except Killed:
                        now.turn(200)  # whatever was leased is free again
                        saboteur.arm(-1, effective=False)
                        work()
                    else:
                        return victim
                check(scene)
                assert faults(scene.store) == [], (victim, effective, saboteur.calls)
                before = lasting(scene.store)
                reindex(scene.store)
                assert lasting(scene.store) == before, (victim, effective)
    raise AssertionError


def deliver(store: Store, scene: Scene, job_id: str) -> None:
    """Do what the worker does with a delivery."""
    job = store.jobs.claim(job_id, f"worker-{scene.now()}", 125.0)
    if job is None:
        job = store.jobs.get(job_id)
    if not job.state.is_terminal:
        recorded = store.files.read_outcome(job.job_id, job.revision)
        stored = store.jobs.finish(job, recorded or scene.outcome(job))
        assert stored.state is JobState.DONE
    if not store.jobs.get(job_id).figures_ready:
        store.jobs.figures_ready(job_id)


def test_a_calibration():
    made: list[Job] = []

    def prepare(scene: Scene) -> Callable[[], object]:
        made.append(scene.uploaded())
        return lambda: deliver(scene.store, scene, made[-1].job_id)

    def check(scene: Scene) -> None:
        job = scene.store.jobs.get(made[-1].job_id)
        assert (job.state, job.figures_ready) == (JobState.DONE, True)
        assert job.outcome is not None
        assert scene.store.points.by_event(scene.event.key) == [job.outcome.point]

    assert crash_everywhere(prepare, check) >= 10


def test_a_calibration_that_supersedes():
    made: list[Job] = []

    def prepare(scene: Scene) -> Callable[[], object]:
        scene.add(b"first")
        made.append(scene.uploaded(b"second"))
        return lambda: deliver(scene.store, scene, made[-1].job_id)

    def check(scene: Scene) -> None:
        outcome = scene.store.jobs.get(made[-1].job_id).outcome
        assert outcome is not None
        assert scene.store.points.by_event(scene.event.key) == [outcome.point]
        assert scene.store.points.get(1).superseded_by == outcome.point.followup_id

    crash_everywhere(prepare, check)


def test_a_file_sent_twice():
    made: list[Job] = []

    def prepare(scene: Scene) -> Callable[[], object]:
        scene.add(b"same")
        made.append(scene.uploaded(b"same"))
        return lambda: deliver(scene.store, scene, made[-1].job_id)

    def check(scene: Scene) -> None:
        outcome = scene.store.jobs.get(made[-1].job_id).outcome
        assert outcome is not None
        assert outcome.existing_id == 1
        assert [point.followup_id for point in scene.store.points.by_event(scene.event.key)] == [1]

    crash_everywhere(prepare, check)


def test_a_deletion():
    def prepare(scene: Scene) -> Callable[[], object]:
        scene.add()
        return lambda: scene.store.points.delete(1, scene.key)

    def check(scene: Scene) -> None:
        assert scene.store.points.by_event(scene.event.key) == []

    assert crash_everywhere(prepare, check) >= 4


def test_what_is_registered():
    """A crash leaves a gap in the numbers at most: asking again brings what was asked for."""

    def prepare(scene: Scene) -> Callable[[], object]:
        def work() -> None:
            store, names = scene.store, [site.name for site in scene.store.observatories.all()]
            if "Elsewhere" not in names:
                store.observatories.create("Elsewhere", latitude_deg=-30.0)
            if len(store.events.page().items) < 2:
                store.events.create("Gaia16aye", 295.0, 30.13, created_by=scene.key.key_id)
            store.keys.register("elsewhere_0123", 2, scene.key.role)

        return work

    def check(scene: Scene) -> None:
        assert [site.name for site in scene.store.observatories.all()] == ["Montarrenti Observatory", "Elsewhere"]
        assert scene.store.events.get("Gaia16aye").ra_deg == 295.0
        assert scene.store.keys.verify("elsewhere_0123", touch=False).observatory_id == 2

    crash_everywhere(prepare, check)


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
    saboteur.arm(transaction, effective=True)
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
