"""Where an exposure was made: coordinates in every spelling, east and west, heights and angles, known sites."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from cpcs.keywords import KEYWORDS
from cpcs.mappings import Rule, angles
from photocal.headers.cards import Card, Header, from_bytes
from photocal.headers.contradictions import MEANINGS, contradictions
from photocal.headers.longitude import said_west
from photocal.headers.site_block import site_block
from photocal.headers.standard import Finding, Given, How, Level
from tests.support.place_headers import codes, found, header, placed

NIGHT_IN_CHILE = 58516.2953  # 2019-02-02, 07:05 UTC


# --- angles ---


@pytest.mark.parametrize(
    ("text", "value", "letter"),
    [
        ("-30:09:54", -30.165, ""),
        ("+70 48 54", 70.815, ""),
        ("31:57.8", 31.963333, ""),
        ("28d45m43.2s", 28.762, ""),
        ("28\u00b045'43\" N", 28.761944, "N"),
        ("W 70 48 54", 70.815, "W"),
        ("30 09 54 S", 30.165, "S"),
        ("N44 15 33", 44.259167, "N"),
        ("4,5404", 4.5404, ""),
        ("-0 30 00", -0.5, ""),
        ("11.5 degrees East", 11.5, "E"),
        ("\u221264.55", -64.55, ""),
        ("1.6657821E+01", 16.657821, ""),
    ],
)
def test_an_angle_is_read_in_any_form(text: str, value: float, letter: str) -> None:
    angle = angles.read(text)
    assert angle is not None
    assert angle.value == pytest.approx(value, abs=1e-6)
    assert angle.letter == letter


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "unknown", "15.04.88", "-70:61:00", "1.5:30", "12 34 56 78", "N", "--5"]
)
def test_what_is_no_angle_is_none(text: str) -> None:
    assert angles.read(text) is None


# --- east and west ---


@pytest.mark.parametrize(
    ("comment", "west"),
    [
        ("Telescope Longitude (degrees west)", True),
        ("[deg] Observatory east longitude", False),
        ("Site Longitude [deg W]", True),
        ("Longitude (degrees E)", False),
        ("[deg +E WGS84] Geodetic longitude", False),
        ("Tel geo longitude (+=East) (deg)", False),
        ("longitude, west is negative", False),
        ("west positive, east negative", True),
        ("degrees (+W)", True),
        ("EAST->NEG WEST->POS", True),
        ("East negative", True),
        ("positive west", True),
        ("+ve W", True),
        ("W+ E-", True),
        ("neg. east / pos. west", True),
        ("+ west, - east", True),
        ("positive values are measured to the West", True),
        ("east-positive", False),
        ("West=- East=+", False),
        ("(+E/-W)", False),
        ("deg - East positive", False),
        ("Longitude - west", True),
        ("Longitude East (-180 to 180)", False),
        ("+/- 180 deg, E", False),
        ("east positive, west positive", None),
        ("East-West position", None),
        ("Longitude of the imaging location", None),
        ("Western Sahara or Eastern Desert", None),
    ],
)
def test_a_comment_says_which_way_a_longitude_grows(comment: str, west: bool | None) -> None:
    assert said_west(comment) is west


def test_a_comment_that_is_right_is_followed_without_a_remark() -> None:
    block = placed(
        "OBSERVAT= 'CTIO'", "LATITUDE= '-30:09:54'", "LONGITUD= '+70:48:54' / Telescope Longitude (degrees west)"
    )
    assert found(block, "LONGITUD").value == pytest.approx(-70.815)
    assert codes(block) == []


def test_a_comment_that_is_wrong_is_contradicted_by_the_named_site() -> None:
    block = placed("OBSERVAT= 'CTIO'", "OBS-LAT = -30.16606", "OBS-LONG= 70.81489 / [deg] Observatory east longitude")
    longitude = found(block, "LONGITUD")
    assert longitude.value == -70.81489
    assert longitude.how is How.GUESSED
    assert "Cerro Tololo" in longitude.why
    assert [(remark.code, remark.level) for remark in block.remarks] == [("LONGITUDE_SIGN", Level.WARNING)]
    assert block.site is not None
    assert block.site.trusted


def test_prism_says_that_west_is_positive() -> None:
    block = placed("SITELAT = '47:12:00'", "SITELONG= '-06:55:26' / EAST->NEG WEST->POS")
    assert found(block, "LONGITUD").value == pytest.approx(6.92389, abs=1e-5)
    assert codes(block) == []


def test_a_known_site_at_the_place_decides_when_nothing_is_named() -> None:
    block = placed("SITELAT = '44:15:33'", "SITELONG= '-11:20:03' / longitude")
    assert found(block, "LONGITUD").value == pytest.approx(11.3342, abs=1e-4)
    assert found(block, "OBSERVAT").value == "Loiano"
    assert codes(block) == ["LONGITUDE_SIGN"]


@pytest.mark.parametrize("longitude", ["339.19", "'339:11:24' / [deg W]", "-20.81", "'20.81 E'", "20.81"])
def test_all_ways_of_counting_lead_to_sutherland(longitude: str) -> None:
    block = placed("OBSERVAT= 'SAAO'", "LATITUDE= -32.376", f"LONGITUD= {longitude}")
    assert found(block, "LONGITUD").value == pytest.approx(20.81, abs=1e-9)


AMATEUR = ("SITELAT = '-33 30 00'", "SITELONG= '70 30 00'")  # in Chile, on the list of no one; west-positive


@pytest.mark.parametrize(
    "sidereal", ["ST      = '11:11:59'", "LST     = 11.1997", "LST     = 40319.0 / [s]", "SIDTIME = 167.9958 / deg"]
)
def test_sidereal_time_decides(sidereal: str) -> None:
    block = placed(*AMATEUR, sidereal, mjd=NIGHT_IN_CHILE)
    assert found(block, "LONGITUD").value == -70.5
    assert "sidereal time" in found(block, "LONGITUD").why
    assert block.site is not None
    assert block.site.trusted


def test_hour_angle_and_altitude_decide() -> None:
    pointing = ("RA      = '12:42:36.38'", "DEC     = '-40:44:43.0'")
    by_hour_angle = placed(*AMATEUR, *pointing, "HA      = '-01:32:46'", mjd=NIGHT_IN_CHILE)
    by_airmass = placed(*AMATEUR, *pointing, "AIRMASS = 1.08", mjd=NIGHT_IN_CHILE)
    for block in (by_hour_angle, by_airmass):
        assert found(block, "LONGITUD").value == -70.5


def test_night_turns_a_bare_positive_number_only() -> None:
    assert found(placed(*AMATEUR, mjd=NIGHT_IN_CHILE), "LONGITUD").value == -70.5
    # 12 h later it is day there and night on the other side: by a clock of local time, a negative longitude stays
    kept = placed(AMATEUR[0], "SITELONG= '-70 30 00'", mjd=NIGHT_IN_CHILE + 0.5)
    assert found(kept, "LONGITUD").value == -70.5
    assert kept.site is not None
    assert not kept.site.trusted


def test_voices_that_disagree_confirm_nothing() -> None:
    """A program computed the sidereal time from a longitude of the wrong sign; the Sun was up there."""
    longitude, mjd = 70.5, NIGHT_IN_CHILE
    block = placed("SITELAT = -33.5", f"SITELONG= {longitude}", "LST     = '20:35:50'", mjd=mjd)
    assert block.site is not None
    assert not block.site.trusted
    assert "although" in found(block, "LONGITUD").why


def test_obsgeo_l_is_east_positive_by_definition() -> None:
    block = placed("OBSGEO-B= 37.3", "OBSGEO-L= -122.0 / [deg]", "OBSGEO-H= 50.0")
    assert found(block, "LONGITUD").value == -122.0
    assert block.site is not None
    assert (block.site.altitude_m, block.site.trusted) == (50.0, True)


def test_without_any_evidence_the_sign_stands_and_is_no_certainty() -> None:
    block = placed("SITELAT = 46.627", "SITELONG= 4.5404")
    assert found(block, "LONGITUD").value == 4.5404
    assert block.site is not None
    assert not block.site.trusted


def test_a_mapping_wins_and_is_told_when_the_site_speaks_against_it() -> None:
    lines = ("OBSERVAT= 'CTIO'", "LATITUDE= -30.16606", "LON     = 70.81489")
    west = Rule(keyword="LONGITUD", source="LON", format="angle deg west")
    right = placed(*lines, LONGITUD=west)
    assert found(right, "LONGITUD").value == -70.81489
    assert found(right, "LONGITUD").how is How.MAPPED
    assert codes(right) == []
    wrong = placed(*lines, LONGITUD=Rule(keyword="LONGITUD", source="LON", format="angle deg"))
    assert found(wrong, "LONGITUD").value == 70.81489
    assert "LONGITUDE_SIGN" in codes(wrong)


def test_a_fixed_site_of_a_mapping() -> None:
    rules = {
        "OBSERVAT": Rule(keyword="OBSERVAT", fixed="LOIANO"),
        "LONGITUD": Rule(keyword="LONGITUD", fixed="11:20:02.7", format="angle dms"),
        "LATITUDE": Rule(keyword="LATITUDE", fixed="44:15:33", format="angle dms"),
        "ALTITUDE": Rule(keyword="ALTITUDE", fixed="0.785", format="float km"),
    }
    block = placed("OBJECT  = 'x'", **rules)
    assert [found(block, key).how for key in rules] == [How.MAPPED] * 4
    assert found(block, "ALTITUDE").value == pytest.approx(785.0)
    assert block.site is not None
    assert (block.site.name, block.site.trusted) == ("LOIANO", True)


def test_a_latitude_on_the_wrong_hemisphere_is_that_of_the_named_site() -> None:
    block = placed("OBSERVAT= 'SAAO'", "LATITUDE= '32:22:46'", "LONGITUD= '20:48:38'")
    assert found(block, "LATITUDE").value == pytest.approx(-32.3794, abs=1e-4)
    assert "LATITUDE_SIGN" in codes(block)


def test_nowhere_is_unknown_and_a_name_helps() -> None:
    nowhere = placed("SITELAT = 0.0", "SITELONG= 0.0")
    assert nowhere.site is None
    assert found(nowhere, "LONGITUD").how is How.MISSING
    named = placed("SITELAT = 0.0", "SITELONG= 0.0", "TELESCOP= 'NOT'")
    assert named.site is not None
    assert not named.site.trusted
    assert named.site.mpc == "950"


def test_geocentric_coordinates() -> None:
    block = placed("OBSGEO-X= 5390276.18", "OBSGEO-Y= -1597870.218", "OBSGEO-Z= 3006982.389")
    assert found(block, "LONGITUD").value == pytest.approx(-16.5117, abs=1e-3)
    assert found(block, "LATITUDE").value == pytest.approx(28.30, abs=2e-3)
    assert found(block, "LONGITUD").how is How.DERIVED


# --- against the observatory's record ---

RECORD = Given(observatory="Loiano", longitude_deg=11.3342, latitude_deg=44.2592, altitude_m=785.0)


def test_the_record_wins_and_a_header_far_from_it_is_told() -> None:
    block = placed("LATITUDE= -30.166", "LONGITUD= -70.815 / deg east", given=RECORD)
    assert (found(block, "LONGITUD").value, found(block, "LONGITUD").how) == (11.3342, How.GIVEN)
    assert found(block, "ALTITUDE").value == 785.0
    assert codes(block) == ["SITE_AGAINST_RECORD"]
    assert "km" in block.remarks[0].message


def test_a_header_with_the_other_sign_than_the_record() -> None:
    block = placed("LATITUDE= 46.2592", "LONGITUD= -9.3342", given=Given(longitude_deg=9.3342, latitude_deg=46.2592))
    assert found(block, "LONGITUD").value == 9.3342
    assert [(remark.code, remark.level) for remark in block.remarks] == [("LONGITUDE_SIGN", Level.WARNING)]


def test_a_header_that_agrees_with_the_record_or_says_nothing_is_quiet() -> None:
    assert codes(placed("LATITUDE= 44.26", "LONGITUD= 11.33", given=RECORD)) == []
    assert codes(placed("OBJECT  = 'x'", given=RECORD)) == []
    assert codes(placed("TELESCOP= 'NOT'", given=RECORD)) == ["SITE_AGAINST_NAME"]


# --- heights and angles ---


@pytest.mark.parametrize(
    ("line", "metres"),
    [
        ("ALTITUDE= 32.0808821 / [deg] Altitude axis position", None),
        ("ALTITUDE= 66.349 / [degree] Altitude ang. of telescope pointing", None),
        ("ALTITUDE= 66.349", None),
        ("ELEVATIO= '60.6' / Telescope elevation in degrees", None),
        ("ALTITUDE= '62:43:22.44'", None),
        ("ALTITUDE= 2332", 2332.0),
        ("ALTITUDE= 45 / [m] above sea level", 45.0),
        ("ALT-OBS = 3.11E+02 / [metres] Altitude above mean sea level", 311.0),
        ("HEIGHT  = 12.0", 12.0),
        ("SITEELEV= '2120    ' / Altitude (meters)", 2120.0),
        ("SITEALT = 2.2 / [km]", 2200.0),
        ("ALTITUDE= '6890 ft'", 2100.072),
        ("ALTITUDE= 23450", None),
    ],
)
def test_heights_are_told_from_angles(line: str, metres: float | None) -> None:
    value = found(placed(line, "SITELAT = -10.0", "SITELONG= 10.0"), "ALTITUDE").value
    assert value == (None if metres is None else pytest.approx(metres))


def test_who_and_what() -> None:
    block = placed(
        "OBSERVER= 'N/A'", "USERID  = 'tim.lister'", "TELESCOP= '  '", "ORIGIN  = 'LCOGT'", "SITEID  = 'tfn'"
    )
    assert found(block, "OBSERVER").value == "tim.lister"
    assert found(block, "TELESCOP").how is How.MISSING
    assert found(block, "ORIGIN").value == "LCOGT"
    assert found(block, "OBSERVAT").value == "tfn"
    assert block.site is not None
    assert block.site.mpc == "954"


# --- nothing may raise ---

_WORDS = st.sampled_from([
    "LATITUDE", "LONGITUD", "ALTITUDE", "SITELAT", "SITELONG", "OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z", "ST", "HA",
    "RA", "DEC", "AIRMASS", "ZD", "TELALT", "OBSERVAT", "TELESCOP", "CRVAL1", "CRVAL2", "CTYPE1", "HEIGHT", "ELEVATIO",
    "SECZ",
])  # fmt: skip
_VALUES = st.one_of(
    st.text(max_size=30),
    st.floats().map(str),
    st.from_regex(r"[+-]?[0-9]{1,3}[:  d][0-9]{1,2}[:  m][0-9]{1,2}(\.[0-9]+)?[NSEWs]?", fullmatch=True),
    st.sampled_from(["RA---TAN", "CTIO", "1e999", "-1e308", "6378137.0", "0", "90", "-90", "180", "360"]),
)
_CARDS = st.lists(
    st.builds(lambda key, value, comment: Card(key=key, value=value.strip(), comment=comment), _WORDS, _VALUES,
              st.sampled_from(["", "deg", "[m]", "degrees west", "hours", "radians", "+E", "km"])),
    max_size=14,
)  # fmt: skip
_MJD = st.one_of(st.none(), st.floats(), st.floats(40000.0, 70000.0))
_NUMBER = st.one_of(st.none(), st.floats(), st.floats(-90.0, 90.0))


@drawn(_CARDS, _MJD, _NUMBER, _NUMBER, _NUMBER)
def test_no_header_makes_it_raise(
    cards: list[Card], mjd: float | None, one: float | None, two: float | None, three: float | None
) -> None:
    drawn_header = Header(cards)
    known = Given(longitude_deg=one, latitude_deg=two, altitude_m=three, target_ra_deg=one, target_dec_deg=two)
    for given in (Given(), known):
        block = site_block(drawn_header, {}, given, mjd=mjd)
        assert [finding.keyword for finding in block.findings] == [
            "OBSERVAT", "OBSERVER", "LONGITUD", "LATITUDE", "ALTITUDE", "TELESCOP", "ORIGIN",
        ]  # fmt: skip
        for finding in block.findings:
            if isinstance(finding.value, float):
                assert KEYWORDS[finding.keyword].holds(finding.value)
        position = {} if one is None or two is None else {"RA": Finding(keyword="RA", value=one, how=How.FOUND)}
        (airmass,), remarks = contradictions(
            position | {"DEC": Finding(keyword="DEC", value=two, how=How.FOUND)}, drawn_header, given, block.site,
            start_mjd=mjd, mid_mjd=three, end_mjd=mjd,
        )  # fmt: skip
        assert airmass.value is None or KEYWORDS["AIRMASS"].holds(float(airmass.value))
        assert {remark.code for remark in (*remarks, *block.remarks)} <= set(MEANINGS)


# --- real headers ---

_NAMED, _WRITTEN = False, True  # coordinates from the table of sites, or from the header with a direction that is sure
REAL: dict[str, tuple[str, float, float, float | None, bool] | None] = {
    "CFHT_MegaPrime_calexp.txt": ("Mauna Kea", -155.4689, 19.8253, 4215.0, _WRITTEN),
    "FLI_clear_no_coords.txt": ("Roque de los Muchachos, La Palma", -17.8792, 28.7603, 2332.0, _WRITTEN),
    "Feder_AspenCG16.txt": ("Paul P. Feder Observatory", -96.4533, 46.8668, 311.8, _WRITTEN),
    "LCO_SBIG_ORAC_M84_V.txt": ("LCOGT node at Siding Spring Observatory", 149.0709, -31.2728, 1165.0, _WRITTEN),
    "M13_Orion_no_telescope_no_filter.txt": None,
    "NTT_SOFI.txt": ("La Silla", -70.7345, -29.2584, 2377.0, _WRITTEN),
    "Subaru_HSC.txt": ("Mauna Kea", -155.4722, 19.8261, 4205.0, _NAMED),
    "Swope_Direct4K.txt": ("LCO", -70.698, -29.083, 2280.0, _WRITTEN),
    "chimera_pole_field.txt": None,
    "ctio13m_andicam_sn2019so__SN2019so_20190201_I_fits_gz.txt": ("CTIO", -70.815, -30.165, 2215.0, _WRITTEN),
    "ctio13m_andicam_sn2019so__SN2019so_20190201_V_fits_gz.txt": ("CTIO", -70.815, -30.165, 2215.0, _WRITTEN),
    "eaba154_eso085-030__aligned_eso085-030-004_fit.txt": ("Bosque Alegre", -64.5489, -31.5967, 1250.0, _WRITTEN),
    "lco04m_kb29__banzai_test_frame_fits_fz.txt": ("LCOGT node at Tenerife", -16.5117, 28.3003, 2390.0, _WRITTEN),
    "lco1m_sinistro_raw_mef__mef_raw_test_frame_fits.txt": (
        "LCOGT node at McDonald Observatory", -104.0152, 30.6798, 2030.0, _WRITTEN,
    ),
    "maximdl_5_23_header.fit": ("Feder", -97.2033, 46.8667, None, _WRITTEN),
    "maximdl_6_16_header.fit": ("Feder", -97.2033, 46.8667, None, _WRITTEN),
    "midas_MIDAS_tst0012_mixed_extensions.txt": None,
    "midas_Palomar_DSS.txt": ("Palomar", -116.8633, 33.4067, 1712.0, _WRITTEN),
    "midas_UKSchmidt_DSS.txt": ("Siding Spring", 149.0617, -31.2733, 1165.0, _WRITTEN),
    "midas_VLT_ISAAC.txt": ("Paranal", -70.4051, -24.6276, 2648.0, _WRITTEN),
    "midas_VLT_VIMOS.txt": ("Paranal", -70.4048, -24.6279, 2681.0, _WRITTEN),
    "midas_VLT_VISIR.txt": ("Paranal", -70.4027, -24.6251, 2648.0, _WRITTEN),
    "midas_cube3D_nocdelt.txt": None,
    "ntt_emmi_1992__image_fits.txt": ("La Silla", -70.7337, -29.2588, 2440.0, _NAMED),
    "panoptes_dslr__solved_fits_fz.txt": ("Mauna Loa", -155.58, 19.54, 3400.0, _WRITTEN),
    "panoptes_dslr__unsolved_fits.txt": ("Mauna Loa", -155.58, 19.54, 3400.0, _WRITTEN),
    "saao1m_ste3__a8280271_fits.txt": ("SAAO Sutherland", 20.8108, -32.3756, 1798.0, _NAMED),
    "sbig_6inch_pleiades__HD23642_20200222_0050u_fit.txt": ("", 4.5405, 46.6272, None, _WRITTEN),
    "small_cutouts__cfht_megaprime_r_fits.txt": ("Mauna Kea", -155.4689, 19.8253, 4205.0, _WRITTEN),
    "small_cutouts__decam_c4d_171113_060340_ooi_r_fits.txt": ("CTIO", -70.8149, -30.1661, 2215.0, _WRITTEN),
    "small_cutouts__k4m_160319_075112_ooi_zd_ls9_CCD3_fits.txt": ("KPNO", -111.6, 31.9633, 2120.0, _WRITTEN),
    "small_cutouts__kmtnet_saao_V_fits.txt": ("SAAO", 20.8106, -32.3783, 1800.0, _WRITTEN),
    "small_cutouts__ksb_170430_055945_ooi_r_ls9_CCD4_fits.txt": ("Steward", -111.6, 31.98, 2120.0, _WRITTEN),
    "small_cutouts__ksb_180313_081856_ooi_g_ls9_CCD4_fits.txt": ("Steward", -111.6, 31.98, 2120.0, _WRITTEN),
    "small_cutouts__sdss_frame-r-001000-1-0100_fits_bz2.txt": ("Apache Point", -105.8206, 32.7805, 2788.0, _NAMED),
}  # fmt: skip


def real_header(path: Path) -> Header:
    if path.suffix != ".txt":
        return from_bytes(path.read_bytes())
    return header(*(line for line in path.read_text("latin-1").splitlines() if not line.startswith("####")))


@pytest.mark.realdata
def test_every_real_header_has_its_site_and_its_direction(realdata: Path) -> None:
    """The sky is asked only once: the one amateur's header whose longitude nothing else confirms."""
    paths = sorted(path for path in (realdata / "headers").iterdir() if path.is_file())
    assert {path.name for path in paths} == set(REAL)
    for path in paths:
        block = site_block(real_header(path), {}, Given(), mjd=58901.8208 if "HD23642" in path.name else None)
        expected, site = REAL[path.name], block.site
        if expected is None or site is None:
            assert site is None, path.name
            assert expected is None, path.name
            continue
        name, longitude, latitude, altitude, written = expected
        assert site.name == name, path.name
        assert site.longitude_deg == pytest.approx(longitude, abs=6e-5), path.name
        assert site.latitude_deg == pytest.approx(latitude, abs=6e-5), path.name
        assert site.altitude_m == (None if altitude is None else pytest.approx(altitude, abs=0.5)), path.name
        assert site.trusted is written, path.name


@pytest.mark.realdata
def test_the_direction_of_real_longitudes_that_are_wrong_or_bare(realdata: Path) -> None:
    folder = realdata / "images" / "microobservatory_hatp32"
    block = site_block(from_bytes((folder / "HATP-32171220045112.FITS").read_bytes()[:28800]), {}, Given(), mjd=None)
    assert block.site is not None
    assert block.site.longitude_deg == -110.88
    decam = (realdata / "headers" / "yaml" / "fitsheader-decam.yaml").read_text("utf-8")
    rows = re.findall(r"^- \[([A-Z0-9-]+), \w+, '?([^,']*)'?, '?([^']*)'?\]$", decam, re.MULTILINE)
    block = site_block(
        Header(Card(key=key, value=value, comment=comment) for key, value, comment in rows), {}, Given(), mjd=None
    )
    assert block.site is not None
    assert block.site.longitude_deg == -70.81489
