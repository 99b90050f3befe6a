"""Uploads calibrated again: what becomes of their points, and the table that S3 gives is the one that was there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cpcs import clock
from cpcs.errors import BadCursor, BadField, StorageConflict, UnknownPoint, UnknownRecalibration
from cpcs.records import (
    LARGEST_RECALIBRATION,
    FollowupPoint,
    Job,
    JobState,
    Outcome,
    Reason,
    Recalibration,
    Role,
    Selection,
)
from cpcs.shifts import Progress, summary
from cpcs.storage.reindex import reindex
from tests.support.aws import Scene, faults, lasting, refused
from tests.support.queue import queued

NOT_NOW = {"code": "REFERENCE_UNAVAILABLE", "message": "Not now.", "hint": "Wait."}


def ask(scene: Scene, *job_ids: str, **given: Any) -> Recalibration:
    scene.now.turn(60.0)
    return scene.store.recalibrations.ask(Selection(job_ids=job_ids, **given), "operator")


def claim(scene: Scene, job_id: str) -> Job:
    job = scene.store.jobs.claim(job_id, f"worker-{job_id}-{scene.now()}", 125.0)
    assert job is not None
    scene.now.turn(1.0)
    return job


def end(scene: Scene, job: Job, band: str = "r", **changes: Any) -> FollowupPoint:
    """End a revision with a point; return it."""
    outcome = scene.outcome(job, filter=band, **changes)
    scene.store.jobs.finish(job, outcome)
    scene.store.jobs.figures_ready(job.job_id)
    assert outcome.point is not None
    return outcome.point


def again(scene: Scene, point: FollowupPoint, band: str = "r", **changes: Any) -> FollowupPoint:
    """Calibrate a point's upload again, with all that follows."""
    ask(scene, point.job_id, include_refused=True)
    return end(scene, claim(scene, point.job_id), band, **changes)


def end_refused(scene: Scene, job_id: str, state: JobState = JobState.REJECTED) -> Outcome:
    job = claim(scene, job_id)
    outcome = replace(refused(job, clock.iso(scene.now())), state=state)
    return scene.store.jobs.finish(job, scene.store.files.write_outcome(outcome))


def curve(scene: Scene) -> list[int]:
    return [point.followup_id for point in scene.store.points.by_event(scene.event.key)]


@pytest.fixture(autouse=True)
def holds_together(scene: Scene) -> Iterator[None]:
    """After each test: the counters are right, and S3 gives the same table."""
    yield
    assert faults(scene.store) == []
    before = lasting(scene.store)
    reindex(scene.store)
    assert lasting(scene.store) == before
    assert faults(scene.store) == []


# --- points ---------------------------------------------------------------------------------------


def test_the_new_point_takes_the_place_of_the_old(scene: Scene):
    first = scene.add()
    recalibration = ask(scene, first.job_id)
    assert [entry.revision for entry in recalibration.entries] == [2]
    assert queued(scene.store) == [first.job_id]
    waiting = scene.store.jobs.get(first.job_id)
    assert (waiting.state, waiting.revision, waiting.attempt) == (JobState.UPLOADED, 2, 0)
    assert waiting.outcome is not None
    assert waiting.outcome.point == first  # what holds meanwhile
    assert curve(scene) == [1]
    second = end(scene, claim(scene, first.job_id), mag=16.6)
    assert scene.store.points.by_event(scene.event.key) == [second]
    assert scene.store.points.page().items == (second,)
    assert scene.store.points.get(first.followup_id) == replace(first, superseded_by=2)
    assert scene.store.events.get("Gaia18dps").n_followups == 1
    assert scene.store.observatories.get(1).n_observations == 1
    done = scene.store.jobs.get(first.job_id)
    assert (done.state, done.points, done.figures_ready) == (JobState.DONE, (1, 2), True)
    first_outcome = scene.store.files.read_outcome(first.job_id, 1)
    assert first_outcome is not None
    assert first_outcome.point == first  # the old revision stays


def test_again_and_again(scene: Scene):
    point = scene.add()
    for _ in range(4):
        point = again(scene, point)
    assert curve(scene) == [5]
    assert [scene.store.points.get(number).superseded_by for number in range(1, 6)] == [2, 3, 4, 5, None]
    assert scene.store.jobs.get(point.job_id).revision == 5


def test_another_passband_leaves_no_point_behind(scene: Scene):
    first = scene.add(band="r")
    second = again(scene, first, "g")
    assert scene.store.points.by_event(scene.event.key) == [second]
    assert scene.store.points.get(1).superseded_by == 2
    assert scene.store.events.get("Gaia18dps").n_followups == 1
    third = again(scene, second, "r")  # and back
    assert scene.store.points.by_event(scene.event.key) == [third]
    assert scene.store.points.get(2).superseded_by == 3


def test_the_place_that_was_left_is_free(scene: Scene):
    moved = again(scene, scene.add(b"one", band="r"), "g")
    assert curve(scene) == [moved.followup_id]
    other = scene.add(b"two", band="r")
    assert curve(scene) == [moved.followup_id, other.followup_id]
    assert scene.store.events.get("Gaia18dps").n_followups == 2
    same_bytes = scene.add(b"one", band="g")
    assert same_bytes.followup_id == moved.followup_id  # still the same file


def test_into_a_place_that_a_younger_upload_holds(scene: Scene):
    older, younger = scene.add(b"one", band="r"), scene.add(b"two", band="g")
    assert scene.store.events.get("Gaia18dps").n_followups == 2
    moved = again(scene, older, "g")
    assert curve(scene) == [younger.followup_id]
    assert scene.store.points.get(moved.followup_id).superseded_by == younger.followup_id
    assert scene.store.events.get("Gaia18dps").n_followups == 1
    assert scene.store.observatories.get(1).n_observations == 1


def test_into_a_place_that_an_older_upload_holds(scene: Scene):
    older, younger = scene.add(b"one", band="g"), scene.add(b"two", band="r")
    moved = again(scene, younger, "g")
    assert curve(scene) == [moved.followup_id]
    assert scene.store.points.get(older.followup_id).superseded_by == moved.followup_id
    assert scene.store.events.get("Gaia18dps").n_followups == 1


def test_into_a_place_where_everything_was_deleted(scene: Scene):
    older, younger = scene.add(b"one", band="r"), scene.add(b"two", band="g")
    scene.store.points.delete(younger.followup_id, scene.key)
    again(scene, older, "g")
    assert curve(scene) == []  # as a late upload: the younger one had taken its place, and is gone
    assert scene.store.events.get("Gaia18dps").n_followups == 0
    assert scene.store.events.page(observed=True).items == ()


@pytest.mark.parametrize("order", list(itertools.permutations(["old", "new", "other"])))
def test_the_youngest_upload_wins_whatever_the_order(scene: Scene, order: tuple[str, ...]):
    """An observer's better reduction arrives while the first one is calibrated again, once and once more."""
    first = scene.add(b"one")
    ask(scene, first.job_id)
    jobs = {"old": claim(scene, first.job_id), "new": scene.claimed(b"two"), "other": scene.claimed(b"3", mjd=58000.5)}
    points = {name: end(scene, jobs[name]) for name in order}
    assert curve(scene) == [points["other"].followup_id, points["new"].followup_id]
    newest = again(scene, points["new"])
    assert curve(scene) == [points["other"].followup_id, newest.followup_id]


def test_numbers_given_out_the_other_way_round(scene: Scene):
    """The recalibration has the higher number, and comes in first or last: the younger upload wins."""
    first = scene.add(b"one")
    ask(scene, first.job_id)
    old, new = claim(scene, first.job_id), scene.claimed(b"two")
    new_outcome, old_outcome = scene.outcome(new), scene.outcome(old)
    scene.store.jobs.finish(old, old_outcome)
    scene.store.jobs.finish(new, new_outcome)
    assert new_outcome.point is not None
    assert curve(scene) == [new_outcome.point.followup_id]


def test_both_of_a_pair_that_superseded_each_other_when_named(scene: Scene):
    older, younger = scene.add(b"one"), scene.add(b"two")
    recalibration = ask(scene, older.job_id, younger.job_id)
    assert [(each.job_id, each.reason) for each in recalibration.passed_over] == [(older.job_id, Reason.SUPERSEDED)]
    newest = end(scene, claim(scene, younger.job_id))
    assert curve(scene) == [newest.followup_id]
    assert scene.store.points.get(older.followup_id).superseded_by == younger.followup_id


def test_a_file_sent_twice_is_calibrated_once(scene: Scene):
    first = scene.add(b"same")
    twice = scene.claimed(b"same")
    scene.store.jobs.finish(twice, scene.outcome(twice))
    recalibration = ask(scene, first.job_id, twice.job_id)
    assert [entry.job_id for entry in recalibration.entries] == [first.job_id]
    assert [(each.job_id, each.reason) for each in recalibration.passed_over] == [(twice.job_id, Reason.DUPLICATE)]
    second = end(scene, claim(scene, first.job_id), "g")
    assert scene.store.points.by_event(scene.event.key) == [second]


def test_the_same_file_refused_twice_makes_one_point(scene: Scene):
    jobs = [scene.uploaded(b"same").job_id for _ in range(2)]
    for job_id in jobs:
        end_refused(scene, job_id)
    ask(scene, *jobs, include_refused=True)
    for job_id in jobs:
        job = claim(scene, job_id)
        scene.store.jobs.finish(job, scene.outcome(job))
    assert len(curve(scene)) == 1
    second = scene.store.jobs.get(jobs[1])
    assert second.outcome is not None
    assert (second.state, second.outcome.existing_id, second.points) == (JobState.DONE, curve(scene)[0], ())


def test_a_dry_run_stays_one(scene: Scene):
    dry = scene.claimed(dry_run=True)
    scene.store.jobs.finish(dry, scene.outcome(dry))
    ask(scene, dry.job_id)
    job = claim(scene, dry.job_id)
    outcome = scene.outcome(job, mag=16.6)
    assert scene.store.jobs.finish(job, outcome) == outcome
    assert scene.store.jobs.get(dry.job_id).outcome == outcome
    assert curve(scene) == []


# --- refusals and waiting -------------------------------------------------------------------------


@pytest.mark.parametrize("state", [JobState.REJECTED, JobState.FAILED])
def test_a_refusal_leaves_what_was_there(scene: Scene, state: JobState):
    point = scene.add()
    recalibration = ask(scene, point.job_id)
    assert end_refused(scene, point.job_id, state).point == point
    job = scene.store.jobs.get(point.job_id)
    assert (job.state, job.revision, job.figures_ready) == (JobState.DONE, 2, True)
    assert job.outcome is not None
    assert (job.outcome.revision, job.outcome.point) == (1, point)
    assert scene.store.points.by_event(scene.event.key) == [point]
    assert scene.store.jobs.unpublished() == []
    second = scene.store.files.read_outcome(point.job_id, 2)
    assert second is not None
    assert second.state is state
    (row,) = scene.store.recalibrations.shifts(recalibration)
    assert (row.progress, row.refused, row.mag_before, row.mag, row.shift) == (
        Progress.REFUSED, "TOO_FEW_MATCHES", point.mag, None, None,
    )  # fmt: skip
    third = again(scene, point)
    assert (third.revision, curve(scene)) == (3, [third.followup_id])
    assert scene.store.jobs.get(point.job_id).points == (1, 2)


def test_what_was_not_published_yet_is_still_to_be_published_after_a_refusal(scene: Scene):
    job = scene.claimed()
    scene.store.jobs.finish(job, scene.outcome(job))
    ask(scene, job.job_id)
    end_refused(scene, job.job_id)
    assert [each.job_id for each in scene.store.jobs.unpublished()] == [job.job_id]
    scene.store.jobs.figures_ready(job.job_id)
    assert scene.store.jobs.unpublished() == []


def test_one_that_was_refused_may_become_a_point(scene: Scene):
    job_id = scene.uploaded().job_id
    end_refused(scene, job_id)
    assert ask(scene, job_id).passed_over[0].reason is Reason.REFUSED
    recalibration = ask(scene, job_id, include_refused=True)
    point = end(scene, claim(scene, job_id))
    assert scene.store.points.by_event(scene.event.key) == [point]
    assert scene.store.events.get("Gaia18dps").n_followups == 1
    (row,) = scene.store.recalibrations.shifts(recalibration)
    assert (row.progress, row.refused_before, row.mag_before, row.mag) == (
        Progress.DONE, "TOO_FEW_MATCHES", None, point.mag,
    )  # fmt: skip


def test_refused_again(scene: Scene):
    job_id = scene.uploaded().job_id
    end_refused(scene, job_id)
    ask(scene, job_id, include_refused=True)
    end_refused(scene, job_id, JobState.FAILED)
    job = scene.store.jobs.get(job_id)
    assert job.outcome is not None
    assert (job.state, job.outcome.revision) == (JobState.FAILED, 2)


def test_waiting_for_reference_stars_keeps_what_holds(scene: Scene):
    point = scene.add()
    recalibration = ask(scene, point.job_id)
    job = claim(scene, point.job_id)
    scene.store.jobs.wait_for_reference(job, NOT_NOW, scene.now() + 300.0)
    waiting = scene.store.jobs.get(point.job_id)
    assert waiting.state is JobState.WAITING_REFERENCE
    assert waiting.outcome is not None
    assert waiting.outcome.point == point
    assert scene.store.recalibrations.shifts(recalibration)[0].progress is Progress.WAITING
    assert curve(scene) == [point.followup_id]
    second = end(scene, claim(scene, point.job_id))
    assert curve(scene) == [second.followup_id]


# --- deletions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 3], ids=["the oldest", "the one between", "the newest"])
def test_a_deletion_takes_back_every_revision(scene: Scene, number: int):
    """Whoever noted the number of an older revision means the same observation."""
    point = scene.add(band="r")
    again(scene, again(scene, point, "g"), "g")
    scene.store.points.delete(number, scene.key)
    scene.store.points.delete(number, scene.key)
    assert curve(scene) == []
    assert scene.store.jobs.get(point.job_id).state is JobState.DELETED
    for each in (1, 2, 3):
        with pytest.raises(UnknownPoint):
            scene.store.points.get(each)
    assert ask(scene, point.job_id, include_refused=True).passed_over[0].reason is Reason.DELETED
    assert scene.store.jobs.claim(point.job_id, "anybody", 125.0) is None


def test_a_deletion_while_it_is_under_way(scene: Scene):
    point = scene.add()
    recalibration = ask(scene, point.job_id)
    job = claim(scene, point.job_id)
    scene.store.points.delete(point.followup_id, scene.key)
    assert scene.store.jobs.finish(job, scene.outcome(job)).state is JobState.DELETED
    assert curve(scene) == []
    (row,) = scene.store.recalibrations.shifts(recalibration)
    assert (row.progress, row.mag) == (Progress.DELETED, None)
    scene.store.recalibrations.ask(recalibration.selection, "operator", recalibration_id=recalibration.recalibration_id)
    assert scene.store.jobs.get(point.job_id).state is JobState.DELETED


def test_a_deletion_between_choice_and_asking(scene: Scene):
    """It is asked for in S3, and the upload stays deleted."""
    point = scene.add()
    real = scene.store.recalibrations.choose(Selection(job_ids=(point.job_id,)))
    recalibration = Recalibration(
        recalibration_id="late",
        asked=clock.iso(scene.now()),
        key_id="operator",
        selection=Selection(job_ids=(point.job_id,)),
        entries=real.entries,
        passed_over=(),
        cursor=None,
    )
    scene.store.files.write_recalibration(recalibration)
    scene.store.points.delete(point.followup_id, scene.key)
    queued(scene.store)
    scene.store.recalibrations.ask(recalibration.selection, "operator", recalibration_id="late")
    assert scene.store.jobs.get(point.job_id).state is JobState.DELETED
    assert queued(scene.store) == []
    assert scene.store.recalibrations.shifts(recalibration)[0].progress is Progress.DELETED


def test_a_deletion_that_is_only_in_the_record_counts(scene: Scene):
    point = scene.add()
    other = scene.add(mjd=58000.5)
    scene.store.points.delete(other.followup_id, scene.key)
    text = scene.store.data.get(f"tombstones/{other.followup_id}.json")
    assert text is not None
    note = text.replace(other.job_id.encode(), point.job_id.encode()).replace(b'"followup_id":2', b'"followup_id":1')
    scene.store.data.put("tombstones/1.json", note)
    assert ask(scene, point.job_id).passed_over[0].reason is Reason.DELETED
    scene.store.points.delete(point.followup_id, scene.key)  # done again, and through


def test_a_deletion_meets_the_end_of_a_recalibration(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """Between look and write of the deletion, the new point comes in: it is taken back too."""
    point = scene.add()
    ask(scene, point.job_id)
    job = claim(scene, point.job_id)
    outcome = scene.outcome(job)
    index = scene.store.jobs.index
    real, met = type(index)._vacate, []

    def vacate(self: Any, of: FollowupPoint) -> Any:
        if not met:
            met.append(of)
            scene.store.jobs.finish(job, outcome)
        return real(self, of)

    monkeypatch.setattr(type(index), "_vacate", vacate)
    scene.store.points.delete(point.followup_id, scene.key)
    assert met
    assert curve(scene) == []
    assert scene.store.jobs.get(point.job_id).points == (1, 2)
    assert scene.store.data.get("tombstones/2.json") is not None


# --- asking ---------------------------------------------------------------------------------------


def test_asking_again_with_the_same_id_changes_nothing(scene: Scene):
    point = scene.add()
    selection = Selection(job_ids=(point.job_id,))
    asked = scene.store.recalibrations.ask(selection, "operator", recalibration_id="mine")
    assert scene.store.recalibrations.ask(selection, "operator", recalibration_id="mine") == asked
    second = end(scene, claim(scene, point.job_id))
    queued(scene.store)
    assert scene.store.recalibrations.ask(selection, "operator", recalibration_id="mine") == asked
    assert queued(scene.store) == []
    assert scene.store.jobs.get(point.job_id).revision == 2
    assert curve(scene) == [second.followup_id]
    assert scene.store.recalibrations.get("mine") == asked
    with pytest.raises(BadField):
        scene.store.recalibrations.ask(Selection(), "operator", recalibration_id="mine")


@pytest.mark.parametrize("given", ["", "../x", "a b", "nobody's", "x" * 65])
def test_unknown_recalibrations(scene: Scene, given: str):
    with pytest.raises(UnknownRecalibration):
        scene.store.recalibrations.get(given)
    if given:
        with pytest.raises(BadField):
            scene.store.recalibrations.ask(Selection(), "operator", recalibration_id=given)


def test_what_is_under_way_is_passed_over(scene: Scene):
    point, new = scene.add(), scene.uploaded(mjd=58000.5)
    ask(scene, point.job_id)
    recalibration = ask(scene, point.job_id, new.job_id, "nobody", include_refused=True)
    assert recalibration.entries == ()
    assert [each.reason for each in recalibration.passed_over] == [
        Reason.UNDER_WAY, Reason.UNDER_WAY, Reason.UNKNOWN,
    ]  # fmt: skip
    assert scene.store.jobs.get(point.job_id).revision == 2


def test_two_who_ask_at_the_same_moment_share_the_revision(scene: Scene):
    point = scene.add()
    selection = Selection(job_ids=(point.job_id,))
    choice = scene.store.recalibrations.choose(selection)
    ask(scene, point.job_id)
    late = Recalibration(
        recalibration_id="late", asked=clock.iso(scene.now()), key_id="b", selection=selection,
        entries=choice.entries, passed_over=(), cursor=None,
    )  # fmt: skip
    scene.store.files.write_recalibration(late)
    scene.store.recalibrations.ask(selection, "b", recalibration_id="late")
    second = end(scene, claim(scene, point.job_id))
    assert scene.store.jobs.get(point.job_id).revision == 2
    assert scene.store.recalibrations.shifts(late)[0].mag == second.mag


def test_a_worker_of_the_revision_before_is_refused(scene: Scene):
    slow = scene.claimed()
    outcome = scene.outcome(slow)
    scene.now.turn(126.0)
    quick = scene.store.jobs.claim(slow.job_id, "another", 125.0)
    assert quick is not None
    scene.store.jobs.finish(quick, outcome)
    scene.store.jobs.figures_ready(slow.job_id)
    ask(scene, slow.job_id)
    with pytest.raises(StorageConflict):
        scene.store.jobs.finish(slow, outcome)
    unleased = replace(slow, lease_owner="")
    with pytest.raises(StorageConflict):
        scene.store.jobs.finish(unleased, outcome)
    scene.store.jobs.release(unleased)
    assert scene.store.jobs.get(slow.job_id).state is JobState.UPLOADED
    end(scene, claim(scene, slow.job_id))


def test_reindex_resumes_what_was_asked_for(scene: Scene):
    point, claimed, only_in_s3 = scene.add(), scene.add(mjd=58000.5), scene.add(mjd=58001.5)
    ask(scene, point.job_id, claimed.job_id)
    claim(scene, claimed.job_id)
    choice = scene.store.recalibrations.choose(Selection(job_ids=(only_in_s3.job_id,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(scene.store.jobs), "_update", lambda *_: (_ for _ in ()).throw(ConnectionError))
        with pytest.raises(ConnectionError):
            scene.store.recalibrations.ask(Selection(job_ids=(only_in_s3.job_id,)), "operator")
    assert choice.entries[0].revision == 2
    report = reindex(scene.store)
    jobs = [point.job_id, claimed.job_id, only_in_s3.job_id]
    assert sorted(report.to_enqueue) == sorted(jobs)
    for job_id in jobs:
        job = scene.store.jobs.get(job_id)
        assert (job.state, job.revision) == (JobState.UPLOADED, 2)
        end(scene, claim(scene, job_id))
    assert sorted(curve(scene)) == [4, 5, 6]


def test_an_unreadable_note_keeps_the_upload_out_until_it_is_mended(scene: Scene):
    point = again(scene, scene.add())
    key = f"jobs/{point.job_id}/asked/0002.json"
    whole = scene.store.data.get(key)
    assert whole is not None
    scene.store.data.put(key, b"{")
    assert reindex(scene.store).unreadable == [key]
    scene.store.data.put(key, whole)
    assert reindex(scene.store).unreadable == []


# --- which ----------------------------------------------------------------------------------------


@pytest.fixture
def many(scene: Scene) -> dict[str, str]:
    """Uploads of two observatories for two events, a minute apart: names -> job ids."""
    other = scene.store.observatories.create("Elsewhere")
    _, key = scene.store.keys.issue(other.observatory_id, Role.OBSERVER)
    scene.store.events.create("Gaia26abc", 10.0, 20.0)
    there = {"observatory_id": other.observatory_id, "key_id": key.key_id}
    jobs = {}
    for name, changes in {
        "a": {"mjd": 58000.5},
        "b": {"mjd": 58001.5, **there},
        "c": {"mjd": 58002.5, "event": "gaia26abc"},
        "d": {"mjd": 58003.5, "event": "gaia26abc", **there},
    }.items():
        jobs[name] = scene.add(name.encode(), **changes).job_id
        scene.now.turn(59.0)
    bad = scene.uploaded(b"bad", mjd=58004.5)
    end_refused(scene, bad.job_id)
    dry = scene.claimed(b"dry", mjd=58005.5, dry_run=True)
    scene.store.jobs.finish(dry, scene.outcome(dry))
    scene.store.keys.revoke(key.sha256)
    return {**jobs, "bad": bad.job_id, "dry": dry.job_id}


MINUTE_2 = "2026-11-22T22:02:00Z"


SELECTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "a b c d dry"),
    ({"include_refused": True}, "a b bad c d dry"),
    ({"event": "gaia18dps"}, "a b dry"),
    ({"event": "gaia18dps", "include_refused": True}, "a b bad dry"),
    ({"event": "gaia26abc", "observatory_id": 2}, "d"),
    ({"observatory_id": 2}, "b d"),
    ({"since": MINUTE_2}, "c d dry"),
    ({"until": MINUTE_2}, "a b"),
    ({"since": "2026-11-22T22:01:00Z", "until": MINUTE_2}, "b"),
    ({"event": "gaia26abc", "since": "2026-11-22T22:03:00Z"}, "d"),
    ({"event": "gaia18dps", "until": "2026-11-22T22:00:30Z"}, "a"),
    ({"mjd_since": 58001.5, "mjd_until": 58003.5}, "b c"),
    ({"event": "gaia99nothing"}, ""),
    ({"observatory_id": 99}, ""),
]


def test_selections(scene: Scene, many: dict[str, str]):
    names = {job_id: name for name, job_id in many.items()}
    for (selection, expected), limit in itertools.product(SELECTIONS, (1, 2, 100)):
        found, cursor = list[str](), None
        for _ in range(20):
            choice = scene.store.recalibrations.choose(Selection(**selection), limit=limit, cursor=cursor)
            assert len(choice.entries) + len(choice.passed_over) <= limit
            found += [names[entry.job_id] for entry in choice.entries]
            cursor = choice.cursor
            if cursor is None:
                break
        assert cursor is None
        assert sorted(found) == expected.split(), (selection, limit)


def test_a_cursor_is_of_its_selection(scene: Scene, many: dict[str, str]):
    cursor = scene.store.recalibrations.choose(Selection(), limit=1).cursor
    assert cursor is not None
    with pytest.raises(BadCursor):
        scene.store.recalibrations.choose(Selection(observatory_id=1), limit=1, cursor=cursor)


def test_a_selection_in_parts_while_its_uploads_change(scene: Scene, many: dict[str, str]):
    seen, cursor = list[str](), None
    while True:
        part = scene.store.recalibrations.ask(Selection(), "operator", limit=2, cursor=cursor)
        for entry in part.entries:
            job = claim(scene, entry.job_id)
            scene.store.jobs.finish(job, scene.outcome(job, mag=17.0))
            seen.append(entry.job_id)
        cursor = part.cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(job_id for name, job_id in many.items() if name != "bad")
    assert {job.revision for job in scene.store.jobs.many(seen)} == {2}


def test_too_many_ids(scene: Scene):
    with pytest.raises(BadField):
        scene.store.recalibrations.choose(Selection(job_ids=tuple(map(str, range(LARGEST_RECALIBRATION + 1)))))


# --- the table of shifts --------------------------------------------------------------------------


def test_the_table_of_shifts(scene: Scene):
    points = [scene.add(bytes([number]), mjd=58000.5 + number) for number in range(6)]
    recalibration = ask(scene, *(point.job_id for point in points))
    mags = (16.53319908, 16.50319908, 16.62319908)
    for point, mag in zip(points[:3], mags, strict=True):
        end(scene, claim(scene, point.job_id), mag=mag, zero_point=point.zero_point + mag - point.mag)
    end(scene, claim(scene, points[3].job_id), "g", mag=17.5)
    end_refused(scene, points[4].job_id)
    rows = scene.store.recalibrations.shifts(recalibration)
    assert [row.job_id for row in rows] == [point.job_id for point in points]
    assert [row.shift and round(row.shift, 6) for row in rows] == [0.01, -0.02, 0.1, 0.976801, None, None]
    assert [row.zero_point_shift and round(row.zero_point_shift, 6) for row in rows[:3]] == [0.01, -0.02, 0.1]
    assert (rows[3].passband_before, rows[3].passband) == ("APASS/r", "APASS/g")
    assert (rows[0].event, rows[0].observatory, rows[0].revision) == ("Gaia18dps", "Montarrenti Observatory", 2)
    told = summary(rows)
    assert (told.n, told.done, told.refused, told.waiting, told.passband_changed) == (6, 4, 1, 1, 1)
    assert told.n_shifts == 3
    assert told.median_shift == pytest.approx(0.02)
    assert told.largest_shift == pytest.approx(0.1)


def test_a_limit_and_a_detection_are_not_compared(scene: Scene):
    point = scene.add()
    recalibration = ask(scene, point.job_id)
    end(scene, claim(scene, point.job_id), is_limit=True, mag=19.0, mag_err=None)
    (row,) = scene.store.recalibrations.shifts(recalibration)
    assert (row.mag, row.shift, row.zero_point_shift) == (19.0, None, 0.0)
