"""How likely it is that stars of an image fall upon reference stars by chance, all trials counted.

A solution is judged as one of a family that is counted before anybody looks: the transformations that put so many
stars of the image (the anchors: two for a similarity, one for a shift) exactly on reference stars. Whatever search
proposed it, the hits of all other stars follow, if there is nothing but chance, a Poisson binomial distribution, whose
tail that of the binomial with the same mean bounds (Hoeffding 1956, Ann. Math. Stat. 27, 713); times the size of the
family (Bonferroni) this bounds the probability that any of it does so well. A star's own probability of a hit is that
of the density of reference stars around it, so that a cluster upon a cluster proves nothing; two stars upon one
reference star count as one.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import gammaln, logsumexp

from photocal.arrays import Floats

LEVELS = (12, 25, 50, 100, 200, 300)  # stars of the image that are judged, brightest first
DEPTH = 1.5  # reference stars in the image for each of them
RADII = (1.0, 2.0, 4.0)  # pixels: what counts as a hit
SEARCHES = 6  # catalogues times places that an image may be sought with
BELIEVED = float(np.log(1e-6))
_NEIGHBOURS = 8  # that tell the density around a place


def log_choices() -> float:
    """Return ln of how many ways to look at one transformation are tried: levels, radii, parities, searches."""
    return float(np.log(2.0 * len(LEVELS) * len(RADII) * SEARCHES))


def log_similarities(n: int, reach: float, fields: float, longest: float) -> float:
    """Return ln of how many similarities put two stars of an image on two reference stars.

    Parameters
    ----------
    n
        Stars of the image.
    reach
        Largest over middle scale.
    fields
        How many fields of the image's size fit where it is sought.
    longest
        Squared diagonal of the image over its area.
    """
    references = DEPTH * n
    partners = references * max(1.0, np.pi * longest * reach**2)
    return float(np.log(0.5 * n * (n - 1.0)) + np.log(references * max(fields, 1.0)) + np.log(partners))


def log_shifts(n: int, margin: float) -> float:
    """Return ln of how many shifts put a star of an image on a reference star, of those up to a margin (of the field).

    Twice as many, since a header's plane is tried with its distortion and without.
    """
    return float(np.log(2.0 * n * DEPTH * n * (1.0 + 2.0 * margin) ** 2))


def chances(stars: Floats, references: Floats, area: float) -> Floats:
    """Return the density of reference stars around each star, per square pixel: theirs nearby, at least that of all.

    Parameters
    ----------
    stars, references
        (n, 2) and (m, 2) pixels.
    area
        Of the image, square pixels.
    """
    mean = len(references) / area
    if len(references) < _NEIGHBOURS:
        return np.full(len(stars), mean)
    far = cKDTree(references).query(stars, k=_NEIGHBOURS)[0][:, -1]
    found: Floats = np.maximum(mean, _NEIGHBOURS / (np.pi * np.maximum(np.square(far), 1e-6)))
    return found


def log_tail(hits: int, density: Floats, radius: float) -> float:
    """Return ln of the probability of so many hits or more.

    Parameters
    ----------
    hits
        Reference stars with a star upon them, the anchors' not counted.
    density
        (n,) of the reference stars around each star that could hit one, per square pixel.
    radius
        Pixels.
    """
    if hits <= 0 or not len(density):
        return 0.0
    mean = float(np.mean(np.minimum(density * np.pi * radius**2, 1.0)))
    if hits < len(density) * mean + 1.0:
        return 0.0
    n, k = len(density), np.arange(min(hits, len(density)), len(density) + 1)
    with np.errstate(divide="ignore"):  # no reference star near any: the logarithm of 0
        terms = k * np.log(mean) + (n - k) * np.log1p(-mean)
    return float(logsumexp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + terms))
