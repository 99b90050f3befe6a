"""The first CPCS's addresses through gateway and front: names, methods and encodings survive the way."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from cpcs.storage import Store
from infra import seed

pytestmark = pytest.mark.e2e

HOSTILE = ["nvo.caltech/voeventnet/catot#1208121350994133433", "CRTS J105122.8+672528", "ASASSN-18zj"]


@pytest.fixture
def secret(store: Store) -> str:
    return seed.observer(store, "Observatory of old scripts", owner="robot").secret


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_everywhere(http: httpx.Client, secret: str, name: str) -> None:
    form = {"EventID": f"ivo://{name}", "ra": "220.665", "dec": "53.2", "hashtag": secret, "outputFormat": "json"}
    made = http.post("/cgi/newevent", data=form)
    assert made.status_code in {200, 409}
    for prefix in ("", "ivo://"):
        encoded = quote(prefix + name, safe="")
        assert http.get(f"/api/events/{encoded}").json()["name"] == name
        assert http.get(f"/api/events/{encoded.replace('%2F', '/')}").json()["name"] == name
        assert http.get(f"/api/lightcurves/{encoded}").json()["target"]["name"] == name
        old = http.get(f"/get_alert_lc_data?alert_name={encoded}")
        assert old.json()["alert_name"] == prefix + name
        assert http.get(f"/api/followups?event={encoded}").json()["items"] == []
    alerts = http.get("/list_of_alerts", params={"format": "json", "num": 100000, "published": 1, "hashtag": secret})
    assert f"ivo://{name}" in [alert["ivorn"] for alert in alerts.json()]


def test_login_cookie_opens_the_old_routes(http: httpx.Client, secret: str) -> None:
    assert http.get("/Login").text.count('name="hashtag"') == 1
    http.post("/Login", data={"hashtag": secret}).raise_for_status()
    assert set(http.cookies) == {"hashtag", "cpcs_session"}
    assert http.get("/api/me").json()["observatory"]["name"] == "Observatory of old scripts"
    assert http.post("/cgi/delpoint", data={"followupid": "999999"}).status_code == 404
    http.get("/cgi/logout").raise_for_status()
    assert http.get("/api/me").status_code == 401


def test_key_in_each_of_its_old_places(http: httpx.Client, secret: str) -> None:
    form = {"followupid": "999999"}
    for given in ({"params": {"hashtag": secret}}, {"headers": {"hashtag": secret}}, {"cookies": {"hashtag": secret}}):
        answer = httpx.post(http.base_url.join("/cgi/delpoint"), data=form, timeout=60.0, trust_env=False, **given)
        assert (answer.status_code, answer.text) == (404, "UNKNOWN_POINT: There is no follow-up point 999999.")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/session", 405),
        ("PUT", "/api/events", 405),
        ("PATCH", "/api/uploads", 405),
        ("HEAD", "/api/events", 200),
        ("HEAD", "/list_of_alerts", 200),
        ("GET", "/observatories", 200),
        ("GET", "/list_of_followups", 200),
    ],
)
def test_methods(http: httpx.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_lists_are_asked_for_again_cheaply(http: httpx.Client) -> None:
    first = http.get("/api/catalogues")
    assert first.headers["content-encoding"] == "gzip"
    again = http.get("/api/catalogues", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
