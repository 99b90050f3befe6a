"""The telescope memory in the table: in step with the points, whatever happens to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpcs.memory import MOST_FRAMES
from cpcs.records import ColourFrame, FollowupPoint
from cpcs.storage import Store, colour_terms, keys
from cpcs.storage.reindex import reindex
from tests.support.aws import Scene, dump, faults, lasting

CAMERA = "Apogee  ALTA U42"  # as a header has it; the memory does not mind


def remembered(store: Store, band: str = "r") -> list[ColourFrame]:
    return store.colour_terms.of_setup(1, CAMERA, band)


def assert_remembered(scene: Scene, *points: FollowupPoint) -> None:
    assert {frame.job_id for frame in remembered(scene.store)} == {point.job_id for point in points}
    assert faults(scene.store) == []
    before = lasting(scene.store)
    reindex(scene.store)
    assert lasting(scene.store) == before


def test_a_frame_is_remembered_with_its_point(scene: Scene):
    point = scene.add()
    assert remembered(scene.store) == [scene.frame(point)]
    assert remembered(scene.store, "R") == remembered(scene.store)
    for other in ("g", ""):
        assert remembered(scene.store, other) == []
    assert_remembered(scene, point)


def test_a_second_delivery_changes_nothing(scene: Scene):
    job = scene.claimed()
    outcome = scene.outcome(job)
    scene.store.jobs.finish(job, outcome)
    before = dump(scene.store)
    scene.store.jobs.finish(job, outcome)
    assert dump(scene.store) == before


def test_dry_runs_duplicates_and_what_teaches_nothing_are_not_remembered(scene: Scene):
    dry = scene.claimed(b"dry", dry_run=True)
    scene.store.jobs.finish(dry, scene.outcome(dry))
    first = scene.add(b"same")
    again = scene.claimed(b"same")
    scene.store.jobs.finish(again, scene.outcome(again))
    scene.add(b"unsure", mjd=58000.5, teaches=False)
    assert_remembered(scene, first)


def test_the_same_exposure_reduced_again_counts_once(scene: Scene):
    scene.add(b"first")
    second = scene.add(b"second")
    assert_remembered(scene, second)
    scene.add(b"third", teaches=False)
    assert_remembered(scene)


def test_the_same_exposure_of_another_camera_counts_once(scene: Scene):
    scene.add(b"first")
    second = scene.add(b"second", camera="another")  # the observer has corrected the name
    assert remembered(scene.store) == []
    assert [frame.camera for frame in scene.store.colour_terms.of_setup(1, "Another", "r")] == ["another"]
    assert_remembered(scene)
    scene.store.points.delete(second.followup_id, scene.key)
    assert scene.store.colour_terms.of_setup(1, "another", "r") == []
    assert_remembered(scene)


def test_what_is_overtaken_on_its_way_is_not_remembered(scene: Scene):
    late = scene.claimed(b"late")
    outcome = scene.outcome(late)
    newer = scene.add(b"newer")
    scene.store.jobs.finish(late, outcome)
    assert_remembered(scene, newer)


def test_a_deleted_point_is_forgotten(scene: Scene):
    kept, gone = scene.add(mjd=58000.5), scene.add()
    scene.store.points.delete(gone.followup_id, scene.key)
    assert_remembered(scene, kept)
    scene.store.points.delete(gone.followup_id, scene.key)
    again = scene.add()
    assert_remembered(scene, kept, again)


def test_deleting_a_superseded_point_forgets_nothing(scene: Scene):
    first, second = scene.add(b"first"), scene.add(b"second")
    scene.store.points.delete(first.followup_id, scene.key)
    assert_remembered(scene, second)
    scene.store.points.delete(second.followup_id, scene.key)
    assert_remembered(scene)


def test_a_point_without_a_word_for_the_memory_can_be_deleted(scene: Scene):
    point = scene.add(teaches=False)
    scene.store.points.delete(point.followup_id, scene.key)
    assert_remembered(scene)


def put(store: Store, number: int, **changes: object) -> ColourFrame:
    frame = ColourFrame(
        observatory_id=1,
        passband="APASS/r",
        colour="g-r",
        value=0.1,
        err=0.05,
        mjd=58000.0 + number,
        field="gaia18dps",
        job_id=f"{number:026d}",
        learned="2026-11-22T22:00:00Z",
    )
    frame = replace(frame, **changes)
    colour_terms.item_of(store.models, frame).save()
    return frame


def test_only_the_newest_frames_are_read(store: Store):
    with store.models.items.batch_write() as batch:
        first = put(store, 0)
        for number in range(1, MOST_FRAMES + 20):
            frame = replace(first, job_id=f"{number:026d}", mjd=58000.0 + number)
            batch.save(colour_terms.item_of(store.models, frame))
    found = store.colour_terms.of_setup(1, "", "")
    assert [frame.mjd for frame in found] == [58000.0 + MOST_FRAMES + 19 - n for n in range(MOST_FRAMES)]


def test_a_later_revision_of_a_job_replaces_what_it_said(store: Store):
    put(store, 1)
    later = put(store, 1, passband="PS1/r", value=0.2)
    assert store.colour_terms.of_setup(1, "", "") == [later]


@pytest.mark.parametrize("name", ["", "a", "a#b", "a%23b", "%", "r'", "é" * 64])
def test_set_ups_are_kept_apart(store: Store, name: str):
    others = [put(store, 1, camera=camera, filter=band) for camera, band in (("a", "#b"), ("a#", "b"), ("a%23", "b"))]
    mine = put(store, 2, camera=name, filter="b")
    assert store.colour_terms.of_setup(1, name, "B") == [mine]
    assert store.colour_terms.of_setup(2, name, "b") == []
    assert len(keys.colour_frame(mine).encode()) <= 1024
    assert {frames[0].camera for frames in store.colour_terms.of_observatory(1)} == {"a", "a#", "a%23", name}
    assert others[0] in store.colour_terms.of_setup(1, "a", "#B")


def test_all_set_ups_of_an_observatory(store: Store):
    made = [put(store, n, camera=camera, filter=band) for n, (camera, band) in enumerate([("", ""), ("u42", "r")] * 3)]
    put(store, 9, observatory_id=2, camera="u42", filter="r")
    found = list(store.colour_terms.of_observatory(1))
    assert found == [made[5::-2], made[4::-2]]
    assert list(store.colour_terms.of_observatory(3)) == []
