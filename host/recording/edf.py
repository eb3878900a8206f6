"""EDF+ from a recording, through pyedflib, in constant memory.

EDF+ has no value for a missing sample, and pyedflib no discontinuous files. So a gap keeps its length: its
samples are at the lower end of the range, and an annotation "gap" with its duration marks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import OutputError
from ecg_edge.ecg.files import replacing
from ecg_edge.firmware.binding.rhythm import END, HEART_RATE
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import INVALID, BeatMark, Gap, LeadChange, Mark, QualityChange
from ecg_edge.host.recording.recording import Recording
from ecg_edge.host.recording.rhythm_notes import event_text, reasons_text

_DIGITAL_MIN: Final = -32768
_DIGITAL_MAX: Final = 32767
_ANNOTATION_SIGNALS: Final = 8  # annotations a second, on average
_BLOCK_S: Final = 60

Note = tuple[float, float, str]  # onset and duration in s (-1: none), text


def write_edf(recording: Recording, path: Path) -> Path:
    """Write a recording as EDF+.

    Parameters
    ----------
    recording : Recording
    path : Path
        File to write; one that exists is replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    from pyedflib import EdfWriter  # an optional extra

    origin = recording.origin
    with replacing(path) as temporary:
        writer = EdfWriter(str(temporary), 1)
        try:
            writer.set_number_of_annotation_signals(_ANNOTATION_SIGNALS)
            writer.setHeader(_header(recording))
            writer.setSignalHeader(0, _signal_header(recording))
            _write_samples(writer, recording.samples, origin.fs_hz)
            for onset, duration, text in _notes(recording):
                writer.writeAnnotation(onset, duration, text)
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error}). Free space, or name another file."
            ) from None
        finally:
            writer.close()
    return path


def _header(recording: Recording) -> dict[str, Any]:
    keys = ("technician", "patientname", "patient_additional", "patientcode", "sex", "birthdate", "gender")
    # pyedflib writes fractions of a second wrongly (0.1.42: ten times too long), so whole seconds.
    started = recording.started.replace(tzinfo=None, microsecond=0)
    return {
        **dict.fromkeys((*keys, "admincode", "recording_additional"), ""),
        "equipment": "ecg-edge",
        "startdate": started,
    }


def _signal_header(recording: Recording) -> dict[str, Any]:
    origin = recording.origin
    return {
        "label": f"ECG {origin.lead}" if origin.lead != "ECG" else "ECG",
        "dimension": "mV",
        "sample_frequency": origin.fs_hz,
        "physical_min": _short(_DIGITAL_MIN / origin.adu_per_mv),
        "physical_max": _short(_DIGITAL_MAX / origin.adu_per_mv),
        "digital_min": _DIGITAL_MIN,
        "digital_max": _DIGITAL_MAX,
        "transducer": "",
        "prefilter": "",
    }


def _short(value: float) -> float:
    """Round to what the eight characters of EDF's header hold."""
    return float(f"{value:.8f}"[:8])


def _write_samples(writer: Any, samples: NDArray[np.int16], fs_hz: int) -> None:
    """Write whole seconds; what the last one lacks is marked as a gap by `_notes`."""
    step = _BLOCK_S * fs_hz
    for start in range(0, len(samples), step):
        block = samples[start : start + step].astype(np.int32)
        whole = np.pad(block, (0, -len(block) % fs_hz), constant_values=INVALID)
        for second in whole.reshape(-1, fs_hz):
            writer.writeDigitalSamples(np.ascontiguousarray(second))


def _notes(recording: Recording) -> Iterator[Note]:
    fs_hz, length = recording.origin.fs_hz, len(recording.samples)
    for _, mark in recording.marks():
        note = _note(mark, fs_hz)
        if note is not None:
            yield note
    if length % fs_hz:
        yield length / fs_hz, (-length % fs_hz) / fs_hz, "gap: the recording has ended"


def _note(mark: Mark, fs_hz: int) -> Note | None:
    if isinstance(mark, BeatMark):
        return mark.sample / fs_hz, -1, f"beat {mark.symbol}"
    if isinstance(mark, RhythmEvent) and mark.phase == END and mark.kind != HEART_RATE:
        return mark.onset / fs_hz, (mark.end - mark.onset) / fs_hz, event_text(mark, fs_hz)
    if isinstance(mark, Gap):
        return mark.start / fs_hz, (mark.end - mark.start) / fs_hz, f"gap: {mark.reason}"
    if isinstance(mark, QualityChange):
        text = f"bad signal: {reasons_text(mark.reasons)}" if mark.bad else "good signal"
        return mark.sample / fs_hz, -1, text
    if isinstance(mark, LeadChange):
        return mark.sample / fs_hz, -1, "electrode off" if mark.flags else "electrodes on"
    return None
