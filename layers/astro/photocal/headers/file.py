"""The header of one file, understood: what ``python -m photocal header`` shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cpcs import serial
from cpcs.errors import BadField, BadMapping, FileTooLarge
from cpcs.mappings import HeaderMapping, check, decoded, parse_table
from photocal.headers.sources import read_header
from photocal.headers.standard import Given, StandardHeader
from photocal.headers.understand import standardise

_LARGEST_FILE, _LARGEST_MAPPING = 2**30, 2**20


def standardise_file(
    path: Path, *, mapping: Path | None = None, camera: str = "", given: Given | None = None
) -> StandardHeader:
    """Return the standard header of a file: an image, a catalogue with a header, or a header as text.

    Parameters
    ----------
    path
        The file.
    mapping
        A file with a mapping: JSON, or the text table. It is used whatever the header says.
    camera
        Its camera, where the mapping's file names none.
    given
        What is known beside the header.

    Raises
    ------
    CpcsError
        The file has no header, or the mapping cannot be used.
    """
    header = read_header(_read(path, _LARGEST_FILE, "FILE"))
    if mapping is None:
        return standardise(header, camera=camera, given=given)
    named = named_mapping(mapping, camera)
    return standardise(header, mappings=(named,), camera=named.camera, given=given)


def named_mapping(path: Path, camera: str = "") -> HeaderMapping:
    """Return the mapping of a file, with a camera's name: where the file has none, the one given, or the file's own.

    Raises
    ------
    BadField, FileTooLarge, BadMapping
        It cannot be read; it is too large; it cannot be used.
    """
    used = read_mapping(_read(path, _LARGEST_MAPPING, "--mapping"))
    return replace(used, camera=used.camera or camera or path.stem)


def read_mapping(data: bytes) -> HeaderMapping:
    """Return the mapping of a file: JSON as `cpcs.serial` writes it, or the text table of `cpcs.mappings`.

    Raises
    ------
    BadMapping
        It cannot be used.
    """
    text = decoded(data)
    if not text.lstrip().startswith("{"):
        return parse_table(text)
    try:
        return check(serial.loads(HeaderMapping, text))
    except (serial.BadRecord, RecursionError) as error:
        advice = "Write it as JSON with camera and rules, or as the text table."
        raise BadMapping(where="its JSON", reason=str(error)[:200], advice=advice) from error


def _read(path: Path, largest: int, field: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > largest:
            raise FileTooLarge(size=size, limit=largest)
        return path.read_bytes()
    except OSError as error:
        raise BadField(field=field, value=str(path), expected=f"a file that can be read ({error.strerror})") from error
