"""The zero point of one passband: a robust fit that is honest with few stars."""

from __future__ import annotations

from dataclasses import dataclass

from photocal.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPointFit:
    """A zero point with everything that says how good it is. ``std_mag = inst_mag + zero_point``.

    Attributes
    ----------
    zero_point, zero_point_err
        mag.
    scatter, scatter_err
        Intrinsic scatter of the inliers beyond their quoted errors, mag.
    outlier_fraction, outlier_fraction_err
        Share of stars that are not drawn from the inliers' distribution, 0 to 1.
    n_matched
        Number of stars in the fit.
    inlier_probability
        (n,) array, 0 to 1, in the order of the input.
    """

    zero_point: float
    zero_point_err: float
    scatter: float
    scatter_err: float
    outlier_fraction: float
    outlier_fraction_err: float
    n_matched: int
    inlier_probability: Floats
