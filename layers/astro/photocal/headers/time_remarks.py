"""What does not agree in a header's times, said with the numbers: the remarks of the TIME block."""

from __future__ import annotations

from collections.abc import Iterator

from photocal.headers.exposure import Exposure
from photocal.headers.instants import DAY, Instant, of_mjd
from photocal.headers.standard import Given, Level, Remark
from photocal.headers.time_choice import SAME_S, Choice, Theory, is_zone, lateness
from photocal.headers.time_evidence import FILE_RANK, Evidence, Gathered

TIME_CODES: dict[str, str] = {
    "CLOCKS_DISAGREE": "A card's time of day is not that of the others",
    "DATES_DISAGREE": "A card's date is not that of the others",
    "DATE_AFTER_FILE": "The exposure is later than the file",
    "DATE_AGAINST_JD": "Date and time contradict a Julian Date",
    "DATE_AMBIGUOUS": "Day and month may be the other way round, and nothing decides it",
    "DATE_IS_OF_THE_NIGHT": "The date is that of the night at the site, not UTC's",
    "DATE_REFUSED": "A date that no calendar has, or outside of 1950 to 2100",
    "END_AGAINST_START": "The end is before the start, or long after it and the exposure",
    "EXPOSURES_DISAGREE": "Two cards say different exposures",
    "EXPOSURE_AGAINST_END": "The exposure is longer than start and end are apart",
    "EXPOSURE_AGAINST_FORM": "The upload's form says another exposure than the header",
    "EXPOSURE_OF_COADDS": "The camera added several exposures",
    "EXPOSURE_REFUSED": "A value that is no exposure time",
    "EXPOSURE_STACKED": "Several exposures were put together after the night",
    "EXPOSURE_ZERO": "A bias, exposed for no time",
    "FILE_DATE_USED": "The date is the file's own, because the header has no other",
    "HJD_AGAINST_TIME": "A heliocentric date is farther off than light takes from the Sun",
    "JD_IN_OTHER_FORM": "A JD under the keyword of an MJD, or the other way round, or JD - 2400000",
    "LOCAL_TIME": "A time is local; it was brought to UTC, or another was used",
    "LOCAL_TIME_UNRESOLVED": "The only time is local, and nothing says of which zone",
    "LOW_TIME_RESOLUTION": "The time is coarser than the exposure asks for",
    "MAPPED_VALUE_REFUSED": "A value is not in the format that the mapping says",
    "MID_AGAINST_START": "The middle that a card says is not that of start and exposure",
    "MJD_AGAINST_HEADER": "The MJD of the form is not in the exposure",
    "MJD_OF_START_OR_END": "The MJD of the form is the start or the end of the exposure, not its middle",
    "SCALE_AGAINST_TIMESYS": "A card is in UTC although TIMESYS says another scale",
    "TIMESYS_UNKNOWN": "TIMESYS is no time scale that is known",
    "TIME_REFUSED": "A value that is no time of day, or no Julian Date",
    "TIME_SCALE_CONVERTED": "The header's times are not UTC and were converted",
    "TIME_UNKNOWN": "Neither header nor form say when it was exposed",
    "TIME_WITHOUT_DATE": "There is a time of day and no date",
    "TIME_FROM_FORM": "The header does not say when; the form's MJD is used",
}
"""Codes of the TIME block's remarks, and what they mean."""


_HOUR, _MINUTE = 3600.0, 60.0
_FARTHEST_MJD = 1e7  # a JD taken for an MJD is nearer
_SLACK_S = 10.0  # telescope and camera clocks: further apart than this, or half the exposure, is a warning


def _remark(code: str, level: Level, message: str) -> Remark:
    assert code in TIME_CODES  # noqa: S101 - the table is complete
    return Remark(code=code, level=level, message=message)


def apart(seconds: float) -> str:
    """Return how far two times are apart, in the unit that is read most easily."""
    size = abs(seconds)
    if size >= 0.99 * DAY:
        return f"{size / DAY:.3f} days".replace(".000", "")
    if size >= _HOUR:
        return f"{size / _HOUR:.3f} hours"
    return f"{size:.3f} s" if size < 10 * _MINUTE else f"{size / _MINUTE:.2f} minutes"


def of_refused(gathered: Gathered) -> Iterator[Remark]:
    """Yield what was refused of the cards."""
    for source, why, kind in gathered.refused:
        code = {"mapping": "MAPPED_VALUE_REFUSED", "date": "DATE_REFUSED"}.get(kind, "TIME_REFUSED")
        yield _remark(code, Level.WARNING, f"{source}: {why}.")
    if gathered.timesys == "?":
        message = f"{gathered.timesys_source} is no time scale that is known; UTC is taken."
        yield _remark("TIMESYS_UNKNOWN", Level.WARNING, message)


def of_choice(choice: Choice, exposure: Exposure, gathered: Gathered) -> Iterator[Remark]:
    """Yield what contradicts the reading that was chosen, and what was assumed in it."""
    theory = choice.theory
    if theory is None:
        return
    yield from _of_reading(theory, choice, gathered)
    start = theory.when("start", exposure.elapsed_s)
    small = max((exposure.elapsed_s or 0.0) / 2 + 1.0, _SLACK_S)
    for one, late in choice.against:
        remark = _against(one, late, theory, start, small, undecided=choice.undecided is one)
        if remark is not None:
            yield remark
    for one, option, moment in choice.fits:
        if moment == "mid" and one.moment == "mid" and not exposure.stacked:
            late = lateness(one, option, theory.when("mid", exposure.elapsed_s))
            yield from _of_mid_card(one, late, option.resolution_s, small)
        kind = "mjd" if "MJD" in one.key.upper() else "jd" if "JD" in one.key.upper() else ""
        if one.number and kind and not option.form.startswith(kind):
            meant = {"reduced jd": "JD - 2400000", "mjd": "an MJD", "jd": "a JD"}.get(option.form, option.form)
            yield _remark("JD_IN_OTHER_FORM", Level.NOTE, f"{one.source} is {meant}; read as that, it agrees.")
        if option.scale == "utc" and one.options[0].scale in {"tai", "tt", "tdb", "gps"}:
            message = f"{one.source} agrees with the other cards in UTC, not in the scale of {gathered.timesys_source}."
            yield _remark("SCALE_AGAINST_TIMESYS", Level.NOTE, message)
    tolerance = max(exposure.elapsed_s or 0.0, 60.0)
    if theory.resolution_s > tolerance:
        message = f"{_sources(theory)}: known to {apart(theory.resolution_s)} only."
        yield _remark("LOW_TIME_RESOLUTION", Level.WARNING, message)


def _of_mid_card(one: Evidence, late: float, resolution: float, small: float) -> Iterator[Remark]:
    """Yield that a card of the middle is not that of start and exposure."""
    if abs(late) > max(SAME_S, 1.2 * resolution):
        direction = "later" if late > 0 else "earlier"
        message = f"{one.source} is {apart(late)} {direction} than start and half the exposure; the latter are used."
        yield _remark("MID_AGAINST_START", Level.NOTE if abs(late) <= small else Level.WARNING, message)


def _sources(theory: Theory) -> str:
    return "; ".join(one.source for one, _ in theory.parts)


def _of_reading(theory: Theory, choice: Choice, gathered: Gathered) -> Iterator[Remark]:
    """Yield what was assumed in the reading itself."""
    if len(theory.parts) > 1 and theory.parts[0][0].kind == "stamp":
        hours = next(theory_offsets(theory))
        message = f"{theory.parts[0][0].source} is local time, UTC{hours:+g}; {theory.parts[1][0].source} is used."
        yield _remark("LOCAL_TIME", Level.NOTE if theory.parts[0][1].scale == "local" else Level.WARNING, message)
    for one, option in theory.parts:
        others = {other.day for other in one.options if other.day is not None} - {option.day}
        if one.kind != "clock" and others and not choice.decided:
            message = f"{one.source} was read as {option.form.split(' ')[0]}; nothing else in the header decides it."
            yield _remark("DATE_AMBIGUOUS", Level.WARNING, message)
        if option.scale == "local":
            yield from _of_local(one, option.offset_hours, theory, gathered)
        elif one.kind != "date" and option.scale in {"tai", "tt", "tdb", "gps"}:
            message = f"{one.source} is {option.scale.upper()}, and was brought to UTC by the leap seconds."
            yield _remark("TIME_SCALE_CONVERTED", Level.NOTE, message)
        if one.key == "DATE" and one.how.value == "guessed" and one.rank >= FILE_RANK:
            yield _remark("FILE_DATE_USED", Level.WARNING, f"{one.source} is the file's own date; there is no other.")


def _of_local(one: Evidence, offset: float | None, theory: Theory, gathered: Gathered) -> Iterator[Remark]:
    if one.kind == "date":
        return
    if offset is not None:
        yield _remark("LOCAL_TIME", Level.NOTE, f"{one.source} is local time, UTC{offset:+g}, and was brought to UTC.")
        return
    if len(theory.parts) > 1:
        return
    hours = next(iter(theory_offsets(theory)), 0.0)
    origin = gathered.zone_source or "the longitude of the site, in whole hours"
    message = f"{one.source} is local time; UTC{hours:+g} was assumed from {origin}"
    message += " (a bare number may be hours east or west)." if len(gathered.zones) > 1 else "."
    yield _remark("LOCAL_TIME", Level.WARNING, message)


def theory_offsets(theory: Theory) -> Iterator[float]:
    """Yield the offsets (hours east) that local parts of a theory were read with."""
    for one, option in theory.parts:
        if one.kind == "stamp" and (option.scale == "local" or len(theory.parts) > 1):
            yield round(option.moment().since(theory.at) / 36.0) / 100.0


def _against(
    one: Evidence, late: float, theory: Theory, start: Instant, small: float, *, undecided: bool
) -> Remark | None:
    """Return what is said of a card that contradicts the reading."""
    if one.is_local and one.key != "DATE-OBS":
        return None  # what local clocks show is no matter where there is another
    mine = any(part is one for part, _ in theory.parts)
    if mine and one.kind == "stamp":
        return None  # local time beside UT: said already
    if mine and theory.shifted_days:
        message = f"{one.source} is the date of the night: the exposure began {start} UTC."
        return _remark("DATE_IS_OF_THE_NIGHT", Level.WARNING, message)
    direction = "later" if late > 0 else "earlier"
    difference = f"{one.source} is {apart(late)} {direction} than {_sources(theory)}"
    if undecided:
        message = f"{difference}, and nothing decides between them."
        return _remark(_code(one, late, theory), Level.REFUSAL, message)
    level = Level.NOTE if abs(late) <= small else Level.WARNING
    if one.kind != "date" and is_zone(late, SAME_S + theory.resolution_s) and one.moment in {"", "start"}:
        message = f"{difference}: local time, or of the other half of the day; start {start} UTC is used."
        return _remark("LOCAL_TIME" if not one.number else "DATE_AGAINST_JD", Level.WARNING, message)
    return _remark(_code(one, late, theory), level, f"{difference}; start {start} UTC is used.")


def _code(one: Evidence, late: float, theory: Theory) -> str:
    if one.moment == "mid":
        return "MID_AGAINST_START"
    if one.moment == "end":
        return "END_AGAINST_START"
    by_number = theory.parts[0][0].number
    if one.number != by_number and one.kind != "clock":
        return "DATE_AGAINST_JD"
    return "DATES_DISAGREE" if one.kind == "date" or abs(late) > 0.9 * DAY else "CLOCKS_DISAGREE"


def of_mid(start: Instant, mid: Instant, gathered: Gathered, exposure: Exposure) -> Iterator[Remark]:
    """Yield what the file's date and heliocentric dates have against the times."""
    file = gathered.file_date
    if file is not None:
        earlier = start.since(file.options[0].moment())
        if earlier > (DAY if file.kind == "date" else 0.0) + 0.6 * DAY:
            message = f"The exposure, {start} UTC, is {apart(earlier)} later than the file: {file.source}."
            yield _remark("DATE_AFTER_FILE", Level.WARNING, message)
    for one in gathered.helio:
        nearest = min((option.moment().since(mid) for option in one.options), key=abs)
        if abs(nearest) > 600.0 + (exposure.elapsed_s or 0.0) + one.options[0].resolution_s:
            message = f"{one.source} is {apart(nearest)} from the middle of the exposure, {mid} UTC."
            yield _remark("HJD_AGAINST_TIME", Level.WARNING, message)


def of_form(given: Given, start: Instant, mid: Instant, end: Instant) -> Iterator[Remark]:
    """Yield what the MJD of the upload's form has against the header's."""
    if given.mjd is None or abs(given.mjd) >= _FARTHEST_MJD:
        return
    form = of_mjd(given.mjd)
    late = form.since(mid)
    half = end.since(start) / 2
    resolution = _resolution(given.mjd)
    named = f"The form's MJD {given.mjd:.6f} is {apart(late)} {'later' if late > 0 else 'earlier'} than the middle"
    for what, moment in (("start", start), ("end", end)):
        if half > SAME_S and abs(form.since(moment)) <= min(1.0, half / 4):
            message = f"{named} of the exposure, MJD {mid.mjd:.6f}: it is the {what}."
            yield _remark("MJD_OF_START_OR_END", Level.NOTE, message)
            return
    if abs(late) <= half + 1.0 + resolution:
        return
    message = f"{named} of the exposure by its header, MJD {mid.mjd:.6f}{_mistake(late, given.mjd, mid, half)}."
    yield _remark("MJD_AGAINST_HEADER", Level.WARNING, message)


def _resolution(mjd: float) -> float:
    """Return what the last digit of an MJD is worth (s)."""
    decimals = len(repr(mjd).partition(".")[2].rstrip("0"))
    return DAY * 10.0**-decimals


def _mistake(late: float, mjd: float, mid: Instant, half: float) -> str:
    """Return which common mistake explains an MJD."""
    slack = half + 2.0
    if abs(mjd - mid.jd) * DAY <= slack:
        return "; it is a JD"
    if abs(late - DAY / 2) <= slack:
        return "; it is JD - 2400000"
    if is_zone(late, slack):
        return f"; it may be local time, UTC{round(late / 900) / 4:+g}"
    if abs(late / DAY - round(late / DAY)) * DAY <= slack:
        return "; the time of day is right, the date is not"
    return ""
