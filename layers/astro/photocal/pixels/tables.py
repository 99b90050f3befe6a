"""A PSF that varies over the field as tables of pixel values, from which stamps are made by matrix products.

The profile is drawn on a fine grid at 25 places of the field; its principal components (a handful) are integrated over
pixels and kept for every sub-pixel phase, with the derivatives by position. A star's stamp is then the sum of the
components of the nearest phase, moved the rest of the way by the derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from photocal.arrays import Floats, Ints, Pixels

PLACES, FIELD_ORDER = 5, 3  # along an axis; of the polynomial of the components' weights
_LOST, _MOST_COMPONENTS = 1e-8, 8  # share of the squares that the components may lose

Profile = Callable[[Floats, Floats, Pixels], Pixels]  # x, y in the field and offsets (m,) -> (m, m) light by area


def field_basis(x: Floats, y: Floats, size: tuple[int, int], order: int) -> Floats:
    """Return the (n, terms) polynomials of the position, scaled to -1..1 over an image of (ny, nx)."""
    ny, nx = size
    u, v = (x - nx / 2) / (nx / 2), (y - ny / 2) / (ny / 2)
    return np.stack([u ** (total - j) * v**j for total in range(order + 1) for j in range(total + 1)], -1)


def phases_for(fwhm: float) -> int:
    """Return how many phases an axis of a pixel is cut into.

    Against the integral the stamps are then off by at most 9e-4 of the brightest pixel, and fluxes by 3e-4, at FWHM of
    1.3 to 8 pixels and beta of 2 to 4.5 (90 places within the pixel at each of eleven FWHM).
    """
    return 32 if fwhm < 2.8 else 16 if fwhm < 5 else 8  # noqa: PLR2004 - pixels


@dataclass(slots=True, eq=False)
class Tables:
    """Components by phase.

    Attributes
    ----------
    weights
        (terms, k): of the components, as polynomials of the place.
    values
        ((phases + 1)^2, k, 3, w, w): light, and its derivatives by the star's x and y.
    """

    size: tuple[int, int]
    half: int
    phases: int
    weights: Floats
    values: Pixels
    crops: dict[int, tuple[Pixels, Pixels]] = field(default_factory=dict)

    def crop(self, half: int) -> tuple[Pixels, Pixels]:
        """Return the tables of smaller stamps: all (phases, 3 k, w w), and the derivatives (phases, k, 2 w w)."""
        if half not in self.crops:
            cut = slice(self.half - half, self.half + half + 1)
            part = np.ascontiguousarray(self.values[..., cut, cut])
            n_phases, k, _, width, _ = part.shape
            slopes = np.ascontiguousarray(part[:, :, 1:]).reshape(n_phases, k, 2 * width**2)
            self.crops[half] = part.reshape(n_phases, 3 * k, width**2), slopes
        return self.crops[half]

    def phase(self, x: Floats, y: Floats) -> Ints:
        """Return the (n,) numbers of the phases; work sorted by them is fast."""
        px = np.rint((x - np.rint(x) + 0.5) * self.phases).astype(np.int64)
        py = np.rint((y - np.rint(y) + 0.5) * self.phases).astype(np.int64)
        return py * (self.phases + 1) + px

    def stamps(self, x: Floats, y: Floats, half: int) -> tuple[Ints, Ints, Pixels]:
        """Return the middle pixels, and the (n, 3, w, w) light and its derivatives by x and y of the star."""
        ix, iy, groups, weights, moved = self._sorted(x, y)
        table, slopes = self.crop(half)
        area = table.shape[2]
        made = np.empty((x.size, 3 * area), np.float32)
        for number, group in groups:
            np.matmul(moved[group], table[number], out=made[group, :area])
            np.matmul(weights[group], slopes[number], out=made[group, area:])
        return ix, iy, self._back(made, x, y).reshape(x.size, 3, 2 * half + 1, 2 * half + 1)

    def light(self, x: Floats, y: Floats, flux: Floats, half: int) -> tuple[Ints, Ints, Pixels]:
        """Return the middle pixels, and the (n, w, w) light of stars of so much flux."""
        ix, iy, groups, _, moved = self._sorted(x, y)
        table, _ = self.crop(half)
        made = np.empty((x.size, table.shape[2]), np.float32)
        for number, group in groups:
            np.matmul(moved[group], table[number], out=made[group])
        made = self._back(made, x, y)
        made *= flux.astype(np.float32)[:, None]
        return ix, iy, made.reshape(x.size, 2 * half + 1, 2 * half + 1)

    def _sorted(self, x: Floats, y: Floats) -> tuple[Ints, Ints, list[tuple[int, slice]], Pixels, Pixels]:
        """Return the middle pixels; and of the stars sorted by phase, where each phase is, and the (n, k) weights.

        Last the (n, 3 k) weights of values and derivatives that move a stamp from its phase to the star's position.
        """
        ix, iy = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
        number = self.phase(x, y)
        py, px = np.divmod(number, self.phases + 1)
        rest = np.ones((x.size, 3), np.float32)
        rest[:, 1] = x - ix - (px / self.phases - 0.5)
        rest[:, 2] = y - iy - (py / self.phases - 0.5)
        weights = (field_basis(x, y, self.size, FIELD_ORDER) @ self.weights).astype(np.float32)
        order = np.argsort(number, kind="stable")
        weights, rest = weights[order], rest[order]
        moved = (weights[:, :, None] * rest[:, None, :]).reshape(x.size, 3 * weights.shape[1])
        cuts = np.searchsorted(number[order], np.arange((self.phases + 1) ** 2 + 1))
        groups = [(int(k), slice(int(cuts[k]), int(cuts[k + 1]))) for k in np.flatnonzero(np.diff(cuts))]
        return ix, iy, groups, weights, moved

    def _back(self, made: Pixels, x: Floats, y: Floats) -> Pixels:
        """Return what was made for stars sorted by phase in their own order."""
        number = self.phase(x, y)
        if np.all(number[1:] >= number[:-1]):
            return made
        back = np.empty(x.size, np.int64)
        back[np.argsort(number, kind="stable")] = np.arange(x.size)
        return made[back]


def build(profile: Profile, size: tuple[int, int], half: int, fwhm: float) -> Tables:
    """Return the tables of a profile.

    Parameters
    ----------
    profile
        Light by area, before the pixel's own width.
    size
        (ny, nx) of the image.
    half
        How far the tables reach, pixels.
    fwhm
        Typical, pixels.
    """
    phases = phases_for(fwhm)
    ny, nx = size
    at = (np.arange(PLACES) + 0.5) / PLACES
    gx, gy = (item.ravel() for item in np.meshgrid(at * nx, at * ny))
    fine_n = (2 * half + 4) * phases
    offsets = ((np.arange(fine_n) + 0.5) / phases - (half + 2)).astype(np.float32)
    boxes = np.empty((gx.size, fine_n - phases + 1, fine_n - phases + 1), np.float32)
    for k in range(gx.size):
        boxes[k] = _integrate(profile(gx[k : k + 1], gy[k : k + 1], offsets), phases)
    flat = boxes.reshape(gx.size, -1)
    values, vectors = np.linalg.eigh((flat @ flat.T).astype(np.float64))
    values, vectors = values[::-1], vectors[:, ::-1]
    n_kept = min(int(np.sum(np.cumsum(values) < (1 - _LOST) * values.sum())) + 1, _MOST_COMPONENTS)
    vectors = vectors[:, :n_kept]
    components = (vectors.T.astype(np.float32) @ flat).reshape(n_kept, *boxes.shape[1:])
    weights = np.linalg.lstsq(field_basis(gx, gy, size, FIELD_ORDER), vectors, rcond=None)[0]
    return Tables(size, half, phases, weights, _by_phase(components, half, phases))


def _integrate(fine: Pixels, phases: int) -> Pixels:
    """Return the sums over a pixel that starts at each fine sample."""
    sums = np.zeros((fine.shape[0] + 1, fine.shape[1] + 1))
    np.cumsum(np.cumsum(fine, 0, dtype=np.float64), 1, out=sums[1:, 1:])
    rows = sums[phases:] - sums[:-phases]
    boxes: Pixels = ((rows[:, phases:] - rows[:, :-phases]) / phases**2).astype(np.float32)
    return boxes


def _by_phase(components: Pixels, half: int, phases: int) -> Pixels:
    """Return ((phases + 1)^2, k, 3, w, w) from the integrated components."""
    width = 2 * half + 1
    out = np.empty((phases + 1, phases + 1, len(components), 3, width, width), np.float32)
    first = phases * 3 // 2  # of pixel -half for a star in the middle of its pixel
    middle = first + np.arange(width) * phases
    for py in range(phases + 1):
        rows = middle - (py - phases // 2)
        by_y = (components[:, rows - 1] - components[:, rows + 1]) * np.float32(phases / 2)
        here = components[:, rows]
        for px in range(phases + 1):
            columns = middle - (px - phases // 2)
            out[py, px, :, 0] = here[:, :, columns]
            out[py, px, :, 1] = (here[:, :, columns - 1] - here[:, :, columns + 1]) * np.float32(phases / 2)
            out[py, px, :, 2] = by_y[:, :, columns]
    return out.reshape((phases + 1) ** 2, len(components), 3, width, width)
