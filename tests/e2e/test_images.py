"""An image, uploaded as an observer does it: on the embedded stack with its rights enforced."""

from __future__ import annotations

import io

import httpx
import pytest
from astropy.io import fits
from astropy.table import Table

from infra import seed
from photocal.readers import read_catalogue
from photocal.references import TileStore
from photocal.simulate_scene import mid_exposure_mjd
from tests.e2e.observer import Observer
from tests.support.pictures import STARRY, a_star, picture

pytestmark = pytest.mark.e2e
MJD = mid_exposure_mjd(STARRY)


@pytest.fixture
def event(observer: Observer) -> str:
    """Return an event on the picture, whose reference stars are there."""
    TileStore(observer.store.references).add(picture().references)
    target, _ = a_star(picture())
    return seed.event(observer.store, "Gaia20img", target.ra_deg, target.dec_deg).name


def test_an_image_becomes_a_point_and_its_stars_can_be_fetched(observer: Observer, event: str) -> None:
    job = observer.upload(picture().data, event=event, mjd=MJD, figures=True)
    assert job["state"] == "DONE", job["error"]
    truth = float(picture().truth.r[a_star(picture())[1]])
    assert job["outcome"]["corrected_mag"] == pytest.approx(truth, abs=0.05)
    with observer.client() as client:
        stars = read_catalogue(client.file(job["job_id"], "stars.fits"))
        table = Table.read(io.BytesIO(client.file(job["job_id"], "stars.ecsv")), format="ascii.ecsv")
        solved = fits.Header.fromstring(client.file(job["job_id"], "solved.hdr").decode(), sep="\n")
        assert client.report(job["job_id"])["image"]["solution"]["n_used"] > 20
        assert event in [item["event_name"] for item in client.followups(event=event)]
    assert stars.n == job["outcome"]["summary"]["n_stars"] <= len(table)
    assert solved["CTYPE1"].startswith("RA---TAN")
    for address in job["files"].values():
        assert httpx.get(observer.stack.url + address, trust_env=False).status_code == 200
    figures = observer.drawn(job["job_id"])
    for name in ("cutout", "overview", "psf", "astrometry"):
        png = httpx.get(observer.stack.url + figures[name], trust_env=False)
        assert png.content.startswith(b"\x89PNG"), name


def test_the_first_interface_takes_images_too(observer: Observer, event: str) -> None:
    fields = observer.curl_fields(EventID=f"ivo://{event}", MJD=repr(MJD + 1.0), dryRun="1")
    answer = observer.curl(*fields, content=picture().data)
    assert answer.status_code == 200
    assert "PS1" in answer.text
