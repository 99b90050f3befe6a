"""Points in time: a day and its seconds, so that no rounding comes near a microsecond; time scales to UTC."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

DAY = 86400.0
JD_MINUS_MJD = 2_400_000.5
FIRST_DAY, LAST_DAY = 33_282, 88_069
"""MJD of 1950-01-01 and 2100-01-01: no camera's exposure is outside."""

_ORDINAL_OF_MJD_0 = dt.date(1858, 11, 17).toordinal()
_TT_MINUS_TAI, _TAI_MINUS_GPS = 32.184, 19.0
_FIRST_YEAR = 1972  # of leap seconds
_BEFORE_LEAP_SECONDS = 10.0  # TAI - UTC at the beginning of 1972; earlier it drifted

SCALES: dict[str, str] = {
    "UTC": "utc",
    "UT": "utc",
    "GMT": "utc",
    "Z": "utc",
    "TU": "utc",
    "UT1": "ut1",
    "TAI": "tai",
    "IAT": "tai",
    "TT": "tt",
    "TDT": "tt",
    "ET": "tt",
    "TDB": "tdb",
    "TCB": "tdb",
    "GPS": "gps",
    "LOCAL": "local",
    "LT": "local",
    "LMT": "local",
    "LOC": "local",
}
"""What headers call a time scale, in capitals, and what it is. The coordinate times differ from TT and TDB by seconds
a decade only; UT1 is within 0.9 s of UTC and taken for it."""


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A day (MJD) and the seconds since its midnight, 0 <= seconds < 86400."""

    day: int
    seconds: float

    @property
    def mjd(self) -> float:
        """Return the MJD as one number; a double holds it to 0.6 microseconds."""
        return self.day + self.seconds / DAY

    @property
    def jd(self) -> float:
        """Return the Julian Date as one number; a double holds it to 40 microseconds."""
        return self.day + 2_400_000 + (self.seconds / DAY + 0.5)

    def plus(self, seconds: float) -> Instant:
        """Return the instant some seconds later."""
        return instant(self.day, self.seconds + seconds)

    def since(self, other: Instant) -> float:
        """Return the seconds from the other to this."""
        return (self.day - other.day) * DAY + (self.seconds - other.seconds)

    def texts(self) -> tuple[str, str]:
        """Return date and time of day, to the millisecond: ``('2014-03-07', '21:05:43.250')``."""
        milliseconds = round(self.seconds * 1000)
        day, milliseconds = self.day + milliseconds // 86_400_000, milliseconds % 86_400_000
        minutes, milliseconds = divmod(milliseconds, 60_000)
        clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"
        return date_of(day).isoformat(), clock

    def __str__(self) -> str:
        return "T".join(self.texts())


def instant(day: int, seconds: float) -> Instant:
    """Return an instant from any number of seconds, negative ones too."""
    days, rest = divmod(seconds, DAY)
    if rest >= DAY:  # a negative number next to zero, rounded up
        days, rest = days + 1, 0.0
    return Instant(day + int(days), rest)


def of_mjd(mjd: float) -> Instant:
    """Return the instant of an MJD."""
    day = int(mjd // 1)
    return instant(day, (mjd - day) * DAY)


def day_of(date: dt.date) -> int:
    """Return the MJD of a date."""
    return date.toordinal() - _ORDINAL_OF_MJD_0


def date_of(day: int) -> dt.date:
    """Return the date of an MJD."""
    return dt.date.fromordinal(day + _ORDINAL_OF_MJD_0)


@cache
def _leap_seconds() -> tuple[tuple[int, float], ...]:
    """Return days (MJD) and TAI - UTC from them on, since 1972: the table that ERFA brings."""
    import erfa

    rows = [(int(year), int(month), float(offset)) for year, month, offset in erfa.leap_seconds.get()]
    return tuple((day_of(dt.date(year, month, 1)), offset) for year, month, offset in rows if year >= _FIRST_YEAR)


def tai_minus_utc(day: int) -> float:
    """Return the leap seconds of a UTC day (s)."""
    table = _leap_seconds()
    at = bisect_right(table, (day, float("inf")))
    return table[at - 1][1] if at else _BEFORE_LEAP_SECONDS


def to_utc(moment: Instant, scale: str, offset_hours: float = 0.0) -> Instant:
    """Return an instant of another scale in UTC.

    Parameters
    ----------
    moment
        In its scale.
    scale
        ``utc``, ``ut1`` (taken for UTC), ``tai``, ``tt``, ``tdb`` (taken for TT, 2 ms at most), ``gps`` or ``local``.
    offset_hours
        Of local time from UTC, east positive.
    """
    if scale == "local":
        return moment.plus(-3600.0 * offset_hours)
    ahead = {"tai": 0.0, "tt": _TT_MINUS_TAI, "tdb": _TT_MINUS_TAI, "gps": -_TAI_MINUS_GPS}.get(scale)
    if ahead is None:
        return moment
    tai = moment.plus(-ahead)
    first = tai.plus(-tai_minus_utc(tai.day))
    return tai.plus(-tai_minus_utc(first.day))
