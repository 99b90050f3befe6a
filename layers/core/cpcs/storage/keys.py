"""Every partition and sort key of the table, and of its three indexes.

::

    item         pk                sk             gsi1                     gsi2              gsi3
    event        EV#<key>          META           AL#<year>                OB#<year> (1)
    event by id  AL#<id>           REF
    point        EV#<key>          PT#<mjd>#<id>  FU#<year>                OBS#<id>          KEY#<key id>
    point by id  FU#<id>           REF
    uniqueness   UQ#<event>#<observatory>#<mjd>#<passband>  UQ
    job          JOB#<job>         META           JS#<state>              UE#<event>         UP#<key id>
    key          KEY#<sha256>      META           KEYS
    observatory  OBS#<id>          META           OBSERVATORIES
    its name     ON#<name>         REF
    session      SES#<sha256>      META
    colour term  CT#<observatory>  <camera>#<filter>#<job>  (2)
    mapping      HM#<observatory>  <camera>  (3)
    counter      COUNTER#<of what> META

(1) only while it has points. Lists that grow for ever are kept in one partition a year; sort keys begin with a time.
(2) what one frame says of its telescope: only frames of current points are there. The query for one camera and filter
takes the newest by the job; "#" in names is written "%23".
(3) the newest version, also one that says that the mapping is withdrawn.
A superseded point keeps its place in the light curve's partition, and leaves the indexes.
"""

from __future__ import annotations

from cpcs.names import path_safe
from cpcs.records import ApiKey, ColourFrame, Event, FollowupPoint, Job, JobState, Observatory

META, REF, UQ = "META", "REF", "UQ"
POINTS = "PT#"
FIRST_YEAR = 2012  # the first CPCS began; everything older is kept with it

ALL_KEYS = "KEYS"
ALL_OBSERVATORIES = "OBSERVATORIES"
UNPUBLISHED = "JS#UNPUBLISHED"  # done, but figures and public documents are not written yet


def year(iso_utc: str) -> int:
    """Return the year in whose partition something of this time is listed."""
    return max(FIRST_YEAR, int(iso_utc[:4]))


def event(event_key: str) -> str:
    """Return the partition of an event and its points."""
    return f"EV#{event_key}"


def event_ref(event_id: int) -> str:
    """Return the partition that leads from an event's number to its key."""
    return f"AL#{event_id}"


def events_of(year_: int) -> str:
    """Return the index partition of a year's events."""
    return f"AL#{year_}"


def observed_of(year_: int) -> str:
    """Return the index partition of a year's events that have points."""
    return f"OB#{year_}"


def event_order(item: Event) -> str:
    """Return an event's place in the lists of events."""
    return f"{item.published}#{item.event_id:09d}"


def mjd(value: float) -> str:
    """Return an MJD as sortable text, to 10 ms."""
    return f"{value:013.7f}"


def point(item: FollowupPoint) -> str:
    """Return a point's place in its event's light curve."""
    return f"{POINTS}{mjd(item.mjd)}#{item.followup_id:010d}"


def point_ref(followup_id: int) -> str:
    """Return the partition that leads from a point's number to the point."""
    return f"FU#{followup_id}"


def points_of(year_: int) -> str:
    """Return the index partition of the points calibrated in a year."""
    return f"FU#{year_}"


def points_at(observatory_id: int) -> str:
    """Return the index partition of an observatory's points."""
    return f"OBS#{observatory_id}"


def points_by(key_id: str) -> str:
    """Return the index partition of the points of one API key."""
    return f"KEY#{key_id}"


def point_order(item: FollowupPoint) -> str:
    """Return a point's place in the lists of points."""
    return f"{item.calibrated_at}#{item.followup_id:010d}"


def unique(item: FollowupPoint) -> str:
    """Return the partition that only one point at a time may hold: same event, observatory, time and passband."""
    return f"UQ#{path_safe(item.event)}#{item.observatory_id}#{mjd(item.mjd)}#{item.passband}"


def job(job_id: str) -> str:
    """Return the partition of an upload."""
    return f"JOB#{job_id}"


def jobs_in(state: JobState, *, figures_ready: bool = True) -> str:
    """Return the index partition of the uploads in a state; those that are done but not published have their own."""
    if state is JobState.DONE and not figures_ready:
        return UNPUBLISHED
    return f"JS#{state.value}"


def jobs_by(key_id: str) -> str:
    """Return the index partition of the uploads of one API key."""
    return f"UP#{key_id}"


def jobs_for(event_key: str) -> str:
    """Return the index partition of the uploads for one event, whatever became of them."""
    return f"UE#{event_key}"


def job_order(item: Job) -> str:
    """Return an upload's place among those in the same state."""
    return f"{item.updated}#{item.job_id}"


def job_age(item: Job) -> str:
    """Return an upload's place among those of the same key, or for the same event."""
    return f"{item.request.created}#{item.job_id}"


def api_key(sha256: str) -> str:
    """Return the partition of an API key."""
    return f"KEY#{sha256}"


def api_key_order(item: ApiKey) -> str:
    """Return an API key's place in the list of keys."""
    return f"{item.created}#{item.sha256}"


def observatory(observatory_id: int) -> str:
    """Return the partition of an observatory."""
    return f"OBS#{observatory_id}"


def observatory_name(name: str) -> str:
    """Return the partition that only one observatory may hold: one for each name, whatever its case."""
    return f"ON#{' '.join(name.split()).casefold()}"


def observatory_order(item: Observatory) -> str:
    """Return an observatory's place in the list of observatories."""
    return f"{item.observatory_id:09d}"


def colour_terms(observatory_id: int) -> str:
    """Return the partition of what an observatory's frames say of colour terms."""
    return f"CT#{observatory_id}"


def setup(camera: str, filter_: str) -> str:
    """Return what the sort keys of one camera and filter begin with, and of no other."""
    named = (name.replace("%", "%25").replace("#", "%23") for name in (camera, filter_))
    return "".join(f"{name}#" for name in named)


def colour_frame(item: ColourFrame) -> str:
    """Return a frame's place in the memory: one for each job, whatever passband a later revision finds."""
    return f"{setup(item.camera, item.filter)}{item.job_id}"


def mappings(observatory_id: int) -> str:
    """Return the partition of an observatory's header mappings."""
    return f"HM#{observatory_id}"


def session(token_sha256: str) -> str:
    """Return the partition of a browser's session."""
    return f"SES#{token_sha256}"


def counter(of: str) -> str:
    """Return the partition of a counter: followup, event or observatory."""
    return f"COUNTER#{of}"
