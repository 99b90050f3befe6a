"""Asking for recalibrations: once, in parts, at the same moment; which uploads; and what they have shifted."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cpcs import clock
from cpcs.errors import BadCursor, BadField, MissingField, StorageConflict, UnknownRecalibration
from cpcs.records import LARGEST_RECALIBRATION, JobState, Reason, Recalibration, Role, Selection
from cpcs.shifts import Progress, summary
from cpcs.storage import recalibrations as recordings
from cpcs.storage.reindex import reindex
from infra import recalibrate
from tests.support.again import again, ask, claim, curve, end, end_refused
from tests.support.aws import Scene
from tests.support.queue import queued

pytestmark = pytest.mark.usefixtures("holds_together")


# --- asking ---------------------------------------------------------------------------------------


def test_asking_again_with_the_same_id_changes_nothing(scene: Scene):
    point = scene.add()
    selection = Selection(job_ids=(point.job_id,))
    asked = scene.store.recalibrations.ask(selection, "operator", recalibration_id="mine")
    assert scene.store.recalibrations.ask(selection, "operator", recalibration_id="mine") == asked
    second = end(scene, claim(scene, point.job_id))
    queued(scene.store)
    assert scene.store.recalibrations.ask(selection, "operator", recalibration_id="mine") == asked
    assert queued(scene.store) == []
    assert scene.store.jobs.get(point.job_id).revision == 2
    assert curve(scene) == [second.followup_id]
    assert scene.store.recalibrations.get("mine") == asked
    with pytest.raises(BadField):
        scene.store.recalibrations.ask(Selection(), "operator", recalibration_id="mine")


def test_every_part_has_an_id_of_its_own(scene: Scene):
    """A fixed id with each cursor in turn would bring the first part for ever."""
    for number in range(3):
        scene.add(bytes([number]), mjd=58000.5 + number)
    recalibrations, selection = scene.store.recalibrations, Selection(event=scene.event.key)
    first = recalibrations.ask(selection, "operator", limit=1, recalibration_id="night")
    assert first.cursor is not None
    with pytest.raises(BadField):
        recalibrations.ask(selection, "operator", limit=1, cursor=first.cursor, recalibration_id="night")
    second = recalibrations.ask(selection, "operator", limit=1, cursor=first.cursor, recalibration_id="night-2")
    assert second.entries != first.entries
    assert recalibrations.ask(selection, "operator", cursor=first.cursor, recalibration_id="night-2") == second


def test_a_recalibration_from_before_it_said_where_it_began(scene: Scene):
    scene.add()
    held = scene.store.recalibrations.ask(Selection(), "operator", recalibration_id="old")
    key = "recalibrations/old.json"
    text = scene.store.data.get(key)
    assert text is not None
    old = {name: value for name, value in json.loads(text).items() if name != "began"}
    scene.store.data.put(key, json.dumps(old).encode())
    assert scene.store.recalibrations.ask(Selection(), "operator", recalibration_id="old") == held


@pytest.mark.parametrize("given", ["", "../x", "a b", "nobody's", "x" * 65])
def test_unknown_recalibrations(scene: Scene, given: str):
    with pytest.raises(UnknownRecalibration):
        scene.store.recalibrations.get(given)
    if given:
        with pytest.raises(BadField):
            scene.store.recalibrations.ask(Selection(), "operator", recalibration_id=given)


def test_what_is_under_way_is_passed_over(scene: Scene):
    point, new = scene.add(), scene.uploaded(mjd=58000.5)
    ask(scene, point.job_id)
    recalibration = ask(scene, point.job_id, new.job_id, "nobody", include_refused=True)
    assert recalibration.entries == ()
    assert [each.reason for each in recalibration.passed_over] == [
        Reason.UNDER_WAY, Reason.UNDER_WAY, Reason.UNKNOWN,
    ]  # fmt: skip
    assert scene.store.jobs.get(point.job_id).revision == 2


def test_two_who_ask_at_the_same_moment_share_the_revision(scene: Scene):
    point = scene.add()
    selection = Selection(job_ids=(point.job_id,))
    choice = scene.store.recalibrations.choose(selection)
    ask(scene, point.job_id)
    late = Recalibration(
        recalibration_id="late", asked=clock.iso(scene.now()), key_id="b", selection=selection,
        entries=choice.entries, passed_over=(), cursor=None,
    )  # fmt: skip
    scene.store.files.write_recalibration(late)
    scene.store.recalibrations.ask(selection, "b", recalibration_id="late")
    second = end(scene, claim(scene, point.job_id))
    assert scene.store.jobs.get(point.job_id).revision == 2
    assert scene.store.recalibrations.shifts(late)[0].mag == second.mag


def test_a_worker_of_the_revision_before_is_refused(scene: Scene):
    slow = scene.claimed()
    outcome = scene.outcome(slow)
    scene.now.turn(126.0)
    quick = scene.store.jobs.claim(slow.job_id, "another", 125.0)
    assert quick is not None
    scene.store.jobs.finish(quick, outcome)
    scene.store.jobs.figures_ready(slow.job_id)
    ask(scene, slow.job_id)
    with pytest.raises(StorageConflict):
        scene.store.jobs.finish(slow, outcome)
    unleased = replace(slow, lease_owner="")
    with pytest.raises(StorageConflict):
        scene.store.jobs.finish(unleased, outcome)
    scene.store.jobs.release(unleased)
    assert scene.store.jobs.get(slow.job_id).state is JobState.UPLOADED
    end(scene, claim(scene, slow.job_id))


def test_reindex_resumes_what_was_asked_for(scene: Scene):
    point, claimed, only_in_s3 = scene.add(), scene.add(mjd=58000.5), scene.add(mjd=58001.5)
    ask(scene, point.job_id, claimed.job_id)
    claim(scene, claimed.job_id)
    choice = scene.store.recalibrations.choose(Selection(job_ids=(only_in_s3.job_id,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(scene.store.jobs), "_update", lambda *_: (_ for _ in ()).throw(ConnectionError))
        with pytest.raises(ConnectionError):
            scene.store.recalibrations.ask(Selection(job_ids=(only_in_s3.job_id,)), "operator")
    assert choice.entries[0].revision == 2
    report = reindex(scene.store)
    jobs = [point.job_id, claimed.job_id, only_in_s3.job_id]
    assert sorted(report.to_enqueue) == sorted(jobs)
    for job_id in jobs:
        job = scene.store.jobs.get(job_id)
        assert (job.state, job.revision) == (JobState.UPLOADED, 2)
        end(scene, claim(scene, job_id))
    assert sorted(curve(scene)) == [4, 5, 6]


def test_an_unreadable_note_keeps_the_upload_out_until_it_is_mended(scene: Scene):
    point = again(scene, scene.add())
    key = f"jobs/{point.job_id}/asked/0002.json"
    whole = scene.store.data.get(key)
    assert whole is not None
    scene.store.data.put(key, b"{")
    assert reindex(scene.store).unreadable == [key]
    scene.store.data.put(key, whole)
    assert reindex(scene.store).unreadable == []


# --- which ----------------------------------------------------------------------------------------


@pytest.fixture
def many(scene: Scene) -> dict[str, str]:
    """Uploads of two observatories for two events, a minute apart: names -> job ids."""
    other = scene.store.observatories.create("Elsewhere")
    _, key = scene.store.keys.issue(other.observatory_id, Role.OBSERVER)
    scene.store.events.create("Gaia26abc", 10.0, 20.0)
    there = {"observatory_id": other.observatory_id, "key_id": key.key_id}
    jobs = {}
    for name, changes in {
        "a": {"mjd": 58000.5},
        "b": {"mjd": 58001.5, **there},
        "c": {"mjd": 58002.5, "event": "gaia26abc"},
        "d": {"mjd": 58003.5, "event": "gaia26abc", **there},
    }.items():
        jobs[name] = scene.add(name.encode(), **changes).job_id
        scene.now.turn(59.0)
    bad = scene.uploaded(b"bad", mjd=58004.5)
    end_refused(scene, bad.job_id)
    dry = scene.claimed(b"dry", mjd=58005.5, dry_run=True)
    scene.store.jobs.finish(dry, scene.outcome(dry))
    scene.store.keys.revoke(key.sha256)
    return {**jobs, "bad": bad.job_id, "dry": dry.job_id}


MINUTE_2 = "2026-11-22T22:02:00Z"


SELECTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "a b c d dry"),
    ({"include_refused": True}, "a b bad c d dry"),
    ({"event": "gaia18dps"}, "a b dry"),
    ({"event": "gaia18dps", "include_refused": True}, "a b bad dry"),
    ({"event": "gaia26abc", "observatory_id": 2}, "d"),
    ({"observatory_id": 2}, "b d"),
    ({"since": MINUTE_2}, "c d dry"),
    ({"until": MINUTE_2}, "a b"),
    ({"since": "2026-11-22T22:01:00Z", "until": MINUTE_2}, "b"),
    ({"event": "gaia26abc", "since": "2026-11-22T22:03:00Z"}, "d"),
    ({"event": "gaia18dps", "until": "2026-11-22T22:00:30Z"}, "a"),
    ({"mjd_since": 58001.5, "mjd_until": 58003.5}, "b c"),
    ({"event": "gaia99nothing"}, ""),
    ({"observatory_id": 99}, ""),
]


def test_selections(scene: Scene, many: dict[str, str]):
    names = {job_id: name for name, job_id in many.items()}
    for (selection, expected), limit in itertools.product(SELECTIONS, (1, 2, 100)):
        found, cursor = list[str](), None
        for _ in range(20):
            choice = scene.store.recalibrations.choose(Selection(**selection), limit=limit, cursor=cursor)
            assert len(choice.entries) + len(choice.passed_over) <= limit
            found += [names[entry.job_id] for entry in choice.entries]
            cursor = choice.cursor
            if cursor is None:
                break
        assert cursor is None
        assert sorted(found) == expected.split(), (selection, limit)


def test_named_uploads_must_be_in_the_rest_of_the_selection_too(scene: Scene, many: dict[str, str]):
    names = {job_id: name for name, job_id in many.items()}
    for selection, expected in SELECTIONS:
        choice = scene.store.recalibrations.choose(Selection(job_ids=(*many.values(), "nobody"), **selection))
        assert sorted(names[entry.job_id] for entry in choice.entries) == expected.split(), selection
        assert (choice.passed_over[-1].reason, choice.cursor) == (Reason.UNKNOWN, None)
        others = {each.job_id for each in choice.passed_over[:-1]}
        assert others <= {many["bad"]}  # what is not selected is not passed over either


def test_a_cursor_is_of_its_selection(scene: Scene, many: dict[str, str]):
    cursor = scene.store.recalibrations.choose(Selection(), limit=1).cursor
    assert cursor is not None
    with pytest.raises(BadCursor):
        scene.store.recalibrations.choose(Selection(observatory_id=1), limit=1, cursor=cursor)


def test_a_selection_in_parts_while_its_uploads_change(scene: Scene, many: dict[str, str]):
    seen, cursor = list[str](), None
    while True:
        part = scene.store.recalibrations.ask(Selection(), "operator", limit=2, cursor=cursor)
        for entry in part.entries:
            job = claim(scene, entry.job_id)
            scene.store.jobs.finish(job, scene.outcome(job, mag=17.0))
            seen.append(entry.job_id)
        cursor = part.cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(job_id for name, job_id in many.items() if name != "bad")
    assert {job.revision for job in scene.store.jobs.many(seen)} == {2}


def test_too_many_ids(scene: Scene):
    with pytest.raises(BadField):
        scene.store.recalibrations.choose(Selection(job_ids=tuple(map(str, range(LARGEST_RECALIBRATION + 1)))))


# --- the table of shifts --------------------------------------------------------------------------


def test_the_table_of_shifts(scene: Scene):
    points = [scene.add(bytes([number]), mjd=58000.5 + number) for number in range(6)]
    recalibration = ask(scene, *(point.job_id for point in points))
    mags = (16.53319908, 16.50319908, 16.62319908)
    for point, mag in zip(points[:3], mags, strict=True):
        end(scene, claim(scene, point.job_id), mag=mag, zero_point=point.zero_point + mag - point.mag)
    end(scene, claim(scene, points[3].job_id), "g", mag=17.5)
    end_refused(scene, points[4].job_id)
    rows = scene.store.recalibrations.shifts(recalibration)
    assert [row.job_id for row in rows] == [point.job_id for point in points]
    assert [row.shift and round(row.shift, 6) for row in rows] == [0.01, -0.02, 0.1, 0.976801, None, None]
    assert [row.zero_point_shift and round(row.zero_point_shift, 6) for row in rows[:3]] == [0.01, -0.02, 0.1]
    assert (rows[3].passband_before, rows[3].passband) == ("APASS/r", "APASS/g")
    assert (rows[0].event, rows[0].observatory, rows[0].revision) == ("Gaia18dps", "Montarrenti Observatory", 2)
    told = summary(rows)
    assert (told.n, told.done, told.refused, told.waiting, told.passband_changed) == (6, 4, 1, 1, 1)
    assert told.n_shifts == 3
    assert told.median_shift == pytest.approx(0.02)
    assert told.largest_shift == pytest.approx(0.1)


def test_a_limit_and_a_detection_are_not_compared(scene: Scene):
    point = scene.add()
    recalibration = ask(scene, point.job_id)
    end(scene, claim(scene, point.job_id), is_limit=True, mag=19.0, mag_err=None)
    (row,) = scene.store.recalibrations.shifts(recalibration)
    assert (row.mag, row.shift, row.zero_point_shift) == (19.0, None, 0.0)


# --- the operator's command -----------------------------------------------------------------------


def selections(scene: Scene, *arguments: str) -> list[Selection]:
    return list(recalibrate.selections_of(scene.store, recalibrate.parser().parse_args(arguments)))


def test_the_command_line_says_which(scene: Scene, many: dict[str, str]):
    (selection,) = selections(scene, "--event", "ivo://Gaia18dps", "--since", "2026-11-22", "--refused")
    assert selection == Selection(event="gaia18dps", since="2026-11-22T00:00:00Z", include_refused=True)
    assert selections(scene, "--all", "--mjd-since", "58001") == [Selection(mjd_since=58001.0)]
    named = selections(scene, "--job", *(str(number) for number in range(250)))
    assert [len(each.job_ids) for each in named] == [100, 100, 50]
    with pytest.raises(MissingField):
        selections(scene)
    with pytest.raises(BadField):
        selections(scene, "--since", "2026-11-23", "--until", "2026-11-22")


class Worker:
    """Stands at the place where the command waits, and does what is queued."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.lengths = scene, list[int]()

    def __call__(self, _s: float) -> None:
        waiting = queued(self.scene.store)
        self.lengths.append(len(waiting))
        for job_id in waiting:
            job = claim(self.scene, job_id)
            self.scene.store.jobs.finish(job, self.scene.outcome(job, filter="g", mag=17.0))


@pytest.fixture
def worker(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr(recordings, "LARGEST_RECALIBRATION", 2)
    worker = Worker(scene)
    monkeypatch.setattr(recalibrate.time, "sleep", worker)
    return worker


def test_the_command_queues_a_part_when_the_one_before_is_through(scene: Scene, many: dict[str, str], worker: Worker):
    chosen = selections(scene, "--all")
    taken, passed_over = recalibrate.count(scene.store, chosen)
    assert (len(taken), [each.reason for each in passed_over]) == (5, [Reason.REFUSED])
    queued(scene.store)
    said: list[str] = []
    work = recalibrate.Work()
    recalibrate.run(scene.store, chosen, work, 60.0, said.append)
    assert sorted(len(part.entries) + len(part.passed_over) for part in work.parts) == [2, 2, 2]
    assert max(worker.lengths) == 2  # never more in the queue
    assert sum(worker.lengths) == 5
    assert said[-1] == "5 of 5 queued uploads are through"
    assert summary(work.rows).done == 5
    assert sorted(row.job_id for row in work.rows) == sorted(taken)


def test_the_command_with_patience(scene: Scene, many: dict[str, str], worker: Worker):
    chosen = selections(scene, "--all")
    said: list[str] = []
    work = recalibrate.Work()
    recalibrate.run(scene.store, chosen, work, -1.0, said.append)
    assert (summary(work.rows).waiting, said[-1]) == (5, "0 of 5 queued uploads are through")
    first, second, *others = (row.job_id for row in work.rows)
    end_refused(scene, first)
    for job_id in others:
        job = claim(scene, job_id)
        scene.store.jobs.finish(job, scene.outcome(job, filter="g", mag=17.0))
    rows = [row for part in work.parts for row in scene.store.recalibrations.shifts(part)]
    text = recalibrate.table(rows)
    assert text.count("APASS/r -> APASS/g") == 3
    assert text.count("refused: TOO_FEW_MATCHES") == text.count("waiting") == 1
    assert second in text
    told = recalibrate.conclusion(rows)
    assert "5 uploads: 3 done, 1 refused (what they had holds), 1 waiting." in told
    assert "3 have another passband" in told
    assert "median" not in told


def test_the_command_looks_once_more_at_those_that_patience_was_too_short_for(
    scene: Scene, many: dict[str, str], worker: Worker
):
    work = recalibrate.Work()

    def say(line: str) -> None:
        if line.startswith("queued") and len(work.parts) > 1:
            worker(0.0)

    recalibrate.run(scene.store, selections(scene, "--all"), work, -1.0, say)
    assert {row.progress for row in work.rows} == {Progress.DONE}


@pytest.mark.parametrize("blow", [StorageConflict(what="The upload"), ConnectionError("gone"), KeyboardInterrupt()])
def test_the_command_breaks_off_with_what_is_through(
    scene: Scene,
    many: dict[str, str],
    worker: Worker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    blow: BaseException,
):
    monkeypatch.setattr(recalibrate.seed, "connect", lambda _: scene.store)
    monkeypatch.setattr(recalibrate.references, "environment", lambda _: {})

    def sleep(s: float) -> None:
        if len(worker.lengths) == 1:
            raise blow
        worker(s)

    monkeypatch.setattr(recalibrate.time, "sleep", sleep)
    table = tmp_path / "shifts.csv"
    assert recalibrate.main(["--all", "--yes", "--csv", str(table)]) == 1
    told = capsys.readouterr()
    (n,) = worker.lengths
    assert f"{n} uploads: {n} done, 0 refused" in told.out
    assert len(table.read_text().splitlines()) == 1 + n
    assert told.err.startswith("error: ")
    assert "no more is queued" in told.err
    assert 1 <= len(queued(scene.store)) <= 2  # the part that goes on by itself
    monkeypatch.setattr(recalibrate.time, "sleep", worker)
    assert recalibrate.main(["--event", "Gaia18dps", "--yes"]) == 0
