"""What the front server answers when it cannot do what was asked: the same codes and forms as the functions."""

from __future__ import annotations

import contextlib
from xml.etree import ElementTree as ET

from aiohttp import web

from cpcs.errors import CpcsError, EmptyFile, FileTooLarge
from cpcs.web import addresses
from cpcs.web.problems import plain

UPLOAD_TARGET = "/upload-target"
_LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the first CPCS's interface puts keys into addresses
    "X-Content-Type-Options": "nosniff",
}


class Problem(Exception):  # noqa: N818  # not of the functions' tree: these happen only here
    """An answer that is not what was asked for, and says what to do."""

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.status = status
        self.content = {"code": code, "message": message, "hint": hint, "request_id": ""}

    @classmethod
    def of(cls, status: int, error: CpcsError) -> Problem:
        """Return one of the functions' own errors, in their words."""
        return cls(status, **error.as_dict())


def unavailable(status: int, reason: str) -> Problem:
    """Return that the emulator gives no answer."""
    hint = "Try again in a moment; if it stays, look into emulator.log in the state folder."
    return Problem(status, "UNAVAILABLE", f"The server behind this address {reason}.", hint)


def too_large(size: int, limit: int) -> Problem:
    """Return that a body has ``size`` bytes (0 when that is not known), more than ``limit``."""
    return Problem.of(413, FileTooLarge(size=size or f"more than {limit}", limit=limit))


def check_host(host: str) -> None:
    """Refuse a name that is not this machine's: another site's page may be talking to us through it."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0].lower()
    if name not in _LOOPBACK_NAMES:
        hint = "Use http://127.0.0.1 or http://localhost, with the same port."
        raise Problem(421, "WRONG_HOST", f"This server does not answer as {host[:60]!r}.", hint)


def check_path(raw_path: str) -> None:
    """Refuse what is no path: behind the emulator's address it would become another address."""
    if not raw_path.startswith("/"):
        raise Problem(400, "BAD_REQUEST", "The address is not a path.", "Ask this server for its own pages only.")


def is_lost(path: str, accepted: str) -> bool:
    """Whether a person (a browser: it asks for HTML by name) asks for an address at which nothing lives."""
    return "text/html" in accepted and not addresses.is_api(path) and not addresses.methods_of(path)


def answer(request: web.Request, problem: Problem) -> web.Response:
    """Return the problem as the functions would: JSON, or one short line on the first CPCS's routes."""
    headers = {"Cache-Control": "no-store", **SECURITY_HEADERS}
    if request.path.startswith(("/api/", "/data/", UPLOAD_TARGET)):
        return web.json_response(problem.content, status=problem.status, headers=headers)
    line = plain(problem.content["code"], str(problem))
    return web.Response(text=line, status=problem.status, headers=headers)


def upload_problem(body: bytes, sent: int, limit: int) -> Problem:
    """Return what S3's XML says, in our words."""
    told: dict[str, str] = {}
    with contextlib.suppress(ET.ParseError):
        told = {part.tag: part.text or "" for part in ET.fromstring(body)}  # noqa: S314  # from our own emulator
    code, message = told.get("Code", ""), told.get("Message", "")
    if code == "EntityTooLarge":
        return too_large(int(told.get("ProposedSize", sent)), int(told.get("MaxSizeAllowed", limit)))
    if code == "EntityTooSmall":
        return Problem.of(400, EmptyFile(size=0))
    if "expired" in message.lower():
        hint = "Ask for a new one with POST /api/uploads; each is good for fifteen minutes."
        return Problem(403, "UPLOAD_EXPIRED", "The upload form has expired.", hint)
    hint = "Send the form exactly as POST /api/uploads gave it, the file last."
    return Problem(403, "UPLOAD_REFUSED", f"The upload was refused: {code or 'no reason given'}.", hint)
