"""The standard header as a JSON document (``docs/schemas/standard-header-1.json`` describes it), and as a table."""

from __future__ import annotations

from typing import Any

from cpcs import serial
from cpcs.keywords import KEYWORDS, Block, Keyword, Kind
from photocal.headers.standard import Finding, How, Level, MappingUsed, Remark, StandardHeader
from photocal.headers.values import LONGEST

SCHEMA = "cpcs-standard-header/1"
_KINDS = {Kind.TEXT: "string", Kind.WHOLE: "integer", Kind.REAL: "number"}
_WIDEST = 44  # characters of a value in the table
_LONGEST_TEXT = 1000  # characters of any text in it
_MOST_REMARKS, _MOST_WCS = 200, 600  # a SIP of the ninth order has 220 cards


def document(header: StandardHeader) -> dict[str, Any]:
    """Return a standard header as what ``json.dumps`` takes; a value that is missing is null."""
    used = header.mapping
    return {
        "schema": SCHEMA,
        "mapping": None
        if used is None
        else {
            "camera": used.camera,
            "observatory_id": used.observatory_id,
            "version": used.version,
            "recognised": used.recognised,
        },
        "keywords": {finding.keyword: _entry(finding) for finding in header.findings},
        "remarks": [
            {"code": remark.code, "level": remark.level.value, "message": remark.message} for remark in header.remarks
        ],
        "wcs": dict(header.wcs),
    }


def _entry(finding: Finding) -> dict[str, Any]:
    return {"value": finding.value, "how": finding.how.value, "source": finding.source, "why": finding.why}


def text(header: StandardHeader) -> str:
    """Return a standard header as a table for people: the blocks, what was read from what, then the remarks."""
    lines: list[str] = []
    for block in Block:
        lines += ["", block.value]
        lines += [_line(finding) for finding in header.findings if KEYWORDS[finding.keyword].block is block]
    if header.mapping is not None:
        used = header.mapping
        how = "recognised" if used.recognised else "named"
        lines += ["", f"mapping of {used.camera}, version {used.version} ({how})"]
    if header.remarks:
        lines += ["", *(f"{remark.level.value}  {remark.code}: {remark.message}" for remark in header.remarks)]
    return "\n".join(lines[1:]) + "\n"


def _line(finding: Finding) -> str:
    keyword = KEYWORDS[finding.keyword]
    value = "-" if finding.value is None else f"{_shown(finding)} {keyword.unit}".rstrip()
    notes = "; ".join(filter(None, (finding.source, finding.why)))
    return f"  {finding.keyword:<8}  {value:<{_WIDEST}}  {finding.how.value:<7}  {notes}".rstrip()


def _shown(finding: Finding) -> str:
    return f"{finding.value:.12g}" if isinstance(finding.value, float) else str(finding.value)[:_WIDEST]


def schema() -> dict[str, Any]:
    """Return the JSON schema of `document`, from the table of keywords."""
    texts = {"type": "string", "maxLength": 2 * LONGEST}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "description": "A header in standard keywords: each value, how it came about, and what does not agree.",
        "type": "object",
        "required": ["schema", "mapping", "keywords", "remarks", "wcs"],
        "additionalProperties": False,
        "properties": {
            "schema": {"const": SCHEMA},
            "mapping": {
                "type": ["object", "null"],
                "description": "The observatory's mapping that was used; null when none was.",
                "properties": {
                    "camera": {"type": "string"},
                    "observatory_id": {"type": "integer"},
                    "version": {"type": "integer"},
                    "recognised": {"type": "boolean", "description": "by the header, not named by the upload"},
                },
            },
            "keywords": {
                "type": "object",
                "required": list(KEYWORDS),
                "additionalProperties": False,
                "properties": {name: _keyword_schema(keyword) for name, keyword in KEYWORDS.items()},
            },
            "remarks": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["code", "level", "message"],
                    "properties": {
                        "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"},
                        "level": {"enum": [level.value for level in Level]},
                        "message": texts,
                    },
                },
            },
            "wcs": {
                "type": "object",
                "description": "The cards of the coordinate system, as the file has them.",
                "additionalProperties": {"type": "string"},
            },
        },
    }


def _keyword_schema(keyword: Keyword) -> dict[str, Any]:
    value: dict[str, Any] = {"type": [_KINDS[keyword.kind], "null"]}
    if keyword.low is not None:
        value["minimum"] = keyword.low
    if keyword.high is not None:
        value["maximum"] = keyword.high
    if keyword.kind is Kind.TEXT:
        value["maxLength"] = LONGEST
    unit = f" ({keyword.unit})" if keyword.unit else ""
    return {
        "type": "object",
        "description": f"{keyword.meaning}{unit}.",
        "required": ["value", "how", "source", "why"],
        "properties": {
            "value": value,
            "how": {"enum": [how.value for how in How]},
            "source": {"type": "string"},
            "why": {"type": "string"},
        },
    }


# --- short, and back ----------------------------------------------------------------------------


def brief(header: StandardHeader) -> dict[str, Any]:
    """Return what of a standard header goes with an upload's status: values, mapping, guesses and remarks."""
    full = document(header)
    guessed = [{"keyword": item.keyword, "source": item.source, "why": item.why} for item in header.guesses]
    values = {item.keyword: item.value for item in header.findings if item.value is not None}
    return {"mapping": full["mapping"], "keywords": values, "guessed": guessed, "remarks": full["remarks"]}


def read(given: dict[str, Any]) -> StandardHeader:
    """Return the standard header that a document holds; nothing in it is believed unchecked.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is no such document.
    """
    used = given["mapping"]
    if len(given["remarks"]) > _MOST_REMARKS or len(given["wcs"]) > _MOST_WCS:
        raise ValueError("more than any header has")
    return StandardHeader(
        findings=tuple(_finding(keyword, given["keywords"][name]) for name, keyword in KEYWORDS.items()),
        remarks=tuple(
            Remark(code=_text(each["code"]), level=Level(each["level"]), message=_text(each["message"]))
            for each in given["remarks"]
        ),
        mapping=None if used is None else serial.from_json(MappingUsed, used),
        wcs={_text(key): _text(value) for key, value in given["wcs"].items()},
    )


def _finding(keyword: Keyword, given: dict[str, Any]) -> Finding:
    value = given["value"]
    kinds = {Kind.TEXT: (str,), Kind.WHOLE: (int,), Kind.REAL: (float, int)}[keyword.kind]
    is_good = value is None or (isinstance(value, kinds) and not isinstance(value, bool))
    if not is_good or (isinstance(value, int | float) and not keyword.holds(value)):
        raise ValueError(f"{keyword.name} cannot be {value!r:.40}")
    return Finding(
        keyword=keyword.name,
        value=_text(value) if isinstance(value, str) else value,
        how=How(given["how"]),
        source=_text(given["source"]),
        why=_text(given["why"]),
    )


def _text(value: object) -> str:
    return serial.storable_text(value, _LONGEST_TEXT)
