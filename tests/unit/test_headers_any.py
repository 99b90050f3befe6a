"""Any header whatsoever: a finding for every keyword, all in range, never an exception."""

from __future__ import annotations

import contextlib
import json
import math

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cpcs.errors import BadMapping, UnreadableUpload
from cpcs.keywords import KEYWORDS, Kind
from cpcs.mappings import HeaderMapping, Rule, check_rule
from photocal.headers import document, names
from photocal.headers.cards import Card, Header
from photocal.headers.sources import read_header
from photocal.headers.standard import Given, How, StandardHeader
from photocal.headers.understand import standardise

VALIDATOR = jsonschema.Draft202012Validator(document.schema())
KEYS = sorted(
    {*KEYWORDS, *names.GAINS, *names.INVERSE_GAINS, *names.FILTERS, *names.TYPES, *names.SINGLE_BINS, *names.EQUINOXES}
    | {key for pair in (*names.PAIRED_BINS, *names.SCALES, *names.BINNED_PIXELS, *names.BARE_PIXELS) for key in pair}
    | {key for row in names.POSITIONS_ON_SKY for key in row[:2]}
    | {key for wheel in names.WHEELS for key in wheel}
    | {f"{stem}{i}_{j}" for stem in ("CD", "PC", "A_", "PV") for i in (1, 2) for j in (1, 2)}
    | {
        f"{stem}{i}"
        for stem in ("CDELT", "CROTA", "CRPIX", "CRVAL", "CTYPE", "CUNIT", "NAXIS", "ZNAXIS")
        for i in (1, 2)
    }
    | {
        "PLTRAH",
        "PLTRAM",
        "PLTRAS",
        "PLTDECD",
        "PLTDECM",
        "PLTDECS",
        "PLTDECSN",
        "BITPIX",
        "BZERO",
        "BSCALE",
        "DETSIZE",
    }
    | {
        "FOCALLEN",
        "BAYERPAT",
        "ISO",
        "LTM1_1",
        "LTM2_2",
        "A_ORDER",
        "UT",
        "UTC",
        "DATE",
        "MJD",
        "LST",
        "SITELAT",
        "SITELONG",
    }
)
VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.integers(-(10**25), 10**25).map(str),
    st.text(max_size=90),
    st.sampled_from([
        "", "0", "0.0", "-0.0", "1e400", "-1e400", "NaN", "1e-320", "T", "RA---TAN", "DEC--TAN", "GLON-TAN", "GLAT-TAN",
        "deg",
        "-1", "400", "95", "24:00:00", "23:59:60", "-00:00:01", "10h00m50.5s", "+41d16m", "12:30", "1950.0", "J2000",
        "JNOW",
        "2 2", "1x1", "0x0", "99 99", "48", "2 1", "RGGB", "Clear", "V", "bias", "2013-02-31T25:61:61", "26/07/102",
        "[1:2048,1:4612]", "9" * 300, "1.5d0", "1,5", "\x00\x07\u202e", "degree", "furlong", "FK4", "GAPPT", "rad",
    ]),
)  # fmt: skip
COMMENTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "hours", "[deg]", "in radians", "J2000", "B1950", "JNOW", "e-/ADU", "ADU/e-", "arcsec/mm", "unbinned"]
    ),
)
CARDS = st.builds(Card, key=st.sampled_from(KEYS), value=VALUES, comment=COMMENTS, is_text=st.booleans())
GIVEN = st.builds(
    Given,
    mjd=st.none() | st.floats(33282.0, 88069.0),
    filter=st.text(max_size=10),
    target_ra_deg=st.none() | st.floats(0.0, 360.0),
    target_dec_deg=st.none() | st.floats(-90.0, 90.0),
)


def check(standard: StandardHeader) -> None:
    assert [finding.keyword for finding in standard.findings] == list(KEYWORDS)
    for finding in standard.findings:
        keyword = KEYWORDS[finding.keyword]
        assert (finding.value is None) == (finding.how is How.MISSING)
        if finding.value is None:
            assert finding.why
        elif keyword.kind is Kind.TEXT:
            assert isinstance(finding.value, str)
            assert 0 < len(finding.value) <= 200
            assert finding.value.isprintable()
        else:
            assert isinstance(finding.value, int if keyword.kind is Kind.WHOLE else float)
            assert math.isfinite(float(finding.value))
            assert keyword.holds(float(finding.value))
    for remark in standard.remarks:
        assert remark.message.isprintable()
    VALIDATOR.validate(json.loads(json.dumps(document.document(standard), allow_nan=False)))
    assert document.text(standard)


@given(cards=st.lists(CARDS, max_size=40), known=GIVEN)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@example(cards=[], known=Given())
def test_any_header_is_understood_somehow(cards: list[Card], known: Given) -> None:
    check(standardise(Header(cards), given=known))


FORMATS = [
    "str", "int", "float", "float adu/e", "float deg", "float rad", "float mm", "float min", "float ms", "angle",
    "angle hour", "angle deg", "angle hms", "angle dms", "angle rad", "angle west", "mjd", "jd mid", "datetime tai end",
    "date dd/mm/yy", "date", "time hms", "time hour utc+2", "time s", "time day", "mjd mid tdb",
]  # fmt: skip


def rule(keyword: str, source: str, form: str, fixed: str) -> Rule | None:
    """Return a rule that may be stored; None where it may not."""
    try:
        return check_rule(Rule(keyword=keyword, source=source, format=form, fixed="" if source else fixed), "here")
    except BadMapping:
        return None


RULES = st.builds(
    rule,
    st.sampled_from(sorted(KEYWORDS)),
    st.sampled_from(["", *KEYS]),
    st.sampled_from(FORMATS),
    st.sampled_from(["1", "0", "-5", "V", "2 2", "150.2", "10:00:00", "1e300", "2000", "FK4", "dark"]),
)


@given(cards=st.lists(CARDS, max_size=30), rules=st.lists(RULES, max_size=12), known=GIVEN)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_header_with_any_mapping_is_understood_somehow(
    cards: list[Card], rules: list[Rule | None], known: Given
) -> None:
    kept = {item.keyword: item for item in rules if item is not None}
    mapping = HeaderMapping(camera="any", rules=tuple(kept.values()))
    standard = standardise(Header(cards), mappings=(mapping,), camera="any", given=known)
    check(standard)
    assert standard.mapping is not None


@given(data=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode())))
@settings(max_examples=300, deadline=None)
@example(data=b"SIMPLE")
@example(data=b"SIMPLE  =" + b" " * 2871)
@example(data=b"- [" * 400)
@example(data=b"[" * 4000)
@example(data=b'{"a":' * 4000)
@example(data=b"a: &a [*a, *a]\nb: *a\n")
@example(data=b"a: !!python/object/apply:os.system [true]\n")
@example(data=b'{"GAIN": ' + b"9" * 5000 + b"}")
@example(data=b"KEY = " + b"'" * 5000)
@example(data=b"A = 1\n" * 30000)
def test_any_bytes_are_a_header_or_a_coded_refusal(data: bytes) -> None:
    with contextlib.suppress(UnreadableUpload):
        check(standardise(read_header(data)))


@pytest.mark.parametrize("value", ["NaN", "inf", "1e400", "-5", "0", "1e30", "abc"])
@pytest.mark.parametrize(
    "key", ["GAIN", "RDNOISE", "SATURATE", "PIXSCALE", "XPIXSZ", "FOCALLEN", "RA", "CRVAL1", "EQUINOX"]
)
def test_numbers_that_cannot_be_are_never_taken(key: str, value: str) -> None:
    check(standardise(Header([Card(key=key, value=value), Card(key="DEC", value="10")])))
