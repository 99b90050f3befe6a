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
from photocal.epochs import year_of
from photocal.references.stars import ReferenceStars
from photocal.results import SkyOffset
from photocal.sphere import ARCSEC_PER_RADIAN, axes, chord, shifted_back, unit_vectors
from photocal.stars import StarList

SEARCH_FACTOR, SEARCH_LEAST_ARCSEC = 2.0, 10.0  # offsets are looked for within twice the radius, at least 10 arcsec
TIGHT_SIGMAS, TIGHT_LEAST_ARCSEC = 5.0, 0.7  # the radius actually used, where the positions agree well
_ENOUGH = 10  # matches that make a scatter worth believing
_LEAST_CROWD = 4  # pairs that must agree before an offset is believed
_LEAST_WINDOW_ARCSEC = 0.5
_FALSE_ALARM = 0.01  # how often strangers alone may be taken for a crowd
_BRIGHTEST, _ENOUGH_TO_MEASURE = 3000, 1000  # stars that the offset is measured with: so many, spread over the bright
_ENOUGH_TO_REFINE = 500  # of them, that say how well the positions agree
_MOST_PAIRS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Stars and reference stars that belong together, each at most once; all arrays have the same length."""

    source_index: Ints
    reference_index: Ints
    sep_arcsec: Floats
    offset: SkyOffset
    radius_arcsec: float  # actually used


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
    tree = _tree(theirs)
    some = _brightest(stars)
    shift = _measure_offset(ours[some], tree, theirs, (east, north), matching_radius_arcsec)
    radius = matching_radius_arcsec
    # First the bright stars say what the offset is, and which radius the positions deserve; then all are matched.
    for chosen in (some[:_ENOUGH_TO_REFINE], slice(None)):
        moved = shifted_back(ours[chosen], stars.centre, shift[0], shift[1])
        i, j = _mutual(moved, theirs, tree, radius)
        difference = ARCSEC_PER_RADIAN * np.stack(
            [(moved[i] - theirs[j]) @ east, (moved[i] - theirs[j]) @ north], axis=1
        )
        if len(i) >= _ENOUGH:
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
    """Return the indices of bright stars, enough to measure an offset with: not only of the very brightest.

    Those may be missing from a deep catalogue.
    """
    order: Ints = np.argsort(stars.inst_mag, kind="stable")[:_BRIGHTEST]
    return order[:: -(-len(order) // _ENOUGH_TO_MEASURE) or 1]


def _spread(difference: Floats) -> float:
    """Return the scatter per axis of (n, 2) differences, by the median, so that strangers do not count."""
    if len(difference) < 2:  # noqa: PLR2004 - one difference has no scatter
        return 0.0
    return float(1.4826 * np.median(np.abs(difference - np.median(difference, axis=0))))


def _tree(points: Floats) -> cKDTree:
    """Return a tree that is made fast: it is asked but once or twice."""
    return cKDTree(points, balanced_tree=False, compact_nodes=False)


def _mutual(ours: Floats, theirs: Floats, tree: cKDTree, radius_arcsec: float) -> tuple[Ints, Ints]:
    """Return the pairs that are each other's nearest neighbours within the radius."""
    reach = chord(radius_arcsec / 3600.0)
    _, nearest = tree.query(ours, distance_upper_bound=reach)
    i = np.flatnonzero(nearest < len(theirs))
    j = nearest[i]
    wanted, place = np.unique(j, return_inverse=True)  # many stars at one place would ask the same over and over
    _, back = _tree(ours).query(theirs[wanted], distance_upper_bound=1.001 * reach)
    mutual: Bools = back[place] == i
    return i[mutual].astype(np.int64), j[mutual].astype(np.int64)


def _measure_offset(
    ours: Floats, tree: cKDTree, theirs: Floats, plane: tuple[Floats, Floats], radius_arcsec: float
) -> Floats:
    """Return where the differences of position crowd, (east, north) in arcsec; zero where they do not.

    Pairs within the search radius are formed. Strangers fill the disc of differences evenly, true pairs crowd at the
    offset; how tightly, nobody knows beforehand, so windows of several sizes are tried.
    """
    search = max(SEARCH_FACTOR * radius_arcsec, SEARCH_LEAST_ARCSEC)
    difference = _differences(ours, tree, theirs, plane, search)
    crowds = [_densest(difference, search, window) for window in _windows(search)]
    _, window, centre = max(crowds, key=lambda crowd: crowd[0])
    if window == 0.0:
        return centre
    for _ in range(5):
        near = np.linalg.norm(difference - centre, axis=1) <= window
        centre = np.median(difference[near], axis=0) if near.any() else centre
    return centre


def _differences(
    ours: Floats, tree: cKDTree, theirs: Floats, plane: tuple[Floats, Floats], search_arcsec: float
) -> Floats:
    """Return the (n, 2) differences of all pairs within a radius, arcsec; of every k-th star where there are many.

    A wide radius in a crowded field would make hundreds of millions of pairs, and a few hundred stars are enough: of
    all brightnesses, for the brightest may be missing from a deep catalogue.
    """
    reach = chord(search_arcsec / 3600.0)
    mine = _tree(ours)
    every = 1 + int(mine.count_neighbors(tree, reach)) // _MOST_PAIRS
    if every > 1:
        ours = ours[::every]
        mine = _tree(ours)
    pairs = mine.sparse_distance_matrix(tree, reach, output_type="ndarray")
    i, j = pairs["i"], pairs["j"]
    vectors = ours[i] - theirs[j]
    difference: Floats = ARCSEC_PER_RADIAN * np.stack([vectors @ plane[0], vectors @ plane[1]], axis=1)
    return difference


def _windows(search_arcsec: float) -> Floats:
    """Return half widths of windows, arcsec: from what good positions fill to an eighth of the search radius."""
    n = 1 + max(0, int(np.log2(search_arcsec / 8.0 / _LEAST_WINDOW_ARCSEC)))
    windows: Floats = _LEAST_WINDOW_ARCSEC * 2.0 ** np.arange(n, dtype=np.float64)
    return windows


def _densest(difference: Floats, search_arcsec: float, window: float) -> tuple[float, float, Floats]:
    """Return the fullest window: how surprising it is, its half width (0: not surprising enough), and its centre.

    With k pairs where an even filling puts m, the surprise is k ln(k/m) - (k - m): chance makes it greater than t in
    fewer than exp(-t) of all windows (Chernoff's bound for Poisson counts).
    """
    nothing = (-np.inf, 0.0, np.zeros(2))
    bins = int(np.ceil(search_arcsec / window)) + 1
    edges = window * np.arange(-bins, bins + 1)
    counts, _, _ = np.histogram2d(difference[:, 0], difference[:, 1], bins=[edges, edges])
    full = counts[1:, 1:] + counts[:-1, 1:] + counts[1:, :-1] + counts[:-1, :-1]  # windows of two by two bins
    row, column = np.unravel_index(int(np.argmax(full)), full.shape)
    most = float(full[row, column])
    expected = len(difference) * (2.0 * window) ** 2 / (np.pi * search_arcsec**2)
    if most < max(_LEAST_CROWD, expected):
        return nothing
    surprise = most * np.log(most / expected) - (most - expected)
    if surprise < np.log(full.size / _FALSE_ALARM):
        return nothing
    return float(surprise), window, np.array([edges[row + 1], edges[column + 1]])
