"""``python -m photocal``, from a file of reference stars to a magnitude."""

from __future__ import annotations

import io
import json
import shutil

import numpy as np
import pytest
from astropy.io import fits

from photocal.__main__ import main
from photocal.references import FolderBlobs, TileStore, vizier
from photocal.simulate import simulate
from photocal.simulate_scene import mid_exposure_mjd
from tests.support.pictures import STARRY, a_star, picture

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
    assert calibrate(folder, *option, "--json", "-") == 2
    streams = capsys.readouterr()
    assert json.loads(streams.out)["error"]["code"] == "BAD_COMMAND_LINE"
    assert option[0] in streams.err


@pytest.mark.parametrize(
    "arguments",
    [[], ["calibrate"], ["nothing"], ["references"], ["references", "import", "x"], ["calibrate", "--bogus"]],
)
def test_a_command_line_that_is_none_has_a_code(capsys, arguments):
    assert main([*arguments, "--json", "-"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "BAD_COMMAND_LINE"
    assert "--help" in error["hint"]


def test_places_that_cannot_be_written(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert calibrate(folder, "--figures", str(tmp_path / "file"), "--json", "-") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "UNUSABLE_PATH"
    assert calibrate(folder, "--json", str(tmp_path)) == 2
    assert "UNUSABLE_PATH" in capsys.readouterr().err
    into = ["--catalogue", "mine", "--into", str(tmp_path / "file")]
    assert main(["references", "import", str(folder / "ps1.csv"), *into]) == 2
    assert "UNUSABLE_PATH" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["missing", "empty", "a file"])
def test_a_folder_of_references_that_holds_none(folder, tmp_path, capsys, kind):
    place = tmp_path / "refs"
    if kind == "empty":
        place.mkdir()
    elif kind == "a file":
        place.write_text("x")
    assert calibrate(folder, "--references", str(place), "--json", "-") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "REFERENCE_UNAVAILABLE"
    assert ("there is no folder" in error["message"]) == (kind != "empty")
    assert "references import" in error["hint"]


def test_broken_tiles_are_said_to_be_broken(folder, tmp_path, capsys):
    place = tmp_path / "refs"
    shutil.copytree(folder / "refs", place)
    for number, tile in enumerate(sorted(place.rglob("*.stars"))):
        tile.write_bytes((b"", b"garbage", tile.read_bytes()[:200])[number % 3])
    assert main(["references", "list", str(place)]) == 0
    listed = capsys.readouterr().out
    assert "PS1: 0 stars" in listed
    assert "broken" in listed
    assert calibrate(folder, "--references", str(place), "--json", "-") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "REFERENCE_UNAVAILABLE"
    assert "that can be read" in error["message"]
    into = ["--catalogue", "ps1", "--into", str(place)]
    assert main(["references", "import", str(folder / "ps1.csv"), *into]) == 0
    capsys.readouterr()
    assert calibrate(folder, "--references", str(place), "--json", "-") == 0  # imported again, they are whole again
    assert json.loads(capsys.readouterr().out)["calibration"]["passband"].startswith("PS1/")


def test_an_image_without_stars_is_refused(folder, capsys):
    stream = io.BytesIO()
    fits.PrimaryHDU(np.arange(1024, dtype=np.float32).reshape(32, 32)).writeto(stream)
    (folder / "image.fits").write_bytes(stream.getvalue())
    assert calibrate(folder, "--json", "-", file="image.fits") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "NO_STARS"
    assert error["hint"]


def test_an_image_is_calibrated_as_a_catalogue_is(tmp_path, capsys):
    target, row = a_star(picture())
    (tmp_path / "image.fits").write_bytes(picture().data)
    TileStore(FolderBlobs(tmp_path / "references")).add(picture().references)
    where = ["--ra", str(target.ra_deg), "--dec", str(target.dec_deg), "--mjd", str(mid_exposure_mjd(STARRY))]
    to = ["--references", str(tmp_path / "references"), "--figures", str(tmp_path / "out")]
    image = str(tmp_path / "image.fits")
    assert main(["calibrate", image, *where, *to, "--json", str(tmp_path / "report.json")]) == 0
    said = capsys.readouterr().out
    assert "image of" in said
    assert "the target by source" in said
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert abs(report["target"]["corrected_mag"] - picture().truth.r[row]) < 0.05
    assert report["image"]["filter"] == "r"
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"panel.png", "residuals.png", "cutout.png", "psf.png", "stars.fits", "solved.hdr"} <= there
    assert (
        main(
            [
                "calibrate",
                image,
                *where[:2],
                "--dec",
                str(target.dec_deg + 0.09),
                "--mjd",
                str(mid_exposure_mjd(STARRY)),
                *to,
            ]
        )
        == 2
    )
    assert capsys.readouterr().err.startswith("TARGET_OUTSIDE_FIELD")


def test_a_catalogue_for_positions_is_used_where_it_is_forced(folder, tmp_path, capsys):
    """UCAC4 carries APASS magnitudes, errors in hundredths; AUTO leaves it alone."""
    stars = next(item for item in FIELD.references if item.catalogue == "APASS")
    mag, err = stars.bands["V"]
    rows = zip(stars.ra_deg, stars.dec_deg, mag, np.maximum(1, np.round(err * 100)), strict=True)
    text = "".join(f"{ra:.7f},{dec:.7f},0,0,{v:.3f},{e:.0f},.\n" for ra, dec, v, e in rows if np.isfinite(v))
    (tmp_path / "ucac4.csv").write_text("RAJ2000,DEJ2000,pmRA,pmDE,Vmag,e_Vmag,f_Vmag\n" + text)
    into = ["--catalogue", "UCAC4", "--into", str(tmp_path / "refs")]
    assert main(["references", "import", str(tmp_path / "ucac4.csv"), *into]) == 0
    capsys.readouterr()
    assert calibrate(folder, "--references", str(tmp_path / "refs"), "--force", "ucac4/V", "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["calibration"]["passband"] == "UCAC4/V"
    assert calibrate(folder, "--references", str(tmp_path / "refs"), "--json", "-") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "REFERENCE_UNAVAILABLE"


def test_fetching_what_cannot_be_had(tmp_path, capsys, monkeypatch):
    where = ["--ra", "180", "--dec", "-20", "--radius", "0.1", "--into", str(tmp_path)]

    def cut_off(_query):
        raise OSError("Name or service not known")

    monkeypatch.setattr(vizier, "ask", cut_off)
    assert main(["references", "fetch", "--catalogue", "apass", *where]) == 2
    said = capsys.readouterr().err
    assert "REFERENCE_UNAVAILABLE" in said
    assert "RA 180.00000 Dec -20.00000" in said
    assert "VizieR cannot be reached" in said
    assert main(["references", "fetch", "--catalogue", "ogle3", *where]) == 2
    assert "imported files only" in capsys.readouterr().err
    north = [item.replace("-20", "20") for item in where]
    assert main(["references", "fetch", "--catalogue", "ogle3", *north]) == 0
    assert "does not reach" in capsys.readouterr().out


def test_a_report_goes_into_a_folder_that_is_not_there_yet(folder, tmp_path):
    assert calibrate(folder, "--json", str(tmp_path / "new" / "r.json")) == 0
    assert json.loads((tmp_path / "new" / "r.json").read_text())["schema"] == "cpcs-report/1"


@pytest.mark.parametrize("force", ["any/Q", "Mine/Q", "GAIADR2/V"])
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


def test_the_colour_of_the_target(folder, capsys):
    assert calibrate(folder, "--force", "PS1/r", "--json", "-", "--colour", "g-r=0.1", "--colour", "B-V=3") == 0
    document = json.loads(capsys.readouterr().out)
    target, term = document["target"], document["calibration"]["colour_term"]
    assert (target["colour"], target["colour_source"]) == (0.1, "given")
    corrected = target["mag"] + term["value"] * (0.1 - term["reference_colour"])
    assert target["corrected_mag"] == pytest.approx(corrected, abs=2e-5)
    assert calibrate(folder, "--force", "PS1/r") == 0
    said = capsys.readouterr().out
    assert "colour term" in said
    assert "(field)" in said
    assert calibrate(folder, "--force", "PS1/r", "--colour", "red") == 2
    assert "g-r=0.6" in capsys.readouterr().err


def test_a_mapping_says_what_the_header_means(folder, tmp_path, capsys):
    (folder / "wheel.cat").write_bytes(b"# INSFILTE = 3\n# INSTRUME = BFOSC\n" + FIELD.catalogue)
    (tmp_path / "Loiano.txt").write_text("Filter : INSFILTE : FILTER : str : 1=B, 2=V, 3=rp : wheel\n")
    assert calibrate(folder, "--json", "-", file="wheel.cat") == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["header"]["mapping"] is None
    assert plain["request"]["filter_hint"] == "3"
    terms = tmp_path / "terms.json"
    more = ["--mapping", str(tmp_path / "Loiano.txt"), "--colour-terms", str(terms), "--learn"]
    assert calibrate(folder, "--json", "-", *more, file="wheel.cat") == 0
    mapped = json.loads(capsys.readouterr().out)
    assert mapped["header"]["mapping"] == {
        "camera": "Loiano", "observatory_id": 0, "version": 0, "recognised": False,
    }  # fmt: skip
    assert mapped["header"]["keywords"]["FILTER"]["how"] == "mapped"
    assert mapped["request"]["filter_hint"] == "rp"
    (frame,) = json.loads(terms.read_text())["frames"]
    assert (frame["camera"], frame["filter"]) == ("bfosc", "rp")
    (tmp_path / "Loiano.txt").write_text("Filter : INSFILTE\n")
    assert calibrate(folder, "--json", "-", *more, file="wheel.cat") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "BAD_MAPPING"
