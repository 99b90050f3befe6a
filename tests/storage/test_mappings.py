"""Header mappings in S3 and in the table: versions, edits at the same time, crashes, and the table anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cpcs import serial
from cpcs.errors import BadMapping, StorageConflict, UnknownMapping
from cpcs.mappings import Condition, HeaderMapping, Rule
from cpcs.storage import Store, keys, layout, mappings
from cpcs.storage.reindex import reindex
from tests.support.aws import Clock, lasting

RULE = Rule(keyword="FILTER", source="INSFILTE", values=(("1", "U"), ("2 1", "R")), comment="Kraków")
MAPPING = HeaderMapping(
    observatory_id=7, camera="BFOSC", recognise=(Condition(keyword="INSTRUME", pattern="BFOSC*"),), rules=(RULE,)
)


def save(store: Store, edits: int, **changes: Any) -> HeaderMapping:
    return store.mappings.save(replace(MAPPING, **changes), edits=edits, key_id="abc")


def versions(store: Store) -> list[str]:
    return [key.removeprefix(layout.MAPPINGS) for key in store.data.list(layout.MAPPINGS)]


@pytest.fixture(autouse=True)
def s3_gives_the_same_table(store: Store) -> Iterator[None]:
    yield
    before = lasting(store)
    reindex(store)
    assert lasting(store) == before


def test_every_version_is_kept(store: Store, now: Clock):
    first = save(store, 0)
    now.turn(60.0)
    second = save(store, 1, comment="changed")
    assert first == replace(MAPPING, version=1, created="2026-11-22T22:00:00Z", key_id="abc")
    assert second == replace(MAPPING, version=2, created="2026-11-22T22:01:00Z", key_id="abc", comment="changed")
    assert store.mappings.get(7, " bfosc ") == second
    assert [store.mappings.get(7, "BFOSC", version) for version in (1, 2)] == [first, second]
    assert store.mappings.of_observatory(7) == [second]
    assert store.mappings.of_observatory(8) == []
    assert versions(store) == ["7/bfosc/000001.json", "7/bfosc/000002.json"]


@pytest.mark.parametrize(("camera", "version"), [("BFOSC", 3), ("BFOSC", 0), ("other", None), ("other", 1), ("", None)])
def test_what_is_not_there_has_a_code(store: Store, camera: str, version: int | None):
    save(store, 0)
    with pytest.raises(UnknownMapping):
        store.mappings.get(7, camera, version)


def test_whoever_changes_an_old_version_is_told(store: Store):
    save(store, 0)
    newest = save(store, 1, comment="changed")
    for edits in (0, 1, 3):
        with pytest.raises(StorageConflict, match="version 2 is the newest"):
            save(store, edits, comment="another")
    assert store.mappings.get(7, "bfosc") == newest
    assert len(versions(store)) == 2


def test_the_same_change_twice_is_one(store: Store, now: Clock):
    save(store, 0)
    changed = save(store, 1, comment="changed")
    now.turn(60.0)
    assert save(store, 1, comment="changed") == changed


def test_of_two_at_the_same_time_one_is_told(store: Store, monkeypatch: pytest.MonkeyPatch):
    save(store, 0)
    seen = store.mappings.get(7, "BFOSC")
    save(store, 1, comment="faster")
    monkeypatch.setattr(mappings.Mappings, "_newest", lambda *_: seen)  # both have looked before one has written
    with pytest.raises(StorageConflict, match="version 2 is the newest"):
        save(store, 1, comment="slower")
    monkeypatch.undo()
    assert store.mappings.get(7, "BFOSC").comment == "faster"


def test_the_table_never_goes_back(store: Store, monkeypatch: pytest.MonkeyPatch):
    first = save(store, 0)
    save(store, 1, comment="newer")
    monkeypatch.setattr(mappings.Mappings, "_newest", lambda *_: None)
    assert save(store, 0) == first  # it was written long ago, and is found
    monkeypatch.undo()
    assert store.mappings.get(7, "BFOSC").version == 2


def test_a_crash_between_s3_and_the_table(store: Store, now: Clock, monkeypatch: pytest.MonkeyPatch):
    save(store, 0)

    def crash(*_: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(mappings, "item_of", crash)
        with pytest.raises(OSError, match="power"):
            save(store, 1, comment="lost?")
    assert store.mappings.get(7, "BFOSC").version == 1
    assert len(versions(store)) == 2
    now.turn(60.0)
    with pytest.raises(StorageConflict):  # somebody else's change meets it, and it is known from then on
        save(store, 1, comment="another")
    assert store.mappings.get(7, "BFOSC").comment == "lost?"
    assert save(store, 1, comment="lost?").created == "2026-11-22T22:00:00Z"
    assert save(store, 2, comment="another").version == 3


def test_a_mapping_that_is_taken_back_can_be_made_again(store: Store):
    save(store, 0)
    gone = store.mappings.withdraw(7, "bfosc", key_id="def")
    assert (gone.version, gone.withdrawn, gone.rules, gone.camera) == (2, True, (), "BFOSC")
    assert store.mappings.withdraw(7, "BFOSC", key_id="def") == gone
    assert store.mappings.withdraw(7, "BFOSC", key_id="def", edits=1) == gone
    assert store.mappings.of_observatory(7) == []
    with pytest.raises(UnknownMapping):
        store.mappings.get(7, "BFOSC")
    assert store.mappings.get(7, "BFOSC", 1).rules == (RULE,)
    assert store.mappings.get(7, "BFOSC", 2) == gone
    again = save(store, 0)  # nobody has to know that there was one
    assert again.version == 3
    assert save(store, 0) == save(store, 2) == again
    with pytest.raises(StorageConflict):
        save(store, 0, comment="another")
    assert [found.version for found in store.mappings.of_observatory(7)] == [3]


def test_only_what_was_seen_is_taken_back(store: Store):
    save(store, 0)
    save(store, 1, comment="changed")
    with pytest.raises(StorageConflict):
        store.mappings.withdraw(7, "BFOSC", key_id="abc", edits=1)
    with pytest.raises(UnknownMapping):
        store.mappings.withdraw(7, "other", key_id="abc")
    assert store.mappings.get(7, "BFOSC").version == 2


@pytest.mark.parametrize("camera", ["a/b", "a#b", "100 %", "é" * 64, "\U0001f52d" * 63 + "x", "..a"])
def test_cameras_may_have_any_name(store: Store, camera: str):
    saved = save(store, 0, camera=camera)
    assert store.mappings.get(7, camera.upper()) == saved
    assert store.mappings.get(7, camera, 1) == saved
    assert store.mappings.of_observatory(7) == [saved]


def test_an_observatory_has_so_many_cameras(store: Store):
    for number in range(mappings.MOST_CAMERAS):
        save(store, 0, camera=f"c{number:03d}")
    with pytest.raises(BadMapping, match="50 cameras"):
        save(store, 0, camera="one more")
    store.mappings.withdraw(7, "c008", key_id="abc")
    save(store, 0, camera="one more")
    with pytest.raises(BadMapping, match="50 cameras"):
        save(store, 0, camera="c008")
    store.mappings.withdraw(7, "one more", key_id="abc")
    assert save(store, 0, camera="c008").version == 3
    assert save(store, 1, camera="c007", comment="changed").version == 2
    assert [found.camera for found in store.mappings.of_observatory(7)] == [f"c{n:03d}" for n in range(50)]


def test_accents_do_not_make_two_cameras(store: Store):
    saved = save(store, 0, camera="Krak\u00f3w")
    assert store.mappings.get(7, "KRAKO\u0301W") == saved


def test_what_the_table_cannot_read_is_read_from_s3(store: Store, caplog: pytest.LogCaptureFixture):
    saved = save(store, 0)
    spoil_item(store)
    assert store.mappings.of_observatory(7) == [saved]
    assert "unreadable" in caplog.text
    assert save(store, 1, comment="changed").version == 2


def test_an_unreadable_mapping_takes_no_other_away(store: Store):
    save(store, 0)
    other = save(store, 0, camera="other")
    spoil_item(store)
    store.data.put(layout.mapping(7, "bfosc", 1), b"{}")
    assert store.mappings.of_observatory(7) == [other]
    with pytest.raises(UnknownMapping):
        store.mappings.get(7, "BFOSC")
    assert save(store, 0).version == 2  # its lead writes over it
    assert [found.version for found in store.mappings.of_observatory(7)] == [2, 1]
    with pytest.raises(UnknownMapping):
        store.mappings.get(7, "BFOSC", 1)


def test_what_cannot_be_read_in_s3_is_written_over(store: Store):
    save(store, 0)
    store.data.put(layout.mapping(7, "bfosc", 2), b"{}")  # as after a table made anew from S3
    with pytest.raises(StorageConflict, match="version 2 is the newest"):
        save(store, 1, comment="changed")
    assert save(store, 0, comment="changed").version == 3
    assert store.mappings.get(7, "BFOSC").comment == "changed"


def spoil_item(store: Store) -> None:
    item = store.mappings.models.mappings.get(keys.mappings(7), "bfosc")
    item.mapping = item.mapping[:-1]
    item.save()


def test_a_version_that_cannot_be_read_is_told_and_passed_over(store: Store):
    save(store, 0)
    save(store, 0, camera="other")
    save(store, 1)
    key = layout.mapping(7, "bfosc", 2)
    good = store.data.get(key)
    store.data.put(key, b"{}")
    report = reindex(store)
    assert report.unreadable == [key]
    assert [found.camera for found in store.mappings.of_observatory(7)] == ["other"]
    assert good is not None
    store.data.put(key, good)
    assert reindex(store).unreadable == []
    assert store.mappings.get(7, "BFOSC") == serial.loads(HeaderMapping, good)
