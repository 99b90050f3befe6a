"""The calibration without a server: ``python -m photocal``.

::

    python -m photocal calibrate FILE --references DIR --ra DEG --dec DEG --mjd MJD [--force APASS/V] [--json PATH|-]
              [--colour-terms FILE [--learn]] [--mapping M]
    python -m photocal measure IMAGE [--references DIR] [--ra DEG --dec DEG] [--scale LOW,HIGH]
              --out-catalogue F.fits [--out-header F.hdr] [--figures DIR]
    python -m photocal header FILE [--mapping M] [--ra DEG --dec DEG] [--mjd MJD] [--json PATH|-]
    python -m photocal references import FILE --catalogue NAME --into DIR [--columns ra=...,dec=...,V=Vmag:e_Vmag]
    python -m photocal references fetch --catalogue NAME --ra DEG --dec DEG --radius DEG --into DIR
    python -m photocal references list DIR

Exit status 0: done. 2: refused, with the reason on standard error (and as JSON, where that was asked for).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from cpcs.errors import BadCommandLine, BadField, CpcsError, UnusablePath

DONE, REFUSED = 0, 2


class _Parser(argparse.ArgumentParser):
    """Refuses a command line as everything else is refused, so that ``--json`` gets its answer then, too."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise BadCommandLine."""
        raise BadCommandLine(reason=message.removeprefix("argument "), program=self.prog)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = _parser().parse_args(given)
        parsed.run(parsed)
    except CpcsError as error:
        return _refuse(error, _json_path(given))
    except OSError as error:
        why = error.strerror or type(error).__name__
        return _refuse(UnusablePath(path=error.filename or "A file", reason=why), _json_path(given))
    return DONE


def _json_path(arguments: Sequence[str]) -> str | None:
    """Return where the answer goes as JSON, of a command line that may be wrong otherwise."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--json")
    try:
        found: str | None = finder.parse_known_args(arguments)[0].json
    except argparse.ArgumentError:
        return None
    return found


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m photocal", description="Standard magnitudes from a list of stars.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_calibrate(commands.add_parser("calibrate", help="calibrate an observer's catalogue"))
    _add_measure(commands.add_parser("measure", help="measure the stars of an image, and find its place on the sky"))
    _add_header(commands.add_parser("header", help="what a header says, in the standard keywords"))
    references = commands.add_parser("references", help="reference stars in a folder")
    _add_references(references)
    return parser


def _within(low: float, high: float) -> Callable[[str], float]:
    """Return what reads a number between two; nan is between none."""

    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    read.__name__ = "number"  # argparse speaks of an invalid number
    return read


_COLUMNS_HELP = "also pmra=, pmdec=, epoch=; a column by its name or its place, from 1; guessed when not given"
_MAPPING_HELP = "what the camera's keywords mean: JSON or text table"
_RA, _DEC, _MJD = _within(-180.0, 360.0), _within(-90.0, 90.0), _within(0.0, 200_000.0)
_ARCSEC, _FIELD = _within(0.1, 60.0), _within(0.0, 10.0)


def _colour(text: str) -> tuple[str, float]:
    """Read ``g-r=0.6``."""
    name, _, value = (part.strip() for part in text.partition("="))
    first, dash, second = name.partition("-")
    try:
        if first and dash and second:
            return name, _within(-10.0, 10.0)(value)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is not a colour such as g-r=0.6")


def _scale(text: str) -> tuple[float, float]:
    """Read the range of scales of an image."""
    low, _, high = text.partition(",")
    try:
        found = float(low), float(high or low)
    except ValueError:
        found = (0.0, 0.0)
    if not 0.0 < found[0] <= found[1] < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no range like 0.4,0.6")
    return found if high else (found[0] / 1.05, found[0] * 1.05)


def _add_calibrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="SExtractor ASCII, FITS table, FITS_LDAC, CSV, ECSV or plain columns")
    parser.add_argument("--references", type=Path, required=True, metavar="DIR", help="folder of reference stars")
    parser.add_argument("--ra", type=_RA, required=True, metavar="DEG", help="of the target, J2000")
    parser.add_argument("--dec", type=_DEC, required=True, metavar="DEG")
    parser.add_argument("--mjd", type=_MJD, required=True, help="middle of the exposure, UTC")
    parser.add_argument("--matching-radius", type=_ARCSEC, default=2.0, metavar="ARCSEC", help="0.1 to 60 (default: 2)")
    parser.add_argument("--force", default="no", metavar="CATALOGUE/FILTER", help="APASS/V, any/r, PS1/any")
    parser.add_argument("--filter-hint", default="", metavar="NAME", help="the filter as its header names it")
    parser.add_argument(
        "--colour", type=_colour, action="append", default=[], metavar="g-r=0.6", help="of the target; may be repeated"
    )
    parser.add_argument("--camera", default="", metavar="NAME", help="where the file's header names none")
    parser.add_argument("--mapping", type=Path, metavar="M", help=_MAPPING_HELP)
    parser.add_argument("--colour-terms", type=Path, metavar="FILE", help="what earlier frames of the camera taught")
    parser.add_argument("--learn", action="store_true", help="add to that file what this frame teaches")
    parser.add_argument("--name", default="", help="of the target, for the figures")
    parser.add_argument("--json", metavar="PATH", help="write the report there; - is standard output")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write the figures there")
    parser.set_defaults(run=_calibrate)


def _add_measure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=Path, help="a FITS image")
    parser.add_argument("--references", type=Path, metavar="DIR", help="reference stars; without, pixels only")
    parser.add_argument("--ra", type=_RA, metavar="DEG", help="a position on the image or near it, J2000")
    parser.add_argument("--dec", type=_DEC, metavar="DEG")
    parser.add_argument("--scale", type=_scale, metavar="LOW,HIGH", help="arcsec for each pixel, at least and at most")
    parser.add_argument("--out-catalogue", type=Path, required=True, metavar="F.fits", help="or F.ecsv")
    parser.add_argument("--out-header", type=Path, metavar="F.hdr", help="the solved header, as text")
    parser.add_argument("--figures", type=Path, metavar="DIR")
    parser.set_defaults(run=_measure)


def _add_header(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a FITS file, or its header as text, YAML or JSON")
    parser.add_argument("--mapping", type=Path, metavar="M", help=_MAPPING_HELP)
    parser.add_argument("--ra", type=_RA, metavar="DEG", help="of the target, J2000: for the checks")
    parser.add_argument("--dec", type=_DEC, metavar="DEG")
    parser.add_argument("--mjd", type=_MJD, help="middle of the exposure, UTC: for the checks")
    parser.add_argument("--json", metavar="PATH", help="write the standard header there; - is standard output")
    parser.set_defaults(run=_header)


def _add_references(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    importing = commands.add_parser("import", help="a file of reference stars into the folder")
    importing.add_argument("file", type=Path, help="CSV, ECSV, FITS, VOTable, or columns of text")
    importing.add_argument("--catalogue", required=True, metavar="NAME")
    importing.add_argument("--into", type=Path, required=True, metavar="DIR")
    importing.add_argument("--columns", metavar="ra=...,dec=...,V=Vmag:e_Vmag", help=_COLUMNS_HELP)
    importing.set_defaults(run=_import)
    fetching = commands.add_parser("fetch", help="reference stars from VizieR into the folder")
    fetching.add_argument("--catalogue", required=True, metavar="NAME")
    fetching.add_argument("--ra", type=_RA, required=True, metavar="DEG")
    fetching.add_argument("--dec", type=_DEC, required=True, metavar="DEG")
    fetching.add_argument("--radius", type=_FIELD, required=True, metavar="DEG")
    fetching.add_argument("--into", type=Path, required=True, metavar="DIR")
    fetching.set_defaults(run=_fetch)
    listing = commands.add_parser("list", help="what the folder holds")
    listing.add_argument("folder", type=Path, metavar="DIR")
    listing.set_defaults(run=_list)


def _calibrate(given: argparse.Namespace) -> None:
    from photocal import alone

    if given.learn and given.colour_terms is None:
        raise BadField(field="--learn", value="alone", expected="--colour-terms FILE with it")
    result = alone.calibrate_file(
        given.file,
        folder=given.references,
        ra_deg=given.ra,
        dec_deg=given.dec,
        name=given.name,
        mjd=given.mjd,
        matching_radius_arcsec=given.matching_radius,
        force=given.force,
        filter_hint=given.filter_hint,
        target_colours=dict(given.colour),
        camera=given.camera,
        colour_terms=given.colour_terms,
        mapping=given.mapping,
    )
    if given.figures is not None:
        alone.write_figures(result, given.figures)
    if given.json is not None:
        _write_json(result.document(), given.json)
    if given.learn:  # last: a frame whose results could not be written has taught nothing
        result.teach(given.colour_terms)
    if given.json != "-":
        sys.stdout.write(result.text())


def _measure(given: argparse.Namespace) -> None:
    from photocal.measuring import measure_file, write_figures

    _check_position(given)
    found = measure_file(
        given.image,
        references=given.references,
        ra_deg=given.ra,
        dec_deg=given.dec,
        scale_arcsec=given.scale,
        progress=_tell,
    )
    found.write(given.out_catalogue, given.out_header)
    if given.figures is not None:
        write_figures(found, given.figures, None if given.ra is None else (given.ra, given.dec))
    sys.stdout.write(found.text())


def _tell(step: str, share: float) -> None:
    sys.stderr.write(f"{100.0 * share:3.0f} % {step}\n")
    sys.stderr.flush()


def _check_position(given: argparse.Namespace) -> None:
    """Make sure that a position is given whole, or not at all."""
    if (given.ra is None) != (given.dec is None):
        raise BadField(
            field="--ra", value="alone" if given.dec is None else "missing", expected="--ra and --dec together"
        )


def _header(given: argparse.Namespace) -> None:
    from photocal.headers import document
    from photocal.headers.file import standardise_file
    from photocal.headers.standard import Given

    _check_position(given)
    known = Given(mjd=given.mjd, target_ra_deg=given.ra, target_dec_deg=given.dec)
    standard = standardise_file(given.file, mapping=given.mapping, given=known)
    if given.json is not None:
        _write_json(document.document(standard), given.json)
    if given.json != "-":
        sys.stdout.write(document.text(standard))


def _import(given: argparse.Namespace) -> None:
    from photocal import alone

    sys.stdout.write(alone.import_references(given.file, given.catalogue, given.into, columns=given.columns))


def _fetch(given: argparse.Namespace) -> None:
    from photocal import alone

    sys.stdout.write(alone.fetch_references(given.catalogue, given.into, given.ra, given.dec, given.radius))


def _list(given: argparse.Namespace) -> None:
    from photocal import alone

    sys.stdout.write(alone.list_references(given.folder))


def _refuse(error: CpcsError, path: str | None) -> int:
    sys.stderr.write(f"{error.code}: {error.message}\n{error.hint}\n")
    if path is not None:
        try:
            _write_json({"error": error.as_dict()}, path)
        except OSError as unwritten:
            sys.stderr.write(f"{path} cannot be written: {unwritten.strerror}\n")
    return REFUSED


def _write_json(document: dict[str, Any], path: str) -> None:
    text = json.dumps(document, allow_nan=False, indent=None, separators=(",", ":")) + "\n"
    if path == "-":
        sys.stdout.write(text)
    else:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
