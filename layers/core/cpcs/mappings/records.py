"""The records of a mapping: its rules, and what headers it is recognised by."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from cpcs.memory import setup_name

_DECIMAL = re.compile(r"[+-]?\d{1,12}(?:\.\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a mapping.

    Attributes
    ----------
    keyword
        The standard keyword that it fills (`cpcs.keywords.KEYWORDS`).
    source
        The keyword of the file; several, joined by ``|``, are tried in turn. Empty with a fixed value.
    format
        Words, the type first.
    fixed
        The value, where the file has none.
    values
        What the file says, and what it means: ``(("1", "U"), ("2", "B"))``. What is not named stands for itself.
    description, comment
        For people.
    """

    keyword: str
    source: str = ""
    format: str = "str"
    fixed: str = ""
    values: tuple[tuple[str, str], ...] = ()
    description: str = ""
    comment: str = ""

    def meaning(self, said: str) -> str:
        """Return what a value of the file means: itself, where the map of values does not name it."""
        key = value_key(said)
        return next((meant for named, meant in self.values if value_key(named) == key), said)


def value_key(said: str) -> str:
    """Return what a value is looked up by in a map of values: case and superfluous blanks do not count, 2.0 is 2."""
    text = " ".join(said.split()).casefold()
    return f"{float(text):.12g}" if _DECIMAL.fullmatch(text) else text


def camera_key(camera: str) -> str:
    """Return what mappings know a camera by: as `cpcs.memory.setup_name`, in whichever way accents were typed (NFC)."""
    return setup_name(unicodedata.normalize("NFC", camera))


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a header must say for a mapping to be recognised: a keyword, and a pattern (``*`` and ``?``, any case)."""

    keyword: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderMapping:
    """The rules of one camera of an observatory; a new version with every change.

    ``recognise`` must all hold for a header to be taken as one of this camera, when the upload names no camera; without
    any, the mapping holds only when it is named. ``observatory_id`` is 0 for one read from a file, and ``version`` what
    the file says, or 0. A version that is ``withdrawn`` has no rules, and holds for nothing.
    """

    observatory_id: int = 0
    camera: str
    version: int = 0
    recognise: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    comment: str = ""
    created: str = ""
    key_id: str = ""
    withdrawn: bool = False
