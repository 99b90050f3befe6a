"""Time in the forms the system speaks: Unix seconds, ISO 8601 UTC and MJD.

UTC throughout; leap seconds are those of the system clock (POSIX), so MJD and Unix time differ by a constant.
"""

from __future__ import annotations

from datetime import UTC, datetime

MJD_OF_UNIX_EPOCH = 40587.0
SECONDS_PER_DAY = 86400.0
JD_MINUS_MJD = 2400000.5


def iso(unix_s: float) -> str:
    """Return Unix seconds as ``2026-11-22T21:30:00Z``."""
    return datetime.fromtimestamp(int(unix_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def mjd(unix_s: float) -> float:
    """Return Unix seconds as a Modified Julian Date (UTC)."""
    return unix_s / SECONDS_PER_DAY + MJD_OF_UNIX_EPOCH


def unix(iso_utc: str) -> float:
    """Return ``2026-11-22T21:30:00Z`` as Unix seconds; 0 for an empty string."""
    return datetime.fromisoformat(iso_utc).timestamp() if iso_utc else 0.0
