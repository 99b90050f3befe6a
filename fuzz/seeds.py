"""Where fuzzing begins: the hostile files that are short enough."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .targets import LONGEST

_DOORS = {
    "header": ("header", "image"),
    "text": ("catalogue",),
    "gate": ("catalogue",),
    "image": ("image",),
    "mapping": ("mapping",),
}
_MOST = 20_000  # bytes: short ones are changed where it matters more often


def seeds(target: str) -> list[bytes]:
    """Return the inputs to begin with."""
    from tests.support.hostile import cases

    made = (case.make() for case in cases() if case.door in _DOORS[target] and not case.huge and case.group != "bombs")
    return [data for data in made if 0 < len(data) <= _MOST and _suits(target, data)]


def write(target: str, folder: Path) -> int:
    """Write the seeds as files, and return how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    found = seeds(target)
    for data in found:
        (folder / hashlib.sha256(data).hexdigest()[:20]).write_bytes(data[:LONGEST])
    return len(found)


def _suits(target: str, data: bytes) -> bool:
    is_fits = data.startswith((b"SIMPLE", b"\x1f\x8b", b"BZh"))
    return {"text": not is_fits, "gate": is_fits}.get(target, True)
