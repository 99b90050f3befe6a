"""Every real set through the calibration: ``python -m benchmarks.real_data [SET...] [--markdown] [--blind]``.

One row for each set and filter; where a set has many frames, medians over them. Columns: frames calibrated; stars used;
the passband chosen and in how many frames; how sure, and the runner-up; zero point and its error; scatter (mmag,
beyond the quoted errors) of one number for all stars, and with the terms; the colour term, what the frames say of it
by themselves in sigmas, and in how many frames it lowers the scatter; the field term's order, range (mmag) and gain
(BIC); 1.4826 MAD of all matched stars (mmag) before and after, beside the figure of the folder's README; the offset
found on the sky (arcsec); milliseconds. Then what was refused and why, and what the targets came out at.

``--blind`` keeps the filter's name from the calibration. The observations are not part of the repository.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.real_frames import SETS, Frame, frames
from cpcs import memory
from cpcs.errors import CpcsError
from cpcs.memory import ANY_CAMERA
from cpcs.records import ColourFrame, ColourMeasurement, ColourPrior
from infra.realsets import ABSENT, realdata_folder, robust_scatter
from photocal.calibration import Calibration, calibrate
from photocal.results import Candidate, ColourTerm

RADIUS_ARCSEC = 2.0
HEADS = ("set", "filter", "frames", "stars", "chosen", "confidence", "runner-up", "zero point", "scatter", "with terms",
         "colour term", "alone", "lowers", "field term", "MAD* before", "after", "README", "offset", "ms")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A frame with its calibration."""

    frame: Frame
    found: Calibration

    @property
    def right(self) -> bool:
        """Whether a passband that is right was chosen."""
        return str(self.found.winner.passband) in self.frame.expected

    @property
    def native_mag(self) -> float:
        """The target's magnitude by the plain zero point."""
        return self.found.target.inst_mag + self.found.winner.native.zero_point


def learned(before: Sequence[ColourMeasurement], *, fields: bool = False) -> ColourPrior:
    """Return what frames teach of a colour term, as the telescope memory has it (`cpcs.memory`).

    ``fields`` says whether each frame is of a field of its own. Frames of one field share its reference stars and the
    errors of these: what they teach is surer of what the next frame will say than of the truth.
    """
    frames = [
        ColourFrame(
            observatory_id=0,
            passband=item.passband,
            colour=item.colour,
            value=item.value,
            err=item.err,
            mjd=float(number),
            field=str(number) if fields else "",
            job_id=f"{number:05d}",
            learned=f"{number:05d}",
        )
        for number, item in enumerate(before)
    ]
    return memory.learned_terms(frames)[0].prior if frames else ANY_CAMERA


def run(frame: Frame, *, blind: bool = False, priors: Mapping[str, ColourPrior] | None = None) -> Calibration:
    """Calibrate a frame as an upload of it would be; blind: without the filter's name; with priors of colour terms.

    Raises
    ------
    CpcsError
        It is refused.
    """
    return calibrate(
        frame.stars,
        frame.references,
        target=frame.target,
        matching_radius_arcsec=RADIUS_ARCSEC,
        filter_hint="" if blind else frame.hint,
        mjd=frame.mjd,
        colour_priors=priors,
    )


def run_all(given: Sequence[Frame], *, blind: bool = False) -> tuple[list[Done], list[tuple[Frame, CpcsError]]]:
    """Calibrate frames; return those that could be, and those that were refused, with the reason."""
    done, refused = [], []
    for frame in given:
        try:
            done.append(Done(frame=frame, found=run(frame, blind=blind)))
        except CpcsError as error:
            refused.append((frame, error))
    return done, refused


def deviations(winner: Candidate) -> tuple[float, float]:
    """Return 1.4826 MAD of the differences of all matched stars, and of what the terms leave of them, mag."""
    return robust_scatter(winner.stars.ref_mag - winner.stars.inst_mag), robust_scatter(winner.stars.residual)


def cells(name: str, band: str, done: Sequence[Done]) -> list[str]:
    """Return a row of the table: of all frames of one filter of one set."""
    winners = [item.found.winner for item in done]
    chosen = Counter(str(winner.passband) for winner in winners)
    runners = Counter(str(item.found.runner_up.passband) for item in done if item.found.runner_up)
    before, after = np.median([deviations(winner) for winner in winners], axis=0)
    crude = done[0].frame.crude
    return [
        name,
        band,
        str(len(done)),
        _span([winner.fit.n_matched for winner in winners], "{:.0f}"),
        ", ".join(f"{passband} {n}" for passband, n in chosen.most_common()),
        _span([item.found.confidence for item in done], "{:.3f}"),
        ", ".join(f"{passband} {n}" for passband, n in runners.most_common()),
        f"{_median(winners, lambda k: k.fit.zero_point):.3f} +- {_median(winners, lambda k: k.fit.zero_point_err):.4f}",
        f"{1e3 * _median(winners, lambda k: k.native.scatter):.1f}",
        f"{1e3 * _median(winners, lambda k: k.fit.scatter):.1f}",
        *_term_cells(winners),
        _field_cell(winners),
        f"{1e3 * before:.1f}",
        f"{1e3 * after:.1f}",
        f"{1e3 * crude:.0f}" if crude else "",
        _offset_cell(done),
        f"{1e3 * np.median([sum(item.found.seconds.values()) for item in done]):.0f}",
    ]


def _median(winners: Sequence[Candidate], read: Callable[[Candidate], float]) -> float:
    return float(np.median([read(winner) for winner in winners]))


def _span(values: Sequence[float], form: str) -> str:
    low, middle, high = (form.format(value) for value in (min(values), np.median(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _term_cells(winners: Sequence[Candidate]) -> list[str]:
    pairs = [(winner, winner.colour_term) for winner in winners if winner.colour_term]
    if not pairs:
        return ["none", "", ""]
    terms: list[ColourTerm] = [term for _, term in pairs]
    alone = [term.measured for term in terms if term.measured]
    value, err = (np.median([getattr(term, part) for term in terms]) for part in ("value", "err"))
    lower = sum(winner.fit.scatter < winner.native.scatter for winner, _ in pairs)
    sigmas = np.median([item.value / item.err for item in alone]) if alone else np.nan
    colours = "/".join(sorted({term.colour for term in terms}))
    return [f"{value:+.3f} +- {err:.3f} {colours}", f"{sigmas:+.1f}", f"{lower} of {len(pairs)}"]


def _field_cell(winners: Sequence[Candidate]) -> str:
    found = [winner.field_term for winner in winners if winner.field_term]
    if not found:
        return "none"
    orders = "/".join(sorted({str(term.order) for term in found}))
    reach, gain = (np.median([getattr(term, part) for term in found]) for part in ("range_mag", "bic_gain"))
    return f"{len(found)}: order {orders}, {1e3 * reach:.0f}, {gain:.0f}"


def _offset_cell(done: Sequence[Done]) -> str:
    offsets = [item.found.offset for item in done]
    east, north = (np.median([getattr(item, f"{way}_arcsec") for item in offsets]) for way in ("east", "north"))
    return f"{east:+.2f} {north:+.2f}"


def targets(done: Sequence[Done]) -> list[str]:
    """Return what is to be said of the targets: against the catalogue's magnitude, or as they are."""
    known = [item for item in done if item.frame.true_mag is not None and not item.found.target.is_limit and item.right]
    known = [item for item in known if item.found.target.corrected_mag is not None]
    if known:
        true = np.array([item.frame.true_mag for item in known], dtype=np.float64)
        native = np.array([item.native_mag for item in known]) - true
        corrected = np.array([item.found.target.corrected_mag for item in known], dtype=np.float64) - true
        led = np.array([item.target.corrected_mag for item in taught(done, known)], dtype=np.float64) - true
        told = ", ".join(
            f"{how} {1e3 * np.median(off):+.0f} (MAD* {1e3 * robust_scatter(off):.0f})"
            for how, off in (("plain", native), ("own colour term", corrected), ("taught by the others", led))
        )
        return [f"{len(known)} check stars, not among the calibrators, minus the catalogue, mmag: {told}"]
    return [_target(item) for item in done] if len(done) <= 2 else []


def taught(done: Sequence[Done], wanted: Sequence[Done]) -> list[Calibration]:
    """Calibrate some frames again, each with the colour term that all other frames of its filter have taught."""
    terms = [(item, item.found.winner.colour_term) for item in done if item.right]
    lessons = [(item, term.measured) for item, term in terms if term is not None and term.measured is not None]
    found = []
    for item in wanted:
        others = [lesson for other, lesson in lessons if other is not item]
        found.append(run(item.frame, priors={item.frame.expected[0]: learned(others, fields=True)}))
    return found


def _target(item: Done) -> str:
    target, winner = item.found.target, item.found.winner
    if target.is_limit:
        return f"{item.frame.label}: {item.frame.target.name} fainter than {target.mag:.2f}"
    error = np.hypot(target.mag_err or 0.0, winner.fit.zero_point_err)
    told = f"{item.frame.label}: {item.frame.target.name} {winner.passband} {target.mag:.3f} +- {error:.3f}"
    if target.corrected_mag is None:
        return f"{told}; no colour term"
    error = np.hypot(target.corrected_mag_err or 0.0, winner.fit.zero_point_err)
    return f"{told}; with the colour term {target.corrected_mag:.3f} +- {error:.3f} (colour: {target.colour_source})"


def report(name: str, given: Sequence[Frame], *, blind: bool) -> tuple[list[list[str]], list[str]]:
    """Return the rows and the notes of one set."""
    done, refused = run_all(given, blind=blind)
    rows, notes = [], []
    by_filter: dict[str, list[Done]] = defaultdict(list)
    for item in done:
        by_filter[item.frame.filter].append(item)
    for band, mine in by_filter.items():
        rows.append(cells(name, band, mine))
        notes += [f"{name} {band}: {line}" for line in targets(mine)]
        wrong = [item for item in mine if not item.right]
        if wrong:
            sure = max(item.found.confidence for item in wrong)
            none = sum(len({k.passband.filter for k in item.found.candidates}) == 1 for item in wrong)
            notes.append(
                f"{name} {band}: {len(wrong)} of {len(mine)} wrong, confidence at most {sure:.2f}; "
                f"{none} of them had no other filter to choose"
            )
    notes += [f"{name}: refused, {code}: {', '.join(fields)}" for code, fields in _by_code(refused).items()]
    return rows, notes


def _by_code(refused: Sequence[tuple[Frame, CpcsError]]) -> dict[str, list[str]]:
    """Return code -> fields that were refused with it, each with its number of images where there are more."""
    codes: dict[str, Counter[str]] = defaultdict(Counter)
    for frame, error in refused:
        codes[error.code][frame.label.rpartition("-0")[0] or frame.label] += 1
    return {
        code: [f"{field} ({n})" if n > 1 else field for field, n in fields.items()] for code, fields in codes.items()
    }


def table(rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    """Return the rows under their heads, as text or in Markdown."""
    if markdown:
        lines = [HEADS, tuple("---" for _ in HEADS), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    wide = [max(len(row[k]) for row in (HEADS, *rows)) for k in range(len(HEADS))]
    return "\n".join(
        "  ".join(cell.ljust(n) for cell, n in zip(row, wide, strict=True)).rstrip() for row in (HEADS, *rows)
    )


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; all when none is named")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    parser.add_argument("--blind", action="store_true", help="keep the filter's name from the calibration")
    given = parser.parse_args()
    unknown = set(given.sets) - set(SETS)
    if unknown:
        parser.error(f"unknown sets: {', '.join(sorted(unknown))}")
    folder = realdata_folder()
    if folder is None:
        print(ABSENT)
        return 0
    rows, notes = [], []
    for name in given.sets or SETS:
        more = report(name, list(frames(folder, name)), blind=given.blind)
        rows += more[0]
        notes += more[1]
    print(table(rows, markdown=given.markdown))
    print("\n" + "\n".join(notes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
