"""Hostile files through the worker: a refusal with a code each, and nothing stored half-way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from cpcs.records import JobState
from cpcs.storage.reindex import reindex
from tests.storage.test_calibrate_worker import Setting
from tests.support.aws import Clock, faults, lasting, make_store
from tests.support.hostile import Case, Verdict, cases
from tests.support.hostile.trial import CRASHES, is_upload

WORST = (
    "axes/NAXIS 999999999 in one block", "table/NAXIS2 = -1, and 2880 bytes", "HDUs/30,000, packed",
    "headers/200 MB of blanks, packed", "sizes of texts/20,000 columns in three lines", "bombs/bzip2 in one, image",
    "bombs/gzip in gzip, catalogue", "variable length/9 kB that ask for 1.9 GB",
    "tiles/67 million pixels in 8 bytes, RICE_1",
    "tiles/HCOMPRESS that says 2^60", "pixels/all NaN", "not catalogues/a path", "not catalogues/a pickle",
)  # fmt: skip


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    """One for all: what a file leaves behind would be there for the next."""
    now = Clock()
    with mock_aws():
        yield Setting(make_store(now=now), now).with_references()


def _chosen() -> list[Case]:
    """The worst, and of each class the first that is refused."""
    refused = [case for case in cases() if is_upload(case) and case.verdict is Verdict.REJECT]
    first = {case.group: case for case in reversed(refused) if not case.huge}
    named = {case.name: case for case in [*first.values(), *(each for each in refused if each.name in WORST)]}
    assert set(WORST) <= named.keys()
    return list(named.values())


@pytest.mark.parametrize("case", _chosen(), ids=lambda case: case.name)
def test_a_refusal_and_nothing_else(setting: Setting, case: Case) -> None:
    before = lasting(setting.store)
    job_id = setting.sent(case.make())
    assert setting.process(job_id) is JobState.REJECTED
    assert setting.error_of(job_id) not in CRASHES
    held = setting.store.files.data.list(f"results/{job_id}/")
    assert {key.rsplit("/", 1)[1] for key in held} <= {"outcome.json", "header.json"}
    assert setting.store.points.by_event(setting.scene.event.key) == []
    assert {key: item for key, item in lasting(setting.store).items() if key in before} == before
    assert setting.process(job_id, "again") is None


def test_the_table_is_what_s3_says(setting: Setting) -> None:
    assert faults(setting.store) == []
    before = lasting(setting.store)
    reindex(setting.store)
    assert lasting(setting.store) == before


def test_a_good_file_is_calibrated_after_all_that(setting: Setting) -> None:
    job_id = setting.sent(figures=False)
    assert setting.process(job_id) is JobState.DONE
    assert len(setting.store.points.by_event(setting.scene.event.key)) == 1
