"""What ``python -m photocal measure`` does: an image and reference stars in, its stars and place out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpcs.errors import BadField, TargetOutsideField
from photocal import kept
from photocal.alone import gather_from, read_file
from photocal.arrays import Anything
from photocal.astrometry.plane import Plane
from photocal.headers.standard import Given, StandardHeader
from photocal.headers.understand import standardise
from photocal.images import Frame, read_image
from photocal.imaging import MeasuredFrame, MeasuredPlane, detector_of, forced_at, measure_frame
from photocal.pixels.measure import Progress, measure_plane
from photocal.pixels.records import Photometry
from photocal.pointing import around_place
from photocal.references import FolderBlobs, TileStore
from photocal.results import Target


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredFile:
    """The planes of an image: their colour ('' of an image through a filter), stars in pixels, and place if known."""

    colours: tuple[str, ...]
    photometry: tuple[Photometry, ...]
    solved: tuple[MeasuredPlane, ...] = ()

    def text(self) -> str:
        """Return what people want to know, a line or two for each plane."""
        return "".join(self._line(number) for number in range(len(self.photometry)))

    def write(self, catalogue: Path, header: Path | None) -> tuple[Path, ...]:
        """Write the catalogue, and the solved header, of each plane; with several, the colour goes into the name."""
        written = []
        for number, colour in enumerate(self.colours):
            path = _named(catalogue, colour)
            _write_table(self.columns(number), self._cards(number), path)
            written.append(path)
            if header is not None and self.solved:
                path = _named(header, colour)
                path.write_text(kept.card_lines(self._cards(number)), encoding="ascii")
                written.append(path)
        return tuple(written)

    def columns(self, number: int) -> dict[str, Anything]:
        """Return name -> column of a plane's catalogue: pixels (0-based), counts, mag (instrumental), deg."""
        return kept.columns(self.photometry[number], self._plane(number) if self.solved else None)

    def _plane(self, number: int) -> Plane:
        return self.solved[number].solution.plane

    def _cards(self, number: int) -> dict[str, str | float | int]:
        return self.solved[number].header_cards if self.solved else {}

    def _line(self, number: int) -> str:
        quality = self.photometry[number].quality
        name = f"{self.colours[number]}: " if self.colours[number] else ""
        said = (
            f"{name}{quality['n_stars']:.0f} stars of S/N 5 and more, FWHM {quality['fwhm_pix']:.2f} pixels, "
            f"ellipticity {quality['ellipticity']:.2f}, sky {quality['background']:.1f} "
            f"+- {quality['background_rms']:.1f} counts, {int(quality['n_psf_stars'])} stars made the PSF\n"
        )
        if not self.solved:
            return f"{said}{name}where it is on the sky is not known: no reference stars were given\n"
        solution, plane = self.solved[number].solution, self._plane(number)
        ra, dec = plane.place
        east, north = (1000.0 * value for value in solution.rms_arcsec)
        return (
            f"{said}{name}{plane.scale_arcsec:.4f} arcsec a pixel around RA {ra:.5f} Dec {dec:+.5f}, "
            f"distortion of order {solution.order}, "
            f"{solution.n_used} stars of {solution.catalogue}, rms {east:.0f} and {north:.0f} mas east and north\n"
        )


def measure_file(
    path: Path,
    *,
    references: Path | None,
    ra_deg: float | None = None,
    dec_deg: float | None = None,
    scale_arcsec: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> MeasuredFile:
    """Measure the image of a file.

    Parameters
    ----------
    path
        A FITS image.
    references
        A folder of reference stars; None measures the stars without their place on the sky.
    ra_deg, dec_deg
        A position on the image, or near it; None takes the header's.
    scale_arcsec
        The least and the largest scale; None takes what the header says, or 0.1 to 10.
    progress
        Called with a step's name and the share of the work that is behind.

    Raises
    ------
    CpcsError
        The image cannot be read, measured or placed; see `cpcs.errors`.
    """
    frame = read_image(read_file(path))
    header = standardise(frame.header, given=Given(target_ra_deg=ra_deg, target_dec_deg=dec_deg))
    if references is None:
        planes = [measure_plane(image, detector_of(header), progress=progress) for image in frame.planes]
        return MeasuredFile(colours=tuple(image.colour for image in frame.planes), photometry=tuple(planes))
    found = _on_the_sky(frame, header, references, (ra_deg, dec_deg), scale_arcsec, progress)
    return MeasuredFile(
        colours=tuple(plane.colour for plane in found.planes),
        photometry=tuple(plane.photometry for plane in found.planes),
        solved=found.planes,
    )


def write_figures(found: MeasuredFile, folder: Path, position: tuple[float, float] | None = None) -> None:
    """Write the figures of each plane: ``overview.png``, ``psf.png``, and ``cutout.png`` where a position is given.

    Parameters
    ----------
    found
        The planes.
    folder
        Where to; with several planes the colour goes into the names.
    position
        RA and Dec, deg, to look at closely; left out where it is not on the image, or that is not on the sky.
    """
    from photocal import figures

    folder.mkdir(parents=True, exist_ok=True)
    target = None if position is None else Target(ra_deg=position[0], dec_deg=position[1])
    for number, (colour, photometry) in enumerate(zip(found.colours, found.photometry, strict=True)):
        solved = found.solved[number] if found.solved else None
        drawn = {"overview": figures.overview(photometry, solved, target), "psf": figures.psf(photometry)}
        if solved is not None:
            drawn["astrometry"] = figures.astrometry(solved)
        if solved is not None and target is not None:
            with suppress(TargetOutsideField):
                drawn["cutout"] = figures.cutout(forced_at(solved, target), target)
        for name, picture in drawn.items():
            _named(folder / f"{name}.png", colour).write_bytes(picture)


def _on_the_sky(
    frame: Frame,
    header: StandardHeader,
    folder: Path,
    place: tuple[float | None, float | None],
    scale_arcsec: tuple[float, float] | None,
    progress: Progress | None,
) -> MeasuredFrame:
    ra = header.number("RA") if place[0] is None else place[0]
    dec = header.number("DEC") if place[1] is None else place[1]
    if ra is None or dec is None:
        raise BadField(field="--ra", value="missing", expected="--ra and --dec: the header has no position")
    pointing = around_place(header, ra, dec, scale_arcsec)
    tiles = TileStore(FolderBlobs(folder))
    stars = gather_from(folder, tiles, tiles.catalogues(), (ra, dec), pointing.references_deg)
    mjd = header.number("MJD-AVG")
    return measure_frame(frame, header, stars, pointing=pointing, target=None, mjd=mjd, progress=progress)


def _named(path: Path, colour: str) -> Path:
    return path.with_name(kept.named(path.name, colour))


def _write_table(columns: dict[str, Anything], cards: dict[str, str | float | int], path: Path) -> None:
    """Write a catalogue, ECSV where the name ends so, else FITS; what is there is replaced when all is written."""
    table: Any = kept.table_of(columns, cards)
    part = path.with_name(f".{path.name}.part")
    kind = "ascii.ecsv" if path.suffix.lower() == ".ecsv" else "fits"
    try:
        table.write(part, format=kind, overwrite=True)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
