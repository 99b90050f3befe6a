"""Hyper Suprime-Cam, real: the residuals of each CCD's stars against Gaia after refinement (placeholder until below)."""

from pathlib import Path


def hsc(folder: Path) -> str:
    return ""
