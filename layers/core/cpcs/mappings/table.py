"""The text table of CPCS 2.0's scripts: one rule a line, six fields with colons between them.

::

    # DESCRIPTION : KEYWORD (in FITS) : KEYWORD (standard) : FORMAT : VALUE(s) : COMMENT
    #! camera : BFOSC
    #! recognise : INSTRUME : BFOSC*
    Observatory : - : OBSERVAT : str : LOIANO : -
    Filter : INSFILTE : FILTER : str : 1=U, 2=B, "2 1"=R : position of the wheel

``-`` is nothing. Without a FITS keyword the value is fixed; beside one it is a map of values. What holds a colon, and
in a map a comma or an equals sign, is put in double quotes, or has a backslash before it. Lines that begin with ``#``
are comments; those that begin with ``#!`` say what the plain table has no place for.

What is written here is exact. What is read may be looser, as the tables of 2018 are: a colon without a blank on either
side, ``11:20:12``, belongs to what it stands in, where the blanks around the others tell it from these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cpcs.errors import BadMapping
from cpcs.keywords import KEYWORDS, Block

from .check import check_condition, check_rules
from .formats import parse_format
from .records import Condition, HeaderMapping, Rule

TITLES = ("DESCRIPTION", "KEYWORD (in FITS)", "KEYWORD (standard)", "FORMAT", "VALUE(s)", "COMMENT")
LARGEST_TABLE = 256 * 1024  # characters, before anything is looked at
NOTHING = "-"
_NOTHING = {"", "-", "--", "---", "\u2013", "\u2014", "none", "n/a"}  # as people write it
_FEWEST = 4  # fields: the value and the comment may be left out
_ESCAPED = ':,="\\'
_DIRECTIVE, _COMMENTS = "#!", ("#", ";", "%", "//")
_RULER = re.compile(r"[-=_*~+.\s]+")
_TITLES_OF_BLOCKS = {*Block, *(block.replace("&", "AND") for block in Block)}
_CLOCK = re.compile(r"(?:.*[\s\dT:])?(?:\d|h|hh|d|dd|ddd|m|mm)\Z", re.IGNORECASE | re.DOTALL)
_CLOCK_GOES_ON = re.compile(r"\d|mm?\b|ss?\b", re.IGNORECASE)
_LAYOUT = "Write it as DESCRIPTION : KEYWORD (in FITS) : KEYWORD (standard) : FORMAT : VALUE(s) : COMMENT."
_QUOTING = 'Put what holds a colon in double quotes, as "12:30:00".'


@dataclass(slots=True)
class _Found:
    """What the lines of a table have said so far."""

    rules: list[Rule] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    recognise: list[Condition] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8, or where it is none Latin-1, as old editors wrote."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def parse_table(text: str) -> HeaderMapping:
    """Read a table; every rule in it has been checked, its camera may be empty.

    Raises
    ------
    BadMapping
        A line cannot be used; the refusal says which, and why.
    """
    if len(text) > LARGEST_TABLE:
        raise BadMapping(
            where="it", reason=f"it has {len(text)} characters", advice=f"Keep it below {LARGEST_TABLE} characters."
        )
    found = _Found()
    for number, line in enumerate(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        _read(" ".join(line.split("\t")).replace("\u00a0", " ").strip(), f"line {number}", found)
    return HeaderMapping(
        camera=" ".join(found.said.get("camera", "").split()),
        version=int(found.said.get("version", "0")),
        recognise=tuple(found.recognise),
        rules=check_rules(tuple(found.rules), found.places),
        comment=found.said.get("comment", ""),
    )


def table(mapping: HeaderMapping) -> str:
    """Return a mapping as a table; `parse_table` returns what is in it: not whose it is, nor who wrote it and when."""
    return "\n".join([*_head(mapping), *_body(mapping)]) + "\n"


# --- reading ----------------------------------------------------------------------------------


def _read(line: str, place: str, found: _Found) -> None:
    if line.startswith(_DIRECTIVE):
        _direct([_plain(raw) for raw in _split(line.removeprefix(_DIRECTIVE), ":", place)], place, found)
    elif not _is_comment(line):
        rule = _rule(_fields_of(line, place), place)
        if rule is not None:
            found.rules.append(rule)
            found.places.append(place)


def _is_comment(line: str) -> bool:
    """Whether a line is for people: empty, a remark, a ruler (``-----``), the title of a block."""
    title = " ".join(line.upper().strip("[]<>=-*: ").split())
    return line.startswith(_COMMENTS) or not line or bool(_RULER.fullmatch(line)) or title in _TITLES_OF_BLOCKS


def _fields_of(line: str, place: str) -> list[str]:
    """Return the fields of a line, as they are written.

    Where colons with blanks around them make enough fields, those without any do not separate: all of them in a line of
    too many fields, and the colons of clocks (``11:20``, ``hh:mm``) in any. What is left over then is the comment's, if
    the line has a FITS keyword; if it has a fixed value, nobody knows where that ends.
    """
    parts = _split(line, ":", place)
    spaced = _joined(parts, clocks_only=False)
    if len(spaced) < _FEWEST or _plain(spaced[2]).upper() not in KEYWORDS:
        spaced = parts
    elif len(parts) <= len(TITLES):
        spaced = _joined(parts, clocks_only=True)
    if len(spaced) > len(TITLES) and _cell(spaced[1]):
        return [*spaced[: len(TITLES) - 1], ":".join(spaced[len(TITLES) - 1 :])]
    return spaced


def _joined(parts: list[str], *, clocks_only: bool) -> list[str]:
    """Return the parts of a line, those together between which a colon has no blank on either side."""
    joined = parts[:1]
    for part in parts[1:]:
        before = joined[-1]
        apart = not before or not part or before[-1].isspace() or part[0].isspace()
        if apart or (clocks_only and not (_CLOCK.match(before) and _CLOCK_GOES_ON.match(part))):
            joined.append(part)
        else:
            joined[-1] = f"{before}:{part}"
    return joined


def _direct(words: list[str], place: str, found: _Found) -> None:
    """Take what a line says that begins with ``#!``."""
    name = words[0].lower()
    if name in {"recognise", "recognize"} and len(words) == 3:  # noqa: PLR2004 -- its name, a keyword and a pattern
        found.recognise.append(check_condition(Condition(keyword=words[1], pattern=words[2]), place))
        return
    is_number = name != "version" or (words[-1].isascii() and words[-1].isdigit() and len(words[-1]) < 10)  # noqa: PLR2004
    if name not in {"camera", "version", "comment"} or len(words) != 2 or name in found.said or not is_number:  # noqa: PLR2004
        reason = f"{name[:20]!r} is not understood there" if name not in found.said else f"{name!r} was said before"
        advice = "Say '#! camera : NAME', '#! recognise : KEYWORD : PATTERN', '#! version : 3' or '#! comment : TEXT'."
        raise BadMapping(where=place, reason=reason, advice=advice)
    found.said[name] = words[1]


def _rule(raw: list[str], place: str) -> Rule | None:
    """Return the rule of a line; None for the titles, and where neither a FITS keyword nor a value is given."""
    if not _FEWEST <= len(raw) <= len(TITLES):
        reason = f"it has {len(raw)} fields, and {len(TITLES)} are asked for"
        raise BadMapping(where=place, reason=reason, advice=_QUOTING if len(raw) > len(TITLES) else _LAYOUT)
    description, source, keyword, form, value, comment = (*raw, *[NOTHING] * (len(TITLES) - len(raw)))
    if keyword.strip().upper() == TITLES[2].upper():
        return None
    rule = Rule(
        keyword=_plain(keyword),
        source=_cell(source),
        format=_cell(form),
        description=_cell(description),
        comment=_cell(comment),
    )
    if rule.source:
        return replace(rule, values=tuple(_pairs(value, place)))
    fixed = _cell(value)
    if not fixed:
        _check_template(rule, place)
        return None
    return replace(rule, fixed=fixed)


def _check_template(rule: Rule, place: str) -> None:
    """Refuse a line that says nothing, when it was meant to: its value stands where the format should."""
    try:
        parse_format(rule.format)
    except ValueError as error:
        reason = f"it has neither a FITS keyword nor a value, and {rule.format[:40]!r} is no format"
        advice = f"If that is the value, put the format before it: {rule.keyword[:20]} : str : {rule.format[:40]}."
        raise BadMapping(where=place, reason=reason, advice=advice) from error


def _pairs(raw: str, place: str) -> Iterator[tuple[str, str]]:
    """Yield what a map of values says: ``1=U, 2=B``."""
    if not _cell(raw):
        return
    for part in _split(raw, ",", place):
        sides = [_plain(side) for side in _split(part, "=", place)]
        if len(sides) != 2:  # noqa: PLR2004 -- what is said, and what is meant
            reason = f"{part.strip()[:40]!r} beside a FITS keyword is no map of values"
            advice = (
                "If it is the value itself, give - for the FITS keyword; if it is what the file's values mean, write "
                'a map, as 1=U, 2=B, "2 1"=R; if it is an example, give - for the value.'
            )
            raise BadMapping(where=place, reason=reason, advice=advice)
        yield sides[0], sides[1]


def _split(text: str, separator: str, place: str) -> list[str]:
    """Return the parts between separators that stand neither in quotes nor behind a backslash, as they are written.

    Quotes begin where a part, or a part of a map of values, does: ``12" telescope`` has none.
    """
    parts, start, at = list[str](), 0, 0
    fresh, quoted = True, False
    while at < len(text):
        sign = text[at]
        if sign == "\\" and text[at + 1 : at + 2] and text[at + 1] in _ESCAPED:
            at += 1
            fresh = False
        elif sign == '"' and (quoted or fresh):
            quoted, fresh = not quoted, False
        elif not quoted and sign == separator:
            parts.append(text[start:at])
            start, fresh = at + 1, True
        elif not sign.isspace():
            fresh = not quoted and sign in ",="
        at += 1
    if quoted:
        raise BadMapping(where=place, reason="a quote is not closed", advice=_QUOTING)
    return [*parts, text[start:]]


def _plain(raw: str) -> str:
    """Return what a part means: without its quotes and backslashes; ``-`` alone is nothing."""
    text = raw.strip()
    if text == NOTHING:
        return ""
    if len(text) > 1 and text[0] == '"' and _closing(text) == len(text) - 1:
        text = text[1:-1]
    return _unescaped(text)


def _cell(raw: str) -> str:
    """Return what a field means; in whichever way somebody wrote that there is nothing."""
    return "" if raw.strip().casefold() in _NOTHING else _plain(raw)


def _closing(text: str) -> int:
    """Return where the quote that a text begins with is closed."""
    at = 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" and text[at + 1 : at + 2] and text[at + 1] in _ESCAPED else 1
    return at


def _unescaped(text: str) -> str:
    signs, at = list[str](), 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] and text[at + 1] in _ESCAPED:
            at += 1
        signs.append(text[at])
        at += 1
    return "".join(signs)


# --- writing ----------------------------------------------------------------------------------


def _head(mapping: HeaderMapping) -> Iterator[str]:
    yield f"# {' : '.join(TITLES)}"
    for name, value in (("camera", mapping.camera), ("version", mapping.version or ""), ("comment", mapping.comment)):
        if value:
            yield f"{_DIRECTIVE} {name} : {_written(str(value))}"
    for condition in mapping.recognise:
        yield f"{_DIRECTIVE} recognise : {_written(condition.keyword)} : {_written(condition.pattern)}"


def _body(mapping: HeaderMapping) -> Iterator[str]:
    """Yield the rules in columns, with a heading where another block of the standard header begins."""
    rows = [_fields(rule) for rule in mapping.rules]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    block: Block | None = None
    for rule, row in zip(mapping.rules, rows, strict=True):
        if KEYWORDS[rule.keyword].block is not block:
            block = KEYWORDS[rule.keyword].block
            yield f"# {block.value}"
        yield " : ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _fields(rule: Rule) -> tuple[str, ...]:
    pairs = ", ".join(f"{_written(said, ',=')}={_written(meant, ',=')}" for said, meant in rule.values)
    words = (rule.description, rule.source, rule.keyword, rule.format)
    first, *others = map(_written, words)
    if first.startswith(_COMMENTS):
        first = f'"{first}"'
    return (first, *others, pairs or _written(rule.fixed), _written(rule.comment))


def _written(text: str, also: str = "") -> str:
    """Return a text so that it is read back as it is; ``also`` must not stand in it without quotes either."""
    if not text:
        return NOTHING
    is_plain = text.casefold() not in _NOTHING and text[0] != "#" and text == text.strip()
    if is_plain and not set(text) & set(f':"\\{also}'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
