"""The calibrations of a measured image: one, or three of a one-shot-colour camera, of which one answers for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cpcs.errors import CalibrationFailed, CpcsError, ReferenceUnavailable
from cpcs.passbands import Choice
from photocal.kept import KeptPlane, main_plane
from photocal.results import Calibration

Fit = Callable[[KeptPlane, str, Choice | None], Calibration]  # a plane, its filter's name, and what is forced


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OtherColour:
    """Another plane of the image, with its calibration, or why there is none."""

    plane: KeptPlane
    calibration: Calibration | None = None
    error: CpcsError | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibratedImage:
    """An image, calibrated.

    Attributes
    ----------
    main
        The plane that answers for it: its calibration makes the point.
    calibration
        That of the main plane.
    others
        The other colours; empty for an image through a filter.
    """

    main: KeptPlane
    calibration: Calibration
    others: tuple[OtherColour, ...] = ()

    @property
    def files(self) -> dict[str, bytes]:
        """Name -> content, of all planes."""
        planes = (self.main, *(other.plane for other in self.others))
        return {name: content for plane in planes for name, content in plane.files.items()}


def calibrate_planes(planes: Sequence[KeptPlane], forced: Choice | None, filter_hint: str, fit: Fit) -> CalibratedImage:
    """Calibrate every plane of an image.

    Parameters
    ----------
    planes
        At least one.
    forced
        The passbands that the main plane may have; the other colours choose by themselves.
    filter_hint
        The filter's name as the form has it; where it is empty, as the plane has it.
    fit
        Calibrates one plane.

    Raises
    ------
    TooFewStars
        The colour that was asked for could not be measured.
    CalibrationFailed
        The main plane cannot be calibrated. The others may: that is written into the result.
    """
    chosen = planes[main_plane(planes, forced, filter_hint)]
    calibration = fit(chosen, filter_hint or chosen.filter_name, forced)
    others = tuple(_other(plane, fit) for plane in planes if plane is not chosen)
    return CalibratedImage(main=chosen, calibration=calibration, others=others)


def _other(plane: KeptPlane, fit: Fit) -> OtherColour:
    try:
        return OtherColour(plane=plane, calibration=fit(plane, plane.filter_name, None))
    except (CalibrationFailed, ReferenceUnavailable) as error:  # the main plane stands without it
        return OtherColour(plane=plane, error=error)
