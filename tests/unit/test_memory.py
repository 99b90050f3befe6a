"""What the frames of a camera say of its colour term, on simulated frames of a known one."""

from __future__ import annotations

import random
from dataclasses import replace
from math import hypot
from statistics import fmean

import pytest

from cpcs.memory import ANY_CAMERA, LEAST_PRIOR_ERR, USUAL_SCATTER, LearnedTerm, learned_terms, priors, setup_name
from cpcs.records import ColourFrame

FRAME = ColourFrame(
    observatory_id=1,
    passband="APASS/r",
    colour="g-r",
    value=0.1,
    err=0.05,
    mjd=60000.0,
    field="a",
    job_id="0",
    learned="2026-11-22T22:00:00Z",
)


def simulated(
    rng: random.Random,
    n: int,
    term: float,
    *,
    scatter: float = 0.02,
    errs: tuple[float, float] = (0.03, 0.1),
    fields: int | None = None,
    bad: float = 0.0,
    jump_at: int | None = None,
) -> list[ColourFrame]:
    """Return frames of one camera, one a day; after ``jump_at`` frames its term is 0.2 larger."""
    frames = []
    for number in range(n):
        err = rng.uniform(*errs)
        value = term + (0.2 if jump_at is not None and number >= jump_at else 0.0)
        value += rng.gauss(0.0, hypot(scatter, err))
        if rng.random() < bad:
            value += rng.choice((-1, 1)) * rng.uniform(0.3, 1.0)
        name = str(number if fields is None else rng.randrange(fields))
        frames.append(replace(FRAME, value=value, err=err, mjd=60000.0 + number, field=name, job_id=f"{number:05d}"))
    return frames


def learned(frames: list[ColourFrame], mjd: float | None = None) -> LearnedTerm:
    (term,) = learned_terms(frames, mjd=mjd)
    return term


def test_nothing_is_learned_from_nothing():
    assert learned_terms([]) == []
    assert priors([]) == {}


def test_one_frame_is_drawn_towards_any_camera():
    term = learned([FRAME])
    assert 0.0 < term.value < FRAME.value
    assert FRAME.err * 0.9 < term.err < hypot(FRAME.err, USUAL_SCATTER)
    assert term.err < term.prior.err < ANY_CAMERA.err
    assert (term.n_frames, term.n_fields, term.prior.n_frames) == (1, 1, 1)


def test_a_frame_that_knows_nothing_leaves_the_general_prior():
    prior = learned([replace(FRAME, value=3.0, err=5.0)]).prior
    assert prior.value == pytest.approx(0.0, abs=0.01)
    assert prior.err == ANY_CAMERA.err


def test_identical_frames_of_many_fields_are_believed():
    frames = [replace(FRAME, err=0.01, field=str(n // 10), job_id=f"{n:03d}", mjd=60000.0 + n) for n in range(200)]
    term = learned(frames)
    assert term.value == pytest.approx(FRAME.value, abs=1e-4)
    assert LEAST_PRIOR_ERR < term.prior.err < USUAL_SCATTER
    assert replace(term, err=0.0, scatter=0.0).prior.err == LEAST_PRIOR_ERR


def test_identical_frames_of_one_field_are_not():
    """They share the errors of their reference stars."""
    frames = [replace(FRAME, err=0.01, job_id=str(n), mjd=60000.0 + n) for n in range(200)]
    assert learned(frames).prior.err > USUAL_SCATTER


@pytest.mark.parametrize("n", [1, 2, 3, 10, 40])
def test_errors_are_what_they_say(n: int):
    rng = random.Random(n)
    pulls = []
    for _ in range(300):
        truth = rng.gauss(ANY_CAMERA.value, ANY_CAMERA.err)
        term = learned(simulated(rng, n, truth))
        pulls.append((term.value - truth) / term.err)
    assert fmean(pulls) == pytest.approx(0.0, abs=0.2)
    assert 0.60 < fmean(abs(pull) < 1.0 for pull in pulls) < 0.80
    assert fmean(abs(pull) < 2.0 for pull in pulls) > 0.92


@pytest.mark.parametrize("scatter", [0.0, 0.02, 0.1])
def test_the_scatter_of_frames_is_found(scatter: float):
    rng = random.Random(5)
    terms = [learned(simulated(rng, 100, 0.1, scatter=scatter, errs=(0.02, 0.03))) for _ in range(20)]
    assert fmean(term.scatter for term in terms) == pytest.approx(hypot(scatter, USUAL_SCATTER), abs=0.02)


def test_the_next_frame_is_where_the_prior_says():
    rng = random.Random(6)
    pulls = []
    for _ in range(200):
        truth = rng.gauss(0.0, 0.1)
        prior = learned(simulated(rng, 30, truth)).prior
        pulls.append((rng.gauss(truth, 0.02) - prior.value) / prior.err)
    assert 0.68 < fmean(abs(pull) < 1.0 for pull in pulls) < 0.95


def test_bad_frames_do_little_harm():
    rng = random.Random(7)
    clean = [learned(simulated(rng, 40, 0.1)).value - 0.1 for _ in range(100)]
    spoilt = [learned(simulated(rng, 40, 0.1, bad=0.05)).value - 0.1 for _ in range(100)]
    plain = [fmean(frame.value for frame in simulated(rng, 40, 0.1, bad=0.05)) - 0.1 for _ in range(100)]
    size = [fmean(value**2 for value in values) ** 0.5 for values in (clean, spoilt, plain)]
    assert size[1] < 1.5 * size[0]
    assert size[1] < size[2] / 2


@pytest.mark.parametrize(("errs", "most"), [((0.03, 0.05), 4), ((0.05, 0.1), 8), ((0.1, 0.15), 20)])
def test_it_follows_a_new_filter(errs: tuple[float, float], most: int):
    """A step of 0.2 between frames 100 and 101."""
    rng = random.Random(8)
    for _ in range(10):
        frames = simulated(rng, 160, 0.05, errs=errs, jump_at=100)
        assert learned(frames[:100]).value == pytest.approx(0.05, abs=0.05)
        after = [n for n in range(1, 60) if abs(learned(frames[: 100 + n]).value - 0.25) < 0.1]
        assert set(range(most, 60)) <= set(after)
        term = learned(frames)
        assert 50 <= term.n_frames <= 70
        assert term.since_mjd == pytest.approx(60100.0, abs=10.0)


def test_old_frames_are_judged_by_those_of_their_time():
    frames = simulated(random.Random(9), 160, 0.05, jump_at=100)
    assert learned(frames, mjd=59000.0).value == pytest.approx(0.05, abs=0.04)
    assert learned(frames, mjd=60050.0).value == pytest.approx(0.05, abs=0.04)
    assert learned(frames, mjd=60140.0).value == pytest.approx(0.25, abs=0.04)
    assert learned(frames).value == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize("fields", [None, 3])
@pytest.mark.parametrize("scatter", [0.0, 0.06])
def test_no_change_is_seen_where_there_is_none(fields: int | None, scatter: float):
    rng = random.Random(10)
    cut = [learned(simulated(rng, 150, 0.1, scatter=scatter, fields=fields)).n_frames < 150 for _ in range(40)]
    assert sum(cut) <= 2


def test_one_bad_frame_is_no_change():
    frames = simulated(random.Random(11), 60, 0.1)
    for spoilt in (30, 58, 59):
        bad = [replace(frame, value=2.0) if n == spoilt else frame for n, frame in enumerate(frames)]
        assert learned(bad).n_frames == 60
        assert learned(bad).value == pytest.approx(0.1, abs=0.05)


def test_passbands_are_learned_apart_and_in_one_colour():
    frames = [FRAME, replace(FRAME, passband="APASS/V", colour="B-V", value=-0.3, job_id="1")]
    later = replace(FRAME, passband="APASS/V", colour="V-r", job_id="2", learned="2026-11-23T22:00:00Z")
    assert [(term.passband, term.colour) for term in learned_terms(frames)] == [("APASS/V", "B-V"), ("APASS/r", "g-r")]
    assert [(term.colour, term.n_frames) for term in learned_terms([*frames, later])] == [("V-r", 1), ("g-r", 1)]
    assert set(priors(frames)) == {"APASS/V", "APASS/r"}


def test_the_order_of_the_frames_does_not_matter():
    frames = simulated(random.Random(12), 50, 0.1, jump_at=25)
    shuffled = random.Random(13).sample(frames, len(frames))
    assert learned(shuffled) == learned(frames)


def test_a_frame_is_not_its_own_witness():
    other = replace(FRAME, job_id="1", value=-0.2)
    assert priors([FRAME, other], job_id="0") == priors([other])
    assert priors([FRAME], job_id="0") == {}


def test_names_are_told_apart_by_more_than_case_and_blanks():
    assert setup_name("  Apogee  ALTA\tU42 ") == setup_name("apogee alta u42")
    assert setup_name("r'") != setup_name("r")
