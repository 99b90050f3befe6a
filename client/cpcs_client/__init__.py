"""The observers' side of CPCS: a Python client and the command ``cpcs``.

>>> from cpcs_client import Client
>>> Client("http://127.0.0.1:8020").base_url
'http://127.0.0.1:8020'
"""

from cpcs_client.api import Client, Refused, Unreachable

__all__ = ["Client", "Refused", "Unreachable"]
