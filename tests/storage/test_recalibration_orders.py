"""Uploads, recalibrations and deletions in any order, each under way for a while: S3 gives the table that was there."""

from __future__ import annotations

import random
from typing import Any

import pytest

from cpcs import clock
from cpcs.errors import UnknownPoint
from cpcs.records import Job, JobState, Outcome, Selection
from cpcs.storage import Store
from cpcs.storage.reindex import reindex
from tests.support.aws import Scene, faults, lasting, refused


def but_for_followers(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what lasts; of a superseded point only that it is: which of several came first, S3 does not say."""
    return {
        key: {name: value if name != "superseded_by" else True for name, value in item.items()}
        for key, item in lasting(store).items()
    }


class Traffic:
    """A few uploads of three exposures, whose steps are taken in a random order."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene, self.random = scene, random.Random(seed)
        self.claimed: list[Job] = []
        self.recorded: list[tuple[Job, Outcome]] = []
        self.job_ids: list[str] = []

    def step(self) -> None:
        self.scene.now.turn(1.0)
        steps = {self.upload: 2, self.ask: 4, self.record: 5, self.finish: 5, self.delete: 1}
        self.random.choices(list(steps), list(steps.values()))[0]()

    def upload(self) -> None:
        data = self.random.choice([b"one", b"two", b"three"])
        job = self.scene.claimed(data, mjd=self.random.choice([58000.5, 58001.5, 58002.5]))
        self.job_ids.append(job.job_id)
        self.claimed.append(job)

    def ask(self) -> None:
        recalibrations = self.scene.store.recalibrations
        entries = recalibrations.choose(Selection(include_refused=True)).entries
        if entries:
            job_id = self.random.choice(entries).job_id
            recalibrations.ask(Selection(job_ids=(job_id,), include_refused=True), "operator")
            job = self.scene.store.jobs.claim(job_id, f"again-{self.scene.now()}", 1e6)
            assert job is not None
            self.claimed.append(job)

    def record(self) -> None:
        if not self.claimed:
            return
        job = self.claimed.pop(self.random.randrange(len(self.claimed)))
        if self.random.random() < 0.2:
            outcome = self.scene.store.files.write_outcome(refused(job, clock.iso(self.scene.now())))
        else:
            outcome = self.scene.outcome(job, filter=self.random.choice("rg"))
        self.recorded.append((job, outcome))

    def finish(self) -> None:
        if not self.recorded:
            return
        job, outcome = self.recorded.pop(self.random.randrange(len(self.recorded)))
        self.scene.store.jobs.finish(job, outcome)

    def delete(self) -> None:
        try:
            self.scene.store.points.delete(self.random.randint(1, 12), self.scene.key)
        except UnknownPoint:
            return

    def settle(self) -> None:
        while self.claimed or self.recorded:
            self.record()
            self.finish()


@pytest.mark.parametrize("seed", range(6))
def test_any_order(scene: Scene, seed: int):
    traffic = Traffic(scene, seed)
    for number in range(60):
        traffic.step()
        assert number % 4 or faults(scene.store) == []
    traffic.settle()
    assert faults(scene.store) == []
    jobs = scene.store.jobs.many(traffic.job_ids)
    assert sum(job.revision - 1 for job in jobs) >= 3
    assert JobState.DONE in {job.state for job in jobs}
    before = but_for_followers(scene.store)
    reindex(scene.store)
    assert but_for_followers(scene.store) == before
    assert faults(scene.store) == []
