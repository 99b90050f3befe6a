"""Names of catalogues and filters, and what an observer may force."""

from __future__ import annotations

import pytest

from cpcs.errors import UnknownFilter
from cpcs.passbands import (
    ANY,
    Choice,
    Passband,
    all_passbands,
    astrometric,
    catalogue_data,
    catalogue_named,
    catalogues,
    covers,
    filters,
    is_photographic,
    parse_choice,
)

# The list of the first CPCS, as its form offered it.
OLD = {
    "PS1": "i r z g",
    "APASS": "i r B g V",
    "VSTATLAS": "i r u z g",
    "OGLE3": "I V",
    "USNO": "R1pg R2pg B1pg Ipg B2pg",
    "GAIA": "G",
    "SDSS": "B g i I r u V R z",
    "2MASS": "H K J",
    "any": "B V R u g r i z",
}
OLD_CHOICES = [f"{catalogue}/{band}" for catalogue, bands in OLD.items() for band in bands.split()]
NEW_CHOICES = ["DES/Y", "GAIA/BP", "GaiaSP/U", "GaiaSP/any", "SKYMAPPER/g", "REFCAT2/z", "any/U", "any/I"]


@pytest.mark.parametrize("given", OLD_CHOICES + NEW_CHOICES)
def test_every_choice_of_the_old_form_parses_as_itself(given):
    assert str(parse_choice(given)) == given


@pytest.mark.parametrize("catalogue", [*OLD])
def test_old_filters_come_in_the_old_order(catalogue):
    if catalogue == ANY:
        assert {"B", "V"} <= {passband.filter for passband in all_passbands()}
    else:
        assert filters(catalogue)[: len(OLD[catalogue].split())] == tuple(OLD[catalogue].split())


def test_catalogues_come_in_the_old_order_first():
    assert catalogues()[:8] == tuple(name for name in OLD if name != ANY)


@pytest.mark.parametrize("given", ["no", "", None, "auto", "any/any", " NO "])
def test_automatic(given):
    assert parse_choice(given) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("apass/v", "APASS/V"),
        ("2mass/j", "2MASS/J"),
        ("PanSTARRS/r", "PS1/r"),
        ("gaiadr3/bp", "GAIA/BP"),
        ("gaiasp/any", "GaiaSP/any"),
        ("ANY/r", "any/r"),
        (" SDSS / R ", "SDSS/R"),
        ("ucac4/v", "UCAC4/V"),  # for positions, but forced by its name
        ("URAT-1/any", "URAT1/any"),
        ("Pan-STARRS/r", "PS1/r"),
        ("gaia_sp/R", "GaiaSP/R"),
        ("GAIA SP / any", "GaiaSP/any"),
        ("GaiaDR3/GBP", "GAIA/BP"),
        ("GAIA/rp", "GAIA/RP"),
        ("any/rp", "any/r"),  # the Sloan filter of Las Cumbres, not Gaia's
        ("any/SDSS-R", "any/r"),
        ("any/Bessell-V", "any/V"),
        ("GaiaSP/Rc", "GaiaSP/R"),
        ("apass/R", "APASS/r"),
        ("any/Ks", "any/K"),
    ],
)
def test_case_and_aliases(given, expected):
    assert str(parse_choice(given)) == expected


@pytest.mark.parametrize(
    "given",
    [
        "APASS",
        "APASS/",
        "/V",
        "APASS/z",
        "UCAC4/z",
        "NOSUCH/V",
        "any/xyz",
        "any/f",
        "x" * 500,
        "any/GaiaSP",
        "any/Clear",
        "any/Ha",
        "any/48",
        "V/APASS",
        "any//r",
        "any/ ",
        "\0/\0",
    ],
)
def test_unknown(given):
    with pytest.raises(UnknownFilter):
        parse_choice(given)


def test_case_is_not_guessed_where_both_exist():
    with pytest.raises(UnknownFilter):
        parse_choice("GAIA/X")
    assert parse_choice("GaiaSP/u") != parse_choice("GaiaSP/U")


def test_private_catalogues_can_be_forced():
    private = {"M67-standards": ("B", "Rc")}
    assert parse_choice("m67-STANDARDS/rc", private=private) == Choice("M67-standards", "Rc")
    assert parse_choice("any/Rc", private=private) == Choice("any", "Rc")


def test_allows():
    assert Choice("any", "r").allows(Passband("PS1", "r"))
    assert Choice("PS1", "any").allows(Passband("PS1", "z"))
    assert not Choice("PS1", "r").allows(Passband("APASS", "r"))


def test_what_is_declared():
    assert is_photographic("USNO")
    assert not is_photographic("APASS")
    assert not is_photographic("anything private")
    assert covers("PS1", -20.0)
    assert not covers("PS1", -40.0)
    assert covers("PS1", -32.0, radius_deg=1.0)
    assert covers("anything private", -89.0)
    assert catalogue_named(" gaia-dr2 ") == "GAIADR2"
    assert catalogue_named("nothing") is None


@pytest.mark.parametrize("name", list(catalogue_data()))
def test_every_entry_is_whole(name):
    entry = catalogue_data()[name]
    assert {"title", "citation", "ra", "dec", "epoch", "dec_deg", "max_error", "bands"} <= set(entry)
    assert ("pmra" in entry) == ("pmdec" in entry)
    assert set(entry.get("order", [])) <= set(entry["bands"]) | set(entry.get("derived", {}))
    for band in entry["bands"].values():
        assert band["system"] in {"AB", "Vega"}
        assert "err" in band or "default_error" in entry
    for recipe in entry.get("derived", {}).values():
        assert {recipe["base"], *recipe["colour"]} <= set(entry["bands"])
        assert recipe["scatter"] > 0


def test_no_name_means_two_catalogues():
    spoken = [word.casefold() for name, entry in catalogue_data().items() for word in (name, *entry.get("aliases", ()))]
    assert len(spoken) == len(set(spoken))


def test_catalogues_of_positions_are_told_from_standards():
    assert set(astrometric()) == {"GAIADR2", "URAT1", "UCAC4"}
    assert not set(astrometric()) & set(catalogues())
    assert set(astrometric()) | set(catalogues()) == set(catalogue_data())
