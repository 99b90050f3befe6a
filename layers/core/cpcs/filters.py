"""What observers call their filters, and which filters of the catalogues they may mean by it.

A FITS header says ``R``, ``rp``, ``SDSS-R``, ``Bessell-V``, ``2 7 g-Gunn``, ``Clear``. None of these is proof (headers
are wrong often enough), so a name is never more than a hint: it says which filters are likely, and how much likelier.

A name is read word by word. Words that name a system (``SDSS``, ``Bessell``) say what the others mean; words that name
a filter are looked up; all others (numbers of slots, makers, wavelengths) are passed over. What passes little light
(``Ha``, ``OIII``) or is no filter (``Clear``) names none.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Filters that see nearly the same light: a plate of one group never beats a CCD of the same group, and a header that
# names one filter makes the others of its group likelier too.
GROUPS: dict[str, tuple[str, ...]] = {
    "ultraviolet": ("u", "U"),
    "blue": ("B", "g", "BP", "B1pg", "B2pg"),
    "visual": ("V",),
    "white": ("G",),
    "red": ("r", "R", "R1pg", "R2pg"),
    "infrared": ("i", "I", "RP", "Ipg"),
    "far": ("z", "Y"),
    "J": ("J",),
    "H": ("H",),
    "K": ("K",),
}
_GROUP_OF = {band: group for group, bands in GROUPS.items() for band in bands}

# How much likelier a name makes a filter than one that it has nothing to do with: the filter named; the one of the same
# letter (R is written for r, and r for R); another of its group; and all light, where it says that there was no filter.
NAMED, SAME_LETTER, AKIN, UNFILTERED = 60.0, 8.0, 3.0, 30.0
_LONGEST = 100  # characters that are read
_MOST = 2  # filters that one name may mean: "u g r i z" means none

_PRIMES = str.maketrans(dict.fromkeys("`\u00b4\u2018\u2019\u201b\u02b9\u02bc\u2032\uff07", "'"))
_SLOAN = re.compile(
    r"sdss2?|sloan|(thuan.?)?gunn|pan.?starrs1?|pstr|\bps1?(?![a-z])|(?<![a-z])p1(?![a-z])|atlas|sky.?mapper|\bsm\b"
    r"|lsst|ztf|hsc|decam|\bptf|\bbok|des(?=[ugrizy]\b)|high|\bw-s-"
)
_JOHNSON = re.compile(
    r"bessell?|\bbess?(?![a-z])|\bbess?(?=[ubvri]\b)|johnson|jnsn|\bjohn\b|cousins?|\bcous(?=[ubvri]?\b)|(?<=\b[ubvri])cous\b|\bw-[jc]-|kron|harris|landolt|stetson"
    r"|mould|\bj?k?c\b(?<=[jk]c)"
)
_NARROW = re.compile(
    r"h[ -]?(alpha|beta|alp|\u03b1|\u03b2)|\bha(?=\b|o|\d)|\bhb\b|o[ -]?(iii|ii|i|3)\b|\b[sn][ -]?(ii|2)\b"
    r"|\bhe[ -]?ii?\b|str(oe?|\u00f6)m|\bst[uvby]\b|\bnb|\bbr[ -]?(g|\u03b3)|narrow|\bh2\b|\bcont\b|continuum|tio\b"
    r"|grism|grating|slit\b|prism|\bexo|\bcbb|diffuser|\buv[a-z]|\bf\d{3,4}[wmnl]p?\b|methane|\bch4\b"
    r"|washington|\bddo\b"
)
_CUT = re.compile(
    r"\b(?:uv|ir)[ /&+-]*(?:uv|ir)?[ /-]*(?:cut|block|stop)?\b(?<!\buv)(?<!\bir)"
)  # UV/IR cut: all that is seen
_GLASS = re.compile(r"\b(?:gg|rg|bg|og|ug|kg|vg)[ -]?\d{1,4}\b")  # Schott's coloured glasses: RG610 is no R
_WHITE = frozenset({
    "clear", "clr", "cl", "c", "cv", "cr", "cc", "cb", "w", "wl", "wx", "wp", "white", "open", "lum", "luminance",
    "l", "blank", "glass", "air", "empty", "nofilter", "unfiltered", "unf", "unfilt", "nofilt", "nofiltr", "brak",
    "bez", "ohne", "kein", "sans", "senza", "none", "no", "filterless", "uvir", "ircut",
})  # fmt: skip
_SAYS_NOTHING = frozenset({
    "null", "nan", "na", "n", "unknown", "undefined", "undef", "notpresent", "any", "auto", "dark", "closed", "other",
})  # fmt: skip
_FILLERS = frozenset({
    "filter", "filtr", "filters", "filtre", "band", "prime", "mag", "phot", "photometric", "photo", "astrodon",
    "baader", "set", "the",
})  # fmt: skip
_SHORT = {
    "up": "u", "gp": "g", "rp": "r", "ip": "i", "zp": "z", "zs": "z", "yp": "Y", "ys": "Y", "y": "Y", "zd": "z",
    "us": "u", "gs": "g", "rs": "r", "is": "i", "ug": "u", "gg": "g", "rg": "r",
    "uprime": "u", "gprime": "g", "rprime": "r", "iprime": "i", "zprime": "z", "zshort": "z",
    "zg": "g", "zr": "r", "zi": "i", "su": "u", "sg": "g", "sr": "r", "si": "i", "sz": "z",
    "uc": "U", "bc": "B", "vc": "V", "rc": "R", "ic": "I", "uj": "U", "bj": "B", "vj": "V", "rj": "R", "ij": "I",
    "ju": "U", "jb": "B", "jv": "V", "jr": "R", "ji": "I", "vx": "V", "bx": "B", "ux": "U", "zx": "z",
    "rkc": "R", "ikc": "I",
    "ks": "K", "kp": "K", "kprime": "K", "kshort": "K", "bp": "BP", "gbp": "BP", "grp": "RP",
    "tg": "V", "tb": "B", "tr": "Rr", "green": "V", "red": "Rr", "blue": "B", "visual": "V", "vis": "V",
    "b": "B", "v": "V", "z": "z", "j": "J", "h": "H", "k": "K",
}  # fmt: skip
_GAIA = {"": "G", "g": "G", "bp": "BP", "gbp": "BP", "rp": "RP", "grp": "RP"}
# A capital may be any system's; the small letter is Sloan's.
_EITHER = {"u": "Uu", "r": "Rr", "i": "Ii", "g": "Gg"}
_JOINED = re.compile(r"\b([ubvrigzk])[ -](c|s|p|prime|short|bp|rp)\b")  # R_c, z_s, r_prime, G_BP


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterHint:
    """What a filter's name tells.

    Attributes
    ----------
    given
        As it was written.
    filters
        The catalogues' filters that it names, most of them one; empty when it says nothing (Clear, none, unknown).
    unfiltered
        Whether it says that there was no filter. All light is nearest to Gaia's G, but wheels say "open" beside the
        filter that stands in another wheel, so this is a weak hint.
    """

    given: str
    filters: frozenset[str]
    unfiltered: bool = False

    def weight(self, band: str) -> float:
        """Return how much likelier the hint makes a filter than one that it has nothing to do with."""
        if band in self.filters:
            return NAMED
        if any(band[0].lower() == named[0].lower() and group_of(band) == group_of(named) for named in self.filters):
            return SAME_LETTER
        if any(group_of(band) == group_of(named) for named in self.filters):
            return AKIN
        return UNFILTERED if self.unfiltered and band == "G" else 1.0


def group_of(band: str) -> str:
    """Return the group of filters that see nearly the same light; an unknown filter is its own group."""
    return _GROUP_OF.get(band, band)


def understand(given: str | None) -> FilterHint:
    """Read a filter's name as headers and forms have it; only its first hundred characters count.

    Examples
    --------
    >>> sorted(understand("2 7 g-Gunn").filters), sorted(understand("Bessell-V").filters)
    (['g'], ['V'])
    >>> sorted(understand("R").filters), sorted(understand("r'").filters), sorted(understand("SDSS-R").filters)
    (['R', 'r'], ['r'], ['r'])
    >>> sorted(understand("Clear").filters), understand("Clear").unfiltered
    ([], True)
    """
    written = given or ""
    text = _plain(written)
    exact = _of_catalogue(text)
    if exact is not None:
        return FilterHint(given=written, filters=exact)
    lower = _JOINED.sub(r"\1\2", _CUT.sub("clear", _GLASS.sub(" ", text.lower())))
    if _NARROW.search(lower):
        return FilterHint(given=written, filters=frozenset())
    if "gaia" in lower:
        return FilterHint(given=written, filters=_gaia(lower))
    named, white = _named(text, lower)
    named = named if len({group_of(band) for band in named - {"G"}}) <= _MOST else set()
    return FilterHint(given=written, filters=frozenset(named), unfiltered=white and not named)


def _plain(given: str) -> str:
    """Return a name in its plainest letters: one kind of prime, no control characters, single spaces."""
    text = unicodedata.normalize("NFKC", given[:_LONGEST].translate(_PRIMES))
    printable = "".join(char if char.isprintable() and char != "_" else " " for char in text)
    return " ".join(printable.split()).strip(' ",;')[:_LONGEST]


def _of_catalogue(text: str) -> frozenset[str] | None:
    """Read ``GaiaSP/r``, ``any/V``, ``r(APASS)``: a filter of a catalogue, by its exact name; None where it is none."""
    found = re.fullmatch(r"([\w .-]+)/ ?(\w+)|(\w+) ?\(([\w .-]+)\)", text)
    if found is None:
        return None
    left, right = (found[1], found[2]) if found[1] else (found[4], found[3])
    first = left.split()[0].lower() if left.split() else ""
    if right.lower() == "any":
        return frozenset()
    if first != "any" and (first in _WHITE | _SAYS_NOTHING | _FILLERS or first in _SHORT or first in _EITHER):
        return None  # two wheels: open/V
    if _JOHNSON.search(left.lower()):
        return None  # R (Cousins)
    right = right[1:] if right.upper() in {"GBP", "GRP"} else right
    return frozenset({right}) if right in _GROUP_OF else None


def _gaia(lower: str) -> frozenset[str]:
    """Read a name with Gaia's in it: ``Gaia G``, ``gaia_bp``, ``G_Gaia``."""
    rest = re.sub(r"gaia|[^\W\d_]*dr\d|[\W\d_]", "", lower)
    return frozenset({_GAIA[rest]} if rest in _GAIA else ())


def _named(text: str, lower: str) -> tuple[set[str], bool]:
    """Return the filters that the words of a name stand for, and whether one says that there was no filter."""
    rest = _SLOAN.sub(" ", lower)
    sloan = rest != lower
    bare = _JOHNSON.sub(" ", rest)
    johnson = bare != rest
    channel = bool(re.search(r"\b(channel|bayer|tri)\b|tricolou?r", bare))
    words = re.findall(r"[^\W\d_]+['*]?(?!\d{3})\d*", re.sub(r"\b(no|without)[ .-]?filt\w*", "nofilter", bare))
    clean = [word for word in words if not word[-1].isdigit()]
    found: set[str] = set()
    white = False
    for word in clean or [word.rstrip("0123456789") for word in words]:
        white |= word in _WHITE
        if word in _WHITE or word in _SAYS_NOTHING or word in _FILLERS:
            continue
        found |= _bands(word, text, sloan=sloan, johnson=johnson, channel=channel)
    return found, white


def _bands(word: str, text: str, *, sloan: bool, johnson: bool, channel: bool) -> set[str]:
    """Return the filters that one word stands for."""
    stem = word.rstrip("'*")
    meant = "V" if channel and stem == "g" else _EITHER.get(stem) or _SHORT.get(stem, "")
    if meant in {"", "BP", "RP"}:
        return {meant} - {""}
    if (sloan or stem != word) and stem not in {"b", "v"} and meant[-1].lower() in "ugriz":
        return {meant[-1].lower()}
    if johnson and meant[0] in "UBVRI":
        return {meant[0]}
    small = re.search(rf"(?<![^\W\d_]){stem}(?![^\W\d_])", text)
    return {stem} if small and stem in _EITHER and not channel else set(meant)
