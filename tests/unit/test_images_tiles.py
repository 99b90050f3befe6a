"""Images in tiles that are not what they say: refused before a decoder believes them."""

from __future__ import annotations

import gzip
import io
import struct

import numpy as np
import pytest
from astropy.io import fits

from cpcs import errors
from photocal.images import read_image
from photocal.readers.gate import walk
from photocal.readers.limits import LIMITS, Limits
from tests.support.sky_files import raw, sky, with_card, written

SKY = sky()


def packed(packing="RICE_1", kind="i2", **how):
    return written(fits.CompImageHDU(SKY.astype(kind), compression_type=packing, **how))


RICE, FLOATS = packed(), packed(kind="f4", quantize_level=16)
GZIP, PLIO = packed("GZIP_1"), packed("PLIO_1")
HCOMPRESS = packed("HCOMPRESS_1", tile_shape=(60, 80))


def changed(data, key, value):
    """Return a file whose second header says something else of a key."""
    return data[:2880] + with_card(data[2880:], key, value)


def renamed(data, old, new):
    assert data.count(old) == 1
    return data.replace(old, new.ljust(len(old)))


def in_table(data, row, column, value, width=8):
    """Return a file whose table of descriptors says something else: column 0 is a count, 1 an offset."""
    place = walk(data, LIMITS)[1].offset + row * width + 4 * column
    return data[:place] + struct.pack(">i", value) + data[place + 4 :]


def in_heap(data, row, change, width=8):
    """Return a file in which the bytes of a row's tile are changed, their number kept."""
    hdu = walk(data, LIMITS)[1]
    rows = int(hdu.cards["NAXIS2"])
    count, offset = struct.unpack_from(">ii", data, hdu.offset + row * width)
    start = hdu.offset + rows * width + offset
    old = data[start : start + count]
    new = change(old)
    return data[:start] + new.ljust(len(old), b"\0")[: len(old)] + data[start + len(old) :]


def test_the_samples_are_good():
    for data in (RICE, FLOATS, GZIP, PLIO, HCOMPRESS):
        assert read_image(data).planes[0].data.shape == (60, 80)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (changed(RICE, "ZCMPTYPE", "'LZW_9'"), "ZCMPTYPE is 'LZW_9'"),
        (changed(RICE, "ZCMPTYPE", "5"), "ZCMPTYPE is '5'"),
        (changed(RICE, "ZBITPIX", "12"), "ZBITPIX = 12"),
        (changed(RICE, "ZBITPIX", "-128"), "ZBITPIX = -128"),
        (changed(RICE, "ZNAXIS", "0"), "ZNAXIS = 0"),
        (changed(RICE, "ZNAXIS", "1000"), "ZNAXIS = 1000"),
        (changed(RICE, "ZNAXIS", "3"), "ZNAXIS3 is missing"),
        (changed(RICE, "ZNAXIS1", "-80"), "ZNAXIS1 = -80"),
        (changed(RICE, "ZNAXIS1", "'8O'"), "ZNAXIS1 is not an integer"),
        (changed(RICE, "ZNAXIS2", "61"), "61 tiles, its table 60 rows"),
        (changed(RICE, "ZTILE1", "0"), "ZTILE1 = 0"),
        (changed(RICE, "ZTILE1", "40"), "120 tiles, its table 60 rows"),
        (changed(RICE, "ZTILE2", "-1"), "ZTILE2 = -1"),
        (changed(RICE, "ZVAL1", "0"), "BLOCKSIZE = 0"),
        (changed(RICE, "ZVAL1", "'x'"), "BLOCKSIZE is not an integer"),
        (changed(RICE, "ZVAL2", "99"), "BYTEPIX = 99"),
        (renamed(RICE, b"'COMPRESSED_DATA'", b"'SOMETHING'"), "without a column COMPRESSED_DATA"),
        (changed(RICE, "TFORM1", "'1PE(200)'"), "lie outside"),
        (changed(RICE, "TFORM1", "'1PA(200)'"), "does not hold bytes"),
        (changed(RICE, "TFORM1", "'8B'"), "TFORM1 is '8B'"),
        (changed(RICE, "TFORM1", "'1QB(9)'"), "columns are 16 bytes wide"),
        (changed(RICE, "THEAP", "100"), "THEAP = 100"),
        (in_table(RICE, 3, 0, 2**30), "row 4 lie outside"),
        (in_table(RICE, 3, 0, -5), "row 4 lie outside"),
        (in_table(RICE, 3, 1, -5), "row 4 lie outside"),
        (in_table(RICE, 0, 1, 2**31 - 1), "row 1 lie outside"),
        (in_table(RICE, 3, 0, 0), "tile 4 is empty"),
        (in_table(RICE, 3, 0, 3), "cannot be unpacked"),
        (changed(RICE, "ZBITPIX", "-32"), "without columns ZSCALE and ZZERO"),
        (renamed(FLOATS, b"'ZSCALE  '", b"'ZSCALF  '"), "without columns ZSCALE"),
        (renamed(FLOATS, b"'ZSCALE  '", b"'ZZERO   '"), "two columns are called ZZERO"),
        (changed(FLOATS, "TFORM3", "'1K'"), "column ZSCALE has TFORM|ZZERO has TFORM"),
        (in_heap(GZIP, 2, lambda old: b"no gzip at all"), "tile 3 cannot be unpacked"),
        (in_heap(GZIP, 2, lambda old: gzip.compress(bytes(150))), "tile 3 unpacks to 150 bytes"),
        (in_heap(HCOMPRESS, 0, lambda old: old[:2] + struct.pack(">ii", 9000, 9000) + old[10:]), "9000 x 9000"),
        (in_heap(HCOMPRESS, 0, lambda old: b"xx" + old[2:]), "tile 1 says"),
        (in_heap(PLIO, 1, lambda old: old[:4] + struct.pack(">h", 32000) + old[6:]), "32000 words"),
        (in_heap(PLIO, 1, lambda old: old[:4] + struct.pack(">hhh", -1, 5, 900) + old[10:]), "words"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_does_not_hold(data, told):
    with pytest.raises(errors.BrokenFits, match=told):
        read_image(data)


@pytest.mark.parametrize(
    "data", [changed(FLOATS, "ZQUANTIZ", "'FLOYD_STEINBERG'"), changed(RICE, "ZMASKCMP", "'RICE_1'")]
)
def test_what_is_not_read(data):
    with pytest.raises(errors.UnknownPacking):
        read_image(data)


def one_tile(stream, columns, rows, packing="GZIP_1", bitpix=16):
    table = struct.pack(">ii", len(stream), 0)
    return raw("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0") + raw(
        "XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 1",
        f"PCOUNT  = {len(stream)}", "GCOUNT  = 1", "TFIELDS = 1", "TTYPE1  = 'COMPRESSED_DATA'",
        f"TFORM1  = '1PB({len(stream)})'", "ZIMAGE  = T", f"ZCMPTYPE= '{packing}'", f"ZBITPIX = {bitpix}",
        "ZNAXIS  = 2", f"ZNAXIS1 = {columns}", f"ZNAXIS2 = {rows}", f"ZTILE1  = {columns}", f"ZTILE2  = {rows}",
        data=table + stream,
    )  # fmt: skip


def test_bombs():
    good = one_tile(gzip.compress(SKY.astype(">i2").tobytes()), 80, 60)
    np.testing.assert_array_equal(read_image(good).planes[0].data, np.trunc(SKY).astype("f4"))
    with pytest.raises(errors.BombSent):  # more than the header says
        read_image(one_tile(gzip.compress(bytes(50 * 2**20)), 80, 60))
    with pytest.raises(errors.BombSent):  # as much as it says, of next to nothing
        read_image(one_tile(gzip.compress(bytes(32 * 2**20)), 4096, 4096))
    with pytest.raises(errors.ImageTooLarge):
        read_image(one_tile(b"x", 40_000, 40_000))
    with pytest.raises(errors.TooManyRows, match="60 tiles; at most 59"):
        read_image(RICE, Limits(tiles=59))
    with pytest.raises(errors.BombSent):
        read_image(one_tile(b"x" * 100, 8192, 8192, "RICE_1", -64))


def test_a_tile_larger_than_the_image_is_one_tile():
    data = one_tile(gzip.compress(SKY.astype(">i2").tobytes()), 80, 60)
    data = changed(changed(data, "ZTILE1", "100000"), "ZTILE2", "2000000000")
    assert read_image(data).planes[0].data.shape == (60, 80)


def test_tiles_that_are_rows_when_nothing_is_said():
    data = RICE.replace(b"ZTILE1  =", b"XTILE1  =").replace(b"ZTILE2  =", b"XTILE2  =")
    np.testing.assert_array_equal(read_image(data).planes[0].data, np.trunc(SKY).astype("f4"))


def test_a_gap_before_the_heap():
    hdu = walk(RICE, LIMITS)[1]
    table, heap = RICE[hdu.offset : hdu.offset + 480], RICE[hdu.offset + 480 : hdu.offset + hdu.size]
    head = RICE[: hdu.offset]
    head = changed(changed(head, "PCOUNT", str(len(heap) + 100)), "THEAP", "580")
    body = table + bytes(100) + heap
    data = head + body.ljust(-(-len(body) // 2880) * 2880, b"\0")
    np.testing.assert_array_equal(read_image(data).planes[0].data, np.trunc(SKY).astype("f4"))


def test_tiles_stored_as_they_are():
    """Where a tile could not be packed, its pixels may stand in UNCOMPRESSED_DATA: one row here is so stored."""
    rows = [row.astype(">f4").tobytes() for row in SKY.astype("f4")]
    table = b"".join(struct.pack(">iiii", 0, 0, 80, 320 * n) for n in range(60))
    data = raw("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0") + raw(
        "XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 16", "NAXIS2  = 60", "PCOUNT  = 19200",
        "GCOUNT  = 1", "TFIELDS = 2", "TTYPE1  = 'COMPRESSED_DATA'", "TFORM1  = '1PB(0)'",
        "TTYPE2  = 'UNCOMPRESSED_DATA'", "TFORM2  = '1PE(80)'", "ZIMAGE  = T", "ZCMPTYPE= 'GZIP_1'", "ZBITPIX = -32",
        "ZNAXIS  = 2", "ZNAXIS1 = 80", "ZNAXIS2 = 60", data=table + b"".join(rows),
    )  # fmt: skip
    np.testing.assert_array_equal(read_image(data).planes[0].data, SKY.astype("f4"))
    with pytest.raises(errors.BrokenFits, match="tile 1 has 79 pixels, not 80"):
        read_image(data.replace(struct.pack(">iiii", 0, 0, 80, 0), struct.pack(">iiii", 0, 0, 79, 0)))


def test_astropy_sees_no_card_of_the_observer():
    data = changed(RICE, "ZTENSION", "'\xff nonsense")
    data = changed(changed(data, "EXTNAME", "5E999"), "BLANK", "'x'")
    assert read_image(data).planes[0].data.shape == (60, 80)
    with fits.open(io.BytesIO(RICE)) as hdus:
        np.testing.assert_array_equal(read_image(RICE).planes[0].data, hdus[1].data)
