"""A plate solution as the cards of a FITS header, and back.

Own arithmetic on purpose: what a header says must not reach a general library (see `photocal.headers.linear`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from photocal.astrometry.plane import Plane, Terms, polynomial
from photocal.headers.cards import Card, Header
from photocal.headers.linear import ImpossibleWcs, linear_wcs
from photocal.headers.values import number

_KINDS = {("RA---TAN", "DEC--TAN"), ("RA---TAN-SIP", "DEC--TAN-SIP")}
# Projections about the reference pixel, alike near it, with distortions that are not read here or none
_ALIKE = {"TAN", "TPV", "TNX", "ZPN", "ZPX", "SIN", "STG", "ARC", "ZEA"}
_TERM = re.compile(r"(A|B|AP|BP)_.*|PV[12]_.*|LON(G)?POLE|LATPOLE|CTYPE[12]")
_MOST_ORDER = 9
_FLAT = 1e-3  # |det| over the square of the largest element: flatter is no image
_FAR = 500.0  # pixels from the reference pixel, where no term may move a star by more than that
_SAMPLES = 25  # along each axis, of the points that the inverse is fitted to
_J2000, _SAME_YEAR = 2000.0, 0.01


def cards(plane: Plane, shape: tuple[int, int] | None = None) -> dict[str, str | float | int]:
    """Return the cards of a plate solution: TAN, or TAN-SIP with its inverse (AP, BP).

    Parameters
    ----------
    plane
        The solution.
    shape
        Rows and columns of the image, over which the inverse is fitted; by default the reference pixel is its middle.

    Returns
    -------
    dict
        Keyword -> value, in the order in which they are to be written; CRPIX is 1-based, as FITS has it.
    """
    kind = "-SIP" if plane.a or plane.b else ""
    (cd11, cd12), (cd21, cd22) = plane.matrix
    found: dict[str, str | float | int] = {
        "WCSAXES": 2,
        "CTYPE1": f"RA---TAN{kind}",
        "CTYPE2": f"DEC--TAN{kind}",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CRVAL1": plane.place[0],
        "CRVAL2": plane.place[1],
        "CRPIX1": plane.reference_pixel[0] + 1.0,
        "CRPIX2": plane.reference_pixel[1] + 1.0,
        "CD1_1": cd11,
        "CD1_2": cd12,
        "CD2_1": cd21,
        "CD2_2": cd22,
        "LONPOLE": 180.0,
        "RADESYS": "ICRS",
    }
    if not kind:
        return found
    inverse_a, inverse_b = _inverse(plane, shape)
    for name, terms in (("A", plane.a), ("B", plane.b), ("AP", inverse_a), ("BP", inverse_b)):
        found[f"{name}_ORDER"] = max((p + q for p, q in terms), default=0)
        found.update({f"{name}_{p}_{q}": value for (p, q), value in sorted(terms.items())})
    return found


def _inverse(plane: Plane, shape: tuple[int, int] | None) -> tuple[Terms, Terms]:
    """Return the terms that take the distortion back, of its order and one more, by least squares over the image."""
    x0, y0 = plane.reference_pixel
    columns, rows = (shape[1], shape[0]) if shape is not None else (2.0 * x0 + 1.0, 2.0 * y0 + 1.0)
    x, y = (np.linspace(0.0, max(size - 1.0, 1.0), _SAMPLES) for size in (columns, rows))
    u, v = (axis.ravel() for axis in np.meshgrid(x - x0, y - y0))
    far_u, far_v = u + polynomial(plane.a, u, v), v + polynomial(plane.b, u, v)
    powers = [(p, n - p) for n in range(1, min(plane.order + 1, _MOST_ORDER) + 1) for p in range(n, -1, -1)]
    reach = float(np.max(np.hypot(far_u, far_v))) or 1.0
    design = np.stack([(far_u / reach) ** p * (far_v / reach) ** q for p, q in powers], axis=1)
    moved = np.stack([u - far_u, v - far_v], axis=1)
    values = np.linalg.lstsq(design, moved, rcond=None)[0]
    terms = [
        {power: float(value) / reach ** sum(power) for power, value in zip(powers, column, strict=True)}
        for column in values.T
    ]
    return terms[0], terms[1]


def plane_of(given: Mapping[str, object]) -> Plane | None:
    """Return the plate solution that cards describe; None where they describe none that is read here, or an absurd one.

    Read are TAN and TAN-SIP in equatorial coordinates of J2000 (ICRS, or FK5, which is taken for it), with any matrix.

    Parameters
    ----------
    given
        Keyword -> value, text or number.
    """
    header = Header(Card(key=key.upper(), value=_text(value)) for key, value in given.items())
    if (header.text("CTYPE1").strip(), header.text("CTYPE2").strip()) not in {*_KINDS, *(k[::-1] for k in _KINDS)}:
        return None
    try:
        linear = linear_wcs(header)
    except ImpossibleWcs:
        return None
    if linear is None or not _usual(header, linear.place[1]):
        return None
    a, b = _terms(header, "A"), _terms(header, "B")
    if a is None or b is None:
        return None
    return Plane(
        place=(linear.place[0] % 360.0, linear.place[1]),
        reference_pixel=(linear.pixel[0] - 1.0, linear.pixel[1] - 1.0),
        matrix=linear.matrix,
        order=max((p + q for p, q in (*a, *b)), default=0),
        a=a,
        b=b,
    )


def hint_of(given: Mapping[str, object]) -> Plane | None:
    """Return what cards say of where the image points, as something to start from: `plane_of`, else the linear part.

    That is of any projection about the reference pixel (TPV, TNX, ZPN ...), with the linear terms of TPV; a SIP that
    cannot be is left aside; a native pole elsewhere turns the axes (Calabretta & Greisen 2002, section 2.4).

    Parameters
    ----------
    given
        Keyword -> value, text or number.
    """
    exact = plane_of(given)
    if exact is not None:
        return exact
    header = Header(Card(key=key.upper(), value=_text(value)) for key, value in given.items())
    kinds = [header.text(f"CTYPE{i}").strip().upper().partition("-") for i in (1, 2)]
    projections = {kind[2].strip("-").partition("-")[0] for kind in kinds}
    if {kind[0] for kind in kinds} != {"RA", "DEC"} or len(projections) != 1 or not projections <= _ALIKE:
        return None
    plain = [card for card in header if not _TERM.fullmatch(card.key)]
    plain += [Card(key=f"CTYPE{i + 1}", value=f"{kind[0]}--TAN") for i, kind in enumerate(kinds)]
    try:
        linear = linear_wcs(Header(plain))
    except ImpossibleWcs:
        return None
    if linear is None or not _of_2000(header):
        return None
    pole = np.radians(_or(header, "LONPOLE", _or(header, "LONGPOLE", 180.0)))
    turn = np.array([[-np.cos(pole), -np.sin(pole)], [np.sin(pole), -np.cos(pole)]])
    bent = np.eye(2)
    if projections <= {"TPV", "TAN"}:
        bent = np.array([[_or(header, "PV1_1", 1.0), _or(header, "PV1_2", 0.0)],
                         [_or(header, "PV2_2", 0.0), _or(header, "PV2_1", 1.0)]])  # fmt: skip
    matrix = turn @ bent @ np.array(linear.matrix)
    size = float(np.max(np.abs(matrix)))
    if not 0.1 < abs(float(np.linalg.det(bent))) < 10.0 or abs(float(np.linalg.det(matrix))) < _FLAT * size**2:  # noqa: PLR2004
        return None
    (a, b), (c, d) = matrix.tolist()
    return Plane(
        place=(linear.place[0] % 360.0, linear.place[1]),
        reference_pixel=(linear.pixel[0] - 1.0, linear.pixel[1] - 1.0),
        matrix=((a, b), (c, d)),
    )


def _or(header: Header, key: str, default: float) -> float:
    """Return a card's number; the default where there is none, or one that is not finite."""
    value = number(header.text(key) or "")
    return default if value is None or not np.isfinite(value) else value


def _text(value: object) -> str:
    return repr(float(value)) if isinstance(value, float | np.floating) else str(value)


def _usual(header: Header, dec_deg: float) -> bool:
    """Return whether the native pole is where it usually is, nothing is TPV in disguise, and the system is J2000."""
    pole = number(header.text("LONPOLE") or header.text("LONGPOLE") or ("0" if dec_deg >= 90.0 else "180"))  # noqa: PLR2004
    disguised = any(card.key.startswith(("PV1_", "PV2_")) and number(card.value) for card in header)
    return pole == 180.0 and _of_2000(header) and not disguised  # noqa: PLR2004


def _of_2000(header: Header) -> bool:
    year = number(header.text("EQUINOX") or str(_J2000))
    system = (header.text("RADESYS") or header.text("RADECSYS") or "ICRS").strip().upper()
    return system == "ICRS" or (system == "FK5" and year is not None and abs(year - _J2000) < _SAME_YEAR)


def _terms(header: Header, name: str) -> Terms | None:
    """Return the terms of one polynomial that are not 0; None when one is absurd."""
    order = number(header.text(f"{name}_ORDER") or "0")
    if order is None or order != int(order) or not 0 <= order <= _MOST_ORDER:
        return None
    terms: Terms = {}
    for n in range(int(order) + 1):
        for p in range(n + 1):
            value = number(header.text(f"{name}_{p}_{n - p}") or "0")
            if value is None or abs(value) * _FAR**n > _FAR:
                return None
            if value:
                terms[p, n - p] = value
    return terms
