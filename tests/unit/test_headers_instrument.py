"""What headers say of camera, filter and scale, in every convention that is known."""

from __future__ import annotations

import pytest

from photocal.headers.standard import Given, How, Level, StandardHeader
from photocal.headers.understand import standardise
from tests.support.headers import header_of

WCS = ("CTYPE1 = 'RA---TAN'", "CTYPE2 = 'DEC--TAN'", "CRVAL1 = 150.0", "CRVAL2 = 20.0", "CRPIX1 = 500", "CRPIX2 = 500")


def understood(*lines: str, **given: object) -> StandardHeader:
    return standardise(header_of(*lines), given=Given(**given))


def codes(standard: StandardHeader) -> dict[str, Level]:
    return {remark.code: remark.level for remark in standard.remarks}


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("GAIN = 1.9 / e-/ADU",), 1.9),
        (("GAIN = '1.22'",), 1.22),
        (("GAIN = '1,22'",), 1.22),
        (("GAIN = '2.0 e-/ADU'",), 2.0),
        (("GAIN = 0.5 / ADU/e-",), 2.0),
        (("GAIN = 0.25 / [ADU/electron] gain",), 4.0),
        (("CCDGAIN = 2.79 / CCD inverse gain e/ADU",), 2.79),
        (("GAIN = 139 / Sensor gain", "EGAIN = 0.96 / [e-/ADU] Electrons per A/D unit"), 0.96),
        (("GAIN = 0 / unknown", "EGAIN = 1.04 / electrons/DU"), 1.04),
        (("GAINA = 4.0", "GAINB = 3.0"), 3.5),
        (("GAIN1 = '1.5' / Conversion gain (e-", "GAIN2 = '1.7'"), 1.6),
        (
            (
                "ESO DET OUT1 GAIN = 0.5 / Conversion from electrons to ADU",
                "ESO DET OUT1 CONAD = 2.0 / from ADU to electrons",
            ),
            2.0,
        ),
        (("ESO DET OUT1 GAIN = 0.5 / Conversion from electrons to ADU",), 2.0),
        (("CVF = 1.003 / [e-/ADU] Electrons per A/D unit", "GAIN = 100 / Sensor gain"), 1.003),
        (("GAIN = 1.0 / [electrons/count]", "OFFSET = 10"), 1.0),
        (("GAIN = 1", "EGAIN = 0.27", "INSTRUME = 'Atik'"), 0.27),
        (("GAIN = 1", "EMGAIN = 300", "SENSITIV = 1.4"), 1.4),
        (("ESCALE = 1.6",), 1.6),
        (("GTGAIN11 = 2.0", "GTGAIN12 = 2.2"), 2.1),
    ],
)
def test_gain_is_electrons_for_each_count(lines: tuple[str, ...], value: float) -> None:
    assert understood(*lines).number("GAIN") == pytest.approx(value)


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (("GAIN = 139",), "setting"),
        (("GAIN = 5 / Sensor gain",), "setting"),
        (("GAIN = 0", "INSTRUME = 'ZWO ASI1600MM Pro'"), "unknown"),
        (("GAIN = 10", "INSTRUME = 'ZWO ASI1600MM Pro'"), "setting"),
        (("GAIN = 2", "OFFSET = 30"), "setting"),
        (("GAIN = 'HIGH'",), "no number"),
        (("ISOSPEED = 800",), "setting"),
        (("GAIN = -1",), "unknown"),
        (("GAIN = NaN",), "no number"),
        ((), "does not say"),
    ],
)
def test_a_setting_of_the_camera_is_no_gain(lines: tuple[str, ...], word: str) -> None:
    finding = understood("EXPTIME = 1", *lines).finding("GAIN")
    assert finding.how is How.MISSING
    assert word in finding.why


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("SATURATE = 65535", "MAXLIN = 60000"), 60000.0),
        (("SATURATE = 65535", "MAXLIN = 0", "MAXLINA = 62000", "MAXLINB = 63000"), 62000.0),
        (("SATURATE = 46000", "MAXLIN = 72680"), 46000.0),
        (("SATURATE = 46000", "MAXLIN = 0.0"), 46000.0),
    ],
)
def test_saturated_is_where_a_chip_is_no_longer_linear(lines: tuple[str, ...], value: float) -> None:
    assert understood(*lines).number("SATURATE") == value


def test_read_noise_and_saturation() -> None:
    standard = understood("RON = 4.2", "MAXLIN = 0 / unknown", "SATURATE = 0", "SATLEVEL = 58000")
    assert (standard.number("RDNOISE"), standard.number("SATURATE")) == (4.2, 58000.0)
    assert standard.finding("RDNOISE").how is How.GUESSED
    amplifiers = understood("RDNOISEA = 5", "RDNOISEB = 7", "SATURATA = 43266", "SATURATB = 43000")
    assert (amplifiers.number("RDNOISE"), amplifiers.number("SATURATE")) == (6.0, 43000.0)
    assert understood("DATAMAX = 13950 / Maximum data value").number("SATURATE") is None
    assert understood("DATAMAX = 60000 / maximum good data").number("SATURATE") == 60000.0


@pytest.mark.parametrize(
    ("bitpix", "bzero", "value"),
    [("16", "32768", 65535.0), ("16", "0", 32767.0), ("8", "0", 255.0), ("-32", "0", None)],
)
def test_saturation_from_what_the_file_can_hold(bitpix: str, bzero: str, value: float | None) -> None:
    finding = understood(f"BITPIX = {bitpix}", f"BZERO = {bzero}", "NAXIS = 2").finding("SATURATE")
    assert finding.value == value
    assert finding.how is (How.MISSING if value is None else How.DERIVED)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("XBINNING = 2", "YBINNING = 3"), "2x3"),
        (("CCDSUM = '2 2'",), "2x2"),
        (("BINNING = '1x1'",), "1x1"),
        (("BINNING = 4",), "4x4"),
        (("BINNING = '2,2'",), "2x2"),
        (("BIN = 'Bin 2'",), "2x2"),
        (("CCDXBIN = 2", "CCDYBIN = 2"), "2x2"),
        (("LTM1_1 = 0.5", "LTM2_2 = 0.5"), "2x2"),
        (("CTYPE1 = 'PIXEL'", "CTYPE2 = 'PIXEL'", "CDELT1 = 2.0", "CDELT2 = 2.0"), "2x2"),
        (("LTM1_1 = 5e-324", "LTM2_2 = 5e-324"), ""),
        (("BINNING = 'none'",), ""),
        (("XBINNING = 0", "YBINNING = 0"), ""),
        (("CCDSUM = '99 99'",), ""),
    ],
)
def test_binning(lines: tuple[str, ...], value: str) -> None:
    assert understood(*lines).text("BIN") == value


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("PIXSCALE = 0.467 / [arcsec/pixel]",), 0.467),
        (("SECPIX1 = -0.4", "SECPIX2 = 0.4"), 0.4),
        (("PIXSCALE = 0.0001 / degrees per pixel",), 0.36),
        (("SCALE = 0.01 / arcmin/pixel",), 0.6),
        (("PIXSCALE = 0.4 / unbinned", "XBINNING = 2", "YBINNING = 2"), 0.8),
        (("PLTSCALE = 67.2 / Plate Scale arcsec per mm", "XPIXELSZ = 25.0", "YPIXELSZ = 25.0"), 1.68),
        (
            ("XPIXSZ = 9.0 / (after binning)", "YPIXSZ = 9.0", "FOCALLEN = 2000.0", "XBINNING = 2", "YBINNING = 2"),
            0.928192,
        ),
        (("XPIXSZ = 9.0", "YPIXSZ = 9.0", "FOCALLEN = 2.0 / [m]"), 0.928192),
        (("PIXSIZE1 = 4.5", "PIXSIZE2 = 4.5", "XBINNING = 2", "YBINNING = 2", "FOCALLEN = 2000"), 0.928192),
        (("CCDXPIXE = 0.0000090", "CCDYPIXE = 0.0000090 / [m]", "FOCALLEN = 2000"), 0.928192),
        (
            ("PIXSCALE = 0.464", "XPIXSZ = 9.0", "YPIXSZ = 9.0", "FOCALLEN = 2000", "XBINNING = 2", "YBINNING = 2"),
            0.928,
        ),
    ],
)
def test_scale_without_a_coordinate_system(lines: tuple[str, ...], value: float) -> None:
    standard = understood(*lines)
    assert standard.number("CDELTA1") == pytest.approx(value, rel=1e-5)
    assert standard.number("CDELTA2") == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(
    ("lines", "scale", "orientation"),
    [
        (("CD1_1 = -1e-4", "CD1_2 = 0", "CD2_1 = 0", "CD2_2 = 1e-4"), 0.36, 0.0),
        (("CDELT1 = -1e-4", "CDELT2 = 1e-4"), 0.36, 0.0),
        (("CDELT1 = -1e-4", "CDELT2 = 1e-4", "CROTA2 = 30.0"), 0.36, -30.0),
        (("CDELT1 = -1e-4", "CDELT2 = 1e-4", "PC1_1 = 0", "PC1_2 = -1", "PC2_1 = 1", "PC2_2 = 0"), 0.36, 90.0),
        (("CDELT1 = 1.0", "CDELT2 = 1.0", "PC1_1 = -1e-4", "PC2_2 = -1e-4"), 0.36, 180.0),
        (("CDELT1 = -0.36", "CDELT2 = 0.36", "CUNIT1 = 'arcsec'", "CUNIT2 = 'arcsec'"), 0.36, 0.0),
        (
            (
                "CDELT1 = -1e-4",
                "CDELT2 = 1e-4",
                "PC001001 = 0.8",
                "PC001002 = 0.6",
                "PC002001 = -0.6",
                "PC002002 = 0.8",
            ),
            0.36,
            -36.8699,
        ),
    ],
)
def test_scale_and_orientation_of_a_coordinate_system(lines: tuple[str, ...], scale: float, orientation: float) -> None:
    axes = ("CRVAL1 = 0.0", "CRVAL2 = 0.0") if "CUNIT1" in " ".join(lines) else WCS[2:4]
    standard = understood(*WCS[:2], *axes, *WCS[4:], *lines)
    assert standard.number("CDELTA1") == pytest.approx(scale)
    assert standard.number("CDELTA2") == pytest.approx(scale)
    assert abs(standard.number("ORIENTAT") or 0.0) == pytest.approx(abs(orientation), abs=1e-4)
    assert standard.finding("CDELTA1").how is How.DERIVED


def test_a_scale_that_the_coordinate_system_contradicts() -> None:
    lines = (*WCS, "CDELT1 = -1e-4", "CDELT2 = 1e-4")
    assert "SCALE_AGAINST_WCS" not in codes(understood(*lines, "PIXSCALE = 0.37"))
    assert codes(understood(*lines, "PIXSCALE = 0.72"))["SCALE_AGAINST_WCS"] is Level.WARNING
    assert understood(*lines, "PIXSCALE = 0.72").number("CDELTA1") == pytest.approx(0.36)


def test_pixels_of_the_binned_size() -> None:
    bare = understood("PIXSIZE1 = 13.5", "PIXSIZE2 = 13.5", "CCDSUM = '2 2'")
    assert (bare.number("PIXSIZE1"), bare.finding("PIXSIZE1").how) == (27.0, How.DERIVED)
    binned = understood(
        "XPIXSZ = 27.0 / Pixel Width in microns (after binning)", "YPIXSZ = 27.0", "XBINNING = 3", "YBINNING = 3"
    )
    assert binned.number("PIXSIZE2") == 27.0


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("IMAGETYP = 'Light Frame'", "object"), ("IMAGETYP = 'LIGHT'", "object"), ("OBSTYPE = 'EXPOSE'", "object"),
        ("EXPTYPE = 'Object'", "object"), ("FRAME = 'Light'", "object"), ("PICTTYPE = 1", "object"),
        ("IMAGETYP = 'science'", "object"), ("ESO DPR TYPE = 'STD,FLUX'", "object"), ("DATA-TYP = 'OBJECT'", "object"),
        ("IMAGETYP = 'Flat Field'", "flat"), ("IMAGETYP = 'SKYFLAT'", "flat"), ("OBSTYPE = 'dome flat'", "flat"),
        ("ESO DPR TYPE = 'FLAT,SKY'", "flat"), ("IMAGETYP = 'Dark Frame'", "dark"), ("PICTTYPE = 2", "dark"),
        ("IMAGETYP = 'zero'", "bias"), ("IMAGETYP = 'Bias Frame'", "bias"), ("OBSTYPE = 'ARC'", "arc"),
        ("FRAME = 100", ""), ("DATATYPE = 'INTEGER*2'", ""), ("IMAGETYP = 'gibberish'", "gibberish"),
    ],
)  # fmt: skip
def test_kind_of_frame(line: str, value: str) -> None:
    standard = understood(line, "EXPTIME = 10")
    assert standard.text("OBSTYPE") == value
    assert ("NOT_A_LIGHT_FRAME" in codes(standard)) == (value in {"flat", "dark", "bias", "arc"})


@pytest.mark.parametrize(
    "said",
    ["Dark subtracted", "dark-corrected", "flat-fielded", "Bias Subtracted", "reduced (bias,dark,flat)", "bias,dark"],
)
def test_what_was_done_to_a_frame_is_not_what_it_is(said: str) -> None:
    assert "NOT_A_LIGHT_FRAME" not in codes(understood(f"IMAGETYP = '{said}'", "EXPTIME = 10"))


@pytest.mark.parametrize(
    "said",
    ["DARKFLAT", "DarkFlat", "Flat Dark", "dark flat frame", "Master Dark", "masterflat", "domeflat", "OsirisSkyFlat"],
)
def test_frames_for_calibration_by_their_longer_names(said: str) -> None:
    assert codes(understood(f"IMAGETYP = '{said}'"))["NOT_A_LIGHT_FRAME"] is Level.REFUSAL


def test_a_target_called_flat_is_a_warning_only() -> None:
    for name in ("flat", "skyflat R", "Dome Flat", "bias"):
        assert codes(understood(f"OBJECT = '{name}'"))["NOT_A_LIGHT_FRAME"] is Level.WARNING
    for name in ("Flaming Star", "dark nebula", "Arcturus", "Barnard's dark cloud"):
        assert "NOT_A_LIGHT_FRAME" not in codes(understood(f"OBJECT = '{name}'"))
    assert codes(understood("IMAGETYP = 'DARK'"))["NOT_A_LIGHT_FRAME"] is Level.REFUSAL
    assert "NOT_A_LIGHT_FRAME" not in codes(understood("OBJECT = 'flat'", "IMAGETYP = 'light'"))


ESO_WHEELS = (
    "ESO INS FILT1 NAME = 'open'", "ESO INS FILT1 TYPE = 'FREE'",
    "ESO INS FILT2 NAME = 'NB_2.25'", "ESO INS FILT2 TYPE = 'FILTER'",
)  # fmt: skip
ESO_OPTICS = (
    "ESO INS OPTI-2 NAME = 'RILD'", "ESO INS OPTI-2 TYPE = 'MIRROR'",
    "ESO INS OPTI-7 NAME = 'R'", "ESO INS OPTI-7 TYPE = 'FILTER'",
)  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("FILTER = 'V'",), "V"),
        (("FILTER = 'r DECam SDSS c0002 6415.0 1480.0'",), "r DECam SDSS c0002 6415.0 1480.0"),
        (("FILTER1 = 'air'", "FILTER2 = 'rp'", "FILTER3 = 'air'", "FILTER = 'rp'"), "rp"),
        (("FILTER1 = 'Open'", "FILTER2 = 'B'"), "B"),
        (("FILTER1 = 'V'", "FILTER2 = 'ND1'"), "V + ND1"),
        (("FILTER = 'Clear'", "FILTER2 = 'R'"), "R"),
        (("FILTER = '2 1'", "FILTNAM = 'I'"), "I"),
        (("INSFLNAM = 'V#641'",), "V#641"),
        (("WFFBAND = 'r'", "WFFPOS = 4"), "r"),
        (("ALFLTNM = 'Open'", "FAFLTNM = 'R_Bes 650_130'", "FBFLTNM = 'Open'"), "R_Bes 650_130"),
        (("CCDFLTID = 'I'", "CCDFILT = 0"), "I"),
        (ESO_WHEELS, "NB_2.25"),
        (ESO_OPTICS, "R"),
        (("FILTER01 = 'HSC-z'",), "HSC-z"),
        (("FILTER = 'Clear'",), "Clear"),
        (("FILTER = 'RGGB'",), "RGGB"),
        (("BAYERPAT = 'GRBG'",), "GRBG"),
        (("BAYERPAT = 'rggb'", "FILTER = 'L-eXtreme'"), "RGGB"),
        (("BAYERPAT = 'RGGB'", "FILTER = 'V'"), "V"),
        (("FILTER = 'UNKNOWN'",), ""),
        (("FILTER = 48",), "48"),
    ],
)  # fmt: skip
def test_the_filter_of_names_wheels_and_patterns(lines: tuple[str, ...], value: str) -> None:
    assert understood("EXPTIME = 1", *lines).text("FILTER") == value


def test_a_position_is_kept_and_said() -> None:
    for line in ("FILTERS = 48", "FILTER = '2 1'", "FILTPOS = 3"):
        standard = understood("EXPTIME = 1", line)
        assert codes(standard)["FILTER_IS_A_POSITION"] is Level.WARNING
        assert standard.finding("FILTER").how is How.GUESSED
    assert "FILTER_IS_A_POSITION" not in codes(understood("FILTER = 'V'", "FILTPOS = 3"))
    assert codes(understood("FILTER = 'NB_2.25'"))["FILTER_NOT_UNDERSTOOD"] is Level.NOTE


def test_the_form_names_the_filter_where_the_header_does_not() -> None:
    assert understood("FILTER = 48", filter="V").finding("FILTER").how is How.GIVEN
    assert understood("FILTER = 'B'", filter="V").text("FILTER") == "B"


def test_sizes_of_plain_and_packed_images() -> None:
    packed = understood(
        "XTENSION = 'BINTABLE'", "ZIMAGE = T", "NAXIS1 = 8", "NAXIS2 = 99", "ZNAXIS1 = 200", "ZNAXIS2 = 99"
    )
    assert (packed.number("NAXIS1"), packed.finding("NAXIS1").how) == (200, How.FOUND)
    assert understood("XTENSION = 'BINTABLE'", "NAXIS1 = 8", "NAXIS2 = 99").number("NAXIS1") is None
    assert understood("NAXIS1 = 999999999", "NAXIS2 = -5").number("NAXIS1") is None


def test_read_out_time_in_milliseconds() -> None:
    assert understood("READTIME = 2500 / [ms] readout").number("READTIME") == 2.5
    assert understood("READTIME = 2.5 / s").number("READTIME") == 2.5


NINA = """
BITPIX = 16
BZERO = 32768
NAXIS = 2
IMAGETYP = 'LIGHT' / Type of exposure
XBINNING = 1 / X axis binning factor
YBINNING = 1 / Y axis binning factor
GAIN = 120 / Sensor gain
OFFSET = 30 / Sensor gain offset
EGAIN = 1.00224268436432 / [e-/ADU] Electrons per A/D unit
XPIXSZ = 4.63 / [um] Pixel X axis size
YPIXSZ = 4.63 / [um] Pixel Y axis size
INSTRUME = 'ZWO ASI294MC Pro'
BAYERPAT = 'RGGB' / Sensor Bayer pattern
FOCALLEN = 456 / [mm] Focal length
OBJCTRA = '00 00 00' / [H M S] RA of imaged object
OBJCTDEC = '+00 00 00' / [D M S] Declination of imaged object
RA = 84.07 / [deg] RA of telescope
DEC = -5.38 / [deg] Declination of telescope
EQUINOX = 2000.0
SWCREATE = 'N.I.N.A. 1.10.2.90'
"""
SHARPCAP = """
RA = 187.3498863705 / Epoch : JNOW
DEC = 12.8925716003 / Epoch : JNOW
XPIXSZ = 2.4 / microns, includes binning if any
YPIXSZ = 2.4 / microns, includes binning if any
XBINNING = 2
YBINNING = 2
FOCALLEN = 312.5
COLORTYP = 'RGB'
INSTRUME = 'ZWO ASI183MC Pro'
RDNOISE = 1.7 / Read noise in electrons
GAIN = 5
EQUINOX = 9.87654321E+107
"""
DWARF = """
BINNING = '2*2' / n*n pixels add together
GAIN = 110 / Sub Gain
RA = 10.5 / [h] Observe object RA coordinate (J2000)
DEC = 20.0 / [deg] Observe object DEC coordinate (J2000)
"""
RATCAM = """
GAIN = 2.796 / [electrons/count] calibrated
READNOIS = 7.0 / [electrons/pixel]
EPERDN = 2.796 / [electrons/count]
CCDXBIN = 2 / [pixels] X binning factor
CCDYBIN = 2 / [pixels] Y binning factor
CCDXPIXE = 0.0000135 / [m] Size of pixels, in X:13.5um
CCDYPIXE = 0.0000135 / [m] Size of pixels, in Y:13.5um
CCDSCALE = 0.27837 / [arcsec/binned pixel] Scale of binned image
FILTER1 = 'SDSS-R'
FILTER2 = 'clear'
OBSTYPE = 'EXPOSE'
RA = '09:45:10.866'
DEC = '+17:45:48.17'
"""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            NINA,
            {
                "GAIN": 1.00224,
                "FILTER": "RGGB",
                "CDELTA1": 2.09427,
                "RA": 84.07,
                "SATURATE": 65535.0,
                "OBSTYPE": "object",
            },
        ),
        (
            SHARPCAP,
            {"GAIN": None, "CDELTA1": 1.58411, "PIXSIZE1": 2.4, "RDNOISE": 1.7, "FILTER": None, "EQUINOX": None},
        ),
        (DWARF, {"GAIN": None, "BIN": "2x2", "RA": 157.5, "DEC": 20.0}),
        (
            RATCAM,
            {"GAIN": 2.796, "RDNOISE": 7.0, "CDELTA1": 0.27837, "PIXSIZE1": 27.0, "FILTER": "SDSS-R", "RA": 146.295275},
        ),
    ],
    ids=["nina", "sharpcap", "dwarf", "ratcam"],
)
def test_whole_headers_of_programs(lines: str, expected: dict[str, object]) -> None:
    standard = understood(*lines.splitlines())
    for keyword, value in expected.items():
        found = standard.finding(keyword).value
        assert found == (pytest.approx(value, rel=1e-4) if isinstance(value, float) else value), keyword
