"""Pixels as they come out of FITS files of every kind, held against astropy."""

from __future__ import annotations

import bz2
import gzip
import io
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from photocal.images import read_image
from tests.support.sky_files import header, image_file, raw, sky, with_card, written

SKY = sky()


def expected(data, hdu=None):
    """Return the pixels as astropy has them, scaled."""
    with fits.open(io.BytesIO(data)) as hdus:
        number = next(i for i, each in enumerate(hdus) if each.data is not None) if hdu is None else hdu
        return np.squeeze(np.asarray(hdus[number].data, dtype=np.float64))


def check_plane(image, pixels):
    assert image.data.dtype == np.float32
    assert image.data.dtype.isnative
    assert image.data.flags.c_contiguous
    np.testing.assert_array_equal(image.data, pixels.astype(np.float32))


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_every_type_of_pixel(kind):
    signed = np.dtype(kind).kind == "i"
    pixels = (SKY / 10 - (100 if signed else 0)).astype(kind)
    data = image_file(pixels)
    frame = read_image(data)
    (image,) = frame.planes
    check_plane(image, expected(data))
    assert image.mask is None
    assert (frame.hdu, frame.packing, frame.remarks) == (0, "", ())
    assert frame.statistics.minimum == pixels.astype(np.float32).min()
    assert frame.statistics.maximum == pixels.astype(np.float32).max()
    assert frame.statistics.median == pytest.approx(np.median(pixels), abs=2)
    assert frame.statistics.n == pixels.size


def test_large_unsigned_integers_keep_their_digits():
    pixels = (SKY * 1000).astype(np.uint32) + np.uint32(2**31)
    data = image_file(pixels)
    check_plane(read_image(data).planes[0], pixels.astype(np.float64))


def test_unsigned_integers_of_64_bits_keep_theirs_too():
    pixels = np.arange(1000, 1000 + 64 * 48, dtype=np.uint64).reshape(48, 64)
    assert np.array_equal(read_image(written(fits.PrimaryHDU(pixels))).planes[0].data, pixels)


def test_scaled_pixels():
    data = image_file((SKY - 1000).astype(np.int16))
    scaled = raw(
        "SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 80", "NAXIS2  = 60",
        "BSCALE  = 2.92273835509D0", "BZERO   =  3713.66692596 / as in a header of 1992",
        data=data[2880 : 2880 + 9600],
    )  # fmt: skip
    check_plane(read_image(scaled).planes[0], np.trunc(SKY - 1000) * 2.92273835509 + 3713.66692596)


def test_blank_pixels_are_masked():
    pixels = SKY.astype(np.int16)
    pixels[3, 4] = pixels[50, 60] = -32768
    image = read_image(image_file(pixels, {"BLANK": -32768})).planes[0]
    assert image.mask.dtype == np.bool_
    assert np.argwhere(image.mask).tolist() == [[3, 4], [50, 60]]
    assert np.isnan(image.data[image.mask]).all()
    floats = image_file(SKY.astype(np.float32), {"XLANK": 1}).replace(b"XLANK   =", b"BLANK   =")
    assert read_image(floats).planes[0].mask is None  # of floats NaN is blank, and nothing else
    assert read_image(with_card(image_file(pixels, {"BLANK": 1}), "BLANK", "'none'")).planes[0].mask is None


def test_nan_and_infinite_pixels_are_masked():
    pixels = SKY.astype(np.float32)
    pixels[0, 0], pixels[1, 1], pixels[2, 2] = np.nan, np.inf, -np.inf
    frame = read_image(image_file(pixels))
    image = frame.planes[0]
    assert np.argwhere(image.mask).tolist() == [[0, 0], [1, 1], [2, 2]]
    assert np.isnan(image.data[image.mask]).all()
    assert frame.statistics.finite_share == pytest.approx(1 - 3 / pixels.size)
    too_large = SKY.copy()
    too_large[5, 5] = 1e300  # a double that no float holds
    assert np.argwhere(read_image(image_file(too_large)).planes[0].mask).tolist() == [[5, 5]]


@pytest.mark.parametrize("shape", [(1, 60, 80), (1, 1, 60, 80), (60, 1, 80), (60, 80, 1)])
def test_axes_of_one_pixel_are_none(shape):
    data = image_file(SKY.astype(np.float32).reshape(shape))
    check_plane(read_image(data).planes[0], SKY)


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (bz2.compress, "bzip2")])
def test_packed_whole(pack, name):
    data = image_file(SKY.astype(np.int16))
    frame = read_image(pack(data))
    assert frame.packing == name
    check_plane(frame.planes[0], np.trunc(SKY))
    members = pack(data[:3000]) + pack(data[3000:])
    check_plane(read_image(members).planes[0], np.trunc(SKY))


PACKINGS = ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS"]


PIXELS = ["u1", "i2", "u2", "i4"]
CASES = [(packing, kind) for packing in PACKINGS for kind in PIXELS]
CASES.remove(("PLIO_1", "u2"))  # it has no negative numbers, as unsigned ones are stored


@pytest.mark.parametrize(("packing", "kind"), CASES)
def test_integers_packed_in_tiles(packing, kind):
    pixels = (SKY / 8).astype(kind)
    for tile in [None] if packing == "HCOMPRESS_1" else [None, (16, 16), (60, 80)]:
        data = written(fits.CompImageHDU(pixels, compression_type=packing, tile_shape=tile))
        frame = read_image(data)
        assert frame.packing == packing
        assert frame.hdu == 1
        check_plane(frame.planes[0], pixels)


@pytest.mark.parametrize("dither", [-1, 1, 2])
@pytest.mark.parametrize("packing", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
def test_floats_quantised(packing, dither):
    pixels = SKY.astype(np.float32)
    pixels[7, 8] = np.nan
    hdu = fits.CompImageHDU(pixels, compression_type=packing, quantize_level=16, quantize_method=dither, dither_seed=7)
    data = written(hdu)
    (image,) = read_image(data).planes
    np.testing.assert_array_equal(image.data, expected(data).astype(np.float32))
    assert np.argwhere(image.mask).tolist() == [[7, 8]]
    assert np.nanmax(np.abs(image.data - SKY)) < 2


@pytest.mark.parametrize("packing", ["GZIP_1", "GZIP_2"])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_floats_packed_without_loss(packing, kind):
    pixels = SKY.astype(kind)
    pixels[7, 8] = np.nan
    data = written(fits.CompImageHDU(pixels, compression_type=packing, quantize_level=0))
    image = read_image(data).planes[0]
    np.testing.assert_array_equal(image.data, pixels.astype(np.float32))
    assert image.mask.sum() == 1


def test_tiles_that_could_not_be_quantised():
    pixels = SKY.astype(np.float32)
    pixels[10] = 5.0  # no noise: astropy stores such a tile as it is
    data = written(fits.CompImageHDU(pixels, compression_type="RICE_1", quantize_level=16))
    np.testing.assert_array_equal(read_image(data).planes[0].data, expected(data).astype(np.float32))


def test_blank_integers_in_tiles():
    pixels = SKY.astype(np.int32)
    pixels[3, 4] = -2147483647
    data = written(fits.CompImageHDU(pixels, header({"BLANK": -2147483647}), compression_type="RICE_1"))
    assert np.argwhere(read_image(data).planes[0].mask).tolist() == [[3, 4]]


def test_the_header_of_the_image_is_over_the_primary_one():
    primary = fits.PrimaryHDU(
        header=header({"OBJECT": "M 13", "FILTER": "r", "BZERO": 7.0, "HIERARCH ESO TEL NAME": "X"})
    )
    extension = fits.ImageHDU(SKY.astype(np.float32), header({"FILTER": "g", "EXTNAME": "SCI"}))
    frame = read_image(written(primary, extension))
    told = frame.header
    assert (told.text("FILTER"), told.text("OBJECT"), told.text("ESO TEL NAME")) == ("g", "M 13", "X")
    assert (told.text("NAXIS1"), told.text("NAXIS2"), told.text("BITPIX")) == ("80", "60", "-32")
    assert "BZERO" not in told
    check_plane(frame.planes[0], SKY)


def test_the_header_of_a_packed_image_is_the_image_s():
    cards = {"OBJECT": "M 13", "CRPIX1": 40.5, "ZD": 32.1, "ZEROPT": 25.0}
    hdu = fits.CompImageHDU(SKY.astype(np.float32), header(cards), compression_type="RICE_1")
    told = read_image(written(hdu)).header
    assert {key: told.text(key) for key in cards} == {key: str(value) for key, value in cards.items()}
    assert (told.text("NAXIS"), told.text("NAXIS1"), told.text("NAXIS2"), told.text("BITPIX")) == (
        "2",
        "80",
        "60",
        "-32",
    )
    stored = {"ZIMAGE", "ZCMPTYPE", "TFIELDS", "TTYPE1", "TFORM1", "PCOUNT", "ZTILE1", "ZQUANTIZ", "ZDITHER0"}
    assert not [key for key in stored if key in told]


def test_what_a_file_is_its_content_says():
    plain = image_file(SKY.astype(np.int16))
    packed = gzip.compress(written(fits.CompImageHDU(SKY.astype(np.int16), compression_type="RICE_1")))
    assert read_image(plain).packing == ""
    assert read_image(packed).packing == "gzip, RICE_1"


@pytest.mark.parametrize("rest", [b"", bytes(5760), b" " * 2880, b"\r\n", b"END OF FILE\n", b"\x1a"])
def test_padding_and_short_rests_are_passed_over(rest):
    data = image_file(SKY.astype(np.int16))
    check_plane(read_image(data + rest).planes[0], np.trunc(SKY))


def test_a_file_without_its_last_padding_is_whole():
    data = image_file(SKY.astype(np.int16))
    assert len(data[: 2880 + 9600]) < len(data)
    check_plane(read_image(data[: 2880 + 9600]).planes[0], np.trunc(SKY))


def test_headers_as_they_should_not_be():
    data = image_file(SKY.astype(np.int16), {"OBJECT": "x"})
    check_plane(read_image(with_card(data, "OBJECT", "'unfinished")).planes[0], np.trunc(SKY))
    check_plane(read_image(with_card(data, "OBJECT", "Å latin-1 \xe5")).planes[0], np.trunc(SKY))


@pytest.mark.parametrize("call", ["read_image", "prepare"])
def test_astropy_s_fits_is_imported_for_packed_images_only(call):
    code = (
        f"import sys, photocal.images as i; i.{call}(sys.stdin.buffer.read()); print('astropy.io.fits' in sys.modules)"
    )
    for data, wanted in (
        (image_file(SKY.astype(np.int16)), "False"),
        (written(fits.CompImageHDU(SKY.astype(np.int16), compression_type="RICE_1")), "True"),
    ):
        ran = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True, timeout=120)
        assert ran.stdout.decode().strip() == wanted
