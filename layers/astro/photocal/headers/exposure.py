"""How long was exposed: every name, unit and form of it, and whether start and end agree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cpcs.keywords import KEYWORDS
from cpcs.mappings import UNITS, Rule
from photocal.headers.cards import Card, Header
from photocal.headers.clocks import UnreadableError, decimal_of
from photocal.headers.said import UNDEFINED, Said, by_rule
from photocal.headers.standard import Finding, Given, How, Level, Remark
from photocal.headers.time_words import bare, clock_shown

_NAMES = (
    "EXPTIME", "EXPOSURE", "XPOSURE", "EXPOSED", "EXPMEAS", "TEXPTIME", "EXPOS", "EXPO", "EXP", "EXPT", "TEXP",
    "EXPTIM", "EXPDUR", "EXPOSTIM", "EXPOSTIME", "EXPOSUR", "TMEXPOS", "ITIME", "INTTIME", "INTEGTIM", "INTTIM",
    "INTEGRAT", "INTTIME1", "TINT", "ONTIME", "LIVETIME", "TOTEXP", "TOTALEXP", "EXPTOTAL", "TTIME", "TOTTIME",
    "DURATION", "OBSDUR", "SHUTTIME", "SHUTTERT", "TELAPSE", "ELAPTIME", "ELAPSED", "IT", "DIT", "ESODETDIT",
    "ESODETWIN1DIT1", "ESODETWIN1UIT1", "EXPOINUS", "EXPUS", "EXPMS", "REFEXP", "EXPREQ", "REQTIME", "OBSTIME",
    "NOCTIM", "EXPTIMEREQ",
)  # fmt: skip
"""Names of the exposure time without the marks between their words, the surest first."""

_LAST_RESORT = ("DARKTIME", "DARK")
_IN_NAME = {"EXPOINUS": "us", "EXPUS": "us", "EXPMS": "ms"}
_COADDS = ("ESODETNDIT", "NDIT", "COADDS", "NCOADDS", "NCOADD", "COADD", "COADDONE", "ESODETWIN1NDIT")
_OF_ONE = ("ESODETDIT", "ESODETWIN1DIT1", "DIT", "ITIME")
_STACKS = ("STACKCNT", "SNAPSHOT", "NSTACK", "NSTACKED", "NIMAGES", "STACKNUM", "NCOMBINE", "NCOMB", "NUMCOMB")
_MAY_BE_THE_SUM = ("NCOMBINE", "NCOMB", "NUMCOMB")  # IRAF: EXPTIME beside them may be the sum already
_TOTALS = ("TOTALEXP", "LIVETIME", "TOTEXP", "EXPTOTAL")
_TYPES = ("OBSTYPE", "IMAGETYP", "IMGTYPE", "EXPTYPE", "OBS_TYPE", "VIMTYPE", "FRAME", "ESO DPR TYPE", "OBSMODE")

_DURATION = re.compile(r"([0-9.]+(?:[eEdD][+-]?[0-9]{1,2})?)\s*([a-zA-Zµ]+)\.?")
_PARTS = re.compile(r"(?:([0-9]{1,3})\s*h)?\s*(?:([0-9]{1,4})\s*m(?:in)?)?\s*(?:([0-9]{1,5}(?:\.[0-9]*)?)\s*s(?:ec)?)?")
_CLOCK = re.compile(r"([0-9]{1,3}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]*)?))?")
_FRACTION = re.compile(r"([0-9]{1,5})\s*/\s*([0-9]{1,6})")
_UNIT_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("us", re.compile(r"micro-?s|\bus(ec)?\b|µs", re.IGNORECASE)),
    ("ms", re.compile(r"milli-?s|\bms(ec\w*)?\b", re.IGNORECASE)),
    ("s", re.compile(r"\bs(ecs?|econds?)?\b", re.IGNORECASE)),
    ("min", re.compile(r"\bmin(ute)?s?\b", re.IGNORECASE)),
    ("hour", re.compile(r"\b(hours?|hrs?)\b|\[h\]", re.IGNORECASE)),
    ("day", re.compile(r"\bdays?\b|\[d\]", re.IGNORECASE)),
)
_SAYS_EXPOSURE = re.compile(
    r"^\W*(?:\[s\]\s*)?(total |actual |effective )?(exposure|integration)[ -](time|duration)", re.IGNORECASE
)
_MOST_FRAMES = 1_000_000
_LONGEST = KEYWORDS["EXPTIME"].high or 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What was found of the exposure.

    Attributes
    ----------
    seconds
        Of the exposure; None when not known.
    elapsed_s
        From its start to its end: of several exposures added in the camera the sum, where that is known.
    stacked
        Whether the header says that several exposures were put together after the night.
    finding, remarks
        EXPTIME, and what is to be said of it.
    """

    seconds: float | None
    elapsed_s: float | None
    stacked: bool = False
    finding: Finding
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    said: Said
    number: float  # as written
    unit: str  # as said; empty when nothing says it
    seconds: float
    why: str = ""


def read_duration(text: str) -> tuple[float, str]:
    """Return a duration and its unit: in seconds where the text has parts, else as written, with an empty unit.

    Raises
    ------
    UnreadableError
        No duration, or a negative one.
    """
    stripped = text.strip()[:80]
    number = decimal_of(stripped)
    if number is not None:
        if number < 0:
            raise UnreadableError(f"{stripped} is negative: no exposure time")
        return float(number), ""
    clock, fraction = _CLOCK.fullmatch(stripped), _FRACTION.fullmatch(stripped)
    if clock:
        if clock[3] is None:
            raise UnreadableError(f"{stripped!r} may be hours and minutes, or minutes and seconds")
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3]), "s"
    if fraction and int(fraction[2]):
        return int(fraction[1]) / int(fraction[2]), "s"
    duration = _DURATION.fullmatch(stripped)
    if duration:
        unit, value = (
            unit_said(duration[2]) or {"m": "min", "h": "hour", "d": "day"}.get(duration[2], ""),
            decimal_of(duration[1]),
        )
        if unit and value is not None:
            return float(value), unit
    parts = _PARTS.fullmatch(stripped) if stripped else None
    if parts:
        return int(parts[1] or 0) * 3600 + int(parts[2] or 0) * 60 + float(parts[3] or 0), "s"
    raise UnreadableError(f"{stripped!r} is no exposure time")


def unit_said(comment: str) -> str:
    """Return the unit of time that a comment names: one of `cpcs.mappings.UNITS`; empty for none."""
    return next((name for name, pattern in _UNIT_WORDS if pattern.search(comment)), "")


def exposure(header: Header, rules: Mapping[str, Rule], given: Given, span_s: float | None = None) -> Exposure:
    """Return how long was exposed.

    Parameters
    ----------
    header, rules, given
        The header, the rules of its mapping, and what the form says.
    span_s
        From start to end, where the header has both: it tells seconds from milliseconds and minutes, and is the
        exposure where nothing else is.
    """
    remarks: list[Remark] = []
    mapped = _mapped(header, rules, remarks)
    candidates = [mapped] if mapped else _named(header, remarks)
    positive = [one for one in candidates if 0 < one.seconds <= _LONGEST or one.unit == ""]
    positive = [one for one in positive if one.number > 0]
    counts = _whole(header, _COADDS)[0], _whole(header, _STACKS)[0]
    chosen = _chosen(positive, span_s, counts, remarks) if positive else None
    if chosen is None:
        return _without(header, candidates, given, span_s, remarks)
    per, coadds = _coadds(header, chosen.seconds, span_s)
    elapsed = chosen.seconds
    if coadds > 1:
        elapsed = max(chosen.seconds, per * coadds)
        remarks.append(_of_coadds(chosen.seconds, per, coadds))
    stacked, total = _stacked(header, chosen.seconds, span_s, remarks)
    elapsed = max(elapsed, total)
    if span_s is not None and chosen.seconds > span_s + max(2.0, 0.02 * span_s) and not stacked:
        message = (
            f"The exposure is {chosen.seconds:g} s ({chosen.said.source}), but start and end are {span_s:.3f} s apart."
        )
        remarks.append(Remark(code="EXPOSURE_AGAINST_END", level=Level.WARNING, message=message))
    if given.exposure_s is not None and abs(given.exposure_s - chosen.seconds) > max(1.0, 0.05 * chosen.seconds):
        message = (
            f"The form says {given.exposure_s:g} s, {chosen.said.source} {chosen.seconds:g} s; the latter is used."
        )
        remarks.append(Remark(code="EXPOSURE_AGAINST_FORM", level=Level.WARNING, message=message))
    return Exposure(
        seconds=chosen.seconds, elapsed_s=elapsed, stacked=stacked, finding=_finding(chosen), remarks=tuple(remarks)
    )


def _finding(chosen: _Candidate) -> Finding:
    how = chosen.said.how
    if how is How.FOUND and (chosen.why or chosen.unit not in {"", "s"} or decimal_of(chosen.said.text) is None):
        how = How.GUESSED
    why = chosen.why
    if not why and how is How.GUESSED:
        why = f"taken as {chosen.unit}" if chosen.unit else "taken as seconds"
    return Finding(keyword="EXPTIME", value=chosen.seconds, how=how, source=chosen.said.source, why=why)


def _candidate(said: Said, unit: str) -> _Candidate:
    """Return what a text says of the exposure.

    Raises
    ------
    UnreadableError
        Nothing.
    """
    number, own = read_duration(said.text)
    unit = own or unit
    worth = UNITS[unit][1] if unit in UNITS else 1.0
    shown = clock_shown(said.comment)
    if not unit and shown is not None and number > 0 and abs(shown - 60.0 * number) <= 1.0:
        unit, worth = "min", 60.0
    return _Candidate(said=said, number=number, unit=unit, seconds=number * worth)


def _mapped(header: Header, rules: Mapping[str, Rule], remarks: list[Remark]) -> _Candidate | None:
    """Return what the mapping says."""
    said = by_rule(header, rules, "EXPTIME")
    if said is None:
        return None
    try:
        return _candidate(said, (said.format.unit if said.format else "") or "s")
    except UnreadableError as problem:
        remarks.append(_refused(said.source, problem, "MAPPED_VALUE_REFUSED"))
        return None


def _refused(source: str, problem: Exception, code: str = "EXPOSURE_REFUSED") -> Remark:
    return Remark(code=code, level=Level.WARNING, message=f"{source}: {problem}.")


def _cards(header: Header, names: Iterable[str]) -> list[Card]:
    """Return the cards under any of the names, in the names' order."""
    order = {name: rank for rank, name in enumerate(names)}
    found = [card for card in header if bare(card.key) in order and card.value.upper() not in UNDEFINED]
    return sorted(found, key=lambda card: order[bare(card.key)])


def _named(header: Header, remarks: list[Remark]) -> list[_Candidate]:
    """Return what the header says under any name; then under a comment that says it; then of the dark current."""
    cards = _cards(header, _NAMES)
    if not cards:
        cards = [card for card in header if _SAYS_EXPOSURE.search(card.comment) and "request" not in card.comment][:5]
    found = []
    for card in cards or _cards(header, _LAST_RESORT):
        how = How.FOUND if card.key == "EXPTIME" else How.GUESSED
        said = Said(text=card.value, source=str(card), comment=card.comment, key=card.key, how=how)
        if bare(card.key) == "OBSTIME" and ":" in card.value:
            continue  # a time of day
        try:
            found.append(_candidate(said, _IN_NAME.get(bare(card.key), "") or unit_said(card.comment)))
        except UnreadableError as problem:
            if card.key in {"EXPTIME", "EXPOSURE"}:
                remarks.append(_refused(str(card), problem))
    return found


def _chosen(
    candidates: list[_Candidate], span: float | None, counts: tuple[int, int], remarks: list[Remark]
) -> _Candidate | None:
    """Return the first candidate, in the unit that fits, and say where others contradict it."""
    fitted = [_in_unit(one, span) for one in candidates]
    fitted = [one for one in fitted if 0 < one.seconds <= _LONGEST]
    if not fitted:
        return None
    first = fitted[0]
    rivals = [one for one in fitted[1:] if abs(one.seconds - first.seconds) > max(1.0, 0.05 * first.seconds)]
    if rivals and span is not None and first.said.how is not How.MAPPED:
        fits = [one for one in fitted if abs(one.seconds - span) <= max(2.0, 0.02 * span)]
        first = fits[0] if fits else first
    sums = {round(count * first.seconds) for count in counts}
    rivals = [one for one in rivals if bare(one.said.key) not in _OF_ONE and one is not first]
    rivals = [one for one in rivals if round(one.seconds) not in sums]  # the sum of all beside one of them
    most = 1.05 * counts[1] * first.seconds  # of a stack from which some were left out, too
    rivals = [one for one in rivals if bare(one.said.key) not in _TOTALS or not first.seconds < one.seconds <= most]
    if rivals:
        other = rivals[0]
        message = f"{first.said.source} and {other.said.source} do not agree; {first.seconds:g} s is used."
        remarks.append(Remark(code="EXPOSURES_DISAGREE", level=Level.WARNING, message=message))
    return first


def _in_unit(one: _Candidate, span: float | None) -> _Candidate:
    """Return a candidate in the unit that start and end ask for, where nothing says the unit."""
    if one.unit or one.said.how is How.MAPPED:
        return one
    if span is None or span <= 0:
        if one.number > _LONGEST:  # longer than a day
            return replace(one, seconds=one.number * 1e-3, why="more seconds than a day has: taken as milliseconds")
        return one
    if one.number > span + max(2.0, 0.02 * span):
        for unit in ("ms", "us"):
            seconds = one.number * UNITS[unit][1]
            if 0.3 * span <= seconds <= span + max(2.0, 0.02 * span):
                why = f"taken as {unit}, because start and end are {span:.3f} s apart"
                return replace(one, unit=unit, seconds=seconds, why=why)
    if one.said.key != "EXPTIME" and one.number > 0 and abs(60 * one.number - span) <= max(2.0, 0.02 * span) < span / 3:
        return replace(
            one, unit="min", seconds=60 * one.number, why=f"taken as minutes: start and end are {span:.3f} s apart"
        )
    return one


def _whole(header: Header, names: tuple[str, ...]) -> tuple[int, Card | None]:
    """Return the first count above one under any of the names, and its card."""
    for card in _cards(header, names):
        value = decimal_of(card.value)
        if value is not None and 1 < value <= _MOST_FRAMES and value == int(value):
            return int(value), card
    return 1, None


def _coadds(header: Header, seconds: float, span: float | None) -> tuple[float, int]:
    """Return the exposure of one of the camera's sub-exposures, and how many were added."""
    count, _ = _whole(header, _COADDS)
    if count == 1:
        return seconds, 1
    for card in _cards(header, _OF_ONE):
        value = decimal_of(card.value)
        if value is not None and 0 < value <= _LONGEST:
            per = float(value)
            return (per, count) if per * count <= _LONGEST else (seconds, 1)
    if span is not None and seconds * count <= 1.05 * span + 2.0:
        return seconds, count
    return seconds / count, count


def _of_coadds(seconds: float, per: float, count: int) -> Remark:
    """Return what is said of exposures that the camera added."""
    total = per * count
    message = f"{count} exposures of {per:g} s were added in the camera; EXPTIME is {seconds:g} s"
    message += "." if abs(total - seconds) < 0.01 * total else f", start to end at least {total:g} s."
    return Remark(code="EXPOSURE_OF_COADDS", level=Level.NOTE, message=message)


def _total(header: Header, seconds: float, count: int, span: float | None) -> _Candidate | None:
    """Return the first card of a sum that lies between one exposure and all of them, give or take 5 %."""
    for card in _cards(header, _TOTALS):
        said = Said(text=card.value, source=str(card), comment=card.comment, key=card.key, how=How.GUESSED)
        try:
            one = _in_unit(_candidate(said, unit_said(card.comment)), span)
        except UnreadableError:
            continue
        if 0.95 * seconds <= one.seconds <= min(1.05 * count * seconds, _LONGEST):
            return one
    return None


def _stacked(header: Header, seconds: float, span: float | None, remarks: list[Remark]) -> tuple[bool, float]:
    """Return whether several exposures were put together, and what they are together (s), 0 when nothing says it."""
    count, card = _whole(header, _STACKS)
    if card is None:
        return False, 0.0
    total = _total(header, seconds, count, span)
    level = Level.NOTE if total is None and bare(card.key) in _MAY_BE_THE_SUM else Level.WARNING
    message = f"{count} exposures were put together ({card}): start and middle may not be those of one exposure."
    if total is not None:
        message = (
            f"{count} exposures were put together ({card}), {total.seconds:g} s in all ({total.said.source}): "
            "from the start of the first to the end of the last it is at least as long."
        )
    remarks.append(Remark(code="EXPOSURE_STACKED", level=level, message=message))
    return True, 0.0 if total is None else total.seconds


def _without(
    header: Header, candidates: list[_Candidate], given: Given, span: float | None, remarks: list[Remark]
) -> Exposure:
    """Return the exposure where no card has one that can be: from start and end, from the form, none for a bias."""
    why = "no card of the header says it"
    source = candidates[0].said.source if candidates else ""
    if candidates:
        why = "an exposure of zero" if candidates[0].number == 0 else "longer than a day"
    elif remarks:
        why, source = remarks[0].message.rstrip("."), remarks[0].message.partition(": ")[0]
    if span is not None and 0 < span <= _LONGEST:
        finding = Finding(keyword="EXPTIME", value=span, how=How.DERIVED, source=source, why=f"{why}; end minus start")
        return Exposure(seconds=span, elapsed_s=span, finding=finding, remarks=tuple(remarks))
    if given.exposure_s is not None and 0 < given.exposure_s <= _LONGEST:
        finding = Finding(keyword="EXPTIME", value=given.exposure_s, how=How.GIVEN, source="form", why=why)
        return Exposure(seconds=given.exposure_s, elapsed_s=given.exposure_s, finding=finding, remarks=tuple(remarks))
    zero = bool(candidates) and candidates[0].number == 0
    if zero and any(re.search(r"bias|zero", header.text(key), re.IGNORECASE) for key in _TYPES):
        message = f"{source}: a bias, exposed for no time."
        remarks.append(Remark(code="EXPOSURE_ZERO", level=Level.NOTE, message=message))
        finding = Finding(keyword="EXPTIME", value=0.0, how=candidates[0].said.how, source=source)
        return Exposure(seconds=0.0, elapsed_s=0.0, finding=finding, remarks=tuple(remarks))
    if candidates:
        remarks.append(Remark(code="EXPOSURE_REFUSED", level=Level.WARNING, message=f"{source}: {why}."))
    finding = Finding(keyword="EXPTIME", source=source, why=why)
    return Exposure(seconds=None, elapsed_s=None, finding=finding, remarks=tuple(remarks))
