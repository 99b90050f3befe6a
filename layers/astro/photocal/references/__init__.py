"""Reference stars: the tile store, the sources that fill it, and files that are imported into it."""

from photocal.references.stars import ReferenceStars

__all__ = ["ReferenceStars"]
