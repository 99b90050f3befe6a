"""What a calibration teaches, what a learned prior does to the next, and the file that keeps it without a server."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from cpcs.errors import CalibrationFailed
from cpcs.memory import ANY_CAMERA
from cpcs.passbands import Choice
from cpcs.records import ColourMeasurement, ColourPrior
from photocal.__main__ import main
from photocal.calibration import Calibration, calibrate
from photocal.learning import LEAST_CONFIDENCE, lesson
from photocal.readers import read_catalogue
from photocal.references import FolderBlobs, TileStore
from photocal.simulate import Setup, SimulatedField, simulate
from photocal.terms import LEAST_COLOURED, doubted

TERM = 0.155  # mag per mag of g - r: about what the simulator's 0.1 per mag of g - i comes to


@cache
def field(seed: int = 21) -> SimulatedField:
    return simulate(Setup(colour_term=0.1), seed=seed)


def found(forced: str = "APASS/r", hint: str = "r", prior: ColourPrior | None = None) -> Calibration:
    return calibrate(
        read_catalogue(field().catalogue),
        field().references,
        target=field().target,
        matching_radius_arcsec=2.0,
        mjd=58000.0,
        filter_hint=hint,
        forced=Choice(*forced.split("/")) if forced else None,
        colour_priors={forced: prior} if prior else None,
    )


def taught(calibration: Calibration, **options: str) -> object:
    return lesson(calibration, field="a", job_id="j", learned="now", **options)


def test_the_winner_teaches_its_term():
    calibration = found("", "Sloan  R")
    frame = lesson(calibration, field="a", job_id="j", learned="now", observatory_id=7, camera="Apogee U42")
    assert frame is not None
    assert (frame.observatory_id, frame.camera, frame.filter) == (7, "apogee u42", "sloan r")
    assert frame.passband == str(calibration.winner.passband)
    assert -2.0 * TERM < frame.value < -0.5 * TERM
    assert (frame.mjd, frame.field, frame.job_id, frame.learned) == (58000.0, "a", "j", "now")


def test_a_choice_that_is_not_sure_teaches_nothing():
    calibration = found("", "")
    assert taught(replace(calibration, confidence=LEAST_CONFIDENCE)) is not None
    assert taught(replace(calibration, confidence=LEAST_CONFIDENCE - 0.01)) is None


def test_a_forced_filter_is_remembered_only_under_a_name():
    assert taught(found(hint="r")) is not None
    assert taught(found(hint="")) is None


def test_without_a_term_or_a_date_there_is_nothing_to_teach():
    calibration = found()
    assert taught(replace(calibration, mjd=None)) is None
    assert taught(replace(calibration, winner=replace(calibration.winner, colour_term=None))) is None


def test_what_is_measured_does_not_depend_on_what_was_learned():
    plain, right, wrong = (
        found(prior=prior).winner.colour_term
        for prior in (None, ColourPrior(value=-0.15, err=0.01, n_frames=50), ColourPrior(value=0.3, err=0.01))
    )
    assert plain is not None
    assert right is not None
    assert wrong is not None
    assert plain.measured == right.measured == wrong.measured
    assert right.err < plain.err
    assert right.prior.n_frames == 50
    assert wrong.value == pytest.approx(plain.value, abs=0.01)  # the frame knows better


def test_a_learned_term_needs_fewer_stars_with_a_colour():
    learned = {"APASS/r": ColourPrior(value=-TERM, err=0.02, n_frames=20)}
    gained = 0
    for seed in range(12):
        frame = simulate(Setup(n_stars=200, colour_term=0.1, target_mag=14.0), seed=seed)
        given = {
            "target": frame.target, "matching_radius_arcsec": 2.0, "mjd": 58000.0, "forced": Choice("APASS", "r"),
            "target_colours": {"g-r": 0.457},
        }  # fmt: skip
        stars = read_catalogue(frame.catalogue)
        try:
            alone = calibrate(stars, frame.references, **given)
        except CalibrationFailed:
            continue
        if alone.winner.colour_term is not None:
            continue
        term = calibrate(stars, frame.references, **given, colour_priors=learned).winner.colour_term
        if term is not None:
            gained += 1
            assert 3 <= term.n_stars < LEAST_COLOURED
            assert term.value == pytest.approx(-TERM, abs=0.02)
            assert term.measured is None  # it repeats what it was told, and must not be told to others
    assert gained >= 2


def test_doubt_grows_with_the_contradiction():
    prior = ColourPrior(value=0.1, err=0.02, n_frames=9)
    measured = [ColourMeasurement(passband="APASS/r", colour="g-r", value=x, err=0.03) for x in (0.1, 0.15, 0.2, 0.5)]
    widths = [doubted(prior, one).err for one in measured]
    assert widths == sorted(widths)
    assert widths[0] == pytest.approx(prior.err, rel=0.02)
    assert widths[-1] == pytest.approx(ANY_CAMERA.err, rel=0.01)
    assert doubted(prior, measured[-1]).value == pytest.approx(0.0, abs=0.01)
    assert doubted(prior, replace(measured[0], value=1e6)).err == pytest.approx(ANY_CAMERA.err)


# --- the file -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    tiles = TileStore(FolderBlobs(tmp_path / "refs"))
    for reference in field().references:
        tiles.add(reference)
    return tmp_path


def calibrated(folder, *more, mjd=58000.0, name="night.cat", content=None):
    file = folder / name
    file.write_bytes(field().catalogue if content is None else content)
    target = field().target
    where = ["--ra", str(target.ra_deg), "--dec", str(target.dec_deg), "--mjd", str(mjd), "--json", str(folder / "r")]
    status = main(["calibrate", str(file), "--references", str(folder / "refs"), "--filter-hint", "r", *where, *more])
    document = json.loads((folder / "r").read_text())
    return status, document


def learning(folder, *more, **options):
    status, document = calibrated(
        folder, "--colour-terms", str(folder / "new" / "terms.json"), "--learn", *more, **options
    )
    assert status == 0
    frames = json.loads((folder / "new" / "terms.json").read_text())["frames"]
    return document["calibration"]["colour_term"]["prior"], frames


def test_a_file_learns_from_frame_to_frame(folder, capsys):
    prior, frames = learning(folder)
    assert (prior["n_frames"], len(frames)) == (0, 1)
    prior, frames = learning(folder)  # the same file is not its own witness, and counts once
    assert (prior["n_frames"], len(frames)) == (0, 1)
    prior, frames = learning(folder, content=field().catalogue + b"\n")  # nor is the same exposure
    assert len(frames) == 1
    prior, frames = learning(folder, content=field().catalogue + b"\n\n", mjd=58001.0)
    assert (prior["n_frames"], len(frames)) == (1, 2)
    assert prior["err"] < ANY_CAMERA.err
    prior, frames = learning(folder, "--camera", "another", content=field().catalogue + b"\n\n\n", mjd=58002.0)
    assert (prior["n_frames"], len(frames)) == (0, 3)


def test_without_learn_the_file_is_only_read(folder, capsys):
    assert calibrated(folder, "--colour-terms", str(folder / "terms.json"))[0] == 0
    assert not (folder / "terms.json").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "other", "frames": []}', "nonsense",
                                     '{"schema": "cpcs-colour-terms/1", "frames": [{"value": 1}]}',
                                     '{"schema": "cpcs-colour-terms/1", "frames": 3}'])  # fmt: skip
def test_a_file_of_something_else_is_refused(folder, content, capsys):
    (folder / "terms.json").write_text(content)
    status, document = calibrated(folder, "--colour-terms", str(folder / "terms.json"))
    assert (status, document["error"]["code"]) == (2, "BAD_FIELD")
    assert (folder / "terms.json").read_text() == content


def test_learning_needs_a_file(folder, capsys):
    status, document = calibrated(folder, "--learn")
    assert (status, document["error"]["code"]) == (2, "BAD_FIELD")
