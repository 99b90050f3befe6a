"""The worker: one queued upload in, one calibration or one coded refusal out."""
