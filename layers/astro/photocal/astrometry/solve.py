"""Find where an image points: from its own coordinate system where that is right, else from patterns of its stars.

Blind within a hint: any rotation, either parity, a place and a scale known roughly. Patterns of four stars
(`photocal.astrometry.quads`) that look alike in the image and on the sky propose where it points; a proposal is
believed when so many stars fall upon reference stars that chance cannot have done it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from cpcs.errors import NotSolved
from photocal.arrays import Floats, Ints
from photocal.astrometry.plane import Plane
from photocal.astrometry.quads import Patterns, brightest_of_cells, patterns
from photocal.references import ReferenceStars
from photocal.sphere import tangent_plane

_LEVELS = (12, 20, 35, 60, 100, 180, 300)  # stars of the image that are tried, brightest first
_MOST_REFERENCES = 20_000
_NEAR_CODE = 0.012
_TOLERANCE = 3.0  # pixels
_MOST_VERIFIED = 300
_BELIEVED = float(np.log(1e9))
_FEWEST = 4
_SEEN = 0.7  # of an image's stars that are reference stars, when it is where it is thought to be
_WIDE = 4.0  # fields: a box wider than so many is searched tile by tile
_HINT_SHIFT, _HINT_CELL = 0.1, 4.0  # of the field; pixels: how far off a header may be, and how it is looked for
_HINT_STARS = 60
_ROUNDS = 4
_FEWEST_AFFINE = 6


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
        Without distortion, good to a few pixels.
    n_matched, n_tried
        Stars of the image that lie on reference stars, of those that were tried.
    log_odds
        Natural logarithm of the odds that this is no chance.
    from_header
        Whether the header's own coordinate system did.
    """

    plane: Plane
    n_matched: int
    n_tried: int
    log_odds: float
    from_header: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Proposals:
    """Similarities ``w = scale z + shift`` from the image (z conjugated for parity -1) to the tangent plane, arcsec."""

    parity: Ints
    scale: Floats  # complex
    shift: Floats  # complex


def solve(x: Floats, y: Floats, flux: Floats, shape: tuple[int, int], reference: ReferenceStars, hint: Hint) -> Solved:
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

    Raises
    ------
    NotSolved
        No pattern of the image's stars is one of the reference stars.
    """
    finite = np.isfinite(x) & np.isfinite(y) & np.isfinite(flux)
    order = np.flatnonzero(finite)[np.argsort(-flux[finite], kind="stable")]
    points = np.stack([x[order], y[order]], axis=1)
    if hint.plane is not None and (found := _as_the_header_says(points, shape, reference, hint.plane)):
        return found
    sky, magnitudes = _on_plane(reference, hint)
    for level in _LEVELS:
        n = min(level, len(points))
        if n < _FEWEST:
            break
        for tile in _tiles(sky, magnitudes, n, shape, hint):
            plane = _in_tile(points, n, shape, tile, hint)
            if plane is not None and (solved := _affine(points, shape, reference, plane)):
                return solved
        if n < level:
            break
    raise NotSolved(
        n_stars=len(points),
        n_reference=len(sky),
        radius_deg=hint.radius_deg,
        ra_deg=hint.ra_deg,
        dec_deg=hint.dec_deg,
        lowest_scale=hint.scale_arcsec[0],
        highest_scale=hint.scale_arcsec[1],
    )


def _on_plane(reference: ReferenceStars, hint: Hint) -> tuple[Floats, Floats]:
    """Return the reference stars on the plane that touches the sphere at the hint, arcsec, and how bright they are."""
    sky = 3600.0 * tangent_plane(reference.ra_deg, reference.dec_deg, hint.ra_deg, hint.dec_deg)
    magnitudes = brightness(reference)
    some = np.isfinite(sky).all(axis=1)
    return sky[some], magnitudes[some]


def brightness(reference: ReferenceStars) -> Floats:
    """Return a magnitude of each star, (n,), the mean over its bands; the faintest of all where it has none."""
    total, count = np.zeros(reference.n), np.zeros(reference.n)
    for magnitude, _ in reference.bands.values():
        known = np.isfinite(magnitude)
        total[known] += magnitude[known]
        count[known] += 1
    found: Floats = np.where(count > 0, total / np.maximum(count, 1), np.inf)
    return found


def _field(shape: tuple[int, int], hint: Hint) -> Floats:
    """Return width and height of the field, arcsec, at the middle of the scales."""
    scale = float(np.sqrt(hint.scale_arcsec[0] * hint.scale_arcsec[1]))
    return scale * np.array([shape[1], shape[0]], dtype=float)


def _tiles(sky: Floats, magnitudes: Floats, n: int, shape: tuple[int, int], hint: Hint) -> Iterator[Floats]:
    """Yield the reference stars to search, as dense on the sky as n stars in the image, from the middle outwards."""
    field = _field(shape, hint)
    in_cell = max(6.0, n / 4.0)
    cell = float(np.sqrt(in_cell * np.prod(field) / n))
    chosen = brightest_of_cells(sky, magnitudes, cell, int(1.2 * in_cell) + 1)
    size, box = float(np.max(field)), 3600.0 * hint.radius_deg
    if 2.0 * box > _WIDE * size:
        tree = cKDTree(sky[chosen])
        steps = np.arange(-np.ceil(box / (2.0 * size)), np.ceil(box / (2.0 * size)) + 1) * 2.0 * size
        middles = np.stack([axis.ravel() for axis in np.meshgrid(steps, steps)], axis=1)
        for middle in middles[np.argsort(np.hypot(*middles.T), kind="stable")]:
            inside = chosen[tree.query_ball_point(middle, 1.6 * size, p=np.inf, return_sorted=True)]
            yield sky[_brightest(inside, magnitudes)]
    else:
        yield sky[_brightest(chosen, magnitudes)]


def _brightest(chosen: Ints, magnitudes: Floats) -> Ints:
    return chosen if len(chosen) <= _MOST_REFERENCES else chosen[np.argsort(magnitudes[chosen])[:_MOST_REFERENCES]]


def _in_tile(points: Floats, n: int, shape: tuple[int, int], sky: Floats, hint: Hint) -> Plane | None:
    """Return where the image points, within some pixels, if it lies among these reference stars."""
    middle = (np.array([shape[1], shape[0]]) - 1.0) / 2.0
    image = points[:n] - middle
    if len(sky) < _FEWEST:
        return None
    neighbours = 7 if n < 30 else 5  # noqa: PLR2004 -- few stars: more patterns of each
    proposals = _proposals(patterns(image, neighbours), image, patterns(sky, neighbours), sky, hint)
    if not len(proposals.parity):
        return None
    best = _best(proposals, image, sky, float(np.mean(_field(shape, hint) / np.array([shape[1], shape[0]]))))
    if best is None:
        return None
    parity, scale, shift = int(proposals.parity[best]), proposals.scale[best], proposals.shift[best]
    a, b = float(scale.real) / 3600.0, float(scale.imag) / 3600.0
    off = shift / scale  # where the hint lies, from the middle of the image (mirrored when the parity is -1)
    here = (float(middle[0] - off.real), float(middle[1] - parity * off.imag))
    # About the hint: near a pole, north there is another direction than north in the middle of the image.
    plane = Plane(place=(hint.ra_deg, hint.dec_deg), reference_pixel=here, matrix=((a, -b * parity), (b, a * parity)))
    return plane.centred(shape)


def _proposals(ours: Patterns, image: Floats, theirs: Patterns, sky: Floats, hint: Hint) -> _Proposals:
    """Return the similarities of all pairs of patterns that look alike, are of a possible scale, and fit."""
    none = _Proposals(parity=np.zeros(0, dtype=np.int64), scale=np.zeros(0), shift=np.zeros(0))
    if not len(ours) or not len(theirs):
        return none
    tree = cKDTree(theirs.codes)
    found = []
    for parity in (1, -1):
        hits = tree.query_ball_point(ours.codes * np.array([1, parity, 1, parity]), _NEAR_CODE)
        mine = np.repeat(np.arange(len(ours)), [len(hit) for hit in hits])
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
    good = (size >= lowest) & (size <= highest) & (off < 2.0 * _TOLERANCE * size)
    shift = w_mean - scale * z_mean
    good &= np.abs(shift) <= 3600.0 * hint.radius_deg
    return _Proposals(parity=np.full(int(good.sum()), parity), scale=scale[good], shift=shift[good])


def _best(proposals: _Proposals, image: Floats, sky: Floats, pixel: float) -> int | None:
    """Return the proposal that puts most stars on reference stars, if that is no chance.

    Those that others agree with (rotation, place) are looked at first.
    """
    turn = proposals.scale / np.abs(proposals.scale) * 12.0
    place = proposals.shift / (30.0 * pixel)
    key = np.stack([place.real, place.imag, turn.real, turn.imag, 50.0 * proposals.parity], axis=1)
    votes = cKDTree(key).query_ball_point(key, 1.0, return_length=True)
    first = np.argsort(-votes, kind="stable")[:_MOST_VERIFIED]
    z = image[:, 0] + 1j * proposals.parity[first, None] * image[:, 1]
    w = proposals.scale[first, None] * z + proposals.shift[first, None]
    radius = 1.5 * _TOLERANCE * pixel
    distance = cKDTree(sky).query(np.stack([w.real, w.imag], axis=-1), distance_upper_bound=radius)[0]
    area = float(np.prod(np.maximum(np.ptp(sky, axis=0), pixel)))
    odds = log_odds(np.isfinite(distance).sum(axis=1), len(image), len(sky) / area * np.pi * radius**2)
    best = int(np.argmax(odds))
    return int(first[best]) if odds[best] > _BELIEVED + np.log(len(proposals.parity)) else None


def log_odds(n_matched: Ints, n: int, chance: float) -> Floats:
    """Return ln of the odds that matches are real: each by chance with that probability, four of them for nothing."""
    by_chance = float(np.clip(chance, 1e-12, 0.5))
    missed = np.log((1.0 - _SEEN) / (1.0 - by_chance))
    odds: Floats = (n_matched - _FEWEST) * np.log(_SEEN / by_chance) + (n - n_matched) * missed
    return odds


def _as_the_header_says(
    points: Floats, shape: tuple[int, int], reference: ReferenceStars, plane: Plane
) -> Solved | None:
    """Return the header's solution, shifted to where its stars are, if they are there."""
    stars, nearby = points[:_HINT_STARS], _nearby(reference, plane, shape, _HINT_SHIFT)
    if len(stars) < _FEWEST or len(nearby) < _FEWEST:
        return None
    reach = _HINT_SHIFT * max(shape)
    ours, theirs = cKDTree(stars), cKDTree(nearby)
    pairs = ours.query_ball_tree(theirs, reach)
    mine = np.repeat(np.arange(len(stars)), [len(pair) for pair in pairs])
    if not len(mine):
        return None
    offsets = nearby[np.concatenate([np.asarray(p, dtype=np.int64) for p in pairs if p])] - stars[mine]
    votes = cKDTree(offsets).query_ball_point(offsets, _HINT_CELL, return_length=True)
    shift = offsets[int(np.argmax(votes))]
    x0, y0 = plane.reference_pixel
    moved = Plane(
        place=plane.place,
        reference_pixel=(x0 - float(shift[0]), y0 - float(shift[1])),
        matrix=plane.matrix,
        order=plane.order,
        a=plane.a,
        b=plane.b,
    )
    found = _verified(points, shape, reference, moved)
    if found is None:
        return None
    better = _affine(points, shape, reference, moved)  # without the header's distortion, which may be right or not
    best = better if better is not None and better.log_odds > found.log_odds else found
    return replace(best, from_header=True)


def _nearby(reference: ReferenceStars, plane: Plane, shape: tuple[int, int], margin: float = 0.0) -> Floats:
    """Return the pixels, (m, 2), of the brightest reference stars in the image and a margin (of its longer side)."""
    x, y = plane.pixel(reference.ra_deg, reference.dec_deg)
    far = margin * max(shape)
    inside = np.flatnonzero((x > -far) & (x < shape[1] + far) & (y > -far) & (y < shape[0] + far))
    most = 4 * _HINT_STARS
    inside = inside[np.argsort(brightness(reference)[inside], kind="stable")[:most]]
    return np.stack([x[inside], y[inside]], axis=1)


def _verified(points: Floats, shape: tuple[int, int], reference: ReferenceStars, plane: Plane) -> Solved | None:
    """Return a solution if its stars lie on reference stars more often than chance puts them there."""
    nearby = _nearby(reference, plane, shape)
    stars = points[: min(_HINT_STARS, max(len(nearby), 2 * _FEWEST))]
    if len(nearby) < _FEWEST or len(stars) < _FEWEST:
        return None
    distance = cKDTree(nearby).query(stars, distance_upper_bound=2.0 * _TOLERANCE)[0]
    n = int(np.isfinite(distance).sum())
    chance = len(nearby) / float(np.prod(shape)) * np.pi * (2.0 * _TOLERANCE) ** 2
    odds = float(log_odds(np.array(n), len(stars), chance))
    if odds <= _BELIEVED:
        return None
    return Solved(plane=plane, n_matched=n, n_tried=len(stars), log_odds=odds, from_header=False)


def _affine(points: Floats, shape: tuple[int, int], reference: ReferenceStars, plane: Plane) -> Solved | None:
    """Return a solution with six free numbers instead of a similarity, from ever more stars."""
    odds = _verified(points, shape, reference, plane)
    for turn in range(_ROUNDS):
        better = _refitted(points[: _HINT_STARS * (1 + turn)], shape, reference, plane)
        if better is None:
            break
        plane = better
    return _verified(points, shape, reference, plane) or odds


def _refitted(points: Floats, shape: tuple[int, int], reference: ReferenceStars, plane: Plane) -> Plane | None:
    """Return the plane fitted to the stars that lie on reference stars; None where they are too few."""
    x, y = plane.pixel(reference.ra_deg, reference.dec_deg)
    inside = np.flatnonzero((x > 0) & (x < shape[1]) & (y > 0) & (y < shape[0]))
    if not len(inside):
        return None
    inside = inside[np.argsort(brightness(reference)[inside], kind="stable")[: 2 * len(points)]]
    tree = cKDTree(np.stack([x[inside], y[inside]], axis=1))
    distance, index = tree.query(points, distance_upper_bound=2.0 * _TOLERANCE)
    met = np.isfinite(distance)
    if met.sum() < _FEWEST_AFFINE:
        return None
    other = inside[index[met]]
    sky = tangent_plane(reference.ra_deg[other], reference.dec_deg[other], *plane.place)
    u, v = (points[met] - np.array(plane.reference_pixel)).T
    scale = float(max(shape))
    design = np.stack([np.ones_like(u), u / scale, v / scale], axis=1)
    zero, by_u, by_v = np.linalg.lstsq(design, sky, rcond=None)[0]
    matrix = np.stack([by_u, by_v], axis=1) / scale
    if not np.linalg.det(matrix):
        return None
    (a, b), (c, d) = matrix.tolist()
    turned = Plane(place=plane.place, reference_pixel=plane.reference_pixel, matrix=((a, b), (c, d)))
    ra, dec = turned.sky(*(np.array(plane.reference_pixel) + np.linalg.solve(matrix, zero)))
    return Plane(place=(float(ra), float(dec)), reference_pixel=plane.reference_pixel, matrix=turned.matrix)
