"""Which HDU of a file is taken as its image, and which files are refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from cpcs import errors
from photocal.images import read_image
from photocal.readers.limits import Limits
from tests.support.sky_files import header, image_file, raw, sky, with_card, written

SKY = sky().astype(np.float32)


def image(level=0.0, cards=None, name=None, pixels=SKY):
    return fits.ImageHDU(pixels + np.float32(level), header(cards or {}), name=name)


def codes(frame):
    return [remark.code for remark in frame.remarks]


@pytest.mark.parametrize(
    ("hdus", "taken", "remarks"),
    [
        ([fits.PrimaryHDU(SKY)], 0, []),
        ([fits.PrimaryHDU(SKY), image(name="MASK")], 0, []),
        ([image(name="MASK"), image()], 2, []),
        ([image(name="DQ"), image(name="ERR"), image(name="SCI"), image(name="wht")], 3, []),
        ([fits.PrimaryHDU(SKY), image(name="SCI")], 1, []),
        ([image(name="SKY-MASK"), image(name="WEIGHT"), image(name="N6")], 3, []),
        ([image(cards={"PRODTYPE": "wtmap"}), image(name="N6")], 2, []),
        ([image(name="N6"), image(name="N7"), image(name="S1")], 1, ["OTHER_IMAGES"]),
        ([image(pixels=SKY[0]), image()], 2, []),
        ([image(pixels=np.stack([SKY] * 5)), image()], 2, []),
        ([fits.CompImageHDU(SKY, name="BPM"), fits.CompImageHDU(SKY, name="CCD3")], 2, []),
        ([fits.BinTableHDU.from_columns([fits.Column("RA", "D", array=[1.0])], name="CAT"), image()], 2, []),
    ],
)
def test_the_image_of_a_file(hdus, taken, remarks):
    frame = read_image(written(*hdus))
    assert frame.hdu == taken
    assert codes(frame) == remarks
    assert frame.planes[0].data.shape == SKY.shape


@pytest.mark.parametrize("name", ["BACKGROUND_SUBTRACTED", "SKY_SUB", "STD_STAR", "SKY"])
def test_a_frame_may_be_called_after_what_was_done_to_it(name):
    assert read_image(written(fits.PrimaryHDU(SKY, fits.Header([("EXTNAME", name)])))).planes[0].data.shape == SKY.shape


def test_others_are_counted():
    frame = read_image(written(*(image(name=f"CCD{n}") for n in range(1, 10))))
    assert "8 other images of the file not: CCD2, CCD3, CCD4, CCD5, CCD6, CCD7 and 2 more" in frame.remarks[0].message


OVERSCAN = {"DATASEC": "[1:70,1:60]", "BIASSEC": "[71:80,1:60]"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (OVERSCAN | {"DETSEC": "[1:70,1:60]"}, OVERSCAN | {"DETSEC": "[140:71,1:60]"}),
        ({"TRIMSEC": "[ 11: 80, 1 : 60]", "BIASSECA": "[1:10,1:60]"},) * 2,
        ({"CCDNAME": "EEV 9273", "AMPNAME": "right"}, {"CCDNAME": "EEV 9273", "AMPNAME": "left"}),
        ({"EXTNAME": "amp00"}, {"EXTNAME": "amp01"}),
        ({f"HIERARCH ESO DET OUT1 {key}": n for key, n in (("NX", 66), ("PRSCX", 8), ("OVSCX", 6))},) * 2,
        ({"EXTNAME": "Segment10"}, {"EXTNAME": "Segment11"}),
    ],
)
def test_raw_mosaics_are_refused(first, second):
    with pytest.raises(errors.RawMosaic, match="raw mosaic of 2 parts"):
        read_image(written(image(cards=first), image(cards=second)))


@pytest.mark.parametrize(
    "cards",
    [
        {"DATASEC": "[33:2080,1:4612]", "BIASSEC": "[1:32,1:4612]"},  # trimmed: the sections are the chip's
        {"DATASEC": "[1:80,1:60]", "BIASSEC": "[71:80,1:60]"},
        {"DATASEC": "[33:2080,1:4612]", "BIASSEC": "[0:0,0:0]"},
        {"DATASEC": "UNKNOWN", "BIASSEC": "UNKNOWN"},
        {"DATASEC": "[a:b,c:d]", "BIASSEC": "[1:10,1:60"},
        {"CCDNAME": "S29", "AMPNAME": ""},
        {f"HIERARCH ESO DET OUT1 {key}": n for key, n in (("NX", 80), ("PRSCX", 8), ("OVSCX", 6))},
    ],
)
def test_chips_that_are_reduced_are_read(cards):
    frame = read_image(written(image(cards=cards | {"CCDNUM": 1}), image(cards=cards | {"CCDNUM": 2})))
    assert codes(frame) == ["OTHER_IMAGES"]


def test_overscan_of_one_image_is_a_warning():
    frame = read_image(image_file(SKY, OVERSCAN))
    assert codes(frame) == ["OVERSCAN_NOT_TRIMMED"]
    assert "[71:80,1:60]" in frame.remarks[0].message
    assert codes(read_image(written(image(cards=OVERSCAN)))) == ["OVERSCAN_NOT_TRIMMED"]


TABLE = fits.BinTableHDU.from_columns([fits.Column("RA", "D", array=[1.0])])
GROUPS = raw(
    "SIMPLE  = T", "BITPIX  = -32", "NAXIS   = 3", "NAXIS1  = 0", "NAXIS2  = 20", "NAXIS3  = 20", "GROUPS  = T",
    "PCOUNT  = 0", "GCOUNT  = 1", data=bytes(1600),
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "error", "told"),
    [
        (b"", errors.EmptyFile, "0 bytes"),
        (b" \n", errors.EmptyFile, "2 bytes"),
        (b"RA,Dec\n1,2\n", errors.NoImage, "not a FITS file"),
        (b"\xff\xd8\xff\xe0JFIF", errors.NoImage, "JPEG"),
        (b"XISF0100....", errors.NoImage, "XISF"),
        (b"II*\0\x10\0\0\0CR", errors.NoImage, "raw file of a camera"),
        (written(fits.PrimaryHDU()), errors.NoImage, "no data"),
        (written(TABLE), errors.NoImage, "tables only"),
        (GROUPS, errors.NoImage, "random groups"),
        (image_file(SKY[0]), errors.NoImage, "no two axes"),
        (image_file(SKY[:1]), errors.NoImage, "no two axes"),
        (written(image(name="MASK"), image(name="WEIGHT")), errors.NoImage, "only what goes with one: MASK, WEIGHT"),
        (image_file(np.stack([SKY] * 5)), errors.ImageCube, "80 x 60 x 5"),
        (image_file(np.stack([np.stack([SKY, SKY])] * 3)), errors.ImageCube, "80 x 60 x 2 x 3"),
        (image_file(SKY[:15]), errors.ImageTooSmall, "80 x 15"),
        (image_file(SKY[:, :5]), errors.ImageTooSmall, "5 x 60"),
        (image_file(np.full_like(SKY, np.nan)), errors.BlankImage, "None of the 4800"),
        (image_file(np.full_like(SKY, np.inf)), errors.BlankImage, "None"),
        (image_file(np.where(np.arange(80) < 5, SKY, np.nan)), errors.MostlyBlankImage, "Only 6.25 %"),
        (image_file(np.zeros_like(SKY)), errors.ConstantImage, "100 % .* 0"),
        (image_file(np.full((60, 80), 1890, np.uint16)), errors.ConstantImage, "1890"),
        (image_file(np.where(np.arange(4800).reshape(60, 80) < 3, 7, 5).astype("i2")), errors.ConstantImage, "99.94 %"),
        (image_file(np.full((60, 80), 65535, np.uint16)), errors.SaturatedImage, "65535"),
        (image_file(np.full((60, 80), 32767, np.int16)), errors.SaturatedImage, "32767"),
        (image_file(np.full((60, 80), 255, np.uint8)), errors.SaturatedImage, "255"),
        (image_file(np.minimum(SKY, 995)), errors.SaturatedImage, "% of the pixels .* ceiling, 995"),
        (with_card(image_file(SKY, {"BSCALE": 1.0}), "BSCALE", "NaN"), errors.BrokenFits, "BSCALE"),
        (with_card(image_file(SKY, {"BZERO": 1.0}), "BZERO", "'much'"), errors.BrokenFits, "BZERO is no number"),
        (with_card(image_file(SKY, {"BSCALE": 1.0}), "BSCALE", "1E300"), errors.BlankImage, "None"),
        (with_card(image_file(SKY, {"BSCALE": 1.0}), "BSCALE", "0.0"), errors.ConstantImage, "0"),
        (with_card(image_file(SKY), "BITPIX", "24"), errors.BrokenFits, "BITPIX = 24"),
        (with_card(image_file(SKY), "NAXIS", "999999999"), errors.BrokenFits, "NAXIS = 999999999"),
        (with_card(image_file(SKY), "NAXIS1", "-80"), errors.BrokenFits, "NAXIS1 = -80"),
        (with_card(image_file(SKY), "NAXIS2", "1E2"), errors.BrokenFits, "NAXIS2 is not an integer"),
        (with_card(image_file(SKY), "NAXIS2", "90000"), errors.CutShort, r"HDU 0, \d+ of 28800000 bytes are missing"),
        (image_file(SKY)[:10000], errors.CutShort, "12080 of 19200 bytes"),
        (written(image(name="SCI"))[:10000], errors.CutShort, r"HDU 1 \(SCI\)"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value)[:12],
)  # fmt: skip
def test_what_is_no_image_has_a_code(data, error, told):
    with pytest.raises(error, match=told) as caught:
        read_image(data)
    assert type(caught.value) is error
    assert caught.value.hint


def test_limits_can_be_set():
    with pytest.raises(errors.ImageTooLarge, match="80 x 60 pixels; at most 4799 are read"):
        read_image(image_file(SKY), Limits(pixels=4799))
    assert read_image(image_file(SKY), Limits(pixels=4800)).statistics.n == 4800
    with pytest.raises(errors.TooManyRows, match="bytes"):
        read_image(image_file(SKY), Limits(fits_bytes=20_000))
