"""Reference stars from files: a private catalogue, an OGLE map, rows saved from VizieR."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace

from cpcs.errors import BadField, EmptyFile
from cpcs.filters import group_of, understand
from cpcs.passbands import ANY, AUTOMATIC, catalogue_named
from photocal.readers import Limits, read_table
from photocal.readers.table import RawTable
from photocal.readers.unpack import unpacked
from photocal.references.declared import check_present, entry_of, stars_of
from photocal.references.guess import guess_columns, parse_columns
from photocal.references.stars import ReferenceStars
from photocal.references.votable import is_votable, read_votable

# An operator's own files are trusted with more than an observer's uploads.
IMPORT_LIMITS = Limits(
    text_bytes=2**31, fits_bytes=2**31, lines=20_000_000, columns=999, line_length=65_536, unpacked_bytes=2**31
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,63}")
_NOT_NAMES = {ANY, AUTOMATIC}  # they mean something else where a catalogue is forced


def catalogue_name(given: str) -> str:
    """Return a declared catalogue's own name for any spelling of it, and a private name as it is.

    Raises
    ------
    BadField
        It is no name.
    """
    if not _NAME.fullmatch(given.strip()) or given.strip().lower() in _NOT_NAMES:
        raise BadField(field="catalogue", value=given[:64], expected="a name of letters, digits, blanks and ._+-")
    return catalogue_named(given) or given.strip()


def import_file(data: bytes, catalogue: str, columns: str | None = None) -> ReferenceStars:
    """Read reference stars from CSV, ECSV, FITS, FITS_LDAC, VOTable or plain text.

    Parameters
    ----------
    data
        The file; gzip and bzip2 are unpacked.
    catalogue
        A declared catalogue in any spelling, or any other name for a private one.
    columns
        Which column is what, as `photocal.references.guess.parse_columns` reads it; guessed when not given.

    Raises
    ------
    UnreadableUpload
        There is no table, or not the columns that are needed.
    BadField
        `columns` or `catalogue` is not well written.
    """
    name = catalogue_name(catalogue)
    table = _table(data)
    if columns:
        chosen = parse_columns(columns)
        check_present(table, chosen)
    else:
        chosen = guess_columns(table.names, name)
    if not entry_of(name):
        chosen = replace(chosen, bands={_usual(band, chosen.bands): of for band, of in chosen.bands.items()})
    return stars_of(table, name, chosen)


def _usual(band: str, others: Container[str]) -> str:
    """Return the usual name of a private catalogue's filter, where it has one: r for rp; so that headers mean it."""
    meant = understand(band).filters
    usual = next(iter(meant)) if len(meant) == 1 else band
    return band if group_of(band) != band or usual in others else usual


def _table(data: bytes) -> RawTable:
    plain = unpacked(data, IMPORT_LIMITS)
    if not is_votable(plain):
        return read_table(plain, IMPORT_LIMITS, numbered=True)
    table = read_votable(plain)
    if table is None or not table.n_rows:
        raise EmptyFile(size=len(data))
    return table
