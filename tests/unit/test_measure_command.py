"""``python -m photocal measure``: an image in, its stars and its place out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from photocal.__main__ import main
from photocal.references import FolderBlobs, TileStore
from photocal.simulate_image import StarField, star_field
from photocal.simulate_scene import NONE, Scene

SCENE = Scene(shape=(320, 340), n_stars=90, apart=12.0, wcs=NONE, rotation_deg=200.0, flipped=True)


@pytest.fixture(scope="module")
def field() -> StarField:
    """Return a picture without a WCS."""
    return star_field(SCENE, seed=8)


@pytest.fixture
def image(field: StarField, tmp_path: Path) -> Path:
    """Return the picture as a file, beside a folder of its reference stars."""
    TileStore(FolderBlobs(tmp_path / "references")).add(field.references)
    path = tmp_path / "image.fits"
    path.write_bytes(field.data)
    return path


def _near(field: StarField, table: Table) -> np.ndarray:
    """Return, for each clean bright true star, the row of the catalogue that is nearest."""
    truth = field.truth
    bright = truth.inside & ~truth.hit & (truth.flux > 10_000.0)
    away = np.hypot(truth.x[bright, None] - np.asarray(table["x"]), truth.y[bright, None] - np.asarray(table["y"]))
    return np.argmin(away, axis=1)


def test_catalogue_and_header_are_written(field: StarField, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Positions, fluxes and the solution are those of the truth, and astropy reads them."""
    folder = image.parent
    catalogue, header = folder / "stars.fits", folder / "solved.hdr"
    options = ["--references", str(folder / "references"), "--out-catalogue", str(catalogue)]
    place = ["--ra", str(SCENE.ra_deg + 0.02), "--dec", str(SCENE.dec_deg)]
    assert main(["measure", str(image), *options, *place, "--out-header", str(header), "--figures", str(folder)]) == 0
    said = capsys.readouterr()
    assert "stars made the PSF" in said.out
    assert "% solve" in said.err
    for name in ("cutout", "overview", "psf"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    table = Table.read(catalogue)
    truth = field.truth
    bright = truth.inside & ~truth.hit & (truth.flux > 10_000.0)
    rows = _near(field, table)
    assert np.median(np.abs(np.asarray(table["x"])[rows] - truth.x[bright])) < 0.02
    assert np.median(np.asarray(table["flux"])[rows] / truth.flux[bright]) == pytest.approx(1.0, abs=0.02)
    wcs = WCS(fits.Header.fromtextfile(header))
    ra, dec = wcs.all_pix2world(truth.x[bright], truth.y[bright], 0)
    off = np.hypot((ra - truth.ra_deg[bright]) * np.cos(np.radians(dec)), dec - truth.dec_deg[bright]) * 3600.0
    assert np.median(off) < 0.02
    assert np.allclose(np.asarray(table["ra_deg"])[rows], ra, atol=0.1 / 3600.0)


def test_without_references_there_are_pixels_only(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And it says so; the catalogue may be ECSV."""
    catalogue = image.parent / "stars.ecsv"
    figures = image.parent / "figures"
    assert main(["measure", str(image), "--out-catalogue", str(catalogue), "--figures", str(figures)]) == 0
    assert "not known" in capsys.readouterr().out
    assert sorted(path.name for path in figures.iterdir()) == ["overview.png", "psf.png"]
    table = Table.read(catalogue)
    assert "ra_deg" not in table.colnames
    assert str(table["flux"].unit) == "ct"


def test_a_colour_camera_gives_three_catalogues(tmp_path: Path) -> None:
    """One for each plane."""
    scene = Scene(shape=(400, 400), n_stars=90, apart=16.0, fwhm=5.0, bayer="RGGB")
    (tmp_path / "osc.fits").write_bytes(star_field(scene, seed=4).data)
    assert main(["measure", str(tmp_path / "osc.fits"), "--out-catalogue", str(tmp_path / "stars.fits")]) == 0
    assert sorted(path.name for path in tmp_path.glob("stars*")) == ["stars-B.fits", "stars-G.fits", "stars-R.fits"]


@pytest.mark.parametrize("scale", ["x", "2,1", "0,1", "nan,1"])
def test_a_scale_that_is_none_is_refused(image: Path, scale: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With what was expected."""
    out = str(image.parent / "none.fits")
    assert main(["measure", str(image), "--out-catalogue", out, "--scale", scale]) == 2
    assert "range" in capsys.readouterr().err
    assert not Path(out).exists()


def test_no_image_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a file that is not there, nor one that is none."""
    (tmp_path / "text.fits").write_text("hello")
    for name in ("none.fits", "text.fits"):
        assert main(["measure", str(tmp_path / name), "--out-catalogue", str(tmp_path / "out.fits")]) == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "out.fits").exists()
