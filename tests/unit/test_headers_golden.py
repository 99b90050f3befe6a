"""Every real header at hand against the golden table, which was checked by eye, file by file.

``tests/data/headers/golden.csv`` has for each file the value and how it came about (found, guessed, derived, missing);
``missing`` says why there is none, ``remarks`` what is warned of or refused (with ``!``); notes are left out.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from photocal.headers.sources import read_header
from photocal.headers.standard import Level, StandardHeader
from photocal.headers.understand import standardise
from tests.conftest import ROOT

TOLERANCES = {"MJD-AVG": 2e-7, "EXPTIME": 1e-4, "RA": 1e-5, "DEC": 1e-5, "CDELTA1": 1e-5}
KEYWORDS = ("OBSERVAT", "DATE-OBS", "TIME-OBS", "MJD-AVG", "EXPTIME", "FILTER", "RA", "DEC", "CDELTA1")
SUFFIXES = {".txt", ".yaml", ".fit", ".fits", ".fz", ".gz", ".bz2"}
with (ROOT / "tests/data/headers/golden.csv").open(newline="", encoding="utf-8") as _file:
    ROWS = list(csv.DictReader(_file))


def understood(path: Path) -> StandardHeader:
    return standardise(read_header(path.read_bytes()))


def shown(standard: StandardHeader, keyword: str, row: dict[str, str]) -> Any:
    """Return a value as the table has it: numbers of both sides as numbers, within what is printed."""
    value = standard.finding(keyword).value
    if value is None:
        return ""
    return pytest.approx(value, abs=TOLERANCES[keyword]) if keyword in TOLERANCES and row[keyword] else str(value)


@pytest.mark.realdata
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_real_header_is_understood_as_a_person_reads_it(realdata: Path, row: dict[str, str]) -> None:
    standard = understood(realdata / row["file"])
    for keyword in KEYWORDS:
        expected = float(row[keyword]) if keyword in TOLERANCES and row[keyword] else row[keyword]
        assert expected == shown(standard, keyword, row), keyword
        assert standard.finding(keyword).how.value == row[f"{keyword} how"], keyword
    worth = [remark for remark in standard.remarks if remark.level is not Level.NOTE]
    marks = [remark.code + "!" * (remark.level is Level.REFUSAL) for remark in worth]
    assert " ".join(marks) == row["remarks"]
    missing = [f"{key}: {standard.finding(key).why}" for key in KEYWORDS if standard.finding(key).value is None]
    assert "; ".join(missing) == row["missing"]


@pytest.mark.realdata
def test_no_real_header_is_left_out(realdata: Path) -> None:
    folders = [realdata / "headers", realdata / "images"]
    files = {
        path.relative_to(realdata).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file()
    }
    assert {name for name in files if Path(name).suffix.lower() in SUFFIXES} == {row["file"] for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_the_table_agrees_with_itself(row: dict[str, str]) -> None:
    for keyword in KEYWORDS:
        assert (row[f"{keyword} how"] == "missing") == (row[keyword] == "")
        assert (f"{keyword}: " in row["missing"]) == (row[keyword] == "")
