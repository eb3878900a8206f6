"""The device's signal path, called from Python: the C code of `firmware/lib/ecg_core` itself.

    beats = process(record.samples)                      # a whole record, detected R peaks
    beats = process(record.samples, r_peaks=annotated)   # annotated R peaks
    path = SignalPath(); path.push(block); ...           # block by block, as the device does

`beats` is an array of `BEAT_DTYPE`; `beats["beat"]` and `beats["rhythm"]` are the classifier's inputs.
"""

from ecg_edge.firmware.signal_path import (
    BEAT_CHANNELS,
    BEAT_DTYPE,
    BEAT_POINTS,
    BEAT_SCALE,
    BOARD_RATES_HZ,
    FLAG_FLAT,
    FLAG_LEADS_OFF,
    FLAG_LEARNING,
    FLAG_SATURATED,
    FLAG_SEARCHBACK,
    FS_HZ,
    LEAD_OFF_MINUS,
    LEAD_OFF_PLUS,
    RHYTHM_FEATURES,
    RHYTHM_SCALE,
    WINDOW_POST,
    WINDOW_PRE,
    Beats,
    SignalPath,
    fingerprint,
    process,
)

__all__ = [
    "BEAT_CHANNELS",
    "BEAT_DTYPE",
    "BEAT_POINTS",
    "BEAT_SCALE",
    "BOARD_RATES_HZ",
    "FLAG_FLAT",
    "FLAG_LEADS_OFF",
    "FLAG_LEARNING",
    "FLAG_SATURATED",
    "FLAG_SEARCHBACK",
    "FS_HZ",
    "LEAD_OFF_MINUS",
    "LEAD_OFF_PLUS",
    "RHYTHM_FEATURES",
    "RHYTHM_SCALE",
    "WINDOW_POST",
    "WINDOW_PRE",
    "Beats",
    "SignalPath",
    "fingerprint",
    "process",
]
