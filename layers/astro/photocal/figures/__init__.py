"""Figures, as PNG. The only package that knows matplotlib; it uses no global state, so any thread may draw."""

from photocal.figures.around_target import cutout
from photocal.figures.astrometry import astrometry
from photocal.figures.light_curves import light_curve
from photocal.figures.psf_and_stars import psf
from photocal.figures.side_by_side import panel
from photocal.figures.star_by_star import residuals
from photocal.figures.whole_image import overview

__all__ = ["astrometry", "cutout", "light_curve", "overview", "panel", "psf", "residuals"]
