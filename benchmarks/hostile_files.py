"""How long hostile files take and what memory they need: `python -m benchmarks.hostile_files [folder of files]`.

Each goes through its reader in a child process, as `tests/unit/test_hostile_files.py` has it. Memory is what the
child's resident set grew to beyond what it had when it was forked.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.support.hostile import Case, Door, Verdict, cases
from tests.support.hostile.trial import OK, Outcome, at_its_door

_WORST = 10
_MEGABYTE = 2**20


def main(arguments: list[str]) -> int:
    """Print a table by class, and the worst; return the number of files that end as they must not."""
    chosen = _from(Path(arguments[0])) if arguments else cases()
    tried = [(case, at_its_door(case, case.make())) for case in chosen]
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for case, outcome in tried:
        groups[f"{case.group} ({case.door})"].append(outcome)
    print(f"{'class':38s} {'files':>6s} {'read':>6s} {'median ms':>10s} {'worst ms':>9s} {'worst MB':>9s}")
    for name, found in groups.items():
        times = sorted(outcome.seconds for outcome in found)
        read = sum(outcome.code == OK for outcome in found)
        memory = max(outcome.grown for outcome in found) / _MEGABYTE
        worst = f"{1e3 * times[-1]:9.0f} {memory:9.1f}"
        print(f"{name:38s} {len(found):6d} {read:6d} {1e3 * times[len(times) // 2]:10.1f} {worst}")
    print(f"\n{len(tried)} files. The longest, and those that held most:")
    _print_worst(sorted(tried, key=lambda pair: -pair[1].seconds)[:_WORST])
    _print_worst(sorted(tried, key=lambda pair: -pair[1].grown)[:_WORST])
    faults = [f"{case.name}: {fault}" for case, outcome in tried if (fault := outcome.fault(case, at_its_door=True))]
    print(*faults, sep="\n")
    return len(faults)


def _from(folder: Path) -> Iterable[Case]:
    """Yield the files of a folder, each at the doors of catalogues and images."""
    for path in sorted(folder.iterdir()):
        for door in (Door.CATALOGUE, Door.IMAGE):
            yield Case(name=f"{folder.name}/{path.name}", make=path.read_bytes, door=door, verdict=Verdict.EITHER)


def _print_worst(pairs: list[tuple[Case, Outcome]]) -> None:
    for case, outcome in pairs:
        took = f"{1e3 * outcome.seconds:7.0f} ms {outcome.grown / _MEGABYTE:7.1f} MB"
        print(f"  {took}  {case.name} ({case.door}): {outcome.code}")


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
