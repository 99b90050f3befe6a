"""Real frames, and the malformed files of public test suites: each read as it should be, or refused with its code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cpcs import errors
from cpcs.errors import CpcsError
from functions.calibrate.child import Answer, Limits, run_in_child
from photocal.images import read_image
from photocal.images.frame import Frame

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

FRAMES = {
    "ctio13m_andicam_sn2019so/SN2019so_20190201_R.fits.gz": (0, "", (994, 904), []),  # plain, whatever it is called
    "eaba154_eso085-030/aligned_eso085-030-004.fit": (0, "", (682, 1024), []),
    "lco04m_kb29/banzai_test_frame.fits.fz": (1, "RICE_1", (1020, 1523), []),
    "microobservatory_hatp32/HATP-32171220045112.FITS": (0, "", (500, 650), []),
    "ntt_emmi_1992/image.fits": (0, "", (256, 256), []),
    "panoptes_dslr/solved.fits.fz": (1, "RICE_1", (350, 350), ["BAYER_ROWS_EXCHANGED", "BAYER_SPLIT"]),
    "panoptes_dslr/unsolved.fits": (0, "", (350, 350), ["BAYER_ROWS_EXCHANGED", "BAYER_SPLIT"]),
    "saao1m_ste3/a8280271.fits": (0, "", (520, 536), ["OVERSCAN_NOT_TRIMMED"]),
    "sbig_6inch_pleiades/HD23642_20200222_0050u.fit": (0, "", (400, 533), []),
    "small_cutouts/cfht_megaprime_r.fits": (0, "", (251, 251), []),
    "small_cutouts/decam_c4d_171113_060340_ooi_r.fits": (1, "RICE_1", (375, 280), []),
    "small_cutouts/k4m_160319_075112_ooi_zd_ls9.CCD3.fits": (1, "RICE_1", (208, 204), []),
    "small_cutouts/kmtnet_saao_V.fits": (0, "", (199, 199), []),  # beside it a MASK
    "small_cutouts/ksb_170430_055945_ooi_r_ls9.CCD4.fits": (1, "RICE_1", (119, 118), []),
    "small_cutouts/sdss_frame-r-001000-1-0100.fits.bz2": (0, "bzip2", (100, 100), []),
}
NO_FRAMES = {
    "lco1m_sinistro_raw_mef/mef_raw_test_frame.fits": errors.RawMosaic,
    "ntt_emmi_1992/image.cat": errors.NoImage,
    "small_cutouts/decam_gaia_chunk-05483.fits": errors.NoImage,
    "small_cutouts/decam_survey-ccds-1.fits.gz": errors.NoImage,
    "small_cutouts/sdss_photoObj-001000-1-0100.fits": errors.NoImage,
}
# Good images of the public suites, and why: each by eye. The rest holds no picture that stars could be measured on.
GOOD = {
    "OpenImageIO__rgb.fits": (32, 32),  # a stack of a colour camera, cut down: R, G, B
    "astropy__checksum.fits": (40, 30),
    "astropy__checksum_false.fits": (40, 30),  # the checksum is wrong; nobody who edits a header mends it
    "astropy__o4sp040b0_raw.fits": (44, 62),  # a spectrum in counts: that, its pixels do not say
    "astropy__scale.fits": (21, 20),
    "astropy__test0.fits": (40, 40),  # four chips of WFPC2
    "fitsio__test_rice_dither2_seed42.fits.fz": (100, 100),
    "nom-tam-fits__ad43021000gis25670_lo.totsky.gz": (256, 256),  # counts of X-rays, mostly 0
    "nom-tam-fits__m13_gzip.fits": (300, 300),
    "nom-tam-fits__m13_hcomp.fits": (300, 300),
    "nom-tam-fits__m13_plio.fits": (300, 300),
    "nom-tam-fits__m13_rice.fits": (300, 300),
    "nom-tam-fits__m13real_rice.fits": (300, 300),
    "octave-cfitsio__tst0001.fits": (321, 123),  # ESO's ramps and waves, in each type of pixel
    "octave-cfitsio__tst0003.fits": (271, 137),
    "octave-cfitsio__tst0004.fits": (256, 256),
    "octave-cfitsio__tst0005.fits": (109, 102),
    "octave-cfitsio__tst0006.fits": (173, 77),
    "octave-cfitsio__tst0012.fits": (109, 102),  # an extension of unknown type is passed over
    "octave-cfitsio__tst0013.fits": (128, 128),
}
BAD = {
    "OpenImageIO__bad-naxis.fits": errors.BrokenFits,  # NAXIS = 999999999
    "OpenImageIO__bomb-40000.fits": errors.CutShort,
    "OpenImageIO__broken_no_END.fits": errors.BrokenFits,
    "OpenImageIO__seed.fits": errors.ImageCube,  # colours along the first axis
    "Pillow__hopper_naxis_zero.fits": errors.BrokenFits,  # NAXIS = 0, and pixels all the same
    "astropy__compressed_image.fits": errors.ImageTooSmall,
    "astropy__double_ext.fits": errors.ImageTooSmall,
    "astropy__fixed-1890.fits": errors.ConstantImage,
    "astropy__lzw.fits.Z": errors.UnknownPacking,
    "cfitsio-4.5.0-utility-vuln-PoC__utility-tool-heap-buffer-overflow-vulnerability_PoC.fits": errors.BrokenFits,
    "cfitsio__testf77.std": errors.ImageTooSmall,
    "cfitsio__testprog.std": errors.ImageTooSmall,
    "fitsio__test_gzip_compressed_image.fits.fz": errors.ImageTooSmall,
    "nom-tam-fits__rp600245n00_im1.fits.Z": errors.UnknownPacking,
    "nom-tam-fits__test.fits.Z": errors.UnknownPacking,
    "nom-tam-fits__test.fits.bz2": errors.ImageTooSmall,
    "nom-tam-fits__test.fits.gz": errors.ImageTooSmall,
    "nom-tam-fits__test_dup.fits": errors.ImageTooSmall,
    "octave-cfitsio__tst0002.fits": errors.ImageCube,
}
# Tables, headers alone, one axis, one pixel, random groups: no image.
NO_IMAGES = 27


def codes(frame: Frame) -> list[str]:
    return [remark.code for remark in frame.remarks]


@pytest.mark.parametrize("name", FRAMES)
def test_real_frames(realdata: Path, name: str) -> None:
    frame = read_image((realdata / "images" / name).read_bytes())
    assert (frame.hdu, frame.packing, frame.planes[0].data.shape, codes(frame)) == FRAMES[name]
    assert frame.statistics.finite_share == 1.0
    assert frame.statistics.minimum < frame.statistics.median < frame.statistics.maximum
    assert frame.header.text("NAXIS2")


@pytest.mark.parametrize("name", NO_FRAMES)
def test_real_files_that_are_no_frames(realdata: Path, name: str) -> None:
    with pytest.raises(NO_FRAMES[name]):
        read_image((realdata / "images" / name).read_bytes())


def test_every_real_image_is_listed(realdata: Path) -> None:
    folder = realdata / "images"
    kinds = {path.parent.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".ecsv"}
    assert kinds == {Path(name).parent.name for name in (*FRAMES, *NO_FRAMES)}


def test_the_amplifiers_are_named(realdata: Path) -> None:
    data = (realdata / "images" / "lco1m_sinistro_raw_mef" / "mef_raw_test_frame.fits").read_bytes()
    with pytest.raises(errors.RawMosaic, match="4 parts, SCI 1, SCI 2, SCI 3, SCI 4: each still has its overscan"):
        read_image(data)


def test_the_colours_of_a_digital_camera(realdata: Path) -> None:
    """Its own white balance says how much red and blue are to be raised: REDBAL 2.02, BLUEBAL 1.49, of daylight."""
    frame = read_image((realdata / "images" / "panoptes_dslr" / "unsolved.fits").read_bytes())
    assert [image.colour for image in frame.planes] == ["R", "G", "B"]
    red, green, blue = (float(np.median(image.data)) - 2048 for image in frame.planes)  # 2048: Canon's zero
    assert green / red == pytest.approx(float(frame.header.text("REDBAL")), rel=0.1)
    assert green / blue == pytest.approx(float(frame.header.text("BLUEBAL")), rel=0.1)


def summary(data: bytes) -> Answer:
    frame = read_image(data)
    planes = {image.colour or "image": image.data for image in frame.planes}
    return Answer(document={"hdu": frame.hdu, "remarks": codes(frame)}, arrays=planes)


def through(path: Path) -> tuple[int, ...] | type[CpcsError]:
    """Return the shape of what came out of the child process, or the class of the refusal."""
    try:
        answer = run_in_child(summary, path.read_bytes(), Limits(seconds=20))
    except CpcsError as refusal:
        return type(refusal) if refusal.message and refusal.hint else CpcsError
    shapes = {array.shape for array in answer.arrays.values()}
    assert len(shapes) == 1
    return shapes.pop()


def test_public_bad_files_through_the_whole_path(realdata: Path) -> None:
    folder = realdata.parent / "badfits" / "public"
    if not folder.is_dir():
        pytest.skip("the malformed files are not here")
    ended = {path.name: through(path) for path in sorted(folder.iterdir())}
    assert {name: shape for name, shape in ended.items() if isinstance(shape, tuple)} == GOOD
    refused = {name: kind for name, kind in ended.items() if isinstance(kind, type)}
    assert {name: kind for name, kind in refused.items() if kind is not errors.NoImage} == BAD
    assert len(refused) - len(BAD) == NO_IMAGES
