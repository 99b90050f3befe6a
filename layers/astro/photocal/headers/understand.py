"""A header, understood: the mapping that fits it, then every block by default where no rule speaks; never an exception.

``standardise`` is the one door: whatever a header says, it returns a finding for each standard keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cpcs.keywords import KEYWORDS
from cpcs.mappings import HeaderMapping, Rule, camera_key
from photocal.headers.cards import Header
from photocal.headers.contradictions import contradictions
from photocal.headers.instrument_block import instrument_block
from photocal.headers.site_block import site_block
from photocal.headers.sky_block import sky_block
from photocal.headers.standard import Finding, Given, Level, MappingUsed, Remark, StandardHeader, worst_first
from photocal.headers.time_block import TimeBlock, time_block
from photocal.headers.values import checked, clean, missing

MEANINGS: dict[str, str] = {
    "MAPPING_AMBIGUOUS": "The header fits two mappings equally well; none is used until the camera is named",
}
"""Codes of the remarks on mappings, and what they mean."""

_LONGEST_MESSAGE = 400
_LONGEST_VALUE = 200  # characters of a value that a pattern is held against


def standardise(
    header: Header, *, mappings: Sequence[HeaderMapping] = (), camera: str = "", given: Given | None = None
) -> StandardHeader:
    """Bring a header to the standard one.

    Parameters
    ----------
    header
        Its cards.
    mappings
        Those of the observatory.
    camera
        The one that the upload names; empty leaves it to the mappings' conditions.
    given
        What is known beside the header.

    Returns
    -------
    StandardHeader
        One finding for each of `cpcs.keywords.KEYWORDS`, each of its kind and in its range, or missing and why.
    """
    known = given or Given()
    mapping, used, remarks = choose(header, mappings, camera or known.camera)
    rules = {} if mapping is None else {rule.keyword: rule for rule in mapping.rules}
    time = _time(header, rules, known)
    moments = [moment for moment in (time.mid_mjd, time.start_mjd, time.end_mjd, known.mjd) if moment is not None]
    mjd = moments[0] if moments else None
    sky = sky_block(header, rules, known, mjd=mjd)
    site = site_block(header, rules, known, mjd=mjd)
    instrument = instrument_block(header, rules, known, wcs=sky.linear)
    blocks = (site, time, instrument, sky)
    findings = {item.keyword: checked(item) for block in blocks for item in block.findings}
    airmass, against = contradictions(
        findings,
        header,
        known,
        site.site,
        start_mjd=time.start_mjd,
        mid_mjd=mjd,
        end_mjd=time.end_mjd,
        rules=rules,
    )
    return StandardHeader(
        findings=_in_order(findings | {item.keyword: checked(item) for item in airmass}),
        remarks=_sorted([*remarks, *(remark for block in blocks for remark in block.remarks), *against]),
        mapping=used,
        wcs=sky.wcs,
    )


def _time(header: Header, rules: Mapping[str, Rule], given: Given) -> TimeBlock:
    """Return when the frame was exposed; the header's own longitude tells local time where the record has none."""
    if given.longitude_deg is None:
        site = site_block(header, rules, given, mjd=None).site
        if site is not None:
            given = replace(given, longitude_deg=site.longitude_deg)
    return time_block(header, rules, given)


def choose(
    header: Header, mappings: Sequence[HeaderMapping], camera: str
) -> tuple[HeaderMapping | None, MappingUsed | None, tuple[Remark, ...]]:
    """Return the mapping of a header: the named camera's; else the one whose conditions hold, most conditions first.

    Two that hold equally well are ambiguous: neither is used, and a remark says so.
    """
    mappings = [item for item in mappings if not item.withdrawn]
    if camera:
        named = next((item for item in mappings if camera_key(item.camera) == camera_key(camera)), None)
        if named is not None:
            return named, _used(named, recognised=False), ()
    holding = [item for item in mappings if item.recognise and _holds(header, item)]
    most = max((len(item.recognise) for item in holding), default=0)
    best = [item for item in holding if len(item.recognise) == most]
    if len(best) == 1:
        return best[0], _used(best[0], recognised=True), ()
    if not best:
        return None, None, ()
    cameras = ", ".join(sorted(clean(item.camera, 40) for item in best))
    message = f"The header fits the mappings of {cameras} equally well; none is used: name the camera."
    return None, None, (Remark(code="MAPPING_AMBIGUOUS", level=Level.WARNING, message=message),)


def _used(mapping: HeaderMapping, *, recognised: bool) -> MappingUsed:
    return MappingUsed(
        camera=mapping.camera, observatory_id=mapping.observatory_id, version=mapping.version, recognised=recognised
    )


def _holds(header: Header, mapping: HeaderMapping) -> bool:
    return all(_matches(condition.pattern, header.text(condition.keyword)) for condition in mapping.recognise)


def _matches(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern with ``*`` and ``?``, any case; in linear time, whatever the pattern."""
    parts = re.sub(r"\*+", "*", pattern.casefold()).split("*")
    value = text[:_LONGEST_VALUE].casefold()
    if len(parts) == 1:
        return len(value) == len(parts[0]) and _fits(parts[0], value)
    first, *middle, last = parts
    if len(value) < len(first) + len(last) or not _fits(first, value[: len(first)]):
        return False
    at, end = len(first), len(value) - len(last)
    if not _fits(last, value[end:]):
        return False
    for part in middle:
        at = next((i for i in range(at, end - len(part) + 1) if _fits(part, value[i : i + len(part)])), -1)
        if at < 0:
            return False
        at += len(part)
    return True


def _fits(pattern: str, text: str) -> bool:
    return len(pattern) == len(text) and all(p in {"?", c} for p, c in zip(pattern, text, strict=True))


def _in_order(findings: Mapping[str, Finding]) -> tuple[Finding, ...]:
    """Return one finding for each standard keyword, in the table's order."""
    nothing = "the header does not say"
    return tuple(findings.get(keyword) or missing(keyword, nothing) for keyword in KEYWORDS)


def _sorted(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """Return the remarks, the worst first, each code and message once."""
    shown = {
        (remark.code, text): replace(remark, message=text)
        for remark in remarks
        if (text := clean(remark.message, _LONGEST_MESSAGE))
    }
    return worst_first(shown.values())
