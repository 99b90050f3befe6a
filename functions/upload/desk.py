"""What every route of this function works with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cpcs.publishing import publish_event
from cpcs.records import ApiKey, Event
from cpcs.settings import Settings
from cpcs.storage import Store
from cpcs.web import asks, auth, forms
from cpcs.web.front import Front


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The front, the storage and the clock."""

    front: Front
    settings: Settings
    store: Store
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def key(self) -> ApiKey:
        """Return whose request this is.

        Raises
        ------
        KeyRequired, BadKey
            Nobody's.
        """
        return auth.key_of(auth.of_request(self.front.request), self.store.keys)

    def fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return dict(forms.read(self.front.request).fields)

    def cookies_are_secure(self) -> bool:
        """Whether browsers come by https."""
        return self.front.request.is_https or self.settings.public_url.startswith("https:")

    def make_event(self, ask: asks.EventAsk, key: ApiKey) -> Event:
        """Register an event."""
        return self.store.events.create(
            ask.name, ask.ra_deg, ask.dec_deg, url=ask.url, comment=ask.comment, created_by=key.key_id
        )

    def delete_point(self, followup_id: int, key: ApiKey) -> None:
        """Take a point back, and publish its event without it. Doing it again does no harm, and publishes again.

        Raises
        ------
        UnknownPoint, Forbidden
            There never was one; it is another observatory's.
        """
        deletion = self.store.points.delete(followup_id, key)
        self.front.logger.info("point deleted", extra={"followup_id": followup_id, "by": key.key_id})
        try:
            publish_event(self.store, deletion.event)
        except Exception:
            # The point is gone, which is what was asked for: the published copy follows with the next change.
            self.front.logger.exception("the light curve was not published", extra={"event": deletion.event})
