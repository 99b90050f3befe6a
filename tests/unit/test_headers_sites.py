"""Known sites: the table of them, their spellings, and which of a header's names counts."""

from __future__ import annotations

import pytest

from cpcs.keywords import KEYWORDS
from photocal.headers import sites
from tests.support.place_headers import codes, placed

# --- the table of sites ---


def test_the_table_of_sites_is_sound() -> None:
    known = sites.known()
    assert len(known) > 200
    assert len({site.name for site in known}) == len(known)
    listed = [site.mpc for site in known if site.mpc]
    assert len(set(listed)) == len(listed)
    for site in known:
        assert KEYWORDS["LONGITUD"].holds(site.longitude_deg)
        assert KEYWORDS["LATITUDE"].holds(site.latitude_deg)
        assert site.altitude_m is not None
        assert KEYWORDS["ALTITUDE"].holds(site.altitude_m)
        assert sites.named(site.name, an_observatory=True) == site
        assert sites.near(site.longitude_deg, site.latitude_deg) is not None


def test_no_spelling_means_two_sites() -> None:
    table = sites._table()
    spellings = [*table.words.items(), *table.exact.items(), *table.codes.items()]
    meant: dict[str, set[str]] = {}
    for spelling, site in spellings:
        meant.setdefault(spelling, set()).add(site.name)
    assert not {spelling: names for spelling, names in meant.items() if len(names) > 1}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CTIO 4.0-m telescope", "Cerro Tololo"),
        ("ESO-VLT-U1", "Paranal"),
        ("ESO-NTT", "La Silla"),
        ("Steward 2.3 m (bok)", "Kitt Peak"),
        ("UK Schmidt (new optics)", "Siding Spring"),
        ("Palomar 48-inch Schmidt", "Palomar"),
        ("LCO/OCIW", "Las Campanas"),
        ("LCOGT node at Cerro Tololo Inter-American Observatory", "Cerro Tololo"),
        ("La_Silla", "La Silla"),
        ("Mt. Suhora", "Suhora"),
        ("Bia\u0142k\u00f3w", "Bialkow"),
        ("Piszk\u00e9stet\u0151", "Piszkesteto"),
        ("NOT", "Roque de los Muchachos, La Palma"),
        ("Liverpool Telescope", "Roque de los Muchachos, La Palma"),
        ("LOIANO", "Loiano"),
    ],
)
def test_a_site_is_known_by_its_spellings(text: str, name: str) -> None:
    site = sites.named(text)
    assert site is not None
    assert site.name == name


@pytest.mark.parametrize(
    "text", ["", "NOT AVAILABLE", "ESO-MIDAS", "APO 120/840", "NOAO-IRAF FITS Image Kernel", "coj", "T150"]
)
def test_what_names_no_site_names_none(text: str) -> None:
    assert sites.named(text) is None


def test_short_codes_count_for_observatories_and_whole_values_for_people() -> None:
    assert sites.named("coj", an_observatory=True) == sites.named("Siding Spring")
    assert sites.named("J. Wise", a_person=True) is None
    assert sites.named("Wise") is not None


def test_two_sites_in_one_value_are_none() -> None:
    assert sites.named("Paranal or Loiano") is None


# --- which of the names ---


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("OBSERVAT= 'ARIES'", "TELESCOP= 'DFOT'"), "Devasthal"),
        (("OBSERVAT= 'ARIES'", "TELESCOP= '1.3m'"), "Manora Peak, Nainital"),
        (("OBSERVAT= 'NAOC'", "TELESCOP= 'TNT80'"), "Xinglong"),
        (("TELESCOP= 'TNT80'",), "Xinglong"),
        (("OBSERVAT= 'OAO'",), "Okayama"),
        (("OBSERVAT= 'TShAO'", "TELESCOP= 'Zeiss-1000'"), "Tien Shan"),
        (("TELESCOP= 'Zeiss-1000'",), "Special Astrophysical Observatory"),
        (("DETECTOR= 'DECam'",), "Cerro Tololo"),
    ],
)
def test_a_telescope_says_more_than_its_institute(lines: tuple[str, ...], name: str) -> None:
    site = placed(*lines).site
    assert site is not None
    assert site.name == name


def test_coordinates_say_more_than_a_telescope() -> None:
    block = placed("OBSERVAT= 'ARIES'", "TELESCOP= 'DFOT'", "LATITUDE= 29.36", "LONGITUD= 79.4564")
    assert block.site is not None
    assert block.site.longitude_deg == 79.4564
    assert codes(block) == []


def test_a_detector_is_called_after_many_things() -> None:
    assert placed("DETECTOR= 'CRAF-Cassini 3.2 elec/DN'").site is None
