"""The queue of uploads to be calibrated: filled by S3's notifications, and by whoever finds one that was lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from . import layout

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The queue."""

    connect: Callable[[], SQSClient]  # most functions never need it
    url: str
    bucket: str

    def send(self, job_id: str) -> None:
        """Put an upload into the queue, in the form of S3's own notification."""
        entity = {"bucket": {"name": self.bucket}, "object": {"key": quote_plus(layout.upload(job_id), safe="/")}}
        body = json.dumps({"Records": [{"eventSource": "cpcs", "s3": entity}]})
        self.connect().send_message(QueueUrl=self.url, MessageBody=body)

    def come_back(self, receipt_handle: str, seconds: int) -> None:
        """Let a message that is being worked on come again after so many seconds."""
        self.connect().change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )
