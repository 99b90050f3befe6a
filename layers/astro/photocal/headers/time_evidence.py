"""All that a header says of when it was exposed: every card, taken apart, in its scale, nothing chosen yet."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from cpcs.mappings import Rule
from photocal.headers import time_words
from photocal.headers.cards import Card, Header
from photocal.headers.clocks import Option, UnreadableError, decimal_of, read_clock, read_day_number, read_zone
from photocal.headers.instants import SCALES, Instant, day_of, to_utc
from photocal.headers.said import UNDEFINED, by_rule
from photocal.headers.standard import How
from photocal.headers.times import by_format, read_any, read_date

_FARTHEST_ZONE, _SECONDS = 14.0, 3600.0  # hours; zones above are in minutes, then in seconds
FILE_RANK = 90
"""Rank of the file's own date, when it stands in for another."""

_EPOCH_RANK = 80
_EPOCH_DAYS, _FIRST_YEAR, _LAST_YEAR = 3.0, 1950, 2100

_MOST_SECONDS = 86_400
_MOST = 60  # pieces of evidence; a header has a dozen
_ZONE_KEYS = (
    "TIMEZONE", "TZ", "TIMEZON", "TMZONE", "TZONE", "ZONE", "UTCOFF", "UTOFF", "UTCOFFS", "UTOFFSET", "UTCOFFSET",
    "UTCOFFSE", "GMTOFF", "TZOFFSET", "TIMEOFFS", "LTOFFSET",
)  # fmt: skip
_HELIO = ("HJD", "BJD", "JDHELIO", "HELJD", "HJDUTC", "BJDTDB", "HJDOBS", "BJDOBS", "MIDHJD", "HJDMID", "BJDMID")
_DAY_NUMBERS = {"jd", "mjd", "unix"}
_MAPPED = ("DATE-OBS", "TIME-OBS", "JD", "MJD-AVG")


_REST_OF_DATE = re.compile(r"[0-9]{1,2}/[0-9]{2,4}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One card, and what it may mean.

    Attributes
    ----------
    key, source, comment
        The card; the key is empty for a mapping's fixed value.
    kind
        ``stamp`` (date and time), ``date`` or ``clock``: the same for all options.
    options
        The likeliest first; each with its scale, ``local`` without an offset when the zone is not known.
    moment
        ``start``, ``mid`` or ``end`` when keyword, comment or rule say so; else empty.
    how, rank
        How it was found; lower ranks count first.
    number
        Whether it is a Julian Date or another number of days.
    """

    key: str
    source: str
    comment: str = ""
    kind: str
    options: tuple[Option, ...]
    moment: str = ""
    how: How = How.GUESSED
    rank: int = 99
    number: bool = False

    def utc(self, option: Option) -> Instant | None:
        """Return a stamp's option in UTC; None when its zone is not known."""
        if option.scale == "local" and option.offset_hours is None:
            return None
        return to_utc(option.moment(), option.scale, option.offset_hours or 0.0)

    @property
    def is_local(self) -> bool:
        """Whether the likeliest reading is a local time."""
        return self.options[0].scale == "local"


@dataclass(slots=True, kw_only=True)
class Gathered:
    """What `gather` found.

    Attributes
    ----------
    evidence
        In the order in which it counts.
    refused
        Cards that should hold a time and do not: source and reason, and the keyword's kind.
    timesys
        Scale that the header says for all its times, and the card; empty for none, ``?`` for one that is not known.
    file_date
        The file's own date, as the card has it.
    zones
        Offsets of local time (hours east) that a card gives, the likeliest first, and that card.
    helio
        Heliocentric or barycentric dates: for checks only.
    """

    evidence: list[Evidence] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    timesys: str = ""
    timesys_source: str = ""
    timesys_how: How = How.MISSING
    file_date: Evidence | None = None
    zones: tuple[float, ...] = ()
    zone_source: str = ""
    helio: list[Evidence] = field(default_factory=list)


def gather(header: Header, rules: Mapping[str, Rule]) -> Gathered:
    """Return everything that a header, read with a mapping's rules, says of time."""
    found = Gathered()
    _timesys(header, rules, found)
    _zone_card(header, found)
    taken = set(_by_rules(header, rules, found))
    for card in header:
        if len(found.evidence) >= _MOST:
            break
        if card.key not in taken and card.value.upper() not in UNDEFINED:
            _take(card, found)
    found.evidence.sort(key=lambda one: (one.how is not How.MAPPED, one.rank))
    _take_epoch(header, found)
    _drop_placeholders(found)
    return found


def _timesys(header: Header, rules: Mapping[str, Rule], found: Gathered) -> None:
    """Read which scale the header's times are in."""
    said = by_rule(header, rules, "TIMESYS")
    card = header.get("TIMESYS") or header.get("TIME_SYS") or header.get("TIMSYS")
    if said is not None:
        text, found.timesys_source, found.timesys_how = said.text, said.source, How.MAPPED
    elif card is not None and card.value.upper() not in UNDEFINED:
        text, found.timesys_source = card.value, str(card)
        plain = card.key == "TIMESYS" and text in {"UTC", "TAI", "TT", "TDB", "GPS", "UT1", "LOCAL"}
        found.timesys_how = How.FOUND if plain else How.GUESSED
    else:
        return
    words = text.upper().replace("(", " ").split()
    found.timesys = SCALES.get(words[0], "?") if words else "?"
    zone = read_zone(text)
    if zone is not None and zone[0] == "local":
        found.timesys = "local"
        if zone[1] is not None:
            found.zones, found.zone_source = (zone[1],), found.timesys_source


def _zone_card(header: Header, found: Gathered) -> None:
    """Read the card of the time zone. A bare number may be hours east or, as IRAF has it, west of Greenwich."""
    wanted = {time_words.bare(name) for name in _ZONE_KEYS}
    for card in header:
        if found.zones or time_words.bare(card.key) not in wanted:
            continue
        number = decimal_of(card.value)
        if number is None or card.value.lstrip()[:1] == "+":
            zone = read_zone(card.value)
            offset = None if zone is None else zone[1]
            options: tuple[float, ...] = () if offset is None else (offset,)
        else:
            hours = float(number)
            hours /= 3600.0 if abs(hours) >= _SECONDS else 60.0 if abs(hours) > _FARTHEST_ZONE else 1.0
            west = "west" in card.comment.lower()
            options = (-hours,) if west else (hours, -hours)
            if "east" in card.comment.lower() or time_words.bare(card.key).startswith(("UTC", "GMT", "UTO")):
                options = (hours,)
        if options and abs(options[0]) <= _FARTHEST_ZONE:
            found.zones, found.zone_source = options, str(card)


def _by_rules(header: Header, rules: Mapping[str, Rule], found: Gathered) -> Iterator[str]:
    """Take what the mapping says; yield the keywords of the file that it speaks for."""
    clock = by_rule(header, rules, "TIME-OBS")
    for rank, keyword in enumerate(_MAPPED):
        said = by_rule(header, rules, keyword)
        if said is None or said.format is None:
            continue
        form = said.format
        if form.type in {"str", "int", "float"}:
            form = replace(form, type={"JD": "jd", "MJD-AVG": "mjd", "TIME-OBS": "time"}.get(keyword, "date"))
        if keyword == "DATE-OBS" and not form.scale and clock is not None and clock.format is not None:
            form = replace(form, scale=clock.format.scale, offset_hours=clock.format.offset_hours)
        try:
            options = by_format(said.text, form)
        except UnreadableError as problem:
            found.refused.append((said.source, str(problem), "mapping"))
            continue
        if said.key:
            yield said.key
        moment = form.moment or ("mid" if keyword == "MJD-AVG" else "start")
        number = form.type in {"jd", "mjd"}
        role = time_words.Role(kind=form.type, moment=moment, rank=rank)
        found.evidence.append(
            _evidence(options, role, found, key=said.key or keyword, source=said.source, how=How.MAPPED, number=number)
        )


def _take(card: Card, found: Gathered) -> None:
    """Take one card, if it holds a time."""
    name = time_words.bare(card.key)
    if name == "DATE":
        _take_date_card(card, found)
        return
    if name in _HELIO:
        _take_helio(card, found)
        return
    role = time_words.role(card.key)
    if role is None or (role.kind in _DAY_NUMBERS and _is_unset(card.value)):
        return
    try:
        options, number = _read(card, role)
    except UnreadableError as problem:
        if role.expected and not _is_zero(card.value):
            found.refused.append((str(card), str(problem), role.kind))
        return
    how = How.FOUND if card.key in {"DATE-OBS", "TIME-OBS", "JD", "MJD-AVG"} else How.GUESSED
    found.evidence.append(
        _evidence(options, role, found, key=card.key, source=str(card), comment=card.comment, how=how, number=number)
    )


def _is_unset(text: str) -> bool:
    """Whether a number of days is one that programs write for unknown: none at all, or -1."""
    number = decimal_of(text)
    return number is not None and number <= 0


def _is_zero(text: str) -> bool:
    return not text.strip("0.:-/ +TE")


def _read(card: Card, role: time_words.Role) -> tuple[tuple[Option, ...], bool]:
    """Return what a card's value may be, and whether that is a number of days."""
    text = card.value
    if role.kind == "date" and not card.is_text and _REST_OF_DATE.match(card.comment):
        text = f"{text}/{card.comment.split()[0]}"  # 26/10/92 without quotes
    number = decimal_of(text)
    digits = text.strip()
    packed = digits.isdigit() and len(digits) in {6, 8}  # hhmmss, yyyymmdd
    if role.kind == "clock":
        return (_clock_text(text), False) if number is None or packed else _clock_number(card, number)
    if number is None or (role.kind == "date" and packed):
        return (read_any(text) if role.kind == "open" else read_date(text)), False
    if not role.composed and role.kind == "open":
        raise UnreadableError("a number, and no keyword of a Julian Date")
    return read_day_number(text, role.kind), True


def _clock_text(text: str) -> tuple[Option, ...]:
    """Return a time of day, or a date and time where a time of day should be."""
    try:
        return read_clock(text)
    except UnreadableError as problem:
        try:
            return read_date(text)
        except UnreadableError:
            raise problem from None


def _clock_number(card: Card, number: Decimal) -> tuple[tuple[Option, ...], bool]:
    """Return a number as a time of day; what is more than a day has in seconds, as a number of days."""
    if number > _MOST_SECONDS:
        return read_day_number(card.value), True
    return _number_clock(card), False


def _number_clock(card: Card) -> tuple[Option, ...]:
    """Return what a time of day that is a number may be, as its comment says."""
    shown = time_words.clock_shown(card.comment)
    options = read_clock(card.value)
    if shown is not None:
        same = tuple(option for option in options if abs((option.seconds or 0.0) - shown) < 1.0 + option.resolution_s)
        if same:
            return same
    unit = time_words.clock_unit_said(card.comment)
    if not unit and time_words.bare(card.key).startswith("TM"):
        unit = "s"  # MIDAS
    named = tuple(option for option in options if option.form == unit)
    return named or options


def _evidence(
    options: tuple[Option, ...],
    role: time_words.Role,
    found: Gathered,
    *,
    key: str,
    source: str,
    comment: str = "",
    how: How,
    number: bool,
) -> Evidence:
    """Return a card with the scale of every option: its own, the keyword's, the comment's, the header's, UTC."""
    said_scale, said_offset = time_words.scale_said(comment)
    own = role.scale or said_scale
    scale = own or (found.timesys if found.timesys not in {"", "?"} else "utc")
    offset = role.offset_hours if role.offset_hours is not None else said_offset
    if scale == "local" and offset is None and len(found.zones) == 1:
        offset = found.zones[0]
    kind = "stamp" if options[0].day is not None and options[0].seconds is not None else ""
    kind = kind or ("date" if options[0].day is not None else "clock")
    scaled = []
    for option in options:
        same = (option.day is None) == (options[0].day is None) and (option.seconds is None) == (
            options[0].seconds is None
        )
        if not same:
            continue
        if option.scale:
            known = option.offset_hours if option.offset_hours is not None or option.scale != "local" else offset
            scaled.append(replace(option, offset_hours=known))
        else:
            scaled.append(replace(option, scale=scale, offset_hours=offset if scale == "local" else None))
    if not own and scale != "utc" and how is not How.MAPPED:
        scaled += [replace(option, scale="utc") for option in scaled if option.scale == scale != "local"]
    return Evidence(
        key=key, source=source, comment=comment, kind=kind, options=tuple(scaled), how=how, rank=role.rank,
        moment=role.moment or time_words.moment_said(comment), number=number,
    )  # fmt: skip


def _take_date_card(card: Card, found: Gathered) -> None:
    """Take DATE: the file's date as FITS has it, unless its comment says that it is the exposure's."""
    try:
        options = read_date(card.value)
    except UnreadableError:
        return
    role = time_words.Role(kind="date", rank=50)
    one = _evidence(
        options, role, Gathered(), key=card.key, source=str(card), comment=card.comment, how=How.GUESSED, number=False
    )
    if time_words.is_of_file(card.comment):
        found.file_date = found.file_date or one
    else:
        found.evidence.append(replace(one, moment=one.moment or "start"))


def _take_epoch(header: Header, found: Gathered) -> None:
    """Take EPOCH for a date where it is no equinox: a year with its fraction, near one reading of a date that has two.

    Plates have it (GSSS). It is of that reading's day, because a tropical year and a calendar's differ by hours. Where
    another card says which day it was, that one decides.
    """
    dated = [one for one in found.evidence if one.kind != "clock"]
    readings = [{option.day for option in one.options if option.day is not None} for one in dated]
    if any(one.number or len(days) == 1 for one, days in zip(dated, readings, strict=True)):
        return
    for card in (header.get("OBSEPOCH"), header.get("EPOCH")):
        day = None if card is None else _day_of_year(card.value)
        if card is None or day is None:
            continue
        near = {said for days in readings for said in days if abs(said + 0.5 - day) <= _EPOCH_DAYS}
        if len(near) == 1:
            option = Option(day=near.pop(), scale="utc", form="decimal year", resolution_s=86400.0)
            witness = Evidence(key=card.key, source=str(card), kind="date", options=(option,), rank=_EPOCH_RANK)
            found.evidence.append(witness)
            return


def _day_of_year(text: str) -> float | None:
    """Return the MJD of a year with three decimals or more; with fewer it is an equinox, or says no day."""
    year = decimal_of(text)
    if year is None or not _FIRST_YEAR < year < _LAST_YEAR or (year * 100) % 1 == 0:
        return None
    first, last = (day_of(dt.date(int(year) + more, 1, 1)) for more in (0, 1))
    return first + float(year % 1) * (last - first)


def _take_helio(card: Card, found: Gathered) -> None:
    """Take a heliocentric or barycentric date, for a check."""
    try:
        options = read_day_number(card.value, "jd")
    except UnreadableError:
        return
    if options[0].seconds is not None and len(found.helio) < _MOST:
        found.helio.append(Evidence(key=card.key, source=str(card), kind="stamp", options=options, number=True))


def _drop_placeholders(found: Gathered) -> None:
    """Take midnights that stand for "no time" for what they are, where another card has a time."""
    timed = [
        one
        for one in found.evidence
        if one.kind != "date" and one.options[0].seconds and not one.is_local and one.moment != "end"
    ]
    if not timed:
        return
    kept = []
    for one in found.evidence:
        midnight = one.kind != "date" and one.options[0].seconds == 0.0 and one.how is not How.MAPPED
        if midnight and one.kind == "stamp":
            dates = tuple(replace(option, seconds=None, resolution_s=86400.0) for option in one.options)
            kept.append(replace(one, kind="date", options=dates))
        elif not (midnight and one.kind == "clock"):
            kept.append(one)
    found.evidence = kept
