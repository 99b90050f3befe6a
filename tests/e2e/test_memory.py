"""A camera learns, on the embedded stack with its rights enforced: upload, better reduction, deletion, API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.observer import Observer, fresh_mjd

pytestmark = pytest.mark.e2e
CAMERA = "Memory  Camera"


def terms(observer: Observer) -> list[dict[str, Any]]:
    """Return what the API tells of this camera."""
    address = f"{observer.stack.url}/api/observatories/{observer.loaded.observatory.observatory_id}/colour-terms"
    found = httpx.get(address, timeout=60, trust_env=False).raise_for_status().json()["items"]
    return [item for item in found if item["camera"] == "memory camera"]


def test_a_camera_learns(observer: Observer) -> None:
    mjd = fresh_mjd()
    named = {"camera": CAMERA, "filter_hint": "V"}
    first = observer.upload(mjd=mjd, **named)["outcome"]
    assert first["corrected_mag"] is not None
    (term,) = terms(observer)
    assert (term["filter"], term["passband"], term["n_frames"]) == ("v", first["passband"], 1)
    assert term["colour"] == first["colour"]

    lines = observer.catalogue.splitlines(keepends=True)
    observer.upload(b"".join(lines[:-1]), mjd=mjd, **named)  # a better reduction of the same exposure
    assert [item["n_frames"] for item in terms(observer)] == [1]

    other = observer.upload(b"".join(lines[:-2]), mjd=fresh_mjd(), **named)["outcome"]
    assert other["summary"]["colour_priors"][first["passband"]]["n_frames"] == 1
    assert other["colour_term_err"] < first["colour_term_err"]
    assert [item["n_frames"] for item in terms(observer)] == [2]

    with observer.client() as client:
        client.delete(other["followup_id"])
    assert [item["n_frames"] for item in terms(observer)] == [1]
