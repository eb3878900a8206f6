"""Report on how close synthetic ECG is to records: distributions, two-sample distances, and a classifier."""
