"""Made-up answers of the API: alerts, a light curve, a report."""

from __future__ import annotations

import math
import random
from typing import Any

LOIANO = {
    "observatory_id": 7, "name": "Loiano 1.52 m", "longitude_deg": 11.3344, "latitude_deg": 44.2592,
    "altitude_m": 785.0, "n_observations": 1312,
}  # fmt: skip
OBSERVATORIES = [
    LOIANO,
    LOIANO | {"observatory_id": 8, "name": "Moletai 1.65 m", "longitude_deg": 25.5633, "latitude_deg": 55.3166},
    LOIANO
    | {"observatory_id": 9, "name": "Somewhere", "longitude_deg": None, "latitude_deg": None, "altitude_m": None},
]
BANDS = [("PS1", "g"), ("PS1", "r"), ("PS1", "i"), ("APASS", "B"), ("APASS", "V"), ("GAIA", "G")]


def events(n: int) -> list[dict[str, Any]]:
    """Make alerts, newest first; some with the names that break software."""
    made = random.Random(4)
    odd = {1: "nvo.caltech/voeventnet/catot#1208121350994133433", 2: "CRTS J105122.8+672528", 3: "<b>bold</b> 2018"}
    return [
        {
            "event_id": 27283 - i,
            "name": (name := odd.get(i, f"Gaia18d{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}")),
            "ivorn": f"ivo://{name}",
            "ra_deg": made.uniform(0, 360),
            "dec_deg": math.degrees(math.asin(made.uniform(-1, 1))),
            "published": f"2018-{12 - i // 40:02d}-{28 - i % 28:02d}T06:36:58Z",
            "url": "javascript:alert(1)" if i == 3 else "https://gsaweb.example.org/alerts/alert/x",
            "comment": "candidate microlensing event" if i % 5 == 0 else "",
            "n_followups": made.choice([0, 0, 0, 2, 11, 147]),
        }
        for i in range(n)
    ]


def light_curve(name: str, n: int) -> dict[str, Any]:
    """Make a microlensing light curve with gaps, limits and several filters."""
    made = random.Random(n)
    rows = []
    for i in range(n):
        mjd = 58200 + 620 * (i + made.random()) / n
        if (mjd // 120) % 3 == 2:
            continue
        catalogue, band = made.choice(BANDS)
        u = math.hypot(0.18, (mjd - 58440) / 45)
        colour = {"g": 0.5, "B": 0.9, "V": 0.2, "r": -0.1, "i": -0.4, "G": 0.0}[band]
        mag = 16.8 + colour - 2.5 * math.log10((u * u + 2) / (u * math.sqrt(u * u + 4)))
        error = 0.008 * 10 ** (0.25 * (mag - 14)) * made.uniform(0.7, 2)
        limit = made.random() < 0.06
        site = made.choice(OBSERVATORIES)
        rows.append(
            {
                "id": 122000 + i, "mjd": mjd, "exposure_s": 60.0, "mag": mag + made.gauss(0, error),
                "mag_err": None if limit else error, "calib_err": made.uniform(0.01, 0.09), "zero_point": 25.2,
                "zero_point_err": 0.004, "scatter": 0.03, "outlier_fraction": 0.12, "n_matched": made.randint(8, 200),
                "limit": limit, "catalogue": catalogue, "filter": band, "mode": made.choice(["AUTO", "FORCED"]),
                "observatory_id": site["observatory_id"], "observatory": site["name"],
                "calibrated_at": "2019-01-01T00:00:00Z", "job_id": f"job{i}",
            }
        )  # fmt: skip
    names = list(rows[0]) if rows else ["mjd", "mag"]
    return {
        "schema": "cpcs-lightcurve/1",
        "target": {"name": name, "ivorn": f"ivo://{name}", "ra_deg": 220.665, "dec_deg": 53.26519},
        "columns": {column: [row[column] for row in rows] for column in names},
        "version": 3,
        "generated_at": "2026-11-22T21:00:00Z",
        "acknowledgement": "Name this server and the observers when you publish these points.",
    }


def report(job_id: str) -> dict[str, Any]:
    """Make a report with three candidates, one of them refused, and a few outliers."""
    made = random.Random(9)
    n = 80
    stars = {
        "ra_deg": [220.5 + 0.3 * made.random() for _ in range(n)],
        "dec_deg": [53.1 + 0.3 * made.random() for _ in range(n)],
        "inst_mag": [made.uniform(-9, -3) for _ in range(n)],
        "inst_mag_err": [made.uniform(0.002, 0.05) for _ in range(n)],
        "flags": [made.choice([0, 0, 0, 2, 3]) for _ in range(n)],
    }
    candidates = [
        _candidate(made, stars["inst_mag"], *each)
        for each in [("APASS/r", 0.04, 0.93, None), ("PS1/r", 0.06, 0.07, None), ("APASS/B", 0.3, 0.0, "outliers")]
    ]
    fit = {name: value for name, value in candidates[0].items() if name not in {"stars", "probability", "refused"}}
    return {
        "schema": "cpcs-report/1", "job_id": job_id, "revision": 1, "pipeline": "cpcs 2.0.0",
        "versions": {"numpy": "2.4.6"}, "stars": stars, "seconds": {"match": 0.1, "fit": 0.3}, "candidates": candidates,
        "input": {"sha256": "ab" * 32, "format": "sextractor-ascii", "n_rows": 900, "n_stars": 800,
                  "columns": {"ra": "ALPHA_J2000", "dec": "DELTA_J2000"}},
        "request": {"name": "Gaia18dba", "ra_deg": 220.665, "dec_deg": 53.265, "mjd": 58299.125,
                    "matching_radius_arcsec": 2.0, "forced": None, "filter_hint": "R"},
        "target": {"ra_deg": 220.665, "dec_deg": 53.265, "mag": 15.4703, "mag_err": 0.0123, "limit": False,
                   "inst_mag": -5.1, "sep_arcsec": 0.21},
        "calibration": fit | {"mode": "AUTO", "confidence": 0.93, "runner_up": "PS1/r"},
        "offset": {"east_arcsec": 0.12, "north_arcsec": -0.3, "catalogue": "APASS"},
    }  # fmt: skip


def _candidate(
    made: random.Random, inst_mag: list[float], passband: str, scatter: float, probability: float, refused: str | None
) -> dict[str, Any]:
    n = len(inst_mag)
    outlier = [made.random() < 0.1 for _ in range(n)]
    residual = [made.gauss(0, 0.9 if bad else scatter) for bad in outlier]
    return {
        "passband": passband, "zero_point": 21.3, "zero_point_err": scatter / 8, "scatter": scatter,
        "scatter_err": scatter / 9, "outlier_fraction": 0.1, "n_matched": n, "probability": probability,
        "confidence": probability, "refused": refused, "photographic": False,
        "stars": {
            "star": list(range(n)), "residual": residual, "ref_err": [0.02] * n, "sep_arcsec": [0.2] * n,
            "ref_mag": [mag + 21.3 + off for mag, off in zip(inst_mag, residual, strict=True)],
            "inlier_probability": [0.02 if bad else 0.99 for bad in outlier],
        },
    }  # fmt: skip
