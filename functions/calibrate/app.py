"""Entry of the calibrate function: messages from the queue, and the sweeper's schedule."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, replace
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from cpcs.errors import CpcsError
from cpcs.settings import Settings
from cpcs.storage import Store
from cpcs.storage.layout import job_of_upload
from photocal.references import TileStore, VizierSource

from .sweep import sweep
from .worker import Worker

logger = Logger(service="calibrate")


@cache
def worker() -> Worker:
    """Put the function together, once for each warm environment."""
    settings = Settings.from_environment(os.environ)
    store = Store.connect(settings)
    source = VizierSource(host=settings.vizier_server) if settings.vizier_server else None
    return Worker(
        store=store,
        tiles=TileStore(store.references, source=source),
        logger=logger,
        lease_s=settings.function_timeout_s + 5.0,
        sources_configured=source is not None,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work through a batch of the queue, or sweep."""
    if event.get("task") == "sweep":
        swept = sweep(worker().store, logger)
        return asdict(swept)
    owner = f"{getattr(context, 'aws_request_id', '')}-{uuid.uuid4().hex[:8]}"
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    at_work = worker() if remaining is None else replace(worker(), left_s=lambda: remaining() / 1000.0)
    failed = [record["messageId"] for record in event.get("Records", ()) if not _consume(at_work, record, owner)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _consume(at_work: Worker, record: dict[str, Any], owner: str) -> bool:
    """Work on the uploads that one message names; False when the message must come again."""
    for job_id in _jobs_named(record):
        logger.append_keys(job_id=job_id)
        try:
            state = at_work.process(job_id, owner)
            logger.info("processed", extra={"state": state.value if state else "nothing to do"})
        except CpcsError as error:
            logger.warning("will be tried again", extra={"code": error.code, "why": error.message})
            return _come_back(record)
        except Exception:
            logger.exception("will be tried again")
            return _come_back(record)
        finally:
            logger.remove_keys(["job_id"])
    return True


def _jobs_named(record: dict[str, Any]) -> list[str]:
    """Return the jobs whose uploads a message names: none for S3's test event, and for what is no notification."""
    try:
        notices = json.loads(record["body"]).get("Records", ())
        keys = [unquote_plus(notice["s3"]["object"]["key"]) for notice in notices]
    except (AttributeError, KeyError, TypeError, ValueError):
        # It will be no notification the next time either: to let it come again would only fill the dead letters.
        logger.exception("not a notification", extra={"message_id": record.get("messageId")})
        return []
    return [job_id for job_id in map(job_of_upload, keys) if job_id is not None]


def _come_back(record: dict[str, Any]) -> bool:
    """Shorten the message's absence: a passing fault need not wait out the whole visibility time-out."""
    received = int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))
    try:
        worker().store.queue.come_back(record["receiptHandle"], seconds=min(5 * 2**received, 300))
    except Exception:
        logger.exception("the message comes again when its time is over")
    return False
