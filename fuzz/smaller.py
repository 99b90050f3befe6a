"""Making an input that was found smaller, as far as the finding stays: what is left is what matters."""

from __future__ import annotations

from collections.abc import Callable

from .targets import Target, tried


def smaller(target: Target, data: bytes, name: str, *, most: int = 2000) -> bytes:
    """Return a shorter input with the same finding: parts are taken out, large ones first, then made blank.

    Parameters
    ----------
    target, data, name
        What was run, on what, and the finding's name.
    most
        Runs at most.
    """
    left = most

    def same(candidate: bytes) -> bool:
        nonlocal left
        left -= 1
        found = tried(target, candidate)
        return found is not None and found.name == name

    def over() -> bool:
        return left <= 0

    data = _without(data, same, over)
    return _blank(data, same, over)


def _without(data: bytes, same: Callable[[bytes], bool], over: Callable[[], bool]) -> bytes:
    size = max(1, len(data) // 2)
    while size and not over():
        at = 0
        while at < len(data) and not over():
            candidate = data[:at] + data[at + size :]
            if same(candidate):
                data = candidate
            else:
                at += size
        size //= 2
    return data


def _blank(data: bytes, same: Callable[[bytes], bool], over: Callable[[], bool]) -> bytes:
    """Make 80 bytes at a time blank: cards that must keep their places."""
    for at in range(0, len(data), 80):
        if over():
            break
        part = data[at : at + 80]
        candidate = data[:at] + b" " * len(part) + data[at + 80 :]
        if part.strip() and same(candidate):
            data = candidate
    return data
