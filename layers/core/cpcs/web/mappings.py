"""Header mappings as they are sent and shown: the JSON form, the text table, and the words that both may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import Any

from multipart import parse_options_header

from cpcs.errors import BadMapping
from cpcs.keywords import KEYWORDS
from cpcs.mappings import (
    ANGLE_FORMS,
    CLOCK_FORMS,
    DATE_FORMS,
    MOMENTS,
    SCALES,
    TYPES,
    UNITS,
    Condition,
    HeaderMapping,
    Rule,
    camera_key,
    check,
    decoded,
    parse_table,
)
from cpcs.names import path_safe
from cpcs.web import fields, forms
from cpcs.web.documents import Document
from cpcs.web.request import Request

LATEST_VERSION = 999_999
_RULE = [field.name for field in fields_of(Rule)]
_CONDITION = [field.name for field in fields_of(Condition)]
_VERSION = "the version that is changed"


def address(observatory_id: int | str, camera: str = "") -> str:
    """Return where an observatory's mappings are, or the one of a camera."""
    of_all = f"/api/observatories/{observatory_id}/mappings"
    return f"{of_all}/{path_safe(camera)}" if camera else of_all


def camera_of(request: Request, observatory_id: str) -> str:
    """Return the camera that an address names: the rest of the path, names may hold slashes."""
    return " ".join(request.tail(f"{address(observatory_id)}/").split())


def ask(request: Request, observatory_id: int, camera: str) -> tuple[HeaderMapping, int]:
    """Return the mapping that a request holds, as JSON or as a table, and the version that it was made from.

    The version is that of the query, or else of the body; 0 where neither says one: a mapping that is not there yet.

    Raises
    ------
    BadMapping, BadField
        It cannot be used; it is of another camera.
    """
    kind = parse_options_header(request.content_type)[0]
    is_json = kind.endswith("json") or request.body.lstrip().startswith(b"{")
    sent = _of_json(forms.json_object(request.body, _once)) if is_json else parse_table(decoded(request.body))
    if sent.camera and camera_key(sent.camera) != camera_key(camera):
        raise fields.bad("camera", sent.camera, f"that of the address, {camera[: fields.SHOWN]}")
    named = HeaderMapping(
        observatory_id=observatory_id,
        camera=sent.camera or camera,
        recognise=sent.recognise,
        rules=sent.rules,
        comment=sent.comment,
    )
    made, edits = check(named), version(request.query)
    if not made.rules:
        raise _odd("it", "it has no rules", "Send one at least; DELETE takes a mapping back.")
    return made, sent.version if edits is None else edits


def version(given: Mapping[str, Any]) -> int | None:
    """Return the version that is named, if one is."""
    if not fields.text(given, "version"):
        return None
    return fields.whole(given, "version", lowest=0, highest=LATEST_VERSION, meaning=_VERSION)


def wants_text(request: Request) -> bool:
    """Whether the answer is wanted as a table: by ``format``, or by a header that accepts text and no JSON."""
    form = fields.text(request.query, "format").lower()
    if form not in {"", "json", "text"}:
        raise fields.bad("format", form, "json or text")
    accepted = request.headers.get("accept", "")
    return form == "text" or (not form and "text/plain" in accepted and "json" not in accepted)


def entry(mapping: HeaderMapping) -> Document:
    """Return a mapping as it stands in a list."""
    return {
        "camera": mapping.camera,
        "version": mapping.version,
        "created": mapping.created,
        "recognise": [asdict(condition) for condition in mapping.recognise],
        "keywords": [rule.keyword for rule in mapping.rules],
        "comment": mapping.comment,
        "address": address(mapping.observatory_id, mapping.camera),
    }


def document(mapping: HeaderMapping) -> Document:
    """Return a mapping: what may be sent again, changed."""
    shown = entry(mapping)
    del shown["keywords"]
    return {
        "observatory_id": mapping.observatory_id,
        **shown,
        "withdrawn": mapping.withdrawn,
        "rules": [{**asdict(rule), "values": dict(rule.values)} for rule in mapping.rules],
    }


def vocabulary() -> Document:
    """Return the standard header's keywords, and the words that formats are made of."""
    items = [
        {**asdict(keyword), "block": keyword.block.value, "kind": keyword.kind.value} for keyword in KEYWORDS.values()
    ]
    return {
        "items": items,
        "formats": {
            "types": TYPES,
            "units": {name: {"unit": unit, "factor": factor} for name, (unit, factor) in UNITS.items()},
            "date": list(DATE_FORMS),
            "time": CLOCK_FORMS,
            "angle": ANGLE_FORMS,
            "moments": list(MOMENTS),
            "scales": list(SCALES),
        },
    }


# --- the JSON form ----------------------------------------------------------------------------


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON whose names are all different."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _odd("its JSON", f"{twice[: fields.SHOWN]!r} is there twice", "Say each name once.")
    return found


def _known(given: Mapping[str, Any], names: Iterable[str], place: str, what: str) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        reason = f"{unknown[0][: fields.SHOWN]!r} is no part of a {what}"
        raise _odd(place, reason, f"Its parts are {', '.join(names)}.")


def _of_json(given: Mapping[str, Any]) -> HeaderMapping:
    _known(given, document(HeaderMapping(camera="")), "it", "mapping")
    return HeaderMapping(
        camera=_text(given, "camera", "it"),
        version=version(given) or 0,
        recognise=tuple(_condition(each, place) for place, each in _objects(given, "recognise", "condition")),
        rules=tuple(_rule(each, place) for place, each in _objects(given, "rules", "rule")),
        comment=_text(given, "comment", "it"),
    )


def _condition(given: Mapping[str, Any], place: str) -> Condition:
    _known(given, _CONDITION, place, "condition")
    return Condition(**{name: _text(given, name, place) for name in _CONDITION})


def _rule(given: Mapping[str, Any], place: str) -> Rule:
    _known(given, _RULE, place, "rule")
    texts = {name: _text(given, name, place) for name in _RULE if name != "values"}
    return Rule(values=tuple(_pairs(given.get("values"), place)), **texts)


def _pairs(given: object, place: str) -> list[tuple[str, str]]:
    """Return a map of values, sent as an object or as a list of pairs."""
    listed = list(map(list, given.items())) if isinstance(given, dict) else given or []
    if not isinstance(listed, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in listed):  # noqa: PLR2004
        raise _odd(place, "its values are no map", 'Write them as {"1": "U", "2": "B"}.')
    return [(_as_text(said, "value", place), _as_text(meant, "value", place)) for said, meant in listed]


def _objects(given: Mapping[str, Any], name: str, one: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return a list of objects, each with the words for where it stands."""
    listed = given.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise _odd("it", f"{name} is no list of objects", f"Send {name} as a JSON array of objects.")
    return [(f"{one} {number}", each) for number, each in enumerate(listed, 1)]


def _text(given: Mapping[str, Any], name: str, place: str) -> str:
    return _as_text(given.get(name), name, place)


def _as_text(value: object, name: str, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _odd(place, f"its {name} is no text", f"Send {name} as text.")
    return str(value)


def _odd(place: str, reason: str, advice: str) -> BadMapping:
    return BadMapping(where=place, reason=reason, advice=advice)
