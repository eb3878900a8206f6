"""Training of the QRS classifier in the signal path, and its quality report."""
