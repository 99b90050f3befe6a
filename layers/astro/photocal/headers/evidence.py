"""What a header says of the sky over the telescope: sidereal times, altitudes, the position observed.

Nothing here is a finding. It is what a longitude, a time or an airmass is tested against.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import radians, sin

from cpcs.mappings import angles
from photocal.headers import ephemeris
from photocal.headers.cards import Card, Header

SIDEREAL = (
    "ST", "LST", "LST-OBS", "SIDTIME", "LST-STR", "LMST", "LAST", "SIDEREAL", "STSTART", "LSTSTART", "LST_OBS",
    "ST-OBS", "TELST", "LSTHDR", "OBS-ST", "SIDERTIM", "STIME", "LST-BEG", "LST-BGN", "ST-START",
)  # fmt: skip
HOUR_ANGLES = ("HA", "HOURANG", "OBJCTHA", "TELHA", "HA-OBS", "HOUR-ANG", "HA_OBS", "HOURANGL", "TCSHA", "HA-STR")
AIRMASSES = ("AIRMASS", "SECZ", "AMSTART", "SECZ-STR", "AIRMASS0", "AIRM", "AMASS", "OBSAIRM", "ESO TEL AIRM START")
ALTITUDES = (
    "OBJCTALT", "CENTALT", "ALT-OBJ", "ALT_OBJ", "TELALT", "ESO TEL ALT", "ELEVAT", "ALT-OBS", "OBJALT", "TEL-ALT",
    "ALTDMD", "ALT", "EL", "TELEL", "ALTITUDE", "ELEVATIO", "ELEVATION",
)  # fmt: skip
ZENITH_DISTANCES = ("ZD", "ZD-STR", "ZENITHD", "ZDSTART", "ZD_OBJ", "ZENITHDI", "ZENDIST", "ZENITH")
_RAS = ("RA", "OBJCTRA", "TELRA", "OBJRA", "CAT-RA", "RA-OBS", "RA_OBJ", "RA_TEL", "RA_NOM")
_DECS = ("DEC", "OBJCTDEC", "TELDEC", "OBJDEC", "CAT-DEC", "DEC-OBS", "DEC_OBJ", "DEC_TEL", "DEC_NOM")
IS_ANGLE = re.compile(r"\bdeg|\baxis|degree|\bangle|pointing|\bhorizon", re.IGNORECASE)
IS_HEIGHT = re.compile(
    r"\bm\b|\bmet(?:er|re)s?\b|sea ?level|\bkm\b|\bfeet\b|\bft\b|\ba\.?s\.?l|above sea|\bmsl\b", re.IGNORECASE
)
_HOURS_OF_DAY, _DEGREES_OF_CIRCLE, _SECONDS_OF_DEGREE = 24.0, 360.0, 240.0
_Reader = Callable[[Card], float | None]
_DEGREES = re.compile(r"\bdeg", re.IGNORECASE)
_RIGHT_ANGLE, _SECONDS_OF_DAY, _HIGHEST_AIRMASS = 90.0, 86400.0, 40.0
_LOWEST_USED = 3.0  # deg: below, refraction and the formula for the airmass say more than the place
_MOST_HOURS = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A number, deg, and the card it is from."""

    deg: float
    source: str


def sidereal_times(header: Header, position: tuple[float, float] | None = None) -> tuple[Evidence, ...]:
    """Return the local sidereal times that a header gives or, with a position, implies by its hour angle."""
    found = [Evidence(deg=deg, source=str(card)) for card, deg in _read(header, SIDEREAL, _clock_deg)]
    if position is not None:
        for card, deg in _read(header, HOUR_ANGLES, _hour_angle_deg):
            found.append(Evidence(deg=(position[0] + deg) % 360.0, source=str(card)))
    return tuple(found)


def airmasses(header: Header) -> tuple[tuple[float, str], ...]:
    """Return the airmasses that a header gives, with their cards: between 1 and 40, so that 0 and -1 are none."""
    read = ((card, angles.read(card.value)) for card in _cards(header, AIRMASSES))
    return tuple(
        (angle.value, str(card))
        for card, angle in read
        if angle and angle.parts == 1 and 1.0 <= angle.value <= _HIGHEST_AIRMASS
    )


def altitudes(header: Header) -> tuple[Evidence, ...]:
    """Return the altitudes, deg, that a header gives: as such, as a zenith distance, as an airmass."""
    found = [Evidence(deg=deg, source=str(card)) for card, deg in _read(header, ALTITUDES, altitude_angle)]
    found += [Evidence(deg=90.0 - deg, source=str(card)) for card, deg in _read(header, ZENITH_DISTANCES, _degrees)]
    for value, source in airmasses(header):
        altitude = ephemeris.altitude_of_airmass(value)
        if altitude is not None:
            found.append(Evidence(deg=altitude, source=source))
    return tuple(item for item in found if _LOWEST_USED < item.deg <= _RIGHT_ANGLE)


def position(header: Header) -> tuple[float, float] | None:
    """Return where the telescope looked, deg, roughly and only when there is no doubt about its units."""
    if header.text("CTYPE1").upper().startswith("RA--") and not header.text("CUNIT1").lower().startswith("rad"):
        ra, dec = angles.read(header.text("CRVAL1")), angles.read(header.text("CRVAL2"))
        if ra and dec and 0.0 <= ra.value <= _DEGREES_OF_CIRCLE and abs(dec.value) <= _RIGHT_ANGLE:
            return ra.value, dec.value
    for ra_key, dec_key in zip(_RAS, _DECS, strict=True):
        ra, dec = angles.read(header.text(ra_key)), angles.read(header.text(dec_key))
        if (
            ra
            and dec
            and ra.parts > 1
            and dec.parts > 1
            and 0.0 <= ra.value <= _HOURS_OF_DAY
            and abs(dec.value) <= _RIGHT_ANGLE
        ):
            return ra.value * 15.0, dec.value
    return None


def altitude_angle(card: Card) -> float | None:
    """Return the altitude of the telescope, deg; None where the card gives a height above sea level, or may do so."""
    angle = angles.read(card.value)
    said = IS_ANGLE.search(card.comment) is not None
    sure = said or card.key not in {"ALTITUDE", "ELEVATIO", "ELEVATION", "ALT-OBS"}
    if angle is None or IS_HEIGHT.search(card.comment) or not sure:
        return None
    return angle.value if 0.0 < angle.value <= _RIGHT_ANGLE else None


def tolerance_deg(altitude_deg: float) -> float:
    """Return by how much an altitude from an airmass of two or three digits may be off: more near the zenith."""
    return 3.0 + 12.0 * sin(radians(altitude_deg)) ** 8


def _cards(header: Header, names: Iterable[str]) -> Iterator[Card]:
    for name in names:
        card = header.get(name)
        if card is not None:
            yield card


def _read(header: Header, names: Iterable[str], reader: _Reader) -> list[tuple[Card, float]]:
    found = ((card, reader(card)) for card in _cards(header, names))
    return [(card, deg) for card, deg in found if deg is not None]


def _degrees(card: Card) -> float | None:
    angle = angles.read(card.value)
    return angle.value if angle and 0.0 < angle.value < _RIGHT_ANGLE else None


def _clock_deg(card: Card) -> float | None:
    """Return a sidereal time, deg: hours, in parts or not; degrees when said; seconds of a day above that."""
    angle = angles.read(card.value)
    if angle is None or angle.value < 0:
        return None
    if angle.parts > 1 or angle.value <= _HOURS_OF_DAY:
        return angle.value * 15.0 if 0.0 < angle.value <= _HOURS_OF_DAY else None
    if _DEGREES.search(card.comment):
        return angle.value if angle.value <= _DEGREES_OF_CIRCLE else None
    return angle.value / _SECONDS_OF_DEGREE if angle.value <= _SECONDS_OF_DAY else None


def _hour_angle_deg(card: Card) -> float | None:
    """Return an hour angle, deg: in parts it is in hours; decimal in hours up to 12, unless it says degrees."""
    angle = angles.read(card.value)
    if angle is None or abs(angle.value) > _DEGREES_OF_CIRCLE:
        return None
    in_hours = angle.parts > 1 or (abs(angle.value) <= _MOST_HOURS and not _DEGREES.search(card.comment))
    value = angle.value * 15.0 if in_hours else angle.value
    return ephemeris.wrapped_deg(-value if angle.letter == "E" else value)
