"""Republishing an event's light curve and the first page of each list as static JSON in the site bucket.

The site keeps serving these when the API is down. Where full data need a key, magnitudes are not among them. Who
changes points calls `publish_event` afterwards; two at once do no harm: after writing, each looks whether the event has
moved on, and writes again until it has not.
"""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

from cpcs import clock
from cpcs.records import Event
from cpcs.storage import Store
from cpcs.storage.layout import public_key, public_lightcurve
from cpcs.web import documents, lightcurve

ROUNDS = 20
FIRST_PAGE = 100


def publish_event(store: Store, event_key: str) -> Event:
    """Write the event's light-curve document, and the first page of the lists that show it.

    Returns
    -------
    Event
        As it was when the document was last written.
    """
    event = store.events.get(event_key)
    for _ in range(ROUNDS):
        if store.files.public_data:
            _put(store, public_lightcurve(event.key), lightcurve.build(event, store.points.by_event(event.key)))
        publish_lists(store)
        now = store.events.get(event_key)
        if now.version == event.version:
            return now
        event = now
    return event


def publish_lists(store: Store) -> None:
    """Write the first page of the events (all and observed only), the follow-ups and the observatories."""
    for name, observed in (("events", False), ("observed", True)):
        events = store.events.page(observed=observed, limit=FIRST_PAGE, cursor=None)
        _put(store, public_key(name), documents.page([documents.event(item) for item in events.items], None))
    if store.files.public_data:
        points = store.points.page(limit=FIRST_PAGE, cursor=None)
        _put(store, public_key("followups"), documents.page([documents.point(item) for item in points.items], None))
    sites = [documents.observatory(item) for item in store.observatories.all()]
    _put(store, public_key("observatories"), documents.page(sites, None))


def _put(store: Store, key: str, document: dict[str, Any]) -> None:
    document = {**document, "generated_at": clock.iso(time.time())}
    body = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    store.files.publish(key, gzip.compress(body, 6, mtime=0), "application/json", encoding="gzip")
