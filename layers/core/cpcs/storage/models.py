"""The items of the one table, as pynamodb models; and how they are bound to a table and become records.

The classes here know no table: `bind` makes a set of them that does, all sharing one client, so that nothing is read
from the environment or connected when this module is imported. The keys are declared (`SCHEMA`), hence pynamodb
never has to ask for the table's description.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, TypeVar, cast

from pynamodb.attributes import BooleanAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import TableConnection
from pynamodb.connection.base import MetaTable
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import MetaModel, Model

from cpcs import serial
from cpcs.records import Job, JobState, Outcome, UploadRequest

SMALLEST = 1e-120  # DynamoDB's numbers end at 1e-130
GSI1, GSI2, GSI3 = "gsi1", "gsi2", "gsi3"
_KEYS = {None: ("pk", "sk"), GSI1: ("g1pk", "g1sk"), GSI2: ("g2pk", "g2sk"), GSI3: ("g3pk", "g3sk")}


def _key_schema(index: str | None) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(_KEYS[index], ("HASH", "RANGE"), strict=True)
    ]


SCHEMA: dict[str, Any] = {
    "KeySchema": _key_schema(None),
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for names in _KEYS.values() for name in names
    ],
    "GlobalSecondaryIndexes": [
        {"IndexName": index, "KeySchema": _key_schema(index), "Projection": {"ProjectionType": "ALL"}}
        for index in (GSI1, GSI2, GSI3)
    ],
}


class Gsi1(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb annotates all but this
    """Lists by year, jobs by state, all keys, all observatories."""

    class Meta:
        """How the index is called."""

        index_name = GSI1
        projection = AllProjection()

    g1pk = UnicodeAttribute(hash_key=True)
    g1sk = UnicodeAttribute(range_key=True)


class Gsi2(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb annotates all but this
    """Observed events by year, points by observatory, jobs by event."""

    class Meta:
        """How the index is called."""

        index_name = GSI2
        projection = AllProjection()

    g2pk = UnicodeAttribute(hash_key=True)
    g2sk = UnicodeAttribute(range_key=True)


class Gsi3(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb annotates all but this
    """Points and jobs by API key."""

    class Meta:
        """How the index is called."""

        index_name = GSI3
        projection = AllProjection()

    g3pk = UnicodeAttribute(hash_key=True)
    g3sk = UnicodeAttribute(range_key=True)


class Item(Model):
    """What every item has: its keys, and its places in the indexes."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    g1pk = UnicodeAttribute(null=True)
    g1sk = UnicodeAttribute(null=True)
    g2pk = UnicodeAttribute(null=True)
    g2sk = UnicodeAttribute(null=True)
    g3pk = UnicodeAttribute(null=True)
    g3sk = UnicodeAttribute(null=True)
    gsi1 = Gsi1()
    gsi2 = Gsi2()
    gsi3 = Gsi3()


RANGE_KEYS = {None: Item.sk, GSI1: Item.g1sk, GSI2: Item.g2sk, GSI3: Item.g3sk}


class EventItem(Item):
    """An event."""

    key = UnicodeAttribute()
    name = UnicodeAttribute()
    event_id = NumberAttribute()
    ra_deg = NumberAttribute()
    dec_deg = NumberAttribute()
    published = UnicodeAttribute()
    url = UnicodeAttribute(null=True)
    comment = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    n_followups = NumberAttribute(default=0)
    version = NumberAttribute(default=0)


class EventRefItem(Item):
    """From an event's number to its key."""

    event = UnicodeAttribute()


class ObservatoryItem(Item):
    """An observatory."""

    observatory_id = NumberAttribute()
    name = UnicodeAttribute()
    longitude_deg = NumberAttribute(null=True)
    latitude_deg = NumberAttribute(null=True)
    altitude_m = NumberAttribute(null=True)
    prefix = UnicodeAttribute(null=True)
    created = UnicodeAttribute(null=True)
    n_observations = NumberAttribute(default=0)


class ObservatoryNameItem(Item):
    """From an observatory's name to its id."""

    observatory_id = NumberAttribute()


class ApiKeyItem(Item):
    """An API key."""

    sha256 = UnicodeAttribute()
    observatory_id = NumberAttribute()
    role = UnicodeAttribute()
    owner = UnicodeAttribute(null=True)
    created = UnicodeAttribute(null=True)
    last_used = UnicodeAttribute(null=True)
    revoked = BooleanAttribute(default=False)


class SessionItem(Item):
    """A browser's session; ``ttl`` (Unix seconds) is when DynamoDB may delete it."""

    sha256 = UnicodeAttribute()  # of the API key
    ttl = NumberAttribute()


class PointItem(Item):
    """A follow-up point."""

    followup_id = NumberAttribute()
    event = UnicodeAttribute()
    event_id = NumberAttribute()
    event_name = UnicodeAttribute()
    observatory_id = NumberAttribute()
    observatory = UnicodeAttribute()
    mjd = NumberAttribute()
    exposure_s = NumberAttribute(null=True)
    mag = NumberAttribute()
    mag_err = NumberAttribute(null=True)
    is_limit = BooleanAttribute()
    calib_err = NumberAttribute()
    zero_point = NumberAttribute()
    zero_point_err = NumberAttribute()
    scatter = NumberAttribute()
    outlier_fraction = NumberAttribute()
    n_matched = NumberAttribute()
    catalogue = UnicodeAttribute()
    filter = UnicodeAttribute()
    mode = UnicodeAttribute()
    matching_radius_arcsec = NumberAttribute()
    ra_deg = NumberAttribute(null=True)
    dec_deg = NumberAttribute(null=True)
    calibrated_at = UnicodeAttribute()
    job_id = UnicodeAttribute()
    revision = NumberAttribute()
    key_id = UnicodeAttribute()
    input_sha256 = UnicodeAttribute()
    pipeline = UnicodeAttribute()
    comment = UnicodeAttribute(null=True)
    superseded_by = NumberAttribute(null=True)
    corrected_mag = NumberAttribute(null=True)
    corrected_mag_err = NumberAttribute(null=True)
    colour_term = NumberAttribute(null=True)
    colour_term_err = NumberAttribute(null=True)
    colour = UnicodeAttribute(null=True)
    reference_colour = NumberAttribute(null=True)


class ColourFrameItem(Item):
    """What one frame says of the colour term of its telescope."""

    observatory_id = NumberAttribute()
    camera = UnicodeAttribute(null=True)
    filter = UnicodeAttribute(null=True)
    passband = UnicodeAttribute()
    colour = UnicodeAttribute()
    value = NumberAttribute()
    err = NumberAttribute()
    mjd = NumberAttribute()
    field = UnicodeAttribute()
    job_id = UnicodeAttribute()
    learned = UnicodeAttribute()


class MappingItem(Item):
    """The newest version of a header mapping, kept as JSON text."""

    version = NumberAttribute()
    mapping = UnicodeAttribute()


class PointRefItem(Item):
    """From a point's number to the point; stays when the point is deleted, so that deleting again is no error."""

    event = UnicodeAttribute()
    point = UnicodeAttribute()  # its sort key
    observatory_id = NumberAttribute()
    job_id = UnicodeAttribute()
    revision = NumberAttribute()
    deleted = UnicodeAttribute(null=True)  # when


class UniqueItem(Item):
    """The newest point of an event, observatory, time and passband.

    It stays when that point is deleted, and when the next revision of its upload has another passband: ``deleted``
    says that nobody is current here.
    """

    holder = NumberAttribute()  # its followup_id
    first = NumberAttribute(null=True)  # the first number of its upload; its own where nothing is said
    event = UnicodeAttribute()
    point = UnicodeAttribute()  # its sort key
    input_sha256 = UnicodeAttribute()
    deleted = BooleanAttribute(default=False)
    learned = UnicodeAttribute(null=True)  # the sort key of what the point's frame says of its telescope


class JobItem(Item):
    """An upload on its way. Request and outcome are kept as JSON text."""

    job_id = UnicodeAttribute()
    state = UnicodeAttribute()
    updated = UnicodeAttribute()
    request = UnicodeAttribute()
    attempt = NumberAttribute(default=0)
    revision = NumberAttribute(default=1)
    lease_until = NumberAttribute(default=0)
    lease_owner = UnicodeAttribute(null=True)
    progress = UnicodeAttribute(null=True)
    retry_after = NumberAttribute(default=0)
    outcome = UnicodeAttribute(null=True)
    figures_ready = BooleanAttribute(default=False)
    asked = UnicodeAttribute(null=True)
    points: ListAttribute[Any] = ListAttribute(of=NumberAttribute, null=True)


class CounterItem(Item):
    """The last number given out."""

    value = NumberAttribute()


AnyItem = TypeVar("AnyItem", bound=Item)
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The models, bound to one table through one client."""

    table: TableConnection
    items: type[Item]
    events: type[EventItem]
    event_refs: type[EventRefItem]
    observatories: type[ObservatoryItem]
    observatory_names: type[ObservatoryNameItem]
    api_keys: type[ApiKeyItem]
    sessions: type[SessionItem]
    points: type[PointItem]
    point_refs: type[PointRefItem]
    colour_frames: type[ColourFrameItem]
    mappings: type[MappingItem]
    uniques: type[UniqueItem]
    jobs: type[JobItem]
    counters: type[CounterItem]


def bind(table: str, region: str, credentials: tuple[str, str, str | None] | None = None) -> Models:
    """Return the models bound to a table.

    Parameters
    ----------
    table
        Its name.
    region
        Where it is.
    credentials
        Access key id, secret and session token; botocore's own search when not given.
    """
    key_id, secret, token = credentials or (None, None, None)
    connection = TableConnection(
        table,
        region=region,
        connect_timeout_seconds=5,
        read_timeout_seconds=10,
        max_retry_attempts=3,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        meta_table=MetaTable({"TableName": table, **SCHEMA}),
    )

    def bound(model: type[AnyItem]) -> type[AnyItem]:
        # pynamodb keeps a connection on each class and makes one where there is none: given here, there is one for all.
        meta = type("Meta", (), {"table_name": table, "region": region})
        return cast("type[AnyItem]", MetaModel(model.__name__, (model,), {"Meta": meta, "_connection": connection}))

    return Models(
        table=connection,
        items=bound(Item),
        events=bound(EventItem),
        event_refs=bound(EventRefItem),
        observatories=bound(ObservatoryItem),
        observatory_names=bound(ObservatoryNameItem),
        api_keys=bound(ApiKeyItem),
        sessions=bound(SessionItem),
        points=bound(PointItem),
        point_refs=bound(PointRefItem),
        colour_frames=bound(ColourFrameItem),
        mappings=bound(MappingItem),
        uniques=bound(UniqueItem),
        jobs=bound(JobItem),
        counters=bound(CounterItem),
    )


def find(model: type[AnyItem], pk: str, sk: str) -> AnyItem | None:
    """Return an item as it is now (strongly consistent), or None."""
    try:
        return model.get(pk, sk, consistent_read=True)
    except model.DoesNotExist:
        return None


def attributes(record: object) -> dict[str, Any]:
    """Return a record's fields as attribute values; what is None, or empty as by default, is left out.

    Numbers that are smaller than DynamoDB knows become 0; it would refuse them.
    """
    values: dict[str, Any] = {}
    for item in fields(cast("Any", record)):
        value = getattr(record, item.name)
        if value is not None and not (value == "" and item.default == ""):
            values[item.name] = _attribute(value)
    return values


def _attribute(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return 0.0 if isinstance(value, float) and abs(value) < SMALLEST else value


def record(kind: type[Record], item: Item) -> Record:
    """Return the record that an item holds.

    Raises
    ------
    BadRecord
        The item is not such a record.
    """
    return serial.from_json(kind, {name: value for name, value in item.attribute_values.items() if value is not None})


def job_attributes(job: Job) -> dict[str, Any]:
    """Return a job's fields as attribute values."""
    values = attributes(job)
    values |= {"job_id": job.job_id, "request": serial.dumps(job.request).decode(), "points": list(job.points) or None}
    if job.outcome is not None:
        values["outcome"] = serial.dumps(job.outcome).decode()
    return values


def job_record(item: JobItem) -> Job:
    """Return the job that an item holds."""
    outcome = serial.loads(Outcome, item.outcome) if item.outcome else None
    return Job(
        request=serial.loads(UploadRequest, item.request),
        state=JobState(item.state),
        updated=item.updated,
        attempt=int(item.attempt),
        revision=int(item.revision),
        lease_until=float(item.lease_until),
        lease_owner=item.lease_owner or "",
        progress=item.progress or "",
        retry_after=float(item.retry_after),
        outcome=outcome,
        figures_ready=bool(item.figures_ready),
        asked=item.asked or "",
        points=tuple(int(number) for number in item.points) if item.points else _only_point(outcome),
    )


def _only_point(outcome: Outcome | None) -> tuple[int, ...]:
    """Return the number of the point that an upload has made which was stored before there were revisions."""
    point = outcome.point if outcome is not None and outcome.existing_id is None else None
    return (point.followup_id,) if point is not None and point.followup_id else ()
