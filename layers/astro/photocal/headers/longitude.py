"""East or west: which way a header counts its longitude.

There is no convention: ``LONGITUD = '+70:48:54' / (degrees west)``, ``OBS-LONG = 70.81489 / east longitude`` and
``LONG-OBS = -70.815`` are the same place in Chile. What is measured on the sky decides before what somebody wrote in a
comment: a place that is known; the sidereal time; altitude or airmass; that the Sun was down and the target up; then a
letter or comment; then the sign as it stands.

Of these only a known place is beyond doubt. A sidereal time may be computed from the very longitude in question: voices
that disagree confirm nothing. By a clock of local time it is night where it is day: Sun and target turn a positive
number without a word beside it, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from photocal.headers import ephemeris, evidence
from photocal.headers.cards import Header
from photocal.headers.ephemeris import HALF_CIRCLE, wrapped_deg
from photocal.headers.sites import SAME_MOUNTAIN_KM, Site, distance_km, near

NAMED_SITE_KM = 60.0  # a header's coordinates of a site that it names are at most so far off, wrong digits apart
_Height = Callable[[float], float]
_Voice = tuple[float, str, int]
_KNOWN, _TOLD, _LIKELY = 2, 1, 0  # how much a voice is worth
_SAME_EITHER_WAY_DEG = 0.05  # at Greenwich, and at 180 deg
_SIDEREAL_DEG = 5.0  # 20 minutes: the header's time may be that of the start or of the end
_MARGIN = 3.0  # the other direction must be so many times worse
_SUN_UP_DEG, _SUN_DOWN_DEG, _TARGET_UP_DEG, _TARGET_DOWN_DEG = 3.0, -9.0, 10.0, -5.0


_SIDE = re.compile(r"\b(?:(?i:(east|west)(?:ern|wards?|erly)?)|([EW])|(?<=[+-])(?i:([ew])))\b")
_SIGN = re.compile(
    r"(?P<plus>\+(?:ve\b)?(?!\s*[\d.]|/\s*-)|\bplus\b|\bpos(?:itive(?:ly)?)?\b)|"
    r"(?P<minus>(?:(?<!\w)(?<!\+/)[-\u2212](?:ve\b)?|(?<=\b[EW])-(?=\W|$))(?!\s*[>\d.])"
    r"|\bminus\b|\bneg(?:ative(?:ly)?)?\b)",
    re.IGNORECASE,
)
_DASH = re.compile(r"(?:(?<=\s)|^)[-\u2212]\s")
_EAST = re.compile(r"(?i:\beast)|\bE\b|(?i:\bdeg\.? ?e\b)")
_WEST = re.compile(r"(?i:\bwest)|\bW\b|(?i:\bdeg\.? ?w\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """A longitude whose direction is decided.

    Attributes
    ----------
    longitude_deg
        East-positive, -180 to 180.
    why
        What decided, a sentence without a full stop.
    confirmed
        Whether anything but the sign as it stands did, and nothing spoke against it.
    contradicts
        What the header says and is not so; empty when it is not contradicted.
    was_said
        Whether the header states a direction that is contradicted; else its sign alone was of no use.
    """

    longitude_deg: float
    why: str
    confirmed: bool
    contradicts: str = ""
    was_said: bool = False


def said_west(comment: str) -> bool | None:
    """Return whether a comment says that the number grows westwards; None when it does not say."""
    signed = _sign_said(comment)
    if signed is not None:
        return signed
    east, west = bool(_EAST.search(comment)), bool(_WEST.search(comment))
    return None if east == west else west


def _sign_said(comment: str) -> bool | None:
    """Return whether a comment says with a sign that west is positive: "+E", "west negative", "EAST->NEG WEST->POS".

    Sides and signs must come in pairs, all in the same order, and none may contradict another; else None. A dash that
    stands alone is a sign only where another pair is.
    """
    dashes = {found.start() for found in _DASH.finditer(comment)}
    sides = [(found.start(), "side", found[0].lower().startswith("w")) for found in _SIDE.finditer(comment)]
    signs = [(found.start(), "sign", found["plus"] is not None) for found in _SIGN.finditer(comment)]
    said = _paired(sorted([*sides, *(sign for sign in signs if sign[0] not in dashes)]))
    return said if said is not None or len(sides) == 1 else _paired(sorted([*sides, *signs]))


def _paired(marks: list[tuple[int, str, bool]]) -> bool | None:
    """Return whether west is positive by sides and signs in the order of a comment; None where they are no pairs."""
    pairs = list(zip(marks[::2], marks[1::2], strict=False))
    kinds = {(first[1], second[1]) for first, second in pairs}
    if len(marks) % 2 or kinds not in ({("side", "sign")}, {("sign", "side")}):
        return None
    west_is_plus = {first[2] == second[2] for first, second in pairs}
    return west_is_plus.pop() if len(west_is_plus) == 1 else None


def decide(
    size_deg: float,
    latitude_deg: float,
    *,
    letter: str,
    comment: str,
    header: Header,
    site: Site | None,
    mjd: float | None,
) -> Direction:
    """Decide the direction of a longitude.

    Parameters
    ----------
    size_deg
        As the header has it, with its sign.
    latitude_deg
        North-positive.
    letter, comment
        E or W beside the number, and the card's comment.
    header
        For sidereal time, altitude, airmass and position.
    site
        What the header's words name, if it is known.
    mjd
        UTC of the exposure; None when unknown: then nothing on the sky helps.
    """
    stated, how_stated = _stated(size_deg, letter, comment)
    other = wrapped_deg(-stated)
    if abs(wrapped_deg(stated - other)) < _SAME_EITHER_WAY_DEG:
        why = how_stated or "the same eastwards and westwards"
        return Direction(longitude_deg=stated, why=why, confirmed=size_deg != 0.0)  # 0 is where a program begins
    voices = tuple(_voices((stated, other), latitude_deg, header, site, mjd))
    written = how_stated or "taken as east-positive; nothing in the header says so"
    if not voices:
        return Direction(longitude_deg=stated, why=written, confirmed=bool(how_stated))
    choice, why, worth = voices[0]
    if choice != stated and worth == _LIKELY and (how_stated or size_deg < 0):
        return Direction(longitude_deg=stated, why=f"{written}, although {_elsewhere(why)}", confirmed=False)
    against = next((told for other_choice, told, _ in voices[1:] if other_choice != choice), "")
    confirmed = worth == _KNOWN or not against
    why += "" if confirmed else f", although {_elsewhere(against)}"
    if choice == stated:
        return Direction(longitude_deg=stated, why=why, confirmed=confirmed)
    claim = how_stated or "its sign"
    return Direction(longitude_deg=other, why=why, confirmed=confirmed, contradicts=claim, was_said=bool(how_stated))


def _elsewhere(why: str) -> str:
    """Return what speaks for the other longitude, said from this one."""
    return why.replace(" there", " at the opposite longitude", 1)


def _stated(size_deg: float, letter: str, comment: str) -> tuple[float, str]:
    """Return the longitude as the header means it, and what says so; empty when only its sign does."""
    if letter in {"E", "W"}:
        return wrapped_deg(-abs(size_deg) if letter == "W" else size_deg), f"the letter {letter}"
    west = said_west(comment)
    if west is None:
        return wrapped_deg(size_deg), ""
    twice = west and -HALF_CIRCLE < size_deg < 0 and _sign_said(comment) is None  # "-70 / degrees west"
    value = -size_deg if west and not twice else size_deg
    return wrapped_deg(value), f"the comment {comment!r}"


def _voices(
    choices: tuple[float, float], latitude_deg: float, header: Header, site: Site | None, mjd: float | None
) -> Iterator[_Voice]:
    """Yield what speaks for one of two longitudes and against the other, the most reliable first.

    Each is the longitude, why, and what that is worth.
    """
    yield from _by_site(choices, latitude_deg, site)
    if mjd is None:
        return
    position = evidence.position(header)
    yield from _by_sidereal_time(choices, header, position, mjd)
    if position is not None:
        yield from _by_altitude(choices, latitude_deg, header, position, mjd)
        height = partial(_target_altitude, position, latitude_deg, mjd)
        yield from _by_height(choices, height, (_TARGET_UP_DEG, 90.0), (-90.0, _TARGET_DOWN_DEG), "the target is up")
    light = ephemeris.sun(mjd)
    height = partial(_date_altitude, (light.ra_deg, light.dec_deg), latitude_deg, mjd)
    yield from _by_height(choices, height, (-90.0, _SUN_DOWN_DEG), (_SUN_UP_DEG, 90.0), "it is night")


def _by_site(choices: tuple[float, float], latitude_deg: float, site: Site | None) -> Iterator[_Voice]:
    if site is not None:
        away = [distance_km(choice, latitude_deg, site.longitude_deg, site.latitude_deg) for choice in choices]
        if min(away) <= NAMED_SITE_KM < max(away):
            yield (
                choices[away.index(min(away))],
                f"{site.name}, which the header names, is {min(away):.1f} km away",
                _KNOWN,
            )
            return
    found = [near(choice, latitude_deg) for choice in choices]
    for choice, there, opposite in zip(choices, found, found[::-1], strict=True):
        if there is not None and opposite is None:
            yield choice, f"{there.name} is there, within {SAME_MOUNTAIN_KM:.0f} km", _KNOWN


def _by_sidereal_time(
    choices: tuple[float, float], header: Header, position: tuple[float, float] | None, mjd: float
) -> Iterator[_Voice]:
    for item in evidence.sidereal_times(header, position):
        away = [abs(wrapped_deg(item.deg - ephemeris.lst_deg(mjd, choice))) for choice in choices]
        if min(away) <= _SIDEREAL_DEG and max(away) > _MARGIN * min(away):
            longitude = wrapped_deg(item.deg - ephemeris.gmst_deg(mjd))
            yield (
                choices[away.index(min(away))],
                f"{item.source} is the sidereal time at longitude {longitude:+.2f}",
                _TOLD,
            )


def _by_altitude(
    choices: tuple[float, float], latitude_deg: float, header: Header, position: tuple[float, float], mjd: float
) -> Iterator[_Voice]:
    here = [_target_altitude(position, latitude_deg, mjd, choice) for choice in choices]
    for item in evidence.altitudes(header):
        away = [abs(altitude - item.deg) for altitude in here]
        allowed = evidence.tolerance_deg(item.deg)
        if min(away) <= allowed and max(away) > _MARGIN * allowed:
            best = away.index(min(away))
            yield choices[best], f"the target is at altitude {here[best]:.1f} there, as {item.source} has it", _TOLD


def _by_height(
    choices: tuple[float, float], height: _Height, good: tuple[float, float], bad: tuple[float, float], what: str
) -> Iterator[_Voice]:
    """Yield the longitude where something is as high as it must be, if at the other it is where it cannot be."""
    heights = [height(choice) for choice in choices]
    for choice, here, opposite in zip(choices, heights, heights[::-1], strict=True):
        if good[0] <= here <= good[1] and bad[0] <= opposite <= bad[1]:
            yield choice, f"{what} there, and not on the other side of Greenwich", _LIKELY


def _target_altitude(position: tuple[float, float], latitude_deg: float, mjd: float, longitude_deg: float) -> float:
    return ephemeris.altitude_of(*position, mjd, longitude_deg, latitude_deg)


def _date_altitude(position: tuple[float, float], latitude_deg: float, mjd: float, longitude_deg: float) -> float:
    return ephemeris.horizontal(*position, mjd, longitude_deg, latitude_deg)[0]
