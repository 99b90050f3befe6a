"""The front of both HTTP functions: one resolver, one way for errors to become answers."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from cpcs.errors import CpcsError, MethodNotAllowed, RateLimited, UnknownPage
from cpcs.web import addresses, auth, problems, request, responses

Desk = TypeVar("Desk")

SHOWN = 60  # characters of an unknown path that are told back


class Front:
    """What a function shows to the world: call it with an event, as Lambda does.

    Parameters
    ----------
    service
        The function's name in the log.
    """

    def __init__(self, service: str) -> None:
        self.app = APIGatewayHttpResolver()
        self.logger = Logger(service=service)
        self._request: request.Request | None = None
        self.app.exception_handler(CpcsError)(self._refused)
        self.app.exception_handler(Exception)(self._failed)
        self.app.not_found(self._nowhere)

    @property
    def request(self) -> request.Request:
        """The request that is being answered.

        Raises
        ------
        RuntimeError
            None is.
        """
        if self._request is None:
            raise RuntimeError("no request is being answered")
        return self._request

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> responses.Answer:
        """Answer one event of the API Gateway (payload 2.0)."""
        given = request.of_event(event)
        self._request = given
        try:
            answer = self.app.resolve(_as_get(event) if given.method == "HEAD" else dict(event), context)
            self.logger.info(
                "answered",
                extra={"method": given.method, "path": given.path, "status": answer["statusCode"]},
            )
            return responses.finished(answer, given)
        finally:
            self._request = None

    def told(self, error: CpcsError) -> Response[str]:
        """Return the answer that tells of an error: JSON under ``/api``, one line of plain text elsewhere."""
        status, headers = problems.status_of(type(error)), self._headers(error)
        if addresses.is_api(self.request.path):
            return responses.document(problems.body(error, self.request.request_id), status, headers=headers)
        return responses.plain(problems.plain(error.code, error.message), status, headers)

    def _headers(self, error: CpcsError) -> dict[str, str]:
        if isinstance(error, RateLimited):
            return {"Retry-After": str(error.metadata.get("retry_after_s", 1))}
        if isinstance(error, MethodNotAllowed):
            return {"Allow": ", ".join(addresses.methods_of(self.request.path))}
        return {"WWW-Authenticate": "Bearer"} if problems.status_of(type(error)) == 401 else {}  # noqa: PLR2004

    def _refused(self, error: CpcsError) -> Response[str]:
        """Tell what was wrong; the code goes to the log, the words, which may hold what was sent, do not."""
        self.logger.info("refused", extra={"code": error.code, "path": self.request.path})
        return self.told(error)

    def _failed(self, error: Exception) -> Response[str]:
        """Tell nothing but a number; the log has the rest, without keys."""
        trace = "".join(traceback.format_exception(error))
        self.logger.error(
            "failed", extra={"request_id": self.request.request_id, "trace": auth.masked(trace, self.request)}
        )
        return self.told(CpcsError())

    def _nowhere(self, _error: NotFoundError) -> Response[str]:
        path, method = self.request.path, self.request.method
        taken = addresses.methods_of(path)
        shown = path if len(path) <= SHOWN else path[:SHOWN] + "..."
        if taken and method not in taken:
            return self._refused(MethodNotAllowed(path=shown, method=method))
        return self._refused(UnknownPage(path=shown))


def bound(handle: Callable[[Desk], Response[Any]], desk: Desk) -> Callable[[], Response[Any]]:
    """Return a handler as the resolver calls it, without arguments, of one that is given the function's desk."""
    return lambda: handle(desk)


def _as_get(event: Mapping[str, Any]) -> dict[str, Any]:
    context = event["requestContext"]
    return {**event, "requestContext": {**context, "http": {**context["http"], "method": "GET"}}}
