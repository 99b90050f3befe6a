"""The sweeper: what it does with each kind of job that stands still."""

from __future__ import annotations

import gzip
import json
import logging
from dataclasses import replace

import pytest
from aws_lambda_powertools import Logger

from cpcs import clock
from cpcs.errors import StorageConflict
from cpcs.records import Job, JobState
from functions.calibrate import sweep as sweeping
from functions.calibrate.sweep import LOST_AFTER_S, MOST_ATTEMPTS, Swept
from tests.support import queue
from tests.support.aws import Scene, faults

ERROR = {"code": "REFERENCE_UNAVAILABLE", "message": "Not now.", "hint": "Wait."}


def sweep(scene: Scene) -> Swept:
    return sweeping.sweep(scene.store, Logger(service="test", level=logging.CRITICAL), now=scene.now())


def queued(scene: Scene) -> list[str]:
    return queue.queued(scene.store)


def after(scene: Scene, seconds: float = LOST_AFTER_S + 60.0) -> Swept:
    scene.now.turn(seconds)
    return sweep(scene)


def error_of(scene: Scene, job: Job) -> tuple[JobState, str]:
    found = scene.store.jobs.get(job.job_id)
    assert found.outcome is not None
    assert found.outcome.error is not None
    return found.state, found.outcome.error["code"]


def test_nothing_to_do(scene: Scene):
    assert after(scene) == Swept()


def test_a_file_whose_event_was_lost(scene: Scene):
    job = scene.store.jobs.create(scene.request())
    scene.store.files.put_upload(job.job_id, b"1 2 3")
    assert sweep(scene) == Swept()  # its event may be on the way
    assert after(scene) == Swept(queued=1)
    assert queued(scene) == [job.job_id]
    assert scene.store.jobs.get(job.job_id).state is JobState.UPLOADED
    assert sweep(scene) == Swept()  # it gets its time
    assert after(scene) == Swept(queued=1)


def test_a_form_that_nobody_has_filled(scene: Scene):
    job = scene.store.jobs.create(scene.request())
    assert after(scene) == Swept(unfinished=1)
    assert after(scene, 24 * 3600.0) == Swept(failed=1)
    assert error_of(scene, job) == (JobState.FAILED, "NEVER_ARRIVED")
    assert queued(scene) == []
    assert after(scene) == Swept()


def test_a_worker_that_died(scene: Scene):
    job = scene.claimed()
    assert after(scene) == Swept(queued=1)
    assert queued(scene) == [job.job_id]


def test_a_worker_that_is_still_at_it(scene: Scene):
    job = scene.store.jobs.claim(scene.uploaded().job_id, "patient", 3600.0)
    assert job is not None
    assert after(scene) == Swept(unfinished=1)
    assert queued(scene) == []


def test_a_job_that_always_fails(scene: Scene):
    job = scene.uploaded()
    for number in range(MOST_ATTEMPTS):
        held = scene.store.jobs.claim(job.job_id, f"worker {number}", 125.0)
        assert held is not None
        scene.store.jobs.release(held)
    assert after(scene) == Swept(failed=1)
    assert error_of(scene, job) == (JobState.FAILED, "INTERNAL")
    assert scene.store.files.read_outcome(job.job_id, 1) == scene.store.jobs.get(job.job_id).outcome


def test_a_job_given_up_whose_outcome_is_there(scene: Scene):
    """Its last worker died between record and index: the record holds, and is published."""
    job = scene.uploaded()
    for number in range(MOST_ATTEMPTS):
        held = scene.store.jobs.claim(job.job_id, f"worker {number}", 125.0)
        assert held is not None
        scene.store.jobs.release(held)
    scene.outcome(job)
    assert after(scene) == Swept(queued=1)
    assert scene.store.jobs.get(job.job_id).state is JobState.DONE
    assert queued(scene) == [job.job_id]
    assert faults(scene.store) == []


def test_waiting_for_reference_stars(scene: Scene):
    job = scene.claimed()
    scene.store.jobs.wait_for_reference(job, ERROR, scene.now() + 300.0)
    assert after(scene, 200.0) == Swept(unfinished=1)
    assert after(scene, 200.0) == Swept(queued=1)
    assert queued(scene) == [job.job_id]
    assert after(scene, 14 * 24 * 3600.0) == Swept(failed=1)
    assert error_of(scene, job) == (JobState.FAILED, "REFERENCE_UNAVAILABLE")


def test_done_and_not_published(scene: Scene):
    job = scene.claimed()
    scene.store.jobs.finish(job, scene.outcome(job))
    assert sweep(scene) == Swept()
    assert after(scene) == Swept(queued=1)
    assert queued(scene) == [job.job_id]
    scene.store.jobs.figures_ready(job.job_id)
    assert after(scene) == Swept()


def test_a_list_that_is_behind(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """The index still shows a job as lost that somebody has claimed since."""
    job = scene.uploaded()
    scene.now.turn(LOST_AFTER_S + 60.0)
    stale = replace(job, attempt=MOST_ATTEMPTS)
    assert scene.store.jobs.claim(job.job_id, "new", 125.0) is not None
    listed = {JobState.UPLOADED: [stale]}
    monkeypatch.setattr(type(scene.store.jobs), "in_state", lambda _, state, older_than_s: listed.get(state, []))
    assert sweep(scene) == Swept(unfinished=1)
    assert scene.store.files.read_outcome(job.job_id, 1) is None


def test_one_bad_job_keeps_nobody_from_the_others(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    first = scene.store.jobs.create(scene.request())
    second = scene.uploaded()
    scene.store.files.data.put(f"results/{first.job_id}/0001/outcome.json", b"broken")
    scene.now.turn(24 * 3600.0)
    assert after(scene) == Swept(queued=1, faults=1)
    assert queued(scene) == [second.job_id]

    def conflict(*_: object) -> None:
        raise StorageConflict(what="The list")

    monkeypatch.setattr(sweeping, "publish_lists", conflict)
    assert after(scene).faults == 2


def test_the_lists_are_written_again(scene: Scene):
    assert scene.store.files.read_published("data/events.json") is None
    sweep(scene)
    listed = scene.store.files.read_published("data/events.json")
    assert listed is not None
    assert [event["name"] for event in json.loads(gzip.decompress(listed))["items"]] == ["Gaia18dps"]
    assert clock.iso(scene.now()) >= scene.event.published
