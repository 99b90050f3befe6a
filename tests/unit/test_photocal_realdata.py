"""Real observations: the right filter, at least as narrow as a crude match."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.table import Table

from cpcs import memory
from cpcs.passbands import Choice
from photocal.calibration import calibrate
from photocal.learning import lesson
from photocal.readers import read_catalogue
from photocal.references import ReferenceStars
from photocal.results import Target
from photocal.sphere import separation_deg
from photocal.stars import StarList

pytestmark = pytest.mark.realdata


def column(table, name):
    return np.ma.filled(np.ma.asarray(table[name]).astype(float), np.nan)


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that astropy does not know
        return Table.read(path)


def middle(stars):
    return Target(ra_deg=stars.centre[0], dec_deg=stars.centre[1])


def ey_uma(realdata):
    """Return APASS around EY UMa, and the stars of each of the 94 frames of its night."""
    folder = realdata / "catalogues" / "feder_ey_uma"
    apass = read(folder / "all_apass_ey_uma.ecsv")
    names = {"B": "Bmag", "V": "Vmag", "g": "g'mag", "r": "r'mag", "i": "i'mag"}
    bands = {}
    for band, name in names.items():
        error = column(apass, f"e_{name}")
        bands[band] = (column(apass, name), np.where(error > 0.0, error, 0.1))
    reference = ReferenceStars(
        catalogue="APASS", ra_deg=column(apass, "RAJ2000"), dec_deg=column(apass, "DEJ2000"), bands=bands
    )
    frames = read(folder / "2014-12-29-ey-uma-9.fits")
    stars = StarList(
        ra_deg=column(frames, "RA"),
        dec_deg=column(frames, "Dec"),
        inst_mag=column(frames, "mag_inst_R"),
        inst_mag_err=column(frames, "mag_error"),
        flags=np.zeros(len(frames), dtype=np.int64),
    )
    return reference, [stars.select(np.asarray(frames["file"] == name)) for name in np.unique(frames["file"])]


def thinned(rng, stars, reference, target, n):
    """Return the target and n of the stars that the reference has."""
    apart = separation_deg(
        stars.ra_deg[:, None], stars.dec_deg[:, None], reference.ra_deg[None, :], reference.dec_deg[None, :]
    )
    own = np.argmin(separation_deg(stars.ra_deg, stars.dec_deg, target.ra_deg, target.dec_deg))
    known = np.setdiff1d(np.flatnonzero(apart.min(axis=1) < 2.0 / 3600.0), [own])
    return stars.select(np.append(rng.choice(known, min(n, len(known)), replace=False), own))


def test_ey_uma_is_in_r(realdata):
    reference, (stars, *_) = ey_uma(realdata)
    found = calibrate(
        stars, [reference], target=middle(stars), matching_radius_arcsec=2.0, filter_hint="R", mjd=57020.0
    )
    assert {str(item.passband) for item in found.candidates} == {f"APASS/{band}" for band in "BVgri"}
    assert str(found.winner.passband) == "APASS/r"
    assert found.winner.fit.scatter <= 0.040
    assert found.winner.fit.n_matched >= 20
    assert found.confidence > 0.9


def test_lco_is_in_i(realdata):
    path = realdata / "catalogues" / "lco_banzai_matched" / "cpt1m012-fa06-20200113-0102-matched-cat.fits"
    stars, table = read_catalogue(path.read_bytes()), read(path)
    reference = ReferenceStars(
        catalogue="REFCAT2",
        ra_deg=column(table, "ra"),
        dec_deg=column(table, "dec"),
        bands={band: (column(table, f"{band}mag"), column(table, f"{band}magerr")) for band in "griz"},
    )
    found = calibrate(stars, [reference], target=middle(stars), matching_radius_arcsec=2.0)
    assert str(found.winner.passband) == "REFCAT2/i"
    assert found.confidence > 0.99
    assert found.winner.fit.n_matched > 2000
    assert found.winner.fit.scatter < 0.025
    per_second = found.winner.fit.zero_point - 2.5 * np.log10(250.032)
    assert per_second == pytest.approx(23.1, abs=0.1)


def test_a_night_of_ey_uma_teaches_its_colour_term(realdata):
    """94 frames thinned to twelve stars and the target: the magnitude that uses the colour term becomes repeatable."""
    reference, frames = ey_uma(realdata)
    colour = reference.bands["g"][0] - reference.bands["r"][0]
    bright = np.flatnonzero(np.isfinite(colour) & (reference.bands["r"][0] < 13.5))
    blue = bright[np.argmin(colour[bright])]
    target = Target(ra_deg=float(reference.ra_deg[blue]), dec_deg=float(reference.dec_deg[blue]))
    rng = np.random.default_rng(1)
    learned, mags = [], {True: [], False: []}
    for number, stars in enumerate(frames):
        thin = thinned(rng, stars, reference, target, 12)
        for remembering in (False, True):
            found = calibrate(
                thin, [reference], target=target, matching_radius_arcsec=2.0, filter_hint="R",
                forced=Choice("APASS", "r"), mjd=57020.0 + 1e-3 * number, target_colours={"g-r": float(colour[blue])},
                colour_priors=memory.priors(learned) if remembering else None,
            )  # fmt: skip
            mags[remembering].append(found.target.corrected_mag)
        frame = lesson(found, field="EY UMa", job_id=f"{number:03d}", learned=f"{number:03d}")
        learned += [frame] if frame else []
    spread = {key: np.std([mag for mag in values[20:] if mag is not None]) for key, values in mags.items()}
    assert len(learned) > 70
    assert spread[True] < 0.7 * spread[False]
    assert abs(memory.learned_terms(learned)[0].value) < 0.1
