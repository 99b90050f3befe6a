"""The fuzzer itself: that it sees what breaks the contract, and finds nothing in a short, seeded run."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from cpcs.errors import CpcsError, EmptyFile
from fuzz import seeds
from fuzz.__main__ import main
from fuzz.mutations import mutated
from fuzz.smaller import smaller
from fuzz.targets import LONGEST, NAMES, Target, targets, tried


def broken(data: bytes) -> None:
    """A reader with three faults."""
    if b"key" in data:
        {}["key"]
    if b"internal" in data:
        raise CpcsError
    while b"for ever" in data:
        pass
    if not data:
        raise EmptyFile(size=0)


BROKEN = Target(name="broken", run=broken, kind="text")


@pytest.mark.parametrize(
    ("data", "what"), [(b"a key", "KeyError"), (b"internal", "CpcsError"), (b"for ever", "TooSlowError")]
)
def test_what_breaks_the_contract_is_found(data: bytes, what: str) -> None:
    found = tried(BROKEN, data, seconds=0.05)
    assert found is not None
    assert found.what == what
    assert found.place.startswith("tests/unit/test_fuzz.py")


def test_a_result_and_a_refusal_are_not_found() -> None:
    assert tried(BROKEN, b"something") is None
    assert tried(BROKEN, b"") is None


def test_what_is_found_is_made_smaller() -> None:
    data = b"x" * 300 + b"a key" + b"y" * 300
    found = tried(BROKEN, data)
    assert found is not None
    assert smaller(BROKEN, data, found.name) == b"key"


@pytest.mark.parametrize("name", NAMES)
def test_a_short_run_finds_nothing(name: str) -> None:
    target, begin = targets()[name], seeds.seeds(name)
    assert len(begin) > 20
    rng = random.Random(20)
    for _ in range(150):
        data = rng.choice(begin)
        for _ in range(rng.randrange(1, 5)):
            data = mutated(target.kind, data, rng, LONGEST)
        assert len(data) <= LONGEST
        assert tried(target, data, seconds=20.0) is None


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "mapping", "--minutes", "0.02", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("mapping (")
    assert json.loads((tmp_path / "mapping" / "summary.json").read_text("utf-8"))["runs"] > 0
