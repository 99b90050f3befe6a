"""The JSON routes that read."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response

from cpcs import __version__, names
from cpcs.errors import CpcsError, MissingField, UnknownJob, UnknownPage
from cpcs.records import Event, Job
from cpcs.storage import layout
from cpcs.web import addresses, auth, documents, fields, lightcurve, recalibrations, responses
from cpcs.web.front import bound

from .desk import Desk

MOST_JOBS = 100
WORTH_A_COPY = 500  # points: one read from S3 instead of several pages of the table
PAGES_SEARCHED = 20
LARGEST_ANSWER = 4_000_000  # bytes; a Lambda answers with 6 MB at most, as text
FIGURES = re.compile(r"(?:panel|residuals|lightcurve|(?:cutout|overview|psf|astrometry)(?:-[RGB])?)\.png")
FILES = re.compile(r"(?:stars|solved|cutout)(?:-[RGB])?\.(fits|ecsv|hdr)")  # what is kept of an image
EVENTS, LIGHT_CURVES = "/api/events/", "/api/lightcurves/"
_JOB_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def register(desk: Desk) -> None:
    """Add the routes to the front."""
    app = desk.front.app
    handlers: dict[str, Callable[[Desk], Response[Any]]] = {
        "/api/health": health,
        "/api/me": me,
        "/api/uploads": uploads,
        "/api/events": events,
        EVENTS + addresses.TAIL: event,
        LIGHT_CURVES + addresses.TAIL: light_curve,
        "/api/followups": followups,
        "/api/observatories": observatories,
        "/api/catalogues": catalogues,
    }
    for rule, handle in handlers.items():
        app.get(rule)(bound(handle, desk))

    @app.get("/api/uploads/<job_id>")
    def _upload(job_id: str) -> Response[str]:
        return responses.document(documents.job(_job(desk, job_id)))

    @app.get("/api/followups/<followup_id>")
    def _followup(followup_id: str) -> Response[str]:
        return followup(desk, followup_id)

    @app.get(recalibrations.ADDRESS + "/<recalibration_id>")
    def _recalibration(recalibration_id: str) -> Response[Any]:
        return recalibration(desk, recalibration_id)

    @app.get("/api/observatories/<observatory_id>/colour-terms")
    def _colour_terms(observatory_id: str) -> Response[str]:
        return colour_terms(desk, observatory_id)

    _register_results(desk)


def _register_results(desk: Desk) -> None:
    """Add the routes to what a calibration wrote."""
    app = desk.front.app

    @app.get("/api/calibrations/<job_id>/report")
    def _report(job_id: str) -> Response[Any]:
        return result(desk, job_id, "report.json", responses.JSON)

    @app.get("/api/calibrations/<job_id>/header")
    def _header(job_id: str) -> Response[Any]:
        return result(desk, job_id, "header.json", responses.JSON)

    @app.get("/api/calibrations/<job_id>/figures/<name>")
    def _figure(job_id: str, name: str) -> Response[Any]:
        if not FIGURES.fullmatch(name):
            raise UnknownPage(path=desk.front.request.path[:60])
        return result(desk, job_id, f"figures/{name}", responses.PNG)

    @app.get("/api/calibrations/<job_id>/files/<name>")
    def _file(job_id: str, name: str) -> Response[Any]:
        kind = FILES.fullmatch(name)
        if kind is None:
            raise UnknownPage(path=desk.front.request.path[:60])
        return result(desk, job_id, name, responses.FITS if kind[1] == "fits" else responses.TEXT)


def health(_desk: Desk) -> Response[str]:
    """Say that this function answers, and which version it is."""
    return responses.document({"status": "ok", "version": __version__})


def me(desk: Desk) -> Response[str]:
    """Return whose key was sent."""
    key = desk.key()
    return responses.document(documents.key(key, desk.store.observatories.get(key.observatory_id)))


def uploads(desk: Desk) -> Response[str]:
    """Return the state of the named jobs; without names, the jobs of the key that was sent."""
    query = desk.front.request.query
    given = [job_id for job_id in query.get("ids", "").split(",") if job_id.strip()]
    if given:
        return responses.document(documents.page([documents.job(job) for job in _jobs(desk, given)], None))
    if auth.of_request(desk.front.request) is None:
        raise MissingField(field="ids", meaning=f"at most {MOST_JOBS} job ids with commas between them, or send a key")
    page = desk.store.jobs.by_key(desk.key().key_id, fields.page_size(query), query.get("cursor") or None)
    return responses.document(documents.page([documents.job(job) for job in page.items], page.cursor))


def _jobs(desk: Desk, given: list[str]) -> list[Job]:
    if len(given) > MOST_JOBS:
        raise fields.bad("ids", f"{len(given)} ids", f"at most {MOST_JOBS} job ids")
    wanted = [job_id.strip() for job_id in given]
    return desk.store.jobs.many([job_id for job_id in dict.fromkeys(wanted) if _JOB_ID.fullmatch(job_id)])


def _job(desk: Desk, job_id: str) -> Job:
    if not _JOB_ID.fullmatch(job_id):
        raise UnknownJob(job_id=job_id[:64])
    return desk.store.jobs.get(job_id)


def events(desk: Desk) -> Response[str]:
    """Return events, newest first: all, those observed, or those whose name holds ``q``."""
    query = desk.front.request.query
    observed, limit = fields.flag(query, "observed"), fields.page_size(query)
    cursor = query.get("cursor") or None
    part = fields.text(query, "q", longest=names.LONGEST)
    if part:
        found, cursor = _search(desk, part, observed=observed, limit=limit, cursor=cursor)
    else:
        page = desk.store.events.page(observed, limit, cursor)
        found, cursor = list(page.items), page.cursor
    document = documents.page([documents.event(record) for record in found], cursor)
    return responses.document(document, cache=responses.REVALIDATE)


def _search(desk: Desk, part: str, *, observed: bool, limit: int, cursor: str | None) -> tuple[list[Event], str | None]:
    """Return events whose name holds ``part``; a page may hold few, and still have a cursor to go on from."""
    exact = _named_exactly(desk, part) if cursor is None else None
    found = [exact] if exact is not None and (exact.n_followups > 0 or not observed) else []
    bare = part.strip()
    bare = bare[len(names.SCHEME) :] if bare.lower().startswith(names.SCHEME) else bare
    for _ in range(PAGES_SEARCHED):
        page = desk.store.events.page(observed, max(limit - len(found), 1), cursor)
        matching = documents.only_matching(page.items, bare)
        found += [record for record in matching if exact is None or record.key != exact.key]
        cursor = page.cursor
        if cursor is None or len(found) >= limit:
            break
    return found, cursor


def _named_exactly(desk: Desk, name: str) -> Event | None:
    try:
        return desk.store.events.get(name)
    except CpcsError:
        return None


def event(desk: Desk) -> Response[str]:
    """Return one event, by any form of its name."""
    record = desk.store.events.get(desk.front.request.tail(EVENTS))
    return responses.document(documents.event(record), cache=responses.REVALIDATE)


def light_curve(desk: Desk) -> Response[Any]:
    """Return the light curve of one event, as JSON or as CSV."""
    desk.demand_access()
    request = desk.front.request
    as_csv = _as_csv(desk)
    document = _light_curve(desk, desk.store.events.get(request.tail(LIGHT_CURVES)))
    if as_csv:
        return responses.content(lightcurve.as_csv(document), responses.CSV, cache=desk.gated_cache)
    return responses.document(document, cache=desk.gated_cache)


def _as_csv(desk: Desk) -> bool:
    """Whether the answer is wanted as CSV, not as JSON."""
    form = fields.text(desk.front.request.query, "format").lower() or "json"
    if form not in {"json", "csv"}:
        raise fields.bad("format", form, "json or csv")
    return form == "csv"


def _light_curve(desk: Desk, record: Event) -> dict[str, Any]:
    """Return the published document where that saves many reads and nothing has changed since, else a new one."""
    if record.n_followups >= WORTH_A_COPY:
        copy = desk.store.files.read_published(layout.public_lightcurve(record.key))
        if copy:
            document: dict[str, Any] = json.loads(gzip.decompress(copy))
            if lightcurve.is_current(document, record):
                return document
    return lightcurve.build(record, desk.store.points.by_event(record.key))


def followups(desk: Desk) -> Response[str]:
    """Return follow-up points, newest first: all, of an event, of an observatory."""
    desk.demand_access()
    query = desk.front.request.query
    of_event = desk.event_named_in("event").key if query.get("event") else None
    of_site = None
    if query.get("observatory"):
        of_site = fields.whole(query, "observatory", lowest=1, highest=2**31, meaning="the number of the observatory")
    page = desk.store.points.page(
        observatory_id=of_site, event=of_event, limit=fields.page_size(query), cursor=query.get("cursor") or None
    )
    document = documents.page([documents.point(record) for record in page.items], page.cursor)
    return responses.document(document, cache=desk.gated_cache)


def followup(desk: Desk, followup_id: str) -> Response[str]:
    """Return one point, also one that another has superseded."""
    desk.demand_access()
    number = fields.whole(
        {"followup_id": followup_id}, "followup_id", lowest=1, highest=10**10 - 1, meaning="the number of a point"
    )
    return responses.document(documents.point(desk.store.points.get(number)), cache=desk.gated_cache)


def observatories(desk: Desk) -> Response[str]:
    """Return all observatories."""
    document = documents.page([documents.observatory(site) for site in desk.store.observatories.all()], None)
    return responses.document(document, cache=responses.REVALIDATE)


def colour_terms(desk: Desk, observatory_id: str) -> Response[str]:
    """Return what an observatory's uploads have taught of the colour terms of its cameras and filters."""
    desk.demand_access()
    site = desk.store.observatories.get(fields.observatory(observatory_id))
    setups = desk.store.colour_terms.of_observatory(site.observatory_id)
    found = sorted(
        (term for frames in setups for term in documents.colour_terms(frames)),
        key=lambda term: (term["camera"], term["filter"], term["passband"]),
    )
    return responses.document(documents.page(found, None), cache=desk.gated_cache)


def catalogues(_desk: Desk) -> Response[str]:
    """Return every reference catalogue with its filters."""
    return responses.document(documents.page(documents.all_catalogues(), None), cache=responses.AN_HOUR)


def result(desk: Desk, job_id: str, name: str, content_type: str) -> Response[Any]:
    """Return a file that a calibration wrote: its report, a figure; of the revision that is shown, or another.

    Raises
    ------
    UnknownJob, UnknownPage
        There is no such job; it has not written that, or not yet.
    """
    desk.demand_access()
    job = _job(desk, job_id)
    shown = job.outcome.revision if job.outcome else job.revision
    query = desk.front.request.query
    revision = fields.whole(query, "revision", lowest=1, highest=9999, meaning="a revision", default=shown)
    data = desk.store.files.read_result(job.job_id, revision, name)
    under_way = "revision" in query and desk.store.files.read_outcome(job.job_id, revision) is None
    if data is None or under_way:
        raise UnknownPage(path=desk.front.request.path[:60])
    if len(data) > LARGEST_ANSWER and content_type != responses.JSON:  # JSON is sent packed
        return responses.elsewhere(desk.store.files.presign_result(job.job_id, revision, name))
    body = data if content_type in responses.BINARY else data.decode()
    return responses.content(body, content_type, cache=desk.gated_cache)


def recalibration(desk: Desk, recalibration_id: str) -> Response[Any]:
    """Return how far a recalibration is and what it has shifted, as JSON or as CSV: for administrators."""
    auth.demand_admin(desk.key())
    as_csv = _as_csv(desk)
    held = desk.store.recalibrations.get(recalibration_id)
    rows = desk.store.recalibrations.shifts(held)
    if as_csv:
        return responses.content(recalibrations.as_csv(rows), responses.CSV)
    return responses.document(recalibrations.document(held, rows))
