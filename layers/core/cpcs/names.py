"""How events are called: bare (``Gaia18bmt``), short (``ivo://Gaia18bmt``) or as a full IVORN.

One event per name: all three forms lead to the same key. Names hold spaces, ``+``, ``#`` and ``/``.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from cpcs.errors import BadField, MissingField

SCHEME = "ivo://"
LONGEST = 128
_ALLOWED = re.compile(r"[A-Za-z0-9 ._/:;,#+()\[\]'*@=~&-]+")
_DESIGNATION = re.compile(r"[A-Za-z][A-Za-z0-9 ._+-]*\d[A-Za-z0-9 ._+-]*")


def clean(given: str) -> str:
    """Return the name without scheme and superfluous blanks.

    Raises
    ------
    MissingField
        There is nothing left.
    BadField
        It is too long, or holds characters that no event name has.

    Examples
    --------
    >>> clean("ivo://Gaia18bmt"), clean(" CRTS  J105122.8+672528 ")
    ('Gaia18bmt', 'CRTS J105122.8+672528')
    """
    name = " ".join(unicodedata.normalize("NFC", given).split())
    while name[: len(SCHEME)].lower() == SCHEME:  # some scripts put it before a name that has it
        name = name[len(SCHEME) :].strip()
    if not name:
        raise MissingField(field="event", meaning="the name of the alert, for instance Gaia18bmt")
    if len(name) > LONGEST or not _ALLOWED.fullmatch(name):
        shown = name if len(name) <= LONGEST else name[:32] + "..."
        expected = f"a name of at most {LONGEST} letters, digits and ._/:#+- signs"
        raise BadField(field="event", value=shown, expected=expected)
    return name


def event_key(given: str) -> str:
    """Return the key under which an event is stored, the same for every form of its name.

    A full IVORN ends in ``#designation``; where that looks like a name (a letter first, a digit somewhere) it alone
    counts. Case does not matter.

    Examples
    --------
    >>> event_key("Gaia18bmt") == event_key("ivo://gaia.cam.uk/alerts#Gaia18bmt") == event_key("ivo://gaia18BMT")
    True
    >>> event_key("ivo://nvo.caltech/voeventnet/catot#1208121350994133433")
    'nvo.caltech/voeventnet/catot#1208121350994133433'
    """
    name = clean(given)
    _, hash_sign, fragment = name.rpartition("#")
    if hash_sign and _DESIGNATION.fullmatch(fragment.strip()):
        name = fragment.strip()
    return name.casefold()


def ivorn(given: str) -> str:
    """Return the name with its scheme, as the first CPCS shows it: ``ivo://Gaia18bmt``."""
    return SCHEME + clean(given)


def path_safe(name: str) -> str:
    """Return the name as one path segment: for object keys and URLs."""
    return quote(name, safe="")
