"""The reference stars of one field, from every catalogue that can be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cpcs.errors import ReferenceUnavailable
from cpcs.passbands import covers
from photocal.references.out_of_reach import is_lasting
from photocal.references.stars import ReferenceStars
from photocal.references.store import TileStore

LARGEST_RADIUS_DEG = 2.0  # a wider field is calibrated with the stars of its middle
AT_ONCE = 8  # tiles are small and far away: waiting is most of the work
# By how well they know where stars stand: Gaia's and what was made with it, then CCD surveys, then plates
BEST_PLACES = (
    "GAIA", "GaiaSP", "REFCAT2", "GAIADR2", "URAT1", "PS1", "UCAC4", "DES", "SKYMAPPER", "SDSS", "2MASS", "VSTATLAS",
    "APASS", "OGLE3", "USNO",
)  # fmt: skip
ENOUGH_FOR_PLACES = 10  # stars of a catalogue that a plate solution is tried with while there is a better one


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The reference stars that could be had, and the catalogues that could not.

    Attributes
    ----------
    stars
        One entry for each catalogue.
    unavailable
        Catalogue -> why not.
    passing
        Those of them that may be had later.
    """

    stars: tuple[ReferenceStars, ...]
    unavailable: dict[str, str] = field(default_factory=dict)
    passing: tuple[str, ...] = ()


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
    missing = {name: answer for name, answer in answers.items() if isinstance(answer, ReferenceUnavailable)}
    unavailable = {name: _reason(error) for name, error in missing.items()}
    stars = tuple(answer for answer in answers.values() if isinstance(answer, ReferenceStars))
    if unavailable and not any(answer.n for answer in stars):
        reasons = sorted(set(unavailable.values()))
        raise ReferenceUnavailable(
            catalogues=", ".join(unavailable), ra_deg=ra_deg, dec_deg=dec_deg, reason="; ".join(reasons)[:300]
        )
    return Gathered(stars=stars, unavailable=unavailable, passing=_passing(missing))


def _reason(error: ReferenceUnavailable) -> str:
    return str(error.metadata.get("reason", error))


def _passing(missing: Mapping[str, ReferenceUnavailable]) -> tuple[str, ...]:
    return tuple(name for name, error in missing.items() if not is_lasting(error))


def gather_places(tiles: TileStore, ra_deg: float, dec_deg: float, radius_deg: float) -> Gathered:
    """Fetch the stars that an image's place on the sky is found with: of the first catalogue that has enough there.

    Returns
    -------
    Gathered
        The catalogue with the best known places that has at least `ENOUGH_FOR_PLACES` stars; without one, all that
        have any. Unavailable are those that would have been better.

    Raises
    ------
    ReferenceUnavailable
        No catalogue has a star, and some are not to be had now.
    """
    found: list[ReferenceStars] = []
    missing: dict[str, ReferenceUnavailable] = {}
    for name in (name for name in BEST_PLACES if covers(name, dec_deg, radius_deg)):
        try:
            stars = tiles.cone(name, ra_deg, dec_deg, min(radius_deg, LARGEST_RADIUS_DEG))
        except ReferenceUnavailable as error:
            missing[name] = error
            continue
        found += [stars] if stars.n else []
        if stars.n >= ENOUGH_FOR_PLACES:
            found = [stars]
            break
    if missing and not found:
        raise next(iter(missing.values()))
    reasons = {name: _reason(error) for name, error in missing.items()}
    return Gathered(stars=tuple(found), unavailable=reasons, passing=_passing(missing))
