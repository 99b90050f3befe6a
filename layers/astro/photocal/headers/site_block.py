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
from cpcs.mappings import UNITS, Rule
from photocal.headers import angles, evidence, longitude
from photocal.headers.cards import Header
from photocal.headers.ephemeris import wrapped_deg
from photocal.headers.said import UNDEFINED, Said, by_name, by_rule
from photocal.headers.sites import Site, distance_km, named, near
from photocal.headers.standard import Finding, Given, How, Level, Remark

_TEXTS: dict[str, tuple[str, ...]] = {
    "OBSERVAT": ("OBSERVAT", "OBSERVATORY", "OBSNAME", "SITENAME", "SITE", "SITEID", "OBSVTORY", "SITE_ID", "DTSITE"),
    "OBSERVER": ("OBSERVER", "OBSERVERS", "OBSERVER NAME", "OBSRVR", "ESO OBS OBSERVER", "USERNAME", "USERID", "OBSVR"),
    "TELESCOP": ("TELESCOP", "TELESCOPE", "TELNAME", "TELID", "TEL", "ESO TEL ID", "DTTELESC", "TEL_NAME"),
    "ORIGIN": ("ORIGIN", "ORGANIZ", "INSTITUT", "INSTITUTE", "FACILITY", "ESO ORIGIN"),
}
_NAMING = (*_TEXTS["OBSERVAT"], "TELESCOP", "TELESCOPE", "DTTELESC", "INSTRUME", "DETECTOR", "ORIGIN", "OBSERVER")
_LATITUDES = (
    "LATITUDE", "SITELAT", "LAT-OBS", "OBS-LAT", "OBSGEO-B", "GEOLAT", "ESO TEL GEOLAT", "SITE-LAT", "SITE_LAT", "OBSLAT",
    "LAT_OBS", "OBS_LAT", "LATOBS", "TELLAT", "TEL_LAT", "GEO_LAT", "LATITUD", "SITELATI", "GEOGLAT", "LAT", "OBSLATIT",
    "OBSERVATORY LATITUDE", "GPS_LAT", "GPS-LAT", "GPSLAT",
)  # fmt: skip
_LONGITUDES = (
    "LONGITUD", "LONGITUDE", "SITELONG", "LONG-OBS", "LON-OBS", "OBS-LONG", "OBS-LON", "OBSGEO-L", "GEOLON", "GEOLONG",
    "ESO TEL GEOLON", "SITE-LON", "SITE_LON", "SITELON", "OBSLON", "OBSLONG", "LONG_OBS", "LON_OBS", "OBS_LONG", "OBS_LON",
    "LONGOBS", "TELLONG", "TELLON", "TEL_LONG", "TEL_LON", "GEO_LONG", "GEO_LON", "SITELONGI", "GEOGLON", "LONG", "LON",
    "OBSERVATORY LONGITUDE", "GPS_LON", "GPS-LON", "GPSLON", "GPS_LONG", "OBSLONGI",
)  # fmt: skip
_ALTITUDES = (
    "ALTITUDE", "SITEALT", "SITEELEV", "ALT-OBS", "OBS-ELEV", "ELEV-OBS", "OBSGEO-H", "HEIGHT", "ELEVATIO", "ELEVATION",
    "OBSALT", "OBSELEV", "GEOELEV", "ESO TEL GEOELEV", "ESO TEL ALTITUDE", "ALTITIDE", "ALT_OBS", "OBS-ALT", "OBS_ALT",
    "OBS_ELEV", "TELELEV", "SITEHGT", "SITEELE", "SITE-ELE", "SITE_ELE", "SITE-ALT", "SITE_ALT", "ELEV_OBS", "GEOALT",
    "GEO_ALT", "SITEHEIG", "ALTOBS", "OBSALTIT", "GPS_ALT", "GPS-ALT", "GPSALT", "SITEHEIGHT",
)  # fmt: skip
_CERTAIN_HEIGHTS = {"HEIGHT", "OBSGEO-H", "SITEALT", "SITEELEV", "OBS-ELEV", "ELEV-OBS", "ESO TEL GEOELEV", "GEOELEV"}
_KEPT = {"OBSERVER": ("UNKNOWN", "UNDEFINED", "NONE")}
_NEAR_DEG, _FAR_KM, _RECORD_KM = 1e-3, 200.0, 10.0
_HIGHEST_ANGLE = 90.0
_A_KM, _E2 = 6378.137, 0.00669437999014
_EARTH_KM = (6335.0, 6400.0)
_UNIT = re.compile(r"\b(km|ft|feet)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteBlock:
    """What the block says.

    Attributes
    ----------
    findings
        OBSERVAT, OBSERVER, LONGITUD, LATITUDE, ALTITUDE, TELESCOP, ORIGIN.
    remarks
        What does not agree.
    site
        The place that is used; None when unknown.
    """

    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...] = ()
    site: Site | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    """A place on its way: the site, how longitude, latitude and altitude came about, and what does not agree."""

    site: Site | None = None
    findings: tuple[Finding, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coordinate:
    """A longitude or latitude, deg, as the header writes it, and where."""

    deg: float
    letter: str
    plain: bool
    said: Said


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
    names = _names(header, given)
    own = _own(header, rules, names, mjd)
    used = _with_altitude(_against_record(own, given), header, rules)
    texts = {keyword: _text(header, rules, keyword) for keyword in _TEXTS}
    texts["OBSERVAT"] = _observatory(texts["OBSERVAT"], names, used.site, given)
    site = used.site
    if site is not None and not site.name:
        site = replace(site, name=str(texts["OBSERVAT"].value or ""))
    found = {finding.keyword: finding for finding in (*texts.values(), *used.findings)}
    order = ("OBSERVAT", "OBSERVER", "LONGITUD", "LATITUDE", "ALTITUDE", "TELESCOP", "ORIGIN")
    return SiteBlock(findings=tuple(found[keyword] for keyword in order), remarks=used.remarks, site=site)


def _text(header: Header, rules: Mapping[str, Rule], keyword: str) -> Finding:
    """Return a keyword that is text, as it stands."""
    said = by_rule(header, rules, keyword) or next(by_name(header, keyword, _TEXTS[keyword]), None)
    if said is None or said.text.strip().upper() in UNDEFINED:
        return Finding(keyword=keyword, why="the header does not say")
    return Finding(keyword=keyword, value=said.text.strip(), how=said.how, source=said.source)


def _names(header: Header, given: Given) -> tuple[tuple[Site, str], ...]:
    """Return the known sites that the header names, with the card, the likeliest first; the record's name before it."""
    found = (
        [(named(given.observatory), f"the observatory's record, {given.observatory!r}")] if given.observatory else []
    )
    for key in _NAMING:
        card = header.get(key)
        if card is not None:
            found.append((named(card.value), str(card)))
    return tuple((site, source) for site, source in found if site is not None)


def _observatory(found: Finding, names: tuple[tuple[Site, str], ...], site: Site | None, given: Given) -> Finding:
    """Return the observatory's name: the header's, the record's, that of the known site which is there or is named."""
    if found.value is not None:
        return found
    if given.observatory:
        return Finding(keyword="OBSERVAT", value=given.observatory, how=How.GIVEN, source="the observatory's record")
    there = near(site.longitude_deg, site.latitude_deg) if site is not None else None
    if there is not None:
        why = "the header does not say; this known site is at its coordinates"
        return Finding(keyword="OBSERVAT", value=there.name, how=How.GUESSED, source=_place(site), why=why)
    if names:
        why = "the header does not say; its telescope, camera or origin is known to be there"
        return Finding(keyword="OBSERVAT", value=names[0][0].name, how=How.GUESSED, source=names[0][1], why=why)
    return found


def _place(site: Site | None) -> str:
    return "" if site is None else f"longitude {site.longitude_deg:+.4f}, latitude {site.latitude_deg:+.4f}"


# --- the header's own coordinates ---


def _own(header: Header, rules: Mapping[str, Rule], names: tuple[tuple[Site, str], ...], mjd: float | None) -> _Where:
    """Return the place by mapping, by the header's coordinates, or by the name of a known site."""
    latitude, longitude_ = _coordinate(header, rules, "LATITUDE"), _coordinate(header, rules, "LONGITUD")
    where = _Where()
    if latitude is not None and longitude_ is not None and (abs(latitude.deg) + abs(longitude_.deg)) > _NEAR_DEG:
        where = _by_coordinates(header, latitude, longitude_, tuple(site for site, _ in names), mjd)
    if where.site is None:
        where = _by_geocentric(header) or where
    if where.site is not None:
        return replace(where, remarks=(*where.remarks, *_against_names(where.site, names)))
    if not names:
        why = "the header gives no coordinates, and names no site that is known"
        return replace(where, findings=tuple(Finding(keyword=key, why=why) for key in ("LONGITUD", "LATITUDE")))
    site, source = names[0]
    why = f"the header gives no coordinates; these are those of {site.name}, which it names"
    values = (("LONGITUD", site.longitude_deg), ("LATITUDE", site.latitude_deg))
    found = tuple(Finding(keyword=key, value=value, how=How.GUESSED, source=source, why=why) for key, value in values)
    return replace(where, site=site, findings=found)


def _coordinate(header: Header, rules: Mapping[str, Rule], keyword: str) -> _Coordinate | None:
    """Return a longitude or latitude, deg, with its sign as written; the first name whose value is one."""
    for said in _sayings(header, rules, keyword, _LATITUDES if keyword == "LATITUDE" else _LONGITUDES):
        angle = angles.read(said.text)
        if angle is None:
            continue
        deg = angle.value * _turned(said)
        if abs(deg) <= (90.0 if keyword == "LATITUDE" else 360.0):
            plain = said.how is How.FOUND and angle.parts == 1 and not angle.letter
            return _Coordinate(deg=deg, letter=angle.letter, plain=plain, said=said)
    return None


def _sayings(header: Header, rules: Mapping[str, Rule], keyword: str, names: tuple[str, ...]) -> Iterator[Said]:
    ruled = by_rule(header, rules, keyword)
    if ruled is not None:
        yield ruled
    yield from by_name(header, keyword, names)


def _turned(said: Said) -> float:
    """Return what a coordinate's unit is worth in degrees."""
    form = said.format.form or said.format.unit if said.format is not None else ""
    if not form:
        form = "rad" if re.search(r"\brad(?:ians?)?\b", said.comment, re.IGNORECASE) else ""
        form = form or ("hour" if re.search(r"\bhours?\b|\[h\]", said.comment, re.IGNORECASE) else "")
    return {"hour": 15.0, "hms": 15.0, "rad": degrees(1.0)}.get(form, 1.0)


def _by_coordinates(
    header: Header, latitude: _Coordinate, longitude_: _Coordinate, names: tuple[Site, ...], mjd: float | None
) -> _Where:
    north, about_north = _latitude(latitude, longitude_, names)
    ruled = longitude_.said.format is not None
    if ruled:
        assert longitude_.said.format is not None  # noqa: S101
        west = longitude_.said.format.west
        east = wrapped_deg(-longitude_.deg if west else longitude_.deg)
        direction = longitude.Direction(longitude_deg=east, why="as the mapping says", confirmed=True)
    else:
        direction = longitude.decide(
            longitude_.deg, north, letter=longitude_.letter, comment=longitude_.said.comment, header=header,
            site=_fitting(names, longitude_.deg, north), mjd=mjd,
        )  # fmt: skip
    remarks = (*about_north, *_about_sign(longitude_, direction))
    plain = longitude_.plain and not direction.contradicts and direction.longitude_deg == longitude_.deg
    how = How.MAPPED if ruled else (How.FOUND if plain else How.GUESSED)
    how_north = latitude.said.how if latitude.said.how is How.MAPPED or latitude.plain else How.GUESSED
    site = Site(
        name="",
        longitude_deg=direction.longitude_deg,
        latitude_deg=north,
        trusted=direction.confirmed and not about_north,
    )
    return _Where(
        site=site,
        findings=(
            Finding(
                keyword="LONGITUD", value=direction.longitude_deg, how=how, source=longitude_.said.source,
                why=f"{'east' if direction.longitude_deg >= 0 else 'west'} of Greenwich: {direction.why}",
            ),
            Finding(keyword="LATITUDE", value=north, how=how_north, source=latitude.said.source),
        ),
        remarks=remarks,
    )  # fmt: skip


def _fitting(names: tuple[Site, ...], longitude_deg: float, latitude_deg: float) -> Site | None:
    """Return the named site that is at the coordinates, one way or the other; else the likeliest."""
    for site in names:
        for way in (longitude_deg, -longitude_deg):
            if distance_km(way, latitude_deg, site.longitude_deg, site.latitude_deg) <= longitude.NAMED_SITE_KM:
                return site
    return names[0] if names else None


def _latitude(
    latitude: _Coordinate, longitude_: _Coordinate, names: tuple[Site, ...]
) -> tuple[float, tuple[Remark, ...]]:
    """Return the latitude, north-positive, and what is said when its sign is contradicted by where the site is."""
    south = latitude.letter == "S" or (
        not latitude.letter and re.search(r"\bdeg\w* s(outh)?\b", latitude.said.comment, re.IGNORECASE)
    )
    stated = -abs(latitude.deg) if south and latitude.said.format is None else latitude.deg
    if latitude.said.format is not None:
        return stated, ()
    for site in names:
        for way in (longitude_.deg, -longitude_.deg):
            here, mirrored = (
                distance_km(way, north, site.longitude_deg, site.latitude_deg) for north in (stated, -stated)
            )
            if mirrored <= longitude.NAMED_SITE_KM < here:
                told = f"{latitude.said.source}: {site.name} is at latitude {site.latitude_deg:+.2f}; taken as {-stated:+.4f}"
                return -stated, (Remark(code="LATITUDE_SIGN", level=Level.WARNING, message=told),)
    return stated, ()


def _about_sign(coordinate: _Coordinate, direction: longitude.Direction) -> tuple[Remark, ...]:
    if not direction.contradicts:
        return ()
    level = Level.WARNING if direction.was_said else Level.NOTE
    told = (
        f"{coordinate.said.source}: taken as {direction.longitude_deg:+.4f} (east-positive) against {direction.contradicts},"
        f" because {direction.why}"
    )
    return (Remark(code="LONGITUDE_SIGN", level=level, message=told),)


def _by_geocentric(header: Header) -> _Where | None:
    """Return the place by OBSGEO-X, -Y, -Z (ITRF, m), which have but one meaning (Bowring's formula, to 1 mm)."""
    read = [angles.read(header.text(f"OBSGEO-{axis}")) for axis in "XYZ"]
    values = [angle.value / 1000.0 for angle in read if angle is not None]
    if len(values) < len(read) or not _EARTH_KM[0] <= sqrt(sum(value * value for value in values)) <= _EARTH_KM[1]:
        return None
    x, y, z = values
    axis, polar = hypot(x, y), _A_KM * sqrt(1.0 - _E2)
    slope = atan2(z * _A_KM, axis * polar)
    sine, cosine = z * _A_KM, axis * polar
    sine, cosine = sine / hypot(sine, cosine), cosine / hypot(sine, cosine)
    north = atan2(z + _E2 / (1.0 - _E2) * polar * sine**3, axis - _E2 * _A_KM * cosine**3) if axis > 0 else slope
    east, latitude_deg = degrees(atan2(y, x)), degrees(north)
    source = ", ".join(str(header.get(f"OBSGEO-{name}")) for name in "XYZ")
    why = "from geocentric coordinates"
    found = (("LONGITUD", east), ("LATITUDE", latitude_deg))
    return _Where(
        site=Site(name="", longitude_deg=east, latitude_deg=latitude_deg, trusted=True),
        findings=tuple(
            Finding(keyword=key, value=value, how=How.DERIVED, source=source, why=why) for key, value in found
        ),
    )


# --- against what else is known ---


def _against_names(site: Site, names: tuple[tuple[Site, str], ...]) -> tuple[Remark, ...]:
    """Return what is said when all that the header names is somewhere else."""
    away = [
        (distance_km(site.longitude_deg, site.latitude_deg, at.longitude_deg, at.latitude_deg), at, source)
        for at, source in names
    ]
    if not away or min(distance for distance, _, _ in away) <= _FAR_KM:
        return ()
    distance, at, source = away[0]
    told = f"{source} names {at.name}, {distance:.0f} km from the header's coordinates ({_place(site)}), which are used"
    return (Remark(code="SITE_AGAINST_NAME", level=Level.WARNING, message=told),)


def _against_record(where: _Where, given: Given) -> _Where:
    """Return the place of the observatory's record, where it has one, and what the header says against it."""
    east, north = given.longitude_deg, given.latitude_deg
    if east is None or north is None or (east == 0 and north == 0) or not (abs(north) <= 90.0 and abs(east) <= 360.0):  # noqa: PLR2004
        return where
    record = Site(
        name=given.observatory, longitude_deg=wrapped_deg(east), latitude_deg=north, altitude_m=given.altitude_m,
        trusted=True,
    )  # fmt: skip
    source = "the observatory's record"
    found = (("LONGITUD", record.longitude_deg), ("LATITUDE", record.latitude_deg))
    findings = tuple(Finding(keyword=key, value=value, how=How.GIVEN, source=source) for key, value in found)
    site = where.site
    if site is None:
        return _Where(site=record, findings=findings, remarks=where.remarks)
    if distance_km(-site.longitude_deg, site.latitude_deg, east, north) <= _RECORD_KM:
        mirrored = f"the header's longitude {site.longitude_deg:+.4f} is {east:+.4f} in the observatory's record, which is used"
        remarks = tuple(remark for remark in where.remarks if remark.code != "LONGITUDE_SIGN")
        return _Where(
            site=record, findings=findings,
            remarks=(*remarks, Remark(code="LONGITUDE_SIGN", level=Level.WARNING, message=mirrored)),
        )  # fmt: skip
    distance = distance_km(site.longitude_deg, site.latitude_deg, east, north)
    if distance <= _RECORD_KM:
        return _Where(site=record, findings=findings, remarks=where.remarks)
    told = f"the header is at {_place(site)}, {distance:.0f} km from the observatory's record ({_place(record)}), which is used"
    against = Remark(code="SITE_AGAINST_RECORD", level=Level.WARNING, message=told)
    return _Where(site=record, findings=findings, remarks=(*where.remarks, against))


# --- altitude ---


def _with_altitude(where: _Where, header: Header, rules: Mapping[str, Rule]) -> _Where:
    """Return the place with its altitude above the sea."""
    found = _altitude(where.site, header, rules)
    altitude = None if found.value is None else float(found.value)
    site = None if where.site is None else replace(where.site, altitude_m=altitude)
    return replace(where, site=site, findings=(*where.findings, found))


def _altitude(site: Site | None, header: Header, rules: Mapping[str, Rule]) -> Finding:
    if site is not None and site.altitude_m is not None and site.trusted:
        return Finding(keyword="ALTITUDE", value=site.altitude_m, how=How.GIVEN, source="the observatory's record")
    known = near(site.longitude_deg, site.latitude_deg) if site is not None else None
    passed = ""
    for said in _sayings(header, rules, "ALTITUDE", _ALTITUDES):
        value, why = _height(said, known)
        if value is not None and KEYWORDS["ALTITUDE"].holds(value):
            how = How.GUESSED if why or said.how is How.GUESSED else said.how
            return Finding(
                keyword="ALTITUDE", value=value, how=How.MAPPED if said.format else how, source=said.source, why=why
            )
        passed = passed or f"{said.source}: {why or 'no height'}"
    if known is not None:
        why = f"that of {known.name}" + (f"; {passed}" if passed else "")
        return Finding(keyword="ALTITUDE", value=known.altitude_m, how=How.GUESSED, source=_place(site), why=why)
    return Finding(keyword="ALTITUDE", why=passed or "the header does not say")


def _height(said: Said, known: Site | None) -> tuple[float | None, str]:
    """Return a height above the sea, m, and what was assumed; None for the altitude angle of the telescope."""
    text = said.text.replace(",", ".").strip()
    number = re.match(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", text)
    if number is None or ":" in text:
        return None, "no number of metres"
    value, rest = float(number[0]), text[number.end() :]
    if said.format is not None:
        return value * UNITS.get(said.format.unit, ("m", 1.0))[1], ""
    unit = _UNIT.search(rest) or _UNIT.search(said.comment)
    if unit is not None and not evidence.IS_ANGLE.search(said.comment):
        return value * UNITS["km" if unit[1].lower() == "km" else "ft"][1], f"in {unit[1]}"
    if evidence.IS_HEIGHT.search(said.comment) or evidence.IS_HEIGHT.search(rest) or said.key in _CERTAIN_HEIGHTS:
        return value, ""
    if evidence.IS_ANGLE.search(said.comment):
        return None, "the telescope's altitude angle, not a height"
    if value > _HIGHEST_ANGLE:
        return value, "in metres: too large for an angle"
    if known is not None and known.altitude_m is not None and abs(known.altitude_m - value) < _HIGHEST_ANGLE:
        return value, f"in metres: {known.name} is at {known.altitude_m:.0f} m"
    return None, "a height or an angle; the header does not say which"
