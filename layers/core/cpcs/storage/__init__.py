"""The storage: S3 is the record, one DynamoDB table its index.

`Store` is what functions use; everything in it is built in their handlers by `Store.connect`. Whatever is promised to
somebody is in S3 first; `cpcs.storage.reindex` makes the table anew from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from cpcs.settings import Settings

from .access import Keys
from .colour_terms import ColourTerms
from .cursors import Cursors, Place
from .events import Events
from .files import Files, PresignedPost, References
from .index import Deletion, Index
from .jobs import Jobs
from .listing import Page
from .mappings import Mappings
from .models import Models, bind
from .objects import Bucket
from .observatories import Observatories
from .points import Points
from .queue import Queue
from .recalibrations import Recalibrations

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Cursors", "Deletion", "Page", "Place", "PresignedPost", "Store"]

_AWS = (".amazonaws.com", ".amazonaws.com.cn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The storage, in its parts."""

    events: Events
    observatories: Observatories
    keys: Keys
    jobs: Jobs
    points: Points
    recalibrations: Recalibrations
    colour_terms: ColourTerms
    mappings: Mappings
    files: Files
    references: References
    queue: Queue
    models: Models  # for `cpcs.storage.reindex`
    data: Bucket

    @classmethod
    def connect(
        cls, settings: Settings, session: boto3.Session | None = None, *, now: Callable[[], float] = time.time
    ) -> Store:
        """Build the storage: once in each handler, and in tests.

        Parameters
        ----------
        settings
            Which table, buckets and queue.
        session
            Of boto3; its default one when not given.
        now
            The clock, in Unix seconds.
        """
        used = session if session is not None else boto3.Session(region_name=settings.region)
        client = _s3(used, settings.region)
        data, site = Bucket(client, settings.data_bucket), Bucket(client, settings.site_bucket)
        models = bind(settings.table, settings.region, _credentials(session))
        cursors = Cursors(bucket=data)
        files = Files(
            data=data,
            site=site,
            upload_url=settings.upload_url,
            public_data=settings.data_access == "public",
            max_upload_bytes=settings.max_upload_bytes,
            now=now,
        )
        index = Index(models=models, files=files, now=now)
        queue = Queue(
            connect=cache(lambda: used.client("sqs", region_name=settings.region)),
            url=settings.queue_url,
            bucket=settings.data_bucket,
        )
        jobs = Jobs(models=models, files=files, index=index, cursors=cursors, queue=queue, now=now)
        return cls(
            events=Events(models=models, data=data, cursors=cursors, now=now),
            observatories=Observatories(models=models, data=data, now=now),
            keys=Keys(models=models, data=data, cursors=cursors, now=now),
            jobs=jobs,
            points=Points(models=models, index=index, cursors=cursors, now=now),
            recalibrations=Recalibrations(models=models, files=files, jobs=jobs, cursors=cursors, now=now),
            colour_terms=ColourTerms(models=models),
            mappings=Mappings(models=models, data=data, now=now),
            files=files,
            references=References(data=data),
            queue=queue,
            models=models,
            data=data,
        )


def _s3(session: boto3.Session, region: str) -> S3Client:
    """Return an S3 client that signs with SigV4; bucket names go into the path where S3 is not AWS's own."""
    client = session.client("s3", region_name=region, config=Config(signature_version="s3v4"))
    if client.meta.endpoint_url.endswith(_AWS):
        return client
    return session.client(
        "s3", region_name=region, config=Config(signature_version="s3v4", s3={"addressing_style": "path"})
    )


def _credentials(session: boto3.Session | None) -> tuple[str, str, str | None] | None:
    """Return the credentials of a session that was given; pynamodb's client finds the default ones by itself."""
    found = session.get_credentials() if session is not None else None
    if found is None:
        return None
    frozen = found.get_frozen_credentials()
    return (frozen.access_key, frozen.secret_key, frozen.token) if frozen.access_key and frozen.secret_key else None
