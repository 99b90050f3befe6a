"""What every command of `cpcs` shares: the terminal, the server, and how it gives up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from cpcs_client import credentials
from cpcs_client.api import Client

# Names of files and the server's words may hold brackets and colons: they are text, not rich's markup.
console = Console(markup=False, emoji=False)
errors = Console(stderr=True, markup=False, emoji=False)

Url = Annotated[str | None, typer.Option("--url", envvar="CPCS_URL", help="Address of the server.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def connect(url: str | None) -> Client:
    """Return a client of the server that is named, or kept."""
    kept = credentials.load(url=url)
    return Client(kept.url, kept.key)


def give_up(error: Exception) -> NoReturn:
    """Say what is wrong, and end."""
    errors.print(str(error), style="red", highlight=False)
    raise typer.Exit(2)


def show(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    """Print rows as a table, or as JSON."""
    rows = list(rows)
    if as_json:
        console.print_json(json.dumps(rows))
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)
