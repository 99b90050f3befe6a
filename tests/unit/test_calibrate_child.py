"""The child process in which uploads are read: whatever happens in it, the worker gets an answer or a refusal."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from cpcs.errors import MissingColumn, ReaderCrashed, ReaderTimedOut
from functions.calibrate.child import Limits, read_in_child
from photocal.stars import CatalogueMeta, StarList

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def stars(n: int = 3) -> StarList:
    column = np.arange(n, dtype=float)
    meta = CatalogueMeta(format="test", n_rows=n, columns={"ra": "RA"}, header={"FILTER": "R"})
    return StarList(
        ra_deg=column, dec_deg=column, inst_mag=column, inst_mag_err=column, flags=np.zeros(n, int), x=column, meta=meta
    )


def test_stars_come_back_whole() -> None:
    answer = read_in_child(lambda data: stars(len(data)), b"12345")
    assert answer.n == 5
    assert np.array_equal(answer.ra_deg, np.arange(5.0))
    assert answer.x is not None
    assert answer.y is None
    assert answer.meta == stars(5).meta


def test_a_large_answer_passes_the_pipe() -> None:
    assert read_in_child(lambda _: stars(200_000), b"").n == 200_000


def test_a_refusal_keeps_its_code_and_numbers() -> None:
    def reader(_: bytes) -> StarList:
        raise MissingColumn(format="csv", missing="Dec", found="ra, mag")

    with pytest.raises(MissingColumn, match="no column for Dec; it has ra, mag"):
        read_in_child(reader, b"")


def test_a_hang_is_ended_in_time() -> None:
    def reader(_: bytes) -> StarList:
        while True:
            pass

    start = time.monotonic()
    with pytest.raises(ReaderTimedOut):
        read_in_child(reader, b"", Limits(seconds=0.5))
    assert time.monotonic() - start < 5


def test_a_crash_is_a_refusal() -> None:
    def reader(_: bytes) -> StarList:
        os.kill(os.getpid(), signal.SIGSEGV)
        return stars()

    with pytest.raises(ReaderCrashed, match="SIGSEGV"):
        read_in_child(reader, b"")


def test_an_unexpected_error_is_a_refusal() -> None:
    def reader(_: bytes) -> StarList:
        raise ZeroDivisionError("bug")

    with pytest.raises(ReaderCrashed, match="ZeroDivisionError: bug"):
        read_in_child(reader, b"")


def test_memory_is_limited() -> None:
    def reader(_: bytes) -> StarList:
        return stars(1 << 30)

    with pytest.raises(ReaderCrashed, match="memory"):
        read_in_child(reader, b"", Limits(extra_bytes=64 << 20))


def test_the_child_has_no_credentials_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")

    def reader(_: bytes) -> StarList:
        assert not [name for name in os.environ if name.startswith("AWS_")]
        with pytest.raises(PermissionError):
            socket.socket()
        return stars()

    assert read_in_child(reader, b"").n == 3
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "canary"


def children() -> set[str]:
    """The processes that this one has started (others may be an end-to-end test's), dead ones not waited for too."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def test_no_child_is_left_behind() -> None:
    before = children()
    read_in_child(lambda _: stars(), b"")
    with pytest.raises(ReaderTimedOut):
        read_in_child(lambda _: stars(int(time.sleep(60) or 0)), b"", Limits(seconds=0.2))
    assert children() == before
