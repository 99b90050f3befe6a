"""Positions on the sky as unit vectors, so that RA 0/360 and the poles are nothing special."""

from __future__ import annotations

import numpy as np

from photocal.arrays import Floats

ARCSEC_PER_RADIAN = 180.0 / np.pi * 3600.0
MAS_PER_RADIAN = ARCSEC_PER_RADIAN * 1000.0


def unit_vectors(ra_deg: Floats | float, dec_deg: Floats | float) -> Floats:
    """Return the unit vectors of positions.

    Parameters
    ----------
    ra_deg, dec_deg
        (n,) array or scalar, deg.

    Returns
    -------
    ndarray
        (n, 3) or (3,) array.
    """
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    cos_dec = np.cos(dec)
    return np.stack([cos_dec * np.cos(ra), cos_dec * np.sin(ra), np.sin(dec)], axis=-1)


def from_unit_vector(vector: Floats) -> tuple[float, float]:
    """Return the RA (0 to 360) and Dec, deg, of one vector of any length."""
    x, y, z = (float(value) for value in vector)
    return float(np.degrees(np.arctan2(y, x)) % 360.0), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def chord(angle_deg: float) -> float:
    """Return the length of the chord that subtends an angle on the unit sphere."""
    return float(2.0 * np.sin(np.radians(min(angle_deg, 180.0)) / 2.0))


def separation_deg(
    ra1_deg: Floats | float, dec1_deg: Floats | float, ra2_deg: Floats | float, dec2_deg: Floats | float
) -> Floats:
    """Return the angular separation, deg, exact for small angles (from the chord)."""
    difference = unit_vectors(ra1_deg, dec1_deg) - unit_vectors(ra2_deg, dec2_deg)
    half = np.clip(np.linalg.norm(difference, axis=-1) / 2.0, 0.0, 1.0)
    separation: Floats = np.degrees(2.0 * np.arcsin(half))
    return separation


def tangent_plane(ra_deg: Floats | float, dec_deg: Floats | float, ra0_deg: float, dec0_deg: float) -> Floats:
    """Project gnomonically onto the plane that touches the sphere at (ra0, dec0).

    Returns
    -------
    ndarray
        (n, 2) array (or (2,)), deg: east and north. NaN on the far hemisphere, where the projection has no meaning.
    """
    east, north, centre = axes(ra0_deg, dec0_deg)
    vectors = unit_vectors(ra_deg, dec_deg)
    along = vectors @ centre
    along = np.where(along > 0, along, np.nan)
    plane: Floats = np.degrees(np.stack([vectors @ east / along, vectors @ north / along], axis=-1))
    return plane


def axes(ra_deg: float, dec_deg: float) -> tuple[Floats, Floats, Floats]:
    """Return the unit vectors towards east, north and outwards at a position; east stays defined at the poles."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    east = np.array([-np.sin(ra), np.cos(ra), 0.0])
    north = np.array([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    return east, north, unit_vectors(ra_deg, dec_deg)


def shifted_back(vectors: Floats, centre: tuple[float, float], east_arcsec: float, north_arcsec: float) -> Floats:
    """Take an offset out of unit vectors: the same step on the sky for all, east and north being those of the centre.

    Near a pole, east at one end of the field is north at the other; an offset of the whole frame is not.
    """
    east, north, _ = axes(*centre)
    step = (east_arcsec * east + north_arcsec * north) / ARCSEC_PER_RADIAN
    along = (vectors @ step)[..., None]  # what of the step would leave the sphere, away from the centre
    moved: Floats = vectors - step + along * vectors
    return moved
