"""Real centroids of Hyper Suprime-Cam against Gaia: every CCD placed, half of them to some hundredths of an arcsec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.hsc import ccds, gaia

pytestmark = pytest.mark.realdata


def test_ccds_of_hyper_suprime_cam(realdata: Path) -> None:
    """Their headers are off by tenths of an arcsec and hold no distortion, of which there are many pixels."""
    pytest.importorskip("pyarrow", reason="Gaia's stars lie in a parquet file: run with pyarrow")
    folder = realdata / "catalogues" / "hsc_cosmos_visit1180"
    found = list(ccds(folder, gaia(folder)))
    assert len(found) == 49
    assert all(ccd.solution.n_used >= 4 for ccd in found)
    assert np.nanmedian([ccd.fitted_mas for ccd in found]) < 10.0
    assert np.nanmedian([ccd.kept_out_mas for ccd in found]) < 20.0
