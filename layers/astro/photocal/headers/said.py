"""What a header says for a standard keyword, before anybody asks what it means: by rule, or under any of its names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cpcs.mappings import Format, Rule, parse_format
from photocal.headers.cards import Header
from photocal.headers.standard import How

UNDEFINED = {"", "N/A", "NA", "NONE", "NULL", "UNKNOWN", "UNDEFINED", "UNSPECIFIED", "NOTPRESENT", "-", "--", "?"}
"""Values, in capitals, that say that there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A text, and where it is from.

    Attributes
    ----------
    text
        The value, after the rule's map of values.
    source
        The card as the file has it, or what the mapping says.
    comment
        Of the card.
    key
        The keyword of the file; empty for a fixed value.
    how
        MAPPED by a rule, FOUND under the standard keyword itself, GUESSED under another.
    format
        As the rule says; None where nobody says.
    """

    text: str
    source: str
    comment: str = ""
    key: str = ""
    how: How
    format: Format | None = None


def by_rule(header: Header, rules: Mapping[str, Rule], keyword: str) -> Said | None:
    """Return what the mapping says for a standard keyword; None without a rule, or where its source says nothing."""
    rule = rules.get(keyword)
    if rule is None:
        return None
    form = parse_format(rule.format)
    if not rule.source:
        return Said(text=rule.fixed, source=f"mapping: {keyword} = {rule.fixed}", how=How.MAPPED, format=form)
    for key in rule.source.split("|"):
        card = header.get(key.strip())
        if card is not None:
            return Said(
                text=rule.meaning(card.value),
                source=str(card),
                comment=card.comment,
                key=card.key,
                how=How.MAPPED,
                format=form,
            )
    return None


def by_name(header: Header, keyword: str, names: Iterable[str]) -> Iterator[Said]:
    """Yield what the header says under any of the names, in their order; what says "unknown" is passed over."""
    for name in names:
        card = header.get(name)
        if card is not None and card.value.upper() not in UNDEFINED:
            how = How.FOUND if card.key == keyword else How.GUESSED
            yield Said(text=card.value, source=str(card), comment=card.comment, key=card.key, how=how)
