"""Object and coordinates in the standard header: where the frame points, in ICRS, and what contradicts it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cpcs.mappings import Format, Rule
from photocal.headers import names
from photocal.headers.cards import Card, Header
from photocal.headers.ephemeris import separation_deg
from photocal.headers.frames import Frame, frame_of, to_icrs
from photocal.headers.linear import ImpossibleWcs, LinearWcs, linear_wcs, wcs_cards
from photocal.headers.positions import Angle, NoPlace, Place, angle, by_format, packed, place
from photocal.headers.said import UNDEFINED, Said, by_name, by_rule
from photocal.headers.standard import Finding, Given, How, Level, Remark
from photocal.headers.values import checked, clean, found, missing, number, number_of, ruled, text_of, whole

MEANINGS: dict[str, str] = {
    "IMPOSSIBLE_WCS": "The coordinate system is singular, not finite, of absurd scale or off the sky; it is not taken",
    "POSITION_AGAINST_WCS": "The header's position is farther from the middle of the image than the field is wide",
}
"""Codes of the remarks on coordinates, and what they mean."""

_WCS_KEYWORDS = ("CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CRVAL1", "CRVAL2")
_SMALLEST_FIELD_DEG = 0.25  # pointing models and dithers reach that far, whatever the field
_SAME_DEG = 1.0 / 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyBlock:
    """What was found of object and coordinates: findings, remarks, and the coordinate system.

    Attributes
    ----------
    findings
        OBJECT to AIRMASS, in no particular order; AIRMASS only where the mapping has it.
    remarks
        What does not agree.
    wcs
        Its cards, as the file has them; empty when there is none that can be.
    linear
        Its linear part.
    impossible
        Why there is none that can be, though the header has one.
    """

    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...] = ()
    wcs: Mapping[str, str]
    linear: LinearWcs | None = None
    impossible: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pointing:
    """A position of the header in ICRS, deg."""

    ra_deg: float
    dec_deg: float
    ra: Finding
    dec: Finding


def sky_block(header: Header, rules: Mapping[str, Rule], given: Given, *, mjd: float | None) -> SkyBlock:
    """Understand the keywords of object and coordinates.

    Parameters
    ----------
    header, rules
        The cards, and the mapping's rules by standard keyword.
    given
        What is known beside the header: the target decides between hours and degrees.
    mjd
        Of the exposure, where it is known: for coordinates of that date.
    """
    remarks: list[Remark] = []
    linear, impossible = None, ""
    try:
        linear = linear_wcs(header)
    except ImpossibleWcs as error:
        impossible = clean(str(error))
        message = f"The header's coordinate system is not taken: {impossible}."
        remarks.append(Remark(code="IMPOSSIBLE_WCS", level=Level.WARNING, message=message))
    equinox = _equinox(header, rules)
    system = text_of(header, rules, "RADESYS", names.TEXTS["RADESYS"])
    frame = frame_of(equinox, system)
    centre = None if linear is None else _centre(header, linear, frame)
    ra, dec, more = _pointing(header, rules, given, frame=frame, mjd=mjd, linear=linear, centre=centre)
    findings = (
        text_of(header, rules, "OBJECT", names.TEXTS["OBJECT"]),
        equinox,
        system,
        *(_as_written(header, rules, keyword, impossible) for keyword in _WCS_KEYWORDS),
        ra,
        dec,
        ruled(header, rules, "AIRMASS") or missing("AIRMASS"),
    )
    return SkyBlock(
        findings=findings,
        remarks=(*remarks, *more),
        wcs={} if linear is None else wcs_cards(header),
        linear=linear,
        impossible=impossible,
    )


def _as_written(header: Header, rules: Mapping[str, Rule], keyword: str, impossible: str) -> Finding:
    if impossible and keyword not in rules:
        card = header.get(keyword)
        return missing(
            keyword, f"the coordinate system cannot be: {impossible}", source="" if card is None else str(card)
        )
    said = by_rule(header, rules, keyword)
    if said is not None and said.format is not None and said.format.type == "angle":
        degrees = by_format(said.text, said.format)
        return (
            missing(keyword, "not as the mapping says", source=said.source)
            if degrees is None
            else found(keyword, degrees, said)
        )
    if keyword.startswith("CRVAL"):
        return number_of(header, rules, keyword, (keyword,))
    return text_of(header, rules, keyword, (keyword,))


def _equinox(header: Header, rules: Mapping[str, Rule]) -> Finding:
    """Return the equinox of the header's coordinates; EPOCH only where it is one (an observation's is not)."""
    by_mapping = ruled(header, rules, "EQUINOX")
    if by_mapping is not None:
        return checked(by_mapping)
    passed: Finding | None = None
    for said in by_name(header, "EQUINOX", names.EQUINOXES):
        letters = said.text.strip().upper().lstrip("JB ")
        value = number(letters)
        if value is None or (said.key == "EPOCH" and not (value / 25.0).is_integer()):
            continue
        finding = checked(found("EQUINOX", value, said))
        if finding.value is not None:
            return finding
        passed = passed or finding
    return passed or missing("EQUINOX", "the header does not say")


def _centre(header: Header, linear: LinearWcs, frame: Frame) -> tuple[float, float]:
    """Return the position of the middle of the image, ICRS, deg; of the reference pixel when its size is unknown."""
    size = [whole(header.text(f"ZNAXIS{i}") or header.text(f"NAXIS{i}")) for i in (1, 2)]
    middle = linear.pixel if None in size else tuple((length or 0) / 2.0 + 0.5 for length in size)
    lon, lat = linear.at(middle[0], middle[1])
    return to_icrs(lon, lat, frame if linear.system == "RA" else Frame(kind=linear.system), mjd=None)[:2]


def _field(header: Header, linear: LinearWcs) -> float:
    """Return the diagonal of what the whole camera sees, deg: of the mosaic, where the header has its size."""
    size = [whole(header.text(f"ZNAXIS{i}") or header.text(f"NAXIS{i}")) or 0 for i in (1, 2)]
    mosaic = re.fullmatch(r"\[(\d{1,6}):(\d{1,6}), ?(\d{1,6}):(\d{1,6})\]", header.text("DETSIZE"))
    if mosaic:
        size = [max(size[0], int(mosaic[2])), max(size[1], int(mosaic[4]))]
    scale = linear.scales_arcsec
    return math.hypot(size[0] * scale[0], size[1] * scale[1]) / 3600.0


def _pointing(
    header: Header,
    rules: Mapping[str, Rule],
    given: Given,
    *,
    frame: Frame,
    mjd: float | None,
    linear: LinearWcs | None,
    centre: tuple[float, float] | None,
) -> tuple[Finding, Finding, tuple[Remark, ...]]:
    """Return where the frame points, and whether the header and its coordinate system agree on that."""
    target = None
    if given.target_ra_deg is not None and given.target_dec_deg is not None:
        target = (given.target_ra_deg, given.target_dec_deg)
    others = [other for other in (centre, target) if other]
    pointing, why = _by_rules(header, rules, frame, mjd, others)
    if pointing is None and not why:
        pointing, why = _by_names(header, frame, mjd, others)
    if linear is None or centre is None:
        if pointing is None:
            return missing("RA", why), missing("DEC", why), ()
        return pointing.ra, pointing.dec, ()
    of_wcs = tuple(
        Finding(
            keyword=keyword, value=value, how=How.DERIVED, source=clean(_reference(header)),
            why="the middle of the image, by its coordinate system",
        )
        for keyword, value in zip(("RA", "DEC"), centre, strict=True)
    )  # fmt: skip
    if pointing is None:
        return of_wcs[0], of_wcs[1], ()
    away = separation_deg(pointing.ra_deg, pointing.dec_deg, *centre)
    from_reference = separation_deg(pointing.ra_deg, pointing.dec_deg, *to_icrs(*linear.place, frame, mjd=None)[:2])
    if min(away, from_reference) <= max(_field(header, linear), _SMALLEST_FIELD_DEG):
        return pointing.ra, pointing.dec, ()
    keep = target is not None and (
        separation_deg(pointing.ra_deg, pointing.dec_deg, *target) < separation_deg(*centre, *target)
    )
    taken = "the header's position is taken, it is nearer to the target" if keep else "the coordinate system's is taken"
    message = (
        f"{clean(pointing.ra.source, 60)}, {clean(pointing.dec.source, 60)} is {away:.3g} deg from the middle of the "
        f"image by its coordinate system (RA {centre[0]:.5f}, Dec {centre[1]:.5f}); {taken}."
    )
    remark = Remark(code="POSITION_AGAINST_WCS", level=Level.WARNING, message=message)
    chosen = (pointing.ra, pointing.dec) if keep else of_wcs
    return chosen[0], chosen[1], (remark,)


def _reference(header: Header) -> str:
    return ", ".join(str(card) for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2") if (card := header.get(key)))


def _by_rules(
    header: Header, rules: Mapping[str, Rule], frame: Frame, mjd: float | None, others: list[tuple[float, float]]
) -> tuple[_Pointing | None, str]:
    """Return the position that the mapping names, for both axes or for one of them; else what is wrong with it."""
    ruled_ones = [by_rule(header, rules, keyword) for keyword in ("RA", "DEC")]
    said = [
        item or next(by_name(header, key, (key,)), None) for item, key in zip(ruled_ones, ("RA", "DEC"), strict=True)
    ]
    if ruled_ones == [None, None]:
        return None, ""
    if said[0] is None or said[1] is None:
        return None, "the mapping names one of RA and DEC, and the header has no other"
    angles = [_said_angle(item) for item in (said[0], said[1])]
    if angles[0] is None or angles[1] is None:
        return None, f"{clean(said[0].source, 40)}, {clean(said[1].source, 40)} is not as the mapping says"
    try:
        where = place(angles[0], angles[1], (said[0].comment, said[1].comment), others)
    except NoPlace as error:
        return None, str(error)
    ra, dec, moved = to_icrs(where.ra_deg, where.dec_deg, frame, mjd=mjd)
    pointing = _Pointing(
        ra_deg=ra,
        dec_deg=dec,
        ra=found("RA", ra, said[0], why="; ".join(filter(None, (where.why, moved)))),
        dec=found("DEC", dec, said[1], why=moved),
    )
    return pointing, ""


def _said_angle(said: Said) -> Angle | None:
    """Return an angle in degrees where the mapping's format says in what it is written; else its unit is left open."""
    form = said.format or Format()
    if form.form:
        degrees = by_format(said.text, form)
        return None if degrees is None else Angle(value=degrees, sexagesimal=False, marks="d")
    if form.unit in {"deg", "rad"}:
        value = number(said.text)
        return (
            None
            if value is None
            else Angle(value=value if form.unit == "deg" else math.degrees(value), sexagesimal=False, marks="d")
        )
    return angle(said.text)


def _by_names(
    header: Header, frame: Frame, mjd: float | None, others: list[tuple[float, float]]
) -> tuple[_Pointing | None, str]:
    """Return the first position that can be one; else why there is none."""
    why = ""
    for ra, dec, hint in _pairs(header):
        read = packed if hint == "PACKED" else angle
        angles = (read(ra.value), read(dec.value))
        if angles[0] is None or angles[1] is None:
            why = why or f"{clean(str(ra), 40)}, {clean(str(dec), 40)} is no position"
            continue
        if (
            angles[0].value == 0
            and angles[1].value == 0
            and not any(separation_deg(0, 0, *other) < 1 for other in others)
        ):
            why = why or f"{ra.key} and {dec.key} are both 0: unknown"
            continue
        try:
            where = place(angles[0], angles[1], (ra.comment, dec.comment), [*others, *_sure(header, ra.key)])
        except NoPlace as error:
            why = why or f"{clean(str(ra), 40)}, {clean(str(dec), 40)}: {error}"
            continue
        return _in_icrs(ra, dec, where, frame_of_pair(ra, hint, frame), mjd), ""
    centre = _plate(header)
    if centre is not None:
        return _in_icrs(*centre, frame, mjd), ""
    return None, why or "the header does not say"


def frame_of_pair(card: Card, hint: str, frame: Frame) -> Frame:
    """Return the frame of one position: what its name or comment says before what the header says for all."""
    comment = card.comment.upper()
    if hint == "J2000" or re.search(r"\bJ?2000(\.0)?\b", comment) or "ICRS" in comment:
        return Frame(kind="ICRS")
    if hint == "DATE" or re.search(r"\bEOD\b|JNOW|OF DATE|APPARENT|TOPOCENTRIC", comment):
        return Frame(kind="DATE")
    if re.search(r"\bB?1950(\.0)?\b", comment):
        return Frame(kind="FK4", equinox=1950.0)
    return frame


def _pairs(header: Header) -> Iterator[tuple[Card, Card, str]]:
    for ra_key, dec_key, hint in names.POSITIONS_ON_SKY:
        ra, dec = header.get(ra_key), header.get(dec_key)
        if ra is not None and dec is not None and not {ra.value.upper(), dec.value.upper()} & UNDEFINED:
            yield ra, dec, hint


def _sure(header: Header, but: str) -> Iterator[tuple[float, float]]:
    """Yield the header's other positions whose unit is not in doubt, deg."""
    for ra, dec, hint in _pairs(header):
        angles = (angle(ra.value), angle(dec.value))
        if ra.key == but or hint == "PACKED" or angles[0] is None or angles[1] is None:
            continue
        if angles[0].sexagesimal or angles[0].marks or angles[0].value > 24.0:  # noqa: PLR2004 -- no hours
            try:
                where = place(angles[0], angles[1], (ra.comment, dec.comment), ())
            except NoPlace:
                continue
            yield where.ra_deg, where.dec_deg


def _in_icrs(ra: Card, dec: Card, where: Place, frame: Frame, mjd: float | None) -> _Pointing:
    ra_deg, dec_deg, moved = to_icrs(where.ra_deg, where.dec_deg, frame, mjd=mjd)
    changed = separation_deg(ra_deg, dec_deg, where.ra_deg, where.dec_deg) > _SAME_DEG
    guess = None if where.sure and ra.key == "RA" and not ra.is_text else How.GUESSED
    how = How.DERIVED if changed else guess
    ra_why = "; ".join(filter(None, (where.why, moved)))
    dec_how = how if changed or where.why == "radians" else None
    if dec_how is None and (dec.is_text or dec.key != "DEC"):
        dec_how = How.GUESSED
    return _Pointing(
        ra_deg=ra_deg,
        dec_deg=dec_deg,
        ra=found("RA", ra_deg, ra, how=how, why=ra_why),
        dec=found("DEC", dec_deg, dec, how=dec_how, why=moved or ("radians" if where.why == "radians" else "")),
    )


def _plate(header: Header) -> tuple[Card, Card, Place] | None:
    """Return the centre of a digitised photographic plate, which has a keyword for each part."""
    parts = [number(header.text(key)) for key in ("PLTRAH", "PLTRAM", "PLTRAS", "PLTDECD", "PLTDECM", "PLTDECS")]
    if None in parts:
        return None
    ra_h, ra_m, ra_s, dec_d, dec_m, dec_s = (part or 0.0 for part in parts)
    size = dec_d + dec_m / 60.0 + dec_s / 3600.0
    dec = -size if header.text("PLTDECSN").strip() == "-" else size
    ra_card, dec_card = header.get("PLTRAH"), header.get("PLTDECD")
    try:
        where = place(
            Angle(value=ra_h + ra_m / 60.0 + ra_s / 3600.0, sexagesimal=True, marks="h"),
            Angle(value=dec, sexagesimal=True), ("", ""), (),
        )  # fmt: skip
    except NoPlace:
        return None
    if ra_card is None or dec_card is None:
        return None
    return ra_card, dec_card, replace(where, why="the centre of the plate")
