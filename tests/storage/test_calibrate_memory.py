"""The worker learns: simulated frames of one camera, night after night, through the whole journey."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from cpcs.records import ColourFrame, FollowupPoint, JobState, Outcome
from cpcs.storage import Store
from cpcs.storage.colour_terms import ColourTerms
from cpcs.storage.reindex import reindex
from functions.calibrate import worker as worker_module
from functions.calibrate.worker import Worker
from photocal.references import TileStore
from photocal.simulate import Setup, SimulatedField, simulate
from tests.storage.test_calibrate_worker import Blobs
from tests.support.aws import Clock, Scene, faults, lasting, make_store

TERM = -0.155  # mag per mag of g - r


def observed(number: int) -> SimulatedField:
    """Return a frame of its own field, with some fifteen stars in common with APASS."""
    setup = Setup(
        ra_deg=20.0 + 5.0 * number, n_stars=380, colour_term=0.1, mjd=58000.0 + number, name=f"Gaia26n{number}"
    )
    return simulate(setup, seed=500 + number)


@dataclass
class Night:
    """A storage, and a worker at it that is sent one simulated frame after another."""

    store: Store
    now: Clock
    blobs: Blobs = field(default_factory=Blobs)

    def __post_init__(self) -> None:
        self.scene = Scene(self.store, self.now)
        self.worker = Worker(
            store=self.store,
            tiles=TileStore(self.blobs),
            logger=Logger(service="test", level=logging.CRITICAL),
            lease_s=125.0,
            sources_configured=False,
            now=self.now,
        )

    def point_at(self, number: int) -> SimulatedField:
        frame = observed(number)
        self.worker.tiles.add(next(stars for stars in frame.references if stars.catalogue == "APASS"))
        self.scene.event = self.store.events.create(frame.target.name, frame.target.ra_deg, frame.target.dec_deg)
        return frame

    def send(self, number: int, **changes: Any) -> Outcome:
        return self.expose(self.point_at(number), **changes)

    def expose(self, frame: SimulatedField, **changes: Any) -> Outcome:
        asked = {"mjd": frame.setup.mjd, "figures": False, "filter_hint": "r", "camera": "U42", "forced": "APASS/r"}
        job = self.scene.uploaded(frame.catalogue, **(asked | changes))
        assert self.worker.process(job.job_id, "one") is JobState.DONE
        self.now.turn(60.0)
        outcome = self.store.jobs.get(job.job_id).outcome
        assert outcome is not None
        return outcome

    def memory(self, camera: str = "u42", band: str = "r") -> list[ColourFrame]:
        return self.store.colour_terms.of_setup(1, camera, band)


@pytest.fixture
def night() -> Iterator[Night]:
    now = Clock()
    with mock_aws():
        yield Night(make_store(now=now), now)


def point_of(outcome: Outcome) -> FollowupPoint:
    assert outcome.point is not None
    return outcome.point


def test_a_frame_is_calibrated_with_what_those_before_it_taught(night: Night):
    alone, remembering = [], []
    for number in range(16):
        frame = night.point_at(number)
        alone.append(point_of(night.expose(frame, dry_run=True, camera="never seen before")))
        remembering.append(point_of(night.expose(frame)))
    frames = night.memory()
    assert 14 <= len(frames) <= 16
    assert {frame.passband for frame in frames} == {"APASS/r"}
    assert len({frame.field for frame in frames}) == len(frames)
    assert night.memory("never seen before") == []
    late = slice(6, None)
    size = [
        fmean((point.colour_term - TERM) ** 2 for point in points[late] if point.colour_term is not None) ** 0.5
        for points in (alone, remembering)
    ]
    assert size[1] < size[0] / 2
    errs = [
        fmean(point.colour_term_err for point in points[late] if point.colour_term_err is not None)
        for points in (alone, remembering)
    ]
    assert errs[1] < errs[0] / 1.5
    assert faults(night.store) == []
    before = lasting(night.store)
    reindex(night.store)
    assert lasting(night.store) == before
    assert sorted(night.memory(), key=str) == sorted(frames, key=str)


def test_native_and_corrected_magnitude_stand_side_by_side(night: Night):
    outcome = night.send(0)
    point, frame = point_of(outcome), outcome.learned
    assert frame is not None
    assert None not in {point.corrected_mag, point.corrected_mag_err, point.colour_term, point.reference_colour}
    assert (point.colour, frame.colour, frame.camera, frame.filter) == ("g-r", "g-r", "u42", "r")
    assert night.store.points.by_event(point.event) == [point]
    assert night.memory() == [frame]


def test_without_the_memory_all_goes_on(night: Night, monkeypatch: pytest.MonkeyPatch):
    night.send(0)

    def broken(*_: object) -> list[ColourFrame]:
        raise ConnectionError

    monkeypatch.setattr(ColourTerms, "of_setup", broken)
    assert night.send(1).summary["colour_priors"] == {}


def test_the_figures_are_of_the_calibration_that_was_stored(night: Night, monkeypatch: pytest.MonkeyPatch):
    """They are drawn again after a crash, when the memory holds more: this frame too, and newer ones."""
    night.send(0)
    drawn: list[Any] = []
    monkeypatch.setattr(worker_module.figures, "panel", lambda found: drawn.append(found) or b"\x89PNG")
    monkeypatch.setattr(worker_module.figures, "light_curve", lambda *_: b"\x89PNG")
    real = worker_module.publish_event

    def crash(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(worker_module, "publish_event", crash)
    with pytest.raises(ConnectionError):
        night.send(1, figures=True)
    monkeypatch.setattr(worker_module, "publish_event", real)
    night.send(2)
    (job,) = night.store.jobs.unpublished()
    assert night.worker.process(job.job_id, "another") is JobState.DONE
    assert job.outcome is not None
    first, again = drawn
    assert first.winner.colour_term == again.winner.colour_term
    assert again.winner.colour_term.prior.n_frames == 1
    assert again.target.corrected_mag == point_of(job.outcome).corrected_mag
