"""Reading an upload in a child process, so that no file can hurt the worker.

The child is forked from the warm worker (a few milliseconds, nothing is imported again), gets limits on memory and
CPU time, has no credentials in its environment, no open connection and no way to make one. It returns plain arrays
and JSON through a pipe, never a pickle: what comes out of a process that a hostile file took over is data only.
A crash of the child is a refusal, not a crash of the worker.
"""

from __future__ import annotations

import io
import json
import os
import resource
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn

import numpy as np

from cpcs.errors import CpcsError, ReaderCrashed, ReaderTimedOut, walk
from photocal.stars import CatalogueMeta, StarList

Reader = Callable[[bytes], StarList]
_LENGTHS = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use.

    Attributes
    ----------
    seconds
        Wall-clock seconds (and as many of CPU) until it is ended.
    extra_bytes
        Memory beyond what the worker itself holds when it forks.
    """

    seconds: float = 20.0
    extra_bytes: int = 1 << 30


def read_in_child(reader: Reader, data: bytes, limits: Limits | None = None) -> StarList:
    """Read ``data`` with ``reader`` in a child process of its own.

    Raises
    ------
    CpcsError
        What the reader raised, with its metadata.
    ReaderTimedOut
        It took longer than the limit.
    ReaderCrashed
        It ended without an answer: killed by a signal, out of memory, or with an error that is a bug of ours.
    """
    limits = limits or Limits()
    outlet, inlet = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(reader, data, inlet, limits)
    os.close(inlet)
    try:
        answer = _collect(outlet, limits.seconds)
    finally:
        os.close(outlet)
        status = _end(pid)
    if answer is None:
        raise ReaderTimedOut(limit_s=limits.seconds)
    return _decode(answer, status)


def _child(reader: Reader, data: bytes, inlet: int, limits: Limits) -> NoReturn:
    """Do the reading, write the answer and end: nothing of the worker's own clean-up may run here."""
    code = 1
    try:
        _lock_down(inlet, limits)
        with os.fdopen(inlet, "wb") as pipe:
            pipe.write(_answer(reader, data))
        code = 0
    finally:
        os._exit(code)


def _lock_down(inlet: int, limits: Limits) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.closerange(3, inlet)
    os.closerange(inlet + 1, 1024)
    socket.socket = _no_network  # type: ignore[misc, assignment]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    seconds = int(limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
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


def _answer(reader: Reader, data: bytes) -> bytes:
    try:
        return _pack({"ok": True}, reader(data))
    except CpcsError as error:
        return _pack({"ok": False, "code": error.code, "metadata": error.metadata})
    except MemoryError:
        return _pack({"ok": False, "code": ReaderCrashed.code, "metadata": {"how": "no memory left"}})
    except Exception as error:  # noqa: BLE001 -- whatever a hostile file provokes is one refusal
        how = f"{type(error).__name__}: {error}"[:200]
        return _pack({"ok": False, "code": ReaderCrashed.code, "metadata": {"how": how}})


def _pack(header: dict[str, Any], stars: StarList | None = None) -> bytes:
    arrays = io.BytesIO()
    if stars is not None:
        columns = {item.name: getattr(stars, item.name) for item in fields(stars) if item.name != "meta"}
        np.savez(arrays, **{name: column for name, column in columns.items() if column is not None})
        header = {**header, "meta": asdict(stars.meta)}
    head = json.dumps(header, default=str).encode()
    return _LENGTHS.pack(len(head), arrays.tell()) + head + arrays.getvalue()


def _collect(outlet: int, seconds: float) -> bytes | None:
    """Read the pipe to its end; None when the time is over first."""
    deadline = time.monotonic() + seconds
    parts: list[bytes] = []
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([outlet], [], [], left)
        if not ready:
            return None
        part = os.read(outlet, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None


def _end(pid: int) -> int:
    """Make sure the child is gone, and return how it ended (its wait status)."""
    done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        # Either it overran its time, or its pipe is closed and it is about to leave: both ways it has no more to say.
        time.sleep(0.001)
        done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
    return status


def _decode(answer: bytes, status: int) -> StarList:
    if len(answer) < _LENGTHS.size:
        raise ReaderCrashed(how=_how(status))
    head_bytes, array_bytes = _LENGTHS.unpack_from(answer)
    if len(answer) != _LENGTHS.size + head_bytes + array_bytes:
        raise ReaderCrashed(how=_how(status))
    head = json.loads(answer[_LENGTHS.size : _LENGTHS.size + head_bytes])
    if not head["ok"]:
        raise _error(head["code"], head["metadata"])
    with np.load(io.BytesIO(answer[_LENGTHS.size + head_bytes :]), allow_pickle=False) as arrays:
        columns = {name: arrays[name] for name in arrays.files}
    return StarList(**columns, meta=CatalogueMeta(**head["meta"]))


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"status {os.WEXITSTATUS(status)}"


def _error(code: str, metadata: dict[str, object]) -> CpcsError:
    kinds = {kind.code: kind for kind in walk()}
    return kinds[code](**metadata)
