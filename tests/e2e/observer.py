"""What an observer and an operator do, as fixtures for the end-to-end tests."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cpcs.storage import Store
from cpcs_client import Client
from infra import sample, seed
from infra.local.stack import EmbeddedStack

MJD_2020 = 58900.0
_mjds = itertools.count()


def fresh_mjd() -> float:
    """A time at which nobody has observed yet."""
    return MJD_2020 + next(_mjds)


@dataclass
class Observer:
    """An observatory with a key, an event it follows, and a catalogue of its field."""

    stack: EmbeddedStack
    store: Store
    loaded: sample.Sample
    folder: Path
    files: Iterator[int] = field(default_factory=itertools.count)

    @property
    def event(self) -> str:
        return self.loaded.event.name

    @property
    def catalogue(self) -> bytes:
        return self.loaded.field.catalogue

    def client(self) -> Client:
        return Client(self.stack.url, self.loaded.secret)

    def file(self, content: bytes | None = None) -> Path:
        path = self.folder / f"{next(self.files)}.cat"
        path.write_bytes(self.catalogue if content is None else content)
        return path

    def upload(self, content: bytes | None = None, **options: Any) -> dict[str, Any]:
        """Send a catalogue by the presigned road and return the ended job."""
        options = {"event": self.event, "mjd": fresh_mjd(), "figures": False, **options}
        with self.client() as client:
            job = client.upload(self.file(content), **options)
            return client.wait([job["job_id"]])[0]

    def drawn(self, job_id: str) -> dict[str, str]:
        """Wait for the figures of a job, which come after its point, and return their addresses."""
        with self.client() as client:
            for _ in range(300):
                figures: dict[str, str] = client.status([job_id])[0]["figures"]
                if figures:
                    return figures
                time.sleep(0.1)
        raise TimeoutError(job_id)

    def curl(self, *fields: tuple[str, str], content: bytes | None = None, url: str = "/cgi/upload") -> httpx.Response:
        """Send what `curl -F` sends: the fields in their order, repeated ones too, then the file as test.cat."""
        body, kind = multipart([*fields], self.catalogue if content is None else content)
        return httpx.post(
            self.stack.url + url, content=body, headers={"content-type": kind}, timeout=120, trust_env=False
        )

    def curl_fields(self, **changes: str | None) -> list[tuple[str, str]]:
        """The line of the CPCS manual, matchDist twice and all, with changes (None leaves a field out)."""
        given = [
            ("EventID", f"ivo://{self.event}"),
            ("matchDist", "2"),
            ("matchDist", "2"),
            ("hashtag", self.loaded.secret),
            ("MJD", repr(fresh_mjd())),
            ("expTime", "60"),
            ("noPlot", "1"),
            ("forceFilter", "no"),
            ("dryRun", "0"),
            ("outputFormat", "json"),
        ]
        changed = [(name, changes.get(name, value)) for name, value in given]
        return [(name, value) for name, value in changed if value is not None]


def multipart(fields: list[tuple[str, str]], content: bytes) -> tuple[bytes, str]:
    """Return a multipart body as curl makes it, and its content type."""
    boundary = "------------------------d74496d66958873e"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="sexCat"; filename="test.cat"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    body = "".join(parts).encode() + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def observer_in(stack: EmbeddedStack, folder: Path) -> Observer:
    """Load the sample into a stack that the environment names."""
    store = seed.connect()
    return Observer(stack=stack, store=store, loaded=sample.load(store), folder=folder)
