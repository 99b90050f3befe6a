"""The command ``cpcs``: uploads, light curves and lists from a terminal.

Exit codes: 0 all went well, 1 some uploads were refused or are not finished, 2 nothing could be done.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cpcs_client import credentials, mappings
from cpcs_client.api import Client, Refused, Unreachable
from cpcs_client.terminal import AsJson, Url, connect, console, errors, give_up, show

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=True)
app.add_typer(mappings.app, name="mappings")


@app.command()
def login(url: Url = None) -> None:
    """Keep a server's address and a key (asked for, never shown) for the commands that follow."""
    url = url or credentials.load().url
    key = typer.prompt("Key", hide_input=True)
    try:
        with Client(url, key) as client:
            me = client.me()
    except (Refused, Unreachable) as error:
        give_up(error)
    file = credentials.save(credentials.Credentials(url=url, key=key))
    console.print(f"Signed in to {url} as {me['observatory']['name']} ({me['role']}). Kept in {file}.")


@app.command()
def upload(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Catalogues to send.")],
    event: Annotated[str, typer.Option(help="Name of the event, for instance Gaia18bmt.")],
    mjd: Annotated[float, typer.Option(help="Middle of the exposure, MJD (UTC).")],
    exposure: Annotated[float | None, typer.Option(help="Exposure time, seconds.")] = None,
    matching_radius: Annotated[float | None, typer.Option(help="Matching radius, arcsec.")] = None,
    force: Annotated[str | None, typer.Option(help="Filter to force: APASS/V, any/r, PS1/any.")] = None,
    filter_hint: Annotated[str | None, typer.Option("--filter", help="The filter used, as you call it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Calibrate, but store no point.")] = False,
    camera: Annotated[str | None, typer.Option(help="The camera, where the file's header names none.")] = None,
    comment: Annotated[str | None, typer.Option(help="Kept with the point.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Send catalogues of one exposure time and show what became of each."""
    options = {
        "exposure_s": exposure,
        "matching_radius_arcsec": matching_radius,
        "filter": force,
        "filter_hint": filter_hint,
        "dry_run": dry_run or None,
        "camera": camera,
        "comment": comment,
    }
    rows: list[dict[str, Any]] = []
    try:
        with connect(url) as client, _progress(len(files), quiet=as_json) as progress:
            task = progress.add_task("sending", total=len(files))
            names: dict[str, str] = {}
            for file in files:
                try:
                    job = client.upload(file, event=event, mjd=mjd, **options)
                except Refused as error:
                    rows.append({"file": file.name, "state": "REJECTED", "error": _told(error)})
                else:
                    names[job["job_id"]] = file.name
                progress.advance(task)
            task = progress.add_task("calibrating", total=len(names))
            ended = client.wait(list(names), seen=lambda _: progress.advance(task))
            rows += [{"file": names[job["job_id"]], **job} for job in ended]
    except (Refused, Unreachable, TimeoutError) as error:
        give_up(error)
    _show_uploads(rows, as_json=as_json)
    if any(row["state"] != "DONE" for row in rows):
        raise typer.Exit(1)


@app.command()
def status(job_ids: list[str], url: Url = None, as_json: AsJson = False) -> None:
    """Show where uploads stand."""
    try:
        with connect(url) as client:
            rows = client.status(job_ids)
    except (Refused, Unreachable) as error:
        give_up(error)
    _show_uploads([{"file": row["job_id"], **row} for row in rows], as_json=as_json)


@app.command()
def alerts(
    observed: Annotated[bool, typer.Option(help="Only events with follow-up points.")] = False,
    limit: Annotated[int, typer.Option(help="How many.")] = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List events, newest first."""
    try:
        with connect(url) as client:
            rows = list(client.events(observed=observed, limit=limit))
    except (Refused, Unreachable) as error:
        give_up(error)
    show(rows, ("event_id", "name", "ra_deg", "dec_deg", "published", "n_followups"), as_json=as_json)


@app.command(name="lc")
def light_curve(
    event: str,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the JSON document there.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show or save the light curve of an event."""
    try:
        with connect(url) as client:
            document = client.light_curve(event)
    except (Refused, Unreachable) as error:
        give_up(error)
    if output:
        output.write_text(json.dumps(document, indent=1), "utf-8")
        console.print(f"{len(document['columns']['mjd'])} points in {output}")
    elif as_json:
        console.print_json(json.dumps(document))
    else:
        columns = document["columns"]
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        show(rows, ("id", "mjd", "mag", "mag_err", "calib_err", "catalogue", "filter", "observatory"), as_json=False)


@app.command()
def delete(followup_ids: list[int], url: Url = None) -> None:
    """Take follow-up points back."""
    try:
        with connect(url) as client:
            for followup_id in followup_ids:
                client.delete(followup_id)
                console.print(f"deleted {followup_id}")
    except (Refused, Unreachable) as error:
        give_up(error)


def _progress(total: int, *, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=errors, disable=quiet or total == 0, transient=True)


def _told(error: Refused) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _show_uploads(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        console.print_json(json.dumps(rows))
        return
    table = Table("file")
    for name in ("id", "filter", "magnitude", "zero point", "scatter", "stars", "outliers"):
        table.add_column(name, no_wrap=True)
    others = []
    for row in rows:
        point = row.get("outcome")
        if point:
            table.add_row(row["file"], *_result(point))
        else:
            others.append(row)
    if table.rows:
        console.print(table)
    for row in others:
        told = row.get("error") or {}
        reason = " ".join(part for part in (told.get("message"), told.get("hint")) if part)
        console.print(f"{row['file']}: {told.get('code') or row['state']} {reason}", markup=False, soft_wrap=True)


def _result(point: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of a point; that of a dry run has no number."""
    error = f" ± {point['mag_err']:.3f}" if point["mag_err"] is not None else ""
    return (
        str(point["followup_id"] or "dry run"),
        point["passband"],
        ("> " if point["is_limit"] else "") + f"{point['mag']:.3f}{error}",
        f"{point['zero_point']:.3f} ± {point['zero_point_err']:.3f}",
        f"{point['scatter']:.3f}",
        str(point["n_matched"]),
        f"{point['outlier_fraction']:.2f}",
    )


def main() -> None:
    """Run the command."""
    app()
