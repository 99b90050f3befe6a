"""The target's own colour, and its magnitude with the colour term.

The native magnitude is ``inst_mag + zero_point``: right for a target of the colour of the stars it was calibrated with.
For any other colour

    corrected_mag = native_mag + colour_term (colour - reference_colour)

A single frame does not tell the colour of what it shows: it is given, or that of the reference star which the target
is, or taken to be the stars' own, give or take their spread, which then is in the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from photocal.candidates import Task, colours_of
from photocal.matching import year_of
from photocal.references.stars import ReferenceStars
from photocal.results import Candidate, ColourTerm, TargetMagnitude
from photocal.sphere import separation_deg

GIVEN, CATALOGUE, FIELD = "given", "catalogue", "field"
GIVEN_ERR = 0.05  # mag: of a colour that somebody states
VARIABLE_ERR = 0.1  # mag: a target is followed because it changes, and its colour with it


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetColour:
    """The target's colour, mag, and where it is from: ``given``, ``catalogue`` or ``field``."""

    value: float
    err: float
    source: str


def target_colour(
    task: Task, reference: ReferenceStars, winner: Candidate, given: Mapping[str, float]
) -> TargetColour | None:
    """Return what is known of the target's colour, in the colour of the winner's term; None where it has no term.

    Parameters
    ----------
    task
        What is calibrated.
    reference
        The stars of the winner's catalogue.
    winner
        The passband that was chosen.
    given
        Colours that somebody states: ``g-r`` -> mag.
    """
    term = winner.colour_term
    if term is None:
        return None
    if term.colour in given:
        return TargetColour(value=given[term.colour], err=GIVEN_ERR, source=GIVEN)
    return _of_reference_star(task, reference, winner, term) or TargetColour(
        value=term.reference_colour, err=term.colour_spread, source=FIELD
    )


def _of_reference_star(
    task: Task, reference: ReferenceStars, winner: Candidate, term: ColourTerm
) -> TargetColour | None:
    placed = reference if task.mjd is None else reference.at_epoch(year_of(task.mjd))
    separation = separation_deg(placed.ra_deg, placed.dec_deg, task.target.ra_deg, task.target.dec_deg)
    nearest = int(np.argmin(np.where(np.isfinite(separation), separation, np.inf)))
    if not separation[nearest] * 3600.0 <= task.matching_radius_arcsec:
        return None
    colours = colours_of(placed, np.array([nearest]), winner.passband.filter)
    if colours is None or colours.name != term.colour or not np.isfinite(colours.value[0] + colours.err[0]):
        return None
    return TargetColour(
        value=float(colours.value[0]), err=float(np.hypot(colours.err[0], VARIABLE_ERR)), source=CATALOGUE
    )


def corrected(measured: TargetMagnitude, winner: Candidate, colour: TargetColour | None) -> TargetMagnitude:
    """Return the target with its colour-corrected magnitude beside the native one.

    Parameters
    ----------
    measured
        The native magnitude.
    winner
        The passband that was chosen.
    colour
        The target's; None leaves everything as it is.
    """
    term = winner.colour_term
    if colour is None or term is None:
        return measured
    away = colour.value - term.reference_colour
    error = None
    if measured.mag_err is not None:
        error = float(np.sqrt(measured.mag_err**2 + (term.value * colour.err) ** 2 + (term.err * away) ** 2))
    return replace(
        measured,
        corrected_mag=measured.mag + term.value * away,
        corrected_mag_err=error,
        colour=colour.value,
        colour_err=colour.err,
        colour_source=colour.source,
    )
