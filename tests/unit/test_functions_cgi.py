"""The first CPCS's routes that write: old scripts run unchanged but for the host."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cpcs import errors
from cpcs.records import Job, JobState, Role
from cpcs.settings import Settings
from cpcs.web import addresses
from cpcs.web.front import Front
from functions.query.app import build as build_query
from functions.upload import api, app, cgi, synchronous
from functions.upload.desk import Desk
from tests.support.fake_store import FakeStore, a_point, done, rejected
from tests.support.gateway import BOUNDARY, Function, Reply, call, multipart

HASHTAG = "pt5m_0123456789abcdef0123456789abcdef"
ADMIN = "0123456789abcdef0123456789abcdef"
SETTINGS = Settings(table="t", data_bucket="d", site_bucket="s")
CATALOGUE = b"# 1 MAG_AUTO\r\n# 2 MAGERR_AUTO\n 12.5 0.01 220.6 53.2\n"
# As the manual's curl line has it: matchDist twice.
MANUAL = [
    ("matchDist", "2"),
    ("EventID", "ivo://Gaia18dps"),
    ("hashtag", HASHTAG),
    ("MJD", "58397.6877795"),
    ("expTime", "60"),
    ("noPlot", "1"),
    ("forceFilter", "no"),
    ("dryRun", "0"),
    ("matchDist", "1"),
    ("outputFormat", "json"),
    ("fits_id", "17"),
]
A2_KEYS = {
    "image_link", "mag", "mag_err", "ra", "dec", "zeropoint", "outlier_fraction", "scatter", "npoints", "followup_id",
    "filter", "survey",
}  # fmt: skip


@pytest.fixture
def store() -> FakeStore:
    store = FakeStore()
    store.observatories.create("Montarrenti Observatory")
    store.keys.register(HASHTAG, 1, Role.OBSERVER)
    store.keys.register(ADMIN, 1, Role.ADMIN)
    gaia = store.events.create("Gaia18dps", 220.665, 53.26519444444, published="2018-12-07T06:36:58Z")

    def worker(job: Job) -> Job:
        if job.state.is_terminal:
            return job
        followup_id = 0 if job.request.dry_run else 122113
        store.files.results[job.job_id, 1, "figures/panel.png"] = b"\x89PNG"
        return done(job, a_point(gaia, followup_id=followup_id, job_id=job.job_id))

    store.jobs.worker = worker
    return store


def desk_of(store: FakeStore, settings: Settings = SETTINGS) -> Desk:
    front = Front("upload")
    desk = Desk(front=front, settings=settings, store=store, sleep=lambda _: None)  # type: ignore[arg-type]
    api.register(desk)
    cgi.register(desk)
    return desk


@pytest.fixture
def cgi_bin(store: FakeStore) -> Function:
    return desk_of(store).front


def changed(**changes: str | None) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in MANUAL if name not in changes]
    return kept + [(name, value) for name, value in changes.items() if value is not None]


def send(function: Function, fields: list[tuple[str, str]] | None = None, data: bytes = CATALOGUE) -> Reply:
    return call(function, "POST", "/cgi/upload", parts=(fields or MANUAL, {"sexCat": ("test.cat", data)}))


def test_the_manuals_curl_line(cgi_bin: Function, store: FakeStore) -> None:
    reply = send(cgi_bin)
    assert reply.status == 200
    assert set(reply.json) >= A2_KEYS
    result = {name: reply.json[name] for name in sorted(A2_KEYS)}
    assert result == {
        "dec": 53.26521, "filter": "i", "followup_id": 122113, "image_link": "", "mag": 16.5232, "mag_err": 0.0051178,
        "npoints": 79, "outlier_fraction": 0.0625, "ra": 220.66501, "scatter": 0.01, "survey": "APASS",
        "zeropoint": 25.3125,
    }  # fmt: skip
    (job_id,) = store.jobs.kept
    request = store.jobs.kept[job_id].request
    assert store.files.uploads == {job_id: CATALOGUE}
    assert (request.source, request.filename, request.matching_radius_arcsec) == ("cgi", "test.cat", 1.0)
    assert (request.forced, request.exposure_s, request.figures) == (None, 60.0, False)


def test_a_form_with_bare_line_feeds_leaves_the_file_as_it_is(cgi_bin: Function, store: FakeStore) -> None:
    body = multipart(MANUAL, {"sexCat": ("test.cat", CATALOGUE)}, newline=b"\n")
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    assert call(cgi_bin, "POST", "/cgi/upload", body=body, headers=headers).status == 200
    assert list(store.files.uploads.values()) == [CATALOGUE]


def test_an_empty_repetition_does_not_hide_a_value(cgi_bin: Function, store: FakeStore) -> None:
    assert send(cgi_bin, [*MANUAL, ("matchDist", ""), ("EventID", " ")]).status == 200
    assert next(iter(store.jobs.kept.values())).request.matching_radius_arcsec == 1.0


@pytest.mark.parametrize("unknown", ["0", "0.0", "", None])
def test_unknown_exposure_and_usual_radius(cgi_bin: Function, store: FakeStore, unknown: str | None) -> None:
    assert send(cgi_bin, changed(expTime=unknown, matchDist=unknown)).status == 200
    request = next(iter(store.jobs.kept.values())).request
    assert (request.exposure_s, request.matching_radius_arcsec) == (None, 2.0)


def test_stored_upload_links_to_its_figure(cgi_bin: Function, store: FakeStore) -> None:
    reply = send(cgi_bin, changed(noPlot="0"))
    (job_id,) = store.jobs.kept
    assert reply.json["image_link"] == f"http://cpcs.test/api/calibrations/{job_id}/figures/panel.png"
    public = desk_of(store, replace(SETTINGS, public_url="https://cpcs.example/")).front
    assert send(public, changed(noPlot=None)).json["image_link"].startswith("https://cpcs.example/api/calibrations/")


def test_dry_run_brings_the_figure_itself(cgi_bin: Function) -> None:
    reply = send(cgi_bin, changed(noPlot="0", dryRun="1"))
    assert base64.b64decode(reply.json["image_link"]) == b"\x89PNG"
    assert (reply.json["followup_id"], reply.json["dryRun"]) == (0, 1)


def test_answer_as_a_page(cgi_bin: Function) -> None:
    reply = send(cgi_bin, changed(outputFormat="html", noPlot="0", dryRun="1"))
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    for line in (
        "Upload done from 192.0.2.7",
        "EventId : ivo://Gaia18dps",
        "Ra : 220.665",
        "Filter: APASS / i",
        "Magnitude: 16.52 +/- 0.01 mag",
        "ZP: 25.31 mag",
        "Scatter: 0.01 mag",
        "Number of datapoints used for calibration: 79",
        "Outlier fraction: 0.06",
        "Matching radius[arcsec]: 1.0",
        "Dry run: True",
        "Time spend calibrating 0.25000000000 s",
    ):
        assert line in reply.text
    assert 'src="data:image/png;base64,iVBORw=="' in reply.text
    assert "img-src 'self' data:" in reply.headers["Content-Security-Policy"]
    assert HASHTAG not in reply.text
    assert "APASS / i" in send(cgi_bin, changed(outputFormat=None)).text


def test_a_limit_has_the_error_minus_one(cgi_bin: Function, store: FakeStore) -> None:
    limit = a_point(store.events.get("Gaia18dps"), is_limit=True, mag_err=None, ra_deg=None, dec_deg=None)
    store.jobs.worker = lambda job: done(job, limit)
    result = send(cgi_bin).json
    assert (result["mag_err"], result["ra"], result["dec"]) == (-1.0, 220.665, 53.26519444444)
    assert "Magnitude: 16.52 mag (limit)" in send(cgi_bin, changed(outputFormat="html")).text


def test_the_same_file_again_leads_to_its_point(cgi_bin: Function, store: FakeStore) -> None:
    first = a_point(store.events.get("Gaia18dps"), followup_id=7, job_id="01FIRST")
    store.jobs.worker = lambda job: done(job, first, existing_id=7)
    reply = send(cgi_bin, changed(noPlot="0"))
    assert reply.json["followup_id"] == 7
    assert reply.json["image_link"].endswith("/api/calibrations/01FIRST/figures/panel.png")


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (errors.MarkupSent(kind="HTML"), 422, "MARKUP_SENT: The file is HTML, not a catalogue."),
        (
            errors.MissingColumn(format="SExtractor", missing="magnitude", found="A, B"),
            422,
            "MISSING_COLUMN: The SExtractor catalogue has no column for magnitude; it has A, B.",
        ),
        (
            errors.TooFewMatches(n_matched=3, radius_arcsec=2.0, n_needed=5),
            422,
            "TOO_FEW_MATCHES: Only 3 stars matched reference stars within 2.0 arcsec; 5 are needed.",
        ),
        (
            errors.TargetOutsideField(
                ra_deg=220.665, dec_deg=53.2, field_ra_deg=10.0, field_dec_deg=20.0, field_radius_deg=0.25
            ),
            422,
            "TARGET_OUTSIDE_FIELD: The event at RA 220.66500 Dec 53.20000 is outside the field that was observ...",
        ),
        (errors.BombSent(limit=5), 413, "TOO_LARGE_UNPACKED: The file unpacks to more than 5 bytes."),
    ],
)
def test_refusals_of_the_calibration(
    cgi_bin: Function, store: FakeStore, error: errors.CpcsError, status: int, text: str
) -> None:
    store.jobs.worker = lambda job: rejected(job, error)
    reply = send(cgi_bin)
    assert (reply.status, reply.text) == (status, text)
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert len(reply.text) <= 100


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"EventID": "ivo://Gaia99zzz"}, 404, "UNKNOWN_EVENT"),
        ({"EventID": None}, 400, "MISSING_FIELD"),
        ({"hashtag": "wrong"}, 401, "BAD_KEY"),
        ({"hashtag": None}, 401, "KEY_REQUIRED"),
        ({"MJD": "2458398.1877795"}, 400, "MJD_IS_JD"),
        ({"MJD": "99999"}, 400, "MJD_IN_FUTURE"),
        ({"MJD": "40000"}, 400, "MJD_TOO_EARLY"),
        ({"MJD": None}, 400, "MISSING_FIELD"),
        ({"MJD": "x"}, 400, "BAD_FIELD"),
        ({"forceFilter": "APASS/q"}, 400, "UNKNOWN_FILTER"),
        ({"matchDist": "100"}, 400, "BAD_FIELD"),
        ({"matchDist": "near"}, 400, "BAD_FIELD"),
        ({"expTime": "long"}, 400, "BAD_FIELD"),
        ({"outputFormat": "xml"}, 400, "BAD_FIELD"),
        ({"dryRun": "2"}, 400, "BAD_FIELD"),
        ({"comment": "x" * 1001}, 400, "BAD_FIELD"),
    ],
)
def test_refusals_of_the_request_leave_nothing(
    cgi_bin: Function, store: FakeStore, changes: dict[str, str | None], status: int, code: str
) -> None:
    reply = send(cgi_bin, changed(**changes))
    assert (reply.status, reply.code) == (status, code)
    assert len(reply.text) <= 100
    assert "\n" not in reply.text
    assert (store.jobs.kept, store.files.uploads) == ({}, {})


def test_refusals_name_the_old_field(cgi_bin: Function) -> None:
    assert "EventID" in send(cgi_bin, changed(EventID=None)).text
    assert "matchDist" in send(cgi_bin, changed(matchDist="100")).text


@pytest.mark.parametrize(
    ("data", "status", "code"), [(b"", 422, "EMPTY_FILE"), (b"x" * 4_400_001, 413, "FILE_TOO_LARGE")]
)
def test_files_that_cannot_be(cgi_bin: Function, store: FakeStore, data: bytes, status: int, code: str) -> None:
    reply = send(cgi_bin, data=data)
    assert (reply.status, reply.code) == (status, code)
    assert store.jobs.kept == {}


def test_no_file(cgi_bin: Function) -> None:
    reply = call(cgi_bin, "POST", "/cgi/upload", parts=(MANUAL, {}))
    assert (reply.status, reply.code) == (400, "MISSING_FIELD")
    assert "sexCat" in reply.text


def test_not_finished_in_time(cgi_bin: Function, store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synchronous, "PATIENCE_S", 0.0)
    store.jobs.worker = lambda job: job
    reply = send(cgi_bin)
    (job_id,) = store.jobs.kept
    assert reply.status == 202
    assert reply.text == f"ACCEPTED: upload {job_id} is not calibrated yet, and goes on by itself"
    assert reply.headers["Location"] == f"/api/uploads/{job_id}"


def test_waiting_for_reference_stars(cgi_bin: Function, store: FakeStore) -> None:
    store.jobs.worker = lambda job: replace(job, state=JobState.WAITING_REFERENCE)
    reply = send(cgi_bin)
    assert reply.status == 202
    assert "waits for reference stars" in reply.text
    assert len(reply.text) <= 100


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.DELETED])
def test_failed_without_words(cgi_bin: Function, store: FakeStore, state: JobState) -> None:
    store.jobs.worker = lambda job: replace(job, state=state)
    reply = send(cgi_bin)
    assert (reply.status, reply.code) == (500, state.value)


def test_figures_are_waited_for(store: FakeStore) -> None:
    looks: list[JobState] = []

    def worker(job: Job) -> Job:
        looks.append(job.state)
        finished = done(job, a_point(store.events.get("Gaia18dps"), job_id=job.job_id))
        return replace(finished, figures_ready=len(looks) > 3)

    store.jobs.worker = worker
    assert send(desk_of(store).front, changed(noPlot="0")).json["image_link"].endswith("panel.png")
    assert len(looks) == 4


PLACES: dict[str, dict[str, Any]] = {
    "form": {"form": {"hashtag": HASHTAG}},
    "query": {"query": {"hashtag": HASHTAG}},
    "cookie": {"cookies": {"hashtag": HASHTAG}},
    "header": {"headers": {"hashtag": HASHTAG}},
    "bearer": {"key": HASHTAG},
}


@pytest.mark.parametrize("place", PLACES)
def test_the_old_places_of_keys(cgi_bin: Function, store: FakeStore, place: str) -> None:
    given = {name: value for name, value in PLACES[place].items() if name != "form"}
    form = {"EventID": "Gaia26abc", "ra": "10", "dec": "20", **PLACES[place].get("form", {})}
    reply = call(cgi_bin, "POST", "/cgi/newevent", form=form, **given)
    assert (reply.status, store.events.get("Gaia26abc").ra_deg) == (200, 10.0)


def test_new_event_by_get(cgi_bin: Function) -> None:
    query = {"EventID": "ivo://CRTS J105122.8+672528", "ra": "162.845", "dec": "67.4", "url": "http://a.b/",
             "hashtag": HASHTAG, "outputFormat": "json"}  # fmt: skip
    reply = call(cgi_bin, "GET", "/cgi/newevent", query=query)
    assert reply.json["ivorn"] == "ivo://CRTS J105122.8+672528"
    again = call(cgi_bin, "GET", "/cgi/newevent", query=query)
    assert (again.status, again.code) == (409, "EVENT_EXISTS")
    assert len(again.text) <= 100


def test_delete_point(cgi_bin: Function, store: FakeStore) -> None:
    store.points.kept[7] = a_point(store.events.get("Gaia18dps"), followup_id=7)
    form = {"followupid": "7", "hashtag": HASHTAG, "outputFormat": "json"}
    assert call(cgi_bin, "POST", "/cgi/delpoint", form=form).json == {"followup_id": 7, "deleted": True}
    page = call(cgi_bin, "POST", "/cgi/delpoint", form={**form, "outputFormat": "html"})
    assert (page.status, "Follow-up id: 7" in page.text) == (200, True)
    unknown = call(cgi_bin, "POST", "/cgi/delpoint", form={**form, "followupid": "8"})
    assert (unknown.status, unknown.text) == (404, "UNKNOWN_POINT: There is no follow-up point 8.")
    assert call(cgi_bin, "POST", "/cgi/delpoint", form={"hashtag": HASHTAG}).code == "MISSING_FIELD"


def test_new_user(cgi_bin: Function, store: FakeStore) -> None:
    form = {"obsName": "Ostrowik: 60cm", "lon": "21.4", "lat": "52.1", "allow_upload": "1", "prefix": "ost"}
    reply = call(cgi_bin, "POST", "/cgi/newuser", form={**form, "hashtag": ADMIN})
    assert reply.status == 200
    key = store.keys.verify(reply.text.split(": ", 1)[1].strip())
    assert store.observatories.get(key.observatory_id).name == "Ostrowik: 60cm"
    refused = call(cgi_bin, "POST", "/cgi/newuser", form={**form, "hashtag": HASHTAG})
    assert (refused.status, refused.code) == (403, "FORBIDDEN")
    assert call(cgi_bin, "POST", "/cgi/newuser", form={**form, "hashtag": ADMIN}).code == "OBSERVATORY_EXISTS"
    assert call(cgi_bin, "POST", "/cgi/newuser", form={**form, "hashtag": ADMIN, "allow_upload": 0}).status == 400


def test_unknown_place_of_an_observatory(cgi_bin: Function, store: FakeStore) -> None:
    form = {"obsName": "AAVSO", "lon": "0.0", "lat": "0.0", "hashtag": ADMIN}
    assert call(cgi_bin, "POST", "/cgi/newuser", form=form).status == 200
    assert store.observatories.get(2).longitude_deg is None


@pytest.mark.parametrize("path", ["/Login", "/cgi/login"])
def test_login_form_and_its_cookies(cgi_bin: Function, store: FakeStore, path: str) -> None:
    reply = call(cgi_bin, "POST", path, form={"hashtag": HASHTAG})
    cookies = dict(cookie.partition(";")[0].split("=", 1) for cookie in reply.cookies)
    assert (reply.status, set(cookies)) == (200, {"cpcs_session", "hashtag"})
    assert all("HttpOnly" in cookie and HASHTAG not in cookie for cookie in reply.cookies)
    form = {"EventID": "Gaia26abc", "ra": "10", "dec": "20"}
    assert call(cgi_bin, "POST", "/cgi/newevent", form=form, cookies=cookies).status == 200
    assert call(cgi_bin, "GET", "/cgi/logout", cookies=cookies).status == 200
    assert store.keys.sessions == {}
    assert call(cgi_bin, "POST", path, form={"hashtag": "wrong"}).status == 401
    assert call(cgi_bin, "POST", path, form={}).code == "MISSING_FIELD"


def test_the_table_of_addresses_is_what_the_functions_answer(store: FakeStore) -> None:
    settings = SETTINGS
    fronts = (app.build(settings, store), build_query(settings, store))  # type: ignore[arg-type]
    routes = [route for front in fronts for route in front.app._static_routes + front.app._dynamic_routes]
    assert sorted((route.method, route.path) for route in routes) == sorted(addresses.ROUTES)


@pytest.mark.realdata
def test_a_real_catalogue_arrives_as_it_was_sent(realdata: Path, cgi_bin: Function, store: FakeStore) -> None:
    file = min(
        (path for path in (realdata / "catalogues").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size
    )
    assert send(cgi_bin, data=file.read_bytes()).status == 200
    assert list(store.files.uploads.values()) == [file.read_bytes()]
