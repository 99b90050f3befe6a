"""The sky cut into HEALPix tiles, and the circles within which an imported file is taken to be complete."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from photocal.arrays import Bools, Floats, Ints
from photocal.sphere import chord, from_unit_vector, separation_deg, unit_vectors

ORDER = 7  # nested HEALPix, nside 128: tiles of 0.458 deg, 0.21 square degrees, 196,608 in all
NSIDE = 2**ORDER
_SMALLEST_FOOTPRINT_DEG = 1.0 / 60.0
_SAMPLES = 200

Cone = tuple[float, float, float]  # RA, Dec, radius, deg


@cache
def _grid() -> Any:  # noqa: ANN401  (astropy_healpix publishes no types)
    from astropy_healpix import HEALPix

    return HEALPix(nside=NSIDE, order="nested")


def tiles_of(ra_deg: Floats, dec_deg: Floats) -> Ints:
    """Return the (n,) tiles that positions lie in."""
    from astropy import units as u

    tiles: Ints = np.asarray(_grid().lonlat_to_healpix(ra_deg * u.deg, dec_deg * u.deg), dtype=np.int64)
    return tiles


def tiles_touching(ra_deg: float, dec_deg: float, radius_deg: float) -> list[int]:
    """Return the tiles that a cone touches, in order; at its edge perhaps one more."""
    from astropy import units as u

    touched = _grid().cone_search_lonlat(ra_deg * u.deg, dec_deg * u.deg, radius=min(radius_deg, 180.0) * u.deg)
    own = tiles_of(np.array([ra_deg]), np.array([dec_deg]))
    return sorted({*(int(tile) for tile in touched), int(own[0])})


def circle_around(tiles: Iterable[int]) -> Cone:
    """Return a cone that holds tiles whole."""
    edges = _grid().boundaries_lonlat(np.array(sorted(tiles)), step=4)
    vectors = unit_vectors(*(np.degrees(edge.rad).ravel() for edge in edges))
    ra, dec = from_unit_vector(vectors.mean(axis=0))
    radius = float(np.max(np.linalg.norm(vectors - unit_vectors(ra, dec), axis=1)))
    return ra, dec, float(np.degrees(2.0 * np.arcsin(min(radius / 2.0, 1.0)))) + 0.01


def footprints(ra_deg: Floats, dec_deg: Floats) -> list[Cone]:
    """Return the circles within which a file of stars is taken to be complete: one around each group of stars.

    Groups are apart where at least a tile without stars lies between them, so that a list of standard fields all over
    the sky does not claim the sky.
    """
    tiles = tiles_of(ra_deg, dec_deg)
    return [_circle(ra_deg[member], dec_deg[member]) for member in _groups(tiles)]


def _circle(ra_deg: Floats, dec_deg: Floats) -> Cone:
    vectors = unit_vectors(ra_deg, dec_deg)
    middle = vectors.mean(axis=0)
    ra, dec = from_unit_vector(middle) if np.linalg.norm(middle) > 1e-6 else (0.0, 90.0)  # noqa: PLR2004  (all round)
    radius = float(np.max(separation_deg(ra_deg, dec_deg, ra, dec)))
    return round(ra, 6), round(dec, 6), round(max(radius, _SMALLEST_FOOTPRINT_DEG) + 1e-5, 6)


def _groups(tiles: Ints) -> list[Bools]:
    distinct = np.unique(tiles)
    index = {int(tile): number for number, tile in enumerate(distinct)}
    neighbours = _grid().neighbours(distinct)  # (8, n), -1 where there is none
    group = np.full(len(distinct), -1)
    n_groups = 0
    for start in range(len(distinct)):
        if group[start] >= 0:
            continue
        waiting = [start]
        while waiting:
            here = waiting.pop()
            if group[here] < 0:
                group[here] = n_groups
                waiting += [index[int(tile)] for tile in neighbours[:, here] if int(tile) in index]
        n_groups += 1
    of_star = group[np.searchsorted(distinct, tiles)]
    return [of_star == number for number in range(n_groups)]


def covered_share(cone: Cone, whole_tiles: set[int], cones: Iterable[Cone]) -> float:
    """Return which part of a cone lies in whole tiles or in other cones, 0 to 1, from an even spread of places."""
    ra, dec = _spread(cone)
    covered = np.isin(tiles_of(ra, dec), list(whole_tiles)) if whole_tiles else np.zeros(len(ra), dtype=np.bool_)
    for other in cones:
        covered |= separation_deg(ra, dec, other[0], other[1]) <= other[2]
    return float(covered.mean())


def _spread(cone: Cone) -> tuple[Floats, Floats]:
    """Return places spread evenly over a cone: Vogel's spiral, without chance."""
    number = np.arange(_SAMPLES) + 0.5
    height = chord(cone[2]) ** 2 / 2.0 * number / _SAMPLES  # equal areas on the sphere: 1 - cos(distance)
    angle = np.pi * (3.0 - np.sqrt(5.0)) * number
    sine = np.sqrt(np.maximum(0.0, height * (2.0 - height)))
    ra, dec = np.radians(cone[0]), np.radians(cone[1])
    east = np.array([-np.sin(ra), np.cos(ra), 0.0])
    north = np.array([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    centre = unit_vectors(cone[0], cone[1])
    vectors = (1.0 - height)[:, None] * centre + (sine * np.cos(angle))[:, None] * east
    x, y, z = (vectors + (sine * np.sin(angle))[:, None] * north).T
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))
