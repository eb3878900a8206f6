"""Replay of records through a device, and comparison with the reference."""
