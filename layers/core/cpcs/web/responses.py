"""Answers: their headers, and what happens to each on its way out (304, gzip, HEAD)."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from cpcs.web.request import Request

JSON = "application/json"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
CSV = "text/csv; charset=utf-8"
PNG = "image/png"
FITS = "application/fits"
BINARY = (PNG, FITS)

REVALIDATE = "no-cache"  # may be kept, must be asked for: every such answer has an ETag
PRIVATE = "private, no-store"
AN_HOUR = "public, max-age=3600"

SMALLEST_ZIPPED = 1024
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
_PAGE = f"{_NOTHING}; img-src 'self' data:; form-action 'self'"

Answer = dict[str, Any]


def document(
    content: Any,  # noqa: ANN401 -- whatever JSON holds
    status: int = HTTPStatus.OK,
    *,
    cache: str = PRIVATE,
    headers: Mapping[str, str] | None = None,
    cookies: list[Cookie] | None = None,
) -> Response[str]:
    """Return JSON; NaN and infinity are none, and refused."""
    body = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return Response(int(status), JSON, body, {"Cache-Control": cache, **(headers or {})}, cookies)


def content(
    body: str | bytes,
    content_type: str,
    *,
    cache: str = PRIVATE,
    headers: Mapping[str, str] | None = None,
    cookies: list[Cookie] | None = None,
) -> Response[str | bytes]:
    """Return something else than JSON."""
    return Response(int(HTTPStatus.OK), content_type, body, {"Cache-Control": cache, **(headers or {})}, cookies)


def plain(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Return one line of plain text."""
    return Response(int(status), TEXT, text, {"Cache-Control": PRIVATE, **(headers or {})})


def elsewhere(address: str) -> Response[str]:
    """Send whoever asks to another address, for this time."""
    return Response(int(HTTPStatus.FOUND), TEXT, "", {"Cache-Control": PRIVATE, "Location": address})


def cookie(name: str, value: str, *, secure: bool, max_age_s: int) -> Cookie:
    """Return a cookie that scripts and other sites never see; with ``max_age_s`` 0 one that ends it."""
    return Cookie(
        name,
        value,
        path="/",
        secure=secure,
        http_only=True,
        max_age=max_age_s if max_age_s > 0 else -1,
        same_site=SameSite.STRICT_MODE,
    )


def finished(answer: Answer, request: Request) -> Answer:
    """Return a Lambda answer as it leaves: security headers, ETag and 304, gzip, and no body for HEAD.

    Parameters
    ----------
    answer
        As the resolver makes it: statusCode, headers, body, isBase64Encoded.
    request
        What it answers.
    """
    headers = {**_ALWAYS, **answer.get("headers", {})}
    content_type = str(headers.get("Content-Type", ""))
    headers.setdefault("Content-Security-Policy", _PAGE if content_type.startswith("text/html") else _NOTHING)
    if request.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    answer = {**answer, "headers": headers}
    if request.method in {"GET", "HEAD"} and answer["statusCode"] == HTTPStatus.OK:
        answer = _tagged(answer, request)
    answer = _zipped(answer, request)
    return {**answer, "body": "", "isBase64Encoded": False} if request.method == "HEAD" else answer


def _tagged(answer: Answer, request: Request) -> Answer:
    headers = answer["headers"]
    if "no-store" in headers.get("Cache-Control", "no-store"):
        return answer
    tag = f'W/"{hashlib.sha256(str(answer["body"]).encode()).hexdigest()[:32]}"'
    headers["ETag"] = tag
    known = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        kept = {name: value for name, value in headers.items() if name != "Content-Type"}
        return {**answer, "statusCode": int(HTTPStatus.NOT_MODIFIED), "headers": kept, "body": ""}
    return answer


def _zipped(answer: Answer, request: Request) -> Answer:
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded") or len(body) <= SMALLEST_ZIPPED:
        return answer
    own = answer["headers"].get("Vary", "")
    headers = {**answer["headers"], "Vary": f"{own}, Accept-Encoding" if own else "Accept-Encoding"}
    if not _takes_gzip(request.headers.get("accept-encoding", "")):
        return {**answer, "headers": headers}
    packed = base64.b64encode(gzip.compress(body.encode(), 5, mtime=0)).decode()
    return {
        **answer,
        "headers": {**headers, "Content-Encoding": "gzip"},
        "body": packed,
        "isBase64Encoded": True,
    }


def _takes_gzip(accepted: str) -> bool:
    offers = (offer.replace(" ", "").lower().partition(";q=") for offer in accepted.split(","))
    return any(name in {"gzip", "*"} and quality not in {"0", "0.0", "0.00", "0.000"} for name, _, quality in offers)
