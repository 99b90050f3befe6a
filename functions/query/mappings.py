"""The routes that show the standard header and the header mappings: for everybody, there is nothing secret in them."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from cpcs.mappings import table
from cpcs.web import addresses, documents, fields, mappings, responses
from cpcs.web.front import bound

from .desk import Desk

_VARIES = {"Vary": "Accept"}


def register(desk: Desk) -> None:
    """Add the routes to the front."""
    app = desk.front.app
    app.get("/api/keywords")(bound(keywords, desk))

    @app.get(mappings.address("<observatory_id>"))
    def _mappings(observatory_id: str) -> Response[str]:
        return of_observatory(desk, observatory_id)

    @app.get(f"{mappings.address('<observatory_id>')}/{addresses.TAIL}")
    def _mapping(observatory_id: str) -> Response[Any]:
        return one(desk, observatory_id)


def keywords(_desk: Desk) -> Response[str]:
    """Return the standard header: every keyword, and the words of formats in which mappings speak of them."""
    return responses.document(mappings.vocabulary(), cache=responses.AN_HOUR)


def of_observatory(desk: Desk, observatory_id: str) -> Response[str]:
    """Return the cameras of an observatory that have a header mapping."""
    site = desk.store.observatories.get(fields.observatory(observatory_id))
    found = desk.store.mappings.of_observatory(site.observatory_id)
    return responses.document(documents.page(list(map(mappings.entry, found)), None), cache=responses.REVALIDATE)


def one(desk: Desk, observatory_id: str) -> Response[Any]:
    """Return a header mapping, as JSON or as a table; its newest version, or the one that is asked for."""
    request = desk.front.request
    site = desk.store.observatories.get(fields.observatory(observatory_id))
    as_text = mappings.wants_text(request)
    camera, version = mappings.camera_of(request, observatory_id), mappings.version(request.query)
    found = desk.store.mappings.get(site.observatory_id, camera, version)
    if as_text:
        return responses.content(table(found), responses.TEXT, cache=responses.REVALIDATE, headers=_VARIES)
    return responses.document(mappings.document(found), cache=responses.REVALIDATE, headers=_VARIES)
