"""The PSF of an image: a Moffat whose shape varies over the field, with an empirical correction from the stars."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import BSpline

from photocal.arrays import Floats, Ints, Pixels
from photocal.pixels import tables
from photocal.pixels.moffat import Coefficients, coefficients

REACH = 4.0  # FWHM: of the tables; wings beyond are drawn from the Moffat
_LEAST_HALF = 6


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What stars have more than the Moffat in a pixel, per unit of flux: cubic splines of the offset from the star.

    Attributes
    ----------
    knots
        (m + 4,) of either axis, pixels.
    values
        (m, m) coefficients, y first.
    """

    knots: Floats
    values: Floats

    def __call__(self, offsets: Pixels) -> Pixels:
        """Return the (k, k) correction at offsets (k,) along both axes."""
        inside = (offsets >= self.knots[3]) & (offsets < self.knots[-4])
        basis = np.zeros((offsets.size, len(self.values)))
        basis[inside] = BSpline.design_matrix(offsets[inside].astype(np.float64), self.knots, 3).toarray()
        made: Pixels = (basis @ self.values @ basis.T).astype(np.float32)
        return made

    @property
    def total(self) -> float:
        """Its integral over the plane."""
        step = self.knots[1] - self.knots[0]
        return float(self.values.sum() * step**2)


@dataclass(slots=True, eq=False)
class FieldPsf:
    """See `photocal.pixels.records.Psf`.

    Attributes
    ----------
    size
        (ny, nx) of the image.
    order
        Of the polynomials of the shape.
    terms
        (t, 3): of ln FWHM, e1, e2.
    log_beta
        ln(beta - 1), the same everywhere.
    correction
        None where there were too few stars for one.
    """

    size: tuple[int, int]
    order: int
    terms: Floats
    log_beta: float
    correction: Correction | None = None
    tables: tables.Tables = field(init=False, repr=False)
    half: int = field(init=False)
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        middle = float(np.exp(self.terms[0, 0]))
        self.half = max(int(np.ceil(REACH * middle)), _LEAST_HALF)
        self.scale = 1.0 / (1.0 + (self.correction.total if self.correction else 0.0))
        self.tables = tables.build(self._profile, self.size, self.half, middle, self._corrected)

    def shape(self, x: Floats, y: Floats) -> Floats:
        """Return the (n, 4) shapes of `photocal.pixels.moffat` at places of the field."""
        inside_x, inside_y = np.clip(x, 0, self.size[1]), np.clip(y, 0, self.size[0])
        three = tables.field_basis(inside_x, inside_y, self.size, self.order) @ self.terms
        return np.column_stack([three, np.full(len(three), self.log_beta)])

    def fwhm(self, x: Floats, y: Floats) -> Floats:
        """Return the (n,) FWHM, pixels: the geometric mean of both axes, before the pixel's own width."""
        width: Floats = np.exp(self.shape(x, y)[:, 0])
        return width

    def ellipticity(self, x: Floats, y: Floats) -> Floats:
        """Return the (n,) ellipticities 1 - b/a."""
        shape = self.shape(x, y)
        flat: Floats = 1 - np.exp(-np.hypot(shape[:, 1], shape[:, 2]))
        return flat

    @property
    def beta(self) -> float:
        """Moffat's exponent."""
        return 1.0 + float(np.exp(self.log_beta))

    def moffat(self, x: Floats, y: Floats) -> Coefficients:
        """Return the coefficients of the profile at places of the field; these draw the wings."""
        found = coefficients(self.shape(x, y))
        return found._replace(norm=found.norm * self.scale)

    def stamps(self, x: Floats, y: Floats, half: int) -> tuple[Ints, Ints, Pixels]:
        """Return the middle pixels ix, iy (n,), and the (n, 3, w, w) PSF and its derivatives by x and y of the star."""
        return self.tables.stamps(x, y, half)

    def _profile(self, x: Floats, y: Floats, offsets: Pixels) -> Pixels:
        a, b, c, beta, norm = (np.float32(item[0]) for item in self.moffat(x, y))
        across, down = offsets[None, :], offsets[:, None]
        q = 1 + a * across * across + 2 * b * across * down + c * down * down
        made: Pixels = norm * np.exp(-beta * np.log(q))
        return made

    def _corrected(self, _x: Floats, _y: Floats, centres: Pixels) -> Pixels:
        if self.correction is None:
            return np.zeros((centres.size, centres.size), np.float32)
        return self.correction(centres) * np.float32(self.scale)
