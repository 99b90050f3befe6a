"""The rules of the house: sizes, import contracts, documents that keep up with the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cpcs import errors
from infra import docs
from tests.conftest import ROOT

SOURCES = sorted(
    path
    for room in ("functions", "layers", "infra", "client", "tests", "benchmarks", "fuzz")
    for path in (ROOT / room).rglob("*.py")
    if "node_modules" not in path.parts
)
LONGEST_MODULE, LONGEST_FUNCTION = 500, 60


def test_modules_and_functions_stay_short() -> None:
    long_modules, long_functions = [], []
    for path in SOURCES:
        text = path.read_text("utf-8")
        if text.count("\n") > LONGEST_MODULE:
            long_modules.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                if (node.end_lineno or 0) - body[0].lineno + 1 > LONGEST_FUNCTION:
                    long_functions.append(f"{path.name}:{node.name}")
    assert not long_modules
    assert not long_functions


def test_import_contracts_hold() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
    assert "5 kept, 0 broken" in checked.stdout


def test_paths_in_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"`((?:layers|functions|infra|client|tests|web|docs)/[\w/.-]*)`", text))
    assert len(named) > 20
    assert not [path for path in named if not (ROOT / path).exists()]


def test_matplotlib_is_imported_in_one_package() -> None:
    pattern = re.compile(r"^\s*(import|from) matplotlib", re.MULTILINE)
    importing = [path for path in SOURCES if pattern.search(path.read_text("utf-8"))]
    homes = {path.parent for path in importing if "tests" not in path.parts}
    assert homes == {ROOT / "layers/astro/photocal/figures"}


def test_written_pages_follow_the_code() -> None:
    assert docs.main(["--check"]) == 0


@pytest.mark.parametrize("kind", list(errors.walk()), ids=lambda kind: kind.__name__)
def test_every_error_is_in_the_tree_and_has_its_own_code(kind: type[errors.CpcsError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert [other.__name__ for other in errors.walk() if other.code == kind.code] == [kind.__name__]
