"""The science of CPCS: a list of stars in, a standard magnitude out.

Knows no AWS, no HTTP and no database; ``python -m photocal`` uses it without any server. The sign of everything is
said once, here: ``std_mag = inst_mag + zero_point``.
"""

__version__ = "2.0.0.dev0"
