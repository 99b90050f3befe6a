"""Calls a function as API Gateway does (payload 2.0), and reads its answer."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlencode

Function = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]
BOUNDARY = "------------------------d74496d66958873e"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code, from either form of an error."""
        if self.headers["Content-Type"] == "application/json":
            return str(self.json["code"])
        return self.text.partition(":")[0]


def multipart(
    fields: list[tuple[str, str]], files: Mapping[str, tuple[str, bytes]] | None = None, newline: bytes = b"\r\n"
) -> bytes:
    """Return a form as curl writes it."""
    out = b""
    for name, value in fields:
        head = f'Content-Disposition: form-data; name="{name}"'.encode()
        out += b"--" + BOUNDARY.encode() + newline + head + newline * 2 + value.encode() + newline
    for name, (filename, data) in (files or {}).items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'.encode()
        kind = b"Content-Type: application/octet-stream"
        out += b"--" + BOUNDARY.encode() + newline + head + newline + kind + newline * 2 + data + newline
    return out + b"--" + BOUNDARY.encode() + b"--" + newline


def an_event(
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | str = "",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the event of a request; ``path`` as the client sent it (percent-encoded)."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(path),
        "rawQueryString": query if isinstance(query, str) else urlencode(query),
        "cookies": [f"{name}={value}" for name, value in (cookies or {}).items()],
        "headers": {"host": "cpcs.test", **{name.lower(): value for name, value in (headers or {}).items()}},
        "requestContext": {
            "http": {"method": method, "path": unquote(path), "sourceIp": "192.0.2.7", "protocol": "HTTP/1.1"},
            "requestId": "req-1",
            "stage": "$default",
            "timeEpoch": 1795384800000,
        },
        "isBase64Encoded": body is not None,
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode()
    return event


def call(function: Function, method: str, path: str, **request: Any) -> Reply:
    """Send a request; ``json``, ``form`` (urlencoded), ``multipart`` (fields, files) or ``body`` is its body."""
    headers = dict(request.pop("headers", None) or {})
    body = request.pop("body", None)
    if "json" in request:
        body, headers["content-type"] = json.dumps(request.pop("json")).encode(), "application/json"
    if "form" in request:
        body = urlencode(request.pop("form")).encode()
        headers["content-type"] = "application/x-www-form-urlencoded"
    if "parts" in request:
        body = multipart(*request.pop("parts"))
        headers["content-type"] = f"multipart/form-data; boundary={BOUNDARY}"
    if "key" in request:
        headers["authorization"] = f"Bearer {request.pop('key')}"
    context = SimpleNamespace(aws_request_id="lambda-1", function_name="test")
    answer = function(an_event(method, path, body=body, headers=headers, **request), context)
    data = answer.get("body") or ""
    raw = base64.b64decode(data) if answer.get("isBase64Encoded") else data.encode()
    if answer["headers"].get("Content-Encoding") == "gzip":
        raw = gzip.decompress(raw)
    return Reply(answer["statusCode"], answer["headers"], raw, answer.get("cookies") or [])
