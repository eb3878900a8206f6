"""EDF+ from a recording, through pyedflib, in constant memory.

EDF+ has no value for a missing sample, and pyedflib no discontinuous files. So a gap keeps its length: its
samples are at the lower end of the range, and an annotation "gap" with its duration marks it.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.edf_gaps import FILL_NOTE, GAP_NOTE
from ecg_edge.ecg.errors import EcgEdgeError, OutputError, RecordError
from ecg_edge.ecg.files import replacing
from ecg_edge.firmware.binding.rhythm import END, HEART_RATE
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import INVALID, BeatMark, Gap, LeadChange, Mark, QualityChange, Wave
from ecg_edge.host.recording.recording import Recording, RecordingSource
from ecg_edge.host.recording.rhythm_notes import event_text, reasons_text

_HEADER_BYTES: Final = 256  # of the file, and of each signal
_DIGITAL_MIN: Final = -32768
_DIGITAL_MAX: Final = 32767
_ANNOTATION_SIGNALS: Final = 8  # annotations a second, on average
_BLOCK_S: Final = 60
_YEARS: Final = (1985, 2084)  # the header has two digits of the year

Note = tuple[float, float, str]  # onset and duration in s (-1: none), text


def holds_date(started: datetime) -> bool:
    """Test if EDF+ can hold the date; else the file has 1 January 1985."""
    return _YEARS[0] <= started.year <= _YEARS[1]


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
    RecordError
        When the recording has no samples.
    OutputError
        When the file cannot be written, or is a device.
    EcgEdgeError
        When the header of EDF+ cannot hold the range of the samples.
    """
    from pyedflib import EdfWriter  # an optional extra

    origin = recording.origin
    if not len(recording.samples):
        raise RecordError(f"{recording.path}: has no samples, and EDF+ needs some. Name another record.")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path}: is no file, and EDF+ is not written from front to back. Name a file.")
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
        _check_complete(temporary, path, -(-len(recording.samples) // origin.fs_hz))
    return path


def _check_complete(file: Path, path: Path, records: int) -> None:
    """Refuse a file of another size than its header and `records` need: pyedflib reports no write error."""
    with file.open("r+b") as stream:
        os.fsync(stream.fileno())  # some file systems report a full disk only here
        header = stream.read(_HEADER_BYTES * (2 + _ANNOTATION_SIGNALS))
        found = stream.seek(0, os.SEEK_END)
    # Of each signal, the number of its samples in a data record stands after 216 bytes of other fields.
    first = _HEADER_BYTES + 216 * (1 + _ANNOTATION_SIGNALS)
    counts = [header[first + 8 * k : first + 8 * k + 8] for k in range(1 + _ANNOTATION_SIGNALS)]
    try:
        needed = len(header) + 2 * records * sum(map(int, counts))
        is_complete = found == needed and int(header[236:244]) == records
    except ValueError:  # the header ends before
        is_complete = False
    if not is_complete:
        raise OutputError(
            f"{path}: cannot be written (it ends after {found} bytes). Free some space on the disk, or "
            "choose another folder."
        )


def _header(recording: Recording) -> dict[str, Any]:
    keys = ("technician", "patientname", "patient_additional", "patientcode", "sex", "birthdate", "gender")
    # pyedflib writes fractions of a second wrongly (0.1.42: ten times too long), so whole seconds.
    started = recording.started.replace(tzinfo=None, microsecond=0)
    if not holds_date(started):  # pyedflib would take today's
        started = started.replace(year=_YEARS[0], month=1, day=1)
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
    short = float(f"{value:.8f}"[:8])
    if not math.isclose(short, value, rel_tol=1e-3):
        raise EcgEdgeError(
            f"EDF+ cannot hold samples of up to {value:g} mV. Convert the record to WFDB only."
        )
    return short


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
    for items in RecordingSource(recording, speed=0).items(threading.Event()):
        for item in items:
            if not isinstance(item, Wave) and (note := _note(item, fs_hz)) is not None:
                yield note
    if length % fs_hz:
        yield length / fs_hz, (-length % fs_hz) / fs_hz, FILL_NOTE


def _note(mark: Mark, fs_hz: int) -> Note | None:
    if isinstance(mark, BeatMark):
        return mark.sample / fs_hz, -1, f"beat {mark.symbol}"
    if isinstance(mark, RhythmEvent) and mark.phase == END and mark.kind != HEART_RATE:
        return mark.onset / fs_hz, (mark.end - mark.onset) / fs_hz, event_text(mark, fs_hz)
    if isinstance(mark, Gap):
        return mark.start / fs_hz, (mark.end - mark.start) / fs_hz, f"{GAP_NOTE}{mark.reason}"
    if isinstance(mark, QualityChange):
        text = f"bad signal: {reasons_text(mark.reasons)}" if mark.bad else "good signal"
        return mark.sample / fs_hz, -1, text
    if isinstance(mark, LeadChange):
        return mark.sample / fs_hz, -1, "electrode off" if mark.flags else "electrodes on"
    return None
