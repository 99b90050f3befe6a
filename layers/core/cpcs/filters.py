"""What observers call their filters, and which filters of the catalogues they may mean by it.

A FITS header says ``R``, ``rp``, ``SDSS-R``, ``Bessell-V``, ``2 7 g-Gunn``, ``Clear``. None of these is proof (headers
are wrong often enough), so a name is never more than a hint: it says which filters are likely.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Filters that see nearly the same light: a plate of one group never beats a CCD of the same group, and a header that
# names one filter makes the others of its group likelier too.
GROUPS: dict[str, tuple[str, ...]] = {
    "ultraviolet": ("u", "U"),
    "blue": ("B", "g", "BP", "B1pg", "B2pg"),
    "visual": ("V", "G"),
    "red": ("r", "R", "R1pg", "R2pg"),
    "infrared": ("i", "I", "RP", "Ipg"),
    "far": ("z", "Y"),
    "J": ("J",),
    "H": ("H",),
    "K": ("K",),
}
_GROUP_OF = {band: group for group, bands in GROUPS.items() for band in bands}

SLOAN = frozenset("ugriz")
_SYSTEM_SLOAN = re.compile(r"sdss|sloan|gunn|pan.?starrs|\bps1?\b|atlas|thuan|skymapper")
_SYSTEM_BESSELL = re.compile(r"bessell?|johnson|cousins?|kron|harris|landolt|stetson|astrodon.?ub?v|\bjc\b|\bubvri\b")
_NOTHING = re.compile(
    r"|no|none|null|nan|n/?a|unknown|undefined|clear|clr|c|cl|cv|cr|w|white|open|empty|blank|air|lum(inance)?|l"
    r"|no.?filter|unfiltered|glass|0+|-+"
)
_NARROW = re.compile(r"h.?(alpha|beta)|\bha\b|\bhb\b|o.?iii|s.?ii\b|n.?ii\b|exo|diffuser|\d{3,4} ?(nm|a)\b")
_SHORT = {
    "up": "u", "gp": "g", "rp": "r", "ip": "i", "zp": "z", "zs": "z", "yp": "Y", "ys": "Y", "y": "Y",
    "rc": "R", "ic": "I", "rj": "R", "ij": "I", "vj": "V", "bj": "B", "uj": "U",
    "sr": "r", "sg": "g", "si": "i", "su": "u", "sz": "z", "sdssr": "r",
    "ks": "K", "kp": "K", "k": "K", "j": "J", "h": "H", "bp": "BP", "gbp": "BP", "grp": "RP",
    "tg": "V", "tb": "B", "tr": "R", "green": "V", "red": "R", "blue": "B", "visual": "V", "b": "B", "v": "V",
}  # fmt: skip

_SINGLE = frozenset("ubvgrizyjhk")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterHint:
    """What a filter's name tells.

    Attributes
    ----------
    given
        As it was written.
    filters
        The catalogues' filters that it names, most of them one; empty when it says nothing (Clear, none, unknown).
    """

    given: str
    filters: frozenset[str]

    def weight(self, band: str) -> float:
        """Return how much likelier the hint makes a filter: 12 when it names it, 3 for its group, 1 otherwise."""
        if band in self.filters:
            return 12.0
        if any(group_of(band) == group_of(named) for named in self.filters):
            return 3.0
        return 1.0


def group_of(band: str) -> str:
    """Return the group of filters that see nearly the same light; an unknown filter is its own group."""
    return _GROUP_OF.get(band, band)


def understand(given: str | None) -> FilterHint:
    """Read a filter's name as headers and forms have it.

    Examples
    --------
    >>> sorted(understand("2 7 g-Gunn").filters), sorted(understand("Bessell-V").filters)
    (['g'], ['V'])
    >>> sorted(understand("R").filters), sorted(understand("r'").filters), sorted(understand("SDSS-R").filters)
    (['R', 'r'], ['r'], ['r'])
    >>> sorted(understand("Clear").filters)
    []
    """
    text = " ".join((given or "").replace("_", " ").split()).strip(" '\"")
    return FilterHint(given=given or "", filters=frozenset(_named(text, primed=_primed(given or ""))))


def _primed(given: str) -> bool:
    return bool(re.fullmatch(r"\s*[ugriz]\s*['`*\u2032]+\s*", given))


def _named(text: str, *, primed: bool) -> set[str]:
    lower = text.lower()
    if primed:
        return {lower[0]}
    if _NOTHING.fullmatch(lower) or _NARROW.search(lower):
        return set()
    sloan, bessell = bool(_SYSTEM_SLOAN.search(lower)), bool(_SYSTEM_BESSELL.search(lower))
    rest = _SYSTEM_BESSELL.sub(" ", _SYSTEM_SLOAN.sub(" ", lower) if sloan else lower)
    if lower.startswith("gaia"):
        return _gaia(lower)
    words = [
        word for word in re.split(r"[^a-z]+", rest) if word and word not in {"filter", "band", "prime", "p", "mag"}
    ]
    if "".join(words) in _SHORT:  # G_RP, V J
        words = ["".join(words)]
    letters = [word for word in words if word in _SHORT or word in _SINGLE]
    if not letters:
        return set()
    word = letters[0]
    if len(text) == 1 and text in "gG":  # a lower-case g is Sloan's; a capital is Gaia's or Sloan's
        return {"g"} if text == "g" else {"G", "g"}
    return _letter(word, text, sloan=sloan, bessell=bessell)


def _gaia(lower: str) -> set[str]:
    for name, band in (("bp", "BP"), ("rp", "RP")):
        if name in lower:
            return {band}
    return {"G"}


def _letter(word: str, text: str, *, sloan: bool, bessell: bool) -> set[str]:
    """Return the filters that one letter or short name stands for."""
    band = _SHORT.get(word, word)
    if sloan and band.lower() in SLOAN:
        return {band.lower()}
    if bessell and band.upper() in {"U", "B", "V", "R", "I"}:
        return {band.upper()}
    if len(word) > 1 or band.lower() not in {"u", "r", "i"}:
        return {band} if band in _GROUP_OF else set()
    # u, r and i exist in both systems: the small letter is Sloan's by custom, the capital either's.
    return {word} if re.search(rf"(?<![A-Za-z]){word}(?![A-Za-z])", text) else {word, word.upper()}
