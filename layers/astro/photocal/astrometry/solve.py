"""Find where an image points: from its own coordinate system where that is right, else from patterns of its stars.

Blind within a hint: any rotation, either parity, a place and a scale known roughly. Patterns of four stars
(`photocal.astrometry.quads`) that look alike in the image and on the sky propose where it points, or, where stars are
few, all pairs of them (`photocal.astrometry.pairs`). A proposal is believed when chance would not put so many stars
upon reference stars in a million such images, all that is tried counted (`photocal.astrometry.chance`).

The work is bounded, in units of a star looked up among reference stars: when it is done, the image is not solved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from cpcs.errors import NotSolved
from photocal.arrays import Bools, Floats, Ints
from photocal.astrometry import chance
from photocal.astrometry.judge import FEWEST, TOLERANCE, Sky, Verdict, fitted, judged, similarity
from photocal.astrometry.pairs import by_pairs
from photocal.astrometry.plane import Plane
from photocal.astrometry.quads import Patterns, brightest_of_cells, patterns
from photocal.references import ReferenceStars
from photocal.sphere import tangent_plane

_LEVELS = (12, 20, 35, 60, 100, 180, 300)  # stars of the image that are tried, brightest first
_MOST_STARS = 2_000  # of the image that are looked at in all
_MOST_REFERENCES, _MOST_IN_TILE = 400_000, 8_000
_MOST_WORK, _SHARE = 5_500_000, 0.7  # of an image; of what is left of it, for one search
_NEAR_CODE, _MOST_ALIKE = 0.012, 1_000_000  # pairs of patterns of a tile
_MOST_PROPOSALS, _MOST_VERIFIED, _MOST_JUDGED = 20_000, 300, 3  # of a tile
_WORTH = float(np.log(0.1))  # ln of the chance, within a tile, from which on a proposal is fitted and judged
_WIDE = 4.0  # fields: a box wider than so many is searched tile by tile
_HINT_SHIFT, _HINT_CELL = 0.1, 4.0  # of the field; pixels: how far off a header may be, and how it is looked for
_HINT_STARS = 60
_FEW, _BASES, _MOST_PAIRED, _PAIRS_JUDGED = 16, 7, 3_000_000, 25  # stars for pairs; and what is tried of them
_FEW_TILED, _MANY = 30, 20_000  # stars; reference stars: of few among not too many, more patterns are made
_DEEPER = 2.0  # times as many reference stars as stars, where these are few
_JUDGING = 10_000  # units of work of one verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Where to look.

    Attributes
    ----------
    ra_deg, dec_deg
        Where the middle of the image is thought to be, deg.
    radius_deg
        How far from there it may be.
    scale_arcsec
        Lowest and highest pixel scale.
    plane
        What the header says, which is tried first.
    """

    ra_deg: float
    dec_deg: float
    radius_deg: float
    scale_arcsec: tuple[float, float]
    plane: Plane | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """Where an image points.

    Attributes
    ----------
    plane
        Good to a few pixels; with the distortion that the header says, where that did better than none.
    n_matched, n_tried
        Stars of the image that lie on reference stars, of those that were judged.
    log_chance
        ln of a bound of the probability that chance finds any such place for an image of other stars: all stars,
        places, scales, levels and catalogues that may be tried are counted.
    from_header
        Whether the header's own coordinate system did.
    """

    plane: Plane
    n_matched: int
    n_tried: int
    log_chance: float
    from_header: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Proposals:
    """Similarities ``w = scale z + shift`` from the image (z conjugated for parity -1) to the tangent plane, arcsec."""

    parity: Ints
    scale: Floats  # complex
    shift: Floats  # complex


@dataclass(slots=True, kw_only=True)
class Work:
    """The work that may be done for an image, in units of a star looked up; its searches share it."""

    left: float = _MOST_WORK


class _Spent(Exception):  # noqa: N818 -- a word
    """The work that may be done is done."""


class _Search:
    """What is looked for, where, and how much has been done for it."""

    def __init__(
        self, points: Floats, shape: tuple[int, int], reference: ReferenceStars, hint: Hint, work: Work
    ) -> None:
        self.points, self.shape, self.hint = points, shape, hint
        self.middle = (np.array([shape[1], shape[0]]) - 1.0) / 2.0
        self.pixel = float(np.sqrt(hint.scale_arcsec[0] * hint.scale_arcsec[1]))
        self.field = self.pixel * np.array([shape[1], shape[0]], dtype=float)
        self.sky = _sky(reference, hint, float(np.hypot(*self.field)) * hint.scale_arcsec[1] / self.pixel)
        self.work, self.least = work, (1.0 - _SHARE) * work.left
        counts = {min(n, len(points)) for n in chance.LEVELS}
        box = np.prod(self.field + 2.0 * 3600.0 * hint.radius_deg)
        fields, longest = float(box / np.prod(self.field)), float(np.sum(self.field**2) / np.prod(self.field))
        reach = hint.scale_arcsec[1] / self.pixel
        usable = sorted(n for n in counts if n >= FEWEST)
        self.similarities = {n: chance.log_similarities(n, reach, fields, longest) for n in usable}
        self.shifts = {n: chance.log_shifts(n, _HINT_SHIFT) for n in usable}

    def spend(self, units: int) -> None:
        """Note work that is to be done.

        Raises
        ------
        _Spent
            It would be too much.
        """
        self.work.left -= units
        if self.work.left < self.least:
            raise _Spent

    def judge(self, plane: Plane) -> Verdict:
        """Return a place, fitted, and what speaks for it."""
        self.spend(_JUDGING)
        return judged(
            self.points, self.shape, self.sky, fitted(self.points, self.shape, self.sky, plane),
            log_family=self.similarities, anchors=2,
        )  # fmt: skip

    def plane(self, parity: int, scale: complex, shift: complex) -> Plane:
        """Return a similarity from pixels from the middle of the image to arcsec from the hint as a plane."""
        off = shift / scale  # where the hint lies, from the middle of the image (mirrored when the parity is -1)
        here = (float(self.middle[0] - off.real), float(self.middle[1] - parity * off.imag))
        (a, b), (c, d) = (similarity(scale, parity) / 3600.0).tolist()
        # About the hint: near a pole, north there is another direction than north in the middle of the image.
        plane = Plane(place=(self.hint.ra_deg, self.hint.dec_deg), reference_pixel=here, matrix=((a, b), (c, d)))
        return plane.centred(self.shape)


def solve(
    x: Floats,
    y: Floats,
    flux: Floats,
    shape: tuple[int, int],
    reference: ReferenceStars,
    hint: Hint,
    work: Work | None = None,
) -> Solved:
    """Return where an image points.

    Parameters
    ----------
    x, y
        (n,) 0-based pixels of its stars.
    flux
        (n,) brighter is larger.
    shape
        Rows and columns.
    reference
        Stars of the cone of the hint, widened by the field; at the epoch of the image.
    hint
        Where to look.
    work
        What is left to be done for the image, where it is sought with other catalogues or hints, too; it grows less.

    Raises
    ------
    NotSolved
        No place that the image's stars fit is beyond chance, or none was found with the work that is allowed.
    """
    finite = np.isfinite(x) & np.isfinite(y) & np.isfinite(flux)
    order = np.flatnonzero(finite)[np.argsort(-flux[finite], kind="stable")]
    search = _Search(np.stack([x[order], y[order]], axis=1)[:_MOST_STARS], shape, reference, hint, work or Work())
    if min(len(order), len(search.sky.ra_deg)) >= FEWEST and (found := _found(search)) is not None:
        return found
    raise NotSolved(
        n_stars=len(order),
        n_reference=len(search.sky.ra_deg),
        radius_deg=hint.radius_deg,
        ra_deg=hint.ra_deg,
        dec_deg=hint.dec_deg,
        lowest_scale=hint.scale_arcsec[0],
        highest_scale=hint.scale_arcsec[1],
    )


def _found(search: _Search) -> Solved | None:
    try:
        if search.hint.plane is not None and (found := _as_the_header_says(search, search.hint.plane)):
            return _solved(found, from_header=True)
        for plane in _planes(search):
            verdict = search.judge(plane)
            if verdict.log_chance < chance.BELIEVED:
                return _solved(verdict, from_header=False)
    except _Spent:
        pass
    return None


def _solved(verdict: Verdict, *, from_header: bool) -> Solved:
    return Solved(
        plane=verdict.plane,
        n_matched=verdict.n_matched,
        n_tried=verdict.n_tried,
        log_chance=verdict.log_chance,
        from_header=from_header,
    )


def _planes(search: _Search) -> Iterator[Plane]:
    """Yield places to be judged: by patterns, of few stars first, then by pairs."""
    n_all = len(search.points)
    for level in _LEVELS:
        n = min(level, n_all)
        tiles = list(_tiles(search, n))
        many = sum(len(rows) for rows in tiles) > _MANY
        for rows in tiles:
            yield from _in_tile(search, n, search.sky.plane[rows], many=many)
        if level >= n_all:
            break
    yield from _by_pairs(search, min(n_all, _FEW))


def _sky(reference: ReferenceStars, hint: Hint, diagonal: float) -> Sky:
    """Return the reference stars where the image may be, the brightest first, and no more than are of use."""
    at = 3600.0 * tangent_plane(reference.ra_deg, reference.dec_deg, hint.ra_deg, hint.dec_deg)
    within: Bools = np.hypot(at[:, 0], at[:, 1]) <= 3600.0 * hint.radius_deg + diagonal  # false where not finite
    rows = np.flatnonzero(within)
    faintness = brightness(reference)[rows]
    if len(rows) > _MOST_REFERENCES:
        some = np.argpartition(faintness, _MOST_REFERENCES)[:_MOST_REFERENCES]
        rows, faintness = rows[some], faintness[some]
    rows = rows[np.argsort(faintness, kind="stable")]
    return Sky(
        ra_deg=reference.ra_deg[rows], dec_deg=reference.dec_deg[rows], plane=at[rows], ra0_deg=hint.ra_deg,
        dec0_deg=hint.dec_deg,
    )  # fmt: skip


def brightness(reference: ReferenceStars) -> Floats:
    """Return a magnitude of each star, (n,), the mean over its bands; the faintest of all where it has none."""
    total, count = np.zeros(reference.n), np.zeros(reference.n)
    for magnitude, _ in reference.bands.values():
        known = np.isfinite(magnitude)
        total[known] += magnitude[known]
        count[known] += 1
    found: Floats = np.where(count > 0, total / np.maximum(count, 1), np.inf)
    return found


def _chosen(search: _Search, n: int) -> Ints:
    """Return the rows of the reference stars that are about as dense on the sky as n stars in the image."""
    in_cell = max(6.0, n / 4.0)
    cell = float(np.sqrt(in_cell * np.prod(search.field) / n))
    each = int((_DEEPER if n <= _LEVELS[1] else 1.2) * in_cell) + 1
    search.spend(len(search.sky.plane) // 10)
    return brightest_of_cells(search.sky.plane, np.arange(len(search.sky.plane)), cell, each)


def _tiles(search: _Search, n: int) -> Iterator[Ints]:
    """Yield the rows of the reference stars to search, tile by tile, from the middle outwards."""
    chosen = _chosen(search, n)
    size, box = float(np.max(search.field)), 3600.0 * search.hint.radius_deg
    if 2.0 * box <= _WIDE * size:
        yield chosen[:_MOST_IN_TILE]  # the brightest, as all rows are
        return
    tree = cKDTree(search.sky.plane[chosen])
    steps = np.arange(-np.ceil(box / (2.0 * size)), np.ceil(box / (2.0 * size)) + 1) * 2.0 * size
    middles = np.stack([axis.ravel() for axis in np.meshgrid(steps, steps)], axis=1)
    middles = middles[np.hypot(*middles.T) <= box + np.sqrt(2.0) * size]
    for middle in middles[np.argsort(np.hypot(*middles.T), kind="stable")]:
        yield chosen[tree.query_ball_point(middle, 1.6 * size, p=np.inf, return_sorted=True)][:_MOST_IN_TILE]


def _in_tile(search: _Search, n: int, sky: Floats, *, many: bool = False) -> Iterator[Plane]:
    """Yield where patterns of the image's stars lie among these reference stars, if more than chance may be in it."""
    image = search.points[:n] - search.middle
    if len(sky) < FEWEST or n < FEWEST:
        return
    neighbours = 7 if n < _FEW_TILED and not many else 5
    search.spend((35 if neighbours == 7 else 10) * len(sky))  # noqa: PLR2004 -- as many patterns
    proposals = _proposals(patterns(image, neighbours), image, patterns(sky, neighbours), sky, search.hint)
    if len(proposals.parity):
        search.spend(min(len(proposals.parity), _MOST_VERIFIED) * n)
        for best in _best(proposals, image, sky, search.pixel):
            yield search.plane(int(proposals.parity[best]), proposals.scale[best], proposals.shift[best])


def _proposals(ours: Patterns, image: Floats, theirs: Patterns, sky: Floats, hint: Hint) -> _Proposals:
    """Return the similarities of all pairs of patterns that look alike, are of a possible scale, and fit."""
    none = _Proposals(parity=np.zeros(0, dtype=np.int64), scale=np.zeros(0), shift=np.zeros(0))
    if not len(ours) or not len(theirs):
        return none
    tree = cKDTree(theirs.codes)
    found = []
    for parity in (1, -1):
        codes = ours.codes * np.array([1, parity, 1, parity])
        alike = np.cumsum(tree.query_ball_point(codes, _NEAR_CODE, return_length=True))
        hits = tree.query_ball_point(codes[alike <= _MOST_ALIKE], _NEAR_CODE, return_sorted=True)
        mine = np.repeat(np.flatnonzero(alike <= _MOST_ALIKE), [len(hit) for hit in hits])
        if len(mine):
            other = np.concatenate([np.asarray(hit, dtype=np.int64) for hit in hits if hit])
            found.append(_similarities(ours.stars[mine], image, theirs.stars[other], sky, parity, hint))
    if not found:
        return none
    return _Proposals(
        parity=np.concatenate([item.parity for item in found]),
        scale=np.concatenate([item.scale for item in found]),
        shift=np.concatenate([item.shift for item in found]),
    )


def _similarities(mine: Ints, image: Floats, other: Ints, sky: Floats, parity: int, hint: Hint) -> _Proposals:
    """Return the least-squares similarities of pairs of patterns, those that fit."""
    z = (image[:, 0] + 1j * parity * image[:, 1])[mine]
    w = (sky[:, 0] + 1j * sky[:, 1])[other]
    z_mean, w_mean = z.mean(axis=1), w.mean(axis=1)
    dz, dw = z - z_mean[:, None], w - w_mean[:, None]
    scale = (dw * np.conj(dz)).sum(axis=1) / (np.abs(dz) ** 2).sum(axis=1)
    size = np.abs(scale)
    off = np.sqrt((np.abs(dw - scale[:, None] * dz) ** 2).mean(axis=1))
    lowest, highest = hint.scale_arcsec
    good = (size >= lowest) & (size <= highest) & (off < 2.0 * TOLERANCE * size)
    shift = w_mean - scale * z_mean
    good &= np.abs(shift) <= 3600.0 * hint.radius_deg
    good &= np.cumsum(good) <= _MOST_PROPOSALS
    return _Proposals(parity=np.full(int(good.sum()), parity), scale=scale[good], shift=shift[good])


def _best(proposals: _Proposals, image: Floats, sky: Floats, pixel: float) -> list[int]:
    """Return the proposals that put most stars on reference stars, if that may be no chance.

    Those that others agree with (rotation, place) are looked at first.
    """
    turn = proposals.scale / np.abs(proposals.scale) * 12.0
    place = proposals.shift / (30.0 * pixel)
    key = np.stack([place.real, place.imag, turn.real, turn.imag, 50.0 * proposals.parity], axis=1)
    votes = cKDTree(key).query_ball_point(key, 1.0, return_length=True)
    first = np.argsort(-votes, kind="stable")[:_MOST_VERIFIED]
    z = image[:, 0] + 1j * proposals.parity[first, None] * image[:, 1]
    w = proposals.scale[first, None] * z + proposals.shift[first, None]
    radius = 1.5 * TOLERANCE * pixel
    distance = cKDTree(sky).query(np.stack([w.real, w.imag], axis=-1), distance_upper_bound=radius)[0]
    hits = np.isfinite(distance).sum(axis=1)
    density = np.full(len(image) - FEWEST, len(sky) / float(np.prod(np.maximum(np.ptp(sky, axis=0), pixel))))
    worth = []
    for k in np.argsort(-hits, kind="stable")[:_MOST_JUDGED]:
        log_chance = chance.log_tail(int(hits[k]) - FEWEST, density, radius) + np.log(len(proposals.parity))
        if log_chance < _WORTH:
            worth.append(int(first[k]))
    return worth


def _by_pairs(search: _Search, n: int) -> Iterator[Plane]:
    """Yield where all pairs of the brightest stars may lie, those first that put most others on reference stars."""
    sky = search.sky.plane[_chosen(search, n)]
    search.spend(_MOST_WORK // 4)
    found = by_pairs(
        search.points[:n] - search.middle, sky, TOLERANCE * search.pixel, search.hint.scale_arcsec,
        3600.0 * search.hint.radius_deg, bases=_BASES, most=_MOST_PAIRED,
    )  # fmt: skip
    for item in found[:_PAIRS_JUDGED]:
        yield search.plane(item.parity, item.scale, item.shift)


def _as_the_header_says(search: _Search, plane: Plane) -> Verdict | None:
    """Return the header's solution, shifted to where its stars are, if they are there; with its distortion or not."""
    best: Verdict | None = None
    for said in [plane, replace(plane, order=0, a={}, b={})] if plane.a or plane.b else [plane]:
        moved = _shifted(search, said)
        if moved is None:
            continue
        search.spend(2 * _JUDGING)
        as_it_is = judged(search.points, search.shape, search.sky, moved, log_family=search.shifts, anchors=1)
        for verdict in (as_it_is, search.judge(moved)):
            if verdict.log_chance < (chance.BELIEVED if best is None else best.log_chance):
                best = verdict
    return best


def _shifted(search: _Search, plane: Plane) -> Plane | None:
    """Return a plane moved by the offset that most pairs of bright stars and reference stars agree on."""
    stars = search.points[:_HINT_STARS]
    _, nearby = search.sky.pixels(plane, search.shape, 4 * _HINT_STARS, _HINT_SHIFT)
    if len(nearby) < FEWEST:
        return None
    offsets = (nearby[None, :, :] - stars[:, None, :]).reshape(-1, 2)
    offsets = offsets[np.hypot(*offsets.T) <= _HINT_SHIFT * max(search.shape)]
    if not len(offsets):
        return None
    search.spend(len(offsets))
    votes = cKDTree(offsets).query_ball_point(offsets, _HINT_CELL, return_length=True)
    shift = offsets[int(np.argmax(votes))]
    x0, y0 = plane.reference_pixel
    return replace(plane, reference_pixel=(x0 - float(shift[0]), y0 - float(shift[1])))
