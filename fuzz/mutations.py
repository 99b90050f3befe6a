"""Changes to inputs that keep enough of their structure to get behind the first check: cards, blocks, lines, fields."""

from __future__ import annotations

import random
from collections.abc import Callable

BLOCK, CARD = 2880, 80
Change = Callable[[bytearray, random.Random], None]

NUMBERS = [
    "0", "1", "-1", "2", "8", "16", "-32", "-64", "64", "80", "255", "999", "1000", "2880", "32768", "65536",
    "2147483647",
    "-2147483648", "4294967296", "9223372036854775807", "999999999", "1E400", "-1E400", "NaN", "inf", "1E308", "1E-320",
    "1.5D0", "0.0", "-0.0", "1,5", "1_0", "0x10", "T", "F", "", "9" * 40, "(1,2)", "12:30:45.5", "-00:00:30", "400",
    "95",
]  # fmt: skip
WORDS = [
    "'BINTABLE'", "'TABLE   '", "'IMAGE   '", "'1PB(9)'", "'1QD(9)'", "'D'", "'0D'", "'64X'", "'8A'", "'F10.5'",
    "'RA'", "'DEC'",
    "'MAG'", "'MAGERR'", "'FLAGS'", "'NUMBER'", "'FILTER'", "'COMPRESSED_DATA'", "'GZIP_COMPRESSED_DATA'", "'ZSCALE'",
    "'ZZERO'",
    "'ZBLANK'", "'RICE_1'", "'GZIP_1'", "'GZIP_2'", "'HCOMPRESS_1'", "'PLIO_1'", "'NOCOMPRESS'",
    "'SUBTRACTIVE_DITHER_2'",
    "'RGGB'", "'SCI'", "'MASK'", "'LDAC_IMHEAD'", "'LDAC_OBJECTS'", "'[1:60,1:64]'", "'RA---TAN-SIP'", "'RA---TAB'",
    "'LOOKUP'",
    "'2019-02-31T25:61:61'", "'26/07/102'", "'2019-06-12'", "'21:03:04.5'", "'LOCAL'", "'TAI'", "'12h30m45s'",
    "'-12 30 45'",
    "'W 11:20:00'", "'2x2'", "'2 1'", "'3600 s'", "'60 sec'", "''", "'", "'&'", "'a''b'", "'\xe9\xb2'", "'%s{0}'",
    "/ comment",
]  # fmt: skip
KEYS = [
    "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "TFIELDS", "TFORM1",
    "TFORM3",
    "TTYPE1", "TTYPE3", "TBCOL2", "TSCAL3", "TZERO3", "TNULL3", "TUNIT1", "THEAP", "EXTNAME", "GROUPS", "BSCALE",
    "BZERO", "BLANK",
    "ZIMAGE", "ZBITPIX", "ZNAXIS", "ZNAXIS1", "ZNAXIS2", "ZTILE1", "ZTILE2", "ZCMPTYPE", "ZNAME1", "ZVAL1", "ZNAME2",
    "ZVAL2",
    "ZQUANTIZ", "ZDITHER0", "ZBLANK", "DATE-OBS", "TIME-OBS", "UT", "UTSTART", "UTSTOP", "JD", "MJD-OBS", "MJD-AVG",
    "DATE", "TIMESYS",
    "EXPTIME", "EXPOSURE", "ITIME", "FILTER", "FILTER1", "INSFILTE", "RA", "DEC", "OBJCTRA", "OBJCTDEC", "EQUINOX",
    "RADESYS", "EPOCH",
    "CRVAL1", "CRVAL2", "CRPIX1", "CD1_1", "CD1_2", "CD2_1", "CD2_2", "CDELT1", "CROTA2", "CTYPE1", "CTYPE2", "CUNIT1",
    "PC1_1",
    "A_ORDER", "A_2_0", "PV1_1", "WAT1_001", "LONGITUD", "LATITUDE", "SITELONG", "SITELAT", "LONG-OBS", "OBSGEO-X",
    "OBSGEO-Y",
    "OBSGEO-Z", "OBSERVAT", "TELESCOP", "INSTRUME", "GAIN", "EGAIN", "RDNOISE", "SATURATE", "XBINNING", "CCDSUM",
    "XPIXSZ", "FOCALLEN",
    "AIRMASS", "IMAGETYP", "OBSTYPE", "BAYERPAT", "XBAYROFF", "ROWORDER", "BIASSEC", "DATASEC", "OBJECT", "COMMENT",
    "HISTORY",
    "CONTINUE", "HIERARCH ESO TEL GEOLON", "SWCREATE", "DATE-END", "LST", "HA", "ST", "TZ", "UTC-OFF", "END",
]  # fmt: skip
TOKENS = [
    b"nan", b"1e400", b"--", b"INDEF", b"99.99", b"-1", b"0", b'"', b'""', b"'", b"#", b"# ",
    b"#   1 ALPHA_J2000 [deg]",
    b"# 2 DELTA_J2000", b"# 3 MAG_AUTO [mag]", b"# 4 MAGERR_AUTO", b"# 5 FLAGS", b"# %ECSV 1.0",
    b"# - {name: ra, unit: deg}",
    b"# delimiter: ','", b"# ra 1 0 d degrees %10.5f", b"RA", b"dec", b"mag", b"magerr", b"flux", b"fluxerr",
    b"fluxaper1", b"fluxerr1",
    b"fluxaper2", b"fluxerr2", b"filter", b"# FILTER = R", b"# EXPTIME: 60", b",", b";", b"\t", b"|", b"---",
    b"12:30:45", b"-0:0:1",
    b"05h33m17.6s", b"1.5D+00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xb2", b"\xc2\x85", b"\xe2\x80\xa8", b"\0", b"\r",
    b"\x0c", b"EXPTIME = 60",
    b"DATE-OBS= '2019-06-12'", b"CONTINUE  'x&'", b"HIERARCH ESO = 3", b"{", b"[", b"}", b": ", b"- ", b"&a", b"*a",
    b"!!", b"[[", b"null",
    b"--- HDU 1", b"## HDU 2", b"SIMPLE  =                    T", b"XTENSION= 'IMAGE   '",
]  # fmt: skip
FIELDS = [
    "-", "", ":", " : ", '"', '"a:b"', "\\", "\\:", "1=U, 2=B", '"2 1"=R', "=", ",", "|", "FILTER", "EXPTIME",
    "DATE-OBS", "TIME-OBS",
    "LONGITUD", "GAIN", "OBSERVAT", "JD", "RA", "BIN", "NAXIS1", "str", "int", "float", "float min", "float adu/e",
    "date dd/mm/yyyy",
    "date ddmmyy", "time hms local utc-3", "time s end tai", "datetime", "jd mid", "mjd tdb", "angle hms",
    "angle west dms", "utc+99",
    "#! camera : X", "#! recognise : INSTRUME : A*", "#! version : 3", "#! comment : x", "# comment", "OBJECT & WCS",
    "TIME", "LOIANO",
    "60", "-1", "nan", "1e400", "2019-02-31", "12:30:45", "\u00a0", "\ufeff", "\t", "\u0663", "\x1b", "KEY1|KEY2",
    "HIERARCH ESO X",
    "DESCRIPTION", "KEYWORD (standard)", "a" * 300,
]  # fmt: skip


def mutated(kind: str, data: bytes, rng: random.Random, longest: int) -> bytes:
    """Return an input with one to six changes of its kind."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        rng.choice(_CHANGES[kind])(out, rng)
    return bytes(out[:longest])


# --- FITS ---------------------------------------------------------------------------------------


def _card_places(data: bytearray) -> list[int]:
    """Return where cards seem to lie: text at a multiple of 80 from the beginning of a block."""
    return [
        at
        for at in range(0, min(len(data) - CARD + 1, 20 * BLOCK), CARD)
        if data[at : at + 8].strip() and all(32 <= byte < 127 for byte in data[at : at + 10])
    ]


def _value(rng: random.Random) -> str:
    return rng.choice(NUMBERS) if rng.random() < 0.6 else rng.choice(WORDS)


def _card(key: str, value: str) -> bytes:
    return f"{key:8s}= {value:>20s}".encode("latin-1")[:CARD].ljust(CARD)


def _set_value(data: bytearray, rng: random.Random) -> None:
    places = _card_places(data)
    if places:
        at = rng.choice(places)
        data[at + 8 : at + CARD] = _card("", _value(rng))[8:]


def _set_key(data: bytearray, rng: random.Random) -> None:
    places = _card_places(data)
    if places:
        at = rng.choice(places)
        data[at : at + CARD] = _card(rng.choice(KEYS), _value(rng))


def _swap_cards(data: bytearray, rng: random.Random) -> None:
    places = _card_places(data)
    if places:
        one, two = rng.choice(places), rng.choice(places)
        data[one : one + CARD], data[two : two + CARD] = data[two : two + CARD], data[one : one + CARD]


def _insert_card(data: bytearray, rng: random.Random) -> None:
    """Put a card before END, where blanks leave room for it, so that the rest stays in place."""
    end = data.find(b"END     ", rng.randrange(len(data)) if data else 0)
    if end >= 0 and not bytes(data[end + CARD : end + 2 * CARD]).strip():
        data[end : end + 2 * CARD] = _card(rng.choice(KEYS), _value(rng)) + b"END".ljust(CARD)


def _blocks(data: bytearray, rng: random.Random) -> None:
    n = max(1, len(data) // BLOCK)
    one, two = rng.randrange(n) * BLOCK, rng.randrange(n) * BLOCK
    block = bytes(data[one : one + BLOCK])
    match rng.randrange(4):
        case 0:
            data[two:two] = block
        case 1:
            del data[one : one + BLOCK]
        case 2:
            data[two : two + BLOCK] = block
        case _:
            del data[rng.randrange(len(data) + 1) :]


def _integer(data: bytearray, rng: random.Random) -> None:
    width = rng.choice((1, 2, 4, 8))
    if len(data) >= width:
        at = rng.randrange((len(data) - width) // width + 1) * width
        value = rng.choice((0, 1, 2**7, 2**15, 2**31, 2**63, 2**64 - 1, 2**31 - 1, rng.getrandbits(64))) & (
            2 ** (8 * width) - 1
        )
        data[at : at + width] = value.to_bytes(width, "big")


# --- any bytes, any text ------------------------------------------------------------------------


def _bits(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _splice(data: bytearray, rng: random.Random) -> None:
    if data:
        start, end = sorted(rng.randrange(len(data)) for _ in range(2))
        part = bytes(data[start : min(end, start + 2000)])
        at = rng.randrange(len(data))
        if rng.random() < 0.5:
            data[at:at] = part * rng.choice((1, 1, 2, 20))
        else:
            del data[start:end]


def _lines(data: bytearray, rng: random.Random) -> None:
    lines = bytes(data).split(b"\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            lines[one], lines[two] = lines[two], lines[one]
        case 1:
            lines.insert(one, lines[two])
        case 2:
            del lines[one]
        case _:
            lines[one] += rng.choice((b"\r", b" ", b"\t", b",", lines[two]))
    data[:] = b"\n".join(lines)


def _replaced(tokens: list[bytes], separators: bytes) -> Change:
    """Return what puts a token in the place of what lies between separators, or beside it."""

    def change(data: bytearray, rng: random.Random) -> None:
        at = rng.randrange(len(data) + 1)
        start = at
        while start and data[start - 1] not in separators:
            start -= 1
        end = at
        while end < len(data) and data[end] not in separators:
            end += 1
        if rng.random() < 0.3:
            start = end
        data[start:end] = rng.choice(tokens)

    return change


_NUMBERS = [number.encode() for number in NUMBERS]
_WORDS = [word.encode("latin-1") for word in WORDS]
_LINES = [_card(key, "60").rstrip() for key in KEYS]
_FIELDS = [text.encode() for text in FIELDS]
_TOKEN = _replaced(TOKENS + _NUMBERS, b" ,;\t|\n")
_CHANGES: dict[str, list[Change]] = {
    "fits": [_set_value, _set_value, _set_value, _set_key, _swap_cards, _insert_card, _insert_card, _blocks, _integer,
    _bits],
    "text": [_TOKEN, _TOKEN, _TOKEN, _lines, _lines, _splice, _bits],
    "header": [
        _replaced(_NUMBERS + _WORDS, b"=/\n"), _replaced(_NUMBERS + _WORDS, b"=/\n"), _replaced(_LINES, b"\n"),
        _replaced(TOKENS, b" =\n"),
        _lines, _set_value, _set_key, _insert_card, _splice, _bits,
    ],
    "mapping": [_replaced(_FIELDS, b":\n"), _replaced(_FIELDS, b":\n"), _replaced(_FIELDS, b" ,=:\n"), _lines, _splice,
    _bits],
}  # fmt: skip
