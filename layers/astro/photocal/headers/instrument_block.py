"""The instrument in the standard header: camera, size, binning, scale, pixels, kind of frame; detector and filter."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from cpcs.mappings import Rule
from photocal.headers import names
from photocal.headers.cards import Card, Header
from photocal.headers.detector import gain, read_noise, saturation
from photocal.headers.filter_name import filter_name
from photocal.headers.linear import LinearWcs
from photocal.headers.said import by_name, by_rule
from photocal.headers.standard import Finding, Given, How, Level, Remark
from photocal.headers.values import (
    Block,
    checked,
    clean,
    found,
    missing,
    number_of,
    ruled,
    text_of,
    whole,
    with_unit,
)

MEANINGS: dict[str, str] = {
    "NOT_A_LIGHT_FRAME": "It is a bias, dark, flat or arc: a refusal; a warning where only the target's name says so",
    "SCALE_AGAINST_WCS": "The coordinate system has another pixel scale than the header names, or its optics make",
}
"""Codes of the remarks on the instrument, and what they mean."""

ARCSEC_MM_PER_UM = 206.264806  # arcsec for each um over mm of focal length
_LARGEST_BIN = 64
_EXACT = 1e-3
_WORDS_AGREE, _OPTICS_AGREE = 0.1, 0.2  # focal lengths are of the catalogue, reducers forgotten
_NO_LIGHT = {"bias", "dark", "flat", "arc"}
_DONE = re.compile(r"\b(?:(?:flat|dark|bias|zero)[- ,&]*(?:and )?)+(?:fielded|correct|subtract|divid|remov|applied)\w*")
_CALLED_SO = re.compile(
    r"(?:master|sky|dome|twilight)?[ _-]?(?:flat|dark|bias|arc)(?:s|[ _-]?frames?|[ _-]?fields?)?(?:[ _-]\S{1,3})?",
    re.IGNORECASE,
)
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")  # between the words of OsirisDomeFlat
_WORDS = {
    kind: re.compile(rf"(?<![a-z])(?:master ?)?({words})(?: ?frames?)?(?![a-z])") for words, kind in names.TYPE_WORDS
}
_SCALE_UNITS = (
    (re.compile(r"arc ?-?sec\w*\s*(?:/|per)\s*mm|\"/mm", re.IGNORECASE), None),
    (re.compile(r"\bmas\b|milli-?arc", re.IGNORECASE), 1e-3),
    (re.compile(r"arc ?-?min", re.IGNORECASE), 60.0),
    (re.compile(r"arc ?-?sec|\"|asec|''", re.IGNORECASE), 1.0),
    (re.compile(r"\bdeg", re.IGNORECASE), 3600.0),
    (re.compile(r"\brad", re.IGNORECASE), 3600.0 * 180.0 / math.pi),
)
_UNBINNED = re.compile(r"unbinned|before binning|without binning|1x1|native|physical pixel", re.IGNORECASE)
_BINNED = re.compile(r"(?<!un)binned|after binning|with binning|on-chip", re.IGNORECASE)
_SMALL_FOCUS_MM = 30.0  # a smaller focal length is in metres


def instrument_block(header: Header, rules: Mapping[str, Rule], given: Given, *, wcs: LinearWcs | None) -> Block:
    """Understand the keywords of the instrument.

    Parameters
    ----------
    header, rules
        The cards, and the mapping's rules by standard keyword.
    given
        What is known beside the header.
    wcs
        The linear part of its coordinate system, where it has one that can be (`photocal.headers.linear`).

    Returns
    -------
    Block
        Findings for INSTRUME to CRPIX2, and remarks.
    """
    binning = _binning(header, rules)
    bins = _bins(binning)
    pixels = tuple(_pixel_size(header, rules, axis, bins) for axis in (0, 1))
    stated = tuple(_stated_scale(header, axis, bins, pixels) for axis in (0, 1))
    scales = tuple(_scale(header, rules, axis, wcs, stated[axis]) for axis in (0, 1))
    name, filter_remarks = filter_name(header, rules, given)
    kind, kind_remarks = _kind_of_frame(header, rules)
    findings = (
        text_of(header, rules, "INSTRUME", names.TEXTS["INSTRUME"]),
        _axis(header, rules, 1),
        _axis(header, rules, 2),
        binning,
        _seconds(header, rules),
        gain(header, rules),
        read_noise(header, rules),
        saturation(header, rules),
        *scales,
        _orientation(header, rules, wcs),
        kind,
        name,
        *pixels,
        number_of(header, rules, "CRPIX1", names.NUMBERS["CRPIX1"]),
        number_of(header, rules, "CRPIX2", names.NUMBERS["CRPIX2"]),
    )
    remarks = (*filter_remarks, *kind_remarks, *_scale_remarks(wcs, stated, bins[0]))
    return Block(findings=findings, remarks=remarks)


def _axis(header: Header, rules: Mapping[str, Rule], number: int) -> Finding:
    """Return the length of an axis of the image: of what is packed, where the file holds it as a table."""
    keyword = f"NAXIS{number}"
    by_mapping = ruled(header, rules, keyword)
    if by_mapping is not None:
        return by_mapping
    is_table = header.text("XTENSION").upper() in {"BINTABLE", "TABLE"}
    keys = [f"ZNAXIS{number}"] if is_table else [f"ZNAXIS{number}", keyword]
    for key in [*keys, ("IMAGEW", "IMAGEH")[number - 1]]:
        card = header.get(key)
        length = None if card is None else whole(card.value)
        if card is not None and length is not None and length > 0:
            how = How.GUESSED if key.startswith("IMAGE") else How.FOUND
            return found(keyword, length, card, how=how)
    return missing(keyword, "the header is of no image" if is_table else "the header does not say")


def _binning(header: Header, rules: Mapping[str, Rule]) -> Finding:
    said = by_rule(header, rules, "BIN")
    if said is not None:
        value = _bin_text(said.text)
        return found("BIN", value, said) if value else missing("BIN", "this is no binning", source=said.source)
    for said in by_name(header, "BIN", names.SINGLE_BINS):
        value = _bin_text(said.text)
        if value:
            return found("BIN", value, said)
    for keys in names.PAIRED_BINS:
        pair = [card for key in keys if (card := header.get(key))]
        factors = [whole(card.value) for card in pair]
        if factors and all(factor is not None and 1 <= factor <= _LARGEST_BIN for factor in factors):
            source = ", ".join(map(str, pair))
            return Finding(keyword="BIN", value=f"{factors[0]}x{factors[-1]}", how=How.GUESSED, source=source)
    return _binned_physically(header) or missing("BIN", "the header does not say")


def _bin_text(text: str) -> str:
    """Return ``2x2`` of ``2 2``, ``2x2``, ``2``, ``2,2``, ``Bin 2``; empty for anything else."""
    digits = re.fullmatch(r"\D{0,10}?(\d{1,2})(?:\.0*)?(?:\s*[xX*,: ]\s*(\d{1,2})(?:\.0*)?)?\s*\D{0,10}", text.strip())
    if not digits:
        return ""
    first, second = int(digits[1]), int(digits[2] or digits[1])
    return f"{first}x{second}" if min(first, second) >= 1 and max(first, second) <= _LARGEST_BIN else ""


def _binned_physically(header: Header) -> Finding | None:
    """Return the binning that IRAF's physical coordinates speak of (LTM = 1 / binning), or a CDELT in pixels."""
    steps = [with_unit(header.text(f"LTM{i}_{i}"))[0] for i in (1, 2)]
    factors = [1.0 / step if step and abs(step) > _EXACT else 0.0 for step in steps]
    source = "LTM1_1, LTM2_2"
    if not any(factors) and "PIXEL" in (header.text("CTYPE1") + header.text("CUNIT1")).upper():
        factors = [with_unit(header.text(f"CDELT{i}"))[0] or 0.0 for i in (1, 2)]
        source = "CDELT1, CDELT2"
    near = [
        round(factor)
        for factor in factors
        if 1 <= round(factor) <= _LARGEST_BIN and abs(factor - round(factor)) < _EXACT
    ]
    if len(near) != 2 or near == [1, 1]:  # noqa: PLR2004 -- both axes; no binning here may mean that nobody wrote one
        return None
    why = "from the physical coordinates"
    return Finding(keyword="BIN", value=f"{near[0]}x{near[1]}", how=How.GUESSED, source=source, why=why)


def _bins(finding: Finding) -> tuple[int, int]:
    first, _, second = str(finding.value or "1x1").partition("x")
    return int(first), int(second)


def _seconds(header: Header, rules: Mapping[str, Rule]) -> Finding:
    finding = number_of(header, rules, "READTIME", names.NUMBERS["READTIME"])
    card = next((card for key in names.NUMBERS["READTIME"] if (card := header.get(key))), None)
    if finding.how in {How.FOUND, How.GUESSED} and card and re.search(r"\bms|milli", card.comment, re.IGNORECASE):
        return replace(finding, value=float(finding.value or 0) / 1000.0, how=How.GUESSED, why="milliseconds")
    return finding


def _kind_of_frame(header: Header, rules: Mapping[str, Rule]) -> tuple[Finding, tuple[Remark, ...]]:
    said = by_rule(header, rules, "OBSTYPE")
    chosen = None
    if said is not None:
        chosen = found("OBSTYPE", _kind(said.text) or said.text.lower(), said)
    unknown: Finding | None = None
    for said in () if chosen else by_name(header, "OBSTYPE", names.TYPES):
        kind = names.TYPE_NUMBERS.get(said.text, "") if said.key == "PICTTYPE" else _kind(said.text)
        if kind:
            chosen = found("OBSTYPE", kind, said)
            break
        if said.key in {"OBSTYPE", "IMAGETYP"} and unknown is None:
            unknown = found("OBSTYPE", said.text.lower(), said, why="a word that is not known here")
    chosen = chosen or _named_so(header) or unknown or missing("OBSTYPE", "the header does not say")
    if chosen.value not in _NO_LIGHT:
        return chosen, ()
    level = Level.WARNING if chosen.how is How.DERIVED else Level.REFUSAL
    message = f"This is a {chosen.value} frame, not an exposure of the sky: {clean(chosen.source, 80)}."
    return chosen, (Remark(code="NOT_A_LIGHT_FRAME", level=level, message=message),)


def _kind(text: str) -> str:
    """Return what kind of frame a text speaks of; empty when of none, or of what was done to one."""
    lower = _DONE.sub(" ", _HUMPS.sub(" ", clean(text)).lower().replace("_", " "))
    kinds = [kind for kind, pattern in _WORDS.items() if pattern.search(lower)]
    if "object" not in kinds and "bias" in kinds and len(_NO_LIGHT.intersection(kinds)) > 1:
        return ""  # a list of what it was reduced with
    if "object" in kinds and "sky" in lower.split() and "flat" in kinds:
        return "flat"
    if "object" in kinds and re.match(r"light|object|science", lower):
        return "object"
    return kinds[0] if kinds else ""


def _named_so(header: Header) -> Finding | None:
    """Return the kind of frame where the target is called bias, dark or flat."""
    card = header.get("OBJECT")
    kind = "" if card is None or not _CALLED_SO.fullmatch(card.value.strip()) else _kind(card.value)
    return found("OBSTYPE", kind, card, how=How.DERIVED, why="the target is called so") if card and kind else None


# --- pixels and their scale ---------------------------------------------------------------------


def _pixel_size(header: Header, rules: Mapping[str, Rule], axis: int, bins: tuple[int, int]) -> Finding:
    """Return the size of a binned pixel, um."""
    keyword = f"PIXSIZE{axis + 1}"
    by_mapping = ruled(header, rules, keyword)
    if by_mapping is not None:
        return by_mapping
    for convention, pairs in ((True, names.BINNED_PIXELS), (False, names.BARE_PIXELS)):
        for keys in pairs:
            card = header.get(keys[axis]) or header.get(keys[0])
            size = None if card is None else _micrometres(card)
            if card is None or not size:
                continue
            binned = bool(_BINNED.search(card.comment)) or (convention and not _UNBINNED.search(card.comment))
            if binned or bins[axis] == 1:
                finding = checked(found(keyword, size, card))
            else:
                why = f"{size:g} um, binned {bins[axis]}"
                finding = checked(found(keyword, size * bins[axis], card, how=How.DERIVED, why=why))
            if finding.value is not None:
                return finding
    return missing(keyword, "the header does not say")


def _micrometres(card: Card) -> float:
    """Return a length in um: as its comment says, or metres and millimetres by their size."""
    value, unit = with_unit(card.value)
    if value is None or value <= 0:
        return 0.0
    words = f"{unit} {card.comment}"
    if re.search(r"\[m\]|\bmet(er|re)s?\b", words) or value < 1e-3:  # noqa: PLR2004 -- no pixel is a nanometre
        return value * 1e6
    if re.search(r"\bmm\b|millimet", words):
        return value * 1e3
    return value


def _stated_scale(header: Header, axis: int, bins: tuple[int, int], pixels: tuple[Finding, ...]) -> Finding | None:
    """Return the pixel scale, arcsec, that the header names without a coordinate system: in words, or by its optics."""
    optics = _optics(header, axis, pixels[axis])
    for keys in names.SCALES:
        card = header.get(keys[axis])
        if card is None:
            continue
        finding = _named_scale(card, axis, bins, pixels[axis])
        if finding is None or finding.value is None:
            continue
        if optics is not None and bins[axis] > 1 and _alike(_value(optics), _value(finding) * bins[axis], 0.05):
            why = f"of the unbinned pixel, as {optics.source} shows"
            return replace(finding, value=_value(finding) * bins[axis], how=How.DERIVED, why=why)
        return finding
    return optics


def _named_scale(card: Card, axis: int, bins: tuple[int, int], pixel: Finding) -> Finding | None:
    keyword = f"CDELTA{axis + 1}"
    value, unit = with_unit(card.value)
    if value is None or value == 0:
        return None
    words = f"{unit} {card.comment}"
    per_mm, factor = next(
        ((factor is None, factor) for pattern, factor in _SCALE_UNITS if pattern.search(words)), (False, 1.0)
    )
    if per_mm:
        if pixel.value is None:
            return None
        why = f"{value:g} arcsec/mm, pixels of {_value(pixel):g} um"
        return checked(found(keyword, abs(value) * _value(pixel) / 1000.0, card, how=How.DERIVED, why=why))
    scale = abs(value) * (factor or 1.0)
    if bins[axis] > 1 and _UNBINNED.search(card.comment):
        why = f"unbinned {scale:g} arcsec, binned {bins[axis]}"
        return checked(found(keyword, scale * bins[axis], card, how=How.DERIVED, why=why))
    why = "" if bins[axis] == 1 or _BINNED.search(card.comment) else "taken as of the binned pixel"
    return checked(found(keyword, scale, card, how=How.GUESSED, why=why))


def _optics(header: Header, axis: int, pixel: Finding) -> Finding | None:
    """Return the pixel scale from the size of the pixel and the focal length: 206.265 um / mm."""
    if pixel.value is None:
        return None
    for key in names.FOCAL_LENGTHS:
        card = header.get(key)
        value, unit = (None, "") if card is None else with_unit(card.value)
        if card is None or value is None or value <= 0:
            continue
        metres = value < _SMALL_FOCUS_MM or re.search(r"\[m\]|\bmet(er|re)s\b", f"{unit} {card.comment}")
        focal_mm = value * 1000.0 if metres else value
        scale = ARCSEC_MM_PER_UM * _value(pixel) / focal_mm
        source = f"{pixel.source}, {card}"
        why = f"206.265 x {_value(pixel):g} um / {focal_mm:g} mm"
        finding = checked(Finding(keyword=f"CDELTA{axis + 1}", value=scale, how=How.DERIVED, source=source, why=why))
        if finding.value is not None:
            return finding
    return None


def _scale(
    header: Header, rules: Mapping[str, Rule], axis: int, wcs: LinearWcs | None, stated: Finding | None
) -> Finding:
    keyword = f"CDELTA{axis + 1}"
    by_mapping = ruled(header, rules, keyword)
    if by_mapping is not None:
        return by_mapping if by_mapping.value is None else replace(by_mapping, value=abs(_value(by_mapping)))
    if wcs is not None:
        value = round(wcs.scales_arcsec[axis], 9)
        return Finding(
            keyword=keyword, value=value, how=How.DERIVED, source=wcs.source, why="from the coordinate system"
        )
    return stated or missing(keyword, "no coordinate system, no scale, and no pixel size with a focal length")


def _orientation(header: Header, rules: Mapping[str, Rule], wcs: LinearWcs | None) -> Finding:
    by_mapping = ruled(header, rules, "ORIENTAT")
    if by_mapping is not None:
        return by_mapping
    if wcs is not None and wcs.system == "RA":
        why = "from the coordinate system"
        return Finding(
            keyword="ORIENTAT", value=round(wcs.orientation_deg, 6), how=How.DERIVED, source=wcs.source, why=why
        )
    for said in by_name(header, "ORIENTAT", ("ORIENTAT", "POSANGLE", "POSANG", "ESO ADA POSANG")):
        value = with_unit(said.text)[0]
        if value is not None:
            turned = (value + 180.0) % 360.0 - 180.0
            return found("ORIENTAT", turned, said, how=None if turned == value else How.GUESSED)
    return missing("ORIENTAT", "no coordinate system")


def _scale_remarks(wcs: LinearWcs | None, stated: tuple[Finding | None, ...], bins: int) -> tuple[Remark, ...]:
    """Return whether the coordinate system and the scale that is named do not agree, within what rounding explains."""
    named = stated[0]
    if wcs is None or named is None or named.value is None:
        return ()
    scale = wcs.scales_arcsec[0]
    within = _OPTICS_AGREE if "um /" in named.why else _WORDS_AGREE
    if _alike(scale, _value(named), within) or _alike(scale, _value(named) * bins, within):  # of the unbinned pixel
        return ()
    message = (
        f"The coordinate system's pixels are {scale:.4g} arcsec, {clean(named.source, 80)} makes them "
        f"{_value(named):.4g}; the coordinate system's are taken."
    )
    return (Remark(code="SCALE_AGAINST_WCS", level=Level.WARNING, message=message),)


def _alike(first: float, second: float, within: float) -> bool:
    return abs(first - second) <= within * max(abs(first), abs(second))


def _value(finding: Finding) -> float:
    return 0.0 if finding.value is None or isinstance(finding.value, str) else float(finding.value)
