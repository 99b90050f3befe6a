"""The world coordinate system of a header, as far as its linear part: scale, orientation, centre.

Own arithmetic on purpose: general libraries have overflowed and hung on what headers can say. Greisen & Calabretta
(2002, A&A 395, 1061, "paper I") for the matrix, Calabretta & Greisen (2002, A&A 395, 1077, "paper II") for the tangent
plane; distortion (SIP, TPV, TNX) is left to those who fit it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from photocal.headers.cards import Header
from photocal.headers.values import clean, number

_LON, _LAT = ("RA", "GLON", "ELON"), ("DEC", "GLAT", "ELAT")
_UNITS = {
    "": 1.0, "DEG": 1.0, "DEGREE": 1.0, "DEGREES": 1.0, "D": 1.0, "ARCMIN": 1 / 60, "ARCSEC": 1 / 3600,
    "MAS": 1 / 3.6e6,
    "RAD": 180 / math.pi, "RADIAN": 180 / math.pi, "RADIANS": 180 / math.pi, "HOUR": 15.0, "H": 15.0,
}  # fmt: skip
_FINEST_ARCSEC, _COARSEST_ARCSEC = 1e-3, 600.0
_FARTHEST_PIXEL = 1e6
_MOST_SKEWED = 0.02  # |det| over the product of the column lengths: the sine of the angle between the axes
_MOST_UNEQUAL = 20.0
_WCS_KEY = re.compile(
    r"WCSAXES|CTYPE[12]|CUNIT[12]|CRVAL[12]|CRPIX[12]|CDELT[12]|CROTA[12]|CD[12]_[12]|PC[12]_[12]|PC00[12]00[12]"
    r"|PV[12]_\d{1,2}|LON(G)?POLE|LATPOLE|RADESYS|RADECSYS|EQUINOX|(A|B|AP|BP)_(ORDER|\d_\d)|WAT[12]_\d{3}"
)
_TERM = re.compile(r"PV[12]_\d{1,2}|LON(G)?POLE|LATPOLE|(A|B|AP|BP)_(ORDER|\d_\d)")
_TEXTUAL = re.compile(r"CTYPE[12]|CUNIT[12]|RADESYS|RADECSYS|WAT[12]_\d{3}")
_MOST_SIP = 9


class ImpossibleWcs(ValueError):  # noqa: N818 -- a word, as the errors of cpcs.errors
    """The header has a world coordinate system, and it cannot be one; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearWcs:
    """The linear part of a celestial world coordinate system.

    Attributes
    ----------
    matrix
        ((a, b), (c, d)), deg per pixel: how longitude (on the sky, towards larger) and latitude change along the two
        axes, whichever axis of the header holds which.
    pixel
        Reference pixel, 1-based.
    place
        Longitude and latitude there, deg.
    system
        ``RA``, ``GLON`` or ``ELON``: which longitude it is.
    source
        The cards that it was read from.
    """

    matrix: tuple[tuple[float, float], tuple[float, float]]
    pixel: tuple[float, float]
    place: tuple[float, float]
    system: str
    source: str

    @property
    def scales_arcsec(self) -> tuple[float, float]:
        """Pixel scale along each axis: the length of the matrix's columns."""
        (a, b), (c, d) = self.matrix
        return 3600.0 * math.hypot(a, c), 3600.0 * math.hypot(b, d)

    @property
    def orientation_deg(self) -> float:
        """Position angle of the second axis, from north (of the system) through east, -180 to 180."""
        (_, b), (_, d) = self.matrix
        return math.degrees(math.atan2(b, d))

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return longitude (0 to 360) and latitude, deg, at a pixel, 1-based, by the tangent projection."""
        (a, b), (c, d) = self.matrix
        dx, dy = x - self.pixel[0], y - self.pixel[1]
        east, north = math.radians(a * dx + b * dy), math.radians(c * dx + d * dy)
        lon0, lat0 = math.radians(self.place[0]), math.radians(self.place[1])
        across = math.cos(lat0) - north * math.sin(lat0)
        lon = lon0 + math.atan2(east, across)
        lat = math.atan2(math.sin(lat0) + north * math.cos(lat0), math.hypot(east, across))
        return math.degrees(lon) % 360.0, math.degrees(lat)


def linear_wcs(header: Header) -> LinearWcs | None:
    """Return the linear part of a header's celestial coordinate system; None when it has none.

    Raises
    ------
    ImpossibleWcs
        It has one that cannot be: not finite, singular, of an absurd scale, or somewhere that is not on the sky.
    """
    kinds = [_kind(header.text(f"CTYPE{i}")) for i in (1, 2)]
    if {kind[1] for kind in kinds} != {0, 1} or not all(f"CRVAL{i}" in header for i in (1, 2)):
        return None
    matrix, source = _matrix(header)
    if matrix is None:
        return None
    pixel = (_real(header, "CRPIX1", 0.0), _real(header, "CRPIX2", 0.0))
    values = tuple(_real(header, f"CRVAL{i}", 0.0) * _unit(header, i) for i in (1, 2))
    rows = tuple(tuple(cell * _unit(header, i) for cell in matrix[i - 1]) for i in (1, 2))
    lon = 0 if kinds[0][1] == 0 else 1  # the axis that holds the longitude
    found = LinearWcs(
        matrix=((rows[lon][0], rows[lon][1]), (rows[1 - lon][0], rows[1 - lon][1])),
        pixel=pixel,
        place=(values[lon], values[1 - lon]),
        system=kinds[lon][0],
        source=source,
    )
    _check(found)
    _check_terms(header)
    return found


def wcs_cards(header: Header) -> dict[str, str]:
    """Return the cards of the primary world coordinate system: keyword and value as the file has it."""
    return {
        card.key: clean(card.value)
        for card in header
        if card.value
        and _WCS_KEY.fullmatch(card.key)
        and (_TEXTUAL.fullmatch(card.key) or number(card.value) is not None)
    }


def _kind(ctype: str) -> tuple[str, int]:
    """Return the coordinate of an axis, and 0 for a longitude, 1 for a latitude, -1 for neither."""
    name = ctype.strip().upper().partition("-")[0]
    return name, 0 if name in _LON else 1 if name in _LAT else -1


def _unit(header: Header, axis: int) -> float:
    text = header.text(f"CUNIT{axis}").upper().strip()
    if text not in _UNITS:
        raise ImpossibleWcs(f"CUNIT{axis} = {clean(text, 20)!r} is no unit of angles")
    return _UNITS[text]


def _real(header: Header, key: str, default: float) -> float:
    card = header.get(key)
    if card is None:
        return default
    value = number(card.value)
    if value is None:
        raise ImpossibleWcs(f"{clean(str(card), 60)} is no number")
    return value


Matrix = tuple[tuple[float, float], tuple[float, float]]


def _matrix(header: Header) -> tuple[Matrix | None, str]:
    """Return the matrix in the header's own units, from CD, else from CDELT with PC or CROTA; and its cards."""
    cd = [f"CD{i}_{j}" for i in (1, 2) for j in (1, 2)]
    if any(key in header for key in cd):
        a, b, c, d = (_real(header, key, 0.0) for key in cd)
        return ((a, b), (c, d)), _cards(header, cd)
    steps = ["CDELT1", "CDELT2"]
    old = _pc("PC00{}00{}")
    pc = old if any(key in header for key in old) else _pc("PC{}_{}")
    turned = any(key in header for key in pc)
    if not turned and not all(key in header for key in steps):
        return None, ""
    first, second = (_real(header, key, 1.0) for key in steps)
    if turned:
        a, b, c, d = (_real(header, key, default) for key, default in zip(pc, (1.0, 0.0, 0.0, 1.0), strict=True))
        return ((first * a, first * b), (second * c, second * d)), _cards(header, [*steps, *pc])
    key = "CROTA2" if "CROTA2" in header else "CROTA1"
    angle = math.radians(_real(header, key, 0.0))
    cos, sin = math.cos(angle), math.sin(angle)
    return ((first * cos, -second * sin), (first * sin, second * cos)), _cards(header, [*steps, key])


def _pc(form: str) -> list[str]:
    return [form.format(i, j) for i in (1, 2) for j in (1, 2)]


def _cards(header: Header, keys: list[str]) -> str:
    return ", ".join(str(card) for key in keys if (card := header.get(key)))


def _check(wcs: LinearWcs) -> None:
    """Refuse what cannot be a picture of the sky."""
    (a, b), (c, d) = wcs.matrix
    if not all(map(math.isfinite, (a, b, c, d, *wcs.pixel, *wcs.place))):
        raise ImpossibleWcs("a number of it is not finite")
    scales = wcs.scales_arcsec
    for scale in scales:
        if not _FINEST_ARCSEC <= scale <= _COARSEST_ARCSEC:
            raise ImpossibleWcs(f"its pixel scale is {scale:.3g} arcsec")
    if abs(a * d - b * c) * 3600.0**2 < _MOST_SKEWED * scales[0] * scales[1]:
        raise ImpossibleWcs("its matrix is singular: both axes point the same way")
    if not 1 / _MOST_UNEQUAL <= scales[0] / scales[1] <= _MOST_UNEQUAL:
        raise ImpossibleWcs(f"its pixels are {scales[0]:.3g} by {scales[1]:.3g} arcsec")
    if not -180.0 <= wcs.place[0] <= 360.0 or not -90.0 <= wcs.place[1] <= 90.0:  # noqa: PLR2004
        raise ImpossibleWcs(f"its reference point is at {wcs.place[0]:.6g}, {wcs.place[1]:.6g} deg")
    if max(map(abs, wcs.pixel)) > _FARTHEST_PIXEL:
        raise ImpossibleWcs(f"its reference pixel is {wcs.pixel[0]:.6g}, {wcs.pixel[1]:.6g}")


def _check_terms(header: Header) -> None:
    """Refuse distortion terms that are no numbers, or of an order that nobody fits."""
    for card in header:
        if not card.value or not _TERM.fullmatch(card.key):
            continue
        value = number(card.value)
        if value is None:
            raise ImpossibleWcs(f"{clean(str(card), 60)} is no number")
        if card.key.endswith("_ORDER") and not 0 <= value <= _MOST_SIP:
            raise ImpossibleWcs(f"{card.key} = {value:g}")
