"""Headers of uploads in the worker: the observatory's mapping, what it changes, what is shown and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from moto import mock_aws

from cpcs.mappings import HeaderMapping, Rule
from cpcs.records import JobState, Selection
from cpcs.storage.mappings import Mappings
from cpcs.storage.reindex import reindex
from cpcs.web import documents
from functions.calibrate import worker as worker_module
from photocal import figures
from tests.storage.test_calibrate_worker import Setting, field
from tests.support.aws import Clock, make_store

HEADER = b"# INSFILTE = 3\n# INSTRUME = BFOSC\n"


@pytest.fixture(autouse=True)
def sketches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "panel", lambda _calibration: b"\x89PNG")
    monkeypatch.setattr(figures, "light_curve", lambda *_: b"\x89PNG")


@pytest.fixture
def setting() -> Iterator[Setting]:
    now = Clock()
    with mock_aws():
        yield Setting(make_store(now=now), now).with_references()


def means(setting: Setting, edits: int, **values: str) -> HeaderMapping:
    """Say what stands in the filter wheel."""
    pairs = tuple((position.removeprefix("p"), name) for position, name in values.items())
    rule = Rule(keyword="FILTER", source="INSFILTE", values=pairs)
    mapping = HeaderMapping(observatory_id=setting.scene.observatory.observatory_id, camera="bfosc", rules=(rule,))
    return setting.store.mappings.save(mapping, edits=edits, key_id="lead")


def catalogue(header: bytes = HEADER) -> bytes:
    return header + field().catalogue


def image(**header: Any) -> bytes:
    sky = np.random.Generator(np.random.PCG64(1)).normal(1000.0, 30.0, (64, 48)).astype(np.float32)
    stream = io.BytesIO()
    fits.PrimaryHDU(sky, fits.Header(list(header.items()))).writeto(stream)
    return stream.getvalue()


def stored(setting: Setting, job_id: str, name: str, revision: int = 1) -> Any:
    data = setting.store.files.read_result(job_id, revision, name)
    return None if data is None else json.loads(data)


def test_the_mapping_says_which_filter_it_was(setting: Setting):
    means(setting, 0, p3="rp")
    job_id = setting.sent(catalogue(), camera=" BFOSC ")
    assert setting.process(job_id) is JobState.DONE
    job = setting.store.jobs.get(job_id)
    assert job.outcome is not None
    assert job.outcome.learned is not None
    assert (job.outcome.learned.camera, job.outcome.learned.filter) == ("bfosc", "rp")
    report = stored(setting, job_id, "report.json")
    assert report["request"]["filter_hint"] == "rp"
    assert report["header"]["mapping"] == {"camera": "bfosc", "observatory_id": 1, "version": 1, "recognised": False}
    assert stored(setting, job_id, "header.json") == report["header"]
    shown = documents.job(job)
    assert shown["header"]["mapping"]["version"] == 1
    assert shown["header"]["keywords"]["FILTER"] == "rp"
    assert "header" not in shown["outcome"]["summary"]
    reindex(setting.store)
    assert documents.job(setting.store.jobs.get(job_id))["header"] == shown["header"]


def test_the_form_comes_first(setting: Setting):
    means(setting, 0, p3="V")
    job_id = setting.sent(catalogue(), camera="BFOSC", filter_hint="rp")
    assert setting.process(job_id) is JobState.DONE
    report = stored(setting, job_id, "report.json")
    assert (report["request"]["filter_hint"], report["header"]["keywords"]["FILTER"]["value"]) == ("rp", "V")


def test_without_a_header_all_is_as_it_was(setting: Setting):
    means(setting, 0, p3="V")
    job_id = setting.sent(camera="BFOSC")
    assert setting.process(job_id) is JobState.DONE
    assert stored(setting, job_id, "report.json")["header"] is None
    assert stored(setting, job_id, "header.json") is None
    assert documents.job(setting.store.jobs.get(job_id))["header"] is None


def test_when_the_mappings_are_out_of_reach_the_upload_comes_again(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    """Without them its filter would come out otherwise, for good."""

    def broken(*_: object) -> list[HeaderMapping]:
        raise ConnectionError

    means(setting, 0, p3="V")
    job_id = setting.sent(catalogue(), camera="BFOSC")
    with monkeypatch.context() as patch:
        patch.setattr(Mappings, "of_observatory", broken)
        with pytest.raises(ConnectionError):
            setting.process(job_id)
    assert setting.process(job_id, "the next delivery") is JobState.DONE
    assert stored(setting, job_id, "header.json")["mapping"]["version"] == 1


def test_calibrated_again_the_newest_mapping_counts(setting: Setting):
    means(setting, 0, p3="V")
    job_id = setting.sent(catalogue(), camera="BFOSC")
    assert setting.process(job_id) is JobState.DONE
    means(setting, 1, p3="rp")
    setting.now.turn(60.0)
    setting.store.recalibrations.ask(Selection(job_ids=(job_id,)), "operator")
    assert setting.process(job_id, "again") is JobState.DONE
    found = [stored(setting, job_id, "header.json", revision) for revision in (1, 2)]
    assert [header["mapping"]["version"] for header in found] == [1, 2]
    assert [header["keywords"]["FILTER"]["value"] for header in found] == ["V", "rp"]


def test_the_figures_are_of_the_filter_that_was_meant_then(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    means(setting, 0, p3="V")
    drawn: list[Any] = []
    monkeypatch.setattr(figures, "panel", lambda found: drawn.append(found) or b"\x89PNG")
    real = worker_module.publish_event

    def crash(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(worker_module, "publish_event", crash)
    job_id = setting.sent(catalogue(), camera="BFOSC")
    with pytest.raises(ConnectionError):
        setting.process(job_id)
    monkeypatch.setattr(worker_module, "publish_event", real)
    means(setting, 1, p3="rp")
    assert setting.process(job_id, "another") is JobState.DONE
    assert [found.filter_hint for found in drawn] == ["V", "V"]


def test_an_image_that_is_refused_shows_its_header(setting: Setting):
    means(setting, 0, p3="V")
    job_id = setting.sent(image(INSFILTE=3, EXPTIME=30.0, OBJECT="Gaia18dps"), camera="BFOSC")
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == "NO_STARS"
    shown = documents.job(setting.store.jobs.get(job_id))
    assert shown["header"]["mapping"]["version"] == 1
    assert shown["header"]["keywords"]["FILTER"] == "V"
    assert (shown["outcome"], shown["report"]) == (None, None)
    assert stored(setting, job_id, "header.json")["keywords"]["FILTER"]["how"] == "mapped"
    means(setting, 1, p3="R")
    again = setting.sent(image(INSFILTE=3), camera="BFOSC")
    setting.process(again)
    assert stored(setting, again, "header.json")["keywords"]["FILTER"]["value"] == "R"


def test_an_image_that_cannot_be_is_refused_with_its_code(setting: Setting):
    job_id = setting.sent(image(IMAGETYP="Dark Frame"))
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == "HEADER_CONTRADICTION"
    shown = documents.job(setting.store.jobs.get(job_id))
    assert "NOT_A_LIGHT_FRAME" in shown["error"]["message"]
    assert shown["header"]["remarks"][0]["code"] == "NOT_A_LIGHT_FRAME"


def test_no_header_refuses_a_catalogue(setting: Setting):
    job_id = setting.sent(catalogue(b"# IMAGETYP = flat\n"))
    assert setting.process(job_id) is JobState.DONE
    remarks = stored(setting, job_id, "header.json")["remarks"]
    assert {"NOT_A_LIGHT_FRAME": "warning"}.items() <= {item["code"]: item["level"] for item in remarks}.items()


def test_a_refusal_for_other_reasons_keeps_the_header_too(setting: Setting):
    setting.store.events.create("Gaia26elsewhere", 10.0, -80.0)
    job_id = setting.sent(catalogue(), event="gaia26elsewhere")
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) == "TARGET_OUTSIDE_FIELD"
    assert documents.job(setting.store.jobs.get(job_id))["header"]["keywords"]["INSTRUME"] == "BFOSC"


def test_the_observatorys_record_is_known_to_the_header(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    seen: list[Any] = []
    real = worker_module.Clockwork._read

    def watched(self: Any, data: bytes, mappings: Any, event: Any, site: Any) -> Any:
        seen.append((event.name, site.longitude_deg, list(mappings)))
        return real(self, data, mappings, event, site)

    monkeypatch.setattr(worker_module.Clockwork, "_read", watched)
    mapping = means(setting, 0, p3="V")
    setting.store.mappings.save(
        replace(mapping, observatory_id=9), edits=0, key_id="another observatory's, of no concern"
    )
    setting.process(setting.sent(catalogue()))
    assert seen == [(field().target.name, 11.2, [mapping])]
