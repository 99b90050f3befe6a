"""Figures: they are drawn, whatever there is to draw. What they look like is for eyes."""

from __future__ import annotations

import struct
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest

from cpcs.passbands import Passband, parse_choice
from cpcs.records import ColourMeasurement, ColourPrior, FollowupPoint, Mode
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


FIELD = Setup(passband=Passband("APASS", "V"))


@cache
def calibrated(setup: Setup = FIELD, *, seed: int = 6, catalogues: int = 1, force: str = "no", bent: bool = False):
    """A calibration of a simulated field; a bent one has a zero point that varies over the field."""
    field = simulate(setup, seed=seed)
    stars = read_catalogue(field.catalogue)
    if bent:
        east = (stars.ra_deg - stars.centre[0]) / stars.radius_deg
        stars = replace(stars, inst_mag=stars.inst_mag + 0.1 * east + 0.1 * east**2)
    return calibrate(
        stars,
        field.references[:catalogues],
        target=field.target,
        matching_radius_arcsec=2.0,
        mjd=setup.mjd,
        forced=parse_choice(force),
    )


def with_winner(found, **changes):
    """The same calibration with another winner."""
    winner = replace(found.winner, **changes)
    return replace(found, winner=winner, candidates=(winner, *found.candidates[1:]))


def with_stars(found, **changes):
    return with_winner(found, stars=replace(found.winner.stars, **changes))


def of_few(found, n):
    """The same with the first n stars of the winner only, as if there had been no more."""
    stars, kept = found.winner.stars, np.arange(n)
    columns = {item.name: getattr(stars, item.name) for item in fields(stars)}
    few = {name: column if column is None else column[kept] for name, column in columns.items()}
    fits = {
        name: replace(fit, n_matched=n, inlier_probability=fit.inlier_probability[kept])
        for name, fit in (("fit", found.winner.fit), ("native", found.winner.native))
    }
    return with_winner(found, stars=replace(stars, **few), **fits)


def far_out(found):
    """Some outliers so far that no axes could hold them; one of a colour that no star has."""
    stars, where = found.winner.stars, slice(None, None, 7)
    residual, inst_mag, inlier = stars.residual.copy(), stars.inst_mag.copy(), stars.inlier_probability.copy()
    residual[where], inst_mag[where], inlier[where] = 1e4, -1e4, 0.0
    colour = stars.colour.copy()
    colour[0] = 50.0
    return with_stars(found, residual=residual, inst_mag=inst_mag, inlier_probability=inlier, colour=colour)


def target_of(found, **changes):
    return replace(found, target=replace(found.target, **changes))


def learned(found, measured=None):
    term = found.winner.colour_term
    prior = ColourPrior(value=-0.03, err=0.01, n_frames=1 if measured is None else 12)
    return with_winner(found, colour_term=replace(term, prior=prior, measured=measured))


STATES = {
    "usual": calibrated,
    "limit": lambda: calibrated(replace(FIELD, target_mag=20.5, n_stars=300)),
    "colour-term": lambda: calibrated(replace(FIELD, colour_term=0.1)),
    "field-term": lambda: calibrated(bent=True),
    "crowded": lambda: calibrated(replace(FIELD, n_stars=60_000), force="APASS/V"),
    "five": lambda: of_few(calibrated(), 5),
    "no-second-filter": lambda: calibrated(catalogues=4, force="GAIA/G"),
    "no-star-has-a-colour": lambda: with_stars(calibrated(), colour=np.full(calibrated().winner.fit.n_matched, np.nan)),
    "one-colour": lambda: with_winner(
        with_stars(calibrated(), colour=np.full(calibrated().winner.fit.n_matched, 0.7)), colour_term=None
    ),
    "no-inliers": lambda: with_stars(calibrated(), inlier_probability=np.zeros(calibrated().winner.fit.n_matched)),
    "no-runner-up": lambda: replace(calibrated(), candidates=calibrated().candidates[:1]),
    "all-others-refused": lambda: replace(
        calibrated(),
        candidates=(
            calibrated().winner,
            *(replace(item, refused="outliers", probability=0.0) for item in calibrated().candidates[1:5]),
        ),
    ),
    "thirty": lambda: replace(calibrated(), candidates=calibrated().candidates * 6),
    "far-out": lambda: far_out(calibrated()),
    "target-of-known-colour": lambda: target_of(calibrated(), colour=2.5, colour_source="given"),
    "prior-only": lambda: learned(calibrated()),
    "learned": lambda: learned(calibrated(), ColourMeasurement(passband="APASS/V", colour="B-V", value=0.1, err=0.002)),
    "odd-name": lambda: replace(calibrated(), position=replace(calibrated().position, name="$\\x{ & " + "long " * 20)),
    "no-name": lambda: replace(calibrated(), position=replace(calibrated().position, name="")),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("figure", [figures.panel, figures.residuals])
def test_every_state_is_drawn(figure, state):
    width, height = size(figure(STATES[state]()))
    assert 600 < width < 1800
    assert 300 < height < 1200


def test_the_states_are_what_they_are_called():
    assert STATES["limit"]().target.is_limit
    assert STATES["field-term"]().winner.field_term is not None
    assert STATES["crowded"]().winner.fit.n_matched > 1500
    assert STATES["no-second-filter"]().winner.stars.colour is None
    assert STATES["no-runner-up"]().runner_up is None
    assert STATES["all-others-refused"]().runner_up is None
    assert STATES["usual"]().winner.colour_term is not None


@pytest.mark.parametrize(("n", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 2, 2), (5, 3, 2), (12, 4, 3)])
def test_the_panel_grows_with_its_candidates(n, columns, rows):
    found = calibrated()
    one, many = (replace(found, candidates=(found.candidates * 3)[:k]) for k in (3, n))
    _, row = size(figures.panel(one))
    width, height = size(figures.panel(many))
    assert width == pytest.approx(380 * columns, abs=300 / columns + 60)
    assert height == pytest.approx(rows * row, abs=0.35 * rows * row)


@pytest.mark.parametrize("figure", [figures.panel, figures.residuals])
def test_the_same_calibration_makes_the_same_bytes(figure):
    assert figure(calibrated()) == figure(calibrated())


def test_the_panel_draws_the_plain_fit():
    """What the terms make of the stars does not make a filter look right."""
    found = calibrated()
    stars = found.winner.stars
    other = with_stars(found, residual=np.zeros_like(stars.residual), inlier_probability=np.ones_like(stars.residual))
    assert figures.panel(other) == figures.panel(found)
    assert figures.residuals(other) != figures.residuals(found)


def test_outliers_are_told_from_inliers():
    found = calibrated()
    all_in = with_stars(found, inlier_probability=np.ones_like(found.winner.stars.residual))
    assert figures.residuals(all_in) != figures.residuals(found)


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
    assert size(figures.light_curve(points, "Gaia19sim & friends $\\x{")) == (990, 550)
