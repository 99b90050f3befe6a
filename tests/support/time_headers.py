"""A header from a few lines, and what was understood of its times."""

from __future__ import annotations

from collections.abc import Mapping

from cpcs.mappings import Rule
from photocal.headers.cards import Header, card
from photocal.headers.standard import Finding, Given, Level
from photocal.headers.time_block import TimeBlock, time_block


def header(text: str) -> Header:
    return Header(one for line in text.strip().splitlines() if (one := card(line.strip())) is not None)


def block(text: str, rules: Mapping[str, Rule] | None = None, **known: float) -> TimeBlock:
    return time_block(header(text), rules or {}, Given(**known))  # type: ignore[arg-type]


def finding(found: TimeBlock, keyword: str) -> Finding:
    return next(one for one in found.findings if one.keyword == keyword)


def start(found: TimeBlock) -> str:
    return f"{finding(found, 'DATE-OBS').value}T{finding(found, 'TIME-OBS').value}"


def codes(found: TimeBlock, level: Level | None = None) -> set[str]:
    return {remark.code for remark in found.remarks if level in {None, remark.level}}
