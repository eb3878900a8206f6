"""Records, annotations, databases, labels, splits, noise, synthetic ECG and EC57 scoring.

Imports no other package of this project.
"""
