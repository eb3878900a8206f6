"""Records, annotations, databases, labels, splits, noise, synthetic ECG and EC57 scoring.

Nothing here imports another package of this project.
"""
