"""The block OBSERVATORY of the standard header: who and what observed, and from where.

Where: the observatory's record, if it has coordinates; else a mapping's; else the header's own, their direction decided
by `longitude`; else those of a known site that the header names. What the header says is checked against the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import atan2, degrees, hypot, sqrt

from cpcs.keywords import KEYWORDS
from cpcs.mappings import Rule, angles
from photocal.headers import heights, longitude
from photocal.headers.cards import Header
from photocal.headers.ephemeris import wrapped_deg
from photocal.headers.said import UNDEFINED, Said, by_name, by_rule
from photocal.headers.sites import Site, distance_km, named, near
from photocal.headers.standard import Finding, Given, How, Level, Remark

_TEXTS: dict[str, tuple[str, ...]] = {
    "OBSERVAT": ("OBSERVAT", "OBSERVATORY", "SITENAME", "SITE", "SITEID", "OBSVTORY", "SITE_ID", "DTSITE", "SITE-ID"),
    "OBSERVER": ("OBSERVER", "OBSERVERS", "OBSERVER NAME", "OBSRVR", "ESO OBS OBSERVER", "USERNAME", "USERID", "OBSVR"),
    "TELESCOP": ("TELESCOP", "TELESCOPE", "TELNAME", "TELID", "TEL", "ESO TEL ID", "DTTELESC", "TEL_NAME"),
    "ORIGIN": ("ORIGIN", "ORGANIZ", "INSTITUT", "INSTITUTE", "FACILITY", "ESO ORIGIN"),
}
_NAMING = ("OBSNAME", "TELESCOP", "TELESCOPE", "TELNAME", "DTTELESC", "INSTRUME", "DETECTOR", "ORIGIN", "OBSERVER")
_TELESCOPES = _TEXTS["TELESCOP"]
_MAKE = re.compile(r"\b(?:zeiss|schmidt|azt|rc)\b", re.IGNORECASE)  # a kind of telescope, which many places have
_LATITUDES = (
    "LATITUDE", "SITELAT", "LAT-OBS", "OBS-LAT", "OBSGEO-B", "GEOLAT", "ESO TEL GEOLAT", "SITE-LAT", "SITE_LAT",
    "OBSLAT", "LAT_OBS", "OBS_LAT", "LATOBS", "TELLAT", "TEL_LAT", "GEO_LAT", "LATITUD", "SITELATI", "GEOGLAT", "LAT",
    "OBSLATIT", "OBSERVATORY LATITUDE", "GPS_LAT", "GPS-LAT", "GPSLAT",
)  # fmt: skip
_LONGITUDES = (
    "LONGITUD", "LONGITUDE", "SITELONG", "LONG-OBS", "LON-OBS", "OBS-LONG", "OBS-LON", "OBSGEO-L", "GEOLON", "GEOLONG",
    "ESO TEL GEOLON", "SITE-LON", "SITE_LON", "SITELON", "OBSLON", "OBSLONG", "LONG_OBS", "LON_OBS", "OBS_LONG",
    "OBS_LON", "LONGOBS", "TELLONG", "TELLON", "TEL_LONG", "TEL_LON", "GEO_LONG", "GEO_LON", "SITELONGI", "GEOGLON",
    "LONG", "LON", "OBSERVATORY LONGITUDE", "GPS_LON", "GPS-LON", "GPSLON", "GPS_LONG", "OBSLONGI",
)  # fmt: skip
_ORDER = ("OBSERVAT", "OBSERVER", "LONGITUD", "LATITUDE", "ALTITUDE", "TELESCOP", "ORIGIN")
_NOWHERE_DEG = 1e-3  # longitude and latitude both 0: unknown
_FAR_KM, _RECORD_KM, _SAME_HEIGHT_KM = 200.0, 10.0, 25.0
_POLE_DEG, _TURN_DEG = 90.0, 360.0
_RADIUS_KM, _ECCENTRICITY2, _EARTH_KM = 6378.137, 0.00669437999014, (6335.0, 6400.0)  # WGS84
_RADIANS, _HOURS = re.compile(r"\brad(?:ians?)?\b", re.IGNORECASE), re.compile(r"\bhours?\b|\[h\]", re.IGNORECASE)
_SOUTH = re.compile(r"\bdeg\w*\.? s(?:outh)?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteBlock:
    """What the block says.

    Attributes
    ----------
    findings
        OBSERVAT, OBSERVER, LONGITUD, LATITUDE, ALTITUDE, TELESCOP, ORIGIN.
    remarks
        What does not agree (`contradictions.MEANINGS`).
    site
        The place that is used; None when unknown.
    """

    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...] = ()
    site: Site | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    """A place on its way: the site, how its longitude and latitude came about, and what does not agree."""

    site: Site | None = None
    findings: tuple[Finding, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coordinate:
    """A longitude or latitude, deg, as the header writes it; ``plain`` when it is a decimal under its own name."""

    deg: float
    letter: str
    plain: bool
    said: Said


@dataclass(frozen=True, slots=True)
class _Name:
    """A known site, and what names it."""

    site: Site
    source: str


def site_block(header: Header, rules: Mapping[str, Rule], given: Given, *, mjd: float | None) -> SiteBlock:
    """Return who and what observed, and from where.

    Parameters
    ----------
    header
        As the file has it.
    rules
        Of the mapping, by standard keyword.
    given
        What is known beside the header: the observatory's name and coordinates.
    mjd
        UTC of the exposure, for what the sky says of the longitude; None when unknown.
    """
    names = _names(header)
    when = mjd if mjd is not None and KEYWORDS["MJD-AVG"].holds(mjd) else None
    used = _against_record(_own(header, rules, names, given, when), names, given)
    height = _height(used.site, header, rules, given, names)
    texts = {keyword: _text(header, rules, keyword) for keyword in _TEXTS}
    texts["OBSERVAT"] = _observatory(texts["OBSERVAT"], names, used.site, given)
    site = used.site
    if site is not None:
        altitude = None if height.value is None else float(height.value)
        site = replace(site, name=site.name or str(texts["OBSERVAT"].value or ""), altitude_m=altitude)
    found = {finding.keyword: finding for finding in (*texts.values(), *used.findings, height)}
    return SiteBlock(findings=tuple(found[keyword] for keyword in _ORDER), remarks=used.remarks, site=site)


def _text(header: Header, rules: Mapping[str, Rule], keyword: str) -> Finding:
    """Return a keyword that is text, as it stands."""
    said = by_rule(header, rules, keyword) or next(by_name(header, keyword, _TEXTS[keyword]), None)
    if said is None or said.text.strip().upper() in UNDEFINED:
        return Finding(keyword=keyword, why="the header does not say")
    return Finding(keyword=keyword, value=said.text.strip(), how=said.how, source=said.source)


def _names(header: Header) -> tuple[_Name, ...]:
    """Return the known sites that the header names, the likeliest first.

    A telescope is at one place, its institute may have several; only a kind of telescope says less than the institute.
    """
    found: list[_Name] = []
    telescopes: list[_Name] = []
    for key in (*_TEXTS["OBSERVAT"], *_NAMING):
        card = header.get(key)
        if card is None:
            continue
        site = named(
            card.value,
            an_observatory=key in _TEXTS["OBSERVAT"],
            a_person=key == "OBSERVER",
            a_detector=key == "DETECTOR",
        )
        if site is not None:
            specific = key in _TELESCOPES and not _MAKE.search(card.value)
            (telescopes if specific else found).append(_Name(site, str(card)))
    return (*telescopes, *found)


def _observatory(found: Finding, names: tuple[_Name, ...], site: Site | None, given: Given) -> Finding:
    """Return the observatory's name: the header's, the record's, that of the known site which is there or is named."""
    if found.value is not None:
        return found
    if given.observatory:
        return Finding(keyword="OBSERVAT", value=given.observatory, how=How.GIVEN, source="the observatory's record")
    there = near(site.longitude_deg, site.latitude_deg) if site is not None else None
    if there is not None and site is not None:
        why = "the header does not say; this known site is at its coordinates"
        return Finding(keyword="OBSERVAT", value=there.name, how=How.GUESSED, source=_place(site), why=why)
    if names:
        why = "the header does not say; its telescope, camera or origin is known to be there"
        return Finding(keyword="OBSERVAT", value=names[0].site.name, how=How.GUESSED, source=names[0].source, why=why)
    return found


def _place(site: Site) -> str:
    return f"longitude {site.longitude_deg:+.4f}, latitude {site.latitude_deg:+.4f}"


def _record(given: Given) -> str:
    return f"the observatory's record, {given.observatory!r}" if given.observatory else "the observatory's record"


# --- the header's own coordinates ---


def _own(
    header: Header, rules: Mapping[str, Rule], names: tuple[_Name, ...], given: Given, mjd: float | None
) -> _Where:
    """Return the place by mapping, by the header's coordinates, or by the name of a known site."""
    north, east = _coordinate(header, rules, "LATITUDE"), _coordinate(header, rules, "LONGITUD")
    where = None
    if north is not None and east is not None and abs(north.deg) + abs(east.deg) > _NOWHERE_DEG:
        where = _by_coordinates(header, north, east, tuple(name.site for name in names), mjd)
    where = where or _by_geocentric(header)
    if where is not None and where.site is not None:
        return replace(where, remarks=(*where.remarks, *_against_names(where.site, names)))
    recorded = named(given.observatory, an_observatory=True)
    all_names = (*names, *([_Name(recorded, _record(given))] if recorded else []))
    if not all_names:
        why = "the header gives no coordinates, and names no site that is known"
        return _Where(findings=tuple(Finding(keyword=key, why=why) for key in ("LONGITUD", "LATITUDE")))
    site = all_names[0].site
    why = f"the header gives no coordinates; these are those of {site.name}, which is named"
    return _Where(site=site, findings=_both(site, How.GUESSED, all_names[0].source, why))


def _both(site: Site, how: How, source: str, why: str = "") -> tuple[Finding, ...]:
    """Return longitude and latitude of a site, come about in the same way."""
    values = (("LONGITUD", site.longitude_deg), ("LATITUDE", site.latitude_deg))
    return tuple(Finding(keyword=key, value=value, how=how, source=source, why=why) for key, value in values)


def _coordinate(header: Header, rules: Mapping[str, Rule], keyword: str) -> _Coordinate | None:
    """Return a longitude or latitude, deg, with its sign as written; the first name whose value is one.

    A 0 counts only where no other name has anything else: programs write it for unknown.
    """
    names, largest = (_LATITUDES, _POLE_DEG) if keyword == "LATITUDE" else (_LONGITUDES, _TURN_DEG)
    zero = None
    for said in _sayings(header, rules, keyword, names):
        angle = angles.read(said.text)
        deg = None if angle is None else angle.value * _unit_deg(said)
        if angle is None or deg is None or abs(deg) > largest:
            continue
        plain = said.how is How.FOUND and angle.parts == 1 and not angle.letter
        found = _Coordinate(deg=deg, letter=angle.letter, plain=plain, said=said)
        if deg or said.format is not None:
            return found
        zero = zero or found
    return zero


def _sayings(header: Header, rules: Mapping[str, Rule], keyword: str, names: tuple[str, ...]) -> Iterator[Said]:
    ruled = by_rule(header, rules, keyword)
    if ruled is not None:
        yield ruled
    yield from by_name(header, keyword, names)


def _unit_deg(said: Said) -> float:
    """Return what the unit of a coordinate is worth in degrees."""
    if said.format is not None:
        form = said.format.form or said.format.unit
    else:
        form = "rad" if _RADIANS.search(said.comment) else ("hour" if _HOURS.search(said.comment) else "")
    return {"hour": 15.0, "hms": 15.0, "rad": degrees(1.0)}.get(form, 1.0)


def _by_coordinates(
    header: Header, latitude: _Coordinate, coordinate: _Coordinate, names: tuple[Site, ...], mjd: float | None
) -> _Where:
    """Return the place of a longitude and a latitude, their directions decided."""
    north, about_north = _north(latitude, coordinate, names)
    direction, about_east = _east(header, coordinate, north, names, mjd)
    east = direction.longitude_deg
    plain = coordinate.plain and not direction.contradicts and east == coordinate.deg
    why = f"{'east' if east >= 0 else 'west'} of Greenwich: {direction.why}"
    findings = (
        Finding(keyword="LONGITUD", value=east, how=_how(coordinate, plain), source=coordinate.said.source, why=why),
        Finding(keyword="LATITUDE", value=north, how=_how(latitude, latitude.plain), source=latitude.said.source),
    )
    trusted = direction.confirmed and not about_north
    site = Site(name="", longitude_deg=east, latitude_deg=north, trusted=trusted)
    return _Where(site=site, findings=findings, remarks=(*about_north, *about_east))


def _how(coordinate: _Coordinate, plain: bool) -> How:
    if coordinate.said.how is How.MAPPED:
        return How.MAPPED
    return How.FOUND if plain else How.GUESSED


def _east(
    header: Header, coordinate: _Coordinate, north: float, names: tuple[Site, ...], mjd: float | None
) -> tuple[longitude.Direction, tuple[Remark, ...]]:
    """Return the direction of a longitude, and what is said when the header is contradicted. A mapping wins."""
    said, site = coordinate.said, _fitting(names, coordinate.deg, north)
    if said.format is None:
        comment = said.comment
        if said.key == "OBSGEO-L" and longitude.said_west(comment) is None:
            comment = "east longitude, as FITS defines OBSGEO-L"
        found = longitude.decide(
            coordinate.deg, north, letter=coordinate.letter, comment=comment, header=header, site=site, mjd=mjd
        )
        level = Level.WARNING if found.was_said else Level.NOTE
        taken = f"taken as {found.longitude_deg:+.4f}, east-positive, against {found.contradicts}"
        told = f"{said.source}: {taken}, because {found.why}"
        return found, (Remark(code="LONGITUDE_SIGN", level=level, message=told),) if found.contradicts else ()
    mapped = wrapped_deg(_eastwards(coordinate, west=said.format.west))
    sky = longitude.decide(mapped, north, letter="", comment="", header=header, site=site, mjd=mjd)
    ruled = longitude.Direction(longitude_deg=mapped, why="as the mapping says", confirmed=True)
    if not sky.contradicts:
        return ruled, ()
    told = f"{said.source}: the mapping makes it {mapped:+.4f}, east-positive, which is used; against it: {sky.why}"
    return ruled, (Remark(code="LONGITUDE_SIGN", level=Level.WARNING, message=told),)


def _eastwards(coordinate: _Coordinate, *, west: bool) -> float:
    """Return a longitude east-positive, as a mapping has it; a letter in the value itself says more than the format."""
    if coordinate.letter in {"E", "W"}:
        return abs(coordinate.deg) if coordinate.letter == "E" else -abs(coordinate.deg)
    return -coordinate.deg if west else coordinate.deg


def _fitting(names: tuple[Site, ...], longitude_deg: float, latitude_deg: float) -> Site | None:
    """Return the named site that is at the coordinates, one way or the other; else the likeliest."""
    for site in names:
        for way in (longitude_deg, -longitude_deg):
            if distance_km(way, latitude_deg, site.longitude_deg, site.latitude_deg) <= longitude.NAMED_SITE_KM:
                return site
    return names[0] if names else None


def _north(latitude: _Coordinate, east: _Coordinate, names: tuple[Site, ...]) -> tuple[float, tuple[Remark, ...]]:
    """Return the latitude, north-positive, and what is said when the named site is on the other hemisphere."""
    if latitude.said.format is not None:
        return (-abs(latitude.deg) if latitude.letter == "S" else latitude.deg), ()
    south = latitude.letter == "S" or (not latitude.letter and _SOUTH.search(latitude.said.comment))
    stated = -abs(latitude.deg) if south else latitude.deg
    for site in names:
        for way in (east.deg, -east.deg):
            here, mirrored = (
                distance_km(way, north, site.longitude_deg, site.latitude_deg) for north in (stated, -stated)
            )
            if mirrored <= longitude.NAMED_SITE_KM < here:
                why = f"{site.name}, which the header names, is at latitude {site.latitude_deg:+.2f}"
                told = f"{latitude.said.source}: taken as {-stated:+.4f}, because {why}"
                return -stated, (_warning("LATITUDE_SIGN", told),)
    return stated, ()


def _by_geocentric(header: Header) -> _Where | None:
    """Return the place by OBSGEO-X, -Y, -Z (ITRF, m), which have but one meaning.

    Bowring's formula (Survey Review 23, 323, 1976), exact to a millimetre on the ground.
    """
    read = [angles.read(header.text(f"OBSGEO-{axis}")) for axis in "XYZ"]
    values = [angle.value / 1000.0 for angle in read if angle is not None]
    if len(values) < len(read) or not _EARTH_KM[0] <= sqrt(sum(value * value for value in values)) <= _EARTH_KM[1]:
        return None
    x, y, z = values
    polar = _RADIUS_KM * sqrt(1.0 - _ECCENTRICITY2)
    up, out = z * _RADIUS_KM, hypot(x, y) * polar
    sine, cosine = up / hypot(up, out), out / hypot(up, out)
    north = atan2(
        z + _ECCENTRICITY2 / (1.0 - _ECCENTRICITY2) * polar * sine**3,
        hypot(x, y) - _ECCENTRICITY2 * _RADIUS_KM * cosine**3,
    )
    site = Site(name="", longitude_deg=degrees(atan2(y, x)), latitude_deg=degrees(north), trusted=True)
    source = ", ".join(str(header.get(f"OBSGEO-{axis}")) for axis in "XYZ")
    return _Where(site=site, findings=_both(site, How.DERIVED, source, "from geocentric coordinates"))


# --- against what else is known ---


def _against_names(site: Site, names: tuple[_Name, ...]) -> tuple[Remark, ...]:
    """Return what is said when all that the header names is somewhere else."""
    away = [
        distance_km(site.longitude_deg, site.latitude_deg, name.site.longitude_deg, name.site.latitude_deg)
        for name in names
    ]
    if not away or min(away) <= _FAR_KM:
        return ()
    named_site = f"{names[0].source} names {names[0].site.name}"
    told = f"{named_site}, {away[0]:.0f} km from the coordinates {_place(site)}, which are used"
    return (_warning("SITE_AGAINST_NAME", told),)


def _recorded(given: Given) -> Site | None:
    """Return the place of the observatory's record; None where it has none, or 0, 0.

    Alone it is not trusted: records of the first CPCS have longitudes of either sign.
    """
    east, north = given.longitude_deg, given.latitude_deg
    if east is None or north is None or not (abs(north) <= _POLE_DEG and abs(east) <= _TURN_DEG):
        return None
    if abs(east) + abs(north) <= _NOWHERE_DEG:
        return None
    return Site(name=given.observatory, longitude_deg=wrapped_deg(east), latitude_deg=north)


def _against_record(where: _Where, names: tuple[_Name, ...], given: Given) -> _Where:
    """Return the place of the observatory's record, where it has one, and what the header says against it."""
    record, site = _recorded(given), where.site
    if record is None:
        return where
    findings = _both(record, How.GIVEN, _record(given))
    # what decided the direction of the header's longitude matters no more
    kept = tuple(remark for remark in where.remarks if remark.code != "LONGITUDE_SIGN")
    if site is None or site.name:  # the header gives no coordinates
        return _Where(site=record, findings=findings, remarks=(*kept, *_against_names(record, names)))
    east, north = record.longitude_deg, record.latitude_deg
    distance = distance_km(site.longitude_deg, site.latitude_deg, east, north)
    if distance <= _RECORD_KM:
        return _Where(site=replace(record, trusted=True), findings=findings, remarks=where.remarks)
    used = "the observatory's record, which is used"
    if distance_km(-site.longitude_deg, site.latitude_deg, east, north) <= _RECORD_KM:
        told = f"{where.findings[0].source}: it is {east:+.4f}, east-positive, in {used}"
        return _Where(site=record, findings=findings, remarks=(*kept, _warning("LONGITUDE_SIGN", told)))
    told = f"the header is at {_place(site)}, {distance:.0f} km from {_place(record)} of {used}"
    return _Where(site=record, findings=findings, remarks=(*kept, _warning("SITE_AGAINST_RECORD", told)))


def _warning(code: str, told: str) -> Remark:
    return Remark(code=code, level=Level.WARNING, message=told)


def _height(
    site: Site | None, header: Header, rules: Mapping[str, Rule], given: Given, names: tuple[_Name, ...]
) -> Finding:
    """Return the altitude above the sea: the record's, the header's, that of a known site there."""
    if given.altitude_m is not None and _recorded(given) is not None and KEYWORDS["ALTITUDE"].holds(given.altitude_m):
        return Finding(keyword="ALTITUDE", value=given.altitude_m, how=How.GIVEN, source=_record(given))
    known = None
    if site is not None:
        known = near(site.longitude_deg, site.latitude_deg) or _named_near(site, names)
    return heights.height(_sayings(header, rules, "ALTITUDE", heights.NAMES), known)


def _named_near(site: Site, names: tuple[_Name, ...]) -> Site | None:
    """Return the named site that coordinates are meant to be those of, though not on the same mountain."""
    for name in names:
        at = name.site
        if distance_km(site.longitude_deg, site.latitude_deg, at.longitude_deg, at.latitude_deg) < _SAME_HEIGHT_KM:
            return at
    return None


ALIASES: dict[str, tuple[str, ...]] = {
    **_TEXTS, "LATITUDE": _LATITUDES, "LONGITUD": _LONGITUDES, "ALTITUDE": heights.NAMES,
}  # fmt: skip
"""The names of each standard keyword of the block, for the documentation."""
