"""``python -m infra.local``: the embedded stack from the command line.

``start`` runs in the foreground until Ctrl-C or SIGTERM; ``stop``, ``status`` and ``admin-key`` find it by its state
folder.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from infra.local import processes
from infra.local.deploy import ROOT
from infra.local.emulator import Emulator, EmulatorError
from infra.local.home import Home, StackError
from infra.local.stack import EmbeddedStack

STATE = ROOT / ".local"
PORT = 8020
STOPPING_S = 90.0


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(prog="python -m infra.local", description="The whole server on this machine.")
    commands = top.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="run until Ctrl-C")
    start.add_argument("--port", type=int, default=PORT, help=f"of site and API ({PORT}); 0 for any")
    start.add_argument("--fresh", action="store_true", help="throw away the state folder first")
    start.add_argument("--vizier", default="", metavar="HOST", help="where missing reference stars are asked for")
    start.add_argument("--data-access", choices=("public", "key"), default="public", help="of full light curves")
    commands.add_parser("stop", help="end the stack that runs in the state folder")
    commands.add_parser("status", help="say whether it runs, and where")
    admin = commands.add_parser("admin-key", help="print a new administrator's key, shown this once")
    admin.add_argument("--owner", default="operator", help="whose key it is")
    for command in commands.choices.values():
        command.add_argument("--state", type=Path, default=STATE, help="the state folder (.local)")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    given = parser().parse_args(arguments)
    given.state = given.state.resolve()
    commands = {"start": _start, "stop": _stop, "status": _status, "admin-key": _admin_key}
    try:
        return commands[given.command](given)
    except (StackError, EmulatorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def wait_until_asked_to_end(stack: EmbeddedStack) -> bool:
    """Wait for Ctrl-C or SIGTERM; return False when the emulator ended by itself."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    while not asked.wait(0.5):
        if not stack.is_running:
            return False
    return True


def _start(given: argparse.Namespace) -> int:
    if given.fresh:
        throw_away(given.state)
    stack = EmbeddedStack(given.state, port=given.port, vizier=given.vizier, data_access=given.data_access)
    began = time.monotonic()
    with stack:
        if stack.recovered is not None:
            print(f"The last run did not end properly; rebuilt from S3: {stack.recovered}")
        print(f"CPCS is at {stack.url} (after {time.monotonic() - began:.1f} s). Ctrl-C ends it.", flush=True)
        stack.warm_up()
        lived = wait_until_asked_to_end(stack)
        ended_by_itself = f"The emulator ended by itself: see {given.state / 'emulator.log'}"
        print("Ending ..." if lived else ended_by_itself, flush=True)
    return 0 if lived else 1


def throw_away(folder: Path) -> None:
    """Delete a state folder, unless a stack runs in it or it is none.

    Raises
    ------
    StackError
        It is left as it is.
    """
    home = Home(folder)
    if home.is_locked:
        raise StackError(f"a stack runs in {folder}: stop it first")
    if not home.is_state:
        raise StackError(f"{folder} is not a state folder: it is left as it is")
    Emulator(folder).end_leftover()
    shutil.rmtree(folder, ignore_errors=True)


def _stop(given: argparse.Namespace) -> int:
    pid = Home(given.state).launcher()
    if pid is None:
        print("It is not running.")
        return 0
    os.kill(pid, signal.SIGTERM)
    if not processes.wait_for_end(pid, STOPPING_S):
        raise StackError(f"process {pid} did not end within {STOPPING_S:.0f} s")
    print("Ended.")
    return 0


def _status(given: argparse.Namespace) -> int:
    home = Home(given.state)
    url = home.notes().get("url", "")
    if not home.is_locked or not url:
        print("It is not running.")
        return 1
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with directly.open(f"{url}/api/health", timeout=10) as answer:
            health = answer.read().decode()
    except urllib.error.URLError as error:
        health = str(error)
    print(f"It is at {url}: {health}")
    return 0


def _admin_key(given: argparse.Namespace) -> int:
    home = Home(given.state)
    if not home.is_locked:
        raise StackError("it is not running: start it first")
    from infra import seed

    os.environ.update(home.notes()["environment"])
    print(seed.admin_key(seed.connect(), owner=given.owner))
    return 0


if __name__ == "__main__":
    sys.exit(main())
