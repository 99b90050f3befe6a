"""Page cursors that nobody can forge: the place where a list goes on, signed with a secret of this deployment."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

from cpcs.errors import BadCursor

from . import layout
from .objects import Bucket

_SIGNATURE_BYTES = 16
_LONGEST = 2048


class Place(NamedTuple):
    """Where a page ended: the partition, and the last sort key in it."""

    partition: str
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursors:
    """Writes and reads cursors."""

    bucket: Bucket
    _cache: dict[str, bytes] = field(default_factory=dict)

    def prepare(self) -> bytes:
        """Return the secret; make it once, where there is none. Functions that only read never need to."""
        if "secret" not in self._cache:
            there = self.bucket.get(layout.CURSOR_SECRET)
            if there is None:
                there = self.bucket.put_new(layout.CURSOR_SECRET, secrets.token_bytes(32), "application/octet-stream")
            self._cache["secret"] = there
        return self._cache["secret"]

    def write(self, scope: str, place: Place) -> str:
        """Return the cursor for a place; ``scope`` says of which list, with which filters."""
        body = json.dumps(place, ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(scope, body) + body).rstrip(b"=").decode()

    def read(self, scope: str, cursor: str) -> Place:
        """Return the place a cursor names.

        Raises
        ------
        BadCursor
            It was not written by this server, or for another list.
        """
        try:
            if len(cursor) > _LONGEST:
                raise BadCursor
            raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError as error:
            raise BadCursor from error
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(scope, body)):
            raise BadCursor
        partition, order = json.loads(body)
        return Place(partition, order)

    def _sign(self, scope: str, body: bytes) -> bytes:
        return hmac.new(self.prepare(), scope.encode() + b"\0" + body, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
