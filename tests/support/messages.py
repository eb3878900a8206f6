"""Messages of which a test names only the fields that matter to it."""

from __future__ import annotations

from typing import Any

from ecg_edge.host.link.messages import Beat, RhythmEvent


def made_event(kind: int, phase: int, onset: int, end: int, **fields: int) -> RhythmEvent:
    """Make a rhythm event; the fields that are not named are 0."""
    zeros: dict[str, Any] = dict.fromkeys(RhythmEvent.__slots__, 0)
    return RhythmEvent(**{**zeros, "kind": kind, "phase": phase, "onset": onset, "end": end, **fields})


def made_beat(beat_index: int, r_sample: int, **fields: int) -> Beat:
    """Make a beat; the fields that are not named are 0."""
    zeros: dict[str, Any] = dict.fromkeys(Beat.__slots__, 0)
    return Beat(**{**zeros, "output": b"", "beat_index": beat_index, "r_sample": r_sample, **fields})
