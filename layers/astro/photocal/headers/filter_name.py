"""Which filter a frame was taken through, of all that a header calls a filter: wheels, slides, positions, patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cpcs.filters import FilterHint, understand
from cpcs.mappings import Rule
from photocal.headers import names
from photocal.headers.cards import Header
from photocal.headers.said import Said, by_name, by_rule
from photocal.headers.standard import Finding, Given, How, Level, Remark
from photocal.headers.values import clean, found, missing

MEANINGS: dict[str, str] = {
    "FILTER_IS_A_POSITION": "The filter is the position of a wheel or a code; a mapping can say what stands there",
    "FILTER_NOT_UNDERSTOOD": "No reference catalogue has a filter of that name",
}
"""Codes of the remarks on filters, and what they mean."""

_POSITION = re.compile(r"(?:filt(?:er|re)?|slot|pos(?:ition)?|wheel)?[\s_#]*[\d\s,;.:#/+-]+", re.IGNORECASE)
_PATTERN = re.compile(r"RGGB|BGGR|GRBG|GBRG", re.IGNORECASE)
_OPEN = re.compile(
    r"<?(open|clear|air|empty|free|none|blank|out|hole|no[ _-]?filter|pass|home|clr|unused|dummy|glass)"
    r"[\s_-]*\d*([\s_-]+\d+)*(\s*#\d+)?>?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    said: Said
    text: str
    hint: FilterHint

    @property
    def is_position(self) -> bool:
        return bool(_POSITION.fullmatch(self.text))

    @property
    def is_open(self) -> bool:
        """Whether it says that nothing stands in the way, rather than that all light was wanted."""
        return bool(_OPEN.fullmatch(self.text))

    @property
    def is_pattern(self) -> bool:
        return bool(_PATTERN.fullmatch(self.text))


def filter_name(header: Header, rules: Mapping[str, Rule], given: Given) -> tuple[Finding, tuple[Remark, ...]]:
    """Return the filter as the observatory calls it, and what is wrong with the name."""
    said = by_rule(header, rules, "FILTER")
    if said is not None:
        finding = found("FILTER", said.text, said)
        return finding, _remarks(finding, _Candidate(said=said, text=clean(said.text), hint=understand(said.text)))
    candidates = list(_candidates(header, names.FILTERS))
    wheels = [list(_candidates(header, keys)) for keys in names.WHEELS]
    pattern = _pattern(header, candidates)
    if pattern is not None:
        return pattern, ()
    for chosen in (_named(candidates), *map(_in_wheels, wheels)):
        if chosen is not None:
            return chosen, _remarks(chosen, None)
    everything = [*candidates, *(item for wheel in wheels for item in wheel)]
    white = next((item for item in everything if item.is_open or item.hint.unfiltered), None)
    positions = [*(item for item in everything if item.is_position), *_candidates(header, names.POSITIONS)]
    return _last_resort(given, white, positions[0] if positions else None)


def _last_resort(
    given: Given, white: _Candidate | None, position: _Candidate | None
) -> tuple[Finding, tuple[Remark, ...]]:
    """Return what is left where nothing names a filter: the form, the position of a wheel, or that there was none."""
    if given.filter:
        why = "the upload's form; the header names none"
        return Finding(keyword="FILTER", value=given.filter, how=How.GIVEN, source="form", why=why), ()
    if position is not None and (white is None or white.said.key != "FILTER"):
        finding = found("FILTER", position.text, position.said, how=How.GUESSED, why="a position, not a name")
        return finding, _remarks(finding, position)
    if white is not None:
        return found("FILTER", white.text, white.said, why="all light, or nearly"), ()
    return missing("FILTER", "the header does not say"), ()


def _candidates(header: Header, keys: tuple[str, ...]) -> Iterator[_Candidate]:
    """Yield what the keys say, those of optics that are no filters left out (ESO says of each what it is)."""
    for said in by_name(header, "FILTER", keys):
        kind = header.text(re.sub(r"NAME$", "TYPE", said.key)).upper() if said.key.startswith("ESO INS") else "FILTER"
        text = clean(said.text)
        if text and kind in {"FILTER", "FREE", ""} and (kind or "OPTI" not in said.key):
            yield _Candidate(said=said, text=text, hint=understand(text))


def _pattern(header: Header, candidates: list[_Candidate]) -> Finding | None:
    """Return the colour pattern of a one-shot-colour frame, unless a filter is named that a catalogue has."""
    named = _named(candidates)
    if named is not None and understand(str(named.value)).filters:
        return None
    for item in candidates:
        if item.is_pattern:
            why = "the colours of the pixels, one behind the other; there is no one filter"
            return found("FILTER", item.text.upper(), item.said, why=why)
    for said in by_name(header, "FILTER", names.BAYER_KEYS):
        if _PATTERN.fullmatch(said.text.strip()):
            behind = "" if named is None else f", behind {clean(str(named.value), 40)}"
            return found(
                "FILTER", said.text.strip().upper(), said, how=How.DERIVED, why=f"the colours of the pixels{behind}"
            )
    return None


def _named(candidates: list[_Candidate]) -> Finding | None:
    """Return the first that names something: what catalogues have before what they do not."""
    names_something = [item for item in candidates if not (item.is_position or item.is_open or item.is_pattern)]
    best = next((item for item in names_something if item.hint.filters), None)
    chosen = best or next((item for item in names_something if not item.hint.unfiltered), None)
    return None if chosen is None else found("FILTER", chosen.text, chosen.said)


def _in_wheels(wheel: list[_Candidate]) -> Finding | None:
    """Return what stands in the wheels of one instrument, where some are open; several are named together."""
    filled = [item for item in wheel if not (item.is_open or item.is_position or item.hint.unfiltered)]
    distinct = list({item.text: item for item in filled}.values())
    if not distinct:
        return None
    if len(distinct) == 1:
        why = "the only wheel that is not open" if len(wheel) > 1 else ""
        return found("FILTER", distinct[0].text, distinct[0].said, why=why)
    together = " + ".join(item.text for item in distinct)
    source = clean(", ".join(item.said.source for item in distinct))
    why = f"{len(distinct)} wheels are not open"
    return Finding(keyword="FILTER", value=together, how=How.GUESSED, source=source, why=why)


def _remarks(finding: Finding, candidate: _Candidate | None) -> tuple[Remark, ...]:
    if candidate is not None and candidate.is_position:
        message = (
            f"{clean(finding.source, 80)} is a position or code, not a filter's name: a mapping of this camera can say "
            "what it means (values 1=U, 2=B)."
        )
        return (Remark(code="FILTER_IS_A_POSITION", level=Level.WARNING, message=message),)
    hint = understand(str(finding.value))
    if not hint.filters and not hint.unfiltered:
        message = f"No reference catalogue has a filter called {clean(str(finding.value), 60)!r}."
        return (Remark(code="FILTER_NOT_UNDERSTOOD", level=Level.NOTE, message=message),)
    return ()
