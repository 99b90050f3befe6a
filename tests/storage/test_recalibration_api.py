"""Recalibrations over HTTP, on the real storage: who may, what is asked, what is told."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from cpcs.records import Role
from cpcs.storage import Store
from cpcs.web.front import Front
from functions.query.app import build as build_query
from functions.upload import api
from functions.upload.desk import Desk
from tests.support.aws import SETTINGS, Scene, refused
from tests.support.gateway import Function, Reply, call
from tests.support.queue import queued

ADDRESS = "/api/recalibrations"


@pytest.fixture
def upload(scene: Scene) -> Function:
    desk = Desk(front=Front("upload"), settings=SETTINGS, store=scene.store, now=scene.now)
    api.register(desk)
    return desk.front


@pytest.fixture
def query(store: Store) -> Function:
    return build_query(SETTINGS, store)


@pytest.fixture
def admin(scene: Scene) -> str:
    return scene.store.keys.issue(1, Role.ADMIN, "The Administrator")[0]


def brought_through(scene: Scene, **changes: Any) -> None:
    for job_id in queued(scene.store):
        job = scene.store.jobs.claim(job_id, f"worker-{scene.now()}", 125.0)
        assert job is not None
        scene.store.jobs.finish(job, scene.outcome(job, **changes))


def test_from_the_request_to_the_table(upload: Function, query: Function, scene: Scene, admin: str) -> None:
    points = [scene.add(bytes([number]), mjd=58000.5 + number) for number in range(3)]
    asked = call(upload, "POST", ADDRESS, json={"event": "ivo://Gaia18dps"}, key=admin)
    assert asked.status == 202, asked.text
    told = asked.json
    assert (told["selected"], told["queued"], told["passed_over"], told["cursor"]) == (3, 3, [], None)
    waiting = call(query, "GET", told["status_url"], key=admin).json
    assert waiting["summary"]["waiting"] == 3
    assert {row["progress"] for row in waiting["shifts"]} == {"WAITING"}
    brought_through(scene, mag=points[0].mag + 0.03)
    through = call(query, "GET", told["status_url"], key=admin)
    assert through.headers["Cache-Control"] == "private, no-store"
    document = through.json
    assert (document["id"], document["summary"]["done"], document["summary"]["n_shifts"]) == (told["id"], 3, 3)
    assert document["summary"]["median_shift"] == pytest.approx(0.03)
    assert document["summary"]["largest_shift"] == pytest.approx(0.03)
    assert [row["shift"] for row in document["shifts"]] == [pytest.approx(0.03)] * 3
    table = call(query, "GET", told["status_url"], query={"format": "csv"}, key=admin)
    assert table.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert {row["job_id"] for row in rows} == {point.job_id for point in points}
    assert [round(float(row["shift"]), 6) for row in rows] == [0.03] * 3
    assert {row["progress"] for row in rows} == {"DONE"}
    job = call(query, "GET", f"/api/uploads/{points[0].job_id}").json
    assert (job["state"], job["revision"], job["outcome"]["revision"]) == ("DONE", 2, 2)


def test_only_administrators(upload: Function, query: Function, scene: Scene, admin: str) -> None:
    scene.add()
    lead = scene.store.keys.issue(1, Role.LEAD)[0]
    for key in (scene.secret, lead):
        refused_ = call(upload, "POST", ADDRESS, json={"all": True}, key=key)
        assert (refused_.status, refused_.code) == (403, "FORBIDDEN")
        assert call(query, "GET", f"{ADDRESS}/x", key=key).status == 403
    assert call(upload, "POST", ADDRESS, json={"all": True}).code == "KEY_REQUIRED"
    assert call(query, "GET", f"{ADDRESS}/x").code == "KEY_REQUIRED"
    assert queued(scene.store) == []
    unknown = call(query, "GET", f"{ADDRESS}/x", key=admin)
    assert (unknown.status, unknown.code) == (404, "UNKNOWN_RECALIBRATION")
    assert call(query, "DELETE", f"{ADDRESS}/x", key=admin).code == "METHOD_NOT_ALLOWED"


def test_a_dry_run_changes_nothing(upload: Function, scene: Scene, admin: str) -> None:
    point = scene.add()
    before = scene.store.jobs.get(point.job_id)
    reply = call(upload, "POST", ADDRESS, json={"all": 1, "dry_run": True}, key=admin)
    assert reply.status == 200
    assert (reply.json["id"], reply.json["selected"], reply.json["queued"]) == (None, 1, 0)
    assert reply.json["uploads"] == [{"job_id": point.job_id, "revision": 2}]
    assert scene.store.jobs.get(point.job_id) == before
    assert queued(scene.store) == []


def test_in_parts_and_what_is_passed_over(upload: Function, query: Function, scene: Scene, admin: str) -> None:
    for number in range(3):
        scene.add(bytes([number]), mjd=58000.5 + number)
    bad = scene.claimed(b"bad", mjd=58009.5)
    scene.store.jobs.finish(bad, scene.store.files.write_outcome(refused(bad, "2026-11-22T22:01:00Z")))
    seen: list[str] = []
    body: dict[str, Any] = {"observatory": 1, "limit": 2}
    reasons: list[str] = []
    while True:
        reply = call(upload, "POST", ADDRESS, json=body, key=admin).json
        seen += [each["job_id"] for each in reply["uploads"]]
        reasons += [each["reason"] for each in reply["passed_over"]]
        if reply["cursor"] is None:
            break
        body["cursor"] = reply["cursor"]
    assert len(seen) == len(set(seen)) == 3
    assert reasons == ["REFUSED"]
    assert sorted(queued(scene.store)) == sorted(seen)
    again = call(upload, "POST", ADDRESS, json={"observatory": 1}, key=admin).json
    assert (again["queued"], {each["reason"] for each in again["passed_over"]}) == (0, {"UNDER_WAY", "REFUSED"})
    taken = call(upload, "POST", ADDRESS, json={"observatory": 1, "include_refused": True}, key=admin).json
    assert [each["job_id"] for each in taken["uploads"]] == [bad.job_id]


def test_the_same_request_twice(upload: Function, scene: Scene, admin: str) -> None:
    scene.add()
    body = {"all": True, "id": "autumn-2026"}
    replies: list[Reply] = [call(upload, "POST", ADDRESS, json=body, key=admin) for _ in range(2)]
    assert replies[0].json == replies[1].json
    assert len(queued(scene.store)) == 2  # a message may have been lost: the second does no harm
    scene.store.queue.send(replies[0].json["uploads"][0]["job_id"])
    brought_through(scene)
    assert call(upload, "POST", ADDRESS, json=body, key=admin).json == replies[0].json
    assert queued(scene.store) == []
    other = call(upload, "POST", ADDRESS, json={**body, "include_refused": True}, key=admin)
    assert (other.status, other.code) == (400, "BAD_FIELD")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "MISSING_FIELD"),
        ({"all": False}, 400, "MISSING_FIELD"),
        ({"event": "Gaia99nothing"}, 404, "UNKNOWN_EVENT"),
        ({"event": ["Gaia18dps"]}, 400, "BAD_FIELD"),
        ({"observatory": 99}, 404, "UNKNOWN_OBSERVATORY"),
        ({"observatory": 1.5}, 400, "BAD_FIELD"),
        ({"since": "yesterday"}, 400, "BAD_FIELD"),
        ({"since": "2026-11-22", "until": "2026-11-22"}, 400, "BAD_FIELD"),
        ({"since": "0001-01-01T00:00:00+14:00"}, 400, "BAD_FIELD"),
        ({"mjd_since": "x"}, 400, "BAD_FIELD"),
        ({"job_ids": 7}, 400, "BAD_FIELD"),
        ({"job_ids": ["x"] * 3 + [7]}, 400, "BAD_FIELD"),
        ({"job_ids": [str(number) for number in range(101)]}, 400, "BAD_FIELD"),
        ({"all": True, "limit": 0}, 400, "BAD_FIELD"),
        ({"all": True, "limit": 101}, 400, "BAD_FIELD"),
        ({"all": True, "cursor": "AAAA"}, 400, "BAD_CURSOR"),
        ({"all": True, "id": "../x"}, 400, "BAD_FIELD"),
    ],
)
def test_requests_that_cannot_be_meant(
    upload: Function, scene: Scene, admin: str, body: dict[str, Any], status: int, code: str
) -> None:
    reply = call(upload, "POST", ADDRESS, json=body, key=admin)
    assert (reply.status, reply.code) == (status, code), reply.text
    assert queued(scene.store) == []


def test_named_uploads(upload: Function, scene: Scene, admin: str) -> None:
    point = scene.add()
    reply = call(upload, "POST", ADDRESS, json={"job_ids": f"{point.job_id}, nobody,{point.job_id}"}, key=admin).json
    assert [each["job_id"] for each in reply["uploads"]] == [point.job_id]
    assert [(each["job_id"], each["reason"]) for each in reply["passed_over"]] == [("nobody", "UNKNOWN")]


def test_the_report_of_an_older_revision(upload: Function, query: Function, scene: Scene, admin: str) -> None:
    point = scene.add()
    files = scene.store.files
    files.write_result(point.job_id, 1, "report.json", b'{"revision":1}', "application/json")
    call(upload, "POST", ADDRESS, json={"job_ids": [point.job_id]}, key=admin)
    address = f"/api/calibrations/{point.job_id}/report"
    assert call(query, "GET", address).json == {"revision": 1}  # what holds meanwhile
    brought_through(scene)
    files.write_result(point.job_id, 2, "report.json", b'{"revision":2}', "application/json")
    assert call(query, "GET", address).json == {"revision": 2}
    assert call(query, "GET", address, query={"revision": 1}).json == {"revision": 1}
    assert call(query, "GET", address, query={"revision": 3}).code == "NOT_FOUND"
    files.write_result(point.job_id, 3, "report.json", b'{"revision":3}', "application/json")
    assert call(query, "GET", address, query={"revision": 3}).code == "NOT_FOUND"  # it has not ended yet
    assert call(query, "GET", address, query={"revision": "x"}).code == "BAD_FIELD"
    assert call(query, "GET", f"/api/followups/{point.followup_id}").json["superseded_by"] == 2
