"""A small server with the site and made-up answers of the API, for states that the real one seldom shows.

Run ``python -m tests.support.site_server`` to look at the site without the embedded stack.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.site_data import LOIANO, OBSERVATORIES, events, light_curve, report

DIST = Path(__file__).resolve().parents[2] / "web" / "dist"
KEY = "cpcs_test"
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ffff3f0005fe02fe"
    "a7352f1a0000000049454e44ae426082"
)
Answer = tuple[int, Any]


@dataclass
class World:
    """What the server pretends, and what it was sent; tests turn its knobs."""

    alerts: list[dict[str, Any]] = field(default_factory=lambda: events(120))
    n_points: int = 260
    api_down: bool = False
    signed_in: bool = False
    outcome: str = "DONE"  # the state in which jobs end
    stumble: int = 0  # so many announcements are answered with 503 first
    requests: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, float] = field(default_factory=dict)  # job -> when it was sent
    status_questions: int = 0
    deleted: list[int] = field(default_factory=list)

    def get(self, path: str, query: dict[str, str]) -> Answer:
        """Answer a GET below /api."""
        for prefix, answer in self._reads().items():
            if path == prefix or (prefix.endswith("/") and path.startswith(prefix)):
                return answer(unquote(path.removeprefix(prefix)), query)
        return problem(404, "NOT_FOUND", f"There is nothing at {path}.")

    def _reads(self) -> dict[str, Callable[[str, dict[str, str]], Answer]]:
        return {
            "/api/me": lambda _rest, _query: (
                (200, self._me()) if self.signed_in else problem(401, "KEY_REQUIRED", "No key.")
            ),
            "/api/events": lambda _rest, query: (200, self._page(query)),
            "/api/events/": lambda rest, _query: self._event(rest),
            "/api/lightcurves/": lambda rest, _query: (200, light_curve(rest, self.n_points)),
            "/api/followups": lambda _rest, _query: (200, {"items": self._points(), "cursor": None}),
            "/api/observatories": lambda _rest, _query: (200, {"items": OBSERVATORIES, "cursor": None}),
            "/api/catalogues": lambda _rest, _query: (200, {"items": [{"name": "APASS", "filters": ["B", "V", "r"]}]}),
            "/api/uploads": lambda _rest, query: (200, {"items": self._jobs(query["ids"].split(","))}),
            "/api/calibrations/": lambda rest, _query: self._report(rest.partition("/")[0]),
        }

    def _report(self, job_id: str) -> Answer:
        unknown = job_id == "unknown"
        return problem(404, "UNKNOWN_JOB", f"There is no upload {job_id!r}.") if unknown else (200, report(job_id))

    def _me(self) -> dict[str, Any]:
        return {"key_id": "0123456789ab", "role": "observer", "observatory": LOIANO}

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        rows = [
            event
            for event in self.alerts
            if query.get("q", "").lower() in event["name"].lower() and (event["n_followups"] or "observed" not in query)
        ]
        start = int(query.get("cursor", 0))
        more = str(start + 50) if start + 50 < len(rows) else None
        return {"items": rows[start : start + 50], "cursor": more}

    def _event(self, name: str) -> Answer:
        found = [event for event in self.alerts if event["name"].lower() == name.lower()]
        return (200, found[0]) if found else problem(404, "UNKNOWN_EVENT", f"There is no event {name!r}.")

    def _points(self) -> list[dict[str, Any]]:
        columns = light_curve("Gaia18dba", 60)["columns"]
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        return [row | {"followup_id": row["id"], "event_name": "Gaia18dba", "is_limit": row["limit"]} for row in rows]

    def _jobs(self, ids: list[str]) -> list[dict[str, Any]]:
        self.status_questions += 1
        return [self._job(job_id) for job_id in ids]

    def _job(self, job_id: str) -> dict[str, Any]:
        age = time.monotonic() - self.uploads.get(job_id, time.monotonic())
        state = "UPLOADED" if age < 0.3 else "CALIBRATING" if age < 0.8 else self.outcome
        refused = {"code": "TOO_FEW_MATCHES", "message": "Only 3 stars matched.", "hint": "Check the coordinates."}
        waits = {"code": "REFERENCE_UNAVAILABLE", "message": "No reference stars now.", "hint": "The upload waits."}
        point = {
            "followup_id": 122113, "catalogue": "APASS", "filter": "r", "mag": 15.4703, "mag_err": 0.0123,
            "is_limit": False, "zero_point": -1.7765, "zero_point_err": 0.014, "scatter": 0.1204, "n_matched": 79,
            "outlier_fraction": 0.15, "existing_id": None, "seconds": {"read": 0.1, "fit": 0.4}, "summary": {},
        }  # fmt: skip
        return {
            "job_id": job_id, "event": "gaia18dba", "state": state, "attempt": 1, "created": "", "updated": "",
            "error": refused if state == "REJECTED" else waits if state == "WAITING_REFERENCE" else None,
            "outcome": point if state == "DONE" else None,
            "figures": {}, "report": f"/api/calibrations/{job_id}/report" if state == "DONE" else None,
        }  # fmt: skip

    def write(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        """Answer what changes something."""
        self.requests.append({"method": method, "path": path, **body})
        if path == "/api/session":
            return self._session(method, body)
        if not self.signed_in:
            return problem(401, "KEY_REQUIRED", "This needs a key, and none was sent.")
        if path == "/api/uploads":
            return self._announce()
        if path == "/api/events":
            self.alerts.insert(0, events(1)[0] | body)
            return 201, self.alerts[0]
        self.deleted.append(int(path.removeprefix("/api/followups/")))
        return 200, {"followup_id": self.deleted[-1], "deleted": True}

    def _session(self, method: str, body: dict[str, Any]) -> Answer:
        self.signed_in = method == "POST" and body.get("key") == KEY
        if method == "DELETE" or self.signed_in:
            return 200, self._me()
        return problem(401, "BAD_KEY", "The key is not known here.")

    def _announce(self) -> Answer:
        if self.stumble > 0:
            self.stumble -= 1
            return problem(503, "UNAVAILABLE", "Busy.")
        job_id = f"job-{len(self.requests)}"
        form = {"url": "/upload-target", "fields": {"key": job_id}, "max_bytes": 20_000_000, "expires_at": ""}
        return 201, {"job_id": job_id, "state": "CREATED", "upload": form, "status_url": f"/api/uploads/{job_id}"}


def problem(status: int, code: str, message: str) -> Answer:
    """Make an answer that refuses."""
    return status, {"code": code, "message": message, "hint": "See the manual.", "request_id": "r-1"}


class Handler(BaseHTTPRequestHandler):
    """Files of the built site, copies, and the world's answers."""

    protocol_version = "HTTP/1.1"
    world: World

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path.startswith("/api/"):
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            self._json(
                *(problem(503, "UNAVAILABLE", "Down.") if self.world.api_down else self._asked(address.path, query))
            )
        elif address.path.startswith("/data/"):
            self._json(*self._copy(address.path))
        else:
            self._file(unquote(address.path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/upload-target":
            job_id = body.split(b'name="key"\r\n\r\n')[1].split(b"\r\n")[0].decode()
            self.world.uploads[job_id] = time.monotonic()
            self._send(204, b"", "text/plain")
        elif self.world.api_down:
            self._json(*problem(503, "UNAVAILABLE", "Down."))
        else:
            self._json(*self.world.write(self.command, self.path, json.loads(body or b"{}")))

    def do_DELETE(self) -> None:
        self.do_POST()

    def _asked(self, path: str, query: dict[str, str]) -> Answer:
        if path.endswith(("/figures/panel.png", "/figures/residuals.png")):
            return 200, PNG
        return self.world.get(path, query)

    def _copy(self, path: str) -> Answer:
        copies = {
            "/data/events.json": {
                "items": self.world.alerts[:50],
                "cursor": None,
                "generated_at": "2026-11-22T21:00:00Z",
            },
            "/data/observatories.json": {"items": OBSERVATORIES, "cursor": None},
            "/data/lightcurves/gaia18dba.json": light_curve("Gaia18dba", self.world.n_points),
        }
        return (200, copies[path]) if path in copies else problem(404, "NOT_FOUND", "No copy.")

    def _file(self, path: str) -> None:
        file = (DIST / (path.lstrip("/") or "index.html")).resolve()
        status = 200 if file.is_file() and file.is_relative_to(DIST) else 404
        file = file if status == 200 else DIST / "404.html"
        self._send(status, file.read_bytes(), guess_type(file.name)[0] or "application/octet-stream")

    def _json(self, status: int, content: Any) -> None:
        if isinstance(content, bytes):
            self._send(status, content, "image/png")
        else:
            self._send(status, json.dumps(content).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def serve(world: World, port: int = 0) -> ThreadingHTTPServer:
    """Start on loopback in a thread; the caller shuts it down."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"world": world}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    running = serve(World(), int(sys.argv[1]) if len(sys.argv) > 1 else 8030)
    sys.stdout.write(f"http://127.0.0.1:{running.server_port}/ (key {KEY})\n")
    sys.stdout.flush()
    threading.Event().wait()
