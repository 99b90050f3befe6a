"""One-shot-colour frames: recognised, split, and their planes' pixels where they belong on the sky."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from cpcs import errors
from photocal.headers.cards import Card, Header
from photocal.headers.understand import standardise
from photocal.images import Grid, plane_cards, read_image
from photocal.images.colours import Bayer, bayer
from tests.support.sky_files import image_file, sky, written

LEVELS = {"R": 300.0, "G": 700.0, "B": 450.0}


def mosaic(cell, shape=(60, 80)):
    """Return pixels under a pattern whose letters are those of (0, 0), (0, 1), (1, 0), (1, 1)."""
    pixels = sky(shape, level=0.0)
    for row, column in product((0, 1), (0, 1)):
        pixels[row::2, column::2] += LEVELS[cell[2 * row + column]]
    return pixels


def codes(frame):
    return [remark.code for remark in frame.remarks]


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize("key", ["BAYERPAT", "COLORTYP", "FILTER"])
def test_a_mosaic_is_split(pattern, key):
    pixels = mosaic(pattern)
    frame = read_image(image_file(pixels.astype(np.uint16), {key: pattern}))
    assert [image.colour for image in frame.planes] == ["R", "G", "B"]
    assert codes(frame) == ["BAYER_SPLIT"]
    for image in frame.planes:
        assert image.data.shape == (30, 40)
        assert image.data.flags.c_contiguous
        assert np.median(image.data) == pytest.approx(LEVELS[image.colour], abs=5)
        assert image.grid.step == 2
    red = frame.planes[0]
    x, y = int(red.grid.x_first), int(red.grid.y_first)
    assert pattern[2 * y + x] == "R"
    np.testing.assert_array_equal(red.data, pixels.astype(np.uint16)[y::2, x::2])
    green = frame.planes[1]
    assert (green.grid.x_first, green.grid.y_first) == (0.5, 0.5)
    assert green.data.std() < red.data.std() * 1.5


@pytest.mark.parametrize(
    ("cards", "n_rows", "cell"),
    [
        ({}, 60, "RGGB"),
        ({"XBAYROFF": 1}, 60, "GRBG"),
        ({"YBAYROFF": 1}, 60, "GBRG"),
        ({"XBAYROFF": 1, "YBAYROFF": 1}, 60, "BGGR"),
        ({"XBAYROFF": -1}, 60, "GRBG"),
        ({"BAYOFFX": 2, "BAYOFFY": "3."}, 60, "GBRG"),
        ({"ROWORDER": "TOP-DOWN"}, 60, "RGGB"),
        ({"ROWORDER": "BOTTOM-UP"}, 60, "GBRG"),
        ({"ROWORDER": "BOTTOM-UP"}, 61, "RGGB"),
        ({"ROWORDER": "BOTTOM-UP", "YBAYROFF": 1}, 60, "RGGB"),
        ({"XBINNING": 1, "YBINNING": 1}, 60, "RGGB"),
    ],
)
def test_the_pattern_over_the_stored_pixels(cards, n_rows, cell):
    header = Header(Card(key=key, value=str(value)) for key, value in ({"BAYERPAT": "RGGB"} | cards).items())
    found = bayer(header, n_rows)
    assert found == Bayer(pattern="RGGB", cell=cell)


@pytest.mark.parametrize("cards", [{"XBINNING": 2}, {"BINNING": "2x2"}, {"CCDSUM": "2 2"}])
def test_binned_pixels_have_no_colour_unless_they_show_it(cards):
    grey = sky((60, 80)).astype(np.uint16)
    frame = read_image(image_file(grey, {"BAYERPAT": "RGGB", **cards}))
    assert codes(frame) == ["BAYER_BINNED"]
    assert [image.colour for image in frame.planes] == [""]
    like_with_like = read_image(image_file(mosaic("RGGB").astype(np.uint16), {"BAYERPAT": "RGGB", **cards}))
    assert codes(like_with_like) == ["BAYER_SPLIT"]


@pytest.mark.parametrize("text", ["", "NONE", "MONO", "V", "RG", "XRGGBX", "Clear"])
def test_what_is_no_pattern(text):
    frame = read_image(image_file(mosaic("RGGB").astype(np.uint16), {"BAYERPAT": text, "FILTER": text}))
    assert [image.colour for image in frame.planes] == [""]


@pytest.mark.parametrize("text", ["rggb", " RGGB ", "BAYER RGGB", "Bayer_RGGB"])
def test_spellings_of_a_pattern(text):
    assert len(read_image(image_file(mosaic("RGGB").astype(np.uint16), {"COLORTYP": text})).planes) == 3


def test_pixels_that_contradict_the_header():
    frame = read_image(image_file(mosaic("GBRG").astype(np.uint16), {"BAYERPAT": "RGGB"}))
    assert codes(frame) == ["BAYER_ROWS_EXCHANGED", "BAYER_SPLIT"]
    assert [round(float(np.median(image.data)), -1) for image in frame.planes] == [300, 700, 450]


def test_levels_of_any_unit_tell():
    small = mosaic("GBRG").astype(np.float32) / 65535
    assert codes(read_image(image_file(small, {"BAYERPAT": "RGGB"})))[0] == "BAYER_ROWS_EXCHANGED"


def test_a_dark_mosaic_is_split_as_the_header_says():
    grey = sky((60, 80)).astype(np.uint16)
    assert codes(read_image(image_file(grey, {"BAYERPAT": "RGGB"}))) == ["BAYER_SPLIT"]


def test_odd_sides_lose_the_last_row_and_column_and_masks_are_split_too():
    pixels = mosaic("RGGB", (61, 81)).astype(np.float32)
    pixels[0, 1] = pixels[4, 6] = np.nan
    red, green, blue = read_image(image_file(pixels, {"BAYERPAT": "RGGB"})).planes
    assert red.data.shape == green.data.shape == blue.data.shape == (30, 40)
    assert np.argwhere(red.mask).tolist() == [[2, 3]]
    assert np.argwhere(green.mask).tolist() == [[0, 0]]
    assert blue.mask is None


HEAD = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": -30.0, "CRPIX1": 41.3, "CRPIX2": 28.9,
    "CD1_1": -2.7e-4, "CD1_2": 1.3e-5, "CD2_1": 1.1e-5, "CD2_2": 2.6e-4,
}  # fmt: skip
SIP = HEAD | {
    "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 3, "B_ORDER": 3, "A_2_0": 3e-5, "A_1_1": -2e-5,
    "B_0_2": 4e-5, "B_0_3": 2e-7, "A_3_0": 1e-7,
}  # fmt: skip
OLD = {key: value for key, value in HEAD.items() if not key.startswith("CD")} | {
    "CDELT1": -2.7e-4, "CDELT2": 2.6e-4, "PC1_1": 1.0, "PC1_2": 0.1, "PC2_1": -0.1, "PC2_2": 1.0,
}  # fmt: skip


@pytest.mark.parametrize("head", [HEAD, SIP, OLD], ids=["CD", "SIP", "PC"])
@pytest.mark.parametrize(
    "grid", [Grid(step=2, x_first=1, y_first=0), Grid(step=2, x_first=0.5, y_first=0.5), Grid(x_first=16)]
)
def test_a_plane_s_pixels_are_where_they_were_on_the_sky(head, grid):
    x, y = np.array([0.0, 3.5, 17.0]), np.array([2.0, 11.25, 0.0])
    whole = WCS(fits.Header(head))
    changed = plane_cards({key: str(value) for key, value in head.items()}, grid)
    numbers = {key: value if key.startswith("CTYPE") else float(value) for key, value in changed.items()}
    numbers |= {key: int(value) for key, value in head.items() if key.endswith("ORDER")}
    plane = WCS(fits.Header(numbers))
    there = whole.all_pix2world(grid.x_first + grid.step * x, grid.y_first + grid.step * y, 0)
    np.testing.assert_allclose(plane.all_pix2world(x, y, 0), there, rtol=0, atol=1e-11)
    assert changed["CRVAL1"] == str(head["CRVAL1"])


def test_a_star_lies_at_the_same_place_in_all_planes():
    y, x = np.indices((60, 80))
    pixels = 100 + 5000 * np.exp(-((x - 33.4) ** 2 + (y - 21.7) ** 2) / 18.0)
    for image in read_image(image_file(pixels.astype(np.float32), {"BAYERPAT": "RGGB"})).planes:
        rows, columns = np.indices(image.data.shape)
        light = image.data - 100
        at_x = image.grid.x_first + image.grid.step * (light * columns).sum() / light.sum()
        at_y = image.grid.y_first + image.grid.step * (light * rows).sum() / light.sum()
        assert (at_x, at_y) == (pytest.approx(33.4, abs=0.01), pytest.approx(21.7, abs=0.01))


def cube(gains, seed=4):
    rng = np.random.default_rng(seed)
    one = sky((60, 80))
    return np.stack([gain * one + rng.normal(0, 3, one.shape) for gain in gains]).astype(np.float32)


@pytest.mark.parametrize(
    ("gains", "cards"),
    [
        ((0.5, 1.0, 0.7), {}),
        ((1.0, 1.0, 1.0), {"CTYPE3": "RGB"}),
        ((1.0, 1.0, 1.0), {"COLORSPC": "RGB"}),
        ((1.0, 1.0, 1.0), {"BAYERPAT": "GRBG"}),
        ((1.0, 1.0, 1.0), {"PROGRAM": "Siril 1.4.3"}),
        ((1.0, 1.0, 1.0), {"INSTRUME": "Seestar S50"}),
    ],
)
def test_three_planes_that_are_colours(gains, cards):
    pixels = cube(gains)
    frame = read_image(image_file(pixels, cards))
    assert codes(frame) == ["COLOUR_PLANES"]
    assert [image.colour for image in frame.planes] == ["R", "G", "B"]
    for image, plane in zip(frame.planes, pixels, strict=True):
        np.testing.assert_array_equal(image.data, plane)
        assert image.grid == Grid()
        assert image.data.flags.c_contiguous


@pytest.mark.parametrize(
    ("pixels", "cards"),
    [
        (cube((1.0, 1.0, 1.0)), {}),  # three exposures in a row
        (cube((0.5, 1.0, 0.7)), {"CTYPE3": "WAVE"}),
        (cube((0.5, 1.0, 0.7)), {"CTYPE3": "STOKES", "INSTRUME": "DSLR"}),
        (np.stack([sky((60, 80), seed=n, level=100.0 * n) for n in (1, 2, 3)]).astype("f4"), {}),
        (np.stack([np.zeros((60, 80)), np.ones((60, 80)), sky((60, 80))]).astype("f4"), {}),
    ],
)
def test_three_planes_that_are_a_cube(pixels, cards):
    with pytest.raises(errors.ImageCube, match="80 x 60 x 3"):
        read_image(image_file(pixels, cards))


def test_a_grey_picture_in_colours_is_one_plane():
    frame = read_image(image_file(np.stack([sky((60, 80))] * 3).astype(np.uint16)))
    assert [image.colour for image in frame.planes] == [""]
    assert codes(frame) == ["GREY_IN_COLOURS"]


def test_colour_planes_packed_in_tiles_with_holes():
    pixels = cube((0.5, 1.0, 0.7))
    pixels[1, 5, 6] = np.nan
    data = fits.CompImageHDU(pixels, compression_type="GZIP_1", quantize_level=0, tile_shape=(1, 20, 80))
    stream_planes = read_image(written(data)).planes
    assert [image.mask is None for image in stream_planes] == [True, False, True]
    assert np.argwhere(stream_planes[1].mask).tolist() == [[5, 6]]
    np.testing.assert_array_equal(stream_planes[2].data, pixels[2])


@pytest.mark.parametrize("key", ["BAYERPAT", "BAYPAT", "BAYRPAT", "CFA-PAT", "BAYER", "FILTER"])
def test_header_and_pixels_know_the_same_names_of_a_pattern(key):
    header = Header([Card(key=key, value="RGGB", is_text=True)])
    assert bayer(header, 48) is not None
    assert standardise(header).text("FILTER") == "RGGB"
