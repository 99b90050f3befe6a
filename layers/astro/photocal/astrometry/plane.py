"""A plate solution: tangent projection with SIP distortion, by our own arithmetic.

Shupe et al. 2005 (ASPC 347, 491) for SIP, Calabretta & Greisen 2002 (A&A 395, 1077) for the gnomonic projection:
``(xi, eta) = CD (u + f(u, v), v + g(u, v))`` with ``u = x - x0``, ``v = y - y0``, 0-based pixels, and xi, eta on the
plane that touches the sphere at ``place``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Matrix = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A plate solution.

    Attributes
    ----------
    place
        RA and Dec (ICRS), deg, of the reference pixel.
    pixel
        The reference pixel, 0-based.
    matrix
        CD, deg per pixel: ((xi by u, xi by v), (eta by u, eta by v)).
    order
        Of the distortion; 0 or 1 for none.
    a, b
        SIP coefficients (p, q) -> pixels^(1 - p - q), of u^p v^q.
    """

    place: tuple[float, float]
    pixel: tuple[float, float]
    matrix: Matrix
    order: int = 0
    a: dict[tuple[int, int], float] = field(default_factory=dict)
    b: dict[tuple[int, int], float] = field(default_factory=dict)
