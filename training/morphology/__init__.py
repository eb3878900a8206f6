"""The morphology network: strips of 10 s of synthetic ECG, five classes."""
