"""Rebuilds the table from S3 and queues what was waiting; run in a process of its own by `infra.local.stack`.

It works on the deployment that its environment names, so it does on AWS as well.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from cpcs.settings import Settings
from cpcs.storage import Store
from cpcs.storage.reindex import reindex


def main() -> int:
    """Print the report as JSON."""
    store = Store.connect(Settings.from_environment(os.environ))
    report = reindex(store)
    for job_id in report.to_enqueue:
        store.queue.send(job_id)
    print(json.dumps(asdict(report)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
