"""A storage on moto for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from cpcs.storage import Store
from cpcs.storage.reindex import reindex
from tests.support.aws import Clock, Scene, faults, lasting, make_store


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


@pytest.fixture
def holds_together(scene: Scene) -> Iterator[None]:
    """After the test: the counters are right, and S3 gives the same table."""
    yield
    assert faults(scene.store) == []
    before = lasting(scene.store)
    reindex(scene.store)
    assert lasting(scene.store) == before
    assert faults(scene.store) == []
