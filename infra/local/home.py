"""The state folder: one launcher at a time, the mark of an unclean end, and the notes of the last start."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from infra.local import emulator, processes

LAUNCHER_MARK = "python"  # of any command line that may hold a stack: tests too


class StackError(RuntimeError):
    """The stack cannot be started, or found, here."""


@dataclass(slots=True)
class Home:
    """The state folder of one stack."""

    folder: Path
    _lock: IO[str] | None = field(default=None, init=False)

    @property
    def mark(self) -> Path:
        """There while a stack runs; found at a start, it means that the last one did not end properly."""
        return self.folder / "running"

    @property
    def deployment(self) -> Path:
        """What is deployed."""
        return self.folder / "deployment.json"

    def lock(self) -> None:
        """Keep other launchers out until `unlock`, or the end of this process.

        Raises
        ------
        StackError
            Another one is in.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (self.folder / "lock").open("w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            url = self.notes().get("url", "another address")
            raise StackError(f"a stack runs in {self.folder} already, at {url}") from None
        self._lock = lock

    def unlock(self) -> None:
        """Let others in."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def is_locked(self) -> bool:
        """Whether some launcher is in."""
        try:
            with (self.folder / "lock").open("r+", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @property
    def is_state(self) -> bool:
        """Whether the folder is ours, or nothing yet."""
        return (self.folder / "lock").exists() or not self.folder.exists() or not any(self.folder.iterdir())

    def launcher(self) -> int | None:
        """Return the process that holds the stack, None when there is none."""
        return processes.read_pid(self.folder / "launcher.pid", mark=LAUNCHER_MARK) if self.is_locked else None

    def notes(self) -> dict[str, Any]:
        """Return what the last start wrote down; empty when there was none."""
        try:
            notes: dict[str, Any] = json.loads((self.folder / "stack.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return notes

    def write_notes(self, notes: dict[str, Any]) -> None:
        """Write down where the stack of this process is."""
        (self.folder / "stack.json").write_text(json.dumps(notes, indent=1), encoding="utf-8")
        processes.write_pid(self.folder / "launcher.pid", os.getpid())


def listen(port: int) -> socket.socket:
    """Return a socket bound to that port of the loopback interface.

    Raises
    ------
    StackError
        Somebody else has it.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((emulator.HOST, port))
    except OSError as error:
        listener.close()
        raise StackError(f"port {port} of {emulator.HOST} is in use: give another one") from error
    return listener


def the_same_or_another(port: int) -> int:
    """Return ``port`` if it is free and not 0, else any free one."""
    if port:
        try:
            listen(port).close()
        except StackError:
            return emulator.free_port()
    return port or emulator.free_port()
