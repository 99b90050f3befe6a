"""``python -m infra.recalibrate``: stored uploads again with the present engine, and what that shifts.

Works on the embedded stack of a state folder (``--state``), or on the deployment that the environment names. It says
how many uploads are selected, asks before it begins, queues a hundred at a time, waits until they are through before it
queues the next, and prints the table of shifts. Interrupted, it queues no more; what is queued goes on. Each
upload gets a new revision: its point takes the place of the old one, which stays readable. One that is refused this
time keeps what it had. Uploads that were sent twice, deleted, or superseded by another are passed over.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cpcs.errors import CpcsError
from cpcs.records import LARGEST_RECALIBRATION, PassedOver, Recalibration, Selection
from cpcs.shifts import Progress, Shift, is_through, summary
from cpcs.storage import Store
from cpcs.web import recalibrations
from infra import references, seed

OPERATOR = "operator"  # stands where a key's id would, as one needs none at the deployment itself
PATIENCE_S = 3600.0
LOOK_S = 1.0
EXAMPLES = """examples:
  python -m infra.recalibrate --event Gaia18dps --dry-run
  python -m infra.recalibrate --observatory 12 --since 2026-10-01 --refused
  python -m infra.recalibrate --all --yes --csv shifts.csv

Selections are combined: what is in all of them is taken. Dates are UTC, of the upload; --since is included, --until is
not. Exit: 0 when all are through, 1 when some still wait (they go on by themselves) or when it broke off or was
interrupted (the table shows what was through by then), 2 when it could not begin.
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(
        prog="python -m infra.recalibrate",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = top.add_argument_group("which uploads")
    which.add_argument("--job", nargs="+", default=[], metavar="ID", help="these")
    which.add_argument("--event", metavar="NAME", help="those for an event, by any form of its name")
    which.add_argument("--observatory", type=int, metavar="N", help="those of an observatory, by its number")
    which.add_argument("--since", metavar="DATE", help="those uploaded then or later: 2026-11-22, 2026-11-22T21:30:00Z")
    which.add_argument("--until", metavar="DATE", help="those uploaded before")
    which.add_argument("--mjd-since", type=float, metavar="MJD", help="those observed then or later")
    which.add_argument("--mjd-until", type=float, metavar="MJD", help="those observed before")
    which.add_argument("--all", action="store_true", help="every one")
    which.add_argument("--refused", action="store_true", help="also those that were refused or given up")
    top.add_argument("--dry-run", action="store_true", help="say which, and change nothing")
    top.add_argument("--yes", action="store_true", help="do not ask")
    top.add_argument("--csv", type=Path, metavar="FILE", help="write the table of shifts here")
    top.add_argument(
        "--patience", type=float, default=PATIENCE_S, metavar="S", help="seconds to wait for each hundred (3600)"
    )
    top.add_argument("--state", type=Path, help="of an embedded stack (.local, unless CPCS_TABLE is set)")
    return top


def selections_of(store: Store, given: argparse.Namespace) -> Iterator[Selection]:
    """Yield what the command line selects: one selection, or several where more jobs are named than fit into one.

    Raises
    ------
    UnknownEvent, UnknownObservatory, MissingField, BadField
        There is no such event or observatory; nothing is selected; a date is none.
    """
    if given.observatory is not None:
        store.observatories.get(given.observatory)
    event = store.events.get(given.event).key if given.event else ""
    names = ("event", "observatory", "since", "until", "mjd_since", "mjd_until", "all")
    asked = {name: getattr(given, name) for name in names}
    for at in range(0, max(len(given.job), 1), LARGEST_RECALIBRATION):
        part = {**asked, "job_ids": given.job[at : at + LARGEST_RECALIBRATION], "include_refused": given.refused}
        yield recalibrations.ask(part, event).selection


def count(store: Store, selections: Sequence[Selection]) -> tuple[list[str], list[PassedOver]]:
    """Return the jobs that a recalibration would take, and those that it would pass over."""
    taken: list[str] = []
    passed_over: list[PassedOver] = []
    for selection in selections:
        cursor, more = None, True
        while more:
            choice = store.recalibrations.choose(selection, cursor=cursor)
            taken += [entry.job_id for entry in choice.entries]
            passed_over += choice.passed_over
            cursor, more = choice.cursor, choice.cursor is not None
    return taken, passed_over


@dataclass(slots=True)
class Work:
    """What was asked for so far, part by part, and the table of each part that was waited for."""

    parts: list[Recalibration] = field(default_factory=list)
    tables: dict[str, list[Shift]] = field(default_factory=dict)

    @property
    def rows(self) -> list[Shift]:
        """The table of all that was waited for."""
        return [row for table in self.tables.values() for row in table]


def run(
    store: Store, selections: Sequence[Selection], work: Work, patience_s: float, say: Callable[[str], None]
) -> None:
    """Ask for one part of the selections after the other, each when the one before is through, or patience is.

    So what observers send meanwhile waits behind one part, not behind all of them. ``work`` is filled as it goes on: it
    holds what was done also where this ends with an error.
    """
    for selection in selections:
        cursor, more = None, True
        while more:
            part = store.recalibrations.ask(selection, OPERATOR, cursor=cursor)
            work.parts.append(part)
            if part.entries:
                say(f"queued {len(part.entries)} uploads (recalibration {part.recalibration_id})")
            _wait(store, work, patience_s, say)
            cursor, more = part.cursor, part.cursor is not None
    for part in work.parts:  # those that patience was too short for may be through by now
        if any(row.progress is Progress.WAITING for row in work.tables[part.recalibration_id]):
            work.tables[part.recalibration_id] = store.recalibrations.shifts(part)


def _wait(store: Store, work: Work, patience_s: float, say: Callable[[str], None]) -> None:
    """Wait until the newest part is through, or patience is; then read its table of shifts."""
    part, deadline, said = work.parts[-1], time.monotonic() + patience_s, ""
    before, n = len(work.rows) - summary(work.rows).waiting, len(part.entries)
    while True:
        n_through = _n_through(store, part)
        line = f"{before + n_through} of {len(work.rows) + n} queued uploads are through"
        if n and line != said:
            say(line)
            said = line
        if n_through == n or time.monotonic() > deadline:
            work.tables[part.recalibration_id] = store.recalibrations.shifts(part)
            return
        time.sleep(LOOK_S)


def _n_through(store: Store, part: Recalibration) -> int:
    jobs = {job.job_id: job for job in store.jobs.many(entry.job_id for entry in part.entries)}
    return sum(entry.job_id not in jobs or is_through(entry, jobs[entry.job_id]) for entry in part.entries)


def table(rows: Sequence[Shift]) -> str:
    """Return the table of shifts as text."""
    head = ("job", "rev", "event", "observatory", "MJD", "passband", "mag", "shift", "zp shift", "")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(row: Shift) -> tuple[str, ...]:
    band = row.passband or row.passband_before or "-"
    if row.has_other_passband:
        band = f"{row.passband_before} -> {row.passband}"
    remark = {Progress.DONE: "", Progress.WAITING: "waiting", Progress.DELETED: "deleted"}
    return (
        row.job_id,
        str(row.revision),
        row.event,
        row.observatory or str(row.observatory_id),
        f"{row.mjd:.5f}",
        band,
        f"{_number(row.mag_before, '.4f')} -> {_number(row.mag, '.4f')}",
        _number(row.shift, "+.4f"),
        _number(row.zero_point_shift, "+.4f"),
        remark.get(row.progress, f"refused: {row.refused}"),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def conclusion(rows: Sequence[Shift]) -> str:
    """Return the summary in a few lines."""
    told = summary(rows)
    lines = [
        f"{told.n} uploads: {told.done} done, {told.refused} refused (what they had holds), {told.waiting} waiting.",
        f"{told.deleted} were deleted meanwhile; {told.passband_changed} have another passband.",
    ]
    if told.n_shifts:
        sizes = f"median {_number(told.median_shift, '.4f')}, largest {_number(told.largest_shift, '.4f')} mag"
        lines.append(f"|shift| in the same passband, of {told.n_shifts}: {sizes}.")
    return "\n".join(lines)


def _reasons(passed_over: Sequence[PassedOver]) -> Iterator[str]:
    for reason, n in Counter(each.reason for each in passed_over).most_common():
        yield f"  passed over {n}: {recalibrations.WHY[reason]}"


def _may_begin(given: argparse.Namespace, n: int) -> bool:
    if given.yes:
        return True
    if not sys.stdin.isatty():
        print("Nothing was done: say --yes, as nobody is there to be asked.", file=sys.stderr)
        return False
    return input(f"Calibrate {n} uploads again? [y/N] ").strip().lower() in {"y", "yes"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    given = parser().parse_args(arguments)
    if given.csv is not None and not given.csv.parent.is_dir():
        print(f"error: there is no folder {given.csv.parent} for the table", file=sys.stderr)
        return 2
    try:
        store = seed.connect(references.environment(given.state))
        selections = list(selections_of(store, given))
        taken, passed_over = count(store, selections)
    except (CpcsError, OSError) as error:
        print(f"error: {_told(error)}", file=sys.stderr)
        return 2
    print(f"{len(taken)} uploads are selected.", *_reasons(passed_over), sep="\n")
    if given.dry_run:
        print(*taken, sep="\n", end="\n" if taken else "")
        return 0
    if not taken:
        return 0
    return _recalibrate(store, selections, given) if _may_begin(given, len(taken)) else 2


def _recalibrate(store: Store, selections: Sequence[Selection], given: argparse.Namespace) -> int:
    work, broke_off = Work(), ""
    try:
        run(store, selections, work, given.patience, print)
    except (CpcsError, OSError) as error:
        broke_off = _told(error)
    except KeyboardInterrupt:
        broke_off = "interrupted"
    rows = work.rows
    print("", table(rows), "", conclusion(rows), sep="\n")
    if given.csv is not None:
        given.csv.write_text(recalibrations.as_csv(rows), encoding="utf-8")
        print(f"The table is in {given.csv}.")
    if broke_off:
        rest = "What is queued and not in the table goes on by itself; no more is queued."
        print(f"error: {broke_off}", rest, sep="\n", file=sys.stderr)
    return 1 if broke_off or summary(rows).waiting else 0


def _told(error: Exception) -> str:
    return f"{error} {getattr(error, 'hint', '')}".strip()


if __name__ == "__main__":
    sys.exit(main())
