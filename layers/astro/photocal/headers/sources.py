"""A header out of whatever a person has: a FITS file, a dump of one, YAML, JSON, lines of ``KEY = value / comment``.

Only headers are read, never pixels; nothing is opened by name. A file with several headers gives that of the first
image, with what the primary header says beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cpcs.errors import NotAHeader
from cpcs.keywords import KEYWORDS
from photocal.headers.cards import BLOCK, CARD, Header, from_bytes, from_images
from photocal.headers.dumps import from_json, from_yaml
from photocal.headers.inheritance import over_primary
from photocal.headers.lines import image_of
from photocal.readers.limits import LIMITS, Limits
from photocal.readers.unpack import unpacked

_FITS = (b"SIMPLE", b"XTENSION=", b"XTENSION ")
_TEXT_BYTES = 4 * 2**20
_YAML_BYTES = 2**19
_MOST_AXES = 999
_TELLING = frozenset(KEYWORDS) - {"BIN"} | {
    "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "ZIMAGE", "DATE", "EXPOSURE", "UT", "UTC", "MJD", "MJD-OBS", "IMAGETYP",
    "OBJCTRA", "SWCREATE", "CREATOR", "SITELAT", "EPOCH",
}  # fmt: skip
"""Keywords of which the header of an image has one at least: text of other kinds has lines with colons too."""
_SEPARATOR = re.compile(r"\s*(#+\s*(HDU|extension)\b|=+>\s*\S|-{3,}\s*HDU|\[?HDU\s*\d+\]?\s*[:=-])", re.IGNORECASE)
_BEGINNING = re.compile(r"\s*(SIMPLE|XTENSION)\s*=", re.IGNORECASE)
_IMHEAD = re.compile(r"\S+\[(\d{1,6}),(\d{1,6})(?:,\d+)*\]\[\w+\]: ?(.*)")


def read_header(data: bytes, limits: Limits = LIMITS) -> Header:
    """Return the header of the image that a file holds or describes.

    Parameters
    ----------
    data
        The file: FITS (also gzipped, bzipped, tile-compressed, a catalogue), or text.
    limits
        What is taken at most.

    Raises
    ------
    NotAHeader
        There is no header in it.
    UnreadableUpload
        It cannot be unpacked.
    """
    plain = unpacked(data, limits)
    if plain.lstrip()[:9].startswith(_FITS) and b"\n" not in plain[:CARD]:
        headers = list(_fits_headers(plain, limits))
    else:
        headers = _text_headers(plain)
    if not any(len(header) for header in headers):
        raise NotAHeader(reason="it has no line KEY = value")
    if b"=" not in plain and not any(card.key in _TELLING for header in headers for card in header):
        raise NotAHeader(reason="none of its words is a keyword that headers of images have")
    return of_image(headers)


def of_image(headers: list[Header]) -> Header:
    """Return the header of the first image of a file, with what its primary header says beside it."""
    chosen = next((header for header in headers if is_image(header)), headers[0])
    if chosen is headers[0]:
        return chosen
    return over_primary(chosen, headers[0])


def is_image(header: Header) -> bool:
    """Whether a header is of pixels with two axes at least that are longer than one."""
    packed = header.text("ZIMAGE") == "T"
    if header.text("XTENSION").upper() in {"BINTABLE", "TABLE", "A3DTABLE"} and not packed:
        return False
    prefix = "ZNAXIS" if packed and "ZNAXIS" in header else "NAXIS"
    lengths = [header.text(f"{prefix}{number}") for number in range(1, 8)]
    return sum(length.isdigit() and int(length[:12]) > 1 for length in lengths) > 1


def _fits_headers(data: bytes, limits: Limits) -> Iterator[Header]:
    """Yield the headers of a FITS file as far as they can be found; of LDAC, that of the image behind the catalogue.

    The gate is stricter: here a file that was cut short, or a header by itself, still says what it says.
    """
    start = len(data) - len(data.lstrip())
    for _ in range(limits.hdus):
        end = _end(data, start, limits)
        cards = data[start:end]
        header = from_bytes(cards + b" " * (-len(cards) % CARD))
        if not len(header):
            return
        size = _data_size(header)
        after = start + -(-(end - start) // BLOCK) * BLOCK
        if header.text("EXTNAME").upper() == "LDAC_IMHEAD":
            yield from_bytes(data[after : after + min(size, limits.header_cards * CARD)])
        else:
            yield header
        start = after + -(-size // BLOCK) * BLOCK
        if not data.startswith(b"XTENSION", start):
            return


def _end(data: bytes, start: int, limits: Limits) -> int:
    """Return where a header ends: after its END, or where cards end."""
    last = min(len(data), start + limits.header_cards * CARD)
    for position in range(start, last - CARD + 1, CARD):
        if data[position : position + 8] == b"END     ":
            return position + CARD
    return last


def _data_size(header: Header) -> int:
    """Return the bytes that follow a header; 0 when its numbers make no sense."""
    axes = _whole(header, "NAXIS", 0)
    if not 0 < axes <= _MOST_AXES:
        return 0
    product = 1
    for number in range(1, axes + 1):
        product = min(product * max(0, _whole(header, f"NAXIS{number}", 0)), 2**50)
    groups = max(1, _whole(header, "GCOUNT", 1))
    return abs(_whole(header, "BITPIX", 8)) // 8 * groups * (max(0, _whole(header, "PCOUNT", 0)) + product)


def _whole(header: Header, key: str, default: int) -> int:
    text = header.text(key)
    return int(text) if re.fullmatch(r"[+-]?\d{1,12}", text) else default


# --- text ---------------------------------------------------------------------------------------


def _text_headers(data: bytes) -> list[Header]:
    if len(data) > _TEXT_BYTES:
        raise NotAHeader(reason=f"a header as text has at most {_TEXT_BYTES} bytes, this has {len(data)}")
    text = _decoded(data)
    start = text.lstrip()
    if start.startswith("{") or re.match(r"\[\s*[\[{\"]", start):
        return from_json(start)
    if _is_yaml(text):
        if len(data) > _YAML_BYTES:
            raise NotAHeader(reason=f"a header as YAML has at most {_YAML_BYTES} bytes, this has {len(data)}")
        return from_yaml(text)
    if "\n" not in text.strip() and len(text) > CARD:
        return _split([text[i : i + CARD] for i in range(0, len(text), CARD)])
    return _split(text.splitlines())


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise NotAHeader(reason="it is neither FITS nor text")
    return text


def _is_yaml(text: str) -> bool:
    """Whether the first line that says something is one of YAML: a tag, a list, or ``KEY: value``."""
    for line in text.splitlines()[:200]:
        if not line.strip() or line.startswith("#"):
            continue
        return bool(re.match(r"!<|%YAML|---\s*$|- \[|- - |- \{|[A-Za-z][\w-]{0,30}:(\s|$)", line))
    return False


def _split(lines: Iterable[str]) -> list[Header]:
    """Return the headers of a dump: a new one begins at a separator, or at SIMPLE and XTENSION."""
    parts: list[list[str]] = [[]]
    for number, line in enumerate(lines):
        if number == LIMITS.header_cards:
            break
        shape = _IMHEAD.fullmatch(line.strip())
        if shape:
            parts.append([f"NAXIS1  = {shape[1]}", f"NAXIS2  = {shape[2]}"])
            continue
        if parts[-1] and (_SEPARATOR.match(line) or _BEGINNING.match(line)):
            parts.append([])
        image = "" if _SEPARATOR.match(line) else image_of(line)
        if image:
            parts[-1].append(image)
    return [Header(from_images(part).cards) for part in parts if part] or [Header(())]
