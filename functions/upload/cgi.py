"""The first CPCS's routes that write: old scripts run unchanged but for the host.

Keys come in the form, the query, a cookie or a header; errors are one line of plain text with a status other than 200.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie

from cpcs import names
from cpcs.errors import MissingField
from cpcs.records import ApiKey, Role
from cpcs.storage.access import SESSION_S
from cpcs.web import asks, auth, documents, fields, forms, html, legacy, responses
from cpcs.web.front import bound

from .desk import Desk
from .synchronous import answer_upload


@dataclass(frozen=True, slots=True, kw_only=True)
class OldForm:
    """What an old request holds, wherever it holds it, and whose it is."""

    fields: dict[str, Any]
    files: dict[str, forms.SentFile]
    key: ApiKey

    @property
    def wants_json(self) -> bool:
        """Whether the answer is for a program."""
        given = fields.text(self.fields, "outputFormat").lower()
        if given not in {"", "html", "json"}:
            raise fields.bad("outputFormat", given, "json or html")
        return given == "json"


def register(desk: Desk) -> None:
    """Add the routes to the front."""
    app = desk.front.app
    handlers: dict[str, Callable[[Desk], Response[Any]]] = {
        "/cgi/upload/?": upload,
        "/cgi/newevent/?": new_event,
        "/cgi/delpoint/?": delete_point,
        "/cgi/newuser/?": new_user,
    }
    for rule, handle in handlers.items():
        app.route(rule, method=["GET", "POST"])(bound(handle, desk))
    app.post("/Login/?")(bound(login, desk))
    app.post("/cgi/login")(bound(login, desk))
    app.route("/cgi/logout", method=["GET", "POST"])(bound(logout, desk))


def read(desk: Desk) -> OldForm:
    """Read an old request, and whose it is.

    Raises
    ------
    KeyRequired, BadKey, BadField
        It holds no good key; it is no form.
    """
    request = desk.front.request
    form = forms.read(request)
    given = {**request.query, **form.fields}
    key = auth.key_of(auth.of_old_request(request, form.fields), desk.store.keys)
    given.pop(auth.HASHTAG, None)
    return OldForm(fields=given, files=dict(form.files), key=key)


def upload(desk: Desk) -> Response[Any]:
    """Calibrate a catalogue, and answer with the result in the same call."""
    form = read(desk)
    return answer_upload(desk, form.fields, form.files, form.key, wants_json=form.wants_json)


def new_event(desk: Desk) -> Response[Any]:
    """Register an event."""
    form = read(desk)
    wants_json = form.wants_json
    event = desk.make_event(asks.event(form.fields, legacy.EVENT_FIELDS), form.key)
    if wants_json:
        old = {"id": event.event_id, "ra": event.ra_deg, "dec": event.dec_deg, "published": legacy.published(event)}
        return responses.document({**documents.event(event), **old})
    about = (
        f"EventId : {names.SCHEME}{event.name}",
        f"Ra : {legacy.twelve_digits(event.ra_deg)}",
        f"Dec : {legacy.twelve_digits(event.dec_deg)}",
    )
    return responses.content(html.page("New event", html.lines(about)), responses.HTML)


def delete_point(desk: Desk) -> Response[Any]:
    """Take a point back."""
    form = read(desk)
    wants_json = form.wants_json
    number = fields.whole(form.fields, "followupid", lowest=1, highest=10**10 - 1, meaning="the number of a point")
    desk.delete_point(number, form.key)
    if wants_json:
        return responses.document({"followup_id": number, "deleted": True})
    return responses.content(html.page("Point deleted", html.lines([f"Follow-up id: {number}"])), responses.HTML)


def new_user(desk: Desk) -> Response[Any]:
    """Register an observatory with its first key, which stands behind the colon of the answer."""
    form = read(desk)
    auth.demand_admin(form.key)
    if not fields.flag(form.fields, "allow_upload", default=True):
        raise fields.bad("allow_upload", 0, "1: reading needs no key")
    ask = asks.observatory(form.fields, legacy.OBSERVATORY_FIELDS)
    site = desk.store.observatories.create(
        ask.name,
        longitude_deg=ask.longitude_deg,
        latitude_deg=ask.latitude_deg,
        altitude_m=ask.altitude_m,
        prefix=ask.prefix,
    )
    secret, key = desk.store.keys.issue(site.observatory_id, Role.OBSERVER, ask.name)
    desk.front.logger.info("key issued", extra={"key_id": key.key_id, "by": form.key.key_id})
    return responses.plain(f"New hashtag: {secret}\n", HTTPStatus.OK)


def login(desk: Desk) -> Response[Any]:
    """Exchange a key for a session; the cookies hold the session's token, not the key."""
    secret = fields.text(desk.fields(), auth.HASHTAG)
    if not secret:
        raise MissingField(field=auth.HASHTAG, meaning="the key of your observatory")
    key = desk.store.keys.verify(secret)
    token = desk.store.keys.open_session(secret)
    site = desk.store.observatories.get(key.observatory_id)
    page = html.page("Login", html.lines([f"Logged in as {site.name}"]))
    return responses.content(page, responses.HTML, cookies=_cookies(desk, token, int(SESSION_S)))


def logout(desk: Desk) -> Response[Any]:
    """End the session."""
    token = desk.front.request.cookies.get(auth.SESSION_COOKIE)
    if token:
        desk.store.keys.close_session(token)
    page = html.page("Logout", html.lines(["Logged out"]))
    return responses.content(page, responses.HTML, cookies=_cookies(desk, "", 0))


def _cookies(desk: Desk, token: str, max_age_s: int) -> list[Cookie]:
    secure = desk.cookies_are_secure()
    return [
        responses.cookie(name, token, secure=secure, max_age_s=max_age_s)
        for name in (auth.SESSION_COOKIE, auth.HASHTAG)
    ]
