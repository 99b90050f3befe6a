"""Heights above the sea, told from the altitude angle of the telescope: many headers call both ALTITUDE."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cpcs.keywords import KEYWORDS
from cpcs.mappings import UNITS
from photocal.headers.evidence import IS_ANGLE, IS_HEIGHT
from photocal.headers.said import Said
from photocal.headers.sites import Site
from photocal.headers.standard import Finding, How

NAMES = (
    "ALTITUDE", "SITEALT", "SITEELEV", "ALT-OBS", "OBS-ELEV", "ELEV-OBS", "OBSGEO-H", "HEIGHT", "ELEVATIO", "ELEVATION",
    "OBSALT", "OBSELEV", "GEOELEV", "ESO TEL GEOELEV", "ESO TEL ALTITUDE", "ALTITIDE", "ALT_OBS", "OBS-ALT", "OBS_ALT",
    "OBS_ELEV", "TELELEV", "SITEHGT", "SITEELE", "SITE-ELE", "SITE_ELE", "SITE-ALT", "SITE_ALT", "ELEV_OBS", "GEOALT",
    "GEO_ALT", "SITEHEIG", "ALTOBS", "OBSALTIT", "GPS_ALT", "GPS-ALT", "GPSALT", "SITEHEIGHT", "AMSL",
)  # fmt: skip
"""Keywords, the likeliest first."""

_CERTAIN = {
    "HEIGHT", "OBSGEO-H", "SITEALT", "SITEELEV", "OBS-ELEV", "ELEV-OBS", "ESO TEL GEOELEV", "GEOELEV", "SITEHGT",
    "SITEELE", "SITE-ELE", "SITE_ELE", "SITE-ALT", "SITE_ALT", "ELEV_OBS", "OBS_ELEV", "SITEHEIG", "SITEHEIGHT",
    "AMSL",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[dDeE][+-]?\d{1,3})?")
_UNIT = re.compile(r"\b(km|ft|feet)\b", re.IGNORECASE)
_HIGHEST_ANGLE = 90.0


def height(sayings: Iterable[Said], known: Site | None) -> Finding:
    """Return the finding of ALTITUDE, in metres: the first saying that is a height, else that of a known site there.

    Parameters
    ----------
    sayings
        What the mapping and the header say, under any of `NAMES`.
    known
        The known site at these coordinates, for what could be either, and where there is nothing.
    """
    passed = ""
    for said in sayings:
        value, why = _metres(said, known)
        if value is not None and KEYWORDS["ALTITUDE"].holds(value):
            how = How.GUESSED if why and said.how is How.FOUND else said.how
            return Finding(keyword="ALTITUDE", value=value, how=how, source=said.source, why=why)
        passed = passed or f"{said.source}: {why or 'out of range'}"
    if known is None:
        return Finding(keyword="ALTITUDE", why=passed or "the header does not say")
    why = f"that of {known.name}" + (f"; {passed}" if passed else "")
    source = f"longitude {known.longitude_deg:+.4f}, latitude {known.latitude_deg:+.4f}"
    return Finding(keyword="ALTITUDE", value=known.altitude_m, how=How.GUESSED, source=source, why=why)


def _metres(said: Said, known: Site | None) -> tuple[float | None, str]:
    """Return a height, m, and what was assumed; None for what is none, and why."""
    text = said.text.replace(",", ".").strip()
    number = _NUMBER.match(text)
    if number is None or ":" in text:
        return None, "no number of metres"
    value, rest = float(number[0].upper().replace("D", "E")), text[number.end() :]
    if said.format is not None and (said.format.unit or not _UNIT.search(rest)):
        return value * UNITS.get(said.format.unit, ("m", 1.0))[1], ""
    unit = _UNIT.search(rest) or _UNIT.search(said.comment)
    if unit is not None:
        return value * UNITS["km" if unit[1].lower() == "km" else "ft"][1], f"in {unit[1]}"
    if IS_HEIGHT.search(said.comment) or IS_HEIGHT.search(rest):
        return value, ""
    return _either(value, said, known)


def _either(value: float, said: Said, known: Site | None) -> tuple[float | None, str]:
    """Decide about a number of which nobody says that it is in metres."""
    if IS_ANGLE.search(said.comment):
        return None, "the telescope's altitude angle, not a height"
    if said.key in _CERTAIN:
        return value, ""
    if value > _HIGHEST_ANGLE:
        return value, "in metres: too large for an angle"
    if known is not None and known.altitude_m is not None and abs(known.altitude_m - value) < _HIGHEST_ANGLE:
        return value, f"in metres: {known.name} is at {known.altitude_m:.0f} m"
    return None, "a height or an angle; the header does not say which"
