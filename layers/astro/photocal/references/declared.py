"""What ``catalogues.toml`` says of a catalogue, applied: its columns, its cuts, the filters computed from others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cpcs.errors import MissingReferenceColumn, NoUsableStars
from cpcs.passbands import catalogue_data
from photocal.arrays import MAG_PER_RELATIVE_ERROR, Bools, Floats
from photocal.epochs import year_of
from photocal.readers.table import RawTable
from photocal.references import units
from photocal.references.cuts import Cut, columns_of, cuts_of, passes
from photocal.references.stars import ReferenceStars

PRIVATE_ERROR = 0.05  # mag; for a private catalogue that gives no errors
PRIVATE_MAX_ERROR = 0.3  # mag
_FAINTEST = 50.0  # beyond are the signs for "not measured": 99.99, -999
_NUMBER = re.compile(r"\d{1,4}")
_ELEMENT = re.compile(r"(.+)\[(\d{1,6})\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BandColumns:
    """The columns of one filter."""

    mag: str
    err: str | None = None
    err_scale: float = 1.0  # mag; the unit of errors that are whole numbers and give none
    flux: str | None = None
    flux_err: str | None = None
    signal_to_noise: str | None = None
    cuts: tuple[Cut, ...] = ()

    @property
    def columns(self) -> tuple[str | None, ...]:
        """Every column that it speaks of."""
        return (self.mag, self.err, self.flux, self.flux_err, self.signal_to_noise, *columns_of(self.cuts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """Which columns of a table mean what."""

    ra: str
    dec: str
    pm_ra: str | None = None
    pm_dec: str | None = None
    errors: tuple[str, ...] = ()  # of the position, along an axis or both
    pm_errors: tuple[str, ...] = ()
    epoch: str | float | None = None  # a column, or the Julian year itself
    bands: Mapping[str, BandColumns] = field(default_factory=dict)
    cuts: tuple[Cut, ...] = ()


def entry_of(catalogue: str) -> dict[str, Any]:
    """Return the description of a catalogue; an empty one for a private catalogue."""
    return catalogue_data().get(catalogue, {})


def derived_recipe(catalogue: str, band: str) -> dict[str, Any] | None:
    """Return how a filter is computed from others; None for one that is measured."""
    recipe: dict[str, Any] | None = entry_of(catalogue).get("derived", {}).get(band)
    return recipe


def declared_columns(catalogue: str) -> ColumnMap:
    """Return the columns that the catalogue has at VizieR."""
    entry = entry_of(catalogue)
    bands = {
        name: BandColumns(
            mag=band["mag"],
            err=band.get("err"),
            err_scale=float(entry.get("err_scale", 1.0)),
            flux=band.get("flux"),
            flux_err=band.get("flux_err"),
            cuts=cuts_of(band),
        )
        for name, band in entry["bands"].items()
    }
    return ColumnMap(
        ra=entry["ra"],
        dec=entry["dec"],
        pm_ra=entry.get("pmra"),
        pm_dec=entry.get("pmdec"),
        errors=tuple(entry.get("errors", ())),
        pm_errors=tuple(entry.get("pm_errors", ())),
        bands=bands,
        cuts=cuts_of(entry),
    )


def wanted_columns(columns: ColumnMap) -> list[str]:
    """Return every column that a map speaks of, once, in order."""
    found: list[str | None] = [columns.ra, columns.dec, columns.pm_ra, columns.pm_dec]
    found += [*columns.errors, *columns.pm_errors]
    for band in columns.bands.values():
        found += band.columns
    found += columns_of(columns.cuts)
    return list(dict.fromkeys(name for name in found if name))


def named(wanted: str | None, names: Sequence[str]) -> str | None:
    """Return the column that is called so, as the table spells it.

    Exactly; or without the unit that follows it in brackets; or with ``'`` and ``.`` written as ``_``; or in other
    case; each where only one column comes so near (Gaia's synthetic ``umag`` is not ``Umag``). A number stands for
    the column's place, from 1; ``NAME[2]`` for an element of a vector.
    """
    if not wanted or wanted in names:
        return wanted or None
    for fold in (units.without_unit, _plain, lambda text: _plain(text).casefold()):
        near = [name for name in names if fold(name) == fold(wanted)]
        if len(near) == 1:
            return near[0]
    if _NUMBER.fullmatch(wanted):
        return names[int(wanted) - 1] if 0 < int(wanted) <= len(names) else None
    element = _ELEMENT.fullmatch(wanted)
    base = named(element[1], names) if element else None
    return f"{base}[{element[2]}]" if element and base else None


def _plain(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in units.without_unit(text).strip())


def stars_of(table: RawTable, catalogue: str, columns: ColumnMap, *, may_be_none: bool = False) -> ReferenceStars:
    """Return the reference stars that a table holds.

    Rows without a position, without any magnitude, or cut by the catalogue's quality flags are left out. Where an
    error is 0, blank, or has no column, the catalogue's stated default stands in. Catalogues without a default mean by
    a blank error that the magnitude is a limit (2MASS), and it is dropped.

    Parameters
    ----------
    table, catalogue, columns
        The rows, whose they are, and what their columns mean.
    may_be_none
        Whether no usable row at all is an answer, too: it is for a service, not for a file that somebody sends.

    Raises
    ------
    MissingReferenceColumn
        No position, or none of the magnitudes.
    NoUsableStars
        Not one row is left.
    """
    ra_name, dec_name = named(columns.ra, table.names), named(columns.dec, table.names)
    if ra_name is None or dec_name is None:
        raise _missing(table, "RA and Dec")
    bands = {name: pair for name, band in columns.bands.items() if (pair := _band(table, catalogue, band))}
    if not bands:
        raise _missing(table, "a magnitude")
    ra = units.degrees(table, ra_name, may_be_hours=True)
    ra = np.where(np.isfinite(ra), ra, np.nan)
    dec = units.degrees(table, dec_name, may_be_hours=False)
    kept = (ra >= -180.0) & (ra <= 360.0) & (np.abs(dec) <= 90.0)  # noqa: PLR2004  (the sphere)
    kept &= np.any([np.isfinite(mag) for mag, _ in bands.values()], axis=0)
    kept &= _passes(table, columns.cuts)
    if not may_be_none and not kept.any():
        raise NoUsableStars(n_rows=table.n_rows, reason="no row has a position and a magnitude that pass the cuts")
    pm_ra, pm_dec = _motion(table, columns.pm_ra), _motion(table, columns.pm_dec)
    stars = ReferenceStars(
        catalogue=catalogue,
        ra_deg=ra % 360.0,
        dec_deg=dec,
        pm_ra_mas_yr=pm_ra if pm_dec is not None else None,
        pm_dec_mas_yr=pm_dec if pm_ra is not None else None,
        err_mas=_errors(table, columns.errors),
        pm_err_mas_yr=_errors(table, columns.pm_errors) if pm_ra is not None else None,
        epoch_yr=_epoch(table, columns.epoch, catalogue),
        bands=bands,
    )
    return stars.select(kept)


def check_present(table: RawTable, columns: ColumnMap) -> None:
    """Refuse a map that names a column which the table does not have.

    Raises
    ------
    MissingReferenceColumn
        With the names of those that are not there.
    """
    asked = [*wanted_columns(columns), *([columns.epoch] if isinstance(columns.epoch, str) else [])]
    absent = [name for name in asked if named(name, table.names) is None]
    if absent:
        raise _missing(table, " ".join(absent))


def _missing(table: RawTable, what: str) -> MissingReferenceColumn:
    return MissingReferenceColumn(missing=what, found=" ".join(name[:40] for name in table.names[:40]) or "none")


def _column(table: RawTable, wanted: str | None) -> Floats | None:
    name = named(wanted, table.names)
    return None if name is None else table.numbers([name])[:, 0]


def _motion(table: RawTable, wanted: str | None) -> Floats | None:
    """Return a proper motion, mas/yr; a star without one is taken to stand still."""
    name = named(wanted, table.names)
    if name is None:
        return None
    return np.nan_to_num(units.mas(table, name), nan=0.0, posinf=0.0, neginf=0.0)


def _errors(table: RawTable, wanted: Sequence[str]) -> Floats | None:
    """Return errors along an axis, the root of the mean square of what the columns say; NaN where one says nothing."""
    names = [name for one in wanted if (name := named(one, table.names))]
    if not names:
        return None
    squares = np.square([units.mas(table, name) for name in names]).mean(axis=0)
    return np.where(squares > 0.0, np.sqrt(squares), np.nan)


def _epoch(table: RawTable, epoch: str | float | None, catalogue: str) -> float:
    if isinstance(epoch, float):
        return epoch
    values = _column(table, epoch)
    default = float(entry_of(catalogue).get("epoch", 2000.0))
    if values is None or not np.isfinite(values).any():
        return default
    middle = float(np.nanmedian(values))
    if middle > 10_000.0:  # noqa: PLR2004  (no year: a Modified Julian Date)
        middle = year_of(middle)
    return middle


def _band(table: RawTable, catalogue: str, band: BandColumns) -> tuple[Floats, Floats] | None:
    name = named(band.mag, table.names)
    if name is None:
        return None
    mag = units.magnitudes(table, name)
    default = _default_error(catalogue)
    err_name = named(band.err, table.names)
    if err_name is not None:
        err = units.magnitudes(table, err_name, unnamed_scale=band.err_scale)
    else:
        # Where there is no column of errors, a blank cannot mean a limit.
        err = _flux_error(table, band, default if np.isfinite(default) else PRIVATE_ERROR)
    err = np.where((err == 0) | np.isnan(err), default, err)
    good = (np.abs(mag) < _FAINTEST) & (err > 0) & _passes(table, band.cuts)
    return np.where(good, mag, np.nan), np.where(good, err, np.nan)


def _default_error(catalogue: str) -> float:
    entry = entry_of(catalogue)
    return float(entry.get("default_error", np.nan if entry else PRIVATE_ERROR))


def _flux_error(table: RawTable, band: BandColumns, default: float) -> Floats:
    flux, flux_err = _column(table, band.flux), _column(table, band.flux_err)
    signal_to_noise = _column(table, band.signal_to_noise)
    with np.errstate(divide="ignore", invalid="ignore"):
        if flux is not None and flux_err is not None:
            return np.where(flux > 0, MAG_PER_RELATIVE_ERROR * flux_err / flux, np.nan)
        if signal_to_noise is not None:
            return np.where(signal_to_noise > 0, MAG_PER_RELATIVE_ERROR / signal_to_noise, np.nan)
    return np.full(table.n_rows, default)


def _passes(table: RawTable, cuts: Sequence[Cut]) -> Bools:
    return passes(table, [(cut, named(cut.column, table.names)) for cut in cuts])


# --- what every cone goes through before it is used ---------------------------------------------


def finished(stars: ReferenceStars) -> ReferenceStars:
    """Return the stars ready for a fit: saturated and ill-measured magnitudes blanked, computed filters added.

    A computed filter is ``base + c0 + c1 colour + ...``. Its error holds those of the magnitudes it is made of (which
    are not independent: the base is often part of the colour) and the scatter of the transformation.
    """
    entry = entry_of(stars.catalogue)
    max_error = float(entry.get("max_error", PRIVATE_MAX_ERROR))
    bands = {}
    for name, (mag, err) in stars.bands.items():
        bright = float(entry.get("bands", {}).get(name, {}).get("bright", -np.inf))
        bands[name] = _blanked(mag, err, (mag >= bright) & (err <= max_error))
    for name, recipe in entry.get("derived", {}).items():
        parts = (recipe["base"], *recipe["colour"])
        if name not in bands and all(part in bands for part in parts):
            mag, err = _computed(recipe, *(bands[part] for part in parts))
            bands[name] = _blanked(mag, err, err <= max_error)
    order = [name for name in entry.get("order", ()) if name in bands]
    return replace(stars, bands={name: bands[name] for name in dict.fromkeys((*order, *bands))})


def _blanked(mag: Floats, err: Floats, good: Bools) -> tuple[Floats, Floats]:
    return np.where(good, mag, np.nan), np.where(good, err, np.nan)


def _computed(
    recipe: Mapping[str, Any],
    base: tuple[Floats, Floats],
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    colour = first[0] - second[0]
    coefficients = [float(value) for value in recipe["coefficients"]]
    mag = base[0] + np.polynomial.polynomial.polyval(colour, coefficients)
    slope = np.polynomial.polynomial.polyval(colour, np.polynomial.polynomial.polyder(coefficients))
    by_first = slope + (1.0 if recipe["base"] == recipe["colour"][0] else 0.0)
    by_second = -slope + (1.0 if recipe["base"] == recipe["colour"][1] else 0.0)
    variance = (by_first * first[1]) ** 2 + (by_second * second[1]) ** 2 + float(recipe["scatter"]) ** 2
    if recipe["base"] not in recipe["colour"]:
        variance = variance + base[1] ** 2
    low, high = recipe["colour_range"]
    return np.where((colour >= low) & (colour <= high), mag, np.nan), np.sqrt(variance)
