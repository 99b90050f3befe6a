"""No file can hurt the service: each is read, or refused with a code, in the child process with its limits.

An answer of the child's death, a time-out or an error that is a bug of ours (READER_CRASHED, READER_TIMED_OUT) fails
here, whatever the file. `python -m benchmarks.hostile_files` says how long each class takes and what it holds.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from functions.calibrate.child import Limits
from photocal.intake import take_in
from tests.support.hostile import Case, Door, Verdict, cases
from tests.support.hostile.blocks import image_file
from tests.support.hostile.images import ODD, TIME, WCS
from tests.support.hostile.trial import OK, as_an_upload, at_its_door, is_upload

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

CASES = list(cases())
GROUPS: dict[str, list[Case]] = defaultdict(list)
for each in CASES:
    GROUPS[each.group].append(each)
FEWEST, MOST_HUGE = 1400, 20


def test_there_are_many_and_each_has_its_own_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > FEWEST
    assert sum(case.huge for case in CASES) <= MOST_HUGE
    assert all(case.codes for case in CASES if case.verdict is Verdict.REJECT)
    assert {case.door for case in CASES if case.verdict is Verdict.ACCEPT} == set(Door)


@pytest.mark.parametrize("group", GROUPS)
def test_a_result_or_a_code(group: str) -> None:
    faults = []
    good = [case for case in GROUPS[group] if is_upload(case) and case.verdict is Verdict.ACCEPT]
    for case in GROUPS[group]:
        data = case.make()
        outcome = at_its_door(case, data)
        fault = outcome.fault(case, at_its_door=True)
        if not fault and case in good[:5]:  # those that are read come back from the child whole
            fault = as_an_upload(data).fault(case, at_its_door=False)
        if not fault and outcome.grown > Limits().extra_bytes:
            fault = f"it held {outcome.grown} bytes"
        if fault:
            faults.append(f"{case.name}: {fault}")
    assert faults == []


def test_files_are_the_same_every_time() -> None:
    again = {case.name: case for case in cases()}
    for group in ("noise", "bits turned", "tiles"):
        for case in GROUPS[group][:20]:
            assert again[case.name].make() == case.make()


# What the header cannot mean is not taken: the keyword stays empty, and where a code is named, a remark says why.
REFUSED = [
    (
        ("CD singular", "CD zero", "CD NaN", "CD infinite", "CD 1e400", "CD 1e-300", "CD text"),
        "CDELTA1",
        "IMPOSSIBLE_WCS",
    ),
    (("RA 400", "Dec 95", "CRVAL NaN", "CRVAL 1e400", "CRVAL text"), "RA", "IMPOSSIBLE_WCS"),
    (("CRPIX 1e300", "CRPIX NaN", "LONPOLE NaN"), "RA", "IMPOSSIBLE_WCS"),
    (("SIP of order 99", "SIP of order 2^31", "SIP of order -1", "SIP of NaN"), "RA", "IMPOSSIBLE_WCS"),
    (("CTYPE of energy", "CTYPE twice RA", "CTYPE a number"), "DEC", ""),
    (("EXPTIME negative", "EXPTIME text", "EXPTIME 1e400", "EXPTIME NaN"), "EXPTIME", "EXPOSURE_REFUSED"),
    (("31 February", "month 13", "hour 25", "year 99999", "date of letters"), "MJD-AVG", "DATE_REFUSED"),
    (("longitude 999", "longitude NaN", "longitude of text"), "LONGITUD", ""),
    (("gain 0", "gain NaN"), "GAIN", ""),
    (("pixel size 0",), "PIXSIZE1", ""),
    (("airmass -3",), "AIRMASS", ""),
]


@pytest.mark.parametrize(
    ("what", "keyword", "code"), [(what, keyword, code) for names, keyword, code in REFUSED for what in names]
)
def test_what_a_header_cannot_mean_is_not_taken(what: str, keyword: str, code: str) -> None:
    sent = image_file(*(WCS | TIME | ODD[what]).items())
    header = take_in(sent).header
    assert header is not None
    assert header.finding(keyword).value is None
    assert not code or code in {remark.code for remark in header.remarks}


@pytest.mark.realdata
def test_public_malformed_files(realdata: Path) -> None:
    folder = realdata.parent / "badfits" / "public"
    if not folder.is_dir():
        pytest.skip("the malformed files are not here")
    faults, read = [], set()
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        either = Case(name=path.name, make=path.read_bytes, verdict=Verdict.EITHER)
        for door in Door:
            case = Case(name=path.name, make=path.read_bytes, door=door, verdict=Verdict.EITHER)
            outcome = at_its_door(case, data)
            fault = outcome.fault(case, at_its_door=True)
            faults += [f"{path.name} ({door}): {fault}"] if fault else []
            read |= {(path.name, door)} if outcome.code == OK else set()
        fault = as_an_upload(data).fault(either, at_its_door=False)
        faults += [f"{path.name}: {fault}"] if fault else []
    assert faults == []
    assert {name for name, door in read if door is Door.IMAGE} >= GOOD_IMAGES


# Those that are right, and pictures: beside them the folder holds tables, spectra, and what is broken.
GOOD_IMAGES = {
    "fitsio__test_rice_dither2_seed42.fits.fz",
    "nom-tam-fits__m13_gzip.fits",
    "nom-tam-fits__m13_hcomp.fits",
    "nom-tam-fits__m13_plio.fits",
    "nom-tam-fits__m13_rice.fits",
    "nom-tam-fits__m13real_rice.fits",
}
