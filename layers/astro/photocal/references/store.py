"""The tile store: reference stars by place, from a folder or a bucket, filled on demand or from imported files.

A blob lies at ``<catalogue>/n7/<tile>.stars``. A tile that was fetched whole never changes. A tile of which an imported
file covers a part says which part; what is imported later is merged into it.
"""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

import numpy as np

from cpcs.errors import ReferenceUnavailable
from cpcs.passbands import catalogue_named, covers
from photocal.references import sky
from photocal.references.declared import finished
from photocal.references.out_of_reach import is_lasting, unavailable
from photocal.references.sky import ORDER, Cone
from photocal.references.stars import ReferenceStars
from photocal.references.tiles import BrokenTileError, Tile, decoded, encoded, joined, merged

ENOUGH = 0.5  # of the cone: what an imported file must cover to be used without asking the service
_REMEMBERED = 256  # whole tiles kept in memory between uploads
_AT_ONCE = 8
_WIDEST_EMPTY_DEG = 5.0  # around wider imports, tiles without stars are not written down as empty


class Blobs(Protocol):
    """Where the tiles lie: named bytes."""

    def get(self, key: str) -> bytes | None:
        """Return the bytes; None where there are none."""

    def put(self, key: str, data: bytes) -> None:
        """Store the bytes, whatever was there."""

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin so."""


class Source(Protocol):
    """A service that has whole catalogues."""

    def fetch(self, catalogue: str, cone: Cone) -> ReferenceStars:
        """Return every star in a cone; raises ReferenceUnavailable where that cannot be had."""


class FolderBlobs:
    """Blobs as files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        """Return the bytes; None where there are none."""
        try:
            return (self._folder / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, key: str, data: bytes) -> None:
        """Store the bytes; whoever reads sees the old file or the new one, never a part."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
            stream.write(data)
        Path(stream.name).replace(path)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin so, in order."""
        for path in sorted((self._folder / prefix.rpartition("/")[0]).rglob("*")):
            key = path.relative_to(self._folder).as_posix()
            if key.startswith(prefix) and path.is_file():
                yield key


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSummary:
    """What the store holds of a catalogue."""

    catalogue: str
    tiles: int
    whole_tiles: int
    stars: int
    filters: tuple[str, ...]
    megabytes: float
    broken_tiles: int = 0


class TileStore:
    """Reference stars by place.

    Parameters
    ----------
    blobs
        Where the tiles lie.
    source
        Who fills missing tiles; None: nobody, and what is not there is not to be had.
    """

    def __init__(self, blobs: Blobs, source: Source | None = None) -> None:
        self._blobs = blobs
        self._source = source
        # A folder answers at once; a bucket is far away, and waiting for it is most of the work.
        self._at_once = 1 if isinstance(blobs, FolderBlobs) else _AT_ONCE
        self._remembered: OrderedDict[str, Tile] = OrderedDict()
        self._held: set[str] = set()
        self._lock = threading.Lock()

    # --- reading ---------------------------------------------------------------------------------

    def cone(self, catalogue: str, ra_deg: float, dec_deg: float, radius_deg: float) -> ReferenceStars:
        """Return the reference stars within a cone, ready for a fit.

        The catalogue may be named in any spelling. Missing tiles are asked of the source. Where an imported file
        covers at least half of the cone, it is used as it is: stars beyond it are merely not matched. Without a
        source, any part that is covered is used. Where the catalogue does not reach this declination, there are no
        stars, and that is a complete answer.

        Raises
        ------
        ReferenceUnavailable
            Nothing of the cone is known here, and the source cannot be had.
        """
        catalogue = catalogue_named(catalogue) or catalogue
        cone = (float(ra_deg) % 360.0, float(dec_deg), float(radius_deg))
        numbers = sky.tiles_touching(*cone)
        tiles = self._load(catalogue, numbers) if self._holds(catalogue) else {}
        share = _share(cone, numbers, tiles)
        if share < ENOUGH and not covers(catalogue, dec_deg, radius_deg):
            return _nothing(catalogue, complete=True)
        if share < 1.0 and not (share >= ENOUGH and any(tile.cones for tile in tiles.values())):
            tiles = self._filled(catalogue, cone, numbers, tiles, share=share)
        inside = [tile.stars.within(*cone) for tile in tiles.values()]
        stars = joined(inside or [_nothing(catalogue, complete=True)])
        complete = all(number in tiles and tiles[number].whole for number in numbers) or share == 1.0
        return finished(replace(stars, complete=complete))

    def _filled(
        self, catalogue: str, cone: Cone, numbers: list[int], tiles: dict[int, Tile], *, share: float
    ) -> dict[int, Tile]:
        missing = [number for number in numbers if number not in tiles or not tiles[number].whole]
        try:
            return tiles | self._fetch(catalogue, cone, missing)
        except ReferenceUnavailable:
            if share > 0.0 or any(tile.stars.within(*cone).n for tile in tiles.values()):
                return tiles
            raise

    def _fetch(self, catalogue: str, cone: Cone, missing: list[int]) -> dict[int, Tile]:
        if self._source is None:
            raise unavailable(catalogue, cone, "no tile here that can be read, and no service to ask")
        try:
            stars = self._source.fetch(catalogue, sky.circle_around(missing))
        except ReferenceUnavailable as error:  # of the circle around the tiles; what was asked for is told
            reason = str(error.metadata.get("reason", error))
            raise unavailable(catalogue, cone, reason, lasting=is_lasting(error)) from error
        tile_of = sky.tiles_of(stars.ra_deg, stars.dec_deg)
        fetched = {}
        for number in missing:
            own = Tile(number=number, stars=stars.select(tile_of == number), whole=True)
            fetched[number] = self._merge(catalogue, own)
        return fetched

    def _holds(self, catalogue: str) -> bool:
        """Whether there is any tile of a catalogue: one question instead of one for each tile that is not there."""
        if catalogue not in self._held and next(iter(self._blobs.list(_folder(catalogue))), None) is not None:
            self._held.add(catalogue)
        return catalogue in self._held

    def _load(self, catalogue: str, numbers: Iterable[int]) -> dict[int, Tile]:
        wanted = list(numbers)
        if min(self._at_once, len(wanted)) <= 1:
            found = [self._tile(catalogue, number) for number in wanted]
        else:
            with ThreadPoolExecutor(max_workers=self._at_once) as pool:
                found = list(pool.map(lambda number: self._tile(catalogue, number), wanted))
        return {number: tile for number, tile in zip(wanted, found, strict=True) if tile is not None}

    def _tile(self, catalogue: str, number: int) -> Tile | None:
        key = _key(catalogue, number)
        with self._lock:
            if key in self._remembered:
                self._remembered.move_to_end(key)
                return self._remembered[key]
        data = self._blobs.get(key)
        if data is None:
            return None
        try:
            tile = decoded(data)
        except BrokenTileError:
            return None  # fetched or imported again, it is written anew
        self._remember(key, tile)
        return tile

    def _remember(self, key: str, tile: Tile) -> None:
        if not tile.whole:
            return  # another process may import more into it
        with self._lock:
            self._remembered[key] = tile
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)

    # --- writing ---------------------------------------------------------------------------------

    def add(self, stars: ReferenceStars, footprint: Iterable[Cone] | None = None) -> int:
        """Take in the stars of a file, and return how many tiles that touched.

        Parameters
        ----------
        stars
            Of one catalogue.
        footprint
            The cones within which they are all that the catalogue has; circles around the stars when not given.
        """
        cones = list(footprint) if footprint is not None else sky.footprints(stars.ra_deg, stars.dec_deg)
        cones_of: dict[int, list[Cone]] = {}
        for cone in cones:
            for number in sky.tiles_touching(*cone):
                cones_of.setdefault(number, []).append(cone)
        tile_of = sky.tiles_of(stars.ra_deg, stars.dec_deg)
        with_stars = {int(number) for number in np.unique(tile_of)}
        empty = {number for number, around in cones_of.items() if any(cone[2] <= _WIDEST_EMPTY_DEG for cone in around)}
        for number in sorted(with_stars | empty):
            own = stars.select(tile_of == number)
            self._merge(stars.catalogue, Tile(number=number, stars=own, cones=tuple(cones_of.get(number, ()))))
        return len(with_stars | empty)

    def _merge(self, catalogue: str, tile: Tile) -> Tile:
        together = merged(self._tile(catalogue, tile.number), tile)
        key = _key(catalogue, tile.number)
        data = encoded(together)
        self._blobs.put(key, data)
        stored = decoded(data)  # what everybody else will read, to the last bit
        with self._lock:
            self._remembered.pop(key, None)
        self._remember(key, stored)
        return stored

    # --- what there is ---------------------------------------------------------------------------

    def catalogues(self) -> tuple[str, ...]:
        """Return the names of the catalogues that have at least one tile, sorted."""
        return tuple(sorted({unquote(key.split("/", 1)[0]) for key in self._blobs.list("") if key.endswith(".stars")}))

    def filters(self, catalogue: str) -> tuple[str, ...]:
        """Return the filters of a catalogue in which the store has a magnitude, sorted; reads every tile of it."""
        return self._summary(catalogue).filters

    def summary(self) -> list[CatalogueSummary]:
        """Return what the store holds, catalogue by catalogue; reads every tile."""
        return [self._summary(name) for name in self.catalogues()]

    def _summary(self, catalogue: str) -> CatalogueSummary:
        whole = stars = size = count = broken = 0
        filters: set[str] = set()
        for key in self._blobs.list(f"{quote(catalogue, safe='')}/"):
            data = self._blobs.get(key)
            try:
                tile = decoded(data or b"")
            except BrokenTileError:
                broken += 1
                continue
            count, whole, size = count + 1, whole + tile.whole, size + len(data or b"")
            stars += tile.stars.n
            filters |= set(tile.stars.filters)
        return CatalogueSummary(
            catalogue=catalogue,
            tiles=count,
            whole_tiles=whole,
            stars=stars,
            filters=tuple(sorted(filters)),
            megabytes=size / 1e6,
            broken_tiles=broken,
        )


def _folder(catalogue: str) -> str:
    return f"{quote(catalogue, safe='')}/n{ORDER}/"


def _key(catalogue: str, number: int) -> str:
    return f"{_folder(catalogue)}{number:06d}.stars"


def _nothing(catalogue: str, *, complete: bool) -> ReferenceStars:
    return ReferenceStars(catalogue=catalogue, ra_deg=np.empty(0), dec_deg=np.empty(0), complete=complete)


def _share(cone: Cone, numbers: list[int], tiles: dict[int, Tile]) -> float:
    whole = {number for number, tile in tiles.items() if tile.whole}
    if whole >= set(numbers):
        return 1.0
    return sky.covered_share(cone, whole, {around for tile in tiles.values() for around in tile.cones})
