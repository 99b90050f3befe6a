"""Where an image may be, before its stars have said so: around which position, how far off, and at which scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photocal.headers.standard import StandardHeader
from photocal.results import Target

ANY_SCALE = (0.1, 10.0)  # arcsec for each pixel, where neither header nor user says
SCALE_WITHIN = 1.15  # the header's scale, as a factor either way
WRONG_WITHIN = 2.3  # and once more as a factor, where the header's turns out wrong: binning is forgotten most often
SEARCH_DEG = 0.75  # how far the pointing may be off the place that somebody names
MOST_RADIUS_DEG, LEAST_RADIUS_DEG = 2.0, 0.15  # of reference stars


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointing:
    """What is known of an image's place.

    Attributes
    ----------
    ra_deg, dec_deg
        A position on the image or near it, deg.
    within_deg
        How far from it the middle of the image may be.
    references_deg
        How far from it a star of the image may be, as long as the first scales are right: the radius in which
        reference stars are needed.
    scales_arcsec
        The least and the largest scale of a pixel, likely ones first; tried one after the other.
    """

    ra_deg: float
    dec_deg: float
    within_deg: float
    references_deg: float
    scales_arcsec: tuple[tuple[float, float], ...]


def around_target(header: StandardHeader, target: Target) -> Pointing:
    """Return where an image is that has a target on it: its middle is within half a diagonal of the target.

    Parameters
    ----------
    header
        For the number of pixels and their scale; where it says nothing of these, a field of two degrees is the widest.
    target
        What is on the image.
    """
    scales = _scales(header)
    half = _half_diagonal_deg(header, scales[0][1])
    return Pointing(
        ra_deg=target.ra_deg,
        dec_deg=target.dec_deg,
        within_deg=min(_half_diagonal_deg(header, scales[-1][1]), MOST_RADIUS_DEG / 2.0),
        references_deg=float(np.clip(2.0 * half, LEAST_RADIUS_DEG, MOST_RADIUS_DEG)),
        scales_arcsec=scales,
    )


def around_place(
    header: StandardHeader, ra_deg: float, dec_deg: float, scale_arcsec: tuple[float, float] | None = None
) -> Pointing:
    """Return where an image is that somebody says is near a place.

    Parameters
    ----------
    header
        For the number of pixels, and their scale if that is not given.
    ra_deg, dec_deg
        The place.
    scale_arcsec
        The least and the largest scale.
    """
    scales = (scale_arcsec,) if scale_arcsec is not None else _scales(header)
    half = _half_diagonal_deg(header, scales[0][1])
    return Pointing(
        ra_deg=ra_deg,
        dec_deg=dec_deg,
        within_deg=SEARCH_DEG,
        references_deg=min(half + SEARCH_DEG, MOST_RADIUS_DEG),
        scales_arcsec=scales,
    )


def _scales(header: StandardHeader) -> tuple[tuple[float, float], ...]:
    said = header.number("CDELTA1")
    if said is None:
        return (ANY_SCALE,)
    factors: Sequence[float] = (SCALE_WITHIN, WRONG_WITHIN)
    return tuple((said / factor, said * factor) for factor in factors)


def _half_diagonal_deg(header: StandardHeader, scale_arcsec: float) -> float:
    columns, rows = header.number("NAXIS1"), header.number("NAXIS2")
    if columns is None or rows is None:
        return MOST_RADIUS_DEG
    return 0.5 * float(np.hypot(columns, rows)) * scale_arcsec / 3600.0
