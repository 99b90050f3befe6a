"""Recalibrations by the worker itself: other reference stars, another magnitude; and every crash on the way."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from cpcs.records import JobState, Selection
from cpcs.shifts import Progress, Shift
from functions.calibrate import sweep as sweeping
from photocal import figures
from photocal.references import TileStore
from photocal.references.stars import ReferenceStars
from tests.storage.test_calibrate_worker import STEPS, Blobs, PassingError, Setting, crash_once, field
from tests.support.aws import Clock, faults, make_store
from tests.support.queue import queued

OFFSET = 0.25  # mag that the second release of the reference catalogues is fainter by
ERROR = {"code": "REFERENCE_UNAVAILABLE", "message": "Not now.", "hint": "Wait."}


@pytest.fixture(autouse=True)
def sketches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "panel", lambda _calibration: b"\x89PNG panel")
    monkeypatch.setattr(figures, "light_curve", lambda points, _title: b"\x89PNG" + bytes(len(points)))


def fainter(reference: ReferenceStars) -> ReferenceStars:
    return replace(reference, bands={band: (mag + OFFSET, err) for band, (mag, err) in reference.bands.items()})


@cache
def second_release() -> Blobs:
    blobs = Blobs()
    for reference in field().references:
        TileStore(blobs).add(fainter(reference))
    return blobs


@pytest.fixture
def setting() -> Iterator[Setting]:
    """One upload that is done; then the reference stars change."""
    now = Clock()
    with mock_aws():
        yield Setting(make_store(now=now), now).with_references()


def done(setting: Setting, **changes: object) -> str:
    job_id = setting.sent(**changes)
    assert setting.process(job_id) is JobState.DONE
    setting.blobs.update(second_release())
    setting.worker = setting.made()
    return job_id


def ask(setting: Setting, job_id: str) -> str:
    setting.now.turn(60.0)
    held = setting.store.recalibrations.ask(Selection(job_ids=(job_id,), include_refused=True), "operator")
    assert len(held.entries) == 1
    return held.recalibration_id


def row_of(setting: Setting, recalibration_id: str) -> Shift:
    (row,) = setting.store.recalibrations.shifts(setting.store.recalibrations.get(recalibration_id))
    return row


def assert_shifted_once(setting: Setting, job_id: str) -> None:
    job = setting.store.jobs.get(job_id)
    assert (job.state, job.revision, job.figures_ready, len(job.points)) == (JobState.DONE, 2, True, 2)
    (point,) = setting.store.points.by_event(setting.scene.event.key)
    assert abs(point.mag - field().true_mag - OFFSET) < 0.05
    assert setting.published_ids() == [point.followup_id]
    for revision in (1, 2):
        for name in ("report.json", "outcome.json", "figures/panel.png", "published.json"):
            assert setting.store.files.read_result(job_id, revision, name) is not None
    assert faults(setting.store) == []


def test_the_point_shifts_with_the_reference_stars(setting: Setting):
    job_id = done(setting)
    recalibration_id = ask(setting, job_id)
    assert row_of(setting, recalibration_id).progress is Progress.WAITING
    assert setting.process(job_id, "two") is JobState.DONE
    assert_shifted_once(setting, job_id)
    assert setting.process(job_id, "a second delivery") is None
    assert_shifted_once(setting, job_id)
    row = row_of(setting, recalibration_id)
    assert row.shift == pytest.approx(OFFSET, abs=0.01)
    assert row.zero_point_shift == pytest.approx(OFFSET, abs=0.01)
    report = setting.store.files.read_result(job_id, 2, "report.json")
    assert report is not None
    assert json.loads(report)["revision"] == 2


def test_refused_this_time(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    job_id = done(setting)
    before = setting.store.points.by_event(setting.scene.event.key)
    recalibration_id = ask(setting, job_id)
    files = replace(setting.store.files, max_upload_bytes=100)
    setting.worker = replace(setting.worker, store=replace(setting.store, files=files))
    setting.process(job_id, "two")
    assert row_of(setting, recalibration_id).refused == "FILE_TOO_LARGE"
    assert setting.store.points.by_event(setting.scene.event.key) == before
    assert setting.store.jobs.get(job_id).figures_ready
    assert faults(setting.store) == []


def test_a_dry_run_again(setting: Setting):
    job_id = done(setting, dry_run=True)
    recalibration_id = ask(setting, job_id)
    assert setting.process(job_id, "two") is JobState.DONE
    assert row_of(setting, recalibration_id).shift == pytest.approx(OFFSET, abs=0.01)
    assert setting.store.points.by_event(setting.scene.event.key) == []
    assert setting.store.points.next_id() == 1


@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_fault_anywhere_is_mended_by_the_next_delivery(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
):
    job_id = done(setting)
    ask(setting, job_id)
    crash_once(monkeypatch, owner, name, after=True)
    with pytest.raises(PassingError):
        setting.process(job_id, "two")
    setting.process(job_id, "three")
    assert_shifted_once(setting, job_id)


# --- the sweeper ----------------------------------------------------------------------------------


def sweep(setting: Setting, seconds: float) -> sweeping.Swept:
    setting.now.turn(seconds)
    return sweeping.sweep(setting.store, Logger(service="test", level=logging.CRITICAL), now=setting.now())


def test_a_lost_message_is_found(setting: Setting):
    job_id = done(setting)
    setting.now.turn(30 * 24 * 3600.0)  # the upload is old; that it was asked for again is not
    ask(setting, job_id)
    queued(setting.store)
    assert sweep(setting, 60.0).queued == 0
    assert sweep(setting, sweeping.LOST_AFTER_S).queued == 1
    assert queued(setting.store) == [job_id]


def test_one_that_waits_in_vain_keeps_what_it_had(setting: Setting):
    job_id = done(setting)
    setting.now.turn(30 * 24 * 3600.0)
    recalibration_id = ask(setting, job_id)
    job = setting.store.jobs.claim(job_id, "two", 125.0)
    assert job is not None
    setting.store.jobs.wait_for_reference(job, ERROR, setting.now() + 300.0)
    assert sweep(setting, 400.0) == sweeping.Swept(queued=1)
    assert sweep(setting, sweeping.LONGEST_WAIT_S).failed == 1
    assert row_of(setting, recalibration_id).refused == "REFERENCE_UNAVAILABLE"
    kept = setting.store.jobs.get(job_id)
    assert (kept.state, kept.figures_ready) == (JobState.DONE, True)
    assert len(setting.store.points.by_event(setting.scene.event.key)) == 1


def test_one_that_always_fails_keeps_what_it_had(setting: Setting):
    job_id = setting.sent(b"1 2")
    assert setting.process(job_id) is JobState.REJECTED
    recalibration_id = ask(setting, job_id)
    for number in range(sweeping.MOST_ATTEMPTS):
        held = setting.store.jobs.claim(job_id, f"worker {number}", 125.0)
        assert held is not None
        setting.store.jobs.release(held)
    assert sweep(setting, sweeping.LOST_AFTER_S + 60.0).failed == 1
    row = row_of(setting, recalibration_id)
    assert (row.refused_before, row.refused) == ("NOT_A_CATALOGUE", "INTERNAL")
