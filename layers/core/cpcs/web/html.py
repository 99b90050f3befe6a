"""Small HTML pages for the first CPCS's lists and answers. Everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from cpcs.web.fields import is_web_address

MENU = (
    ("/list_of_alerts", "Alerts"),
    ("/list_of_followups", "Follow-ups"),
    ("/observatories", "Observatories"),
    ("/Login", "Login"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a table; its address is of this server, or http(s)."""

    address: str
    label: str

    def __str__(self) -> str:
        is_safe = is_web_address(self.address) or (self.address[:1] == "/" and self.address[:2] != "//")
        return f'<a href="{escape(self.address)}">{escape(self.label)}</a>' if is_safe else escape(self.label)


Cell = Link | str | int | float | None


def page(title: str, *parts: str) -> str:
    """Return a page; ``parts`` are made by the other functions of this module."""
    menu = " | ".join(str(Link(address, label)) for address, label in MENU)
    return "\n".join(
        (
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head><body>',
            f"<p>{menu}</p>",
            f"<h1>{escape(title)}</h1>",
            *parts,
            "</body></html>",
            "",
        )
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table with a head."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def lines(given: Iterable[str]) -> str:
    """Return lines of text, one below the other."""
    return "<p>" + "<br>\n".join(escape(line) for line in given) + "</p>"


def picture(png_base64: str, description: str) -> str:
    """Return a picture within the page."""
    return f'<p><img alt="{escape(description)}" src="data:image/png;base64,{escape(png_base64)}"></p>'


def form(action: str, field: str, label: str) -> str:
    """Return a form of one hidden-as-typed field, posted to ``action``."""
    return (
        f'<form method="post" action="{escape(action)}"><label>{escape(label)} '
        f'<input type="password" name="{escape(field)}" autocomplete="off"></label> '
        '<input type="submit" value="Login"></form>'
    )


def _cell(cell: Cell) -> str:
    return str(cell) if isinstance(cell, Link) else escape("" if cell is None else str(cell))
