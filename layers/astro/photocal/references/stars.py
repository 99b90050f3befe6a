"""Reference stars: what a catalogue knows of a field, and what every fit is made against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from photocal.arrays import Anything, Bools, Floats, Ints
from photocal.sphere import MAS_PER_RADIAN, separation_deg, unit_vectors

Bands = Mapping[str, tuple[Floats, Floats]]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceStars:
    """Stars of one reference catalogue; all arrays have the same length n.

    Attributes
    ----------
    catalogue
        Its name, ``APASS``.
    ra_deg, dec_deg
        (n,) arrays, deg, ICRS, at ``epoch_yr``.
    pm_ra_mas_yr, pm_dec_mas_yr
        (n,) arrays, mas/yr, the first with the factor cos(dec); 0 where unknown. None where the catalogue has none.
    err_mas, pm_err_mas_yr
        (n,) arrays, mas and mas/yr: errors of position at ``epoch_yr``, and of proper motion, along each axis; NaN
        where unknown. None where the catalogue tells none.
    epoch_yr
        Julian year of the positions.
    bands
        Filter -> (magnitudes, errors), (n,) arrays, mag; NaN where the star has none.
    complete
        Whether every star that the catalogue has in the cone asked for is here. An imported file may cover less.

    Raises
    ------
    ValueError
        The arrays differ in length.
    """

    catalogue: str
    ra_deg: Floats
    dec_deg: Floats
    pm_ra_mas_yr: Floats | None = None
    pm_dec_mas_yr: Floats | None = None
    err_mas: Floats | None = None
    pm_err_mas_yr: Floats | None = None
    epoch_yr: float = 2000.0
    bands: Bands = field(default_factory=dict)
    complete: bool = True

    def __post_init__(self) -> None:
        columns: list[Anything] = [self.ra_deg, self.dec_deg]
        given = (self.pm_ra_mas_yr, self.pm_dec_mas_yr, self.err_mas, self.pm_err_mas_yr)
        columns += [column for column in given if column is not None]
        columns += [column for pair in self.bands.values() for column in pair]
        if len({len(column) for column in columns}) > 1:
            raise ValueError(f"columns of {self.catalogue} differ in length")

    def __len__(self) -> int:
        return len(self.ra_deg)

    @property
    def n(self) -> int:
        """How many stars there are."""
        return len(self.ra_deg)

    @property
    def filters(self) -> tuple[str, ...]:
        """The filters in which at least one star has a magnitude."""
        return tuple(name for name, (mag, _) in self.bands.items() if np.isfinite(mag).any())

    def select(self, mask: Bools | Ints) -> ReferenceStars:
        """Return the stars that a mask (or a list of indices) picks."""
        return replace(
            self,
            ra_deg=self.ra_deg[mask],
            dec_deg=self.dec_deg[mask],
            pm_ra_mas_yr=None if self.pm_ra_mas_yr is None else self.pm_ra_mas_yr[mask],
            pm_dec_mas_yr=None if self.pm_dec_mas_yr is None else self.pm_dec_mas_yr[mask],
            err_mas=None if self.err_mas is None else self.err_mas[mask],
            pm_err_mas_yr=None if self.pm_err_mas_yr is None else self.pm_err_mas_yr[mask],
            bands={name: (mag[mask], err[mask]) for name, (mag, err) in self.bands.items()},
        )

    def within(self, ra_deg: float, dec_deg: float, radius_deg: float) -> ReferenceStars:
        """Return the stars of a cone, deg."""
        near = np.flatnonzero(np.abs(self.dec_deg - dec_deg) <= radius_deg)  # a cheap first cut
        separation = separation_deg(self.ra_deg[near], self.dec_deg[near], ra_deg, dec_deg)
        return self.select(near[separation <= radius_deg])

    def at_epoch(self, epoch_yr: float) -> ReferenceStars:
        """Return the stars where they stand at another epoch: proper motion along the great circle.

        The errors of position grow by those of the motion, where these are known.

        Parameters
        ----------
        epoch_yr
            Julian year.
        """
        if self.pm_ra_mas_yr is None or self.pm_dec_mas_yr is None or not self.n:
            return self
        years = epoch_yr - self.epoch_yr
        ra, dec = _moved(self.ra_deg, self.dec_deg, self.pm_ra_mas_yr * years, self.pm_dec_mas_yr * years)
        err = self.err_mas
        if err is not None and self.pm_err_mas_yr is not None:
            err = np.hypot(err, np.nan_to_num(self.pm_err_mas_yr * years))
        return replace(self, ra_deg=ra, dec_deg=dec, err_mas=err, epoch_yr=epoch_yr)


def _moved(ra_deg: Floats, dec_deg: Floats, east_mas: Floats, north_mas: Floats) -> tuple[Floats, Floats]:
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=-1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=-1)
    step = (east * east_mas[:, None] + north * north_mas[:, None]) / MAS_PER_RADIAN
    x, y, z = (unit_vectors(ra_deg, dec_deg) + step).T
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))
