"""The engine without coverage, where atheris has no wheel: hypothesis chooses seeds and changes."""

from __future__ import annotations

import random
import time
from pathlib import Path

from . import seeds
from .mutations import mutated
from .record import Record
from .targets import LONGEST, limit_memory, targets, tried

_BATCH = 500
_DEEPEST = 8  # changes after changes


def run(name: str, seconds: int, folder: Path, seed: int) -> None:
    """Fuzz a target for so many seconds; what is found is in the folder."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st

    target = targets()[name]
    record = Record(folder)
    begin = seeds.seeds(name)
    limit_memory()
    numbers = st.lists(st.integers(0, 2**32), min_size=1, max_size=_DEEPEST)

    def once(data: bytes, chosen: list[int]) -> None:
        if time.monotonic() >= deadline:
            return
        for number in chosen:
            data = mutated(target.kind, data, random.Random(number), LONGEST)
        began = time.process_time()
        finding = tried(target, data)
        record.run(data, finding, time.process_time() - began)

    deadline = time.monotonic() + seconds
    batch = seed
    while time.monotonic() < deadline:
        batch += 1
        quiet = settings(
            max_examples=_BATCH,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seeded(batch)(quiet(given(data=st.sampled_from(begin), chosen=numbers)(once)))()
    record.write()
