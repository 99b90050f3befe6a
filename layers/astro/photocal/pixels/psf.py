"""The PSF of an image: a Moffat whose shape varies over the field."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from photocal.arrays import Floats, Ints, Pixels
from photocal.pixels import tables
from photocal.pixels.moffat import Coefficients, coefficients
from photocal.pixels.residual import Residual, on_grid

REACH = 4.0  # FWHM: of the tables; wings beyond are drawn from the Moffat
_LEAST_HALF = 6


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
    residual
        What the PSF has beyond the Moffat, if anything; both together add up to 1.
    """

    size: tuple[int, int]
    order: int
    terms: Floats
    log_beta: float
    residual: Residual | None = None
    tables: tables.Tables = field(init=False, repr=False)
    half: int = field(init=False)

    def __post_init__(self) -> None:
        middle = float(np.exp(self.terms[0, 0]))
        self.half = max(int(np.ceil(REACH * middle)), _LEAST_HALF)
        self.tables = tables.build(self._profile, self.size, self.half, middle)

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
        plain = coefficients(self.shape(x, y))
        if self.residual is None:
            return plain
        return plain._replace(norm=plain.norm / (1 + self.residual.total(x, y)))

    def stamps(self, x: Floats, y: Floats, half: int) -> tuple[Ints, Ints, Pixels]:
        """Return the middle pixels ix, iy (n,), and the (n, 3, w, w) PSF and its derivatives by x and y of the star."""
        return self.tables.stamps(x, y, half)

    def light(self, x: Floats, y: Floats, flux: Floats, half: int) -> tuple[Ints, Ints, Pixels]:
        """Return the middle pixels ix, iy (n,), and the (n, w, w) light of stars of so much flux."""
        return self.tables.light(x, y, flux, half)

    def _profile(self, x: Floats, y: Floats, offsets: Pixels) -> Pixels:
        a, b, c, beta, norm = (np.float32(item[0]) for item in self.moffat(x, y))
        across, down = offsets[None, :], offsets[:, None]
        q = 1 + a * across * across + 2 * b * across * down + c * down * down
        made: Pixels = norm * np.exp(-beta * np.log(q))
        if self.residual is not None:
            beyond = self.residual.at(x, y)[0] / (1 + self.residual.total(x, y)[0])
            made += on_grid(beyond, offsets, float(self.fwhm(x, y)[0]))
        return made
