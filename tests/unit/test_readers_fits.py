"""FITS tables and FITS_LDAC, held against astropy's writer; the gate; and whatever bytes there may be."""

from __future__ import annotations

import bz2
import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpcs import errors
from photocal.readers import LIMITS, read_catalogue
from photocal.readers.gate import BLOCK, walk
from photocal.stars import StarList

N = 7
RA = 285.0 + np.arange(N) / 100
DEC = -11.0 - np.arange(N) / 100
MAG = -8.0 + np.arange(N) / 10
HEADER = {"FILTER": "rp", "EXPTIME": 120.5, "MJD-OBS": 58000.25, "OBJECT": "Gaia's O'Star", "GAIN": 1.5}


def columns(**more):
    given_columns = {
        "NUMBER": ("J", np.arange(1, N + 1)),
        "ALPHA_J2000": ("D", RA),
        "DELTA_J2000": ("D", DEC),
        "MAG_AUTO": ("E", MAG),
        "MAGERR_AUTO": ("E", np.full(N, 0.02)),
        "FLAGS": ("I", np.arange(N) % 4),
    } | more
    return fits.ColDefs([fits.Column(name, form, array=array) for name, (form, array) in given_columns.items()])


def written(*hdus):
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(stream)
    return stream.getvalue()


def table_file(header=None, **more):
    hdu = fits.BinTableHDU.from_columns(columns(**more))
    hdu.header.update(header or {})
    return written(hdu)


def ldac_file(n_ccds=1):
    hdus = []
    for ccd in range(n_ccds):
        header = fits.Header(cards=list((HEADER | {"CCD": ccd}).items()))
        text = header.tostring(endcard=True, padding=False)
        head = fits.Column("Field Header Card", f"{len(text)}A", array=[text])
        hdus.append(fits.BinTableHDU.from_columns([head], name="LDAC_IMHEAD"))
        hdus.append(fits.BinTableHDU.from_columns(columns(), name="LDAC_OBJECTS"))
    return written(*hdus)


def test_fits_table():
    stars = read_catalogue(table_file(HEADER))
    assert stars.meta.format == "fits-table"
    np.testing.assert_array_equal(stars.ra_deg, RA)
    np.testing.assert_array_equal(stars.dec_deg, DEC)
    np.testing.assert_array_equal(stars.inst_mag, MAG.astype(np.float32))
    np.testing.assert_array_equal(stars.flags, np.arange(N) % 4)
    np.testing.assert_array_equal(stars.number, np.arange(1, N + 1))
    assert stars.meta.header["OBJECT"] == "Gaia's O'Star"
    assert stars.meta.header["FILTER"] == "rp"


def test_ldac_brings_the_header_of_the_image():
    stars = read_catalogue(ldac_file())
    assert stars.meta.format == "fits-ldac"
    assert stars.n == N
    assert {key: stars.meta.header[key] for key in HEADER} == {key: str(value) for key, value in HEADER.items()}


def test_a_mosaic_is_one_catalogue():
    assert read_catalogue(ldac_file(n_ccds=3)).n == 3 * N


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed(pack):
    assert read_catalogue(pack(table_file())).n == N


def test_vectors_scaled_integers_nulls_and_text():
    vector = np.stack([MAG, MAG + 100], axis=1)
    data = table_file(
        MAG_AUTO=("2E", vector),
        FLAGS=("B", np.arange(N)),
        FILTER=("2A", np.array(["V"] * N)),
        SWITCH=("L", np.ones(N, bool)),
        BITS=("9X", np.zeros((N, 9), bool)),
        EMPTY=("0E", np.zeros((N, 0))),
    )
    stars = read_catalogue(data)
    np.testing.assert_array_equal(stars.inst_mag, MAG.astype(np.float32))
    assert stars.meta.header["FILTER"] == "V"
    unsigned = fits.Column("FLAGS", "I", bzero=32768, array=np.full(N, 40000, dtype=np.uint16))
    scaled = written(fits.BinTableHDU.from_columns([*columns().columns[:5], unsigned]))
    np.testing.assert_array_equal(read_catalogue(scaled).flags, 40000)


def test_ascii_table():
    forms = {"RA": ("F12.6", RA), "DEC": ("F12.6", DEC), "MAG": ("E15.7", MAG), "MAGERR": ("D15.7", np.full(N, 0.02))}
    hdu = fits.TableHDU.from_columns([fits.Column(name, form, array=a) for name, (form, a) in forms.items()])
    stars = read_catalogue(written(hdu))
    np.testing.assert_allclose(stars.ra_deg, RA)
    np.testing.assert_allclose(stars.inst_mag, MAG, rtol=1e-6)


def test_units_of_a_fits_table():
    data = written(
        fits.BinTableHDU.from_columns(
            [fits.Column("RA", "D", unit="rad", array=np.radians(RA)), *columns().columns[2:5]]
        )
    )
    with pytest.raises(errors.MissingColumn):
        read_catalogue(data)  # RA with DELTA_J2000 is no pair
    dec = fits.Column("DEC", "D", unit="rad", array=np.radians(DEC))
    ra = fits.Column("RA", "D", unit="rad", array=np.radians(RA))
    stars = read_catalogue(written(fits.BinTableHDU.from_columns([ra, dec, *columns().columns[3:5]])))
    np.testing.assert_allclose(stars.dec_deg, DEC)


@pytest.mark.parametrize("form", ["PE(3)", "QD(2)"])
def test_variable_length_columns_are_passed_over(form):
    ragged = np.array([np.arange(i % 3, dtype=float) for i in range(N)], dtype=object)
    assert read_catalogue(table_file(RAGGED=(form, ragged))).n == N


def test_images_are_told_so():
    image = fits.PrimaryHDU(np.zeros((10, 10), np.float32))
    stream = io.BytesIO()
    image.writeto(stream)
    with pytest.raises(errors.ImageNotCatalogue):
        read_catalogue(stream.getvalue())
    packed = fits.CompImageHDU(np.arange(10000, dtype=np.int16).reshape(100, 100))
    with pytest.raises(errors.ImageNotCatalogue):
        read_catalogue(written(packed))
    with pytest.raises(errors.ImageNotCatalogue):
        read_catalogue(written(packed, fits.BinTableHDU.from_columns([fits.Column("X", "E", array=[1.0])])))
    assert read_catalogue(written(packed, fits.BinTableHDU.from_columns(columns()))).n == N


def card(text):
    return text.encode().ljust(80)


def raw(*cards, data=b""):
    head = b"".join(card(text) for text in (*cards, "END"))
    return head.ljust(-(-len(head) // BLOCK) * BLOCK) + data


PRIMARY = ("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0")
TABLE = (
    "XTENSION= 'BINTABLE'",
    "BITPIX  = 8",
    "NAXIS   = 2",
    "NAXIS1  = 8",
    "NAXIS2  = 1",
    "PCOUNT  = 0",
    "GCOUNT  = 1",
    "TFIELDS = 1",
    "TFORM1  = '1D'",
)


def replaced(key, value):
    return [f"{key:8s}= {value}" if line.startswith(key) else line for line in TABLE]


@pytest.mark.parametrize(
    "data",
    [
        raw("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 999999999"),
        raw("SIMPLE  = T", "BITPIX  = 7", "NAXIS   = 0"),
        raw("SIMPLE  = T", "BITPIX  = 8"),
        raw("SIMPLE  = T", "BITPIX  = 'eight'", "NAXIS   = 0"),
        raw("SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 100000", "NAXIS2  = 100000"),
        raw("SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 1", "NAXIS1  = -5"),
        raw("SIMPLE  = X", "BITPIX  = 8", "NAXIS   = 0"),
        b"SIMPLE  =                    T",
        raw(*PRIMARY)[:-100],
        raw(*PRIMARY) + raw(*replaced("NAXIS2", -1), data=bytes(2880)),
        raw(*PRIMARY) + raw(*replaced("NAXIS1", 9), data=bytes(2880)),
        raw(*PRIMARY) + raw(*replaced("TFORM1", "'Z'"), data=bytes(2880)),
        raw(*PRIMARY) + raw(*replaced("TFORM1", "'99999999999D'"), data=bytes(2880)),
        raw(*PRIMARY) + raw(*replaced("TFIELDS", 1000), data=bytes(2880)),
        raw(*PRIMARY) + raw(*replaced("TFIELDS", -1), data=bytes(2880)),
        raw(*PRIMARY) + raw(*replaced("GCOUNT", 0), data=bytes(2880)),
        raw(*PRIMARY) + raw(*replaced("PCOUNT", -8), data=bytes(2880)),
        raw(*PRIMARY) + raw(*replaced("NAXIS", 1), data=bytes(2880)),
        raw(*PRIMARY) + raw(*TABLE, data=bytes(4)),
        raw(*PRIMARY) + raw(*TABLE, data=bytes(2880)) + b"leftovers" * 320,
        raw(*TABLE, data=bytes(2880)),
    ],
)
def test_the_gate_refuses(data):
    with pytest.raises(errors.BrokenFits):
        read_catalogue(data)


def test_the_gate_counts():
    many = raw(*PRIMARY) + raw("XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 0") * (LIMITS.hdus + 1)
    with pytest.raises(errors.TooManyRows):
        read_catalogue(many)
    with pytest.raises(errors.TooManyRows):
        read_catalogue(raw(*PRIMARY) + raw(*replaced("NAXIS2", 300_000), data=bytes(2_400_000)))
    fields = [f"TFORM{i}  = 'B'" for i in range(2, 400)]
    with pytest.raises(errors.TooManyRows):
        read_catalogue(raw(*PRIMARY) + raw(*replaced("TFIELDS", 399), *fields, data=bytes(2880)))
    long_header = b"".join(card("COMMENT x") for _ in range(LIMITS.header_cards + 1))
    with pytest.raises(errors.BrokenFits):
        read_catalogue(raw(*PRIMARY)[:240] + long_header + raw(*PRIMARY))


def test_the_gate_sees_what_astropy_sees():
    data = ldac_file(n_ccds=2)
    with fits.open(io.BytesIO(data)) as expected:
        found = walk(data, LIMITS)
        assert [hdu.name for hdu in found][1:] == [hdu.name for hdu in expected][1:]
        assert [hdu.offset for hdu in found] == [hdu.fileinfo()["datLoc"] for hdu in expected]


def test_a_table_without_rows_is_empty():
    empty = fits.BinTableHDU.from_columns([fits.Column("RA", "D"), fits.Column("DEC", "D")])
    with pytest.raises(errors.EmptyFile):
        read_catalogue(written(empty))
    with pytest.raises(errors.EmptyFile):
        read_catalogue(raw(*PRIMARY))


def read_or_refuse(data):
    """Return whether stars came out; anything but a refusal that is foreseen fails the test."""
    try:
        stars = read_catalogue(data)
    except errors.UnreadableUpload as refusal:
        told = refusal.message, refusal.hint
        stars = None
    if stars is None:
        assert all(told)
        return False
    assert isinstance(stars, StarList)
    assert stars.n > 0
    assert np.isfinite([stars.ra_deg, stars.dec_deg, stars.inst_mag, stars.inst_mag_err]).all()
    return True


ASCII_HEAD = (
    b"#   1 ALPHA_J2000 ra [deg]\n#   2 DELTA_J2000 dec [deg]\n#   3 MAG_AUTO m [mag]\n#   4 MAGERR_AUTO e [mag]\n"
    b" 1.0 2.0 3.0 0.1\n 2.0 3.0 4.0 0.2\n"
)
SEEDS = [
    table_file(HEADER),
    ldac_file(),
    ASCII_HEAD,
    b'# %ECSV 1.0\n# ---\n# datatype:\n# - {name: ra, unit: deg}\nra dec mag magerr\n1 2 3 0.1\n"" 3 4 0.1\n',
    b'ra;dec;mag;magerr;note\n1;2;3;0.1;"a;b"\n2;3;4;0.2;c\n',
    gzip.compress(b"1 2 15 0.1\n" * 50),
]


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8), st.booleans()), max_size=6),
    cut=st.floats(0, 1) | st.none(),
)
def test_damaged_files_are_read_or_refused(seed, changes, cut):
    data = bytearray(seed)
    for where, what, insert in changes:
        at = int(where * len(data))
        data[at : at if insert else at + len(what)] = what
    whole = bytes(data[: int(cut * len(data))] if cut is not None else data)
    assert read_or_refuse(whole) or whole not in SEEDS


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_anything_at_all_is_read_or_refused(data):
    assert not (read_or_refuse(data) and not data.strip())


@pytest.mark.realdata
def test_public_bad_files_are_refused(realdata: Path):
    folder = realdata.parent / "badfits" / "public"
    if not folder.is_dir():
        pytest.skip("the malformed files are not here")
    files = sorted(folder.iterdir())
    assert files
    assert [path.name for path in files if read_or_refuse(path.read_bytes())] == []
