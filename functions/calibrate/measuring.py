"""Measuring an uploaded image: in a child process as reading is, for its pixels are as little to be trusted."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cpcs.errors import ImageTooDemanding, ReaderCrashed, ReaderTimedOut
from cpcs.serial import storable_text
from photocal import kept
from photocal.arrays import Anything
from photocal.headers.standard import StandardHeader
from photocal.images import read_image
from photocal.imaging import measure_frame
from photocal.kept import KeptPlane
from photocal.pixels.measure import Progress
from photocal.pixels.records import ForcedFlux
from photocal.pointing import Pointing
from photocal.references import ReferenceStars
from photocal.results import Target

from .child import NO_MEMORY, Answer, Limits, run_in_child, stars_answer, stars_of

_LONGEST_TEXT, _DEEPEST = 1_000, 8
_NOTE = struct.Struct("<d24s")
_LARGEST_WHOLE = 2**53
_FIGURES_FROM = 0.95  # of all work; drawing is the rest
_COLOURS = ("", *kept.COLOURS)
_FILES = (kept.LDAC, kept.ECSV, kept.HEADER, kept.CUTOUT, *(f"figures/{name}.png" for name in kept.FIGURES))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sitting:
    """What an image is measured with, beside its pixels."""

    header: StandardHeader
    references: Sequence[ReferenceStars]
    pointing: Pointing
    target: Target
    mjd: float
    figures: bool


class Board:
    """A few bytes that worker and child share: how far the child is."""

    def __init__(self) -> None:
        self._bytes = mmap.mmap(-1, _NOTE.size)

    def write(self, step: str, share: float) -> None:
        """Say it, in the child."""
        self._bytes[:] = _NOTE.pack(share, step.encode("ascii", "replace"))

    def read(self) -> tuple[str, float]:
        """Return step and share as they were last said; a step without a name before anything was."""
        share, step = _NOTE.unpack(self._bytes[:])
        known = share if 0.0 <= share <= 1.0 else 0.0
        return "".join(char for char in step.decode("ascii", "replace") if char.isalpha() or char == "-"), known


def measure_upload(
    data: bytes, limits: Limits, sitting: Sitting, progress: Progress | None = None
) -> tuple[KeptPlane, ...]:
    """Measure an uploaded image in a child process.

    Parameters
    ----------
    data
        The file, which has been read once.
    limits
        What the child may use.
    sitting
        What it is measured with.
    progress
        Called now and then with a step's name and the share of the work that is behind.

    Raises
    ------
    CpcsError
        As `photocal.imaging.measure_frame`, and as `functions.calibrate.child.run_in_child`.
    """
    board = Board()

    def work(sent: bytes) -> Answer:
        measured = measure_frame(
            read_image(sent),
            sitting.header,
            sitting.references,
            pointing=sitting.pointing,
            target=sitting.target,
            mjd=sitting.mjd,
            progress=board.write,
        )
        board.write("figures", _FIGURES_FROM)
        return _answer(kept.keep(measured, sitting.header, sitting.target, figures=sitting.figures))

    def watch() -> None:
        if progress is not None:
            progress(*board.read())

    try:
        return _planes(run_in_child(work, data, limits, watch))
    except ReaderTimedOut as error:
        raise _too_demanding(sitting.header, "time") from error
    except ReaderCrashed as error:
        if error.metadata.get("how") != NO_MEMORY:
            raise
        raise _too_demanding(sitting.header, "memory") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReaderCrashed(how="an answer that is no image") from error


def _too_demanding(header: StandardHeader, what: str) -> ImageTooDemanding:
    columns, rows = (int(header.number(f"NAXIS{axis}") or 0) for axis in (1, 2))
    return ImageTooDemanding(columns=columns, rows=rows, what=what)


def _answer(planes: Sequence[KeptPlane]) -> Answer:
    said: list[dict[str, Any]] = []
    arrays: dict[str, Anything] = {}
    for number, plane in enumerate(planes):
        stars = stars_answer(plane.stars)
        said.append(
            {
                "colour": plane.colour,
                "filter_name": plane.filter_name,
                "stars": stars.document,
                "forced": None if plane.forced is None else asdict(plane.forced),
                "facts": plane.facts,
                "files": list(plane.files),
            }
        )
        arrays |= {f"{number}:{name}": column for name, column in stars.arrays.items()}
        arrays |= {f"{number}/{name}": np.frombuffer(file, np.uint8) for name, file in plane.files.items()}
    return Answer(document={"planes": said}, arrays=arrays)


def _planes(answer: Answer) -> tuple[KeptPlane, ...]:
    """Return the planes that an answer holds: checked, for whoever made it has had hostile pixels in hand.

    Raises
    ------
    KeyError, TypeError, ValueError, AttributeError
        It holds none.
    """
    planes = tuple(_plane(answer, number, said) for number, said in enumerate(answer.document["planes"]))
    if not planes:
        raise ValueError("no plane")
    return planes


def _plane(answer: Answer, number: int, said: dict[str, Any]) -> KeptPlane:
    colour = said["colour"]
    allowed = {kept.named(name, colour) for name in _FILES} if colour in _COLOURS else set[str]()
    if not allowed.issuperset(said["files"]):
        raise ValueError("a file that is not of an image")
    prefix = f"{number}:"
    arrays = {name.removeprefix(prefix): column for name, column in answer.arrays.items() if name.startswith(prefix)}
    forced = said["forced"]
    return KeptPlane(
        colour=colour,
        filter_name=storable_text(said["filter_name"], _LONGEST_TEXT),
        stars=stars_of(Answer(document=said["stars"], arrays=arrays)),
        forced=None if forced is None else _forced(forced),
        facts=_facts(_data(dict(said["facts"]))),
        files={name: _file(name, answer.arrays[f"{number}/{name}"]) for name in said["files"]},
    )


def _file(name: str, column: Anything) -> bytes:
    """Return the content of a file; one that is shown as text must be one.

    Raises
    ------
    ValueError
        It is none.
    """
    content = bytes(column.astype(np.uint8))
    if name.endswith((".ecsv", ".hdr")):
        content.decode()
    return content


def _facts(said: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a plane, if what is built on it is there.

    Raises
    ------
    KeyError, TypeError, ValueError
        It is not.
    """
    solution = said["solution"]
    numbers = [*said["quality"].values(), *said["shape"], solution["n_used"]]
    numbers += [solution[f"{kind}_{axis}_arcsec"] for kind in ("rms", "error") for axis in ("east", "north")]
    if not all(value is None or type(value) in (int, float) for value in numbers):
        raise ValueError("facts that are no numbers")
    return said


def _forced(said: dict[str, Any]) -> ForcedFlux:
    wide = said["fwhm_arcsec"]
    return ForcedFlux(
        x=float(said["x"]),
        y=float(said["y"]),
        flux=float(said["flux"]),
        flux_err=float(said["flux_err"]),
        empty_err=float(said["empty_err"]),
        flags=int(said["flags"]),
        usable_share=float(said["usable_share"]),
        fwhm_arcsec=None if wide is None else float(wide),
    )


def _data(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 -- whatever JSON holds
    """Return what JSON holds, with texts of bounded length and numbers that are finite.

    Raises
    ------
    ValueError
        It is too deep, or holds something else.
    """
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, dict):
        return {storable_text(name, _LONGEST_TEXT): _data(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_data(item, depth + 1) for item in value]
    if isinstance(value, str):
        return storable_text(value, _LONGEST_TEXT)
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
        raise ValueError("a number too large to be stored")
    if value is None or isinstance(value, bool | int | float):
        return value
    raise ValueError(f"{type(value).__name__} is not of JSON")
