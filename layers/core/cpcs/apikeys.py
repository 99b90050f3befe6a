"""API keys: ``cpcs_<43 base62>_<6 base62>``, 256 random bits and a checksum.

The checksum (CRC-32 of what stands before it) tells a mistyped key from an unknown one without asking the database,
and lets secret scanners find leaked keys. Only the SHA-256 of a key is ever stored. The first CPCS's hashtags have
no fixed shape, and are recognised by their SHA-256 alike.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

PREFIX = "cpcs"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_DIGITS = 43  # 62**43 > 2**256
_CHECK_DIGITS = 6  # 62**6 > 2**32
_SHAPE = re.compile(rf"({PREFIX}_[0-9A-Za-z]{{{_SECRET_DIGITS}}})_([0-9A-Za-z]{{{_CHECK_DIGITS}}})")


def generate() -> str:
    """Return a new key, from the system's source of randomness."""
    body = f"{PREFIX}_{_base62(secrets.randbits(256), _SECRET_DIGITS)}"
    return f"{body}_{_checksum(body)}"


def looks_mistyped(secret: str) -> bool:
    """Whether this has the shape of a key, but not its checksum. Other shapes may be old hashtags."""
    shape = _SHAPE.fullmatch(secret.strip())
    return shape is not None and _checksum(shape[1]) != shape[2]


def digest(secret: str) -> str:
    """Return the SHA-256 (hexadecimal) under which a key is stored; blanks around it do not count."""
    return hashlib.sha256(secret.strip().encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_DIGITS)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
