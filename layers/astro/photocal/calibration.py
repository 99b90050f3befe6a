"""One catalogue through the whole calibration: match, fit every passband, choose, and read off the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cpcs.errors import PoorFit
from cpcs.passbands import Choice
from cpcs.records import ColourPrior, Mode
from photocal import __version__
from photocal.candidates import Task, fit_all, match_all
from photocal.colour import corrected, target_colour
from photocal.matching import Match
from photocal.pixels.records import ForcedFlux
from photocal.references.stars import ReferenceStars
from photocal.results import Calibration, Candidate, SkyOffset, Target, TargetMagnitude, UsedStars
from photocal.selection import LEAST_STARS, filter_confidence, rank
from photocal.stars import StarList
from photocal.target import check_in_field, measure
from photocal.watch import Watch

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


def calibrate(
    stars: StarList,
    references: Sequence[ReferenceStars],
    *,
    target: Target,
    matching_radius_arcsec: float,
    forced: Choice | None = None,
    filter_hint: str = "",
    mjd: float | None = None,
    colour_priors: Mapping[str, ColourPrior] | None = None,
    target_colours: Mapping[str, float] | None = None,
    forced_flux: ForcedFlux | None = None,
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
        The filter's name as the form or the header has it; empty when neither names one.
    mjd
        Date of the observation (UTC), for the proper motions of the reference stars; None leaves them aside.
    colour_priors
        What earlier frames of the same camera and filter say of its colour term: passband, ``APASS/r``, -> Gaussian.
    target_colours
        The target's colours, where they are known: ``g-r`` -> mag.
    forced_flux
        What the image has at the target's position, in the unit of the stars' fluxes; None for a catalogue. Whoever
        gives it has seen that the target lies on the image.

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
    if forced_flux is None:
        check_in_field(stars, target)
    watch = Watch()
    task = Task(
        stars=stars,
        target=target,
        matching_radius_arcsec=matching_radius_arcsec,
        forced=forced,
        mjd=mjd,
        colour_priors=colour_priors or {},
    )
    with watch.step("match"):
        pairs = match_all(task, references)
        offset = _best_offset([found for _, found in pairs])
    with watch.step("fit"):
        candidates = fit_all(task, pairs, offset)
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
        measured = measure(
            stars,
            target,
            offset=offset,
            matching_radius_arcsec=matching_radius_arcsec,
            zero_point=winner.fit.zero_point,
            forced_flux=forced_flux,
        )
        pair = next(pair for pair in pairs if pair[0].catalogue == winner.passband.catalogue)
        measured = corrected(measured, winner, target_colour(pair, measured, winner, target_colours or {}))
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


def _best_offset(found: Sequence[Match]) -> SkyOffset:
    """Return the offset that is known best: the one with the smallest error of its mean."""
    measured = [item.offset for item in found if item.offset.n_matched >= LEAST_STARS]
    if not measured:
        return found[0].offset
    return min(measured, key=lambda item: max(item.scatter_arcsec, 0.02) / np.sqrt(item.n_matched))
