"""What is republished as static JSON, and what must not be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from cpcs.publishing import publish_event
from cpcs.storage import Store
from cpcs.storage.layout import public_key, public_lightcurve
from tests.support.aws import SETTINGS, Clock, Scene, make_store

LISTS = ("events", "observed", "observatories")


@pytest.fixture(params=["public", "key"])
def access(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gated(access: str, now: Clock) -> Iterator[Scene]:
    with mock_aws():
        yield Scene(make_store(replace(SETTINGS, data_access=access), now=now), now)


def published(store: Store, key: str) -> dict | None:
    there = store.files.read_published(key)
    return json.loads(gzip.decompress(there)) if there is not None else None


def test_magnitudes_are_published_only_where_they_are_public(gated: Scene, access: str) -> None:
    point = gated.add()
    publish_event(gated.store, gated.event.key)
    curve = published(gated.store, public_lightcurve(gated.event.key))
    followups = published(gated.store, public_key("followups"))
    if access == "public":
        assert curve["columns"]["id"] == [point.followup_id]
        assert [item["followup_id"] for item in followups["items"]] == [point.followup_id]
    else:
        assert curve is None
        assert followups is None
    for name in LISTS:
        document = published(gated.store, public_key(name))
        assert len(document["items"]) == 1
        assert document["generated_at"].endswith("Z")


def test_an_event_that_moves_on_meanwhile_is_published_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    first = scene.add(b"one", mjd=58400.0)
    read = type(scene.store.points).by_event
    late = []

    def by_event(points: object, key: str) -> list:
        found = read(points, key)
        if not late:  # after these points were read, and before they are published
            late.append(scene.add(b"two", mjd=58401.0))
        return found

    monkeypatch.setattr(type(scene.store.points), "by_event", by_event)
    publish_event(scene.store, scene.event.key)
    curve = published(scene.store, public_lightcurve(scene.event.key))
    assert curve["columns"]["id"] == [first.followup_id, late[0].followup_id]
