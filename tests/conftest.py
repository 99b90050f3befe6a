"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Return the folder of real observations, or skip: it is not part of the repository."""
    from infra.realsets import realdata_folder

    folder = realdata_folder()
    if folder is None:
        pytest.skip("no real observations here: set CPCS_REALDATA to their folder")
    return folder
