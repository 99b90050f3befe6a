"""The files that measured stars are written to: read back by our own reader, and by astropy."""

from __future__ import annotations

import io

import numpy as np
import pytest
from astropy.io import fits

from photocal.readers import read_catalogue
from photocal.stars import StarList
from photocal.writers.ldac import ldac

N = 5
STARS = StarList(
    ra_deg=285.0 + np.arange(N) / 100,
    dec_deg=-11.0 - np.arange(N) / 100,
    inst_mag=-8.0 + np.arange(N) / 10,
    inst_mag_err=np.full(N, 0.02),
    flags=np.array([0, 1, 2, 4, 256]),
    x=np.arange(N) * 10.0,
    y=np.arange(N) * 20.0,
)
CARDS = {"FILTER": "rp", "EXPTIME": 120.5, "OBJECT": "Gaia's O'Star", "CRPIX1": 100.25}


def test_ldac_is_read_back_by_our_own_reader():
    read = read_catalogue(ldac(STARS, CARDS, flux=np.arange(N) + 1.0, flux_err=np.full(N, 0.5)))
    assert read.meta.format == "fits-ldac"
    for name in ("ra_deg", "dec_deg", "inst_mag", "inst_mag_err", "flags", "x", "y"):
        np.testing.assert_array_equal(getattr(read, name), getattr(STARS, name), err_msg=name)
    assert read.meta.header["FILTER"] == "rp"
    assert float(read.meta.header["EXPTIME"]) == 120.5


def test_ldac_has_sextractors_names_and_a_whole_header():
    with fits.open(io.BytesIO(ldac(STARS, CARDS, flux=np.arange(N) + 1.0))) as file:
        assert [hdu.name for hdu in file] == ["PRIMARY", "LDAC_IMHEAD", "LDAC_OBJECTS"]
        np.testing.assert_array_equal(file["LDAC_OBJECTS"].data["X_IMAGE"], STARS.x + 1)
        np.testing.assert_array_equal(file["LDAC_OBJECTS"].data["FLUX_PSF"], np.arange(N) + 1.0)
        assert "FLUXERR_PSF" not in file["LDAC_OBJECTS"].columns.names
        lines = file["LDAC_IMHEAD"].data[0][0]
        header = fits.Header.fromstring("".join(line.ljust(80) for line in lines))
    assert dict(header) == CARDS


def test_ldac_refuses_columns_of_another_length():
    with pytest.raises(ValueError, match="length"):
        ldac(STARS, CARDS, flux=np.zeros(N + 1))
