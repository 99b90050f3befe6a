"""S3's objects on disk after a ``kill -9``: whole, but perhaps with a description that is one write behind.

The emulator writes an object's bytes (atomically), then its description (``.meta.json``), then answers. Killed in
between, an object that was being overwritten has new bytes and the old size and ETag: neither version was acknowledged
as replaced, but a reader would be cut off at the old length. The description then forgets size and ETag; the emulator
computes them when it starts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

_DESCRIPTION = ".meta.json"
_UNFINISHED = ".tmp"


def mend(folder: Path) -> int:
    """Mend what a kill in the middle of a write left; return how many objects were concerned."""
    for unfinished in folder.rglob(f"*{_UNFINISHED}"):
        unfinished.unlink()
    return sum(_forget_size(path) for path in _behind(folder))


def _behind(folder: Path) -> Iterator[Path]:
    for description in folder.rglob(f"*{_DESCRIPTION}"):
        content = description.with_name(description.name.removesuffix(_DESCRIPTION))
        if content.is_file() and content.stat().st_mtime_ns > description.stat().st_mtime_ns:
            yield description


def _forget_size(description: Path) -> bool:
    told = json.loads(description.read_text(encoding="utf-8"))
    for name in ("size", "etag", "checksums"):
        told.pop(name, None)
    description.write_text(json.dumps(told), encoding="utf-8")
    return True
