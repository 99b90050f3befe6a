"""The embedded stack: the whole server on one machine, on loopback, without Docker, AWS or a network."""
