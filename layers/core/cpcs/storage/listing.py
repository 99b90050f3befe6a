"""Lists in pages, newest first, over one partition or over the years backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pynamodb.expressions.condition import Condition

from cpcs import clock

from . import keys
from .cursors import Cursors, Place
from .models import RANGE_KEYS, AnyItem

LARGEST_PAGE = 1000
_FIRST = " "  # sorts before every key in use

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Entry]):
    """A part of a list, and the cursor for the next part (None when there is none)."""

    items: tuple[Entry, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How one list is read: from which partitions of which index, what is kept."""

    scope: str  # names the list and its filters, so that its cursors are good for nothing else
    index: str | None
    partitions: Sequence[str]
    keep: Condition | None = None
    prefix: str = ""  # of the sort keys
    lowest: str = ""  # of the sort keys; "" for no bound
    highest: str | None = None


def years_backwards(now_s: float) -> Iterable[int]:
    """Return the years whose partitions may hold something, newest first. Clocks may differ at New Year."""
    return range(keys.year(clock.iso(now_s + clock.SECONDS_PER_DAY)), keys.FIRST_YEAR - 1, -1)


def page(
    listing: Listing,
    model: type[AnyItem],
    read: Callable[[AnyItem], Entry],
    *,
    limit: int,
    cursor: str | None,
    cursors: Cursors,
) -> Page[Entry]:
    """Return one page of a list.

    Parameters
    ----------
    listing
        Which list.
    model
        Of its items.
    read
        Makes a record of an item.
    limit
        How many at most (1 to 1000).
    cursor
        Where to go on, from the page before; None for the first page.
    cursors
        Reads and writes cursors.

    Raises
    ------
    BadCursor
        The cursor was not written for this list.
    """
    limit = max(1, min(limit, LARGEST_PAGE))
    after = cursors.read(listing.scope, cursor) if cursor else None
    found: list[tuple[Place, AnyItem]] = []
    for partition in _from(listing.partitions, after):
        last = after.order if after and after.partition == partition else listing.highest
        found += _read(listing, model, partition, last, limit + 1 - len(found))
        if len(found) > limit:
            break
    more = len(found) > limit
    return Page(
        items=tuple(read(item) for _, item in found[:limit]),
        cursor=cursors.write(listing.scope, found[limit - 1][0]) if more else None,
    )


def _from(partitions: Sequence[str], after: Place | None) -> Sequence[str]:
    if after is None or after.partition not in partitions:
        return partitions
    return partitions[partitions.index(after.partition) :]


def _read(
    listing: Listing, model: type[AnyItem], partition: str, last: str | None, limit: int
) -> list[tuple[Place, AnyItem]]:
    order = RANGE_KEYS[listing.index]
    within: Condition | None = None
    if last is not None:
        within = order.between(
            listing.prefix or listing.lowest or _FIRST, last
        )  # the last one comes again: a key cannot be excluded
    elif listing.prefix:
        within = order.startswith(listing.prefix)
    elif listing.lowest:
        within = order >= listing.lowest
    items = model.query(
        partition,
        within,
        listing.keep,
        index_name=listing.index,
        scan_index_forward=False,
        limit=limit + (last is not None),
        consistent_read=listing.index is None,
    )
    places = ((Place(partition, str(item.attribute_values[order.attr_name])), item) for item in items)
    return [(place, item) for place, item in places if place.order != last][:limit]
