"""Uploads while the embedded stack is killed by SIGKILL: every acknowledged one must end as a point or a refusal.

    python -m benchmarks.kill [--uploads 200] [--kills 3] [--seed 1]

The stack runs as it does for a person (``python -m infra.local start``), in a process group of its own; at random
moments the whole group is killed, emulator included, and started again on the same folder. A client sends catalogues
one after the other, each with its own MJD and every tenth without stars; an upload counts as acknowledged when S3 has
answered its form with success. Afterwards every acknowledged upload must be at its end, and points, counters and the
published light curve must agree.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cpcs_client import Client, Refused, Unreachable
from infra import sample, seed
from infra.local.deploy import ROOT
from infra.local.emulator import free_port
from infra.local.home import Home

FIRST_MJD = 60000.0
STARTING_S = 120.0
SETTLING_S = 300.0


@dataclass(slots=True)
class Tally:
    """What came out."""

    acknowledged: int = 0
    states: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    points: int = 0
    counter: int = 0
    published: int = 0
    twice: int = 0
    kills: int = 0
    seconds: float = 0.0

    @property
    def violations(self) -> list[str]:
        """Return what is not as it must be."""
        ended = self.states["DONE"] + self.states["REJECTED"]
        checks = {
            f"{self.acknowledged - ended} acknowledged uploads are at no end": ended == self.acknowledged,
            f"{self.states['DONE']} uploads done, {self.points} points": self.states["DONE"] == self.points,
            f"{self.points} points, counter {self.counter}": self.points == self.counter,
            f"{self.points} points, {self.published} published": self.points == self.published,
            f"{self.twice} points twice": self.twice == 0,
        }
        return [text for text, holds in checks.items() if not holds]


class Launcher:
    """The stack as a process group that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the site."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [sys.executable, "-m", "infra.local", "start", "--state", str(self.folder), "--port", str(self.port)]
        with (self.folder.parent / "launcher.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        give_up = time.monotonic() + STARTING_S
        with Client(self.url, timeout_s=5) as client:
            while time.monotonic() < give_up:
                try:
                    list(client.events(limit=1))
                except (Refused, Unreachable):
                    time.sleep(0.2)
                else:
                    return
        raise TimeoutError(f"the stack did not come up: see {self.folder.parent / 'launcher.log'}")

    def kill(self) -> None:
        """End the whole group as a power switch would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """End it properly."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=120)


def run(folder: Path, *, uploads: int, kills: int, seed_number: int = 1) -> Tally:
    """Do it once, with the state in ``folder``."""
    rng = np.random.default_rng(seed_number)
    launcher = Launcher(folder / "state")
    launcher.folder.mkdir(parents=True)
    began = time.monotonic()
    launcher.start()
    try:
        with _environment(launcher.folder):
            loaded = sample.load(seed.connect())
        files = _catalogues(folder, loaded)
        moments = np.sort(rng.choice(np.arange(2, uploads), kills, replace=False)) if kills else []
        tally, jobs = Tally(), []
        for number in range(uploads):
            if number in moments:
                # In the middle of this upload, or of the calibrations that are still under way.
                threading.Timer(float(rng.uniform(0.0, 0.15)), launcher.kill).start()
            job = _send(launcher, loaded, files[number % 10 == 9], FIRST_MJD + number, restart=number in moments)
            jobs.append(job)
        tally.kills, tally.acknowledged = len(moments), len(jobs)
        _settle(launcher, loaded, jobs, tally)
    finally:
        launcher.stop()
    tally.seconds = time.monotonic() - began
    return tally


def _catalogues(folder: Path, loaded: sample.Sample) -> dict[bool, Path]:
    good, bad = folder / "good.cat", folder / "bad.cat"
    good.write_bytes(loaded.field.catalogue)
    bad.write_text("# nothing in it\n", "utf-8")
    return {False: good, True: bad}


def _send(launcher: Launcher, loaded: sample.Sample, file: Path, mjd: float, *, restart: bool) -> str:
    """Send one file until it is acknowledged; with ``restart``, wait for the kill and start the stack again."""
    acknowledged: str | None = None
    give_up = time.monotonic() + STARTING_S
    while acknowledged is None or restart:
        try:
            if acknowledged is None:
                with Client(launcher.url, loaded.secret, timeout_s=20) as client:
                    acknowledged = client.upload(file, event=loaded.event.name, mjd=mjd, figures=False)["job_id"]
        except (Unreachable, Refused) as error:
            if time.monotonic() > give_up:
                raise TimeoutError("an upload could not be sent") from error
        if restart:
            time.sleep(0.3)  # the kill falls within the first 0.15 s
            launcher.start()
            restart = False
    return acknowledged


def _settle(launcher: Launcher, loaded: sample.Sample, jobs: list[str], tally: Tally) -> None:
    """Wait until everything is at its end, and count."""
    with Client(launcher.url, loaded.secret) as client:
        ended = client.wait(jobs, timeout_s=SETTLING_S)
        give_up = time.monotonic() + 30.0
        while True:
            document = client.light_curve(loaded.event.name)
            points = list(client.followups(event=loaded.event.name, limit=10**6))
            if len(points) == len(document["columns"]["mjd"]) or time.monotonic() > give_up:
                break
            time.sleep(0.2)
        events = {event["name"]: event for event in client.events(limit=100)}
    tally.states = Counter(job["state"] for job in ended)
    tally.codes = Counter(job["error"]["code"] for job in ended if job["error"])
    tally.points, tally.published = len(points), len(document["columns"]["mjd"])
    tally.counter = events[loaded.event.name]["n_followups"]
    tally.twice = tally.points - len({point["mjd"] for point in points})


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Work on the stack of a folder as the account's root."""
    before = dict(os.environ)
    os.environ.update(Home(folder).notes()["environment"])
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def main() -> int:
    """Run from the command line; 1 when anything was lost or came twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(Path(folder), uploads=given.uploads, kills=given.kills, seed_number=given.seed)
    print(f"{tally.acknowledged} uploads acknowledged, {tally.kills} kills, {tally.seconds:.0f} s")
    print(f"states {json.dumps(tally.states)}, refusals {json.dumps(tally.codes)}")
    print(f"points {tally.points}, counter {tally.counter}, published {tally.published}, twice {tally.twice}")
    for text in tally.violations:
        print(f"VIOLATION: {text}")
    return int(bool(tally.violations))


if __name__ == "__main__":
    sys.exit(main())
