"""``make demo``: the main job on this machine, from an observer's catalogue to a point in a light curve.

Everything on the way is real: a presigned upload, S3, the queue, the calibrate function, DynamoDB, the published light
curve. The field is made by our own simulator, so that the result can be held against the truth.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpcs_client import Client
from infra import sample, seed
from infra.local.__main__ import PORT, throw_away, wait_until_asked_to_end
from infra.local.deploy import ROOT
from infra.local.stack import EmbeddedStack
from photocal.kept import place_error_mas

STATE = ROOT / ".local-demo"
SIGMAS = 4.0  # of the stated error, within which the result must agree with the truth
FLOOR = 0.01  # mag


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """One upload, from the sending of the file to the light curve that shows it."""

    job: dict[str, Any]
    seconds: float

    @property
    def point(self) -> dict[str, Any]:
        """The point it made."""
        point: dict[str, Any] = self.job["outcome"]
        return point


def upload(client: Client, file: Path, *, event: str, mjd: float, **options: object) -> Uploaded:
    """Send a catalogue, and wait until the light curve shows its point (or it is refused)."""
    began = time.monotonic()
    sent = client.upload(file, event=event, mjd=mjd, **options)
    (job,) = client.wait([sent["job_id"]])
    point = job["outcome"]
    give_up = time.monotonic() + 30.0
    while point and point["followup_id"] not in client.light_curve(event)["columns"]["id"]:
        if time.monotonic() > give_up:
            raise TimeoutError(f"point {point['followup_id']} does not show in the light curve")
        time.sleep(0.02)
    return Uploaded(job=job, seconds=time.monotonic() - began)


def describe(job: dict[str, Any], seconds: float) -> str:
    """Return a result in the words of the first CPCS."""
    error, point = job["error"], job["outcome"]
    if error or not point:
        return f"{job['state']}: " + " ".join((error or {}).values())
    magnitude = f"{point['mag']:.3f} +/- {point['mag_err']:.3f}" if not point["is_limit"] else f"> {point['mag']:.3f}"
    summary = point["summary"]
    rows = [
        ("EventId", f"ivo://{point['event_name']}"),
        ("Filter", f"{point['catalogue']} / {point['filter']}  ({_sure(summary)})"),
        ("Magnitude", f"{magnitude} mag"),
        *_with_colour(point),
        ("ZP", f"{point['zero_point']:.4f} +/- {point['zero_point_err']:.4f} mag"),
        ("Scatter", f"{point['scatter']:.4f} mag"),
        ("Number of datapoints used for calibration", str(point["n_matched"])),
        ("Outlier fraction", f"{point['outlier_fraction']:.3f}"),
        ("Matching radius[arcsec]", f"{point['matching_radius_arcsec']:.1f}"),
        ("Dry run", str(job["dry_run"])),
        ("Time spend calibrating", f"{point['seconds'].get('calibrate', 0.0):.3f} s"),
        ("From upload to light curve", f"{seconds:.2f} s"),
    ]
    return "\n".join(f"  {label + ':':<44}{value}" for label, value in rows)


def _with_colour(point: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the magnitude with the colour term, where the target's colour is known."""
    if point["is_limit"] or point["corrected_mag"] is None:
        return []
    return [("Colour-corrected", f"{point['corrected_mag']:.3f} +/- {point['corrected_mag_err']:.3f} mag")]


def row(point: dict[str, Any]) -> str:
    """Return a point as the list of follow-ups shows it."""
    names = (
        "id",
        "event",
        "observatory",
        "MJD",
        "mag",
        "mag_err",
        "calib_err",
        "npoints",
        "catalogue",
        "filter",
        "mode",
    )
    error = point["mag_err"] if point["mag_err"] is not None else -1.0
    cells = (
        str(point["followup_id"]), point["event_name"], point["observatory"], f"{point['mjd']:.5f}",
        f"{point['mag']:.4f}", f"{error:.3f}", f"{point['calib_err']:.3f}", str(point["n_matched"]),
        point["catalogue"], point["filter"], point["mode"],
    )  # fmt: skip
    widths = [max(len(name), len(cell)) for name, cell in zip(names, cells, strict=True)]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)) for texts in (names, cells)
    )
    return "\n".join("  " + line.rstrip() for line in lines)


def run(stack: EmbeddedStack, folder: Path) -> bool:
    """Do the job once, print it, and return whether the magnitude agrees with the truth."""
    loaded = sample.load(seed.connect(stack.environment))
    field = loaded.field
    file = folder / "observer.cat"
    file.write_bytes(field.catalogue)
    print(f"Field simulated by our own simulator (seed {field.seed}, not on the sky): {field.n_observed} stars,")
    print(
        f"observed in {field.setup.passband}; the observer's catalogue is {file.name}, {len(field.catalogue)} bytes.\n"
    )
    with Client(stack.url, loaded.secret) as client:
        done = upload(client, file, event=loaded.event.name, mjd=field.setup.mjd, exposure_s=60.0)
    print(describe(done.job, done.seconds) + "\n")
    if done.job["state"] != "DONE":
        return False
    print(row(done.point) + "\n")
    return agrees(done.point, field.true_mag, str(field.setup.passband))


def run_image(stack: EmbeddedStack, folder: Path) -> bool:
    """Do the same with an image: from its pixels to a point, and to files that can be fetched."""
    loaded = sample.load_picture(store := seed.connect(stack.environment))
    file = folder / "observer.fits"
    file.write_bytes(loaded.field.data)
    rows, columns = loaded.field.counts.shape
    print(f"\nAn image of {columns} x {rows} pixels, simulated too; the coordinates in its header are 47 arcsec off.\n")
    secret = seed.observer(store, sample.OBSERVATORY, owner="sample observer").secret
    with Client(stack.url, secret) as client:
        done = upload(client, file, event=loaded.event.name, mjd=loaded.mjd)
        print(describe(done.job, done.seconds))
        if done.job["state"] != "DONE":
            return False
        image = client.report(done.job["job_id"])["image"]
    print(about(image) + "\n")
    return agrees(done.point, loaded.true_mag, "PS1/r")


def about(image: dict[str, Any]) -> str:
    """Return how an image was, in lines like those of a result."""
    quality, solution = image["quality"], image["solution"]
    rows = [
        ("Stars of S/N 5 and more", f"{quality['n_stars']:.0f}"),
        ("Seeing", f"{quality['seeing_arcsec']:.2f} arcsec, {quality['fwhm_pix']:.2f} pixels"),
        (
            "Place on the sky",
            f"known to {place_error_mas(image):.0f} mas, from {solution['n_used']} stars of {solution['catalogue']}",
        ),
        ("5-sigma depth", f"{image['depth_mag_5sigma']:.2f} mag"),
        ("Files", ", ".join(name for name in image["files"] if "/" not in name)),
    ]
    return "\n".join(f"  {label + ':':<44}{value}" for label, value in rows)


def agrees(point: dict[str, Any], truth: float, passband: str) -> bool:
    """Print and return whether a result agrees with what was simulated."""
    corrected = point["corrected_mag"] is not None
    mag, err = (point["corrected_mag"], point["corrected_mag_err"]) if corrected else (point["mag"], point["mag_err"])
    off: float = mag - truth
    error: float = math.hypot(err, point["zero_point_err"])
    good = abs(off) <= SIGMAS * max(FLOOR, error) and bool(point["passband"] == passband)
    verdict = "agrees" if good else "DOES NOT AGREE"
    print(f"Truth: {truth:.4f} mag in {passband}. The result is {off:+.4f} mag off and {verdict}.")
    return good


def _sure(summary: dict[str, Any]) -> str:
    other = f", runner-up {summary['runner_up']}" if summary.get("runner_up") else ""
    return f"probability {summary['confidence']:.3f}{other}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="check the result against the truth and exit with 0 or 1")
    parser.add_argument("--port", type=int, default=PORT, help=f"of the site ({PORT}); 0 for any")
    given = parser.parse_args(arguments)
    if given.once:
        with tempfile.TemporaryDirectory() as folder, EmbeddedStack(Path(folder) / "state") as stack:
            return 0 if run(stack, Path(folder)) and run_image(stack, Path(folder)) else 1
    throw_away(STATE)
    with EmbeddedStack(STATE, port=given.port) as stack:
        good = run(stack, STATE) and run_image(stack, STATE)
        if good:
            print(f"\nThe site is at {stack.url} until you press Ctrl-C.", flush=True)
            wait_until_asked_to_end(stack)
            print("Ending ...", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
