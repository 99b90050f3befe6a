"""A short form of `benchmarks.kill`: the stack is killed in the middle of uploads, and nothing acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import kill

pytestmark = pytest.mark.e2e


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    tally = kill.run(tmp_path, uploads=20, kills=2)
    assert tally.kills == 2
    assert tally.acknowledged == 20
    assert tally.violations == []
