"""One upload from its request to its point, and every state on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpcs.errors import StorageConflict, UnknownJob
from cpcs.records import JobState
from tests.support.aws import Clock, Scene, faults, refused


def test_an_upload_becomes_a_point(scene: Scene):
    job = scene.claimed()
    outcome = scene.outcome(job)
    assert scene.store.jobs.finish(job, outcome) == outcome
    done = scene.store.jobs.get(job.job_id)
    assert (done.state, done.outcome, done.lease_owner, done.lease_until) == (JobState.DONE, outcome, "", 0.0)
    assert scene.store.points.by_event(scene.event.key) == [outcome.point]
    assert scene.store.points.get(1) == outcome.point
    event = scene.store.events.get("ivo://GAIA18DPS")
    assert (event.n_followups, event.version) == (1, 1)
    assert scene.store.observatories.get(1).n_observations == 1
    assert faults(scene.store) == []


def test_states_are_seen_on_the_way(scene: Scene, now: Clock):
    jobs = scene.store.jobs
    created = jobs.create(scene.request())
    assert created.state is JobState.CREATED
    assert jobs.get(created.job_id) == created
    now.turn(5)
    jobs.uploaded(created.job_id)
    assert jobs.get(created.job_id).state is JobState.UPLOADED
    claimed = jobs.claim(created.job_id, "me", 125.0)
    assert claimed == jobs.get(created.job_id)
    assert (claimed.state, claimed.attempt, claimed.lease_owner) == (JobState.CALIBRATING, 1, "me")
    assert claimed.lease_until == now() + 125.0


def test_the_request_is_in_s3_before_the_table_knows_of_it(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    request = scene.request()
    monkeypatch.setattr(scene.store.models.jobs, "save", lambda *_, **__: (_ for _ in ()).throw(ConnectionError))
    with pytest.raises(ConnectionError):
        scene.store.jobs.create(request)
    monkeypatch.undo()
    assert scene.store.data.get(f"jobs/{request.job_id}/request.json") is not None
    assert scene.store.jobs.create(request).request == request


def test_making_an_upload_again_changes_nothing(scene: Scene):
    job = scene.claimed()
    assert scene.store.jobs.create(job.request) == job


def test_only_one_worker_at_a_time(scene: Scene, now: Clock):
    job = scene.claimed()
    assert scene.store.jobs.claim(job.job_id, "another", 125.0) is None
    now.turn(126)
    second = scene.store.jobs.claim(job.job_id, "another", 125.0)
    assert second is not None
    assert (second.attempt, second.lease_owner) == (2, "another")


def test_a_claim_whose_reply_was_lost_is_still_mine(scene: Scene):
    job = scene.claimed()
    assert scene.store.jobs.claim(job.job_id, job.lease_owner, 125.0) == job


def test_a_worker_that_was_too_slow_is_refused(scene: Scene, now: Clock):
    slow = scene.claimed()
    outcome = scene.outcome(slow)
    now.turn(126)
    quick = scene.store.jobs.claim(slow.job_id, "another", 125.0)
    with pytest.raises(StorageConflict):
        scene.store.jobs.finish(slow, outcome)
    scene.store.jobs.release(slow)
    assert scene.store.jobs.get(slow.job_id) == quick
    assert scene.store.jobs.finish(quick, outcome) == outcome
    assert faults(scene.store) == []


def test_a_lease_given_back_can_be_taken_at_once(scene: Scene):
    job = scene.claimed()
    scene.store.jobs.release(job)
    released = scene.store.jobs.get(job.job_id)
    assert (released.state, released.lease_owner, released.attempt) == (JobState.UPLOADED, "", 1)
    assert scene.store.jobs.claim(job.job_id, "another", 125.0) is not None


def test_an_upload_waits_for_reference_stars_and_then_goes_on(scene: Scene, now: Clock):
    job = scene.claimed()
    error = {"code": "REFERENCE_UNAVAILABLE", "message": "Not now.", "hint": "Wait."}
    scene.store.jobs.wait_for_reference(job, error, now() + 300)
    waiting = scene.store.jobs.get(job.job_id)
    assert (waiting.state, waiting.attempt) == (JobState.WAITING_REFERENCE, 0)
    assert waiting.retry_after == now() + 300
    assert waiting.outcome is not None
    assert waiting.outcome.error == error
    again = scene.store.jobs.claim(job.job_id, "another", 125.0)
    assert again is not None
    assert scene.store.jobs.finish(again, scene.outcome(again)).state is JobState.DONE


def test_a_refusal_leaves_nothing_but_the_refusal(scene: Scene):
    job = scene.claimed()
    outcome = scene.store.files.write_outcome(refused(job, "2026-11-22T22:00:03Z"))
    assert scene.store.jobs.finish(job, outcome) == outcome
    rejected = scene.store.jobs.get(job.job_id)
    assert (rejected.state, rejected.outcome) == (JobState.REJECTED, outcome)
    assert scene.store.points.by_event(scene.event.key) == []
    assert scene.store.events.get("Gaia18dps").version == 0
    assert scene.store.jobs.claim(job.job_id, "another", 125.0) is None


def test_the_sweeper_may_give_up_what_nobody_holds(scene: Scene):
    job = scene.store.jobs.create(scene.request())
    outcome = scene.store.files.write_outcome(replace(refused(job, "2026-11-23T22:00:00Z"), state=JobState.FAILED))
    scene.store.jobs.finish(job, outcome)
    assert scene.store.jobs.get(job.job_id).state is JobState.FAILED


def test_the_sweeper_does_not_overrule_a_worker(scene: Scene):
    abandoned = scene.uploaded()
    held = scene.store.jobs.claim(abandoned.job_id, "me", 125.0)
    with pytest.raises(StorageConflict):
        scene.store.jobs.finish(abandoned, replace(refused(abandoned, "2026-11-23T22:00:00Z"), state=JobState.FAILED))
    assert scene.store.jobs.get(abandoned.job_id) == held


def test_an_outcome_is_written_once(scene: Scene):
    job = scene.claimed()
    first = scene.outcome(job)
    assert scene.store.files.write_outcome(refused(job, "2026-11-22T22:00:03Z")) == first
    assert scene.store.files.read_outcome(job.job_id, 1) == first


def test_a_dry_run_stores_no_point(scene: Scene):
    job = scene.claimed(dry_run=True)
    outcome = scene.outcome(job)
    assert scene.store.jobs.finish(job, outcome) == outcome
    assert scene.store.jobs.get(job.job_id).outcome == outcome
    assert scene.store.points.by_event(scene.event.key) == []
    assert scene.store.events.get("Gaia18dps").version == 0
    assert faults(scene.store) == []


def test_second_delivery_finds_the_work_done(scene: Scene):
    job = scene.claimed()
    outcome = scene.outcome(job)
    scene.store.jobs.finish(job, outcome)
    assert scene.store.jobs.finish(job, outcome) == outcome
    assert scene.store.jobs.claim(job.job_id, "another", 125.0) is None
    assert scene.store.events.get("Gaia18dps").n_followups == 1


def test_what_is_not_published_is_found(scene: Scene, now: Clock):
    job = scene.claimed()
    scene.store.jobs.finish(job, scene.outcome(job))
    assert scene.store.jobs.get(job.job_id).figures_ready is False
    now.turn(60)
    assert [job.job_id for job in scene.store.jobs.unpublished(older_than_s=30)] == [job.job_id]
    scene.store.jobs.figures_ready(job.job_id)
    scene.store.jobs.figures_ready(job.job_id)
    assert scene.store.jobs.get(job.job_id).figures_ready is True
    assert scene.store.jobs.unpublished() == []
    assert [job.job_id for job in scene.store.jobs.in_state(JobState.DONE)] == [job.job_id]


def test_jobs_by_state_and_age(scene: Scene, now: Clock):
    old = scene.store.jobs.create(scene.request())
    now.turn(16 * 60)
    new = scene.store.jobs.create(scene.request())
    in_state = scene.store.jobs.in_state
    assert in_state(JobState.CREATED, older_than_s=15 * 60) == [old]
    assert in_state(JobState.CREATED) == [old, new]
    scene.store.jobs.uploaded(old.job_id)
    assert in_state(JobState.CREATED) == [new]
    assert [job.job_id for job in in_state(JobState.UPLOADED)] == [old.job_id]


def test_many_jobs_at_once_in_the_order_asked_for(scene: Scene):
    made = [scene.store.jobs.create(scene.request()) for _ in range(3)]
    wanted = [made[2].job_id, "unknown", made[0].job_id, "../x", made[2].job_id]
    assert scene.store.jobs.many(wanted) == [made[2], made[0]]
    assert scene.store.jobs.many([]) == []


@pytest.mark.parametrize("job_id", ["nobody", "", "../../etc/passwd", "x" * 200, "a/b", "é"])
def test_unknown_jobs(scene: Scene, job_id: str):
    with pytest.raises(UnknownJob):
        scene.store.jobs.get(job_id)


def test_a_key_sees_its_own_uploads_newest_first(scene: Scene, now: Clock):
    made = []
    for _ in range(5):
        made.append(scene.store.jobs.create(scene.request()))
        now.turn(1)
    scene.store.jobs.create(scene.request(key_id="somebodyelse"))
    first = scene.store.jobs.by_key(scene.key.key_id, limit=3)
    second = scene.store.jobs.by_key(scene.key.key_id, limit=3, cursor=first.cursor)
    assert [*first.items, *second.items] == made[::-1]
    assert second.cursor is None


def test_numbers_too_small_for_the_table_are_nothing(scene: Scene):
    """DynamoDB refuses what is below 1e-130; a fit can come out so."""
    job = scene.claimed(exposure_s=1e-200)
    outcome = scene.outcome(job, outlier_fraction=1e-150, scatter=5e-324, calib_err=1e-9)
    scene.store.jobs.finish(job, outcome)
    (point,) = scene.store.points.by_event(scene.event.key)
    assert (point.outlier_fraction, point.scatter, point.exposure_s, point.calib_err) == (0.0, 0.0, 0.0, 1e-9)
