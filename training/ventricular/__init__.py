"""Training of the ventricular rhythm detector in the signal path, and its report by records left out."""
