"""Device against reference, beat by beat and byte by byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from ecg_edge.host.engines import Engine
from ecg_edge.host.messages import UNCLASSIFIABLE, Beat, Quality
from ecg_edge.training.records import FS_HZ

FIELDS = ("r_sample", "rr_samples", "flags", "quality", "input_crc32", "label")
MAX_SHOWN = 5  # differences kept in full, for the table that a person reads


@dataclass(frozen=True)
class Expected:
    """What the device must say about a signal.

    Attributes
    ----------
    beats : BEAT_DTYPE array, shape (n,)
        What the signal path makes of the samples.
    outputs : int8 array, shape (n, labels)
        What the reference engine makes of the beats.
    changes : CHANGE_DTYPE array, shape (k,)
        Each time the signal turns bad or good.
    """

    beats: NDArray[np.void]
    outputs: NDArray[np.int8]
    changes: NDArray[np.void]


def expect(
    samples: NDArray[np.int16], adu_per_mv: int, mains_hz: int, engine: Engine, fs_hz: int = FS_HZ
) -> Expected:
    """Run the device's own C signal path on this computer, and the reference engine after it.

    Parameters
    ----------
    samples : int16 array, shape (n,)
        ADC units.
    adu_per_mv, mains_hz, fs_hz : int
        As in START.
    engine : Engine
        The reference, e.g. TFLM.
    """
    from ecg_edge.firmware import process_signal

    processed = process_signal(samples, adu_per_mv=adu_per_mv, mains_hz=mains_hz, fs_hz=fs_hz)
    outputs = engine.run(processed.beats["beat"], processed.beats["rhythm"])
    return Expected(processed.beats, outputs, processed.changes)


@dataclass(frozen=True)
class Difference:
    """One beat on which device and reference disagree; `expected` or `device` is None where there is none."""

    beat_index: int
    fields: tuple[str, ...]
    expected: Beat | None
    device: Beat | None


@dataclass
class Comparison:
    """Counts of what differs; all zero when the device says what the reference says.

    Attributes
    ----------
    beats : int
        Beats that the reference expects.
    compared, agreeing : int
        Beats that arrived and were expected, and those of them that are equal in every field.
    lost_beats, extra_beats : int
        Expected beats that never arrived; beats that arrived twice or were not expected.
    differing_bytes : int
        Bytes of output that differ; a lost or an extra beat counts with all of its bytes.
    differing_fields : dict
        Beats that differ, by field: r_sample, rr_samples, flags, quality, input_crc32, label.
    changes, differing_changes : int
        Times that the signal turns bad or good; QUALITY frames that are missing, unexpected or different.
    differences : list of Difference
        The first few of them, in full.
    """

    beats: int = 0
    compared: int = 0
    agreeing: int = 0
    lost_beats: int = 0
    extra_beats: int = 0
    differing_bytes: int = 0
    differing_fields: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    changes: int = 0
    differing_changes: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing at all differs."""
        wrong_beats = self.lost_beats or self.extra_beats or any(self.differing_fields.values())
        return not (wrong_beats or self.differing_bytes or self.differing_changes)


class Comparator:
    """Compares beats as they arrive, so that agreement can be shown while a record streams."""

    def __init__(self, expected: Expected) -> None:
        self._expected = _as_messages(expected)
        self._seen: set[int] = set()
        self._changes = [Quality(sample, bad, reasons) for sample, reasons, bad in expected.changes.tolist()]
        self.comparison = Comparison(beats=len(self._expected), changes=len(self._changes))

    def take(self, beats: Iterable[Beat]) -> None:
        """Compare beats that have just arrived."""
        for beat in beats:
            if beat.beat_index in self._seen or beat.beat_index >= len(self._expected):
                self._take_extra(beat)
            else:
                self._seen.add(beat.beat_index)
                self._take_expected(self._expected[beat.beat_index], beat)

    def finish(self, changes: Sequence[Quality], complete: bool = True) -> Comparison:
        """The result, with the beats that never arrived. Call it once.

        Parameters
        ----------
        changes : sequence of Quality
            All QUALITY frames that arrived.
        complete : bool
            False: the stream ended early, so that only a beat before the last one that arrived is lost.
        """
        expected_changes = self._changes if complete else self._changes[: len(changes)]
        self.comparison.differing_changes = _count_differing(expected_changes, changes)
        end = len(self._expected) if complete else max(self._seen, default=0)
        for expected in self._expected[:end]:
            if expected.beat_index not in self._seen:
                self.comparison.lost_beats += 1
                self.comparison.differing_bytes += len(expected.output)
                self.comparison.differences.append(Difference(expected.beat_index, ("lost",), expected, None))
        self.comparison.differences.sort(key=lambda difference: difference.beat_index)
        del self.comparison.differences[MAX_SHOWN:]
        return self.comparison

    def _take_extra(self, beat: Beat) -> None:
        self.comparison.extra_beats += 1
        self.comparison.differing_bytes += len(beat.output)
        self.comparison.differences.append(Difference(beat.beat_index, ("extra",), None, beat))

    def _take_expected(self, expected: Beat, beat: Beat) -> None:
        fields = [name for name in FIELDS if getattr(expected, name) != getattr(beat, name)]
        for name in fields:
            self.comparison.differing_fields[name] += 1
        if wrong_bytes := count_differing_bytes(expected.output, beat.output):
            self.comparison.differing_bytes += wrong_bytes
            fields.append("output")
        self.comparison.compared += 1
        self.comparison.agreeing += not fields
        if fields:
            self.comparison.differences.append(Difference(beat.beat_index, tuple(fields), expected, beat))


def _count_differing(expected: Sequence[Quality], arrived: Sequence[Quality]) -> int:
    return sum(a != b for a, b in zip_longest(expected, arrived))


def count_differing_bytes(first: bytes, second: bytes) -> int:
    """Bytes that differ; where one is longer, every byte beyond the other's end differs."""
    return sum(a != b for a, b in zip(first, second, strict=False)) + abs(len(first) - len(second))


def _as_messages(expected: Expected) -> list[Beat]:
    """The BEAT frames that a device in agreement sends; confidence is not compared and is 0 here."""
    beats = expected.beats
    columns = [beats[name].tolist() for name in ("r_sample", "rr_samples", "flags", "quality", "crc32")]
    return [
        Beat(index, r_sample, rr, flags, quality, label, 0, crc32, output.tobytes())
        for index, (r_sample, rr, flags, quality, crc32, label, output) in enumerate(
            zip(*columns, _labels(expected), expected.outputs, strict=True)
        )
    ]


def _labels(expected: Expected) -> list[int]:
    """The largest output's index; in bad signal the beat is not classified."""
    from ecg_edge.firmware import FLAG_UNCLASSIFIABLE

    if not len(expected.beats):
        return []
    unclassifiable = (expected.beats["flags"] & FLAG_UNCLASSIFIABLE) != 0
    labels: list[int] = np.where(unclassifiable, UNCLASSIFIABLE, expected.outputs.argmax(axis=1)).tolist()
    return labels
