"""Which of the things that a header says of time is right: every reading is a theory, and the cards vote on it.

A theory is one moment of the exposure in UTC: a card that has date and time, or a date and a clock together. Every
card then supports it or not: a card with date and time counts 2, a date or a clock 1, a second reading of a card
(``03/04`` the other way round, an MJD that is JD - 2400000) half of that, end and middle as far as they fit the
exposure. The file's own date and the form's MJD only tip the scales. The theory with most support holds; among equals
the one from the keyword that FITS names first. What a mapping says is not voted on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from photocal.headers.clocks import Option
from photocal.headers.instants import DAY, FIRST_DAY, LAST_DAY, Instant, instant, of_mjd, to_utc
from photocal.headers.standard import How
from photocal.headers.time_evidence import Evidence, Gathered

SAME_S = 2.0  # clocks of camera, telescope and computer that differ by less say the same
_MAPPED, _STAMP, _SINGLE, _SECOND, _OTHER_MOMENT = 100.0, 2.0, 1.0, 0.6, 0.8
_OF_START, _FITS_OTHER = {"DATE-OBS", "TIME-OBS", "DATE-BEG"}, 0.4  # FITS says that these are of the start
_SHIFTED, _LATER_OPTION = 0.5, 0.2  # what a theory pays for a date moved by a day, for a second reading
_OTHER_MOMENT_COST = 0.3  # the date of the end with the clock of the start
_FILE, _FORM = 0.4, 0.3
_FILE_SOON, _SOON_S = 1.8, 1800.0  # a file that was written as soon as the exposure was over
_LOCAL, _ZONE_OFF_HOURS = 1.5, 2.5  # zones are up to so far from the sun's time
_OVERHEAD_S = 600.0  # an end may include the reading out
_LEAST_ZONE, _MOST_ZONE = 0.2, 14.01  # hours
_MOST_THEORIES = 400
_COARSE_S = 60.0  # others that are so near support a coarser theory; a JD with one decimal shall not win by being vague


@dataclass(frozen=True, slots=True, kw_only=True)
class Theory:
    """A moment of the exposure in UTC, and what it is read from.

    Attributes
    ----------
    at, moment
        When, and what of: start, mid or end.
    parts
        The cards, each with the reading that is meant.
    resolution_s
        Of the coarsest of them.
    cost
        What is against it before anybody votes.
    shifted_days
        Days that the date was moved by, where it is the night's and not UTC's.
    """

    at: Instant
    moment: str
    parts: tuple[tuple[Evidence, Option], ...]
    resolution_s: float
    cost: float = 0.0
    shifted_days: int = 0

    def when(self, moment: str, elapsed: float | None) -> Instant:
        """Return a moment of the exposure; an exposure that is not known counts as none."""
        place = {"start": 0.0, "": 0.0, "mid": 0.5, "end": 1.0}
        return self.at.plus((place[moment] - place[self.moment]) * (elapsed or 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What holds.

    Attributes
    ----------
    theory
        The one with most support; None when the header does not say when.
    against
        Cards that contradict it, with the seconds that they are later (whole days for dates).
    fits
        Cards that support it, with the reading that does and the moment that it is then of.
    undecided
        A card more than a day away has as much support.
    decided
        Whether anything but their usual order tells day and month apart.
    """

    theory: Theory | None
    against: tuple[tuple[Evidence, float], ...] = ()
    fits: tuple[tuple[Evidence, Option, str], ...] = ()
    undecided: Evidence | None = None
    decided: bool = True


def choose(
    gathered: Gathered,
    elapsed: float | None,
    *,
    stacked: bool = False,
    form_mjd: float | None = None,
    longitude_deg: float | None = None,
) -> Choice:
    """Return the reading of the header that most of its cards support.

    Parameters
    ----------
    gathered
        What the header says.
    elapsed
        From start to end of the exposure (s), where it is known.
    stacked
        Whether several exposures were put together: the end may be hours after the first.
    form_mjd
        Middle of the exposure as the upload's form has it; it decides only between equals.
    longitude_deg
        Of the site, east positive: tells local time from UTC where two cards are whole hours apart.
    """
    theories = list(_theories(gathered, longitude_deg))
    if not theories:
        return Choice(theory=None)
    ballot = _Ballot(gathered, elapsed, form_mjd, longitude_deg, stacked=stacked)
    scores = [ballot.score(theory) for theory in theories]
    best = _first_alike(theories, max(range(len(theories)), key=lambda i: (round(scores[i], 6), -i)))
    theory = theories[best]
    fits, against = [], []
    for one in gathered.evidence:
        weight, option, moment, late = ballot.vote(one, theory)
        if weight > 0 and option is not None:
            fits.append((one, option, moment))
        elif late is not None:
            against.append((one, late))
    return Choice(
        theory=theory,
        fits=tuple(fits),
        against=tuple(against),
        undecided=_undecided(ballot, theories, theory, against),
        decided=_decided(theories, scores, best),
    )


def _first_alike(theories: list[Theory], best: int) -> int:
    """Return the first theory that says the same as the best: FITS's own keywords before the others."""
    mine = theories[best]
    for number, theory in enumerate(theories[:best]):
        near = abs(theory.at.since(mine.at)) <= max(1.0, min(mine.resolution_s, SAME_S))
        if theory.moment == mine.moment and near and theory.resolution_s <= max(1.0, mine.resolution_s):
            return number
    return best


def _decided(theories: list[Theory], scores: list[float], best: int) -> bool:
    """Whether more than the order of readings speaks for the best against another reading of the same cards."""
    mine = theories[best]
    for theory, score in zip(theories, scores, strict=True):
        same_cards = [one.source for one, _ in theory.parts] == [one.source for one, _ in mine.parts]
        other_day = abs(theory.at.day - mine.at.day) > 1
        if same_cards and other_day and abs(score - scores[best]) < _LATER_OPTION + 0.01:
            return False
    return True


def _undecided(
    ballot: _Ballot, theories: list[Theory], best: Theory, against: list[tuple[Evidence, float]]
) -> Evidence | None:
    """Return a card that is more than a day from the best theory, and has as many witnesses for its day."""
    if best.parts[0][0].how is How.MAPPED:
        return None
    for one, late in against:
        if abs(late) <= 1.5 * DAY or one.kind == "clock":
            continue
        rivals = [theory for theory in theories if any(part is one for part, _ in theory.parts)]
        for rival in rivals:
            if ballot.day_support(rival) >= ballot.day_support(best) - 0.05:
                return one
    return None


def is_zone(seconds: float, slack: float = SAME_S) -> bool:
    """Whether a difference is one of time zones: whole quarters of an hour, up to 14 hours."""
    hours = seconds / 3600.0
    return _LEAST_ZONE < abs(hours) <= _MOST_ZONE and abs(hours * 4 - round(hours * 4)) * 900.0 <= slack


# --- theories ---


def _theories(gathered: Gathered, longitude: float | None) -> Iterator[Theory]:
    """Yield every theory, in the order in which they count among equals."""
    inside = (theory for theory in _all_theories(gathered, longitude) if FIRST_DAY < theory.at.day < LAST_DAY - 1)
    yield from islice(inside, _MOST_THEORIES)


def _all_theories(gathered: Gathered, longitude: float | None) -> Iterator[Theory]:
    stamps = [one for one in gathered.evidence if one.kind == "stamp"]
    dates = [one for one in gathered.evidence if one.kind == "date"]
    clocks = [one for one in gathered.evidence if one.kind == "clock"]
    found: list[tuple[tuple[bool, int, int], Theory]] = []
    for one in stamps:
        for number, option in enumerate(one.options):
            for at, cost in _instants(one, option, gathered, longitude):
                theory = Theory(
                    at=at, moment=one.moment or "start", parts=((one, option),), resolution_s=option.resolution_s,
                    cost=cost + number * _LATER_OPTION,
                )  # fmt: skip
                found.append(((one.how is not How.MAPPED, one.rank, len(found)), theory))
    for date in [*dates, *stamps]:
        for clock in clocks:
            if date.kind == "stamp" and not _may_lend_its_day(date, clock):
                continue
            for theory in _pairs(date, clock, gathered, longitude):
                mapped = How.MAPPED in {date.how, clock.how}
                found.append(((not mapped, min(date.rank, 90), len(found)), theory))
    for _, theory in sorted(found, key=lambda pair: pair[0]):
        yield theory


def _instants(
    one: Evidence, option: Option, gathered: Gathered, longitude: float | None
) -> Iterator[tuple[Instant, float]]:
    """Yield what a card with date and time is in UTC, with its cost: local time in every zone it may be in."""
    at = one.utc(option)
    if at is not None:
        yield at, 0.0
        return
    for number, offset in enumerate(offsets(gathered, longitude)):
        yield to_utc(option.moment(), "local", offset), 1.0 + number * _LATER_OPTION


def offsets(gathered: Gathered, longitude: float | None) -> tuple[float, ...]:
    """Return the offsets (hours east) that local time may have: as a card says, else the longitude's whole hours.

    A card's bare number may be meant either way; the longitude says which, where it is known.
    """
    if gathered.zones:
        if longitude is None:
            return gathered.zones
        return tuple(sorted(gathered.zones, key=lambda hours: abs(hours - _wrapped(longitude) / 15.0)))
    return () if longitude is None else (float(round(_wrapped(longitude) / 15.0)),)


def _wrapped(longitude: float) -> float:
    return (longitude + 180.0) % 360.0 - 180.0


def _may_lend_its_day(stamp: Evidence, clock: Evidence) -> bool:
    """Whether a clock may go with the day of a card that has a time of its own: UT beside a local DATE-OBS."""
    if stamp.number or clock.is_local or stamp.moment in {"mid", "end"} or stamp.how is How.MAPPED:
        return False
    if stamp.is_local and stamp.options[0].offset_hours is not None:
        return False
    seconds = {option.seconds for option in clock.options}
    return stamp.options[0].seconds not in seconds


def _pairs(date: Evidence, clock: Evidence, gathered: Gathered, longitude: float | None) -> Iterator[Theory]:
    """Yield a date and a clock together, the date as it is and, where it may be the night's, a day off."""
    cost_of_moments = _OTHER_MOMENT_COST if {date.moment, clock.moment} == {"end", "start"} else 0.0
    moment = clock.moment or (date.moment if date.moment != "end" else "") or "start"
    for i, day in enumerate(date.options):
        for j, time in enumerate(clock.options):
            cost = (i + j) * _LATER_OPTION + cost_of_moments
            for at, shift, extra in _placed(date, day, clock, time, gathered, longitude):
                yield Theory(
                    at=at, moment=moment, parts=((date, day), (clock, time)), resolution_s=time.resolution_s,
                    cost=cost + extra, shifted_days=shift,
                )  # fmt: skip


def _placed(
    date: Evidence, day: Option, clock: Evidence, time: Option, gathered: Gathered, longitude: float | None
) -> Iterator[tuple[Instant, int, float]]:
    """Yield instants of a date and a clock, each in its scale, with the days moved, and the cost."""
    at_clock = instant(day.day or 0, time.seconds or 0.0)
    if clock.is_local:
        known = [time.offset_hours] if time.offset_hours is not None else list(offsets(gathered, longitude))
        for number, zone in enumerate(known):
            at = to_utc(at_clock, "local", zone)
            yield at, 0, (0.0 if time.offset_hours is not None else 1.0) + number * _LATER_OPTION
            if day.scale != "local":  # a UTC date beside a local clock
                yield instant(day.day or 0, at.seconds), (day.day or 0) - at.day, _SHIFTED + number * _LATER_OPTION
        return
    at = to_utc(at_clock, time.scale)
    if day.scale == "local" and day.offset_hours is not None:
        shift = _local_shift(at, day.day or 0, day.offset_hours)
        yield at.plus(shift * DAY), shift, 0.0
        return
    if date.kind == "stamp":
        yield from _beside_local(day, at, longitude)
        return
    local = day.scale == "local"
    hours = offsets(gathered, longitude)
    if local and hours:
        shift = _local_shift(at, day.day or 0, hours[0])
        yield at.plus(shift * DAY), shift, 0.1
        return
    yield at, 0, 0.2 if local else 0.0
    for shift in (1, -1):
        yield at.plus(shift * DAY), shift, _SHIFTED


def _local_shift(at: Instant, local_day: int, hours: float) -> int:
    """Return the days to add to a UTC time for its local date to be the one that is said."""
    return next((n for n in (0, 1, -1) if at.plus(n * DAY + 3600.0 * hours).day == local_day), 0)


def _beside_local(day: Option, at: Instant, longitude: float | None) -> Iterator[tuple[Instant, int, float]]:
    """Yield UTC of a clock beside a card whose date and time are whole quarters of an hour off: that card is local."""
    shifts = sorted((0, 1, -1), key=lambda n: abs(day.moment().since(at.plus(n * DAY))))
    for shift in shifts:
        moved = at.plus(shift * DAY)
        later = day.moment().since(moved)
        if is_zone(later, SAME_S + day.resolution_s):
            far = longitude is not None and abs(later / 3600.0 - _wrapped(longitude) / 15.0) > _ZONE_OFF_HOURS
            yield moved, shift, -1.2 if day.scale == "local" or not far else 1.0


# --- votes ---


def lateness(one: Evidence, option: Option, at: Instant) -> float:
    """Return the seconds that a reading of a card is later than an instant; of a clock the shorter way round."""
    if one.kind == "stamp":
        moment = one.utc(option)
        return moment.since(at) if moment is not None else 0.0
    clock = to_utc(instant(at.day, option.seconds or 0.0), option.scale, option.offset_hours or 0.0)
    return (clock.seconds - at.seconds + DAY / 2) % DAY - DAY / 2


class _Ballot:
    """What every card says to a theory."""

    def __init__(
        self,
        gathered: Gathered,
        elapsed: float | None,
        form_mjd: float | None,
        longitude: float | None,
        *,
        stacked: bool,
    ) -> None:
        self.gathered, self.elapsed, self.form_mjd, self.longitude = gathered, elapsed, form_mjd, longitude
        self.most = DAY / 2 if stacked or elapsed is None else _OVERHEAD_S + 2.0 * elapsed

    def score(self, theory: Theory) -> float:
        """Return the support that a theory has."""
        total = sum(self.vote(one, theory)[0] for one in self.gathered.evidence)
        return total + self._file(theory) + self._form(theory) - theory.cost - self._local_after_all(theory)

    def _local_after_all(self, theory: Theory) -> float:
        """Return what is against a theory whose card is as far from another as local time is at that longitude."""
        lead, option = theory.parts[0]
        if self.longitude is None or lead.kind != "stamp" or len(theory.parts) > 1 or option.scale != "utc":
            return 0.0
        zone = _wrapped(self.longitude) / 15.0
        for one in self.gathered.evidence:
            other = one.utc(one.options[0]) if one.kind == "stamp" and one is not lead else None
            if other is not None and is_zone(theory.at.since(other), SAME_S + one.options[0].resolution_s):
                hours = theory.at.since(other) / 3600.0
                if abs(hours - zone) <= _ZONE_OFF_HOURS and hours * zone > 0:
                    return _LOCAL
        return 0.0

    def day_support(self, theory: Theory) -> float:
        """Return how many witnesses a theory has for its day."""
        total = 0.0
        for one in self.gathered.evidence:
            if one.kind != "clock":
                total += self.vote(one, theory)[0] > 0
        return total + max(0.0, self._file(theory)) + self._form(theory)

    def _file(self, theory: Theory) -> float:
        """Return what the file's date says: written soon after the exposure is good, before it is bad."""
        one = self.gathered.file_date
        if one is None:
            return 0.0
        file, end = one.options[0].moment(), theory.when("end", self.elapsed)
        later = file.since(end)
        if one.kind == "date":
            return _FILE if 0 <= file.day - end.day <= 1 else -1.5 * _FILE if file.day < end.day - 1 else 0.0
        if -_SOON_S / 30 <= later <= _SOON_S:
            return _FILE_SOON
        return _FILE if -_SOON_S / 30 <= later <= DAY else -1.5 * _FILE if later < -1.5 * DAY else 0.0

    def _form(self, theory: Theory) -> float:
        """Return what the form's MJD says."""
        if self.form_mjd is None:
            return 0.0
        apart = abs(of_mjd(self.form_mjd).since(theory.when("mid", self.elapsed)))
        return _FORM if apart <= (self.elapsed or 0.0) + 120.0 else 0.5 * _FORM if apart <= DAY else 0.0

    def vote(self, one: Evidence, theory: Theory) -> tuple[float, Option | None, str, float | None]:
        """Return weight, reading and moment of a card that fits, or the seconds that it is later than the theory."""
        base = _MAPPED if one.how is How.MAPPED else 1.0
        own = next((option for part, option in theory.parts if part is one), None)
        best: tuple[float, Option | None, str] = (0.0, None, "")
        late: float | None = None
        for number, option in enumerate(one.options):
            weight, moment, apart = self._one(one, option, theory)
            late = apart if late is None else late
            weight *= (
                base * (_SECOND if number and own is None else 1.0) * (1.0 if own is None or own is option else 0.0)
            )
            if weight > best[0]:
                best = weight, option, moment
        return (*best, late)

    def _one(self, one: Evidence, option: Option, theory: Theory) -> tuple[float, str, float | None]:
        """Return what one reading of a card says: weight, moment, seconds apart where it does not fit."""
        if one.kind == "date":
            mine = theory.shifted_days == 0 and any(part is one and read is option for part, read in theory.parts)
            return (_SINGLE, "start", 0.0) if mine else self._date(option, theory)
        if option.scale == "local" and option.offset_hours is None:
            mine = any(part is one for part, _ in theory.parts)
            return (_SINGLE, one.moment or "start", 0.0) if mine else (0.0, "", None)
        tolerance = max(SAME_S, 1.2 * option.resolution_s, min(theory.resolution_s, _COARSE_S))
        weight = _STAMP if one.kind == "stamp" else _SINGLE
        apart: float | None = None
        for moment in (one.moment,) if one.moment else ("start", "mid", "end"):
            at = theory.when(moment, self.elapsed)
            late = lateness(one, option, at)
            apart = late if apart is None else apart
            if abs(late) <= tolerance:
                other = _FITS_OTHER if one.key in _OF_START else _OTHER_MOMENT
                return weight * (1.0 if one.moment or moment == "start" else other), moment, late
        if one.moment in {"mid", "end"} and self._loosely(one, option, theory, tolerance):
            return 0.5 * weight, one.moment, apart
        return 0.0, "", apart

    def _loosely(self, one: Evidence, option: Option, theory: Theory, tolerance: float) -> bool:
        """Whether an end, or a middle, at least comes after the start and not long after."""
        late = lateness(one, option, theory.when("start", self.elapsed))
        return -tolerance <= late <= self.most

    def _date(self, option: Option, theory: Theory) -> tuple[float, str, float | None]:
        """Return what a bare date says."""
        days = []
        for moment in ("start", "end"):
            at = theory.when(moment, self.elapsed)
            if option.scale == "local":
                at = at.plus(3600.0 * (option.offset_hours or 0.0))
            elif option.scale in {"tai", "tt", "tdb", "gps"}:
                at = at.plus(at.since(to_utc(at, option.scale)))
            days.append(at.day)
        day = option.day or 0
        if day in days:
            return _SINGLE, "start", 0.0
        if option.scale == "local" and option.offset_hours is None and abs(day - days[0]) == 1:
            return 0.5 * _SINGLE, "start", 0.0
        return 0.0, "", (day - days[0]) * DAY
