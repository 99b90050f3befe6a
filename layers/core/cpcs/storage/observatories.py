"""Observatories: a few hundred at most, one for each name."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

from pynamodb.transactions import TransactWrite

from cpcs import clock, serial
from cpcs.errors import BadField, MissingField, ObservatoryExists, UnknownObservatory
from cpcs.records import Observatory

from . import keys, layout
from .counters import next_number
from .models import GSI1, Models, ObservatoryItem, ObservatoryNameItem, attributes, find, record
from .objects import Bucket
from .transactions import until_settled

LONGEST_NAME = 80  # percent-encoded, it must fit an object key


@dataclass(frozen=True, slots=True, kw_only=True)
class Observatories:
    """The observatories."""

    models: Models
    data: Bucket
    now: Callable[[], float] = time.time

    def create(
        self,
        name: str,
        *,
        longitude_deg: float | None = None,
        latitude_deg: float | None = None,
        altitude_m: float | None = None,
        prefix: str = "",
    ) -> Observatory:
        """Register an observatory: in S3 first, where one name can be taken but once, then in the table.

        Parameters
        ----------
        name
            As shown to people.
        longitude_deg, latitude_deg
            Degrees, east and north positive; None is unknown.
        altitude_m
            Metres above the sea.
        prefix
            What its keys began with in the first CPCS.

        Raises
        ------
        ObservatoryExists
            The name is taken.
        MissingField, BadField
            There is no name, or one that cannot be used.
        """
        name = _clean(name)
        taken = find(self.models.observatory_names, keys.observatory_name(name), keys.REF)
        if taken is not None:
            raise ObservatoryExists(name=name, observatory_id=int(taken.observatory_id))
        observatory = Observatory(
            observatory_id=next_number(self.models, "observatory"),
            name=name,
            longitude_deg=longitude_deg,
            latitude_deg=latitude_deg,
            altitude_m=altitude_m,
            prefix=prefix,
            created=clock.iso(self.now()),
        )
        there = self.data.put_new(layout.observatory(name), serial.dumps(observatory))
        registered = serial.loads(Observatory, there)
        self._index(registered)
        # As for events: who asks again after a crash finishes the work, and gets what was registered.
        again = replace(observatory, observatory_id=registered.observatory_id, created=registered.created)
        if registered.observatory_id != observatory.observatory_id and registered != again:
            raise ObservatoryExists(name=registered.name, observatory_id=registered.observatory_id)
        return registered

    def get(self, observatory_id: int) -> Observatory:
        """Return an observatory.

        Raises
        ------
        UnknownObservatory
            There is none of that id.
        """
        item = find(self.models.observatories, keys.observatory(observatory_id), keys.META)
        if item is None:
            raise UnknownObservatory(observatory=observatory_id)
        return record(Observatory, item)

    def all(self) -> list[Observatory]:
        """Return all observatories, in the order of their ids."""
        items = self.models.observatories.query(keys.ALL_OBSERVATORIES, index_name=GSI1)
        return [record(Observatory, item) for item in items]

    def _index(self, observatory: Observatory) -> None:
        def step() -> None:
            if find(self.models.observatories, keys.observatory(observatory.observatory_id), keys.META) is not None:
                return
            item, name = items(self.models, observatory)
            with TransactWrite(connection=self.models.table.connection) as transaction:
                transaction.save(item, condition=ObservatoryItem.pk.does_not_exist())
                transaction.save(name, condition=ObservatoryNameItem.pk.does_not_exist())

        until_settled(f"The observatory {observatory.name}", step)


def items(models: Models, observatory: Observatory) -> tuple[ObservatoryItem, ObservatoryNameItem]:
    """Return what the table holds of an observatory."""
    return (
        models.observatories(
            keys.observatory(observatory.observatory_id),
            keys.META,
            g1pk=keys.ALL_OBSERVATORIES,
            g1sk=keys.observatory_order(observatory),
            **attributes(observatory),
        ),
        models.observatory_names(
            keys.observatory_name(observatory.name), keys.REF, observatory_id=observatory.observatory_id
        ),
    )


def _clean(given: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", given).split())
    if not name:
        raise MissingField(field="name", meaning="the name of the observatory")
    if len(name) > LONGEST_NAME or not name.isprintable():
        expected = f"a name of at most {LONGEST_NAME} printable characters"
        raise BadField(field="name", value=name[:32], expected=expected)
    return name
