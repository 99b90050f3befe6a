"""From pixels to stars: background, masks, detection, the PSF, and all stars measured together."""
