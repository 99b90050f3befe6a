"""Which star is which: cross-match of an observer's stars with reference stars.

The proper motions of the reference stars are carried to the observation first. Then the offset of the whole catalogue
is found as the place where the differences of position crowd, and taken out; only then does the matching radius count.
It is an upper bound: where the positions agree better, a smaller one is used, so that fewer strangers are matched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Bools, Floats, Ints
from photocal.references.stars import ReferenceStars
from photocal.results import SkyOffset
from photocal.sphere import ARCSEC_PER_RADIAN, axes, chord, unit_vectors
from photocal.stars import StarList

J2000_MJD = 51544.5
DAYS_PER_YEAR = 365.25
SEARCH_FACTOR, SEARCH_LEAST_ARCSEC = 2.0, 3.0  # offsets are looked for within twice the radius, at least 3 arcsec
TIGHT_SIGMAS, TIGHT_LEAST_ARCSEC = 5.0, 0.7  # the radius actually used, where the positions agree well
_ENOUGH = 10  # matches that make a scatter worth believing
_LEAST_CROWD = 4  # pairs that must agree before an offset is believed
_BRIGHTEST = 3000  # stars that the offset is measured with


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Stars and reference stars that belong together, each at most once; all arrays have the same length."""

    source_index: Ints
    reference_index: Ints
    sep_arcsec: Floats
    offset: SkyOffset
    radius_arcsec: float  # actually used


def year_of(mjd: float) -> float:
    """Return the Julian year of a date."""
    return 2000.0 + (mjd - J2000_MJD) / DAYS_PER_YEAR


def match(
    stars: StarList, reference: ReferenceStars, *, matching_radius_arcsec: float, mjd: float | None = None
) -> Match:
    """Match stars with reference stars: mutual nearest neighbours, after the offset of the catalogue is taken out.

    Parameters
    ----------
    stars
        The observer's stars.
    reference
        Reference stars of one catalogue, covering the field.
    matching_radius_arcsec
        Upper bound of the distance of a match, after the offset is taken out.
    mjd
        Date of the observation; None leaves proper motions aside.
    """
    if not stars.n or not reference.n:
        return _nothing(reference.catalogue, matching_radius_arcsec)
    ours = np.nan_to_num(unit_vectors(stars.ra_deg, stars.dec_deg))
    placed = reference if mjd is None else reference.at_epoch(year_of(mjd))
    # A position that is not a number becomes the middle of the sphere, which is near nothing.
    theirs = np.nan_to_num(unit_vectors(placed.ra_deg, placed.dec_deg))
    east, north, _ = axes(*stars.centre)
    tree = cKDTree(theirs)
    shift = _measure_offset(ours[_brightest(stars)], tree, theirs, (east, north), matching_radius_arcsec)
    radius = matching_radius_arcsec
    for _ in range(2):  # the second time with the offset of all matches, and the radius they deserve
        moved = ours - (shift[0] * east + shift[1] * north) / ARCSEC_PER_RADIAN
        i, j = _mutual(moved, theirs, tree, radius)
        difference = ARCSEC_PER_RADIAN * np.stack(
            [(moved[i] - theirs[j]) @ east, (moved[i] - theirs[j]) @ north], axis=1
        )
        if len(i) < _ENOUGH:
            break
        shift = shift + np.median(difference, axis=0)
        radius = min(matching_radius_arcsec, max(TIGHT_LEAST_ARCSEC, TIGHT_SIGMAS * _spread(difference)))
    sep = ARCSEC_PER_RADIAN * np.linalg.norm(moved[i] - theirs[j], axis=1)
    offset = SkyOffset(
        east_arcsec=float(shift[0]),
        north_arcsec=float(shift[1]),
        scatter_arcsec=_spread(difference),
        n_matched=len(i),
        catalogue=reference.catalogue,
    )
    return Match(source_index=i, reference_index=j, sep_arcsec=sep, offset=offset, radius_arcsec=radius)


def _nothing(catalogue: str, radius: float) -> Match:
    none = np.empty(0, dtype=np.int64)
    offset = SkyOffset(catalogue=catalogue)
    return Match(source_index=none, reference_index=none, sep_arcsec=np.empty(0), offset=offset, radius_arcsec=radius)


def _brightest(stars: StarList) -> Ints:
    """Return the indices of the brightest stars, enough to measure an offset with."""
    order: Ints = np.argsort(stars.inst_mag, kind="stable")[:_BRIGHTEST]
    return order


def _spread(difference: Floats) -> float:
    """Return the scatter per axis of (n, 2) differences, by the median, so that strangers do not count."""
    if len(difference) < 2:  # noqa: PLR2004 - one difference has no scatter
        return 0.0
    return float(1.4826 * np.median(np.abs(difference - np.median(difference, axis=0))))


def _mutual(ours: Floats, theirs: Floats, tree: cKDTree, radius_arcsec: float) -> tuple[Ints, Ints]:
    """Return the pairs that are each other's nearest neighbours within the radius."""
    reach = chord(radius_arcsec / 3600.0)
    _, nearest = tree.query(ours, distance_upper_bound=reach)
    i = np.flatnonzero(nearest < len(theirs))
    j = nearest[i]
    _, back = cKDTree(ours).query(theirs[j])
    mutual: Bools = back == i
    return i[mutual].astype(np.int64), j[mutual].astype(np.int64)


def _measure_offset(
    ours: Floats, tree: cKDTree, theirs: Floats, plane: tuple[Floats, Floats], radius_arcsec: float
) -> Floats:
    """Return where the differences of position crowd, (east, north) in arcsec; zero where they do not.

    All pairs within the search radius are formed. Strangers fill the disc of differences evenly, true pairs crowd at
    the offset; the crowd must stand out against what the even filling would put there (4 standard deviations).
    """
    search = max(SEARCH_FACTOR * radius_arcsec, SEARCH_LEAST_ARCSEC)
    near = tree.query_ball_point(ours, chord(search / 3600.0))
    counts = np.fromiter((len(found) for found in near), dtype=np.int64, count=len(near))
    zero = np.zeros(2)
    if counts.sum() < _LEAST_CROWD:
        return zero
    i = np.repeat(np.arange(len(ours)), counts)
    j = np.concatenate([np.asarray(found, dtype=np.int64) for found in near])
    vectors = ours[i] - theirs[j]
    difference = ARCSEC_PER_RADIAN * np.stack([vectors @ plane[0], vectors @ plane[1]], axis=1)
    cell = search / 8.0
    crowd = cKDTree(difference)
    neighbours = crowd.query_ball_point(difference, cell, return_length=True)
    peak = int(np.argmax(neighbours))
    expected = len(difference) * (cell / search) ** 2
    if neighbours[peak] < max(_LEAST_CROWD, expected + 4.0 * np.sqrt(expected)):
        return zero
    centre = difference[peak]
    for _ in range(5):
        centre = np.median(difference[np.linalg.norm(difference - centre, axis=1) <= cell], axis=0)
    return np.asarray(centre, dtype=np.float64)
