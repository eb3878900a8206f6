"""Synthetic ECG: a generator with truth (`generator`), and the simple database that trains (`textbook`)."""
