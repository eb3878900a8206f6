"""Scoring of detector and rhythm on whole records."""
