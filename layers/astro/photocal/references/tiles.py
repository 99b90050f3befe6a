"""One tile of one catalogue: its stars, how much of it is known, and its bytes.

The bytes are made for reading fast and for being the same whenever the stars are: a magic line, a small JSON header
with sorted keys, and the columns one after the other, little-endian, packed with zlib. Positions and proper motions
are kept in double, magnitudes (1e-6 mag) and errors of position and motion in single precision. A tile whose catalogue
tells none of these errors is the same as it was before there were any, and is still read.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from photocal.arrays import Floats, Ints
from photocal.references.sky import ORDER, Cone
from photocal.references.stars import ReferenceStars
from photocal.sphere import chord, unit_vectors

MAGIC = b"CPCS-TILE-1\n"
_LARGEST_HEADER = 2**24
_SAME_STAR_ARCSEC = 0.5
_ERRORS = ("err_mas", "pm_err_mas_yr")  # columns that a tile may have


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The stars of a tile.

    Attributes
    ----------
    whole
        Every star of the catalogue is here; the tile will not change.
    cones
        Otherwise: the circles (RA, Dec, radius, deg; they may reach beyond the tile) within which it is complete.
    """

    number: int
    stars: ReferenceStars
    whole: bool = False
    cones: tuple[Cone, ...] = ()


class BrokenTileError(ValueError):
    """The bytes are not a tile of this version."""


def encoded(tile: Tile) -> bytes:
    """Return the bytes of a tile: the same for the same stars, in whichever order they came."""
    stars = _sorted(tile.stars)
    bands = sorted(stars.bands)
    header = {
        "bands": bands,
        "catalogue": stars.catalogue,
        "cones": sorted(tile.cones),
        "epoch": stars.epoch_yr,
        "n": stars.n,
        "order": ORDER,
        "pm": stars.pm_ra_mas_yr is not None,
        "tile": tile.number,
        "whole": tile.whole,
    }
    errors = [name for name in _ERRORS if getattr(stars, name) is not None]
    if errors:
        header["errors"] = errors
    head = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    positions = [stars.ra_deg, stars.dec_deg]
    positions += [column for column in (stars.pm_ra_mas_yr, stars.pm_dec_mas_yr) if column is not None]
    parts = [column.astype("<f8").tobytes() for column in positions]
    parts += [column.astype("<f4").tobytes() for band in bands for column in stars.bands[band]]
    parts += [getattr(stars, name).astype("<f4").tobytes() for name in errors]
    return MAGIC + struct.pack("<I", len(head)) + head + zlib.compress(b"".join(parts), 6)


def _sorted(stars: ReferenceStars) -> ReferenceStars:
    mags = [np.nan_to_num(mag, nan=99.0) for _, (mag, _) in sorted(stars.bands.items())]
    return stars.select(np.lexsort((*mags, stars.ra_deg, stars.dec_deg)))


def decoded(data: bytes) -> Tile:
    """Return the tile that bytes hold.

    Raises
    ------
    BrokenTileError
        They are cut short, changed, or of another version.
    """
    try:
        return _decoded(data)
    except BrokenTileError:
        raise
    except (ValueError, KeyError, TypeError, struct.error, zlib.error, UnicodeDecodeError) as error:
        raise BrokenTileError(f"not a readable tile: {error}") from error


def _decoded(data: bytes) -> Tile:
    if not data.startswith(MAGIC):
        raise BrokenTileError("not a tile of version 1")
    (length,) = struct.unpack_from("<I", data, len(MAGIC))
    start = len(MAGIC) + 4
    if length > _LARGEST_HEADER:
        raise BrokenTileError("the header is too long")
    header: dict[str, Any] = json.loads(data[start : start + length])
    body = zlib.decompress(data[start + length :])
    n = int(header["n"])
    n_wide = 4 if header["pm"] else 2
    errors = [name for name in header.get("errors", ()) if name in _ERRORS]
    n_narrow = 2 * len(header["bands"]) + len(errors)
    if header["order"] != ORDER or len(body) != n * (8 * n_wide + 4 * n_narrow):
        raise BrokenTileError("the columns do not fit the header")
    wide = np.frombuffer(body, "<f8", count=n * n_wide).reshape(n_wide, n).astype(np.float64)
    narrow = np.frombuffer(body, "<f4", offset=8 * n * n_wide).reshape(n_narrow, n).astype(np.float64)
    stars = ReferenceStars(
        catalogue=header["catalogue"],
        ra_deg=wide[0],
        dec_deg=wide[1],
        pm_ra_mas_yr=wide[2] if header["pm"] else None,
        pm_dec_mas_yr=wide[3] if header["pm"] else None,
        epoch_yr=float(header["epoch"]),
        bands={name: (narrow[2 * i], narrow[2 * i + 1]) for i, name in enumerate(header["bands"])},
        **{name: narrow[2 * len(header["bands"]) + i] for i, name in enumerate(errors)},
    )
    cones = tuple((float(ra), float(dec), float(radius)) for ra, dec, radius in header["cones"])
    return Tile(number=int(header["tile"]), stars=stars, whole=bool(header["whole"]), cones=cones)


def merged(old: Tile | None, new: Tile) -> Tile:
    """Return a tile that knows what both know; where both know a star, the newer says how bright it is.

    A filter that only the older one has is kept, also for stars that both have: files may come one filter at a time.
    """
    if old is None:
        return new
    earlier = old.stars.at_epoch(new.stars.epoch_yr)
    partner = _partners(earlier, new.stars)  # row of `earlier` for each new star, or -1
    lonely = np.setdiff1d(np.arange(earlier.n), partner[partner >= 0])
    stars = joined([_filled(new.stars, earlier, partner), earlier.select(lonely)])
    cones = tuple(sorted({*old.cones, *new.cones}))
    return Tile(number=new.number, stars=stars, whole=old.whole or new.whole, cones=cones)


def _partners(earlier: ReferenceStars, stars: ReferenceStars) -> Ints:
    from scipy.spatial import cKDTree

    if not earlier.n or not stars.n:
        return np.full(stars.n, -1, dtype=np.int64)
    tree = cKDTree(unit_vectors(earlier.ra_deg, earlier.dec_deg))
    limit = chord(_SAME_STAR_ARCSEC / 3600.0)
    distance, row = tree.query(unit_vectors(stars.ra_deg, stars.dec_deg), distance_upper_bound=limit)
    return np.where(np.isfinite(distance), row, -1).astype(np.int64)


def _filled(stars: ReferenceStars, earlier: ReferenceStars, partner: Ints) -> ReferenceStars:
    """Return the new stars, with the older one's magnitudes where the new one gives none."""
    if not earlier.n:
        return stars
    known = partner >= 0
    blank = np.full(stars.n, np.nan)
    bands = {}
    for name in {**stars.bands, **earlier.bands}:
        mag, err = stars.bands.get(name, (blank, blank))
        old_mag, old_err = earlier.bands.get(name, (np.full(earlier.n, np.nan),) * 2)
        take = known & np.isnan(mag)
        bands[name] = (np.where(take, old_mag[partner], mag), np.where(take, old_err[partner], err))
    return replace(stars, bands=bands)


def joined(parts: Sequence[ReferenceStars]) -> ReferenceStars:
    """Return the stars of several lists of one catalogue as one list, at the epoch of the first that has stars."""
    filled = [part for part in parts if part.n] or list(parts[:1])
    epoch = filled[0].epoch_yr
    same = [part.at_epoch(epoch) for part in filled]
    has_motion = any(part.pm_ra_mas_yr is not None for part in same)
    names = dict.fromkeys(name for part in same for name in part.bands)
    return ReferenceStars(
        catalogue=filled[0].catalogue,
        ra_deg=np.concatenate([part.ra_deg for part in same]),
        dec_deg=np.concatenate([part.dec_deg for part in same]),
        pm_ra_mas_yr=np.concatenate([_or_zero(part.pm_ra_mas_yr, part.n) for part in same]) if has_motion else None,
        pm_dec_mas_yr=np.concatenate([_or_zero(part.pm_dec_mas_yr, part.n) for part in same]) if has_motion else None,
        err_mas=_errors(same, "err_mas"),
        pm_err_mas_yr=_errors(same, "pm_err_mas_yr"),
        epoch_yr=epoch,
        bands={name: _band(same, name) for name in names},
        complete=all(part.complete for part in parts),
    )


def _or_zero(column: Floats | None, n: int) -> Floats:
    return np.zeros(n) if column is None else column


def _errors(parts: Sequence[ReferenceStars], name: str) -> Floats | None:
    """Return a column of errors, NaN for the stars of parts without it; None where no part has it."""
    columns = [getattr(part, name) for part in parts]
    if all(column is None for column in columns):
        return None
    filled = zip(columns, parts, strict=True)
    return np.concatenate([np.full(part.n, np.nan) if column is None else column for column, part in filled])


def _band(parts: Sequence[ReferenceStars], name: str) -> tuple[Floats, Floats]:
    pairs = [part.bands.get(name, (np.full(part.n, np.nan),) * 2) for part in parts]
    return np.concatenate([mag for mag, _ in pairs]), np.concatenate([err for _, err in pairs])
