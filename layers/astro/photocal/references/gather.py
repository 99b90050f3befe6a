"""The reference stars of one field, from every catalogue that can be had."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cpcs.errors import ReferenceUnavailable
from photocal.references.stars import ReferenceStars
from photocal.references.store import TileStore

LARGEST_RADIUS_DEG = 2.0  # a wider field is calibrated with the stars of its middle
AT_ONCE = 8  # tiles are small and far away: waiting is most of the work


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The reference stars that could be had, and the catalogues that could not."""

    stars: tuple[ReferenceStars, ...]
    unavailable: dict[str, str] = field(default_factory=dict)  # catalogue -> why


def gather(tiles: TileStore, names: Sequence[str], ra_deg: float, dec_deg: float, radius_deg: float) -> Gathered:
    """Fetch the reference stars of the field, of every catalogue named.

    Raises
    ------
    ReferenceUnavailable
        Some catalogues are not to be had, and no other has a star here.
    """
    radius = min(radius_deg, LARGEST_RADIUS_DEG)

    def one(name: str) -> ReferenceStars | ReferenceUnavailable:
        try:
            return tiles.cone(name, ra_deg, dec_deg, radius)
        except ReferenceUnavailable as error:
            return error

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = dict(zip(names, pool.map(one, names), strict=True))
    unavailable = {
        name: str(answer.metadata.get("reason", answer))
        for name, answer in answers.items()
        if isinstance(answer, ReferenceUnavailable)
    }
    stars = tuple(answer for answer in answers.values() if isinstance(answer, ReferenceStars))
    if unavailable and not any(answer.n for answer in stars):
        reasons = sorted(set(unavailable.values()))
        raise ReferenceUnavailable(
            catalogues=", ".join(unavailable), ra_deg=ra_deg, dec_deg=dec_deg, reason="; ".join(reasons)[:300]
        )
    return Gathered(stars=stars, unavailable=unavailable)
