"""The command `cpcs`, as an observer types it, against the embedded stack."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cpcs.records import Role
from cpcs_client import credentials
from cpcs_client.cli import app
from tests.e2e.observer import Observer, fresh_mjd

pytestmark = pytest.mark.e2e


@pytest.fixture
def at_home(observer: Observer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The environment of an observer who has never signed in; returns the place of the credentials file."""
    monkeypatch.delenv("CPCS_KEY", raising=False)
    monkeypatch.setenv("CPCS_URL", observer.stack.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    file = tmp_path / "config" / "credentials.json"
    monkeypatch.setattr(credentials, "path", lambda: file)
    return file


@pytest.fixture
def signed_in(observer: Observer, at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not at_home.exists()
    monkeypatch.setenv("CPCS_KEY", observer.loaded.secret)


def cpcs(*arguments: object, keys: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=keys, env={"COLUMNS": "200"})


def test_a_key_is_kept_where_only_its_owner_reads_it(observer: Observer, at_home: Path) -> None:
    done = cpcs("login", keys=observer.loaded.secret + "\n")
    assert done.exit_code == 0, done.output
    assert observer.loaded.observatory.name in done.output
    assert observer.loaded.secret not in done.output
    assert stat.S_IMODE(at_home.stat().st_mode) == 0o600
    assert credentials.load({}, at_home).key == observer.loaded.secret


def test_a_wrong_key_is_not_kept(at_home: Path) -> None:
    done = cpcs("login", keys="cpcs_wrong\n")
    assert done.exit_code == 2
    assert not at_home.exists()


@pytest.mark.usefixtures("signed_in")
def test_catalogues_go_in_and_a_light_curve_comes_out(observer: Observer, tmp_path: Path) -> None:
    done = cpcs("upload", observer.file(), "--event", observer.event, "--mjd", fresh_mjd(), "--exposure", 60, "--json")
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    point = row["outcome"]
    assert point["passband"] == "APASS/V"
    saved = cpcs("lc", observer.event, "-o", tmp_path / "lc.json")
    assert saved.exit_code == 0
    assert point["followup_id"] in json.loads((tmp_path / "lc.json").read_text())["columns"]["id"]
    assert observer.event in cpcs("alerts", "--observed").stdout
    assert cpcs("delete", point["followup_id"]).exit_code == 0
    assert point["followup_id"] not in json.loads(cpcs("lc", observer.event, "--json").stdout)["columns"]["id"]


@pytest.mark.usefixtures("signed_in")
def test_a_refused_file_is_told_beside_a_good_one(observer: Observer) -> None:
    files = (observer.file(), observer.file(b"<html>login</html>"), observer.file(b""))
    done = cpcs("upload", *files, "--event", observer.event, "--mjd", fresh_mjd(), "--dry-run")
    assert done.exit_code == 1
    assert {"APASS/V", "MARKUP_SENT", "EMPTY_FILE"} <= set(done.stdout.replace("│", " ").split())


@pytest.mark.usefixtures("signed_in")
def test_a_wrong_event_refuses_every_file(observer: Observer) -> None:
    done = cpcs("upload", observer.file(), "--event", "Gaia99zzz", "--mjd", fresh_mjd())
    assert done.exit_code == 1
    assert "UNKNOWN_EVENT" in done.stdout


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPCS_URL", "http://127.0.0.1:9")
    done = cpcs("alerts")
    assert done.exit_code == 2
    assert "does not answer" in done.stderr


def test_a_mapping_is_sent_changed_and_withdrawn(
    observer: Observer, at_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = observer.store.observatories.create("Mapped from a terminal")
    monkeypatch.setenv("CPCS_KEY", observer.store.keys.issue(site.observatory_id, Role.LEAD)[0])
    assert not at_home.exists()
    file = tmp_path / "u42.txt"
    file.write_bytes("Filter : FWHEEL : FILTER : str : 1=B, 2=V : Kraków é\n".encode("latin-1", "replace"))
    done = cpcs("mappings", "put", "Apogee U42", file)
    assert (done.exit_code, done.stdout) == (0, "version 1 of the mapping of Apogee U42: 1 keywords\n"), done.output
    assert cpcs("mappings", "get", "apogee u42", "-o", file).exit_code == 0
    file.write_text(file.read_text("utf-8").replace("2=V", "2=V, 3=R"), "utf-8")
    assert "version 2" in cpcs("mappings", "put", "Apogee U42", file).stdout
    late = cpcs("mappings", "put", "Apogee U42", file)
    assert (late.exit_code, "CONFLICT" in late.stderr) == (0, False)  # the same again is no other change
    file.write_text(file.read_text("utf-8").replace("3=R", "3=I"), "utf-8")
    late = cpcs("mappings", "put", "Apogee U42", file)
    assert (late.exit_code, "CONFLICT" in late.stderr) == (2, True)
    (row,) = json.loads(cpcs("mappings", "list", "--json").stdout)
    assert (row["camera"], row["version"], row["keywords"]) == ("Apogee U42", 2, ["FILTER"])
    assert "3=R" in cpcs("mappings", "get", "Apogee U42").stdout
    assert "3=R" not in cpcs("mappings", "get", "Apogee U42", "--version", 1).stdout
    assert "as version 3" in cpcs("mappings", "withdraw", "Apogee U42").stdout
    assert json.loads(cpcs("mappings", "list", "--json").stdout) == []
    assert cpcs("mappings", "get", "Apogee U42").exit_code == 2
