"""The routes that change header mappings: for the lead of the observatory, and for administrators."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from cpcs.web import addresses, auth, fields, mappings, responses

from .desk import Desk


def register(desk: Desk) -> None:
    """Add the routes to the front."""
    app = desk.front.app
    address = f"{mappings.address('<observatory_id>')}/{addresses.TAIL}"

    @app.put(address)
    def _put_mapping(observatory_id: str) -> Response[str]:
        return put(desk, observatory_id)

    @app.delete(address)
    def _withdraw_mapping(observatory_id: str) -> Response[str]:
        return withdraw(desk, observatory_id)


def put(desk: Desk, observatory_id: str) -> Response[str]:
    """Write the next version of a header mapping, sent as JSON or as a table: for the observatory's lead."""
    number = fields.observatory(observatory_id)
    key = auth.demand_lead(desk.key(), number)
    desk.store.observatories.get(number)
    request = desk.front.request
    sent, edits = mappings.ask(request, number, mappings.camera_of(request, observatory_id))
    saved = desk.store.mappings.save(sent, edits=edits, key_id=key.key_id)
    told = {"observatory": number, "camera": saved.camera, "version": saved.version, "by": key.key_id}
    desk.front.logger.info("mapping changed", extra=told)
    status = HTTPStatus.CREATED if saved.version == 1 else HTTPStatus.OK
    return responses.document(mappings.document(saved), status)


def withdraw(desk: Desk, observatory_id: str) -> Response[str]:
    """Take a header mapping back: for the observatory's lead. Its old versions stay to be read."""
    number = fields.observatory(observatory_id)
    key = auth.demand_lead(desk.key(), number)
    request = desk.front.request
    camera, edits = mappings.camera_of(request, observatory_id), mappings.version(request.query)
    gone = desk.store.mappings.withdraw(number, camera, key_id=key.key_id, edits=edits)
    told = {"observatory": number, "camera": gone.camera, "version": gone.version, "by": key.key_id}
    desk.front.logger.info("mapping withdrawn", extra=told)
    return responses.document(mappings.document(gone))
