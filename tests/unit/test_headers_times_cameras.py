"""Headers of cameras and observatories as they write them, and their times."""

from __future__ import annotations

import datetime as dt

import pytest

from photocal.headers.cards import Header, card
from photocal.headers.instants import day_of
from photocal.headers.standard import Given
from photocal.headers.time_block import time_block
from tests.support.time_headers import block, codes, finding, start

# --- whole headers ---

HEADERS: list[tuple[str, str, str, float | None, set[str]]] = [
    ("MaxIm DL", """
     DATE-OBS= '2013-10-16T06:46:34' /YYYY-MM-DDThh:mm:ss observation start, UT
     EXPTIME =   90.000000000000000 /Exposure time in seconds
     JD      =   2456581.7823379631 /Julian Date at start of exposure
     JD-HELIO=   2456581.7844859632 /Heliocentric Julian Date at exposure midpoint""",
     "2013-10-16T06:46:34.000", 90.0, set()),
    ("N.I.N.A.", """
     DATE-LOC= '2019-11-19T20:41:48.288' / Time of observation (local)
     DATE-OBS= '2019-11-19T19:41:48.288' / Time of observation (UTC)
     EXPOSURE= 120 / [s] Exposure duration""",
     "2019-11-19T19:41:48.288", 120.0, set()),
    ("N.I.N.A. without quotes", """
     DATE-LOC= 2019-11-19T20:41:48.288 / Time of observation (local)
     DATE-OBS= 2019-11-19T19:41:48.288 / Time of observation (UTC)
     EXPOSURE= 120 / [s] Exposure duration""",
     "2019-11-19T19:41:48.288", 120.0, set()),
    ("PRISM", """
     DATE-OBS= '2022-07-26T01:35:23.232000' /UT date of Observation
     UT      = '01:35:23.23 ' /UT begining of observation
     EXPOSURE= 120.00000 /Exposure time seconds""",
     "2022-07-26T01:35:23.232", 120.0, set()),
    ("TheSkyX", """
     DATE-OBS= '2015-12-09T02:03:35.000'
     LOCALTIM= '12/8/2015 10:03:35.000 PM DST'
     TIME-OBS= '02:03:35.000'
     EXPTIME = 3.000000000000E+001""",
     "2015-12-09T02:03:35.000", 30.0, set()),
    ("ASICAP", """
     DATE-OBS= '2021-05-06T20:21:22.333'
     EXPOINUS= 30000000 / Exposure time in us""",
     "2021-05-06T20:21:22.333", 30.0, set()),
    ("Loiano, 2002", """
     DATE-OBS= '26/07/102'
     UT      = 23.4567
     EXPTIME = 600""",
     "2002-07-26T23:27:24.120", 600.0, set()),
    ("MIDAS, an MJD that is JD - 2400000", """
     DATE-OBS= '26/10/92'           / MIDAS desc.: O_TIME(1)
     MJD-OBS =   4.892162787000E+04 / MIDAS desc.: O_TIME(4)
     TM-START=   1.104800000000E+04 / MIDAS desc.: O_TIME(5)
     EXPTIME =   1.200000000000E+03 / MIDAS desc.: O_TIME(7)""",
     "1992-10-26T03:04:08.000", 1200.0, {"JD_IN_OTHER_FORM"}),
    ("ESO, UTC in seconds", """
     DATE-OBS= '2006-04-13T06:32:38.9441'    / Date of observation
     MJD-OBS =       53838.27267296          / MJD start (2006-04-13T06:32:38.944)
     UTC     =            23558.000          / 06:32:38.000 UTC
     EXPTIME =               4.0000          / Total integration time
     HIERARCH ESO DET DIT         =    4.0000000 / Integration Time
     HIERARCH ESO DET NDIT        =           25 / # of Sub-Integrations""",
     "2006-04-13T06:32:38.944", 4.0, {"EXPOSURE_OF_COADDS"}),
    ("SAAO, integer MJD", """
     DATE-OBS= '2013-07-13'                 / UT date
     UT      = '00:57:33'                   / UT at Exposure start
     EXPTIME =              150.040         / integration time in secs
     MJD-OBS =              56486.0""",
     "2013-07-13T00:57:33.000", 150.04, set()),
    ("Las Campanas", """
     TIMEZONE=                    4
     UT-DATE = '2022-09-25'                 / UT date (start)
     UT-TIME = '03:26:46'                   / UT time (start) 12406 seconds
     UT-END  = '03:26:56'                   / UT time (end) 12416 seconds
     LC-TIME = '00:26:46'                   / local time (start) 1606 seconds
     EXPTIME =               10.000         / exposure time""",
     "2022-09-25T03:26:46.000", 10.0, set()),
    ("Subaru", """
     TIMESYS = 'UTC     '           / Time System used in the header
     DATE-OBS= '2014-03-28'         / Observation start date  (yyyy-mm-dd)
     UT-STR  = '06:56:41.946'       / HH:MM:SS.S UTC at the start exposure time
     MJD-STR =    56744.28937437199 / [d] Mod.Julian Date at the start of exposure
     UT-END  = '07:01:15.117'       / HH:MM:SS.S UTC at the end of the exposure
     HST-STR = '20:56:41.946'       / HST at the start
     EXPTIME =                270.0 / Exposure time""",
     "2014-03-28T06:56:41.946", 270.0, set()),
    ("ZTF", """
     SHUTOPEN= '2018-05-01T05:30:18.123'
     SHUTCLSD= '2018-05-01T05:30:48.130'
     OBSMJD  = 58239.2293764
     UTC-OBS = '2018-05-01T05:30:18.123'
     EXPOSURE= 30.0""",
     "2018-05-01T05:30:18.123", 30.0, set()),
    ("SDSS, TAI", """
     TAI     =        4445991495.33 / 1st row - Number of seconds since Nov 17 1858
     DATE-OBS= '1999-10-07'         / 1st row - TAI date
     TAIHMS  = '05:38:15.32'        / 1st row - TAI time (HH:MM:SS.SS) (TAI-UT = appr
     TIMESYS = 'TAI     '
     EXPTIME = '53.907456'          / Exposure time (seconds)""",
     "1999-10-07T05:37:43.320", 53.907456, {"TIME_SCALE_CONVERTED"}),
    ("Rubin, TAI", """
     TIMESYS = 'TAI'
     DATE-BEG= '2024-11-05T05:00:37.000'
     DATE-END= '2024-11-05T05:01:07.000'
     MJD-BEG = 60619.2087615741
     EXPTIME = 30.""",
     "2024-11-05T05:00:00.000", 30.0, {"TIME_SCALE_CONVERTED"}),
    ("TESS, TIMESYS for other cards", """
     TIMESYS = 'TDB'
     DATE-OBS= '2019-03-01T10:20:30.000Z' / UTC of the start
     EXPOSURE= 1800. / [s]""",
     "2019-03-01T10:20:30.000", 1800.0, set()),
    ("MicroObservatory, zone in the value", """
     DATE-OBS= '2017-12-19T21:51:12.700-0700' / Start date & time of observation, LT
     UT-OBS  = '2017-12-20T04:51:12.700-0000' / Universal Time at start of obs.
     MJD-OBS = 58107.202 / Modified Julian Date (MJD) at start of observation
     EXPTIME = 060.00 / Exposure time in Seconds""",
     "2017-12-20T04:51:12.700", 60.0, {"LOCAL_TIME"}),
    ("EROS, middle", """
     DATE-OBS= '1998-02-03' / UT date
     TU-START= '02:03:00'
     TU-END  = '02:08:00'
     TM-EXPOS= 300.""",
     "1998-02-03T02:03:00.000", 300.0, set()),
    ("UKIRT, decimal hours", """
     DATE-OBS= '2005-06-07'
     UTSTART = 12.34567
     EXP_TIME= 20.""",
     "2005-06-07T12:20:44.412", 20.0, set()),
    ("NOT, midnight for a date", """
     DATE-OBS= '2014-07-01T00:00:00'
     UT      = 2.51289 / TCS UTC (decimal hours)
     DATE-AVG= '2014-07-01T02:31:16.4' / Midpoint of observation
     EXPTIME = 60.""",
     "2014-07-01T02:30:46.404", 60.0, set()),
    ("AstroImageJ", """
     DATE-OBS= '2020-02-22T19:41:54' / [ISO 8601] UTC date/time of exposure start
     JD_SOBS = 2458902.320763889 / Julian Date at start of exposure
     JD_UTC  = 2458902.321284722 / Julian Date (UTC) at mid-exposure
     BJD_TDB = 2458902.321777873 / Barycentric JD (TDB) at mid-exposure
     DATE    = '22/02/20'           / [old format] UTC date of exposure start
     EXPTIME = 90.""",
     "2020-02-22T19:41:54.000", 90.0, set()),
    ("Siril, a stack", """
     DATE-OBS= '2022-01-02T20:00:00'
     EXPSTART= 2459582.33333333
     EXPEND  = 2459582.35416667
     STACKCNT= 20
     LIVETIME= 1200.
     EXPTIME = 60.""",
     "2022-01-02T20:00:00.000", 60.0, {"EXPOSURE_STACKED"}),
    ("Palomar, day of the year", """
     UTC     = '2005:245:10:22:33.2'
     EXPTIME = 60.""",
     "2005-09-02T10:22:33.200", 60.0, set()),
    ("unix seconds", """
     UNIXTIME= 1500000000.5 / start
     EXPTIME = 10.""",
     "2017-07-14T02:40:00.500", 10.0, set()),
    ("a slash without quotes", """
     DATE-OBS= 26/10/92
     UT      = '03:04:08'
     EXPTIME = 10.""",
     "1992-10-26T03:04:08.000", 10.0, set()),
    ("the file's date only", """
     DATE    = '2019-03-02T03:12:00' / file written
     UT      = '03:10:00'
     EXPTIME = 60""",
     "2019-03-02T03:10:00.000", 60.0, {"FILE_DATE_USED"}),
    ("leap second", """
     DATE-OBS= '2016-12-31T23:59:60.5'
     EXPTIME = 1.""",
     "2017-01-01T00:00:00.500", 1.0, set()),
    ("GPS", """
     DATE-OBS= '2020-01-01T00:00:18'
     TIMESYS = 'GPS'
     EXPTIME = 10.""",
     "2020-01-01T00:00:00.000", 10.0, {"TIME_SCALE_CONVERTED"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected", "exposure", "remarks"), [row[1:] for row in HEADERS], ids=[r[0] for r in HEADERS]
)
def test_headers_of_cameras(text: str, expected: str, exposure: float, remarks: set[str]) -> None:
    found = block(text)
    assert start(found) == expected
    assert finding(found, "EXPTIME").value == pytest.approx(exposure)
    assert codes(found) == remarks
    assert found.start_mjd is not None
    day = day_of(dt.date.fromisoformat(expected[:10]))
    hours, minutes, seconds = expected[11:].split(":")
    assert found.start_mjd == pytest.approx(
        day + (int(hours) + int(minutes) / 60 + float(seconds) / 3600) / 24, abs=1e-8
    )


def test_coadds_move_the_middle() -> None:
    text = "DATE-OBS= '2018-06-27T07:48:44'\nEXPTIME = 15.\nHIERARCH ESO DET DIT = 15.\nHIERARCH ESO DET NDIT = 5"
    found = block(text)
    assert found.mid_mjd == pytest.approx((found.start_mjd or 0) + 37.5 / 86400, abs=1e-10)


def test_a_stack_has_its_middle_between_start_and_end() -> None:
    found = block(next(text for name, text, *_ in HEADERS if name == "Siril, a stack"))
    assert found.mid_mjd == pytest.approx((found.start_mjd or 0) + 900 / 86400, abs=1e-7)


# --- real headers ---

REAL: dict[str, tuple[str, float, float]] = {
    "ntt_emmi_1992__image_fits.txt": ("1992-10-26T03:04:08.000", 1200.0, 48921.134814815),
    "saao1m_ste3__a8280271_fits.txt": ("2013-07-13T00:57:33.000", 150.04, 56486.040833565),
    "midas_UKSchmidt_DSS.txt": ("1988-04-15T18:42:00.000", 240.0, 47266.780555556),
    "midas_Palomar_DSS.txt": ("1951-12-01T04:25:00.000", 3000.0, 33981.201388889),
    "midas_cube3D_nocdelt.txt": ("2000-12-03T11:35:40.160", 1200.0, 51881.490048148),
    "Subaru_HSC.txt": ("2014-03-28T06:56:41.946", 270.0, 56744.290936875),
    "small_cutouts__kmtnet_saao_V_fits.txt": ("2018-04-13T21:30:26.000", 60.0, 58221.896481510),
    "small_cutouts__ksb_180313_081856_ooi_g_ls9_CCD4_fits.txt": ("2018-03-13T08:18:56.867", 102.845, 58190.347086684),
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_real_headers(realdata, name: str) -> None:
    lines = (realdata / "headers" / name).read_text("latin-1").splitlines()
    found = time_block(Header(one for line in lines if (one := card(line)) is not None), {}, Given())
    expected, exposure, mid = REAL[name]
    assert start(found) == expected
    assert finding(found, "EXPTIME").value == pytest.approx(exposure)
    assert found.mid_mjd == pytest.approx(mid, abs=2e-9)
