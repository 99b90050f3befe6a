"""Epochs: the standard one, and years from days."""

from __future__ import annotations

J2000_YEAR, J2000_MJD = 2000.0, 51544.5
DAYS_PER_YEAR = 365.25


def year_of(mjd: float) -> float:
    """Return the Julian year of an MJD."""
    return J2000_YEAR + (mjd - J2000_MJD) / DAYS_PER_YEAR
