"""Beats from samples: typed interface of the device's compiled signal path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, SupportsFloat, TypeAlias

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware.binding._ecg_core import ffi, lib

FS_HZ: int = lib.ECG_CORE_FS_HZ
BOARD_RATES_HZ: tuple[int, ...] = (250, FS_HZ, 500)
WINDOW_PRE: int = lib.ECG_CORE_WINDOW_PRE
WINDOW_POST: int = lib.ECG_CORE_WINDOW_POST
BEAT_POINTS: int = lib.ECG_CORE_BEAT_POINTS
BEAT_CHANNELS: int = lib.ECG_CORE_BEAT_CHANNELS
RHYTHM_FEATURES: int = lib.ECG_CORE_RHYTHM_FEATURES
BEAT_SCALE: float = 1 / lib.ECG_CORE_BEAT_INV_SCALE
RHYTHM_SCALE: float = 1 / lib.ECG_CORE_RHYTHM_INV_SCALE

LEAD_OFF_PLUS: int = lib.ECG_CORE_LEAD_OFF_PLUS
LEAD_OFF_MINUS: int = lib.ECG_CORE_LEAD_OFF_MINUS
LEADS_OFF: int = LEAD_OFF_PLUS | LEAD_OFF_MINUS

VENTRICULAR_NONE: int = lib.ECG_CORE_VENTRICULAR_NONE
VENTRICULAR_TACHYCARDIA: int = lib.ECG_CORE_VENTRICULAR_TACHYCARDIA
VENTRICULAR_FIBRILLATION: int = lib.ECG_CORE_VENTRICULAR_FIBRILLATION

FLAG_LEARNING: int = lib.ECG_CORE_FLAG_LEARNING
FLAG_LEADS_OFF: int = lib.ECG_CORE_FLAG_LEADS_OFF
FLAG_SATURATED: int = lib.ECG_CORE_FLAG_SATURATED
FLAG_SEARCHBACK: int = lib.ECG_CORE_FLAG_SEARCHBACK
FLAG_FLAT: int = lib.ECG_CORE_FLAG_FLAT
FLAG_UNCLASSIFIABLE: int = lib.ECG_CORE_FLAG_UNCLASSIFIABLE
FLAG_MAINS_HUM: int = lib.ECG_CORE_FLAG_MAINS_HUM
FLAG_BASELINE_JUMP: int = lib.ECG_CORE_FLAG_BASELINE_JUMP
FLAG_MOTION: int = lib.ECG_CORE_FLAG_MOTION
FLAG_MUSCLE_NOISE: int = lib.ECG_CORE_FLAG_MUSCLE_NOISE
FLAG_DOUBTFUL: int = lib.ECG_CORE_FLAG_DOUBTFUL

# One beat, laid out as in C. r_sample: index of the R peak; rr_samples: interval to the one before (0: none),
# both in samples as they were pushed; flags: FLAG_*; quality: of the signal around, 0 to 100, the best;
# p_wave: 1 certainly none before this beat, 128 undecided, 255 certainly one, 0 unknown; beat, rhythm: the
# classifier's int8 inputs; crc32: CRC-32/ISO-HDLC of beat, then rhythm.
BEAT_DTYPE = np.dtype(
    [
        ("r_sample", np.uint32),
        ("rr_samples", np.uint16),
        ("flags", np.uint16),
        ("quality", np.uint8),
        ("p_wave", np.uint8),
        ("beat", np.int8, (BEAT_POINTS, BEAT_CHANNELS)),
        ("rhythm", np.int8, (RHYTHM_FEATURES,)),
        ("crc32", np.uint32),
    ]
)
# The signal turned bad or good: from this sample on, and why it is (was) bad, as FLAG_*.
CHANGE_DTYPE = np.dtype([("sample", np.uint32), ("reasons", np.uint16), ("bad", np.uint8)])
# A lead went off, or all are on again, from this sample on; the device tells of it after `told` samples and
# `beats` beats.
LEAD_CHANGE_DTYPE = np.dtype(
    [("sample", np.uint32), ("told", np.uint32), ("beats", np.uint32), ("bad", np.uint8)]
)
# State of the ventricular rhythm detector, decided once a second: first sample of the present kind
# (VENTRICULAR_*); decided for the samples before `until`; waves a minute (0: not known); 0 to 100.
VENTRICULAR_DTYPE = np.dtype(
    [
        ("since", np.uint32),
        ("until", np.uint32),
        ("rate", np.uint16),
        ("kind", np.uint8),
        ("confidence", np.uint8),
    ]
)
_ITEM_BYTES = {
    "row_bytes": BEAT_DTYPE.itemsize,
    "change_bytes": CHANGE_DTYPE.itemsize,
    "lead_change_bytes": LEAD_CHANGE_DTYPE.itemsize,
    "ventricular_bytes": VENTRICULAR_DTYPE.itemsize,
}
if any(getattr(lib, name, int)() != size for name, size in _ITEM_BYTES.items()):
    raise ImportError(
        "ecg_edge.firmware.binding._ecg_core is older than its Python code: run pip install -e . again"
    )

Samples: TypeAlias = npt.NDArray[np.int16]
Beats: TypeAlias = np.ndarray[Any, np.dtype[np.void]]
Changes: TypeAlias = np.ndarray[Any, np.dtype[np.void]]
VentricularStates: TypeAlias = np.ndarray[Any, np.dtype[np.void]]
Spans: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = np.ndarray[Any, np.dtype[np.void]]
Peaks: TypeAlias = Sequence[int] | npt.NDArray[np.integer[Any]]

NO_SPANS: Spans = np.zeros((0, 2), np.int64)
NO_SPANS.setflags(write=False)

_CHUNK = 4096  # samples a call: no sample brings more than one beat, so this many rows are always enough
_FINISH_ROWS = 512


def checked_samples(samples: Samples) -> Samples:
    """Return `samples` as one block of memory; raise unless they are int16 of one lead."""
    if not isinstance(samples, np.ndarray) or samples.dtype != np.int16:
        found = samples.dtype if isinstance(samples, np.ndarray) else type(samples).__name__
        raise TypeError(f"samples must be a numpy array of int16 (ADC units), not {found}")
    if samples.ndim != 1:
        raise ValueError(f"samples must have one dimension (one lead), not shape {samples.shape}")
    return np.ascontiguousarray(samples)


def _checked_peaks(r_peaks: Peaks, count: int) -> npt.NDArray[np.uint32]:
    peaks = np.asarray(r_peaks)
    if peaks.size == 0:
        return np.zeros(0, np.uint32)
    if not np.issubdtype(peaks.dtype, np.integer):
        raise TypeError(f"r_peaks must be sample indices (integers), not {peaks.dtype}")
    if peaks.ndim != 1:
        raise ValueError(f"r_peaks must have one dimension, not shape {peaks.shape}")
    if peaks.min() < 0 or peaks.max() >= count:
        raise ValueError(
            f"r_peaks must lie in the block, 0 to {count - 1}: found {peaks.min()} to {peaks.max()}"
        )
    if np.any(np.diff(peaks.astype(np.int64)) < 0):
        raise ValueError("r_peaks must be sorted")
    return peaks.astype(np.uint32)


def _whole(name: str, value: SupportsFloat) -> int:
    """Return a whole number that came as a float or a numpy scalar, as wfdb's gains do."""
    if not float(value).is_integer():
        raise ValueError(f"{name} must be a whole number, not {value}; rescale the samples to one")
    return int(float(value))


def core_config(adu_per_mv: SupportsFloat, mains_hz: int, marked: bool, fs_hz: int) -> Any:
    """Return an `ecg_core_config_t *`; parameters as for `SignalPath`, ValueError outside their limits."""
    gain = _whole("adu_per_mv", adu_per_mv)
    if fs_hz not in BOARD_RATES_HZ:
        raise ValueError(f"fs_hz must be {', '.join(map(str, BOARD_RATES_HZ))}, not {fs_hz}")
    if not 20 <= gain <= 20000:
        raise ValueError(f"adu_per_mv must be 20 to 20000, not {gain}")
    if mains_hz not in (0, 50, 60):
        raise ValueError(f"mains_hz must be 50, 60 or 0 (no notch), not {mains_hz}")
    peaks = lib.ECG_CORE_PEAKS_MARKED if marked else lib.ECG_CORE_PEAKS_DETECTED
    return ffi.new("ecg_core_config_t *", [fs_hz, gain, peaks, mains_hz])


class SignalPath:
    """Signal path of one stream of samples, as on the device.

    Parameters
    ----------
    adu_per_mv
        ADC units per millivolt at the electrode, 20 to 20000 (MIT-BIH: 200).
    mains_hz
        50 or 60: frequency of the notch; 0: no notch.
    marked
        False: the detector finds the R peaks. True: `push_marked` gives them.
    fs_hz
        Rate of the samples: 360, or 250 or 500, which the device brings to 360 Hz.
    """

    def __init__(
        self, adu_per_mv: SupportsFloat = 200, mains_hz: int = 60, marked: bool = False, fs_hz: int = FS_HZ
    ) -> None:
        self.marked = marked
        self._finished = False
        self._core = ffi.new("char[]", lib.ecg_core_state_bytes() + 8)  # cffi aligns to at least 8 bytes
        self._state = ffi.cast("ecg_core_t *", self._core)
        self._rows = np.empty(_CHUNK, BEAT_DTYPE)
        self._changed = np.empty(_CHUNK, CHANGE_DTYPE)
        self._changes: list[Changes] = [np.empty(0, CHANGE_DTYPE)]
        self._leads_changed = np.empty(_CHUNK, LEAD_CHANGE_DTYPE)
        self._leads: list[Changes] = [np.empty(0, LEAD_CHANGE_DTYPE)]
        self._told = ffi.new("told_t *")
        self._decided = np.empty(_CHUNK, VENTRICULAR_DTYPE)
        self._ventricular: list[VentricularStates] = [np.empty(0, VENTRICULAR_DTYPE)]
        self._samples = 0
        _raise_on(lib.ecg_core_init(self._state, core_config(adu_per_mv, mains_hz, marked, fs_hz)))

    @property
    def state(self) -> Any:
        """Pointer to the C state, for `trace`; valid as long as this object."""
        return self._state

    @property
    def state_bytes(self) -> int:
        """Size of the state in bytes, as compiled for this computer."""
        return int(lib.ecg_core_state_bytes())

    @property
    def changes(self) -> Changes:
        """CHANGE_DTYPE (n,): changes of the signal between good and bad so far; the first is to bad."""
        return _joined(self._changes)

    @property
    def leads(self) -> Changes:
        """LEAD_CHANGE_DTYPE (n,): changes of the leads so far, `bad` where one is off; the first is to off.

        They are known 100 ms after a lead went off, and 500 ms after it is on again. The device looks every
        36 samples.
        """
        return _joined(self._leads)

    @property
    def ventricular(self) -> VentricularStates:
        """VENTRICULAR_DTYPE (n,): decisions of the ventricular rhythm detector so far.

        Those without such a rhythm are left out, but for the one that ends it.
        """
        return _joined(self._ventricular)

    @property
    def bad_spans(self) -> Spans:
        """int64 (n, 2): first sample of each bad segment of the signal, and first one after it."""
        changes = self.changes["sample"].astype(np.int64)
        ends = changes if len(changes) % 2 == 0 else np.append(changes, self._samples)
        return ends.reshape(-1, 2)

    def push(self, samples: Samples, lead_flags: int = 0) -> Beats:
        """Process a block of samples of any size.

        Parameters
        ----------
        samples
            int16 (n,), ADC units around any baseline, `fs_hz` a second.
        lead_flags
            LEAD_OFF_PLUS | LEAD_OFF_MINUS, for the whole block.

        Returns
        -------
        BEAT_DTYPE (k,): the beats that became complete.
        """
        return self._push(samples, np.zeros(0, np.uint32), lead_flags)

    def push_with_gaps(self, samples: Samples, off_spans: Spans) -> Beats:
        """Process a block in which the electrodes are off, or the file has no samples, in some segments.

        Parameters
        ----------
        samples
            int16 (n,), as for `push`.
        off_spans
            int64 (k, 2): first sample in this block of each such segment, and first one after it; ascending.

        Returns
        -------
        BEAT_DTYPE (k,): the beats that became complete.
        """
        borders = [0, *off_spans.ravel().tolist(), len(samples)]
        parts = [
            self.push(samples[start:end], LEADS_OFF if number % 2 else 0)
            for number, (start, end) in enumerate(pairwise(borders))
        ]
        return np.concatenate(parts)

    def push_marked(self, samples: Samples, r_peaks: Peaks) -> Beats:
        """Process a block with known R peaks: sorted indices into this block.

        Every mark brings one beat, in their order; its `r_sample` is the largest deflection nearby.
        """
        if not self.marked:
            raise ValueError("push_marked needs SignalPath(marked=True)")
        return self._push(samples, _checked_peaks(r_peaks, len(samples)), 0)

    def finish(self) -> Beats:
        """End the signal; return the beats with open windows, as if the last sample were held."""
        self._check_open()
        self._finished = True
        rows = np.empty(_FINISH_ROWS, BEAT_DTYPE)
        progress = lib.finish_all(self._state, ffi.from_buffer(rows), len(rows))
        return _first_rows(rows, progress.rows)

    def _check_open(self) -> None:
        if self._finished:
            raise ValueError("this SignalPath is finished: make a new one for the next signal")

    def _push(self, samples: Samples, marks: npt.NDArray[np.uint32], lead_flags: int) -> Beats:
        self._check_open()
        if not 0 <= lead_flags <= 3:
            raise ValueError(f"lead_flags must be LEAD_OFF_PLUS, LEAD_OFF_MINUS, both or 0, not {lead_flags}")
        block = checked_samples(samples)
        parts = [
            self._push_chunk(block[start : start + _CHUNK], marks, start, lead_flags)
            for start in range(0, len(block), _CHUNK)
        ]
        return np.concatenate(parts) if parts else np.empty(0, BEAT_DTYPE)

    def _push_chunk(
        self, chunk: Samples, marks: npt.NDArray[np.uint32], start: int, lead_flags: int
    ) -> Beats:
        first, last = np.searchsorted(marks, [start, start + len(chunk)])
        here = np.ascontiguousarray(marks[first:last] - np.uint32(start))
        progress = lib.push_block(
            self._state,
            ffi.from_buffer("int16_t[]", chunk),
            len(chunk),
            lead_flags,
            ffi.from_buffer("uint32_t[]", here),
            len(here),
            ffi.from_buffer(self._rows),
            len(self._rows),
            ffi.from_buffer(self._changed),
            ffi.from_buffer(self._decided),
            ffi.from_buffer(self._leads_changed),
            self._told,
        )
        _raise_on(progress.status)
        self._samples += len(chunk)
        if progress.changes:
            self._changes.append(self._changed[: progress.changes].copy())
        if progress.leads:
            self._leads.append(self._leads_changed[: progress.leads].copy())
        if progress.ventricular:
            self._ventricular.append(self._decided[: progress.ventricular].copy())
        return _first_rows(self._rows, progress.rows)


def _joined(parts: list[Rows]) -> Rows:
    """Join the parts in place, so that reading them after each block of a day costs no more than once."""
    if len(parts) > 1:
        parts[:] = [np.concatenate(parts)]
    copy: Rows = parts[0].copy()
    return copy


def _first_rows(rows: Beats, count: int) -> Beats:
    copy: Beats = rows[:count].copy()
    return copy


def _raise_on(status: int) -> None:
    if status < 0:
        raise ValueError(f"signal path: {ffi.string(lib.ecg_core_status_text(status)).decode()}")


@dataclass(frozen=True, eq=False)
class Processed:
    """Beats and signal state of a whole record.

    Attributes
    ----------
    beats : BEAT_DTYPE (n,)
    changes : CHANGE_DTYPE (k,)
        Changes of the signal between good and bad.
    bad_spans : int64 (m, 2)
        First sample of each bad segment, and first one after it; the last may end with the record.
    ventricular : VENTRICULAR_DTYPE (j,)
        Decisions of the ventricular rhythm detector, as `SignalPath.ventricular` has them.
    leads : LEAD_CHANGE_DTYPE (i,)
        Changes of the leads, as `SignalPath.leads` has them.
    """

    beats: Beats
    changes: Changes
    bad_spans: Spans
    ventricular: VentricularStates
    leads: Changes = field(default_factory=lambda: np.empty(0, LEAD_CHANGE_DTYPE))

    @classmethod
    def of(cls, path: SignalPath, beats: Beats) -> Processed:
        """Collect what a signal path knows after its end, with its beats."""
        return cls(beats, path.changes, path.bad_spans, path.ventricular, path.leads)


def process_signal(
    samples: Samples,
    *,
    adu_per_mv: SupportsFloat = 200,
    mains_hz: int = 60,
    r_peaks: Peaks | None = None,
    fs_hz: int = FS_HZ,
    off_spans: Spans = NO_SPANS,
) -> Processed:
    """Run a whole record through the signal path.

    Parameters
    ----------
    samples, adu_per_mv, mains_hz, r_peaks, fs_hz
        As for `process`.
    off_spans
        int64 (k, 2): segments without electrodes or without samples, as for `SignalPath.push_with_gaps`. Not
        with `r_peaks`.
    """
    path = SignalPath(adu_per_mv, mains_hz, marked=r_peaks is not None, fs_hz=fs_hz)
    beats = path.push_with_gaps(samples, off_spans) if r_peaks is None else path.push_marked(samples, r_peaks)
    return Processed.of(path, np.concatenate([beats, path.finish()]))


def process(
    samples: Samples,
    *,
    adu_per_mv: SupportsFloat = 200,
    mains_hz: int = 60,
    r_peaks: Peaks | None = None,
    fs_hz: int = FS_HZ,
) -> Beats:
    """Find the beats of a whole record.

    Parameters
    ----------
    samples
        int16 (n,), ADC units around any baseline, `fs_hz` a second.
    adu_per_mv
        ADC units per millivolt (MIT-BIH: 200).
    mains_hz
        50, 60 or 0.
    r_peaks
        Sorted sample indices of annotated R peaks; they take the detector's place, one beat each.
    fs_hz
        360, or a board's rate of 250 or 500; the beats' samples count at that rate.

    Returns
    -------
    BEAT_DTYPE (beats,)
    """
    return process_signal(
        samples, adu_per_mv=adu_per_mv, mains_hz=mains_hz, r_peaks=r_peaks, fs_hz=fs_hz
    ).beats


def fingerprint() -> int:
    """Compute the number that identifies the behaviour of this signal path (ecg_core_fingerprint)."""
    core = ffi.new("char[]", lib.ecg_core_state_bytes() + 8)
    return int(lib.ecg_core_fingerprint(ffi.cast("ecg_core_t *", core)))
