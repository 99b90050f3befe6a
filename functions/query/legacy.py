"""The first CPCS's lists and light curves.

A key that comes along and is not needed is not looked at, and not told back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from aws_lambda_powertools.event_handler import Response

from cpcs.records import Event, FollowupPoint
from cpcs.web import auth, fields, html, responses
from cpcs.web import legacy as old
from cpcs.web.front import bound

from .desk import Desk

USUAL_ROWS = 20
MOST_ROWS = 100_000
ROWS_AT_ONCE = 500


def register(desk: Desk) -> None:
    """Add the routes to the front."""
    handlers: dict[str, Callable[[Desk], Response[Any]]] = {
        "/list_of_alerts/?": list_of_alerts,
        "/list_of_followups/?": list_of_followups,
        "/observatories/?": observatories,
        "/get_alert_lc_data/?": light_curve_data,
        "/Login/?": login_page,
    }
    for rule, handle in handlers.items():
        desk.front.app.get(rule)(bound(handle, desk))


def list_of_alerts(desk: Desk) -> Response[Any]:
    """Return the newest alerts, as a page or as JSON."""
    query = desk.front.request.query
    form = fields.text(query, "format").lower() or "html"
    if form not in {"html", "json"}:
        raise fields.bad("format", form, "json or html")
    found = islice(_events(desk, observed=fields.flag(query, "observed_only")), _rows(query))
    if form == "json":
        return responses.content(old.alerts_json(found), responses.JSON, cache=responses.REVALIDATE)
    return responses.content(old.alerts_page(found), responses.HTML, cache=responses.REVALIDATE)


def list_of_followups(desk: Desk) -> Response[Any]:
    """Return the newest follow-up points as a page."""
    desk.demand_old_access()
    found = islice(_points(desk), _rows(desk.front.request.query))
    return responses.content(old.followups_page(found), responses.HTML, cache=desk.gated_cache)


def observatories(desk: Desk) -> Response[Any]:
    """Return the observatories as a page."""
    page = old.observatories_page(desk.store.observatories.all())
    return responses.content(page, responses.HTML, cache=responses.REVALIDATE)


def light_curve_data(desk: Desk) -> Response[Any]:
    """Return the light curve of an alert, by its number or its name, as parallel arrays."""
    desk.demand_old_access()
    query = desk.front.request.query
    if query.get("alert_id"):
        number = fields.whole(query, "alert_id", lowest=1, highest=10**9 - 1, meaning="the number of the alert")
        event, name = desk.store.events.by_id(number), None
    else:
        event = desk.event_named_in("alert_name")
        name = query["alert_name"].strip()
    body = old.light_curve_json(desk.store.points.by_event(event.key), name)
    return responses.content(body, responses.JSON, cache=desk.gated_cache)


def login_page(_desk: Desk) -> Response[Any]:
    """Return the login form; its one field is the hashtag."""
    form = html.form("/Login", auth.HASHTAG, "Your observatory's key (hashtag):")
    return responses.content(html.page("Login", form), responses.HTML)


def _rows(query: Mapping[str, str]) -> int:
    given = fields.whole(query, "num", lowest=1, highest=10**9, meaning="the rows wanted", default=USUAL_ROWS)
    return min(given, MOST_ROWS)


def _events(desk: Desk, *, observed: bool) -> Iterator[Event]:
    cursor = None
    while True:
        page = desk.store.events.page(observed, ROWS_AT_ONCE, cursor)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def _points(desk: Desk) -> Iterator[FollowupPoint]:
    cursor = None
    while True:
        page = desk.store.points.page(limit=ROWS_AT_ONCE, cursor=cursor)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return
