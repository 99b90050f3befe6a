"""Uploads calibrated again: what becomes of their points, and the table that S3 gives is the one that was there."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from cpcs import clock
from cpcs.errors import StorageConflict, UnknownPoint
from cpcs.records import FollowupPoint, JobState, Reason, Recalibration, Selection
from cpcs.shifts import Progress
from cpcs.storage import transactions
from cpcs.storage.files import Files, Tombstone
from cpcs.storage.reindex import reindex
from tests.support.again import again, ask, claim, curve, end, end_refused
from tests.support.aws import Scene
from tests.support.queue import queued

NOT_NOW = {"code": "REFERENCE_UNAVAILABLE", "message": "Not now.", "hint": "Wait."}

pytestmark = pytest.mark.usefixtures("holds_together")


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
    stored = scene.store.jobs.finish(twice, replace(scene.outcome(twice), summary={"confidence": 0.5}))
    assert stored.summary["confidence"] == 0.99  # how the point came about, as it is the first time's
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


def test_a_revision_ends_between_the_reads_of_a_deletion(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """After the upload is read, and before its point is: the point that came in meanwhile is taken back too."""
    point = scene.add()
    ask(scene, point.job_id)
    running = claim(scene, point.job_id)
    index = type(scene.store.jobs.index)
    real_delete, real_ref, met = index._delete, index._ref, list[FollowupPoint]()
    is_under_way: list[bool] = []

    def delete(self: Any, asked: Any) -> None:
        is_under_way.append(True)
        real_delete(self, asked)

    def ref(self: Any, followup_id: int) -> Any:
        if is_under_way and not met:
            met.append(end(scene, running))
        return real_ref(self, followup_id)

    monkeypatch.setattr(index, "_delete", delete)
    monkeypatch.setattr(index, "_ref", ref)
    scene.store.points.delete(point.followup_id, scene.key)
    assert [each.followup_id for each in met] == [2]
    assert len(is_under_way) == 2  # it has looked again
    assert curve(scene) == []
    assert scene.store.jobs.get(point.job_id).points == (1, 2)
    assert scene.store.events.get("Gaia18dps").n_followups == 0
    assert list(scene.store.colour_terms.of_observatory(1)) == []


def test_a_deletion_does_not_look_for_ever(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transactions, "_LONGEST_S", 0.0)
    point = scene.add()
    index = type(scene.store.jobs.index)
    real = index._ref

    def ref(self: Any, followup_id: int) -> Any:
        item = real(self, followup_id)
        item.point = "nowhere"
        return item

    with monkeypatch.context() as patch:
        patch.setattr(index, "_ref", ref)
        with pytest.raises(StorageConflict):
            scene.store.points.delete(point.followup_id, scene.key)
    scene.store.points.delete(point.followup_id, scene.key)
    assert curve(scene) == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_deletion_that_broke_off_after_its_first_note(scene: Scene, number: int):
    """No revision is forgotten by the record: each number leads to the deleted upload, also after a reindex."""
    point = scene.add()
    again(scene, point)
    real, written = Files.write_tombstone, list[int]()

    def write(self: Files, tombstone: Tombstone) -> Tombstone:
        if written:
            raise ConnectionError
        written.append(tombstone.followup_id)
        return real(self, tombstone)

    with pytest.MonkeyPatch.context() as patch, suppress(ConnectionError):
        patch.setattr(Files, "write_tombstone", write)
        patch.setattr(type(scene.store.jobs.index), "_delete", lambda *_: (_ for _ in ()).throw(ConnectionError))
        scene.store.points.delete(number, scene.key)
    assert written == [2]
    reindex(scene.store)
    job = scene.store.jobs.get(point.job_id)
    assert (job.state, job.points, curve(scene)) == (JobState.DELETED, (1, 2), [])
    for each in (1, 2):
        assert scene.store.points.delete(each, scene.key).followup_id == each
