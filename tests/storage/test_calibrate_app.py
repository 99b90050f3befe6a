"""The calibrate function's entry: what it makes of the queue's messages."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cpcs.errors import StorageConflict
from cpcs.records import JobState
from functions.calibrate import app
from tests.support.aws import Scene

S3_TEST = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "cpcs-test-data"}


class Work:
    """Stands where the worker stands: writes down what it is given, and fails where it is told to."""

    def __init__(self, scene: Scene) -> None:
        self.store, self.seen = scene.store, list[str]()
        self.faults: dict[str, Exception] = {}

    def process(self, job_id: str, owner: str) -> JobState | None:
        assert owner.startswith("request-1-")
        self.seen.append(job_id)
        if job_id in self.faults:
            raise self.faults[job_id]
        return JobState.DONE


@pytest.fixture
def work(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work(scene)
    monkeypatch.setattr(app, "worker", lambda: work)
    return work


class Context:
    aws_request_id = "request-1"


def handle(*bodies: object) -> dict[str, Any]:
    """Hand a batch to the function: messages m0, m1, ..."""
    records = [
        {
            "messageId": f"m{number}",
            "receiptHandle": f"r{number}",
            "body": body if isinstance(body, str) else json.dumps(body),
            "attributes": {"ApproximateReceiveCount": "2"},
        }
        for number, body in enumerate(bodies)
    ]
    return app.handler({"Records": records}, cast("LambdaContext", Context()))


def notice(*job_ids: str) -> dict[str, Any]:
    return {"Records": [{"s3": {"object": {"key": f"uploads/{job_id}/file"}}} for job_id in job_ids]}


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_notification_is_worked_on(work: Work):
    assert failed(handle(notice("one"), notice("two", "three"))) == []
    assert work.seen == ["one", "two", "three"]


def test_names_are_decoded(work: Work):
    handle({"Records": [{"s3": {"object": {"key": "uploads/a%2Bb+c/file"}}}]})
    assert work.seen == ["a+b c"]


@pytest.mark.parametrize(
    "body", [S3_TEST, {"Records": []}, {"Records": [{"s3": {"object": {"key": "references/APASS/1.fits"}}}]}]
)
def test_what_concerns_no_upload_is_done_with(work: Work, body: object):
    assert failed(handle(body)) == []
    assert work.seen == []


@pytest.mark.parametrize("body", ["not JSON", "[]", "null", '{"Records": 1}', {"Records": [{"s3": {}}]}])
def test_what_is_no_notification_does_not_come_again(work: Work, body: object):
    assert failed(handle(body, notice("one"))) == []
    assert work.seen == ["one"]


@pytest.mark.parametrize("fault", [StorageConflict(what="It"), ValueError("a fault of ours")])
def test_only_what_failed_comes_again(work: Work, fault: Exception, monkeypatch: pytest.MonkeyPatch):
    again: list[tuple[str, int]] = []
    monkeypatch.setattr(type(work.store.queue), "come_back", lambda _, handle, seconds: again.append((handle, seconds)))
    work.faults = {"bad": fault}
    assert failed(handle(notice("one"), notice("bad"), notice("two"))) == ["m1"]
    assert work.seen == ["one", "bad", "two"]
    assert again == [("r1", 20)]


def test_it_comes_again_even_if_its_absence_cannot_be_shortened(work: Work):
    """The receipt is not one of the queue's."""
    work.faults = {"bad": ValueError("a fault of ours")}
    assert failed(handle(notice("bad"))) == ["m0"]


def test_a_real_message_goes_round(work: Work, scene: Scene):
    """What the sweeper sends is read as what S3 sends."""
    scene.store.queue.send("01JOB")
    sqs = scene.store.queue.connect()
    (message,) = sqs.receive_message(QueueUrl=scene.store.queue.url)["Messages"]
    assert failed(handle(message["Body"])) == []
    assert work.seen == ["01JOB"]


def test_the_schedule_sweeps(work: Work, scene: Scene):
    answer = app.handler({"task": "sweep"}, cast("LambdaContext", Context()))
    assert answer == {"queued": 0, "failed": 0, "unfinished": 0, "faults": 0}


def test_put_together_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "CPCS_TABLE": "t", "CPCS_DATA_BUCKET": "d", "CPCS_SITE_BUCKET": "s", "CPCS_QUEUE_URL": "q",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "CPCS_VIZIER_SERVER": "vizier.example",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    app.worker.cache_clear()
    try:
        made = app.worker()
    finally:
        app.worker.cache_clear()
    assert made.sources_configured
    assert made.lease_s > 120
