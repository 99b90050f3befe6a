"""Process ids in files, believed only when the process is the one that was meant."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

ENDING_S = 20.0


def write_pid(path: Path, pid: int) -> None:
    """Remember ``pid``."""
    path.write_text(f"{pid}\n", encoding="ascii")


def read_pid(path: Path, *, mark: str) -> int | None:
    """Return the remembered process if it runs and has ``mark`` in its command line, else None."""
    try:
        pid = int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return pid if mark in command_line(pid) else None


def command_line(pid: int) -> str:
    """Return the command line of a process, words joined by blanks; "" when it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return " ".join(word.decode(errors="replace") for word in words)
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def end_group(path: Path, *, mark: str) -> bool:
    """Kill the process group of the remembered process and wait for its end; return whether there was one."""
    pid = read_pid(path, mark=mark)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        wait_for_end(pid, ENDING_S)
    path.unlink(missing_ok=True)
    return pid is not None


def wait_for_end(pid: int, seconds: float) -> bool:
    """Wait until the process (not a child of this one) is gone; return whether it is."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if not command_line(pid):  # a zombie has none
            return True
        time.sleep(0.02)
    return False
