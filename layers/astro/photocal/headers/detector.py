"""Gain, read noise and saturation: what a detector's numbers are worth, and which are only its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cpcs.mappings import Rule
from photocal.headers import names
from photocal.headers.cards import Card, Header
from photocal.headers.said import UNDEFINED, Said, by_name
from photocal.headers.standard import Finding, How
from photocal.headers.values import checked, clean, found, missing, number_of, ruled, whole, with_unit

_PER_ADU = re.compile(r"\be[\w-]*\)?\s*(?:/|per)\s*(?:adu|a/d|dn|du|count|cnt)|\[e-?\]", re.IGNORECASE)
_PER_ELECTRON = re.compile(r"\b(?:adu|a/d|dn|du|count|cnt)\w*\s*(?:/|per)\s*e", re.IGNORECASE)
_SETTING = re.compile(
    r"setting|sensor gain|camera gain|gain of the camera|amplifier gain|0\.1 ?db|percent|%", re.IGNORECASE
)
_CMOS = re.compile(
    r"\bzwo|\basi\s?\d|qhy|player ?one|touptek|ogma|svbony|\bsv\d{3}|altair|seestar|dwarf|vespera|unistellar|"
    r"sharpcap|n\.?i\.?n\.?a\.?\b|asistudio|asiair|firecapture|poseidon|ares-|imx\d{3}",
    re.IGNORECASE,
)
_PROGRAMS = ("INSTRUME", "CAMERA", "SWCREATE", "CREATOR", "PROGRAM", "SOFTWARE", "ORIGIN", "CAMMODEL", "TELESCOP")
_LARGEST_LIKELY = 20.0  # electrons for each count: more is a camera's setting, not a gain


def gain(header: Header, rules: Mapping[str, Rule]) -> Finding:
    """Return the electrons for each count.

    Camera programs write a setting of the camera (0 to 600) under the same name; it says nothing about electrons, and
    is never taken. A gain of 0 is unknown.
    """
    by_mapping = ruled(header, rules, "GAIN")
    if by_mapping is not None:
        return by_mapping
    passed: list[str] = []
    source = ""
    for said in by_name(header, "GAIN", names.GAINS):
        finding = _gain(header, said)
        if finding.value is not None:
            return replace(finding, why=clean("; ".join([*passed, finding.why]).strip("; ")))
        passed.append(finding.why)
        source = source or said.source
    for said in by_name(header, "GAIN", names.INVERSE_GAINS):
        value, _ = with_unit(said.text)
        if value is not None and value > 0:
            finding = checked(found("GAIN", 1.0 / value, said, how=How.GUESSED, why="ADU for each electron, inverted"))
            if finding.value is not None:
                return finding
    mean = _amplifiers(header, "GAIN")
    if mean is not None:
        return mean
    iso = next((header.get(key) for key in ("ISO", "ISOSPEED", "ISO-SPEE", "ISOSPEEDRATINGS") if key in header), None)
    if iso is not None:
        passed.append(f"{clean(str(iso), 40)} is the camera's setting, not electrons for each count")
        source = source or str(iso)
    return missing("GAIN", clean("; ".join(passed)) or "the header does not say", source=source)


def _gain(header: Header, said: Said) -> Finding:
    value, unit = with_unit(said.text)
    if value is None:
        return missing("GAIN", f"{said.key} = {clean(said.text, 30)!r} is no number")
    if value <= 0:
        return missing("GAIN", f"{said.key} = {value:g} is unknown")
    words = f"{unit} {said.comment}"
    if _PER_ELECTRON.search(words) and not _PER_ADU.search(words):
        return checked(found("GAIN", 1.0 / value, said, how=How.GUESSED, why="ADU for each electron, inverted"))
    stated = bool(_PER_ADU.search(words))
    if not stated and said.key != "EGAIN" and _is_setting(header, value, words):
        return missing("GAIN", f"{said.key} = {value:g} is the camera's setting, not electrons for each count")
    how = None if stated or said.key == "GAIN" else How.GUESSED
    return checked(found("GAIN", value, said, how=how))


def _is_setting(header: Header, value: float, words: str) -> bool:
    """Whether a number called gain is what was set at the camera."""
    if value > _LARGEST_LIKELY or _SETTING.search(words):
        return True
    if not value.is_integer():
        return False
    if any((with_unit(header.text(key))[0] or 0.0) > 0 for key in ("EGAIN", "SENSITIV")):
        return True  # a whole number without a unit, beside one in electrons by its name
    programs = " ".join(header.text(key) for key in _PROGRAMS)
    return bool(_CMOS.search(programs)) or any(key in header for key in names.CAMERA_SETTINGS)


def read_noise(header: Header, rules: Mapping[str, Rule]) -> Finding:
    """Return the read noise in electrons; 0 is unknown."""
    finding = number_of(_without_zeros(header, names.NUMBERS["RDNOISE"]), rules, "RDNOISE", names.NUMBERS["RDNOISE"])
    if finding.value is not None:
        return finding
    return _amplifiers(header, "RDNOISE") or finding


def saturation(header: Header, rules: Mapping[str, Rule]) -> Finding:
    """Return the counts at which a pixel is saturated: as said, else the largest that the file's numbers can hold."""
    keys = names.NUMBERS["SATURATE"]
    finding = number_of(_without_zeros(header, keys), rules, "SATURATE", keys)
    if finding.value is not None:
        return finding if finding.how is How.MAPPED else _linear(header, finding)
    lowest = _amplifiers(header, "SATURATE")
    if lowest is not None:
        return lowest
    datamax = header.get("DATAMAX")
    if datamax is not None and re.search(r"satur|good|linear|valid", datamax.comment, re.IGNORECASE):
        good = checked(found("SATURATE", with_unit(datamax.value)[0] or 0.0, datamax))
        if good.value is not None:
            return good
    return _largest(header) or finding


def _linear(header: Header, full: Finding) -> Finding:
    """Return where a chip is no longer linear, where the header says so and that is below its saturation."""
    limits = [(key, value) for key, value in _numbers(header, names.LINEAR) if value > 0]
    key, limit = min(limits, key=lambda each: each[1], default=("", 0.0))
    if not limits or limit >= float(full.value or 0.0):
        return full
    why = f"no longer linear above; {clean(full.source, 60)} is where it is full"
    linear = Finding(keyword="SATURATE", value=limit, how=How.GUESSED, source=str(header.get(key)), why=why)
    return linear if checked(linear).value is not None else full


def _largest(header: Header) -> Finding | None:
    """Return the largest count that BITPIX and BZERO allow, of whole numbers."""
    bits, zero = whole(header.text("ZBITPIX") or header.text("BITPIX")), with_unit(header.text("BZERO"))[0]
    scale = with_unit(header.text("BSCALE"))[0]
    if scale not in {None, 1.0} or header.text("NAXIS") == "0":
        return None
    largest = {8: 255.0, 16: 65535.0 if zero == 32768.0 else 32767.0}.get(bits or 0)  # noqa: PLR2004 -- FITS Standard 4.4.2.5
    if largest is None:
        return None
    source = f"BITPIX = {bits}" + ("" if zero is None else f", BZERO = {zero:g}")
    return Finding(
        keyword="SATURATE", value=largest, how=How.DERIVED, source=source,
        why="the largest count that the file can hold; the detector may saturate before",
    )  # fmt: skip


def _without_zeros(header: Header, keys: Sequence[str]) -> Header:
    """Return a header without those of its cards that say 0 or less, which is unknown."""
    wanted = set(keys)
    return Header(card for card in header.cards if card.key not in wanted or _positive(card))


def _positive(card: Card) -> bool:
    value = with_unit(card.value)[0]
    return value is None or value > 0


def _amplifiers(header: Header, keyword: str) -> Finding | None:
    """Return what the amplifiers of a chip have: the mean, of saturation the lowest."""
    for keys in names.AMPLIFIERS[keyword]:
        values = dict(_numbers(header, keys))
        if not values:
            continue
        value = min(values.values()) if keyword == "SATURATE" else sum(values.values()) / len(values)
        of = "the lowest" if keyword == "SATURATE" else "the mean"
        shown = clean(", ".join(str(header.get(key)) for key in values))
        why = f"{of} of {len(values)} amplifiers, {min(values.values()):g} to {max(values.values()):g}"
        finding = checked(Finding(keyword=keyword, value=value, how=How.DERIVED, source=shown, why=why))
        if finding.value is not None:
            return finding
    return None


def _numbers(header: Header, keys: Sequence[str]) -> Iterator[tuple[str, float]]:
    for key in keys:
        text = header.text(key)
        value = None if text.upper() in UNDEFINED else with_unit(text)[0]
        if value is not None and value > 0:
            yield key, value
