"""Reading an upload: everything that looks at its bytes, in a child process; what comes back, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cpcs.errors import ReaderCrashed
from cpcs.mappings import HeaderMapping
from photocal.headers import document
from photocal.headers.standard import Given
from photocal.images import prepare
from photocal.intake import Intake, take_in

from .child import Answer, Limits, run_in_child, stars_answer, stars_of


def read_upload(data: bytes, limits: Limits, *, mappings: Sequence[HeaderMapping], camera: str, given: Given) -> Intake:
    """Read an upload in a child process, and understand its header there.

    Parameters
    ----------
    data
        The file.
    limits
        What the child may use.
    mappings, camera, given
        As for `photocal.headers.understand.standardise`.

    Raises
    ------
    CpcsError
        As `functions.calibrate.child.run_in_child`.
    """
    prepare(data)

    def work(sent: bytes) -> Answer:
        return _answer(take_in(sent, mappings=mappings, camera=camera, given=given))

    try:
        return _intake(run_in_child(work, data, limits))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReaderCrashed(how="an answer that is no upload") from error


def _answer(intake: Intake) -> Answer:
    stars = Answer() if intake.stars is None else stars_answer(intake.stars)
    understood = None if intake.header is None else document.document(intake.header)
    said: dict[str, Any] = {"stars": None if intake.stars is None else stars.document, "header": understood}
    return Answer(document=said, arrays=stars.arrays)


def _intake(answer: Answer) -> Intake:
    stars, header = answer.document["stars"], answer.document["header"]
    return Intake(
        stars=None if stars is None else stars_of(Answer(document=stars, arrays=answer.arrays)),
        header=None if header is None else document.read(header),
    )
