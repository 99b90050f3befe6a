"""A plate solution: tangent projection with SIP distortion, by our own arithmetic.

Shupe et al. 2005 (ASPC 347, 491) for SIP, Calabretta & Greisen 2002 (A&A 395, 1077) for the gnomonic projection:
``(xi, eta) = CD (u + f(u, v), v + g(u, v))`` with ``u = x - x0``, ``v = y - y0``, 0-based pixels, and xi, eta on the
plane that touches the sphere at ``place``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from photocal.arrays import Floats
from photocal.images.frame import Grid
from photocal.sphere import axes, tangent_plane

Terms = dict[tuple[int, int], float]
Matrix = tuple[tuple[float, float], tuple[float, float]]

_MOST_ROUNDS, _AT_REST, _GOOD = 20, 1e-10, 1e-6  # of Newton's iteration; pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A plate solution.

    Attributes
    ----------
    place
        RA and Dec (ICRS), deg, of the reference pixel.
    reference_pixel
        0-based; where the distortion vanishes.
    matrix
        CD, deg per pixel: ((xi by u, xi by v), (eta by u, eta by v)).
    order
        Of the distortion; 0 or 1 for none.
    a, b
        SIP coefficients (p, q) -> pixels^(1 - p - q), of u^p v^q.
    """

    place: tuple[float, float]
    reference_pixel: tuple[float, float]
    matrix: Matrix
    order: int = 0
    a: Terms = field(default_factory=dict)
    b: Terms = field(default_factory=dict)

    @property
    def scale_arcsec(self) -> float:
        """Arcsec per pixel at the reference pixel: the root of a pixel's area."""
        (a, b), (c, d) = self.matrix
        return 3600.0 * float(np.sqrt(abs(a * d - b * c)))

    @property
    def parity(self) -> int:
        """-1 with east to the left where north is up and y upwards, as the sky is seen; +1 when mirrored."""
        (a, b), (c, d) = self.matrix
        return 1 if a * d - b * c > 0 else -1

    def sky(self, x: Floats | float, y: Floats | float) -> tuple[Floats, Floats]:
        """Return RA (0 to 360) and Dec, deg, at pixels.

        Parameters
        ----------
        x, y
            (n,) arrays or scalars, 0-based pixels.
        """
        u, v = np.asarray(x) - self.reference_pixel[0], np.asarray(y) - self.reference_pixel[1]
        with np.errstate(over="ignore", invalid="ignore"):  # a header's polynomial may say anything out there
            u, v = u + polynomial(self.a, u, v), v + polynomial(self.b, u, v)
            (a, b), (c, d) = np.radians(self.matrix)
            vectors = _above(*self.place, a * u + b * v, c * u + d * v)
            ra = np.degrees(np.arctan2(vectors[1], vectors[0])) % 360.0
            return ra, np.degrees(np.arctan2(vectors[2], np.hypot(vectors[0], vectors[1])))

    def pixel(self, ra_deg: Floats | float, dec_deg: Floats | float) -> tuple[Floats, Floats]:
        """Return the 0-based pixels of places, deg; NaN on the far hemisphere and where the distortion has no inverse.

        Newton's iteration on ``w + f(w) = CD^-1 (xi, eta)``.
        """
        plane = tangent_plane(ra_deg, dec_deg, *self.place)
        with np.errstate(all="ignore"):
            target = plane @ np.linalg.inv(np.array(self.matrix)).T
            u, v = undistorted(self.a, self.b, target[..., 0], target[..., 1])
        return u + self.reference_pixel[0], v + self.reference_pixel[1]

    def on(self, grid: Grid) -> Plane:
        """Return the same solution for a plane whose pixels lie on a grid of this one's (see `plane_cards`)."""
        (a, b), (c, d) = self.matrix
        step = float(grid.step)
        return Plane(
            place=self.place,
            reference_pixel=(
                (self.reference_pixel[0] - grid.x_first) / step,
                (self.reference_pixel[1] - grid.y_first) / step,
            ),
            matrix=((a * step, b * step), (c * step, d * step)),
            order=self.order,
            a={(p, q): value * step ** (p + q - 1) for (p, q), value in self.a.items()},
            b={(p, q): value * step ** (p + q - 1) for (p, q), value in self.b.items()},
        )

    def centred(self, shape: tuple[int, int]) -> Plane:
        """Return the plane that touches the sphere at the middle of an image; of the distortion its slope there stays.

        Parameters
        ----------
        shape
            Rows and columns.
        """
        x0, y0 = (shape[1] - 1.0) / 2.0, (shape[0] - 1.0) / 2.0
        if self.reference_pixel == (x0, y0):
            return self
        ra, dec = (float(value) for value in self.sky(x0, y0))
        step = max(shape) / 4.0
        x, y = x0 + step * np.array([1.0, -1.0, 0.0, 0.0]), y0 + step * np.array([0.0, 0.0, 1.0, -1.0])
        right, left, above, below = tangent_plane(*self.sky(x, y), ra, dec)
        (a, c), (b, d) = ((right - left) / (2.0 * step)).tolist(), ((above - below) / (2.0 * step)).tolist()
        return Plane(place=(ra, dec), reference_pixel=(x0, y0), matrix=((a, b), (c, d)))


def polynomial(terms: Terms, u: Floats, v: Floats) -> Floats:
    """Return the sum of ``value u^p v^q``."""
    total: Floats = np.zeros(np.broadcast_shapes(np.shape(u), np.shape(v)))
    by_u, by_v = (_powers(axis, max((power[i] for power in terms), default=0)) for i, axis in ((0, u), (1, v)))
    for (p, q), value in terms.items():
        total += value * by_u[p] * by_v[q]
    return total


def _powers(axis: Floats, most: int) -> list[Floats]:
    """Return the powers 0 to most, by multiplication, which is faster than ``**``."""
    found: list[Floats] = [np.ones_like(axis, dtype=float)]
    for _ in range(most):
        found.append(found[-1] * axis)
    return found


def undistorted(a: Terms, b: Terms, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return u, v with ``u + f(u, v) = x`` and ``v + g(u, v) = y``; NaN where Newton's iteration does not get there."""
    u, v = np.array(x, dtype=float), np.array(y, dtype=float)
    if not a and not b:
        return u, v
    slopes = [_derivative(terms, axis) for terms in (a, b) for axis in (0, 1)]
    for _ in range(_MOST_ROUNDS):
        off_u, off_v = u + polynomial(a, u, v) - x, v + polynomial(b, u, v) - y
        if not np.any(np.hypot(off_u, off_v) > _AT_REST):
            break
        au, av, bu, bv = (polynomial(terms, u, v) for terms in slopes)
        det = (1 + au) * (1 + bv) - av * bu
        u, v = u - ((1 + bv) * off_u - av * off_v) / det, v - ((1 + au) * off_v - bu * off_u) / det
    lost = ~(np.hypot(u + polynomial(a, u, v) - x, v + polynomial(b, u, v) - y) < _GOOD)
    return np.where(lost, np.nan, u), np.where(lost, np.nan, v)


def _derivative(terms: Terms, axis: int) -> Terms:
    """Return the terms of the derivative by u (axis 0) or v (axis 1)."""
    return {
        (p - (axis == 0), q - (axis == 1)): value * (p, q)[axis] for (p, q), value in terms.items() if (p, q)[axis] > 0
    }


def _above(ra_deg: float, dec_deg: float, xi: Floats, eta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the components of the vectors, of any length, from the centre through points of the tangent plane."""
    east, north, centre = axes(ra_deg, dec_deg)
    x, y, z = (xi * e + eta * n + c for e, n, c in zip(east, north, centre, strict=True))
    return x, y, z
