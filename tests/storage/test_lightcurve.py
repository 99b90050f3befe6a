"""Points that replace, repeat or lose each other; deletions; counters that stay the number of points."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpcs.errors import Forbidden, UnknownPoint
from cpcs.records import JobState, Role
from cpcs.storage.points import decode
from tests.support.aws import Clock, Scene, dump, faults


def test_points_come_in_the_order_of_their_times(scene: Scene):
    mjds = [58400.5, 9999.25, 58397.6877795, 58397.6877794]
    made = [scene.add(str(mjd).encode(), mjd=mjd) for mjd in mjds]
    assert [point.mjd for point in scene.store.points.by_event(scene.event.key)] == sorted(mjds)
    assert scene.store.points.by_event(scene.event.key) == sorted(made, key=lambda point: point.mjd)
    assert scene.store.events.get("Gaia18dps").n_followups == 4
    assert faults(scene.store) == []


def test_raw_items_decode_to_what_pynamodb_makes_of_them(scene: Scene):
    limit = {"is_limit": True, "mag_err": None, "ra_deg": None, "dec_deg": None}
    job = scene.claimed(exposure_s=None, comment="clouds; é")
    outcome = scene.outcome(job, **limit, comment="clouds; é", mag=21.0, outlier_fraction=0.0)
    scene.store.jobs.finish(job, outcome)
    raw = next(item for key, item in dump(scene.store).items() if key[1].startswith("PT#"))
    assert decode(raw) == scene.store.points.get(1) == outcome.point
    assert isinstance(decode(raw).mag, float)
    assert isinstance(decode(raw).n_matched, int)


def test_long_light_curves_come_whole(scene: Scene):
    first = scene.add()
    item = next(item for key, item in dump(scene.store).items() if key[1].startswith("PT#"))
    with scene.store.models.points.batch_write() as batch:
        for number in range(2, 1102):
            text = {"pk": {"S": item["pk"]["S"]}, "sk": {"S": f"PT#{number:013.7f}#{number:010d}"}}
            many = scene.store.models.points.from_raw_data(item | text)
            many.followup_id, many.comment = number, "x" * 950
            batch.save(many)
    points = scene.store.points.by_event(scene.event.key)
    assert len(points) == 1101
    assert points[-1] == first


def test_another_file_of_the_same_exposure_takes_the_place_of_the_first(scene: Scene):
    first, second = scene.add(b"first"), scene.add(b"second")
    assert scene.store.points.by_event(scene.event.key) == [second]
    assert scene.store.points.get(first.followup_id) == replace(first, superseded_by=second.followup_id)
    assert scene.store.points.page().items == (second,)
    assert scene.store.points.page(observatory_id=1).items == (second,)
    assert scene.store.points.page(event="Gaia18dps").items == (second,)
    event = scene.store.events.get("Gaia18dps")
    assert (event.n_followups, event.version) == (1, 2)
    assert faults(scene.store) == []


def test_a_late_older_point_does_not_take_the_place_of_a_newer_one(scene: Scene):
    late = scene.claimed(b"late")
    outcome = scene.outcome(late)
    newer = scene.add(b"newer")
    assert scene.store.jobs.finish(late, outcome) == outcome
    assert scene.store.points.by_event(scene.event.key) == [newer]
    assert scene.store.points.get(1).superseded_by == newer.followup_id
    assert faults(scene.store) == []


@pytest.mark.parametrize("change", [{"band": "g"}, {"mjd": 58397.6877797}, {"event": "other"}])
def test_other_exposures_stand_beside_each_other(scene: Scene, change: dict[str, object]):
    scene.store.events.create("other", 1.0, 2.0)
    scene.add()
    scene.add(**change)
    assert scene.store.observatories.get(1).n_observations == 2
    assert faults(scene.store) == []


def test_the_same_file_again_makes_no_second_point(scene: Scene):
    first = scene.add(b"same")
    job = scene.claimed(b"same")
    stored = scene.store.jobs.finish(job, scene.outcome(job, mag=15.0))
    assert (stored.existing_id, stored.point) == (first.followup_id, first)
    assert scene.store.jobs.get(job.job_id).outcome == stored
    assert scene.store.points.by_event(scene.event.key) == [first]
    event = scene.store.events.get("Gaia18dps")
    assert (event.n_followups, event.version) == (1, 1)
    assert scene.store.jobs.finish(job, stored) == stored
    assert faults(scene.store) == []


def test_a_file_that_was_deleted_can_be_sent_again(scene: Scene):
    first = scene.add(b"same")
    scene.store.points.delete(first.followup_id, scene.key)
    second = scene.add(b"same")
    assert second.followup_id != first.followup_id
    assert scene.store.points.by_event(scene.event.key) == [second]
    assert faults(scene.store) == []


def test_deleting_a_point(scene: Scene):
    keep, point = scene.add(mjd=58000.5), scene.add()
    deletion = scene.store.points.delete(point.followup_id, scene.key)
    assert (deletion.followup_id, deletion.event) == (point.followup_id, scene.event.key)
    assert scene.store.points.by_event(scene.event.key) == [keep]
    assert scene.store.points.page().items == (keep,)
    with pytest.raises(UnknownPoint):
        scene.store.points.get(point.followup_id)
    job = scene.store.jobs.get(point.job_id)
    assert job.state is JobState.DELETED
    assert scene.store.jobs.claim(point.job_id, "another", 125.0) is None
    event = scene.store.events.get("Gaia18dps")
    assert (event.n_followups, event.version) == (1, 3)
    assert scene.store.events.page(observed=True).items == (event,)
    assert faults(scene.store) == []


def test_an_event_whose_last_point_goes_is_not_observed_any_more(scene: Scene):
    point = scene.add()
    assert len(scene.store.events.page(observed=True).items) == 1
    scene.store.points.delete(point.followup_id, scene.key)
    assert scene.store.events.page(observed=True).items == ()
    assert scene.store.events.page().items == (scene.store.events.get("Gaia18dps"),)


def test_deleting_twice_is_once(scene: Scene, now: Clock):
    point = scene.add()
    first = scene.store.points.delete(point.followup_id, scene.key)
    now.turn(60)
    assert scene.store.points.delete(point.followup_id, scene.key) == first
    assert scene.store.events.get("Gaia18dps").version == 2


def test_deleting_a_superseded_point_leaves_the_current_one(scene: Scene):
    first, second = scene.add(b"first"), scene.add(b"second")
    scene.store.points.delete(first.followup_id, scene.key)
    assert scene.store.points.by_event(scene.event.key) == [second]
    assert scene.store.events.get("Gaia18dps").n_followups == 1
    assert faults(scene.store) == []


def test_deleting_the_current_point_does_not_bring_back_the_one_before(scene: Scene):
    scene.add(b"first")
    second = scene.add(b"second")
    scene.store.points.delete(second.followup_id, scene.key)
    assert scene.store.points.by_event(scene.event.key) == []
    assert scene.store.events.get("Gaia18dps").n_followups == 0
    assert faults(scene.store) == []


def test_a_deletion_wins_over_a_late_second_delivery(scene: Scene):
    job = scene.claimed()
    outcome = scene.outcome(job)
    scene.store.jobs.finish(job, outcome)
    scene.store.points.delete(1, scene.key)
    late = scene.store.jobs.finish(job, outcome)
    assert late.state is JobState.DELETED
    scene.store.jobs.figures_ready(job.job_id)
    assert scene.store.jobs.get(job.job_id).state is JobState.DELETED
    assert scene.store.points.by_event(scene.event.key) == []
    assert faults(scene.store) == []


def test_who_may_delete(scene: Scene):
    point = scene.add()
    elsewhere = scene.store.observatories.create("Elsewhere")
    _, stranger = scene.store.keys.issue(elsewhere.observatory_id, Role.LEAD)
    _, colleague = scene.store.keys.issue(scene.observatory.observatory_id, Role.OBSERVER)
    _, admin = scene.store.keys.issue(elsewhere.observatory_id, Role.ADMIN)
    with pytest.raises(Forbidden):
        scene.store.points.delete(point.followup_id, stranger)
    assert scene.store.data.get("tombstones/1.json") is None
    scene.store.points.delete(point.followup_id, colleague)
    scene.store.points.delete(scene.add().followup_id, admin)
    with pytest.raises(UnknownPoint):
        scene.store.points.delete(99, admin)


def test_numbers_are_given_out_once(scene: Scene):
    assert [scene.store.points.next_id() for _ in range(3)] == [1, 2, 3]
