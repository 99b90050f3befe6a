"""Records survive being written down."""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cpcs import apikeys, names, serial
from cpcs.errors import CpcsError
from cpcs.records import (
    ApiKey,
    Asked,
    Event,
    FollowupPoint,
    Job,
    JobState,
    Mode,
    Observatory,
    Outcome,
    Reason,
    Recalibration,
    Role,
    UploadRequest,
)
from tests.support.fake_store import a_point

finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(codec="utf-8"), max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | finite | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(10**15), 10**15),
    float: finite,
    str: words,
    bool: st.booleans(),
    Any: plain,
    **{kind: st.sampled_from(kind) for kind in (Role, Mode, JobState, Reason)},
}


RECORDS = (Event, Observatory, ApiKey, UploadRequest, FollowupPoint, Outcome, Job, Asked, Recalibration)


def strategy(hint: Any) -> st.SearchStrategy[Any]:
    if hint in SIMPLE:
        return SIMPLE[hint]
    arguments = typing.get_args(hint)
    if type(None) in arguments:
        return st.none() | strategy(next(kind for kind in arguments if kind is not type(None)))
    if typing.get_origin(hint) is dict:
        return st.dictionaries(words, strategy(arguments[1]), max_size=3)
    if typing.get_origin(hint) is tuple:
        return st.lists(strategy(arguments[0]), max_size=3).map(tuple)
    hints = typing.get_type_hints(hint)
    return st.builds(hint, **{item.name: strategy(hints[item.name]) for item in fields(hint)})


@pytest.mark.parametrize("kind", RECORDS)
def test_every_record_comes_back_equal(kind: type):
    @given(record=strategy(kind))
    def check(record: object) -> None:
        assert serial.loads(kind, serial.dumps(record)) == record
        assert serial.from_json(kind, json.loads(json.dumps(serial.to_json(record)))) == record

    check()


EVENT = Event(key="a", name="A", event_id=1, ra_deg=10.0, dec_deg=20.0, published="2026-11-22T22:00:00Z")


def test_what_was_written_before_colour_terms_still_loads():
    event = replace(EVENT, key="gaia18dps")
    point = a_point(event)
    outcome = Outcome(job_id="j", revision=1, state=JobState.DONE, finished="2026-11-22T22:00:00Z", point=point)
    request = UploadRequest(job_id="j", event="a", observatory_id=1, key_id="k", mjd=58000.0)
    new = {"corrected_mag", "corrected_mag_err", "colour_term", "colour_term_err", "colour", "reference_colour",
           "learned", "camera"}  # fmt: skip
    for record in (point, outcome, request):
        written = serial.to_json(record)
        old = {name: value for name, value in written.items() if name not in new}
        assert old.keys() < written.keys()
        assert serial.from_json(type(record), old) == record


def test_fields_of_the_future_are_passed_over():
    assert serial.from_json(Event, serial.to_json(EVENT) | {"redshift": 0.5}) == EVENT


def test_what_is_missing_takes_its_default():
    data = serial.to_json(EVENT)
    del data["url"], data["version"]
    assert serial.from_json(Event, data) == EVENT


@pytest.mark.parametrize(
    "change",
    [
        {"ra_deg": "10"},
        {"ra_deg": None},
        {"ra_deg": True},
        {"event_id": 1.5},
        {"event_id": True},
        {"name": 3},
        {"key": None},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object]):
    with pytest.raises(serial.BadRecord):
        serial.from_json(Event, serial.to_json(EVENT) | change)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "{}", '{"key":"a"}', "<html>"])
def test_what_is_no_record_is_refused(text: str):
    with pytest.raises(serial.BadRecord):
        serial.loads(Event, text)


def test_numbers_that_are_none_are_not_kept():
    for number in (float("nan"), float("inf")):
        with pytest.raises(serial.BadRecord):
            serial.dumps(replace(EVENT, ra_deg=number))
    with pytest.raises(serial.BadRecord):
        serial.loads(Event, serial.dumps(EVENT).replace(b"10.0", b"NaN"))


def test_only_records():
    @dataclass
    class Odd:
        value: set[int]

    for thing in ({"a": 1}, Event, Odd(value={1})):
        with pytest.raises(serial.BadRecord):
            serial.to_json(thing)
    with pytest.raises(serial.BadRecord):
        serial.from_json(Odd, {"value": [1]})


@example("ivo://ivo://Gaia18bmt")
@example("a#ivo:// b1")
@given(st.text("abGZ01 ./:#+-()@~&ivo", max_size=60) | st.text(max_size=140))
def test_the_key_of_a_key_is_itself(name: str):
    try:
        key = names.event_key(name)
    except CpcsError:
        return
    assert names.event_key(key) == key
    assert names.event_key("ivo://" + name.strip()) == key or name.strip()[:6].lower() == "ivo://"
    assert "/" not in names.path_safe(key)
    assert "#" not in names.path_safe(key)


def test_keys_have_256_random_bits_and_a_checksum():
    made = {apikeys.generate() for _ in range(50)}
    assert len(made) == 50
    for key in made:
        prefix, body, check = key.split("_")
        assert (prefix, len(body), len(check)) == ("cpcs", 43, 6)
        assert not apikeys.looks_mistyped(key)
        assert apikeys.looks_mistyped(key[:-1] + ("0" if key[-1] != "0" else "1"))
        assert apikeys.looks_mistyped(key[:10] + ("0" if key[10] != "0" else "1") + key[11:])
        assert apikeys.digest(f" {key}\n") == apikeys.digest(key)


@given(st.text(max_size=80))
def test_other_secrets_are_not_called_mistyped(secret: str):
    assert apikeys.looks_mistyped("monte_" + secret) is False
    assert len(apikeys.digest(secret)) == 64
