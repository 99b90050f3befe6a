"""``make check-vizier``: does VizieR still answer as ``catalogues.toml`` says? One small cone of every catalogue.

Asks the live service, so it is no part of the tests: run it before a release, and when a catalogue stays away. A row
is fine when the answer has every column that the catalogue's entry names, each column that a cut looks at says
something, and there are stars with a magnitude in each filter that pass the cuts. A column that was renamed shows here
first.

Exit status 0: all fine. 1: some are not. 4: no network (VizieR's host cannot be reached from here), nothing was
checked. Make turns both into its own 2 and names the status in its message.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cpcs.errors import ReferenceUnavailable
from cpcs.passbands import catalogue_data
from photocal.references import Breaker, VizierSource
from photocal.references.declared import declared_columns, named, wanted_columns
from photocal.references.vizier import DEFAULT_HOST, Query, Transport, ask
from photocal.references.votable import read_votable

FINE, NOT_FINE, NO_NETWORK = 0, 1, 4
RADIUS_DEG = 0.2
REACH_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one catalogue answered; `problem` is empty when all is well."""

    catalogue: str
    table: str
    stars: int = 0
    seconds: float = 0.0
    problem: str = ""
    is_connection: bool = False  # whether the problem may be that there is no network

    def text(self) -> str:
        """Return one line of the table."""
        return f"{self.catalogue:<10} {self.table:<24} {self.stars:>6} {self.seconds:>7.1f} s  {self.problem or 'fine'}"


def declared() -> tuple[str, ...]:
    """Return the catalogues that come from VizieR."""
    return tuple(name for name, entry in catalogue_data().items() if "vizier" in entry)


def rows(names: Sequence[str], host: str, transport: Transport = ask) -> Iterator[Row]:
    """Ask for the catalogues one after the other, each at a place where it certainly has stars."""
    answers: list[bytes] = []

    def kept(query: Query) -> bytes:
        answers[:] = [transport(query)]
        return answers[0]

    source = VizierSource(host=host, breaker=Breaker(failures=len(names) + 1), transport=kept)
    for name in names:
        yield _row(source, name, answers)


def _row(source: VizierSource, name: str, answers: list[bytes]) -> Row:
    entry = catalogue_data()[name]
    start = time.perf_counter()
    try:
        stars = source.fetch(name, (*entry["probe"], RADIUS_DEG))
    except ReferenceUnavailable as error:
        return Row(
            catalogue=name,
            table=entry["vizier"],
            seconds=time.perf_counter() - start,
            problem=str(error.metadata["reason"]),
            is_connection=isinstance(error.__cause__, OSError),
        )
    missing = [band for band in entry["bands"] if not np.isfinite(stars.bands.get(band, ([],))[0]).any()]
    problems = [f"no magnitude in {' '.join(missing)}"] if missing else []
    return Row(
        catalogue=name,
        table=entry["vizier"],
        stars=stars.n,
        seconds=time.perf_counter() - start,
        problem="; ".join(problems + column_problems(answers[-1], name)),
    )


def column_problems(answer: bytes, catalogue: str) -> list[str]:
    """Return what is wrong with the columns of an answer: those that are not there, and flags that say nothing."""
    table, columns = read_votable(answer), declared_columns(catalogue)
    if table is None:
        return []  # no star: said already
    absent = [name for name in wanted_columns(columns) if named(name, table.names) is None]
    cuts = [*columns.cuts, *(cut for band in columns.bands.values() for cut in band.cuts)]
    flags = dict.fromkeys(found for cut in cuts if (found := named(cut.column, table.names)))
    silent = [name for name in flags if not any(text not in {"", "nan"} for text in table.texts(name))]
    problems = [f"no column {' '.join(absent)}"] if absent else []
    return problems + ([f"nothing in {' '.join(silent)}"] if silent else [])


def reachable(host: str) -> bool:
    """Whether a connection to the host can be made at all."""
    try:
        with socket.create_connection((host, 443), timeout=REACH_S):
            return True
    except OSError:
        return False


def check(
    names: Sequence[str], host: str, *, transport: Transport = ask, reach: Callable[[str], bool] = reachable
) -> int:
    """Ask for every catalogue, print the table, and return the exit status."""
    print(f"{'catalogue':<10} {'table':<24} {'stars':>6} {'time':>9}  within {RADIUS_DEG} deg of its probe, {host}")
    answered, bad = 0, 0
    for row in rows(names, host, transport):
        if not answered and row.is_connection and not reach(host):
            print(f"no network: {host} cannot be reached from here; nothing was checked")
            return NO_NETWORK
        print(row.text(), flush=True)
        answered += not row.is_connection
        bad += bool(row.problem)
    print(f"{len(names) - bad} of {len(names)} catalogues fine")
    return NOT_FINE if bad else FINE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.check_vizier", description=__doc__)
    parser.add_argument(
        "catalogues", nargs="*", metavar="CATALOGUE", help=f"of {', '.join(declared())}; all by default"
    )
    parser.add_argument("--host", default=DEFAULT_HOST, help="VizieR's, or that of a mirror")
    given = parser.parse_args(arguments)
    unknown = set(given.catalogues) - set(declared())
    if unknown:
        parser.error(f"not at VizieR: {' '.join(sorted(unknown))}")
    return check(given.catalogues or declared(), given.host)


if __name__ == "__main__":
    sys.exit(main())
