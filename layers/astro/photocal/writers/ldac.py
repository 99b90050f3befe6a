"""FITS_LDAC: the catalogue that SExtractor writes and that SCAMP, PSFEx and our own reader take.

An empty primary HDU, a table ``LDAC_IMHEAD`` whose one cell is the header of the image as text, and a table
``LDAC_OBJECTS`` with a row for each star. SExtractor's manual, section "Output catalog formats".
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from astropy.io import fits

from photocal.arrays import Floats
from photocal.stars import StarList


def ldac(
    stars: StarList,
    header: Mapping[str, str | float | int],
    *,
    flux: Floats | None = None,
    flux_err: Floats | None = None,
) -> bytes:
    """Return a list of stars as a FITS_LDAC file.

    Parameters
    ----------
    stars
        The stars; their x and y are 0-based and are written 1-based, as ``X_IMAGE`` is defined.
    header
        The cards of the image, its plate solution among them: ``LDAC_IMHEAD``.
    flux, flux_err
        (n,) arrays, counts, where they are known: ``FLUX_PSF`` and ``FLUXERR_PSF``.

    Raises
    ------
    ValueError
        A flux whose length is not that of the stars, or a card that FITS cannot hold.
    """
    given = (
        ("NUMBER", "J", "", np.arange(1, stars.n + 1) if stars.number is None else stars.number),
        ("X_IMAGE", "D", "pixel", None if stars.x is None else stars.x + 1.0),
        ("Y_IMAGE", "D", "pixel", None if stars.y is None else stars.y + 1.0),
        ("ALPHA_J2000", "D", "deg", stars.ra_deg),
        ("DELTA_J2000", "D", "deg", stars.dec_deg),
        ("FLUX_PSF", "D", "count", flux),
        ("FLUXERR_PSF", "D", "count", flux_err),
        ("MAG_PSF", "D", "mag", stars.inst_mag),
        ("MAGERR_PSF", "D", "mag", stars.inst_mag_err),
        ("FLAGS", "J", "", stars.flags),
    )
    present = [(name, form, unit, values) for name, form, unit, values in given if values is not None]
    if any(len(values) != stars.n for _, _, _, values in present):
        raise ValueError("columns differ in length")
    columns = [fits.Column(name, form, unit=unit or None, array=values) for name, form, unit, values in present]
    file = fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.BinTableHDU.from_columns([_image_header(header)], name="LDAC_IMHEAD"),
            fits.BinTableHDU.from_columns(columns, name="LDAC_OBJECTS"),
        ]
    )
    written = io.BytesIO()
    file.writeto(written)
    return written.getvalue()


def _image_header(header: Mapping[str, str | float | int]) -> fits.Column:
    """Return the one cell that holds a header: cards of 80 characters in lines of their own, ``END`` last."""
    text = fits.Header(list(header.items())).tostring(sep="", endcard=True, padding=False)
    return fits.Column(
        "Field Header Card", f"{len(text)}A", dim=f"(80, {len(text) // 80})", array=np.array([_lines(text)])
    )


def _lines(text: str) -> list[str]:
    return [text[start : start + 80] for start in range(0, len(text), 80)]
