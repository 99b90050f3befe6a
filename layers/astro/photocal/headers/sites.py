"""Observatories that headers name, and where they are: ``sites.toml``, by any of their spellings and by place."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import asin, cos, degrees, hypot, radians, sin, sqrt
from typing import Any

SAME_MOUNTAIN_KM = 5.0
_EARTH_KM = 6371.0
_LONGEST = 120  # characters of a value that are read
_PLAIN = str.maketrans(
    {"\u0142": "l", "\u0141": "L", "\u00f8": "o", "\u00d8": "O", "\u00df": "ss", "\u0131": "i"}
)  # no accents
_SAME_WORDS = {"MT": "MOUNT", "ST": "SAINT", "OBS": "OBSERVATORY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place to observe from.

    Attributes
    ----------
    name
        As ``sites.toml`` has it, or as the header or the observatory's record does.
    longitude_deg, latitude_deg
        East- and north-positive.
    altitude_m
        Above sea level; None when unknown.
    mpc
        Code of the Minor Planet Center; empty for none.
    trusted
        Whether the coordinates are no guess: from the observatory's record or mapping, or the header's own with a
        direction that something else confirms.
    """

    name: str
    longitude_deg: float
    latitude_deg: float
    altitude_m: float | None = None
    mpc: str = ""
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    """The file, read: all sites, and what words and whole values name them."""

    sites: tuple[Site, ...]
    words: dict[str, Site]
    exact: dict[str, Site]
    codes: dict[str, Site]
    longest: int


def _spelled(text: str) -> list[str]:
    """Return the words of a text in capitals, without accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text[:_LONGEST].translate(_PLAIN)).encode("ascii", "ignore").decode().upper()
    return [_SAME_WORDS.get(word, word) for word in re.findall(r"[A-Z0-9]+", plain)]


@cache
def _table() -> _Table:
    with files("photocal.headers").joinpath("sites.toml").open("rb") as stream:
        rows: list[dict[str, Any]] = tomllib.load(stream)["site"]
    sites: list[Site] = []
    words: dict[str, Site] = {}
    exact: dict[str, Site] = {}
    codes: dict[str, Site] = {}
    longest = 1
    for row in rows:
        longitude, latitude, altitude = row["at"]
        site = Site(
            name=row["name"],
            longitude_deg=float(longitude),
            latitude_deg=float(latitude),
            altitude_m=float(altitude),
            mpc=row.get("mpc", ""),
        )
        sites.append(site)
        exact["".join(_spelled(site.name))] = site
        for phrase in row["words"]:
            spelled = _spelled(phrase)
            words["".join(spelled)] = site
            longest = max(longest, len(spelled))
        exact |= {"".join(_spelled(value)): site for value in row.get("exact", ())}
        codes |= {"".join(_spelled(value)): site for value in row.get("codes", ())}
    return _Table(tuple(sites), words, exact, codes, longest)


def known() -> tuple[Site, ...]:
    """Return all sites of the table."""
    return _table().sites


def named(text: str, *, an_observatory: bool = False, a_person: bool = False, a_detector: bool = False) -> Site | None:
    """Return the site that a header's value names, by the longest spelling in it; None for none, or for two at once.

    Parameters
    ----------
    text
        The value.
    an_observatory
        Whether it is that of a keyword for observatories: then short codes count too.
    a_person
        Whether it is that of a keyword for people, who may be called Wise or Blanco: then only whole values count.
    a_detector
        Whether it is that of a keyword for detectors, whose makers may be called Cassini: then words count only where
        they are the whole value.
    """
    table, words = _table(), _spelled(text)
    whole = "".join(words)
    if an_observatory and whole in table.codes:
        return table.codes[whole]
    if whole in table.exact:
        return table.exact[whole]
    if a_detector:
        return table.words.get(whole)
    for count in range(0 if a_person else min(len(words), table.longest), 0, -1):
        phrases = ("".join(words[start : start + count]) for start in range(len(words) - count + 1))
        found = {table.words[phrase] for phrase in phrases if phrase in table.words}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def distance_km(longitude1_deg: float, latitude1_deg: float, longitude2_deg: float, latitude2_deg: float) -> float:
    """Return the distance of two places along a sphere as large as the Earth (haversine formula)."""
    north = sin(radians(latitude2_deg - latitude1_deg) / 2.0)
    east = sin(radians(longitude2_deg - longitude1_deg) / 2.0)
    across = sqrt(cos(radians(latitude1_deg)) * cos(radians(latitude2_deg))) * east
    return 2.0 * _EARTH_KM * asin(min(1.0, hypot(north, across)))


def near(longitude_deg: float, latitude_deg: float, within_km: float = SAME_MOUNTAIN_KM) -> Site | None:
    """Return the nearest site of the table within a distance; None when there is none."""
    reach = degrees(within_km / _EARTH_KM)
    close = [site for site in known() if abs(site.latitude_deg - latitude_deg) <= reach]
    ranked = [(distance_km(longitude_deg, latitude_deg, site.longitude_deg, site.latitude_deg), site) for site in close]
    distance, site = min(ranked, key=lambda pair: pair[0], default=(within_km + 1.0, None))
    return site if distance <= within_km else None
