"""Names for the arrays that the science passes around, and the one constant of its magnitudes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pixels = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Anything = NDArray[Any]

MAG_PER_RELATIVE_ERROR = float(2.5 / np.log(10.0))  # mag: error of a magnitude, per relative error of its flux
