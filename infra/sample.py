"""A sample to begin with: an observatory, an event, reference stars and an observer's catalogue, of a simulated field.

The field is made by our own simulator (`photocal.simulate`), so the truth is known; it is not on the sky.
"""

from __future__ import annotations

from dataclasses import dataclass

from cpcs.passbands import Passband
from cpcs.records import Event, Observatory
from cpcs.storage import Store
from infra import seed
from photocal.references import TileStore
from photocal.simulate import Setup, SimulatedField, simulate

OBSERVATORY = "Simulated Observatory"
SEED = 2026
SETUP = Setup(passband=Passband("APASS", "V"))  # a filter that one of the four catalogues has


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was loaded, and the key to upload with (shown this once)."""

    observatory: Observatory
    secret: str
    event: Event
    field: SimulatedField


def load(store: Store, *, setup: Setup | None = None, number: int = SEED, owner: str = "sample observer") -> Sample:
    """Simulate a field and put everything that its calibration needs into the storage.

    Parameters
    ----------
    store
        Where to.
    setup
        The field; `SETUP` when not given.
    number
        The seed of the simulation.
    owner
        Whose key it is.
    """
    field = simulate(setup or SETUP, seed=number)
    seeded = seed.observer(store, OBSERVATORY, owner=owner)
    event = seed.event(store, field.target.name, field.target.ra_deg, field.target.dec_deg, comment="simulated")
    load_references(store, field)
    return Sample(observatory=seeded.observatory, secret=seeded.secret, event=event, field=field)


def load_references(store: Store, field: SimulatedField) -> None:
    """Put the field's reference stars into the tile store, as `photocal references import` would."""
    tiles = TileStore(store.references)
    for reference in field.references:
        tiles.add(reference)
