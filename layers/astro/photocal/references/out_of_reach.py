"""That reference stars are not to be had: for now, or, whatever one waits for, not at all."""

from __future__ import annotations

from cpcs.errors import ReferenceUnavailable
from photocal.references.sky import Cone


def unavailable(catalogue: str, cone: Cone, reason: str, *, lasting: bool = False) -> ReferenceUnavailable:
    """Return the error of a catalogue that cannot be had in a cone; ``lasting`` where to ask again would not help."""
    return ReferenceUnavailable(
        catalogues=catalogue, ra_deg=cone[0], dec_deg=cone[1], reason=reason, lasting=int(lasting)
    )


def is_lasting(error: ReferenceUnavailable) -> bool:
    """Return whether to ask again would not help."""
    return bool(error.metadata.get("lasting", 0))
