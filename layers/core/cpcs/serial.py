"""Records to JSON and back, strictly: what comes back is equal to what went in, and of the types that it declares.

Fields that a record does not know are passed over, so that an older program reads what a newer one wrote. A missing
field takes its default, or None where None is allowed. Everything else that does not fit is a `BadRecord`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
Reader = Callable[[Any], Any]


class BadRecord(ValueError):  # noqa: N818 -- a word, as the errors of cpcs.errors
    """Data that do not make the record they should."""


def to_json(record: object) -> dict[str, Any]:
    """Return a dataclass as what ``json.dumps`` takes: enumerations by value, records within it as dictionaries.

    Raises
    ------
    BadRecord
        It holds a number that is not finite, or something that JSON has no word for.
    """
    if not is_dataclass(record) or isinstance(record, type):
        raise BadRecord(f"{type(record).__name__} is not a record")
    return {item.name: _plain(getattr(record, item.name)) for item in fields(record)}


def from_json(kind: type[Record], data: Mapping[str, Any]) -> Record:
    """Make a record of the class ``kind`` from what `to_json` returned.

    Raises
    ------
    BadRecord
        A value is missing or not of the declared type.
    """
    if not isinstance(data, Mapping):
        raise BadRecord(f"{kind.__name__}: {type(data).__name__} is not an object")
    values = {}
    for name, (reader, nullable, required) in _plan(cast("Any", kind)).items():
        if name in data:
            values[name] = _read(reader, data[name], f"{kind.__name__}.{name}")
        elif required and not nullable:
            raise BadRecord(f"{kind.__name__}.{name} is missing")
        elif required:
            values[name] = None
    return kind(**values)


def dumps(record: object) -> bytes:
    """Return a record as JSON text, compact and in UTF-8."""
    return json.dumps(to_json(record), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def loads(kind: type[Record], text: bytes | str) -> Record:
    """Read what `dumps` wrote.

    Raises
    ------
    BadRecord
        It is not JSON, or not such a record.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BadRecord(f"{kind.__name__}: not JSON ({error})") from error
    return from_json(kind, data)


def storable_text(value: object, longest: int) -> str:
    """Return a text from elsewhere, if it is one that can be stored: not endless, and in UTF-8.

    Raises
    ------
    ValueError
        It is none.
    """
    if not isinstance(value, str) or len(value) > longest:
        raise BadRecord(f"{value!r:.40} is no text of at most {longest} characters")
    value.encode()  # half a surrogate pair is a ValueError
    return value


def _plain(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise BadRecord(f"{value} is not a number that can be kept")
            return value
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return to_json(value)


@cache
def _plan(kind: type[object]) -> dict[str, tuple[Reader, bool, bool]]:
    """Return, for each field: how to read it, whether it may be None, whether it has no default."""
    if not is_dataclass(kind):
        raise BadRecord(f"{kind.__name__} is not a record")
    hints = get_type_hints(kind)
    return {
        item.name: (
            _reader(hints[item.name]),
            NoneType in get_args(hints[item.name]),
            item.default is MISSING and item.default_factory is MISSING,
        )
        for item in fields(kind)
    }


def _read(reader: Reader, value: object, where: str) -> object:
    try:
        return reader(value)
    except BadRecord as error:
        raise BadRecord(f"{where}: {error}") from error


@cache
def _reader(hint: Any) -> Reader:  # noqa: ANN401 -- an annotation can be anything
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        others = [_reader(argument) for argument in arguments if argument is not NoneType]
        if len(others) == 1 and len(arguments) > 1:
            return lambda value: None if value is None else others[0](value)
    elif origin in (dict, tuple):
        return _collection(arguments) if origin is dict or arguments[1:] == (...,) else _row(arguments)
    elif isinstance(hint, type):
        if is_dataclass(hint):
            return lambda value: from_json(hint, value)
        if issubclass(hint, Enum):
            return lambda value: _member(hint, value)
        if hint in _SIMPLE:
            return _SIMPLE[hint]
    if hint is Any:
        return lambda value: value
    raise BadRecord(f"no way to read {hint} back")


def _collection(arguments: tuple[Any, ...]) -> Reader:
    """Return how to read ``dict[..., x]`` or ``tuple[x, ...]``."""
    if arguments[1] is ...:
        member = _reader(arguments[0])
        return lambda value: tuple(member(item) for item in _instance(list, value))
    entry = _reader(arguments[1])
    return lambda value: {key: entry(item) for key, item in _instance(Mapping, value).items()}


def _row(arguments: tuple[Any, ...]) -> Reader:
    """Return how to read ``tuple[x, y]``."""
    members = [_reader(argument) for argument in arguments]

    def read(value: object) -> tuple[Any, ...]:
        items = _instance(list, value)
        if len(items) != len(members):
            raise BadRecord(f"{value!r:.80} does not have {len(members)} members")
        return tuple(member(item) for member, item in zip(members, items, strict=True))

    return read


def _instance(kind: type, value: object) -> Any:  # noqa: ANN401 -- it is of the kind that was asked for
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadRecord(f"{value!r:.80} is not of type {kind.__name__}")
    return value


def _member(kind: type[Enum], value: object) -> Enum:
    try:
        return kind(value)
    except ValueError as error:
        raise BadRecord(str(error)) from error


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadRecord(f"{value!r:.80} is not a finite number")
    return float(value)


_SIMPLE: dict[type, Reader] = {
    float: _number,
    int: lambda value: _instance(int, value),
    str: lambda value: _instance(str, value),
    bool: lambda value: _instance(bool, value),
}
