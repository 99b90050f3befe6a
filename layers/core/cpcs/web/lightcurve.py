"""The light-curve document: the points of one event, in columns (schema ``cpcs-lightcurve/1``), and the same as CSV."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from cpcs import clock, names
from cpcs.records import Event, FollowupPoint
from cpcs.web import documents

SCHEMA = "cpcs-lightcurve/1"
ACKNOWLEDGEMENT = (
    "This research made use of the Cambridge Photometric Calibration Server (CPCS). "
    "Please acknowledge the observatories of the points you use, and offer their observers co-authorship "
    "where their data are essential."
)

_COLUMNS: dict[str, Callable[[FollowupPoint], Any]] = {
    "id": lambda point: point.followup_id,
    "mjd": lambda point: point.mjd,
    "exposure_s": lambda point: point.exposure_s,
    "mag": lambda point: point.mag,
    "mag_err": lambda point: point.mag_err,
    "calib_err": lambda point: point.calib_err,
    "zero_point": lambda point: point.zero_point,
    "zero_point_err": lambda point: point.zero_point_err,
    "scatter": lambda point: point.scatter,
    "outlier_fraction": lambda point: point.outlier_fraction,
    "n_matched": lambda point: point.n_matched,
    "limit": lambda point: point.is_limit,
    "catalogue": lambda point: point.catalogue,
    "filter": lambda point: point.filter,
    "mode": lambda point: point.mode.value,
    "observatory_id": lambda point: point.observatory_id,
    "observatory": lambda point: point.observatory,
    "calibrated_at": lambda point: point.calibrated_at,
    "job_id": lambda point: point.job_id,
    "corrected_mag": lambda point: point.corrected_mag,
    "corrected_mag_err": lambda point: point.corrected_mag_err,
    "colour_term": lambda point: point.colour_term,
    "colour_term_err": lambda point: point.colour_term_err,
    "colour": lambda point: point.colour,
    "reference_colour": lambda point: point.reference_colour,
}


def build(event: Event, points: Sequence[FollowupPoint], *, now: float | None = None) -> dict[str, Any]:
    """Return the document of an event.

    Parameters
    ----------
    event
        The event.
    points
        Its current points, in order of time.
    now
        Unix seconds; the clock when not given.

    Returns
    -------
    dict
        Magnitudes in mag, times in MJD (UTC, mid-exposure), exposures in seconds. Every column is as long as the
        others; what is unknown, or not finite, is None. For a limit (``limit`` true) ``mag`` is the limiting
        magnitude. ``corrected_mag`` is ``mag`` with the colour term; columns that are added later come at the end.
    """
    about = documents.event(event)
    return {
        "schema": SCHEMA,
        "target": {
            name: about[name] for name in ("event_id", "name", "ivorn", "ra_deg", "dec_deg", "published", "url")
        },
        "time": {"format": "mjd", "scale": "utc", "reference": "mid-exposure"},
        "columns": {name: [_finite(value(point)) for point in points] for name, value in _COLUMNS.items()},
        "version": event.version,
        "generated_at": clock.iso(time.time() if now is None else now),
        "acknowledgement": ACKNOWLEDGEMENT,
    }


def is_current(document: dict[str, Any], event: Event) -> bool:
    """Return whether a document that was published is what `build` makes now: of these points, in today's columns."""
    made = (document.get("schema"), document.get("version"), list(document.get("columns", ())))
    return made == (SCHEMA, event.version, list(_COLUMNS))


def as_csv(document: dict[str, Any]) -> str:
    """Return the document as CSV, with the target and the acknowledgement in comment lines.

    Text that a spreadsheet would take for a formula is preceded by an apostrophe.
    """
    target, columns = document["target"], document["columns"]
    stream = io.StringIO()
    for line in (names.ivorn(target["name"]), f"RA {target['ra_deg']} Dec {target['dec_deg']} (deg, J2000)"):
        stream.write(f"# {line}\n")
    stream.write(f"# {document['acknowledgement']}\n")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    return stream.getvalue()


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def cell(value: object) -> object:
    """Return a value as a cell of CSV: text that a spreadsheet would take for a formula gets an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
