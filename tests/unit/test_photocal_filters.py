"""Names of filters, as observers write them."""

from __future__ import annotations

import pytest

from cpcs.filters import group_of, understand


@pytest.mark.parametrize(
    ("given", "filters"),
    [
        ("R", "R r"), ("r", "r"), ("rp", "r"), ("r'", "r"), ("SDSS-R", "r"), ("sdss_rp", "r"), ("Bessell-V", "V"),
        ("Bessel V", "V"), ("Johnson B", "B"), ("2 7 g-Gunn", "g"), ("gp", "g"), ("ip", "i"), ("zs", "z"), ("Ic", "I"),
        ("Rc", "R"), ("R Cousins", "R"), ("I", "I i"), ("i", "i"), ("V", "V"), ("v", "V"), ("G", "G g"), ("g", "g"),
        ("Gaia G", "G"), ("G_RP", "RP"), ("U", "U u"), ("Ks", "K"), ("J", "J"), ("TG", "V"), ("B Bessell #10", "B"),
        ("r DECam SDSS c0002 6415.0 1480.0", "r"), ("r.MP9601", "r"), ("PS1 r", "r"), ("R-band", "R r"), ("up", "u"),
        ("Clear", ""), ("w", ""), ("none", ""), ("", ""), (None, ""), ("No Filter", ""), ("Halpha", ""), ("air", ""),
        ("open", ""), ("VR", ""), ("L", ""), ("NB_2.25", ""), ("RGGB", ""), ("?!", ""),
    ],
)  # fmt: skip
def test_names_that_occur(given, filters):
    assert understand(given).filters == frozenset(filters.split())


def test_a_hint_favours_its_filter_then_its_group():
    hint = understand("rp")
    assert hint.weight("r") > hint.weight("R") == hint.weight("R1pg") > hint.weight("V") == 1.0


def test_clear_favours_nothing():
    assert {understand("Clear").weight(band) for band in "gVriK"} == {1.0}


def test_a_filter_nobody_knows_is_its_own_group():
    assert group_of("r") == group_of("R1pg")
    assert group_of("F606W") == "F606W"
