"""The sky of a place: sidereal time, Sun and Moon against published examples and astropy; and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers

from cpcs.mappings import Rule
from photocal.headers import ephemeris
from photocal.headers.cards import Header, card
from photocal.headers.contradictions import MEANINGS, contradictions
from photocal.headers.site_block import site_block
from photocal.headers.sites import Site
from photocal.headers.standard import Finding, Given, How, Level, Remark
from tests.unit.test_headers_places import real_header

# --- published examples (Meeus, Astronomical Algorithms, 2nd ed.) ---


def test_sidereal_time_of_greenwich() -> None:
    """Examples 12.a and 12.b: 1987 April 10, 0h and 19h21m UT."""
    assert ephemeris.gmst_deg(46895.0) / 15.0 == pytest.approx(13 + 10 / 60 + 46.3668 / 3600, abs=1e-7)
    assert ephemeris.gmst_deg(46895.0 + 19.35 / 24) / 15.0 == pytest.approx(8 + 34 / 60 + 57.0896 / 3600, abs=1e-7)


def test_altitude_and_azimuth() -> None:
    """Example 13.b: Venus from Washington; the azimuth there counts from the south, and nutation is left out here."""
    altitude, azimuth = ephemeris.horizontal(347.3193375, -6.719892, 46895.80625, -77.065556, 38.921389)
    assert altitude == pytest.approx(15.1249, abs=0.002)
    assert azimuth == pytest.approx(68.0337 + 180.0, abs=0.002)


def test_precession() -> None:
    """Example 21.b: theta Persei, with its proper motion, from J2000 to 2028 November 13.19."""
    ra, dec = ephemeris.of_date(41.054063, 49.227750, 62088.19 + 0.0)
    assert ra == pytest.approx(41.547214, abs=1e-5)
    assert dec == pytest.approx(49.348483, abs=1e-5)


def test_the_sun() -> None:
    """Example 25.a: 1992 October 13, 0h TD; with the nutation, 0.0045 deg, that is left out here."""
    found = ephemeris.sun(48908.0 - ephemeris.TT_MINUS_UTC_D)
    assert found.ra_deg == pytest.approx(198.38083 - 0.0045, abs=0.001)
    assert found.dec_deg == pytest.approx(-7.78507 + 0.0018, abs=0.001)
    assert found.distance_km / ephemeris.AU_KM == pytest.approx(0.99766, abs=1e-5)


def test_the_moon_from_the_centre_of_the_earth() -> None:
    """Example 47.a: 1992 April 12, 0h TD; and 48.a, the lit share of the disc."""
    longitude, latitude, distance = ephemeris._moon_from_the_centre((48724.0 - 51544.5) / 36525.0)
    assert longitude % 360.0 == pytest.approx(133.162655, abs=0.01)
    assert latitude == pytest.approx(-3.229126, abs=0.005)
    assert distance == pytest.approx(368409.7, abs=60.0)
    assert ephemeris.moon(48724.0, 0.0, 0.0).lit == pytest.approx(0.6786, abs=0.01)


def test_airmass() -> None:
    """The secant high in the sky; at the horizon the 31.7 of Young (1994)."""
    for altitude in (89.0, 60.0, 40.0, 30.0):
        secant = 1.0 / np.sin(np.radians(altitude))
        assert ephemeris.airmass(altitude) == pytest.approx(secant, rel=0.005)
    assert ephemeris.airmass(0.0) == pytest.approx(31.73, abs=0.01)
    assert ephemeris.airmass(-0.1) is None
    assert ephemeris.airmass(float("nan")) is None
    for value in (1.001, 1.5, 3.0, 10.0, 30.0):
        altitude_back = ephemeris.altitude_of_airmass(value)
        assert altitude_back is not None
        assert ephemeris.airmass(altitude_back) == pytest.approx(value, rel=1e-6)
    assert ephemeris.altitude_of_airmass(0.0) is None
    assert ephemeris.altitude_of_airmass(40.0) is None


# --- astropy ---


@pytest.fixture(scope="module")
def offline() -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


def _largest_arcmin(mine: list[tuple[float, float]], theirs: SkyCoord) -> tuple[float, float]:
    """Return the largest difference in altitude, and on the sky."""
    altitude, azimuth = np.array(mine).T
    apart = SkyCoord(azimuth * u.deg, altitude * u.deg).separation(SkyCoord(theirs.az, theirs.alt))
    return float(np.max(np.abs(altitude - theirs.alt.deg)) * 60), float(np.max(apart.arcmin))


@pytest.mark.usefixtures("offline")
def test_the_sky_is_that_of_astropy() -> None:
    rng = np.random.default_rng(4)
    count = 200
    mjd, longitude = rng.uniform(47892, 60600, count), rng.uniform(-180, 180, count)
    latitude, dec = (np.degrees(np.arcsin(rng.uniform(-1, 1, count))) for _ in range(2))
    ra = rng.uniform(0, 360, count)
    time = Time(mjd, format="mjd", scale="utc")
    place = EarthLocation.from_geodetic(longitude * u.deg, latitude * u.deg)
    frame = AltAz(obstime=time, location=place)
    where = list(zip(mjd, longitude, latitude, strict=True))

    stars = [ephemeris.horizontal(*ephemeris.of_date(a, d, w[0]), *w) for a, d, w in zip(ra, dec, where, strict=True)]
    assert max(_largest_arcmin(stars, SkyCoord(ra * u.deg, dec * u.deg).transform_to(frame))) < 0.6

    suns = [ephemeris.sun(w[0]) for w in where]
    moons = [ephemeris.moon(*w) for w in where]
    for name, mine, allowed in (("sun", suns, 0.9), ("moon", moons, 1.5)):
        there = get_body(name, time, place, ephemeris="builtin")
        seen = [ephemeris.horizontal(b.ra_deg, b.dec_deg, *w) for b, w in zip(mine, where, strict=True)]
        assert max(_largest_arcmin(seen, there.transform_to(frame))) < allowed

    sun, moon = (get_body(name, time, place, ephemeris="builtin") for name in ("sun", "moon"))
    elongation = sun.separation(moon)
    phase = np.arctan2(sun.distance * np.sin(elongation), moon.distance - sun.distance * np.cos(elongation))
    lit = (1 + np.cos(phase)) / 2
    assert np.max(np.abs(lit.value - [body.lit for body in moons])) < 0.001


# --- what cannot be ---

SITE = Site(name="CTIO", longitude_deg=-70.815, latitude_deg=-30.165, altitude_m=2215.0, trusted=True)
GUESSED_SITE = Site(name="CTIO", longitude_deg=-70.815, latitude_deg=-30.165, altitude_m=2215.0)
NIGHT = 58516.2963  # 2019-02-02, 07:06 UTC, mid-exposure
TARGET = (190.6516, -40.7453)  # at airmass 1.08 then


def judged(
    *images: str,
    mjd: float | None = NIGHT,
    site: Site | None = SITE,
    target: tuple[float, float] | None = TARGET,
    how: How = How.FOUND,
    known: Given | None = None,
    **others: str | float,
) -> tuple[Finding, dict[str, Remark]]:
    findings = {key: Finding(keyword=key, value=value, how=How.FOUND) for key, value in others.items()}
    if target is not None:
        findings |= {
            key: Finding(keyword=key, value=value, how=how) for key, value in zip(("RA", "DEC"), target, strict=True)
        }
    half = 80.0 / 86400.0
    (airmass,), remarks = contradictions(
        findings, Header(found for found in map(card, images) if found is not None), known or Given(), site,
        start_mjd=None if mjd is None else mjd - half, mid_mjd=mjd, end_mjd=None if mjd is None else mjd + half,
    )  # fmt: skip
    assert {remark.code for remark in remarks} <= set(MEANINGS)
    return airmass, {remark.code: remark for remark in remarks}


def test_a_good_exposure_is_quiet_and_gets_its_airmass() -> None:
    airmass, remarks = judged()
    assert remarks == {}
    assert airmass.how is How.DERIVED
    assert airmass.value == pytest.approx(1.08, abs=0.01)


def test_the_header_has_its_own_airmass() -> None:
    airmass, remarks = judged("AIRMASS = 1.08")
    assert (airmass.value, airmass.how, remarks) == (1.08, How.FOUND, {})
    airmass, _ = judged("SECZ    = 1.08")
    assert airmass.how is How.GUESSED
    airmass, _ = judged("ZD      = 22.3", site=None)
    assert airmass.how is How.DERIVED
    assert airmass.value == pytest.approx(1.081, abs=0.002)
    airmass, _ = judged("AIRMASS = 0.0", site=None, target=None)
    assert airmass.how is How.MISSING


def test_an_airmass_of_local_time_is_told_with_the_hours() -> None:
    """04:06 of Chilean summer time, written as if it were UTC."""
    airmass, remarks = judged("AIRMASS = 1.08", mjd=NIGHT - 3 / 24)
    assert airmass.value == 1.08
    remark = remarks["AIRMASS_AGAINST_SKY"]
    assert remark.level is Level.WARNING
    assert "a time 3 h later (as if the header's time were local) would agree" in remark.message


def test_an_airmass_of_the_other_longitude_is_told() -> None:
    mirrored = Site(name="", longitude_deg=70.815, latitude_deg=-30.165, trusted=False)
    _, remarks = judged("AIRMASS = 1.08", site=mirrored)
    assert "the longitude -70.815 would agree" in remarks["AIRMASS_AGAINST_SKY"].message


def test_a_target_under_the_horizon_is_refused_only_without_guesses() -> None:
    north = (190.0, 75.0)
    assert judged(target=north)[1]["TARGET_BELOW_HORIZON"].level is Level.REFUSAL
    assert judged(target=north, how=How.GUESSED)[1]["TARGET_BELOW_HORIZON"].level is Level.WARNING
    assert judged(target=north, site=GUESSED_SITE)[1]["TARGET_BELOW_HORIZON"].level is Level.WARNING
    assert "TARGET_BELOW_HORIZON" not in judged(target=north, OBSTYPE="dark")[1]
    event = Given(target_ra_deg=190.0, target_dec_deg=75.0)
    assert judged(target=None, known=event)[1]["TARGET_BELOW_HORIZON"].level is Level.REFUSAL


def test_a_guessed_pointing_that_is_the_event_s_is_no_guess() -> None:
    north = (190.0, 75.0)
    event = Given(target_ra_deg=190.5, target_dec_deg=75.2)
    assert judged(target=north, how=How.GUESSED, known=event)[1]["TARGET_BELOW_HORIZON"].level is Level.REFUSAL


def test_the_mapping_s_airmass() -> None:
    images = Header(found for found in map(card, ("AM      = '1.23'", "AIRMASS = 9.9")) if found is not None)
    (airmass,), _ = contradictions(
        {}, images, Given(), None, start_mjd=None, mid_mjd=None, end_mjd=None,
        rules={"AIRMASS": Rule(keyword="AIRMASS", source="AM", format="float")},
    )  # fmt: skip
    assert (airmass.value, airmass.how) == (1.23, How.MAPPED)


def test_the_sun_is_up() -> None:
    noon = NIGHT + 10 / 24
    refused = judged(mjd=noon)[1]["SUN_UP"]
    assert refused.level is Level.REFUSAL
    assert "+7" in refused.message  # altitude, deg
    assert judged(mjd=noon, how=How.GUESSED)[1]["SUN_UP"].level is Level.REFUSAL
    assert judged(mjd=noon, target=None)[1]["SUN_UP"].level is Level.REFUSAL
    assert judged(mjd=noon, site=GUESSED_SITE)[1]["SUN_UP"].level is Level.WARNING
    clock = Finding(keyword="TIME-OBS", value="17:06:00", how=How.GUESSED)
    _, remarks = contradictions(
        {"TIME-OBS": clock}, Header(()), Given(), SITE, start_mjd=noon, mid_mjd=noon, end_mjd=noon
    )
    assert {remark.code: remark.level for remark in remarks} == {"SUN_UP": Level.WARNING}
    assert judged(mjd=noon, OBSTYPE="Flat Field")[1] == {}


def test_twilight_is_a_note() -> None:
    assert judged(mjd=NIGHT + 2.4 / 24)[1]["TWILIGHT"].level is Level.NOTE


def test_the_moon() -> None:
    full = 58504.2  # 2019-01-21, 04:48 UTC: full, and eclipsed
    moon = ephemeris.moon(full, SITE.longitude_deg, SITE.latitude_deg)
    assert judged(mjd=full, target=(moon.ra_deg, moon.dec_deg + 8.0))[1]["MOON_BRIGHT"].level is Level.WARNING
    far = judged(mjd=full, target=(moon.ra_deg, -50.0))[1]["MOON_BRIGHT"]
    assert far.level is Level.NOTE
    assert "100% lit" in far.message


def test_sidereal_time() -> None:
    assert judged("ST      = '11:10:49'")[1] == {}
    wrong = judged("ST      = '14:10:49'")[1]["LST_AGAINST_TIME"]
    assert wrong.level is Level.WARNING
    assert "+2.9" in wrong.message
    assert "3 h later" in wrong.message
    assert judged("ST      = '14:10:49'", "LST     = '11:10:49'")[1]["LST_AGAINST_TIME"].level is Level.NOTE


def test_target_and_pointing() -> None:
    field = {"NAXIS1": 1000, "NAXIS2": 1000, "CDELTA1": 0.4, "CDELTA2": 0.4}  # 0.16 deg across

    def off(degrees: float, how: How = How.FOUND) -> dict[str, Remark]:
        event = Given(target_ra_deg=TARGET[0], target_dec_deg=TARGET[1] + degrees)
        return judged(known=event, how=how, **field)[1]

    assert off(0.07) == {}
    assert off(0.2) == {}  # a mount's pointing
    assert off(0.4)["TARGET_AGAINST_POINTING"].level is Level.WARNING
    assert off(6.0)["TARGET_AGAINST_POINTING"].level is Level.REFUSAL
    assert off(6.0, How.GUESSED)["TARGET_AGAINST_POINTING"].level is Level.WARNING
    assert "6.00 deg" in off(6.0)["TARGET_AGAINST_POINTING"].message


def test_what_is_unknown_or_impossible_is_left_alone() -> None:
    for airmass, remarks in (
        judged(mjd=None), judged(site=None), judged(target=None), judged(mjd=float("nan")), judged(mjd=1e300),
        judged(target=(400.0, float("nan"))),
    ):  # fmt: skip
        assert remarks == {}
        assert airmass.how is How.MISSING


# --- real headers ---

TIMES = {
    "CFHT_MegaPrime_calexp.txt": 53888.38019,
    "Feder_AspenCG16.txt": 58353.24698,
    "LCO_SBIG_ORAC_M84_V.txt": 57072.58062,
    "NTT_SOFI.txt": 58296.32552,
    "Subaru_HSC.txt": 56744.28937,
    "Swope_Direct4K.txt": 59847.14359,
    "ctio13m_andicam_sn2019so__SN2019so_20190201_V_fits_gz.txt": 58516.30010,
    "lco04m_kb29__banzai_test_frame_fits_fz.txt": 57564.88615,
    "lco1m_sinistro_raw_mef__mef_raw_test_frame_fits.txt": 59495.08001,
    "maximdl_5_23_header.fit": 56581.28234,
    "midas_VLT_VISIR.txt": 53278.13737,
    "panoptes_dslr__solved_fits_fz.txt": 57640.34345,
    "saao1m_ste3__a8280271_fits.txt": 56486.03997,
    "sbig_6inch_pleiades__HD23642_20200222_0050u_fit.txt": 58901.82076,
    "small_cutouts__cfht_megaprime_r_fits.txt": 56391.40011,
    "small_cutouts__decam_c4d_171113_060340_ooi_r_fits.txt": 58070.25255,
    "small_cutouts__k4m_160319_075112_ooi_zd_ls9_CCD3_fits.txt": 57466.32722,
    "small_cutouts__kmtnet_saao_V_fits.txt": 58221.89613,
    "small_cutouts__ksb_170430_055945_ooi_r_ls9_CCD4_fits.txt": 57873.24984,
}
"""Start of the exposure, MJD (UTC), from each header's own date and time, by hand."""


@pytest.mark.realdata
@pytest.mark.parametrize("name", TIMES)
def test_a_real_exposure_was_made_by_night_at_the_airmass_it_says(name: str, realdata: Path) -> None:
    from photocal.headers import evidence

    header = real_header(realdata / "headers" / name)
    block = site_block(header, {}, Given(), mjd=TIMES[name])
    assert block.site is not None
    position = evidence.position(header)
    coordinates = zip(("RA", "DEC"), position or (), strict=position is not None)
    findings = {key: Finding(keyword=key, value=value, how=How.FOUND) for key, value in coordinates}
    (airmass,), remarks = contradictions(
        findings, header, Given(), block.site, start_mjd=TIMES[name], mid_mjd=None, end_mjd=None
    )
    assert airmass.value is not None
    told = {remark.code for remark in remarks if remark.level is not Level.NOTE}
    assert told == set()
