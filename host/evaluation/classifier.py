"""The beat classifier on records, as the device runs it, under every protocol.

    tasks = [Task(source, "detected", network, (0.0, 300.0)) for source in sources]
    found = list(Workers(jobs=2).map(label, tasks))       # one Labelling a record
    rows = score_set(test_set, found, ...)                # figures, each with what it rests on

Test sets are those that the network neither trained nor chose on; `docs/explanation/scoring.md` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.databases import NOISE_RECORDS, records_in
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.figures import share
from ecg_edge.ecg.rates import convert_samples
from ecg_edge.ecg.records import Record, Timing, read_timing
from ecg_edge.ecg.scoring.bootstrap import RESAMPLES
from ecg_edge.ecg.scoring.classifier import kinds_of_answers, score_classifier
from ecg_edge.ecg.scoring.curves import Curve, curves
from ecg_edge.ecg.scoring.labelling import UNCLASSIFIED, Labelling, Limits, label_record
from ecg_edge.ecg.splits import PACED, Part, has_parts, patient_of, select_part
from ecg_edge.firmware import Beats, Processed, process_signal
from ecg_edge.host.evaluation.detector import group_records
from ecg_edge.host.evaluation.sources import (
    DEFAULT_CONDITIONS,
    REFERENCE,
    Source,
    read_annotated,
    read_reference,
)
from ecg_edge.host.evaluation.strips import BEAT_NUMBERS, read_labels
from ecg_edge.host.reference.decisions import decide
from ecg_edge.host.reference.labels import symbols_of
from ecg_edge.quantize.bundle.engines import GeneratedEngine, beat_inputs
from ecg_edge.quantize.bundle.manifest import Bundle

ANNOTATED: Final = "annotated"
DETECTED: Final = "detected"
INT8: Final = "int8"
FLOAT: Final = "float"
FIRST_BEATS: Final = "cinc2017"
CONDUCTION: Final = ("L", "R")
"""Symbols of annotations that tell bundle branch block from N."""
NEVER_LEARNED: Final = {
    "paced": "/",
    "fusion of paced and normal": "f",
    "fusion of ventricular and normal": "F",
    "unclassifiable": "Q?",
}
"""Kinds of beats that no label stands for, with their symbols."""

Floats = npt.NDArray[np.float32]


# ---- test sets --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TestSet:
    """Records that are scored together.

    Attributes
    ----------
    database : str
        The database.
    peaks : tuple of str
        R peaks: "annotated", "detected".
    classes : bool
        The annotations tell N, L and R apart.
    without : str
        Record without which the figures are given, too: one that holds most beats of a class.
    by_level : bool
        Also score each signal-to-noise ratio by itself.
    """

    __test__ = False  # no test of pytest

    database: str
    peaks: tuple[str, ...] = (ANNOTATED, DETECTED)
    classes: bool = False
    without: str = ""
    by_level: bool = False

    def groups(self, names: Sequence[str], part: Part) -> dict[str, list[str]]:
        """List the records of each group."""
        if self.by_level:
            levels = group_records(self.database, names)
            return {f"{self.database} {level}": members for level, members in levels.items()}
        title = _MITDB_NAMES.get(part, part) if self.database == "mitdb" else f"{self.database} {part}"
        title = title if has_parts(self.database) else self.database
        groups = {title: list(names)}
        if self.without in names:
            groups[f"{title} without {self.without}"] = [name for name in names if name != self.without]
        return groups


_MITDB_NAMES: Final = {"test": "DS2", "development": "DS1", "all": "mitdb"}

TEST_SETS: Final = (
    TestSet("mitdb", classes=True, without="232"),
    TestSet("svdb"),
    TestSet("qtdb"),
    TestSet("nstdb", peaks=(DETECTED,), by_level=True),
)


def repeats(row: Mapping[str, Any]) -> bool:
    """Check if all records of a row of figures have other rows, too: DS2 without 232, all of nstdb."""
    return row["group"] == "nstdb all" or (row["database"] == "mitdb" and " without " in row["group"])


def find_test_set(database: str) -> TestSet:
    """Find the test set of a database; one of your own has none of its own kind, and is scored as svdb is."""
    return next((one for one in TEST_SETS if one.database == database), TestSet(database))


def telling_conduction(test_set: TestSet, found: Iterable[Labelling]) -> TestSet:
    """Score each label of a database of your own where its annotations have L or R."""
    if test_set in TEST_SETS:
        return test_set
    return replace(test_set, classes=any(np.isin(one.truth, CONDUCTION).any() for one in found))


class Listing(NamedTuple):
    """Records of one part of a database.

    Attributes
    ----------
    scored : list of Source
        Records with annotated beats.
    others : list of str
        Names of those without.
    """

    scored: list[Source]
    others: list[str]


def list_records(root: Path, database: str, part: Part) -> Listing:
    """List the records of one part of a database; without the paced ones of mitdb.

    A database without parts is taken whole.
    """
    present = [name for name in records_in(root, database) if name not in NOISE_RECORDS.get(database, ())]
    names = select_part(database, present, part_taken(database, part))
    paced = PACED if database == "mitdb" else ()
    sources = [Source(root, database, name, title=name) for name in names if name not in paced]
    scored = [source for source in sources if _has_beats(source)]
    return Listing(scored, [source.name for source in sources if source not in scored])


def part_taken(database: str, part: Part) -> Part:
    """Return the part of a database that is scored: all of one that is not divided."""
    return part if has_parts(database) else "all"


def list_paced(root: Path) -> list[Source]:
    """List mitdb's records of patients with a pacemaker."""
    present = records_in(root, "mitdb")
    return [Source(root, "mitdb", name, title=name) for name in PACED if name in present]


def list_strips(root: Path, part: Part) -> list[Source]:
    """List the strips of normal rhythm of one part of cinc2017."""
    labels = read_labels(root / FIRST_BEATS) or {}
    normal = [name for name in records_in(root, FIRST_BEATS) if labels.get(name) == "N"]
    return [Source(root, FIRST_BEATS, name, title=name) for name in select_part(FIRST_BEATS, normal, part)]


def _has_beats(source: Source) -> bool:
    if not (source.folder / f"{source.name}.{REFERENCE}").is_file():
        return False
    reference = read_reference(source, DEFAULT_CONDITIONS)
    return reference is not None and reference.has_beats


# ---- networks ---------------------------------------------------------------------------------------


class Network(Protocol):
    """A network that labels beats; it can be sent to other processes."""

    @property
    def name(self) -> str:
        """ "int8" or "float"."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each output."""

    def logits(self, beats: Beats) -> Floats:
        """Compute the outputs, shape (n, k)."""


@dataclass(frozen=True)
class Int8Network:
    """A bundle's int8 network: its generated C, which gives the device's bytes.

    Attributes
    ----------
    c_folder : Path
        Folder of the generated C.
    labels : tuple of str
        The label of each output.
    scale : float
        Step of the outputs.
    zero_point : int
        Their zero.
    """

    c_folder: Path
    labels: tuple[str, ...]
    scale: float
    zero_point: int
    name: str = INT8

    @classmethod
    def of(cls, bundle: Bundle) -> Int8Network:
        """Take the network of a bundle."""
        output = bundle.manifest.outputs[0]
        return cls(bundle.c_path, bundle.manifest.labels, output.scale, output.zero_point)

    def logits(self, beats: Beats) -> Floats:
        """Compute the outputs as real numbers, shape (n, k)."""
        outputs = _engine(self.c_folder).run(beat_inputs(beats)).astype(np.float32)
        real: Floats = np.float32(self.scale) * (outputs - np.float32(self.zero_point))
        return real


@lru_cache(maxsize=4)
def _engine(c_folder: Path) -> GeneratedEngine:
    return GeneratedEngine(c_folder)


# ---- records ----------------------------------------------------------------------------------------


class Task(NamedTuple):
    """One record to label.

    Attributes
    ----------
    source : Source
        The record.
    peaks : str
        "annotated" or "detected".
    network : Network
        Labels the beats.
    starts_s : tuple of float
        Starts of the comparison in seconds.
    """

    source: Source
    peaks: str
    network: Network
    starts_s: tuple[float, ...]


def label(task: Task) -> Labelling:
    """Run signal path and network over a record, and compare its labels with the annotations.

    Raises
    ------
    RecordError
        When the record has no annotations.
    """
    source = task.source
    signal, timing = _processed(source, task.peaks)
    reference = read_reference(source, DEFAULT_CONDITIONS)
    if reference is None:
        raise RecordError(f"{source.folder / source.name}: no annotations. Name an annotated record.")
    symbols, found = answers(task.network, signal)
    at = convert_samples(signal.beats["r_sample"], signal.fs_hz, timing.fs_hz)
    return label_record(
        source.title,
        patient_of(source.database, source.name),
        reference.annotations,
        Annotations.of(at, symbols),
        found,
        Limits(timing.fs_hz, reference.start_s, reference.end_s, task.starts_s),
    )


@lru_cache(maxsize=64)  # the records of a fold, for its float network and its int8 one
def _processed(source: Source, peaks: str) -> tuple[ProcessedRecord, Timing]:
    record = read_annotated(source, DEFAULT_CONDITIONS)
    return process_record(record, _peaks(record, peaks)), read_timing(source.folder, source.name)


class ProcessedRecord(NamedTuple):
    """A record behind the signal path.

    Attributes
    ----------
    processed : Processed
        Beats, and the state of the signal.
    samples, fs_hz : int
        Length and rate of the signal.
    """

    processed: Processed
    samples: int
    fs_hz: int

    @property
    def beats(self) -> Beats:
        """Beats, shape (n,)."""
        return self.processed.beats


def process_record(record: Record, peaks: npt.NDArray[np.int64] | None = None) -> ProcessedRecord:
    """Run the signal path over a record, on the detector's R peaks or on given ones."""
    processed = process_signal(record.samples, adu_per_mv=record.adu_per_mv, r_peaks=peaks)
    return ProcessedRecord(processed, len(record.samples), record.fs_hz)


def _peaks(record: Record, peaks: str) -> npt.NDArray[np.int64] | None:
    return np.unique(record.beat_samples) if peaks == ANNOTATED else None


def answers(network: Network, signal: ProcessedRecord) -> tuple[npt.NDArray[np.str_], Floats]:
    """Label the beats of a record by the device's rules.

    Returns
    -------
    ndarray of str, shape (n,)
        Labels; "Q" in bad signal, and for an ectopic label before the patient's average beat is known.
    ndarray of float32, shape (n, k)
        Probability of each label by the network.
    """
    logits = network.logits(signal.beats)
    labels = decide(signal.processed, logits, network.labels, signal.samples, signal.fs_hz).labels
    return symbols_of(labels, network.labels), _softmax(logits)


def probabilities(network: Network, beats: Beats) -> Floats:
    """Compute the probability of each label by the network, shape (n, k)."""
    return _softmax(network.logits(beats))


def _softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def label_strip(task: Task) -> npt.NDArray[np.str_]:
    """Label the beats of a strip without annotations, shape (n,)."""
    return answers(task.network, process_record(read_annotated(task.source, DEFAULT_CONDITIONS)))[0]


# ---- figures ----------------------------------------------------------------------------------------


def score_set(
    test_set: TestSet,
    part: Part,
    peaks: str,
    network: Network,
    found: Sequence[Labelling],
    starts_s: Sequence[float],
    resamples: int = RESAMPLES,
) -> Iterator[dict[str, Any]]:
    """Yield the figures of each group of records, from each start."""
    by_title = {one.title: one for one in found}
    for group, members in test_set.groups(list(by_title), part).items():
        for start_s in starts_s:
            chosen = [by_title[name] for name in members]
            figures = score_classifier(chosen, network.labels, start_s, resamples, test_set.classes)
            if figures is not None:
                yield {
                    "group": group,
                    "database": test_set.database,
                    "part": part_taken(test_set.database, part),
                    "peaks": peaks,
                    "start_s": start_s,
                    "network": network.name,
                    **figures,
                }


def curves_of(
    test_set: TestSet, part: Part, found: Sequence[Labelling], labels: Sequence[str]
) -> dict[str, dict[str, Curve]]:
    """Compute the precision-recall curves of each group of records, from the first second."""
    by_title = {one.title: one for one in found}
    return {
        group: curves([by_title[name] for name in members], labels, test_set.classes)
        for group, members in test_set.groups(list(by_title), part).items()
    }


def first_beats(strips: Iterable[npt.NDArray[np.str_]]) -> dict[str, Any]:
    """Count ectopic labels in strips of normal rhythm by the number of the beat.

    Returns
    -------
    dict
        `strips`, and by number of the beat: `beats`, and the shares called V, called A and left unclassified.
    """
    found = list(strips)
    return {
        "strips": len(found),
        "by_number": {
            name: _called([symbol for strip in found for symbol in strip[first:last].tolist()])
            for name, (first, last) in BEAT_NUMBERS.items()
        },
    }


def _called(symbols: Sequence[str]) -> dict[str, Any]:
    shares: Mapping[str, str] = {"v": "V", "a": "A", "unclassified": UNCLASSIFIED}
    return {
        "beats": len(symbols),
        **{name: share(symbols.count(symbol), len(symbols)) for name, symbol in shares.items()},
    }


def never_learned(found: Sequence[Labelling], labels: Sequence[str]) -> dict[str, Any]:
    """Count the answers on beats of kinds that no label stands for."""
    return {
        "records": [one.title for one in found],
        "kinds": kinds_of_answers(found, NEVER_LEARNED, labels),
    }


def against_float(int8: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the int8 network's figures with those of the float network on the same beats.

    Returns
    -------
    dict
        What both rest on; accuracy, macro-F1 and F1 of each label: of both, and the difference.
    """
    keys = ("group", "peaks", "start_s")
    values: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
        "accuracy": lambda row: row["classes"]["accuracy"],
        "macro_f1": lambda row: row["classes"]["macro_f1"],
        **{f"f1_{name}": _f1_of(name) for name in int8["classes"]["per_class"]},
    }
    return {
        **{key: int8[key] for key in keys},
        **{name: _difference(value(int8), value(other)) for name, value in values.items()},
    }


def _f1_of(label: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda row: row["classes"]["per_class"][label]["f1"]


def _difference(int8: float | None, other: float | None) -> dict[str, float | None]:
    difference = None if int8 is None or other is None else int8 - other
    return {INT8: int8, FLOAT: other, "difference": difference}
