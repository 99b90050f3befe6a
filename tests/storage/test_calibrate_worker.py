"""The worker on a real storage: every end of an upload, and every crash on the way to it."""

from __future__ import annotations

import gzip
import json
import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from cpcs.errors import CpcsError, StorageConflict
from cpcs.publishing import publish_event
from cpcs.records import Event, JobState
from cpcs.storage import Store
from cpcs.storage.files import Files
from cpcs.storage.jobs import Jobs
from functions.calibrate import worker as worker_module
from functions.calibrate.worker import Worker
from photocal import calibration, figures
from photocal.references import TileStore
from photocal.simulate import Setup, SimulatedField, simulate
from tests.support.aws import Clock, Scene, faults, make_store


@cache
def field() -> SimulatedField:
    return simulate(Setup(n_stars=500), seed=7)


class Blobs(dict[str, bytes]):
    """A tile store's blobs in memory: those of S3 are slow on moto, and one test reads them."""

    def put(self, key: str, data: bytes) -> None:
        self[key] = data

    def list(self, prefix: str) -> Iterator[str]:
        return (key for key in self if key.startswith(prefix))


@cache
def field_tiles() -> Blobs:
    blobs = Blobs()
    for reference in field().references:
        TileStore(blobs).add(reference)
    return blobs


class Setting:
    """A storage with the simulated field's event, a worker at it, and reference stars once they are brought."""

    def __init__(self, store: Store, now: Clock) -> None:
        self.store, self.now, self.blobs = store, now, Blobs()
        self.scene = Scene(store, now)
        target = field().target
        self.scene.event = store.events.create(target.name, target.ra_deg, target.dec_deg)
        self.worker = self.made()

    def made(self, *, sources: bool = False) -> Worker:
        return Worker(
            store=self.store,
            tiles=TileStore(self.blobs),
            logger=Logger(service="test", level=logging.CRITICAL),
            lease_s=125.0,
            sources_configured=sources,
            now=self.now,
        )

    def with_references(self) -> Setting:
        self.blobs.update(field_tiles())
        return self

    def sent(self, data: bytes | None = None, **changes: object) -> str:
        return self.scene.uploaded(field().catalogue if data is None else data, **changes).job_id

    def process(self, job_id: str, owner: str = "one") -> JobState | None:
        return self.worker.process(job_id, owner)

    def has(self, job_id: str, name: str) -> bool:
        return self.store.files.read_result(job_id, 1, name) is not None

    def published_ids(self) -> list[int]:
        copy = self.store.files.read_published(f"data/lightcurves/{self.scene.event.key}.json")
        assert copy is not None
        ids: list[int] = json.loads(gzip.decompress(copy))["columns"]["id"]
        return ids

    def error_of(self, job_id: str) -> str:
        outcome = self.store.jobs.get(job_id).outcome
        assert outcome is not None
        assert outcome.error is not None
        assert outcome.error["message"]
        assert self.store.files.read_outcome(job_id, 1) == outcome
        return outcome.error["code"]

    def assert_done_once(self, job_id: str) -> None:
        job = self.store.jobs.get(job_id)
        assert (job.state, job.figures_ready) == (JobState.DONE, True)
        assert job.outcome is not None
        points = self.store.points.by_event(self.scene.event.key)
        assert points == [job.outcome.point]
        assert abs(points[0].mag - field().true_mag) < 0.05
        assert self.published_ids() == [points[0].followup_id]
        for name in ("panel", "residuals", "lightcurve"):
            assert self.has(job_id, f"figures/{name}.png")
        assert self.has(job_id, "report.json")
        assert faults(self.store) == []


@pytest.fixture(autouse=True)
def sketches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that take no time: what they show is tested elsewhere."""
    monkeypatch.setattr(figures, "panel", lambda _calibration: b"\x89PNG panel")
    monkeypatch.setattr(figures, "residuals", lambda _calibration: b"\x89PNG residuals")
    monkeypatch.setattr(figures, "light_curve", lambda points, _title: b"\x89PNG" + bytes(len(points)))


@pytest.fixture
def bare() -> Iterator[Setting]:
    """Without reference stars."""
    now = Clock()
    with mock_aws():
        yield Setting(make_store(now=now), now)


@pytest.fixture
def setting(bare: Setting) -> Setting:
    return bare.with_references()


# --- how an upload can end ------------------------------------------------------------------------


def test_done(setting: Setting):
    job_id = setting.sent()
    assert setting.process(job_id) is JobState.DONE
    setting.assert_done_once(job_id)
    assert setting.process(job_id, "a second delivery") is None
    setting.assert_done_once(job_id)


def test_done_with_the_tiles_in_s3(setting: Setting):
    for key, blob in setting.blobs.items():
        if key.startswith(("APASS/", "2MASS/")):
            setting.store.references.put(key, blob)
    setting.worker = replace(setting.worker, tiles=TileStore(setting.store.references))
    job_id = setting.sent()
    assert setting.process(job_id) is JobState.DONE
    setting.assert_done_once(job_id)


def test_a_dry_run_stores_no_point(setting: Setting):
    job_id = setting.sent(dry_run=True)
    assert setting.process(job_id) is JobState.DONE
    job = setting.store.jobs.get(job_id)
    assert job.figures_ready
    assert job.outcome is not None
    assert job.outcome.point is not None
    assert job.outcome.point.followup_id == 0
    assert setting.store.points.by_event(setting.scene.event.key) == []
    assert setting.has(job_id, "figures/panel.png")
    assert not setting.has(job_id, "figures/lightcurve.png")
    assert setting.store.points.next_id() == 1  # no number was used up


def test_without_figures(setting: Setting):
    job_id = setting.sent(figures=False)
    assert setting.process(job_id) is JobState.DONE
    assert setting.store.jobs.get(job_id).figures_ready
    assert not setting.has(job_id, "figures/panel.png")
    assert len(setting.published_ids()) == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<html>log in</html>", "MARKUP_SENT"),
        (b"1 2", "NOT_A_CATALOGUE"),
        (b"SIMPLE  =                    T" + b" " * 3000, "BROKEN_FITS"),
    ],
)
def test_a_bad_file_is_refused(setting: Setting, data: bytes, code: str):
    job_id = setting.sent(data)
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == code
    assert setting.store.jobs.get(job_id).lease_owner == ""
    assert setting.store.points.by_event(setting.scene.event.key) == []
    assert setting.process(job_id, "again") is None


def test_a_target_outside_is_refused(setting: Setting):
    setting.store.events.create("Gaia26elsewhere", 10.0, -80.0)
    job_id = setting.sent(event="gaia26elsewhere")
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == "TARGET_OUTSIDE_FIELD"


def test_an_unknown_event_is_refused(setting: Setting):
    """The index lost it, or the request was written by hand: it would be unknown the next time too."""
    job_id = setting.sent(event="gaia26gone")
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == "UNKNOWN_EVENT"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"observatory_id": 99}, "UNKNOWN_OBSERVATORY"), ({"forced": "APASS/nonsense"}, "UNKNOWN_FILTER")],
)
def test_a_request_that_cannot_be_is_refused(setting: Setting, changes: dict[str, object], code: str):
    job_id = setting.sent(**changes)
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == code


def test_too_large_a_file_is_refused(setting: Setting):
    files = replace(setting.store.files, max_upload_bytes=100)
    setting.worker = replace(setting.worker, store=replace(setting.store, files=files))
    job_id = setting.sent()
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == "FILE_TOO_LARGE"


def test_a_file_that_is_not_there_is_refused(setting: Setting):
    job_id = setting.store.jobs.create(setting.scene.request()).job_id
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == "UNKNOWN_JOB"


@pytest.mark.parametrize("job_id", ["01NEVERASKEDFOR", "../jobs", "a#b"])
def test_a_message_for_no_job_is_nothing_to_do(setting: Setting, job_id: str):
    assert setting.process(job_id) is None


@pytest.mark.parametrize("name", ["mag_err", "mag", "inst_mag"])
def test_a_result_that_is_no_number_is_refused(setting: Setting, monkeypatch: pytest.MonkeyPatch, name: str):
    real = calibration.calibrate

    def odd(*given: object, **named: object) -> object:
        result = real(*given, **named)  # type: ignore[arg-type]
        return replace(result, target=replace(result.target, **{name: math.nan}), confidence=math.nan)

    monkeypatch.setattr(calibration, "calibrate", odd)
    job_id = setting.sent()
    if name == "inst_mag":  # in no point: the report tells null
        assert setting.process(job_id) is JobState.DONE
        return
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == "CALIBRATION_FAILED"
    assert setting.store.points.next_id() == 1


def test_it_waits_for_reference_stars_and_then_goes_on(bare: Setting):
    job_id = bare.sent()
    assert bare.process(job_id) is JobState.WAITING_REFERENCE
    job = bare.store.jobs.get(job_id)
    assert job.retry_after == bare.now() + worker_module.WAIT_S
    assert job.outcome is not None
    assert job.outcome.error is not None
    assert job.outcome.error["code"] == "REFERENCE_UNAVAILABLE"
    assert bare.store.files.read_outcome(job_id, 1) is None
    bare.with_references()
    assert bare.process(job_id, "later") is JobState.DONE
    bare.assert_done_once(job_id)


def test_it_waits_when_those_it_has_do_not_suffice_and_others_may_come(bare: Setting):
    bare.worker = bare.made(sources=True)
    (gaia,) = (one for one in field().references if one.catalogue == "GAIA")
    bare.worker.tiles.add(gaia.select(gaia.bands["G"][0] < 0))  # covered, and empty
    few = next(one for one in field().references if one.catalogue == "2MASS")
    near = few.within(field().target.ra_deg, field().target.dec_deg, 0.03)
    bare.worker.tiles.add(near)
    job_id = bare.sent()
    assert bare.process(job_id) is JobState.WAITING_REFERENCE


# --- faults and crashes ---------------------------------------------------------------------------


class PassingError(Exception):
    """Something passing: the network, the service."""


def crash_once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *, after: bool) -> None:
    """Let a method fail at its first call, before or after it has done its work."""
    real, calls = getattr(owner, name), []

    def crashing(*given: object, **named: object) -> object:
        calls.append(name)
        if len(calls) > 1:
            return real(*given, **named)
        if after:
            real(*given, **named)
        raise PassingError(name)

    monkeypatch.setattr(owner, name, crashing)


STEPS: list[tuple[object, str]] = [
    (Files, "read_upload"),
    (calibration, "calibrate"),
    (Files, "write_result"),
    (Files, "write_outcome"),
    (Jobs, "finish"),
    (worker_module, "publish_event"),
    (Jobs, "figures_ready"),
]


@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_fault_anywhere_is_mended_by_the_next_delivery(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
):
    job_id = setting.sent()
    crash_once(monkeypatch, owner, name, after=True)
    with pytest.raises(PassingError):
        setting.process(job_id)
    setting.process(job_id, "two")  # at once: no lease is in the way
    setting.assert_done_once(job_id)
    setting.process(job_id, "three")
    setting.assert_done_once(job_id)


@pytest.mark.parametrize(("owner", "name"), STEPS[2:5], ids=[name for _, name in STEPS[2:5]])
def test_a_killed_worker_is_followed_by_another(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
):
    """Nothing gives the lease back: the job is free again when it is over."""
    job_id = setting.sent()
    monkeypatch.setattr(Jobs, "release", lambda *_: None)
    crash_once(monkeypatch, owner, name, after=True)
    with pytest.raises(PassingError):
        setting.process(job_id)
    setting.process(job_id, "too early")
    setting.now.turn(200.0)
    setting.process(job_id, "in time")
    setting.assert_done_once(job_id)


def test_a_second_worker_has_nothing_to_do(setting: Setting):
    job_id = setting.sent()
    held = setting.store.jobs.claim(job_id, "another", 125.0)
    assert held is not None
    assert setting.process(job_id) is None
    assert setting.store.jobs.get(job_id).lease_owner == "another"


def test_a_worker_that_was_too_slow_writes_nothing(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    job_id = setting.sent()
    real = calibration.calibrate

    def slow(*given: object, **named: object) -> object:
        monkeypatch.setattr(calibration, "calibrate", real)
        setting.now.turn(200.0)
        assert setting.process(job_id, "quick") is JobState.DONE
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(calibration, "calibrate", slow)
    setting.process(job_id, "slow")
    setting.assert_done_once(job_id)


def test_a_lost_lease_is_a_conflict(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    job_id = setting.sent()
    real = calibration.calibrate

    def slow(*given: object, **named: object) -> object:
        setting.now.turn(200.0)
        assert setting.store.jobs.claim(job_id, "another", 125.0) is not None
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(calibration, "calibrate", slow)
    with pytest.raises(StorageConflict):
        setting.process(job_id)
    assert setting.store.jobs.get(job_id).lease_owner == "another"
    assert setting.store.points.by_event(setting.scene.event.key) == []


@pytest.mark.parametrize("name", ["panel", "residuals", "light_curve"])
def test_a_figure_that_cannot_be_drawn_keeps_nothing_else_back(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, name: str
):
    def broken(*_: object) -> bytes:
        raise ValueError("nothing to draw")

    monkeypatch.setattr(figures, name, broken)
    job_id = setting.sent()
    assert setting.process(job_id) is JobState.DONE
    assert setting.store.jobs.get(job_id).figures_ready
    assert len(setting.published_ids()) == 1


def test_published_without_figures_when_the_calibration_cannot_be_done_again(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
):
    job_id = setting.sent()
    crash_once(monkeypatch, worker_module, "publish_event", after=False)
    with pytest.raises(PassingError):
        setting.process(job_id)

    def gone(*_: object, **__: object) -> object:
        raise CpcsError

    monkeypatch.setattr(calibration, "calibrate", gone)
    assert setting.process(job_id, "two") is JobState.DONE
    assert setting.store.jobs.get(job_id).figures_ready
    assert len(setting.published_ids()) == 1


def test_figures_drawn_later_are_those_of_the_point(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    """Reference stars that arrived since then do not change what the figure shows."""
    job_id = setting.sent()
    crash_once(monkeypatch, worker_module, "publish_event", after=False)
    with pytest.raises(PassingError):
        setting.process(job_id)
    used: list[list[str]] = []
    real = calibration.calibrate

    def seen(stars: object, references: list[object], **named: object) -> object:
        used.append([reference.catalogue for reference in references])  # type: ignore[attr-defined]
        return real(stars, references, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(calibration, "calibrate", seen)
    late = next(one for one in field().references if one.catalogue == "PS1")
    setting.worker.tiles.add(replace(late, catalogue="REFCAT2").within(late.ra_deg[0], late.dec_deg[0], 0.05))
    setting.process(job_id, "two")
    outcome = setting.store.jobs.get(job_id).outcome
    assert outcome is not None
    assert used == [outcome.summary["references"]]
    assert "REFCAT2" not in used[0]


def test_the_light_curve_of_two_at_once_holds_both(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    """While the first publishes, a second point is stored and published: the first looks again."""
    first, second = setting.sent(), setting.sent(mjd=58398.5)
    met: list[str] = []

    def publishing(store: Store, event_key: str) -> Event:
        if not met:
            met.append(event_key)
            setting.process(second, "two")
        return publish_event(store, event_key)

    monkeypatch.setattr(worker_module, "publish_event", publishing)
    setting.process(first)
    assert len(setting.published_ids()) == 2
    assert setting.store.events.get(setting.scene.event.key).n_followups == 2


def test_the_same_file_again_is_the_same_point(setting: Setting):
    first = setting.sent()
    setting.process(first)
    again = setting.sent()
    assert setting.process(again) is JobState.DONE
    outcome = setting.store.jobs.get(again).outcome
    assert outcome is not None
    assert outcome.existing_id == setting.published_ids()[0]
    setting.assert_done_once(first)
