"""``python -m infra.references``: reference stars of a deployment: import a file, list what is there.

Works on the embedded stack of a state folder (``--state``), or on the deployment that the environment names. Uploads
that wait for reference stars are put back into the queue after an import.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from cpcs.errors import CpcsError
from cpcs.records import JobState
from cpcs.storage import Store
from infra import seed
from infra.local.__main__ import STATE
from infra.local.home import Home
from photocal.references import TileStore, import_file


def import_stars(store: Store, path: Path, catalogue: str, columns: str | None = None) -> tuple[int, int]:
    """Import a file, and let the uploads that waited for reference stars go on.

    Parameters
    ----------
    store
        Where to.
    path
        CSV, ECSV, FITS, FITS_LDAC or VOTable.
    catalogue
        Its name, in any case.
    columns
        As ``photocal references import`` takes them; guessed when not given.

    Returns
    -------
    tuple of int
        Stars imported, uploads put back into the queue.

    Raises
    ------
    CpcsError
        The file is not a table of reference stars.
    """
    stars = import_file(path.read_bytes(), catalogue, columns=columns)
    TileStore(store.references).add(stars)
    waiting = store.jobs.in_state(JobState.WAITING_REFERENCE)
    for job in waiting:
        store.queue.send(job.job_id)
    return stars.n, len(waiting)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.references", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("import", help="put a file's stars into the tile store")
    importing.add_argument("file", type=Path)
    importing.add_argument("--catalogue", required=True, help="APASS, PS1, GAIA ...")
    importing.add_argument("--columns", help="ra=RAJ2000,dec=DEJ2000,V=Vmag:e_Vmag ...; guessed when not given")
    commands.add_parser("list", help="say what the tile store holds")
    for command in commands.choices.values():
        command.add_argument("--state", type=Path, help="of an embedded stack (.local, unless CPCS_TABLE is set)")
    given = parser.parse_args(arguments)
    try:
        store = seed.connect(environment(given.state))
        if given.command == "list":
            for entry in TileStore(store.references).summary():
                held = (
                    f"{entry.stars} stars in {entry.tiles} tiles ({entry.whole_tiles} whole), {entry.megabytes:.2f} MB"
                )
                print(f"{entry.catalogue:<12} {' '.join(entry.filters):<20} {held}")
            return 0
        stars, waiting = import_stars(store, given.file, given.catalogue, given.columns)
    except (CpcsError, OSError) as error:
        print(f"error: {error} {getattr(error, 'hint', '')}".strip(), file=sys.stderr)
        return 2
    print(f"{stars} stars of {given.catalogue} imported; {waiting} waiting uploads put back into the queue.")
    return 0


def environment(state: Path | None) -> dict[str, str] | None:
    """Return the environment of a running embedded stack, or None for this process's own.

    Raises
    ------
    OSError
        None runs in that folder.
    """
    if state is None and "CPCS_TABLE" in os.environ:
        return None
    home = Home((state or STATE).resolve())
    if not home.is_locked:
        raise OSError(f"no stack runs in {home.folder}: start it, or name its folder with --state")
    found: dict[str, str] = home.notes()["environment"]
    return found


if __name__ == "__main__":
    sys.exit(main())
