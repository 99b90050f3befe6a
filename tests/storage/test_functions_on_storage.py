"""The HTTP functions on the real storage: what the fake one says of it must be true."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from cpcs.records import JobState, Role
from cpcs.storage import Store
from cpcs.web.front import Front
from functions.query.app import build as build_query
from functions.upload import api, cgi
from functions.upload.desk import Desk
from tests.support.aws import SETTINGS, Scene, refused
from tests.support.gateway import Function, call

HOSTILE = ["nvo.caltech/voeventnet/catot#1208121350994133433", "CRTS J105122.8+672528", "ASASSN-18zj"]


class Worker:
    """Stands where calibrate stands: works on every upload while the HTTP function waits."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.refuses = scene, False

    def __call__(self, _pause: float) -> None:
        store = self.scene.store
        for job in store.jobs.in_state(JobState.CREATED):
            claimed = store.jobs.claim(job.job_id, "worker", 60.0)
            assert claimed is not None
            if self.refuses:
                store.jobs.finish(claimed, store.files.write_outcome(refused(claimed, "2026-11-22T22:00:02Z")))
                continue
            outcome = store.jobs.finish(claimed, self.scene.outcome(claimed))
            store.files.write_result(job.job_id, outcome.revision, "figures/panel.png", b"\x89PNG", "image/png")
            store.jobs.figures_ready(job.job_id)


@pytest.fixture
def worker(scene: Scene) -> Worker:
    return Worker(scene)


@pytest.fixture
def upload(scene: Scene, worker: Worker) -> Function:
    desk = Desk(front=Front("upload"), settings=SETTINGS, store=scene.store, now=scene.now, sleep=worker)
    api.register(desk)
    cgi.register(desk)
    return desk.front


@pytest.fixture
def query(store: Store) -> Function:
    return build_query(SETTINGS, store)


def the_form(scene: Scene, **changes: str) -> list[tuple[str, str]]:
    given = {"EventID": "ivo://Gaia18dps", "MJD": "58397.6877795", "hashtag": scene.secret, "outputFormat": "json"}
    return list({**given, **changes}.items())


def test_the_old_upload_from_file_to_light_curve(upload: Function, query: Function, scene: Scene) -> None:
    reply = call(upload, "POST", "/cgi/upload", parts=(the_form(scene), {"sexCat": ("test.cat", b"1 2 3 4")}))
    assert reply.status == 200, reply.text
    result = reply.json
    assert (result["survey"], result["filter"], result["npoints"]) == ("APASS", "r", 79)
    curve = call(query, "GET", "/api/lightcurves/gaia18dps").json
    assert curve["columns"]["id"] == [result["followup_id"]]
    old = call(query, "GET", "/get_alert_lc_data", query={"alert_id": scene.event.event_id}).json
    assert old["observatory"] == ["Montarrenti Observat"]
    image = call(query, "GET", result["image_link"].removeprefix("http://cpcs.test"))
    assert image.body == b"\x89PNG"
    job = call(query, "GET", f"/api/uploads/{result['job_id']}").json
    assert (job["state"], job["outcome"]["followup_id"]) == ("DONE", result["followup_id"])
    again = call(upload, "POST", "/cgi/upload", parts=(the_form(scene), {"sexCat": ("test.cat", b"1 2 3 4")}))
    assert again.json["followup_id"] == result["followup_id"]


def test_a_refused_catalogue(upload: Function, scene: Scene, worker: Worker) -> None:
    worker.refuses = True
    reply = call(upload, "POST", "/cgi/upload", parts=(the_form(scene), {"sexCat": ("test.cat", b"1 2 3 4")}))
    assert (reply.status, reply.text) == (422, "TOO_FEW_MATCHES: Only 3 stars matched.")


def test_upload_in_two_steps(upload: Function, query: Function, scene: Scene) -> None:
    asked = {"event": "Gaia18dps", "mjd": 58397.5, "size": 7}
    made = call(upload, "POST", "/api/uploads", json=asked, key=scene.secret)
    assert made.status == 201
    assert made.json["upload"]["fields"]["key"] == f"uploads/{made.json['job_id']}/file"
    listed = call(query, "GET", "/api/uploads", query={"ids": made.json["job_id"]}).json["items"]
    assert [job["state"] for job in listed] == ["CREATED"]
    mine = call(query, "GET", "/api/uploads", key=scene.secret).json["items"]
    assert [job["job_id"] for job in mine] == [made.json["job_id"]]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("stars.fits", "application/fits"),
        ("stars-R.ecsv", "text/plain; charset=utf-8"),
        ("solved.hdr", "text/plain; charset=utf-8"),
    ],
)
def test_files_of_an_image(upload: Function, query: Function, scene: Scene, name: str, kind: str) -> None:
    reply = call(upload, "POST", "/cgi/upload", parts=(the_form(scene), {"sexCat": ("test.cat", b"1 2 3 4")}))
    job_id, files = reply.json["job_id"], scene.store.files
    address = f"/api/calibrations/{job_id}/files/{name}"
    assert call(query, "GET", address).code == "NOT_FOUND"
    files.write_result(job_id, 1, name, b"SIMPLE  =", kind)
    found = call(query, "GET", address)
    assert (found.body, found.headers["Content-Type"]) == (b"SIMPLE  =", kind)
    files.write_result(job_id, 1, name, bytes(4_000_001), kind)  # more than a Lambda may answer with
    large = call(query, "GET", address)
    assert large.status == 302
    assert f"results/{job_id}/0001/{name}?" in large.headers["Location"]
    assert "Signature" in large.headers["Location"]
    for other in ("report.json", "outcome.json", "stars-X.fits", "..%2Freport.json"):
        assert call(query, "GET", f"/api/calibrations/{job_id}/files/{other}").code == "NOT_FOUND"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_from_creation_to_deletion(upload: Function, query: Function, scene: Scene, name: str) -> None:
    form = {"EventID": f"ivo://{name}", "ra": "220.665", "dec": "53.2", "hashtag": scene.secret, "outputFormat": "json"}
    assert call(upload, "POST", "/cgi/newevent", form=form).json["name"] == name
    sent = call(upload, "POST", "/cgi/upload", parts=(the_form(scene, EventID=name), {"sexCat": ("a", b"1 2")})).json
    assert call(query, "GET", "/api/followups", query={"event": name}).json["items"][0]["event_name"] == name
    assert call(query, "GET", "/get_alert_lc_data", query={"alert_name": name}).json["id"] == [sent["followup_id"]]
    assert name in call(query, "GET", "/list_of_alerts", query={"format": "json", "observed_only": 1}).text
    gone = call(upload, "DELETE", f"/api/followups/{sent['followup_id']}", key=scene.secret)
    assert gone.json == {"followup_id": sent["followup_id"], "deleted": True}
    assert call(query, "GET", "/get_alert_lc_data", query={"alert_name": name}).json["id"] == []
    key = scene.store.events.get(name).key
    copy = scene.store.files.read_published(f"data/lightcurves/{_safe(key)}.json")
    assert copy is not None
    assert json.loads(gzip.decompress(copy))["columns"]["id"] == []


def _safe(key: str) -> str:
    from cpcs.names import path_safe

    return path_safe(key)


def test_lists_go_on_where_the_cursor_says(query: Function, scene: Scene) -> None:
    for number in range(5):
        scene.store.events.create(f"Gaia26aa{number}", 10.0, 10.0)
        scene.now.turn(1.0)
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = call(query, "GET", "/api/events", query={"limit": 2, "cursor": cursor}).json
        seen += [item["name"] for item in page["items"]]
        cursor = page["cursor"] or ""
    assert seen == ["Gaia26aa4", "Gaia26aa3", "Gaia26aa2", "Gaia26aa1", "Gaia26aa0", "Gaia18dps"]
    assert cursor == ""
    assert call(query, "GET", "/api/events", query={"cursor": "AAAA"}).code == "BAD_CURSOR"
    found = call(query, "GET", "/api/events", query={"q": "aa", "limit": 5}).json["items"]
    assert [item["name"] for item in found] == seen[:5]


def test_session_from_login_to_logout(upload: Function, query: Function, scene: Scene) -> None:
    opened = call(upload, "POST", "/api/session", json={"key": scene.secret})
    token = opened.cookies[0].partition(";")[0].partition("=")[2]
    me = call(query, "GET", "/api/me", cookies={"cpcs_session": token}).json
    assert (me["key_id"], me["observatory"]["name"]) == (scene.key.key_id, "Montarrenti Observatory")
    assert scene.secret not in opened.text + str(opened.headers) + str(opened.cookies)
    assert call(upload, "DELETE", "/api/session", cookies={"cpcs_session": token}).status == 200
    assert call(query, "GET", "/api/me", cookies={"cpcs_session": token}).code == "BAD_KEY"


def test_administration(upload: Function, query: Function, scene: Scene) -> None:
    secret, _ = scene.store.keys.issue(1, Role.ADMIN, "The Administrator")
    made = call(upload, "POST", "/api/observatories", json={"name": "Ostrowik", "longitude_deg": 21.4}, key=secret)
    assert made.status == 201
    number = made.json["observatory_id"]
    new = call(upload, "POST", "/api/keys", json={"observatory_id": number}, key=secret).json["key"]
    assert call(query, "GET", "/api/me", key=new).json["observatory"]["name"] == "Ostrowik"
    old = call(upload, "POST", "/cgi/newuser", form={"obsName": "ostrowik", "hashtag": secret})
    assert (old.status, old.code) == (409, "OBSERVATORY_EXISTS")
    event = {"name": "ivo://gaia.cam.uk/alerts#Gaia18DPS", "ra_deg": 1, "dec_deg": 2}
    assert call(upload, "POST", "/api/events", json=event, key=new).code == "EVENT_EXISTS"


def test_mistyped_and_revoked_keys_look_alike(query: Function, scene: Scene) -> None:
    mistyped = call(query, "GET", "/api/me", key=scene.secret[:-1] + ("a" if scene.secret[-1] != "a" else "b"))
    scene.store.keys.revoke(scene.key.sha256)
    revoked = call(query, "GET", "/api/me", key=scene.secret)
    assert (mistyped.status, mistyped.body) == (revoked.status, revoked.body)
    assert revoked.code == "BAD_KEY"


def test_another_observatorys_point(upload: Function, scene: Scene) -> None:
    point = scene.add()
    other = scene.store.observatories.create("Elsewhere")
    secret, _ = scene.store.keys.issue(other.observatory_id, Role.LEAD)
    reply = call(upload, "DELETE", f"/api/followups/{point.followup_id}", key=secret)
    assert (reply.status, reply.code) == (403, "FORBIDDEN")
    assert replace(scene.store.points.get(point.followup_id)) == point
