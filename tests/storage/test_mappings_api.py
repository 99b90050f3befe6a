"""Header mappings over HTTP, on the real storage: who may, in which forms, what is refused and how."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

import pytest

from cpcs.keywords import KEYWORDS
from cpcs.mappings import Rule, parse_table
from cpcs.records import Role
from cpcs.storage import Store
from functions.query.app import build as build_query
from functions.upload.app import build as build_upload
from tests.support.aws import SETTINGS, Scene
from tests.support.gateway import Function, Reply, call

ADDRESS = "/api/observatories/1/mappings"
TABLE = """\
# DESCRIPTION : KEYWORD (in FITS) : KEYWORD (standard) : FORMAT : VALUE(s) : COMMENT
#! recognise : INSTRUME : BFOSC*
Observatory : - : OBSERVAT : str : LOIANO : -
Filter : INSFILTE : FILTER : string : 1=U, 2=B, "2 1"=R : wheel of Kraków
"""
JSON = {
    "recognise": [{"keyword": "instrume", "pattern": "BFOSC*"}],
    "rules": [
        {"keyword": "OBSERVAT", "fixed": "LOIANO", "description": "Observatory"},
        {
            "keyword": "FILTER",
            "source": "INSFILTE",
            "format": "string",
            "values": {"1": "U", "2": "B", "2 1": "R"},
            "description": "Filter",
            "comment": "wheel of Kraków",
        },
    ],
}


@pytest.fixture
def upload(scene: Scene) -> Function:
    return build_upload(SETTINGS, scene.store)


@pytest.fixture
def query(store: Store) -> Function:
    return build_query(SETTINGS, store)


@pytest.fixture
def lead(scene: Scene) -> str:
    return scene.store.keys.issue(1, Role.LEAD, "The Lead")[0]


@pytest.fixture
def send(upload: Function, lead: str) -> Any:
    def put(body: str | dict[str, Any], camera: str = "BFOSC", **request: Any) -> Reply:
        how = (
            {"json": body}
            if isinstance(body, dict)
            else {"body": body.encode(), "headers": {"content-type": "text/plain"}}
        )
        return call(upload, "PUT", f"{ADDRESS}/{quote(camera, safe='')}", key=lead, **(how | request))

    return put


def test_the_standard_header_is_shown(query: Function) -> None:
    shown = call(query, "GET", "/api/keywords").json
    assert [item["name"] for item in shown["items"]] == list(KEYWORDS)
    assert shown["items"][2] == {
        "name": "LONGITUD", "block": "OBSERVATORY", "kind": "float", "unit": "deg", "low": -180.0, "high": 180.0,
        "meaning": KEYWORDS["LONGITUD"].meaning,
    }  # fmt: skip
    assert shown["formats"]["units"]["min"] == {"unit": "s", "factor": 60.0}
    assert "cursor" not in shown
    assert {"types", "date", "time", "angle", "moments", "scales"} < set(shown["formats"])


def test_a_table_goes_in_and_comes_out(send: Any, query: Function) -> None:
    made = send(TABLE)
    assert (made.status, made.json["version"], made.json["camera"]) == (201, 1, "BFOSC"), made.text
    shown = call(query, "GET", made.json["address"])
    assert shown.status == 200
    assert shown.json == made.json
    assert "Accept" in shown.headers["Vary"].split(", ")
    assert shown.json["rules"][1]["values"] == {"1": "U", "2": "B", "2 1": "R"}
    assert "key_id" not in shown.json
    for how in ({"query": {"format": "text"}}, {"headers": {"accept": "text/plain"}}):
        text = call(query, "GET", f"{ADDRESS}/bfosc", **how)
        assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert text.headers["Vary"] == "Accept"
        mapping = parse_table(text.text)
        assert (mapping.camera, mapping.version, mapping.rules[1].comment) == ("BFOSC", 1, "wheel of Kraków")
    assert call(query, "GET", f"{ADDRESS}/bfosc", headers={"accept": "*/*"}).json["version"] == 1
    listed = call(query, "GET", ADDRESS).json["items"]
    assert [(item["camera"], item["version"], item["keywords"]) for item in listed] == [
        ("BFOSC", 1, ["OBSERVAT", "FILTER"])
    ]


def test_json_and_text_say_the_same(send: Any) -> None:
    assert send(TABLE).json["rules"] == send(JSON, camera="other").json["rules"]


def test_what_was_shown_can_be_sent_again_changed(send: Any, query: Function) -> None:
    made = send(JSON).json
    again = send(made | {"comment": "changed"})
    assert (again.status, again.json["version"], again.json["comment"]) == (200, 2, "changed"), again.text
    text = call(query, "GET", made["address"], query={"format": "text"}).text
    third = send(text.replace("LOIANO", "Loiano"))
    assert (third.status, third.json["version"], third.json["rules"][0]["fixed"]) == (200, 3, "Loiano")
    old = call(query, "GET", made["address"], query={"version": 1})
    assert (old.json["version"], old.json["rules"][0]["fixed"]) == (1, "LOIANO")
    late = send(text)
    assert (late.status, late.code) == (409, "CONFLICT")
    assert "version 3 is the newest" in late.json["message"]
    assert late.json["hint"] == "Get the newest version, change that, and name its version."
    assert send(TABLE).code == "CONFLICT"  # it names no version
    assert send(TABLE, query={"version": 3}).json["version"] == 4


def test_taking_back(send: Any, upload: Function, query: Function, lead: str) -> None:
    send(JSON)
    address = f"{ADDRESS}/BFOSC"
    assert call(upload, "DELETE", address, query={"version": 7}, key=lead).code == "CONFLICT"
    gone = call(upload, "DELETE", address, key=lead)
    assert (gone.status, gone.json["version"], gone.json["withdrawn"]) == (200, 2, True)
    assert call(query, "GET", ADDRESS).json["items"] == []
    missing = call(query, "GET", address)
    assert (missing.status, missing.code) == (404, "UNKNOWN_MAPPING")
    assert call(query, "GET", address, query={"version": 1}).json["rules"][0]["fixed"] == "LOIANO"
    assert call(upload, "DELETE", f"{ADDRESS}/other", key=lead).code == "UNKNOWN_MAPPING"
    again = send(JSON)
    assert (again.status, again.json["version"]) == (200, 3)
    assert send(JSON).json == again.json  # the same request once more


@pytest.mark.parametrize("camera", ["ST-8/7 #2", "Kraków 100 %", "a+b", "x  Y"])
def test_cameras_of_any_name(send: Any, query: Function, camera: str) -> None:
    made = send(JSON, camera=camera)
    assert made.json["camera"] == " ".join(camera.split())
    assert call(query, "GET", made.json["address"]).json == made.json


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("x : A : GAIN : date : - : -", "BAD_MAPPING", "line 1 (GAIN)"),
        ("#! camera : other", "BAD_FIELD", "that of the address"),
        ({"camera": "other"}, "BAD_FIELD", "that of the address"),
        ({"version": "x"}, "BAD_FIELD", "version"),
        ({"rules": "FILTER"}, "BAD_MAPPING", "no list of objects"),
        (
            {"rules": [{"keyword": "GAIN", "source": "A"}, {"keyword": "GAIN", "sorce": "A"}]},
            "BAD_MAPPING",
            "rule 2: 'sorce'",
        ),
        ({"rules": [{"keyword": "GAIN", "source": "A"}] * 2}, "BAD_MAPPING", "rule 2"),
        ({"rules": [{"keyword": "GAIN", "source": ["A"]}]}, "BAD_MAPPING", "its source is no text"),
        ({"rules": [{"keyword": "GAIN", "source": True}]}, "BAD_MAPPING", "its source is no text"),
        ({"rules": [{"keyword": "FILTER", "source": "A", "values": "1=U"}]}, "BAD_MAPPING", "no map"),
        ({"rules": [{"keyword": "FILTER", "source": "A", "values": [["1", "U", "x"]]}]}, "BAD_MAPPING", "no map"),
        (
            {"rules": [{"keyword": "FILTER", "source": "A", "values": [["1", "U"], [1, "B"]]}]},
            "BAD_MAPPING",
            "'1' twice",
        ),
        ({"recognise": [{"keyword": "INSTRUME"}]}, "BAD_MAPPING", "condition 1"),
        ({"recognise": ["INSTRUME"]}, "BAD_MAPPING", "no list of objects"),
        ("{broken", "BAD_FIELD", "JSON"),
        ("\x00", "BAD_MAPPING", "line 1"),
        ({"rulez": []}, "BAD_MAPPING", "'rulez' is no part of a mapping"),
        ({"recognise": [{"keyword": "A", "patern": "b"}]}, "BAD_MAPPING", "condition 1: 'patern'"),
        ({"comment": "nothing else"}, "BAD_MAPPING", "DELETE takes a mapping back"),
        ("# nothing", "BAD_MAPPING", "DELETE takes a mapping back"),
        ('{"rules": [], "rules": [{"keyword": "GAIN", "source": "A"}]}', "BAD_MAPPING", "'rules' is there twice"),
        ('{"rules": [{"keyword": "GAIN", "source": "A", "source": "B"}]}', "BAD_MAPPING", "'source' is there twice"),
        (
            '{"rules": [{"keyword": "FILTER", "source": "A", "values": {"1": "U", "1": "B"}}]}',
            "BAD_MAPPING",
            "'1' is there twice",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    send: Any, store: Store, body: str | dict[str, Any], code: str, said: str
) -> None:
    reply = send(body)
    assert (reply.status, reply.code) == (400, code), reply.text
    assert said in reply.json["message"] + reply.json["hint"]
    assert store.mappings.of_observatory(1) == []


def test_numbers_are_taken_as_text(send: Any) -> None:
    sent = {"rules": [{"keyword": "GAIN", "fixed": 1.5}, {"keyword": "FILTER", "source": "A", "values": [[1, "U"]]}]}
    rules = send(sent).json["rules"]
    assert rules[0] == {**asdict(Rule(keyword="GAIN", fixed="1.5", format="float")), "values": {}}
    assert rules[1]["values"] == {"1": "U"}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_who_may(upload: Function, scene: Scene, send: Any, method: str) -> None:
    send(JSON)
    other = scene.store.observatories.create("Elsewhere").observatory_id
    issue = scene.store.keys.issue
    keys = {
        "observer": (scene.secret, 403),
        "another lead": (issue(other, Role.LEAD)[0], 403),
        "another observer": (issue(other, Role.OBSERVER)[0], 403),
        "nobody": (None, 401),
        "admin": (issue(other, Role.ADMIN)[0], 200),
    }
    for who, (secret, status) in keys.items():
        given = {"key": secret} if secret else {}
        reply = call(upload, method, f"{ADDRESS}/BFOSC", json=JSON | {"version": 1}, **given)
        assert reply.status == status, who
        if status != 200:
            assert reply.code == {403: "FORBIDDEN", 401: "KEY_REQUIRED"}[status]


@pytest.mark.parametrize("place", ["9", "0", "x"])
def test_observatories_that_are_not_there(upload: Function, query: Function, scene: Scene, place: str) -> None:
    admin = scene.store.keys.issue(1, Role.ADMIN)[0]
    code = "UNKNOWN_OBSERVATORY" if place == "9" else "BAD_FIELD"
    for path in (f"/api/observatories/{place}/mappings", f"/api/observatories/{place}/mappings/x"):
        assert call(query, "GET", path).code == code
    assert call(upload, "PUT", path, json=JSON, key=admin).code == code
    assert call(query, "GET", f"{ADDRESS}/x", query={"format": "xml"}).code == "BAD_FIELD"
    assert call(query, "GET", f"{ADDRESS}/x", query={"version": "new"}).code == "BAD_FIELD"
    assert call(upload, "POST", f"{ADDRESS}/x", json=JSON, key=admin).code == "METHOD_NOT_ALLOWED"
