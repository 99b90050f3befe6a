"""``python -m infra.docs``: write the pages of documentation that follow from the code (with ``--check``: compare)."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from cpcs.errors import CpcsError, walk
from cpcs.web.problems import status_of

ROOT = Path(__file__).resolve().parent.parent
_FIELD = re.compile(r"\{(\w+)[^}]*\}")


def errors_page() -> str:
    """Return the table of every error code: status, what was wrong, what to do."""
    lines = [
        "# Errors",
        "",
        "Every refusal has a stable code, a sentence and an advice: as JSON (`code`, `message`, `hint`, `request_id`)",
        "under `/api`, as one line of at most 100 characters on the first CPCS's routes, and in an upload's status",
        "where it turned out later. Words in braces stand for numbers and names. Written by `python -m infra.docs`.",
        "",
        "| code | HTTP | what was wrong | what to do |",
        "|---|---|---|---|",
    ]
    lines += [_row(kind) for kind in sorted(walk(), key=lambda kind: (status_of(kind), kind.code))]
    return "\n".join(lines) + "\n"


def _row(kind: type[CpcsError]) -> str:
    return f"| `{kind.code}` | {status_of(kind).value} | {_plain(kind.sentence)} | {_plain(kind.advice)} |"


def _plain(text: str) -> str:
    return _FIELD.sub(r"{\1}", text).replace("|", "\\|")


PAGES = {"docs/errors.md": errors_page}


def main(arguments: list[str] | None = None) -> int:
    """Write or compare the pages; 1 when one is not what the code says."""
    parser = argparse.ArgumentParser(prog="python -m infra.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a page is behind")
    check = parser.parse_args(arguments).check
    behind = 0
    for name, page in PAGES.items():
        path, text = ROOT / name, page()
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        behind += 1
        if check:
            print(f"{name} is behind the code: run python -m infra.docs", file=sys.stderr)
        else:
            path.write_text(text, "utf-8")
            print(f"wrote {name}")
    return int(check and behind > 0)


if __name__ == "__main__":
    sys.exit(main())
