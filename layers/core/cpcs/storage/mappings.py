"""Header mappings: every version an object in S3, written once; the table holds the newest of each camera.

Whoever changes a mapping names the version that was changed. The next one is written where nothing is yet, so of two
who change the same version one is told so. A mapping that is taken back has a version that says it; the old ones stay,
for the calibrations that name them. A version that cannot be read counts as one that is taken back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pynamodb.exceptions import PutError

from cpcs import clock, serial
from cpcs.errors import BadMapping, StorageConflict, UnknownMapping
from cpcs.mappings import HeaderMapping, camera_key

from . import keys, layout
from .models import MappingItem, Models, find
from .objects import Bucket
from .transactions import condition_failed

MOST_CAMERAS = 50  # of an observatory, that hold: all its mappings are read for each upload
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings:
    """The header mappings. Cameras are told apart without regard to case and superfluous blanks."""

    models: Models
    data: Bucket
    now: Callable[[], float] = time.time

    def of_observatory(self, observatory_id: int) -> list[HeaderMapping]:
        """Return the newest version of each mapping that holds, in the order of the cameras' names: one query.

        One that cannot be read is logged and left out: it takes no other camera's away.
        """
        found = self.models.mappings.query(keys.mappings(observatory_id))
        records = [self._record(item, observatory_id) for item in found]
        return [mapping for mapping in records if not mapping.withdrawn]

    def get(self, observatory_id: int, camera: str, version: int | None = None) -> HeaderMapping:
        """Return a mapping: its newest version, or any that it ever had.

        Raises
        ------
        UnknownMapping
            There is none of that camera, or no such version that can be read; the newest says that it is withdrawn.
        """
        newest = self._newest(observatory_id, camera)
        if newest is None or (newest.withdrawn and version is None):
            raise UnknownMapping(observatory=observatory_id, camera=camera)
        if version in (None, newest.version):
            return newest
        there = self._stored(observatory_id, camera, version) if version < newest.version else None
        if there is None:
            raise UnknownMapping(observatory=observatory_id, camera=camera, version=f", version {version}")
        return there

    def save(self, mapping: HeaderMapping, *, edits: int, key_id: str) -> HeaderMapping:
        """Write the next version of a mapping: to S3, then to the table. Doing it again does nothing twice.

        Parameters
        ----------
        mapping
            As it is to be, checked (`cpcs.mappings.check`), with its observatory.
        edits
            The version that it was made from; 0 where there is none yet, or none any more.
        key_id
            Of whoever asks.

        Returns
        -------
        HeaderMapping
            The new version.

        Raises
        ------
        StorageConflict
            That version is not the newest.
        BadMapping
            The observatory has too many cameras.
        """
        newest = self._newest(mapping.observatory_id, mapping.camera)
        version = newest.version if newest is not None else 0
        if newest is not None and edits == 0:
            if _content(newest) == _content(mapping):  # the same request again
                return newest
            edits = version if newest.withdrawn else 0
        if (newest is None or newest.withdrawn) and not mapping.withdrawn:
            self._check_number(mapping)
        if version == edits:
            made = replace(mapping, version=version + 1, created=clock.iso(self.now()), key_id=key_id)
            newest = self._write(made)
        if newest is None or newest.version != edits + 1 or _content(newest) != _content(mapping):
            version = newest.version if newest is not None else 0
            what = f"The mapping of {mapping.camera!r} (version {version} is the newest)"
            raise StorageConflict(what=what, advice="Get the newest version, change that, and name its version.")
        return newest

    def withdraw(self, observatory_id: int, camera: str, *, key_id: str, edits: int | None = None) -> HeaderMapping:
        """Take a mapping back: a version that says so. Of one that is taken back already, return that version.

        Parameters
        ----------
        observatory_id, camera, key_id
            Whose mapping, of which camera, taken back by whom.
        edits
            The version that is taken back; the newest when not given.

        Raises
        ------
        UnknownMapping, StorageConflict
            There never was one; that version is not the newest.
        """
        newest = self._newest(observatory_id, camera)
        if newest is None:
            raise UnknownMapping(observatory=observatory_id, camera=camera)
        if newest.withdrawn and edits in (None, newest.version, newest.version - 1):
            return newest
        gone = HeaderMapping(observatory_id=observatory_id, camera=newest.camera, withdrawn=True)
        return self.save(gone, edits=newest.version if edits is None else edits, key_id=key_id)

    def _newest(self, observatory_id: int, camera: str) -> HeaderMapping | None:
        name = camera_key(camera)
        item = find(self.models.mappings, keys.mappings(observatory_id), name) if name else None
        return self._record(item, observatory_id) if item is not None else None

    def _record(self, item: MappingItem, observatory_id: int) -> HeaderMapping:
        """Return what the table holds; where that cannot be read what S3 does, else a version that is withdrawn."""
        try:
            return serial.loads(HeaderMapping, item.mapping)
        except serial.BadRecord:
            logger.exception("mapping of observatory %d, camera %s: the table's is unreadable", observatory_id, item.sk)
        version = int(item.version)
        stored = self._stored(observatory_id, item.sk, version)
        return stored or HeaderMapping(observatory_id=observatory_id, camera=item.sk, version=version, withdrawn=True)

    def _stored(self, observatory_id: int, camera: str, version: int) -> HeaderMapping | None:
        """Return a version from S3; None where there is none that can be read."""
        key = layout.mapping(observatory_id, camera_key(camera), version)
        there = self.data.get(key)
        try:
            return serial.loads(HeaderMapping, there) if there is not None else None
        except serial.BadRecord:
            logger.exception("%s is unreadable", key)
            return None

    def _write(self, mapping: HeaderMapping) -> HeaderMapping:
        """Write a version where none is yet; return the one that is there now, which the table knows then."""
        key = layout.mapping(mapping.observatory_id, camera_key(mapping.camera), mapping.version)
        try:
            there = serial.loads(HeaderMapping, self.data.put_new(key, serial.dumps(mapping)))
        except serial.BadRecord:
            logger.exception("%s is unreadable", key)
            there = replace(mapping, recognise=(), rules=(), comment="", withdrawn=True)
        is_newer = MappingItem.pk.does_not_exist() | (MappingItem.version < there.version)
        try:
            item_of(self.models, there).save(condition=is_newer)
        except PutError as error:  # somebody was here between: what the table has is as new, or newer
            if not condition_failed(error):
                raise
        return there

    def _check_number(self, mapping: HeaderMapping) -> None:
        n_cameras = len(self.of_observatory(mapping.observatory_id))
        if n_cameras >= MOST_CAMERAS:
            reason = f"the observatory has mappings of {n_cameras} cameras"
            raise BadMapping(where="it", reason=reason, advice="Change one of these.")


def item_of(models: Models, mapping: HeaderMapping) -> MappingItem:
    """Return what the table holds of a mapping."""
    return models.mappings(
        keys.mappings(mapping.observatory_id),
        camera_key(mapping.camera),
        version=mapping.version,
        mapping=serial.dumps(mapping).decode(),
    )


def _content(mapping: HeaderMapping) -> HeaderMapping:
    """Return what a mapping says, without who said it when."""
    return replace(mapping, version=0, created="", key_id="")
