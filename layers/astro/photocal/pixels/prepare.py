"""An image made ready: sky, noise, gain, and which pixels no fit may use."""

from __future__ import annotations

from typing import Any

import numpy as np

from cpcs.errors import BlankImage
from photocal.arrays import Bools, Pixels
from photocal.images import Image
from photocal.pixels import masks
from photocal.pixels.background import background
from photocal.pixels.noise import gain_of, typical_of, variance_map, whole_numbers
from photocal.pixels.records import Detector, Prepared
from photocal.pixels.seeing import seeing

_HIGHEST = 1e15  # counts: what is beyond is no number of a detector, and its square none of float32


def prepare(image: Image, detector: Detector) -> Prepared:
    """Return an image ready to be measured.

    Parameters
    ----------
    image
        One plane, as it was read.
    detector
        What the header says; each number is checked against the pixels, and found from them where it is missing.

    Raises
    ------
    BlankImage
        No pixel holds a number that can be counts.
    """
    data, blank = _filled(image)
    bad = blank | masks.padding(data, blank)
    sky, rms = background(data, bad)
    typical = typical_of(sky)
    level, level_from = masks.saturation_level(data, ~bad, typical, detector.saturation)
    saturated = masks.saturated(data, level, typical) & ~blank
    above = data - sky
    lines = _bad_lines(above, bad | saturated, rms)
    bad = bad | saturated | lines | (data >= level)
    fwhm, n_stars = seeing(above, bad, rms, level - typical)
    sky, rms = background(data, bad, fwhm)
    variance = variance_map(data, bad, rms)
    rms = min(rms, float(np.sqrt(typical_of(variance))))  # the former has unresolved stars in it
    above = data - sky
    cosmic = masks.sharp(above, rms, fwhm, level - typical) & ~(blank | saturated | lines)
    dead = masks.dead(above, np.sqrt(variance)) & ~bad
    dead |= masks.riddled(cosmic | dead) & ~bad
    gain = gain_of(
        header=detector.gain,
        read_noise_e=detector.read_noise_e,
        sky=typical_of(sky),
        variance=typical_of(variance),
        highest=min(level, float(np.max(data, where=~blank, initial=1.0))),
        whole=whole_numbers(data, bad),
    )
    notes: dict[str, Any] = {
        "gain": gain.how,
        "saturation": level_from,
        "fwhm": f"from {n_stars} stars" if n_stars else "no star tells: a usual value",
    }
    kinds = {"without_number": blank, "saturated": saturated, "bad_lines": lines, "cosmic": cosmic, "dead": dead}
    notes |= {f"n_{kind}": int(np.count_nonzero(mask)) for kind, mask in kinds.items()}
    return Prepared(
        data=np.where(blank, sky, data),
        sky=sky,
        rms=rms,
        noise_variance=variance,
        bad=bad | cosmic | dead,
        saturated=saturated,
        cosmic=cosmic,
        gain=gain.value,
        saturation=level,
        fwhm=fwhm,
        notes=notes,
    )


def _filled(image: Image) -> tuple[Pixels, Bools]:
    """Return the pixels with the median where there is no number, and where that is."""
    with np.errstate(invalid="ignore"):
        blank = ~(np.abs(image.data) <= _HIGHEST)
    if image.mask is not None:
        blank |= image.mask
    if not blank.any():
        return image.data, blank
    good = image.data[~blank]
    if not good.size:
        raise BlankImage(n=blank.size)
    return np.where(blank, np.float32(np.median(good)), image.data), blank


def _bad_lines(above: Pixels, bad: Bools, rms: float) -> Bools:
    """Return bad columns and rows."""
    columns = masks.bad_columns(above, ~bad, rms)
    rows: Bools = masks.bad_columns(above.T, ~bad.T, rms).T
    return (columns | rows) & ~bad
