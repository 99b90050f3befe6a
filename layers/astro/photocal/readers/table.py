"""A table as it stands in a file, before anybody knows what its columns mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from photocal.arrays import Floats
from photocal.headers.cards import Header

# Header cards worth keeping: what an observer would otherwise have to type again.
USEFUL_CARDS = (
    "OBJECT", "FILTER", "FILTER1", "FILTER2", "FILTERS", "FILTNAM", "INSFILTE", "EXPTIME", "EXPOSURE", "MJD-OBS",
    "MJD", "JD", "DATE-OBS", "TIME-OBS", "UTSTART", "UTSTOP", "TELESCOP", "INSTRUME", "CAMERA", "DETECTOR",
    "OBSERVAT", "SITEID", "AIRMASS", "GAIN", "RDNOISE", "SATURATE", "SEEING", "RA", "DEC",
)  # fmt: skip
_LONGEST_CARD = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """Named columns, of which only those that are asked for are ever converted.

    Attributes
    ----------
    format
        What was recognised: ``sextractor-ascii``, ``ascii``, ``csv``, ``ecsv``, ``fits-table``, ``fits-ldac``.
    names
        Columns in the order of the file, spelled as there; of a vector column the first element.
    units
        Column -> unit as written; columns without one are left out.
    n_rows
        Rows in the file.
    numbers
        (names of columns) -> (n, k) array; NaN where there is no number. Angles written as ``hh:mm:ss`` come out in
        hours, ``dd:mm:ss`` in degrees: the same number, and `sexagesimal` says which columns were. ``NAME[2]`` is an
        element, counted from 0, of a vector column of a FITS table.
    constant
        Column -> its value as text where every row has the same, else "".
    texts
        Column -> each row's value as text, blanks taken off its ends.
    sexagesimal
        Column -> whether it is written in three parts, ``05:33:17.6``.
    header
        The cards worth keeping.
    cards
        The whole header: of LDAC that of the image, over the table's and the primary one; of text what comments say.
    """

    format: str
    names: tuple[str, ...]
    n_rows: int
    numbers: Callable[[list[str]], Floats]
    constant: Callable[[str], str]
    texts: Callable[[str], list[str]]
    sexagesimal: Callable[[str], bool] = lambda _: False
    units: dict[str, str] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=dict)
    cards: Header = field(default_factory=lambda: Header(()))


def useful(cards: dict[str, str]) -> dict[str, str]:
    """Return the cards worth keeping, as clean text."""
    kept = {key: _printable(cards[key]) for key in USEFUL_CARDS if key in cards}
    return {key: value for key, value in kept.items() if value}


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()[:_LONGEST_CARD]
