"""The first CPCS's upload: file in, result out, in one call.

The upload takes the same road as all others (S3, queue, calibrate); this function waits beside it.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from cpcs.errors import MissingField
from cpcs.records import ApiKey, Event, FollowupPoint, Job, JobState
from cpcs.storage.ids import new_job_id
from cpcs.web import asks, documents, fields, forms, html, legacy, problems, responses

from .desk import Desk

LARGEST = 4_400_000  # bytes: the request reaches the function in base64, and 6 MB is all that Lambda takes
PATIENCE_S = 25.0  # API Gateway gives up after 30 s
FIRST_LOOK_S, LONGEST_PAUSE_S = 0.05, 0.25
PANEL = "figures/panel.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    """One upload on its way to its answer."""

    job: Job
    event: Event
    wants_figure: bool
    wants_json: bool
    started: float


def answer_upload(
    desk: Desk,
    given: Mapping[str, Any],
    files: Mapping[str, forms.SentFile],
    key: ApiKey,
    *,
    wants_json: bool,
) -> Response[Any]:
    """Take in the catalogue, wait for its calibration, and answer as the first CPCS did.

    Raises
    ------
    CpcsError
        What is asked for cannot be; the file is missing, empty or too large for this road.
    """
    started = desk.now()
    data = _catalogue(given, files)
    wants_figure = not fields.flag(given, "noPlot")
    event = desk.store.events.get(asks.event_name(given, legacy.UPLOAD_FIELDS))
    request = asks.upload(
        legacy.upload_fields({**given, "figures": wants_figure, "filename": _filename(files)}),
        job_id=new_job_id(started),
        event=event,
        key=key,
        now=started,
        source="cgi",
        wire=legacy.UPLOAD_FIELDS,
    )
    job = desk.store.jobs.create(request)
    desk.store.files.put_upload(job.job_id, data)
    desk.front.logger.append_keys(job_id=job.job_id)
    upload = _Upload(job=job, event=event, wants_figure=wants_figure, wants_json=wants_json, started=started)
    try:
        return _answer(desk, upload, _wait(desk, upload))
    finally:
        desk.front.logger.remove_keys(["job_id"])


def _catalogue(given: Mapping[str, Any], files: Mapping[str, forms.SentFile]) -> bytes:
    sent = files.get(legacy.CATALOGUE_FIELD)
    data = sent.data if sent else str(given.get(legacy.CATALOGUE_FIELD, "")).encode()
    if not sent and not data:
        raise MissingField(field=legacy.CATALOGUE_FIELD, meaning="the catalogue, as a file of the form")
    asks.check_size(len(data), LARGEST)
    return data


def _filename(files: Mapping[str, forms.SentFile]) -> str:
    sent = files.get(legacy.CATALOGUE_FIELD)
    return sent.filename[-255:] if sent else ""


def _wait(desk: Desk, upload: _Upload) -> Job:
    """Look at the job until it is at its end, waits for something, or patience is."""
    deadline, pause = time.monotonic() + PATIENCE_S, FIRST_LOOK_S
    while True:
        job = desk.store.jobs.get(upload.job.job_id)
        if _is_settled(job, upload) or time.monotonic() + pause > deadline:
            return job
        desk.sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE_S)


def _is_settled(job: Job, upload: _Upload) -> bool:
    if job.state is JobState.WAITING_REFERENCE:
        return True
    if job.state is JobState.DONE and upload.wants_figure:
        return job.figures_ready
    return job.state.is_terminal


def _answer(desk: Desk, upload: _Upload, job: Job) -> Response[Any]:
    outcome = job.outcome
    if job.state is JobState.DONE and outcome is not None and outcome.point is not None:
        return _result(desk, upload, job, outcome.point)
    if job.state in {JobState.REJECTED, JobState.FAILED} and outcome is not None and outcome.error:
        error = outcome.error
        return responses.plain(
            problems.plain(error.get("code", "FAILED"), error.get("message", "")),
            problems.status_of_code(error.get("code", "")),
        )
    if job.state.is_terminal:
        return responses.plain(problems.plain(job.state.value, "the calibration failed"), 500)
    what = "waits for reference stars" if job.state is JobState.WAITING_REFERENCE else "is not calibrated yet"
    text = problems.plain("ACCEPTED", f"upload {job.job_id} {what}, and goes on by itself")
    return responses.plain(text, HTTPStatus.ACCEPTED, {"Location": f"{documents.JOBS}/{job.job_id}"})


def _result(desk: Desk, upload: _Upload, job: Job, point: FollowupPoint) -> Response[Any]:
    shows_figure = upload.wants_figure and job.figures_ready
    if upload.wants_json:
        link = _image_link(desk, job, point) if shows_figure else ""
        return responses.document(legacy.result_json(job.request, point, upload.event, link))
    taken = job.outcome.seconds if job.outcome else {}
    lines = legacy.result_lines(
        job.request,
        point,
        upload.event,
        client_ip=desk.front.request.client_ip,
        seconds=taken.get("calibrate", desk.now() - upload.started),
    )
    parts = [html.lines(lines)]
    if shows_figure:
        picture = _picture(desk, job)
        parts += [html.picture(picture, "calibration")] if picture else []
    return responses.content(html.page("Upload", *parts), responses.HTML)


def _image_link(desk: Desk, job: Job, point: FollowupPoint) -> str:
    """Return what BHTOM reads as ``image_link``: an address, or for a dry run the picture itself."""
    if job.request.dry_run:
        return _picture(desk, job)
    base = desk.settings.public_url.rstrip("/") or desk.front.request.origin
    return f"{base}{documents.CALIBRATIONS}/{point.job_id}/figures/panel.png"


def _picture(desk: Desk, job: Job) -> str:
    outcome = job.outcome
    png = desk.store.files.read_result(job.job_id, outcome.revision, PANEL) if outcome else None
    return base64.b64encode(png).decode() if png else ""
