"""VizieR: what every catalogue's answer means, and what is believed of a service that is not well."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from cpcs.errors import ReferenceUnavailable
from cpcs.passbands import catalogue_data, filters
from photocal.references import Breaker, VizierSource
from photocal.references.declared import declared_columns, finished
from photocal.references.vizier import DEFAULT_HOST, Query, parsed, payload

SAMPLES = Path(__file__).parent.parent / "data" / "vizier"
EMPTY = b'<?xml version="1.0"?><VOTABLE version="1.4"><INFO name="QUERY_STATUS" value="OK"/></VOTABLE>'
FIELD = (180.0, 20.0, 0.3)


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.vot").read_bytes()


@pytest.mark.parametrize("name", list(catalogue_data()))
def test_the_answer_of_every_catalogue_is_understood(name):
    """Row 1 is whole; 2 lacks the first filter and proper motion; then one row fails each cut; the last is blank."""
    entry, columns = catalogue_data()[name], declared_columns(name)
    stars, n_rows = parsed(sample(name), name)
    bands = list(entry["bands"])
    cut_magnitudes = [band for band in bands for _ in columns.bands[band].cuts]
    assert n_rows == 3 + len(columns.cuts) + len(cut_magnitudes)
    assert stars.n == (2 if len(bands) > 1 else 1) + len(cut_magnitudes)
    assert stars.epoch_yr == entry["epoch"]
    assert tuple(stars.bands) == tuple(bands)
    ra, dec = entry.get("probe", (270.0, -30.0))
    assert (stars.ra_deg[0], stars.dec_deg[0]) == pytest.approx((ra, dec))
    for number, band in enumerate(bands):
        mag, err = stars.bands[band]
        assert mag[0] == pytest.approx(15.0 + 0.25 * number)
        if "f_" + band in {cut.column.removesuffix("mag") for cut in columns.bands[band].cuts}:
            assert err[0] == pytest.approx(0.01 * (number + 1))  # UCAC4: hundredths
        elif "err" in entry["bands"][band]:
            assert err[0] == pytest.approx(0.010 + 0.005 * number)
        elif "flux" in entry["bands"][band]:
            assert err[0] == pytest.approx(0.0217, abs=1e-4)  # 2 per cent
        else:
            assert err[0] == entry["default_error"]
    assert (stars.pm_ra_mas_yr is not None) == ("pmra" in entry)
    if "pmra" in entry:
        assert (stars.pm_ra_mas_yr[0], stars.pm_dec_mas_yr[0]) == (12.5, -7.25)
    assert (stars.err_mas is not None, stars.pm_err_mas_yr is not None) == ("errors" in entry, "pm_errors" in entry)
    if "errors" in entry:
        assert (stars.err_mas[0], stars.pm_err_mas_yr[0]) == (30.0, 2.5)
        assert len(bands) == 1 or np.isnan(stars.err_mas[1])
        assert stars.at_epoch(entry["epoch"] - 16.0).err_mas[0] == pytest.approx(50.0)
    if len(bands) > 1:
        assert np.isnan(stars.bands[bands[0]][0][1])
        assert stars.bands[bands[1]][0][1] == pytest.approx(16.75)
    for row, cut in enumerate(cut_magnitudes, start=stars.n - len(cut_magnitudes)):
        # A flag of one filter takes that magnitude, and leaves the others. Filters may share a flag's column.
        assert np.isnan(stars.bands[cut][0][row])
        assert np.isfinite([stars.bands[band][0][row] for band in bands]).sum() == len(bands) - 1


def test_the_flags_as_people_read_them():
    """What the hand-made samples hold for the flags, read by eye: AUA is no H, 0c0 is H beside an artefact."""
    stars, _ = parsed(sample("2MASS"), "2MASS")
    missing = ["".join(band for band in "JHK" if np.isnan(stars.bands[band][0][row])) for row in range(2, stars.n)]
    assert missing == ["H", "H", "K", "K", "J", "J"]
    assert parsed(sample("PS1"), "PS1")[0].n == 2  # Nd = 1, and Qual = 180 = 128 + 32 + 16 + 4, are gone
    assert parsed(sample("SDSS"), "SDSS")[0].n == 2  # so are a galaxy, a secondary, and one that is not clean
    assert parsed(sample("REFCAT2"), "REFCAT2")[0].n == 2  # and rp1 = 1.4 arcsec, and dupvar = 4
    ucac4, _ = parsed(sample("UCAC4"), "UCAC4")
    np.testing.assert_allclose(ucac4.bands["V"][1][:2], [0.04, 0.06])  # 4 and 6 hundredths
    vst, _ = parsed(sample("VSTATLAS"), "VSTATLAS")
    assert vst.bands["u"][0][0] == pytest.approx(15.5)  # the sample calls it Uap3


@pytest.mark.parametrize("name", list(catalogue_data()))
def test_every_filter_that_is_promised_can_be_had(name):
    stars, _ = parsed(sample(name), name)
    assert set(finished(stars).bands) == set(filters(name))


def test_sdss_filters_computed_by_lupton():
    stars = finished(parsed(sample("SDSS"), "SDSS")[0])
    g, i, r = 15.0, 15.25, 15.5
    e_g, e_i, e_r = 0.010, 0.015, 0.020
    mag = {band: pair[0][0] for band, pair in stars.bands.items()}
    err = {band: pair[1][0] for band, pair in stars.bands.items()}
    assert mag["B"] == pytest.approx(g + 0.3130 * (g - r) + 0.2271, abs=1e-6)
    assert mag["V"] == pytest.approx(g - 0.5784 * (g - r) - 0.0038, abs=1e-6)
    assert mag["R"] == pytest.approx(r - 0.2936 * (r - i) - 0.1439, abs=1e-6)
    assert mag["I"] == pytest.approx(r - 1.2444 * (r - i) - 0.3820, abs=1e-6)
    assert err["B"] == pytest.approx(np.sqrt((1.3130 * e_g) ** 2 + (0.3130 * e_r) ** 2 + 0.0107**2), rel=1e-5)
    assert err["I"] == pytest.approx(np.sqrt((0.2444 * e_r) ** 2 + (1.2444 * e_i) ** 2 + 0.0078**2), rel=1e-5)
    assert np.isnan(stars.bands["V"][0][1])  # no g
    assert list(stars.bands)[:9] == ["B", "g", "i", "I", "r", "u", "V", "R", "z"]


def test_saturated_and_ill_measured_magnitudes_are_blanked():
    text = sample("PS1").replace(b">15.000<", b">12.000<").replace(b">0.015<", b">0.450<")
    stars = finished(parsed(text, "PS1")[0])
    assert np.isnan(stars.bands["i"][0][0])
    assert np.isnan(stars.bands["r"][0][0])
    assert np.isfinite(stars.bands["z"][0][0])


# --- the service --------------------------------------------------------------------------------


def source(*answers, **more) -> VizierSource:
    left = list(answers)

    def transport(_query: Query) -> bytes:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return VizierSource(transport=transport, **more)


def test_a_good_answer():
    assert source(sample("PS1")).fetch("PS1", FIELD).n == 2


def test_an_empty_answer_is_believed_only_of_a_service_that_has_stars_elsewhere():
    assert source(EMPTY, sample("APASS")).fetch("APASS", FIELD).n == 0
    with pytest.raises(ReferenceUnavailable, match="wherever it is asked"):
        source(EMPTY, EMPTY).fetch("APASS", FIELD)


@pytest.mark.parametrize(
    "answer",
    [
        b"<html><body>Service temporarily unavailable</body></html>",
        b"",
        b"\x00\x01",
        sample("APASS")[:1500],
        sample("APASS").replace(b'value="OK"', b'value="ERROR"'),
        sample("APASS").replace(b'value="OK"', b'value="OVERFLOW"'),
        sample("USNO"),
        ConnectionError("refused"),
        TimeoutError("slow"),
        OSError("no route"),
    ],
)
def test_every_other_answer_is_unavailable(answer):
    with pytest.raises(ReferenceUnavailable) as caught:
        source(answer).fetch("APASS", FIELD)
    assert "APASS" in caught.value.message


def test_a_table_without_the_columns_is_unavailable():
    with pytest.raises(ReferenceUnavailable, match="MissingReferenceColumn"):
        source(sample("GAIA")).fetch("APASS", FIELD)


def test_the_row_limit_means_cut_off():
    with pytest.raises(ReferenceUnavailable, match="more than 3 stars"):
        source(sample("APASS"), row_limit=3).fetch("APASS", FIELD)


def test_catalogues_from_files_only():
    for name in ("OGLE3", "my own"):
        with pytest.raises(ReferenceUnavailable, match="imported files"):
            source(sample("APASS")).fetch(name, FIELD)


def test_a_server_that_drips_is_left_alone():
    release = threading.Event()

    def transport(_query: Query) -> bytes:
        release.wait(60)
        return sample("APASS")

    slow = VizierSource(transport=transport, deadline_s=0.05)
    try:
        with pytest.raises(ReferenceUnavailable, match="no answer within"):
            slow.fetch("APASS", FIELD)
    finally:
        release.set()


def test_after_failures_in_a_row_nobody_asks_for_a_while():
    now = [0.0]
    asked = []

    def transport(query: Query) -> bytes:
        asked.append(query)
        if now[0] < 100:
            raise ConnectionError("down")
        return sample("APASS")

    breaker = Breaker(failures=2, rest_s=60.0, clock=lambda: now[0])
    tried = VizierSource(transport=transport, breaker=breaker)
    for _ in range(5):
        with pytest.raises(ReferenceUnavailable):
            tried.fetch("APASS", FIELD)
    assert len(asked) == 2
    now[0] = 61.0
    with pytest.raises(ReferenceUnavailable):
        tried.fetch("APASS", FIELD)
    assert len(asked) == 3
    now[0] = 200.0
    assert tried.fetch("APASS", FIELD).n > 0
    assert breaker.resting_s == 0.0


def test_what_is_asked_of_vizier():
    asked = []

    def transport(query: Query) -> bytes:
        asked.append(query)
        return sample("GAIA")

    VizierSource(transport=transport, host="mirror.example", row_limit=77).fetch("GAIA", (285.5, -11.25, 0.4))
    query = asked[0]
    assert query.host == "mirror.example"
    assert query.columns == (
        "RA_ICRS",
        "DE_ICRS",
        "pmRA",
        "pmDE",
        "e_RA_ICRS",
        "e_DE_ICRS",
        "e_pmRA",
        "e_pmDE",
        "Gmag",
        "e_Gmag",
        "BPmag",
        "e_BPmag",
        "RPmag",
        "e_RPmag",
    )
    lines = payload(query).splitlines()
    assert "-source=I/355/gaiadr3" in lines
    assert "-c=285.50000000-11.25000000" in lines
    assert "-c.rd=0.4" in lines
    assert "-out.max=77" in lines
    assert "Gmag=<20.5" in lines


@pytest.mark.parametrize(
    ("name", "line"), [("VSTATLAS", "-out.add=_RAJ2000,_DEJ2000"), ("GaiaSP", "-out.all"), ("2MASS", "-out=RAJ2000,")]
)
def test_where_names_are_uncertain_every_column_is_asked_for(name, line):
    asked = []

    def transport(query: Query) -> bytes:
        asked.append(query)
        return sample(name)

    assert VizierSource(transport=transport).fetch(name, FIELD).n > 0
    lines = payload(asked[0]).splitlines()
    assert any(item.startswith(line) for item in lines)
    assert ("-out.all" in lines) == (name != "2MASS")


def test_astroquery_is_asked_even_without_a_home():
    """An import of astroquery makes a folder in HOME, or dies."""
    code = (
        "from photocal.references.vizier import Query, payload\n"
        f"q = Query(host={DEFAULT_HOST!r}, table='II/336/apass9', columns=('Vmag',), cone=(1.0, 2.0, 0.1),"
        " row_limit=5, timeout_s=1.0)\n"
        "print(payload(q))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HOME": "/dev/null/home"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-source=II/336/apass9" in run.stdout


def test_astroquery_is_imported_only_when_asked():
    code = "import sys, photocal.references; print('astroquery' in sys.modules, 'matplotlib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
