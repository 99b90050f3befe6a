"""Header mappings: what they may say, and the text table that they are exchanged as."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpcs import serial
from cpcs.errors import BadMapping
from cpcs.keywords import KEYWORDS, Kind
from cpcs.mappings import (
    LONGEST_TEXT,
    MOST_CONDITIONS,
    MOST_RULES,
    MOST_VALUES,
    TYPES,
    Condition,
    Format,
    HeaderMapping,
    Rule,
    camera_key,
    check,
    check_rule,
    decoded,
    parse_format,
    parse_table,
    table,
)

TALK = """\
# DESCRIPTION : KEYWORD (in FITS) : KEYWORD (standard) : FORMAT : VALUE(s) : COMMENT
# OBSERVATORY
Observatory : - : OBSERVAT : str : LOIANO : -
Latitude    : - : LATITUDE : angle dms : "+44:15:33" : north

# INSTRUMENT
Filter : INSFILTE : FILTER : str : 1=U, 2=B, "2 1"=R : position of the wheel
"""


def refusal(text: str) -> BadMapping:
    with pytest.raises(BadMapping) as refused:
        parse_table(text)
    return refused.value


def line(keyword: str, form: str = "str", *, source: str = "-", value: str = "-") -> str:
    return f"x : {source} : {keyword} : {form} : {value} : -"


# --- formats ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Format()),
        ("string", Format()),
        ("%-20s", Format()),
        ("double", Format(type="float")),
        ("%8.3f min", Format(type="float", unit="min")),
        ("%05d", Format(type="int")),
        ("float64 seconds", Format(type="float", unit="s")),
        ("np.int32", Format(type="int")),
        ("FLOAT adu/e-", Format(type="float", unit="adu/e")),
        ("date DD/MM/YYYY", Format(type="date", form="dd/mm/yyyy")),
        ("time hms middle utc+5:30", Format(type="time", form="hms", moment="mid", scale="local", offset_hours=5.5)),
        ("time h utc-0330", Format(type="time", form="hour", scale="local", offset_hours=-3.5)),
        ("time hms utc+0", Format(type="time", form="hms", scale="local")),
        ("jd end tai", Format(type="jd", moment="end", scale="tai")),
        ("angle degrees west", Format(type="angle", form="deg", west=True)),
        ("dd/mm/yy", Format(type="date", form="dd/mm/yy")),
        ("YYYY-MM-DD utc+2", Format(type="date", form="yyyy-mm-dd", scale="local", offset_hours=2.0)),
        ("str yyyy-mm-dd", Format(type="date", form="yyyy-mm-dd")),
        ("hh:mm:ss.sss mid", Format(type="time", form="hms", moment="mid")),
        ("time hh:mm:ss", Format(type="time", form="hms")),
        ("dd:mm:ss", Format(type="angle", form="dms")),
        ("isot", Format(type="datetime")),
        ("date yyyy-mm-ddThh:mm:ss tai", Format(type="datetime", scale="tai")),
        ("yyyy-mm-dd hh:mm:ss", Format(type="datetime")),
        ("float arcsec/pix", Format(type="float", unit="arcsec")),
        ("float deg/pixel", Format(type="float", unit="deg")),
    ],
)
def test_formats_are_taken_apart(text: str, expected: Format) -> None:
    assert parse_format(text) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("list", "'list'"), ("%x", "'%x'"), ("float furlong", "'furlong'"), ("str min", "'min'"),
        ("date hms", "'hms'"), ("time hms hour", "'hour'"), ("time utc utc", "'utc'"), ("time utc+2 utc", "'utc'"),
        ("time utc+0 utc", "'utc'"), ("time utc+15", "15 hours"), ("time utc+2:75", "'utc+2:75'"),
        ("float west", "'west'"), ("time local", "'local'"),
    ],
)  # fmt: skip
def test_a_word_that_means_nothing_is_named(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_format(text)
    assert word in str(refused.value)


def test_an_unknown_type_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match="is none of") as refused:
        parse_format("complex")
    assert all(name in str(refused.value) for name in TYPES)


# --- rules ------------------------------------------------------------------------------------


def test_the_table_of_the_talk() -> None:
    found = parse_table(TALK)
    assert (found.camera, found.version, found.recognise) == ("", 0, ())
    assert found.rules == (
        Rule(keyword="OBSERVAT", fixed="LOIANO", description="Observatory"),
        Rule(keyword="LATITUDE", format="angle dms", fixed="+44:15:33", description="Latitude", comment="north"),
        Rule(
            keyword="FILTER",
            source="INSFILTE",
            values=(("1", "U"), ("2", "B"), ("2 1", "R")),
            description="Filter",
            comment="position of the wheel",
        ),
    )


def test_keywords_are_brought_to_one_form() -> None:
    rule = check_rule(Rule(keyword=" filter", source="hierarch  eso ins filt1 name | insfilte "), "rule 1")
    assert (rule.keyword, rule.source) == ("FILTER", "ESO INS FILT1 NAME|INSFILTE")
    assert check_rule(Rule(keyword="GAIN", source="EGAIN", format=""), "rule 1").format == "float"
    assert check_rule(Rule(keyword="NAXIS1", source="NX", format=" "), "rule 1").format == "int"


@pytest.mark.parametrize(
    ("keyword", "form", "value"),
    [
        ("OBSERVAT", "str", "Ostrowik, Warszawa = OAUW"),
        ("BIN", "int", "2"),
        ("LATITUDE", "angle", "-30 10 10.8"),
        ("LATITUDE", "float", "44.26"),
        ("LONGITUD", "angle hms west", "4:43:15"),
        ("LONGITUD", "angle dms west", "70:44:12"),
        ("LONGITUD", "float", "348.66"),
        ("LONGITUD", "angle rad", "-1.2"),
        ("ALTITUDE", "float km", "2.4"),
        ("ALTITUDE", "float ft", "7900"),
        ("EXPTIME", "float min", "1440"),
        ("READTIME", "double ms", "2.5E3"),
        ("GAIN", "float adu/e", "0.5"),
        ("CDELTA1", "float deg", "1.6D-4"),
        ("CDELTA1", "float arcmin", "0.01"),
        ("PIXSIZE1", "float mm", "0.0135"),
        ("RA", "angle hour", "23.9"),
        ("RA", "str", "23:59:59.9"),
        ("CRVAL2", "angle dms", "-05 00 01"),
        ("ORIENTAT", "float deg", "-90"),
        ("NAXIS1", "int", "2048"),
        ("TIMESYS", "str", "UTC"),
    ],
)
def test_fixed_values_that_can_be(keyword: str, form: str, value: str) -> None:
    rule = Rule(keyword=keyword, format=form, fixed=value)
    assert check_rule(rule, "rule 1") == rule


@pytest.mark.parametrize(
    ("keyword", "form", "value"),
    [
        ("LATITUDE", "float", "95"),
        ("LATITUDE", "float", "nan"),
        ("LATITUDE", "angle dms", "90:00:01"),
        ("LATITUDE", "angle dms", "44 E"),
        ("LONGITUD", "str", "44 15 33 N"),
        ("LONGITUD", "str", "11h20m12s"),
        ("RA", "float deg", "12:30:00"),
        ("ALTITUDE", "float", "785 s"),
        ("ALTITUDE", "float", "785 parsec"),
        ("GAIN", "str", "slow"),
        ("BIN", "int", "zz"),
        ("BIN", "str", "2x99"),
        ("LONGITUD", "float", "400"),
        ("ALTITUDE", "float km", "240"),
        ("EXPTIME", "float min", "1441"),
        ("EXPTIME", "float", "1_0"),
        ("EXPTIME", "float", "1e999"),
        ("GAIN", "float adu/e", "0"),
        ("GAIN", "float", "one"),
        ("RA", "angle hour", "24.1"),
        ("RA", "str", "24:00:01"),
        ("NAXIS1", "int", "2048.5"),
        ("AIRMASS", "float", "0.9"),
        ("DATE-OBS", "date", "2018-10-07"),
        ("TIME-OBS", "time", "12 00 00"),
        ("JD", "jd", "2458398.5"),
        ("MJD-AVG", "mjd", "58398"),
    ],
)
def test_fixed_values_that_cannot_be(keyword: str, form: str, value: str) -> None:
    refused = refusal(line(keyword, form, value=f'"{value}"'))
    assert "line 1" in refused.message
    assert keyword in refused.message
    mapped = refusal(line(keyword, form, source="X", value=f'1="{value}"'))
    assert keyword in mapped.message


@pytest.mark.parametrize(
    ("keyword", "form"),
    [
        ("GAIN", "date"), ("GAIN", "hh:mm:ss"), ("GAIN", "angle"), ("FILTER", "angle"), ("FILTER", "float s"),
        ("EXPTIME", "float arcsec"), ("EXPTIME", "float km"), ("GAIN", "float min"), ("EXPTIME", "float adu/e"),
        ("ALTITUDE", "float um"), ("ALTITUDE", "float deg"), ("AIRMASS", "float s"), ("LATITUDE", "angle deg west"),
        ("RA", "time hms"), ("ORIENTAT", "angle"), ("ORIENTAT", "float rad"),
        ("CRVAL1", "float rad"), ("CRVAL1", "date"), ("RA", "yyyy-mm-dd"), ("TIME-OBS", "dd:mm:ss"),
        ("DATE-OBS", "time hms"), ("DATE-OBS", "angle"), ("TIME-OBS", "date"), ("JD", "angle"),
    ],
)  # fmt: skip
def test_formats_that_do_not_go_with_a_keyword(keyword: str, form: str) -> None:
    assert keyword in refusal(line(keyword, form, source="X")).message


def test_every_keyword_takes_its_usual_format_and_one_of_the_file() -> None:
    rules = tuple(Rule(keyword=name, source=name, format="") for name in KEYWORDS)
    checked = check(HeaderMapping(camera="all", rules=rules))
    usual = {Kind.WHOLE: "int", Kind.REAL: "float", Kind.TEXT: "str"}
    assert {rule.keyword: rule.format for rule in checked.rules} == {
        name: usual[keyword.kind] for name, keyword in KEYWORDS.items()
    }


BAD_LINES = [
    ("no colon at all", "1 field"),
    ("a : b : c", "3 fields"),
    ("x:-:OBSERVAT:str:12:30:00:-", "8 fields"),
    ("x : - : OBSERVER : str : A. B: chief : -", "7 fields"),
    ("x : - : OBSERVAT : LOIANO", "'LOIANO' is no format"),
    (line("RA", source="OBJRA,OBJCTRA"), "'OBJRA,OBJCTRA' cannot be a FITS keyword"),
    (line("SEEING", source="SEEING"), "'SEEING' is no standard keyword"),
    (line("FILTR", source="X"), "'FILTR' is no standard keyword"),
    (line("FILTER", source="FIL=TER"), "cannot be a FITS keyword"),
    (line("FILTER", source="FILTÉR"), "cannot be a FITS keyword"),
    (line("FILTER", source="A||B"), "cannot be a FITS keyword"),
    (line("FILTER", source="K" * 69), "cannot be a FITS keyword"),
    (line("FILTER", source="X", value="U"), "no map of values"),
    (line("FILTER", source="X", value="1=U=V"), "no map of values"),
    (line("FILTER", source="X", value="1=U, 2=B,"), "no map of values"),
    (line("FILTER", source="X", value="1=U, 1=B"), "'1' twice"),
    (line("FILTER", source="X", value="2=U, 2.0=B"), "'2' twice"),
    (line("FILTER", source="X", value="a  b=U, A b=B"), "'a b' twice"),
    (line("FILTER", source="X", value="1=-"), "empty place"),
    (line("FILTER", source="X", value='1="U'), "not closed"),
    (line("FILTER", value="x" * 201), "201 characters"),
    (line("FILTER", value="a\x00b"), "cannot be printed"),
    ("#! camra : BFOSC", "'camra' is not understood"),
    ("#! camera : BFOSC : R", "'camera' is not understood"),
    ("#! version : three", "'version' is not understood"),
    ("#! version : -3", "'version' is not understood"),
    ("#! recognise : INSTRUME", "'recognise' is not understood"),
    ("#! recognise : INSTRUME : -", "no keyword with a pattern"),
    ("#! recognise : A|B : x", "no keyword with a pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD_LINES)
def test_a_bad_line_is_named_and_explained(text: str, said: str) -> None:
    refused = refusal(f"# TIME\n\n{text}\n")
    assert "line 3" in refused.message
    assert said in refused.message
    assert refused.hint


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("x : - : OBSERVAT : LOIANO", "OBSERVAT : str : LOIANO"),
        (line("RA", source="OBJRA,OBJCTRA"), "OBJRA|OBJCTRA"),
        (line("RA", source="RA/TELRA"), "RA|TELRA"),
        (line("SEEING", source="SEEING"), "begin its line with #"),
        (line("INSTRUME", source="INSTRUME", value="BFOSC"), "give - for the FITS keyword"),
        (line("INSTRUME", source="INSTRUME", value="BFOSC"), "1=U, 2=B"),
    ],
)
def test_a_refusal_names_the_way_out(text: str, way_out: str) -> None:
    assert way_out in refusal(text).hint


def test_two_rules_for_one_keyword_are_refused_with_both_lines() -> None:
    refused = refusal(f"{line('GAIN', 'float', source='A')}\n\n{line('gain', 'float', source='B')}")
    assert "line 3" in refused.message
    assert "line 1" in refused.message


def test_a_directive_is_said_once() -> None:
    assert "said before" in refusal("#! camera : a\n#! camera : b").message


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule(keyword="FILTER"), "no FITS keyword and no value"),
        (Rule(keyword="FILTER", source="X", fixed="R"), "both a FITS keyword and a fixed value"),
        (Rule(keyword="FILTER", fixed="R", values=(("1", "U"),)), "values of no FITS keyword"),
        (Rule(keyword="FILTER", source="X", values=tuple((str(n), "U") for n in range(MOST_VALUES + 1))), "101 values"),
        (Rule(keyword="FILTER\n", source="X\ny"), "cannot be printed"),
    ],
)
def test_rules_that_no_line_can_make(rule: Rule, said: str) -> None:
    with pytest.raises(BadMapping) as refused:
        check(HeaderMapping(camera="c", rules=(rule,)))
    assert said in refused.value.message
    assert "rule 1" in refused.value.message


@pytest.mark.parametrize(
    "changes",
    [
        {"camera": " "},
        {"camera": ".."},
        {"camera": "c" * 65},
        {"camera": "\u0390" * 64},  # three signs each without regard to case
        {"camera": "a\tb"},
        {"comment": "c" * (LONGEST_TEXT + 1)},
        {"rules": (Rule(keyword="FILTER", source="X"),) * (MOST_RULES + 1)},
        {"recognise": (Condition(keyword="A", pattern="b"),) * (MOST_CONDITIONS + 1)},
        {"rules": tuple(
            Rule(keyword=name, source="X", values=tuple((f"{n}{'v' * 190}", "m" * 200) for n in range(100)))
            for name in ("FILTER", "OBJECT")
        )},
    ],
)  # fmt: skip
def test_a_mapping_has_its_limits(changes: dict[str, Any]) -> None:
    with pytest.raises(BadMapping):
        check(replace(HeaderMapping(camera="c"), **changes))


def test_an_endless_table_is_not_looked_at() -> None:
    assert "characters" in refusal("x" * 300_000).message


@pytest.mark.parametrize(
    ("said", "meant"), [("1", "U"), ("1.0", "U"), ("01", "U"), ("2  1", "R"), ("open", "none"), ("3", "3"), ("", "")]
)
def test_values_are_looked_up_as_they_are_meant(said: str, meant: str) -> None:
    rule = Rule(keyword="FILTER", source="X", values=(("1", "U"), ("2 1", "R"), ("Open", "none")))
    assert rule.meaning(said) == meant


# --- the table --------------------------------------------------------------------------------


def test_a_table_as_people_write_it() -> None:
    text = (
        "\ufeffDESCRIPTION : KEYWORD (in FITS) : KEYWORD (standard) : FORMAT : VALUE(s) : COMMENT\r\n"
        '#! recognize : instrume : "BFOSC: *"\r\n#! version : 4\r\n'
        "TIME\r\nBelichtung\t:\tBELICHT:EXPTIME:float min\r\n"
        'Télescope, 12" : - : TELESCOP : str : 12" f/4, "new" : a, "b" c\r\n'
        "Gain : - : GAIN : float : - : nobody knows it\r\n"
        'Filter : F1 : FILTER : str : a\\=b=c\\,d, "x:\\"y\\\\"=- z : C\\:\\data\r\n'
    )
    found = parse_table(text)
    assert (found.version, found.recognise) == (4, (Condition(keyword="INSTRUME", pattern="BFOSC: *"),))
    exposure, telescope, band = found.rules
    assert (exposure.source, exposure.format, exposure.description) == ("BELICHT", "float min", "Belichtung")
    assert (telescope.fixed, telescope.description) == ('12" f/4, "new"', 'Télescope, 12"')
    assert telescope.comment == 'a, "b" c'
    assert band.values == (("a=b", "c,d"), ('x:"y\\', "- z"))
    assert band.comment == "C:\\data"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_old_encodings_are_read(encoding: str) -> None:
    text = line("OBSERVAT", value="Kraków".replace("ó", "é"))
    assert parse_table(decoded(text.encode(encoding))).rules[0].fixed == "Krakéw"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L : - : LONGITUD : str : 11:20:12 : east", {"fixed": "11:20:12", "comment": "east"}),
        ("L : - : LATITUDE : str : +44:15:33 : -", {"fixed": "+44:15:33"}),
        ("L\t:\t-\t:\tLATITUDE\t:\tstr\t:\t+44:15:33\t:\t-", {"fixed": "+44:15:33"}),
        ("L : - : LATITUDE : str : 44:15", {"fixed": "44:15"}),
        ("T : UT : TIME-OBS : str : - : hh:mm:ss.s", {"source": "UT", "format": "str", "comment": "hh:mm:ss.s"}),
        ("T:UT:TIME-OBS:str:-:hh:mm:ss", {"source": "UT", "comment": "hh:mm:ss"}),
        ("T : UT : TIME-OBS : hh:mm:ss", {"source": "UT", "format": "time hms"}),
        ("R : RA : RA : str : - : hh:mm:ss", {"source": "RA", "comment": "hh:mm:ss"}),
        ("R : RA : RA : hh:mm:ss : - : -", {"source": "RA", "format": "angle hms"}),
        ("R : RA : RA : float hours : - : -", {"source": "RA", "format": "angle hour"}),
        ("D : D : OBSERVER : str : - : a: b : c", {"source": "D", "comment": "a: b : c"}),
        ("F : F : FILTER : str : 1=U,2=B : see http://x.y: page 3", {"comment": "see http://x.y: page 3"}),
        ("O:-:OBSERVAT:str:LOIANO:-", {"fixed": "LOIANO"}),
        ("O : - : OBSERVAT : str:LOIANO:-", {"fixed": "LOIANO"}),
        ("H : - : ALTITUDE : str : 785 m : -", {"fixed": "785", "format": "str"}),
        ("H : none : ALTITUDE : %s : 2.4 km : N/A", {"fixed": "2.4", "format": "float km", "comment": ""}),
        ("G : \u2013 : GAIN : float : 2.22 e-/ADU : \u2013", {"fixed": "2.22", "format": "float e/adu"}),
        ("G : -- : RDNOISE : float : 3.1 e- : --", {"fixed": "3.1", "format": "float"}),
        ("E : None : EQUINOX : str : J2000 : -", {"fixed": "2000", "format": "str"}),
        ("P : - : PIXSIZE1 : float um : 20 microns", {"fixed": "20", "format": "float um"}),
        ('F : W : FILTER : str : 5=none, "-"=open', {"values": (("5", "none"), ("-", "open"))}),
    ],
)
def test_lines_as_people_write_them(text: str, expected: dict[str, Any]) -> None:
    mapping = parse_table(f"OBJECT and WCS\n=====\n; a\n// b : c\n% d\n- - -\nTIME :\n{text}")
    (rule,) = mapping.rules
    assert {name: getattr(rule, name) for name in expected} == expected
    assert parse_table(table(mapping)) == mapping


@pytest.mark.parametrize(
    "text", ["none", "N/A", "--", "-----", "; a", "// a", "%s", "\u2013", "TIME", "11:20:12", "a:b"]
)
def test_what_is_looser_to_read_is_still_written_exactly(text: str) -> None:
    rule = Rule(keyword="OBSERVER", fixed=text, description=text, comment=text)
    (read,) = parse_table(table(HeaderMapping(camera="c", rules=(rule,)))).rules
    assert read == rule


def test_accents_count_in_whichever_way_they_are_typed() -> None:
    composed, typed = "Krak\u00f3w", "Krako\u0301w"
    assert camera_key(composed) == camera_key(typed)
    assert check(HeaderMapping(camera=typed)).camera == composed


NAMES = st.sampled_from(sorted(KEYWORDS))
WORDS = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" :,=\"\\#-';%/1h"), max_size=24).map(
    str.strip
)
FULL = WORDS.filter(bool)
SOURCES = st.lists(
    st.sampled_from(["INSFILTE", "ESO INS FILT1 NAME", "DATE-OBS", "F_1", "CAMERA.TEMP"]), min_size=1, unique=True
).map("|".join)  # fmt: skip
TEXTS = [name for name, keyword in KEYWORDS.items() if keyword.kind is Kind.TEXT and "-OBS" not in name]


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    about = {"description": draw(WORDS), "comment": draw(WORDS)}
    kind = draw(st.sampled_from(["fixed", "map", "plain"]))
    if kind == "plain":
        return Rule(keyword=draw(NAMES), source=draw(SOURCES), format="", **about)
    name = draw(st.sampled_from(TEXTS))
    if kind == "fixed":
        return Rule(keyword=name, fixed=draw(FULL), **about)
    pairs = draw(st.dictionaries(FULL, FULL, max_size=4))
    return Rule(keyword=name, source=draw(SOURCES), values=tuple(pairs.items()), **about)


@st.composite
def mappings(draw: st.DrawFn) -> HeaderMapping:
    conditions = st.builds(Condition, keyword=st.sampled_from(["INSTRUME", "ESO INS ID"]), pattern=FULL)
    mapping = HeaderMapping(
        camera=draw(FULL.filter(lambda text: any(sign.isalnum() for sign in text))),
        version=draw(st.integers(0, 999)),
        recognise=tuple(draw(st.lists(conditions, max_size=2))),
        rules=tuple(draw(st.lists(rules(), max_size=6, unique_by=lambda rule: rule.keyword))),
        comment=draw(WORDS),
    )
    try:
        return check(mapping)
    except BadMapping:  # two values of a map that mean the same
        return check(replace(mapping, rules=()))


@settings(max_examples=300, deadline=None)
@given(mappings())
def test_what_is_written_is_read_back(mapping: HeaderMapping) -> None:
    text = table(mapping)
    assert parse_table(text) == mapping
    assert parse_table(text.replace("\n", "\r\n")) == mapping
    assert table(parse_table(text)) == text
    assert serial.loads(HeaderMapping, serial.dumps(mapping)) == mapping
    assert check(mapping) == mapping


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('ab:-="\\,#! \t\r\n1é\x00'), max_size=80))
def test_any_text_is_read_or_refused_with_a_code(text: str) -> None:
    try:
        found = parse_table(text)
    except BadMapping as error:
        found = parse_table(f"# {json.dumps(error.as_dict())}")
    assert parse_table(table(found)) == found


@pytest.mark.parametrize("data", ["[1]", '["a"]', '["a", "b", "c"]', '[["a", 1]]', "{}"])
def test_pairs_are_read_back_strictly(data: str) -> None:
    with pytest.raises(serial.BadRecord):
        serial.loads(Rule, f'{{"keyword": "FILTER", "values": [{data}]}}')
