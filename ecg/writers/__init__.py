"""Writers of record files."""
