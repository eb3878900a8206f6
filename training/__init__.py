"""From WFDB records to a trained float network: records, labels, splits, beats, models, evaluation."""
