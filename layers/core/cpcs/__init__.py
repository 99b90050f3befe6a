"""The light shared package of CPCS 2.0: words, records, errors, settings, storage and web.

Every function carries it; it imports neither numpy nor astropy.
"""

__version__ = "2.0.0.dev0"
