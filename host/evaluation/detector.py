"""Detection of beats in whole records, scored by EC57.

Two ways of reporting are scored: every beat; and silence in bad signal, where the beats are left out and the
time counts as shutdown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import NOISE, SHUTDOWN_BITS, Annotations, read_annotations
from ecg_edge.ecg.labels import SCORING_CLASS_OF
from ecg_edge.ecg.rates import convert_samples
from ecg_edge.ecg.records import Timing, load_record, read_timing
from ecg_edge.ecg.scoring import BeatComparison, compare_beats, match_beats, summarize
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.ecg.splits import DS1, DS2
from ecg_edge.firmware import FLAG_UNCLASSIFIABLE, FS_HZ, Beats, Processed, process_signal
from ecg_edge.host.reference.labels import SYMBOL_Q, Labeller

REFERENCE: Final = "atr"
_NOISE_LEVELS: Final = {
    "24": "24 dB",
    "18": "18 dB",
    "12": "12 dB",
    "06": "6 dB",
    "00": "0 dB",
    "_6": "-6 dB",
}
_QRS: Final = ("qrs_se", "qrs_ppv", "rr_error_ms", "shutdown_s")
_VEB: Final = ("veb_se", "veb_ppv")

Symbols = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Detection:
    """Result of the detector on one record.

    Attributes
    ----------
    comparison : BeatComparison
        Against the record's annotations, every beat reported.
    silent : BeatComparison
        The same without the beats in bad signal, whose time is shutdown.
    offsets_ms : ndarray of float64, shape (n,)
        Detected less annotated time of each matched beat.
    length_s : float
        Length of the record.
    annotations : tuple of Annotations
        The two that were compared, every beat first.
    labelled : bool
        The beats have a model's labels.
    """

    comparison: BeatComparison
    silent: BeatComparison
    offsets_ms: npt.NDArray[np.float64]
    length_s: float
    annotations: tuple[Annotations, Annotations]
    labelled: bool = False


def process_record(
    root: Path, database: str, name: str, fs_hz: int = FS_HZ, *, lead: str = "auto", mains_hz: int = 60
) -> Processed:
    """Run the signal path over one lead of a record, as a board of that rate would.

    Parameters
    ----------
    root : Path
        Folder of the databases.
    database, name : str
        E.g. "mitdb", "100".
    fs_hz : int
        Sampling rate of the board, 250, 360 or 500 Hz.
    lead : str
        Name of the lead; "auto" chooses one.
    mains_hz : int
        Mains frequency to suppress, 50 or 60 Hz.
    """
    record = load_record(root, database, name, lead=lead, annotator=None, fs_hz=fs_hz)
    return process_signal(record.samples, adu_per_mv=record.adu_per_mv, mains_hz=mains_hz, fs_hz=fs_hz)


def detect_record(
    root: Path,
    database: str,
    name: str,
    fs_hz: int = FS_HZ,
    labeller: Labeller | None = None,
    *,
    lead: str = "auto",
    mains_hz: int = 60,
) -> Detection:
    """Process one record and score it against its annotations; with a labeller, also its labels.

    Parameters
    ----------
    root, database, name, fs_hz, lead, mains_hz
        As in `process_record`.
    labeller : Labeller, optional
        Labels the beats.
    """
    timing = read_timing(root / database, name)
    reference = read_annotations(root / database, name, REFERENCE, timing.fs_hz)
    processed = process_record(root, database, name, fs_hz, lead=lead, mains_hz=mains_hz)
    symbols = labeller.symbols(processed.beats) if labeller else None
    every = to_annotations(processed.beats, timing.fs_hz, fs_hz, symbols)
    silent = without_bad_signal(every, processed, timing, fs_hz)
    compare = partial(compare_beats, reference, fs_hz=timing.fs_hz, end_s=timing.length_s)
    return Detection(
        comparison=compare(every),
        silent=compare(silent),
        offsets_ms=_offsets_ms(reference, every, timing.fs_hz),
        length_s=timing.length_s,
        annotations=(every, silent),
        labelled=labeller is not None,
    )


def to_annotations(
    beats: Beats, fs_hz: float, board_hz: int = FS_HZ, symbols: Symbols | None = None
) -> Annotations:
    """Convert beats of a board to annotations of a record sampled at `fs_hz`.

    Without `symbols`: N, or Q where the signal was bad.
    """
    if symbols is None:
        symbols = np.where(beats["flags"] & FLAG_UNCLASSIFIABLE, SYMBOL_Q, "N")
    return Annotations.of(convert_samples(beats["r_sample"], board_hz, fs_hz), symbols)


def without_bad_signal(
    every: Annotations, processed: Processed, timing: Timing, board_hz: int = FS_HZ
) -> Annotations:
    """Remove the beats in bad signal, and mark its start and end as WFDB's shutdown.

    The beats must go, not only become Q: any beat ends a shutdown, and Q counts as a QRS complex. An end is
    always written, because `bxb` counts no beat as missed in a shutdown that never ends.
    """
    spans = np.minimum(
        convert_samples(processed.bad_spans, board_hz, timing.fs_hz), timing.length_samples - 1
    )
    marks = spans.reshape(-1)
    kept = (processed.beats["flags"] & FLAG_UNCLASSIFIABLE) == 0
    samples = np.concatenate([every.samples[kept], marks])
    symbols = np.concatenate([every.symbols[kept], np.full(len(marks), NOISE)])
    subtype = np.concatenate([np.zeros(kept.sum(), np.int64), np.tile([SHUTDOWN_BITS, 0], len(spans))])
    order = np.argsort(samples, kind="stable")
    return Annotations.of(samples[order], symbols[order], subtype[order])


def _offsets_ms(reference: Annotations, test: Annotations, fs_hz: float) -> npt.NDArray[np.float64]:
    peaks = reference.samples[np.isin(reference.symbols, list(SCORING_CLASS_OF))]
    pairs = match_beats(peaks, test.samples, round(MATCH_WINDOW_S * fs_hz))
    late: npt.NDArray[np.float64] = (test.samples[pairs[:, 1]] - peaks[pairs[:, 0]]).astype(np.float64)
    return late * (1000 / fs_hz)


# ---- figures of groups ------------------------------------------------------------------------------


def group_records(database: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Group the records that are scored together; groups without records are left out.

    mitdb: DS1, on which thresholds are chosen, DS2, and all. nstdb: each signal-to-noise ratio, and all.
    """
    groups: dict[str, list[str]] = {}
    if database == "mitdb":
        groups = {"DS1": [n for n in names if n in DS1], "DS2": [n for n in names if n in DS2]}
    elif database == "nstdb":
        groups = {level: [n for n in names if n.endswith(end)] for end, level in _NOISE_LEVELS.items()}
    groups["all"] = list(names)
    return {group: members for group, members in groups.items() if members}


class GroupFigures(TypedDict):
    """Figures of some records: fractions, milliseconds and seconds by name."""

    gross: dict[str, float]
    average: dict[str, float]
    records: dict[str, dict[str, float]]


class DetectorFigures(GroupFigures):
    """Figures of the detector that reports every beat, and of the one that is silent in bad signal."""

    beats: int
    silent_in_bad_signal: GroupFigures


def group_figures(found: Mapping[str, Detection], members: Sequence[str]) -> DetectorFigures:
    """Compute gross, average and per-record figures of a group, with fractions for Se, +P and F1.

    Those of the detector that reports every beat; `silent_in_bad_signal`: of the one that does not.
    """
    names = (*_QRS, *_VEB) if all(found[name].labelled for name in members) else _QRS
    every = summarize([(name, found[name].comparison) for name in members])
    silent = summarize([(name, found[name].silent) for name in members]).as_dict()
    figures = every.as_dict()
    offsets = np.concatenate([found[name].offsets_ms for name in members])
    length_s = sum(found[name].length_s for name in members)
    return {
        "gross": _figures(figures["gross"], names) | {"offset_ms": _median(offsets)},
        "average": _figures(figures["average"], names),
        "records": {
            name: _figures(record, names) | {"offset_ms": _median(found[name].offsets_ms)}
            for name, record in figures["records"].items()
        },
        "beats": every.gross_ratios["qrs_se"].total,
        "silent_in_bad_signal": {
            "gross": _figures(silent["gross"], names)
            | {"shutdown_share": silent["gross"]["shutdown_s"] / length_s if length_s else math.nan},
            "average": _figures(silent["average"], names),
            "records": {name: _figures(record, names) for name, record in silent["records"].items()},
        },
    }


def _figures(figures: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    """Choose figures by name, and add F1 of the QRS complexes."""
    both = figures["qrs_se"] + figures["qrs_ppv"]
    f1 = 2 * figures["qrs_se"] * figures["qrs_ppv"] / both if both > 0 else math.nan
    return {name: figures[name] for name in names} | {"qrs_f1": f1}


def _median(offsets_ms: npt.NDArray[np.float64]) -> float:
    return float(np.median(np.abs(offsets_ms))) if len(offsets_ms) else math.nan
