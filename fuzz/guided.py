"""The engine with coverage: atheris (libFuzzer). It ends its process, so `fuzz.__main__` gives it one of its own."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from . import seeds
from .mutations import mutated
from .record import Record
from .targets import LONGEST, limit_memory, targets, tried


def run(name: str, seconds: int, folder: Path, seed: int) -> None:
    """Fuzz a target for so many seconds; what is found is in the folder."""
    import atheris

    with atheris.instrument_imports(include=["photocal", "cpcs"]):
        target = targets()[name]
    record = Record(folder)
    corpus, begin = folder / "corpus", folder / "seeds"
    corpus.mkdir(exist_ok=True)
    seeds.write(name, begin)
    limit_memory()

    def one(data: bytes) -> None:
        began = time.process_time()
        finding = tried(target, data)
        record.run(data, finding, time.process_time() - began)

    def change(data: bytes, longest: int, number: int) -> bytes:
        rng = random.Random(number)
        if rng.random() < 0.3:
            return bytes(atheris.Mutate(data, longest))
        return mutated(target.kind, data, rng, longest)

    options = [
        f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-seed={seed}", "-timeout=60", "-rss_limit_mb=0",
        "-malloc_limit_mb=0", "-print_final_stats=1", f"-artifact_prefix={folder}/died-",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus), str(begin)], one, custom_mutator=change)
    atheris.Fuzz()
