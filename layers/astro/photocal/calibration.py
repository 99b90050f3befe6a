"""One catalogue through the whole calibration: match, fit every passband, choose, and read off the target."""

from __future__ import annotations

from photocal.results import Calibration, Candidate, SkyOffset, Target, TargetMagnitude, UsedStars

__all__ = ["Calibration", "Candidate", "SkyOffset", "Target", "TargetMagnitude", "UsedStars"]
