"""Files that would hurt: one generator for each class of fault, the same bytes every time, none in the repository.

Each `Case` says how its file must end: read, refused with one of a few codes, or either. They are made of a few cards
and rows here, or of what astropy writes, and damaged from there.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import headers, images, packings, structure, tables, texts, tiles
from .case import Case, Door, Verdict

__all__ = ["Case", "Door", "Verdict", "cases"]


def cases() -> Iterator[Case]:
    """Yield every case."""
    for module in (structure, tables, texts, packings, tiles, images, headers):
        yield from module.cases()
