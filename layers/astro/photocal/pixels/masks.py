"""Pixels that no fit may use: without number, padding, saturated, bad lines, dead ones, cosmic rays and hot ones."""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from photocal.arrays import Bools, Floats, Pixels
from photocal.pixels import grow

_ALL_ROUND = ndi.generate_binary_structure(2, 2)
_PADDING = 64  # pixels: a patch of one and the same value is that large, or it is chance
_MOST_PADDING = 0.5
_AT_TOP, _BELOW_TOP = 0.99, 0.97  # of the maximum: a pile-up has more pixels between it and the first than below
_PILED, _CORE = 5, 3  # pixels at the top, and in one piece, that make a pile-up
_SATURATED = 0.97  # of the header's level: a chip stops being linear before
_SPREAD = 2  # pixels around a saturated one that its charge has reached
_LINE_BAND, _LINE_RMS, _LINE_WIDTH = 256, 2.0, 15
_ENOUGH_ROWS = 64  # of a piece, that its median is taken of
_DEAD_RMS = 8.0
_ROUND, _RIDDLED = 9, 0.3  # pixels around one, and the share of them that are defects
_STAR_AROUND = 0.1  # of the saturation level: the median of the pixels around the middle of a star is higher
_FAINT_RMS, _STRONG_RMS, _SHARPER, _SHARPER_ON_CORNER = 2.5, 6.0, 1.6, 1.25


def padding(data: Pixels, blank: Bools) -> Bools:
    """Return where an image is one and the same value over a patch: overscan, what a mosaic or a rotation left."""
    flat = _flat(data) & ~blank
    share = np.count_nonzero(flat) / flat.size
    if share == 0 or share > _MOST_PADDING:  # the latter is a sky of hardly any noise
        return np.zeros(data.shape, dtype=np.bool_)
    labels, n = ndi.label(flat)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    edge = np.zeros(n + 1, dtype=np.bool_)
    for side in (labels[1], labels[-2], labels[:, 1], labels[:, -2]):  # the outermost pixels have no 3 x 3 around them
        edge[side] = True
    large = (sizes >= _PADDING) & edge
    large[0] = False
    found: Bools = large[labels]
    return grow.square(found) & _same_as_near(data, found) if found.any() else found


def _flat(data: Pixels) -> Bools:
    """Return which pixels have the value of all eight around them; none at the edge."""
    along = data[:, 1:] == data[:, :-1]
    three = along[:, 1:] & along[:, :-1]
    across = (data[1:] == data[:-1])[:, 1:-1]
    flat = np.zeros(data.shape, dtype=np.bool_)
    flat[1:-1, 1:-1] = three[:-2] & three[1:-1] & three[2:] & across[1:] & across[:-1]
    return flat


def _same_as_near(data: Pixels, patch: Bools) -> Bools:
    """Return which pixels have the value of the patch next to them: its rim, which the filters of 3 pixels missed."""
    same: Bools = ndi.maximum_filter(np.where(patch, data, -np.inf), 3) == data
    return same | patch


def pile_up(data: Pixels, good: Bools, sky: float) -> float | None:
    """Return the level at which pixels pile up, counts; None where they do not.

    The number of pixels of stars falls with their value. Where there are more in the last hundredth below the maximum
    than in two hundredths below it, and some of them lie together, the chip or its converter could go no higher.
    """
    values = data[good] - sky
    top = float(values.max(initial=0.0))
    if top <= 0:
        return None
    at_top = int(np.count_nonzero(values >= _AT_TOP * top))
    below = int(np.count_nonzero(values >= _BELOW_TOP * top)) - at_top
    if at_top < _PILED or at_top <= below:
        return None
    labels, _ = ndi.label(good & (data - sky >= _AT_TOP * top))
    return sky + _AT_TOP * top if np.bincount(labels.ravel())[1:].max() >= _CORE else None


def saturation_level(data: Pixels, good: Bools, sky: float, header: float | None) -> tuple[float, str]:
    """Return from how many counts on a pixel is saturated (infinite: none is), and how that is known."""
    piled = pile_up(data, good, sky)
    if header is not None and np.isfinite(header) and _SATURATED * header > max(sky, 0.0):
        if piled is None or piled >= _SATURATED * header:
            return _SATURATED * header, "header"
        return piled, f"pile-up at {piled:.0f} counts, below the header's {header:.0f}"
    if piled is not None:
        return piled, f"pile-up at {piled:.0f} counts"
    return float("inf"), "none: no level in the header, and no pile-up"


def saturated(data: Pixels, level: float, sky: float) -> Bools:
    """Return the saturated pixels with those next to them, and further along the way in which they bleed."""
    core: Bools = data >= level
    labels, n = ndi.label(core, _ALL_ROUND)
    if n == 0:
        return core
    sizes = np.bincount(labels.ravel())
    small = core & (sizes < _CORE)[labels]
    core = core & ~small
    for y, x in np.argwhere(small):  # one or two by themselves are hot, or a cosmic ray, unless a star is around them
        around = data[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        core[y, x] = np.median(around) - sky > _STAR_AROUND * (level - sky)
    grown = grow.cross(core, _SPREAD)
    for number, (ys, xs) in enumerate(ndi.find_objects(labels), start=1):
        height, width = ys.stop - ys.start, xs.stop - xs.start
        if sizes[number] >= _CORE and height > 3 * width:
            grown[max(ys.start - height // 4, 0) : ys.stop + height // 4, xs] = True
        elif sizes[number] >= _CORE and width > 3 * height:
            grown[ys, max(xs.start - width // 4, 0) : xs.stop + width // 4] = True
    return grown


def bad_columns(above: Pixels, good: Bools, rms: float) -> Bools:
    """Return the columns, or pieces of 256 rows of them, that are off their neighbours by more than twice the rms."""
    ny, nx = above.shape
    bad = np.zeros((ny, nx), dtype=np.bool_)
    width = min(_LINE_WIDTH, (nx // 4) | 1)
    for rows in np.array_split(np.arange(ny), max(1, ny // _LINE_BAND)):
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        some = slice(part.start, part.stop, max(1, rows.size // _ENOUGH_ROWS))
        values = np.where(good[some], above[some], 0)
        values.sort(axis=0)  # of so few rows faster than a median
        middle = 0.5 * (values[(len(values) - 1) // 2] + values[len(values) // 2])
        bad[part] = np.abs(middle - ndi.median_filter(middle, width)) > _LINE_RMS * rms
    return bad


def dead(above: Pixels, noise: Pixels) -> Bools:
    """Return pixels so far below the sky that no noise explains them."""
    found: Bools = above < -_DEAD_RMS * noise
    return found


def riddled(defects: Bools) -> Bools:
    """Return the surroundings of defects that are so many that no pixel between them can be trusted."""
    found = np.zeros(defects.shape, dtype=np.bool_)
    y, x = np.nonzero(defects)
    wide = defects.shape[1] // _ROUND + 1
    cells = np.bincount(y // _ROUND * wide + x // _ROUND)
    for cell in np.flatnonzero(4 * cells >= _RIDDLED * _ROUND**2):  # a square touches four at most
        row, column = (int(k) * _ROUND for k in divmod(cell, wide))
        top, left = max(row - _ROUND, 0), max(column - _ROUND, 0)
        window = np.s_[top : row + 2 * _ROUND, left : column + 2 * _ROUND]
        found[window] |= ndi.uniform_filter(defects[window].astype(np.float32), _ROUND, mode="nearest") > _RIDDLED
    return found


def sharp(above: Pixels, rms: float, fwhm: float, level: float) -> Bools:
    """Return cosmic rays and hot pixels: sharper than any star can be.

    A pixel is held against the median of it and its eight neighbours. With a Gaussian star of this FWHM in the middle
    of a pixel, that median is ``exp(-(1.05 / sigma)^2 / 2)`` of the brightest pixel; who is 1.6 times sharper is no
    star. A star on the corner of four pixels has ``exp(-1 / sigma^2)`` of it, which is less when it is narrow; there
    1.25 times sharper is no star. Pixels next to one are judged more strictly.

    Parameters
    ----------
    above
        (ny, nx) counts above the sky.
    rms
        Of the sky, counts.
    fwhm
        Of a star, pixels.
    level
        Counts above the sky at which stars are saturated, so that their cores are flat.
    """
    ny, nx = above.shape
    inverse = (2.3548 / fwhm) ** 2  # 1 / sigma^2
    most = max(_SHARPER * float(np.exp(0.5 * 1.05**2 * inverse)), _SHARPER_ON_CORNER * float(np.exp(inverse)))
    y, x = np.nonzero(above > _FAINT_RMS * rms)
    value = above[y, x]
    around: Floats = np.stack(
        [above[(y + a).clip(0, ny - 1), (x + b).clip(0, nx - 1)] for a in (-1, 0, 1) for b in (-1, 0, 1)]
    )
    around.partition(4, axis=0)
    middle = around[4]
    strong = (value > _STRONG_RMS * rms) & (value > most * (middle + 1.5 * rms))
    strong &= ~((value >= level) & (middle > _STAR_AROUND * level))
    weak = value > most * (middle + rms)
    hit = np.zeros((ny, nx), dtype=np.bool_)
    hit[y[strong], x[strong]] = True
    near = grow.square(hit)
    also = np.zeros((ny, nx), dtype=np.bool_)
    also[y[weak], x[weak]] = True
    found: Bools = hit | (near & also)
    return found
