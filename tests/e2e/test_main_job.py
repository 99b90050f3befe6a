"""The main job, whole: a catalogue in, a standard magnitude out, on the embedded stack."""

from __future__ import annotations

import io
import math
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from astropy.table import Table
from PIL import Image

from cpcs.records import JobState
from cpcs_client import Client, Refused
from functions.calibrate.sweep import sweep
from infra import references, seed
from photocal.references import TileStore
from photocal.simulate import Setup, simulate
from tests.e2e.observer import Observer, fresh_mjd

pytestmark = pytest.mark.e2e


def n_points(observer: Observer) -> int:
    return len(observer.store.points.by_event(observer.loaded.event.key))


def test_a_catalogue_becomes_the_true_magnitude(observer: Observer) -> None:
    mjd = fresh_mjd()
    job = observer.upload(mjd=mjd, exposure_s=60.0, comment="first")
    point = job["outcome"]
    assert job["state"] == "DONE"
    assert point["passband"] == str(observer.loaded.field.setup.passband)
    error = math.hypot(point["mag_err"], point["zero_point_err"])
    assert abs(point["mag"] - observer.loaded.field.true_mag) < 4 * max(error, 0.01)
    assert abs(point["zero_point"] - observer.loaded.field.true_zero_point) < 0.01
    assert point["n_matched"] > 50
    assert point["summary"]["confidence"] > 0.9
    with observer.client() as client:
        columns = client.light_curve(observer.event)["columns"]
        listed = next(client.followups(event=observer.event, limit=1))
    at = columns["id"].index(point["followup_id"])
    assert columns["mjd"][at] == mjd
    assert columns["mag"][at] == point["mag"] == listed["mag"]


def test_the_manuals_curl_line_gets_its_answer(observer: Observer) -> None:
    answer = observer.curl(*observer.curl_fields())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {"mag", "mag_err", "ra", "dec", "zeropoint", "outlier_fraction", "scatter", "npoints"} <= set(told)
    assert (told["survey"], told["filter"]) == ("APASS", "V")
    assert abs(told["mag"] - observer.loaded.field.true_mag) < 0.05
    listed = httpx.get(
        f"{observer.stack.url}/get_alert_lc_data", params={"alert_name": f"ivo://{observer.event}"}, trust_env=False
    ).json()
    assert told["followup_id"] in listed["id"]


def test_the_old_form_answers_in_html_too(observer: Observer) -> None:
    answer = observer.curl(*observer.curl_fields(outputFormat="html"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "Filter: APASS / V" in re.sub(r"<[^>]+>", "", answer.text)


def test_a_dry_run_stores_nothing(observer: Observer) -> None:
    before = n_points(observer)
    job = observer.upload(dry_run=True)
    assert job["state"] == "DONE"
    assert job["outcome"]["followup_id"] == 0
    old = observer.curl(*observer.curl_fields(dryRun="1", noPlot="0"))
    assert old.status_code == 200
    assert old.json()["image_link"].startswith("iVBOR")  # a PNG in base64, as the old server sent it
    assert n_points(observer) == before


@pytest.mark.parametrize("forced", ["APASS/V", "any/g", "PS1/any", "2mass/J"])
def test_a_forced_filter_is_taken(observer: Observer, forced: str) -> None:
    job = observer.upload(filter=forced)
    assert job["state"] == "DONE", job["error"]
    catalogue, band = job["outcome"]["passband"].split("/")
    wanted_catalogue, wanted_band = forced.split("/")
    assert wanted_catalogue.lower() in ("any", catalogue.lower())
    assert wanted_band.lower() in ("any", band.lower())
    assert job["outcome"]["mode"] == "FORCED"


def test_figures_and_report_follow(observer: Observer) -> None:
    job = observer.upload(figures=True)
    with observer.client() as client:
        give_up = time.monotonic() + 30
        while not (job := client.status([job["job_id"]])[0])["figures"]:
            assert time.monotonic() < give_up
            time.sleep(0.1)
    assert set(job["figures"]) == {"panel", "residuals", "lightcurve"}
    for address in job["figures"].values():
        picture = httpx.get(observer.stack.url + address, trust_env=False)
        assert picture.headers["content-type"] == "image/png"
        assert min(Image.open(io.BytesIO(picture.content)).size) > 300
    report = httpx.get(observer.stack.url + job["report"], trust_env=False).json()
    assert report["schema"] == "cpcs-report/1"
    assert len(report["candidates"]) > 5


def fits_table(stars: Table) -> bytes:
    stream = io.BytesIO()
    stars.write(stream, format="fits")
    return stream.getvalue()


def test_other_formats_give_the_same_magnitude(observer: Observer) -> None:
    text = observer.catalogue.decode()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("#")]
    stars = Table(np.loadtxt(io.StringIO(text)), names=names)
    columns = ("ALPHA_J2000", "DELTA_J2000", "MAG_AUTO", "MAGERR_AUTO")
    csv, ecsv = io.StringIO(), io.StringIO()
    stars.write(csv, format="ascii.csv")
    stars.write(ecsv, format="ascii.ecsv")
    bare = "\n".join(
        " ".join(f"{value:.7f}" for value in row) for row in zip(*(stars[name] for name in columns), strict=True)
    )
    forms = {
        "csv": csv.getvalue().encode(),
        "ecsv": ecsv.getvalue().encode(),
        "bare": bare.encode(),
        "fits": fits_table(stars),
    }
    for name, content in forms.items():
        job = observer.upload(content)
        assert job["state"] == "DONE", (name, job["error"])
        assert abs(job["outcome"]["mag"] - observer.loaded.field.true_mag) < 0.05, name


def test_the_same_file_again_is_the_same_point(observer: Observer) -> None:
    mjd = fresh_mjd()
    first, again = observer.upload(mjd=mjd), observer.upload(mjd=mjd)
    assert again["state"] == "DONE"
    assert again["outcome"]["existing_id"] == first["outcome"]["followup_id"]
    with observer.client() as client:
        assert client.light_curve(observer.event)["columns"]["mjd"].count(mjd) == 1


def test_a_better_reduction_takes_the_points_place(observer: Observer) -> None:
    mjd = fresh_mjd()
    first = observer.upload(mjd=mjd)
    lines = observer.catalogue.splitlines(keepends=True)
    second = observer.upload(b"".join(lines[:-1]), mjd=mjd)
    assert second["outcome"]["followup_id"] != first["outcome"]["followup_id"]
    with observer.client() as client:
        columns = client.light_curve(observer.event)["columns"]
    assert columns["mjd"].count(mjd) == 1
    assert second["outcome"]["followup_id"] in columns["id"]


def test_a_point_can_be_taken_back(observer: Observer) -> None:
    point = observer.upload()["outcome"]
    stranger = seed.observer(observer.store, "Another Observatory", owner="stranger")
    with Client(observer.stack.url, stranger.secret) as other, pytest.raises(Refused, match="FORBIDDEN"):
        other.delete(point["followup_id"])
    with observer.client() as client:
        assert client.delete(point["followup_id"])["deleted"]
        assert point["followup_id"] not in client.light_curve(observer.event)["columns"]["id"]
        assert client.status([point["job_id"]])[0]["state"] == "DELETED"


def test_racing_uploads_make_one_point(observer: Observer) -> None:
    mjd = fresh_mjd()
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: observer.upload(mjd=mjd), range(8)))
    assert {job["state"] for job in jobs} == {"DONE"}
    with observer.client() as client:
        assert client.light_curve(observer.event)["columns"]["mjd"].count(mjd) == 1


def test_points_counters_and_light_curve_agree(observer: Observer) -> None:
    observer.upload()
    event = observer.store.events.get(observer.event)
    with observer.client() as client:
        columns = client.light_curve(observer.event)["columns"]
    assert n_points(observer) == event.n_followups == len(columns["id"]) == len(set(columns["id"]))


def test_without_reference_stars_the_job_waits_and_then_goes_on(observer: Observer) -> None:
    field = simulate(Setup(ra_deg=12.3, dec_deg=-45.6, name="Gaia20wait"), seed=7)
    seed.event(observer.store, field.target.name, field.target.ra_deg, field.target.dec_deg)
    job = observer.upload(field.catalogue, event=field.target.name)
    assert job["state"] == "WAITING_REFERENCE"
    assert job["error"]["code"] == "REFERENCE_UNAVAILABLE"
    assert "waits" in job["error"]["hint"]
    tiles = TileStore(observer.store.references)
    for reference in field.references:
        tiles.add(reference)
    waiting = observer.store.jobs.get(job["job_id"])
    assert waiting.state is JobState.WAITING_REFERENCE
    from functions.calibrate.app import logger

    swept = sweep(observer.store, logger, now=waiting.retry_after + 1)
    assert swept.queued >= 1
    with observer.client() as client:
        give_up = time.monotonic() + 30
        while (job := client.status([job["job_id"]])[0])["state"] != "DONE":
            assert time.monotonic() < give_up, job
            time.sleep(0.2)
    assert abs(job["outcome"]["mag"] - field.true_mag) < 0.05


def test_an_import_of_reference_stars_lets_waiting_uploads_go_on(observer: Observer, tmp_path: Path) -> None:
    field = simulate(Setup(ra_deg=321.0, dec_deg=5.5, name="Gaia20import"), seed=8)
    seed.event(observer.store, field.target.name, field.target.ra_deg, field.target.dec_deg)
    job = observer.upload(field.catalogue, event=field.target.name)
    assert job["state"] == "WAITING_REFERENCE"
    apass = next(reference for reference in field.references if reference.catalogue == "APASS")
    table = Table({"RAJ2000": apass.ra_deg, "DEJ2000": apass.dec_deg})
    for band, (mag, err) in apass.bands.items():
        table[f"{band}mag"], table[f"e_{band}mag"] = mag, err
    table.write(tmp_path / "apass.csv", format="ascii.csv")
    assert references.import_stars(observer.store, tmp_path / "apass.csv", "apass") == (apass.n, 1)
    with observer.client() as client:
        give_up = time.monotonic() + 30
        while (job := client.status([job["job_id"]])[0])["state"] != "DONE":
            assert time.monotonic() < give_up, job
            time.sleep(0.2)
    assert job["outcome"]["passband"] == "APASS/r"
    assert abs(job["outcome"]["mag"] - field.true_mag) < 0.05


def test_a_crowd_of_old_scripts_is_served(observer: Observer) -> None:
    before = n_points(observer)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: observer.curl(*observer.curl_fields()), range(24)))
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert len({answer.json()["followup_id"] for answer in answers}) == 24
    assert n_points(observer) == before + 24
