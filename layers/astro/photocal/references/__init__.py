"""Reference stars: the tile store, the sources that fill it, and files that are imported into it."""

from photocal.references.gather import Gathered, gather
from photocal.references.importer import import_file
from photocal.references.stars import ReferenceStars
from photocal.references.store import Blobs, CatalogueSummary, FolderBlobs, Source, TileStore
from photocal.references.vizier import Breaker, VizierSource

__all__ = [
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
    "import_file",
]
