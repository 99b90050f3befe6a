"""The pieces of `cpcs.web` by themselves: problems, requests, forms, fields, pages, answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpcs import clock, errors
from cpcs.records import Event
from cpcs.web import auth, fields, forms, html, legacy, lightcurve, problems, request, responses
from tests.support.fake_store import NOW, FakeEvents, a_point
from tests.support.gateway import BOUNDARY, an_event, multipart

GAIA = Event(key="gaia18dps", name="Gaia18dps", event_id=1, ra_deg=1.0, dec_deg=2.0, published="2018-12-07T06:36:58Z")
XSS = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg/onload=alert(1)>", "javascript:alert(1)"]


def refusal(action: Callable[[], object]) -> errors.RequestError | None:
    """Return the refusal that an action ends in, or None."""
    try:
        action()
    except errors.RequestError as error:
        return error
    return None


# --- problems ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(errors.walk()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_that_says_whose_fault_it_is(kind: type[errors.CpcsError]) -> None:
    status = problems.status_of(kind)
    assert problems.status_of_code(kind.code) == status
    is_ours = kind in {errors.CpcsError, errors.ReferenceUnavailable}
    assert status >= 500 if is_ours else 400 <= status < 500


def test_a_code_from_elsewhere_is_our_fault() -> None:
    assert problems.status_of_code("NO_SUCH_CODE") == 500


@given(st.text(), st.text())
def test_plain_errors_are_one_short_line(code: str, message: str) -> None:
    line = problems.plain(code, message)
    assert len(line) <= 100
    assert len(line.splitlines()) <= 1


# --- requests ---------------------------------------------------------------------------------


def a_request(**given: Any) -> request.Request:
    return request.of_event(an_event("POST", "/", **given))


def test_the_last_value_that_is_not_empty_counts() -> None:
    assert a_request(query="a=1&a=2&a=&b=&c=x%20y+z").query == {"a": "2", "b": "", "c": "x y z"}


def test_a_request_does_not_show_its_secrets() -> None:
    shown = repr(a_request(query="hashtag=secret1", headers={"hashtag": "secret1"}, cookies={"hashtag": "secret1"}))
    assert "secret1" not in shown
    assert "secret1" not in repr(auth.Credential(secret="secret1"))


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("ivo:/Gaia18dps", "ivo://Gaia18dps"),
        ("IVO:///Gaia18dps", "IVO://Gaia18dps"),
        ("ivo://a/b#c", "ivo://a/b#c"),
        ("Gaia18dps", "Gaia18dps"),
        ("a:/b", "a:/b"),
        ("", ""),
    ],
)
def test_swallowed_slashes_come_back(given_name: str, name: str) -> None:
    assert request.restored_scheme(given_name) == name


def test_cookies_from_a_header_as_a_local_front_sends_them() -> None:
    event = an_event("GET", "/", headers={"cookie": 'a=1; b="2=3"; broken'})
    event["cookies"] = None
    assert request.of_event(event).cookies == {"a": "1", "b": "2=3"}


def test_a_body_that_is_not_base64() -> None:
    event = {**an_event("POST", "/"), "body": "EventID=Gaia18dps", "isBase64Encoded": False}
    assert request.of_event(event).body == b"EventID=Gaia18dps"


# --- forms ------------------------------------------------------------------------------------


def a_form(body: bytes, kind: str) -> forms.Form:
    return forms.read(a_request(body=body, headers={"content-type": kind}))


@given(st.binary(max_size=400), st.sampled_from([b"\r\n", b"\n"]))
def test_files_arrive_as_they_are(data: bytes, newline: bytes) -> None:
    # In a form with bare line feeds, only what cannot be told from a boundary is lost.
    if BOUNDARY.encode() in data:
        return
    body = multipart([("EventID", "Gaia18dps")], {"sexCat": ("test.cat", data)}, newline)
    form = a_form(body, f"multipart/form-data; boundary={BOUNDARY}")
    assert form.files["sexCat"].data == data
    assert form.fields == {"EventID": "Gaia18dps"}


@given(st.binary(max_size=300), st.sampled_from(["multipart/form-data; boundary=x", "application/json", "", "text/x"]))
def test_any_body_is_a_form_or_a_refusal(body: bytes, kind: str) -> None:
    error = refusal(lambda: a_form(body, kind))
    assert error is None or error.metadata["field"] == "body"


def test_an_empty_file_does_not_hide_a_full_one() -> None:
    body = multipart([], {"sexCat": ("a.cat", b"full")})[: -len(BOUNDARY) - 6]
    body += multipart([], {"sexCat": ("", b"")})
    assert a_form(body, f"multipart/form-data; boundary={BOUNDARY}").files["sexCat"].data == b"full"


def test_latin1_text_is_no_reason_to_refuse() -> None:
    body = multipart([("comment", "x")]).replace(b"\r\nx\r\n", b"\r\nS\xe3o Paulo\r\n")
    assert a_form(body, f"multipart/form-data; boundary={BOUNDARY}").fields["comment"] == "S\ufffdo Paulo"


# --- fields -----------------------------------------------------------------------------------


@given(st.text(max_size=30) | st.floats() | st.integers() | st.booleans() | st.none() | st.lists(st.integers()))
def test_any_mjd_is_a_night_since_1990_or_a_refusal(value: object) -> None:
    error = refusal(lambda: fields.mjd({"mjd": value}, "mjd", NOW))
    if error is None:
        mjd = fields.mjd({"mjd": value}, "mjd", NOW)
        assert fields.MJD_1990 <= mjd <= clock.mjd(NOW) + fields.CLOCK_SKEW_DAYS
    else:
        assert error.code in {"MISSING_FIELD", "BAD_FIELD", "MJD_IS_JD", "MJD_IN_FUTURE", "MJD_TOO_EARLY"}
        assert error.message


@pytest.mark.parametrize(
    ("given_ra", "ra_deg"),
    [
        ("10.684", 10.684),
        ("00:42:44.3", 10.6845833),
        ("0h42m44.3s", 10.6845833),
        ("00 42 44.3", 10.6845833),
        ("360", 0.0),
    ],
)
def test_right_ascension(given_ra: str, ra_deg: float) -> None:
    assert fields.right_ascension({"ra": given_ra}, "ra") == pytest.approx(ra_deg)


@pytest.mark.parametrize(("given_dec", "dec_deg"), [("-00:30:00", -0.5), ("+41 16 09", 41.269167), ("-90", -90.0)])
def test_declination(given_dec: str, dec_deg: float) -> None:
    assert fields.declination({"dec": given_dec}, "dec") == pytest.approx(dec_deg)


@given(st.text(max_size=60))
def test_any_angle_is_in_range_or_a_refusal(text: str) -> None:
    error = refusal(lambda: fields.right_ascension({"ra": text}, "ra"))
    if error is None:
        assert 0.0 <= fields.right_ascension({"ra": text}, "ra") < 360.0
    else:
        assert error.code in {"MISSING_FIELD", "BAD_FIELD"}


@pytest.mark.parametrize("address", [*XSS, "ftp://a.b", "http:a", "https://", "//a.b", "http://a b", "https://a.b/\\x"])
def test_addresses_that_harm_are_none(address: str) -> None:
    assert not fields.is_web_address(address)


def test_control_characters_leave_text() -> None:
    assert fields.text({"comment": " a\x00b\x1b[31m\x9fc "}, "comment") == "ab[31mc"
    assert fields.text({"comment": "half \ud83d of one"}, "comment") == "half  of one"  # no UTF-8 could hold it


# --- pages ------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("payload", XSS)
def test_nothing_gets_out_of_a_page(payload: str) -> None:
    event = Event(key="x", name=payload, event_id=1, ra_deg=1.0, dec_deg=2.0, published=payload, url=payload)
    point = a_point(event, observatory=payload, filter=payload, comment=payload, job_id=payload)
    page = legacy.alerts_page([event]) + legacy.followups_page([point]) + html.page(payload, html.lines([payload]))
    tags = Tags(page).found
    assert {tag for tag, _ in tags} <= {
        "html", "head", "meta", "title", "body", "p", "a", "h1", "table", "thead", "tbody", "tr", "th", "td", "br",
    }  # fmt: skip
    assert all(str(attributes.get("href", "/")).startswith("/") for _, attributes in tags)
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)


@pytest.mark.parametrize("payload", [*XSS, "//evil.example"])
def test_a_link_to_elsewhere_is_text(payload: str) -> None:
    assert "<a" not in str(html.Link(payload, "x"))


def test_stored_addresses_that_harm_are_not_shown() -> None:
    event = Event(key="x", name="x1", event_id=1, ra_deg=1.0, dec_deg=2.0, published="", url="javascript:alert(1)")
    assert lightcurve.build(event, [])["target"]["url"] == ""


# --- light curves -----------------------------------------------------------------------------


def test_light_curves_hold_no_nan() -> None:
    document = lightcurve.build(GAIA, [a_point(GAIA, zero_point_err=math.nan, scatter=math.inf)], now=NOW)
    assert document["columns"]["zero_point_err"] == [None]
    assert document["columns"]["scatter"] == [None]
    assert document["generated_at"] == "2026-11-22T22:00:00Z"
    assert responses.document(document).body


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"])
def test_csv_holds_no_formula(formula: str) -> None:
    text = lightcurve.as_csv(lightcurve.build(GAIA, [a_point(GAIA, observatory=formula)]))
    assert f"'{formula}" in text


def test_old_rows_come_by_observatory_then_filter_then_time() -> None:
    rows = [("V", 122114, 2), ("r", 122112, 2), ("i", 122113, 2), ("B", 122370, 1), ("V", 122371, 1), ("r", 122372, 1)]
    points = [
        a_point(GAIA, filter=band, followup_id=number, observatory_id=site, mjd=58400.0 - number / 1e5)
        for band, number, site in reversed(rows)
    ]
    text = legacy.light_curve_json(points, "ivo://Gaia18dps")
    assert '"id": [122370, 122371, 122372, 122114, 122112, 122113]' in text
    assert '"alert_name": "ivo://Gaia18dps"' in text


@pytest.mark.parametrize(
    ("value", "written"),
    [(220.665, "220.665"), (53.26519444444, "53.2651944444"), (10.0, "10.0"), (-0.5, "-0.5"), (1e-7, "1e-07")],
)
def test_twelve_digits(value: float, written: str) -> None:
    assert legacy.twelve_digits(value) == written


@pytest.mark.parametrize(
    ("value", "widened"),
    [(0.0051178201, 0.005117820110172033), (0.0878552, 0.08785519748926163), (19.2806, 19.28059959411621)],
)
def test_single_precision_widened(value: float, widened: float) -> None:
    assert legacy.float32(value) == widened


def test_an_empty_list_of_alerts() -> None:
    assert legacy.alerts_json([]) == "[]"


# --- keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (multipart([("hashtag", "secret-in-form")]), f"multipart/form-data; boundary={BOUNDARY}"),
        (multipart([("hashtag", "secret-in-form")], newline=b"\n"), f"multipart/form-data; boundary={BOUNDARY}"),
        (b"a=1&hashtag=secret-in-form&b=2", "application/x-www-form-urlencoded"),
        (b'{"key": "secret-in-form"}', "application/json"),
    ],
)
def test_secrets_of_bodies_are_masked(body: bytes, kind: str) -> None:
    given_request = a_request(body=body, headers={"content-type": kind})
    assert auth.masked("x secret-in-form y", given_request) == "x [key] y"


def test_a_revoked_key_is_a_bad_one() -> None:
    from dataclasses import replace

    from cpcs.records import ApiKey, Role

    class Keys:
        def verify(self, secret: str, *, touch: bool = True) -> ApiKey:
            return replace(ApiKey(sha256=secret, observatory_id=1, role=Role.OBSERVER), revoked=touch)

        def session(self, token: str) -> ApiKey:
            raise errors.BadKey

    with pytest.raises(errors.BadKey):
        auth.key_of(auth.Credential(secret="x"), Keys())


def test_fake_events_know_every_form_of_a_name() -> None:
    events = FakeEvents()
    events.create("Gaia18dps", 1.0, 2.0)
    assert events.get("ivo://gaia.cam.uk/alerts#Gaia18dps").name == "Gaia18dps"
