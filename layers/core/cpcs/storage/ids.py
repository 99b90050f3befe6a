"""Ids of uploads: sortable by time, unguessable, 26 letters and digits.

48 bits of time (milliseconds since 1970) and 80 random bits, in Crockford's base 32: the form known as ULID.
"""

from __future__ import annotations

import re
import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26
_SAFE = re.compile(r"[0-9A-Za-z_-]{1,64}")


def new_job_id(now_s: float) -> str:
    """Return a new id for an upload made at ``now_s`` (Unix seconds)."""
    number = (int(now_s * 1000) & (1 << 48) - 1) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))


def is_safe(job_id: str) -> bool:
    """Whether this may stand in an object key: ids arrive in URLs."""
    return _SAFE.fullmatch(job_id) is not None
