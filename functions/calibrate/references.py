"""Which catalogues a calibration asks for reference stars."""

from __future__ import annotations

from cpcs.passbands import ANY, Choice, catalogues
from photocal.references import Gathered, gather

__all__ = ["Gathered", "gather", "wanted"]


def wanted(forced: Choice | None) -> tuple[str, ...]:
    """Return the catalogues that could take part: all, or the one that was forced."""
    if forced is None or forced.catalogue == ANY:
        return catalogues()
    return (forced.catalogue,)
