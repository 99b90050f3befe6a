"""Figures: they are drawn, whatever there is to draw. What they look like is for eyes."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from cpcs.records import FollowupPoint, Mode
from photocal import figures
from photocal.calibration import calibrate
from photocal.readers import read_catalogue
from photocal.simulate import Setup, simulate

POINT = FollowupPoint(
    followup_id=1,
    event="gaia19sim",
    event_id=1,
    event_name="Gaia19sim",
    observatory_id=1,
    observatory="O",
    mjd=58765.4,
    exposure_s=60.0,
    mag=16.2,
    mag_err=0.02,
    is_limit=False,
    calib_err=0.03,
    zero_point=23.4,
    zero_point_err=0.01,
    scatter=0.03,
    outlier_fraction=0.02,
    n_matched=50,
    catalogue="APASS",
    filter="r",
    mode=Mode.AUTO,
    matching_radius_arcsec=2.0,
    ra_deg=1.0,
    dec_deg=2.0,
    calibrated_at="2019-10-09T00:00:00Z",
    job_id="j",
    revision=1,
    key_id="k",
    input_sha256="0",
    pipeline="p",
)


def size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize(("setup", "catalogues"), [(Setup(), 4), (Setup(target_mag=20.5, n_stars=300), 1)])
def test_the_panel(setup, catalogues):
    field = simulate(setup, seed=6)
    found = calibrate(
        read_catalogue(field.catalogue),
        field.references[:catalogues],
        target=field.target,
        matching_radius_arcsec=2.0,
        mjd=setup.mjd,
    )
    width, height = size(figures.panel(found))
    assert width > 600
    assert height > 300


@pytest.mark.parametrize(
    "points",
    [
        [],
        [POINT],
        [replace(POINT, is_limit=True, mag_err=None)],
        [replace(POINT, mjd=POINT.mjd + 40.0 * k, filter="gVriKQ"[k % 6], is_limit=k % 4 == 0) for k in range(30)],
    ],
    ids=["none", "one", "a-limit", "many"],
)
def test_the_light_curve(points):
    assert size(figures.light_curve(points, "Gaia19sim & friends $x$")) == (990, 550)
