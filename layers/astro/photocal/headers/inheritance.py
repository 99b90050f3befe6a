"""What an extension's header takes from the primary header: all but how that is stored, and where its pixels lie."""

from __future__ import annotations

import re

from photocal.headers.cards import Header

_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|EXTEND|EXTNAME|EXTVER|TFIELDS|TFORM\d+"
    r"|TTYPE\d+|Z(IMAGE|BITPIX|NAXIS\d*|TILE\d+|CMPTYPE|TENSION)|DATAMAX|DATAMIN|IMAGE[WH]|CHECKSUM|DATASUM"
)
_WCS = re.compile(
    r"WCSAXES|WCSDIM|CTYPE\d|CUNIT\d|CRVAL\d|CRPIX\d|CDELT\d|CROTA\d|CD\d_\d|PC\d_\d|PC00\d00\d|PV\d_\d+|LT[MV]\d.*"
    r"|LON(G)?POLE|LATPOLE|(A|B|AP|BP)_(ORDER|\d_\d)|WAT\d_\d{3}"
)


def over_primary(own: Header, primary: Header) -> Header:
    """Return an extension's header with what the primary header says beside it.

    Where the extension has a coordinate system of its own, the primary's is left out whole: cards of two systems
    together make a third.
    """
    own_wcs = "CRVAL1" in own or "CTYPE1" in own
    return own.over(
        Header(
            card
            for card in primary.cards
            if not _STRUCTURE.fullmatch(card.key) and not (own_wcs and _WCS.fullmatch(card.key))
        )
    )
