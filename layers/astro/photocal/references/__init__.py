"""Reference stars: the tile store, the sources that fill it, and files that are imported into it."""

from photocal.references.gather import BEST_PLACES, ENOUGH_FOR_PLACES, Gathered, gather, gather_places
from photocal.references.importer import import_file
from photocal.references.stars import ReferenceStars
from photocal.references.store import Blobs, CatalogueSummary, FolderBlobs, Source, TileStore
from photocal.references.vizier import Breaker, VizierSource

__all__ = [
    "BEST_PLACES",
    "ENOUGH_FOR_PLACES",
    "Blobs",
    "Breaker",
    "CatalogueSummary",
    "FolderBlobs",
    "Gathered",
    "ReferenceStars",
    "Source",
    "TileStore",
    "VizierSource",
    "gather",
    "gather_places",
    "import_file",
]
