"""The first CPCS's words and forms, to the byte where they are known: old names <-> records.

The only place (with the functions' legacy routes) where its wire names live.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cpcs import names
from cpcs.passbands import catalogues
from cpcs.records import Event, FollowupPoint, Observatory, UploadRequest
from cpcs.web import html

OBSERVATORY_LENGTH = 20
LIMIT_ERROR = -1.0  # stands for "mag is a limit" on the wire
UPLOAD_FIELDS = {  # ours -> the wire's
    "event": "EventID",
    "mjd": "MJD",
    "exposure_s": "expTime",
    "matching_radius_arcsec": "matchDist",
    "filter": "forceFilter",
    "dry_run": "dryRun",
}
EVENT_FIELDS = {"event": "EventID", "ra_deg": "ra", "dec_deg": "dec"}
OBSERVATORY_FIELDS = {"name": "obsName", "longitude_deg": "lon", "latitude_deg": "lat"}
CATALOGUE_FIELD = "sexCat"
ALERT_COLUMNS = ("id", "ivorn", "published", "ra", "dec", "nfollowup", "LC", "data")
FOLLOWUP_COLUMNS = (
    "id", "IVORN", "Observatory", "MJD", "mag", "mag_err", "calib_err", "npoints", "Catalog", "Filter", "mode",
    "Calibration date", "Image", "Data",
)  # fmt: skip
BLUE_TO_RED = tuple("UuBgVGrRiIzZyYJHK")
OBSERVATORY_COLUMNS = ("id", "Name", "Longitude", "Latitude", "Observations")


def float32(value: float) -> float:
    """Return the number as the first CPCS kept it: rounded to single precision, written in double.

    Examples
    --------
    >>> float32(16.5232)
    16.5231990814209
    """
    widened: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return widened


def twelve_digits(value: float) -> str:
    """Return a number with at most 12 significant digits, and always as a decimal.

    Examples
    --------
    >>> twelve_digits(53.26519444444), twelve_digits(10.0)
    ('53.2651944444', '10.0')
    """
    written = f"{value:.12g}"
    return written if any(sign in written for sign in ".e") else f"{written}.0"


def published(event: Event) -> str:
    """Return the event's date as the first CPCS wrote it, without a zone."""
    return event.published.removesuffix("Z")


def alerts_json(events: Iterable[Event]) -> str:
    """Return the list of alerts: objects without blanks, each on its line, with a comma and a blank between them."""
    return "[" + ", \n ".join(_alert(event) for event in events) + "]"


def _alert(event: Event) -> str:
    ivorn, date = json.dumps(names.SCHEME + event.name), json.dumps(published(event))
    place = f'"ra":{twelve_digits(event.ra_deg)},"dec":{twelve_digits(event.dec_deg)}'
    return f'{{"id":{event.event_id},"ivorn":{ivorn},"published":{date},{place},"nfollowup":{event.n_followups}}}'


def light_curve_json(points: Sequence[FollowupPoint], alert_name: str | None) -> str:
    """Return the light curve as parallel arrays, in the first CPCS's order of keys and rows.

    Rows come by observatory, then catalogue and filter, then time. Magnitudes and errors are single precision;
    observatories are cut to 20 characters; an error of -1 marks a limit.

    Parameters
    ----------
    points
        The event's points, in any order.
    alert_name
        The name it was asked by; None when asked by number.
    """
    rows = sorted(points, key=_row_order)
    return json.dumps(
        {
            "mjd": [row.mjd for row in rows],
            "magerr": [float32(wire_error(row)) for row in rows],
            "alert_name": alert_name,
            "observatory": [row.observatory[:OBSERVATORY_LENGTH] for row in rows],
            "caliberr": [float32(row.calib_err) for row in rows],
            "mag": [float32(row.mag) for row in rows],
            "catalog": [row.catalogue for row in rows],
            "filter": [row.filter for row in rows],
            "id": [row.followup_id for row in rows],
        },
        allow_nan=False,
    )


def _row_order(point: FollowupPoint) -> tuple[int, int, str, int, str, float]:
    known = catalogues()
    catalogue = known.index(point.catalogue) if point.catalogue in known else len(known)
    band = BLUE_TO_RED.index(point.filter) if point.filter in BLUE_TO_RED else len(BLUE_TO_RED)
    return point.observatory_id, catalogue, point.catalogue, band, point.filter, point.mjd


def wire_error(point: FollowupPoint) -> float:
    """Return the magnitude's error as it goes over the wire: -1 for a limit."""
    return LIMIT_ERROR if point.is_limit or point.mag_err is None else point.mag_err


def upload_fields(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return an old upload form with what it means by zero put right: an unknown exposure, the usual radius."""
    fields = dict(form)
    for wire in (UPLOAD_FIELDS["exposure_s"], UPLOAD_FIELDS["matching_radius_arcsec"]):
        try:
            if float(fields.get(wire) or 0) <= 0:
                fields.pop(wire, None)
        except ValueError:
            pass  # refused, with its name, where the fields are read
    return fields


def result_json(request: UploadRequest, point: FollowupPoint, event: Event, image_link: str) -> dict[str, Any]:
    """Return the answer to an upload: the keys that old clients read, and some that explain it."""
    return {
        "image_link": image_link,
        "mag": point.mag,
        "mag_err": wire_error(point),
        "ra": event.ra_deg if point.ra_deg is None else point.ra_deg,
        "dec": event.dec_deg if point.dec_deg is None else point.dec_deg,
        "zeropoint": point.zero_point,
        "outlier_fraction": point.outlier_fraction,
        "scatter": point.scatter,
        "npoints": point.n_matched,
        "followup_id": point.followup_id,
        "filter": point.filter,
        "survey": point.catalogue,
        "EventID": names.SCHEME + event.name,
        "MJD": point.mjd,
        "matchDist": request.matching_radius_arcsec,
        "dryRun": int(request.dry_run),
        "limit": point.is_limit,
        "caliberr": point.calib_err,
        "mode": point.mode.value,
        "observatory": point.observatory,
        "job_id": request.job_id,
    }


def result_lines(
    request: UploadRequest, point: FollowupPoint, event: Event, *, client_ip: str, seconds: float
) -> list[str]:
    """Return the answer to an upload as the first CPCS's page showed it: ``label: value`` lines."""
    error = f"{point.mag:.2f} mag (limit)" if point.is_limit else f"{point.mag:.2f} +/- {wire_error(point):.2f} mag"
    return [
        f"Upload done from {client_ip}",
        f"EventId : {names.SCHEME}{event.name}",
        f"Ra : {twelve_digits(event.ra_deg)}",
        f"Dec : {twelve_digits(event.dec_deg)}",
        f"Filter: {point.catalogue} / {point.filter}",
        f"Magnitude: {error}",
        f"ZP: {point.zero_point:.2f} mag",
        f"Scatter: {point.scatter:.2f} mag",
        f"Number of datapoints used for calibration: {point.n_matched}",
        f"Outlier fraction: {point.outlier_fraction:.2f}",
        f"Matching radius[arcsec]: {request.matching_radius_arcsec}",
        f"Dry run: {request.dry_run}",
        f"Follow-up id: {point.followup_id}",
        f"Time spend calibrating {seconds:.11f} s",
    ]


def alerts_page(events: Iterable[Event]) -> str:
    """Return the list of alerts as a page."""
    rows = (
        (
            event.event_id,
            names.SCHEME + event.name,
            published(event).replace("T", " "),
            twelve_digits(event.ra_deg),
            twelve_digits(event.dec_deg),
            event.n_followups,
            html.Link(f"/event.html?name={names.path_safe(event.name)}", "LC"),
            html.Link(f"/get_alert_lc_data?alert_id={event.event_id}", "data"),
        )
        for event in events
    )
    return html.page("List of alerts", html.table(ALERT_COLUMNS, rows))


def followups_page(points: Iterable[FollowupPoint]) -> str:
    """Return the list of follow-up points as a page."""
    return html.page("List of follow-ups", html.table(FOLLOWUP_COLUMNS, (_followup(point) for point in points)))


def _followup(point: FollowupPoint) -> tuple[html.Cell, ...]:
    calibration = f"/api/calibrations/{names.path_safe(point.job_id)}"
    return (
        point.followup_id,
        html.Link(f"/event.html?name={names.path_safe(point.event_name)}", names.SCHEME + point.event_name),
        point.observatory,
        repr(point.mjd),
        f"{point.mag:.4f}",
        f"{wire_error(point):.2f}",
        f"{point.calib_err:.2f}",
        point.n_matched,
        point.catalogue,
        point.filter,
        point.mode.value,
        point.calibrated_at.removesuffix("Z").replace("T", " "),
        html.Link(f"{calibration}/figures/panel.png", "Image"),
        html.Link(f"{calibration}/report", "Data"),
    )


def observatories_page(observatories: Iterable[Observatory]) -> str:
    """Return the list of observatories as a page; unknown places are ``None``, as they were."""
    rows = (
        (site.observatory_id, site.name, str(site.longitude_deg), str(site.latitude_deg), site.n_observations)
        for site in observatories
    )
    return html.page("Observatories", html.table(OBSERVATORY_COLUMNS, rows))
