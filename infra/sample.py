"""A sample to begin with: an observatory, an event, reference stars and an observer's catalogue, of a simulated field.

The field is made by our own simulator (`photocal.simulate`), so the truth is known; it is not on the sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpcs.passbands import Passband
from cpcs.records import Event, Observatory
from cpcs.storage import Store
from infra import seed
from photocal.references import TileStore
from photocal.simulate import Setup, SimulatedField, simulate
from photocal.simulate_image import StarField, star_field
from photocal.simulate_scene import CRUDE, Scene, mid_exposure_mjd

OBSERVATORY = "Simulated Observatory"
SEED = 2026
STAR_COUNTS = 15_000.0  # of the star that is the event on the image
SETUP = Setup(passband=Passband("APASS", "V"))  # a filter that one of the four catalogues has
PICTURE = Scene(  # elsewhere on the sky, so that the reference stars of the two do not mix
    ra_deg=287.35,
    dec_deg=41.2,
    shape=(700, 900),
    n_stars=500,
    wcs=CRUDE,
    rotation_deg=25.0,
    distortion=2.0,
    n_cosmics=30,
    n_hot=20,
    bad_columns=(333,),
)
PICTURED = "Gaia19img"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSample:
    """A simulated image, with the event that is a star of it, and what is true of that star."""

    field: StarField
    event: Event
    mjd: float
    true_mag: float  # PS1 r


def load_picture(store: Store) -> PictureSample:
    """Simulate an image, and put its event and its reference stars into the storage."""
    field = star_field(PICTURE, seed=SEED)
    TileStore(store.references).add(field.references)
    truth, (ny, nx) = field.truth, PICTURE.shape
    inner = truth.inside & ~truth.hit & (np.abs(truth.x - nx / 2) < nx / 4) & (np.abs(truth.y - ny / 2) < ny / 4)
    star = int(np.argmin(np.where(inner, np.abs(truth.flux - STAR_COUNTS), np.inf)))
    ra, dec = float(truth.ra_deg[star]), float(truth.dec_deg[star])
    event = seed.event(store, PICTURED, ra, dec, comment="simulated")
    return PictureSample(field=field, event=event, mjd=mid_exposure_mjd(PICTURE), true_mag=float(truth.r[star]))


def load_references(store: Store, field: SimulatedField) -> None:
    """Put the field's reference stars into the tile store, as `photocal references import` would."""
    tiles = TileStore(store.references)
    for reference in field.references:
        tiles.add(reference)
