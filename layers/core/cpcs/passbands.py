"""Catalogues and filters: which there are, how they are called, and how one is forced.

The data are in ``catalogues.toml`` beside this file, the one declarative description of every reference catalogue;
this module reads the names from it, `photocal.references` the columns.
"""

from __future__ import annotations

import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cpcs.errors import UnknownFilter
from cpcs.filters import understand

AUTOMATIC = "no"  # the old interface's word for "choose for me"
ANY = "any"
USUAL_ACCURACY = 0.02  # mag


@dataclass(frozen=True, slots=True)
class Passband:
    """One filter of one catalogue, printed ``APASS/r``."""

    catalogue: str
    filter: str

    def __str__(self) -> str:
        return f"{self.catalogue}/{self.filter}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What an observer forced; either side may be ``any``. No choice at all is AUTO, and is None everywhere."""

    catalogue: str
    filter: str

    def __str__(self) -> str:
        return f"{self.catalogue}/{self.filter}"

    def allows(self, passband: Passband) -> bool:
        """Whether the passband is one of those that were forced."""
        return self.catalogue in (ANY, passband.catalogue) and self.filter in (ANY, passband.filter)


@cache
def _declared() -> dict[str, dict[str, Any]]:
    """Return the declarative file."""
    with files("cpcs").joinpath("catalogues.toml").open("rb") as stream:
        return tomllib.load(stream)


def catalogue_data() -> dict[str, dict[str, Any]]:
    """Return what the declarative file says of catalogues: name -> description."""
    return _declared()["catalogues"]


def colour_for(band: str, known: Container[str]) -> tuple[str, str] | None:
    """Return the two filters whose difference a colour term of ``band`` is fitted in; None where none is known.

    Parameters
    ----------
    band
        A filter.
    known
        The filters in which the catalogue has magnitudes.
    """
    for colour in _declared()["colours"].get(band, ()):
        first, _, second = colour.partition("-")
        if first in known and second in known:
            return first, second
    return None


def catalogues() -> tuple[str, ...]:
    """Return the names of all photometric catalogues, in the order in which they are listed to people."""
    return tuple(name for name, entry in catalogue_data().items() if not entry.get("astrometric"))


def astrometric() -> tuple[str, ...]:
    """Return the names of the catalogues for positions, which take no part in the choice of a filter unless forced."""
    return tuple(name for name, entry in catalogue_data().items() if entry.get("astrometric"))


def filters(catalogue: str) -> tuple[str, ...]:
    """Return the filters of a catalogue, those computed from others included."""
    entry = catalogue_data()[catalogue]
    names = (*entry["bands"], *entry.get("derived", ()))
    return tuple(entry.get("order", names))


def is_photographic(catalogue: str) -> bool:
    """Whether the catalogue was measured on plates: it never wins over a CCD catalogue."""
    return bool(catalogue_data().get(catalogue, {}).get("photographic"))


@cache
def filters_alike() -> dict[str, str]:
    """Return the filters whose names do not say where in the spectrum they lie: filter -> the usual one like it."""
    bands = (item for entry in catalogue_data().values() for item in entry["bands"].items())
    return {name: band["like"] for name, band in bands if "like" in band}


def accuracy(catalogue: str) -> float:
    """Return how far a catalogue's zero points may be off in a field, mag; of a private one, what is usual."""
    return float(catalogue_data().get(catalogue, {}).get("accuracy", USUAL_ACCURACY))


def covers(catalogue: str, dec_deg: float, radius_deg: float = 0.0) -> bool:
    """Whether a catalogue reaches this declination; one that is not described here may lie anywhere."""
    low, high = catalogue_data().get(catalogue, {}).get("dec_deg", (-90.0, 90.0))
    return bool(low - radius_deg <= dec_deg <= high + radius_deg)


def catalogue_named(given: str) -> str | None:
    """Return the catalogue that is called so, by its name or an alias; None for none.

    Case, blanks, hyphens and underscores do not matter.
    """
    wanted = _squeezed(given)
    for name, entry in catalogue_data().items():
        if wanted in (_squeezed(name), *(_squeezed(alias) for alias in entry.get("aliases", ()))):
            return name
    return None


def _squeezed(name: str) -> str:
    """Return a name without what people leave out or put in: ``Gaia_SP``, ``pan-starrs``."""
    return "".join(char for char in name.casefold() if char not in " _-")


def all_passbands() -> tuple[Passband, ...]:
    """Return every filter of every catalogue."""
    return tuple(Passband(name, band) for name in catalogues() for band in filters(name))


def parse_choice(given: str | None, *, private: Mapping[str, Iterable[str]] | None = None) -> Choice | None:
    """Read what an observer forced: ``APASS/V``, ``any/r``, ``PS1/any``; ``no``, ``any/any`` or nothing is AUTO.

    A catalogue for positions can be forced by its name (``UCAC4/V``); ``any`` does not mean it.

    Catalogues may be called by any name that `catalogue_named` knows. A filter is taken by its exact name, else by what
    an observer's spelling of it means (``any/rp`` and ``any/SDSS-R`` are r, ``any/Bessell-V`` is V, ``GaiaDR3/GBP`` is
    BP), else without regard to case (``GAIA/g`` is G); always only where that is one filter.

    Parameters
    ----------
    given
        What was asked for.
    private
        Catalogues that are not described here but imported under any name: name -> their filters.

    Returns
    -------
    Choice or None
        None stands for AUTO.

    Raises
    ------
    UnknownFilter
        No catalogue has such a filter.

    Examples
    --------
    >>> str(parse_choice("apass/V"))
    'APASS/V'
    >>> parse_choice("no") is None
    True
    """
    text = (given or "").strip()
    if text.lower() in ("", AUTOMATIC, "auto", "automatic", f"{ANY}/{ANY}"):
        return None
    left, slash, right = (part.strip() for part in text.partition("/"))
    if not slash or not right or "/" in right:
        raise UnknownFilter(given=text[:64])
    known = {name: set(filters(name)) for name in catalogue_data()}
    known |= {name: set(bands) for name, bands in (private or {}).items() if name not in known}
    catalogue = _catalogue_among(left, known, text)
    for_positions = astrometric() if catalogue == ANY else ()
    wanted = (known[name] for name in known if catalogue in (ANY, name) and name not in for_positions)
    bands = set[str]().union(*wanted)
    if right.lower() == ANY:
        return Choice(catalogue, ANY)
    return Choice(catalogue, _filter_named(right, bands, text))


def _catalogue_among(given: str, known: Iterable[str], text: str) -> str:
    if given.lower() == ANY:
        return ANY
    named = catalogue_named(given)
    for name in known:
        if name == named or name.casefold() == given.casefold():
            return name
    raise UnknownFilter(given=text[:64])


def _filter_named(given: str, known: set[str], text: str) -> str:
    meant = sorted(understand(given).filters & known)
    loose = [band for band in known if band.lower() == given.lower()]
    for named in ([given] if given in known else [], meant, loose):
        if len(named) == 1:
            return named[0]
    raise UnknownFilter(given=text[:64])
