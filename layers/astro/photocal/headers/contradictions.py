"""What cannot be: the target under the horizon, the Sun up, an airmass or a sidereal time of another place or hour.

A refusal only where no guess of ours is involved: position (or the event's), DATE-OBS, TIME-OBS and site all as the
header, the mapping or the record has them. Otherwise the same is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import hypot

from cpcs.keywords import KEYWORDS
from cpcs.mappings import Rule, angles
from photocal.headers import ephemeris, evidence
from photocal.headers.cards import Header
from photocal.headers.ephemeris import wrapped_deg
from photocal.headers.said import by_rule
from photocal.headers.sites import Site, near
from photocal.headers.standard import Finding, Given, How, Level, Remark

MEANINGS: dict[str, str] = {
    "SITE_AGAINST_RECORD": "The header is more than 10 km from the observatory's record; the record wins",
    "SITE_AGAINST_NAME": "The header names a known site more than 200 km from the coordinates; the coordinates win",
    "LONGITUDE_SIGN": "East and west are not as header or mapping have them; the message says what speaks for it",
    "LATITUDE_SIGN": "The site that the header names is on the other hemisphere; the site wins",
    "TARGET_BELOW_HORIZON": "The target was more than 2 deg under the horizon at that place and time",
    "SUN_UP": "The Sun was above the horizon at that place and time",
    "TWILIGHT": "The Sun was less than 12 deg under the horizon",
    "MOON_BRIGHT": "The Moon was up: its phase, and its distance from the target",
    "AIRMASS_AGAINST_SKY": "The header's airmass or altitude is not that of the target at that place and time",
    "LST_AGAINST_TIME": "The header's sidereal time is not that of the place and time",
    "TARGET_AGAINST_POINTING": "The target is outside the field, by more than the field's size",
}
"""Codes of the remarks on place and sky, and what they mean."""

HORIZON_DEG = -2.0  # refraction lifts by 0.6, and not every site's horizon is flat
NIGHT_DEG = -12.0
FAR_DEG = 5.0
_LST_DEG = 3.75  # 15 minutes
_AIRMASS_SHARE, _AIRMASS_HIGHEST = 0.12, 6.0
_MOON_DIM, _MOON_NOTED = 0.1, 0.5
_FIELD_DEG = 1.0  # diameter of a field whose size is unknown
_MOST_HOURS, _ZONE_HOURS = 14, 2.0
_NOT_SKY = re.compile(r"flat|dark|bias|zero|dome|lamp|arc\b|calib|focus", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """All that is known of where, when and whereto, and whether it is no guess.

    ``moments`` are start, middle and end, MJD (UTC), those that are known, in order. ``sure`` is about them and the
    site, ``aimed`` about the position.
    """

    header: Header
    site: Site | None
    moments: tuple[float, ...]
    position: tuple[float, float] | None
    sure: bool
    aimed: bool

    @property
    def middle(self) -> float:
        return self.moments[len(self.moments) // 2]

    def altitudes(self, *, later_h: float = 0.0, mirrored: bool = False) -> tuple[float, ...]:
        """Return the target's altitude at all moments; of another time or on the other side of Greenwich when asked."""
        site, position = self.site, self.position
        if site is None or position is None:
            return ()
        longitude = -site.longitude_deg if mirrored else site.longitude_deg
        times = (moment + later_h / 24.0 for moment in self.moments)
        return tuple(ephemeris.altitude_of(*position, time, longitude, site.latitude_deg) for time in times)

    def suns(self, *, later_h: float = 0.0, mirrored: bool = False) -> tuple[float, ...]:
        """Return the Sun's altitude at all moments."""
        if self.site is None:
            return ()
        longitude = -self.site.longitude_deg if mirrored else self.site.longitude_deg
        found = []
        for moment in self.moments:
            time = moment + later_h / 24.0
            light = ephemeris.sun(time)
            place = (longitude, self.site.latitude_deg)
            found.append(ephemeris.horizontal(light.ra_deg, light.dec_deg, time, *place)[0])
        return tuple(found)


def contradictions(
    findings: Mapping[str, Finding],
    header: Header,
    given: Given,
    site: Site | None,
    *,
    start_mjd: float | None,
    mid_mjd: float | None,
    end_mjd: float | None,
    rules: Mapping[str, Rule] | None = None,
) -> tuple[tuple[Finding, ...], tuple[Remark, ...]]:
    """Return the airmass, and what does not agree between place, time, sky and target.

    Parameters
    ----------
    findings
        What was understood, by standard keyword: RA, DEC, DATE-OBS, TIME-OBS, OBSTYPE, NAXIS1, NAXIS2, CDELTA1, CDELTA2
        and AIRMASS are looked at, those that are there.
    header
        For its own airmass, altitude and sidereal time.
    given
        The target's position.
    site
        As `site_block` returns it.
    start_mjd, mid_mjd, end_mjd
        UTC; None when unknown.
    rules
        Of the mapping, for a rule of AIRMASS.

    Returns
    -------
    tuple
        The finding of AIRMASS, and the remarks (`MEANINGS`).
    """
    scene = _scene(findings, header, given, site, (start_mjd, mid_mjd, end_mjd))
    airmass, about_airmass = _airmass(_mapped_airmass(header, rules or {}) or findings.get("AIRMASS"), scene)
    remarks = list(_target_and_pointing(findings, given))
    if not _NOT_SKY.search(str(_value(findings, "OBSTYPE") or "")):
        if scene.moments and site is not None:
            remarks += [*_horizon(scene), *_sun(scene), *_moon(scene), *_sidereal(scene)]
        remarks += about_airmass
    return (airmass,), tuple(remarks)


def _value(findings: Mapping[str, Finding], keyword: str) -> str | int | float | None:
    found = findings.get(keyword)
    return None if found is None else found.value


def _number(findings: Mapping[str, Finding], keyword: str) -> float | None:
    value = _value(findings, keyword)
    number = float(value) if isinstance(value, int | float) else None
    return number if number is not None and KEYWORDS[keyword].holds(number) else None


def _guessed(findings: Mapping[str, Finding], *keywords: str) -> bool:
    return any(findings[key].how is How.GUESSED for key in keywords if key in findings)


def _scene(
    findings: Mapping[str, Finding], header: Header, given: Given, site: Site | None, times: tuple[float | None, ...]
) -> _Scene:
    ra, dec = _number(findings, "RA"), _number(findings, "DEC")
    position = None if ra is None or dec is None else (ra, dec)
    aimed, target = not _guessed(findings, "RA", "DEC"), _target(given)
    # a pointing that was guessed and is close to the event's position was guessed rightly
    if target is not None and (position is None or ephemeris.separation_deg(*position, *target) < FAR_DEG):
        position, aimed = position or target, True
    timed = not _guessed(findings, "DATE-OBS", "TIME-OBS")
    moments = tuple(sorted(time for time in times if time is not None and KEYWORDS["MJD-AVG"].holds(time)))
    sure = timed and site is not None and site.trusted
    return _Scene(header=header, site=site, moments=moments, position=position, sure=sure, aimed=aimed)


def _target(given: Given) -> tuple[float, float] | None:
    """Return the event's position; None when unknown, or impossible."""
    ra, dec = given.target_ra_deg, given.target_dec_deg
    if ra is None or dec is None or not (KEYWORDS["RA"].holds(ra) and KEYWORDS["DEC"].holds(dec)):
        return None
    return ra, dec


def _judged(code: str, told: str, *, sure: bool) -> Remark:
    """Return a refusal where nothing was guessed, else a warning that says so."""
    if sure:
        return Remark(code=code, level=Level.REFUSAL, message=told)
    return Remark(code=code, level=Level.WARNING, message=f"{told} (something of that was guessed)")


def _horizon(scene: _Scene) -> Iterator[Remark]:
    altitudes = scene.altitudes()
    if altitudes and max(altitudes) < HORIZON_DEG:
        told = f"the target was {-max(altitudes):.1f} deg under the horizon at {_where(scene)}, MJD {scene.middle:.5f}"
        yield _judged("TARGET_BELOW_HORIZON", told + _explained(scene), sure=scene.sure and scene.aimed)


def _sun(scene: _Scene) -> Iterator[Remark]:
    lowest, highest = min(scene.suns()), max(scene.suns())
    told = f"the Sun was at altitude {lowest:+.1f} deg at {_where(scene)}, MJD {scene.middle:.5f}"
    if lowest > 0.0:
        yield _judged("SUN_UP", told + _explained(scene), sure=scene.sure)
    elif highest > NIGHT_DEG:
        told = f"twilight: the Sun was at altitude {highest:+.1f} deg at {_where(scene)}, MJD {scene.middle:.5f}"
        yield Remark(code="TWILIGHT", level=Level.NOTE, message=told)


def _moon(scene: _Scene) -> Iterator[Remark]:
    if scene.site is None:
        return
    place = (scene.site.longitude_deg, scene.site.latitude_deg)
    body = ephemeris.moon(scene.middle, *place)
    altitude = ephemeris.horizontal(body.ra_deg, body.dec_deg, scene.middle, *place)[0]
    if altitude <= 0.0 or body.lit < _MOON_DIM:
        return
    told = f"the Moon was up at altitude {altitude:.0f} deg, {body.lit:.0%} lit"
    if scene.position is None:
        if body.lit >= _MOON_NOTED:
            yield Remark(code="MOON_BRIGHT", level=Level.NOTE, message=told)
        return
    away = ephemeris.separation_deg(body.ra_deg, body.dec_deg, *ephemeris.of_date(*scene.position, scene.middle))
    close = away < 5.0 + 20.0 * body.lit
    if close or body.lit >= _MOON_NOTED:
        level = Level.WARNING if close else Level.NOTE
        yield Remark(code="MOON_BRIGHT", level=level, message=f"{told}, {away:.0f} deg from the target")


def _sidereal(scene: _Scene) -> Iterator[Remark]:
    """Compare the sidereal times of the header with those of place and time."""
    off = [(item, _off_deg(scene, item.deg)) for item in evidence.sidereal_times(scene.header)]
    wrong = [(item, away) for item, away in off if abs(away) > _LST_DEG]
    if not wrong:
        return
    item, away = min(wrong, key=lambda pair: abs(pair[1]))
    told = f"{item.source} is {away / 15.0:+.2f} h off the sidereal time at {_where(scene)}, MJD {scene.middle:.5f}"
    if len(wrong) < len(off):
        told += "; another sidereal time of the header agrees"
        yield Remark(code="LST_AGAINST_TIME", level=Level.NOTE, message=told)
    else:
        told += _explained(scene, by_the_clock=True)
        yield Remark(code="LST_AGAINST_TIME", level=Level.WARNING, message=told)


def _off_deg(scene: _Scene, sidereal_deg: float, *, later_h: float = 0.0, mirrored: bool = False) -> float:
    """Return by how much a sidereal time differs from those of the moments, deg, the smallest of them."""
    if scene.site is None:
        return 0.0
    longitude = -scene.site.longitude_deg if mirrored else scene.site.longitude_deg
    times = (moment + later_h / 24.0 for moment in scene.moments)
    return min((wrapped_deg(sidereal_deg - ephemeris.lst_deg(time, longitude)) for time in times), key=abs)


# --- airmass ---


def _airmass(found: Finding | None, scene: _Scene) -> tuple[Finding, tuple[Remark, ...]]:
    """Return the finding of AIRMASS, the header's or computed, and what is said when they differ."""
    computed = [value for value in map(ephemeris.airmass, scene.altitudes()) if value is not None]
    middle = ephemeris.airmass(scene.altitudes()[len(scene.moments) // 2]) if computed else None
    own = found if found is not None and found.value is not None else _own_airmass(scene.header)
    if own is None:
        if middle is None:
            return Finding(keyword="AIRMASS", why="position, time or site is unknown, or the target is not up"), ()
        source = f"target at altitude {scene.altitudes()[len(scene.moments) // 2]:.2f} deg"
        return Finding(keyword="AIRMASS", value=round(middle, 4), how=How.DERIVED, source=source), ()
    value = float(own.value or 0.0)
    if not scene.altitudes() or value > _AIRMASS_HIGHEST:
        return own, ()
    nearest = min(computed, key=lambda one: abs(one - value), default=None)
    if nearest is not None and abs(nearest - value) <= _AIRMASS_SHARE * value:
        return own, ()
    here = f"{nearest:.3f}" if nearest is not None else f"none: {-max(scene.altitudes()):.1f} deg under the horizon"
    told = f"{own.source}: computed for {_where(scene)}, MJD {scene.middle:.5f}, it is {here}{_explained(scene)}"
    return own, (Remark(code="AIRMASS_AGAINST_SKY", level=Level.WARNING, message=told),)


def _mapped_airmass(header: Header, rules: Mapping[str, Rule]) -> Finding | None:
    """Return the airmass that a mapping makes of the header."""
    said = by_rule(header, rules, "AIRMASS")
    angle = angles.read(said.text) if said is not None else None
    if said is None or angle is None or not KEYWORDS["AIRMASS"].holds(angle.value):
        return None
    return Finding(keyword="AIRMASS", value=angle.value, how=How.MAPPED, source=said.source)


def _own_airmass(header: Header) -> Finding | None:
    """Return the airmass that the header gives, or that at the altitude it gives."""
    for value, source in evidence.airmasses(header):
        how = How.FOUND if source.startswith("AIRMASS =") else How.GUESSED
        return Finding(keyword="AIRMASS", value=value, how=how, source=source)
    for item in evidence.altitudes(header):
        value = round(ephemeris.airmass(item.deg) or 0.0, 4)
        why = f"at the header's altitude, {item.deg:.2f} deg"
        return Finding(keyword="AIRMASS", value=value, how=How.DERIVED, source=item.source, why=why)
    return None


# --- what would make it agree ---


def _explained(scene: _Scene, *, by_the_clock: bool = False) -> str:
    """Return which whole hours, or which direction of the longitude, would make the header agree with the sky.

    By the clock: only the sidereal time counts, which a program may have computed from a wrong hour of a right night.
    """
    if scene.site is None:
        return ""
    agree = _clock_agrees if by_the_clock else _agrees
    zone = -scene.site.longitude_deg / 15.0
    agreeing = [hours for hours in range(-_MOST_HOURS, _MOST_HOURS + 1) if hours and agree(scene, later_h=hours)]
    said = []
    if agreeing:
        hours = min(agreeing, key=lambda hours: abs(hours - zone))
        local = " (as if the header's time were local)" if abs(hours - zone) <= _ZONE_HOURS else ""
        said.append(f"a time {abs(hours)} h {'later' if hours > 0 else 'earlier'}{local}")
    unknown = near(scene.site.longitude_deg, scene.site.latitude_deg) is None
    if unknown and agree(scene, mirrored=True):
        said.append(f"the longitude {-scene.site.longitude_deg:+.3f}")
    return f"; {' or '.join(said)} would agree" if said else ""


def _agrees(scene: _Scene, *, later_h: float = 0.0, mirrored: bool = False) -> bool:
    """Whether the sky is as the header has it at another time or place, by night and with the target up."""
    altitudes = scene.altitudes(later_h=later_h, mirrored=mirrored)
    suns = scene.suns(later_h=later_h, mirrored=mirrored)
    if not suns or max(suns) > NIGHT_DEG / 2.0 or (altitudes and min(altitudes) < 0.0):
        return False
    if evidence.sidereal_times(scene.header):
        return _clock_agrees(scene, later_h=later_h, mirrored=mirrored)
    heights = evidence.altitudes(scene.header)
    return any(abs(one - item.deg) <= evidence.tolerance_deg(item.deg) for item in heights for one in altitudes)


def _clock_agrees(scene: _Scene, *, later_h: float = 0.0, mirrored: bool = False) -> bool:
    """Whether a sidereal time of the header is that of another time or place."""
    times = evidence.sidereal_times(scene.header)
    return any(abs(_off_deg(scene, item.deg, later_h=later_h, mirrored=mirrored)) <= _LST_DEG for item in times)


def _where(scene: _Scene) -> str:
    site = scene.site
    if site is None:
        return ""
    return f"{site.name or 'the site'} ({site.longitude_deg:+.3f}, {site.latitude_deg:+.3f})"


# --- target and pointing ---


def _target_and_pointing(findings: Mapping[str, Finding], given: Given) -> Iterator[Remark]:
    """Compare where the header says that the telescope looked with where the event is."""
    ra, dec, target = _number(findings, "RA"), _number(findings, "DEC"), _target(given)
    if ra is None or dec is None or target is None:
        return
    away = ephemeris.separation_deg(ra, dec, *target)
    field = _field_deg(findings)
    size = _FIELD_DEG if field is None else field
    if away <= 1.5 * size:
        return
    size_told = "of unknown size" if field is None else f"{field:.2f} deg across"
    told = f"the target is {away:.2f} deg from the pointing, RA {ra:.4f} Dec {dec:+.4f}; the field is {size_told}"
    refused = away > FAR_DEG + size and not _guessed(findings, "RA", "DEC")
    yield Remark(code="TARGET_AGAINST_POINTING", level=Level.REFUSAL if refused else Level.WARNING, message=told)


def _field_deg(findings: Mapping[str, Finding]) -> float | None:
    """Return the diagonal of the field, deg."""
    sides = []
    for axis in "12":
        pixels, scale = _number(findings, f"NAXIS{axis}"), _number(findings, f"CDELTA{axis}")
        if pixels is None or scale is None:
            return None
        sides.append(pixels * abs(scale) / 3600.0)
    return hypot(*sides)
