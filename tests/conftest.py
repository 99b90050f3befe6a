"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Return the folder of real observations, or skip: it is not part of the repository."""
    folder = Path(os.environ.get("CPCS_REALDATA", ROOT.parent / "shared" / "realdata"))
    if not folder.is_dir():
        pytest.skip("no real observations here: set CPCS_REALDATA to their folder")
    return folder
