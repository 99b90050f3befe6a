"""Headers out of FITS bytes, dumps of every kind, YAML and JSON."""

from __future__ import annotations

import bz2
import gzip
import io
import json

import numpy as np
import pytest
from astropy.io import fits

from cpcs.errors import CpcsError, NotAHeader
from photocal.headers.sources import read_header
from photocal.readers.limits import Limits
from tests.support.headers import card_images, header_of

CARDS = (
    "SIMPLE  =                    T",
    "NAXIS   =                    2",
    "NAXIS1  = 100",
    "NAXIS2  = 80",
    "FILTER  = 'V       ' / filter",
)


def image_bytes(header=None, hdu=None) -> bytes:
    buffer = io.BytesIO()
    (hdu or fits.HDUList([fits.PrimaryHDU(np.zeros((8, 10), dtype=np.int16), header)])).writeto(buffer)
    return buffer.getvalue()


def test_a_fits_file_its_gzip_its_bzip2_and_its_header_alone() -> None:
    plain = card_images(*CARDS)
    for data in (plain, plain + bytes(16000), gzip.compress(plain), bz2.compress(plain), plain[:-2000]):
        header = read_header(data)
        assert header.text("FILTER") == "V"
        assert header.get("FILTER").comment == "filter"
        assert header.text("NAXIS1") == "100"


def test_cards_without_newlines_with_them_and_with_any_spacing() -> None:
    lines = "\n".join(CARDS).encode()
    joined = "".join(f"{card:<80}" for card in CARDS).encode()[:-20]
    loose = b"filter='V' / filter\r\nNAXIS1=100\r\n  NAXIS2   =   80\r\n"
    for data in (lines, joined, loose, b"\xef\xbb\xbf" + lines, "\n".join(CARDS).encode("utf-16")):
        header = read_header(data)
        assert header.text("FILTER") == "V", data[:40]
        assert header.text("NAXIS2") == "80"


@pytest.mark.parametrize(
    "separators",
    [
        ("#### HDU 0 PrimaryHDU PRIMARY", "#### HDU 1 ImageHDU SCI"),
        ("# HDU 0 in image.fits:", "# HDU 1 in image.fits:"),
        ("====>  file image.fits (main) <====", "====>  xtension 1 <===="),
        ("", ""),
    ],
)
def test_the_first_image_of_a_dump_with_what_the_primary_header_says(separators: tuple[str, str]) -> None:
    lines = [
        separators[0], "SIMPLE  = T", "NAXIS   = 0", "DATE-OBS= '2020-01-01'", "CTYPE1  = 'RA---TAN'", "CROTA2  = 30.0",
        "END", separators[1], "XTENSION= 'IMAGE'", "NAXIS   = 2", "NAXIS1  = 30", "NAXIS2  = 40",
        "CTYPE1  = 'DEC--TAN'", "END",
    ]  # fmt: skip
    text = "\n".join(lines)
    header = read_header(text.encode())
    assert header.text("NAXIS1") == "30"
    assert header.text("DATE-OBS") == "2020-01-01"
    assert header.text("CTYPE1") == "DEC--TAN"
    assert "CROTA2" not in header  # the coordinate system is of one header


def test_a_table_and_a_flat_axis_are_no_image() -> None:
    lines = [
        "SIMPLE = T", "NAXIS = 0", "XTENSION= 'BINTABLE'", "NAXIS = 2", "NAXIS1 = 16", "NAXIS2 = 99",
        "XTENSION= 'IMAGE'", "NAXIS = 2", "NAXIS1 = 16", "NAXIS2 = 1", "XTENSION= 'IMAGE'", "NAXIS = 3", "NAXIS1 = 5",
        "NAXIS2 = 6", "NAXIS3 = 1", "FILTER = 'B'",
    ]  # fmt: skip
    text = "\n".join(lines)
    assert read_header(text.encode()).text("FILTER") == "B"


def test_a_compressed_image_in_bytes_is_one() -> None:
    pixels = np.arange(6400, dtype=np.int16).reshape(80, 80)
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, header=fits.Header({"FILTER": "i"}))])
    hdus[0].header["OBSERVER"] = "Hubble"
    header = read_header(image_bytes(hdu=hdus))
    assert (header.text("FILTER"), header.text("OBSERVER"), header.text("ZNAXIS1")) == ("i", "Hubble", "80")


def test_the_header_behind_an_ldac_catalogue() -> None:
    inner = "".join(f"{card:<80}" for card in (*CARDS, "END"))
    column = fits.Column(name="Field Header Card", format=f"{len(inner)}A", array=[inner])
    table = fits.BinTableHDU.from_columns([column], name="LDAC_IMHEAD")
    header = read_header(image_bytes(hdu=fits.HDUList([fits.PrimaryHDU(), table])))
    assert header.text("FILTER") == "V"
    assert header.text("NAXIS1") == "100"


def test_irafs_imhead() -> None:
    header = header_of(
        "n1.fits[1024,1026][real]: SN 1987A",
        "    No bad pixels, min=0., max=0. (old)",
        "    FILTERS = 'R       '  / filter",
    )
    assert (header.text("NAXIS1"), header.text("NAXIS2"), header.text("FILTERS")) == ("1024", "1026", "R")


def test_hierarch_keywords_with_and_without_the_word() -> None:
    header = header_of("HIERARCH ESO INS FILT1 NAME = 'R_SPECIAL' / name", "ESO DET DIT = 4.5", "EXPTIME = 3")
    assert header.text("ESO INS FILT1 NAME") == "R_SPECIAL"
    assert header.text("ESO DET DIT") == "4.5"


def test_a_text_that_lost_its_closing_quote_and_one_over_two_cards() -> None:
    header = header_of(
        "OBJECT  = 'a very long nam", "FILTER  = 'ab&'", "CONTINUE  'cd' / both", "COMMENT X = 5", "HISTORY Y = 6"
    )
    assert header.text("OBJECT") == "a very long nam"
    assert header.text("FILTER") == "abcd"
    assert len(header) == 2


def test_keyword_tab_value_tab_comment() -> None:
    header = header_of("EXPTIME\t60\tseconds", "FILTER\tV\t")
    assert (header.text("EXPTIME"), header.get("EXPTIME").comment, header.text("FILTER")) == ("60", "seconds", "V")


YAML_LIST = """!<lsst.daf.base.PropertyList>
- [SIMPLE, Bool, true, '']
- [NAXIS, Int, 2, '']
- [NAXIS1, Int, 10, '']
- [NAXIS2, Int, 12, '']
- [FILTER, String, 'r', 'of, the filter']
- - COMMENT
  - String
  - ['  one', 'GAIN = 5']
  - ''
- [OBSERVER, String, '"Tomono,
    Utsumi"', '']
- [EXPTIME, Double, 30.0, '[s] Exposure: duration']
"""


def test_yaml_as_the_rubin_pipelines_write_it() -> None:
    header = read_header(YAML_LIST.encode())
    assert (header.text("FILTER"), header.get("FILTER").comment) == ("r", "of, the filter")
    assert header.text("OBSERVER") == '"Tomono, Utsumi"'
    assert (header.text("EXPTIME"), header.get("EXPTIME").is_text) == ("30.0", False)
    assert header.text("SIMPLE") == "T"
    assert "GAIN" not in header


def test_yaml_of_keywords_and_values() -> None:
    text = (
        "# a note\nSIMPLE: true\nDATE-OBS: '2013-02-13T09:01:40'\nPROGRAM: 'a\n  b'\nGAIN: null\nCOMMENT:\n- x\n- y\n"
    )
    header = read_header(text.encode())
    assert header.text("DATE-OBS") == "2013-02-13T09:01:40"
    assert header.text("PROGRAM") == "a b"
    assert len(header) == 4


@pytest.mark.parametrize(
    "data",
    [
        {"FILTER": "V", "EXPTIME": 30.50, "OK": True, "NO": None},
        {"FILTER": ["V", "a filter"], "EXPTIME": ["30.50", "s"], "X": 1},
        {"FILTER": {"value": "V", "comment": "a filter"}, "EXPTIME": {"value": 30.5}, "X": 1},
        [["FILTER", "V", "a filter"], ["EXPTIME", 30.5, ""], ["X", 1, ""]],
        [{"keyword": "FILTER", "value": "V"}, {"keyword": "EXPTIME", "value": 30.5, "comment": "s"}],
        ["FILTER  = 'V'", "EXPTIME = 30.50", "X = 1"],
        {"data": {"FILTER": "V", "EXPTIME": 30.5, "X": 2}},
        {"PRIMARY": {"A": 1, "B": 2, "EXPTIME": 30.5}, "SCI": {"FILTER": "V", "NAXIS1": 5, "NAXIS2": 6}},
    ],
)
def test_json_of_any_shape(data: object) -> None:
    header = read_header(json.dumps(data).encode())
    assert header.text("FILTER") == "V"
    assert header.text("EXPTIME").startswith("30.5")


def test_numbers_in_json_keep_all_their_digits() -> None:
    header = read_header(b'{"MJD-OBS": 57072.580616446760012, "A": 1, "B": 2}')
    assert header.text("MJD-OBS") == "57072.580616446760012"


@pytest.mark.parametrize(
    "data",
    [
        b"hello world", b"1 2 3\n4 5 6\n", b"{]", b"[[[[[[[[[[[[[[[[[", b'["A", {"B": [1, {"C": {"D": ',
        b"\x89PNG\r\n\x1a\n\0\0\0",
        b"- [" * 50, b"a: &x [1]\nb: *x\n", b"a: 1\n" * 120_000, b"A = 1\n" + b" " * 5_000_000,
    ],
)  # fmt: skip
def test_what_is_no_header_is_refused_with_a_code(data: bytes) -> None:
    with pytest.raises(NotAHeader) as refusal:
        read_header(data)
    assert refusal.value.code == "NOT_A_HEADER"
    assert refusal.value.hint


def test_what_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(CpcsError) as refusal:
        read_header(gzip.compress(bytes(2**24)), Limits(unpacked_bytes=2**20))
    assert refusal.value.code == "TOO_LARGE_UNPACKED"


def test_axes_that_make_no_sense_end_the_walk() -> None:
    for axes in ("NAXIS   = 999999999", "NAXIS   = 2", "NAXIS   = -1"):
        data = card_images(
            "SIMPLE  = T", "BITPIX  = 16", axes, "NAXIS1  = 999999999999", "NAXIS2  = -7", "FILTER  = 'V'"
        )
        assert read_header(data).text("FILTER") == "V"


@pytest.mark.parametrize("text", ["root:x:0:0:root:/root:/bin/sh\nbin:x:2:2:bin:/bin:/bin/sh\n", "a: 1\nb: 2\n"])
def test_lines_of_other_kinds_are_no_header(text: str) -> None:
    with pytest.raises(NotAHeader, match="none of its words"):
        read_header(text.encode())
