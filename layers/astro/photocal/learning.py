"""What a calibration teaches the telescope memory (`cpcs.memory`), and when it is better not believed."""

from __future__ import annotations

from cpcs.memory import setup_name
from cpcs.records import ColourFrame, Mode
from photocal.results import Calibration

LEAST_CONFIDENCE = 0.9  # that the filter is right: below, the term may be that of another


def lesson(
    calibration: Calibration, *, field: str, job_id: str, learned: str, observatory_id: int = 0, camera: str = ""
) -> ColourFrame | None:
    """Return what a frame teaches of the colour term of its telescope; None where it had better teach nothing.

    Only the winner's passband is learned: of the others nobody knows whether they are the frame's. The choice must be
    sure (`LEAST_CONFIDENCE`). A filter that was forced was not chosen, so its confidence says nothing: then the filter
    must be named, for under that name alone it is remembered.

    Parameters
    ----------
    calibration
        The frame's.
    field
        Names the field: frames of one field share their reference stars.
    job_id
        Names the frame.
    learned
        When, ISO 8601.
    observatory_id
        Whose telescope; 0 where there is but one.
    camera
        As whoever sends the file, or the file's header, names it.
    """
    term = calibration.winner.colour_term
    if term is None or term.measured is None or calibration.mjd is None:
        return None
    band = setup_name(calibration.filter_hint)
    sure = calibration.confidence >= LEAST_CONFIDENCE if calibration.mode is Mode.AUTO else bool(band)
    if not sure:
        return None
    return ColourFrame(
        observatory_id=observatory_id,
        camera=setup_name(camera),
        filter=band,
        passband=term.measured.passband,
        colour=term.measured.colour,
        value=term.measured.value,
        err=term.measured.err,
        mjd=calibration.mjd,
        field=field,
        job_id=job_id,
        learned=learned,
    )
