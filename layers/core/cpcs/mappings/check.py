"""What a mapping may say: every rule is checked before it is stored, and a refusal names the line and the way out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from cpcs import serial
from cpcs.errors import BadMapping
from cpcs.keywords import KEYWORDS, Keyword, Kind
from cpcs.names import path_safe

from .formats import UNITS, Format, parse_format, spelled_out
from .records import Condition, HeaderMapping, Rule, camera_key, value_key
from .values import PLACES, SCALES_OF_PIXELS, check_value, plain

MOST_RULES, MOST_VALUES, MOST_CONDITIONS = 100, 100, 20
LONGEST_TEXT, LONGEST_CAMERA, LONGEST_KEYWORD = 200, 64, 68  # characters
LONGEST_KEY = 900  # bytes of a camera's name in the key of an S3 object, of 1,024 in all
LARGEST = 32 * 1024  # bytes of the whole: all mappings of an observatory are read for each of its uploads

_WORD = re.compile(r"[!#-&(-9;<>-{}~]+")  # printable ASCII but for blank " ' : = |
_CORNERS = ("CRVAL1", "CRVAL2")
_UNITS = {
    "deg": {*PLACES, *_CORNERS, *SCALES_OF_PIXELS, "ORIENTAT"},
    "rad": {*PLACES, *SCALES_OF_PIXELS},
    "adu/e": {"GAIN"},
}
_TYPES: dict[str, tuple[str, ...]] = {
    "DATE-OBS": ("date", "datetime", "jd", "mjd", "str"),
    "TIME-OBS": ("time", "datetime", "jd", "mjd", "str", "float"),
    "JD": ("jd", "mjd", "datetime", "float", "str"),
    "MJD-AVG": ("mjd", "jd", "datetime", "float", "str"),
    **dict.fromkeys(PLACES, ("angle", "float", "str")),
    **dict.fromkeys(_CORNERS, ("float", "angle", "str")),
}
"""The types that go with a keyword, where these do not follow from its kind. ``str`` and ``float`` leave the form open:
the file's own words decide, as without a rule."""


def check(mapping: HeaderMapping) -> HeaderMapping:
    """Return a mapping in its one form: keywords in capitals, texts without blanks around them.

    Raises
    ------
    BadMapping
        It has no camera; a rule or condition cannot be used; there are too many of them, or too long ones.
    """
    camera = " ".join(unicodedata.normalize("NFC", _text(mapping.camera, "the camera", LONGEST_CAMERA)).split())
    if not any(sign.isalnum() for sign in camera):
        raise BadMapping(where="it", reason="it names no camera", advice="Name the camera, as the upload form would.")
    length = len(path_safe(camera_key(camera)))
    if length > LONGEST_KEY:
        reason = f"the camera's name takes {length} bytes in an address"
        raise BadMapping(where="it", reason=reason, advice=f"Use a shorter name: {LONGEST_KEY} at most.")
    if len(mapping.recognise) > MOST_CONDITIONS:
        raise _too_many("conditions", MOST_CONDITIONS)
    conditions = tuple(check_condition(each, f"condition {n}") for n, each in enumerate(mapping.recognise, 1))
    checked = replace(
        mapping,
        camera=camera,
        recognise=conditions,
        rules=check_rules(mapping.rules, [f"rule {n}" for n in range(1, len(mapping.rules) + 1)]),
        comment=_text(mapping.comment, "the comment"),
    )
    size = len(serial.dumps(checked))
    if size > LARGEST:
        advice = f"Keep it below {LARGEST} bytes: shorten comments and maps of values."
        raise BadMapping(where="it", reason=f"it has {size} bytes", advice=advice)
    return checked


def check_rules(rules: tuple[Rule, ...], places: list[str]) -> tuple[Rule, ...]:
    """Return the rules in their one form; ``places`` says for each where it stands, for refusals.

    Raises
    ------
    BadMapping
        One cannot be used; two are for the same keyword; there are too many.
    """
    if len(rules) > MOST_RULES:
        raise _too_many("rules", MOST_RULES)
    checked: dict[str, tuple[str, Rule]] = {}
    for rule, place in zip(rules, places, strict=True):
        good = check_rule(rule, place)
        if good.keyword in checked:
            reason = f"{good.keyword} has a rule already, {checked[good.keyword][0]}"
            raise BadMapping(where=place, reason=reason, advice="Keep one rule; alternatives are joined by |.")
        checked[good.keyword] = (place, good)
    return tuple(rule for _, rule in checked.values())


def check_rule(rule: Rule, place: str) -> Rule:
    """Return a rule in its one form.

    Parameters
    ----------
    rule
        As it was written.
    place
        Where it stands, for refusals: ``line 7``, ``rule 3``.

    Raises
    ------
    BadMapping
        Its keyword is none of the standard header; its source is no FITS keyword; its format does not fit; its value
        is not of the kind or out of range; its map of values is contradictory or too long.
    """
    name = rule.keyword.strip().upper()
    where = f"{place} ({name[:20]})" if name.isprintable() else place
    keyword = KEYWORDS.get(name)
    if keyword is None:
        advice = f"Take it out, or begin its line with #. The standard keywords are {', '.join(KEYWORDS)}."
        raise BadMapping(where=place, reason=f"{name[:40]!r} is no standard keyword", advice=advice)
    good = Rule(
        keyword=name,
        source=_source(rule.source, where),
        format=_spelled_out(_text(rule.format, where), keyword),
        fixed=_text(rule.fixed, where),
        values=tuple((_text(said, where), _text(meant, where)) for said, meant in rule.values),
        description=_text(rule.description, where),
        comment=_text(rule.comment, where),
    )
    form = _format(good.format, keyword, where)
    fixed, text = plain(good.fixed, good.format, keyword, form)
    if text != good.format:
        form = _format(text, keyword, where)
    good = replace(good, fixed=fixed, format=text)
    if bool(good.source) == bool(good.fixed):
        reason = (
            "it has both a FITS keyword and a fixed value" if good.source else "it has no FITS keyword and no value"
        )
        advice = "Give one of them; a map of values beside a FITS keyword is written 1=U, 2=B."
        raise BadMapping(where=where, reason=reason, advice=advice)
    _check_values(good, where)
    for value in (good.fixed, *(meant for _, meant in good.values)):
        check_value(value, form, keyword, where)
    return good


def check_condition(condition: Condition, place: str) -> Condition:
    """Return a condition in its one form.

    Raises
    ------
    BadMapping
        Its keyword is no FITS keyword; it has no pattern.
    """
    key, pattern = _source(condition.keyword, place), _text(condition.pattern, place)
    if not key or "|" in key or not pattern:
        advice = "Write it as INSTRUME : BFOSC*, one FITS keyword and a pattern."
        raise BadMapping(where=place, reason="it is no keyword with a pattern", advice=advice)
    return Condition(keyword=key, pattern=pattern)


def usual_format(keyword: Keyword) -> str:
    """Return the format of a rule that says none."""
    return {Kind.WHOLE: "int", Kind.REAL: "float"}.get(keyword.kind, "str")


def _spelled_out(text: str, keyword: Keyword) -> str:
    return spelled_out(text, angular=keyword.name in _TYPES and "angle" in _TYPES[keyword.name]) or usual_format(
        keyword
    )


def _text(given: str, where: str, longest: int = LONGEST_TEXT) -> str:
    text = given.strip()
    if len(text) > longest:
        reason = f"{text[:20]!r}... has {len(text)} characters"
        raise BadMapping(where=where, reason=reason, advice=f"Use {longest} at most.")
    if not text.isprintable():
        raise BadMapping(
            where=where, reason=f"{text[:40]!r} holds characters that cannot be printed", advice="Leave them out."
        )
    return text


def _source(given: str, where: str) -> str:
    """Return FITS keywords in capitals, several with ``|`` between them, without the word HIERARCH."""
    text = _text(given, where)
    if not text:
        return ""
    keys = [" ".join(key.upper().split()).removeprefix("HIERARCH ") for key in text.split("|")]
    for key in keys:
        parts = [part.strip() for part in re.split(r"[,;/]", key)]
        if len(parts) > 1 and all(parts):
            advice = f"Of several keywords, write {'|'.join(parts)[:LONGEST_TEXT]}: they are tried in turn."
            raise BadMapping(where=where, reason=f"{key[:40]!r} cannot be a FITS keyword", advice=advice)
        if not key or len(key) > LONGEST_KEYWORD or not all(_WORD.fullmatch(word) for word in key.split()):
            advice = "Give FITS keywords as INSFILTE, or HIERARCH ESO INS FILT1 NAME; alternatives are joined by |."
            raise BadMapping(where=where, reason=f"{key[:40]!r} cannot be a FITS keyword", advice=advice)
    return "|".join(keys)


def _format(text: str, keyword: Keyword, where: str) -> Format:
    try:
        form = parse_format(text)
    except ValueError as error:
        advice = "Formats are words, as float min, date dd/mm/yyyy, time hms utc-3, angle hour; see docs/mappings.md."
        raise BadMapping(where=where, reason=f"its format is not understood: {error}", advice=advice) from error
    types = _types(keyword)
    if form.type not in types:
        reason = f"the format {text!r} does not go with {keyword.name}"
        raise BadMapping(where=where, reason=reason, advice=f"Use one that begins with {' or '.join(types)}.")
    if form.unit and not _measures(form.unit, keyword):
        reason = f"the unit {form.unit!r} does not go with {keyword.name}, which is in {keyword.unit or 'no unit'}"
        raise BadMapping(where=where, reason=reason, advice="Leave it out, or give one that measures the same.")
    if form.west and keyword.name != "LONGITUD":
        raise BadMapping(where=where, reason="only longitudes grow westwards", advice="Leave out west.")
    return form


def _types(keyword: Keyword) -> tuple[str, ...]:
    usual = ("str", "int", "float") if keyword.kind is Kind.TEXT else ("float", "int", "str")
    return _TYPES.get(keyword.name, usual)


def _measures(unit: str, keyword: Keyword) -> bool:
    return keyword.name in _UNITS[unit] if unit in _UNITS else UNITS[unit][0] == keyword.unit


def _check_values(rule: Rule, where: str) -> None:
    if len(rule.values) > MOST_VALUES:
        raise BadMapping(where=where, reason=f"it maps {len(rule.values)} values", advice=f"Map {MOST_VALUES} at most.")
    if rule.values and not rule.source:
        raise BadMapping(where=where, reason="it maps values of no FITS keyword", advice="Name the FITS keyword.")
    said = [value_key(said) for said, _ in rule.values]
    twice = next((key for key in said if said.count(key) > 1), None)
    if twice is not None or "" in said or not all(meant for _, meant in rule.values):
        reason = f"its map of values says {twice!r} twice" if twice else "its map of values has an empty place"
        raise BadMapping(where=where, reason=reason, advice='Write it as 1=U, 2=B, "2 1"=R, each value once.')


def _too_many(what: str, most: int) -> BadMapping:
    return BadMapping(where="it", reason=f"it has more than {most} {what}", advice=f"Use {most} at most.")
