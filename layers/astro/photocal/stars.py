"""A list of stars as an observer measured it: what every reader returns and every fit starts from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from photocal.arrays import Anything, Bools, Floats, Ints
from photocal.sphere import from_unit_vector, separation_deg, unit_vectors

_USUAL_SHARE, _FAR = 0.9, 5.0  # of the stars lie within a radius; stars beyond so many times that are not in the field


@dataclass(frozen=True, kw_only=True)
class CatalogueMeta:
    """Where a star list came from.

    Attributes
    ----------
    format
        The format that was recognised, ``sextractor-ascii``, ``fits-ldac`` ...
    n_rows
        Rows in the file, usable or not.
    columns
        What each column was read from: our name -> the file's name.
    header
        The header cards that matter here (FILTER, EXPTIME, MJD-OBS ...), where the file carries any.
    fwhm_arcsec
        FWHM of a star: what is nearer than that was measured as one. None where it is not known.
    """

    format: str = ""
    n_rows: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=dict)
    fwhm_arcsec: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class StarList:
    """The stars of one catalogue; all arrays have the same length n.

    Attributes
    ----------
    ra_deg, dec_deg
        (n,) arrays, deg, ICRS (J2000).
    inst_mag, inst_mag_err
        (n,) arrays, mag.
    flags
        (n,) integers, SExtractor's meaning: 0 good, 1 neighbours, 2 blended, 4 saturated, 8 cut by the edge ...
    x, y
        (n,) arrays, pixels, 0-based centres; None where the catalogue has none.
    number
        (n,) integers, the catalogue's own numbers; None where it has none.
    meta
        Where the list came from.

    Raises
    ------
    ValueError
        The arrays differ in length.
    """

    ra_deg: Floats
    dec_deg: Floats
    inst_mag: Floats
    inst_mag_err: Floats
    flags: Ints
    x: Floats | None = None
    y: Floats | None = None
    number: Ints | None = None
    meta: CatalogueMeta = field(default_factory=CatalogueMeta)

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self._columns().items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns differ in length: {lengths}")

    def _columns(self) -> dict[str, Anything]:
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "meta"}
        return {name: value for name, value in values.items() if value is not None}

    def __len__(self) -> int:
        return len(self.ra_deg)

    @property
    def n(self) -> int:
        """How many stars there are."""
        return len(self.ra_deg)

    @cached_property
    def centre(self) -> tuple[float, float]:
        """RA and Dec, deg, of the middle of the field: their median direction.

        Raises
        ------
        ValueError
            There is no star.
        """
        if not self.n:
            raise ValueError("no stars, so no centre")
        vectors = unit_vectors(self.ra_deg, self.dec_deg)
        # The median direction is not drawn away by a handful of rows with coordinates from elsewhere.
        return from_unit_vector(np.median(vectors, axis=0))

    @cached_property
    def in_field(self) -> Bools:
        """(n,) which stars lie in the field: not several times farther out than nine in ten of them.

        A detection with coordinates from elsewhere (0, 0 is a favourite) must not make the field half a sky wide.
        """
        distance = separation_deg(self.ra_deg, self.dec_deg, *self.centre)
        usual = np.quantile(distance, _USUAL_SHARE, method="lower")
        near: Bools = distance <= _FAR * usual
        return near

    @cached_property
    def radius_deg(self) -> float:
        """Return the greatest distance of a star in the field from the centre, deg."""
        near = self.in_field
        return float(np.max(separation_deg(self.ra_deg[near], self.dec_deg[near], *self.centre)))

    def select(self, mask: Bools | Ints) -> StarList:
        """Return the stars that a mask (or a list of indices) picks."""
        picked: dict[str, Any] = {name: column[mask] for name, column in self._columns().items()}
        return replace(self, **picked)
