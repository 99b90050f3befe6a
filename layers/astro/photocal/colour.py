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

from photocal.candidates import Pair, colours_of
from photocal.results import Candidate, ColourTerm, TargetMagnitude

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
    pair: Pair, measured: TargetMagnitude, winner: Candidate, given: Mapping[str, float]
) -> TargetColour | None:
    """Return what is known of the target's colour, in the colour of the winner's term; None where it has no term.

    Parameters
    ----------
    pair
        The stars of the winner's catalogue, and which source each of them is.
    measured
        The target; where it was not seen, it is no reference star either.
    winner
        The passband that was chosen.
    given
        Colours that somebody states: ``g-r`` -> mag; ``r-g`` is as good.
    """
    term = winner.colour_term
    if term is None:
        return None
    reversed_name = "-".join(reversed(term.colour.split("-")))
    for name, sign in ((term.colour, 1.0), (reversed_name, -1.0)):
        if name in given:
            return TargetColour(value=sign * given[name], err=GIVEN_ERR, source=GIVEN)
    return _of_reference_star(pair, measured, winner, term) or TargetColour(
        value=term.reference_colour, err=term.colour_spread, source=FIELD
    )


def _of_reference_star(
    pair: Pair, measured: TargetMagnitude, winner: Candidate, term: ColourTerm
) -> TargetColour | None:
    reference, found = pair
    if measured.source_index is None:
        return None
    own = found.reference_index[found.source_index == measured.source_index]
    if not len(own):
        return None
    colours = colours_of(reference, own, winner.passband.filter)
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
        of_colour = (term.value * colour.err) ** 2 + term.err**2 * (away**2 + colour.err**2)
        error = float(np.sqrt(measured.mag_err**2 + of_colour))
    return replace(
        measured,
        corrected_mag=measured.mag + term.value * away,
        corrected_mag_err=error,
        colour=colour.value,
        colour_err=colour.err,
        colour_source=colour.source,
    )
