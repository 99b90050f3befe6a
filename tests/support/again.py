"""Short ways to calibrate an upload again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cpcs import clock
from cpcs.records import FollowupPoint, Job, JobState, Outcome, Recalibration, Selection
from tests.support.aws import Scene, refused


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
