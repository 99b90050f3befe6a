"""Reading an upload in a child process, so that no file can hurt the worker.

The child is forked from the warm worker (a few milliseconds, nothing is imported again), gets limits on memory and
CPU time, no credentials in `os.environ`, no open connection, no file that it may write to, and Python's sockets do not
open. It answers with a JSON document and plain arrays through a pipe, never a pickle: what comes out is data only, no
more of it than the limit, and is checked before it is believed. A crash of the child is a refusal, not a crash of the
worker. What Python does not hold are native instructions that a file smuggled in: they could read the worker's memory
as it was at the fork, and call the system by themselves. No reader of native code sees a file that the gate has not.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NoReturn

import numpy as np

from cpcs.errors import (
    CalibrationFailed,
    CpcsError,
    ReaderCrashed,
    ReaderTimedOut,
    RequestError,
    UnreadableUpload,
    walk,
)
from cpcs.serial import storable_text
from photocal.arrays import Anything
from photocal.stars import CatalogueMeta, StarList

_LENGTHS = struct.Struct("<QQ")
_ALIGNED = 64  # bytes: where arrays begin, so that every processor likes them
_NUMBERS = "biuf"
_WHOLE_COLUMNS = {"flags", "number"}
_LONGEST_TEXT = 10_000  # characters, as of a value in a header
_MOST_METADATA, _LONGEST_METADATA = 50, 1_000
_PIECE = 1 << 20
_MOST_OPEN = 1 << 16
NO_MEMORY = "no memory left"
_GLANCE_S = 1.0  # between two looks at how far the child is


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use.

    Attributes
    ----------
    seconds
        Wall-clock seconds (and as many of CPU) until it is ended.
    extra_bytes
        Memory beyond what the worker itself holds when it forks.
    answer_bytes, head_bytes
        What it may answer with, and how much of it may be JSON, which takes many times its size once it is read.
    """

    seconds: float = 20.0
    extra_bytes: int = 1 << 30
    answer_bytes: int = 1 << 27
    head_bytes: int = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What comes back from a child: nothing but data.

    Attributes
    ----------
    document
        What JSON can say.
    arrays
        Arrays of numbers by name; they come back writable, in C order.
    """

    document: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Anything] = field(default_factory=dict)


Work = Callable[[bytes], Answer]


def stars_answer(stars: StarList) -> Answer:
    """Return a list of stars as an answer."""
    columns = {item.name: getattr(stars, item.name) for item in fields(stars) if item.name != "meta"}
    given = {name: column for name, column in columns.items() if column is not None}
    return Answer(document={"meta": asdict(stars.meta)}, arrays=given)


def stars_of(answer: Answer) -> StarList:
    """Return the list of stars that an answer holds.

    Raises
    ------
    KeyError, TypeError, ValueError
        It holds none.
    """
    for name, column in answer.arrays.items():
        if column.ndim != 1 or column.dtype.kind not in ("iu" if name in _WHOLE_COLUMNS else "f"):
            raise ValueError(f"{name} is no column of a list of stars")
    meta = answer.document["meta"]
    return StarList(
        **answer.arrays,
        meta=CatalogueMeta(
            format=_short(meta["format"]),
            n_rows=int(meta["n_rows"]),
            columns={_short(name): _short(value) for name, value in meta["columns"].items()},
            header={_short(name): _short(value) for name, value in meta["header"].items()},
            fwhm_arcsec=_width(meta["fwhm_arcsec"]),
        ),
    )


def _width(value: object) -> float | None:
    """Return a width; None where it is unknown, or none."""
    return float(value) if isinstance(value, int | float) and 0.0 < value < math.inf else None


def _short(value: object) -> str:
    return storable_text(value, _LONGEST_TEXT)


def run_in_child(
    work: Work, data: bytes, limits: Limits | None = None, watch: Callable[[], None] | None = None
) -> Answer:
    """Do ``work`` on ``data`` in a child process of its own.

    The worker may have threads: the child has only the one that forked, and takes no lock that another could hold.
    ``watch`` is called in the worker about every second while the child is at work.

    Raises
    ------
    CpcsError
        What the work raised, with its metadata: an `UnreadableUpload`, a `CalibrationFailed` or a `RequestError`.
    ReaderTimedOut
        It took longer than the limit.
    ReaderCrashed
        It ended without an answer that makes sense: killed by a signal, out of memory, with an error that is a bug of
        ours, or with more than the limit.
    OSError
        There is no process or pipe to be had now.
    """
    limits = limits or Limits()
    outlet, inlet = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(outlet)
        os.close(inlet)
        raise
    if pid == 0:
        _child(work, data, inlet, limits)
    os.close(inlet)
    try:
        received = _receive(outlet, limits, watch)
    finally:
        os.close(outlet)
        status = _end(pid)
    if isinstance(received, CpcsError):
        raise received
    if received is None:
        raise _crash(status, limits)
    return _opened(*received)


# --- in the child -------------------------------------------------------------------------------


def _child(work: Work, data: bytes, inlet: int, limits: Limits) -> NoReturn:
    """Do the work, write the answer and end: nothing of the worker's own clean-up may run here."""
    code = 1
    try:
        _lock_down(inlet, limits)
        for part in _packed(_outcome(work, data)):
            _write(inlet, part)
        code = 0
    finally:
        os._exit(code)


def _lock_down(inlet: int, limits: Limits) -> None:
    os.setsid()  # whatever it starts is ended with it
    gc.freeze()  # the worker's objects are looked through no more: their pages stay shared
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    # The worker's own streams may be locked by a thread that is not here.
    sys.stdout = sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    os.closerange(3, inlet)
    os.closerange(inlet + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _MOST_OPEN))
    socket.socket = _no_network  # type: ignore[misc, assignment]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    seconds = int(limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    held = _data_bytes() + limits.extra_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (held, held))


def _no_network(*_: object, **__: object) -> NoReturn:
    raise PermissionError("a reader has no network")


def _data_bytes() -> int:
    """Return the bytes that count towards RLIMIT_DATA now (VmData)."""
    with open("/proc/self/status", encoding="ascii") as lines:  # noqa: PTH123 -- pathlib is not needed in a child
        for line in lines:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _outcome(work: Work, data: bytes) -> Answer | CpcsError:
    try:
        return work(data)
    except CpcsError as error:
        return error
    except MemoryError:
        return ReaderCrashed(how=NO_MEMORY)
    except Exception as error:  # noqa: BLE001 -- whatever a hostile file provokes is one refusal
        return ReaderCrashed(how=ascii(f"{type(error).__name__}: {error}"[:200])[1:-1])


def _packed(outcome: Answer | CpcsError) -> Iterator[bytes | memoryview]:
    """Yield the parts of the message: two lengths, the head as JSON, the arrays, each at an aligned place."""
    arrays: list[Anything] = []
    if isinstance(outcome, CpcsError):
        head: dict[str, Any] = {"code": outcome.code, "metadata": outcome.metadata}
    else:
        arrays = [np.ascontiguousarray(array) for array in outcome.arrays.values()]
        shapes = [[array.dtype.str, list(array.shape)] for array in arrays]
        head = {"document": outcome.document, "arrays": dict(zip(outcome.arrays, shapes, strict=True))}
    text = json.dumps(head, default=_plain).encode()
    yield _LENGTHS.pack(len(text), sum(_room(array.nbytes) for array in arrays))
    yield text
    for array in arrays:
        yield array.reshape(-1).view(np.uint8).data
        yield bytes(_room(array.nbytes) - array.nbytes)


def _plain(value: object) -> object:
    """Return what JSON does not know as what it does: numbers of numpy as numbers, the rest as text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _room(n_bytes: int) -> int:
    return -(-n_bytes // _ALIGNED) * _ALIGNED


def _write(inlet: int, part: bytes | memoryview) -> None:
    left = memoryview(part)
    while left:
        left = left[os.write(inlet, left[:_PIECE]) :]


# --- in the worker ------------------------------------------------------------------------------


def _receive(
    outlet: int, limits: Limits, watch: Callable[[], None] | None
) -> tuple[bytearray, bytearray] | CpcsError | None:
    """Return head and arrays as they came; an error when there is too much or it takes too long; None for no answer."""
    deadline = time.monotonic() + limits.seconds
    parts: list[bytearray] = []
    lengths = bytearray(_LENGTHS.size)
    try:
        if not _fill(outlet, lengths, deadline, watch):
            return None
        wanted = _LENGTHS.unpack(lengths)
        for size, most in ((wanted[0], limits.head_bytes), (sum(wanted), limits.answer_bytes)):
            if size > most:
                return ReaderCrashed(how=f"an answer of more than {most} bytes")
        for length in wanted:
            parts.append(bytearray(length))
            if not _fill(outlet, parts[-1], deadline):
                return None
    except TimeoutError:
        return ReaderTimedOut(limit_s=limits.seconds)
    return parts[0], parts[1]


def _fill(outlet: int, buffer: bytearray, deadline: float, watch: Callable[[], None] | None = None) -> bool:
    """Fill the buffer from the pipe; False when the pipe ends first.

    Raises
    ------
    TimeoutError
        The deadline came first.
    """
    poll = select.poll()
    poll.register(outlet, select.POLLIN)
    left = memoryview(buffer)
    while left:
        patience = deadline - time.monotonic()
        if patience <= 0:
            raise TimeoutError
        if not poll.poll(1000.0 * (patience if watch is None else min(patience, _GLANCE_S))):
            if watch is not None:
                watch()
            continue
        n = os.readv(outlet, [left[:_PIECE]])
        if not n:
            return False
        left = left[n:]
    return True


def _end(pid: int) -> int:
    """Make sure the child is gone, and all that it started, and return how it ended (its wait status)."""
    if not _is_over(pid):
        # Either it overran its time, or its pipe is closed and it is about to leave: both ways it has no more to say.
        time.sleep(0.001)
    for kill in (os.killpg, os.kill):  # one that died at once has no group of its own
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)  # what is over already ends as it did
    return os.waitpid(pid, 0)[1]


def _is_over(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _crash(status: int, limits: Limits) -> CpcsError:
    """Return what a child that said nothing died of."""
    if not os.WIFSIGNALED(status):
        return ReaderCrashed(how=f"status {os.WEXITSTATUS(status)}")
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return ReaderTimedOut(limit_s=limits.seconds)
    known = {item.value: item.name for item in signal.Signals}
    return ReaderCrashed(how=known.get(number, f"signal {number}"))


def _opened(head: bytearray, arrays: bytearray) -> Answer:
    """Return the answer that a message holds, or raise the error that it tells of.

    Raises
    ------
    CpcsError
        It tells of an error.
    ReaderCrashed
        It makes no sense.
    """
    try:
        said = json.loads(head)
        if "code" not in said:
            return Answer(document=dict(said["document"]), arrays=dict(_unpacked(said["arrays"], arrays)))
        error = _error(said["code"], said["metadata"])
    except Exception as mistake:
        raise ReaderCrashed(how="an answer that makes no sense") from mistake
    raise error


def _unpacked(shapes: dict[str, list[Any]], arrays: bytearray) -> Iterator[tuple[str, Anything]]:
    place = 0
    for name, (kind, shape) in shapes.items():
        dtype = np.dtype(kind)
        if dtype.kind not in _NUMBERS or min(shape, default=0) < 0:
            raise ValueError(name)
        count = math.prod(shape)
        flat = np.frombuffer(arrays, dtype=dtype, count=count, offset=place) if count else np.empty(0, dtype=dtype)
        yield name, flat.reshape(shape)
        place += _room(count * dtype.itemsize)


def _error(code: str, metadata: dict[str, object]) -> CpcsError:
    """Return the error of a code; one that would not be a refusal is none that a reader may raise."""
    kinds = {kind.code: kind for root in (RequestError, CalibrationFailed, UnreadableUpload) for kind in walk(root)}
    if len(metadata) > _MOST_METADATA:
        raise ValueError("too much of an error")
    error = kinds[code](**{name: _shortened(value) for name, value in metadata.items()})
    for text in error.as_dict().values():
        _short(text)
    return error


def _shortened(value: object) -> object:
    return value if isinstance(value, int | float | None) else str(value)[:_LONGEST_METADATA]
