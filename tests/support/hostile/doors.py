"""The readers, and what must hold of whatever they return: for the tests of hostile files, and for the fuzzer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from cpcs.errors import CpcsError
from cpcs.keywords import KEYWORDS, Kind
from cpcs.mappings.table import decoded, parse_table, table
from photocal.headers.document import document
from photocal.headers.sources import read_header
from photocal.headers.standard import Given, How, StandardHeader
from photocal.headers.understand import standardise
from photocal.images import Frame, plane_cards, read_image
from photocal.intake import Intake, take_in
from photocal.readers import LIMITS
from photocal.readers.gate import walk
from photocal.readers.unpack import unpacked
from photocal.stars import StarList

from .case import Door

KNOWN = Given(
    mjd=58646.9, exposure_s=60.0, longitude_deg=11.3, latitude_deg=44.3, target_ra_deg=120.0, target_dec_deg=20.0
)


def through(door: Door) -> Callable[[bytes], None]:
    """Return what reads a file and checks what came out.

    Raises
    ------
    CpcsError
        By the reader: the file is refused.
    AssertionError
        What came out is not what the reader promises.
    """
    return {Door.CATALOGUE: _catalogue, Door.IMAGE: _image, Door.HEADER: _header, Door.MAPPING: _mapping}[door]


def gate(data: bytes) -> None:
    """Walk through a file as the gate does, and take it in."""
    plain = unpacked(data, LIMITS)
    hdus = walk(plain, LIMITS)
    for one, following in pairwise(hdus):
        assert one.header_offset < one.offset <= one.offset + one.size <= following.header_offset
    assert bool(hdus) is bool(plain)
    assert not hdus or hdus[-1].offset + hdus[-1].size <= len(plain)
    _catalogue(data)


def _catalogue(data: bytes) -> None:
    check(take_in(data, given=KNOWN))


def check(intake: Intake) -> None:
    """What was taken in has stars, or the header of an image."""
    assert intake.stars is not None or intake.header is not None
    if intake.stars is not None:
        check_stars(intake.stars)
    if intake.header is not None:
        check_header(intake.header)


def check_stars(stars: StarList) -> None:
    """Every star has numbers, on the sky."""
    assert stars.n > 0
    columns = [stars.ra_deg, stars.dec_deg, stars.inst_mag, stars.inst_mag_err]
    assert np.isfinite(columns).all()
    assert ((stars.ra_deg >= 0) & (stars.ra_deg <= 360) & (np.abs(stars.dec_deg) <= 90)).all()
    assert (stars.inst_mag_err > 0).all()
    assert stars.flags.dtype == np.int64
    assert json.dumps(dict(stars.meta.header), allow_nan=False).isascii()
    assert all(text.isprintable() and len(text) <= 80 for text in stars.meta.header.values())


def _image(data: bytes) -> None:
    """Read the image, and take the file in as an upload; where the first refuses it, the second must come to an end."""
    try:
        frame = read_image(data)
    except CpcsError:
        with contextlib.suppress(CpcsError):
            _catalogue(data)
        raise
    check_frame(frame)
    check_header(standardise(frame.header, given=KNOWN), frame)
    del frame
    _catalogue(data)


def check_frame(frame: Frame) -> None:
    """There are pixels, NaN exactly where the mask says so, and statistics that are numbers."""
    assert len(frame.planes) in {1, 3}
    for plane in frame.planes:
        assert plane.data.dtype == np.float32
        assert plane.data.flags.c_contiguous
        finite = np.isfinite(plane.data)
        assert finite.all() if plane.mask is None else np.array_equal(finite, ~plane.mask)
    found = frame.statistics
    assert np.isfinite([found.minimum, found.median, found.maximum, found.finite_share, found.ceiling_share]).all()
    assert all(remark.code.isascii() and remark.message for remark in frame.remarks)


def _header(data: bytes) -> None:
    header = read_header(data)
    check_header(standardise(header, given=KNOWN if len(header) % 2 else None))


def check_header(header: StandardHeader, frame: Frame | None = None) -> None:
    """There is a finding for each keyword, of its kind and in its range; JSON can say all of it."""
    assert [finding.keyword for finding in header.findings] == list(KEYWORDS)
    for finding in header.findings:
        keyword = KEYWORDS[finding.keyword]
        assert (finding.value is None) is (finding.how is How.MISSING), finding
        if keyword.kind is Kind.TEXT:
            assert finding.value is None or (isinstance(finding.value, str) and finding.value.isprintable()), finding
        elif finding.value is not None:
            assert isinstance(finding.value, int if keyword.kind is Kind.WHOLE else int | float), finding
            assert keyword.holds(float(finding.value)), finding
    assert json.dumps(document(header), allow_nan=False)
    cards: Mapping[str, str] = header.wcs
    if frame is not None:
        for plane in frame.planes:
            assert plane_cards(cards, plane.grid).keys() == cards.keys()


def _mapping(data: bytes) -> None:
    mapping = parse_table(decoded(data))
    again = parse_table(table(mapping))
    assert again == mapping
