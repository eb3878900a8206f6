"""Recordings of live sessions: WFDB records that are whole at every moment, and EDF+.

with Recorder(Path("night"), source.origin) as recorder:
    for items in source.items(stop):
        recorder.take(items)
"""
