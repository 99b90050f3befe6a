"""The table anew from S3 is the table that was there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpcs.errors import UnknownJob
from cpcs.records import JobState, Role
from cpcs.storage.reindex import reindex
from tests.support.aws import Clock, Scene, dump, faults, lasting, refused


@pytest.fixture
def lived_in(scene: Scene, now: Clock) -> Scene:
    """A storage in which everything has happened."""
    store = scene.store
    elsewhere = store.observatories.create("Elsewhere", latitude_deg=-30.0)
    _, admin = store.keys.issue(elsewhere.observatory_id, Role.ADMIN, "An Admin")
    store.keys.revoke(store.keys.register("gone_0123", 1, Role.LEAD).sha256)
    store.keys.open_session(scene.secret)
    for name in ("ivo://nvo.caltech/voeventnet/catot#1208121350994133433", "CRTS J105122.8+672528"):
        store.events.create(name, 10.0, 20.0, published="2015-05-05T00:00:00Z")
    scene.add(mjd=58000.5, exposure_s=None)
    scene.add(b"first")
    scene.add(b"second")
    scene.add(b"third")
    scene.add(b"other", event="crts j105122.8+672528", observatory_id=elsewhere.observatory_id, key_id=admin.key_id)
    store.points.delete(scene.add(b"mistake", mjd=58001.5).followup_id, admin)
    store.points.delete(2, admin)
    again = scene.claimed(b"third")
    store.jobs.finish(again, scene.outcome(again))
    dry = scene.claimed(dry_run=True)
    store.jobs.finish(dry, scene.outcome(dry))
    bad = scene.claimed(b"bad")
    store.jobs.finish(bad, store.files.write_outcome(refused(bad, "2026-11-22T22:01:00Z")))
    failed = store.jobs.create(scene.request())
    store.jobs.finish(
        failed, store.files.write_outcome(replace(refused(failed, "2026-11-23T22:00:00Z"), state=JobState.FAILED))
    )
    store.jobs.create(scene.request())
    assert faults(store) == []
    return scene


def test_it_is_the_table_that_was_there(lived_in: Scene):
    counters = {key: item for key, item in dump(lived_in.store).items() if key[0].startswith("COUNTER#")}
    before = lasting(lived_in.store)
    report = reindex(lived_in.store)
    assert lasting(lived_in.store) == before
    assert {key: item for key, item in dump(lived_in.store).items() if key[0].startswith("COUNTER#")} == counters
    assert (report.events, report.observatories, report.keys, report.jobs, report.points) == (3, 2, 3, 11, 3)
    again = reindex(lived_in.store)
    assert again == report
    assert lasting(lived_in.store) == before


def test_it_works_on_an_empty_table(lived_in: Scene):
    before = lasting(lived_in.store)
    for pk, sk in dump(lived_in.store):
        lived_in.store.models.items(pk, sk).delete()
    reindex(lived_in.store)
    assert lasting(lived_in.store) == before


def test_what_was_on_its_way_starts_again(scene: Scene, now: Clock):
    waiting, calibrating, unpublished = scene.claimed(), scene.claimed(mjd=58000.5), scene.claimed(mjd=58001.5)
    created = scene.store.jobs.create(scene.request())
    scene.store.jobs.wait_for_reference(waiting, {"code": "X", "message": "x", "hint": "x"}, now() + 300)
    scene.store.jobs.finish(unpublished, scene.outcome(unpublished))
    committed = scene.claimed(mjd=58002.5)
    outcome = scene.outcome(committed)  # in S3, and its worker died
    report = reindex(scene.store)
    get = scene.store.jobs.get
    assert {get(job.job_id).state for job in (waiting, calibrating)} == {JobState.UPLOADED}
    assert get(created.job_id).state is JobState.CREATED
    assert get(committed.job_id).outcome == outcome
    expected = {waiting.job_id, calibrating.job_id, unpublished.job_id, committed.job_id}
    assert set(report.to_enqueue) == expected
    assert scene.store.events.get("Gaia18dps").n_followups == 2
    assert faults(scene.store) == []


def test_life_goes_on_afterwards(lived_in: Scene):
    known = {point.followup_id for point in lived_in.store.points.page().items}
    reindex(lived_in.store)
    point = lived_in.add(b"new", mjd=58005.5)
    assert point.followup_id not in known
    assert lived_in.store.events.create("Gaia26new", 1.0, 2.0).event_id == 4
    assert lived_in.store.keys.verify(lived_in.secret).key_id == lived_in.key.key_id
    assert faults(lived_in.store) == []


def test_what_cannot_be_read_is_passed_over_and_reported(lived_in: Scene):
    store = lived_in.store
    before = lasting(store)
    junk = {
        "registry/events/broken.json": b'{"key": 1}',
        "registry/observatories/broken.json": b"not JSON",
        "registry/keys/broken.json": b"[]",
        "jobs/BROKEN/request.json": b"\xff\xfe",
        "tombstones/77.json": b"{}",
    }
    for key, text in junk.items():
        store.data.put(key, text)
    report = reindex(store)
    assert report.unreadable == sorted(junk)
    assert (report.events, report.observatories, report.keys, report.jobs) == (3, 2, 3, 11)
    assert lasting(store) == before


@pytest.mark.parametrize("name", ["outcome.json", "duplicate.json"])
def test_an_upload_with_an_unreadable_end_is_not_calibrated_again(scene: Scene, name: str):
    """Its record cannot be written a second time: it waits to be mended, and nobody else waits for it."""
    point, other = scene.add(), scene.add(b"other", mjd=58000.5)
    key = f"results/{point.job_id}/0001/{name}"
    whole = scene.store.data.get(key)
    scene.store.data.put(key, b"{")
    report = reindex(scene.store)
    assert (report.unreadable, report.to_enqueue, report.jobs) == ([key], [], 1)
    with pytest.raises(UnknownJob):
        scene.store.jobs.get(point.job_id)
    assert scene.store.points.by_event(scene.event.key) == [other]
    assert faults(scene.store) == []
    if whole is not None:  # mended
        scene.store.data.put(key, whole)
        assert reindex(scene.store).unreadable == []
        assert scene.store.points.by_event(scene.event.key) == [other, point]
