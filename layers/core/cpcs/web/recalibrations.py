"""Recalibrations as they are asked for and shown: the fields of the request, the answers, the table as JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from dataclasses import fields as columns_of
from typing import Any

from cpcs.errors import MissingField
from cpcs.records import LARGEST_RECALIBRATION, Entry, PassedOver, Reason, Recalibration, Selection
from cpcs.shifts import Shift, summary
from cpcs.web import fields
from cpcs.web.documents import Document
from cpcs.web.lightcurve import cell

ADDRESS = "/api/recalibrations"
WHY = {
    Reason.UNKNOWN: "there is no upload of that id",
    Reason.UNDER_WAY: "it is being calibrated now",
    Reason.DELETED: "its point was deleted",
    Reason.DUPLICATE: "its file had made a point before, as another upload: select that one",
    Reason.SUPERSEDED: "a younger upload has, or had, its place in the light curve",
    Reason.REFUSED: "it was refused; include_refused takes such uploads too",
    Reason.NEVER_ARRIVED: "its file never arrived",
}
_CHOOSING = ("event", "observatory", "since", "until", "mjd_since", "mjd_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a request for a recalibration asks."""

    selection: Selection
    limit: int
    cursor: str | None
    recalibration_id: str | None
    dry_run: bool


def ask(given: Mapping[str, Any], event: str) -> Ask:
    """Return what a request asks for.

    Parameters
    ----------
    given
        The fields.
    event
        The key of the event that is named, or "".

    Raises
    ------
    MissingField, BadField
        Nothing is selected; a field cannot be meant so.
    """
    job_ids = fields.words(given, "job_ids", most=LARGEST_RECALIBRATION, meaning="job ids")
    if not job_ids and not any(fields.text(given, name) for name in _CHOOSING) and not fields.flag(given, "all"):
        raise MissingField(field="all", meaning="1 for every upload, or give job_ids, event, observatory, since, until")
    since, until = fields.moment(given, "since"), fields.moment(given, "until")
    if since and until and since >= until:
        raise fields.bad("until", until, f"a time after {since}")
    observed = {
        name: fields.optional_number(given, name, lowest=0.0, highest=1e6, meaning="a Modified Julian Date")
        for name in ("mjd_since", "mjd_until")
    }
    site = None
    if fields.text(given, "observatory"):
        site = fields.whole(given, "observatory", lowest=1, highest=2**31, meaning="the number of the observatory")
    selection = Selection(
        job_ids=job_ids,
        event=event,
        observatory_id=site,
        since=since,
        until=until,
        include_refused=fields.flag(given, "include_refused"),
        **observed,
    )
    return Ask(
        selection=selection,
        limit=fields.whole(
            given,
            "limit",
            lowest=1,
            highest=LARGEST_RECALIBRATION,
            meaning="how many uploads",
            default=LARGEST_RECALIBRATION,
        ),
        cursor=fields.text(given, "cursor", longest=4096) or None,
        recalibration_id=fields.text(given, "id", longest=64) or None,
        dry_run=fields.flag(given, "dry_run"),
    )


def asked(
    recalibration_id: str | None,
    entries: Sequence[Entry],
    passed_over: Sequence[PassedOver],
    cursor: str | None,
) -> Document:
    """Return the answer to a request: which uploads, which not and why; without an id, nothing is queued."""
    return {
        "id": recalibration_id,
        "selected": len(entries),
        "queued": len(entries) if recalibration_id is not None else 0,
        "uploads": [{"job_id": entry.job_id, "revision": entry.revision} for entry in entries],
        "passed_over": [
            {"job_id": each.job_id, "reason": each.reason.value, "message": WHY[each.reason]} for each in passed_over
        ],
        "cursor": cursor,
        "status_url": f"{ADDRESS}/{recalibration_id}" if recalibration_id is not None else None,
    }


def document(recalibration: Recalibration, rows: Sequence[Shift]) -> Document:
    """Return how far a recalibration is, and its table of shifts."""
    about = asked(
        recalibration.recalibration_id, recalibration.entries, recalibration.passed_over, recalibration.cursor
    )
    del about["uploads"]
    return {
        **about,
        "asked": recalibration.asked,
        "key_id": recalibration.key_id,
        "summary": asdict(summary(rows)),
        "shifts": [{**asdict(row), "progress": row.progress.value} for row in rows],
    }


def as_csv(rows: Sequence[Shift]) -> str:
    """Return the table of shifts as CSV; what there is none of is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(column.name for column in columns_of(Shift))
    writer.writerows([cell(value) for value in astuple(row)] for row in rows)
    return stream.getvalue()
