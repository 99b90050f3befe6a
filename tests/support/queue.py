"""What waits in the queue."""

from __future__ import annotations

import json

from cpcs.storage import Store


def queued(store: Store) -> list[str]:
    """Empty the queue; return the jobs in it."""
    sqs, found = store.queue.connect(), []
    while messages := sqs.receive_message(QueueUrl=store.queue.url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            key = json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"]
            found.append(key.split("/")[1])
            sqs.delete_message(QueueUrl=store.queue.url, ReceiptHandle=message["ReceiptHandle"])
    return found
