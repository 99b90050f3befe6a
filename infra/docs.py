"""``python -m infra.docs``: write the pages of documentation that follow from the code (with ``--check``: compare)."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from cpcs.errors import CpcsError, walk
from cpcs.keywords import KEYWORDS, Block, Keyword
from cpcs.web.problems import status_of
from photocal.headers import (
    contradictions,
    document,
    filter_name,
    instrument_block,
    names,
    site_block,
    sky_block,
    time_remarks,
    understand,
)
from photocal.headers.standard import How

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


def standard_header_page() -> str:
    """Return the standard header: its keywords, the names they are found under, how values come about, the remarks."""
    lines = [
        "# The standard header",
        "",
        "Every header is brought to these keywords: by the mapping of the observatory's camera, and by the default",
        "understanding where no rule speaks. `python -m photocal header FILE` shows it for a file; its JSON is that of",
        "[`standard-header-1.json`](schemas/standard-header-1.json). A value out of its range is never taken.",
        "Written by `python -m infra.docs`.",
    ]
    for block in Block:
        lines += ["", f"## {block.value}", "", "| keyword | type | unit | range | meaning |", "|---|---|---|---|---|"]
        lines += [_keyword_row(keyword) for keyword in KEYWORDS.values() if keyword.block is block]
    lines += ["", "## How a value came about", "", "| word | meaning |", "|---|---|"]
    lines += [f"| `{how.value}` | {_HOW[how]} |" for how in How]
    lines += ["", "## Remarks", "", "What does not agree is said with a code, as a note, a warning or a refusal.", ""]
    lines += ["| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {_plain(meaning)} |" for code, meaning in sorted(REMARKS.items())]
    lines += ["", "## Names", "", "Under which names of the file a keyword is looked for, in this order. Keywords of"]
    lines += ["times are not listed: they are taken apart into their words (`UT-START`, `JD-MID`, `DATE-LOC`), so that"]
    lines += ["spellings nobody has seen are understood too.", ""]
    lines += ["| keyword | names |", "|---|---|"]
    found = ALIASES
    lines += [f"| `{key}` | {', '.join(f'`{name}`' for name in found[key])} |" for key in KEYWORDS if key in found]
    return "\n".join(lines) + "\n"


REMARKS: dict[str, str] = {
    code: meaning
    for meanings in (
        contradictions.MEANINGS,
        filter_name.MEANINGS,
        instrument_block.MEANINGS,
        sky_block.MEANINGS,
        time_remarks.TIME_CODES,
        understand.MEANINGS,
    )
    for code, meaning in meanings.items()
}
ALIASES = site_block.ALIASES | names.aliases()
_HOW = {
    How.FOUND: "under its own name, in the form that FITS asks for",
    How.MAPPED: "as the observatory's mapping says",
    How.GIVEN: "by the upload's form, or the observatory's record",
    How.GUESSED: "under another name, in another form or unit, or from a comment",
    How.DERIVED: "computed from other values",
    How.MISSING: "there is none, and why",
}


def _keyword_row(keyword: Keyword) -> str:
    low = "" if keyword.low is None else f"{keyword.low:.10g}"
    high = "" if keyword.high is None else f"{keyword.high:.10g}"
    span = f"{low} to {high}" if low or high else ""
    return f"| `{keyword.name}` | {keyword.kind.value} | {keyword.unit} | {span} | {keyword.meaning} |"


def standard_header_schema() -> str:
    """Return the JSON schema of a standard header."""
    return json.dumps(document.schema(), indent=2, ensure_ascii=False) + "\n"


PAGES = {
    "docs/errors.md": errors_page,
    "docs/standard-header.md": standard_header_page,
    "docs/schemas/standard-header-1.json": standard_header_schema,
}


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
