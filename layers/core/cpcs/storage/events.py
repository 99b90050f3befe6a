"""Events: one for each name, listed newest first, all or only those that were observed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pynamodb.transactions import TransactWrite

from cpcs import clock, serial
from cpcs.errors import BadField, EventExists, UnknownEvent
from cpcs.names import LONGEST, clean, event_key
from cpcs.records import Event

from . import keys, layout
from .counters import next_number
from .cursors import Cursors
from .listing import Listing, Page, page, years_backwards
from .models import GSI1, GSI2, EventItem, EventRefItem, Models, attributes, find, record
from .objects import Bucket
from .transactions import until_settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The events."""

    models: Models
    data: Bucket
    cursors: Cursors
    now: Callable[[], float] = time.time

    def create(
        self,
        name: str,
        ra_deg: float,
        dec_deg: float,
        *,
        url: str = "",
        comment: str = "",
        created_by: str = "",
        published: str | None = None,
    ) -> Event:
        """Register an event: in S3 first, where one name can be taken but once, then in the table.

        Parameters
        ----------
        name
            In any form.
        ra_deg, dec_deg
            J2000, degrees.
        url, comment
            As shown to people.
        created_by
            The key_id of whoever made it.
        published
            ISO 8601, UTC; now when not given.

        Raises
        ------
        EventExists
            The name is taken.
        BadField
            The name, or ``published`` (not a time, or in the future), cannot be used.
        """
        key = event_key(name)
        there = find(self.models.events, keys.event(key), keys.META)
        if there is not None:
            raise _exists(record(Event, there))
        event = Event(
            key=key,
            name=clean(name),
            event_id=next_number(self.models, "event"),
            ra_deg=ra_deg,
            dec_deg=dec_deg,
            published=self._published(published),
            url=url,
            comment=comment,
            created_by=created_by,
        )
        registered = serial.loads(Event, self.data.put_new(layout.event(key), serial.dumps(event)))
        self._index(registered)
        # A crash between the two writes leaves a name that is taken but not listed: who asks again finishes the work.
        again = replace(event, event_id=registered.event_id, published=registered.published)
        if registered.event_id != event.event_id and registered != again:
            raise _exists(registered)
        return registered

    def get(self, given_name: str) -> Event:
        """Return an event by any form of its name.

        Raises
        ------
        UnknownEvent
            There is none.
        """
        item = find(self.models.events, keys.event(event_key(given_name)), keys.META)
        if item is None:
            raise UnknownEvent(event=given_name[:LONGEST])
        return record(Event, item)

    def by_id(self, event_id: int) -> Event:
        """Return an event by the number of the first CPCS's interface.

        Raises
        ------
        UnknownEvent
            There is none.
        """
        ref = find(self.models.event_refs, keys.event_ref(event_id), keys.REF)
        item = find(self.models.events, keys.event(ref.event), keys.META) if ref is not None else None
        if item is None:
            raise UnknownEvent(event=str(event_id))
        return record(Event, item)

    def page(self, observed: bool = False, limit: int = 100, cursor: str | None = None) -> Page[Event]:
        """Return a page of the events, newest first; with ``observed``, of those that have follow-up points.

        Raises
        ------
        BadCursor
            The cursor is not of this list.
        """
        years = years_backwards(self.now())
        listing = Listing(
            scope="observed" if observed else "events",
            index=GSI2 if observed else GSI1,
            partitions=[keys.observed_of(year) if observed else keys.events_of(year) for year in years],
        )
        return page(
            listing,
            self.models.events,
            lambda item: record(Event, item),
            limit=limit,
            cursor=cursor,
            cursors=self.cursors,
        )

    def _published(self, given: str | None) -> str:
        if given is None:
            return clock.iso(self.now())
        try:
            moment = clock.unix(given)
        except ValueError:
            moment = 0.0
        if not 0.0 < moment < self.now() + clock.SECONDS_PER_DAY:
            raise BadField(field="published", value=given[:64], expected="a time in the past, as 2026-11-22T21:30:00Z")
        return clock.iso(moment)

    def _index(self, event: Event) -> None:
        def step() -> None:
            if find(self.models.events, keys.event(event.key), keys.META) is not None:
                return
            item, ref = items(self.models, event)
            with TransactWrite(connection=self.models.table.connection) as transaction:
                transaction.save(item, condition=EventItem.pk.does_not_exist())
                transaction.save(ref, condition=EventRefItem.pk.does_not_exist())

        until_settled(f"The event {event.name}", step)


def items(models: Models, event: Event) -> tuple[EventItem, EventRefItem]:
    """Return what the table holds of an event."""
    year = keys.year(event.published)
    item = models.events(
        keys.event(event.key),
        keys.META,
        g1pk=keys.events_of(year),
        g1sk=keys.event_order(event),
        **attributes(event),
    )
    if event.n_followups > 0:
        item.g2pk, item.g2sk = keys.observed_of(year), keys.event_order(event)
    return item, models.event_refs(keys.event_ref(event.event_id), keys.REF, event=event.key)


def _exists(event: Event) -> EventExists:
    return EventExists(event=event.name, ra_deg=event.ra_deg, dec_deg=event.dec_deg)
