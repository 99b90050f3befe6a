"""Follow-up points: an event's light curve, and the lists of points, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_type_hints

from pynamodb.expressions.condition import Condition

from cpcs.errors import UnknownPoint
from cpcs.names import event_key
from cpcs.records import ApiKey, FollowupPoint, Mode

from . import keys
from .counters import next_number
from .cursors import Cursors
from .index import Deletion, Index
from .listing import Listing, Page, page, years_backwards
from .models import GSI1, GSI2, GSI3, Models, PointItem, find, record

Raw = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """The follow-up points."""

    models: Models
    index: Index
    cursors: Cursors
    now: Callable[[], float] = time.time

    def next_id(self) -> int:
        """Return the number of the next point."""
        return next_number(self.models, "followup")

    def by_event(self, key: str) -> list[FollowupPoint]:
        """Return the current points of an event in the order of their MJD, as they are now (strongly consistent).

        Parameters
        ----------
        key
            The event's key.
        """
        points: list[FollowupPoint] = []
        start: dict[str, Any] | None = None
        while True:
            answer = self.models.table.query(
                keys.event(key),
                PointItem.sk.startswith(keys.POINTS),
                consistent_read=True,
                exclusive_start_key=start,
            )
            points += [decode(item) for item in answer["Items"] if "superseded_by" not in item]
            start = answer.get("LastEvaluatedKey")
            if not start:
                return points

    def get(self, followup_id: int) -> FollowupPoint:
        """Return a point, current or superseded.

        Raises
        ------
        UnknownPoint
            There is none of that number, or it was deleted.
        """
        ref = find(self.models.point_refs, keys.point_ref(followup_id), keys.REF)
        item = find(self.models.points, keys.event(ref.event), ref.point) if ref is not None else None
        if item is None:
            raise UnknownPoint(followup_id=followup_id)
        return record(FollowupPoint, item)

    def page(
        self,
        observatory_id: int | None = None,
        key_id: str | None = None,
        event: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[FollowupPoint]:
        """Return a page of the current points: last calibrated first; of one event, last observed first.

        Parameters
        ----------
        observatory_id, key_id, event
            Only the points of these; any of them may be left out.
        limit
            How many at most.
        cursor
            Where to go on.

        Raises
        ------
        BadCursor
            The cursor is not of this list, with these filters.
        """
        listing = self._listing(observatory_id, key_id, event_key(event) if event is not None else None)
        return page(
            listing,
            self.models.points,
            lambda item: record(FollowupPoint, item),
            limit=limit,
            cursor=cursor,
            cursors=self.cursors,
        )

    def delete(self, followup_id: int, key: ApiKey) -> Deletion:
        """Delete a point, for good: the tombstone is written to S3 first. Deleting it again is no error.

        Parameters
        ----------
        followup_id
            The point's number.
        key
            Of the same observatory, or an administrator's.

        Raises
        ------
        UnknownPoint
            There has never been one of that number.
        Forbidden
            It belongs to another observatory.
        """
        return self.index.delete(followup_id, key)

    def _listing(self, observatory_id: int | None, key_id: str | None, event: str | None) -> Listing:
        scope = f"points|{event or ''}|{'' if observatory_id is None else observatory_id}|{key_id or ''}"
        keep = _all_of(
            PointItem.observatory_id == observatory_id if observatory_id is not None else None,
            PointItem.key_id == key_id if key_id is not None else None,
        )
        if event is not None:
            current = _all_of(PointItem.superseded_by.does_not_exist(), keep)
            return Listing(scope=scope, index=None, partitions=[keys.event(event)], keep=current, prefix=keys.POINTS)
        if observatory_id is not None:
            return Listing(scope=scope, index=GSI2, partitions=[keys.points_at(observatory_id)], keep=keep)
        if key_id is not None:
            return Listing(scope=scope, index=GSI3, partitions=[keys.points_by(key_id)])
        years = [keys.points_of(year) for year in years_backwards(self.now())]
        return Listing(scope=scope, index=GSI1, partitions=years)


def decode(item: Raw) -> FollowupPoint:
    """Return the point that a raw DynamoDB item holds: by hand, since a light curve may have 100,000 of them."""
    values = dict(_UNKNOWN)
    for name, kind, read in _plan():
        raw = item.get(name)
        if raw is not None:
            values[name] = read(raw[kind])
    return FollowupPoint(**values)


_UNKNOWN: dict[str, Any] = {"exposure_s": None, "mag_err": None, "ra_deg": None, "dec_deg": None}
_KINDS: dict[Any, tuple[str, Callable[[Any], Any]]] = {
    int: ("N", int),
    int | None: ("N", int),
    float: ("N", float),
    float | None: ("N", float),
    str: ("S", str),
    str | None: ("S", str),
    bool: ("BOOL", bool),
    Mode: ("S", Mode),
}


@cache
def _plan() -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    hints = get_type_hints(FollowupPoint)
    return tuple((item.name, *_KINDS[hints[item.name]]) for item in fields(FollowupPoint))


def _all_of(*conditions: Condition | None) -> Condition | None:
    given = [condition for condition in conditions if condition is not None]
    whole = given[0] if given else None
    for condition in given[1:]:
        whole = whole & condition if whole is not None else condition
    return whole
