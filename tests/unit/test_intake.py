"""What an upload holds, and what its header says: one way for catalogues and images, here and in the worker's child."""

from __future__ import annotations

import gzip
import io
import json
import re
from typing import Any

import jsonschema
import numpy as np
import pytest
from astropy.io import fits

from cpcs.errors import HeaderContradiction, RawMosaic, ReaderCrashed
from cpcs.mappings import Condition, HeaderMapping, Rule, parse_table
from functions.calibrate import reading
from functions.calibrate.child import Answer, Limits
from photocal.headers import document
from photocal.headers.standard import Finding, Given, How, Level, StandardHeader
from photocal.intake import Intake, take_in
from photocal.simulate import simulate
from tests.conftest import ROOT

WHEEL = HeaderMapping(
    observatory_id=7,
    camera="BFOSC",
    version=3,
    recognise=(Condition(keyword="INSTRUME", pattern="bfosc*"),),
    rules=(
        Rule(keyword="FILTER", source="INSFILTE", values=(("1", "U"), ("2", "B"), ("2 1", "R"))),
        Rule(keyword="INSTRUME", fixed="BFOSC at Loiano"),
    ),
)
STARS = {"ALPHA_J2000": [10.0, 10.01], "DELTA_J2000": [5.0, 5.01], "MAG_AUTO": [-8.0, -9.0], "MAGERR_AUTO": [0.1, 0.1]}


def written(*hdus: Any) -> bytes:
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream)
    return stream.getvalue()


def table(header: dict[str, Any], name: str = "", **more: list[Any]) -> fits.BinTableHDU:
    columns = [
        fits.Column(name=key, format="D" if isinstance(values[0], float) else "8A", array=values)
        for key, values in (STARS | more).items()
    ]
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    hdu.header.update(header)
    return hdu


def catalogue(header: dict[str, Any], **more: list[Any]) -> bytes:
    return written(fits.PrimaryHDU(), table(header, **more))


def ldac(header: dict[str, Any]) -> bytes:
    image = fits.Header([("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", 2048), ("NAXIS2", 1024)])
    image.update(header)
    text = image.tostring(endcard=True, padding=False)
    field = fits.BinTableHDU.from_columns(
        [fits.Column(name="Field Header Card", format=f"{len(text)}A", array=[text])], name="LDAC_IMHEAD"
    )
    return written(fits.PrimaryHDU(), field, table({}, "LDAC_OBJECTS"))


def image(header: dict[str, Any]) -> bytes:
    sky = np.random.Generator(np.random.PCG64(1)).normal(1000.0, 30.0, (64, 48)).astype(np.float32)
    return written(fits.PrimaryHDU(sky, fits.Header(list(header.items()))))


def text(*comments: str) -> bytes:
    rows = zip(*STARS.values(), strict=True)
    return "\n".join([*comments, ",".join(STARS), *(",".join(map(str, row)) for row in rows)]).encode()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ({}, ""),
        ({"FILTER": "rp"}, "rp"),
        ({"FILTER1": "air", "FILTER2": "V"}, "V"),
        ({"FILTER": "Clear", "FILTER2": "rp"}, "rp"),
        ({"FILTER": "Clear"}, "Clear"),
        ({"FILTER": "", "INSFILTE": "Bessell-I"}, "Bessell-I"),
    ],
)
def test_the_filter_is_taken_from_the_card_that_names_one(header: dict[str, str], name: str) -> None:
    assert take_in(catalogue(header)).filter_name == name


@pytest.mark.parametrize(
    ("header", "camera"),
    [
        ({}, ""),
        ({"INSTRUME": "KL4040", "TELESCOP": "T80"}, "KL4040"),
        ({"INSTRUME": "", "DETECTOR": "e2v", "TELESCOP": "T80"}, "e2v"),
        ({"CAMERA": "U42", "DETECTOR": "e2v"}, "U42"),
    ],
)
def test_the_camera_is_taken_from_the_card_that_is_nearest_to_one(header: dict[str, str], camera: str) -> None:
    assert take_in(catalogue(header)).camera == camera


def test_where_no_camera_is_named_the_telescope_stands_for_it() -> None:
    findings = {"INSTRUME": None, "TELESCOP": "T80"}
    header = StandardHeader(findings=tuple(Finding(keyword=key, value=value) for key, value in findings.items()))
    assert Intake(header=header).camera == "T80"


def test_what_every_row_says_counts_as_the_header() -> None:
    assert take_in(catalogue({}, FILTER=["V", "V"])).filter_name == "V"
    assert take_in(catalogue({"FILTER": "R"}, FILTER=["V", "V"])).filter_name == "R"
    assert take_in(catalogue({}, FILTER=["V", "R"])).header is not None


def test_a_file_without_a_header_has_none() -> None:
    for data in (text(), simulate(seed=3).catalogue):
        intake = take_in(data, mappings=(WHEEL,), camera="BFOSC")
        assert (intake.header, intake.filter_name, intake.camera) == (None, "", "")
        assert intake.stars is not None
        assert intake.stars.n > 1


@pytest.mark.parametrize(
    "data",
    [
        catalogue({"INSFILTE": 2, "INSTRUME": "BFOSC 2"}),
        ldac({"INSFILTE": "2", "INSTRUME": "BFOSC 2"}),
        text("# INSFILTE = 2", "# INSTRUME = 'BFOSC 2'"),
        gzip.compress(ldac({"INSFILTE": 2.0, "INSTRUME": "bfosc"})),
        image({"INSFILTE": 2, "INSTRUME": "BFOSC"}),
    ],
    ids=["table", "ldac", "text", "gzip", "image"],
)
def test_a_mapping_is_recognised_whatever_carries_the_header(data: bytes) -> None:
    intake = take_in(data, mappings=(WHEEL,))
    assert (intake.filter_name, intake.camera) == ("B", "BFOSC at Loiano")
    assert intake.header is not None
    assert intake.header.mapping is not None
    assert (intake.header.mapping.version, intake.header.mapping.recognised) == (3, True)
    assert intake.header.finding("FILTER").how is How.MAPPED


def test_the_form_names_the_camera_where_the_header_does_not() -> None:
    data = catalogue({"INSFILTE": "2 1"})
    assert take_in(data, mappings=(WHEEL,)).filter_name == "2 1"
    assert take_in(data, mappings=(WHEEL,), camera=" Bfosc").filter_name == "R"


def test_the_header_of_ldac_is_the_images() -> None:
    header = take_in(ldac({"EXPTIME": 30.0})).header
    assert header is not None
    assert (header.number("NAXIS1"), header.number("NAXIS2")) == (2048, 1024)
    plain = take_in(catalogue({"FILTER": "V"})).header
    assert plain is not None
    assert plain.number("NAXIS1") is None  # the length of a row is no width


def test_an_image_is_understood() -> None:
    intake = take_in(image({"FILTER": "V", "OBSTYPE": "object"}))
    intake.check()
    assert (intake.stars, intake.filter_name) == (None, "V")
    assert intake.frame is not None


def test_remarks_of_the_pixels_stand_among_those_of_the_header() -> None:
    header = {"BIASSEC": "[41:48,1:64]", "DATASEC": "[1:40,1:64]", "IMAGETYP": "dark"}
    understood = take_in(image(header)).header
    assert understood is not None
    codes, levels = zip(*((remark.code, remark.level) for remark in understood.remarks), strict=True)
    assert codes[0] == "NOT_A_LIGHT_FRAME"
    assert "OVERSCAN_NOT_TRIMMED" in codes
    assert sorted(levels, key=list(Level).index, reverse=True) == list(levels)


def test_an_image_that_cannot_be_is_refused() -> None:
    with pytest.raises(HeaderContradiction) as refused:
        take_in(image({"IMAGETYP": "dark"})).check()
    assert refused.value.metadata["remark"] == "NOT_A_LIGHT_FRAME"
    assert "frame" in refused.value.message


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"IMAGETYP": "Flat Field"}, "NOT_A_LIGHT_FRAME"),
        ({"RA": 100.0, "DEC": -80.0}, "TARGET_AGAINST_POINTING"),
        ({"DATE-OBS": "2018-10-05T12:00:00", "EXPTIME": 30.0, "LONG-OBS": 11.3, "LAT-OBS": 44.3}, "SUN_UP"),
    ],
)
def test_of_a_catalogue_stars_and_form_say_better(header: dict[str, object], code: str) -> None:
    given = Given(mjd=58396.5, target_ra_deg=192.0, target_dec_deg=60.0, longitude_deg=11.3, latitude_deg=44.3)
    intake = take_in(catalogue(header), given=given)
    intake.check()
    assert intake.header is not None
    assert {remark.code: remark.level for remark in intake.header.remarks}[code] is Level.WARNING
    with pytest.raises(HeaderContradiction) as refused:
        take_in(image(header), given=given).check()
    assert refused.value.metadata["remark"] == code


# --- in a child -------------------------------------------------------------------------------


def read(data: bytes) -> Intake:
    given = Given(mjd=58000.0, filter="V", observatory="Loiano", longitude_deg=11.3, latitude_deg=44.3)
    return reading.read_upload(data, Limits(), mappings=(WHEEL,), camera="", given=given)


@pytest.mark.parametrize(
    "data",
    [text(), ldac({"INSFILTE": 2, "INSTRUME": "BFOSC", "OBJECT": "Gaia18dps é".encode().decode("ascii", "ignore")}),
     image({"INSTRUME": "BFOSC"})],
)  # fmt: skip
def test_a_child_says_the_same(data: bytes) -> None:
    here = take_in(data, mappings=(WHEEL,), given=Given(mjd=58000.0, filter="V", longitude_deg=11.3, latitude_deg=44.3))
    there = read(data)
    assert there.filter_name == here.filter_name
    assert (there.stars is None) == (here.stars is None)
    if here.stars is not None and there.stars is not None:
        assert np.array_equal(there.stars.inst_mag, here.stars.inst_mag)
        assert there.stars.meta == here.stars.meta
    if here.header is not None:
        assert there.header is not None
        assert there.header.mapping == here.header.mapping
        assert there.header.wcs == here.header.wcs


def test_a_child_refuses_with_the_same_codes() -> None:
    amplifiers = [fits.ImageHDU(np.ones((20, 20), dtype=np.int16), name=f"AMP{n}") for n in (1, 2)]
    with pytest.raises(RawMosaic):
        read(written(fits.PrimaryHDU(), *amplifiers))


def bad(change: dict[str, Any]) -> dict[str, Any]:
    header = take_in(catalogue({"FILTER": "V"})).header
    assert header is not None
    return document.document(header) | change


@pytest.mark.parametrize(
    "said",
    [
        {}, {"stars": None}, {"stars": {"meta": {}}, "header": None}, {"stars": None, "header": []},
        {"stars": None, "header": {"keywords": {}}}, {"stars": None, "header": bad({"mapping": {"camera": 1}})},
        {"stars": None, "header": bad({"remarks": [{"code": "X", "level": "loud", "message": ""}]})},
        {"stars": None, "header": bad({"wcs": {"A": 1}})}, {"stars": None, "header": bad({"wcs": {"A": "x" * 9999}})},
    ],
)  # fmt: skip
def test_an_answer_is_not_believed(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]) -> None:
    monkeypatch.setattr(reading, "run_in_child", lambda *_: Answer(document=said))
    with pytest.raises(ReaderCrashed):
        read(b"")


# --- documents --------------------------------------------------------------------------------


def test_a_document_is_read_back() -> None:
    header = take_in(
        ldac({"INSFILTE": 2, "INSTRUME": "BFOSC", "CRVAL1": 10.0, "CTYPE1": "RA---TAN"}), mappings=(WHEEL,)
    ).header
    assert header is not None
    said = json.loads(json.dumps(document.document(header), allow_nan=False))
    jsonschema.validate(said, document.schema())
    assert document.read(said) == header


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("FILTER", 2), ("NAXIS1", 2.5), ("NAXIS1", True), ("GAIN", "high"), ("RA", 400.0), ("RA", float("nan"))],
)
def test_a_value_out_of_kind_or_range_is_no_header(keyword: str, value: object) -> None:
    said = bad({})
    said["keywords"][keyword] = said["keywords"][keyword] | {"value": value}
    with pytest.raises(ValueError, match=keyword):
        document.read(said)


def test_the_brief_has_what_is_shown_with_the_status() -> None:
    header = take_in(catalogue({"INSFILTE": 2, "INSTRUME": "BFOSC"}), mappings=(WHEEL,)).header
    assert header is not None
    brief = document.brief(header)
    assert brief["mapping"]["version"] == 3
    assert (brief["keywords"]["FILTER"], brief["keywords"]["INSTRUME"]) == ("B", "BFOSC at Loiano")
    assert "GAIN" not in brief["keywords"]
    assert set(brief) == {"mapping", "keywords", "guessed", "remarks"}
    assert len(json.dumps(brief)) < 4000


# --- the manual -------------------------------------------------------------------------------


def test_the_manuals_example_is_understood_as_it_says() -> None:
    manual = (ROOT / "docs" / "mappings.md").read_text("utf-8")
    first, example = (parse_table(table) for table in re.findall(r"```text\n(.*?)```", manual, re.DOTALL))
    assert [rule.keyword for rule in first.rules] == ["FILTER", "EXPTIME"]
    cards = {
        "INSTRUME": "BFOSC EEV", "DATE_LT": "07/08/2018", "TIME_LT": "01:30:00", "TEXP": 2.5, "FWHEEL": "0 1",
        "SPEED": "Slow", "TARGET": "Gaia18bmt", "RA_T": 14.0886, "DEC_T": 54.2,
    }  # fmt: skip
    header = take_in(image(cards), mappings=(example,)).header
    assert header is not None
    assert header.mapping is not None
    assert header.mapping.recognised
    assert {key: header.text(key) for key in ("OBSERVAT", "DATE-OBS", "TIME-OBS", "FILTER", "OBJECT")} == {
        "OBSERVAT": "LOIANO", "DATE-OBS": "2018-08-06", "TIME-OBS": "23:30:00.000", "FILTER": "i'",
        "OBJECT": "Gaia18bmt",
    }  # fmt: skip
    expected = {
        "LONGITUD": 11.3366667, "LATITUDE": 44.2591667, "EXPTIME": 150.0, "GAIN": 2.22, "SATURATE": 60000.0,
        "RA": 211.329, "DEC": 54.2, "MJD-AVG": 58336.97916667 + 75.0 / 86400.0,
    }  # fmt: skip
    assert {key: header.number(key) for key in expected} == pytest.approx(expected)
