"""The device's signal path, called from Python."""
