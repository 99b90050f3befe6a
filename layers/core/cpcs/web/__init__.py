"""HTTP: what requests say and how answers look, with the words of the first CPCS; knows no storage."""
