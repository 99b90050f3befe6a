"""A lead maps a filter wheel, and the next upload is understood: on the embedded stack with its rights enforced."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from astropy.io import fits

from cpcs.records import Role
from cpcs_client import Client, Refused
from photocal.readers import read_catalogue
from tests.e2e.observer import Observer, fresh_mjd

pytestmark = pytest.mark.e2e
TABLE = """\
# DESCRIPTION : KEYWORD (in FITS) : KEYWORD (standard) : FORMAT : VALUE(s) : COMMENT
#! recognise : INSTRUME : BFOSC*
Observatory : - : OBSERVAT : str : LOIANO : -
Filter : FILTER : FILTER : str : 1=B, 2=V, "2 1"=R : position of the wheel
"""
HEADER = {"INSTRUME": "BFOSC 2048", "FILTER": "2", "EXPTIME": 60.0}


@pytest.fixture
def lead(observer: Observer) -> Client:
    secret, _ = observer.store.keys.issue(observer.loaded.observatory.observatory_id, Role.LEAD, "The Lead")
    return Client(observer.stack.url, secret)


def table_of(observer: Observer) -> bytes:
    """Return the sample's catalogue as a FITS table whose header knows the filter by its place in the wheel."""
    stars = read_catalogue(observer.catalogue)
    columns = {
        "ALPHA_J2000": stars.ra_deg,
        "DELTA_J2000": stars.dec_deg,
        "MAG_AUTO": stars.inst_mag,
        "MAGERR_AUTO": stars.inst_mag_err,
    }
    table = fits.BinTableHDU.from_columns([fits.Column(name, "D", array=values) for name, values in columns.items()])
    table.header.update(HEADER)
    return written(fits.PrimaryHDU(), table)


def image() -> bytes:
    sky = np.random.Generator(np.random.PCG64(1)).normal(1000.0, 30.0, (200, 160)).astype(np.float32)
    return written(fits.PrimaryHDU(sky, fits.Header(list(HEADER.items()))))


def written(*hdus: fits.PrimaryHDU | fits.BinTableHDU) -> bytes:
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream)
    return stream.getvalue()


def test_a_lead_maps_the_wheel_and_uploads_are_understood(observer: Observer, lead: Client) -> None:
    with lead:
        saved = lead.put_mapping("BFOSC", TABLE)
        version = saved["version"]
        assert (
            lead.put_mapping("BFOSC", lead.mapping_table("bfosc") + "Camera : - : INSTRUME : str : BFOSC : -\n")[
                "version"
            ]
            == version + 1
        )
        with pytest.raises(Refused) as late:
            lead.put_mapping("BFOSC", TABLE, version=version)
        assert (late.value.status, late.value.code) == (409, "CONFLICT")
        with pytest.raises(Refused) as bad:
            lead.put_mapping("BFOSC", TABLE + "x : A : GAIN : date : - : -\n")
        assert (bad.value.status, bad.value.code) == (400, "BAD_MAPPING")
        assert "line 5 (GAIN)" in bad.value.message
        old = lead.mapping("BFOSC", version=version)
        assert [rule["keyword"] for rule in old["rules"]] == ["OBSERVAT", "FILTER"]

    job = observer.upload(table_of(observer), mjd=fresh_mjd())
    assert job["state"] == "DONE", job
    assert job["outcome"]["passband"] == "APASS/V"
    assert job["header"]["mapping"]["version"] == version + 1
    assert job["header"]["mapping"]["recognised"] is True
    with observer.client() as client:
        report = client.report(job["job_id"])
        header = report["header"]
        assert (header["keywords"]["FILTER"]["value"], header["keywords"]["FILTER"]["how"]) == ("V", "mapped")
        assert (report["request"]["filter_hint"], header["keywords"]["INSTRUME"]["value"]) == ("V", "BFOSC")
        assert client.header(job["job_id"]) == header
        assert [item["camera"] for item in client.mappings()] == ["BFOSC"]
        assert "MAG" not in client.keywords()["items"][0]["name"]


def test_an_image_without_stars_shows_its_header(observer: Observer, lead: Client) -> None:
    with lead:
        newest = {item["camera"]: item["version"] for item in lead.mappings()}.get("BFOSC", 0)
        version = lead.put_mapping("BFOSC", TABLE, version=newest)["version"]
    job = observer.upload(image())
    assert (job["state"], job["error"]["code"]) == ("REJECTED", "NO_STARS")
    assert (job["header"]["mapping"]["version"], job["header"]["keywords"]["FILTER"]) == (version, "V")
    with observer.client() as client:
        assert client.header(job["job_id"])["keywords"]["NAXIS1"]["value"] == 160


def test_only_the_lead_may(observer: Observer, tmp_path: Path) -> None:
    elsewhere = observer.store.observatories.create(f"Elsewhere {tmp_path.name}")
    mine = observer.loaded.observatory.observatory_id
    secrets = {
        observer.loaded.secret: 403,
        observer.store.keys.issue(elsewhere.observatory_id, Role.OBSERVER)[0]: 403,
        observer.store.keys.issue(elsewhere.observatory_id, Role.LEAD)[0]: 403,
        "cpcs_wrong": 401,
    }
    for secret, status in secrets.items():
        with Client(observer.stack.url, secret) as client, pytest.raises(Refused) as refused:
            client.put_mapping("other", TABLE, observatory=mine)
        assert refused.value.status == status
    found = httpx.get(f"{observer.stack.url}/api/observatories/{mine}/mappings/other", timeout=60, trust_env=False)
    assert (found.status_code, found.json()["code"]) == (404, "UNKNOWN_MAPPING")
