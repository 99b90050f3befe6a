"""The standard header: every keyword that an observer's header is brought to.

One table. The reader of headers, the check of mappings, the documentation (`docs/standard-header.md`) and the JSON
schema follow from it. The keywords are those of the CPCS 2.0 talk, and what the science needs beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Block(StrEnum):
    """The four parts of the standard header."""

    OBSERVATORY = "OBSERVATORY"
    TIME = "TIME"
    INSTRUMENT = "INSTRUMENT"
    OBJECT = "OBJECT & WCS"


class Kind(StrEnum):
    """What a value is."""

    TEXT = "str"
    WHOLE = "int"
    REAL = "float"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """One keyword of the standard header.

    Attributes
    ----------
    name
        At most eight characters, as FITS has it.
    block, kind
        Where it belongs, and what its value is.
    unit
        Of the value; empty for text and pure numbers.
    low, high
        What the value lies between, both included; None where anything goes. Outside is never taken.
    meaning
        In one sentence without a full stop.
    """

    name: str
    block: Block
    kind: Kind
    unit: str = ""
    low: float | None = None
    high: float | None = None
    meaning: str

    def holds(self, value: float) -> bool:
        """Return whether a number is within the range (NaN never is)."""
        low, high = self.low, self.high
        return (low is None or value >= low) and (high is None or value <= high) and value == value  # noqa: PLR0124


def _table() -> tuple[Keyword, ...]:
    text, whole, real = Kind.TEXT, Kind.WHOLE, Kind.REAL
    first_mjd, last_mjd = 33282.0, 88069.0  # 1950 to 2100
    site, time, camera, sky = Block.OBSERVATORY, Block.TIME, Block.INSTRUMENT, Block.OBJECT
    rows: tuple[tuple[str, Block, Kind, str, float | None, float | None, str], ...] = (
        ("OBSERVAT", site, text, "", None, None, "Name of the observatory"),
        ("OBSERVER", site, text, "", None, None, "Who observed"),
        ("LONGITUD", site, real, "deg", -180.0, 180.0, "Longitude of the site that is used, east-positive"),
        ("LATITUDE", site, real, "deg", -90.0, 90.0, "Latitude of the site that is used"),
        ("ALTITUDE", site, real, "m", -450.0, 6500.0, "Altitude of the site above sea level"),
        ("TELESCOP", site, text, "", None, None, "Name of the telescope"),
        ("ORIGIN", site, text, "", None, None, "Who made the file"),
        ("TIMESYS", time, text, "", None, None, "Time scale that the header's own times were given in"),
        ("DATE-OBS", time, text, "", None, None, "UTC date of the start of the exposure, yyyy-mm-dd"),
        ("TIME-OBS", time, text, "", None, None, "UTC time of the start of the exposure, hh:mm:ss.sss"),
        ("JD", time, real, "d", first_mjd + 2400000.5, last_mjd + 2400000.5, "Julian Date (UTC) of the start"),
        ("EXPTIME", time, real, "s", 0.0, 86400.0, "Exposure time"),
        ("MJD-AVG", time, real, "d", first_mjd, last_mjd, "Modified Julian Date (UTC) of the middle of the exposure"),
        ("INSTRUME", camera, text, "", None, None, "Name of the camera"),
        ("NAXIS1", camera, whole, "pixel", 1, 100_000, "Columns of the image"),
        ("NAXIS2", camera, whole, "pixel", 1, 100_000, "Rows of the image"),
        ("BIN", camera, text, "", None, None, "Binning, columns x rows, as 2x2"),
        ("READTIME", camera, real, "s", 0.0, 3600.0, "Time that reading out takes"),
        ("GAIN", camera, real, "e-/ADU", 1e-4, 1000.0, "Electrons for each count"),
        ("RDNOISE", camera, real, "e-", 0.0, 1000.0, "Read noise, rms"),
        ("SATURATE", camera, real, "ADU", 1.0, 1e9, "Counts at which a pixel is saturated, or no longer linear"),
        ("CDELTA1", camera, real, "arcsec/pixel", 1e-3, 600.0, "Pixel scale along the first axis, binned pixels"),
        ("CDELTA2", camera, real, "arcsec/pixel", 1e-3, 600.0, "Pixel scale along the second axis, binned pixels"),
        ("ORIENTAT", camera, real, "deg", -180.0, 180.0, "Position angle of the second axis, north through east"),
        ("OBSTYPE", camera, text, "", None, None, "What was exposed: object, flat, dark, bias"),
        ("FILTER", camera, text, "", None, None, "Name of the filter, as the observatory calls it"),
        ("PIXSIZE1", camera, real, "um", 0.1, 1000.0, "Size of a binned pixel along the first axis"),
        ("PIXSIZE2", camera, real, "um", 0.1, 1000.0, "Size of a binned pixel along the second axis"),
        ("CRPIX1", camera, real, "pixel", None, None, "Reference pixel, first axis, counted from 1"),
        ("CRPIX2", camera, real, "pixel", None, None, "Reference pixel, second axis, counted from 1"),
        ("OBJECT", sky, text, "", None, None, "Name of the target"),
        ("EQUINOX", sky, real, "yr", 1850.0, 2100.0, "Equinox of the header's own coordinates"),
        ("RADESYS", sky, text, "", None, None, "Reference system of the header's own coordinates"),
        ("CTYPE1", sky, text, "", None, None, "What the first axis is, and its projection"),
        ("CTYPE2", sky, text, "", None, None, "What the second axis is, and its projection"),
        ("CUNIT1", sky, text, "", None, None, "Unit of CRVAL1"),
        ("CUNIT2", sky, text, "", None, None, "Unit of CRVAL2"),
        ("RA", sky, real, "deg", 0.0, 360.0, "Right ascension of the pointing, ICRS"),
        ("DEC", sky, real, "deg", -90.0, 90.0, "Declination of the pointing, ICRS"),
        ("CRVAL1", sky, real, "deg", None, None, "Coordinate at the reference pixel, first axis"),
        ("CRVAL2", sky, real, "deg", None, None, "Coordinate at the reference pixel, second axis"),
        ("AIRMASS", sky, real, "", 1.0, 40.0, "Airmass at the middle of the exposure"),
    )
    return tuple(
        Keyword(name=name, block=block, kind=kind, unit=unit, low=low, high=high, meaning=meaning)
        for name, block, kind, unit, low, high, meaning in rows
    )


KEYWORDS: dict[str, Keyword] = {keyword.name: keyword for keyword in _table()}
