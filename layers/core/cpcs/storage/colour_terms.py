"""The telescope memory: what the frames of each observatory, camera and filter said of their colour terms.

One item for each frame whose point is current; written and taken out in the transactions of `cpcs.storage.index`, from
what the outcome in S3 holds. What follows from the frames is computed when it is asked for (`cpcs.memory`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

from pynamodb.expressions.condition import Condition

from cpcs.memory import MOST_FRAMES, setup_name
from cpcs.records import ColourFrame

from . import keys
from .models import ColourFrameItem, Models, attributes, record

MOST_SETUPS = 100  # of an observatory, that are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourTerms:
    """The memory. Reads are eventually consistent: a frame more or less changes little."""

    models: Models

    def of_setup(self, observatory_id: int, camera: str, filter_: str) -> list[ColourFrame]:
        """Return the newest frames of a camera and filter, in all passbands; `MOST_FRAMES` at most.

        Parameters
        ----------
        observatory_id
            Whose telescope.
        camera, filter_
            As the form or the header names them; empty when nobody does.
        """
        prefix = keys.setup(setup_name(camera), setup_name(filter_))
        return self._newest(observatory_id, ColourFrameItem.sk.startswith(prefix))

    def of_observatory(self, observatory_id: int) -> Iterator[list[ColourFrame]]:
        """Yield the newest frames of each camera and filter of an observatory; `MOST_SETUPS` at most.

        One question for each: the sort keys of a set-up lie together, and the next question starts before them.
        """
        before: Condition | None = None
        for _ in range(MOST_SETUPS):
            found = self._newest(observatory_id, before)
            if not found:
                return
            mine = _setup_of(found[0])
            yield list(takewhile(lambda frame: _setup_of(frame) == mine, found))  # noqa: B023 -- used up at once
            before = ColourFrameItem.sk < mine

    def _newest(self, observatory_id: int, where: Condition | None) -> list[ColourFrame]:
        items = self.models.colour_frames.query(
            keys.colour_terms(observatory_id), where, scan_index_forward=False, limit=MOST_FRAMES
        )
        return [record(ColourFrame, item) for item in islice(items, MOST_FRAMES)]


def _setup_of(frame: ColourFrame) -> str:
    return keys.setup(frame.camera, frame.filter)


def item_of(models: Models, frame: ColourFrame) -> ColourFrameItem:
    """Return what the table holds of a frame."""
    return models.colour_frames(keys.colour_terms(frame.observatory_id), keys.colour_frame(frame), **attributes(frame))
