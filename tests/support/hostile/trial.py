"""One file through a reader in a child process, as the worker has it: how it ended, how long it took, what it held."""

from __future__ import annotations

import json
import mmap
import resource
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from cpcs.errors import CpcsError
from functions.calibrate.child import Answer, Limits, run_in_child
from functions.calibrate.reading import read_upload

from .case import Case, Door, Verdict
from .doors import KNOWN, check, through

CRASHES = {"READER_CRASHED", "READER_TIMED_OUT", "INTERNAL", "NOTHING_SAID"}
OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a file ended.

    Attributes
    ----------
    code
        ``ok``, or that of the refusal.
    why
        The refusal's sentence.
    seconds
        Until the answer was there, the child's making and end included.
    grown
        Bytes that the child's resident memory grew to beyond what it began with.
    """

    code: str
    why: str = ""
    seconds: float = 0.0
    grown: int = 0

    def fault(self, case: Case, *, at_its_door: bool) -> str:
        """Return what is wrong about it; empty when it is as the case asks."""
        if self.code in CRASHES:
            return f"{self.code}: {self.why}"
        if case.verdict is Verdict.ACCEPT and self.code != OK:
            return f"refused with {self.code}: {self.why}"
        if case.verdict is Verdict.REJECT and (self.code == OK or (at_its_door and self.code not in case.codes)):
            return f"{self.code} {self.why}, not {' or '.join(sorted(case.codes))}"
        return ""


def at_its_door(case: Case, data: bytes) -> Outcome:
    """Send a file through the reader that it is meant for, and check what came out, in the child."""
    read = through(case.door)
    note = mmap.mmap(-1, 16)

    def work(sent: bytes) -> Answer:
        began = _resident()
        try:
            read(sent)
        finally:
            note[:16] = struct.pack("<QQ", began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        return Answer()

    found = _timed(lambda: run_in_child(work, data, Limits()))
    began, most = struct.unpack("<QQ", note[:16])
    note.close()
    return Outcome(code=found.code, why=found.why, seconds=found.seconds, grown=max(0, most - began))


def as_an_upload(data: bytes) -> Outcome:
    """Send a file the worker's way, and check what comes back from the child."""

    def read() -> None:
        check(read_upload(data, Limits(), mappings=(), camera="", given=KNOWN))

    return _timed(read)


def is_upload(case: Case) -> bool:
    """Whether a file is what observers upload; headers alone and tables of mappings are not."""
    return case.door in {Door.CATALOGUE, Door.IMAGE}


def _timed(read: Callable[[], object]) -> Outcome:
    start = time.monotonic()
    try:
        read()
    except CpcsError as refusal:
        told = refusal.as_dict()
        code = refusal.code if all(told.values()) and json.dumps(refusal.metadata, default=str) else "NOTHING_SAID"
        return Outcome(code=code, why=refusal.message, seconds=time.monotonic() - start)
    return Outcome(code=OK, seconds=time.monotonic() - start)


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as numbers:  # noqa: PTH123 -- pathlib is not needed in a child
        return int(numbers.read().split()[1]) * mmap.PAGESIZE
