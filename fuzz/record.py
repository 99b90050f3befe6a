"""What a run has done and found so far, in a folder: it outlives the run however that ends."""

from __future__ import annotations

import json
import time
from pathlib import Path

from .targets import Finding

_EVERY_S = 2.0


class Record:
    """Counts runs, and keeps one input for each finding, the shortest.

    Parameters
    ----------
    folder
        For ``summary.json``, and one file of bytes and one of text for each finding.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = 0
        self.findings: dict[str, int] = {}
        self.slowest_s = 0.0
        self._began = self._written = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        for old in (*folder.glob("*.bin"), *folder.glob("*.txt")):
            old.unlink()

    def run(self, data: bytes, finding: Finding | None, seconds: float) -> None:
        """Take note of one run."""
        self.runs += 1
        if seconds > self.slowest_s:
            self.slowest_s = seconds
            (self.folder / "slowest").write_bytes(data)
        if finding is not None and len(data) < self.findings.get(finding.name, 1 << 62):
            self.findings[finding.name] = len(data)
            (self.folder / f"{finding.name}.bin").write_bytes(data)
            (self.folder / f"{finding.name}.txt").write_text(finding.trace, "utf-8")
        if time.monotonic() - self._written > _EVERY_S or self.runs == 1:
            self.write()

    def write(self) -> None:
        """Write the summary."""
        self._written = time.monotonic()
        summary = {
            "runs": self.runs,
            "seconds": round(self._written - self._began, 1),
            "slowest_s": round(self.slowest_s, 3),
            "findings": sorted(self.findings),
        }
        (self.folder / "summary.json").write_text(json.dumps(summary, indent=1), "utf-8")
