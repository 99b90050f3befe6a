"""Observers' headers: any camera's keywords in, the standard header of `cpcs.keywords` out, every guess said."""
