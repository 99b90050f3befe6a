"""Names of filters as observers and observatories write them, and what they mean."""

from __future__ import annotations

import pytest

from cpcs.filters import understand

# filters expected: the spellings, one after another between bars
MEANT = {
    "u": "u | up | u' | u\u2019 | SDSS-U | SDSS_u' | sloan u | Sloan_u'2 | u.MP9301 | u'_SDSS 353_55 | u_GUNN"
    " | UG | us | SU | uprime | u-Sloan | SkyMapper u | u_SDSS",
    "g": "g | gp | g' | g\u2032 | SDSS-G | sdss_g | SDSS g | sloan g | g-Sloan | g-SLOAN | 2 7 g-Gunn | Gunn_g"
    " | g_GUNN | g.MP9401 | g'_SDSS 118 | g'_SDSS 480_145 | gp_Astrodon_2019 | g DECam SDSS c0001 4720.0 1520.0"
    " | GG | zg | ZTF_g | ZTF g | ztfg | lsstg | g-LSST | PS1 g | g_PS1 | gP1 | SG | gs | gprime | g_HIGH"
    " | G_SDSS | SDSS-GP-12 | G' | g_3x90s | g#782",
    "r": "r | rp | r' | r` | R' | r* | SDSS-R | sdss_rp | SDSS r | SDSSr | sdss2_r | sloan_r' | Sloan r'"
    " | Sloan r'2 | r-Sloan | SloanR | rsdss | r SDSS | R Gunn | Gunn r | gunn-r | thuan-gunn r | r.MP9601"
    " | r.MP9602 | r DECam SDSS c0002 6415.0 1480.0 | PS1 r | rP1 | PanSTARRS r | Pan-Starrs-R | bokr | RG | zr"
    " | ztfr | LSST r | r_01 | SR | rs | rprime | r_prime | r-prime | W-S-R+ | BG39 r' | SDSS-RP-181 | r'_SDSS  618_148"
    " | rp_Astrodon_2019 | r-ptf | HSC-R | r_DECam | SkyMapper_r | r Filter",
    "i": "i | ip | i' | SDSS-I | sdss_i | i-Sloan | Sloan i' | iprime | i_GUNN | i_int 797_157 | i int"
    " | ip_Astrodon_2018 | si | zi | i.MP9702 | I Gunn | PS1_i | iP1 | i-LSST | SDSS I | is | i#705 | HSC-I2 | I'",
    "z": "z | Z | zs | zp | z' | z_s | zshort | SDSS-Z | PanSTARRS-z | Pan-Starrs-Z | PSTR-ZX-180"
    " | z'_SDSS 832_LP | zd DECam k1038 | HSC-z | z_GUNN | SZ | Gunn z | z-Sloan | z.MP9801",
    "Y": "Y | y | ys | yp | y-P1 | yP1 | y_04 | Y-band",
    "U": "Johnson U | Bessell-U | Bessel_U | U_JC | U_BESS | UJ | U_Bes 362_60 | U-Johnson | U Johnson | Harris U",
    "B": "B | b | Bessell-B | Bessel B | Johnson B | Johnson_B | B_JC | B Bessell #10 | BJ | JB | Harris-B"
    " | B_Bes 440_100 | B_BESS | b_HIGH | B#639 | Blue | BLUE | TB | B JOHN | BESSEL_B | Photometric B"
    " | Astrodon B | B-Johnson | JNSN-BX-124 | Baader Blue",
    "V": "V | v | V | Bessell-V | Bessel V | besselV | Johnson_V | JohnsonV | V_Bessell 1 | V_BESS | V_Bes 530_80"
    " | V Harris | Harris-V | V_JC | VJ | JV | V_HIGH | v_HIGH | V#641 | V JOHN | V-Johnson | JNSN-VX-177"
    " | Astrodon V | Photometric V | phot V | V filter | Filter V | air,V | Clear+V | TG | green | Green"
    " | G channel | Tri-color green | V-band | 3 V | Visual | V Bess | V_Johnson | Johnson-Cousins V | Bess_V"
    " | W-J-V | V BG39 | KPNO V | V T1",
    "R": "Rc | RC | R_c | Bessell-R | Bessel_R | BESSEL_R | R Cousins | R_Cousins | R-Cousins | CousinsR"
    " | Johnson R | Johnson_R | RJ | R_JC | R-Bessel | R_Bes 650_130 | R_BESS | R COUS | Harris R | HARRIS_R"
    " | Kron R | R Mould | R_KC | Rkc | R Bessell | Johnson/Cousins R | R (Cousins) | Landolt R | r Bessell"
    " | CousR | Rcous | W-C-RC",
    "I": "Ic | I_c | I-c | IC | Bessell-I | Bessel I | I Cousins | I-Cousins | CousinsI | Johnson I | I_JC"
    " | I-Bessel | I_BESS | IJ | I_KC | IKC | Kron-Cousins I",
    "R r": "R | R-band | R band | FILTER R | Filter 2 R | R#608 | R#642 | Red | red | TR | Baader Red | R2 | 5 R"
    " | R_01",
    "I i": "I | I-band | I filter",
    "U u": "U | U-band",
    "G g": "G",
    "G": "Gaia G | G_Gaia | Gaia_G | GAIA/G | GaiaDR3/G",
    "BP": "G_BP | Gaia BP | gaia_bp | GaiaDR3/GBP | BP",
    "RP": "G_RP | Gaia RP | GaiaDR3/GRP | GRP",
    "J": "J | MK-J | J-Bessel | Bessell J | J_2MASS | J band | open,J",
    "H": "H | MK-H | H-band",
    "K": "K | Ks | K_s | K' | Kp | K short | MK-K | Kshort",
    "B V": "B,V",
}  # fmt: skip
OF_CATALOGUES = {
    "GaiaSP/r": "r", "GaiaSP/R": "R", "gaiasp/u": "u", "GaiaSP/U": "U", "APASS/V": "V", "PS1/i": "i",
    "r(APASS)": "r", "any/r": "r", "any/R": "R", "g(GAIA_SP)": "g", "2MASS/J": "J", "USNO/R2pg": "R2pg",
    "GaiaSP/any": "", "any/any": "", "B(GaiaSP)": "B",
}  # fmt: skip
NO_FILTER = (
    "Clear | clear | CLEAR | Clr | C | CV | CR | L | Lum | Luminance | LUMINANCE | w | W | white | PanSTARRS-w"
    " | w-P1 | wp1 | PSTR-WX-124 | open | OPEN | Open | empty | Empty_3 | air | Air | none | None | NONE"
    " | No filter | no_filter | NoFilter | No Filt. | without filter | unfiltered | Unfiltered | blank | glass"
    " | brak | ohne | bez filtra | kein Filter | sans filtre | Clear Glass | IR cut | UV/IR Cut | UVIR | IR-UV cut"
)
NOTHING = (
    " | Ha | HA | H-alpha | Halpha | H_Alpha | H\u03b1 | Ha 6563 | Halpha 656nm | Hbeta | Hb | OIII | [OIII] | O3"
    " | SII | S II | NII | HaOIII | NB_2.25 | NB816 | H2 | BrG | TiO | HeII | STU | STY | Stromgren y"
    " | Str\xf6mgren b | F606W | F555W | UVW1 | uvm2 | 2 1 | 48 | 1 | 0 | -1 | -- | ? | ?! | null | nan | NaN"
    " | N/A | n/a | unknown | UNKNOWN | undefined | NOTPRESENT | RGGB | GRBG | u g r i z | BVRI | griz | VR"
    " | VR DECam c0007 6300.0 2600.0 | gr | c0002 | k1038 | STANDBY | cassette_2 | Grism_#4 | grating | SDSS"
    " | Johnson | Sloan | Bessell | ATLAS o | o | orange | cyan | EXO | Exoplanet | CH4"
    " | GG495 | RG610 | KG5 | Washington C | DDO51"
    " | Filter 1 | Filter | \u0417\u0435\u043b\u0451\u043d\u044b\u0439 | \u6ee4\u955c | \u0412 | dark | diffuser"
)


@pytest.mark.parametrize(("filters", "spellings"), MEANT.items())
def test_what_a_name_means(filters, spellings):
    wrong = {}
    for name in spellings.split(" | "):
        found = understand(name)
        if found.filters != frozenset(filters.split()) or found.unfiltered:
            wrong[name] = sorted(found.filters)
    assert not wrong


@pytest.mark.parametrize(("name", "filters"), OF_CATALOGUES.items())
def test_a_filter_of_a_catalogue_is_taken_by_its_exact_name(name, filters):
    assert understand(name).filters == frozenset(filters.split())


def test_no_filter_is_not_a_filter():
    found = {name: understand(name) for name in NO_FILTER.split(" | ")}
    assert not {name: sorted(hint.filters) for name, hint in found.items() if hint.filters}
    assert not [name for name, hint in found.items() if not hint.unfiltered]


def test_narrow_filters_numbers_and_nonsense_name_nothing():
    found = {name: understand(name) for name in NOTHING.split(" | ")}
    assert not {name: sorted(hint.filters) for name, hint in found.items() if hint.filters}


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        None,
        "x" * 300,
        "r " * 150,
        "\0\x01\x1b[31m",
        "R\0",
        "'" * 300,
        "\ud800",
        "\u202er\u202c",
        "/" * 300,
        "(" * 300,
    ],
)
def test_anything_can_be_read(name):
    assert len(understand(name).filters) <= 2


def test_control_characters_part_words():
    assert understand("R\x00\n").filters == {"R", "r"}
    assert understand("\x07Bessell\tV\x1b").filters == {"V"}


def test_only_the_beginning_of_a_long_name_is_read():
    assert understand("V" + " " * 10_000_000 + "r").filters == {"V"}
    assert understand("-" * 200 + "V").filters == frozenset()
