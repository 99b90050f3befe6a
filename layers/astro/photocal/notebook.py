"""Telescope memory in a file: for an astronomer without an account, ``python -m photocal calibrate --colour-terms``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cpcs import memory, serial
from cpcs.errors import BadField
from cpcs.records import ColourFrame, ColourPrior
from photocal.learning import lesson
from photocal.results import Calibration

SCHEMA = "cpcs-colour-terms/1"
_LARGEST = 100.0  # mag per mag


def read(path: Path) -> list[ColourFrame]:
    """Return the frames that a file holds; none where there is no file yet.

    Raises
    ------
    BadField
        It holds something else.
    """
    try:
        return _frames(json.loads(path.read_bytes())) if path.exists() else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadField(
            field="--colour-terms", value=str(path), expected=f"a file of colour terms ({SCHEMA})"
        ) from error


def _frames(document: dict[str, Any]) -> list[ColourFrame]:
    if document["schema"] != SCHEMA:
        raise ValueError(document["schema"])
    frames = [serial.from_json(ColourFrame, entry) for entry in document["frames"]]
    if not all(0.0 < frame.err < _LARGEST and abs(frame.value) < _LARGEST for frame in frames):
        raise ValueError("a colour term or its error is out of range")
    return frames


def priors(
    frames: list[ColourFrame], *, mjd: float, sha256: str, camera: str = "", filter_hint: str = ""
) -> dict[str, ColourPrior]:
    """Return what the frames of the same camera and filter say beforehand, without the file itself."""
    setup = tuple(map(memory.setup_name, (camera, filter_hint)))
    mine = sorted((frame for frame in frames if (frame.camera, frame.filter) == setup), key=lambda frame: frame.mjd)
    return memory.priors(mine[-memory.MOST_FRAMES :], mjd=mjd, job_id=sha256)


def learn(path: Path, calibration: Calibration, *, sha256: str, camera: str = "") -> bool:
    """Add to a file what a calibration teaches; what the same exposure taught before is replaced.

    Returns
    -------
    bool
        Whether it taught anything; see `photocal.learning.lesson`.
    """
    place = calibration.position
    frame = lesson(
        calibration,
        field=f"{round(place.ra_deg, 1) % 360.0:.1f}{place.dec_deg:+.1f}",
        job_id=sha256,
        learned=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        camera=camera,
    )
    if frame is None:
        return False
    kept = [other for other in read(path) if other.job_id != sha256 and _exposure(other) != _exposure(frame)]
    document = {"schema": SCHEMA, "frames": [serial.to_json(entry) for entry in (*kept, frame)]}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    new.replace(path)
    return True


def _exposure(frame: ColourFrame) -> tuple[str, str, str, float]:
    return frame.camera, frame.filter, frame.passband, frame.mjd
