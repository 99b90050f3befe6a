"""Headers as YAML or JSON: lists of cards, or keywords with their values; several headers in one, too.

YAML is read event by event, so that neither tags nor anchors do anything, and depth and length have an end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cpcs.errors import NotAHeader
from photocal.headers.cards import Card, Header
from photocal.headers.lines import card_of_line

_DEEPEST, _MOST_NODES = 12, 100_000
_VALUE = ("value", "Value", "VALUE", "val")
_KEY = ("keyword", "key", "name", "Keyword", "KEYWORD", "Name", "card")
_COMMENT = ("comment", "Comment", "COMMENT", "description")
_LSST_TYPES = {"Bool", "Int", "Double", "String", "Float", "LongLong", "UnsignedLongLong", "Undef", "DateTime", "Long"}


class _Text(str):
    """A text that was in quotes."""

    __slots__ = ()


def from_json(text: str) -> list[Header]:
    """Return the headers of a JSON text.

    Raises
    ------
    NotAHeader
        It is not JSON.
    """
    try:
        # Numbers stay as they are written: a header's MJD has more digits than it seems.
        data = json.loads(text, parse_int=_plain, parse_float=_plain, parse_constant=_plain)
    except (ValueError, RecursionError) as error:
        raise NotAHeader(reason=f"it begins like JSON and is none ({type(error).__name__})") from error
    return _headers(_marked(data, 0))


def from_yaml(text: str) -> list[Header]:
    """Return the headers of a YAML text.

    Raises
    ------
    NotAHeader
        It is not YAML, or deeper and longer than headers are.
    """
    import yaml

    try:
        return _headers(_tree(yaml.parse(text, Loader=yaml.SafeLoader)))
    except yaml.YAMLError as error:
        raise NotAHeader(reason=f"it begins like YAML and is none ({type(error).__name__})") from error
    except (ValueError, RecursionError) as error:
        raise NotAHeader(reason=f"its YAML cannot be read ({error})") from error


class _Plain(str):
    """A value that was not in quotes: a number, true, null."""

    __slots__ = ()


def _plain(text: str) -> _Plain:
    return _Plain(text)


def _marked(data: Any, depth: int) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return JSON with its texts marked as such."""
    if depth > _DEEPEST:
        raise NotAHeader(reason="its JSON is nested too deeply")
    match data:
        case _Plain():
            return data
        case str():
            return _Text(data)
        case bool():
            return _Plain("T" if data else "F")
        case None:
            return _Plain("")
        case dict():
            return {str(key): _marked(value, depth + 1) for key, value in data.items()}
    return [_marked(item, depth + 1) for item in data]


def _tree(events: Iterator[Any]) -> Any:  # noqa: ANN401
    """Return YAML's events as lists, dictionaries and texts, without resolving anything."""
    from yaml import events as kinds

    stack: list[tuple[list[Any], bool]] = [([], False)]
    for count, event in enumerate(events):
        if count > _MOST_NODES or len(stack) > _DEEPEST:
            raise ValueError("too long, or nested too deeply")
        if isinstance(event, kinds.ScalarEvent):
            stack[-1][0].append(_scalar(event))
        elif isinstance(event, kinds.SequenceStartEvent | kinds.MappingStartEvent):
            stack.append(([], isinstance(event, kinds.MappingStartEvent)))
        elif isinstance(event, kinds.SequenceEndEvent | kinds.MappingEndEvent):
            items, is_mapping = stack.pop()
            pairs = {str(items[i]): items[i + 1] for i in range(0, len(items) - 1, 2)} if is_mapping else items
            stack[-1][0].append(pairs)
        elif isinstance(event, kinds.AliasEvent):
            raise ValueError("aliases are not followed")  # noqa: TRY004 -- not the type of anything of ours
        elif isinstance(event, kinds.DocumentEndEvent):
            break
    return stack[0][0][0] if stack[0][0] else []


def _scalar(event: Any) -> str:  # noqa: ANN401 -- PyYAML's
    if event.style is not None:
        return _Text(event.value)
    lower = event.value.lower()
    return _Plain(
        {"true": "T", "false": "F", "null": "", "~": "", ".nan": "nan", ".inf": "inf"}.get(lower, event.value)
    )


# --- trees to headers ---------------------------------------------------------------------------


def _headers(data: Any) -> list[Header]:  # noqa: ANN401
    """Return the headers of a tree: one of keywords, or a list or dictionary of such."""
    if isinstance(data, dict):
        inner = [item for item in data.values() if _is_header(item)]
        loose = {key: value for key, value in data.items() if not _is_header(value)}
        if inner:
            return [Header(_cards(item)) for item in ([loose] if _worth(loose) else []) + inner]
    elif isinstance(data, list) and data and all(_is_header(item) and not _is_card(item) for item in data):
        return [Header(_cards(item)) for item in data]
    return [Header(_cards(data))]


def _worth(loose: dict[str, Any]) -> bool:
    return sum(not isinstance(value, dict | list) for value in loose.values()) > 2  # noqa: PLR2004 -- a name and a version are no header


def _is_header(item: Any) -> bool:  # noqa: ANN401
    """Whether a part of a tree is a header by itself: keywords with values, or a list of cards."""
    if isinstance(item, dict):
        return len(item) > 2 and not any(key in item for key in _VALUE)  # noqa: PLR2004
    return isinstance(item, list) and len(item) > 2 and all(_is_card(card) for card in item)  # noqa: PLR2004


def _is_card(item: Any) -> bool:  # noqa: ANN401
    """Whether a part of a tree is one card: ``[KEY, value, comment]``, ``{keyword, value}``, or its text."""
    if isinstance(item, dict):
        return len(item) == 1 or any(key in item for key in _VALUE)
    if isinstance(item, list):
        return 2 <= len(item) <= 4 and isinstance(item[0], str) and not isinstance(item[1], dict)  # noqa: PLR2004
    return isinstance(item, str) and "=" in item[:60]


def _cards(data: Any) -> Iterator[Card]:  # noqa: ANN401
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _of_pair(key, value)
    elif isinstance(data, list):
        for item in data:
            yield from _of_item(item)


def _of_item(item: Any) -> Iterator[Card]:  # noqa: ANN401
    if isinstance(item, dict):
        key, value = _first(item, _KEY), _first(item, _VALUE)
        if key is not None:
            yield from _one(str(key), value, _first(item, _COMMENT) or "")
        else:
            for name, inner in item.items():
                yield from _of_pair(name, inner)
    elif isinstance(item, list) and len(item) >= 2:  # noqa: PLR2004
        if len(item) == 4 and str(item[1]) in _LSST_TYPES:  # noqa: PLR2004 -- keyword, type, value, comment
            yield from _one(str(item[0]), item[2], item[3])
        else:
            yield from _one(str(item[0]), item[1], item[2] if len(item) > 2 else "")  # noqa: PLR2004
    elif isinstance(item, str):
        card = card_of_line(item)
        if card is not None:
            yield card


def _of_pair(key: str, value: Any) -> Iterator[Card]:  # noqa: ANN401
    if isinstance(value, dict):
        yield from _one(key, _first(value, _VALUE), _first(value, _COMMENT) or "")
    elif isinstance(value, list) and len(value) == 2 and not isinstance(value[0], list):  # noqa: PLR2004 -- value and comment
        yield from _one(key, value[0], value[1])
    else:
        yield from _one(key, value, "")


def _first(item: dict[str, Any], keys: tuple[str, ...]) -> Any:  # noqa: ANN401
    return next((item[key] for key in keys if key in item), None)


def _one(key: str, value: Any, comment: Any) -> Iterator[Card]:  # noqa: ANN401
    """Yield a card; of a list of values each, of what is no value none."""
    name = " ".join(key.upper().removeprefix("HIERARCH ").split())[:80]
    if not name or name in {"COMMENT", "HISTORY"} or isinstance(value, dict) or value is None:
        return
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            note = comment if isinstance(comment, str) else ""
            yield Card(key=name, value=item.strip(), comment=note.strip(), is_text=not isinstance(item, _Plain))
