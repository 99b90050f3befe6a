"""The child process in which uploads are read: whatever happens in it, the worker gets an answer or a refusal."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cpcs.errors import CpcsError, MissingColumn, MostlyBlankImage, ReaderCrashed, ReaderTimedOut, StorageConflict
from functions.calibrate import child
from functions.calibrate.child import Answer, Limits, run_in_child, stars_answer, stars_of
from photocal.stars import CatalogueMeta, StarList

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def stars(n: int = 3) -> StarList:
    column = np.arange(n, dtype=float)
    meta = CatalogueMeta(format="test", n_rows=n, columns={"ra": "RA"}, header={"FILTER": "R"})
    return StarList(
        ra_deg=column, dec_deg=column, inst_mag=column, inst_mag_err=column, flags=np.zeros(n, int), x=column, meta=meta
    )


def read_in_child(reader: Callable[[bytes], StarList], data: bytes, limits: Limits | None = None) -> StarList:
    return stars_of(run_in_child(lambda given: stars_answer(reader(given)), data, limits))


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


def ends(work, **limits) -> CpcsError:
    """Return the refusal that the work ends in."""
    with pytest.raises(CpcsError) as caught:
        run_in_child(work, b"", Limits(**limits) if limits else None)
    return caught.value


def test_a_document_and_arrays_come_back_as_they_were() -> None:
    arrays = {
        "image": np.arange(12, dtype=np.float32).reshape(3, 4),
        "big-endian": np.arange(5, dtype=">i2"),
        "mask": np.array([[True, False]]),
        "turned": np.arange(6.0).reshape(2, 3).T,
        "nothing": np.empty((0, 3)),
        "number": np.array(7.5),
    }
    document = {"text": "Å", "list": [1, 2.5, None], "inner": {"a": True}, "numpy": np.float64(2.5)}
    answer = run_in_child(lambda data: Answer(document={**document, "n": len(data)}, arrays=arrays), b"123")
    assert answer.document == {**document, "n": 3}
    assert list(answer.arrays) == list(arrays)
    for name, array in arrays.items():
        assert answer.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(answer.arrays[name], array)
        assert answer.arrays[name].flags.writeable
        assert answer.arrays[name].flags.aligned
    assert run_in_child(lambda _: Answer(), b"").arrays == {}


def test_numbers_of_numpy_stay_numbers_in_a_refusal() -> None:
    def work(_: bytes) -> Answer:
        raise MostlyBlankImage(n=np.int64(9), percent=np.float64(1.5), limit=10.0)

    assert "Only 1.5 % of the 9 pixels" in ends(work).message


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE])
def test_every_signal_has_its_name(number: signal.Signals) -> None:
    refusal = ends(lambda _: os.kill(os.getpid(), number))
    assert isinstance(refusal, ReaderCrashed)
    assert number.name in refusal.message


def endless(data: bytes) -> Answer:
    return endless(data)


def test_more_ways_to_end() -> None:
    assert "status 7" in ends(lambda _: os._exit(7)).message
    assert "RecursionError" in ends(endless).message
    assert "no memory left" in ends(lambda _: bytearray(1 << 40)).message
    assert isinstance(ends(lambda _: os.kill(os.getpid(), signal.SIGXCPU)), ReaderTimedOut)
    assert "status 1" in ends(lambda _: Answer(arrays={"objects": np.array([object()])})).message
    assert "SystemExit" not in ends(lambda _: sys.exit(0)).message


def test_an_answer_is_no_longer_than_it_may_be() -> None:
    answer = Answer(arrays={"zeros": np.zeros(1000)})
    assert run_in_child(lambda _: answer, b"", Limits(answer_bytes=10_000)).arrays["zeros"].size == 1000
    assert "more than 8000 bytes" in ends(lambda _: answer, answer_bytes=8000).message


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"short",
        child._LENGTHS.pack(5, 0) + b"{}",
        child._LENGTHS.pack(2, 0) + b"{}",
        child._LENGTHS.pack(2, 0) + b"[]",
        child._LENGTHS.pack(4, 0) + b"\xff\xfe\0{",
        child._LENGTHS.pack(1 << 63, 1 << 63),
        *(
            child._LENGTHS.pack(len(head), 64) + head + bytes(64)
            for head in (
                b'{"document": 1, "arrays": {}}',
                b'{"document": {}, "arrays": {"a": ["<f8", [9]]}}',
                b'{"document": {}, "arrays": {"a": ["<f8", [-1]]}}',
                b'{"document": {}, "arrays": {"a": ["|O", [1]]}}',
                b'{"document": {}, "arrays": {"a": ["<U4", [1]]}}',
                b'{"document": {}, "arrays": {"a": ["nonsense", [1]]}}',
                b'{"document": {}, "arrays": {"a": ["<f8", [99999999999, 99999999999]]}}',
                b'{"code": "NO_SUCH_CODE", "metadata": {}}',
                b'{"code": "CONFLICT", "metadata": {"what": "x"}}',
                b'{"code": "MISSING_COLUMN", "metadata": {}}',
                b'{"code": "MISSING_COLUMN", "metadata": 5}',
                b"[" * 60,
            )
        ),
    ],
)
def test_what_a_taken_over_child_says_is_not_believed(message: bytes) -> None:
    def work(_: bytes) -> Answer:
        for number in range(3, 64):
            try:
                os.write(number, message)
            except OSError:
                continue
        os._exit(0)

    assert isinstance(ends(work), ReaderCrashed)


def test_an_answer_that_is_no_list_of_stars() -> None:
    good = stars_answer(stars())
    meta = good.document["meta"]
    assert stars_of(good).n == 3
    for document in ({}, {"meta": 5}, {"meta": {}}, {"meta": {**meta, "header": {"A": "\ud800"}}},
                     {"meta": {**meta, "format": "x" * 10_001}}, {"meta": {**meta, "columns": {"ra": 5}}}):  # fmt: skip
        with pytest.raises((KeyError, TypeError, ValueError)):
            stars_of(Answer(document=document, arrays=good.arrays))
    for column in (np.zeros((3, 2)), np.zeros(3, int), np.zeros(2)):
        with pytest.raises(ValueError):
            stars_of(Answer(document=good.document, arrays={**good.arrays, "ra_deg": column}))


def test_an_error_of_a_child_is_told_in_few_words_that_can_be_stored() -> None:
    def work(_: bytes) -> Answer:
        raise MissingColumn(format="csv", missing="x" * 5_000, found="\ud800")

    def bug(_: bytes) -> Answer:
        raise ValueError("\ud800" + "x" * 5_000)

    for does in (work, bug):
        message = ends(does).message
        assert len(message) < 1_500
        assert message.encode()


def test_a_document_of_many_megabytes_is_not_read() -> None:
    assert "more than 4194304 bytes" in ends(lambda _: Answer(document={"x": "y" * 5_000_000})).message


def test_errors_that_are_no_refusal_do_not_come_from_a_child() -> None:
    def work(_: bytes) -> Answer:
        raise StorageConflict(what="the job")

    assert isinstance(ends(work), ReaderCrashed)


def test_the_child_can_write_no_file_and_log_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def work(_: bytes) -> Answer:
        sys.stdout.write("out")
        sys.stdout.flush()
        sys.stderr.write("error")
        os.write(2, b"error")
        logging.getLogger().error("logged")
        with pytest.raises(OSError, match="too large"):
            (tmp_path / "file").write_bytes(b"anything")
        open_now = len(list(Path("/proc/self/fd").iterdir()))
        return Answer(document={"open": open_now, "core": resource.getrlimit(resource.RLIMIT_CORE)[0]})

    answer = run_in_child(work, b"")
    assert answer.document == {"open": 5, "core": 0}  # three standard ones, the pipe, and the listing itself
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_what_a_child_starts_ends_with_it(tmp_path: Path) -> None:
    def work(_: bytes) -> Answer:
        os.close(1)
        started = subprocess.Popen(["/bin/sleep", "600"])
        return Answer(document={"pid": started.pid})

    pid = run_in_child(work, b"").document["pid"]
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def open_files() -> set[Path]:
    return {path for path in Path("/proc/self/fd").iterdir() if path.exists()}


def test_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(open_files())
    for _ in range(5):
        run_in_child(lambda _: Answer(), b"")
        ends(lambda _: time.sleep(60), seconds=0.05)
        ends(lambda _: os._exit(3))

    def no_fork() -> int:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(os, "fork", no_fork)
    with pytest.raises(BlockingIOError):
        run_in_child(lambda _: Answer(), b"")
    assert len(open_files()) == before


def test_a_worker_with_threads_may_fork() -> None:
    """A child must not wait for a lock that a thread of the worker held when it forked."""
    over = threading.Event()
    locked = threading.Lock()

    def busy() -> None:
        log = logging.getLogger("busy")
        while not over.is_set():
            with locked:
                log.debug("x")
                sys.stderr.flush()
                np.zeros(1000).sum()

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for n in range(20):
            assert read_in_child(lambda data: stars(len(data)), b"x" * n, Limits(seconds=10)).n == n
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_many_at_once() -> None:
    answers: list[int] = []

    def one(n: int) -> None:
        answers.append(run_in_child(lambda data: Answer(arrays={"a": np.zeros(len(data))}), bytes(n)).arrays["a"].size)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(8))
