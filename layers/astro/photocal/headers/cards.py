"""A header as the file has it: its cards in their order, with comments, nothing understood yet.

FITS Standard 4.0, section 4. What real headers do beside it is taken as it is meant: a value without a blank after the
equals sign, a long keyword under HIERARCH, a text over several CONTINUE cards, letters that are not ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

CARD, BLOCK = 80, 2880
_TEXT = re.compile(r"\s*'((?:[^']|'')*)'")
_COMMENTARY = {"COMMENT", "HISTORY", ""}
_LONGEST_TEXT = 10_000  # characters of one value over all its CONTINUE cards


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card.

    Attributes
    ----------
    key
        In capitals; ``HIERARCH`` keywords with blanks between their words, without that word.
    value
        As text, without quotes and without blanks around it; empty when undefined.
    comment
        What follows the slash.
    is_text
        Whether the value was in quotes.
    """

    key: str
    value: str
    comment: str = ""
    is_text: bool = False

    def __str__(self) -> str:
        value = f"'{self.value}'" if self.is_text else self.value
        return f"{self.key} = {value}"


class Header:
    """The cards of a header that have a value; of a keyword the first that is not empty counts.

    Parameters
    ----------
    cards
        In the file's order; those of an extension before those of the primary header that it inherits.
    """

    def __init__(self, cards: Iterable[Card]) -> None:
        self.cards = tuple(cards)

    @cached_property
    def _by_key(self) -> dict[str, Card]:
        found: dict[str, Card] = {}
        for card in self.cards:
            if not found.get(card.key, _NOTHING).value:
                found[card.key] = card
        return found

    def get(self, key: str) -> Card | None:
        """Return the card of a keyword, if it has one with a value."""
        card = self._by_key.get(key.upper())
        return card if card is not None and card.value else None

    def text(self, key: str) -> str:
        """Return the value of a keyword as text; empty when there is none."""
        card = self.get(key)
        return "" if card is None else card.value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def __iter__(self) -> Iterator[Card]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def over(self, inherited: Header) -> Header:
        """Return this header with what it does not say taken from another (the primary header)."""
        return Header((*self.cards, *inherited.cards))


_NOTHING = Card(key="", value="")


def from_bytes(data: bytes | memoryview) -> Header:
    """Return the header whose 80-byte cards begin with ``data``, up to END or to the last whole card."""
    return from_images(bytes(data[i : i + CARD]).decode("latin-1") for i in range(0, len(data) - CARD + 1, CARD))


def from_images(images: Iterable[str]) -> Header:
    """Return the header of cards as text, 80 characters each or as long as they are."""
    return Header(_joined(images))


def _joined(images: Iterable[str]) -> Iterator[Card]:
    """Yield the cards, those that CONTINUE put together."""
    held: Card | None = None
    for image in images:
        if image[:8] == "CONTINUE" and held is not None and held.is_text and held.value.endswith("&"):
            more = _parts(image[8:])
            together = (held.value[:-1] + more[0])[:_LONGEST_TEXT]
            held = Card(key=held.key, value=together, comment=more[1] or held.comment, is_text=True)
            continue
        if held is not None:
            yield held
        held = None
        if image[:8].rstrip().upper() == "END" and not image[8:].strip():
            break
        held = card(image)
    if held is not None:
        yield held


def card(image: str) -> Card | None:
    """Return one card from its text of 80 characters (or fewer, or more); None when it has no value."""
    key, body = key_and_body(image)
    if body is None or key in _COMMENTARY:
        return None
    value, comment, is_text = _parts(body)
    return Card(key=key, value=value, comment=comment, is_text=is_text)


def key_and_body(image: str) -> tuple[str, str | None]:
    """Return the keyword of a card, in capitals, and what follows its equals sign; None where it has none."""
    key = image[:8].strip().upper()
    if image[8:9] == "=":
        return key, image[9:]
    if key == "HIERARCH" and "=" in image:
        name, _, body = image[8:].partition("=")
        return " ".join(name.split()).upper(), body
    return key, None


def key_and_value(image: str) -> tuple[str, str | None]:
    """Return keyword and value of a card, without its comment: what the gate needs of each, and no more."""
    if image[8:9] != "=":
        key, body = key_and_body(image)
        return key, None if body is None else _parts(body)[0]
    body = image[9:].strip()
    value = _parts(body)[0] if body[:1] == "'" else body.partition("/")[0].rstrip()
    return image[:8].rstrip().upper(), value


def _parts(body: str) -> tuple[str, str, bool]:
    """Return value, comment, and whether the value was in quotes."""
    quoted = _TEXT.match(body)
    if quoted:
        rest = body[quoted.end() :]
        return quoted[1].replace("''", "'").strip(), rest.partition("/")[2].strip(), True
    if body.lstrip().startswith("'"):  # cut off before its closing quote
        return body.strip()[1:].strip(), "", True
    value, _, comment = body.partition("/")
    return value.strip(), comment.strip(), False
