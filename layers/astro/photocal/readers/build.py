"""From a table to stars: which columns, which units, which rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpcs.errors import MissingColumn, NoUsableStars
from photocal.arrays import MAG_PER_RELATIVE_ERROR, Bools, Floats, Ints
from photocal.readers import columns
from photocal.readers.columns import Brightness
from photocal.readers.table import RawTable
from photocal.stars import CatalogueMeta, StarList

FAINTEST, LARGEST_ERROR = 50.0, 50.0  # beyond are the signs for "not measured": 99, 99.99, 999
ZERO_ERROR = 0.001  # mag; an error printed as 0.0000 was rounded down: the star is bright, not free of error
APERTURE_NOISE = 1.2  # median error that a larger aperture may have over that of the quietest
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    mag: Floats
    err: Floats
    pair: Brightness


def star_list(table: RawTable) -> StarList:
    """Return the usable stars of a table.

    A row is usable when its position is on the sky, its magnitude finite and within 50 mag of zero, and its error
    finite and not negative. An error of 0 is taken as 0.001 mag. Fluxes become -2.5 log10(flux). Flags are kept, not
    judged: a saturated star may be the target. Of numbered apertures (BANZAI) the one that suits the image is taken.

    Raises
    ------
    MissingColumn
        No column for a position, a magnitude (or flux), or its error.
    NoUsableStars
        Not one usable row.
    """
    position = columns.position(table.names)
    pairs = list(columns.brightness(table.names))
    apertures = columns.apertures(table.names)
    if not position or not (pairs or apertures):
        raise _missing(table, has_position=bool(position))
    ra, dec = _coordinates(table, position)
    on_sky = (ra >= -180.0) & (ra <= 360.0) & (np.abs(dec) <= 90.0)  # noqa: PLR2004  (the sphere)
    if apertures:
        pairs = _with_aperture(pairs, _best_aperture(table, apertures, on_sky))
    measured = _first_usable(table, pairs, on_sky)
    usable = on_sky & _is_measured(measured)
    if not usable.any():
        raise NoUsableStars(n_rows=table.n_rows, reason=_why_none(on_sky, measured))
    return _stars(table, position, (ra, dec), measured, usable)


def _missing(table: RawTable, *, has_position: bool) -> MissingColumn:
    wanted = [] if has_position else ["RA and Dec"]
    if not columns.apertures(table.names) and not any(True for _ in columns.brightness(table.names)):
        known = columns.has_magnitude(table.names)
        wanted.append("the magnitude's error" if known else "a magnitude and its error")
    shown = [name[:40] for name in table.names[:_SHOWN]] + (["..."] if len(table.names) > _SHOWN else [])
    return MissingColumn(format=table.format, missing=" and ".join(wanted), found=" ".join(shown) or "none")


def _coordinates(table: RawTable, names: tuple[str, str]) -> tuple[Floats, Floats]:
    """Return RA and Dec, deg. Hours only where the unit says so, or where it is written with colons."""
    values = table.numbers(list(names))
    ra, dec = values[:, 0], values[:, 1]
    units = [table.units.get(name, "").strip().upper() for name in names]
    if units[0] in columns.HOURS or table.sexagesimal(names[0]):
        ra = ra * 15.0
    if units[0] in columns.RADIANS:
        ra = np.degrees(ra)
    if units[1] in columns.RADIANS:
        dec = np.degrees(dec)
    return ra, dec


def _first_usable(table: RawTable, pairs: list[Brightness], on_sky: Bools) -> _Measured:
    """Return the first pair of columns that has at least half as many usable rows as the fullest.

    SExtractor writes unfitted PSF columns as 99, but for a star or two.
    """
    tried: list[tuple[int, _Measured]] = []
    for pair in pairs:
        measured = _measured(table, pair)
        tried.append((int((on_sky & _is_measured(measured)).sum()), measured))
        if 0 < on_sky.sum() <= 2 * tried[-1][0]:
            break  # none can be more than twice as full
    most = max(n for n, _ in tried)
    return next(measured for n, measured in tried if 2 * n >= most)


def _best_aperture(table: RawTable, apertures: list[Brightness], on_sky: Bools) -> Brightness:
    """Return the largest of several apertures that has little more noise than the quietest.

    The quietest aperture loses light wherever the image is a little wider; a larger one of nearly the same error is
    calm there, and holds nearly all the light. The errors are compared on the stars that all apertures measured.
    """
    measured = [_measured(table, pair) for pair in apertures]
    common = on_sky & np.all([_is_measured(item) for item in measured], axis=0)
    if not common.any():
        return apertures[-1]
    noise = np.array([np.median(item.err[common]) for item in measured])
    return apertures[int(np.flatnonzero(noise <= APERTURE_NOISE * noise.min())[-1])]


def _with_aperture(pairs: list[Brightness], aperture: Brightness) -> list[Brightness]:
    """Put an aperture before the flux of no stated kind, and after everything else."""
    bare = next((i for i, pair in enumerate(pairs) if pair.value.casefold() == "flux"), len(pairs))
    return [*pairs[:bare], aperture, *pairs[bare:]]


def _measured(table: RawTable, pair: Brightness) -> _Measured:
    value, error = table.numbers([pair.value, pair.error]).T
    if pair.is_flux:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            error = np.where(value > 0, MAG_PER_RELATIVE_ERROR * error / value, np.nan)
            value = np.where(value > 0, -2.5 * np.log10(value), np.nan)
    return _Measured(mag=value, err=np.where(error == 0, ZERO_ERROR, error), pair=pair)


def _is_measured(measured: _Measured) -> Bools:
    mag, err = measured.mag, measured.err
    usable: Bools = (np.abs(mag) < FAINTEST) & (err > 0) & (err < LARGEST_ERROR)  # False for NaN
    return usable


def _why_none(on_sky: Bools, measured: _Measured) -> str:
    if not on_sky.any():
        return "no position is on the sky"
    if not (np.abs(measured.mag) < FAINTEST).any():
        return f"no {measured.pair.value} is a magnitude"
    return f"no {measured.pair.error} is an error"


def _stars(
    table: RawTable, position: tuple[str, str], sky: tuple[Floats, Floats], measured: _Measured, usable: Bools
) -> StarList:
    used = {"ra": position[0], "dec": position[1], "mag": measured.pair.value, "mag_err": measured.pair.error}
    flags_name = columns.find_first(columns.FLAGS, table.names)
    number_name = columns.find_first(columns.NUMBERS, table.names)
    flags, number = (_integers(table, name, usable) for name in (flags_name, number_name))
    x = y = None
    pixels = columns.pixels(table.names)
    if pixels:
        x, y = (table.numbers(list(pixels[:2]))[usable] - pixels[2]).T
        used |= {"x": pixels[0], "y": pixels[1]}
    if flags_name and flags is not None:
        used["flags"] = flags_name
    if number_name and number is not None:
        used["number"] = number_name
    n = int(usable.sum())
    return StarList(
        ra_deg=sky[0][usable] % 360.0,
        dec_deg=sky[1][usable],
        inst_mag=measured.mag[usable],
        inst_mag_err=measured.err[usable],
        flags=np.zeros(n, dtype=np.int64) if flags is None else flags,
        x=x,
        y=y,
        number=number,
        meta=CatalogueMeta(format=table.format, n_rows=table.n_rows, columns=used, header=_header(table)),
    )


def _integers(table: RawTable, name: str | None, usable: Bools) -> Ints | None:
    """Return a column of integers; None where there is none, or it holds something else."""
    if name is None:
        return None
    values = table.numbers([name])[usable, 0]
    if not (np.isfinite(values) & (np.abs(values) < 2**53)).all():
        return None
    whole: Ints = values.astype(np.int64)
    return whole


def _header(table: RawTable) -> dict[str, str]:
    """Return the useful cards; what the header does not say, a column with one value for all may."""
    header = dict(table.header)
    for card, names in columns.CONSTANTS.items():
        name = columns.find_first(names, table.names)
        if card not in header and name is not None:
            value = table.constant(name)
            header |= {card: value[:80]} if value else {}
    return header
