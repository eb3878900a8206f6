"""The pipeline from records to a verified device, and its cached stages."""
