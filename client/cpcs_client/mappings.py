"""The commands ``cpcs mappings``: an observatory's header mappings, as text tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpcs_client.api import Refused, Unreachable
from cpcs_client.terminal import AsJson, Url, connect, console, give_up, show

app = typer.Typer(help="Header mappings: what the keywords of a camera mean.", no_args_is_help=True)

Observatory = Annotated[int | None, typer.Option(help="Its number; that of your key when not given.")]
Version = Annotated[int | None, typer.Option(help="Which one; the newest when not given.")]


@app.command(name="list")
def show_all(observatory: Observatory = None, url: Url = None, as_json: AsJson = False) -> None:
    """List the cameras that have a mapping."""
    try:
        with connect(url) as client:
            rows = client.mappings(observatory)
    except (Refused, Unreachable) as error:
        give_up(error)
    if not as_json:
        rows = [{**row, "keywords": len(row["keywords"])} for row in rows]
    show(rows, ("camera", "version", "created", "keywords", "comment"), as_json=as_json)


@app.command()
def get(
    camera: str,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the table there.")] = None,
    observatory: Observatory = None,
    version: Version = None,
    url: Url = None,
) -> None:
    """Show or save the mapping of a camera, as a text table."""
    try:
        with connect(url) as client:
            table = client.mapping_table(camera, observatory=observatory, version=version)
    except (Refused, Unreachable) as error:
        give_up(error)
    if output:
        output.write_text(table, "utf-8")
        console.print(f"the mapping of {camera} in {output}")
    else:
        console.out(table, end="", highlight=False)


@app.command()
def put(
    camera: str,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A text table.")],
    observatory: Observatory = None,
    version: Annotated[int | None, typer.Option(help="That is changed; what the table says when not given.")] = None,
    url: Url = None,
) -> None:
    """Write the next version of a camera's mapping; the key must be the observatory lead's."""
    try:
        table = file.read_text("utf-8-sig")
    except UnicodeDecodeError:  # as old editors wrote
        table = file.read_text("latin-1")
    try:
        with connect(url) as client:
            saved = client.put_mapping(camera, table, observatory=observatory, version=version)
    except (Refused, Unreachable) as error:
        give_up(error)
    console.print(f"version {saved['version']} of the mapping of {saved['camera']}: {len(saved['rules'])} keywords")


@app.command()
def withdraw(camera: str, observatory: Observatory = None, version: Version = None, url: Url = None) -> None:
    """Take the mapping of a camera back; its old versions stay to be read."""
    try:
        with connect(url) as client:
            gone = client.withdraw_mapping(camera, observatory=observatory, version=version)
    except (Refused, Unreachable) as error:
        give_up(error)
    console.print(f"the mapping of {gone['camera']} is withdrawn, as version {gone['version']}")
