"""What ``python -m photocal`` does: a file and a folder of reference stars in, a calibration out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cpcs.errors import BadField, NoImage, ReferenceUnavailable
from cpcs.passbands import ANY, Choice, astrometric, catalogue_data, covers, parse_choice
from photocal import notebook, report
from photocal.calibration import calibrate, check_in_field
from photocal.headers.file import named_mapping
from photocal.headers.standard import Given, StandardHeader
from photocal.imaging import measure_frame
from photocal.intake import Intake, take_in
from photocal.kept import KeptPlane, keep, place_error_mas
from photocal.pixels.records import ForcedFlux
from photocal.planes import CalibratedImage, calibrate_planes
from photocal.pointing import around_target
from photocal.references import FolderBlobs, ReferenceStars, TileStore, VizierSource, gather, import_file
from photocal.references.importer import catalogue_name
from photocal.results import Calibration, Target
from photocal.stars import StarList

PANEL, RESIDUALS = "panel.png", "residuals.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """A calibration, and the file it is of, with its camera and header, as far as they are known."""

    calibration: Calibration
    sha256: str
    camera: str = ""
    header: StandardHeader | None = None
    image: CalibratedImage | None = None

    def document(self) -> dict[str, Any]:
        """Return the report."""
        return report.document(self.calibration, input_sha256=self.sha256, header=self.header, image=self.image)

    def text(self) -> str:
        """Return what people want to know, in a few lines."""
        found, fit = self.calibration, self.calibration.winner.fit
        target = found.target
        value = f"> {target.mag:.3f} (limit)" if target.is_limit else f"{target.mag:.3f} +- {target.mag_err:.3f}"
        runner_up = f", runner-up {found.runner_up.passband}" if found.runner_up else ""
        return (
            f"{found.winner.passband}  {value}  ({found.mode.value}, confidence {found.confidence:.2f}{runner_up})\n"
            f"zero point {fit.zero_point:.3f} +- {fit.zero_point_err:.3f}, scatter {fit.scatter:.3f}, "
            f"{fit.n_matched} stars, outlier fraction {fit.outlier_fraction:.2f}\n"
            f"{self._terms()}{self._measured()}{self._colours()}"
            f"{sum(found.seconds.values()):.2f} s\n"
        )

    def teach(self, colour_terms: Path) -> bool:
        """Add to a file of colour terms what this frame says; returns whether it says anything."""
        return notebook.learn(colour_terms, self.calibration, sha256=self.sha256, camera=self.camera)

    def _measured(self) -> str:
        """Return how the image was, in a line; nothing for a catalogue."""
        if self.image is None:
            return ""
        facts = self.image.main.facts
        quality, solution = facts["quality"], facts["solution"]
        return (
            f"image of {quality['n_stars']:.0f} stars, seeing {quality['seeing_arcsec']:.2f} arcsec, "
            f"its place known to {place_error_mas(facts):.0f} mas "
            f"from {solution['n_used']} stars of {solution['catalogue']}, "
            f"the target by {self.calibration.target.method}\n"
        )

    def _colours(self) -> str:
        """Return the calibrations of a camera's other colours, a line each."""
        lines = ""
        for other in () if self.image is None else self.image.others:
            found = other.calibration
            if found is None:
                lines += f"{other.plane.filter_name}: {'' if other.error is None else other.error.message}\n"
                continue
            target = found.target
            value = f"> {target.mag:.3f}" if target.is_limit else f"{target.mag:.3f} +- {target.mag_err:.3f}"
            lines += f"{other.plane.filter_name}: {found.winner.passband}  {value}\n"
        return lines

    def _terms(self) -> str:
        """Return what the zero point depends on, and the magnitude that follows, a line each."""
        target, winner = self.calibration.target, self.calibration.winner
        lines = ""
        if winner.colour_term is not None:
            term = winner.colour_term
            lines += f"colour term {term.value:+.3f} +- {term.err:.3f} ({term.colour} - {term.reference_colour:.2f}), "
            lines += f"scatter without {winner.native.scatter:.3f}"
            if target.corrected_mag is not None and target.colour is not None:
                lines += (
                    f"; {target.corrected_mag:.3f} for {term.colour} = {target.colour:.2f} ({target.colour_source})"
                )
            lines += "\n"
        if winner.field_term is not None:
            lines += (
                f"field term of order {winner.field_term.order}, {winner.field_term.range_mag:.3f} mag over the field\n"
            )
        return lines


def calibrate_file(
    path: Path,
    *,
    folder: Path,
    ra_deg: float,
    dec_deg: float,
    mjd: float,
    name: str = "",
    matching_radius_arcsec: float = 2.0,
    force: str = "no",
    filter_hint: str = "",
    target_colours: Mapping[str, float] | None = None,
    camera: str = "",
    colour_terms: Path | None = None,
    mapping: Path | None = None,
) -> FileResult:
    """Calibrate one file with the reference stars of a folder, a file of colour terms, and a mapping of its header.

    Raises
    ------
    CpcsError
        The file cannot be read or calibrated; see `cpcs.errors`.
    """
    start = time.perf_counter()
    data = read_file(path)
    sha256 = hashlib.sha256(data).hexdigest()
    frames = [] if colour_terms is None else notebook.read(colour_terms)
    given = Given(mjd=mjd, filter=filter_hint, camera=camera, target_ra_deg=ra_deg, target_dec_deg=dec_deg)
    mappings = () if mapping is None else (named_mapping(mapping, camera),)
    intake = take_in(data, mappings=mappings, camera=mappings[0].camera if mappings else camera, given=given)
    intake.check()
    camera = camera or intake.camera
    read = time.perf_counter()
    target = Target(ra_deg=ra_deg, dec_deg=dec_deg, name=name)
    tiles = TileStore(FolderBlobs(folder))
    forced = _choice(force, tiles)
    if intake.stars is not None:
        check_in_field(intake.stars, target)
    planes = () if intake.stars is not None else _measured(intake, target, mjd, tiles, folder)
    measured = time.perf_counter()
    field = intake.stars if intake.stars is not None else planes[0].stars
    references = _references(tiles, field, forced, folder)
    gathered = time.perf_counter()

    def fit(stars: StarList, hint: str, choice: Choice | None, forced_flux: ForcedFlux | None = None) -> Calibration:
        return calibrate(
            stars,
            references,
            target=target,
            matching_radius_arcsec=matching_radius_arcsec,
            forced=choice,
            filter_hint=hint,
            mjd=mjd,
            target_colours=target_colours,
            colour_priors=notebook.priors(frames, mjd=mjd, sha256=sha256, camera=camera, filter_hint=hint),
            forced_flux=forced_flux,
        )

    if intake.stars is not None:
        image, found = None, fit(intake.stars, filter_hint or intake.filter_name, forced)
    else:
        image = calibrate_planes(planes, forced, filter_hint, lambda p, hint, only: fit(p.stars, hint, only, p.forced))
        found = image.calibration
    seconds = {"read": read - start, "measure": measured - read, "references": gathered - measured}
    rounded = {step: round(value, 5) for step, value in seconds.items()}
    calibrated = replace(found, seconds={**rounded, **found.seconds})
    return FileResult(calibration=calibrated, sha256=sha256, camera=camera, header=intake.header, image=image)


def _measured(intake: Intake, target: Target, mjd: float, tiles: TileStore, folder: Path) -> tuple[KeptPlane, ...]:
    """Measure the image of a file.

    Raises
    ------
    CpcsError
        It cannot be measured, or placed on the sky.
    """
    if intake.frame is None or intake.header is None:
        raise NoImage(reason="nothing was read")
    pointing = around_target(intake.header, target)
    place = target.ra_deg, target.dec_deg
    references = gather_from(folder, tiles, tiles.catalogues(), place, pointing.references_deg)
    measured = measure_frame(intake.frame, intake.header, references, pointing=pointing, target=target, mjd=mjd)
    return keep(measured, intake.header, target, figures=True)


def _choice(given: str, tiles: TileStore) -> Choice | None:
    """Read what was forced; a private catalogue of the folder may be named as well.

    Raises
    ------
    UnknownFilter
        Neither the server's list nor the folder knows it.
    """
    own = [name for name in tiles.catalogues() if name not in catalogue_data()] if "/" in given else []
    return parse_choice(given, private={name: tiles.filters(name) for name in own})


def _references(tiles: TileStore, stars: StarList, forced: Choice | None, folder: Path) -> tuple[ReferenceStars, ...]:
    """Return the reference stars of the field, of all catalogues of the folder or of the one that was forced."""
    names = [name for name in tiles.catalogues() if name not in astrometric()]
    if forced is not None and forced.catalogue != ANY:
        names = [forced.catalogue]
    return gather_from(folder, tiles, names, stars.centre, stars.radius_deg)


def gather_from(
    folder: Path, tiles: TileStore, names: Sequence[str], place: tuple[float, float], radius_deg: float
) -> tuple[ReferenceStars, ...]:
    """Return the reference stars of a field (RA and Dec, deg, and radius), of catalogues of a folder.

    Raises
    ------
    ReferenceUnavailable
        No catalogue is named: the folder holds none, or is not there; or none is to be had.
    """
    if not names:
        reason = f"{folder} holds none" if folder.is_dir() else f"there is no folder {folder}"
        raise ReferenceUnavailable(catalogues="any catalogue", ra_deg=place[0], dec_deg=place[1], reason=reason)
    return gather(tiles, names, *place, radius_deg).stars


def write_figures(result: FileResult, folder: Path) -> None:
    """Write the figures of a calibration into a folder, and what was kept of an image."""
    from photocal import figures

    folder.mkdir(parents=True, exist_ok=True)
    (folder / PANEL).write_bytes(figures.panel(result.calibration))
    (folder / RESIDUALS).write_bytes(figures.residuals(result.calibration))
    for name, content in {} if result.image is None else result.image.files.items():
        (folder / Path(name).name).write_bytes(content)


def import_references(path: Path, catalogue: str, folder: Path, *, columns: str | None = None) -> str:
    """Import a file of reference stars into a folder; returns what was done, in one line."""
    stars = import_file(read_file(path), catalogue, columns)
    tiles = TileStore(FolderBlobs(folder)).add(stars)
    moving = f", positions of {stars.epoch_yr:.1f}" if stars.pm_ra_mas_yr is not None else ""
    return f"{_said(stars)}{moving}, {tiles} tiles\n"


def fetch_references(catalogue: str, folder: Path, ra_deg: float, dec_deg: float, radius_deg: float) -> str:
    """Fetch reference stars from VizieR into a folder, where it lacks them; returns what was done, in one line."""
    name = catalogue_name(catalogue)
    if not covers(name, dec_deg, radius_deg):
        return f"{name} does not reach Dec {dec_deg:.2f}\n"
    store = TileStore(FolderBlobs(folder), source=VizierSource())
    return f"{_said(store.cone(name, ra_deg, dec_deg, radius_deg))}\n"


def _said(stars: ReferenceStars) -> str:
    return f"{stars.catalogue}: {stars.n} stars in {', '.join(stars.filters) or 'no filter'}"


def read_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    BadField
        It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadField(field="FILE", value=str(path), expected=f"a file that can be read ({error.strerror})") from error


def list_references(folder: Path) -> str:
    """Return what a folder of reference stars holds, one line a catalogue."""
    lines = [
        f"{item.catalogue}: {item.stars} stars in {', '.join(item.filters) or 'no filter'}, "
        f"{item.tiles} tiles ({item.whole_tiles} whole), {item.megabytes:.2f} MB"
        f"{f'; {item.broken_tiles} more are broken: import or fetch them again' if item.broken_tiles else ''}\n"
        for item in TileStore(FolderBlobs(folder)).summary()
    ]
    return "".join(lines) or "nothing\n"
