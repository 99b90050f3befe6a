"""Bad input, through the whole stack: a code each, a sentence, the right status, and nothing left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cpcs import clock
from cpcs_client import Refused
from tests.e2e.observer import Observer, fresh_mjd
from tests.support.hostile import cases

pytestmark = pytest.mark.e2e

HTML = b"<!DOCTYPE html><html><body><h1>Login</h1></body></html>"
FEW = b"# 1 ALPHA_J2000\n# 2 DELTA_J2000\n# 3 MAG_AUTO\n# 4 MAGERR_AUTO\n"


def elsewhere(observer: Observer) -> bytes:
    """The observer's catalogue, moved to the other side of the sky."""
    lines = observer.catalogue.decode().splitlines()
    moved = [line if line.startswith("#") else _moved(line) for line in lines]
    return "\n".join(moved).encode()


def _moved(line: str) -> str:
    cells = line.split()
    cells[3] = str((float(cells[3]) + 180.0) % 360.0)  # ALPHA_J2000
    return " ".join(cells)


HOSTILE = {case.name: case for case in cases()}


def hostile(name: str) -> Callable[[Observer], bytes]:
    """What makes one of the hostile files."""
    return lambda _: HOSTILE[name].make()


def few_stars(observer: Observer) -> bytes:
    """The target and three stars around it: too few to match."""
    ra, dec = observer.loaded.event.ra_deg, observer.loaded.event.dec_deg
    places = ((0.0, 0.0), (0.05, 0.05), (-0.05, 0.05), (0.05, -0.05))
    return FEW + "".join(f"{ra + x} {dec + y} -8.0 0.01\n" for x, y in places).encode()


REQUESTS = {
    "unknown event": ({"event": "Gaia99zzz"}, 404, "UNKNOWN_EVENT"),
    "JD for MJD": ({"mjd": 2458765.5}, 400, "MJD_IS_JD"),
    "future": ({"mjd": clock.mjd(time.time()) + 10}, 400, "MJD_IN_FUTURE"),
    "before 1990": ({"mjd": 40000.0}, 400, "MJD_TOO_EARLY"),
    "no number": ({"mjd": "yesterday"}, 400, "BAD_FIELD"),
    "unknown filter": ({"filter": "APASS/q"}, 400, "UNKNOWN_FILTER"),
    "100 MB": ({"size": 100_000_000}, 413, "FILE_TOO_LARGE"),
    "negative radius": ({"matching_radius_arcsec": -1}, 400, "BAD_FIELD"),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_what_is_wrong_at_once_is_refused_at_once(observer: Observer, case: str) -> None:
    changes, status, code = REQUESTS[case]
    body = {"event": observer.event, "mjd": fresh_mjd(), "filename": "a.cat", **changes}
    answer = httpx.post(
        f"{observer.stack.url}/api/uploads",
        json=body,
        headers={"authorization": f"Bearer {observer.loaded.secret}"},
        trust_env=False,
    )
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert told["message"]
    assert told["hint"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("key", ["", "cpcs_wrong", "Bearer"])
def test_a_bad_key_is_refused(observer: Observer, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    answer = httpx.post(f"{observer.stack.url}/api/uploads", json={}, headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["code"] == ("BAD_KEY" if key else "KEY_REQUIRED")


CONTENTS: dict[str, tuple[Any, int, str]] = {
    "no usable columns": (lambda _: b"id,counts,sharpness\n1,200.0,0.4\n2,300.0,0.5\n", 422, "MISSING_COLUMN"),
    "four stars": (few_stars, 422, "TOO_FEW_MATCHES"),
    "another field": (elsewhere, 422, "TARGET_OUTSIDE_FIELD"),
    "HTML": (lambda _: HTML, 422, "MARKUP_SENT"),
    "only a header": (lambda _: FEW, 422, "EMPTY_FILE"),
    "random bytes": (lambda _: bytes(range(256)) * 50, 422, "NOT_A_CATALOGUE"),
    "a billion axes": (hostile("axes/NAXIS 999999999 in one block"), 422, "BROKEN_FITS"),
    "a table without end": (hostile("table/NAXIS2 = -1, and 2880 bytes"), 422, "BROKEN_FITS"),
    "300 MB in 240 bytes": (hostile("bombs/bzip2 in one, catalogue"), 413, "TOO_LARGE_UNPACKED"),
    "30,000 extensions": (hostile("HDUs/30,000, packed"), 422, "TOO_MANY_ROWS"),
    "20,000 columns": (hostile("sizes of texts/20,000 columns in three lines"), 422, "TOO_MANY_ROWS"),
    "an image of NaN": (hostile("pixels/all NaN"), 422, "IMAGE_BLANK"),
    "a path": (hostile("not catalogues/a path"), 422, "NOT_A_CATALOGUE"),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_what_is_wrong_in_the_file_is_refused_with_a_code(observer: Observer, case: str) -> None:
    make, status, code = CONTENTS[case]
    content = make(observer)
    before = observer.store.events.get(observer.event)
    job = observer.upload(content)
    assert (job["state"], job["error"]["code"]) == ("REJECTED", code)
    assert job["error"]["message"]
    assert job["error"]["hint"]
    old = observer.curl(*observer.curl_fields(), content=content)
    assert old.status_code == status
    assert old.text.startswith(code)
    assert len(old.text) <= 100
    assert observer.store.events.get(observer.event) == before


def test_an_empty_file_is_refused_on_both_roads(observer: Observer) -> None:
    with pytest.raises(Refused, match="EMPTY_FILE"):
        observer.upload(b"")
    old = observer.curl(*observer.curl_fields(), content=b"")
    assert old.status_code == 422
    assert old.text.startswith("EMPTY_FILE")


OLD: dict[str, tuple[dict[str, str | None], int, str]] = {
    "unknown event": ({"EventID": "ivo://Gaia99zzz"}, 404, "UNKNOWN_EVENT"),
    "bad key": ({"hashtag": "loiano_0123456789abcdef0123456789abcdef"}, 401, "BAD_KEY"),
    "no key": ({"hashtag": None}, 401, "KEY_REQUIRED"),
    "JD": ({"MJD": "2458765.5"}, 400, "MJD_IS_JD"),
    "unknown filter": ({"forceFilter": "APASS/q"}, 400, "UNKNOWN_FILTER"),
    "no MJD": ({"MJD": None}, 400, "MISSING_FIELD"),
}


@pytest.mark.parametrize("case", OLD)
def test_the_old_form_refuses_in_one_short_line(observer: Observer, case: str) -> None:
    changes, status, code = OLD[case]
    answer = observer.curl(*observer.curl_fields(**changes))
    assert (answer.status_code, answer.text.split(":")[0]) == (status, code)
    assert answer.headers["content-type"].startswith("text/plain")
    assert len(answer.text) <= 100
    assert observer.loaded.secret not in answer.text


def test_a_hundred_megabytes_are_stopped_on_both_roads(observer: Observer) -> None:
    huge = b"0" * 100_000_000
    with pytest.raises(Refused, match="FILE_TOO_LARGE") as refused:
        observer.upload(huge, size=1000)
    assert refused.value.status == 413
    old = observer.curl(*observer.curl_fields(), content=huge)
    assert old.status_code == 413
    assert old.text.startswith("FILE_TOO_LARGE")
