"""Odd but legal star lists: a calibration or a coded refusal, and never a number that JSON cannot hold."""

from __future__ import annotations

import json
import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpcs.errors import CpcsError
from cpcs.passbands import Choice
from photocal import report
from photocal.calibration import calibrate
from photocal.references import ReferenceStars
from photocal.results import Calibration, Target
from photocal.stars import StarList

PLACES = [(0.0, 0.0), (359.9999, 10.0), (0.0001, -45.0), (120.0, 89.999), (10.0, 90.0), (200.0, -90.0)]
MAGS = st.one_of(st.floats(-49.9, 49.9), st.sampled_from([-12.0, 0.0, 15.0, float("nan"), 99.0, -0.0]))
ERRORS = st.one_of(st.floats(0.0, 1.5), st.sampled_from([0.0, 0.01, 1e-300, 1e-8, float("nan"), 49.0]))
STEPS = st.one_of(st.floats(-0.05, 0.05), st.sampled_from([0.0, 0.001, 1e-9, -0.001, 0.05]))
FLAGS = st.sampled_from([0, 0, 0, 1, 2, 4, 255, -1, 2**40])
STAR = st.tuples(STEPS, STEPS, MAGS, ERRORS, FLAGS)
REFERENCE = st.tuples(STEPS, STEPS, MAGS, ERRORS, MAGS, ERRORS)


def around(place, steps):
    """Return positions by steps from a place, deg; near a pole they go round it."""
    east, north = np.array(steps, dtype=np.float64).reshape(-1, 2).T
    dec = np.clip(place[1] + north, -90.0, 90.0)
    return (place[0] + east / np.maximum(np.cos(np.radians(dec)), 1e-3)) % 360.0, dec


def star_list(place, rows):
    ra, dec = around(place, [row[:2] for row in rows])
    mag, err = (np.array([row[k] for row in rows], dtype=np.float64) for k in (2, 3))
    flags = np.array([row[4] for row in rows], dtype=np.int64)
    return StarList(ra_deg=ra, dec_deg=dec, inst_mag=mag, inst_mag_err=err, flags=flags)


def reference_stars(place, rows, catalogue):
    ra, dec = around(place, [row[:2] for row in rows])
    columns = np.array([row[2:] for row in rows], dtype=np.float64).reshape(-1, 4).T
    bands = {"V": (columns[0], columns[1]), "r": (columns[2], columns[3])}
    motion = np.full(len(rows), 5000.0) if catalogue == "GAIA" else None
    return ReferenceStars(
        catalogue=catalogue,
        ra_deg=ra,
        dec_deg=dec,
        pm_ra_mas_yr=motion,
        pm_dec_mas_yr=motion,
        epoch_yr=2016.0,
        bands=bands,
    )


def check(found: Calibration) -> None:
    """Everything that a point is made of is a number."""
    fit, target = found.winner.fit, found.target
    values = [fit.zero_point, fit.zero_point_err, fit.scatter, fit.scatter_err, fit.outlier_fraction, target.mag]
    values += [target.inst_mag, target.ra_deg, target.dec_deg, found.confidence]
    values += [] if target.is_limit else [target.mag_err, target.sep_arcsec]
    assert np.isfinite(values).all()
    assert (target.mag_err is None) is target.is_limit
    assert fit.n_matched >= 5
    assert fit.zero_point_err > 0.0
    assert 0.0 <= found.confidence <= 1.0 + 1e-9
    assert json.dumps(report.document(found), allow_nan=False)


def result_or_reason(stars, references, **options) -> Calibration | CpcsError:
    try:
        return calibrate(stars, references, **options)
    except CpcsError as error:
        return error


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    place=st.sampled_from(PLACES),
    rows=st.lists(STAR, max_size=14),
    others=st.lists(REFERENCE, max_size=8),
    noise=st.sampled_from([0.0, 1e-6, 0.02, 0.5, 5.0]),
    same=st.booleans(),
    radius=st.sampled_from([0.1, 2.0, 60.0]),
    target=st.tuples(STEPS, STEPS),
    forced=st.sampled_from([None, None, Choice("APASS", "V"), Choice("any", "r"), Choice("GAIA", "any")]),
    mjd=st.sampled_from([None, 47892.0, 60000.0]),
)
def test_a_result_or_a_reason(place, rows, others, noise, same, radius, target, forced, mjd):
    stars = star_list(place, [(*row[:2], -10.0, 0.01, 0) for row in rows] if same else rows)
    # Reference stars where the observer's are, off by a little, and others that he has not.
    known = [
        (row[0] + noise / 3600.0, row[1], row[2] + 22.0 + noise * k % 0.3, 0.02, row[2] + 20.0, row[3])
        for k, row in enumerate(rows)
    ]
    references = [reference_stars(place, known + others, "APASS"), reference_stars(place, others + known, "GAIA")]
    ra, dec = around(place, [target])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = result_or_reason(
            stars,
            references,
            target=Target(ra_deg=float(ra[0]), dec_deg=float(dec[0])),
            matching_radius_arcsec=radius,
            forced=forced,
            mjd=mjd,
        )
    if isinstance(outcome, CpcsError):
        assert outcome.message
        assert outcome.hint
    else:
        check(outcome)
