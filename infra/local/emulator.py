"""The AWS emulator (ministack) as a child process: loopback only, IAM enforced, state in one folder.

It writes its state when it is asked to end, and only then; S3's objects are on disk as soon as they are acknowledged.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.local import processes

HOST = "127.0.0.1"
ROOT_KEY = "test"  # the emulator's name and secret of the account's root; never leaves this machine
STARTING_S = 60.0
STOPPING_S = 60.0
FORGET_AFTER_LOG_BYTES = 20 * 1024 * 1024
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START")
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")  # on the way to VizieR
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmulatorError(RuntimeError):
    """The emulator did not start, or did not end as it should."""


@dataclass(slots=True)
class Emulator:
    """One emulator process.

    Parameters
    ----------
    folder
        The state folder of the whole stack.
    state_name
        The folder below it with what the emulator writes when it ends.
    objects_name
        The folder below it with S3's objects.
    """

    folder: Path
    state_name: str = "emulator"
    objects_name: str = "s3"
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def endpoint(self) -> str:
        """Where the AWS APIs are."""
        return f"http://{HOST}:{self.port}"

    @property
    def state_folder(self) -> Path:
        """What the emulator writes when it ends."""
        return self.folder / self.state_name

    @property
    def objects_folder(self) -> Path:
        """S3's objects."""
        return self.folder / self.objects_name

    @property
    def log(self) -> Path:
        """What the emulator and the functions print."""
        return self.folder / "emulator.log"

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and wait until it answers.

        Raises
        ------
        EmulatorError
            It ended, or did not answer in time; the message holds the end of its log.
        """
        temporary = self.folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # the emulator leaves unpacked functions behind
        for folder in (self.state_folder, self.objects_folder, temporary / "home", self.folder / "mpl"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.port = self.port or free_port()
        with self._open_log() as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.local.guard", str(self.folder), "--", sys.executable, "-m", "ministack"],
                stdin=subprocess.PIPE,  # closes when this process ends
                stdout=log,
                stderr=log,
                env=self._environment(temporary),
                cwd=Path(__file__).parents[2],
                start_new_session=True,
            )
        processes.write_pid(self.folder / "emulator.pid", self._process.pid)
        self._wait_until_healthy()

    def stop(self) -> None:
        """End the process gracefully: it writes its state.

        Raises
        ------
        EmulatorError
            It had to be killed, or wrote nothing: its state is not to be trusted.
        """
        process = self._require_process()
        asked = time.time()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPPING_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise EmulatorError(f"the emulator did not end within {STOPPING_S:.0f} s") from None
        self._forget()
        written = self.state_folder / "dynamodb.json"
        if not written.exists() or written.stat().st_mtime < asked - 1.0:
            raise EmulatorError("the emulator ended without writing its state")

    def kill(self) -> None:
        """End the process and everything below it at once, without a chance to write anything."""
        process = self._require_process()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._forget()

    def end_leftover(self) -> bool:
        """End the emulator that a killed launcher may have left behind; return whether there was one."""
        return processes.end_group(self.folder / "emulator.pid", mark=f"infra.local.guard {self.folder} ")

    def _require_process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmulatorError("the emulator is not running")
        return self._process

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
        (self.folder / "emulator.pid").unlink(missing_ok=True)

    def _open_log(self) -> IO[bytes]:
        if self.log.exists() and self.log.stat().st_size > FORGET_AFTER_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        return self.log.open("ab")

    def _environment(self, temporary: Path) -> dict[str, str]:
        """Return all that the emulator may see; the functions' workers inherit it."""
        names = (*_PASSED_ON, *_PROXIES)
        passed_on = {name: os.environ[name] for name in names if name in os.environ}
        return (
            passed_on
            | no_proxy()
            | {
                "GATEWAY_PORT": str(self.port),
                "BIND_HOST": HOST,
                "AWS_ENDPOINT_URL": self.endpoint,  # for the functions
                "AWS_EC2_METADATA_DISABLED": "true",
                "IOT_MTLS_ENABLED": "0",  # listens on all interfaces otherwise
                "SFTP_ENABLED": "0",
                "AUTH": "true",
                "PERSIST_STATE": "1",
                "STATE_DIR": str(self.state_folder),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self.objects_folder),
                # Room for uploads of the old interface, which wait for their calibration in the same call, and for it.
                "LAMBDA_ACCOUNT_CONCURRENCY": "24",
                "DOCKER_HOST": f"unix://{temporary}/no-docker.sock",
                "LOG_LEVEL": "WARNING",
                "TMPDIR": str(temporary),
                "HOME": str(temporary / "home"),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "PYTHONUNBUFFERED": "1",
            }
        )

    def _wait_until_healthy(self) -> None:
        process = self._require_process()
        give_up = time.monotonic() + STARTING_S
        while time.monotonic() < give_up:
            if process.poll() is not None:
                self._forget()
                raise EmulatorError(f"the emulator ended at once:\n{self.log_end()}")
            with contextlib.suppress(OSError, ValueError):
                with _DIRECTLY.open(f"{self.endpoint}/_ministack/health", timeout=5) as answer:
                    if json.load(answer)["auth"] != "enabled":
                        self.kill()
                        raise EmulatorError("the emulator does not enforce IAM")
                return
            time.sleep(0.03)
        self.kill()
        raise EmulatorError(f"the emulator did not answer within {STARTING_S:.0f} s:\n{self.log_end()}")

    def log_end(self, n_bytes: int = 4000) -> str:
        """Return the end of the log."""
        return self.log.read_bytes()[-n_bytes:].decode(errors="replace")


def no_proxy() -> dict[str, str]:
    """Return the variables that keep a proxy out of what happens on this machine."""
    others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    hosts = ",".join(filter(None, (others, HOST, "localhost")))
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
