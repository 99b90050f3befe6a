"""Uploads calibrated again after their reference stars have changed, on the embedded stack."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cpcs_client import Client
from infra import sample, seed
from photocal.references import FolderBlobs, TileStore
from photocal.simulate import Setup, SimulatedField, simulate
from tests.conftest import ROOT
from tests.e2e.observer import Observer, fresh_mjd

pytestmark = pytest.mark.e2e

ADDRESS = "/api/recalibrations"
WAIT_S = 120.0


@dataclass
class Night:
    """An event of its own with three points, one that was deleted, a dry run and a refused upload."""

    observer: Observer
    field: SimulatedField
    http: httpx.Client
    folder: Path
    jobs: list[dict[str, Any]]
    deleted: dict[str, Any]
    dry: dict[str, Any]
    refused: dict[str, Any]

    @property
    def event(self) -> str:
        return self.field.target.name

    def shift_references(self, offset: float) -> None:
        """Let the catalogues come out anew, fainter by so much than at first."""
        tiles = TileStore(FolderBlobs(self.folder / f"{offset}"))
        for reference in self.field.references:
            bands = {band: (mag + offset, err) for band, (mag, err) in reference.bands.items()}
            tiles.add(replace(reference, bands=bands))
        blobs = FolderBlobs(self.folder / f"{offset}")
        for key in blobs.list(""):
            data = blobs.get(key)
            assert data is not None
            self.observer.store.references.put(key, data)

    def ask(self, **body: Any) -> httpx.Response:
        return self.http.post(ADDRESS, json=body)

    def through(self, address: str) -> dict[str, Any]:
        give_up = time.monotonic() + WAIT_S
        while (document := self.http.get(address).raise_for_status().json())["summary"]["waiting"]:
            assert time.monotonic() < give_up, document
            time.sleep(0.2)
        found: dict[str, Any] = document
        return found

    def curve(self) -> dict[str, list[Any]]:
        with self.observer.client() as client:
            columns: dict[str, list[Any]] = client.light_curve(self.event)["columns"]
        return columns

    def assert_curve(self, offset: float, revision: int) -> None:
        """Each observation is there once, as the catalogues have it now; what was deleted is not."""
        columns = self.curve()
        assert columns["mjd"] == sorted(job["outcome"]["mjd"] for job in self.jobs)
        assert sorted(columns["job_id"]) == sorted(job["job_id"] for job in self.jobs)
        for mag in columns["mag"]:
            assert abs(mag - self.field.true_mag - offset) < 0.05
        event = self.observer.store.events.get(self.event)
        assert event.n_followups == 3
        with self.observer.client() as client:
            states = client.status([job["job_id"] for job in self.jobs])
            assert {(job["state"], job["revision"]) for job in states} == {("DONE", revision)}
            assert client.status([self.deleted["job_id"]])[0]["state"] == "DELETED"


@pytest.fixture(scope="module")
def night(observer: Observer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    field = simulate(Setup(ra_deg=77.0, dec_deg=18.0, name="Gaia20again", n_stars=1200), seed=12)
    seed.event(observer.store, field.target.name, field.target.ra_deg, field.target.dec_deg)
    sample.load_references(observer.store, field)
    sent = [observer.upload(field.catalogue, event=field.target.name, mjd=fresh_mjd()) for _ in range(4)]
    assert [job["state"] for job in sent] == ["DONE"] * 4
    with observer.client() as client:
        client.delete(sent[3]["outcome"]["followup_id"])
    admin = seed.admin_key(observer.store, owner="recalibration")
    headers = {"authorization": f"Bearer {admin}"}
    with httpx.Client(base_url=observer.stack.url, headers=headers, timeout=60.0, trust_env=False) as http:
        yield Night(
            observer=observer,
            field=field,
            http=http,
            folder=tmp_path_factory.mktemp("releases"),
            jobs=sent[:3],
            deleted=sent[3],
            dry=observer.upload(field.catalogue, event=field.target.name, dry_run=True),
            refused=observer.upload(b"1 2", event=field.target.name),
        )


def test_only_administrators_may(night: Night) -> None:
    with night.observer.client() as client:
        secret = night.observer.loaded.secret
        assert client.me()["role"] == "observer"
    for answer in (
        httpx.post(
            night.observer.stack.url + ADDRESS, json={"all": True}, headers={"authorization": f"Bearer {secret}"}
        ),
        httpx.get(night.observer.stack.url + ADDRESS + "/x", headers={"authorization": f"Bearer {secret}"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_by_event_through_the_api(night: Night) -> None:
    night.shift_references(0.25)
    chosen = night.ask(event=night.event, dry_run=True).json()
    jobs = {job["job_id"] for job in night.jobs}
    assert {each["job_id"] for each in chosen["uploads"]} == jobs | {night.dry["job_id"]}
    told = night.ask(event=night.event, include_refused=True, id="first")
    assert told.status_code == 202, told.text
    assert told.json()["queued"] == 5
    reasons = {each["job_id"]: each["reason"] for each in told.json()["passed_over"]}
    assert reasons == {night.deleted["job_id"]: "DELETED"}
    document = night.through(told.json()["status_url"])
    rows = {row["job_id"]: row for row in document["shifts"]}
    for job in [*night.jobs, night.dry]:
        row = rows[job["job_id"]]
        assert row["progress"] == "DONE"
        assert row["mag_before"] == job["outcome"]["mag"]
        assert row["shift"] == pytest.approx(0.25, abs=0.01)
        assert row["zero_point_shift"] == pytest.approx(0.25, abs=0.01)
        assert row["passband_before"] == row["passband"] == job["outcome"]["passband"]
    refused = rows[night.refused["job_id"]]
    assert (refused["progress"], refused["refused_before"], refused["refused"]) == (
        "REFUSED", night.refused["error"]["code"], night.refused["error"]["code"],
    )  # fmt: skip
    summary = document["summary"]
    assert (summary["n"], summary["done"], summary["refused"], summary["passband_changed"]) == (5, 4, 1, 0)
    assert summary["median_shift"] == pytest.approx(0.25, abs=0.01)
    night.assert_curve(0.25, 2)
    # the old revisions are readable
    old = night.jobs[0]["outcome"]
    superseded = night.http.get(f"/api/followups/{old['followup_id']}").json()
    assert (superseded["mag"], superseded["revision"]) == (old["mag"], 1)
    assert superseded["superseded_by"] in night.curve()["id"]
    report = f"/api/calibrations/{old['job_id']}/report"
    assert [night.http.get(report, params=given).json()["revision"] for given in ({"revision": 1}, {})] == [1, 2]


def test_the_same_request_again_does_nothing(night: Night) -> None:
    again = night.ask(event=night.event, include_refused=True, id="first")
    assert (again.status_code, again.json()["queued"]) == (202, 5)
    assert night.through(again.json()["status_url"])["summary"]["waiting"] == 0
    night.assert_curve(0.25, 2)


def run_command(night: Night, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does, who has nothing but the state folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CPCS_"))}
    command = [sys.executable, "-m", "infra.recalibrate", "--state", str(night.observer.stack.folder), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_by_the_command_line(night: Night, tmp_path: Path) -> None:
    night.shift_references(0.1)
    dry = run_command(night, "--event", night.event, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.startswith("4 uploads are selected.\n")
    assert "passed over 1: it was refused" in dry.stdout
    assert "passed over 1: its point was deleted" in dry.stdout
    unasked = run_command(night, "--event", night.event)
    assert (unasked.returncode, "--yes" in unasked.stderr) == (2, True)
    night.assert_curve(0.25, 2)
    table = tmp_path / "shifts.csv"
    done = run_command(night, "--event", f"ivo://{night.event}", "--yes", "--csv", str(table))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 queued uploads are through" in done.stdout
    assert "|shift| in the same passband, of 4: median 0.15" in done.stdout
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == 4
    for row in rows:
        assert float(row["shift"]) == pytest.approx(-0.15, abs=0.01)
        assert row["job_id"] in done.stdout
    night.assert_curve(0.1, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "The field all is missing"),
        (["--event", "Gaia99nothing"], "There is no event"),
        (["--observatory", "99999"], "There is no observatory"),
        (["--since", "yesterday"], "2026-11-22"),
    ],
)
def test_what_the_command_line_cannot_do(night: Night, arguments: list[str], said: str) -> None:
    refused = run_command(night, *arguments)
    assert refused.returncode == 2
    assert said in refused.stderr


def test_a_point_deleted_by_its_first_number(night: Night) -> None:
    """Whoever noted the number of the first revision takes back the observation, not its history."""
    old = night.jobs[0]["outcome"]["followup_id"]
    with Client(night.observer.stack.url, night.observer.loaded.secret) as client:
        assert client.delete(old)["deleted"]
        assert client.status([night.jobs[0]["job_id"]])[0]["state"] == "DELETED"
    assert night.jobs[0]["job_id"] not in night.curve()["job_id"]
    told = night.ask(job_ids=[night.jobs[0]["job_id"]]).json()
    assert [each["reason"] for each in told["passed_over"]] == ["DELETED"]
    assert night.observer.store.events.get(night.event).n_followups == 2
