"""What a Moffat has not got of the PSF: a sum of Gauss-Hermite functions, as far as held-out stars confirm it.

    R(x, y) = sum_ab C_ab(place) h_a(x / F) h_b(y / F) / F^2,   a + b <= 8

with F the FWHM there (2 pixels at least), h_n Hermite functions (orthonormal; the shapelets of Refregier 2003, MNRAS
338, 35), and C linear over the field. They fade away with distance, so that the wings stay the Moffat's. R has no slope
in the middle (two conditions on C): what is called the position of a star stays the place of the PSF's peak, and a
lopsided halo, which moves a centroid, and moves it differently for bright stars and faint ones, does not move it.

The coefficients are a ridge regression on the residuals of the PSF's stars, with x, y, flux and sky of each star
eliminated. How far they are drawn towards 0, whether they vary over the field, and whether there is a term at all, is
decided by stars that had no part in the fit.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from photocal.arrays import Floats, Pixels
from photocal.pixels.tables import field_basis

ORDER = 8
SCALE = 0.5  # FWHM: of the Gaussian in the Hermite functions
NARROWEST = 2.0  # pixels: of a narrower FWHM the functions would be finer than pixels can show
FOLDS = 5
LEAST_STARS = 20
LEAST_VARYING = 60  # stars, for a term that varies over the field
_RIDGES = (1e-3, 3e-3, 1e-2, 3e-2)  # coefficients to expect, 1 sigma, where the PSF adds up to 1
_SURE = 4.0  # sigma: of what is gained on the held-out stars
_NODES, _NODE_WEIGHTS = (item / 2 for item in np.polynomial.legendre.leggauss(4))


class Residual(NamedTuple):
    """Coefficients of the functions, (3, functions): at the middle of an image of (ny, nx), and by x and y."""

    size: tuple[int, int]
    table: Floats

    def at(self, x: Floats, y: Floats) -> Floats:
        """Return the (n, ORDER + 1, ORDER + 1) coefficients C at places of the field."""
        flat = field_basis(x, y, self.size, 1) @ self.table @ FUNCTIONS
        made: Floats = flat.reshape(-1, ORDER + 1, ORDER + 1)
        return made

    def total(self, x: Floats, y: Floats) -> Floats:
        """Return what the term adds up to, (n,)."""
        made: Floats = np.einsum("nij,i,j->n", self.at(x, y), _SUMS, _SUMS)
        return made


def hermite(t: Floats) -> Floats:
    """Return the (..., ORDER + 1) Hermite functions of t, FWHM: orthonormal, the first a Gaussian."""
    u = t / SCALE
    made = [np.exp(-0.5 * u * u) / np.sqrt(SCALE * np.sqrt(np.pi))]
    made.append(np.sqrt(2.0) * u * made[0])
    for n in range(2, ORDER + 1):
        made.append(np.sqrt(2.0 / n) * u * made[n - 1] - np.sqrt((n - 1.0) / n) * made[n - 2])
    return np.stack(made, -1)


def _sums() -> Floats:
    """Return the integrals of the functions over all t: of the odd ones 0."""
    sums = np.zeros(ORDER + 1)
    sums[0] = np.sqrt(2.0 * SCALE * np.sqrt(np.pi))
    for n in range(2, ORDER + 1, 2):
        sums[n] = np.sqrt((n - 1.0) / n) * sums[n - 2]
    return sums


def _functions() -> Floats:
    """Return (functions, (ORDER + 1)^2): orthonormal combinations without a slope at 0."""
    at = hermite(np.array([-1e-4, 0.0, 1e-4]))
    value, slope = at[1], (at[2] - at[0]) / 2e-4
    degree = np.add.outer(np.arange(ORDER + 1), np.arange(ORDER + 1))
    used = np.flatnonzero(degree.ravel() <= ORDER)
    slopes = np.stack([np.outer(slope, value).ravel()[used], np.outer(value, slope).ravel()[used]])
    free = np.linalg.svd(slopes)[2][2:]
    made = np.zeros((len(free), degree.size))
    made[:, used] = free
    return made


_SUMS, FUNCTIONS = _sums(), _functions()


def in_pixels(across: Floats, down: Floats, fwhm: Floats) -> Pixels:
    """Return the (n, functions, w, w) light of the functions in pixels.

    Parameters
    ----------
    across, down
        (n, w) centres of the columns and rows less the star's position, pixels.
    fwhm
        (n,) pixels.
    """
    wide = np.maximum(fwhm, NARROWEST)[:, None, None]
    bx, by = (
        (hermite((side[:, :, None] + _NODES) / wide) * _NODE_WEIGHTS[:, None]).sum(2) / wide for side in (across, down)
    )
    n, w, k = bx.shape
    functions = FUNCTIONS.reshape(-1, k, k).astype(np.float32)
    rows = np.einsum("pij,nui->npju", functions, bx.astype(np.float32), optimize=True)
    made: Pixels = np.matmul(by.astype(np.float32)[:, None], rows)
    return made.reshape(n, len(functions), w, w)


def on_grid(coefficients: Floats, offsets: Pixels, fwhm: float) -> Pixels:
    """Return the (m, m) light by area of coefficients (ORDER + 1, ORDER + 1) at offsets (m,), rows by y."""
    wide = max(fwhm, NARROWEST)
    at = hermite(offsets.astype(np.float64) / wide) / wide
    made: Pixels = (at @ coefficients.T @ at.T).astype(np.float32)
    return made


def fit_residual(hessian: Floats, gradient: Floats, basis: Floats, size: tuple[int, int]) -> Residual | None:
    """Return the term that stars ask for; None where what it explains of held-out stars may be chance.

    Parameters
    ----------
    hessian, gradient
        (n, p, p) and (n, p): of the p functions in each star, its own numbers eliminated.
    basis
        (n, 3) polynomials of the stars' places.
    size
        (ny, nx) of the image.
    """
    n = len(basis)
    fold = np.arange(n) % FOLDS
    parts = [_together(hessian[fold == k], gradient[fold == k], basis[fold == k]) for k in range(FOLDS)]
    whole_h, whole_g = (np.sum([part[k] for part in parts], 0) for k in (0, 1))
    best, chance, chosen = 0.0, np.inf, None
    for varies, ridge in product((False, True) if n >= LEAST_VARYING else (False,), _RIDGES):
        here = np.empty_like(gradient)
        for k, (part_h, part_g) in enumerate(parts):
            here[fold == k] = basis[fold == k] @ _ridge(whole_h - part_h, whole_g - part_g, ridge, varies)
        squares = float((here * np.matmul(hessian, here[..., None])[..., 0]).sum())
        gain = 2 * float((here * gradient).sum()) - squares
        if gain > best:
            best, chance, chosen = gain, 2 * np.sqrt(squares), (ridge, varies)
    if chosen is None or best < _SURE * chance:
        return None
    return Residual(size, _ridge(whole_h, whole_g, *chosen))


def _together(hessian: Floats, gradient: Floats, basis: Floats) -> tuple[Floats, Floats]:
    """Return the equations of all coefficients, flat, from those of each star."""
    outer = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    p = gradient.shape[1]
    blocks = (outer.T @ hessian.reshape(len(basis), -1)).reshape(3, 3, p, p)
    return blocks.transpose(0, 2, 1, 3).reshape(3 * p, 3 * p), (basis.T @ gradient).ravel()


def _ridge(hessian: Floats, gradient: Floats, ridge: float, varies: bool) -> Floats:
    """Return (3, functions) coefficients."""
    used = slice(0, gradient.size if varies else len(FUNCTIONS))
    found = np.zeros(gradient.size)
    matrix = hessian[used, used] + ridge**-2.0 * np.eye(len(gradient[used]))
    found[used] = np.linalg.solve(matrix, gradient[used])
    made: Floats = found.reshape(3, -1)
    return made
