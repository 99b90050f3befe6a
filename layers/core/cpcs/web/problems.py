"""Errors as HTTP: one table from each class of `cpcs.errors` to its status, and the forms in which errors are told."""

from __future__ import annotations

from http import HTTPStatus

from cpcs import errors
from cpcs.errors import CpcsError, walk

LONGEST_PLAIN = 100  # clients of the first CPCS take a longer text for a fault of the server, and try again

STATUS: dict[type[CpcsError], HTTPStatus] = {
    CpcsError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.RequestError: HTTPStatus.BAD_REQUEST,
    errors.KeyRequired: HTTPStatus.UNAUTHORIZED,
    errors.BadKey: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnknownEvent: HTTPStatus.NOT_FOUND,
    errors.UnknownObservatory: HTTPStatus.NOT_FOUND,
    errors.UnknownPoint: HTTPStatus.NOT_FOUND,
    errors.UnknownJob: HTTPStatus.NOT_FOUND,
    errors.UnknownRecalibration: HTTPStatus.NOT_FOUND,
    errors.UnknownMapping: HTTPStatus.NOT_FOUND,
    errors.UnknownPage: HTTPStatus.NOT_FOUND,
    errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.EventExists: HTTPStatus.CONFLICT,
    errors.ObservatoryExists: HTTPStatus.CONFLICT,
    errors.NotDeletable: HTTPStatus.CONFLICT,
    errors.FileTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.BombSent: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnreadableUpload: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CalibrationFailed: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ReferenceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageConflict: HTTPStatus.CONFLICT,
}


def status_of(kind: type[CpcsError]) -> HTTPStatus:
    """Return the HTTP status of an error: that of the nearest class above it that is in the table."""
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def status_of_code(code: str) -> HTTPStatus:
    """Return the HTTP status of a code, as a job records it; a code from elsewhere is a fault of the server."""
    kinds = {kind.code: kind for kind in reversed(list(walk()))}
    return status_of(kinds.get(code, CpcsError))


def body(error: CpcsError, request_id: str) -> dict[str, str]:
    """Return the JSON form: ``code``, ``message``, ``hint``, ``request_id``."""
    return {**error.as_dict(), "request_id": request_id}


def plain(code: str, message: str) -> str:
    """Return the old interface's form: one line, ``CODE: sentence``, of at most 100 characters."""
    line = " ".join(f"{code}: {message}".split())
    return line if len(line) <= LONGEST_PLAIN else line[: LONGEST_PLAIN - 3].rstrip() + "..."
