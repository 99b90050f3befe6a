"""The upload function's JSON routes: what each answers, who may, and every way in which it refuses."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from cpcs import clock
from cpcs.records import JobState, Role
from cpcs.settings import Settings
from functions.upload.app import build
from tests.support.fake_store import FakeStore, a_point
from tests.support.gateway import Function, Reply, call

OBSERVER = "pt5m_0123456789abcdef0123456789abcdef"
OTHER = "other_0123456789abcdef0123456789abcde"
LEAD = "lead_0123456789abcdef0123456789abcdef0"
ADMIN = "0123456789abcdef0123456789abcdef"
SETTINGS = Settings(table="t", data_bucket="d", site_bucket="s")
UPLOAD = {"event": "Gaia18dps", "mjd": 58397.6877795}


@pytest.fixture
def store() -> FakeStore:
    store = FakeStore()
    store.observatories.create("Montarrenti Observatory")
    store.observatories.create("Elsewhere")
    store.keys.register(OBSERVER, 1, Role.OBSERVER)
    store.keys.register(OTHER, 2, Role.OBSERVER)
    store.keys.register(LEAD, 1, Role.LEAD)
    store.keys.register(ADMIN, 2, Role.ADMIN)
    gaia = store.events.create("Gaia18dps", 220.665, 53.26519444444, published="2018-12-07T06:36:58Z")
    store.points.kept[122113] = a_point(gaia)
    return store


@pytest.fixture
def upload(store: FakeStore) -> Function:
    return build(SETTINGS, store)  # type: ignore[arg-type]


def test_login_and_logout(upload: Function, store: FakeStore) -> None:
    reply = call(upload, "POST", "/api/session", json={"key": OBSERVER})
    assert reply.status == 200
    assert set(reply.json) >= {"key_id", "role", "observatory"}
    (cookie,) = reply.cookies
    assert cookie.startswith("cpcs_session=token-0-of-a-session")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    ended = call(upload, "DELETE", "/api/session", cookies={"cpcs_session": "token-0-of-a-session"})
    assert ended.json == {"closed": True}
    assert "cpcs_session=;" in ended.cookies[0]
    assert store.keys.sessions == {}
    assert call(upload, "DELETE", "/api/session").json == {"closed": False}


def test_session_cookie_is_secure_on_https(upload: Function) -> None:
    headers = {"x-forwarded-proto": "https"}
    reply = call(upload, "POST", "/api/session", json={"key": OBSERVER}, headers=headers)
    assert "Secure" in reply.cookies[0]
    assert "Strict-Transport-Security" in reply.headers


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [({"key": "wrong"}, 401, "BAD_KEY"), ({}, 400, "MISSING_FIELD"), ({"key": ["x"]}, 400, "BAD_FIELD")],
)
def test_login_refuses(upload: Function, sent: dict[str, Any], status: int, code: str) -> None:
    reply = call(upload, "POST", "/api/session", json=sent)
    assert (reply.status, reply.code, reply.cookies) == (status, code, [])


def test_new_upload(upload: Function, store: FakeStore) -> None:
    asked = {
        **UPLOAD, "event": "ivo://gaia18DPS", "exposure_s": "60", "matching_radius_arcsec": 1.5, "filter": "apass/v",
        "filter_hint": "V", "dry_run": True, "comment": "good night", "filename": "../../test.cat", "size": 1234,
        "camera": " Apogee U42", "unknown": [1],
    }  # fmt: skip
    reply = call(upload, "POST", "/api/uploads", json=asked, key=OBSERVER)
    assert (reply.status, reply.json["state"]) == (201, "CREATED")
    assert reply.json["upload"]["url"] == "https://bucket.example/"
    assert reply.json["upload"]["max_bytes"] == 80 * 1024 * 1024
    assert reply.json["status_url"] == f"/api/uploads/{reply.json['job_id']}"
    request = store.jobs.kept[reply.json["job_id"]].request
    assert (request.event, request.forced, request.dry_run, request.exposure_s) == ("gaia18dps", "APASS/V", True, 60.0)
    assert (request.observatory_id, request.source, request.matching_radius_arcsec) == (1, "api", 1.5)
    assert (request.filter_hint, request.camera) == ("V", "Apogee U42")


def test_new_upload_with_the_least(upload: Function, store: FakeStore) -> None:
    token = store.keys.open_session(OBSERVER)
    reply = call(upload, "POST", "/api/uploads", form=UPLOAD, cookies={"cpcs_session": token})
    request = store.jobs.kept[reply.json["job_id"]].request
    assert (request.forced, request.exposure_s, request.matching_radius_arcsec) == (None, None, 2.0)
    assert (request.dry_run, request.figures) == (False, True)
    assert store.jobs.kept[reply.json["job_id"]].state is JobState.CREATED


BAD_UPLOADS = [
    ({"event": "Gaia99zzz"}, 404, "UNKNOWN_EVENT"),
    ({"event": ""}, 400, "MISSING_FIELD"),
    ({"event": "Gaia18dps\u0007\u202e"}, 400, "BAD_FIELD"),
    ({"event": {"$ne": 1}}, 400, "BAD_FIELD"),
    ({"mjd": None}, 400, "MISSING_FIELD"),
    ({"mjd": "tonight"}, 400, "BAD_FIELD"),
    ({"mjd": "nan"}, 400, "BAD_FIELD"),
    ({"mjd": "inf"}, 400, "BAD_FIELD"),
    ({"mjd": True}, 400, "BAD_FIELD"),
    ({"mjd": 2458398.1877795}, 400, "MJD_IS_JD"),
    ({"mjd": 99999.0}, 400, "MJD_IN_FUTURE"),
    ({"mjd": 47891.9}, 400, "MJD_TOO_EARLY"),
    ({"mjd": 0}, 400, "MJD_TOO_EARLY"),
    ({"mjd": -1}, 400, "MJD_TOO_EARLY"),
    ({"filter": "APASS/q"}, 400, "UNKNOWN_FILTER"),
    ({"filter": "V"}, 400, "UNKNOWN_FILTER"),
    ({"filter": "NoSuch/V"}, 400, "UNKNOWN_FILTER"),
    ({"matching_radius_arcsec": 0.05}, 400, "BAD_FIELD"),
    ({"matching_radius_arcsec": 61}, 400, "BAD_FIELD"),
    ({"exposure_s": -1}, 400, "BAD_FIELD"),
    ({"exposure_s": "sixty"}, 400, "BAD_FIELD"),
    ({"dry_run": "perhaps"}, 400, "BAD_FIELD"),
    ({"comment": "x" * 1001}, 400, "BAD_FIELD"),
    ({"size": 0}, 422, "EMPTY_FILE"),
    ({"size": 104857600}, 413, "FILE_TOO_LARGE"),
]


@pytest.mark.parametrize(("change", "status", "code"), BAD_UPLOADS)
def test_new_upload_refuses_and_leaves_nothing(
    upload: Function, store: FakeStore, change: dict[str, Any], status: int, code: str
) -> None:
    reply = call(upload, "POST", "/api/uploads", json={**UPLOAD, **change}, key=OBSERVER)
    assert (reply.status, reply.code) == (status, code)
    assert reply.json["message"]
    assert reply.json["hint"]
    assert reply.json["request_id"] == "req-1"
    assert store.jobs.kept == {}


def test_half_a_character_is_no_fault_of_the_server(upload: Function, store: FakeStore) -> None:
    """JSON can write half of a character outside the basic plane; nothing could store it."""
    sent = {"event": "Gaia18dps", "mjd": 58397.0, "comment": "clear \ud83d\ude00 sky \ud83d"}
    made = call(upload, "POST", "/api/uploads", json=sent, key=OBSERVER)
    assert made.status == 201
    assert store.jobs.kept[made.json["job_id"]].request.comment == "clear \U0001f600 sky"
    for path in ("/api/session", "/cgi/upload"):
        assert call(upload, "POST", path, json={"key": "\ud83d", "hashtag": "\ud83d"}).status in {400, 401}


def test_a_julian_date_is_answered_with_its_mjd(upload: Function) -> None:
    reply = call(upload, "POST", "/api/uploads", json={**UPLOAD, "mjd": 2458398.1877795}, key=OBSERVER)
    assert reply.json["hint"] == "Subtract 2400000.5: MJD 58397.68778."


def test_an_exposure_that_has_just_ended_is_taken(upload: Function) -> None:
    import time

    now = clock.mjd(time.time())
    assert call(upload, "POST", "/api/uploads", json={**UPLOAD, "mjd": now}, key=OBSERVER).status == 201


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b'{"mjd": NaN}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe{}", "application/json"),
        (b"what is this", "text/plain"),
        (b"no boundary", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"&".join([b"a=1"] * 500), "application/x-www-form-urlencoded"),
    ],
)
def test_broken_bodies(upload: Function, body: bytes, kind: str) -> None:
    reply = call(upload, "POST", "/api/uploads", body=body, headers={"content-type": kind}, key=OBSERVER)
    assert (reply.status, reply.code) == (400, "BAD_FIELD")


def test_new_event(upload: Function, store: FakeStore) -> None:
    sent = {
        "name": "ivo://CRTS J105122.8+672528",
        "ra_deg": "10:51:22.8",
        "dec_deg": "+67 25 28",
        "url": "https://a.b/c",
    }
    reply = call(upload, "POST", "/api/events", json=sent, key=OBSERVER)
    assert reply.status == 201
    assert reply.json["name"] == "CRTS J105122.8+672528"
    assert reply.json["ra_deg"] == pytest.approx(162.845)
    assert reply.json["dec_deg"] == pytest.approx(67.424444, abs=1e-6)
    assert store.events.get("crts j105122.8+672528").created_by == store.keys.verify(OBSERVER).key_id


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": "gaia18DPS"}, 409, "EVENT_EXISTS"),
        ({"name": ""}, 400, "MISSING_FIELD"),
        ({"name": "x" * 129}, 400, "BAD_FIELD"),
        ({"name": "<img src=x>"}, 400, "BAD_FIELD"),
        ({"ra_deg": ""}, 400, "MISSING_FIELD"),
        ({"ra_deg": 400}, 400, "BAD_FIELD"),
        ({"ra_deg": "12:60:00"}, 400, "BAD_FIELD"),
        ({"ra_deg": "25:00:00"}, 400, "BAD_FIELD"),
        ({"dec_deg": -91}, 400, "BAD_FIELD"),
        ({"dec_deg": "nan"}, 400, "BAD_FIELD"),
        ({"url": "javascript:alert(1)"}, 400, "BAD_FIELD"),
        ({"url": "data:text/html,x"}, 400, "BAD_FIELD"),
        ({"url": "http://"}, 400, "BAD_FIELD"),
        ({"url": 'https://a.b/"><script>'}, 400, "BAD_FIELD"),
        ({"url": "//evil.example/"}, 400, "BAD_FIELD"),
    ],
)
def test_new_event_refuses(upload: Function, change: dict[str, Any], status: int, code: str) -> None:
    sent = {"name": "Gaia26abc", "ra_deg": 10.0, "dec_deg": -20.0, **change}
    reply = call(upload, "POST", "/api/events", json=sent, key=OBSERVER)
    assert (reply.status, reply.code) == (status, code)


def test_deletion_publishes_the_light_curve_without_the_point(upload: Function, store: FakeStore) -> None:
    reply = call(upload, "DELETE", "/api/followups/122113", key=OBSERVER)
    assert (reply.status, reply.json) == (200, {"followup_id": 122113, "deleted": True})
    document = json.loads(gzip.decompress(store.files.published["data/lightcurves/gaia18dps.json"]))
    assert document["columns"]["id"] == []
    assert call(upload, "DELETE", "/api/followups/122113", key=OBSERVER).status == 200
    assert call(upload, "DELETE", "/api/followups/7", key=OBSERVER).code == "UNKNOWN_POINT"
    assert call(upload, "DELETE", "/api/followups/seven", key=OBSERVER).code == "BAD_FIELD"


def test_deletion_holds_though_publishing_fails(
    upload: Function, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no bucket")

    monkeypatch.setattr(store.files, "publish", fail)
    assert call(upload, "DELETE", "/api/followups/122113", key=OBSERVER).status == 200
    assert store.points.kept == {}


def test_new_observatory_and_key(upload: Function, store: FakeStore) -> None:
    site = call(upload, "POST", "/api/observatories", json={"name": "Ostrowik", "longitude_deg": 21.4}, key=ADMIN)
    assert (site.status, site.json["observatory_id"]) == (201, 3)
    reply = call(upload, "POST", "/api/keys", json={"observatory_id": 3, "role": "lead", "owner": "P.I."}, key=ADMIN)
    assert reply.status == 201
    assert store.keys.verify(reply.json["key"]).role is Role.LEAD
    assert reply.json["observatory"]["name"] == "Ostrowik"


@pytest.mark.parametrize(
    ("path", "sent", "status", "code"),
    [
        ("/api/observatories", {"name": "elsewhere"}, 409, "OBSERVATORY_EXISTS"),
        ("/api/observatories", {}, 400, "MISSING_FIELD"),
        ("/api/observatories", {"name": "X", "latitude_deg": 91}, 400, "BAD_FIELD"),
        ("/api/keys", {"observatory_id": 99}, 404, "UNKNOWN_OBSERVATORY"),
        ("/api/keys", {"observatory_id": 1, "role": "king"}, 400, "BAD_FIELD"),
        ("/api/keys", {}, 400, "MISSING_FIELD"),
    ],
)
def test_administration_refuses(upload: Function, path: str, sent: dict[str, Any], status: int, code: str) -> None:
    reply = call(upload, "POST", path, json=sent, key=ADMIN)
    assert (reply.status, reply.code) == (status, code)


KEYS = {"none": None, "wrong": "wrong", "observer": OBSERVER, "other": OTHER, "lead": LEAD, "admin": ADMIN}
WHO_MAY: list[tuple[str, str, dict[str, Any], dict[str, int]]] = [
    ("POST", "/api/uploads", UPLOAD, {"observer": 201, "other": 201, "lead": 201, "admin": 201}),
    ("POST", "/api/events", {"name": "A1", "ra_deg": 1, "dec_deg": 1},
     {"observer": 201, "other": 201, "lead": 201, "admin": 201}),
    ("DELETE", "/api/followups/122113", {}, {"observer": 200, "other": 403, "lead": 200, "admin": 200}),
    ("POST", "/api/observatories", {"name": "New"}, {"observer": 403, "other": 403, "lead": 403, "admin": 201}),
    ("POST", "/api/keys", {"observatory_id": 1}, {"observer": 403, "other": 403, "lead": 403, "admin": 201}),
]  # fmt: skip


@pytest.mark.parametrize("who", KEYS)
@pytest.mark.parametrize(("method", "path", "sent", "statuses"), WHO_MAY)
def test_who_may(
    upload: Function, method: str, path: str, sent: dict[str, Any], statuses: dict[str, int], who: str
) -> None:
    secret = KEYS[who]
    headers = {"authorization": f"bearer {secret}"} if secret else {}
    reply = call(upload, method, path, json=sent, headers=headers)
    assert reply.status == statuses.get(who, 401)
    if reply.status >= 400:
        assert reply.code == {401: "BAD_KEY" if secret else "KEY_REQUIRED", 403: "FORBIDDEN"}[reply.status]


@pytest.mark.parametrize("place", ["query", "form", "cookie", "header"])
def test_the_old_places_of_keys_count_for_nothing_here(upload: Function, place: str) -> None:
    given: dict[str, Any] = {
        "query": {"query": {"hashtag": OBSERVER}, "json": UPLOAD},
        "form": {"form": {**UPLOAD, "hashtag": OBSERVER}},
        "cookie": {"cookies": {"hashtag": OBSERVER}, "json": UPLOAD},
        "header": {"headers": {"hashtag": OBSERVER}, "json": UPLOAD},
    }[place]
    assert call(upload, "POST", "/api/uploads", **given).code == "KEY_REQUIRED"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/api/events", 405),
        ("PATCH", "/api/uploads", 405),
        ("DELETE", "/api/uploads", 405),
        ("POST", "/api/health", 405),
        ("POST", "/api/nothing", 404),
        ("DELETE", "/nothing", 404),
        ("PUT", "/cgi/upload", 405),
        ("POST", "/list_of_alerts", 405),
    ],
)
def test_wrong_addresses_and_methods(upload: Function, method: str, path: str, status: int) -> None:
    reply = call(upload, method, path, key=OBSERVER)
    assert (reply.status, reply.code) == (status, "NOT_FOUND" if status == 404 else "METHOD_NOT_ALLOWED")


def everything(upload: Function) -> list[Reply]:
    """Return the answers to one good and one bad request of each kind, all with keys."""
    return [
        call(upload, "POST", "/api/session", json={"key": OBSERVER}),
        call(upload, "POST", "/api/uploads", json=UPLOAD, key=OBSERVER),
        call(upload, "POST", "/api/uploads", json={**UPLOAD, "mjd": "x"}, key=OBSERVER),
        call(upload, "POST", "/api/events", json={"name": "A1", "ra_deg": 1, "dec_deg": 1}, key=OBSERVER),
        call(upload, "POST", "/api/keys", json={"observatory_id": 1}, key=OBSERVER),
        call(upload, "POST", "/Login", form={"hashtag": OBSERVER}),
        call(upload, "GET", "/cgi/newevent", query={"hashtag": OBSERVER, "EventID": "B2", "ra": 1, "dec": 2}),
        call(upload, "GET", "/cgi/upload", query={"hashtag": OBSERVER}),
        call(upload, "GET", "/cgi/nothing", query={"hashtag": OBSERVER}),
    ]


def test_no_answer_and_no_line_of_the_log_holds_the_key(
    upload: Function, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, store: FakeStore
) -> None:
    replies = everything(upload)

    def fail(secret: str, **_: object) -> None:
        raise RuntimeError(f"no table for {secret}")

    monkeypatch.setattr(store.keys, "verify", fail)
    replies += everything(upload)
    assert [reply.status for reply in replies[len(replies) // 2 :]].count(500) >= 7
    told = "".join(f"{reply.headers}{reply.cookies}{reply.text}" for reply in replies)
    assert OBSERVER not in told
    assert OBSERVER not in str([vars(record) for record in caplog.records])
