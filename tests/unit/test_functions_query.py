"""The query function: every route, and every way in which it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cpcs.records import Mode, Role
from cpcs.settings import Settings
from cpcs.web import lightcurve
from functions.query.app import build
from tests.support.fake_store import FakeStore, a_frame, a_point, done
from tests.support.gateway import Function, call

KEY = "pt5m_0123456789abcdef0123456789abcdef"
HOSTILE = ["nvo.caltech/voeventnet/catot#1208121350994133433", "CRTS J105122.8+672528", "ASASSN-18zj"]
SETTINGS = Settings(table="t", data_bucket="d", site_bucket="s")


@pytest.fixture
def store() -> FakeStore:
    store = FakeStore()
    store.observatories.create("Montarrenti Observatory", longitude_deg=11.2, latitude_deg=43.2)
    store.observatories.create("<script>alert(1)</script>")
    store.keys.register(KEY, 1, Role.OBSERVER, "E. Observer")
    for name in HOSTILE:
        store.events.create(name, 220.665, 53.26519444444, published="2018-12-07T06:36:57Z")
    gaia = store.events.create("Gaia18dps", 220.665, 53.26519444444, published="2018-12-07T06:36:58Z")
    store.events.kept[gaia.key] = replace(gaia, n_followups=2, version=2)
    store.points.kept[122113] = a_point(gaia)
    store.points.kept[122370] = a_point(
        gaia, followup_id=122370, is_limit=True, mag_err=None, mag=19.2806, filter="B", mjd=58404.090362,
        mode=Mode.FORCED, observatory="=cmd()|A1", observatory_id=2,
    )  # fmt: skip
    return store


@pytest.fixture
def query(store: FakeStore) -> Function:
    return build(SETTINGS, store)  # type: ignore[arg-type]


def test_health(query: Function) -> None:
    reply = call(query, "GET", "/api/health")
    assert (reply.status, reply.json["status"]) == (200, "ok")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "private, no-store"


def test_me_tells_whose_key_it_is_and_does_not_write(query: Function, store: FakeStore) -> None:
    reply = call(query, "GET", "/api/me", key=KEY)
    assert reply.status == 200
    assert reply.json["role"] == "observer"
    assert reply.json["observatory"]["name"] == "Montarrenti Observatory"
    assert store.keys.touched == []


@pytest.mark.parametrize(("headers", "code"), [({}, "KEY_REQUIRED"), ({"authorization": "Bearer nope"}, "BAD_KEY")])
def test_me_without_a_good_key(query: Function, headers: dict[str, str], code: str) -> None:
    reply = call(query, "GET", "/api/me", headers=headers)
    assert (reply.status, reply.code) == (401, code)
    assert reply.json["request_id"] == "req-1"
    assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_cookie_is_as_good_as_the_key(query: Function, store: FakeStore) -> None:
    token = store.keys.open_session(KEY)
    assert call(query, "GET", "/api/me", cookies={"cpcs_session": token}).status == 200
    assert call(query, "GET", "/api/me", cookies={"cpcs_session": "other"}).code == "BAD_KEY"


def test_events_newest_first_in_pages(query: Function) -> None:
    first = call(query, "GET", "/api/events", query={"limit": 3}).json
    second = call(query, "GET", "/api/events", query={"limit": 3, "cursor": first["cursor"]}).json
    assert first["items"][0]["name"] == "Gaia18dps"
    assert len(first["items"] + second["items"]) == 4
    assert second["cursor"] is None
    assert set(first["items"][0]) == {
        "event_id", "name", "ivorn", "ra_deg", "dec_deg", "published", "url", "comment", "n_followups",
    }  # fmt: skip


def test_events_observed_only(query: Function) -> None:
    items = call(query, "GET", "/api/events", query={"observed": 1}).json["items"]
    assert [item["name"] for item in items] == ["Gaia18dps"]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("gaia18", ["Gaia18dps"]),
        ("ivo://CRTS J105122.8+672528", ["CRTS J105122.8+672528"]),
        ("catot#12", [HOSTILE[0]]),
        ("no such", []),
        ("18", ["Gaia18dps", "ASASSN-18zj"]),
    ],
)
def test_events_by_a_part_of_the_name(query: Function, asked: str, names: list[str]) -> None:
    reply = call(query, "GET", "/api/events", query={"q": asked})
    assert [item["name"] for item in reply.json["items"]] == names


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"limit": 0}, "BAD_FIELD"),
        ({"limit": 501}, "BAD_FIELD"),
        ({"limit": "1.5"}, "BAD_FIELD"),
        ({"limit": "1_0"}, "BAD_FIELD"),
        ({"limit": "9" * 100}, "BAD_FIELD"),
        ({"observed": "maybe"}, "BAD_FIELD"),
        ({"cursor": "forged"}, "BAD_CURSOR"),
        ({"q": "x" * 200}, "BAD_FIELD"),
    ],
)
def test_events_refuses(query: Function, given: dict[str, Any], code: str) -> None:
    reply = call(query, "GET", "/api/events", query=given)
    assert (reply.status, reply.code) == (400, code)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("prefix", ["", "ivo%3A%2F%2F", "ivo:%2F%2F", "ivo://", "ivo:/", "IVO://"])
def test_hostile_names_in_paths(query: Function, name: str, prefix: str) -> None:
    encoded = prefix + "".join(c if c.isalnum() or c in "/.-" else f"%{ord(c):02X}" for c in name)
    assert call(query, "GET", f"/api/events/{encoded}").json["name"] == name
    assert call(query, "GET", f"/api/events/{encoded.replace('/', '%2F')}").json["name"] == name
    assert call(query, "GET", f"/api/events/{encoded.replace('%', '%25')}").json["name"] == name
    assert call(query, "GET", f"/api/lightcurves/{encoded}").json["target"]["name"] == name


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_in_queries(query: Function, name: str) -> None:
    for given in (name, f"ivo://{name}"):
        reply = call(query, "GET", "/get_alert_lc_data", query={"alert_name": given})
        assert reply.json["alert_name"] == given
        assert call(query, "GET", "/api/followups", query={"event": given}).status == 200


def test_a_bare_plus_in_a_query_means_itself_where_the_name_has_one(query: Function) -> None:
    reply = call(query, "GET", "/get_alert_lc_data", query="alert_name=ivo://CRTS%20J105122.8+672528")
    assert reply.status == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/events/Gaia99zzz", 404, "UNKNOWN_EVENT"),
        ("/api/events/%00", 400, "BAD_FIELD"),
        ("/api/events/" + "x" * 300, 400, "BAD_FIELD"),
        ("/api/lightcurves/Gaia99zzz", 404, "UNKNOWN_EVENT"),
        ("/api/followups/1", 404, "UNKNOWN_POINT"),
        ("/api/followups/one", 400, "BAD_FIELD"),
        ("/api/uploads/nope", 404, "UNKNOWN_JOB"),
        ("/api/uploads/..%2F..", 404, "NOT_FOUND"),
        ("/api/calibrations/nope/report", 404, "UNKNOWN_JOB"),
        ("/api/calibrations/a@b/report", 404, "UNKNOWN_JOB"),
        ("/api/calibrations/nope/figures/other.png", 404, "NOT_FOUND"),
        ("/api", 404, "NOT_FOUND"),
        ("/api/nothing", 404, "NOT_FOUND"),
        ("/nothing", 404, "NOT_FOUND"),
        ("/", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_there(query: Function, path: str, status: int, code: str) -> None:
    reply = call(query, "GET", path)
    assert (reply.status, reply.code) == (status, code)
    assert reply.headers["Content-Type"].startswith("application/json" if path.startswith("/api") else "text/plain")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("OPTIONS", "/api/events", "GET, HEAD, POST"),
        ("GET", "/api/session", "DELETE, POST"),
        ("TRACE", "/api/followups/3", "DELETE, GET, HEAD"),
        ("GET", "/api/keys", "POST"),
        ("OPTIONS", "/list_of_alerts", "GET, HEAD"),
    ],
)
def test_wrong_methods(query: Function, method: str, path: str, allow: str) -> None:
    reply = call(query, method, path)
    assert (reply.status, reply.code) == (405, "METHOD_NOT_ALLOWED")
    assert reply.headers["Allow"] == allow


def test_light_curve_document(query: Function) -> None:
    reply = call(query, "GET", "/api/lightcurves/Gaia18dps")
    document = reply.json
    assert document["schema"] == "cpcs-lightcurve/1"
    assert document["columns"]["limit"] == [False, True]
    assert document["columns"]["mag_err"] == [0.0051178, None]
    assert {len(column) for column in document["columns"].values()} == {2}
    assert document["version"] == 2
    assert reply.headers["Cache-Control"] == "no-cache"


def test_light_curve_as_csv_holds_no_formula(query: Function) -> None:
    reply = call(query, "GET", "/api/lightcurves/Gaia18dps", query={"format": "csv"})
    rows = [line for line in reply.text.splitlines() if not line.startswith("#")]
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert rows[0].startswith("id,mjd,exposure_s,mag,mag_err")
    assert ",'=cmd()|A1," in rows[2]
    assert call(query, "GET", "/api/lightcurves/Gaia18dps", query={"format": "xls"}).code == "BAD_FIELD"


def test_large_light_curve_comes_from_the_copy_while_it_is_fresh(query: Function, store: FakeStore) -> None:
    import gzip

    event = replace(store.events.get("Gaia18dps"), n_followups=1000)
    store.events.kept[event.key] = event
    copy = {**lightcurve.build(event, []), "acknowledgement": "the copy"}
    store.files.published["data/lightcurves/gaia18dps.json"] = gzip.compress(json.dumps(copy).encode())
    assert call(query, "GET", "/api/lightcurves/Gaia18dps").json["acknowledgement"] == "the copy"
    missing = {name: column for name, column in copy["columns"].items() if name != "reference_colour"}
    for columns in (missing, {**copy["columns"], "more": []}):  # as an older or a younger program has published it
        other = json.dumps({**copy, "columns": columns}).encode()
        store.files.published["data/lightcurves/gaia18dps.json"] = gzip.compress(other)
        assert call(query, "GET", "/api/lightcurves/Gaia18dps").json["acknowledgement"] != "the copy"
    store.files.published["data/lightcurves/gaia18dps.json"] = gzip.compress(json.dumps(copy).encode())
    store.events.kept[event.key] = replace(event, version=3)
    assert call(query, "GET", "/api/lightcurves/Gaia18dps").json["acknowledgement"] != "the copy"


def test_followups(query: Function) -> None:
    items = call(query, "GET", "/api/followups").json["items"]
    assert [item["followup_id"] for item in items] == [122370, 122113]
    assert items[1]["passband"] == "APASS/i"
    assert len(call(query, "GET", "/api/followups", query={"observatory": 2}).json["items"]) == 1
    assert len(call(query, "GET", "/api/followups", query={"event": "gaia18dps"}).json["items"]) == 2
    assert call(query, "GET", "/api/followups", query={"event": "Gaia99zzz"}).status == 404
    assert call(query, "GET", "/api/followups", query={"observatory": "x"}).code == "BAD_FIELD"
    assert call(query, "GET", "/api/followups/122113").json["mode"] == "AUTO"


def test_observatories_and_catalogues(query: Function) -> None:
    assert call(query, "GET", "/api/observatories").json["items"][0]["longitude_deg"] == 11.2
    listed = {item["name"]: item["filters"] for item in call(query, "GET", "/api/catalogues").json["items"]}
    assert {"B", "V", "g", "r", "i"} <= set(listed["APASS"])


def test_colour_terms_of_an_observatory(query: Function, store: FakeStore) -> None:
    store.colour_terms.kept += [
        a_frame(),
        a_frame(job_id="02JOB", field="other", value=0.12, mjd=58398.0, learned="2018-10-08T01:02:03Z"),
        a_frame(job_id="03JOB", passband="PS1/r"),
        a_frame(job_id="04JOB", camera="", filter=""),
        a_frame(job_id="05JOB", observatory_id=2),
    ]
    reply = call(query, "GET", "/api/observatories/1/colour-terms")
    assert reply.headers["Cache-Control"] == "no-cache"
    found = [(item["camera"], item["filter"], item["passband"], item["n_frames"]) for item in reply.json["items"]]
    assert found == [
        ("", "", "APASS/r", 1),
        ("apogee alta u42", "r", "APASS/r", 2),
        ("apogee alta u42", "r", "PS1/r", 1),
    ]
    item = reply.json["items"][1]
    assert 0.05 < item["value"] < 0.12
    assert 0.0 < item["err"] < item["prior_err"] <= 0.15
    assert 0.0 < item["scatter"] < 0.1
    assert (item["colour"], item["n_fields"], item["since_mjd"]) == ("g-r", 2, 58397.6877795)
    assert item["last_learned"] == "2018-10-08T01:02:03Z"
    assert call(query, "GET", "/api/observatories/2/colour-terms").json["items"][0]["n_frames"] == 1


@pytest.mark.parametrize(("given", "code"), [("99", "UNKNOWN_OBSERVATORY"), ("x", "BAD_FIELD"), ("0", "BAD_FIELD")])
def test_colour_terms_of_nobody(query: Function, given: str, code: str) -> None:
    assert call(query, "GET", f"/api/observatories/{given}/colour-terms").code == code


def test_colour_terms_are_gated_as_light_curves_are(store: FakeStore) -> None:
    gated = build(replace(SETTINGS, data_access="key"), store)  # type: ignore[arg-type]
    assert call(gated, "GET", "/api/observatories/1/colour-terms").code == "KEY_REQUIRED"
    reply = call(gated, "GET", "/api/observatories/1/colour-terms", key=KEY)
    assert (reply.status, reply.headers["Cache-Control"]) == (200, "private, no-store")


def test_the_corrected_magnitude_stands_beside_the_native_one(query: Function, store: FakeStore) -> None:
    corrected = {"corrected_mag": 16.61, "corrected_mag_err": 0.03, "colour_term": -0.16, "colour_term_err": 0.01}
    colours = {"colour": "g-r", "reference_colour": 0.9}
    store.points.kept[122113] = replace(store.points.kept[122113], **corrected, **colours)
    columns = call(query, "GET", "/api/lightcurves/Gaia18dps").json["columns"]
    for name, value in {**corrected, **colours}.items():
        assert columns[name] == [value, None]
        assert call(query, "GET", "/api/followups/122113").json[name] == value
    header, first = call(query, "GET", "/api/lightcurves/Gaia18dps", query={"format": "csv"}).text.splitlines()[3:5]
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    assert (cells["mag"], cells["corrected_mag"], cells["colour"]) == ("16.5232", "16.61", "g-r")


def a_job(store: FakeStore, **options: Any) -> str:
    from cpcs.records import UploadRequest

    request = UploadRequest(
        job_id="01JOB",
        event="gaia18dps",
        observatory_id=1,
        key_id=store.keys.verify(KEY).key_id,
        mjd=58397.0,
        **options,
    )
    return store.jobs.create(request).job_id


def test_job_before_and_after(query: Function, store: FakeStore) -> None:
    job_id = a_job(store)
    before = call(query, "GET", f"/api/uploads/{job_id}").json
    assert (before["state"], before["outcome"], before["figures"], before["report"]) == ("CREATED", None, {}, None)
    store.jobs.kept[job_id] = done(store.jobs.kept[job_id], a_point(store.events.get("Gaia18dps")))
    after = call(query, "GET", f"/api/uploads/{job_id}").json
    assert after["state"] == "DONE"
    assert after["outcome"]["mag"] == 16.5232
    assert after["outcome"]["existing_id"] is None
    assert after["figures"] == {
        name: f"/api/calibrations/01JOB/figures/{name}.png" for name in ("panel", "residuals", "lightcurve")
    }
    assert after["report"] == "/api/calibrations/01JOB/report"
    before_residuals = replace(store.jobs.kept[job_id].outcome, summary={"confidence": 0.99})
    store.jobs.kept[job_id] = replace(store.jobs.kept[job_id], outcome=before_residuals)
    assert list(call(query, "GET", f"/api/uploads/{job_id}").json["figures"]) == ["panel", "lightcurve"]
    assert not {"comment", "key_id"} & (after.keys() | after["outcome"].keys())  # who has the id may be anybody


def test_many_jobs_in_one_call(query: Function, store: FakeStore) -> None:
    job_id = a_job(store)
    items = call(query, "GET", "/api/uploads", query={"ids": f"{job_id},unknown,{job_id},../x"}).json["items"]
    assert [item["job_id"] for item in items] == [job_id]
    too_many = ",".join(f"J{n}" for n in range(101))
    assert call(query, "GET", "/api/uploads", query={"ids": too_many}).code == "BAD_FIELD"


def test_own_jobs(query: Function, store: FakeStore) -> None:
    a_job(store)
    assert len(call(query, "GET", "/api/uploads", key=KEY).json["items"]) == 1
    assert call(query, "GET", "/api/uploads").code == "MISSING_FIELD"


@pytest.mark.parametrize("name", ["panel", "residuals", "lightcurve"])
def test_report_and_figures(query: Function, store: FakeStore, name: str) -> None:
    job_id = a_job(store)
    assert call(query, "GET", f"/api/calibrations/{job_id}/report").code == "NOT_FOUND"
    store.files.results[job_id, 1, "report.json"] = b'{"schema":"cpcs-report/1"}'
    store.files.results[job_id, 1, f"figures/{name}.png"] = b"\x89PNG"
    assert call(query, "GET", f"/api/calibrations/{job_id}/report").json == {"schema": "cpcs-report/1"}
    figure = call(query, "GET", f"/api/calibrations/{job_id}/figures/{name}.png")
    assert (figure.body, figure.headers["Content-Type"]) == (b"\x89PNG", "image/png")


def test_etag_and_not_modified(query: Function) -> None:
    first = call(query, "GET", "/api/observatories")
    again = call(query, "GET", "/api/observatories", headers={"if-none-match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert call(query, "GET", "/api/observatories", headers={"if-none-match": '"other"'}).status == 200


def test_gzip_only_when_it_pays_and_is_taken(query: Function) -> None:
    large = call(query, "GET", "/api/lightcurves/Gaia18dps", headers={"accept-encoding": "gzip, br"})
    assert large.headers["Content-Encoding"] == "gzip"
    assert large.json["schema"] == "cpcs-lightcurve/1"
    for accepted in ("", "br", "gzip;q=0"):
        reply = call(query, "GET", "/api/lightcurves/Gaia18dps", headers={"accept-encoding": accepted})
        assert "Content-Encoding" not in reply.headers
        assert reply.headers["Vary"] == "Accept-Encoding"
    small = call(query, "GET", "/api/health", headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in small.headers


@pytest.mark.parametrize("path", ["/api/events", "/api/health", "/list_of_alerts", "/get_alert_lc_data"])
def test_head_is_get_without_a_body(query: Function, path: str) -> None:
    get, head = call(query, "GET", path), call(query, "HEAD", path)
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers == get.headers


def test_old_list_of_alerts_to_the_byte(query: Function, store: FakeStore) -> None:
    store.events.kept = {key: event for key, event in store.events.kept.items() if key in {"gaia18dps", "asassn-18zj"}}
    reply = call(
        query, "GET", "/list_of_alerts", query={"format": "json", "num": 100000, "published": 1, "hashtag": KEY}
    )
    assert reply.body == (
        b'[{"id":27004,"ivorn":"ivo://Gaia18dps","published":"2018-12-07T06:36:58","ra":220.665,'
        b'"dec":53.2651944444,"nfollowup":2}, \n '
        b'{"id":27003,"ivorn":"ivo://ASASSN-18zj","published":"2018-12-07T06:36:57","ra":220.665,'
        b'"dec":53.2651944444,"nfollowup":0}]'
    )
    observed = call(query, "GET", "/list_of_alerts", query={"format": "json", "observed_only": 1})
    assert [item["ivorn"] for item in observed.json] == ["ivo://Gaia18dps"]
    assert call(query, "GET", "/list_of_alerts", query={"format": "json", "num": 1}).json[0]["id"] == 27004


def test_old_list_of_alerts_as_a_page(query: Function) -> None:
    reply = call(query, "GET", "/list_of_alerts")
    head = (
        "<th>id</th><th>ivorn</th><th>published</th><th>ra</th><th>dec</th><th>nfollowup</th><th>LC</th><th>data</th>"
    )
    assert head in reply.text
    assert "<td>2018-12-07 06:36:58</td>" in reply.text
    assert 'href="/event.html?name=CRTS%20J105122.8%2B672528"' in reply.text
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


def test_old_light_curve_to_the_byte(query: Function) -> None:
    reply = call(query, "GET", "/get_alert_lc_data", query={"alert_id": 27004})
    assert reply.body == (
        b'{"mjd": [58397.6877795, 58404.090362], "magerr": [0.005117800086736679, -1.0], "alert_name": null, '
        b'"observatory": ["Montarrenti Observat", "=cmd()|A1"], "caliberr": [0.009999999776482582, '
        b'0.009999999776482582], "mag": [16.5231990814209, 19.28059959411621], "catalog": ["APASS", "APASS"], '
        b'"filter": ["i", "B"], "id": [122113, 122370]}'
    )


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({}, 400, "MISSING_FIELD"),
        ({"alert_id": "x"}, 400, "BAD_FIELD"),
        ({"alert_id": 1}, 404, "UNKNOWN_EVENT"),
        ({"alert_name": "ivo://Gaia99zzz"}, 404, "UNKNOWN_EVENT"),
    ],
)
def test_old_light_curve_refuses(query: Function, given: dict[str, Any], status: int, code: str) -> None:
    reply = call(query, "GET", "/get_alert_lc_data", query=given)
    assert (reply.status, reply.code) == (status, code)
    assert len(reply.text) <= 100


def test_old_pages_escape_what_comes_from_outside(query: Function) -> None:
    sites = call(query, "GET", "/observatories").text
    assert "<script>" not in sites
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in sites
    assert "<td>None</td>" in sites
    points = call(query, "GET", "/list_of_followups/").text
    assert "<td>16.5232</td><td>0.01</td><td>0.01</td><td>79</td>" in points
    assert "<td>-1.00</td>" in points
    assert "<td>FORCED</td>" in points


def test_login_page_has_one_field(query: Function) -> None:
    page = call(query, "GET", "/Login").text
    assert page.count("<input") == 2
    assert 'name="hashtag"' in page
    assert 'action="/Login"' in page


@pytest.mark.parametrize("bad", [{"num": "x"}, {"num": 0}, {"format": "xml"}])
def test_old_list_refuses(query: Function, bad: dict[str, Any]) -> None:
    reply = call(query, "GET", "/list_of_alerts", query=bad)
    assert (reply.status, reply.code) == (400, "BAD_FIELD")


GATED = [
    "/api/lightcurves/Gaia18dps",
    "/api/followups",
    "/api/followups/122113",
    "/get_alert_lc_data?alert_id=27004",
    "/list_of_followups",
]


@pytest.mark.parametrize("address", GATED)
def test_light_curves_only_with_a_key_where_so_set(store: FakeStore, address: str) -> None:
    gated = build(replace(SETTINGS, data_access="key"), store)  # type: ignore[arg-type]
    path, _, question = address.partition("?")
    assert call(gated, "GET", path, query=question).code == "KEY_REQUIRED"
    reply = call(gated, "GET", path, query=question, key=KEY)
    assert reply.status == 200
    assert reply.headers["Cache-Control"] == "private, no-store"
    if not path.startswith("/api"):
        assert call(gated, "GET", path, query=f"{question}&hashtag={KEY}").status == 200
        assert call(gated, "GET", path, query=question, cookies={"hashtag": KEY}).status == 200
        assert call(gated, "GET", path, query=question, headers={"hashtag": KEY}).status == 200
    else:
        assert call(gated, "GET", path, query={"hashtag": KEY}).code == "KEY_REQUIRED"


def test_a_fault_tells_nothing_but_its_number(
    query: Function, store: FakeStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"secret inside: {KEY}")

    monkeypatch.setattr(store.keys, "verify", fail)
    reply = call(query, "GET", "/api/me", key=KEY)
    assert (reply.status, reply.code, reply.json["request_id"]) == (500, "INTERNAL", "req-1")
    assert "RuntimeError" not in reply.text
    logged = str([vars(record) for record in caplog.records])
    assert "RuntimeError" in logged
    assert KEY not in logged
