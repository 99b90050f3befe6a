"""The JSON shapes of what is kept: one function for each record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from cpcs import memory, names
from cpcs.passbands import catalogue_data, catalogues, filters
from cpcs.records import ApiKey, ColourFrame, Event, FollowupPoint, Job, JobState, Observatory
from cpcs.web import fields

Document = dict[str, Any]

OBSERVERS_OWN = frozenset({"comment", "key_id"})  # not for everybody who has the id of a job
_SHOWN_ELSEWHERE = frozenset({"header", "files", "figures"})  # of a summary
JOBS, CALIBRATIONS = "/api/uploads", "/api/calibrations"


def page(items: Sequence[Document], cursor: str | None) -> Document:
    """Return one page of a list; without a cursor it is the last one."""
    return {"items": list(items), "cursor": cursor}


def event(record: Event) -> Document:
    """Return an event. An address that could harm whoever follows it is left out, whoever stored it."""
    return {
        "event_id": record.event_id,
        "name": record.name,
        "ivorn": names.SCHEME + record.name,
        "ra_deg": record.ra_deg,
        "dec_deg": record.dec_deg,
        "published": record.published,
        "url": record.url if fields.is_web_address(record.url) else "",
        "comment": record.comment,
        "n_followups": record.n_followups,
    }


def observatory(record: Observatory) -> Document:
    """Return an observatory."""
    return asdict(record)


def colour_terms(frames: Sequence[ColourFrame]) -> Iterator[Document]:
    """Yield what the frames of one camera and filter say now of its colour terms, passband by passband."""
    for term in memory.learned_terms(frames):
        yield {
            "camera": frames[0].camera,
            "filter": frames[0].filter,
            "passband": term.passband,
            "colour": term.colour,
            "value": term.value,
            "err": term.err,
            "scatter": term.scatter,
            "prior_err": term.prior.err,
            "n_frames": term.n_frames,
            "n_fields": term.n_fields,
            "since_mjd": term.since_mjd,
            "last_learned": term.last_learned,
        }


def point(record: FollowupPoint) -> Document:
    """Return a follow-up point, with its passband written out."""
    return {**asdict(record), "mode": record.mode.value, "passband": record.passband}


def key(record: ApiKey, site: Observatory | None) -> Document:
    """Return whose key this is; nothing from which it could be made."""
    return {
        "key_id": record.key_id,
        "role": record.role.value,
        "owner": record.owner,
        "observatory": observatory(site) if site else None,
    }


def figures(record: Job) -> dict[str, str]:
    """Return the addresses of a job's figures that are there; a file sent twice shows those of the first time.

    Residuals are drawn since outcomes say which colour terms were expected: older ones have no such figure.
    """
    outcome = record.outcome
    if outcome is None or outcome.point is None or not record.figures_ready or not record.request.figures:
        return {}
    is_there = {
        "panel": True,
        "residuals": "colour_priors" in outcome.summary,
        "lightcurve": not record.request.dry_run,
    }
    names = [name for name, there in is_there.items() if there] + list(outcome.summary.get("figures", ()))
    return {name: f"{CALIBRATIONS}/{outcome.point.job_id}/figures/{name}.png" for name in names}


def job(record: Job) -> Document:
    """Return where an upload stands, and how it ended: for whoever knows its id, which cannot be guessed."""
    outcome = record.outcome
    calibrated = outcome.point if outcome else None
    return {
        "job_id": record.job_id,
        "event": record.request.event,
        "filename": record.request.filename,
        "dry_run": record.request.dry_run,
        "state": record.state.value,
        "attempt": record.attempt,
        "progress": _progress(record),
        "revision": record.revision,
        "created": record.request.created,
        "updated": record.updated,
        "error": outcome.error if outcome else None,
        "header": outcome.summary.get("header") if outcome else None,
        "outcome": _outcome(record),
        "figures": figures(record),
        "files": files(record),
        "report": f"{CALIBRATIONS}/{calibrated.job_id}/report" if calibrated else None,
    }


def _progress(record: Job) -> Document | None:
    """Return how far a calibration is that takes long; None while there is nothing to tell."""
    step, _, per_cent = record.progress.rpartition(" ")
    if record.state is not JobState.CALIBRATING or not per_cent.isdecimal():
        return None
    return {"step": step, "share": int(per_cent) / 100.0}


def files(record: Job) -> dict[str, str]:
    """Return the addresses of what was kept of an image, by their names: its stars, its solved header, its cutout."""
    outcome = record.outcome
    kept = outcome.summary.get("files", ()) if outcome is not None else ()
    if outcome is None or outcome.point is None:
        return {}
    return {name: f"{CALIBRATIONS}/{outcome.point.job_id}/files/{name}" for name in kept}


def _outcome(record: Job) -> Document | None:
    outcome = record.outcome
    if outcome is None or outcome.point is None:
        return None
    return {
        **{name: value for name, value in point(outcome.point).items() if name not in OBSERVERS_OWN},
        "existing_id": outcome.existing_id,
        "seconds": outcome.seconds,
        "summary": {name: value for name, value in outcome.summary.items() if name not in _SHOWN_ELSEWHERE},
    }


def all_catalogues() -> list[Document]:
    """Return every reference catalogue with its filters, as they may be forced."""
    return [
        {"name": name, "title": catalogue_data()[name].get("title", name), "filters": list(filters(name))}
        for name in catalogues()
    ]


def only_matching(events: Iterable[Event], part: str) -> list[Event]:
    """Return the events whose name holds ``part``, without regard to case."""
    wanted = part.casefold()
    return [record for record in events if wanted in record.name.casefold()]
