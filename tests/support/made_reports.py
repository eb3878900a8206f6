"""Reports of a device made up for tests of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from ecg_edge.ecg.records import Record
from ecg_edge.firmware import BEAT_DTYPE, CHANGE_DTYPE, VENTRICULAR_DTYPE, Processed
from ecg_edge.firmware.binding.rhythm import BEGIN, END, kind_name
from ecg_edge.host.evaluation.stream import Heard, Report
from ecg_edge.host.link.messages import RhythmEvent

FS_HZ = 360


def event(kind: str, phase: int, onset_s: float, end_s: float, **values: Any) -> RhythmEvent:
    """An event of a kind; fields that are not named are 0."""
    kinds = {kind_name(number): number for number in range(1, 256)}
    zeros = {field.name: 0 for field in fields(RhythmEvent)}
    times = {"onset": round(onset_s * FS_HZ), "end": round(end_s * FS_HZ)}
    return RhythmEvent(**{**zeros, "kind": kinds[kind], "phase": phase, **times, **values})


def made_report(
    duration_s: float,
    alarms: Sequence[tuple[str, float, float, float]] = (),
    beats_s: Sequence[float] = (),
    symbols: str = "",
    bad_s: Sequence[tuple[float, float]] = (),
    **values: Any,
) -> Report:
    """A report of alarms (kind, onset, end, told), in seconds; each is over one second after its end."""
    rows = [(event(kind, BEGIN, onset, end, **values), told) for kind, onset, end, told in alarms]
    rows += [(event(kind, END, onset, end, **values), end + 1) for kind, onset, end, _ in alarms]
    rows.sort(key=lambda row: row[1])
    beats = np.zeros(len(beats_s), BEAT_DTYPE)
    beats["r_sample"] = np.rint(np.array(beats_s) * FS_HZ)
    nothing = np.empty(0, CHANGE_DTYPE), np.rint(np.array(bad_s).reshape(-1, 2) * FS_HZ).astype(np.int64)
    processed = Processed(beats, *nothing, np.empty(0, VENTRICULAR_DTYPE))
    samples = round(duration_s * FS_HZ)
    taken = np.arange(90, samples + 1, 90)
    counts = np.searchsorted(beats["r_sample"], taken)
    heard = Heard(FS_HZ, samples, processed, taken, counts)
    told = np.array([round(min(at, duration_s) * FS_HZ) for _, at in rows], np.int64)
    labels = np.array(list(symbols or "N" * len(beats)), "U8")
    return Report(heard, labels, [row for row, _ in rows], told)


def made_record(samples: np.ndarray, name: str = "r1", database: str = "own") -> Record:
    """A record without annotations, 200 ADC units per mV."""
    nothing = np.zeros(0, np.int64)
    return Record(name, database, FS_HZ, 200, "ECG", samples, nothing, np.zeros(0, "U1"), ())
