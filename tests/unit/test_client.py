"""The Python client and the command's tables, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from cpcs_client import Client, Refused, credentials
from cpcs_client import cli as command

KEY = "cpcs_not_a_real_key"
POINT: dict[str, Any] = {
    "followup_id": 7, "passband": "APASS/r", "mag": 16.5232, "mag_err": 0.0051, "is_limit": False,
    "zero_point": 25.3125, "zero_point_err": 0.0046, "scatter": 0.0412, "n_matched": 79, "outlier_fraction": 0.0625,
}  # fmt: skip


class Server:
    """Answers the API's requests and S3's forms, and keeps what it was asked."""

    def __init__(self, form_answer: httpx.Response) -> None:
        self.seen: list[httpx.Request] = []
        self.form_answer = form_answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.seen.append(request)
        if request.url.host != "cpcs.example":
            return self.form_answer
        form = {"url": "https://bucket.s3.example/", "fields": {"key": "uploads/J/file"}}
        return httpx.Response(201, json={"job_id": "J", "status_url": "/api/uploads/J", "upload": form})

    def client(self) -> Client:
        return Client("https://cpcs.example/", KEY, transport=httpx.MockTransport(self))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "test.cat"
    path.write_bytes(b"1 2 3 4")
    return path


def test_the_key_goes_to_the_server_and_nowhere_else(file: Path) -> None:
    server = Server(httpx.Response(204))
    with server.client() as client:
        sent = client.upload(file, event="Gaia18dps", mjd=58397.5)
    asked, form = server.seen
    assert sent["job_id"] == "J"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(asked.content)["size"] == 7
    assert form.url == "https://bucket.s3.example/"
    assert "authorization" not in form.headers
    assert KEY.encode() not in form.content
    assert form.content.index(b"uploads/J/file") < form.content.index(b"1 2 3 4")


@pytest.mark.parametrize("body", [b"<Error><Code>AccessDenied</Code></Error>", b"[1]", b"null", b""])
def test_a_refusal_in_other_words_is_a_refusal(file: Path, body: bytes) -> None:
    with Server(httpx.Response(403, content=body)).client() as client, pytest.raises(Refused) as refused:
        client.upload(file, event="Gaia18dps", mjd=58397.5)
    assert (refused.value.status, refused.value.code) == (403, "HTTP_403")


def printed(rows: list[dict[str, Any]]) -> str:
    with command.console.capture() as caught:
        command._show_uploads(rows, as_json=False)
    return caught.get()


def test_the_table_shows_what_a_job_became(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = printed([
        {"file": "night[1].cat", "state": "DONE", "error": None, "outcome": POINT},
        {"file": "faint.cat", "state": "DONE", "outcome": {**POINT, "is_limit": True, "mag_err": None}},
        {"file": "[/b]:star:", "state": "REJECTED", "outcome": None,
         "error": {"code": "TOO_FEW_MATCHES", "message": "Only [3] stars."}},
    ])  # fmt: skip
    for text in ("night[1].cat", "APASS/r", "16.523 ± 0.005", "25.312 ± 0.005", "79", "> 16.523"):
        assert text in shown
    for text in ("[/b]:star:", "TOO_FEW_MATCHES", "Only [3] stars."):
        assert text in shown


def test_giving_up_tells_the_servers_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(command.typer.Exit) as ended:
        command.give_up(Refused(400, "BAD_FIELD", "The field event is '[/x]'.", "Give another."))
    assert ended.value.exit_code == 2
    assert "[/x]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "url", "expected"),
    [
        ({}, None, ("https://cpcs.example", KEY)),
        ({}, "https://cpcs.example/", ("https://cpcs.example/", KEY)),
        ({}, "https://other.example", ("https://other.example", None)),
        ({"CPCS_URL": "https://other.example"}, None, ("https://other.example", None)),
        ({"CPCS_URL": "https://other.example", "CPCS_KEY": "given"}, None, ("https://other.example", "given")),
        ({"CPCS_KEY": "given"}, None, ("https://cpcs.example", "given")),
    ],
)
def test_a_kept_key_is_for_its_own_server(
    tmp_path: Path, environ: dict[str, str], url: str | None, expected: tuple[str, str | None]
) -> None:
    file = credentials.save(credentials.Credentials(url="https://cpcs.example", key=KEY), tmp_path / "kept.json")
    found = credentials.load(environ, file, url=url)
    assert (found.url, found.key) == expected


def test_nothing_kept_means_this_machine_without_a_key(tmp_path: Path) -> None:
    assert credentials.load({}, tmp_path / "none.json") == credentials.Credentials()


def test_mappings_go_as_text_or_as_json() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/api/me":
            return httpx.Response(200, json={"observatory": {"observatory_id": 7}})
        if request.url.params.get("format") == "text":
            return httpx.Response(200, text="# table\n")
        return httpx.Response(200, json={"items": [], "version": 3})

    with Client("https://cpcs.example", KEY, transport=httpx.MockTransport(answer)) as client:
        assert client.put_mapping("a/b #1", "x : Kraków")["version"] == 3
        client.put_mapping("c", {"rules": []}, observatory=9, version=2)
        assert client.mapping_table("c", observatory=9) == "# table\n"
        assert client.mappings(9) == []
        client.withdraw_mapping("c", observatory=9, version=3)
    assert seen[0].url.path == "/api/me"
    paths = [(request.method, request.url.raw_path.decode()) for request in seen[1:]]
    assert paths == [
        ("PUT", "/api/observatories/7/mappings/a%2Fb%20%231"),
        ("PUT", "/api/observatories/9/mappings/c?version=2"),
        ("GET", "/api/observatories/9/mappings/c?format=text"),
        ("GET", "/api/observatories/9/mappings"),
        ("DELETE", "/api/observatories/9/mappings/c?version=3"),
    ]
    assert seen[1].headers["content-type"] == "text/plain; charset=utf-8"
    assert seen[1].content == "x : Kraków".encode()
    assert json.loads(seen[2].content) == {"rules": []}
