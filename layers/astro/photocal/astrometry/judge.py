"""From a place that was proposed to one that is believed: fitted to the stars that lie there, and judged by chance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial import cKDTree

from photocal.arrays import Floats, Ints
from photocal.astrometry import chance
from photocal.astrometry.plane import Plane
from photocal.sphere import tangent_plane

TOLERANCE = 3.0  # pixels: how far a star may lie from its reference star before anything is refined
FEWEST = 4
_ROUNDS, _STARS = 4, 60  # of fitting, with so many stars more each time
_FEWEST_AFFINE = 12  # stars: fewer bear a similarity only
_ANCHORS = 8  # stars whose pairs, or who alone, are tried as anchors
_FEWEST_APART = 0.2  # of the diagonal: anchors of a similarity lie so far from each other
_MOST_NEAR = 30_000  # reference stars around an image that are projected
_MARGIN = 1.15  # of the half diagonal: where the reference stars of an image are looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A place, and what speaks for it.

    Attributes
    ----------
    plane
        Fitted to the stars that lie on reference stars.
    n_matched, n_tried
        Of those judged.
    log_chance
        ln of a bound of the probability that chance does so well anywhere it was sought.
    """

    plane: Plane
    n_matched: int
    n_tried: int
    log_chance: float


@dataclass(slots=True, kw_only=True, eq=False)
class Sky:
    """The reference stars where an image is sought.

    Attributes
    ----------
    ra_deg, dec_deg
        (m,) arrays, the brightest first.
    plane
        (m, 2) the same on the plane that touches the sphere at the hint, arcsec.
    tree
        Of those.
    ra0_deg, dec0_deg
        Where that plane touches.
    """

    ra_deg: Floats
    dec_deg: Floats
    plane: Floats
    ra0_deg: float
    dec0_deg: float
    tree: cKDTree = field(init=False)

    def __post_init__(self) -> None:
        self.tree = cKDTree(self.plane)

    def near(self, plane: Plane, shape: tuple[int, int], margin: float = 0.0) -> Ints:
        """Return the rows of the stars in an image and a margin (of its diagonal), the brightest first."""
        corners = np.array([[-0.5, -0.5], [shape[1], -0.5], [-0.5, shape[0]], [shape[1], shape[0]]])
        ra, dec = plane.centred(shape).sky(*corners.T)
        sky = 3600.0 * tangent_plane(ra, dec, self.ra0_deg, self.dec0_deg)
        middle = sky.mean(axis=0)
        radius = float(np.max(np.hypot(*(sky - middle).T)))
        if not np.isfinite(radius):
            return np.zeros(0, dtype=np.int64)
        found = self.tree.query_ball_point(middle, (_MARGIN + 2.0 * margin) * radius, return_sorted=True)
        return np.asarray(found, dtype=np.int64)

    def pixels(self, plane: Plane, shape: tuple[int, int], most: int, margin: float = 0.0) -> tuple[Ints, Floats]:
        """Return the rows and pixels of the brightest stars in an image and a margin (of its longer side)."""
        rows = self.near(plane, shape, margin)[:_MOST_NEAR]
        x, y = plane.pixel(self.ra_deg[rows], self.dec_deg[rows])
        far = margin * max(shape)
        inside = np.flatnonzero((x > -far) & (x < shape[1] + far) & (y > -far) & (y < shape[0] + far))[:most]
        return rows[inside], np.stack([x[inside], y[inside]], axis=1)


def fitted(points: Floats, shape: tuple[int, int], sky: Sky, plane: Plane) -> Plane:
    """Return a place fitted to ever more of the stars that lie on reference stars there.

    Parameters
    ----------
    points
        (n, 2) pixels of the image's stars, the brightest first.
    """
    for turn in range(_ROUNDS):
        better = _refitted(points[: _STARS * (1 + turn)], shape, sky, plane)
        if better is None:
            break
        plane = better
    return plane


def _refitted(points: Floats, shape: tuple[int, int], sky: Sky, plane: Plane) -> Plane | None:
    rows, there = sky.pixels(plane, shape, 2 * len(points))
    mine, other = matched(points, there, 2.0 * TOLERANCE)
    if len(mine) < FEWEST:
        return None
    at = tangent_plane(sky.ra_deg[rows[other]], sky.dec_deg[rows[other]], *plane.place)
    x0, y0 = plane.reference_pixel
    u, v = points[mine, 0] - x0, points[mine, 1] - y0
    if len(mine) >= _FEWEST_AFFINE:
        reach = float(max(shape))
        design = np.stack([np.ones_like(u), u / reach, v / reach], axis=1)
        zero, by_u, by_v = np.linalg.lstsq(design, at, rcond=None)[0]
        matrix = np.stack([by_u, by_v], axis=1) / reach
    else:
        z, w = u + 1j * plane.parity * v, at[:, 0] + 1j * at[:, 1]
        dz, dw = z - z.mean(), w - w.mean()
        scale = complex(np.sum(dw * np.conj(dz)) / max(float(np.sum(np.abs(dz) ** 2)), 1e-12))
        off = complex(w.mean()) - scale * complex(z.mean())
        zero, matrix = np.array([off.real, off.imag]), similarity(scale, plane.parity)
    if not np.linalg.det(matrix):
        return None
    (a, b), (c, d) = matrix.tolist()
    turned = Plane(place=plane.place, reference_pixel=plane.reference_pixel, matrix=((a, b), (c, d)))
    ra, dec = turned.sky(*(np.array(plane.reference_pixel) + np.linalg.solve(matrix, zero)))
    return Plane(place=(float(ra), float(dec)), reference_pixel=plane.reference_pixel, matrix=turned.matrix)


def similarity(scale: complex, parity: int) -> Floats:
    """Return the matrix of ``w = scale z``, z conjugated for parity -1."""
    return np.array([[scale.real, -scale.imag * parity], [scale.imag, scale.real * parity]])


def matched(points: Floats, there: Floats, radius: float) -> tuple[Ints, Ints]:
    """Return the indices of stars and reference stars that are each other's nearest within a radius, pixels."""
    none = np.zeros(0, dtype=np.int64)
    if not len(points) or not len(there):
        return none, none
    distance, nearest = cKDTree(there).query(points, distance_upper_bound=radius)
    met = np.flatnonzero(np.isfinite(distance))
    back = cKDTree(points).query(there)[1]
    mine: Ints = met[back[nearest[met]] == met]
    return mine, nearest[mine]


def judged(
    points: Floats, shape: tuple[int, int], sky: Sky, plane: Plane, *, log_family: dict[int, float], anchors: int
) -> Verdict:
    """Return a place with the least bound of the probability of chance, over numbers of stars, anchors and radii.

    Parameters
    ----------
    points
        (n, 2) pixels of the image's stars, the brightest first.
    plane
        The place; with one anchor its own distortion counts, with two it is but where pairs are looked for.
    log_family
        Number of stars -> ln of how many transformations with such anchors there are.
    anchors
        1 for a shift of the plane, 2 for a similarity.
    """
    best = Verdict(plane=plane, n_matched=0, n_tried=0, log_chance=0.0)
    for n, family in log_family.items():
        stars = points[:n]
        rows, there = sky.pixels(plane, shape, int(chance.DEPTH * n))
        mine, other = matched(stars, there, 2.0 * TOLERANCE)
        if len(mine) < anchors + 2:
            continue
        density = chance.chances(stars, there, float(np.prod(shape)))
        placed = _similar if anchors == 2 else _shifted  # noqa: PLR2004
        for left_out, moved in placed(stars, there, mine, other, sky, rows, plane):
            others = np.delete(np.arange(len(stars)), left_out)
            distance, nearest = cKDTree(moved).query(stars[others], distance_upper_bound=max(chance.RADII))
            for radius in chance.RADII:
                hits = len(np.unique(nearest[distance < radius]))
                log_chance = family + chance.log_choices() + chance.log_tail(hits, density[others], radius)
                if log_chance < best.log_chance:
                    best = replace(best, n_matched=hits + anchors, n_tried=len(stars), log_chance=log_chance)
    return best


Placed = list[tuple[Ints, Floats]]


def _nearest_first(stars: Floats, there: Floats, mine: Ints, other: Ints) -> Ints:
    """Return the order in which matched stars serve as anchors: the least off from the median first."""
    off = there[other] - stars[mine]
    order: Ints = np.argsort(np.hypot(*(off - np.median(off, axis=0)).T), kind="stable")[:_ANCHORS]
    return order


def _shifted(
    stars: Floats, there: Floats, mine: Ints, other: Ints, sky: Sky, rows: Ints, plane: Plane
) -> Placed:  # the last three as `_similar` needs them
    """Return, for each anchor, which star it is and where all reference stars lie when it lies on its own."""
    del sky, rows, plane
    chosen = _nearest_first(stars, there, mine, other)
    return [(mine[[k]], there + (stars[mine[k]] - there[other[k]])) for k in chosen]


def _similar(stars: Floats, there: Floats, mine: Ints, other: Ints, sky: Sky, rows: Ints, plane: Plane) -> Placed:
    """Return, for each pair of anchors, which stars they are and where all reference stars lie by its similarity."""
    at = tangent_plane(sky.ra_deg[rows], sky.dec_deg[rows], *plane.place)
    w, z = at[:, 0] + 1j * at[:, 1], stars[:, 0] + 1j * plane.parity * stars[:, 1]
    chosen = _nearest_first(stars, there, mine, other)
    apart = _FEWEST_APART * float(np.hypot(*np.ptp(stars, axis=0)))
    found = []
    for i, first in enumerate(chosen):
        for second in chosen[:i]:
            pair, theirs = mine[[first, second]], other[[first, second]]
            step, sky_step = z[pair[1]] - z[pair[0]], w[theirs[1]] - w[theirs[0]]
            if abs(step) <= apart or not sky_step:
                continue
            back = z[pair[0]] + (w - w[theirs[0]]) * (step / sky_step)
            found.append((pair, np.stack([back.real, plane.parity * back.imag], axis=1)))
    return found
