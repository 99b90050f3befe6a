"""Images whose structure holds: pixels in which there is nothing, and headers that cannot be."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from .blocks import SHORT, SIDE, floats, image_file, sky, written
from .case import Case, Door, Group

NOTHING = "IMAGE_BLANK IMAGE_MOSTLY_BLANK IMAGE_CONSTANT IMAGE_SATURATED"


def cases() -> Iterator[Case]:
    yield from good()
    yield from pixels()
    yield from scaling()
    yield from headers()


def good() -> Iterator[Case]:
    group = Group("good images", Door.IMAGE)
    data = sky()
    for kind in (">i2", ">i4", ">i8", ">f4", ">f8", "u1"):
        values = np.clip(data / 90, 0, 255) if kind == "u1" else data
        bits = {">i2": 16, ">i4": 32, ">i8": 64, ">f4": -32, ">f8": -64, "u1": 8}[kind]
        yield group.accept(kind, image_file(("BITPIX", bits), pixels=values.astype(kind)))
    unsigned = (data.astype(np.int32) - 32768).astype(SHORT)
    yield group.accept("unsigned", image_file(("BZERO", 32768), ("BSCALE", 1), pixels=unsigned))
    yield group.accept("BLANK", image_file(("BLANK", 1000)))
    yield group.accept("some NaN", floats(np.where(data > 1020, data, np.where(data > 985, data, np.nan))))
    yield group.accept("an extension", written(fits.PrimaryHDU(), fits.ImageHDU(data, name="SCI")))
    yield group.accept("image, mask and table", written(
        fits.PrimaryHDU(data), fits.ImageHDU(data.astype(np.uint8), name="MASK"),
        fits.BinTableHDU.from_columns([fits.Column("X", "E", array=[1.0])]),
    ))  # fmt: skip
    yield group.accept("three axes, the last of 1", image_file(("NAXIS", 3), ("NAXIS3", 1)))
    yield group.accept("four axes", image_file(("NAXIS", 4), ("NAXIS3", 1), ("NAXIS4", 1)))
    yield group.accept("Bayer", image_file(more=[b"BAYERPAT= 'RGGB'"]))
    colours = np.stack([data, data * 1.1, data * 0.9]).astype(">f4")
    rgb = image_file(
        ("BITPIX", -32), ("NAXIS", 3), ("NAXIS3", 3), pixels=colours, more=[b"PROGRAM = 'Siril'", b"CTYPE3  = 'RGB'"]
    )
    yield group.accept("three colours", rgb)
    yield group.accept("overscan", image_file(more=[b"BIASSEC = '[61:64,1:64]'", b"DATASEC = '[1:60,1:64]'"]))
    yield group.accept("256 MB of floats in 13 MB", _largest, huge=True)
    wide: NDArray[np.float32] = np.tile(data, (1, 20))
    yield group.accept("1280 by 64", floats(wide))


def _largest() -> bytes:
    """Return 8000 x 8000 floats, gzipped: as much as may be unpacked, and three times that to work with."""
    rows = np.where(np.random.default_rng(5).random((40, 8000)) < 0.1, 1001, 1000).astype(">f4")
    return gzip.compress(
        image_file(("BITPIX", -32), ("NAXIS1", 8000), ("NAXIS2", 8000), pixels=np.tile(rows, (200, 1))), 1
    )


def pixels() -> Iterator[Case]:
    group = Group("pixels", Door.IMAGE)
    full = np.ones((SIDE, SIDE))
    for what, value in (
        ("NaN", np.nan),
        ("inf", np.inf),
        ("-inf", -np.inf),
        ("0", 0.0),
        ("1e38", 1e38),
        ("65535", 65535.0),
    ):
        yield group.reject(f"all {what}", floats(full * value), NOTHING)
    yield group.reject("all 32767", image_file(pixels=np.full((SIDE, SIDE), 32767, SHORT)), NOTHING)
    yield group.reject("all -32768", image_file(pixels=np.full((SIDE, SIDE), -32768, SHORT)), NOTHING)
    yield group.reject("all BLANK", image_file(("BLANK", 7), pixels=np.full((SIDE, SIDE), 7, SHORT)), NOTHING)
    yield group.reject(
        "all the same but for one", floats(np.where(np.arange(SIDE * SIDE).reshape(SIDE, SIDE) == 9, 7, full)), NOTHING
    )
    one = np.full((SIDE, SIDE), np.nan)
    one[3, 3] = 1.0
    yield group.reject("all NaN but for one", floats(one), NOTHING)
    saturated = np.where(sky() > 990, 65535, sky())
    yield group.reject("most at the ceiling", floats(saturated), NOTHING)
    board = np.indices((SIDE, SIDE)).sum(axis=0) % 2
    yield group.either("a checkerboard", floats(board * 1000.0))
    yield group.either("a checkerboard of NaN", floats(np.where(board, sky(), np.nan)))
    yield group.either("stripes", floats(np.tile(np.arange(SIDE) * 1.0, (SIDE, 1))))
    yield group.either("a step", floats(np.where(np.arange(SIDE) > 31, 1.0, 0.0) * full))
    yield group.either("negative", floats(-sky()))
    yield group.either("noise of all bits", image_file(("BITPIX", -32), pixels=_bits()))
    yield group.either("denormal", floats(sky() * 1e-42))
    yield group.either(
        "1e300, as doubles", image_file(("BITPIX", -64), pixels=(sky().astype(np.float64) * 1e300).astype(">f8"))
    )
    yield group.either("infinite here and there", floats(np.where(board & (sky() > 1005), np.inf, sky())))
    yield group.either(
        "ends of 64 bits", image_file(("BITPIX", 64), pixels=np.where(board, 2**63 - 1, -(2**63)).astype(">i8"))
    )


def _bits() -> bytes:
    return np.random.default_rng(3).integers(0, 256, SIDE * SIDE * 4, dtype=np.uint8).tobytes()


def scaling() -> Iterator[Case]:
    group = Group("BSCALE", Door.IMAGE)
    codes = f"BROKEN_FITS {NOTHING}"
    for key in ("BSCALE", "BZERO"):
        for value in ("1E400", "-1E400", "NaN", "inf", "'x'", "1,5", "(1,2)"):
            yield group.reject(f"{key} {value}", image_file((key, value)), codes)
        yield group.either(f"{key} 1E308", image_file((key, "1E308")))
        yield group.either(f"{key} undefined", image_file((key, "")))
    yield group.reject("BSCALE 0", image_file(("BSCALE", 0)), codes)
    yield group.either("BSCALE -1", image_file(("BSCALE", -1)))
    yield group.either("BSCALE 1E-320", image_file(("BSCALE", "1E-320")))
    yield group.accept("BSCALE 1.5D0", image_file(("BSCALE", "1.5D0")))
    for value in ("'x'", "1.5", "NaN", "9" * 30, "-99999999", "1E400", ""):
        yield group.accept(f"BLANK {value}", image_file(("BLANK", value)))


# What a header says of the sky, the time and the camera. Reading the pixels does not depend on it; understanding it
# must end in findings and remarks, and whatever reads the WCS must not meet what brings its C code down.
WCS = {
    "CTYPE1": "'RA---TAN'", "CTYPE2": "'DEC--TAN'", "CRVAL1": 120.0, "CRVAL2": 20.0, "CRPIX1": 32.5, "CRPIX2": 32.5,
    "CD1_1": -2e-4, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 2e-4,
}  # fmt: skip
TIME = {"DATE-OBS": "'2019-06-12T21:03:04.5'", "EXPTIME": 60.0, "FILTER": "'R'", "TELESCOP": "'1.52m'"}
ODD: dict[str, dict[str, object]] = {
    "as it should be": {},
    "CD singular": {"CD1_1": 1e-4, "CD1_2": 1e-4, "CD2_1": 1e-4, "CD2_2": 1e-4},
    "CD zero": {"CD1_1": 0, "CD2_2": 0},
    "CD NaN": {"CD1_1": "NaN"},
    "CD infinite": {"CD2_2": "inf"},
    "CD 1e400": {"CD1_1": "1E400"},
    "CD 1e-300": {"CD1_1": "1E-300", "CD2_2": "1E-300"},
    "CD text": {"CD1_1": "'x'"},
    "CDELT zero": {"CDELT1": 0, "CDELT2": 0},
    "RA 400": {"CRVAL1": 400.0, "RA": "'400.0'"},
    "Dec 95": {"CRVAL2": 95.0, "DEC": "'+95:00:00'"},
    "CRVAL NaN": {"CRVAL1": "NaN"},
    "CRVAL 1e400": {"CRVAL1": "1E400", "CRVAL2": "-1E400"},
    "CRVAL text": {"CRVAL1": "'here'"},
    "CRPIX 1e300": {"CRPIX1": "1E300", "CRPIX2": "-1E300"},
    "CRPIX NaN": {"CRPIX1": "NaN"},
    "CTYPE nonsense": {"CTYPE1": "'RA---XYZ'", "CTYPE2": "'DEC--XYZ'"},
    "CTYPE of energy": {"CTYPE1": "'FREQ'", "CTYPE2": "'STOKES'"},
    "CTYPE twice RA": {"CTYPE2": "'RA---TAN'"},
    "CTYPE a number": {"CTYPE1": 7},
    "CTYPE long": {"CTYPE1": "'" + "A" * 65 + "'"},
    "-TAB": {"CTYPE1": "'RA---TAB'", "CTYPE2": "'DEC--TAB'", "PS1_0": "'NONE'", "PS1_1": "'X'", "PV1_3": 99},
    "-TAB of a spectrum": {"CTYPE1": "'WAVE-TAB'", "PS1_0": "'WCS-TABLE'", "PS1_1": "'COORDS'", "PV1_1": 10**9},
    "CPDIS": {"CPDIS1": "'LOOKUP'", "DP1": "'EXTVER: 1'", "CPDIS2": "'LOOKUP'", "DP2": "'NAXES: 999999999'"},
    "CQDIS": {"CQDIS1": "'Polynomial'", "DQ1": "'NAXES: 2147483647'"},
    "DQ of TPD": {"CQDIS1": "'TPD'", "DQ1.NAXES": 2, "DQ1": "'TPD.FWD.99999: 1'"},
    "D2IM": {"D2IMDIS1": "'LOOKUP'", "D2IM1": "'EXTVER: 7'"},
    "SIP of order 99": {"CTYPE1": "'RA---TAN-SIP'", "CTYPE2": "'DEC--TAN-SIP'", "A_ORDER": 99, "B_ORDER": 99},
    "SIP of order 2^31": {"CTYPE1": "'RA---TAN-SIP'", "A_ORDER": 2**31, "B_ORDER": 2**31},
    "SIP of order -1": {"CTYPE1": "'RA---TAN-SIP'", "A_ORDER": -1, "B_ORDER": -1},
    "SIP of NaN": {"A_ORDER": 2, "A_2_0": "NaN", "B_ORDER": 2, "B_0_2": "1E400"},
    "SIP on one side": {"A_ORDER": 3, "A_3_0": 1e-9},
    "PV to 999": {f"PV1_{i}": "1E30" for i in (0, 39, 99, 999)},
    "WCSAXES 99": {"WCSAXES": 99},
    "WCSAXES -1": {"WCSAXES": -1},
    "WCSAXES 2^31": {"WCSAXES": 2**31 - 1},
    "CROTA 1e400": {"CROTA2": "1E400"},
    "LONPOLE NaN": {"LONPOLE": "NaN", "LATPOLE": "1E400"},
    "EQUINOX -1": {"EQUINOX": -1, "RADESYS": "'FK5'"},
    "EQUINOX text": {"EQUINOX": "'J2000.0 or so'", "RADESYS": "'MARS'"},
    "all of TNX": {"WAT1_001": "'wtype=tnx axtype=ra lngcor = \"3. 99. 99. 2. " + "1e9 " * 9 + "\"'"},
    "EXPTIME negative": {"EXPTIME": -60},
    "EXPTIME text": {"EXPTIME": "'sixty'"},
    "EXPTIME 1e400": {"EXPTIME": "1E400"},
    "EXPTIME NaN": {"EXPTIME": "NaN"},
    "EXPTIME 0": {"EXPTIME": 0},
    "EXPTIME of a code": {"EXPTIME": "'{0.__class__}'"},
    "31 February": {"DATE-OBS": "'2019-02-31T21:00:00'"},
    "month 13": {"DATE-OBS": "'2019-13-01'"},
    "hour 25": {"DATE-OBS": "'2019-06-12T25:61:61'"},
    "leap second": {"DATE-OBS": "'2016-12-31T23:59:60.5'"},
    "year 0": {"DATE-OBS": "'0000-00-00T00:00:00'"},
    "year 99999": {"DATE-OBS": "'99999-01-01T00:00:00'"},
    "year -4713": {"DATE-OBS": "'-4713-11-24T12:00:00'"},
    "year 102": {"DATE-OBS": "'26/07/102'"},
    "date of letters": {"DATE-OBS": "'yesterday'"},
    "date of arabic digits": {"DATE-OBS": "'\xb2\xb3/\xb9\xb9/\xb2\xb3'"},
    "date too long": {"DATE-OBS": "'" + "9" * 66 + "'"},
    "date of blanks": {"DATE-OBS": "'                '"},
    "JD 1e400": {"JD": "1E400", "MJD-OBS": "NaN"},
    "JD -1": {"JD": -1, "MJD-OBS": 1e300},
    "time system in brackets": {"TIMESYS": "'(UTC)'"},
    "time system of a bracket": {"TIMSYS": "("},
    "UT of 1e9": {"UT": 1e9, "UTSTART": "'-1:-1:-1'"},
    "longitude 999": {"LONGITUD": 999.0, "LATITUDE": -95.0, "ALTITUDE": 1e9},
    "longitude NaN": {"LONGITUD": "NaN", "LATITUDE": "inf", "ALTITUDE": "'high'"},
    "longitude of text": {"LONGITUD": "'W 999:99:99.99.99'", "LATITUDE": "'::'"},
    "gain 0": {"GAIN": 0, "RDNOISE": -1, "SATURATE": 0},
    "gain NaN": {"GAIN": "NaN", "RDNOISE": "1E400", "SATURATE": "'yes'"},
    "binning 0": {"XBINNING": 0, "YBINNING": -1, "BINNING": "'0x0'"},
    "binning 1e9": {"XBINNING": 10**9, "CCDSUM": "'9999999999 x'"},
    "pixel size 0": {"XPIXSZ": 0, "PIXSIZE1": "NaN", "FOCALLEN": 0},
    "airmass -3": {"AIRMASS": -3, "SECZ": "1E400"},
    "filter of nothing": {"FILTER": "''", "FILTER1": "'---'"},
    "filter of 68 letters": {"FILTER": "'" + "R" * 66 + "'"},
    "filter: a path": {"FILTER": "'../../../etc/passwd'", "OBJECT": "'/dev/zero'"},
    "observer: a formula": {"OBSERVER": "'=cmd|''/C calc''!A0'", "OBJECT": "'@SUM(1)'"},
    "observer: a page": {"OBSERVER": "'<script>alert(1)</script>'"},
    "BAYERPAT nonsense": {"BAYERPAT": "'XXXX'", "XBAYROFF": "1E400"},
    "BAYERPAT, offset 10^9": {"BAYERPAT": "'RGGB'", "XBAYROFF": 10**9, "YBAYROFF": -(10**9)},
    "sections beyond": {"DATASEC": "'[1:99999999999,1:1]'", "BIASSEC": "'[0:0,-1:5]'", "TRIMSEC": "'[::]'"},
    "sections backwards": {"DATASEC": "'[60:1,64:1]'", "BIASSEC": "'[64:61,64:1]'"},
    "all undefined": dict.fromkeys(("CRVAL1", "CD1_1", "EXPTIME", "DATE-OBS", "FILTER", "GAIN"), ""),
    "all text": dict.fromkeys(("CRVAL1", "CD1_1", "EXPTIME", "DATE-OBS", "FILTER", "GAIN"), "'%n{0}'"),
    "all logical": dict.fromkeys(("CRVAL1", "CD1_1", "EXPTIME", "DATE-OBS", "FILTER", "GAIN"), True),
    "all complex": dict.fromkeys(("CRVAL1", "CD1_1", "EXPTIME", "DATE-OBS", "FILTER", "GAIN"), "(1.0, 1E400)"),
}  # fmt: skip


def headers() -> Iterator[Case]:
    group = Group("headers of images", Door.IMAGE)
    for what, odd in ODD.items():
        cards = WCS | TIME | odd
        yield group.accept(what, image_file(*cards.items()))
