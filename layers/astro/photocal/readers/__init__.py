"""Readers of observers' catalogues: bytes in, stars out. What a file is, its content says, never its name."""

from __future__ import annotations

import re

from cpcs.errors import EmptyFile, MarkupSent, NotACatalogue
from photocal.readers.build import star_list
from photocal.readers.fits_table import read_fits
from photocal.readers.limits import LIMITS, Limits
from photocal.readers.table import RawTable
from photocal.readers.text import read_text
from photocal.readers.unpack import Opened, opened
from photocal.stars import StarList

__all__ = ["LIMITS", "Limits", "read_catalogue", "read_table", "table_of"]

_SNIFFED = 4096
_WEB_PAGE = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)


def read_catalogue(data: bytes, limits: Limits = LIMITS) -> StarList:
    """Read a catalogue: SExtractor ASCII_HEAD, plain columns, CSV, ECSV, FITS table or FITS_LDAC, gzipped or not.

    Parameters
    ----------
    data
        The file.
    limits
        What is taken at most.

    Returns
    -------
    StarList
        Its usable stars, RA and Dec in degrees.

    Raises
    ------
    UnreadableUpload
        One of its classes says why there are no stars to be had.
    """
    return star_list(read_table(data, limits))


def read_table(data: bytes, limits: Limits = LIMITS, *, numbered: bool = False) -> RawTable:
    """Read a catalogue as far as its columns, without asking what they mean.

    Parameters
    ----------
    data, limits
        The file, and what is taken at most.
    numbered
        Whether columns of text without names may be called 1, 2, 3 ....

    Raises
    ------
    UnreadableUpload
        One of its classes says why not.
    """
    return table_of(opened(data, limits), limits, numbered=numbered)


def table_of(file: Opened, limits: Limits = LIMITS, *, numbered: bool = False) -> RawTable:
    """Read a catalogue that is unpacked; parameters and refusals as of `read_table`."""
    plain = file.plain
    start = plain[:_SNIFFED].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise EmptyFile(size=file.sent)
    if plain.startswith((b"SIMPLE  =", b"SIMPLE=", b"XTENSION=")):
        file.check_fits_size(limits)
        return read_fits(plain, limits)
    if start.startswith(b"<"):
        raise MarkupSent(kind=_markup(start))
    if start.startswith((b"{", b"[")):
        raise NotACatalogue(reason="it is JSON")
    return read_text(plain, limits, numbered=numbered)


def _markup(start: bytes) -> str:
    if b"<VOTABLE" in start:
        return "a VOTable"
    return "a web page" if _WEB_PAGE.search(start) else "XML"
