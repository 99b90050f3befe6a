"""The front server on a running stack: what it serves, what it refuses, and in which words."""

from __future__ import annotations

import socket

import pytest

from infra.local import front
from infra.local.answers import UPLOAD_TARGET

pytestmark = pytest.mark.e2e


def test_answers_on_loopback_only(stack):
    assert stack.url.startswith("http://127.0.0.1:")
    with socket.socket() as probe:  # another of this machine's own addresses
        assert probe.connect_ex(("127.0.0.2", stack.port)) != 0


def test_site_is_served_with_its_headers(http):
    page = http.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert http.get("/", headers={"if-none-match": page.headers["etag"]}).status_code == 304


def test_hashed_assets_may_be_kept(http):
    asset = http.get("/assets/main-0123abcd.js")
    assert asset.status_code == 200
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/../outside.txt", "/%2e%2e/outside.txt", "/assets/..%2f..%2f..%2foutside.txt"])
def test_nothing_outside_the_site_is_served(stack, path):
    with socket.create_connection(("127.0.0.1", stack.port)) as raw:  # a client would tidy the path up
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert b"not for the world" not in answer
    assert not answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("target", ["@evil.example/", "http://evil.example/", "*"])
def test_only_paths_are_passed_on(stack, target):
    with socket.create_connection(("127.0.0.1", stack.port)) as raw:
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert raw.recv(65536).split()[1] in {b"400", b"421"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "0.0.0.0"])
def test_other_names_are_refused(http, host):
    answer = http.get("/api/health", headers={"host": host})
    assert answer.status_code == 421
    assert answer.json()["code"] == "WRONG_HOST"


@pytest.mark.parametrize("host", ["localhost:8020", "127.0.0.1", "[::1]:8020"])
def test_names_of_this_machine_are_taken(http, host):
    assert http.get("/", headers={"host": host}).status_code == 200


def test_api_answers(http):
    answer = http.get("/api/health")
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_people_who_are_lost_get_the_sites_page(http, method):
    answer = http.request(method, "/no/such/page.html", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert ("Not here" in answer.text) == (method == "GET")


@pytest.mark.parametrize(
    ("path", "accept", "status", "kind"),
    [
        ("/list_of_alerts", "text/html", 200, "text/html"),
        ("/get_alert_lc_data?alert_id=999999", "text/html", 404, "text/plain"),
        ("/api/nothing", "text/html", 404, "application/json"),
        ("/cgi/upload", "text/html", 401, "text/plain"),
        ("/no/such/page.html", "*/*", 404, "text/plain"),
    ],
)
def test_programs_and_the_old_pages_get_the_apis_answer(http, path, accept, status, kind):
    answer = http.get(path, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (status, kind)
    assert "Not here" not in answer.text


def test_too_long_a_body_is_refused_as_json(http):
    answer = http.post("/api/uploads", content=b"x" * (front.API_BODY_LIMIT + 1))
    assert answer.status_code == 413
    assert answer.json()["code"] == "FILE_TOO_LARGE"


def test_too_long_a_body_without_length_is_refused(http):
    answer = http.post("/api/uploads", content=(b"x" * 65536 for _ in range(front.API_BODY_LIMIT // 65536 + 1)))
    assert answer.status_code == 413


def test_too_long_a_body_is_refused_in_one_line_on_the_old_routes(http):
    answer = http.post("/cgi/upload", content=b"x" * (front.API_BODY_LIMIT + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith("text/plain")
    assert 0 < len(answer.text) <= 100


def test_public_documents_are_served_under_their_escaped_names(stack, http):
    key = "data/lightcurves/crts%20j1%2F2.json"
    stack.client("s3").put_object(
        Bucket=stack.deployment.site_bucket, Key=key, Body=b'{"a": 1}', ContentType="application/json"
    )
    answer = http.get("/data/lightcurves/crts%2520j1%252F2.json")
    assert answer.json() == {"a": 1}
    assert answer.headers["content-type"] == "application/json"
    assert http.get(answer.url, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert http.head(answer.url).headers["content-length"] == "8"


def test_missing_documents_are_missing(http):
    answer = http.get("/data/lightcurves/none.json")
    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"


def test_only_data_of_the_site_bucket_is_served(stack, http):
    stack.client("s3").put_object(Bucket=stack.deployment.site_bucket, Key="secret.txt", Body=b"hidden")
    assert b"hidden" not in http.get("/data/../secret.txt").content
    assert b"hidden" not in http.get("/data/..%2fsecret.txt").content


# --- presigned forms ----------------------------------------------------------------------------


def _form(stack, job, *, limit=1000, seconds=60):
    conditions = [["content-length-range", 1, limit]]
    return stack.client("s3").generate_presigned_post(
        stack.deployment.data_bucket, f"uploads/{job}/file", Conditions=conditions, ExpiresIn=seconds
    )["fields"]


def test_form_lands_in_the_data_bucket(stack, http):
    content = bytes(range(256)) * 3
    answer = http.post(UPLOAD_TARGET, data=_form(stack, "front-1"), files={"file": content})
    assert answer.status_code == 204
    stored = stack.client("s3").get_object(Bucket=stack.deployment.data_bucket, Key="uploads/front-1/file")
    assert stored["Body"].read() == content


@pytest.mark.parametrize(
    ("content", "changes", "seconds", "status", "code"),
    [
        (b"x" * 1001, {}, 60, 413, "FILE_TOO_LARGE"),
        (b"", {}, 60, 400, "EMPTY_FILE"),
        (b"x", {}, -10, 403, "UPLOAD_EXPIRED"),
        (b"x", {"key": "registry/keys/mine.json"}, 60, 403, "UPLOAD_REFUSED"),
        (b"x", {"policy": "bm90IGEgcG9saWN5"}, 60, 403, "UPLOAD_REFUSED"),
    ],
)
def test_bad_form_is_refused_in_our_words(stack, http, content, changes, seconds, status, code):
    fields = _form(stack, "front-2", seconds=seconds) | changes
    answer = http.post(UPLOAD_TARGET, data=fields, files={"file": content})
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert answer.json()["hint"]
    found = stack.client("s3").list_objects_v2(Bucket=stack.deployment.data_bucket, Prefix="uploads/front-2/")
    assert found["KeyCount"] == 0


def test_form_beyond_every_limit_is_refused_unread(stack):
    size = front.UPLOAD_LIMIT + front.FORM_OVERHEAD + 1
    head = f"POST {UPLOAD_TARGET} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", stack.port)) as raw:
        raw.sendall(head.encode())
        answer = raw.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"FILE_TOO_LARGE" in answer
