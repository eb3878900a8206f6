"""Python binding of the signal path and the rhythm rules."""
