"""What is measured, and how: run by hand, quoted in notes; nothing here is asserted by the tests."""
