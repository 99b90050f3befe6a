"""Fuzz the readers: `python -m fuzz [--target NAME] [--minutes N]`; exit 1 when anything was found.

Each target runs in a process of its own, with coverage where atheris is installed, else blindly. Findings lie in
``FOLDER/<target>``: the input as it was found (``.bin``), made smaller (``.small``), and what it raised (``.txt``).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from .targets import NAMES, ROOT, targets, tried

_PATIENCE_S = 120.0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 when there are findings, else 0."""
    asked = _arguments().parse_args(arguments)
    if asked.engine:
        _engine(asked.engine, asked.target, asked.minutes, asked.folder / asked.target, asked.seed)
        return 0
    names = [asked.target] if asked.target else NAMES
    return min(1, sum(_one(name, asked.minutes, asked.folder, asked.seed) for name in names))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--target", choices=NAMES, help="one of them only")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target (default 1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=ROOT / ".fuzz", help="for findings (default .fuzz)")
    parser.add_argument("--engine", choices=("guided", "blind"), help=argparse.SUPPRESS)  # this process is the target's
    return parser


def _engine(engine: str, name: str, minutes: float, folder: Path, seed: int) -> None:
    if engine == "guided":
        from .guided import run
    else:
        from .blind import run
    run(name, max(1, round(minutes * 60)), folder, seed)


def _one(name: str, minutes: float, parent: Path, seed: int) -> int:
    """Fuzz one target in a process of its own; print what came of it, and return how many findings there are."""
    engine = "guided" if importlib.util.find_spec("atheris") else "blind"
    options = {"--engine": engine, "--target": name, "--minutes": minutes, "--seed": seed, "--folder": parent}
    command = [sys.executable, "-m", "fuzz", *(str(word) for pair in options.items() for word in pair)]
    folder = parent / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("died-*"):
        old.unlink()
    with (folder / "log").open("w", encoding="utf-8") as log:
        one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        limit = minutes * 60 + _PATIENCE_S
        ended = subprocess.run(  # noqa: S603 -- this very module
            command, cwd=ROOT, stdout=log, stderr=log, check=False, timeout=limit, env=os.environ | one_thread
        )
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    died = sorted(path.name for path in folder.glob("died-*"))
    found = [*summary["findings"], *died, *([f"it ended with {ended.returncode}"] if ended.returncode else [])]
    spent = f"{summary['runs']} runs in {summary['seconds'] / 60:.1f} min, the slowest {summary['slowest_s']} s"
    print(f"{name} ({engine}): {spent} of processor time, {len(found)} findings", flush=True)
    for item in found:
        print(f"  {item}{_made_smaller(name, folder, item)}", flush=True)
    return len(found)


def _made_smaller(name: str, folder: Path, finding: str) -> str:
    from .smaller import smaller

    path = folder / f"{finding}.bin"
    if not path.exists():
        return ""
    target = targets()[name]
    data = path.read_bytes()
    if (again := tried(target, data)) is None or again.name != finding:
        return f" ({len(data)} bytes, not without instrumentation)"
    small = smaller(target, data, finding)
    path.with_suffix(".small").write_bytes(small)
    return f" ({len(data)} bytes, made {len(small)})"


if __name__ == "__main__":
    sys.exit(main())
