"""Values as headers write them: numbers with units behind them, texts with anything in them; and what may pass."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cpcs.keywords import KEYWORDS, Kind
from cpcs.mappings import UNITS, Rule
from photocal.headers.cards import Card, Header
from photocal.headers.said import Said, by_name, by_rule
from photocal.headers.standard import Finding, How, Remark, Value

LONGEST = 200  # characters of a value, a source or a reason
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d{1,4})?)\s*(.*)", re.DOTALL)
_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_CATEGORIES = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What one part of the understanding found."""

    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...] = ()


def clean(text: str, longest: int = LONGEST) -> str:
    """Return a text that can be shown: NFC, without control characters, single spaces, of bounded length."""
    kept = "".join(
        " " if char.isspace() else char
        for char in text[: 4 * longest]
        if char.isspace() or unicodedata.category(char) not in _CATEGORIES
    )
    return " ".join(unicodedata.normalize("NFC", " ".join(kept.split())).split())[:longest].strip()


def number(text: str) -> float | None:
    """Return the number that a text begins with (Fortran's D, a decimal comma); None when there is none, or no end."""
    return with_unit(text)[0]


def with_unit(text: str) -> tuple[float | None, str]:
    """Return the number that a text begins with, and the rest: ``'1.22 e-/ADU'``."""
    shown = text[:LONGEST]
    if _COMMA.fullmatch(shown):
        shown = shown.replace(",", ".")
    found = _NUMBER.fullmatch(shown)
    if not found:
        return None, ""
    value = float(found[1].upper().replace("D", "E"))
    return (value if math.isfinite(value) else None), found[2].strip()


def whole(text: str) -> int | None:
    """Return a whole number, also where it is written as ``2.0``; None for anything else."""
    value, rest = with_unit(text)
    return int(value) if value is not None and not rest and value.is_integer() and abs(value) < 2**53 else None


def missing(keyword: str, why: str = "", *, source: str = "") -> Finding:
    """Return that there is no value, and why."""
    return Finding(keyword=keyword, why=why, source=source)


def found(keyword: str, value: Value, said: Said | Card, *, how: How | None = None, why: str = "") -> Finding:
    """Return a value as a header says it; ``how`` as what is said knows it, unless more was done to it."""
    if isinstance(said, Card):
        own = How.FOUND if said.key == keyword else How.GUESSED
        return Finding(keyword=keyword, value=value, how=how or own, source=str(said), why=why)
    return Finding(keyword=keyword, value=value, how=how or said.how, source=said.source, why=why)


def checked(finding: Finding) -> Finding:
    """Return a finding whose value is of its keyword's kind and within its range; anything else is missing, and why."""
    keyword = KEYWORDS[finding.keyword]
    source, why = clean(finding.source), clean(finding.why, 2 * LONGEST)
    if finding.value is None:
        return replace(finding, how=How.MISSING, source=source, why=why)
    if keyword.kind is Kind.TEXT:
        text = clean(str(finding.value))
        if not text:
            return missing(finding.keyword, "the text is empty", source=source)
        return replace(finding, value=text, source=source, why=why)
    if isinstance(finding.value, str) or not math.isfinite(finding.value):
        return missing(finding.keyword, "this is no number", source=source)
    if not keyword.holds(finding.value):
        return missing(finding.keyword, _outside(finding.keyword, finding.value), source=source)
    value = round(finding.value) if keyword.kind is Kind.WHOLE else float(finding.value)
    return replace(finding, value=value, source=source, why=why)


def _outside(name: str, value: float) -> str:
    keyword = KEYWORDS[name]
    low = "" if keyword.low is None else f" at least {keyword.low:g}"
    high = "" if keyword.high is None else f" at most {keyword.high:g}"
    both = " and" if low and high else ""
    return f"{value:.10g} is not{low}{both}{high} {keyword.unit}".rstrip()


def ruled(header: Header, rules: Mapping[str, Rule], keyword: str) -> Finding | None:
    """Return what a mapping says for a keyword that is plain text or a number with a unit; None where it says nothing.

    Numbers take the factor of their unit (`cpcs.mappings.UNITS`); ``adu/e`` is an inverse gain, ``deg`` and ``rad`` of
    a pixel scale become arcseconds.
    """
    said = by_rule(header, rules, keyword)
    if said is None:
        return None
    if KEYWORDS[keyword].kind is Kind.TEXT:
        return found(keyword, said.text, said)
    text = said.text.lstrip(" JB") if keyword == "EQUINOX" else said.text
    value, rest = with_unit(text)
    if value is None or rest.startswith(":"):
        return missing(keyword, "the mapping's keyword has no number", source=said.source)
    unit = "" if said.format is None else said.format.unit
    if unit == "adu/e":
        if value == 0:
            return missing(keyword, "the inverse gain is zero", source=said.source)
        return found(keyword, 1.0 / value, said)
    factor = _ANGULAR.get(unit, 1.0) if KEYWORDS[keyword].unit == "arcsec/pixel" else UNITS.get(unit, ("", 1.0))[1]
    return found(keyword, value * factor, said)


_ANGULAR = {"deg": 3600.0, "rad": 3600.0 * 180.0 / math.pi, "arcmin": 60.0}


def text_of(header: Header, rules: Mapping[str, Rule], keyword: str, names: Iterable[str]) -> Finding:
    """Return a text under any of its names, the first that says something."""
    by_mapping = ruled(header, rules, keyword)
    if by_mapping is not None:
        return by_mapping
    for said in by_name(header, keyword, names):
        if clean(said.text):
            return found(keyword, said.text, said)
    return missing(keyword, "the header does not say")


def number_of(header: Header, rules: Mapping[str, Rule], keyword: str, names: Iterable[str]) -> Finding:
    """Return a number under any of its names, the first that is one and in range; else why the first was not."""
    by_mapping = ruled(header, rules, keyword)
    if by_mapping is not None:
        return by_mapping
    passed: list[Finding] = []
    for said in by_name(header, keyword, names):
        value = number(said.text)
        finding = checked(found(keyword, said.text if value is None else value, said))
        if finding.value is not None:
            return finding
        passed.append(finding)
    return passed[0] if passed else missing(keyword, "the header does not say")
