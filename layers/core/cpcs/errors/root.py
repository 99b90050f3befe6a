"""The root of the tree of errors, and the way through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar


class CpcsError(Exception):
    """The root of the tree.

    Parameters
    ----------
    **metadata
        The numbers and names that ``sentence`` and ``advice`` speak of; kept as given.
    """

    code: ClassVar[str] = "INTERNAL"
    sentence: ClassVar[str] = "Something went wrong inside the server."
    advice: ClassVar[str] = "Try again; if it happens again, send the request id to the operators."

    def __init__(self, **metadata: object) -> None:
        self.metadata = metadata
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What was wrong, in one sentence."""
        return self.sentence.format(**self.metadata)

    @property
    def hint(self) -> str:
        """What to do about it, in one sentence."""
        return self.advice.format(**self.metadata)

    def as_dict(self) -> dict[str, str]:
        """Return ``code``, ``message`` and ``hint``: the form every interface shows."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    def __reduce__(self) -> tuple[object, tuple[type[CpcsError], dict[str, object]]]:
        return _rebuild, (type(self), self.metadata)


def _rebuild(kind: type[CpcsError], metadata: dict[str, object]) -> CpcsError:
    return kind(**metadata)


def walk(kind: type[CpcsError] = CpcsError) -> Iterator[type[CpcsError]]:
    """Yield ``kind`` and every class below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from walk(child)
