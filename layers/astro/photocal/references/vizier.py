"""VizieR, through astroquery: whole cones of a catalogue, or a clear word that they are not to be had now.

What VizieR answers is trusted only so far: a page of HTML, a table cut short, a table cut at the row limit and an
empty answer from a service that is down have all been seen. An empty answer counts as "no stars here" only when the
same service, asked for a place that certainly has stars, shows some.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cpcs.errors import CpcsError
from photocal.references.declared import declared_columns, entry_of, stars_of, wanted_columns
from photocal.references.out_of_reach import unavailable
from photocal.references.sky import Cone
from photocal.references.stars import ReferenceStars
from photocal.references.votable import is_votable, read_votable

DEFAULT_HOST = "vizier.cds.unistra.fr"
ROW_LIMIT = 200_000
DEADLINE_S = 20.0
_PROBE_DEG, _PROBE_ROWS = 0.2, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question to VizieR."""

    host: str
    table: str
    columns: tuple[str, ...]
    filters: Mapping[str, str] = field(default_factory=dict)
    cone: Cone
    row_limit: int
    timeout_s: float


Transport = Callable[[Query], bytes]


class Breaker:
    """Stops asking for a while after several failures in a row; the clock is monotonic seconds."""

    def __init__(
        self, *, failures: int = 3, rest_s: float = 120.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures = failures
        self._rest_s = rest_s
        self._clock = clock
        self._in_a_row = 0
        self._closed_until = 0.0
        self._lock = threading.Lock()

    @property
    def resting_s(self) -> float:
        """Seconds until the next question may be asked; 0 when it may be asked now."""
        with self._lock:
            return max(0.0, self._closed_until - self._clock())

    def worked(self) -> None:
        """Note a success."""
        with self._lock:
            self._in_a_row = 0
            self._closed_until = 0.0

    def failed(self) -> None:
        """Note a failure."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._failures:
                self._closed_until = self._clock() + self._rest_s


class VizierSource:
    """Fetches cones of the declared catalogues.

    Parameters
    ----------
    host
        The VizieR server or a mirror of it.
    deadline_s
        For one cone in all: connecting, waiting, reading, and the probe of an empty answer.
    row_limit
        More rows than this are taken for a field too crowded to be fetched.
    transport
        Asks the question; astroquery when not given.
    """

    def __init__(
        self,
        *,
        host: str = DEFAULT_HOST,
        deadline_s: float = DEADLINE_S,
        row_limit: int = ROW_LIMIT,
        breaker: Breaker | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._host = host
        self._deadline_s = deadline_s
        self._row_limit = row_limit
        self._breaker = breaker or Breaker()
        self._transport = transport or ask

    def fetch(self, catalogue: str, cone: Cone) -> ReferenceStars:
        """Return every star of a cone (RA, Dec, radius, deg).

        Raises
        ------
        ReferenceUnavailable
            The catalogue is not at VizieR, or VizieR did not answer, or not with the whole truth.
        """
        entry = entry_of(catalogue)
        if "vizier" not in entry:
            raise unavailable(catalogue, cone, "it comes from imported files only", lasting=True)
        resting = self._breaker.resting_s
        if resting > 0.0:
            raise unavailable(catalogue, cone, f"VizieR failed several times; asked again in {resting:.0f} s")
        try:
            stars = self._within_deadline(lambda until: self._fetch(catalogue, entry, cone, until))
        except _TooManyStarsError as error:
            raise unavailable(catalogue, cone, str(error), lasting=True) from error  # VizieR is well
        except Exception as error:  # whatever a network, a mirror or a parser can raise
            self._breaker.failed()
            raise unavailable(catalogue, cone, _reason(error)) from error
        self._breaker.worked()
        return stars

    def _within_deadline(self, work: Callable[[float], ReferenceStars]) -> ReferenceStars:
        """Run work in a thread and wait no longer than the deadline: a server that drips bytes outlives any timeout."""
        until = time.monotonic() + self._deadline_s
        outcome: list[ReferenceStars | Exception] = []

        def run() -> None:
            try:
                outcome.append(work(until))
            except Exception as error:  # noqa: BLE001  (raised again, in the thread that waits)
                outcome.append(error)

        thread = threading.Thread(target=run, name="vizier", daemon=True)
        thread.start()
        thread.join(self._deadline_s)
        if not outcome:
            raise TimeoutError(f"no answer within {self._deadline_s:g} s")
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _fetch(self, catalogue: str, entry: Mapping[str, Any], cone: Cone, until: float) -> ReferenceStars:
        answer = self._transport(self._query(catalogue, entry, cone, self._row_limit, until))
        stars, n_rows = parsed(answer, catalogue)
        if n_rows >= self._row_limit:
            raise _TooManyStarsError(f"more than {self._row_limit} stars in a circle of {cone[2]:.2f} deg")
        if n_rows == 0:
            ra, dec = entry["probe"]
            probe = self._query(catalogue, entry, (ra, dec, _PROBE_DEG), _PROBE_ROWS, until)
            if parsed(self._transport(probe), catalogue)[1] == 0:
                raise ConnectionError("it answers without stars wherever it is asked")
        return stars

    def _query(self, catalogue: str, entry: Mapping[str, Any], cone: Cone, row_limit: int, until: float) -> Query:
        return Query(
            host=self._host,
            table=entry["vizier"],
            columns=tuple(entry.get("ask") or wanted_columns(declared_columns(catalogue))),
            filters=entry.get("server_filters", {}),
            cone=cone,
            row_limit=row_limit,
            timeout_s=max(1.0, until - time.monotonic()),
        )


class _TooManyStarsError(Exception):
    """The answer was cut at the row limit."""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
        # What the network raises, through requests: long, with the reason deep inside.
        cause = getattr(error.args[0], "reason", error) if error.args else error
        return f"VizieR cannot be reached from here ({type(cause).__name__})"
    text = error.message if isinstance(error, CpcsError) else str(error)
    return f"VizieR: {type(error).__name__}: {' '.join(text.split())[:160]}"


def parsed(answer: bytes, catalogue: str) -> tuple[ReferenceStars, int]:
    """Return the stars of an answer, and how many rows it had before the quality cuts.

    Raises
    ------
    ValueError
        It is no VOTable.
    UnreadableUpload
        It is cut short, reports an error, or lacks the catalogue's columns.
    """
    if not is_votable(answer):
        raise ValueError(f"not a VOTable but {answer[:40]!r}")
    table = read_votable(answer)
    if table is None or table.n_rows == 0:
        return ReferenceStars(catalogue=catalogue, ra_deg=np.empty(0), dec_deg=np.empty(0)), 0
    return stars_of(table, catalogue, declared_columns(catalogue), may_be_none=True), table.n_rows


def ask(query: Query) -> bytes:
    """Put a question through astroquery and return the raw answer: the parsing, and what to believe, are ours."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    vizier = _vizier(query)
    place = SkyCoord(query.cone[0] * u.deg, query.cone[1] * u.deg, frame="icrs")
    response = vizier.query_region_async(
        place, radius=query.cone[2] * u.deg, catalog=query.table, frame="icrs", cache=False
    )
    response.raise_for_status()
    return bytes(response.content)


def payload(query: Query) -> str:
    """Return what would be sent: for tests, and for people who wonder."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    place = SkyCoord(query.cone[0] * u.deg, query.cone[1] * u.deg, frame="icrs")
    return str(
        _vizier(query).query_region_async(
            place, radius=query.cone[2] * u.deg, catalog=query.table, frame="icrs", get_query_payload=True
        )
    )


def _vizier(query: Query) -> Any:  # noqa: ANN401  (astroquery publishes no types)
    _make_home()
    from astroquery.vizier import Vizier

    return Vizier(
        columns=list(query.columns),
        column_filters=dict(query.filters),
        row_limit=query.row_limit,
        timeout=query.timeout_s,
        vizier_server=query.host,
    )


def _make_home() -> None:
    """Give the process a home where it has none: astroquery makes a folder there when it is imported, or dies."""
    try:
        (Path(os.environ["HOME"]) / ".astropy").mkdir(parents=True, exist_ok=True)
    except (KeyError, OSError):
        os.environ["HOME"] = tempfile.mkdtemp(prefix="home-")
