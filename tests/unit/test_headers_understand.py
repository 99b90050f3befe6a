"""Mappings and the default understanding together; the document and the command that show it."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpcs import serial
from cpcs.keywords import KEYWORDS
from cpcs.mappings import Condition, HeaderMapping, Rule
from infra.docs import ALIASES, REMARKS
from photocal.__main__ import main
from photocal.headers import document
from photocal.headers.standard import Given, How, Level, Remark
from photocal.headers.understand import _matches, _sorted, standardise
from photocal.headers.values import clean
from tests.conftest import ROOT
from tests.support.headers import card_images, header_of

BFOSC = HeaderMapping(
    observatory_id=7,
    camera="BFOSC",
    version=3,
    recognise=(Condition(keyword="INSTRUME", pattern="bfosc*"),),
    rules=(
        Rule(keyword="OBSERVAT", fixed="LOIANO"),
        Rule(keyword="FILTER", source="INSFILTE|FILTER", values=(("1", "U"), ("2 1", "R"))),
        Rule(keyword="GAIN", source="CCDG", format="float adu/e"),
        Rule(keyword="RDNOISE", fixed="12.5", format="float"),
        Rule(keyword="CDELTA1", source="PXS", format="float deg"),
        Rule(keyword="PIXSIZE1", source="PIXMM", format="float mm"),
        Rule(keyword="RA", source="TRA", format="angle hour"),
        Rule(keyword="DEC", source="TDEC", format="angle dms"),
        Rule(keyword="OBSTYPE", source="KIND"),
        Rule(keyword="BIN", source="BB"),
    ),
)
LINES = (
    "INSTRUME = 'BFOSC-2'", "INSFILTE = '2 1'", "CCDG = 0.5", "PXS = 0.0001", "PIXMM = 0.02", "TRA = 10.5",
    "KIND = 'light'", "TDEC = '-05:30:00'", "BB = '2 2'", "GAIN = 9.0", "RA = '01:00:00'", "DEC = '+10:00:00'",
)  # fmt: skip


def test_rules_come_before_the_default_understanding() -> None:
    standard = standardise(header_of(*LINES), mappings=(BFOSC,))
    expected: dict[str, Any] = {
        "OBSERVAT": "LOIANO", "FILTER": "R", "GAIN": 2.0, "RDNOISE": 12.5, "CDELTA1": 0.36, "PIXSIZE1": 20.0,
        "RA": 157.5, "DEC": -5.5, "OBSTYPE": "object", "BIN": "2x2",
    }  # fmt: skip
    for keyword, value in expected.items():
        finding = standard.finding(keyword)
        assert finding.value == (pytest.approx(value) if isinstance(value, float) else value), keyword
        assert finding.how is How.MAPPED, keyword
    assert standard.finding("INSTRUME").how is How.FOUND
    assert standard.finding("GAIN").source == "CCDG = 0.5"
    used = standard.mapping
    assert used is not None
    assert (used.camera, used.observatory_id, used.version, used.recognised) == ("BFOSC", 7, 3, True)


def test_a_rule_whose_keyword_is_not_there_leaves_it_to_the_default() -> None:
    standard = standardise(header_of("INSTRUME = 'BFOSC'", "FILTER = 'V'", "GAIN = 1.5"), mappings=(BFOSC,))
    assert standard.text("FILTER") == "V"
    assert standard.finding("GAIN").how is How.FOUND


def test_a_rule_whose_value_cannot_be_read_is_missing_and_not_guessed() -> None:
    lines = ("INSTRUME = 'BFOSC'", "CCDG = 'high'", "GAIN = 1.5", "TRA = 'x'", "TDEC = '1'", "RA = 10.0", "DEC = 5.0")
    standard = standardise(header_of(*lines), mappings=(BFOSC,))
    assert standard.finding("GAIN").how is How.MISSING
    assert "mapping" in standard.finding("GAIN").why
    assert standard.finding("RA").how is How.MISSING
    assert "mapping" in standard.finding("RA").why


def test_which_mapping_holds() -> None:
    other = HeaderMapping(camera="Other", recognise=(Condition(keyword="INSTRUME", pattern="*"),))
    nearer = HeaderMapping(
        camera="Nearer",
        recognise=(Condition(keyword="INSTRUME", pattern="BF?SC*"), Condition(keyword="TELESCOP", pattern="152")),
    )
    unconditional = HeaderMapping(camera="Named only")
    header = header_of("INSTRUME = 'BFOSC-2'", "TELESCOP = '152'")

    def used(*mappings: HeaderMapping, camera: str = "") -> str:
        chosen = standardise(header, mappings=mappings, camera=camera).mapping
        return "" if chosen is None else chosen.camera

    assert used(BFOSC, nearer, other, unconditional) == "Nearer"
    assert used(unconditional) == ""
    assert used(BFOSC, unconditional, camera="named ONLY") == "Named only"
    assert used(BFOSC, camera="unknown") == "BFOSC"
    assert used(BFOSC, other) == ""
    ambiguous = standardise(header, mappings=(BFOSC, other))
    assert "MAPPING_AMBIGUOUS" in {remark.code for remark in ambiguous.remarks}
    withdrawn = HeaderMapping(camera="Named only", withdrawn=True)
    assert used(withdrawn, camera="Named only") == ""
    assert standardise(header, mappings=(unconditional,), given=Given(camera="Named only")).mapping is not None


@given(text=st.text(alphabet="abc*?", max_size=12), value=st.text(alphabet="abc", max_size=12))
def test_patterns_match_as_their_regular_expressions_do(text: str, value: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, char) for char in text)
    assert _matches(text, value.upper()) == bool(re.fullmatch(expression, value))


def test_remarks_are_the_worst_first_and_each_once() -> None:
    remarks = [
        Remark(code="A", level=Level.NOTE, message="a"),
        Remark(code="B", level=Level.REFUSAL, message="b\x07"),
        Remark(code="A", level=Level.NOTE, message="a"),
        Remark(code="C", level=Level.WARNING, message="c"),
    ]
    assert [(remark.code, remark.message) for remark in _sorted(remarks)] == [("B", "b"), ("C", "c"), ("A", "a")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  a\t\nb ", "a b"),
        ("e\u0301", "\u00e9"),
        ("a\x00\x1b[31mb\u202e", "a[31mb"),
        ("x" * 500, "x" * 200),
        ("\u200b", ""),
    ],
)
def test_texts_are_cleaned(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_the_document_is_what_its_schema_says() -> None:
    standard = standardise(header_of(*LINES, "IMAGETYP = 'dark'"), mappings=(BFOSC,))
    written = document.document(standard)
    schema = json.loads((ROOT / "docs/schemas/standard-header-1.json").read_text("utf-8"))
    assert schema == document.schema()
    jsonschema.validate(written, schema)
    jsonschema.validate(document.document(standardise(header_of("A = 1"))), schema)
    assert list(written["keywords"]) == list(KEYWORDS)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written | {"keywords": written["keywords"] | {"RA": {"value": 400.0}}}, schema)


def test_every_code_that_is_said_is_documented() -> None:
    said = {
        code
        for path in (ROOT / "layers/astro/photocal/headers").glob("*.py")
        for code in re.findall(r"(?:code=|\(scene, |_remark\()\"([A-Z][A-Z0-9_]+)\"", path.read_text("utf-8"))
    }
    assert len(said) > 10
    assert said <= set(REMARKS)
    assert set(ALIASES) <= set(KEYWORDS)
    assert all(names[0] for names in ALIASES.values())


# --- the command -------------------------------------------------------------------------------


def test_the_command_shows_a_table(tmp_path, capsys) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(card_images("SIMPLE  = T", "NAXIS   = 2", "NAXIS1  = 20", "NAXIS2  = 30", "FILTERS = 48"))
    assert main(["header", str(path)]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"NAXIS1 +20 pixel +found +NAXIS1 = 20", shown)
    assert "FILTER_IS_A_POSITION" in shown
    assert shown.startswith("OBSERVATORY\n")


def test_the_command_takes_mappings_as_json_and_as_a_table(tmp_path, capsys) -> None:
    (tmp_path / "header.txt").write_text("\n".join(LINES))
    (tmp_path / "bfosc.json").write_bytes(serial.dumps(BFOSC))
    table = "Filter : INSFILTE : FILTER : str : 2 1=I : -\nObservatory : - : OBSERVAT : str : LOIANO : -\n"
    (tmp_path / "bfosc.txt").write_text(table)
    for mapping, value, camera in (("bfosc.json", "R", "BFOSC"), ("bfosc.txt", "I", "bfosc")):
        command = ["header", str(tmp_path / "header.txt"), "--mapping", str(tmp_path / mapping), "--json", "-"]
        assert main(command) == 0
        written = json.loads(capsys.readouterr().out)
        assert written["keywords"]["FILTER"]["value"] == value
        assert written["keywords"]["OBSERVAT"]["value"] == "LOIANO"
        assert written["mapping"]["camera"] == camera


def test_the_target_given_to_the_command_decides(tmp_path, capsys) -> None:
    (tmp_path / "h.txt").write_text("RA = 10.5\nDEC = 5.0\n")
    assert main(["header", str(tmp_path / "h.txt"), "--ra", "157.5", "--dec", "5", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["keywords"]["RA"]["value"] == pytest.approx(157.5)


@pytest.mark.parametrize(
    ("file", "more", "code"),
    [
        ("nothing.fits", (), "BAD_FIELD"),
        ("prose.txt", (), "NOT_A_HEADER"),
        ("good.txt", ("--mapping", "bad.json"), "BAD_MAPPING"),
        ("good.txt", ("--mapping", "bad.txt"), "BAD_MAPPING"),
        ("good.txt", ("--ra", "10"), "BAD_FIELD"),
        ("good.txt", ("--ra", "1000"), "BAD_COMMAND_LINE"),
    ],
)
def test_the_command_refuses_with_a_code(
    tmp_path, monkeypatch, capsys, file: str, more: tuple[str, ...], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prose.txt").write_text("dear observer\n")
    (tmp_path / "good.txt").write_text("FILTER = 'V'\n")
    (tmp_path / "bad.json").write_text('{"camera": 5}')
    (tmp_path / "bad.txt").write_text("a : b : NOPE : str : - : -\n")
    assert main(["header", file, *more, "--json", "-"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["code"] == code
    assert code in captured.err
