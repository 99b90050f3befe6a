"""``python -m photocal``, from a file of reference stars to a magnitude."""

from __future__ import annotations

import json

import numpy as np
import pytest

from photocal.__main__ import main
from photocal.simulate import simulate

FIELD = simulate(seed=12)


def csv_of(catalogue: str) -> str:
    """Return one simulated reference catalogue as CSV, with VizieR's names of columns."""
    stars = next(item for item in FIELD.references if item.catalogue == catalogue)
    names = ["RAJ2000", "DEJ2000"]
    columns = [stars.ra_deg, stars.dec_deg]
    for band, (mag, err) in stars.bands.items():
        names += [f"{band}mag", f"e_{band}mag"]
        columns += [mag, err]
    rows = [",".join("" if np.isnan(value) else f"{value:.7f}" for value in row) for row in zip(*columns, strict=True)]
    return "\n".join([",".join(names), *rows]) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("alone")
    (place / "night.cat").write_bytes(FIELD.catalogue)
    (place / "ps1.csv").write_text(csv_of("PS1"))
    (place / "mine.csv").write_text(csv_of("APASS"))
    store = str(place / "refs")
    assert main(["references", "import", str(place / "ps1.csv"), "--catalogue", "ps1", "--into", store]) == 0
    columns = "ra=RAJ2000,dec=DEJ2000,V=Vmag:e_Vmag,r=rmag:e_rmag"
    command = ["references", "import", str(place / "mine.csv"), "--catalogue", "Mine", "--into", store]
    assert main([*command, "--columns", columns]) == 0
    return place


def calibrate(folder, *more, file="night.cat", dec=None):
    dec = FIELD.target.dec_deg if dec is None else dec
    where = ["--ra", str(FIELD.target.ra_deg), "--dec", str(dec), "--mjd", str(FIELD.setup.mjd)]
    return main(["calibrate", str(folder / file), "--references", str(folder / "refs"), *where, *more])


def test_the_report_on_standard_output(folder, capsys):
    assert calibrate(folder, "--json", "-", "--filter-hint", "rp") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["calibration"]["passband"] in {"PS1/r", "Mine/r"}
    assert document["calibration"]["mode"] == "AUTO"
    assert document["target"]["mag"] == pytest.approx(FIELD.true_mag, abs=0.08)
    assert document["target"]["limit"] is False
    assert {"read", "references", "match", "fit"} <= set(document["seconds"])
    assert len(document["input"]["sha256"]) == 64
    shared = {
        "passband",
        "mode",
        "zero_point",
        "zero_point_err",
        "scatter",
        "outlier_fraction",
        "n_matched",
        "confidence",
    }
    assert shared <= set(document["calibration"])
    assert all(shared <= set(item) for item in document["candidates"])


def test_words_for_people_and_files_for_machines(folder, tmp_path, capsys):
    assert calibrate(folder, "--json", str(tmp_path / "r.json"), "--figures", str(tmp_path / "f")) == 0
    assert "zero point" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["schema"] == "cpcs-report/1"
    for name in ("panel", "residuals"):
        assert (tmp_path / "f" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("force", "passband"), [("PS1/g", "PS1/g"), ("mine/V", "Mine/V"), ("ps1/any", "PS1/r")])
def test_forced(folder, capsys, force, passband):
    assert calibrate(folder, "--force", force, "--json", "-") == 0
    summary = json.loads(capsys.readouterr().out)["calibration"]
    assert (summary["passband"], summary["mode"]) == (passband, "FORCED")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"dec": 0.0}, "TARGET_OUTSIDE_FIELD"),
        ({"file": "missing.cat"}, "BAD_FIELD"),
        ({"more": ("--force", "Nobody/Q")}, "UNKNOWN_FILTER"),
        ({"more": ("--force", "APASS/V")}, "REFERENCE_UNAVAILABLE"),
    ],
)
def test_refusals_have_a_code_and_status_two(folder, capsys, options, code):
    more = options.pop("more", ()) if "more" in options else ()
    assert calibrate(folder, *more, "--json", "-", **options) == 2
    streams = capsys.readouterr()
    error = json.loads(streams.out)["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    assert code in streams.err


@pytest.mark.parametrize("option", [("--mjd", "nan"), ("--matching-radius", "inf"), ("--matching-radius", "0"),
                                    ("--mjd", "yesterday")])  # fmt: skip
def test_numbers_that_are_none_are_refused(folder, capsys, option):
    with pytest.raises(SystemExit) as caught:
        calibrate(folder, *option, "--json", "-")
    assert caught.value.code == 2
    assert option[0] in capsys.readouterr().err


def test_a_report_goes_into_a_folder_that_is_not_there_yet(folder, tmp_path):
    assert calibrate(folder, "--json", str(tmp_path / "new" / "r.json")) == 0
    assert json.loads((tmp_path / "new" / "r.json").read_text())["schema"] == "cpcs-report/1"


@pytest.mark.parametrize("force", ["any/Q", "Mine/Q", "GAIADR2/G"])
def test_what_neither_server_nor_folder_has_cannot_be_forced(folder, capsys, force):
    assert calibrate(folder, "--force", force) == 2
    assert "UNKNOWN_FILTER" in capsys.readouterr().err


def test_what_the_folder_holds(folder, tmp_path, capsys):
    assert main(["references", "list", str(folder / "refs")]) == 0
    listed = capsys.readouterr().out
    assert "PS1:" in listed
    assert "Mine:" in listed
    assert main(["references", "list", str(tmp_path / "empty")]) == 0
    assert capsys.readouterr().out == "nothing\n"
