"""``make demo-real``: real observers' catalogues against real reference stars, through the embedded stack.

The observations are not part of the repository; without their folder (``CPCS_REALDATA``, or ``shared/realdata`` beside
the checkout) this says so and does nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from cpcs.storage import Store
from cpcs_client import Client
from infra import seed
from infra.local.stack import EmbeddedStack
from infra.realsets import ABSENT, RealSet, realdata_folder, robust_scatter, sets
from photocal.references import TileStore

OBSERVATORY = "Real observations"


def load(store: Store, real: RealSet) -> str:
    """Put event, key and reference stars of a set into the storage; return the key."""
    seed.event(store, real.event, real.ra_deg, real.dec_deg)
    tiles = TileStore(store.references)
    for reference in real.references:
        tiles.add(reference)
    return seed.observer(store, OBSERVATORY, owner=real.name).secret


def run(stack: EmbeddedStack, real: RealSet, folder: Path) -> list[dict[str, Any]]:
    """Upload every catalogue of a set, and return the jobs; those that made a point with their ``crude`` scatter."""
    secret = load(seed.connect(stack.environment), real)
    with Client(stack.url, secret) as client:
        jobs = []
        for number, upload in enumerate(real.uploads):
            file = folder / f"{number:03d}.cat"
            file.write_bytes(upload.content)
            sent = client.upload(file, event=real.event, mjd=upload.mjd, exposure_s=upload.exposure_s, figures=False)
            jobs.append(sent["job_id"])
        ended = client.wait(jobs, timeout_s=600.0)
        return [job | {"crude": crude_scatter(client.report(job["job_id"]))} if job["report"] else job for job in ended]


def crude_scatter(report: dict[str, Any]) -> float:
    """Return 1.4826 times the median absolute deviation of the winner's residuals, mag: no star left out, no model.

    The statistic of the folder's README, so that the two can be held against each other.
    """
    return robust_scatter(np.array(report["candidates"][0]["stars"]["residual"]))


def tell(real: RealSet, jobs: list[dict[str, Any]]) -> bool:
    """Print what was found in a set, and return whether it is as it must be."""
    points = [job["outcome"] for job in jobs if job["state"] == "DONE"]
    chosen: int = sum(point["passband"] == real.expected for point in points)
    print(f"{real.name}: {len(points)} of {len(jobs)} calibrated, {real.expected} chosen in {chosen}")
    for job in jobs:
        if job["state"] != "DONE":
            print(f"  {job['state']}: {job['error']}")
    if not points:
        return False
    print(f"  zero point {_span(points, 'zero_point')}, error {_span(points, 'zero_point_err')}")
    print(f"  magnitude {_span(points, 'mag')}")
    crude = [{"crude": job["crude"]} for job in jobs if "crude" in job]
    print(f"  scatter beyond the quoted errors {_span(points, 'scatter')}")
    print(f"  1.4826 x MAD of all matched stars {_span(crude, 'crude')}; the folder's README has {real.crude}")
    print(f"  stars used {_span(points, 'n_matched', 0)}, outlier fraction {_span(points, 'outlier_fraction')}")
    return len(jobs) == chosen


def _span(points: list[dict[str, Any]], name: str, digits: int = 3) -> str:
    values = [point[name] for point in points]
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.median(values):.{digits}f} (median; {min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> int:
    """Run from the command line."""
    folder = realdata_folder()
    if folder is None:
        print(ABSENT)
        return 0
    good = True
    with tempfile.TemporaryDirectory() as temporary:
        for number, real in enumerate(sets(folder)):  # a stack each: reference stars of one do not help another
            own = Path(temporary) / str(number)
            own.mkdir()
            with EmbeddedStack(own / "state") as stack:
                good &= tell(real, run(stack, real, own))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
