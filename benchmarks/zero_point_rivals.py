"""The estimators of a zero point that `benchmarks/zero_point.py` compares, each from (n,) differences and errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.optimize import minimize

from photocal.arrays import Floats
from photocal.zeropoint import fit_zero_point

FLOOR = 0.01  # mag: the scatter below which the textbook fit may not go, as in CPCS 1
NOWHERE = float("nan")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What every estimator is asked for; what it does not give, or a fit that failed, is nan. In mag, but the share."""

    zero_point: float
    error: float
    scatter: float = NOWHERE
    scatter_error: float = NOWHERE
    outliers: float = NOWHERE
    outliers_error: float = NOWHERE


Estimator = Callable[[Floats, Floats], Estimate]


def ours(d: Floats, e: Floats) -> Estimate:
    """Fit as CPCS 2.0 does."""
    fit = fit_zero_point(d, e)
    return Estimate(
        zero_point=fit.zero_point,
        error=fit.zero_point_err,
        scatter=fit.scatter,
        scatter_error=fit.scatter_err,
        outliers=fit.outlier_fraction,
        outliers_error=fit.outlier_fraction_err,
    )


def textbook(d: Floats, e: Floats) -> Estimate:
    """Maximise the mixture's likelihood with a floor of 0.01 mag under the scatter and f <= 0.5, as CPCS 1 does."""

    def cost(theta: Floats) -> float:
        z, log_s, f = theta
        variance = np.exp(2.0 * log_s) + e**2
        narrow = np.exp(-0.5 * (d - z) ** 2 / variance) / np.sqrt(2.0 * np.pi * variance)
        # The least of floats keeps the logarithm finite where f is 0 and a star far away.
        return -float(np.log((1.0 - f) * narrow + f / 5.0 + 1e-300).sum())

    spread = max(1.4826 * float(np.median(np.abs(d - np.median(d)))), 2 * FLOOR)
    bounds = [(d.min(), d.max()), (np.log(FLOOR), np.log(2.0)), (0.0, 0.5)]
    fits = [
        minimize(cost, [np.median(d), np.log(s), 0.1], bounds=bounds, method="L-BFGS-B") for s in (spread, 2 * FLOOR)
    ]
    z, log_s, f = min(fits, key=lambda item: item.fun).x
    scatter = float(np.exp(log_s))
    return Estimate(
        zero_point=float(z), error=scatter / np.sqrt(len(d) * (1.0 - f)), scatter=scatter, outliers=float(f)
    )


def clipping(d: Floats, e: Floats) -> Estimate:
    """Clip at three standard deviations around the weighted mean until nothing changes."""
    keep = np.ones(len(d), dtype=bool)
    for _ in range(20):
        z = np.average(d[keep], weights=e[keep] ** -2.0)
        s = float(np.std(d[keep], ddof=1)) if keep.sum() > 1 else 0.0
        new = np.abs(d - z) <= 3.0 * max(s, 1e-9)
        if new.sum() < 3 or np.array_equal(new, keep):
            break
        keep = new
    return Estimate(zero_point=float(z), error=s / np.sqrt(keep.sum()), scatter=s)


@cache
def _match() -> Callable[..., dict[str, Any] | None]:
    """Return STDPipe's `photometry.match`, whose import takes seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stdpipe import photometry
    function: Callable[..., dict[str, Any] | None] = photometry.match
    return function


def _stdpipe(d: Floats, e: Floats, **options: float) -> Estimate:
    """Hand the stars to `photometry.match`: an object and a catalogue star at every place of a row of stars."""
    n = len(d)
    ra, dec, zeros = 10.0 + 0.01 * np.arange(n), np.zeros(n), np.zeros(n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a perfect fit, a singular matrix: it says so, and goes on
        found = _match()(
            ra, dec, zeros, e, np.zeros(n, dtype=int), ra, dec, d,
            cat_magerr=zeros, obj_x=zeros, obj_y=zeros, spatial_order=0, verbose=False, **options,
        )  # fmt: skip
        if found is None:  # fewer than two stars within its threshold
            return Estimate(zero_point=NOWHERE, error=NOWHERE)
        z, err = found["zero_fn"](0.0, 0.0), found["zero_fn"](0.0, 0.0, get_err=True)
    return Estimate(
        zero_point=float(z[0]),
        error=float(err[0]),
        scatter=float(found["intrinsic_rms"]),
        outliers=float(1.0 - found["idx"].mean()),
    )


def stdpipe(d: Floats, e: Floats) -> Estimate:
    """Fit with `photometry.match` of STDPipe by its defaults: robust, threshold 5, no intrinsic scatter."""
    return _stdpipe(d, e)


def stdpipe_scatter(d: Floats, e: Floats) -> Estimate:
    """Fit with `photometry.match` told of an intrinsic scatter of up to 1 mag, which its defaults leave out."""
    return _stdpipe(d, e, max_intrinsic_rms=1.0)


ESTIMATORS: dict[str, Estimator] = {"ours": ours, "textbook": textbook, "clipping": clipping}
if find_spec("stdpipe") is not None:
    ESTIMATORS |= {"stdpipe": stdpipe, "stdpipe+s": stdpipe_scatter}
