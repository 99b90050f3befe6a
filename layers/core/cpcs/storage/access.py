"""Who may do what: API keys, of which only the SHA-256 is kept, and the sessions of browsers."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pynamodb.exceptions import UpdateError

from cpcs import apikeys, clock, serial
from cpcs.errors import BadKey, KeyRequired
from cpcs.records import ApiKey, Role

from . import keys, layout
from .cursors import Cursors
from .models import ApiKeyItem, Models, attributes, find, record
from .objects import Bucket

SESSION_S = 12 * 3600.0
TOUCH_S = 3600.0  # how exactly a key's last use is known

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The API keys and sessions."""

    models: Models
    data: Bucket
    cursors: Cursors
    now: Callable[[], float] = time.time

    def issue(self, observatory_id: int, role: Role, owner: str = "") -> tuple[str, ApiKey]:
        """Make a new key.

        Returns
        -------
        tuple of str and ApiKey
            The secret, which cannot be had again, and the key.
        """
        secret = apikeys.generate()
        return secret, self.register(secret, observatory_id, role, owner)

    def register(self, secret: str, observatory_id: int, role: Role, owner: str = "") -> ApiKey:
        """Make a key of a secret of any shape: hashtags of the first CPCS. One that is known stays as it is."""
        key = ApiKey(
            sha256=apikeys.digest(secret),
            observatory_id=observatory_id,
            role=role,
            owner=owner,
            created=clock.iso(self.now()),
        )
        self.cursors.prepare()  # nothing can be listed before there is a key; functions that only read cannot make it
        there = self.data.put_new(layout.api_key(key.sha256), serial.dumps(key))
        registered = serial.loads(ApiKey, there)
        if find(self.models.api_keys, keys.api_key(key.sha256), keys.META) is None:
            api_key_item(self.models, registered).save()
        return registered

    def verify(self, secret: str, *, touch: bool = True) -> ApiKey:
        """Return the key that a secret opens.

        Parameters
        ----------
        secret
            As sent.
        touch
            Whether to note the time of use (at most once an hour); functions that only read may not.

        Raises
        ------
        KeyRequired
            The secret is empty.
        BadKey
            It is mistyped, unknown or revoked: one answer for all, so that nothing is learnt from it.
        """
        if not secret.strip():
            raise KeyRequired
        if apikeys.looks_mistyped(secret):
            raise BadKey
        key = self._live(apikeys.digest(secret))
        if touch and clock.unix(key.last_used) < self.now() - TOUCH_S:
            return self._touched(key)
        return key

    def revoke(self, sha256: str) -> None:
        """Close a key for good.

        Raises
        ------
        BadKey
            There is none.
        """
        item = find(self.models.api_keys, keys.api_key(sha256), keys.META)
        if item is None:
            raise BadKey
        revoked = replace(record(ApiKey, item), revoked=True, last_used="")
        self.data.put(layout.api_key(sha256), serial.dumps(revoked), "application/json")
        item.update(actions=[ApiKeyItem.revoked.set(True)])

    def open_session(self, secret: str) -> str:
        """Return the token of a new session, good for `SESSION_S` seconds.

        Raises
        ------
        KeyRequired, BadKey
            As `verify`.
        """
        key = self.verify(secret)
        token = secrets.token_urlsafe(32)
        until = int(self.now() + SESSION_S)
        self.models.sessions(keys.session(_digest(token)), keys.META, sha256=key.sha256, ttl=until).save()
        return token

    def session(self, token: str) -> ApiKey:
        """Return the key behind a session.

        Raises
        ------
        BadKey
            The session is unknown or over, or its key was revoked.
        """
        item = find(self.models.sessions, keys.session(_digest(token)), keys.META)
        if item is None or item.ttl < self.now():  # DynamoDB deletes what is over, but only in its own time
            raise BadKey
        return self._live(item.sha256)

    def close_session(self, token: str) -> None:
        """End a session; one that is not there is no error."""
        self.models.sessions(keys.session(_digest(token)), keys.META).delete()

    def _live(self, sha256: str) -> ApiKey:
        item = find(self.models.api_keys, keys.api_key(sha256), keys.META)
        if item is None or item.revoked:
            raise BadKey
        return record(ApiKey, item)

    def _touched(self, key: ApiKey) -> ApiKey:
        now = clock.iso(self.now())
        try:
            item = self.models.api_keys(keys.api_key(key.sha256), keys.META)
            item.update(actions=[ApiKeyItem.last_used.set(now)], condition=ApiKeyItem.pk.exists())
        except UpdateError:
            # When it was last used is worth knowing, but not worth refusing somebody.
            logger.warning("the last use of key %s could not be noted", key.key_id)
            return key
        return replace(key, last_used=now)


def api_key_item(models: Models, key: ApiKey) -> ApiKeyItem:
    """Return what the table holds of a key."""
    return models.api_keys(
        keys.api_key(key.sha256),
        keys.META,
        g1pk=keys.ALL_KEYS,
        g1sk=keys.api_key_order(key),
        **attributes(key),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
