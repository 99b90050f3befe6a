"""Runs the emulator as a child, and ends it with everything below it when the launcher is gone.

Started as ``python -m infra.local.guard -- command ...`` in a session of its own, with a pipe from the launcher as
its standard input. The pipe closes when the launcher ends, however it ends (``kill -9`` too): then the whole process
group, with the functions' workers that the emulator started, is killed. SIGTERM is passed on to the emulator, which
writes its state and ends by itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def _kill_group_when_launcher_is_gone() -> None:
    while os.read(0, 64):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Run the command behind ``--`` until it ends; return its exit code."""
    command = arguments[arguments.index("--") + 1 :]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as child:
        signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGTERM))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the launcher, which then asks us to stop
        threading.Thread(target=_kill_group_when_launcher_is_gone, daemon=True).start()
        code = child.wait()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(os.getpgid(0), signal.SIGTERM)  # the functions' workers that outlived the emulator
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
