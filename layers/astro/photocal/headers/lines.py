"""Lines ``KEY = value / comment``, however they are spaced, as images of cards."""

from __future__ import annotations

import re

from photocal.headers.cards import Card, from_images

_LINE = re.compile(
    r"\s*(?:#\s?)?(?P<hierarch>HIERARCH\s+)?(?P<key>[A-Za-z_$][\w$.-]*(?: +[A-Za-z0-9][\w$.-]*){0,9})"
    r" *(?P<sign>[=:\t])\s?(?P<body>.*)",
    re.DOTALL,
)
_COMMENTARY = re.compile(r"\s*(COMMENT|HISTORY)\b", re.IGNORECASE)


def image_of(line: str) -> str:
    """Return a line as the image of a card, as `photocal.headers.cards` reads it; empty when it is none."""
    if _COMMENTARY.match(line):
        return ""
    if line.startswith("CONTINUE"):
        return line
    found = _LINE.match(line)
    if not found or (found["sign"] == ":" and " " in found["key"]):
        return ""
    key, body = " ".join(found["key"].split()), found["body"].rstrip()
    if found["sign"] == "\t":
        body = body.replace("\t", " / ", 1)
    long = found["hierarch"] or len(key) > 8 or " " in key  # noqa: PLR2004 -- longer ones are HIERARCH
    return f"HIERARCH {key} = {body}" if long else f"{key:<8}= {body}"


def card_of_line(line: str) -> Card | None:
    """Return the card of one line ``KEY = value / comment``; None when it is none."""
    image = image_of(line)
    return next(iter(from_images([image]).cards), None) if image else None
