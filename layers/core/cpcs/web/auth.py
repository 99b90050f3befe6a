"""Where a request carries its key: a bearer header or the site's session; on the old routes four places more.

Nothing here logs, and no representation holds a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cpcs.errors import BadKey, Forbidden, KeyRequired
from cpcs.records import ApiKey, Role
from cpcs.web.request import Request

SESSION_COOKIE = "cpcs_session"
HASHTAG = "hashtag"
MASK = "[key]"
SHORTEST_MASKED = 6
_IN_BODY = re.compile(
    r"""name="?hashtag"?[^\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^\r\n]+)|(?:^|&)(?:hashtag|key)=([^&\s]+)"""
    r"""|"(?:hashtag|key)"\s*:\s*"([^"]+)\""""
)


class Keys(Protocol):
    """What the storage says about keys."""

    def verify(self, secret: str, *, touch: bool = True) -> ApiKey:
        """Return the key of that secret, or raise BadKey; ``touch`` notes that it was used."""

    def session(self, token: str) -> ApiKey:
        """Return the key of that session, or raise BadKey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret that came with a request: a key, or the token of a session."""

    secret: str = field(repr=False)
    is_session: bool = False


def of_request(request: Request) -> Credential | None:
    """Return the key in ``Authorization: Bearer`` or else the session cookie; None when there is neither."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return Credential(secret=value.strip())
    token = request.cookies.get(SESSION_COOKIE, "")
    return Credential(secret=token, is_session=True) if token else None


def of_old_request(request: Request, fields: Mapping[str, Any]) -> Credential | None:
    """Return the key as the first CPCS took it: form, query, cookie or header, all named ``hashtag``."""
    for place in (fields, request.query, request.headers):
        given = str(place.get(HASHTAG, "")).strip()
        if given:
            return Credential(secret=given)
    cookie = request.cookies.get(HASHTAG, "")
    if cookie and cookie != request.cookies.get(SESSION_COOKIE):
        return Credential(secret=cookie)
    return of_request(request)


def key_of(credential: Credential | None, keys: Keys, *, touch: bool = True) -> ApiKey:
    """Return the key behind a credential; functions that only read cannot note its use (``touch``).

    Raises
    ------
    KeyRequired
        None was sent.
    BadKey
        It is unknown, mistyped, expired or revoked: the answer does not say which.
    """
    if credential is None:
        raise KeyRequired
    key = keys.session(credential.secret) if credential.is_session else keys.verify(credential.secret, touch=touch)
    if key.revoked:
        raise BadKey
    return key


def demand_admin(key: ApiKey) -> ApiKey:
    """Return the key if it is an administrator's.

    Raises
    ------
    Forbidden
        It is not.
    """
    if not key.is_admin:
        raise Forbidden(reason="an administrator's key is needed")
    return key


def demand_lead(key: ApiKey, observatory_id: int) -> ApiKey:
    """Return the key if it is that of an observatory's lead, or an administrator's.

    Raises
    ------
    Forbidden
        It is not.
    """
    is_lead = key.role is Role.LEAD and key.observatory_id == observatory_id
    if not is_lead and not key.is_admin:
        raise Forbidden(reason="the key of the observatory's lead is needed")
    return key


def masked(text: str, request: Request) -> str:
    """Return the text with every secret the request carried taken out: for what goes to the log."""
    for secret in sorted(set(_secrets(request)), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _secrets(request: Request) -> Iterator[str]:
    """Yield what may be a secret; what stands in a body is found by its name, in any kind of form."""
    credentials = (of_request(request), of_old_request(request, {}))
    found = [credential.secret for credential in credentials if credential]
    found += [request.cookies.get(name, "") for name in (SESSION_COOKIE, HASHTAG)]
    found += [request.query.get(name, "") for name in (HASHTAG, "key")]
    found += [part for match in _IN_BODY.findall(request.body.decode("latin-1")) for part in match]
    yield from (secret for secret in found if len(secret) >= SHORTEST_MASKED)
