"""The target itself: its source in the star list, or the limit where there is none; and whether it is in the field.

On an image there is a third way, the flux that the PSF has at the position itself. A source that was found there is
better measured where it was found: positions of events are off by some tenths of an arcsecond, and a PSF that is off by
d loses d^2 / (4 sigma^2) of the flux, sigma being FWHM / 2.35: 5 % at a fifth of the FWHM. Below a signal-to-noise
ratio of 5 it is the other way round: a peak that is free to move climbs the noise, and is too bright by 1 / (S/N)^2;
at the position given the flux is unbiased, and there is one place at which noise can be taken for a star instead of a
field full of them. So S/N 3 is a measurement there, and what has less gets a limit of 5 sigma: the two numbers that
are usual with forced photometry of surveys (Masci et al. 2023, arXiv:2305.16279).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from cpcs.errors import EmptyFile, TargetNotFound, TargetOutsideField
from photocal.arrays import MAG_PER_RELATIVE_ERROR, Floats
from photocal.pixels.records import ForcedFlux
from photocal.results import SkyOffset, Target, TargetMagnitude
from photocal.sphere import ARCSEC_PER_RADIAN, separation_deg, shifted_back, tangent_plane, unit_vectors
from photocal.stars import StarList

LIMIT_SIGMAS = 5.0
LARGEST_MAG, LARGEST_ERROR = 50.0, 1.0  # CPCS 1's: beyond these a row is not a measurement
FORCED_SIGMAS = 3.0  # at the position given; a source of the list has 5, or is measured there too
ERROR_RELATION, FAINTEST_SOURCE, FORCED_PSF = "error-relation", "faintest-source", "forced-psf"
SOURCE, LIMIT = "source", "limit"
LEAST_USABLE = 0.5  # of the PSF's light at the position; of less the rest would be a guess
MARGIN_SPACINGS, MARGIN_SHARE, MARGIN_LEAST_DEG = 2.0, 0.05, 10.0 / 3600.0
_FAINT_SHARE, _FEW = 0.3, 10  # the relation is read off the faintest 30 % of the stars, at least 10
_EXTRAPOLATION = 1.5  # mag beyond the faintest source that the relation may reach


def check_in_field(stars: StarList, target: Target) -> None:
    """Make sure that the target lies where the stars are.

    The field is the convex hull of the stars, with a margin of two typical distances between stars or 5 % of its
    width, whichever is more: the hull of few stars is smaller than the frame.

    Raises
    ------
    EmptyFile
        There is no star.
    TargetOutsideField
        The target is beyond the margin.
    """
    if not stars.n:
        raise EmptyFile(size=0)
    outside = _distance_outside(stars, target)
    if outside > 0.0:
        ra, dec = stars.centre
        raise TargetOutsideField(
            ra_deg=target.ra_deg,
            dec_deg=target.dec_deg,
            field_ra_deg=ra,
            field_dec_deg=dec,
            field_radius_deg=stars.radius_deg,
            outside_deg=outside,
        )


def _distance_outside(stars: StarList, target: Target) -> float:
    """Return how far beyond the margin the target lies, deg; zero or less when it is inside."""
    separation = float(separation_deg(target.ra_deg, target.dec_deg, *stars.centre))
    radius = stars.radius_deg
    if separation > 2.0 * radius + 1.0:
        return separation - radius
    points = tangent_plane(stars.ra_deg[stars.in_field], stars.dec_deg[stars.in_field], *stars.centre)
    x, y = (float(value) for value in tangent_plane(target.ra_deg, target.dec_deg, *stars.centre))
    points = points[np.isfinite(points).all(axis=1)]
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):  # fewer than three stars, or all on one line
        return separation - max(1.2 * radius, MARGIN_LEAST_DEG)
    spacing = float(np.sqrt(hull.volume / len(points)))  # in two dimensions the volume is the area
    margin = max(MARGIN_SPACINGS * spacing, MARGIN_SHARE * 2.0 * radius, MARGIN_LEAST_DEG)
    beyond = float(np.max(hull.equations @ np.array([x, y, 1.0])))
    return beyond - margin


def measure(
    stars: StarList,
    target: Target,
    *,
    offset: SkyOffset,
    matching_radius_arcsec: float,
    zero_point: float,
    forced_flux: ForcedFlux | None = None,
) -> TargetMagnitude:
    """Read the target's standard magnitude off the nearest source, or a limit where there is none.

    Parameters
    ----------
    stars
        The observer's stars.
    target
        Where to look.
    offset
        Of the catalogue against the reference; taken out first.
    matching_radius_arcsec
        How far from the target its source may lie.
    zero_point
        mag; ``std_mag = inst_mag + zero_point``.
    forced_flux
        What the image has at the target's position; None for a catalogue. With it, a source is the target's only
        within a FWHM, and decides only from a signal-to-noise ratio of 5.

    Raises
    ------
    TargetNotFound
        There is no source, and no star that a limit could be read off.
    """
    measured = is_measured(stars)
    separation = np.where(measured, separations(stars, target, offset), np.inf)
    nearest = int(np.argmin(separation))
    nearest_arcsec = float(separation[nearest])
    if not measured.any():
        raise TargetNotFound(radius_arcsec=matching_radius_arcsec, nearest_arcsec=float("inf"))
    radius, faintest_err = matching_radius_arcsec, np.inf
    if _is_usable(forced_flux):
        limit, method = -2.5 * float(np.log10(LIMIT_SIGMAS * forced_flux.empty_err)), FORCED_PSF
        radius = min(radius, forced_flux.fwhm_arcsec or radius)
        faintest_err = MAG_PER_RELATIVE_ERROR / LIMIT_SIGMAS
    else:
        forced_flux = None
        limit, method = limiting_magnitude(
            stars.inst_mag[measured], stars.inst_mag_err[measured], separation=separation[measured]
        )
    found = TargetMagnitude(
        ra_deg=target.ra_deg,
        dec_deg=target.dec_deg,
        mag=limit + zero_point,
        mag_err=None,
        is_limit=True,
        inst_mag=limit,
        method=LIMIT,
        nearest_arcsec=nearest_arcsec,
        limit_method=method,
        limit_mag=limit + zero_point,
    )
    if nearest_arcsec <= radius and stars.inst_mag_err[nearest] <= faintest_err:
        return _of_source(found, stars, nearest, zero_point)
    if forced_flux is not None and forced_flux.flux >= FORCED_SIGMAS * forced_flux.flux_err:
        return _at_position(found, forced_flux, zero_point)
    return found


def _is_usable(forced: ForcedFlux | None) -> TypeGuard[ForcedFlux]:
    """Return whether an image says anything of a position."""
    if forced is None or forced.usable_share < LEAST_USABLE:
        return False
    return bool(np.isfinite(forced.flux) and np.isfinite(forced.flux_err) and forced.flux_err > 0.0)


def _of_source(limit: TargetMagnitude, stars: StarList, row: int, zero_point: float) -> TargetMagnitude:
    return replace(
        limit,
        ra_deg=float(stars.ra_deg[row]),
        dec_deg=float(stars.dec_deg[row]),
        mag=float(stars.inst_mag[row]) + zero_point,
        mag_err=float(stars.inst_mag_err[row]),
        is_limit=False,
        inst_mag=float(stars.inst_mag[row]),
        method=SOURCE,
        sep_arcsec=limit.nearest_arcsec,
        source_index=row,
        flags=int(stars.flags[row]),
    )


def _at_position(limit: TargetMagnitude, forced: ForcedFlux, zero_point: float) -> TargetMagnitude:
    inst_mag = -2.5 * float(np.log10(forced.flux))
    return replace(
        limit,
        mag=inst_mag + zero_point,
        mag_err=MAG_PER_RELATIVE_ERROR * forced.flux_err / forced.flux,
        is_limit=False,
        inst_mag=inst_mag,
        method=FORCED_PSF,
        flags=forced.flags,
    )


def is_measured(stars: StarList) -> np.typing.NDArray[np.bool_]:
    """Return which rows are measurements: finite, a sane magnitude, an error from 0 to 1 mag."""
    good = np.isfinite(stars.inst_mag) & np.isfinite(stars.inst_mag_err)
    good &= np.isfinite(stars.ra_deg) & np.isfinite(stars.dec_deg)
    with np.errstate(invalid="ignore"):
        good &= (np.abs(stars.inst_mag) <= LARGEST_MAG) & (stars.inst_mag_err >= 0.0)
        good &= stars.inst_mag_err <= LARGEST_ERROR
    return good


def separations(stars: StarList, target: Target, offset: SkyOffset) -> Floats:
    """Return the (n,) distances of the stars from the target, arcsec, the offset taken out."""
    ours = unit_vectors(stars.ra_deg, stars.dec_deg)
    moved = shifted_back(ours, stars.centre, offset.east_arcsec, offset.north_arcsec)
    half = np.linalg.norm(moved - unit_vectors(target.ra_deg, target.dec_deg), axis=-1) / 2.0
    distance = 2.0 * ARCSEC_PER_RADIAN * np.arcsin(np.clip(half, 0.0, 1.0))
    separations: Floats = np.where(np.isfinite(distance), distance, np.inf)
    return separations


def limiting_magnitude(
    mag: Floats, error: Floats, sigmas: float = LIMIT_SIGMAS, *, separation: Floats | None = None
) -> tuple[float, str]:
    """Return the instrumental magnitude at which a source would have the given signal-to-noise ratio, and how.

    The errors of faint stars are those of the sky: ``error`` grows as 10^(0.4 mag). Each star of the faint end says
    where it would reach ``2.5 / ln 10 / sigmas``; the median of those nearer to the target is the limit, for the sky
    is not the same all over a field. Where the errors are not usable (all zero, say), it is the faintest source, as in
    the first CPCS.

    Parameters
    ----------
    mag, error
        (n,) arrays, mag, of all measured sources.
    sigmas
        The signal-to-noise ratio.
    separation
        (n,) array, distances from the target in any unit; None lets all count alike.

    Returns
    -------
    tuple of float and str
        mag; ``error-relation`` or ``faintest-source``.
    """
    order = np.argsort(-mag, kind="stable")[: max(_FEW, int(_FAINT_SHARE * len(mag)))]
    usable = order[(error[order] > 0.005) & (error[order] < 0.5)]  # noqa: PLR2004 - outside, errors are floors or guesses
    faintest = float(mag.max())
    if len(usable) < _FEW // 2:
        return faintest, FAINTEST_SOURCE
    if separation is not None:
        usable = usable[np.argsort(separation[usable], kind="stable")[: max(2 * _FEW, len(usable) // 2)]]
    wanted = MAG_PER_RELATIVE_ERROR / sigmas
    limit = float(np.median(mag[usable] + 2.5 * np.log10(wanted / error[usable])))
    return min(limit, faintest + _EXTRAPOLATION), ERROR_RELATION
