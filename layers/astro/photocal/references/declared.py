"""What ``catalogues.toml`` says of a catalogue, applied: its columns, its cuts, the filters computed from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cpcs.errors import MissingColumn, NoUsableStars
from cpcs.passbands import catalogue_data
from photocal.arrays import Bools, Floats
from photocal.readers.columns import HOURS, RADIANS
from photocal.readers.table import RawTable
from photocal.references.stars import ReferenceStars

PRIVATE_ERROR = 0.05  # mag; for a private catalogue that gives no errors
PRIVATE_MAX_ERROR = 0.3  # mag
_FAINTEST = 50.0  # beyond are the signs for "not measured": 99.99, -999
MAG_PER_RELATIVE_FLUX = 2.5 / np.log(10.0)

Cut = tuple[str, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandColumns:
    """The columns of one filter."""

    mag: str
    err: str | None = None
    flux: str | None = None
    flux_err: str | None = None
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """Which columns of a table mean what."""

    ra: str
    dec: str
    pm_ra: str | None = None
    pm_dec: str | None = None
    epoch: str | float | None = None  # a column, or the Julian year itself
    bands: Mapping[str, BandColumns] = field(default_factory=dict)
    cuts: tuple[Cut, ...] = ()


def entry_of(catalogue: str) -> dict[str, Any]:
    """Return the description of a catalogue; an empty one for a private catalogue."""
    return catalogue_data().get(catalogue, {})


def declared_columns(catalogue: str) -> ColumnMap:
    """Return the columns that the catalogue has at VizieR."""
    entry = entry_of(catalogue)
    bands = {
        name: BandColumns(
            mag=band["mag"],
            err=band.get("err"),
            flux=band.get("flux"),
            flux_err=band.get("flux_err"),
            cuts=_cuts(band),
        )
        for name, band in entry["bands"].items()
    }
    return ColumnMap(
        ra=entry["ra"],
        dec=entry["dec"],
        pm_ra=entry.get("pmra"),
        pm_dec=entry.get("pmdec"),
        bands=bands,
        cuts=_cuts(entry),
    )


def _cuts(entry: Mapping[str, Any]) -> tuple[Cut, ...]:
    return tuple((str(name), float(low), float(high)) for name, low, high in entry.get("cuts", ()))


def wanted_columns(columns: ColumnMap) -> list[str]:
    """Return every column that a map speaks of, once, in order."""
    found: list[str | None] = [columns.ra, columns.dec, columns.pm_ra, columns.pm_dec]
    for band in columns.bands.values():
        found += [band.mag, band.err, band.flux, band.flux_err, *(cut[0] for cut in band.cuts)]
    found += [cut[0] for cut in columns.cuts]
    return list(dict.fromkeys(name for name in found if name))


def named(wanted: str | None, names: Sequence[str]) -> str | None:
    """Return the column of that name as the table spells it: exactly, or with ``'`` and ``.`` written as ``_``, or in
    other case where only one column comes so near (Gaia's synthetic ``umag`` is not ``Umag``).
    """  # noqa: D205  (one sentence, too long for a line)
    if not wanted:
        return None
    if wanted in names:
        return wanted
    for fold in (_plain, lambda text: _plain(text).casefold()):
        near = [name for name in names if fold(name) == fold(wanted)]
        if len(near) == 1:
            return near[0]
    return None


def _plain(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text.strip())


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
    MissingColumn
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
    ra, dec = _degrees(table, ra_name, hours=True), _degrees(table, dec_name, hours=False)
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
        epoch_yr=_epoch(table, columns.epoch, catalogue),
        bands=bands,
    )
    return stars.select(kept)


def _missing(table: RawTable, what: str) -> MissingColumn:
    found = " ".join(name[:40] for name in table.names[:40])
    return MissingColumn(format=table.format, missing=what, found=found or "none")


def _column(table: RawTable, wanted: str | None) -> Floats | None:
    name = named(wanted, table.names)
    return None if name is None else table.numbers([name])[:, 0]


def _degrees(table: RawTable, name: str, *, hours: bool) -> Floats:
    values = table.numbers([name])[:, 0]
    unit = table.units.get(name, "").strip().strip('"').upper()
    if hours and (unit in HOURS or table.sexagesimal(name)):
        return values * 15.0
    return np.degrees(values) if unit in RADIANS else values


def _motion(table: RawTable, wanted: str | None) -> Floats | None:
    """Return a proper motion, mas/yr; a star without one is taken to stand still."""
    values = _column(table, wanted)
    if values is None or wanted is None:
        return None
    unit = table.units.get(named(wanted, table.names) or "", "").replace(" ", "").casefold()
    scale = 1000.0 if unit.startswith(("arcsec/yr", "arcsec.yr", "arcsecyr")) else 1.0
    return np.nan_to_num(values * scale, nan=0.0, posinf=0.0, neginf=0.0)


def _epoch(table: RawTable, epoch: str | float | None, catalogue: str) -> float:
    if isinstance(epoch, float):
        return epoch
    values = _column(table, epoch)
    default = float(entry_of(catalogue).get("epoch", 2000.0))
    if values is None or not np.isfinite(values).any():
        return default
    middle = float(np.nanmedian(values))
    if middle > 10_000.0:  # noqa: PLR2004  (no year: a Modified Julian Date)
        middle = 2000.0 + (middle - 51544.5) / 365.25
    return middle


def _band(table: RawTable, catalogue: str, band: BandColumns) -> tuple[Floats, Floats] | None:
    mag = _column(table, band.mag)
    if mag is None:
        return None
    entry = entry_of(catalogue)
    default = float(entry.get("default_error", np.nan if entry else PRIVATE_ERROR))
    err = _column(table, band.err)
    if err is None:
        err = _flux_error(table, band, default)
    err = np.where((err == 0) | np.isnan(err), default, err)
    good = (np.abs(mag) < _FAINTEST) & (err > 0) & _passes(table, band.cuts)
    return np.where(good, mag, np.nan), np.where(good, err, np.nan)


def _flux_error(table: RawTable, band: BandColumns, default: float) -> Floats:
    flux, flux_err = _column(table, band.flux), _column(table, band.flux_err)
    if flux is None or flux_err is None:
        return np.full(table.n_rows, default)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(flux > 0, MAG_PER_RELATIVE_FLUX * flux_err / flux, np.nan)


def _passes(table: RawTable, cuts: Sequence[Cut]) -> Bools:
    passed = np.ones(table.n_rows, dtype=np.bool_)
    for name, low, high in cuts:
        values = _column(table, name)
        if values is not None:
            passed &= np.isnan(values) | ((values >= low) & (values <= high))
    return passed


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
