"""Reasons of missed and false beats: one record with the internals of the signal path.

found = inspect_record(root, "mitdb", "207")
for error in found.errors(("missed",)): print(error.time_s, error.reason)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations, read_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.labels import SCORING_CLASS_OF
from ecg_edge.ecg.records import Record, load_record, read_timing
from ecg_edge.ecg.scoring import list_beats
from ecg_edge.ecg.scoring.protocol import LEARNING_S, MATCH_WINDOW_S
from ecg_edge.firmware import FS_HZ, Beats, Processed, process_signal
from ecg_edge.firmware.binding.trace import LOGIT, REFUSED, Trace, trace
from ecg_edge.host.evaluation.detector import to_annotations
from ecg_edge.host.evaluation.sources import REFERENCE
from ecg_edge.host.reference.decisions import Labeller

MATCHED, MISSED, FALSE = "matched", "missed", "false"
LABELS: Final = ("N", "L", "R", "A", "V")
FLUTTER_WAVE: Final = "!"  # an annotation that is no beat
_NEAR_S: Final = MATCH_WINDOW_S


@dataclass(frozen=True)
class BeatMatch:
    """Match of one annotated or detected beat.

    Attributes
    ----------
    kind : str
        "matched", "missed" or "false".
    time_s : float
        Of the annotation; of the detection where there is none.
    symbol : str
        The annotation's; "" for a false detection.
    beat : int or None
        Index of the detection; None when missed.
    counted : bool
        EC57 counts it: after the first five minutes, and not in ventricular flutter.
    """

    kind: str
    time_s: float
    symbol: str
    beat: int | None
    counted: bool


@dataclass(frozen=True)
class DetectionError:
    """A missed beat or a false detection, with the QRS classifier's score of the nearest candidate.

    Attributes
    ----------
    outcome : BeatMatch
    offset_ms : float or None
        Candidate less beat; None when there is no candidate within 150 ms.
    height, noise : float or None
        The candidate's energy against the mean of the last eight beats', and against noise.
    score : float or None
        In logits: above 0 the candidate is accepted as a beat. None when it was not scored.
    reason : str
        In words.
    """

    outcome: BeatMatch
    offset_ms: float | None
    height: float | None
    noise: float | None
    score: float | None
    reason: str


@dataclass(frozen=True, eq=False)
class Inspection:
    """One lead of a record at 360 Hz, with the results of the signal path.

    Attributes
    ----------
    record : Record
    processed : Processed
        Beats and stretches of bad signal.
    trace : Trace
        Filtered signal, energy, candidates.
    outcomes : tuple of BeatMatch
        Every annotated and every detected beat, in the order of time.
    flutter : tuple of (float, float)
        Ventricular flutter by the annotations, in seconds: not scored.
    labels : tuple of str or None
        The model's label of each detection; None without a model.
    has_reference : bool
        The record has reference annotations; else there are no outcomes.
    """

    record: Record
    processed: Processed
    trace: Trace
    outcomes: tuple[BeatMatch, ...]
    flutter: tuple[tuple[float, float], ...]
    labels: tuple[str, ...] | None
    has_reference: bool = True

    @property
    def name(self) -> str:
        """E.g. "mitdb/207"."""
        return f"{self.record.database}/{self.record.name}"

    @property
    def beats(self) -> Beats:
        """The detected beats."""
        return self.processed.beats

    def in_flutter(self, time_s: float) -> bool:
        """Test if the annotations have ventricular flutter there."""
        return any(start_s <= time_s <= end_s for start_s, end_s in self.flutter)

    def has_wrong_label(self, outcome: BeatMatch) -> bool:
        """Test if a matched beat has another label than its annotation.

        An annotation that is none of the labels (F, / and others) is compared by its EC57 class.
        """
        if self.labels is None or outcome.kind != MATCHED or outcome.beat is None:
            return False
        label, symbol = self.labels[outcome.beat], outcome.symbol
        if symbol in LABELS or label not in SCORING_CLASS_OF:
            return label != symbol
        return SCORING_CLASS_OF[label] != SCORING_CLASS_OF.get(symbol)

    def errors(self, kinds: tuple[str, ...] = (MISSED, FALSE)) -> list[DetectionError]:
        """List the missed beats and false detections that count, with their candidates.

        Raises
        ------
        RecordError
            When the record has no reference annotations.
        """
        if not self.has_reference:
            raise RecordError(
                f"{self.name}: has no reference annotations ({self.record.name}.{REFERENCE}), so its missed "
                "and false beats are not known. Plot a segment of it instead: --from, --to."
            )
        wanted = [outcome for outcome in self.outcomes if outcome.kind in kinds and outcome.counted]
        return [self._explain(outcome) for outcome in wanted]

    @cached_property
    def _candidate_s(self) -> npt.NDArray[np.float64]:
        return self.trace.candidates["at"] / FS_HZ

    def _explain(self, outcome: BeatMatch) -> DetectionError:
        candidates = self.trace.candidates
        near = np.flatnonzero(np.abs(self._candidate_s - outcome.time_s) <= _NEAR_S)
        if not len(near):
            return DetectionError(outcome, None, None, None, None, "no candidate within 150 ms")
        best = near[np.argmax(candidates["score"][near])]
        candidate, offset_s = candidates[best], self._candidate_s[best] - outcome.time_s
        score = None if candidate["score"] == REFUSED else float(candidate["score"]) / LOGIT
        return DetectionError(
            outcome,
            offset_s * 1000,
            float(candidate["energy"]) / max(1, int(candidate["beat_energy"])),
            float(candidate["energy"]) / max(1, int(candidate["noise"])),
            score,
            _reason(outcome.kind, score),
        )


def _reason(kind: str, score: float | None) -> str:
    if score is None:
        return "less than 200 ms after a beat"
    if kind == FALSE:
        return "accepted as a beat"
    return "rejected as noise" if score <= 0 else "accepted as a beat, but matched with another annotation"


def inspect_record(
    root: Path,
    database: str,
    name: str,
    labeller: Labeller | None = None,
    *,
    lead: str = "auto",
    mains_hz: int = 60,
) -> Inspection:
    """Run the signal path over a record and compare its beats with the annotations, where it has them.

    Parameters
    ----------
    root : Path
        Folder of the databases.
    database, name : str
        E.g. "mitdb", "207".
    labeller : Labeller, optional
        Gives the detections their labels.
    lead : str
        Name of the lead; "auto" chooses one.
    mains_hz : int
        Mains frequency to suppress, 50 or 60 Hz.

    Raises
    ------
    RecordError
        When a file is missing or damaged, or no lead fits.
    """
    record = load_record(root, database, name, lead=lead)
    signal: Any = {"adu_per_mv": record.adu_per_mv, "mains_hz": mains_hz, "off_spans": record.invalid_spans}
    processed = process_signal(record.samples, **signal)
    timing = read_timing(root / database, name)
    has_reference = (root / database / f"{name}.{REFERENCE}").is_file()
    reference = Annotations.of([], [])
    if has_reference:
        reference = read_annotations(root / database, name, REFERENCE, timing.fs_hz)
    return Inspection(
        record,
        processed,
        trace(record.samples, **signal),
        _outcomes(reference, processed.beats, timing.fs_hz, timing.length_s) if has_reference else (),
        _flutter(reference, timing.fs_hz, record.duration_s),
        tuple(labeller.symbols(processed, len(record.samples)).tolist()) if labeller else None,
        has_reference,
    )


def _outcomes(
    reference: Annotations, beats: Beats, fs_hz: float, length_s: float | None
) -> tuple[BeatMatch, ...]:
    """Match beats and annotations; the first five minutes are matched to be shown, but do not count."""
    test = to_annotations(beats, fs_hz)
    symbols = {
        at: symbol
        for at, symbol in zip(reference.samples.tolist(), reference.symbols.tolist(), strict=True)
        if symbol in SCORING_CLASS_OF
    }
    detected = {at: index for index, at in enumerate(test.samples.tolist())}
    result = {}
    for start_s in (1 / fs_hz, LEARNING_S):
        for step in list_beats(reference, test, fs_hz=fs_hz, start_s=start_s, end_s=length_s):
            at = step.test_sample if step.reference_sample is None else step.reference_sample
            assert at is not None
            scored = step.counted and start_s == LEARNING_S
            beat = None if step.test_sample is None else detected[step.test_sample]
            symbol = "" if step.reference_sample is None else symbols[at]
            if start_s == LEARNING_S or at < LEARNING_S * fs_hz:
                result[at, beat] = BeatMatch(step.kind, at / fs_hz, symbol, beat, scored)
    return tuple(sorted(result.values(), key=lambda outcome: outcome.time_s))


def _flutter(reference: Annotations, fs_hz: float, duration_s: float) -> tuple[tuple[float, float], ...]:
    onsets = reference.samples[reference.symbols == "["] / fs_hz
    ends = reference.samples[reference.symbols == "]"] / fs_hz
    return tuple((float(on), float(min([*ends[ends > on], duration_s]))) for on in onsets)
