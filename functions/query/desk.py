"""What every route of this function works with."""

from __future__ import annotations

from dataclasses import dataclass

from cpcs.errors import UnknownEvent
from cpcs.records import ApiKey, Event
from cpcs.settings import Settings
from cpcs.storage import Store
from cpcs.web import asks, auth, responses
from cpcs.web.front import Front
from cpcs.web.request import restored_scheme, unplussed

ONLY_WITH_KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The front, the storage and the settings."""

    front: Front
    settings: Settings
    store: Store

    @property
    def gated_cache(self) -> str:
        """How long light curves may be kept by whoever is on the way."""
        return responses.PRIVATE if self.settings.data_access == ONLY_WITH_KEY else responses.REVALIDATE

    def key(self) -> ApiKey:
        """Return whose request this is.

        Raises
        ------
        KeyRequired, BadKey
            Nobody's.
        """
        return auth.key_of(auth.of_request(self.front.request), self.store.keys, touch=False)

    def demand_access(self) -> None:
        """Let light curves be read only by those who may.

        Raises
        ------
        KeyRequired, BadKey
            They are for holders of keys, and this is none.
        """
        if self.settings.data_access == ONLY_WITH_KEY:
            self.key()

    def demand_old_access(self) -> None:
        """Let light curves be read on the old routes only by those who may, with the key in any of its old places."""
        if self.settings.data_access == ONLY_WITH_KEY:
            auth.key_of(auth.of_old_request(self.front.request, {}), self.store.keys, touch=False)

    def event_named_in(self, parameter: str) -> Event:
        """Return the event that a query parameter names; a bare ``+`` in it may mean itself, or a blank.

        Raises
        ------
        MissingField, BadField, UnknownEvent
            It names none.
        """
        request = self.front.request
        given = asks.event_name(request.query, {"event": parameter})
        try:
            return self.store.events.get(given)
        except UnknownEvent:
            literally = restored_scheme(unplussed(request, parameter))
            if literally == given:
                raise
            return self.store.events.get(literally)
