"""One embedded stack for all end-to-end tests; those that stop or kill one have their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cpcs.storage import Store
from infra import seed
from infra.local.stack import EmbeddedStack
from tests.e2e.observer import Observer, observer_in


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built site of three files: these tests do not need the real one."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><title>CPCS</title>")
    (folder / "404.html").write_text("<!doctype html><title>Not here</title>")
    (folder / "assets").mkdir()
    (folder / "assets" / "main-0123abcd.js").write_text("export {};")
    (folder.parent / "outside.txt").write_text("not for the world")
    return folder


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Iterator[EmbeddedStack]:
    """The running stack that all tests share: make your own events and keys in it."""
    with EmbeddedStack(tmp_path_factory.mktemp("stack"), site=site) as running:
        yield running


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[EmbeddedStack], Store]:
    """Connect to a stack's storage as the account's root; the environment is put back after the test."""

    def connect_to(running: EmbeddedStack) -> Store:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        return seed.connect()

    return connect_to


@pytest.fixture
def store(stack: EmbeddedStack, connect: Callable[[EmbeddedStack], Store]) -> Store:
    """The storage of the shared stack: for what no interface does, such as the first key."""
    return connect(stack)


@pytest.fixture
def http(stack: EmbeddedStack) -> Iterator[httpx.Client]:
    """A client of the shared stack's site and API."""
    with httpx.Client(base_url=stack.url, timeout=60.0, trust_env=False) as client:
        yield client


@pytest.fixture(scope="package")
def observer(stack: EmbeddedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observer]:
    """An observatory with a key, in the shared stack, which has the sample field's event and reference stars."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environment.items():
            patch.setenv(name, value)
        yield observer_in(stack, tmp_path_factory.mktemp("observer"))
