"""The fields of a request's body: multipart, urlencoded or JSON.

Unknown fields are kept and nobody asks for them; of repeated ones the last that is not empty counts. Lines may end in
LF alone, as hand-written clients send them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Never
from urllib.parse import parse_qsl

from multipart import MultipartError, MultipartParser, MultipartPart, parse_options_header

from cpcs.errors import BadField
from cpcs.web.request import Request, last_given

MOST_PARTS = 64
MOST_BYTES = 16 * 1024 * 1024  # more than API Gateway lets through


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file of a form; its name is what the client wrote, and means nothing."""

    filename: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a body holds. Values of JSON bodies are as JSON gives them, all others are text."""

    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    files: Mapping[str, SentFile] = field(default_factory=dict)


def read(request: Request) -> Form:
    """Read the body by its Content-Type.

    Raises
    ------
    BadField
        It is not what its Content-Type says.
    """
    kind, options = parse_options_header(request.content_type)
    if kind == "multipart/form-data":
        return _multipart(request.body, options.get("boundary", ""))
    if kind == "application/x-www-form-urlencoded":
        return Form(fields=_urlencoded(request.body))
    if kind.endswith("json") or request.body.lstrip().startswith(b"{"):
        return Form(fields=json_object(request.body))
    if request.body.strip():
        raise _not(kind or "of no declared type", "a form: multipart/form-data, urlencoded or JSON")
    return Form()


def _not(found: str, expected: str) -> BadField:
    return BadField(field="body", value=found, expected=expected)


def _urlencoded(body: bytes) -> dict[str, str]:
    try:
        return last_given(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_PARTS))
    except ValueError as error:
        raise _not("too long a form", f"a form of at most {MOST_PARTS} fields") from error


def json_object(body: bytes, of_pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> dict[str, Any]:
    """Return the object that a JSON body is; ``of_pairs`` makes each object in it, for who minds repeated names.

    Raises
    ------
    BadField
        It is none.
    """
    try:
        document = json.loads(body or b"{}", parse_constant=_no_constant, object_pairs_hook=of_pairs)
    except (ValueError, RecursionError) as error:
        raise _not("broken", "JSON") from error
    if not isinstance(document, dict):
        raise _not(type(document).__name__, "a JSON object")
    return document


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON")


def _multipart(body: bytes, boundary: str) -> Form:
    fields: list[tuple[str, str]] = []
    files: dict[str, SentFile] = {}
    for part in _parts(_with_crlf(body, boundary), boundary):
        name, filename = part.name or "", part.filename
        if filename is None:
            fields.append((name, part.raw.decode("utf-8", "replace")))
        elif part.size or name not in files:
            files[name] = SentFile(filename=filename, data=part.raw)
    return Form(fields=last_given(fields), files=files)


def _parts(body: bytes, boundary: str) -> list[MultipartPart]:
    try:
        parser = MultipartParser(
            io.BytesIO(body),
            boundary,
            len(body),
            part_limit=MOST_PARTS,
            spool_limit=MOST_BYTES,
            memory_limit=MOST_BYTES,
        )
        return list(parser.parts())
    except (MultipartError, LookupError) as error:
        raise _not("broken", "multipart/form-data, as its header says") from error


def _with_crlf(body: bytes, boundary: str) -> bytes:
    """Return the body with CRLF around its boundaries and part headers, where a client wrote LF; files stay as sent."""
    delimiter = b"--" + boundary.encode("utf-8", "replace")
    if not boundary or delimiter + b"\r\n" in body:
        return body
    pieces = (b"\n" + body).split(b"\n" + delimiter)
    return delimiter.join([b"", *(_piece_with_crlf(piece) for piece in pieces[1:])])


def _piece_with_crlf(piece: bytes) -> bytes:
    if piece.startswith(b"--"):
        return b"--\r\n"
    head, blank, content = piece.partition(b"\n\n")
    head = b"\r\n".join(line.rstrip(b"\r") for line in head.split(b"\n"))
    return head + (b"\r\n\r\n" + content if blank else b"") + b"\r\n"
