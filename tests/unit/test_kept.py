"""What is kept of a measured image: files that others can read, and a record that goes through a pipe."""

from __future__ import annotations

import io
import json
import warnings
from typing import cast

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS, FITSFixedWarning

from cpcs.errors import CpcsError, ReferenceUnavailable
from cpcs.passbands import parse_choice
from functions.calibrate import measuring
from functions.calibrate.child import Answer, Limits
from functions.calibrate.measuring import Board, Sitting, _answer, _planes, measure_upload
from photocal import figures as drawings
from photocal import kept
from photocal.headers.cards import Card, Header
from photocal.headers.understand import standardise
from photocal.images import read_image
from photocal.imaging import MeasuredFrame, measure_frame
from photocal.kept import KeptPlane, keep, main_plane
from photocal.planes import calibrate_planes
from photocal.pointing import around_place, around_target
from photocal.readers import read_catalogue
from photocal.results import Calibration, Target
from photocal.simulate_image import THROUGH
from tests.support.pictures import MOSAIC, STARRY, a_star, picture

TARGET, ROW = a_star(picture())


def _wcs(header: fits.Header) -> WCS:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)  # it adds the times in their other forms
        return WCS(header)


def _header():
    return standardise(read_image(picture().data).header)


@pytest.fixture(scope="module")
def measured() -> MeasuredFrame:
    """Return the starry picture, measured."""
    frame, header = read_image(picture().data), _header()
    pointing = around_target(header, TARGET)
    return measure_frame(frame, header, [picture().references], pointing=pointing, target=TARGET, mjd=None)


@pytest.fixture(scope="module")
def plane(measured: MeasuredFrame) -> KeptPlane:
    """Return what is kept of it."""
    return keep(measured, _header(), TARGET, figures=True)[0]


def test_the_star_catalogue_is_one_that_our_own_reader_takes(plane: KeptPlane) -> None:
    stars = read_catalogue(plane.files[kept.LDAC])
    assert stars.meta.format == "fits-ldac"
    assert np.allclose(stars.inst_mag, plane.stars.inst_mag, atol=1e-6)
    assert np.allclose(stars.ra_deg, plane.stars.ra_deg)
    table = Table.read(io.BytesIO(plane.files[kept.ECSV]), format="ascii.ecsv")
    assert {"x", "y", "flux", "flux_err", "mag", "mag_err", "flags", "ra_deg", "dec_deg"} <= set(table.colnames)
    assert str(table["ra_deg"].unit) == "deg"


def test_the_solved_header_puts_stars_where_they_are(plane: KeptPlane) -> None:
    """By astropy's own arithmetic, not by ours."""
    header = fits.Header.fromstring(plane.files[kept.HEADER].decode(), sep="\n")
    truth = picture().truth
    x, y = _wcs(header).world_to_pixel_values(truth.ra_deg[ROW], truth.dec_deg[ROW])
    assert np.hypot(x - truth.x[ROW], y - truth.y[ROW]) < 0.1
    assert (header["FILTER"], header["EXPTIME"]) == ("r", 60.0)
    assert header["TIMESYS"] == "UTC"  # as its times are by now, whatever the file's were
    assert not {"OBSERVER", "EQUINOX"} & set(header)


def test_the_target_is_in_the_middle_of_the_cutout(plane: KeptPlane) -> None:
    with fits.open(io.BytesIO(plane.files[kept.CUTOUT])) as file:
        x, y = (int(np.round(v)) for v in _wcs(file[0].header).world_to_pixel_values(TARGET.ra_deg, TARGET.dec_deg))
        window = file[0].data[y - 3 : y + 4, x - 3 : x + 4]
        assert np.unravel_index(np.argmax(window), window.shape) == (3, 3)
        rest = file["RESIDUAL"].data
        assert rest.shape == file[0].data.shape
        assert np.abs(rest[y - 3 : y + 4, x - 3 : x + 4]).max() < 0.1 * window.max()


def test_what_is_said_of_it_is_json_without_what_is_no_number(plane: KeptPlane) -> None:
    said = json.loads(json.dumps(plane.facts, allow_nan=False))
    assert said["solution"]["catalogue"] == "PS1"
    assert said["quality"]["seeing_arcsec"] == pytest.approx(STARRY.fwhm * STARRY.scale_arcsec, rel=0.05)
    assert said["not_drawn"] == []
    assert {f"figures/{name}.png" for name in kept.FIGURES} <= set(plane.files)


def test_a_figure_that_cannot_be_drawn_costs_nothing_else(
    measured: MeasuredFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(drawings, "cutout", fails)
    (plane,) = keep(measured, _header(), TARGET, figures=True)
    assert plane.facts["not_drawn"] == ["cutout"]
    assert "figures/psf.png" in plane.files
    assert not [name for name in keep(measured, _header(), TARGET, figures=False)[0].files if name.endswith(".png")]


def test_it_goes_through_the_pipe_as_it_is(plane: KeptPlane) -> None:
    (back,) = _planes(_answer([plane]))
    assert (back.files, back.forced, back.facts, back.filter_name) == (
        plane.files,
        plane.forced,
        plane.facts,
        plane.filter_name,
    )
    assert np.array_equal(back.stars.inst_mag, plane.stars.inst_mag)
    assert back.stars.meta == plane.stars.meta
    assert back.stars.meta.fwhm_arcsec is not None


def test_what_is_no_image_is_not_believed(plane: KeptPlane) -> None:
    good = _answer([plane])
    deep: dict[str, object] = {}
    for _ in range(20):
        deep = {"more": deep}
    odd = {"quality": {"airmass": "high"}}, {"shape": [10**400, 1]}, {"solution": {}}
    changes = [{"facts": {**plane.facts, **wrong}} for wrong in odd]
    changes += [{"files": ["report.json"]}, {"colour": "../"}, {"facts": deep}, {"facts": {}}, {"forced": {}}]
    for change in (*changes, {"stars": {}}):
        said = [{**good.document["planes"][0], **change}]
        with pytest.raises((ValueError, KeyError, TypeError)):
            _planes(Answer(document={"planes": said}, arrays=good.arrays))
    with pytest.raises(ValueError, match="no plane"):
        _planes(Answer(document={"planes": []}))


def test_three_colours_of_a_mosaic_and_the_one_that_answers() -> None:
    field = picture(MOSAIC)
    target, row = a_star(field)
    sitting = Sitting(
        header=(header := standardise(read_image(field.data).header)),
        references=[field.references],
        pointing=around_target(header, target),
        target=target,
        mjd=58000.0,
        figures=False,
    )
    told: list[tuple[str, float]] = []
    planes = measure_upload(field.data, Limits(seconds=60), sitting, lambda step, share: told.append((step, share)))
    assert [plane.filter_name for plane in planes] == ["TR", "TG", "TB"]
    assert set(planes[0].files) == {"stars-R.fits", "stars-R.ecsv", "solved-R.hdr", "cutout-R.fits"}
    chosen = {
        force: planes[main_plane(planes, parse_choice(force))].colour for force in ("no", "any/V", "PS1/r", "any/B")
    }
    assert chosen == {"no": "G", "any/V": "G", "PS1/r": "R", "any/B": "B"}
    named = {hint: planes[main_plane(planes, None, hint)].colour for hint in ("TR", "r", "B", "Clear", "nonsense")}
    assert named == {"TR": "R", "r": "R", "B": "B", "Clear": "G", "nonsense": "G"}
    with pytest.raises(CpcsError, match="in its R pixels"):
        main_plane(planes[1:], parse_choice("PS1/r"))
    assert planes[::2][main_plane(planes[::2], None)].colour == "R"

    def fit(plane: KeptPlane, _hint: str, _forced: object) -> Calibration:
        if plane.colour == "B":
            raise ReferenceUnavailable(catalogues="GAIA", ra_deg=1.0, dec_deg=2.0, reason="down")
        return cast("Calibration", plane.filter_name)

    image = calibrate_planes(planes, None, "", fit)
    assert (image.calibration, [other.calibration for other in image.others]) == ("TG", ["TR", None])
    assert image.others[1].error is not None
    for plane in planes:
        assert plane.forced is not None
        assert plane.forced.flux == pytest.approx(THROUGH[plane.colour] * field.truth.flux[row] / 4.0, rel=0.05)
    assert all(0.0 <= share <= 1.0 for _, share in told)


def test_a_child_that_overruns_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    header = _header()
    sitting = Sitting(
        header=header,
        references=[picture().references],
        pointing=around_target(header, TARGET),
        target=TARGET,
        mjd=58000.0,
        figures=False,
    )
    with pytest.raises(CpcsError) as late:
        measure_upload(picture().data, Limits(seconds=0.2), sitting)
    assert late.value.code == "IMAGE_TOO_DEMANDING"
    assert "256 x 256 pixels takes more time" in late.value.message

    def greedy(*_: object, **__: object) -> MeasuredFrame:
        raise MemoryError

    monkeypatch.setattr(measuring, "measure_frame", greedy)
    with pytest.raises(CpcsError) as full:
        measure_upload(picture().data, Limits(seconds=20), sitting)
    assert "more memory" in full.value.message


def test_the_board_says_what_was_last_written() -> None:
    board = Board()
    assert board.read() == ("", 0.0)
    board.write("psf-stars", 0.25)
    assert board.read() == ("psf-stars", 0.25)
    board.write("\x00<b>", float("nan"))
    assert board.read() == ("b", 0.0)


def test_where_an_image_may_be() -> None:
    """A target is on its image; a header's scale may be off by a factor of two; without one the field has a limit."""
    header = _header()
    around = around_target(header, TARGET)
    half = np.hypot(*STARRY.shape) / 2 * STARRY.scale_arcsec / 3600.0
    assert 2.0 * half < around.within_deg < 2.4 * half  # the header's scale may be half of the true one
    assert around.references_deg >= 2 * half
    (low, high), (lowest, highest) = around.scales_arcsec
    assert lowest < 0.5 * STARRY.scale_arcsec < low < STARRY.scale_arcsec < high < 2 * STARRY.scale_arcsec < highest
    bare = standardise(Header([Card(key="NAXIS1", value="4096"), Card(key="NAXIS2", value="4096")]))
    assert around_target(bare, Target(ra_deg=1.0, dec_deg=2.0)).references_deg == 2.0
    place = around_place(bare, 1.0, 2.0, (0.4, 0.6))
    assert place.scales_arcsec == ((0.4, 0.6),)
