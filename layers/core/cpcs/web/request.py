"""A request as the functions see it: an API Gateway event (payload 2.0), decoded once.

Where a name is given several times, the last one that is not empty counts: the first CPCS's own example repeats one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

from cpcs.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    The representation holds neither headers nor query nor body: they may carry keys.
    """

    method: str
    path: str  # percent-decoded
    query: Mapping[str, str] = field(repr=False)
    raw_query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    cookies: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str
    client_ip: str

    @property
    def content_type(self) -> str:
        """The Content-Type header as sent."""
        return self.headers.get("content-type", "")

    @property
    def is_https(self) -> bool:
        """Whether the browser came by https, as the outermost proxy says."""
        return self.headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"

    @property
    def origin(self) -> str:
        """The address people typed, ``https://host``; empty when the request does not say."""
        host = self.headers.get("x-forwarded-host", "") or self.headers.get("host", "")
        return f"{'https' if self.is_https else 'http'}://{host}" if host else ""

    def tail(self, prefix: str) -> str:
        """Return what follows ``prefix`` in the path: names that hold ``/`` and ``#``, however they were encoded."""
        return restored_scheme(unquote(self.path[len(prefix) :]))


def of_event(event: Mapping[str, Any]) -> Request:
    """Decode an API Gateway event.

    Raises
    ------
    RequestError
        The body is not the base64 it claims to be.
    """
    context = event.get("requestContext", {})
    http = context.get("http", {})
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    raw_query = event.get("rawQueryString") or ""
    return Request(
        method=http.get("method", "GET").upper(),
        path=event.get("rawPath") or "/",
        query=last_given(parse_qsl(raw_query, keep_blank_values=True)),
        raw_query=raw_query,
        headers=headers,
        cookies=_cookies(event.get("cookies") or headers.get("cookie", "").split(";")),
        body=_body(event),
        request_id=context.get("requestId", ""),
        client_ip=http.get("sourceIp", ""),
    )


def last_given(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return names with their last value that is not empty."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if value.strip() or name not in found:
            found[name] = value
    return found


def restored_scheme(name: str) -> str:
    """Return the name with both slashes of ``ivo://``, of which proxies on the way may have swallowed one."""
    scheme, slash, rest = name.partition(":/")
    return f"{scheme}://{rest.lstrip('/')}" if slash and scheme.lower() == "ivo" else name


def unplussed(request: Request, name: str) -> str:
    """Return a query value with its ``+`` signs kept: some clients mean them, and send them bare."""
    for pair in reversed(request.raw_query.split("&")):
        key, _, value = pair.partition("=")
        if unquote_plus(key) == name and value:
            return unquote(value)
    return request.query.get(name, "")


def _cookies(given: Iterable[str]) -> dict[str, str]:
    pairs = (cookie.partition("=") for cookie in given)
    return {name.strip(): value.strip().strip('"') for name, equals, value in pairs if equals}


def _body(event: Mapping[str, Any]) -> bytes:
    text: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError from error
