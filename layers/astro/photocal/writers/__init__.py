"""What measured stars are written as, for our own readers and for other people's programs."""
