"""From sending a catalogue to seeing its point in the light curve, warm, on the embedded stack, in seconds.

    python -m benchmarks.upload_to_visible [--uploads 20] [--figures]

For each upload: until the light curve shows the point; the part of it that the worker spent on download, reading,
reference stars and calibration; and each of these. The first uploads, which load the science, are not counted. As a
yardstick of this machine, `numpy.loadtxt` of the same file.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cpcs_client import Client
from infra import demo, sample, seed
from infra.local.stack import EmbeddedStack

WARM_UP = 4
STEPS = ("download", "read", "references", "calibrate")
FIRST_MJD = 60000.0


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--figures", action="store_true", help="draw the figures too, as uploads do by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedStack(Path(folder) / "state") as stack:
        loaded = sample.load(seed.connect(stack.environment))
        file = Path(folder) / "observer.cat"
        file.write_bytes(loaded.field.catalogue)
        with Client(stack.url, loaded.secret) as client:
            done = [
                demo.upload(client, file, event=loaded.event.name, mjd=FIRST_MJD + number, figures=given.figures)
                for number in range(WARM_UP + given.uploads)
            ][WARM_UP:]
    visible = np.array([upload.seconds for upload in done])
    steps = {step: np.array([upload.point["seconds"][step] for upload in done]) for step in STEPS}
    _tell("upload to visible", visible)
    _tell("worker: " + " + ".join(STEPS), sum(steps.values(), np.zeros(len(done))))
    for step, seconds in steps.items():
        _tell("  " + step, seconds)
    _tell("numpy.loadtxt of the same file", _yardstick(loaded.field.catalogue))
    return 0


def _yardstick(catalogue: bytes) -> np.ndarray:
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        np.loadtxt(io.BytesIO(catalogue))
        seconds.append(time.perf_counter() - began)
    return np.array(seconds)


def _tell(what: str, seconds: np.ndarray) -> None:
    print(f"{what:<55} median {np.median(seconds):.4f} s  ({seconds.min():.4f} to {seconds.max():.4f})")


if __name__ == "__main__":
    sys.exit(main())
