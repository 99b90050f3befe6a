"""From pixels to the sky: a plate solution found from next to nothing, then refined against reference stars."""
