"""Which columns of a file of reference stars mean what: as written by ``--columns``, or guessed from their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cpcs.errors import BadField, MissingReferenceColumn
from photocal.readers import columns as observed
from photocal.references.declared import BandColumns, ColumnMap, declared_columns, entry_of, named
from photocal.references.units import without_unit

_POSITIONS = (("ra", "dec"), ("ra", "decl"), ("RA_ICRS", "DE_ICRS"), ("RAICRS", "DEICRS"), ("RAJ2000", "DEJ2000"),
              ("_RAJ2000", "_DEJ2000"), ("RA", "DE"))  # fmt: skip
_MOTIONS = (("pmRA", "pmDE"), ("pmra", "pmdec"), ("pm_ra", "pm_dec"), ("pmRA", "pmDEC"), ("mu_ra", "mu_dec"))
_ERRORS_OF_PLACE = (("e_RA_ICRS", "e_DE_ICRS"), ("e_RAJ2000", "e_DEJ2000"), ("ra_error", "dec_error"))
_ERRORS_OF_MOTION = (("e_pmRA", "e_pmDE"), ("pmra_error", "pmdec_error"))
_EPOCHS = ("ref_epoch", "epoch", "OBSDATE")
# How a filter's column is called, and its error's; {b} is the filter.
_MAGNITUDES = ("{b}mag", "{b}_mag", "mag_{b}", "{b}'mag", "{b}PSF", "{b}")
_ERRORS = ("e_{mag}", "{mag}_err", "{mag}err", "err_{mag}", "{mag}_error", "e_{b}mag", "{b}magerr", "{b}_err", "{b}err",
           "e_{b}", "{b}merr", "mag_{b}_err", "magerr_{b}", "d{b}")  # fmt: skip
_GAIA = {
    "G": ("phot_g_mean_mag", "gaia_mag", "gaia_g_mag"),
    "BP": ("phot_bp_mean_mag", "gaia_bp_mag"),
    "RP": ("phot_rp_mean_mag", "gaia_rp_mag"),
}
_SDSS_VECTOR = ("PSFMAG", "PSFMAGERR", "ugriz")  # photoObj files hold the five filters in one column
_OTHER_NAMES = {"B1pg": ("b1mag",), "B2pg": ("b2mag",), "R1pg": ("r1mag",), "R2pg": ("r2mag",), "Ipg": ("imag",)}
_ANY_BAND = re.compile(r"(?:mag_([A-Za-z][A-Za-z0-9]{0,4})|([A-Za-z][A-Za-z0-9]{0,4}?)(?:'|_)?mag)")
_PLAIN_BANDS = frozenset("UBVRIugrizyYGJHK")
_FIRST_YEAR, _LAST_YEAR = 1800.0, 2200.0
_ITEM = re.compile(r"\s*([^=\s]+)\s*=\s*([^:]+?)\s*(?::\s*(.+?))?\s*")


def parse_columns(text: str) -> ColumnMap:
    """Read ``ra=RAJ2000,dec=DEJ2000,V=Vmag:e_Vmag,pmra=pmRA,pmdec=pmDE,epoch=2015.5``.

    Each filter names its column of magnitudes and, after a colon, that of their errors; `epoch` a column or a year
    between 1800 and 2200.
    A column may be given by its number, from 1.

    Raises
    ------
    BadField
        It is not written so, or names no position or no filter.

    Examples
    --------
    >>> parse_columns("ra=RA,dec=DE,V=Vmag:e_Vmag").bands["V"].err
    'e_Vmag'
    """
    given: dict[str, tuple[str, str | None]] = {}
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if not match:
            raise _bad(text)
        given[match[1]] = (match[2], match[3])
    roles = {key.lower(): value[0] for key, value in given.items() if key.lower() in _ROLES}
    bands = {key: BandColumns(mag=mag, err=err) for key, (mag, err) in given.items() if key.lower() not in _ROLES}
    if not {"ra", "dec"} <= set(roles) or not bands:
        raise _bad(text)
    return ColumnMap(
        ra=roles["ra"],
        dec=roles["dec"],
        pm_ra=roles.get("pmra"),
        pm_dec=roles.get("pmdec"),
        epoch=_epoch(roles.get("epoch")),
        bands=bands,
    )


_ROLES = {"ra", "dec", "pmra", "pmdec", "epoch"}


def _bad(text: str) -> BadField:
    return BadField(field="columns", value=text[:200], expected="ra=...,dec=...,<filter>=<magnitude>:<error>,...")


def _epoch(text: str | None) -> str | float | None:
    """Return a Julian year; anything else is a column, by its name or its place."""
    try:
        year = float(text or "nan")
    except ValueError:
        return text
    return year if _FIRST_YEAR <= year <= _LAST_YEAR else text


def guess_columns(given: Sequence[str], catalogue: str) -> ColumnMap:
    """Guess the columns of a file: by the catalogue's own names first, then by what such columns are mostly called.

    A file without names, whose columns are called 1, 2, 3 ..., is read as the catalogue publishes such files, if it
    does.

    Raises
    ------
    MissingReferenceColumn
        No position, or no magnitude of a filter that the catalogue has.
    """
    layout = entry_of(catalogue).get("headerless")
    if layout and list(given) == [str(number) for number in range(1, layout["columns"] + 1)]:
        return parse_columns(layout["as"])
    names = [without_unit(name) for name in given]
    position = _position(names, catalogue)
    bands = _declared_bands(names, catalogue) if entry_of(catalogue) else _private_bands(names)
    if position is None or not bands:
        missing = "RA and Dec" if position is None else f"a magnitude of {catalogue}"
        raise MissingReferenceColumn(missing=missing, found=" ".join(name[:40] for name in names[:40]))
    # A catalogue without proper motions has its own epoch; motions in the file belong to some other catalogue's.
    entry = entry_of(catalogue)
    motion = _pair(names, _MOTIONS) if not entry or "pmra" in entry else None
    return ColumnMap(
        ra=position[0],
        dec=position[1],
        pm_ra=motion[0] if motion else None,
        pm_dec=motion[1] if motion else None,
        errors=_pair(names, _with_own(entry, "errors", _ERRORS_OF_PLACE)) or (),
        pm_errors=_pair(names, _with_own(entry, "pm_errors", _ERRORS_OF_MOTION)) or () if motion else (),
        epoch=next((found for item in _EPOCHS if (found := named(item, names))), None),
        bands=bands,
        cuts=declared_columns(catalogue).cuts if entry_of(catalogue) else (),
    )


def _position(names: Sequence[str], catalogue: str) -> tuple[str, str] | None:
    entry = entry_of(catalogue)
    own = [(entry["ra"], entry["dec"])] if entry else []
    return _pair(names, (*own, *_POSITIONS)) or observed.position(names)


def _with_own(entry: Mapping[str, Any], key: str, usual: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return pairs of columns to look for: the catalogue's own, then the usual ones, and none where it tells none."""
    own = entry.get(key)
    if entry and not own:
        return ()
    return ((own[0], own[-1]), *usual) if own else usual


def _pair(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    for first, second in pairs:
        found = named(first, names), named(second, names)
        if found[0] and found[1]:
            return found[0], found[1]
    return None


def _declared_bands(names: Sequence[str], catalogue: str) -> dict[str, BandColumns]:
    bands = {}
    for name, own in declared_columns(catalogue).bands.items():
        known = named(own.mag, names)
        if known:
            error = named(own.err, names) or _error(name, known, names)
            bands[name] = replace(own, mag=known, err=error)
            continue
        spellings = (*_GAIA.get(name, ()), *_OTHER_NAMES.get(name, ()), *(item.format(b=name) for item in _MAGNITUDES))
        mag = next((item for item in spellings if item in names), None)
        if mag:
            bands[name] = _with_error(name, mag, names)
    vector = _SDSS_VECTOR if catalogue == "SDSS" and _SDSS_VECTOR[0] in names and not bands else None
    if vector:
        bands = {b: BandColumns(mag=f"{vector[0]}[{i}]", err=f"{vector[1]}[{i}]") for i, b in enumerate(vector[2])}
    main = entry_of(catalogue).get("main")
    if not bands and main:
        pair = next(observed.brightness(names), None)
        if pair and not pair.is_flux:
            bands[main] = BandColumns(mag=pair.value, err=pair.error)
    return bands


def _with_error(band: str, mag: str, names: Sequence[str]) -> BandColumns:
    if not mag.startswith("phot_"):
        return BandColumns(mag=mag, err=_error(band, mag, names))
    flux = mag.replace("_mag", "_flux")  # as Gaia's archive writes them
    return BandColumns(mag=mag, flux=flux, flux_err=f"{flux}_error", signal_to_noise=f"{flux}_over_error")


def _private_bands(names: Sequence[str]) -> dict[str, BandColumns]:
    gaia = {band: next((item for item in known if item in names), None) for band, known in _GAIA.items()}
    bands = {band: _with_error(band, mag, names) for band, mag in gaia.items() if mag}
    for name in names:
        match = _ANY_BAND.fullmatch(name)
        band = (match[1] or match[2]) if match else (name if name in _PLAIN_BANDS else None)
        if band and band.lower() not in {"e", "inst", "gaia"} and band not in bands:
            bands[band] = BandColumns(mag=name, err=_error(band, name, names))
    return bands


def _error(band: str, mag: str, names: Sequence[str]) -> str | None:
    for pattern in _ERRORS:
        wanted = pattern.format(b=band, mag=mag)
        if wanted in names and wanted != mag:
            return wanted
    return None
