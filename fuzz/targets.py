"""What is fuzzed, and what may come of it: what the reader promises, or a `CpcsError`; in time, and in memory."""

from __future__ import annotations

import resource
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cpcs.errors import CpcsError

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 64 * 1024  # bytes of an input
SECONDS = 2.0  # of processor time for one input, a debt to the instrumentation paid
EXTRA_BYTES = 2**30  # of memory beyond what the process holds when it begins


class TooSlowError(BaseException):
    """An input took longer than `SECONDS`; no reader may catch it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that is fuzzed.

    Attributes
    ----------
    name
        As the command line has it.
    run
        Reads bytes, and checks what came out.
    kind
        How inputs are changed: ``fits``, ``text``, ``header`` or ``mapping``.
    """

    name: str
    run: Callable[[bytes], None]
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An input that broke the contract: by what, and where (the innermost line of ours)."""

    what: str
    place: str
    trace: str

    @property
    def name(self) -> str:
        """Two inputs with the same name have found the same thing."""
        return "-".join(self.place.replace("/", ".").replace(":", "-").split()) + f"-{self.what}"


def targets() -> dict[str, Target]:
    """Return the targets by name; the readers are imported only now, so that they can be instrumented."""
    from tests.support.hostile.case import Door
    from tests.support.hostile.doors import gate, through

    found = (
        Target(name="header", run=through(Door.HEADER), kind="header"),
        Target(name="text", run=through(Door.CATALOGUE), kind="text"),
        Target(name="gate", run=gate, kind="fits"),
        Target(name="image", run=through(Door.IMAGE), kind="fits"),
        Target(name="mapping", run=through(Door.MAPPING), kind="mapping"),
    )
    return {target.name: target for target in found}


NAMES = ("header", "text", "gate", "image", "mapping")


def limit_memory() -> None:
    """Let this process grow by `EXTRA_BYTES` at most: more is a MemoryError, which is a finding."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmData:"):
            held = int(line.split()[1]) * 1024 + EXTRA_BYTES
            resource.setrlimit(resource.RLIMIT_DATA, (held, resource.RLIM_INFINITY))


def tried(target: Target, data: bytes, seconds: float = SECONDS) -> Finding | None:
    """Run a target on an input; None when the contract held."""
    signal.signal(signal.SIGVTALRM, _too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        target.run(data)
    except CpcsError as refusal:
        return None if refusal.message and refusal.hint and refusal.code != "INTERNAL" else _finding(refusal)
    except (Exception, TooSlowError) as error:  # noqa: BLE001 -- whatever comes is a finding
        return _finding(error)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def _too_slow(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TooSlowError


def _is_ours(path: Path) -> bool:
    """Whether a file is of the tree, and neither of an environment in it nor of the fuzzer."""
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] not in {"fuzz", ".venv", ".venv-fuzz"}


def _finding(error: BaseException) -> Finding:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _is_ours(Path(frame.filename))]
    last = ours[-1]
    place = f"{Path(last.filename).relative_to(ROOT)}:{last.lineno}"
    if isinstance(error, TooSlowError):  # wherever it was just then: what counts is who called
        place = next((str(Path(frame.filename).relative_to(ROOT)) for frame in reversed(ours)), "")
    return Finding(what=type(error).__name__, place=place, trace="".join(traceback.format_exception(error))[-4000:])
