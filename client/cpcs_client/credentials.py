"""Where the server's address and the key are kept: a file that only its owner may read, or the environment.

``CPCS_URL`` and ``CPCS_KEY`` win over the file. The key never stands on a command line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

LOCAL = "http://127.0.0.1:8020"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A server and a key to it."""

    url: str = LOCAL
    key: str | None = None


def path() -> Path:
    """Return the file's place."""
    return Path(platformdirs.user_config_dir("cpcs")) / "credentials.json"


def load(environ: Mapping[str, str] = os.environ, file: Path | None = None, *, url: str | None = None) -> Credentials:
    """Read the environment, then the file; ``url`` wins over both.

    The key in the file is for the server that stands beside it: no other gets to see it.
    """
    file = file or path()
    kept = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    chosen = url or environ.get("CPCS_URL") or kept.get("url") or LOCAL
    is_kept = chosen.rstrip("/") == str(kept.get("url") or LOCAL).rstrip("/")
    return Credentials(url=chosen, key=environ.get("CPCS_KEY") or (kept.get("key") if is_kept else None))


def save(credentials: Credentials, file: Path | None = None) -> Path:
    """Write the file so that only its owner may read it."""
    file = file or path()
    file.parent.mkdir(parents=True, exist_ok=True)
    body = json.dumps({"url": credentials.url, "key": credentials.key}, indent=1)
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(body)
    fresh.replace(file)
    return file
