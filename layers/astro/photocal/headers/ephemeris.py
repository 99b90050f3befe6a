"""Where a target, the Sun and the Moon stand in the sky of a place: sidereal time, altitude, airmass, moonlight.

Low-precision published series in plain arithmetic, because `astropy.coordinates` takes longer to import than all of
this package, and a header needs a dozen positions. Times are UTC for UT1 (0.9 s at most, 0.2' of sidereal time).

References
----------
J. Meeus, Astronomical Algorithms, 2nd ed. (1998): sidereal time (12.4), horizontal coordinates (13.5, 13.6),
precession (21.2 to 21.4), Sun (chapter 25, low accuracy), Moon (chapter 47, its largest terms), illumination (48.2,
48.3), the observer's place on the ellipsoid (chapter 11).
A. T. Young, Applied Optics 33, 1108 (1994), equation 5: airmass.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, atan2, cos, degrees, hypot, radians, sin, sqrt

from photocal.epochs import J2000_MJD

HALF_CIRCLE = 180.0
DAYS_OF_CENTURY = 36525.0
TT_MINUS_UTC_D = 69.184 / 86400.0  # since 2017; 14 s less in 1980, in which the Moon moves 8"
AU_KM, EARTH_KM, POLAR_RATIO = 149_597_870.7, 6378.137, 0.996647189335

# Meeus, table 47.A: multiples of D, M, M', F; longitude, 1e-6 deg; distance, 1e-3 km. Terms above 3500 of longitude.
_MOON_LONGITUDE = (
    (0, 0, 1, 0, 6288774, -20905355), (2, 0, -1, 0, 1274027, -3699111), (2, 0, 0, 0, 658314, -2955968),
    (0, 0, 2, 0, 213618, -569925), (0, 1, 0, 0, -185116, 48888), (0, 0, 0, 2, -114332, -3149),
    (2, 0, -2, 0, 58793, 246158), (2, -1, -1, 0, 57066, -152138), (2, 0, 1, 0, 53322, -170733),
    (2, -1, 0, 0, 45758, -204586), (0, 1, -1, 0, -40923, -129620), (1, 0, 0, 0, -34720, 108743),
    (0, 1, 1, 0, -30383, 104755), (2, 0, 0, -2, 15327, 10321), (0, 0, 1, 2, -12528, 0),
    (0, 0, 1, -2, 10980, 79661), (4, 0, -1, 0, 10675, -34782), (0, 0, 3, 0, 10034, -23210),
    (4, 0, -2, 0, 8548, -21636), (2, 1, -1, 0, -7888, 24208), (2, 1, 0, 0, -6766, 30824),
    (1, 0, -1, 0, -5163, -8379), (1, 1, 0, 0, 4987, -16675), (2, -1, 1, 0, 4036, -12831),
    (2, 0, 2, 0, 3994, -10445), (4, 0, 0, 0, 3861, -11650), (2, 0, -3, 0, 3665, 14403),
)  # fmt: skip
# Meeus, table 47.B: multiples of D, M, M', F; latitude, 1e-6 deg. Terms above 2000.
_MOON_LATITUDE = (
    (0, 0, 0, 1, 5128122), (0, 0, 1, 1, 280602), (0, 0, 1, -1, 277693), (2, 0, 0, -1, 173237), (2, 0, -1, 1, 55413),
    (2, 0, -1, -1, 46271), (2, 0, 0, 1, 32573), (0, 0, 2, 1, 17198), (2, 0, 1, -1, 9266), (0, 0, 2, -1, 8822),
    (2, -1, 0, -1, 8216), (2, 0, -2, -1, 4324), (2, 0, 1, 1, 4200), (2, 1, 0, -1, -3359), (2, -1, -1, 1, 2463),
    (2, -1, 0, 1, 2211), (2, -1, -1, -1, 2065),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The Sun or the Moon: mean equator and equinox of date, deg and km; how much of the disc is lit, 0 to 1."""

    ra_deg: float
    dec_deg: float
    distance_km: float
    lit: float = 1.0


def gmst_deg(mjd: float) -> float:
    """Return the mean sidereal time of Greenwich, deg, of a UT1 (Meeus 12.4)."""
    days = mjd - J2000_MJD
    t = days / DAYS_OF_CENTURY
    return (280.46061837 + 360.98564736629 * days + 0.000387933 * t * t - t**3 / 38_710_000.0) % 360.0


def lst_deg(mjd: float, longitude_deg: float) -> float:
    """Return the local mean sidereal time, deg, at an east-positive longitude."""
    return (gmst_deg(mjd) + longitude_deg) % 360.0


def wrapped_deg(angle_deg: float) -> float:
    """Return an angle between -180 and 180 deg; to the last digit as it is when it is there already."""
    if -HALF_CIRCLE <= angle_deg <= HALF_CIRCLE:
        return angle_deg
    return (angle_deg + HALF_CIRCLE) % 360.0 - HALF_CIRCLE


def of_date(ra_deg: float, dec_deg: float, mjd: float) -> tuple[float, float]:
    """Carry a position of J2000 (ICRS) to the mean equator and equinox of a date (Meeus 21.2 to 21.4), deg."""
    t = (mjd - J2000_MJD) / DAYS_OF_CENTURY
    zeta = radians((2306.2181 * t + 0.30188 * t * t + 0.017998 * t**3) / 3600.0)
    z = (2306.2181 * t + 1.09468 * t * t + 0.018203 * t**3) / 3600.0
    theta = radians((2004.3109 * t - 0.42665 * t * t - 0.041833 * t**3) / 3600.0)
    ra, dec = radians(ra_deg) + zeta, radians(dec_deg)
    a = cos(dec) * sin(ra)
    b = cos(theta) * cos(dec) * cos(ra) - sin(theta) * sin(dec)
    c = sin(theta) * cos(dec) * cos(ra) + cos(theta) * sin(dec)
    return (degrees(atan2(a, b)) + z) % 360.0, degrees(atan2(c, hypot(a, b)))


def horizontal(
    ra_deg: float, dec_deg: float, mjd: float, longitude_deg: float, latitude_deg: float
) -> tuple[float, float]:
    """Return altitude, without refraction, and azimuth (north through east) of a position of date (Meeus 13.5, 13.6).

    Parameters
    ----------
    ra_deg, dec_deg
        Mean equator and equinox of date, deg.
    mjd
        UTC.
    longitude_deg, latitude_deg
        East- and north-positive.

    Returns
    -------
    tuple of float
        Altitude (-90 to 90) and azimuth (0 to 360), deg. Against astropy's AltAz without refraction, at 2,000 random
        times (1990 to 2030), places and targets: altitude within 0.6'.
    """
    hour, dec, latitude = radians(lst_deg(mjd, longitude_deg) - ra_deg), radians(dec_deg), radians(latitude_deg)
    north = cos(latitude) * sin(dec) - sin(latitude) * cos(dec) * cos(hour)
    east = -cos(dec) * sin(hour)
    up = sin(latitude) * sin(dec) + cos(latitude) * cos(dec) * cos(hour)
    return degrees(atan2(up, hypot(north, east))), degrees(atan2(east, north)) % 360.0


def altitude_of(ra_deg: float, dec_deg: float, mjd: float, longitude_deg: float, latitude_deg: float) -> float:
    """Return the altitude, deg, without refraction, of a position of J2000 (ICRS)."""
    return horizontal(*of_date(ra_deg, dec_deg, mjd), mjd, longitude_deg, latitude_deg)[0]


def airmass(altitude_deg: float) -> float | None:
    """Return the airmass at a true altitude (without refraction); None below the horizon, where it is 31.7.

    Young (1994), equation 5, fitted to a standard atmosphere down to the horizon.
    """
    if not altitude_deg >= 0.0:
        return None
    c = sin(radians(altitude_deg))
    above = 1.002432 * c * c + 0.148386 * c + 0.0096467
    return max(1.0, above / (c**3 + 0.149864 * c * c + 0.0102963 * c + 0.000303978))


def altitude_of_airmass(value: float) -> float | None:
    """Return the true altitude, deg, at an airmass (the inverse of `airmass`, by halving); None out of its range."""
    low, high = 0.0, 90.0
    if not 1.0 <= value <= (airmass(0.0) or 0.0):
        return None
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if (airmass(middle) or 0.0) > value else (low, middle)
    return low


def _equatorial(longitude_deg: float, latitude_deg: float, t: float) -> tuple[float, float]:
    """Turn ecliptic coordinates of date into equatorial ones (Meeus 13.3, 13.4; obliquity 22.2)."""
    obliquity = radians(23.4392911 - 0.0130042 * t)
    lon, lat = radians(longitude_deg), radians(latitude_deg)
    x = cos(lat) * cos(lon)
    y = cos(obliquity) * cos(lat) * sin(lon) - sin(obliquity) * sin(lat)
    z = sin(obliquity) * cos(lat) * sin(lon) + cos(obliquity) * sin(lat)
    return degrees(atan2(y, x)) % 360.0, degrees(atan2(z, hypot(x, y)))


def sun(mjd: float) -> Body:
    """Return the Sun (Meeus, chapter 25, low accuracy; with aberration, without nutation and parallax).

    Against astropy's `get_body`, at 2,000 random times (1990 to 2030) and places: within 0.9' on the sky.
    """
    t = (mjd + TT_MINUS_UTC_D - J2000_MJD) / DAYS_OF_CENTURY
    mean_longitude = 280.46646 + 36000.76983 * t + 0.0003032 * t * t
    anomaly = radians((357.52911 + 35999.05029 * t - 0.0001537 * t * t) % 360.0)
    eccentricity = 0.016708634 - 0.000042037 * t
    centre = (1.914602 - 0.004817 * t) * sin(anomaly) + (0.019993 - 0.000101 * t) * sin(2 * anomaly)
    centre += 0.000289 * sin(3 * anomaly)
    distance = 1.000001018 * (1 - eccentricity**2) / (1 + eccentricity * cos(anomaly + radians(centre)))
    ra, dec = _equatorial(mean_longitude + centre - 0.00569, 0.0, t)
    return Body(ra_deg=ra, dec_deg=dec, distance_km=distance * AU_KM)


def moon(mjd: float, longitude_deg: float, latitude_deg: float) -> Body:
    """Return the Moon as a place on the ground sees it, and how much of its disc is lit.

    The largest terms of Meeus, chapter 47, and the parallax of a place at sea level on the ellipsoid (chapter 11).
    Against astropy's `get_body` (its built-in series), at 2,000 random times (1990 to 2030) and places: within 1.4' on
    the sky, the lit share within 0.0003.
    """
    t = (mjd + TT_MINUS_UTC_D - J2000_MJD) / DAYS_OF_CENTURY
    lon, lat, distance = _moon_from_the_centre(t)
    ra, dec = (radians(angle) for angle in _equatorial(lon, lat, t))
    sidereal = radians(lst_deg(mjd, longitude_deg))
    reduced = atan2(POLAR_RATIO * sin(radians(latitude_deg)), cos(radians(latitude_deg)))
    x = distance * cos(dec) * cos(ra) - EARTH_KM * cos(reduced) * cos(sidereal)
    y = distance * cos(dec) * sin(ra) - EARTH_KM * cos(reduced) * sin(sidereal)
    z = distance * sin(dec) - EARTH_KM * POLAR_RATIO * sin(reduced)
    there = Body(
        ra_deg=degrees(atan2(y, x)) % 360.0,
        dec_deg=degrees(atan2(z, hypot(x, y))),
        distance_km=sqrt(x * x + y * y + z * z),
    )
    light = sun(mjd)
    elongation = radians(separation_deg(there.ra_deg, there.dec_deg, light.ra_deg, light.dec_deg))
    phase = atan2(light.distance_km * sin(elongation), there.distance_km - light.distance_km * cos(elongation))
    return Body(ra_deg=there.ra_deg, dec_deg=there.dec_deg, distance_km=there.distance_km, lit=(1 + cos(phase)) / 2)


def _moon_from_the_centre(t: float) -> tuple[float, float, float]:
    """Return the Moon's ecliptic longitude and latitude of date, deg, and distance, km, from the Earth's centre."""
    mean = 218.3164477 + 481267.88123421 * t - 0.0015786 * t * t
    arguments = tuple(
        radians(value % 360.0)
        for value in (
            297.8501921 + 445267.1114034 * t - 0.0018819 * t * t,
            357.5291092 + 35999.0502909 * t - 0.0001536 * t * t,
            134.9633964 + 477198.8675055 * t + 0.0087414 * t * t,
            93.2720950 + 483202.0175233 * t - 0.0036539 * t * t,
        )
    )
    fading = 1.0 - 0.002516 * t - 0.0000074 * t * t  # of terms with the Sun's anomaly

    def angle(row: tuple[int, ...]) -> float:
        return sum(row[i] * arguments[i] for i in range(4))

    longitude = sum(row[4] * fading ** abs(row[1]) * sin(angle(row)) for row in _MOON_LONGITUDE)
    distance = sum(row[5] * fading ** abs(row[1]) * cos(angle(row)) for row in _MOON_LONGITUDE)
    latitude = sum(row[4] * fading ** abs(row[1]) * sin(angle(row)) for row in _MOON_LATITUDE)
    return mean + longitude / 1e6, latitude / 1e6, 385000.56 + distance / 1e3


def separation_deg(ra1_deg: float, dec1_deg: float, ra2_deg: float, dec2_deg: float) -> float:
    """Return the separation of two positions, deg (haversine formula; `photocal.sphere` does it for arrays)."""
    north = sin(radians(dec2_deg - dec1_deg) / 2.0)
    east = sin(radians(ra2_deg - ra1_deg) / 2.0)
    across = sqrt(max(0.0, cos(radians(dec1_deg)) * cos(radians(dec2_deg)))) * east
    return degrees(2.0 * asin(min(1.0, hypot(north, across))))
