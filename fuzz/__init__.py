"""Coverage-guided fuzzing of everything that reads what observers send: `make fuzz`."""
