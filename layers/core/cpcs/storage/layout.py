"""Where everything lies in the two buckets: the one place that builds object keys.

::

    data bucket                                         site bucket (public)
    uploads/<job>/file                                  data/lightcurves/<event>.json
    jobs/<job>/request.json                             data/<list>.json
    jobs/<job>/asked/<revision>.json          it is to be calibrated once more: from the second revision on
    results/<job>/<revision>/report.json, figures/...
    results/<job>/<revision>/outcome.json     the commit record of a calibration
    results/<job>/<revision>/duplicate.json   this file had been calibrated before
    results/<job>/<revision>/published.json   nothing is left to do
    tombstones/<followup id>.json             the point, and with it its upload, was taken back
    recalibrations/<id>.json
    mappings/<observatory id>/<camera>/<version>.json    header mappings: the newest version holds
    registry/events/<event>.json
    registry/observatories/<name>.json
    registry/keys/<sha256>.json
    registry/cursor-secret
    references/<catalogue>/...

Names are percent-encoded to one path segment (`cpcs.names.path_safe`).
"""

from __future__ import annotations

import re

from cpcs.names import path_safe

UPLOADS = "uploads/"
JOBS = "jobs/"
RESULTS = "results/"
TOMBSTONES = "tombstones/"
EVENTS = "registry/events/"
OBSERVATORIES = "registry/observatories/"
KEYS = "registry/keys/"
CURSOR_SECRET = "registry/cursor-secret"  # noqa: S105 -- the address of a secret, not the secret
REFERENCES = "references/"
RECALIBRATIONS = "recalibrations/"
MAPPINGS = "mappings/"

OUTCOME = "outcome.json"
DUPLICATE = "duplicate.json"
PUBLISHED = "published.json"

_UPLOAD = re.compile(rf"{UPLOADS}([^/]+)/file")
_REQUEST = re.compile(rf"{JOBS}([^/]+)/request\.json")
_ASKED = re.compile(rf"{JOBS}([^/]+)/asked/(\d{{4}})\.json")
_RESULT = re.compile(rf"{RESULTS}([^/]+)/(\d{{4}})/(.+)")
_MAPPING = re.compile(rf"{MAPPINGS}(\d+)/([^/]+)/(\d{{6}})\.json")
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*")


def upload(job_id: str) -> str:
    """Return the key of an uploaded file."""
    return f"{UPLOADS}{job_id}/file"


def job_of_upload(key: str) -> str | None:
    """Return the job whose upload this key is, or None for any other key."""
    found = _UPLOAD.fullmatch(key)
    return found[1] if found else None


def request(job_id: str) -> str:
    """Return the key of what an observer asked for."""
    return f"{JOBS}{job_id}/request.json"


def job_of_request(key: str) -> str | None:
    """Return the job whose request this key is, or None for any other key."""
    found = _REQUEST.fullmatch(key)
    return found[1] if found else None


def asked(job_id: str, revision: int) -> str:
    """Return the key of the note that a revision of a job was asked for."""
    return f"{JOBS}{job_id}/asked/{revision:04d}.json"


def parts_of_asked(key: str) -> tuple[str, int] | None:
    """Return job and revision of such a note's key, or None for any other key."""
    found = _ASKED.fullmatch(key)
    return (found[1], int(found[2])) if found else None


def recalibration(recalibration_id: str) -> str:
    """Return the key of a recalibration."""
    return f"{RECALIBRATIONS}{recalibration_id}.json"


def mapping(observatory_id: int, camera: str, version: int) -> str:
    """Return the key of a version of a header mapping; ``camera`` as `cpcs.mappings.camera_key` makes it."""
    return f"{MAPPINGS}{observatory_id}/{path_safe(camera)}/{version:06d}.json"


def parts_of_mapping(key: str) -> tuple[str, str, int] | None:
    """Return observatory, camera (both as in the key) and version of a mapping's key, or None for any other key."""
    found = _MAPPING.fullmatch(key)
    return (found[1], found[2], int(found[3])) if found else None


def result(job_id: str, revision: int, name: str) -> str:
    """Return the key of one result of a calibration.

    Raises
    ------
    ValueError
        The name is not one of a result: letters, digits, ``_``, ``-``, single ``.`` and ``/`` between them.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} does not name a result")
    return f"{RESULTS}{job_id}/{revision:04d}/{name}"


def parts_of_result(key: str) -> tuple[str, int, str] | None:
    """Return job, revision and name of a result's key, or None for any other key."""
    found = _RESULT.fullmatch(key)
    return (found[1], int(found[2]), found[3]) if found else None


def tombstone(followup_id: int) -> str:
    """Return the key of the note that a point was deleted."""
    return f"{TOMBSTONES}{followup_id}.json"


def event(event_key: str) -> str:
    """Return the key of an event's registration."""
    return f"{EVENTS}{path_safe(event_key)}.json"


def observatory(name: str) -> str:
    """Return the key of an observatory's registration: one for each name, whatever its case."""
    return f"{OBSERVATORIES}{path_safe(' '.join(name.split()).casefold())}.json"


def api_key(sha256: str) -> str:
    """Return the key of an API key's registration."""
    return f"{KEYS}{sha256}.json"


def reference(name: str) -> str:
    """Return the key of a blob of the tile store."""
    return REFERENCES + name


def public_key(name: str) -> str:
    """Return the key of a public list in the site bucket."""
    return f"data/{name}.json"


def public_lightcurve(event_key: str) -> str:
    """Return the key of an event's public light curve in the site bucket."""
    return public_key(f"lightcurves/{path_safe(event_key)}")
