"""Upload and query answer cold starts quickly because they carry none of the science."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

HEAVY = ("numpy", "scipy", "astropy", "matplotlib", "sep", "astroquery", "photocal")


@pytest.mark.parametrize("function", ["query", "upload"])
def test_a_function_loads_nothing_heavy(function: str) -> None:
    code = f"import sys, functions.{function}.app; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    loaded = set(ran.stdout.split())
    assert "cpcs" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("function", ["query", "upload"])
def test_a_function_connects_only_when_it_is_called(function: str) -> None:
    code = f"import functions.{function}.app as app; print(app._front.cache_info().currsize)"
    environment = {"PATH": "/usr/bin"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env=environment, timeout=120
    )
    assert ran.stdout.strip() == "0"


@pytest.mark.parametrize("function", ["query", "upload"])
def test_a_function_imports_as_it_does_in_the_deployed_zip(function: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", f"import {function}.app as app; print(callable(app.handler))"],
        cwd=ROOT / "functions",
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert ran.stdout.strip() == "True"
