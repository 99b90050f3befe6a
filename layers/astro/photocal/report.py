"""The report: everything a calibration found, as one JSON document (``docs/schemas/report-1.json`` describes it).

Nothing in it is NaN: what is unknown is null. Per-star columns are arrays, and in a crowded field only the best
candidates bring theirs: twenty thousand stars in fifty passbands would be 47 MB, more than a Lambda may answer with.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import scipy

from photocal.arrays import Anything, Ints
from photocal.headers import document as header_document
from photocal.headers.standard import StandardHeader
from photocal.kept import KeptPlane
from photocal.planes import CalibratedImage, OtherColour
from photocal.results import Calibration, Candidate, ColourTerm, FieldTerm
from photocal.selection import filter_confidence
from photocal.target import LIMIT_SIGMAS

SCHEMA = "cpcs-report/1"
MOST_STARS = 40_000  # rows of the candidates' stars, in all
# Of an image, what people ask for first
QUALITY_SHOWN = (
    "fwhm_pix", "seeing_arcsec", "ellipticity", "background", "n_stars", "scale_arcsec", "n_astrometric",
    "astrometric_rms_arcsec", "airmass", "moon_separation_deg", "moon_lit",
)  # fmt: skip
MAG_DIGITS, DEGREE_DIGITS, ARCSEC_DIGITS, SHARE_DIGITS = 5, 7, 3, 4


def document(
    calibration: Calibration,
    *,
    input_sha256: str = "",
    job_id: str | None = None,
    revision: int | None = None,
    header: StandardHeader | None = None,
    image: CalibratedImage | None = None,
) -> dict[str, Any]:
    """Return the report of a calibration.

    Parameters
    ----------
    calibration
        What was found.
    input_sha256
        Of the file that the star list was read from, hexadecimal.
    job_id, revision
        The upload it belongs to, if any.
    header
        What the file's header was understood to say, if it has one.
    image
        Where it was an image: the calibrated planes, this calibration among them.
    """
    shown = _shown(calibration.candidates)
    pairs = list(zip(calibration.candidates, shown, strict=True))
    used = np.unique(np.concatenate([item.stars.source_index[rows] for item, rows in pairs]))
    return {
        "schema": SCHEMA,
        "job_id": job_id,
        "revision": revision,
        "pipeline": calibration.pipeline,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
        "input": _input(calibration, input_sha256),
        "header": header_document.document(header) if header is not None else None,
        "request": _request(calibration),
        "target": _target(calibration),
        "calibration": _summary(calibration),
        "candidates": [_candidate(item, rows, calibration, used) for item, rows in pairs],
        "offset": _offset(calibration),
        "stars": _stars(calibration, used),
        "image": None if image is None else _image(image.main, calibration),
        "colours": [] if image is None else [_other_colour(other) for other in image.others],
        "seconds": dict(calibration.seconds),
    }


def encoded(report: dict[str, Any]) -> bytes:
    """Return a report as JSON text in UTF-8; a crowded field's holds a quarter of a million numbers."""
    return orjson.dumps(report)


def number(value: float | None, digits: int = MAG_DIGITS) -> float | None:
    """Return a number as JSON can hold it: rounded, and null for what is not finite."""
    if value is None or not np.isfinite(value):
        return None
    return round(float(value), digits)


def _column(values: Anything, digits: int) -> list[float | None]:
    rounded = np.round(np.asarray(values, dtype=np.float64), digits)
    finite = np.isfinite(rounded)
    if finite.all():
        plain: list[float | None] = rounded.tolist()
        return plain
    return [value if good else None for value, good in zip(rounded.tolist(), finite, strict=True)]


def _image(plane: KeptPlane, calibration: Calibration | None) -> dict[str, Any]:
    """Return what is said of a measured plane; its depth in magnitudes, once there is a zero point."""
    depth = plane.facts["quality"].get("depth_flux_5sigma")
    deep = None
    if calibration is not None and depth is not None and depth > 0.0:
        deep = calibration.winner.fit.zero_point - 2.5 * float(np.log10(depth))
    return {
        **plane.facts,
        "quality": {name: number(value, 6) for name, value in plane.facts["quality"].items()},
        "depth_mag_5sigma": number(deep),
        "files": sorted(plane.files),
    }


def _other_colour(other: OtherColour) -> dict[str, Any]:
    """Return the calibration of another colour of the camera, without its stars: the file has these."""
    found = other.calibration
    return {
        "colour": other.plane.colour,
        "filter": other.plane.filter_name,
        "error": None if other.error is None else other.error.as_dict(),
        "target": None if found is None else _target(found),
        "calibration": None if found is None else _summary(found),
        "image": _image(other.plane, found),
    }


def _input(calibration: Calibration, sha256: str) -> dict[str, Any]:
    meta = calibration.stars.meta
    return {
        "sha256": sha256 or None,
        "format": meta.format,
        "n_rows": meta.n_rows,
        "n_stars": calibration.stars.n,
        "columns": dict(meta.columns),
        "header": dict(meta.header),
    }


def _request(calibration: Calibration) -> dict[str, Any]:
    return {
        "name": calibration.position.name,
        "ra_deg": number(calibration.position.ra_deg, DEGREE_DIGITS),
        "dec_deg": number(calibration.position.dec_deg, DEGREE_DIGITS),
        "mjd": calibration.mjd,
        "matching_radius_arcsec": calibration.matching_radius_arcsec,
        "forced": str(calibration.forced) if calibration.forced else None,
        "filter_hint": calibration.filter_hint,
    }


def _target(calibration: Calibration) -> dict[str, Any]:
    target = calibration.target
    return {
        "ra_deg": number(target.ra_deg, DEGREE_DIGITS),
        "dec_deg": number(target.dec_deg, DEGREE_DIGITS),
        "mag": number(target.mag),
        "mag_err": number(target.mag_err),
        "limit": target.is_limit,
        "method": target.method,
        "limit_method": target.limit_method or None,
        "inst_mag": number(target.inst_mag),
        "sep_arcsec": number(target.sep_arcsec, ARCSEC_DIGITS),
        "nearest_arcsec": number(target.nearest_arcsec, ARCSEC_DIGITS),
        "flags": target.flags,
        "source": target.source_index,
        "limit_mag": number(target.limit_mag),
        "limit_sigmas": LIMIT_SIGMAS,
        "corrected_mag": number(target.corrected_mag),
        "corrected_mag_err": number(target.corrected_mag_err),
        "colour": number(target.colour, 4),
        "colour_err": number(target.colour_err, 4),
        "colour_source": target.colour_source or None,
    }


def _summary(calibration: Calibration) -> dict[str, Any]:
    runner_up = calibration.runner_up
    return {
        **_fit(calibration.winner),
        "mode": calibration.mode.value,
        "confidence": number(calibration.confidence, SHARE_DIGITS),
        "runner_up": str(runner_up.passband) if runner_up else None,
    }


def _fit(candidate: Candidate) -> dict[str, Any]:
    fit = candidate.fit
    return {
        "passband": str(candidate.passband),
        "catalogue": candidate.passband.catalogue,
        "filter": candidate.passband.filter,
        "zero_point": number(fit.zero_point),
        "zero_point_err": number(fit.zero_point_err),
        "scatter": number(fit.scatter),
        "scatter_err": number(fit.scatter_err),
        "outlier_fraction": number(fit.outlier_fraction, SHARE_DIGITS),
        "outlier_fraction_err": number(fit.outlier_fraction_err, SHARE_DIGITS),
        "n_matched": fit.n_matched,
        "native": {
            "zero_point": number(candidate.native.zero_point),
            "zero_point_err": number(candidate.native.zero_point_err),
            "scatter": number(candidate.native.scatter),
            "scatter_err": number(candidate.native.scatter_err),
            "outlier_fraction": number(candidate.native.outlier_fraction, SHARE_DIGITS),
        },
        "colour_term": _colour_term(candidate.colour_term),
        "field_term": _field_term(candidate.field_term),
    }


def _colour_term(term: ColourTerm | None) -> dict[str, Any] | None:
    if term is None:
        return None
    measured = term.measured
    return {
        "colour": term.colour,
        "value": number(term.value),
        "err": number(term.err),
        "reference_colour": number(term.reference_colour),
        "colour_spread": number(term.colour_spread),
        "n_stars": term.n_stars,
        "prior": {
            "value": number(term.prior.value),
            "err": number(term.prior.err),
            "n_frames": term.prior.n_frames,
        },
        "measured": {"value": number(measured.value), "err": number(measured.err)} if measured else None,
    }


def _field_term(term: FieldTerm | None) -> dict[str, Any] | None:
    if term is None:
        return None
    return {
        "order": term.order,
        "names": list(term.names),
        "coefficients": [number(value) for value in term.coefficients],
        "errors": [number(value) for value in term.errors],
        "ra_deg": number(term.ra_deg, DEGREE_DIGITS),
        "dec_deg": number(term.dec_deg, DEGREE_DIGITS),
        "scale_deg": number(term.scale_deg, DEGREE_DIGITS),
        "bic_gain": number(term.bic_gain, 2),
        "range_mag": number(term.range_mag),
    }


def _candidate(candidate: Candidate, rows: Ints, calibration: Calibration, used: Ints) -> dict[str, Any]:
    stars = candidate.stars
    return {
        **_fit(candidate),
        "mode": calibration.mode.value,
        "probability": number(candidate.probability, SHARE_DIGITS),
        "confidence": number(filter_confidence(calibration.candidates, candidate), SHARE_DIGITS),
        "refused": candidate.refused or None,
        "photographic": candidate.photographic,
        "stars": {
            "star": np.searchsorted(used, stars.source_index[rows]).tolist(),
            "ref_mag": _column(stars.ref_mag[rows], 4),
            "ref_err": _column(stars.ref_err[rows], 4),
            "residual": _column(stars.residual[rows], 4),
            "inlier_probability": _column(stars.inlier_probability[rows], 3),
            "sep_arcsec": _column(stars.sep_arcsec[rows], ARCSEC_DIGITS),
            "colour": None if stars.colour is None else _column(stars.colour[rows], 4),
        },
    }


def _offset(calibration: Calibration) -> dict[str, Any]:
    offset = calibration.offset
    return {
        "east_arcsec": number(offset.east_arcsec, ARCSEC_DIGITS),
        "north_arcsec": number(offset.north_arcsec, ARCSEC_DIGITS),
        "scatter_arcsec": number(offset.scatter_arcsec, ARCSEC_DIGITS),
        "n_matched": offset.n_matched,
        "catalogue": offset.catalogue,
    }


def _shown(candidates: Sequence[Candidate]) -> list[Ints]:
    """Return which of its stars each candidate shows: all of them while there is room, then none.

    The winner comes first and always shows some: of very many every second, or third ...
    """
    shown: list[Ints] = []
    room = MOST_STARS
    for number, candidate in enumerate(candidates):
        n = candidate.fit.n_matched
        step = -(-n // MOST_STARS) if number == 0 else 1
        rows = np.arange(0, n, step) if -(-n // step) <= room else np.arange(0)
        shown.append(rows)
        room -= len(rows)
    return shown


def _stars(calibration: Calibration, used: Ints) -> dict[str, Any]:
    """Return the stars that any candidate shows; the candidates' ``star`` columns count from the first of these."""
    stars = calibration.stars.select(used)
    return {
        "source": used.tolist(),
        "number": None if stars.number is None else stars.number.tolist(),
        "ra_deg": _column(stars.ra_deg, DEGREE_DIGITS),
        "dec_deg": _column(stars.dec_deg, DEGREE_DIGITS),
        "x": None if stars.x is None else _column(stars.x, 2),
        "y": None if stars.y is None else _column(stars.y, 2),
        "inst_mag": _column(stars.inst_mag, 4),
        "inst_mag_err": _column(stars.inst_mag_err, 4),
        "flags": stars.flags.tolist(),
    }
