"""Equinoxes and reference systems of headers, and the way to ICRS: by precession, without network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from photocal.epochs import year_of
from photocal.headers.standard import Finding

_FK4_UNTIL = 1984.0  # FITS Standard 4.0, section 8.3: equinoxes before are Besselian
_SAME_YR = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A reference system: ICRS (with FK5 J2000, less than 0.1 arcsec away), FK5, FK4, DATE, GLON or ELON."""

    kind: str
    equinox: float = 2000.0


def frame_of(equinox: Finding, system: Finding) -> Frame:
    """Return the system that EQUINOX and RADESYS speak of; ICRS by default (FITS Standard 4.0, section 8.3)."""
    name = str(system.value or "").upper()
    year = float(equinox.value) if isinstance(equinox.value, int | float) else None
    if re.search(r"GAPPT|APP|JNOW|DATE|TOPO|CURRENT|EOD", name):
        return Frame(kind="DATE")
    if name.startswith("ICRS"):
        return Frame(kind="ICRS")
    if year is None:
        return Frame(kind="FK4", equinox=1950.0) if name.startswith(("FK4", "B1950")) else Frame(kind="ICRS")
    if name.startswith("FK4") or year < _FK4_UNTIL:
        return Frame(kind="FK4", equinox=year)
    return Frame(kind="ICRS") if abs(year - 2000.0) < _SAME_YR else Frame(kind="FK5", equinox=year)


def to_icrs(lon_deg: float, lat_deg: float, frame: Frame, *, mjd: float | None) -> tuple[float, float, str]:
    """Return a position in ICRS, deg, and what was done to it; empty for nothing.

    Coordinates of date are precessed from the mean equinox of the exposure's date: nutation and aberration (up to 30
    arcsec) are left out. Without a date they stay as they are.
    """
    if frame.kind == "ICRS" or (frame.kind == "DATE" and mjd is None):
        return lon_deg % 360.0, lat_deg, "of the date of the exposure, which is not known" * (frame.kind == "DATE")
    ra, dec = _transformed(lon_deg, lat_deg, frame, mjd)
    said = {
        "FK4": f"precessed from B{frame.equinox:g}", "FK5": f"precessed from J{frame.equinox:g}",
        "DATE": "precessed from the date of the exposure", "GLON": "from galactic", "ELON": "from ecliptic",
    }  # fmt: skip
    return ra % 360.0, max(-90.0, min(90.0, dec)), said[frame.kind]


def _transformed(lon_deg: float, lat_deg: float, frame: Frame, mjd: float | None) -> tuple[float, float]:
    from astropy import units
    from astropy.coordinates import FK4, FK5, BarycentricMeanEcliptic, Galactic, SkyCoord
    from astropy.time import Time

    system: Any
    if frame.kind == "GLON":
        system = Galactic()
    elif frame.kind == "ELON":
        system = BarycentricMeanEcliptic()
    elif frame.kind == "FK4":
        system = FK4(equinox=Time(frame.equinox, format="byear"))
    else:
        year = frame.equinox if mjd is None or frame.kind == "FK5" else year_of(mjd)
        system = FK5(equinox=Time(year, format="jyear"))
    there = SkyCoord(lon_deg * units.deg, lat_deg * units.deg, frame=system).icrs
    return float(there.ra.deg), float(there.dec.deg)
