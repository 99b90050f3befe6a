"""A storage on moto for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from cpcs.storage import Store
from tests.support.aws import Clock, Scene, make_store


@pytest.fixture
def now() -> Clock:
    return Clock()


@pytest.fixture
def store(now: Clock) -> Iterator[Store]:
    with mock_aws():
        yield make_store(now=now)


@pytest.fixture
def scene(store: Store, now: Clock) -> Scene:
    return Scene(store, now)
