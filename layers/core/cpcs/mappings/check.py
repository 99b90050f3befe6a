"""What a mapping may say: every rule is checked before it is stored, and a refusal names the line and the way out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

from cpcs import serial
from cpcs.errors import BadMapping
from cpcs.keywords import KEYWORDS, Keyword, Kind

from .formats import UNITS, Format, parse_format
from .records import Condition, HeaderMapping, Rule, value_key

MOST_RULES, MOST_VALUES, MOST_CONDITIONS = 100, 100, 20
LONGEST_TEXT, LONGEST_CAMERA, LONGEST_KEYWORD = 200, 64, 68  # characters
LARGEST = 32 * 1024  # bytes of the whole: all mappings of an observatory are read for each of its uploads

Refusal = Callable[[str, str], BadMapping]  # of a reason and an advice

_WORD = re.compile(r"[!#-&(-9;<>-{}~]+")  # printable ASCII but for blank " ' : = |
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
_SEXAGESIMAL = re.compile(r"([+-]?)(\d{1,3})[:hd\s]\s*(\d{1,2})[:m\s]\s*(\d{1,2}(?:\.\d*)?)\s*s?")
_OF_THE_FRAME = {"DATE-OBS", "TIME-OBS", "JD", "MJD-AVG"}  # a fixed one would be the same for every frame
_PLACES = ("LONGITUD", "LATITUDE", "RA", "DEC")
_CORNERS = ("CRVAL1", "CRVAL2")
_SCALES = ("CDELTA1", "CDELTA2")
_UNITS = {
    "deg": {*_PLACES, *_CORNERS, *_SCALES, "ORIENTAT"},
    "rad": {*_PLACES, *_SCALES},
    "adu/e": {"GAIN"},
}
_TYPES: dict[str, tuple[str, ...]] = {
    "DATE-OBS": ("date", "datetime", "jd", "mjd", "str"),
    "TIME-OBS": ("time", "datetime", "jd", "mjd", "str", "float"),
    "JD": ("jd", "mjd", "datetime", "float"),
    "MJD-AVG": ("mjd", "jd", "datetime", "float"),
    **dict.fromkeys(_PLACES, ("angle", "float", "str")),
    **dict.fromkeys(_CORNERS, ("float", "angle")),
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
    camera = " ".join(_text(mapping.camera, "the camera", LONGEST_CAMERA).split())
    if not any(sign.isalnum() for sign in camera):
        raise BadMapping(where="it", reason="it names no camera", advice="Name the camera, as the upload form would.")
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
        advice = f"The standard keywords are {', '.join(KEYWORDS)}."
        raise BadMapping(where=place, reason=f"{name[:40]!r} is no standard keyword", advice=advice)
    good = Rule(
        keyword=name,
        source=_source(rule.source, where),
        format=" ".join(_text(rule.format, where).split()) or usual_format(keyword),
        fixed=_text(rule.fixed, where),
        values=tuple((_text(said, where), _text(meant, where)) for said, meant in rule.values),
        description=_text(rule.description, where),
        comment=_text(rule.comment, where),
    )
    form = _format(good.format, keyword, where)
    if bool(good.source) == bool(good.fixed):
        reason = (
            "it has both a FITS keyword and a fixed value" if good.source else "it has no FITS keyword and no value"
        )
        advice = "Give one of them; a map of values beside a FITS keyword is written 1=U, 2=B."
        raise BadMapping(where=where, reason=reason, advice=advice)
    _check_values(good, where)
    for value in (good.fixed, *(meant for _, meant in good.values)):
        _check_value(value, form, keyword, where)
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
    usual = ("str", "int", "float") if keyword.kind is Kind.TEXT else ("float", "int")
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


def _check_value(value: str, form: Format, keyword: Keyword, where: str) -> None:
    """Refuse a fixed or mapped value that is not of the keyword's kind, or out of its range."""
    if not value:
        return
    if keyword.name in _OF_THE_FRAME:
        advice = "Name the FITS keyword that has it; without one, leave the rule out."
        raise BadMapping(where=where, reason=f"{keyword.name} cannot be the same for every frame", advice=advice)
    if keyword.kind is Kind.TEXT:
        return
    number = _number(value, form, keyword)
    if number is not None and keyword.name == "LONGITUD" and abs(number) <= 360.0:  # noqa: PLR2004 -- a full turn
        number = (number + 180.0) % 360.0 - 180.0
    if number is None or (keyword.kind is Kind.WHOLE and number != int(number)):
        kind = "a whole number" if keyword.kind is Kind.WHOLE else "a number"
        advice = (
            f"Give {kind}, in the unit that the format says." if form.type != "angle" else "Give an angle: 44:15:33."
        )
        raise BadMapping(where=where, reason=f"{value[:40]!r} is not {kind} as {form.type!r} has it", advice=advice)
    if not keyword.holds(number):
        low, high = (f"{bound:g}" if bound is not None else "any" for bound in (keyword.low, keyword.high))
        reason = f"{value[:40]!r} is {number:g} {keyword.unit}".rstrip() + f", and {keyword.name} is {low} to {high}"
        raise BadMapping(where=where, reason=reason, advice="Check the value, and the unit in the format.")


def _number(value: str, form: Format, keyword: Keyword) -> float | None:
    """Return a value in the keyword's unit; None when it is no number."""
    written = keyword.name in _PLACES or form.type == "angle"
    parts = _SEXAGESIMAL.fullmatch(value) if written and form.form not in {"deg", "rad", "hour"} else None
    if parts:
        sign, units, minutes, seconds = parts.groups()
        number = (int(units) + int(minutes) / 60 + float(seconds) / 3600) * (-1.0 if sign == "-" else 1.0)
        per_unit = 15.0 if form.form == "hms" or (not form.form and keyword.name == "RA") else 1.0
        return number * per_unit * (-1.0 if form.west else 1.0)
    if not _PLAIN_NUMBER.fullmatch(value):
        return None
    number = float(value.upper().replace("D", "E"))
    if not math.isfinite(number):
        return None
    return _in_unit(number, form, keyword)


def _in_unit(number: float, form: Format, keyword: Keyword) -> float:
    if form.type == "angle":
        turned = {"hour": number * 15.0, "rad": math.degrees(number)}.get(form.form, number)
        return -turned if form.west else turned
    if form.unit == "adu/e":
        return 1.0 / number if number else math.inf
    if form.unit in {"deg", "rad"}:
        degrees = number if form.unit == "deg" else math.degrees(number)
        return degrees * 3600.0 if keyword.name in _SCALES else degrees
    return number * UNITS[form.unit][1] if form.unit else number


def _too_many(what: str, most: int) -> BadMapping:
    return BadMapping(where="it", reason=f"it has more than {most} {what}", advice=f"Use {most} at most.")
