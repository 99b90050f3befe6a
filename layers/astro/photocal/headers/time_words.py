"""What the keywords of times, and the comments behind them, say: date, clock or day number; of when; in which scale.

Observatories make keywords of a few words: ``UT-START``, ``UTCSTART``, ``TIME_BEG``, ``JD-MID``, ``DATE-LOC``. They
are taken apart into these words, so that spellings nobody has listed are understood too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from photocal.headers.clocks import ZONES, read_zone

_WORDS: dict[str, tuple[str, str]] = {
    word: (part, meaning)
    for part, meaning, words in (
        ("scale", "utc", "UTC UT TU GMT"),
        ("scale", "ut1", "UT1"),
        ("scale", "tai", "TAI"),
        ("scale", "tt", "TT"),
        ("scale", "tdb", "TDB"),
        ("scale", "local", "LOCAL LOC LT LC LMT HST JST LOCL"),
        ("what", "date", "DATE DAT"),
        ("what", "clock", "TIME TIM TM HMS"),
        ("what", "mjd", "MJD MJDATE"),
        ("what", "jd", "JD JULDAT JDATE JULIAN"),
        ("what", "unix", "UNIX TIMESTMP TIMESTAMP"),
        ("moment", "start", "START STAR STRT STA STR BEGIN BEGINN BEG BGN OPEN INI INIT SOBS ST1"),
        ("moment", "mid", "MIDDLE MIDPOINT MIDPT MID AVG AVE MEAN CENTER CENTRE CEN"),
        ("moment", "end", "END STOP STP FINISH FIN CLOSE CLOSED CLSD CLOS EOBS"),
        ("filler", "", "OBS OBSERV OBSERVED EXP EXPOS EXPOSURE SHUT SHUTTER FRAME IMG IMAGE GPS ACQ"),
    )
    for word in words.split()
}
_LONGEST_WORD = max(map(len, _WORDS))
_LONGEST_KEY = 20
_DURATIONS = {"EXP", "EXPOS", "EXPOSURE", "SHUT", "SHUTTER", "ACQ"}
_OFFSETS = {"HST": -10.0, "JST": 9.0}

_FIRST = (
    "DATEOBS", "DATEBEG", "SHUTOPEN", "OPENSHUT", "UTDATE", "DATEUT", "UTCDATE", "OBSDATE", "TIMEOBS", "UTCOBS",
    "UTSTART", "UTCSTART", "UTOBS", "UTSTR", "UTTIME", "UT", "UTC", "MJDOBS", "JD", "MJD",
)  # fmt: skip
"""Keywords that count first where others say as much, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a keyword holds.

    Attributes
    ----------
    kind
        ``date``, ``clock``, ``jd``, ``mjd``, ``unix``; ``open`` when only the value can tell.
    moment, scale, offset_hours
        What the keyword itself says; empty and None for nothing.
    rank
        Lower counts first where two contradict each other.
    composed
        Whether it has more than one word: ``EXPEND`` may be a number of days, ``END`` may not.
    """

    kind: str
    moment: str = ""
    scale: str = ""
    offset_hours: float | None = None
    rank: int = len(_FIRST)
    composed: bool = True

    @property
    def expected(self) -> bool:
        """Whether a value that is no time is worth a remark."""
        return self.rank < len(_FIRST)


def bare(key: str) -> str:
    """Return a keyword without the marks between its words: ``DATE_OBS`` and ``DATE-OBS`` are one."""
    return re.sub(r"[-_ .]", "", key.upper())


_WHOLE: dict[str, Role | None] = {
    "LTIME": Role(kind="clock", scale="local"),
    "LDATE": Role(kind="date", scale="local"),
    "UTHR": Role(kind="clock", scale="utc"),
    "UTIME": Role(kind="clock", scale="utc"),
    "OBSTIME": Role(kind="open"),  # of day, or how long
    "FRAME": Role(kind="open"),
    "TAI": Role(kind="unix", scale="tai"),
    "DATE": None,
    "TT": None,
    "LOC": None,
    "LOCAL": None,
    "MEANTIME": None,  # nobody agrees what that is
    "TIMESYS": None,
    "MIDHJD": None,
    "IMAGE": None,
}
"""Keywords that their words would not explain, or explain wrongly."""


@lru_cache(maxsize=4096)
def role(key: str) -> Role | None:
    """Return what a keyword holds; None for one that is no time of the exposure."""
    name = bare(key)
    if name in _WHOLE:
        return _WHOLE[name]
    words = _taken_apart(name) if len(name) <= _LONGEST_KEY else None
    if words is None:
        return None
    parts: dict[str, list[str]] = {"scale": [], "what": [], "moment": [], "filler": []}
    for word in words:
        parts[_WORDS[word][0]].append(_WORDS[word][1])
    whats = [what for what in parts["what"] if what != "clock"] or parts["what"]
    if len(parts["scale"]) > 1 or len(set(whats)) > 1 or len(parts["moment"]) > 1:
        return None
    if _DURATIONS.intersection(words) and whats == ["clock"] and not parts["moment"] and not parts["scale"]:
        return None  # EXPTIME, SHUTTIME
    scale = parts["scale"][0] if parts["scale"] else ""
    moment = parts["moment"][0] if parts["moment"] else ""
    if not (whats or scale or moment):
        return None
    kind = whats[0] if whats else "clock" if scale in {"utc", "ut1", "local"} else "open"
    offset = next((_OFFSETS[word] for word in words if word in _OFFSETS), None)
    rank = _FIRST.index(name) if name in _FIRST else len(_FIRST)
    return Role(kind=kind, moment=moment, scale=scale, offset_hours=offset, rank=rank, composed=len(words) > 1)


def _taken_apart(name: str) -> tuple[str, ...] | None:
    """Return a keyword's words, the longest first; None when it has a part that is none."""
    if not name:
        return ()
    for length in range(min(_LONGEST_WORD, len(name)), 0, -1):
        if name[:length] in _WORDS:
            rest = _taken_apart(name[length:])
            if rest is not None:
                return (name[:length], *rest)
    return None


# --- comments ---

_MOMENTS: dict[str, re.Pattern[str]] = {
    "start": re.compile(r"\b(start\w*|begin\w*|began|open\w*|beg)\b|\binici", re.IGNORECASE),
    "mid": re.compile(
        r"\b(mid|middle|mid-?(point|time|exp\w*|obs\w*)|average|mean of|cent(er|re) of)\b", re.IGNORECASE
    ),
    "end": re.compile(r"\b(end|ends|ended|finish\w*|stop\w*|clos(e|es|ed|ing))\b", re.IGNORECASE),
}
_UTC = re.compile(r"\b(UTC?|UT1|GMT|universal|greenwich|TU|zulu)\b", re.IGNORECASE)
_SCALES: dict[str, re.Pattern[str]] = {
    "tai": re.compile(r"\bTAI\b|atomic time", re.IGNORECASE),
    "tt": re.compile(r"\bTT\b|terrestrial"),
    "tdb": re.compile(r"\bTDB\b|barycentric dynamical", re.IGNORECASE),
}
_LOCAL = re.compile(
    r"\blocal\b(?!\s+(?:apparent\s+|mean\s+)?(?:sidereal|siderial|hour angle|observing night|night|observatory))"
    r"|\bLT\b|\bLMT\b|\bcivil time|zone time|\bortszeit",
    re.IGNORECASE,
)
_ZONE_SAID = re.compile(r"\b(?:UTC?|GMT)\s?([+-])\s?([0-9]{1,2})(?:[:.]([0-9]{1,2}))?\b(?!\s*s)", re.IGNORECASE)
_ZONE_NAMED = re.compile(r"\b(" + "|".join(ZONES) + r")\b")


def moment_said(comment: str) -> str:
    """Return which moment of the exposure a comment speaks of: start, mid, end; empty for none, or for several."""
    found = [name for name, pattern in _MOMENTS.items() if pattern.search(comment)]
    return found[0] if len(found) == 1 else ""


def scale_said(comment: str) -> tuple[str, float | None]:
    """Return which time scale a comment speaks of, and the offset of local time (hours east) when it says that too."""
    zone = _ZONE_SAID.search(comment)
    if zone:
        said = read_zone(zone[0].replace(" ", ""))
        return said if said is not None and said[1] is not None else ("", None)
    named = _ZONE_NAMED.search(comment)
    if named:
        return "local", ZONES[named[1]]
    found = [name for name, pattern in _SCALES.items() if pattern.search(comment)]
    if _UTC.search(comment):
        found.append("utc")
    if _LOCAL.search(comment):
        found.append("local")
    return (found[0], None) if len(found) == 1 else ("", None)


_CLOCK_UNITS: dict[str, re.Pattern[str]] = {
    "s": re.compile(r"\bsec|\[s\]|\(s\)|\bseconds", re.IGNORECASE),
    "hour": re.compile(r"\bhours?\b|\[hr?\]|\bhrs?\b|decimal", re.IGNORECASE),
    "day": re.compile(r"\bfraction|\[d\]|\bdays?\b", re.IGNORECASE),
}
_CLOCK_SHOWN = re.compile(r"(?<![0-9:])([0-9]{1,2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]+)?)")


def clock_unit_said(comment: str) -> str:
    """Return the unit of a time of day that is a number: ``s``, ``hour``, ``day``; empty when nothing is said."""
    found = [name for name, pattern in _CLOCK_UNITS.items() if pattern.search(comment)]
    return found[0] if len(found) == 1 else ""


def clock_shown(comment: str) -> float | None:
    """Return the time of day that a comment shows (s), as ESO's do: ``06:32:38.000 UTC``."""
    found = _CLOCK_SHOWN.search(comment)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else None


_OBSERVED = re.compile(r"exposure|observation|observed|shutter", re.IGNORECASE)
_WRITTEN = re.compile(r"file|creat|writ|generat|process|reduc|modif", re.IGNORECASE)


def is_of_file(comment: str) -> bool:
    """Whether a DATE card is the file's own date, as FITS has it, and not the exposure's, as some write."""
    return not _OBSERVED.search(comment) or bool(_WRITTEN.search(comment))
