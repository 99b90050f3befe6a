"""Every write that a person asks for: uploads, events, deletions, observatories, keys; and the first CPCS's routes."""
