"""Fills a deployment with what people need before the first upload: observatories, keys, events.

Works on the deployment that the environment names (`infra.local.stack.EmbeddedStack.environment` on a laptop), through
`cpcs.storage.Store`, so that everything lands in S3 first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cpcs.errors import EventExists, ObservatoryExists
from cpcs.records import Event, Observatory, Role
from cpcs.settings import Settings
from cpcs.storage import Store

OPERATORS = "Operators"  # the observatory that administrators' keys belong to


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """An observatory with a key to it; the secret is shown this once."""

    observatory: Observatory
    secret: str


def connect(environment: Mapping[str, str] | None = None) -> Store:
    """Return the storage that this process's environment names.

    Parameters
    ----------
    environment
        Put into this process's environment first, where boto3 finds endpoint and credentials.
    """
    os.environ.update(environment or {})
    return Store.connect(Settings.from_environment(os.environ))


def observatory(
    store: Store,
    name: str,
    *,
    longitude_deg: float | None = None,
    latitude_deg: float | None = None,
    altitude_m: float | None = None,
) -> Observatory:
    """Return the observatory of that name, made if it is not there."""
    try:
        return store.observatories.create(
            name, longitude_deg=longitude_deg, latitude_deg=latitude_deg, altitude_m=altitude_m
        )
    except ObservatoryExists:
        wanted = " ".join(name.split()).casefold()
        return next(one for one in store.observatories.all() if one.name.casefold() == wanted)


def observer(store: Store, name: str, *, owner: str, role: Role = Role.OBSERVER) -> Seeded:
    """Return a new key to the observatory of that name, made if it is not there."""
    site = observatory(store, name)
    secret, _ = store.keys.issue(site.observatory_id, role, owner)
    return Seeded(observatory=site, secret=secret)


def admin_key(store: Store, *, owner: str) -> str:
    """Return the secret of a new administrator's key."""
    return observer(store, OPERATORS, owner=owner, role=Role.ADMIN).secret


def event(store: Store, name: str, ra_deg: float, dec_deg: float, *, url: str = "", comment: str = "") -> Event:
    """Return the event of that name, made if it is not there."""
    try:
        return store.events.create(name, ra_deg, dec_deg, url=url, comment=comment, created_by="seed")
    except EventExists:
        return store.events.get(name)
