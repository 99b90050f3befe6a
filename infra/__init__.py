"""Operations: the embedded stack, seeding, deployment. Nothing here is part of a function."""
