"""The PSF of an image from its stars: one Moffat whose width and shape are polynomials of the place in the field.

What the stars have beyond it is added where it can be told from noise (`photocal.pixels.residual`).

All stars are fitted together by Gauss-Newton steps. What belongs to one star alone (x, y, flux and sky) is eliminated
from the equations by its Schur complement, so that the system solved has only the PSF's few numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from photocal.arrays import Floats, Ints, Pixels
from photocal.pixels.moffat import pixel_values
from photocal.pixels.noise import variance_under
from photocal.pixels.psf import FieldPsf
from photocal.pixels.records import Prepared, PsfStars
from photocal.pixels.residual import LEAST_STARS, Residual, fit_residual, in_pixels
from photocal.pixels.tables import field_basis

_STARS_FOR_ORDER = ((30, 2), (10, 1))
_FIRST_BETA = 3.0
_BETA_LOG = float(np.log(0.3)), float(np.log(20.0))  # of beta - 1
_SHAPE, _OWN = 4, 4  # ln FWHM, e1, e2, ln(beta - 1); x, y, flux and sky
_STEPS, _DONE = 12, 2e-4
_PASSES = 3  # of what is beyond the Moffat
_FLATNESS = 0.004  # of a pixel's light: what the model is not trusted to, so that the brightest star does not decide
_ROBUST = 3.0  # sigma
_POOR = 1.5  # reduced chi-square from which a star counts less


class _Cutouts(NamedTuple):
    """Pixels around the stars: the middle ones (n,), and (n, w, w) light above the sky and weights 1/variance."""

    ix: Ints
    iy: Ints
    offsets: Pixels
    light: Pixels
    weight: Pixels


class _Equations(NamedTuple):
    """Of each star: of what all share, with its own numbers eliminated, and what gives those back."""

    hessian: Floats
    gradient: Floats
    inverse: Floats
    mixed: Floats
    own_gradient: Floats


def fit_psf(prepared: Prepared, stars: PsfStars) -> FieldPsf:
    """Fit the PSF of an image.

    Parameters
    ----------
    prepared
        The image.
    stars
        Those taken make the PSF: with a shape that varies as a quadratic over the field from 30 of them, linearly
        from 10, and otherwise not at all. Without any it is a round Moffat of the image's FWHM and beta 3.

    Returns
    -------
    FieldPsf
        The PSF, with its tables.
    """
    cut = _cutouts(prepared, stars.x[stars.taken], stars.y[stars.taken])
    n = cut.ix.size
    order = next((order for least, order in _STARS_FOR_ORDER if n >= least), 0)
    size = prepared.shape
    terms = np.zeros(((order + 1) * (order + 2) // 2, 3))
    terms[0, 0] = np.log(0.95 * prepared.fwhm if n else prepared.fwhm)
    log_beta = float(np.log(_FIRST_BETA - 1))
    x, y = cut.ix.astype(np.float64), cut.iy.astype(np.float64)
    for _ in range(_STEPS if n else 0):
        basis = field_basis(x, y, size, order)
        equations = _equations(cut, x, y, np.column_stack([basis @ terms, np.full(n, log_beta)]))
        step = np.clip(_solve(equations, basis), -0.25, 0.25)
        terms += step[:-1].reshape(3, -1).T
        log_beta = float(np.clip(log_beta + step[-1], *_BETA_LOG))
        moved = np.column_stack([basis @ step[:-1].reshape(3, -1).T, np.full(n, step[-1])])
        own = _own_step(equations, moved)
        x, y = x + np.clip(own[:, 0], -0.3, 0.3), y + np.clip(own[:, 1], -0.3, 0.3)
        if np.abs(step).max() < _DONE:
            break
    shape = np.column_stack([field_basis(x, y, size, order) @ terms, np.full(n, log_beta)])
    beyond = _beyond(cut, x, y, shape, size) if n >= LEAST_STARS else None
    return FieldPsf(size, order, terms, log_beta, beyond)


def _cutouts(prepared: Prepared, x: Floats, y: Floats) -> _Cutouts:
    """Cut out the stars whose cutouts are within the image and have pixels that can be used."""
    half = int(np.ceil(2.5 * prepared.fwhm))
    ix, iy = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    ny, nx = prepared.shape
    inside = (ix >= half) & (ix < nx - half) & (iy >= half) & (iy < ny - half)
    inside[inside] = ~prepared.bad[iy[inside], ix[inside]]
    ix, iy = ix[inside], iy[inside]
    offsets = np.arange(-half, half + 1)
    rows, columns = iy[:, None, None] + offsets[:, None], ix[:, None, None] + offsets
    light = prepared.data[rows, columns] - prepared.sky[rows, columns]
    variance = variance_under(prepared.noise_variance[rows, columns], light, prepared.gain) + (_FLATNESS * light) ** 2
    weight = np.where(prepared.bad[rows, columns], 0.0, 1.0 / variance)
    return _Cutouts(ix, iy, offsets.astype(np.float32), light.astype(np.float32), weight.astype(np.float32))


def _equations(cut: _Cutouts, x: Floats, y: Floats, shape: Floats) -> _Equations:
    profile, derivatives = _profiles(cut, x, y, shape)
    equations, pulls = _eliminated(cut, profile, derivatives[:_SHAPE], derivatives[_SHAPE:])
    chi2 = np.median(pulls.reshape(x.size, -1) ** 2, 1) / 0.4549  # the median of a chi-square of one degree of freedom
    trust = 1 / (1 + np.maximum(chi2 - _POOR, 0) ** 2)
    return equations._replace(
        hessian=equations.hessian * trust[:, None, None], gradient=equations.gradient * trust[:, None]
    )


def _beyond(cut: _Cutouts, x: Floats, y: Floats, shape: Floats, size: tuple[int, int]) -> Residual | None:
    """Return what the stars have beyond the Moffat: again with better weights and places, where there is something."""
    found: Residual | None = None
    fwhm = np.exp(shape[:, 0])
    for _ in range(_PASSES):
        profile, derivatives = _profiles(cut, x, y, shape)
        across, down = (cut.offsets + (middle - at)[:, None] for middle, at in ((cut.ix, x), (cut.iy, y)))
        functions = in_pixels(across, down, fwhm)
        basis = field_basis(x, y, size, 1)
        before = np.zeros(functions.shape[:2]) if found is None else basis @ found.table
        profile = profile + np.einsum("np,npij->nij", before.astype(np.float32), functions, optimize=True)
        equations, _ = _eliminated(cut, profile, list(functions.transpose(1, 0, 2, 3)), derivatives[_SHAPE:])
        whole = equations.gradient + np.matmul(equations.hessian, before[..., None])[..., 0]
        found = fit_residual(equations.hessian, whole, basis, size)
        if found is None:
            break
        own = _own_step(equations, basis @ found.table - before)
        x, y = x + np.clip(own[:, 0], -0.3, 0.3), y + np.clip(own[:, 1], -0.3, 0.3)
    return found


def _own_step(equations: _Equations, moved: Floats) -> Floats:
    """Return the (n, 4) steps of the stars' own numbers when those that they share move by (n, p)."""
    left = equations.own_gradient - np.einsum("nij,ni->nj", equations.mixed, moved)
    step: Floats = np.matmul(equations.inverse, left[..., None])[..., 0]
    return step


def _profiles(cut: _Cutouts, x: Floats, y: Floats, shape: Floats) -> tuple[Pixels, list[Pixels]]:
    across = cut.offsets[None, None, :] + (cut.ix - x).astype(np.float32)[:, None, None]
    down = cut.offsets[None, :, None] + (cut.iy - y).astype(np.float32)[:, None, None]
    return pixel_values(across, down, shape)


def _eliminated(cut: _Cutouts, profile: Pixels, shared: list[Pixels], moves: list[Pixels]) -> tuple[_Equations, Pixels]:
    """Return the equations of what the stars share, their own numbers eliminated, and the (n, w, w) pulls.

    ``shared`` and ``moves`` are derivatives of the profile (n, w, w), the latter by x and y.
    """
    n, p = len(profile), len(shared)
    flux, sky = _flux_and_sky(cut, profile)
    left = cut.light - flux * profile - sky
    pulls = left * np.sqrt(cut.weight)
    weight = cut.weight / np.sqrt(1 + (pulls / _ROBUST) ** 2)
    slopes = np.stack([*(item * flux for item in (*shared, *moves)), profile, np.ones_like(profile)], 1)
    slopes = slopes.reshape(n, p + _OWN, -1)
    weighted = slopes * weight.reshape(n, 1, -1)
    hessian = np.matmul(weighted, slopes.transpose(0, 2, 1)).astype(np.float64)
    gradient = np.matmul(weighted, left.reshape(n, -1, 1))[..., 0].astype(np.float64)
    mixed, own = hessian[:, :p, p:], hessian[:, p:, p:]
    own = own + 1e-9 * np.eye(_OWN) * np.trace(own, axis1=1, axis2=2)[:, None, None]
    inverse = np.linalg.inv(own)
    taken = mixed @ inverse
    reduced = hessian[:, :p, :p] - taken @ mixed.transpose(0, 2, 1)
    pull = gradient[:, :p] - (taken @ gradient[:, p:, None])[..., 0]
    return _Equations(reduced, pull, inverse, mixed, gradient[:, p:]), pulls


def _flux_and_sky(cut: _Cutouts, profile: Pixels) -> tuple[Pixels, Pixels]:
    """Return the best (n, 1, 1) flux and sky for a profile."""
    lit = cut.weight * profile
    aa, ab, bb = (item.sum((1, 2), dtype=np.float64) for item in (lit * profile, lit, cut.weight))
    a, b = (item.sum((1, 2), dtype=np.float64) for item in (lit * cut.light, cut.weight * cut.light))
    determinant = aa * bb - ab**2
    flux, sky = (a * bb - b * ab) / determinant, (aa * b - ab * a) / determinant
    return flux.astype(np.float32)[:, None, None], sky.astype(np.float32)[:, None, None]


def _solve(equations: _Equations, basis: Floats) -> Floats:
    """Return the step of the polynomials of ln FWHM, e1 and e2, and of ln(beta - 1)."""
    n, n_terms = basis.shape
    spread = np.zeros((n, _SHAPE, 3 * n_terms + 1))
    for k in range(3):
        spread[:, k, k * n_terms : (k + 1) * n_terms] = basis
    spread[:, 3, -1] = 1
    matrix = np.einsum("nip,nij,njq->pq", spread, equations.hessian, spread, optimize=True)
    gradient = np.einsum("nip,ni->p", spread, equations.gradient)
    size = len(matrix)
    matrix += 1e-3 * np.diag(np.diag(matrix)) + 1e-6 * np.eye(size) * np.trace(matrix) / size
    step: Floats = np.linalg.solve(matrix, gradient)
    return step
