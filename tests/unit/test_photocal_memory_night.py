"""Telescope memory on a real night: what the frames before taught steadies the colour-corrected magnitude."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.real_frames import frames
from cpcs import memory
from cpcs.passbands import Choice
from photocal.calibration import calibrate
from photocal.learning import lesson
from photocal.results import Target
from photocal.sphere import separation_deg

pytestmark = pytest.mark.realdata


def thinned(rng, stars, reference, target, n):
    """Return the target and n of the stars that the reference has."""
    apart = separation_deg(
        stars.ra_deg[:, None], stars.dec_deg[:, None], reference.ra_deg[None, :], reference.dec_deg[None, :]
    )
    own = np.argmin(separation_deg(stars.ra_deg, stars.dec_deg, target.ra_deg, target.dec_deg))
    known = np.setdiff1d(np.flatnonzero(apart.min(axis=1) < 2.0 / 3600.0), [own])
    return stars.select(np.append(rng.choice(known, min(n, len(known)), replace=False), own))


def test_a_night_of_ey_uma_teaches_its_colour_term(realdata):
    """94 frames thinned to twelve stars and the target: the magnitude that uses the colour term becomes repeatable."""
    night = list(frames(realdata, "ey-uma"))
    (reference,) = night[0].references
    colour = reference.bands["g"][0] - reference.bands["r"][0]
    bright = np.flatnonzero(np.isfinite(colour) & (reference.bands["r"][0] < 13.5))
    blue = bright[np.argmin(colour[bright])]
    target = Target(ra_deg=float(reference.ra_deg[blue]), dec_deg=float(reference.dec_deg[blue]))
    rng = np.random.default_rng(1)
    learned, mags = [], {True: [], False: []}
    for number, frame in enumerate(night):
        thin = thinned(rng, frame.stars, reference, target, 12)
        for remembering in (False, True):
            found = calibrate(
                thin, [reference], target=target, matching_radius_arcsec=2.0, filter_hint="R",
                forced=Choice("APASS", "r"), mjd=frame.mjd, target_colours={"g-r": float(colour[blue])},
                colour_priors=memory.priors(learned) if remembering else None,
            )  # fmt: skip
            mags[remembering].append(found.target.corrected_mag)
        taught = lesson(found, field="EY UMa", job_id=f"{number:03d}", learned=f"{number:03d}")
        learned += [taught] if taught else []
    spread = {key: np.std([mag for mag in values[20:] if mag is not None]) for key, values in mags.items()}
    assert len(learned) > 70
    assert spread[True] < 0.7 * spread[False]
    assert abs(memory.learned_terms(learned)[0].value) < 0.1
