"""Experiments with the morphology network: architectures, saliency, transfer to records of patients."""
