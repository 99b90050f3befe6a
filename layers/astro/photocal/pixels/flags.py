"""What can be wrong with a star: one table, from which constants, decoder and documentation follow.

The first eight bits mean what they mean in SExtractor's FLAGS, so that a catalogue of ours is read like one of its.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One flag.

    Attributes
    ----------
    bit
        Its value, a power of two.
    name
        Its name, in capitals.
    text
        What it says of the star.
    """

    bit: int
    name: str
    text: str


NEIGHBOUR, BLENDED, SATURATED, CUT = 1, 2, 4, 8
DEFECT, POOR_FIT, UNSTABLE, FORCED = 256, 512, 1024, 2048

TABLE = (
    Meaning(bit=NEIGHBOUR, name="NEIGHBOUR", text="Light of other stars is more than a tenth of its own in its core"),
    Meaning(bit=BLENDED, name="BLENDED", text="Another star is nearer than one FWHM: measured together"),
    Meaning(bit=SATURATED, name="SATURATED", text="A pixel of its core is saturated: measured on its wings"),
    Meaning(bit=CUT, name="CUT", text="The edge of the image cuts its core"),
    Meaning(bit=DEFECT, name="DEFECT", text="A pixel of its core was left out: a cosmic ray, a bad pixel or column"),
    Meaning(bit=POOR_FIT, name="POOR_FIT", text="The PSF does not fit: a galaxy, an unresolved pair, a defect"),
    Meaning(bit=UNSTABLE, name="UNSTABLE", text="Its position or flux had not come to rest when the fit ended"),
    Meaning(bit=FORCED, name="FORCED", text="Measured at a position that was given"),
)


def names(flags: int) -> tuple[str, ...]:
    """Return the names of the flags that are set."""
    return tuple(item.name for item in TABLE if flags & item.bit)
