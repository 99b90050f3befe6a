"""The TIME block of the standard header: TIMESYS, DATE-OBS, TIME-OBS, JD, EXPTIME, MJD-AVG, all UTC.

What the keywords mean is in `time_words`, what values may mean in `times`, what of all that holds in `time_choice`.
DATE-OBS is the start of an exposure unless its comment says otherwise (FITS Standard 4.0, section 9.5), in UTC unless
TIMESYS, its comment or its own zone say otherwise (section 9.2.1). Times are kept as days and seconds; in DATE-OBS and
TIME-OBS they are to the millisecond, in MJD-AVG to the microsecond, and in JD, one number, to 40 microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cpcs.mappings import Rule
from photocal.headers import time_remarks
from photocal.headers.cards import Header
from photocal.headers.clocks import Option
from photocal.headers.exposure import Exposure, exposure
from photocal.headers.instants import DAY, FIRST_DAY, LAST_DAY, Instant, of_mjd
from photocal.headers.standard import Finding, Given, How, Level, Remark
from photocal.headers.time_choice import SAME_S, Choice, Theory, choose
from photocal.headers.time_evidence import FILE_RANK, Evidence, Gathered, gather

_SHOWN = {"utc": "UTC", "ut1": "UT1", "tai": "TAI", "tt": "TT", "tdb": "TDB", "gps": "GPS", "local": "LOCAL"}
_FITS_FORMS = {"yyyy-mm-dd", "yyyy-mm-dd hms", "hms", "jd", "mjd"}
_FINE_S = 1.0  # a card that is coarser is not taken for JD or MJD-AVG


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBlock:
    """The TIME block, understood.

    Attributes
    ----------
    findings
        TIMESYS, DATE-OBS, TIME-OBS, JD, EXPTIME, MJD-AVG.
    remarks
        What does not agree; codes are in `photocal.headers.time_remarks.TIME_CODES`.
    start_mjd, mid_mjd, end_mjd
        Of the exposure, UTC; None where neither header nor form say.
    """

    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...]
    start_mjd: float | None
    mid_mjd: float | None
    end_mjd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """Start, middle and end, as far as they are known, and the card that the middle is from, if one says it."""

    start: Instant | None = None
    mid: Instant | None = None
    end: Instant | None = None
    mid_card: Evidence | None = None


def time_block(header: Header, rules: Mapping[str, Rule], given: Given) -> TimeBlock:
    """Return when, and for how long, an image was exposed.

    Parameters
    ----------
    header
        Of the image.
    rules
        The mapping's, by standard keyword; what they say is not guessed at.
    given
        What the form says: the MJD is checked against the header's, and used where the header has none; the longitude
        tells local time from UTC.
    """
    gathered = gather(header, rules)
    _lend_file_date(gathered)
    form_mjd = given.mjd if given.mjd is not None and FIRST_DAY + 1 <= given.mjd < LAST_DAY - 1 else None
    exposed = exposure(header, rules, given)
    choice = _choose(gathered, exposed, form_mjd, given)
    span = _span(choice)
    if span is not None:
        exposed = exposure(header, rules, given, span)
        choice = _choose(gathered, exposed, form_mjd, given)
    times = _times(choice, exposed, span)
    remarks = [*time_remarks.of_refused(gathered), *exposed.remarks]
    remarks += time_remarks.of_choice(choice, exposed, gathered)
    if times.start is not None and times.mid is not None:
        remarks += time_remarks.of_mid(times.start, times.mid, gathered, exposed)
        remarks += time_remarks.of_form(given, times.start, times.mid, times.end or times.mid)
    findings = _findings(gathered, choice, exposed, times)
    if times.mid is None:
        findings, times = _from_form(findings, gathered, exposed, times, form_mjd, remarks)
    order = list(Level)[::-1]
    return TimeBlock(
        findings=findings,
        remarks=tuple(sorted(dict.fromkeys(remarks), key=lambda remark: order.index(remark.level))),
        start_mjd=None if times.start is None else times.start.mjd,
        mid_mjd=None if times.mid is None else times.mid.mjd,
        end_mjd=None if times.end is None else times.end.mjd,
    )


def _choose(gathered: Gathered, exposed: Exposure, form_mjd: float | None, given: Given) -> Choice:
    return choose(
        gathered, exposed.elapsed_s, stacked=exposed.stacked, form_mjd=form_mjd, longitude_deg=given.longitude_deg
    )


def _lend_file_date(gathered: Gathered) -> None:
    """Take the file's own date for the exposure's where there is a time of day and no other date."""
    file = gathered.file_date
    if file is None or any(one.kind != "clock" for one in gathered.evidence) or not gathered.evidence:
        return
    dates = tuple(Option(day=option.day, scale="utc", form=option.form) for option in file.options)
    gathered.evidence.append(Evidence(key="DATE", source=file.source, kind="date", options=dates, rank=FILE_RANK))


def _span(choice: Choice) -> float | None:
    """Return the seconds from the start to the end that a card says; None without one."""
    theory = choice.theory
    if theory is None or theory.moment != "start":
        return None
    for one, option, moment in choice.fits:
        if moment != "end" or one.moment != "end" or option.resolution_s > SAME_S or one.kind == "date":
            continue
        at = one.utc(option) if one.kind == "stamp" else None
        if at is None:
            clock = (option.seconds or 0.0) - (option.offset_hours or 0.0) * 3600.0
            at = Instant(theory.at.day, 0.0).plus((clock - theory.at.seconds) % DAY + theory.at.seconds)
        span = at.since(theory.at)
        if 0 < span < DAY:
            return span
    return None


def _times(choice: Choice, exposed: Exposure, span: float | None) -> _Times:
    """Return start, middle and end of the exposure."""
    theory, elapsed = choice.theory, exposed.elapsed_s
    if theory is None:
        return _Times()
    if elapsed is None:
        known = theory.at
        return {"start": _Times(start=known), "mid": _Times(mid=known)}.get(theory.moment, _Times(end=known))
    start = theory.when("start", elapsed)
    length = span if exposed.stacked and span is not None and span > elapsed else elapsed
    mid, end = start.plus(length / 2), start.plus(length)
    for one, option, moment in choice.fits:
        at = one.utc(option) if one.kind == "stamp" and moment == "mid" else None
        if at is None or not (one.moment == "mid" or one.key == "MJD-AVG"):
            continue
        if option.resolution_s > _FINE_S and one.how is not How.MAPPED:
            continue
        tight = abs(at.since(mid)) <= max(SAME_S, option.resolution_s)
        if tight or exposed.stacked or one.how is How.MAPPED:
            return _Times(start=start, mid=at, end=end, mid_card=one)
    return _Times(start=start, mid=mid, end=end)


# --- findings ---


def _findings(gathered: Gathered, choice: Choice, exposed: Exposure, times: _Times) -> tuple[Finding, ...]:
    """Return the block's findings from the header."""
    timesys = _timesys(gathered, choice)
    theory = choice.theory
    if theory is None:
        date, clock, jd, mjd = _unknown(gathered)
    elif times.start is None:
        why = "the header does not say how long was exposed, and its time is not that of the start"
        missing = [Finding(keyword=name, source=_sources(theory), why=why) for name in ("DATE-OBS", "TIME-OBS", "JD")]
        date, clock, jd = missing
        mjd = _mjd(theory, choice, times)
    else:
        date, clock = _date_and_clock(theory, choice, times.start)
        jd = _jd(theory, choice, times.start)
        mjd = _mjd(theory, choice, times)
    return (timesys, date, clock, jd, exposed.finding, mjd)


def _sources(theory: Theory) -> str:
    return "; ".join(one.source for one, _ in theory.parts)


def _timesys(gathered: Gathered, choice: Choice) -> Finding:
    """Return the scale that the header's times are in."""
    if gathered.timesys not in {"", "?"}:
        why = "" if gathered.timesys_how is not How.GUESSED else f"taken as {_SHOWN[gathered.timesys]}"
        return Finding(
            keyword="TIMESYS", value=_SHOWN[gathered.timesys], how=gathered.timesys_how,
            source=gathered.timesys_source, why=why,
        )  # fmt: skip
    if choice.theory is None:
        return Finding(keyword="TIMESYS", source=gathered.timesys_source, why="the header says no time that is known")
    one, option = choice.theory.parts[-1]
    why = "no TIMESYS: UTC, as FITS has it" if option.scale == "utc" else "no TIMESYS: as keyword, value or comment say"
    if gathered.timesys == "?":
        why = f"{gathered.timesys_source} is no scale that is known"
    source = f"{one.source} / {one.comment}" if one.comment else one.source
    return Finding(keyword="TIMESYS", value=_SHOWN[option.scale], how=How.GUESSED, source=source, why=why)


def _unknown(gathered: Gathered) -> tuple[Finding, Finding, Finding, Finding]:
    """Return the findings where there is no time: the date, if there is one."""
    dates = [one for one in gathered.evidence if one.kind == "date"]
    refused = next(((source, why) for source, why, _ in gathered.refused), ("", ""))
    local = [one for one in gathered.evidence if one.is_local and one.kind != "date"]
    why = refused[1] or ("the time is local, and nothing says of which zone" if local else "the header has no time")
    source = refused[0] or (local[0].source if local else "")
    date = Finding(keyword="DATE-OBS", source=source, why=why if refused[1] or local else "the header has no date")
    if dates:
        one = dates[0]
        option = one.options[0]
        how = _how(one, option, moved=False)
        value = Instant(option.day or FIRST_DAY, 0.0).texts()[0]
        date = Finding(keyword="DATE-OBS", value=value, how=how, source=one.source, why="a date without a time")
    missing = [Finding(keyword=name, source=source, why=why) for name in ("TIME-OBS", "JD", "MJD-AVG")]
    return date, missing[0], missing[1], missing[2]


def _how(one: Evidence, option: Option, *, moved: bool) -> How:
    """Return how a value that was read from a card came about."""
    if one.how is How.MAPPED:
        return How.MAPPED
    if moved or one.number:
        return How.DERIVED
    plain = option.form in _FITS_FORMS and option.scale == "utc" and option is one.options[0]
    return How.FOUND if one.how is How.FOUND and plain else How.GUESSED


def _date_and_clock(theory: Theory, choice: Choice, start: Instant) -> tuple[Finding, Finding]:
    """Return DATE-OBS and TIME-OBS of the start."""
    date_text, clock_text = start.texts()
    dated, day = theory.parts[0]
    timed, time = theory.parts[-1]
    moved = theory.moment != "start"
    why = _why(theory, choice)
    date_how = _how(dated, day, moved=moved)
    if theory.shifted_days and date_how is How.FOUND:
        date_how = How.GUESSED
    clock_how, source = _how(timed, time, moved=moved), timed.source
    if dated is timed and clock_how is How.FOUND:
        own = next((one for one, option, _ in choice.fits if one.key == "TIME-OBS" and option.form == "hms"), None)
        clock_how, source = (How.FOUND, own.source) if own is not None else (How.DERIVED, timed.source)
    if not moved and dated.source != timed.source and date_how is How.DERIVED and dated.kind == "date":
        date_how = How.GUESSED
    return (
        Finding(keyword="DATE-OBS", value=date_text, how=date_how, source=_sources(theory), why=why),
        Finding(
            keyword="TIME-OBS", value=clock_text, how=clock_how, source=source,
            why=why if clock_how in {How.GUESSED, How.DERIVED} else "",
        ),
    )  # fmt: skip


def _why(theory: Theory, choice: Choice) -> str:
    """Return what was assumed in reading date and time: a sentence without a full stop."""
    said = []
    lead = theory.parts[0][0]
    for one, option in theory.parts:
        if option.form not in _FITS_FORMS or (one.number and one.how is not How.FOUND):
            said.append(f"{one.key} read as {option.form}")
        if option.scale == "local" or (one.kind == "stamp" and len(theory.parts) > 1):
            hours = option.offset_hours
            hours = next(time_remarks.theory_offsets(theory), None) if hours is None else hours
            said.append(f"{one.key} is local time" + (f", UTC{hours:+g}" if hours is not None else ""))
        elif option.scale not in {"utc", ""}:
            said.append(f"{one.key} is {_SHOWN[option.scale]}")
        days = {other.day for other in one.options if other.day is not None}
        if len(days) > 1 and one.how is not How.MAPPED and not one.number:
            said.append(_decided(choice, theory))
    if theory.shifted_days and lead.kind == "date":
        said.append(f"the date is that of the night; {abs(theory.shifted_days)} day added or taken away")
    if lead.number and not lead.moment:
        said.append(f"{lead.key} taken as that of the start")
    if theory.moment != "start":
        said.append(f"the time is that of the {'middle' if theory.moment == 'mid' else 'end'}; exposure taken off")
    return "; ".join(dict.fromkeys(said))


def _decided(choice: Choice, theory: Theory) -> str:
    """Return what decided the order of day and month."""
    if not choice.decided:
        if theory.parts[0][1].form.startswith("mm"):
            return "nothing else decides the order of day and month: the month first, as goes with AM and PM"
        return "nothing decides the order of day and month: the day first, as FITS had it"
    mine = {one.source for one, _ in theory.parts}
    others = [one.source for one, _, _ in choice.fits if one.kind != "clock" and one.source not in mine]
    return f"order decided by {others[0]}" if others else "order decided by the file's date, or the form's"


def _jd(theory: Theory, choice: Choice, start: Instant) -> Finding:
    """Return the JD of the start: the header's own where it has that, in UTC and fine enough; else computed."""
    for one, option, moment in choice.fits:
        at = one.utc(option) if one.kind == "stamp" else None
        wanted = one.key == "JD" and option.form == "jd" and moment in {"", "start"} and option.resolution_s <= _FINE_S
        if at is not None and wanted and option.scale == "utc":
            return Finding(keyword="JD", value=at.jd, how=one.how, source=one.source)
    return Finding(keyword="JD", value=start.jd, how=How.DERIVED, source=_sources(theory), why="from the start")


def _mjd(theory: Theory, choice: Choice, times: _Times) -> Finding:
    """Return the MJD of the middle."""
    if times.mid is None:
        why = "the header does not say how long was exposed"
        return Finding(keyword="MJD-AVG", source=_sources(theory), why=why)
    if times.mid_card is not None:
        one = times.mid_card
        how = one.how if one.key == "MJD-AVG" or one.how is How.MAPPED else How.GUESSED
        option = next(option for card, option, _ in choice.fits if card is one)
        scale = "" if option.scale in {"utc", ""} else f", brought from {_SHOWN[option.scale]} to UTC"
        why = "" if how is How.FOUND and not scale else f"the card of the middle{scale}"
        return Finding(keyword="MJD-AVG", value=times.mid.mjd, how=how, source=one.source, why=why)
    why = "start and half of the exposure" if theory.moment == "start" else "from the time and the exposure"
    return Finding(keyword="MJD-AVG", value=times.mid.mjd, how=How.DERIVED, source=_sources(theory), why=why)


# --- where the header does not say ---


def _from_form(
    findings: tuple[Finding, ...],
    gathered: Gathered,
    exposed: Exposure,
    times: _Times,
    form_mjd: float | None,
    remarks: list[Remark],
) -> tuple[tuple[Finding, ...], _Times]:
    """Return the block with the form's MJD in it, where the header does not say when the middle was."""
    timesys, date, clock, jd, duration, mjd = findings
    local = [one for one in gathered.evidence if one.is_local and one.kind != "date"]
    if times.start is None and times.end is None and local:
        message = f"{local[0].source} is local time, and nothing says of which zone."
        remarks.append(Remark(code="LOCAL_TIME_UNRESOLVED", level=Level.WARNING, message=message))
    if times.start is None and any(one.kind == "clock" and not one.is_local for one in gathered.evidence):
        source = next(one.source for one in gathered.evidence if one.kind == "clock")
        remarks.append(
            Remark(code="TIME_WITHOUT_DATE", level=Level.WARNING, message=f"{source}: the header has no date to it.")
        )
    if form_mjd is None:
        why = "neither header nor form say when the middle of the exposure was"
        remarks.append(Remark(code="TIME_UNKNOWN", level=Level.WARNING, message=f"{why[0].upper()}{why[1:]}."))
        return findings, times
    mid = of_mjd(form_mjd)
    remarks.append(
        Remark(
            code="TIME_FROM_FORM",
            level=Level.WARNING,
            message=f"{mjd.why[:1].upper()}{mjd.why[1:]}: the form's MJD is used.",
        )
    )
    mjd = Finding(keyword="MJD-AVG", value=mid.mjd, how=How.GIVEN, source="form", why=mjd.why)
    start = times.start or mid.plus(-(exposed.elapsed_s or 0.0) / 2)
    if times.start is None:
        date_text, clock_text = start.texts()
        if date.value is not None and abs(start.since(_midnight(gathered)) - DAY / 2) > 1.5 * DAY:
            message = f"The form's MJD {form_mjd:.6f} is {date_text}, but {date.source}."
            remarks.append(Remark(code="MJD_AGAINST_HEADER", level=Level.WARNING, message=message))
        date = Finding(keyword="DATE-OBS", value=date_text, how=How.GIVEN, source="form", why=date.why)
        clock = Finding(keyword="TIME-OBS", value=clock_text, how=How.GIVEN, source="form", why=clock.why)
        jd = Finding(keyword="JD", value=start.jd, how=How.GIVEN, source="form", why=jd.why)
    elif abs(mid.since(start) - DAY / 4) > DAY / 4 + _FINE_S:
        message = f"The form's MJD {form_mjd:.6f} is {mid}, but the exposure began {start} UTC by the header."
        remarks.append(Remark(code="MJD_AGAINST_HEADER", level=Level.WARNING, message=message))
    end = times.end or (start.plus(exposed.elapsed_s) if exposed.elapsed_s is not None else None)
    return (timesys, date, clock, jd, duration, mjd), _Times(start=start, mid=mid, end=end)


def _midnight(gathered: Gathered) -> Instant:
    """Return the midnight that the date which the header has begins with."""
    return next(Instant(one.options[0].day or 0, 0.0) for one in gathered.evidence if one.kind == "date")
