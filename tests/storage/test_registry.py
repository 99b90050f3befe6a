"""Events, observatories and keys: names that are taken once, lists, cursors, sessions."""

from __future__ import annotations

import pytest
from pynamodb.exceptions import UpdateError

from cpcs import apikeys, errors
from cpcs.records import Role
from cpcs.storage.access import SESSION_S, TOUCH_S
from tests.support.aws import Clock, Scene, dump

HOSTILE = [
    "ivo://nvo.caltech/voeventnet/catot#1208121350994133433",
    "ivo://CRTS J105122.8+672528",
    "ivo://ASASSN-18zj",
    "AT2019abc/..",
    "..",
    "a=2Fb~(1)'*",
    "x" * 128,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_events_by_any_name(scene: Scene, name: str):
    event = scene.store.events.create(name, 1.5, -2.25, url="https://example.org/?a=1&b=2", comment="é")
    assert scene.store.events.get(name) == event
    assert scene.store.events.get(name.upper().replace("IVO://", "")) == event
    assert scene.store.events.get(event.key) == event
    assert scene.store.events.by_id(event.event_id) == event
    point = scene.add(event=event.key)
    assert scene.store.points.by_event(event.key) == [point]
    assert scene.store.points.page(event=name).items == (point,)


def test_one_event_for_each_name(scene: Scene):
    with pytest.raises(errors.EventExists) as caught:
        scene.store.events.create("ivo://gaia.cam.uk/alerts#GAIA18dps", 1.0, 2.0)
    assert caught.value.metadata["ra_deg"] == 220.665
    assert scene.store.events.get("Gaia18dps") == scene.event


def test_a_name_taken_in_s3_alone_is_taken(scene: Scene):
    """The race that only S3 decides: two make the same event, and the table shows neither yet."""
    first = scene.store.events.create("Gaia16aye", 295.0, 30.13)
    for key in (f"EV#{first.key}", f"AL#{first.event_id}"):
        scene.store.models.items(key, "META" if key.startswith("EV") else "REF").delete()
    with pytest.raises(errors.EventExists):
        scene.store.events.create("Gaia16aye", 10.0, 20.0)
    assert scene.store.events.get("Gaia16aye") == first


@pytest.mark.parametrize("name", ["nobody", "27283"])
def test_unknown_events(scene: Scene, name: str):
    with pytest.raises(errors.UnknownEvent):
        scene.store.events.get(name)
    with pytest.raises(errors.UnknownEvent):
        scene.store.events.by_id(99)


def test_names_that_are_none(scene: Scene):
    with pytest.raises(errors.BadField):
        scene.store.events.create("<script>", 1.0, 2.0)
    with pytest.raises(errors.MissingField):
        scene.store.events.get("ivo://")
    with pytest.raises(errors.BadField):
        scene.store.events.create("Gaia30abc", 1.0, 2.0, published="2030-01-01T00:00:00Z")
    with pytest.raises(errors.BadField):
        scene.store.events.create("Gaia30abc", 1.0, 2.0, published="yesterday")


def test_events_are_listed_newest_first_over_the_years(scene: Scene):
    for name, published in (
        ("a1", "2018-12-07T06:36:58Z"),
        ("a2", "2026-01-01T00:00:00Z"),
        ("a3", "2005-05-05T00:00:00Z"),
    ):
        scene.store.events.create(name, 1.0, 2.0, published=published)
    seen, cursor = [], None
    while True:
        page = scene.store.events.page(limit=1, cursor=cursor)
        seen += [event.name for event in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == ["Gaia18dps", "a2", "a1", "a3"]
    assert [event.name for event in scene.store.events.page(limit=4).items] == seen
    assert scene.store.events.page(limit=4).cursor is None


def test_points_by_observatory_by_key_and_of_all(scene: Scene, now: Clock):
    elsewhere = scene.store.observatories.create("Elsewhere")
    mine = [scene.add(mjd=58000.5 + number) for number in range(4)]
    theirs = scene.add(mjd=58000.5, observatory_id=elsewhere.observatory_id, key_id="theirs")
    now.turn(400 * 86400.0)
    latest = scene.add(mjd=58010.5)
    page = scene.store.points.page
    assert page().items == (latest, theirs, *mine[::-1])
    assert page(observatory_id=elsewhere.observatory_id).items == (theirs,)
    assert page(key_id=scene.key.key_id).items == (latest, *mine[::-1])
    assert page(event="Gaia18dps", observatory_id=elsewhere.observatory_id).items == (theirs,)
    assert page(event="Gaia18dps", limit=2).items == (latest, mine[3])
    first = page(limit=2)
    second = page(limit=2, cursor=first.cursor)
    third = page(limit=2, cursor=second.cursor)
    assert (*first.items, *second.items, *third.items) == page().items
    assert third.cursor is None


def test_cursors_cannot_be_forged_nor_used_elsewhere(scene: Scene):
    for number in range(3):
        scene.add(mjd=58000.5 + number)
    cursor = scene.store.points.page(limit=1).cursor
    assert cursor is not None
    assert scene.store.points.page(limit=1, cursor=cursor).items[0].followup_id == 2
    for position in range(0, len(cursor), 5):
        other = "A" if cursor[position] != "A" else "B"
        with pytest.raises(errors.BadCursor):
            scene.store.points.page(limit=1, cursor=cursor[:position] + other + cursor[position + 1 :])
    for bad in ("x", "é", "===", "A" * 5000, cursor[:-1], cursor + "AAAA"):
        with pytest.raises(errors.BadCursor):
            scene.store.points.page(limit=1, cursor=bad)
    with pytest.raises(errors.BadCursor):
        scene.store.points.page(limit=1, key_id=scene.key.key_id, cursor=cursor)
    with pytest.raises(errors.BadCursor):
        scene.store.events.page(limit=1, cursor=cursor)


def test_limits_are_kept_in_bounds(scene: Scene):
    assert len(scene.store.events.page(limit=0).items) == 1
    assert len(scene.store.events.page(limit=10**9).items) == 1


def test_observatories(scene: Scene):
    made = scene.store.observatories.create(
        "  Obserwatorium   Ostrowik ż ", longitude_deg=21.42, latitude_deg=52.09, altitude_m=138.0
    )
    assert made.name == "Obserwatorium Ostrowik ż"
    assert scene.store.observatories.get(made.observatory_id) == made
    assert scene.store.observatories.all() == [scene.observatory, made]
    with pytest.raises(errors.ObservatoryExists) as caught:
        scene.store.observatories.create("obserwatorium ostrowik Ż")
    assert caught.value.metadata["observatory_id"] == made.observatory_id
    with pytest.raises(errors.UnknownObservatory):
        scene.store.observatories.get(99)
    for bad in ("", "  ", "x" * 81, "a\x00b"):
        with pytest.raises(errors.RequestError):
            scene.store.observatories.create(bad)
    assert scene.store.observatories.create("😀" * 80).observatory_id == 3


def test_keys_open_until_they_are_revoked(scene: Scene):
    assert scene.store.keys.verify(scene.secret).key_id == scene.key.key_id
    scene.store.keys.revoke(scene.key.sha256)
    scene.store.keys.revoke(scene.key.sha256)
    with pytest.raises(errors.BadKey):
        scene.store.keys.verify(scene.secret)
    with pytest.raises(errors.BadKey):
        scene.store.keys.revoke("0" * 64)


def test_only_the_hash_of_a_key_is_kept(scene: Scene):
    body = scene.secret.removeprefix("cpcs_")[:20]
    token = scene.store.keys.open_session(scene.secret)
    assert body not in str(dump(scene.store))
    assert token not in str(dump(scene.store))
    for key in scene.store.data.list(""):
        assert body.encode() not in (scene.store.data.get(key) or b"")


def test_old_hashtags_of_any_shape(scene: Scene):
    for secret in (
        "monte_0123456789abcdef0123456789abcdef",
        "nounderscore0123",
        "cpcs_0123456789abcdef0123456789abcdef",
    ):
        key = scene.store.keys.register(secret, 1, Role.LEAD, "An Old Hand")
        assert scene.store.keys.verify(f" {secret}\n", touch=False) == key
        assert scene.store.keys.register(secret, 1, Role.OBSERVER) == key


@pytest.mark.parametrize("secret", ["unknown", "cpcs_" + "a" * 43 + "_000000", "é", "x" * 10000])
def test_bad_keys(scene: Scene, secret: str):
    with pytest.raises(errors.BadKey):
        scene.store.keys.verify(secret)


def test_no_key(scene: Scene):
    with pytest.raises(errors.KeyRequired):
        scene.store.keys.verify(" ")


def test_last_use_is_noted_once_an_hour(scene: Scene, now: Clock):
    first = scene.store.keys.verify(scene.secret)
    assert first.last_used == "2026-11-22T22:00:00Z"
    now.turn(TOUCH_S / 2)
    assert scene.store.keys.verify(scene.secret) == first
    now.turn(TOUCH_S)
    assert scene.store.keys.verify(scene.secret, touch=False) == first
    assert scene.store.keys.verify(scene.secret).last_used == "2026-11-22T23:30:00Z"


def test_a_function_that_may_not_write_still_verifies(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    def denied(*_: object, **__: object) -> None:
        raise UpdateError

    monkeypatch.setattr(scene.store.models.api_keys, "update", denied)
    assert scene.store.keys.verify(scene.secret) == scene.key


def test_sessions(scene: Scene, now: Clock):
    token = scene.store.keys.open_session(scene.secret)
    assert scene.store.keys.session(token).key_id == scene.key.key_id
    with pytest.raises(errors.BadKey):
        scene.store.keys.session(token[:-1] + ("A" if token[-1] != "A" else "B"))
    now.turn(SESSION_S + 1)
    with pytest.raises(errors.BadKey):
        scene.store.keys.session(token)
    second = scene.store.keys.open_session(scene.secret)
    scene.store.keys.close_session(second)
    scene.store.keys.close_session(second)
    with pytest.raises(errors.BadKey):
        scene.store.keys.session(second)
    third = scene.store.keys.open_session(scene.secret)
    scene.store.keys.revoke(scene.key.sha256)
    with pytest.raises(errors.BadKey):
        scene.store.keys.session(third)


def test_issued_keys_have_the_form_that_is_promised(scene: Scene):
    assert apikeys.looks_mistyped(scene.secret) is False
    assert len(scene.secret) == len("cpcs_") + 43 + 1 + 6
