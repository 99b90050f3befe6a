"""One catalogue through the whole calibration: match, fit every passband, choose, and read off the target."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from cpcs.errors import NoReferenceStars, PoorFit, TooFewMatches
from cpcs.passbands import ANY, Choice, Passband, is_photographic
from cpcs.records import Mode
from photocal import __version__
from photocal.arrays import Bools, Floats
from photocal.matching import Match, match
from photocal.references.stars import ReferenceStars
from photocal.results import Calibration, Candidate, SkyOffset, Target, TargetMagnitude, UsedStars
from photocal.selection import LEAST_STARS, filter_confidence, rank
from photocal.stars import StarList
from photocal.target import check_in_field, is_measured, measure
from photocal.zeropoint import fit_zero_point

__all__ = [
    "Calibration",
    "Candidate",
    "SkyOffset",
    "Target",
    "TargetMagnitude",
    "UsedStars",
    "calibrate",
    "check_in_field",
]

LARGEST_REFERENCE_ERROR = 0.3  # CPCS 1's
LEAST_ERROR = 0.003  # mag: no star is known better, whatever its error says
BAD_FLAGS = ~0b11  # SExtractor's: neighbours and blends may stay, saturated, cut and corrupt stars may not


def calibrate(
    stars: StarList,
    references: Sequence[ReferenceStars],
    *,
    target: Target,
    matching_radius_arcsec: float,
    forced: Choice | None = None,
    filter_hint: str = "",
    mjd: float | None = None,
) -> Calibration:
    """Put a star list on a standard scale, and read off the target.

    Parameters
    ----------
    stars
        The observer's stars.
    references
        Reference stars around the field, one entry for each catalogue.
    target
        The position whose magnitude is asked for.
    matching_radius_arcsec
        Upper bound for matches with reference stars, and for the target's source.
    forced
        The passbands allowed; None lets all compete.
    filter_hint
        The filter's name in the form, as written; where it is empty, the catalogue's own header may name it.
    mjd
        Date of the observation (UTC), for the proper motions of the reference stars; None leaves them aside.

    Raises
    ------
    TargetOutsideField
        The target is not where the stars are.
    NoReferenceStars
        No reference star of an allowed passband lies in the field.
    TooFewMatches
        No allowed passband has five stars in common with the catalogue.
    PoorFit
        No fit passed the quality cuts.
    """
    check_in_field(stars, target)
    filter_hint = filter_hint or stars.meta.filter_hint
    watch = _Watch()
    with watch.step("match"):
        pairs = _match_all(stars, references, forced, matching_radius_arcsec, mjd)
    with watch.step("fit"):
        candidates = [item for reference, found in pairs for item in _fit_all(stars, reference, found, forced)]
        _check_candidates(candidates, stars, pairs, forced, matching_radius_arcsec)
    with watch.step("choose"):
        ranked = rank(candidates, filter_hint)
        winner = ranked[0]
        if winner.refused:
            raise PoorFit(
                passband=str(winner.passband),
                scatter=winner.fit.scatter,
                outlier_fraction=winner.fit.outlier_fraction,
                n_matched=winner.fit.n_matched,
            )
    with watch.step("target"):
        offset = _best_offset([found for _, found in pairs])
        measured = measure(
            stars,
            target,
            offset=offset,
            matching_radius_arcsec=matching_radius_arcsec,
            zero_point=winner.fit.zero_point,
        )
    return Calibration(
        position=target,
        target=measured,
        winner=winner,
        candidates=ranked,
        mode=Mode.AUTO if forced is None else Mode.FORCED,
        forced=forced,
        filter_hint=filter_hint,
        confidence=filter_confidence(ranked, winner),
        offset=offset,
        stars=stars,
        matching_radius_arcsec=matching_radius_arcsec,
        mjd=mjd,
        pipeline=f"photocal {__version__}",
        seconds=watch.seconds,
    )


@dataclass(slots=True)
class _Watch:
    """Wall seconds, step by step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(time.perf_counter() - start, 5)


Pair = tuple[ReferenceStars, Match]


def _match_all(
    stars: StarList, references: Sequence[ReferenceStars], forced: Choice | None, radius: float, mjd: float | None
) -> list[Pair]:
    """Match with every catalogue that an allowed passband belongs to and that has stars."""
    allowed = [item for item in references if item.n and any(_is_allowed(forced, item, band) for band in item.bands)]
    if not allowed:
        ra, dec = stars.centre
        raise NoReferenceStars(passband=_spoken(forced), radius_deg=stars.radius_deg, ra_deg=ra, dec_deg=dec)
    return [(item, match(stars, item, matching_radius_arcsec=radius, mjd=mjd)) for item in allowed]


def _is_allowed(forced: Choice | None, reference: ReferenceStars, band: str) -> bool:
    return forced is None or forced.allows(Passband(reference.catalogue, band))


def _spoken(forced: Choice | None) -> str:
    """Return what was forced, as errors name it."""
    if forced is None:
        return "any catalogue"
    if forced.filter == ANY:
        return forced.catalogue
    return f"any catalogue in {forced.filter}" if forced.catalogue == ANY else str(forced)


def _fit_all(stars: StarList, reference: ReferenceStars, found: Match, forced: Choice | None) -> Iterator[Candidate]:
    """Yield the fit of each allowed passband of one catalogue that has enough stars."""
    photographic = is_photographic(reference.catalogue)
    for passband, mine in _usable(stars, reference, found, forced):
        if mine.sum() >= LEAST_STARS:
            mag, err = reference.bands[passband.filter]
            rows = found.reference_index[mine]
            yield _fit_one(stars, found, mine, mag[rows], err[rows], passband, photographic=photographic)


def _usable(
    stars: StarList, reference: ReferenceStars, found: Match, forced: Choice | None
) -> Iterator[tuple[Passband, Bools]]:
    """Yield each allowed passband of a catalogue, with which of the matched stars can be used in it."""
    usable = _usable_sources(stars, found)
    for band, (mag, err) in reference.bands.items():
        if not _is_allowed(forced, reference, band):
            continue
        ref_mag, ref_err = mag[found.reference_index], err[found.reference_index]
        with np.errstate(invalid="ignore"):
            mine = usable & np.isfinite(ref_mag) & (ref_err >= 0.0) & (ref_err <= LARGEST_REFERENCE_ERROR)
        yield Passband(reference.catalogue, band), mine


def _usable_sources(stars: StarList, found: Match) -> Bools:
    """Return which matched sources are fit to fit: measured, and neither saturated, cut nor corrupt."""
    measured = is_measured(stars)[found.source_index]
    clean = (stars.flags[found.source_index] & BAD_FLAGS) == 0
    both: Bools = measured & clean
    # Where flags leave nothing, they mean something else than SExtractor's.
    return both if both.sum() >= LEAST_STARS else measured


def _fit_one(
    stars: StarList,
    found: Match,
    mine: Bools,
    ref_mag: Floats,
    ref_err: Floats,
    passband: Passband,
    *,
    photographic: bool,
) -> Candidate:
    source = found.source_index[mine]
    inst_mag, inst_err = stars.inst_mag[source], stars.inst_mag_err[source]
    difference = ref_mag - inst_mag
    fit = fit_zero_point(difference, np.maximum(np.hypot(ref_err, inst_err), LEAST_ERROR))
    used = UsedStars(
        source_index=source,
        reference_index=found.reference_index[mine],
        sep_arcsec=found.sep_arcsec[mine],
        ref_mag=ref_mag,
        ref_err=ref_err,
        inst_mag=inst_mag,
        inst_err=inst_err,
        residual=difference - fit.zero_point,
        inlier_probability=fit.inlier_probability,
    )
    return Candidate(passband=passband, fit=fit, stars=used, photographic=photographic)


def _check_candidates(
    candidates: Sequence[Candidate], stars: StarList, pairs: Sequence[Pair], forced: Choice | None, radius: float
) -> None:
    if candidates:
        return
    if not any(
        np.isfinite(mag).any()
        for item, _ in pairs
        for band, (mag, _) in item.bands.items()
        if _is_allowed(forced, item, band)
    ):
        ra, dec = stars.centre
        raise NoReferenceStars(passband=_spoken(forced), radius_deg=stars.radius_deg, ra_deg=ra, dec_deg=dec)
    raise TooFewMatches(
        n_matched=max(int(mine.sum()) for item, found in pairs for _, mine in _usable(stars, item, found, forced)),
        radius_arcsec=radius,
        n_needed=LEAST_STARS,
        of=f" of {_spoken(forced)}" if forced else "",
    )


def _best_offset(found: Sequence[Match]) -> SkyOffset:
    """Return the offset that is known best: the one with the smallest error of its mean."""
    measured = [item.offset for item in found if item.offset.n_matched >= LEAST_STARS]
    if not measured:
        return found[0].offset
    return min(measured, key=lambda item: max(item.scatter_arcsec, 0.02) / np.sqrt(item.n_matched))
