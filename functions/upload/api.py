"""The JSON routes that write."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from cpcs.storage.access import SESSION_S
from cpcs.storage.ids import new_job_id
from cpcs.web import asks, auth, documents, fields, recalibrations, responses

from .desk import Desk


def register(desk: Desk) -> None:
    """Add the routes to the front."""
    app = desk.front.app
    app.post("/api/session")(lambda: open_session(desk))
    app.delete("/api/session")(lambda: close_session(desk))
    app.post("/api/uploads")(lambda: create_upload(desk))
    app.post("/api/events")(lambda: create_event(desk))
    app.post("/api/observatories")(lambda: create_observatory(desk))
    app.post("/api/keys")(lambda: create_key(desk))
    app.post(recalibrations.ADDRESS)(lambda: recalibrate(desk))

    @app.delete("/api/followups/<followup_id>")
    def _delete(followup_id: str) -> Response[str]:
        return delete_followup(desk, followup_id)


def open_session(desk: Desk) -> Response[str]:
    """Exchange a key for a session cookie."""
    secret = fields.text(desk.fields(), "key", meaning="the key of your observatory")
    key = desk.store.keys.verify(secret)
    token = desk.store.keys.open_session(secret)
    cookie = responses.cookie(auth.SESSION_COOKIE, token, secure=desk.cookies_are_secure(), max_age_s=int(SESSION_S))
    site = desk.store.observatories.get(key.observatory_id)
    return responses.document(documents.key(key, site), cookies=[cookie])


def close_session(desk: Desk) -> Response[str]:
    """End the session, if there is one."""
    token = desk.front.request.cookies.get(auth.SESSION_COOKIE)
    if token:
        desk.store.keys.close_session(token)
    ended = responses.cookie(auth.SESSION_COOKIE, "", secure=desk.cookies_are_secure(), max_age_s=0)
    return responses.document({"closed": bool(token)}, cookies=[ended])


def create_upload(desk: Desk) -> Response[str]:
    """Take in what is asked for, and say where the file goes."""
    key = desk.key()
    given = desk.fields()
    now = desk.now()
    limit = desk.settings.max_upload_bytes
    size = asks.announced_size(given)
    if size is not None:
        asks.check_size(size, limit)
    event = desk.store.events.get(asks.event_name(given))
    request = asks.upload(given, job_id=new_job_id(now), event=event, key=key, now=now)
    job = desk.store.jobs.create(request)
    form = desk.store.files.presign_upload(job.job_id, limit)
    answer = {
        "job_id": job.job_id,
        "state": job.state.value,
        "event": documents.event(event),
        "upload": {
            "url": form.url,
            "fields": dict(form.fields),
            "max_bytes": limit,
            "expires_at": form.expires_at,
        },
        "status_url": f"{documents.JOBS}/{job.job_id}",
    }
    return responses.document(answer, HTTPStatus.CREATED)


def create_event(desk: Desk) -> Response[str]:
    """Register an event."""
    key = desk.key()
    event = desk.make_event(asks.event(desk.fields()), key)
    return responses.document(documents.event(event), HTTPStatus.CREATED)


def delete_followup(desk: Desk, followup_id: str) -> Response[str]:
    """Take a point back."""
    key = desk.key()
    number = fields.whole(
        {"followup_id": followup_id}, "followup_id", lowest=1, highest=10**10 - 1, meaning="the number of a point"
    )
    desk.delete_point(number, key)
    return responses.document({"followup_id": number, "deleted": True})


def create_observatory(desk: Desk) -> Response[str]:
    """Register an observatory."""
    key = auth.demand_admin(desk.key())
    ask = asks.observatory(desk.fields())
    site = desk.store.observatories.create(
        ask.name,
        longitude_deg=ask.longitude_deg,
        latitude_deg=ask.latitude_deg,
        altitude_m=ask.altitude_m,
        prefix=ask.prefix,
    )
    desk.front.logger.info("observatory created", extra={"observatory": site.observatory_id, "by": key.key_id})
    return responses.document(documents.observatory(site), HTTPStatus.CREATED)


def create_key(desk: Desk) -> Response[str]:
    """Issue a key; its secret is in this answer, and nowhere else."""
    admin = auth.demand_admin(desk.key())
    ask = asks.key(desk.fields())
    site = desk.store.observatories.get(ask.observatory_id)
    secret, key = desk.store.keys.issue(ask.observatory_id, ask.role, ask.owner)
    desk.front.logger.info("key issued", extra={"key_id": key.key_id, "by": admin.key_id})
    return responses.document({"key": secret, **documents.key(key, site)}, HTTPStatus.CREATED)


def recalibrate(desk: Desk) -> Response[str]:
    """Let stored uploads be calibrated again with the present engine; with ``dry_run``, only say which."""
    admin = auth.demand_admin(desk.key())
    given, store = desk.fields(), desk.store
    event = store.events.get(asks.event_name(given)).key if given.get("event") else ""
    ask = recalibrations.ask(given, event)
    if ask.selection.observatory_id is not None:
        store.observatories.get(ask.selection.observatory_id)
    if ask.dry_run:
        choice = store.recalibrations.choose(ask.selection, limit=ask.limit, cursor=ask.cursor)
        return responses.document(recalibrations.asked(None, choice.entries, choice.passed_over, choice.cursor))
    held = store.recalibrations.ask(
        ask.selection, admin.key_id, limit=ask.limit, cursor=ask.cursor, recalibration_id=ask.recalibration_id
    )
    told = {"recalibration": held.recalibration_id, "uploads": len(held.entries), "by": admin.key_id}
    desk.front.logger.info("recalibration asked for", extra=told)
    answer = recalibrations.asked(held.recalibration_id, held.entries, held.passed_over, held.cursor)
    return responses.document(answer, HTTPStatus.ACCEPTED)
