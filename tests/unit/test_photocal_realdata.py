"""Real observations: the right filter, at least as narrow as a crude match."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.table import Table

from photocal.calibration import calibrate
from photocal.readers import read_catalogue
from photocal.references import ReferenceStars
from photocal.results import Target
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


def test_ey_uma_is_in_r(realdata):
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
    frame = frames[frames["file"] == np.unique(frames["file"])[0]]
    stars = StarList(
        ra_deg=column(frame, "RA"),
        dec_deg=column(frame, "Dec"),
        inst_mag=column(frame, "mag_inst_R"),
        inst_mag_err=column(frame, "mag_error"),
        flags=np.zeros(len(frame), dtype=np.int64),
    )
    found = calibrate(
        stars, [reference], target=middle(stars), matching_radius_arcsec=2.0, filter_hint="R", mjd=57020.0
    )
    assert {str(item.passband) for item in found.candidates} == {f"APASS/{band}" for band in names}
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
    assert found.confidence > 0.95  # without a hint; one instrument in ten has a colour term of 0.2
    assert found.winner.fit.n_matched > 2000
    assert found.winner.fit.scatter < 0.025
    per_second = found.winner.fit.zero_point - 2.5 * np.log10(250.032)
    assert per_second == pytest.approx(23.1, abs=0.1)
