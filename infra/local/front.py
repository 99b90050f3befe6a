"""The one port of the embedded stack: the built site, public data, presigned uploads, and the API.

On AWS these are CloudFront, S3 and API Gateway. Here one server on loopback does their work, with their limits:
what the emulator does not enforce (body sizes, who may ask) is enforced here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from cpcs.errors import CpcsError, RateLimited, UnknownPage
from infra.local import answers, deploy

API_BODY_LIMIT = 10 * 1024 * 1024  # API Gateway's
UPLOAD_LIMIT = 80 * 1024 * 1024
FORM_OVERHEAD = 64 * 1024  # fields and boundaries around the file
API_ANSWER_S = 40.0  # above API Gateway's 30 s, which the functions' own time-outs keep
UPLOAD_ANSWER_S = 300.0
PRESIGNED_FOR_S = 60
_HOP_BY_HOP = {
    "connection", "expect", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
# Every call that is under way has a process of its own behind it: more than these would starve each other. Calls that
# wait for a calibration have a lane for themselves, so that reading goes on beside them.
AT_ONCE = 2 * max(2, os.cpu_count() or 2)
_LOOKED_AT = {429, 500, 502, 503, 504}
_OF_DOCUMENTS = (
    "Cache-Control",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Last-Modified",
)
_NOT_FROM_OUTSIDE = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"}
NOT_FOUND_PAGE = "404.html"
NOT_BUILT = b"<!doctype html><title>CPCS</title><p>The API runs. The site is not built: <code>make site</code>.</p>"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where the requests go."""

    endpoint: str  # the emulator
    deployment: deploy.Deployment
    site: Path  # the built site


@dataclass(slots=True)
class FrontServer:
    """A thread with the front server in it.

    Parameters
    ----------
    listener
        A bound socket of the loopback interface; the server owns it from now on.
    upstream
        Where the requests go.
    """

    listener: socket.socket
    upstream: Upstream
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _ended: asyncio.Event | None = field(default=None, init=False)
    _failure: BaseException | None = field(default=None, init=False)

    def start(self) -> None:
        """Serve from now on."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="front", daemon=True)
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Finish what is being answered, and end."""
        if self._thread is not None and self._ended is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()
            self._thread = None

    def _run(self, ready: threading.Event) -> None:
        try:
            self._loop.run_until_complete(self._serve(ready))
        except BaseException as failure:  # noqa: BLE001  # told to the thread that waits
            self._failure = failure
        finally:
            ready.set()
            self._loop.close()
            self.listener.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._ended = asyncio.Event()
        # No time limit and no cookies of its own: it only passes on.
        async with aiohttp.ClientSession(
            auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=0)
        ) as session:
            runner = web.AppRunner(application(self.upstream, session), access_log=None, shutdown_timeout=5.0)
            await runner.setup()
            await web.SockSite(runner, self.listener).start()
            ready.set()
            await self._ended.wait()
            await runner.cleanup()


def application(upstream: Upstream, session: aiohttp.ClientSession) -> web.Application:
    """Return the server's routes."""
    front = _Front(upstream, session)
    app = web.Application(middlewares=[_guard])
    app.router.add_route("POST", answers.UPLOAD_TARGET, front.upload)
    app.router.add_route("POST", answers.UPLOAD_TARGET + "/{rest:.*}", front.upload)
    app.router.add_route("GET", "/data/{key:.*}", front.data)
    app.router.add_route("HEAD", "/data/{key:.*}", front.data)
    app.router.add_route("*", "/{path:.*}", front.site_or_api)
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in only who names this machine, and turn every failure into an answer that says what to do."""
    try:
        answers.check_host(request.host)
        answers.check_path(request.raw_path)
        return await handler(request)
    except answers.Problem as problem:
        return answers.answer(request, problem)
    except (aiohttp.ClientConnectorError, ConnectionRefusedError):
        return answers.answer(request, answers.unavailable(503, "is not running"))
    except TimeoutError:
        return answers.answer(request, answers.unavailable(504, "took too long"))
    except aiohttp.ClientError:
        return answers.answer(request, answers.unavailable(502, "broke off its answer"))


class _Front:
    """The handlers, with what they share."""

    def __init__(self, upstream: Upstream, session: aiohttp.ClientSession) -> None:
        self._upstream = upstream
        self._session = session
        self._s3 = deploy.client("s3", upstream.endpoint)
        self._lanes = {waits: asyncio.Semaphore(AT_ONCE) for waits in (True, False)}

    # --- S3 -------------------------------------------------------------------------------------

    async def data(self, request: web.Request) -> web.StreamResponse:
        """Serve a public document of the site bucket."""
        key = unquote(request.raw_path.partition("?")[0].removeprefix("/"))
        url = self._s3.generate_presigned_url(
            f"{request.method.lower()}_object",
            Params={"Bucket": self._upstream.deployment.site_bucket, "Key": key},
            ExpiresIn=PRESIGNED_FOR_S,
        )
        wanted = ("If-None-Match", "If-Modified-Since", "Range")
        headers = {name: request.headers[name] for name in wanted if name in request.headers}
        async with self._session.request(
            request.method, _as_it_is(url), headers=headers, timeout=_seconds(API_ANSWER_S)
        ) as answer:
            if answer.status in {403, 404}:
                raise answers.Problem.of(404, UnknownPage(path=request.path[:200]))
            passed = CIMultiDict((name, answer.headers[name]) for name in _OF_DOCUMENTS if name in answer.headers)
            passed.setdefault("Cache-Control", "no-cache")
            passed.update(answers.SECURITY_HEADERS)
            return await _stream(request, answer, passed)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Pass a presigned form on to S3, as a stream, up to the size limit."""
        limit = UPLOAD_LIMIT + FORM_OVERHEAD
        if (request.content_length or 0) > limit:
            raise answers.too_large(request.content_length or 0, UPLOAD_LIMIT)
        headers = {"Content-Type": request.headers.get("Content-Type", "")}
        if request.content_length is not None:
            headers["Content-Length"] = str(request.content_length)
        refused: list[int] = []
        try:
            async with self._session.post(
                f"{self._upstream.endpoint}/{self._upstream.deployment.data_bucket}",
                data=_at_most(request.content, limit, refused),
                headers=headers,
                timeout=_seconds(UPLOAD_ANSWER_S),
            ) as answer:
                body = await answer.read()
        except aiohttp.ClientError:
            if refused:
                raise answers.too_large(0, UPLOAD_LIMIT) from None
            raise
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise answers.upload_problem(body, request.content_length or 0, UPLOAD_LIMIT)
        return web.Response(status=answer.status, headers=answers.SECURITY_HEADERS)

    # --- site and API ---------------------------------------------------------------------------

    async def site_or_api(self, request: web.Request) -> web.StreamResponse:
        """Serve a file of the built site where there is one; everything else is the API's.

        People who ask for what is nowhere get the site's own page about it; programs get the API's answer.
        """
        if request.method in {"GET", "HEAD"}:
            page = self._page(request.path)
            if page is None and answers.is_lost(request.path, request.headers.get("Accept", "")):
                page = self._file(NOT_FOUND_PAGE, status=404)
            if page is not None:
                return page
        return await self._api(request)

    def _page(self, path: str) -> web.StreamResponse | None:
        page = self._file(path.lstrip("/") or "index.html")
        if page is None and path == "/":
            headers = {"Cache-Control": "no-cache", **answers.SECURITY_HEADERS}
            return web.Response(body=NOT_BUILT, content_type="text/html", charset="utf-8", headers=headers)
        return page

    def _file(self, name: str, *, status: int = 200) -> web.StreamResponse | None:
        site = self._upstream.site.resolve()
        file = (site / name).resolve() if "\0" not in name else site
        if not file.is_file() or not file.is_relative_to(site):
            return None
        immutable = name.startswith("assets/")  # their names hold a hash of their content
        caching = "public, max-age=31536000, immutable" if immutable else "no-cache"
        headers = {"Cache-Control": caching, **answers.SECURITY_HEADERS}
        if status == HTTPStatus.OK:
            return web.FileResponse(file, headers=headers)
        return web.Response(
            body=file.read_bytes(), status=status, content_type="text/html", charset="utf-8", headers=headers
        )

    async def _api(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        port = self._upstream.endpoint.rpartition(":")[2]
        headers: CIMultiDict[str] = CIMultiDict(
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _HOP_BY_HOP | _NOT_FROM_OUTSIDE | {"content-length"}
        )
        headers["Host"] = f"{self._upstream.deployment.api_id}.execute-api.localhost:{port}"
        headers["X-Forwarded-For"] = request.remote or ""
        headers["X-Forwarded-Host"] = request.host
        headers["X-Forwarded-Proto"] = "http"
        waits_for_a_calibration = request.path == "/cgi/upload"
        async with (
            self._lanes[waits_for_a_calibration],
            self._session.request(
                request.method,
                _as_it_is(self._upstream.endpoint + request.raw_path),
                headers=headers,
                data=body or None,
                allow_redirects=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                timeout=_seconds(API_ANSWER_S),
            ) as answer,
        ):
            await _check_answer(answer)
            passed: CIMultiDict[str] = CIMultiDict(
                (name, value)
                for name, value in answer.headers.items()
                if name.lower() not in _HOP_BY_HOP | {"date", "server"}
            )
            for name, value in answers.SECURITY_HEADERS.items():
                passed.setdefault(name, value)
            return await _stream(request, answer, passed)


async def _check_answer(answer: aiohttp.ClientResponse) -> None:
    """Let pass what the functions answered; say in our words what API Gateway would say in its own."""
    if answer.status not in _LOOKED_AT:
        return
    with contextlib.suppress(ValueError):
        content = json.loads(await answer.read())
        if isinstance(content, dict) and "code" in content:
            return
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise answers.Problem.of(429, RateLimited(retry_after_s=1))
        raise answers.Problem.of(500, CpcsError())


async def _body(request: web.Request) -> bytes:
    """Return the request's body.

    Raises
    ------
    Problem
        It is longer than API Gateway takes.
    """
    size = request.content_length or 0
    body = bytearray()
    if size <= API_BODY_LIMIT:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > API_BODY_LIMIT:
                break
    if max(size, len(body)) > API_BODY_LIMIT:
        raise answers.too_large(size, API_BODY_LIMIT)
    return bytes(body)


async def _at_most(content: aiohttp.StreamReader, limit: int, refused: list[int]) -> AsyncIterator[bytes]:
    """Yield the stream; break it off, and leave a note, when it is longer than ``limit``."""
    seen = 0
    async for chunk in content.iter_any():
        seen += len(chunk)
        if seen > limit:
            refused.append(seen)
            raise aiohttp.ClientPayloadError("too large")
        yield chunk


async def _stream(
    request: web.Request, answer: aiohttp.ClientResponse, headers: CIMultiDict[str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    if answer.status in _LOOKED_AT:
        await response.write(await answer.read())  # kept by the answer
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def _as_it_is(url: str) -> URL:
    """Return the address without any requoting: names hold %-escapes that must arrive as they were sent."""
    return URL(url, encoded=True)


def _seconds(total: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total)
