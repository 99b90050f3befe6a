"""Images: bytes in, pixels out. What a file is, its content says, never its name."""

from photocal.images.frame import Frame, Grid, Image, PixelStatistics, plane_cards
from photocal.images.read import read_image

__all__ = ["Frame", "Grid", "Image", "PixelStatistics", "plane_cards", "read_image"]
