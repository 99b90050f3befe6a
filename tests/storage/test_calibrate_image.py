"""Images in the worker: from the pixels to a point, a limit or a refusal; what is kept; crashes on the way."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from astropy.io import fits
from moto import mock_aws

from cpcs.errors import ReferenceUnavailable
from cpcs.records import JobState, Selection
from cpcs.storage.files import Files
from cpcs.storage.jobs import Jobs
from cpcs.storage.reindex import reindex
from cpcs.web import documents
from functions.calibrate import clockwork
from functions.calibrate.child import Limits
from photocal import figures
from photocal.references import Gathered, TileStore
from photocal.results import Target
from photocal.simulate_image import star_field
from photocal.simulate_scene import Scene, mid_exposure_mjd
from tests.storage.test_calibrate_worker import Blobs, Setting
from tests.support.aws import Clock, faults, make_store
from tests.support.pictures import MOSAIC, STARRY, a_bare_place, a_star, picture

MJD = mid_exposure_mjd(STARRY)
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/report-1.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def sketches(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("panel", "residuals"):
        monkeypatch.setattr(figures, name, lambda _calibration: b"\x89PNG")
    monkeypatch.setattr(figures, "light_curve", lambda *_: b"\x89PNG")


class Sky(Setting):
    """A worker with the reference stars of a picture, and an event on it."""

    def with_picture(self, scene: Scene = STARRY, target: Target | None = None) -> Sky:
        at = target or a_star(picture(scene))[0]
        self.scene.event = self.store.events.create(f"{at.name} {at.ra_deg:.4f}", at.ra_deg, at.dec_deg)
        self.blobs: Blobs = Blobs()
        TileStore(self.blobs).add(picture(scene).references)
        self.worker = self.made()
        return self

    def image(self, scene: Scene = STARRY, **changes: object) -> str:
        return self.sent(picture(scene).data, **{"mjd": MJD, "figures": False, **changes})

    def report(self, job_id: str, revision: int = 1) -> Any:
        data = self.store.files.read_result(job_id, revision, "report.json")
        assert data is not None
        found = json.loads(data)
        jsonschema.validate(found, SCHEMA)
        return found

    def point(self) -> Any:
        (point,) = self.store.points.by_event(self.scene.event.key)
        return point


@pytest.fixture
def sky() -> Iterator[Sky]:
    """Return a setting without stars."""
    now = Clock()
    with mock_aws():
        yield Sky(make_store(now=now), now)


def true_mag(scene: Scene = STARRY) -> float:
    truth = picture(scene).truth
    return float(truth.r[a_star(picture(scene))[1]])


def test_an_image_makes_a_point(sky: Sky) -> None:
    sky.with_picture()
    job_id = sky.image(figures=True)
    assert sky.process(job_id) is JobState.DONE
    point, report = sky.point(), sky.report(job_id)
    assert (point.passband, point.is_limit) == ("PS1/r", False)
    assert abs(point.corrected_mag - true_mag()) < 4.0 * np.hypot(point.corrected_mag_err, 0.01)
    assert report["image"]["solution"]["catalogue"] == "PS1"
    assert report["image"]["depth_mag_5sigma"] == pytest.approx(report["target"]["limit_mag"], abs=0.3)
    assert report["colours"] == []
    shown = documents.job(sky.store.jobs.get(job_id))
    assert set(shown["files"]) == {"stars.fits", "stars.ecsv", "solved.hdr", "cutout.fits"}
    assert {"cutout", "overview", "psf", "astrometry", "panel"} <= set(shown["figures"])
    for name in (*shown["files"], *(f"figures/{figure}.png" for figure in shown["figures"])):
        assert sky.has(job_id, name), name
    assert shown["outcome"]["summary"]["image"]["fwhm_pix"] == pytest.approx(STARRY.fwhm, rel=0.05)
    assert faults(sky.store) == []


def test_where_there_is_no_star_there_is_a_limit(sky: Sky) -> None:
    sky.with_picture(target=a_bare_place())
    job_id = sky.image()
    assert sky.process(job_id) is JobState.DONE
    point, target = sky.point(), sky.report(job_id)["target"]
    assert (point.is_limit, point.mag_err) == (True, None)
    assert (target["method"], target["limit_method"]) == ("limit", "forced-psf")
    assert not sky.has(job_id, "figures/cutout.png")


def test_a_colour_camera_gives_three_calibrations(sky: Sky) -> None:
    sky.with_picture(MOSAIC)
    job_id = sky.image(MOSAIC, forced="PS1/r")
    assert sky.process(job_id) is JobState.DONE
    report = sky.report(job_id)
    assert (report["image"]["colour"], report["request"]["filter_hint"]) == ("R", "TR")
    assert [other["filter"] for other in report["colours"]] == ["TG", "TB"]
    assert all(other["calibration"]["n_matched"] > 10 for other in report["colours"])
    assert {"stars-R.fits", "stars-G.fits", "stars-B.fits"} <= set(documents.job(sky.store.jobs.get(job_id))["files"])
    assert sky.point().passband == "PS1/r"


def _other_stars(_data: bytes) -> bytes:
    """Return a picture of stars that are not where those of the reference are."""
    return star_field(STARRY, seed=99).data


def _flat(data: bytes) -> bytes:
    return _as_file(data, np.full((256, 256), 1000.0) + np.random.default_rng(1).normal(0.0, 10.0, (256, 256)))


def _as_file(data: bytes, counts: Any) -> bytes:
    header = fits.Header.fromstring(data[: data.index(b"END ")].decode() + "END".ljust(80))
    stream = io.BytesIO()
    fits.PrimaryHDU(np.asarray(counts, np.float32), header).writeto(stream, output_verify="silentfix")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("NOT_SOLVED", _other_stars),
        ("FITS_CUT_SHORT", lambda data: data[:100_000]),
        ("NO_STARS", _flat),
    ],
)
def test_what_cannot_be_measured_is_refused(sky: Sky, code: str, change: Callable[[bytes], bytes]) -> None:
    sky.with_picture()
    job_id = sky.sent(change(picture().data), mjd=MJD)
    assert sky.process(job_id) is JobState.REJECTED
    found = sky.error_of(job_id)
    assert found == code
    assert not sky.has(job_id, "stars.fits")


def test_a_child_out_of_its_limits_is_a_refusal(sky: Sky) -> None:
    sky.with_picture()
    sky.worker = replace(sky.worker, measuring=Limits(seconds=0.3))
    assert sky.process(job_id := sky.image()) is JobState.REJECTED
    assert sky.error_of(job_id) == "IMAGE_TOO_DEMANDING"


def test_it_waits_for_the_catalogue_that_knows_the_places(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has reference stars now: that is not what an image is refused for."""
    sky.with_picture()
    sky.worker = replace(sky.worker, tiles=TileStore(Blobs()), sources_configured=True)

    def out_of_reach(*_: object, **__: object) -> None:
        raise ReferenceUnavailable(catalogues="GAIA", ra_deg=1.0, dec_deg=2.0, reason="down")

    monkeypatch.setattr(clockwork, "gather_places", out_of_reach)
    assert sky.process(sky.image()) is JobState.WAITING_REFERENCE


@pytest.mark.parametrize(("passing", "state"), [((), JobState.REJECTED), (("GAIA",), JobState.WAITING_REFERENCE)])
def test_it_waits_only_for_what_may_come(
    sky: Sky, monkeypatch: pytest.MonkeyPatch, passing: tuple[str, ...], state: JobState
) -> None:
    """A catalogue that comes from files only, or whose stars are too many there, is not waited for."""
    sky.with_picture()
    sky.worker = replace(sky.worker, sources_configured=True)
    places = Gathered(stars=(star_field(STARRY, seed=99).references,), unavailable={"GAIA": "?"}, passing=passing)
    monkeypatch.setattr(clockwork, "gather_places", lambda *_: places)
    assert sky.process(sky.image()) is state


def test_measuring_ends_before_the_function_does(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    sky.with_picture()
    sky.worker = replace(sky.worker, left_s=lambda: 10.0)
    clocked: list[float] = []

    def measured(_data: bytes, limits: Limits, *_: object) -> None:
        clocked.append(limits.seconds)
        raise ConnectionError

    monkeypatch.setattr(clockwork, "measure_upload", measured)
    job_id = sky.image()
    with pytest.raises(ConnectionError):
        sky.process(job_id)
    assert clocked == [1.0]


def test_a_crash_anywhere_leaves_one_point(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    sky.with_picture()
    job_id = sky.image()
    for kind, name in ((Files, "write_result"), (Files, "write_outcome"), (Jobs, "finish")):
        with monkeypatch.context() as broken:

            def crash(*_: object, **__: object) -> None:
                raise ConnectionError

            broken.setattr(kind, name, crash)
            with pytest.raises(ConnectionError):
                sky.process(job_id, name)
    assert sky.process(job_id, "at last") is JobState.DONE
    first = sky.point()
    assert faults(sky.store) == []
    reindex(sky.store)
    assert sky.point() == first


def test_calibrated_again_it_is_measured_again(sky: Sky) -> None:
    sky.with_picture()
    job_id = sky.image()
    sky.process(job_id)
    before = sky.point()
    sky.now.turn(60.0)
    sky.store.recalibrations.ask(Selection(job_ids=(job_id,)), "operator")
    assert sky.process(job_id, "two") is JobState.DONE
    after = sky.point()
    assert (after.revision, after.mag) == (2, before.mag)
    assert sky.store.files.read_result(job_id, 2, "stars.fits") is not None


def test_who_waits_sees_how_far_it_is(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    sky.with_picture()
    job = sky.store.jobs.claim(sky.image(), "one", 100.0)
    assert job is not None
    assert documents.job(job)["progress"] is None
    tell = sky.worker._teller(job)
    tell("stars", 0.4)  # too soon to be worth a note
    assert documents.job(sky.store.jobs.get(job.job_id))["progress"] is None
    sky.now.turn(5.0)
    tell("stars", 0.42)
    assert documents.job(sky.store.jobs.get(job.job_id))["progress"] == {"step": "stars", "share": 0.42}

    def fails(*_: object) -> None:
        raise ConnectionError

    sky.now.turn(5.0)
    with monkeypatch.context() as broken:
        broken.setattr(Jobs, "tell", fails)
        tell("stars", 0.5)
    sky.store.jobs.release(job)
    assert sky.store.jobs.get(job.job_id).progress == ""
    sky.now.turn(200.0)
    assert sky.process(job.job_id, "two") is JobState.DONE
    assert sky.store.jobs.get(job.job_id).progress == ""
