"""Images: bytes in, pixels out. What a file is, its content says, never its name."""

from photocal.images.frame import Frame, Grid, Image, PixelStatistics, plane_cards
from photocal.images.read import image_of, read_image
from photocal.images.tiles import prepare

__all__ = ["Frame", "Grid", "Image", "PixelStatistics", "image_of", "plane_cards", "prepare", "read_image"]
