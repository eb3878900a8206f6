"""What the morphology network answers on records of patients: a check of transfer, not a score.

    python -m ecg_edge.host.pipeline.morphology.transfer --data DIR --part development --json transfer.json

The network is trained on synthetic ECG only, and no record has chosen anything of it. Records of ludb and
qtdb have wave bounds by hand: ST level and T wave of each lead are measured by them
(`training.realism.measures`), and give the class that the network should find. ludb.csv has diagnoses of the
whole ECG; mitdb has beats and rhythms.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, roc_auc_score

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.records import Record, load_record
from ecg_edge.ecg.splits import Part, select_part
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.firmware import FS_HZ, STRIP_SECONDS, strips
from ecg_edge.quantize.bundle.engines import Engine, GeneratedEngine
from ecg_edge.quantize.bundle.manifest import SHIPPED_MORPHOLOGY, STRIP_INPUT, load_bundle
from ecg_edge.training.realism import measures
from ecg_edge.training.realism.sources import Strip

LEADS: Final = ("i", "ii", "v4", "v5", "v6")
"""Leads of ludb that are looked at: those of the training."""
ST_MV: Final = 0.1
"""From this deviation on a strip counts as ST depression or elevation, the lowest level that trains."""
T_MV: Final = 0.1
SINUS: Final = frozenset({"Sinus rhythm", "Sinus bradycardia", "Sinus tachycardia", "Sinus arrhythmia"})


@dataclass(frozen=True)
class Answer:
    """A strip with what is known of it.

    Attributes
    ----------
    database, record, lead : str
    logits : ndarray of int8, shape (5,)
    known : str or None
        Class of `MORPHOLOGY` by annotations; None where they do not tell.
    st_mv, t_mv : float
        Measured in the record's lead; nan: not known.
    ischemia : bool
        ludb.csv lists ischemia, infarction or a scar.
    irregular : bool or None
        There is an arrhythmia in the strip (mitdb) or the record (ludb); None: not known.
    """

    database: str
    record: str
    lead: str
    logits: npt.NDArray[np.int8]
    known: str | None
    st_mv: float = np.nan
    t_mv: float = np.nan
    ischemia: bool = False
    irregular: bool | None = None

    @property
    def given(self) -> str:
        """The network's class."""
        return MORPHOLOGY[int(self.logits.argmax())]

    def score(self, name: str) -> float:
        """Logit of a class, minus that of normal."""
        return float(self.logits[MORPHOLOGY.index(name)]) - float(self.logits[0])


class Summary(TypedDict):
    """Figures of one database; rows of the confusion matrix are the known classes.

    `called_arrhythmia`: of strips with and without one, as many are called arrhythmia, and as many there are.
    """

    strips: int
    records: int
    answers: dict[str, float]
    called_arrhythmia: dict[str, list[int]]
    confusion: list[list[int]]
    auc: dict[str, float | None]
    by_record: dict[str, dict[str, int]]


def mitdb(root: Path, part: Part, engine: Engine) -> Iterator[Answer]:
    """Strips of mitdb: arrhythmia where beats or the rhythm in them are not normal; else not known."""
    for name in select_part("mitdb", records_in(root, "mitdb"), part):
        record = load_record(root, "mitdb", name)
        for last, logits in _answers(engine, record):
            irregular = _is_arrhythmia(record, last - STRIP_SECONDS * FS_HZ, last)
            known = "arrhythmia" if irregular else None
            yield Answer("mitdb", name, record.lead, logits, known, irregular=irregular)


def _is_arrhythmia(record: Record, first: int, last: int) -> bool:
    rhythm = "(N"
    for sample, note in zip(record.annotation_samples, record.annotation_notes, strict=True):
        if note.startswith("(") and sample <= first + FS_HZ:
            rhythm = note
    inside = (record.beat_samples >= first + FS_HZ) & (record.beat_samples < last - FS_HZ)
    return rhythm not in ("(N", "(SBR", "(P") or bool(
        np.any(~np.isin(record.beat_symbols[inside], ["N", "L", "R", "/", "f", "Q"]))
    )


def ludb(root: Path, part: Part, engine: Engine) -> Iterator[Answer]:
    """Strips of ludb, 10 s in each of `LEADS`."""
    diagnoses = _diagnoses(root / "ludb" / "ludb.csv")
    for name in select_part("ludb", records_in(root, "ludb"), part):
        row = diagnoses[name.rpartition("/")[2]]
        irregular = row["Rhythms"].strip() not in SINUS or bool(row["Extrasystolies"].strip())
        for lead in LEADS:
            record = load_record(root, "ludb", name, lead=lead, annotator=lead)
            measured = measures.wave_measures(_strip(record))
            for _, logits in _answers(engine, record):
                known = "arrhythmia" if irregular else _known(measured)
                yield Answer(
                    *("ludb", name, lead, logits, known, measured["ST 60 mV"], measured["T mV"]),
                    ischemia=bool(row["Ischemia"].strip()),
                    irregular=irregular,
                )


def _diagnoses(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["ID"].strip(): row for row in csv.DictReader(file)}


def qtdb(root: Path, part: Part, engine: Engine) -> Iterator[Answer]:
    """Strips of qtdb that hold beats with bounds by hand."""
    for name in select_part("qtdb", records_in(root, "qtdb"), part):
        record = load_record(root, "qtdb", name, annotator="q1c")
        measured = measures.wave_measures(_strip(record))
        inside = record.annotation_samples
        for last, logits in _answers(engine, record):
            if np.any((inside >= last - STRIP_SECONDS * FS_HZ) & (inside < last)):
                known = _known(measured)
                yield Answer("qtdb", name, record.lead, logits, known, measured["ST 60 mV"], measured["T mV"])


def _answers(engine: Engine, record: Record) -> list[tuple[int, npt.NDArray[np.int8]]]:
    found = strips(record.samples, adu_per_mv=record.adu_per_mv)
    logits = engine.run({STRIP_INPUT: np.ascontiguousarray(found["points"])})
    return list(zip(found["sample"].astype(int).tolist(), logits, strict=True))


def _strip(record: Record) -> Strip:
    waves = Annotations.of(record.annotation_samples, record.annotation_symbols)
    beats = waves.samples[waves.symbols == "N"]
    signal = record.samples / record.adu_per_mv
    return Strip(record.name, signal, beats, np.full(len(beats), "N"), waves)


def _known(measured: Mapping[str, float]) -> str | None:
    """Class by the measured levels; None where they are not known."""
    st_mv, t_mv = measured["ST 60 mV"], measured["T mV"]
    if np.isnan(st_mv) or np.isnan(t_mv):
        return None
    if abs(st_mv) >= ST_MV:
        return "st-depression" if st_mv < 0 else "st-elevation"
    return "t-inversion" if t_mv <= -T_MV else "normal"


SOURCES: Final = {"mitdb": mitdb, "ludb": ludb, "qtdb": qtdb}


def summarize(answers: Sequence[Answer]) -> Summary:
    """Count the answers of one database."""
    known = [one for one in answers if one.known is not None]
    given = Counter(one.given for one in answers)
    by_record: dict[str, Counter[str]] = {}
    for one in answers:
        by_record.setdefault(one.record, Counter())[one.given] += 1
    return {
        "strips": len(answers),
        "records": len(by_record),
        "answers": {name: given[name] / max(1, len(answers)) for name in MORPHOLOGY},
        "called_arrhythmia": {
            name: [sum(one.given == "arrhythmia" for one in part), len(part)]
            for name, part in (
                ("with", [one for one in answers if one.irregular is True]),
                ("without", [one for one in answers if one.irregular is False]),
            )
        },
        "confusion": confusion_matrix(
            [one.known for one in known], [one.given for one in known], labels=list(MORPHOLOGY)
        ).tolist(),
        "auc": {
            "arrhythmia": _auc(
                [(one.irregular, one.score("arrhythmia")) for one in answers if one.irregular is not None]
            ),
            **{
                name: _auc([(one.known == name, one.score(name)) for one in known]) for name in MORPHOLOGY[2:]
            },
            "ischemia in ludb.csv, by ST and T": _ischemia_auc(answers),
        },
        "by_record": {name: dict(counts) for name, counts in by_record.items()},
    }


def _auc(pairs: Iterable[tuple[bool | None, float]]) -> float | None:
    """Of scores with their truth; None without one of both."""
    listed = list(pairs)
    truth = [one for one, _ in listed]
    return float(roc_auc_score(truth, [score for _, score in listed])) if len({*truth}) == 2 else None


def _ischemia_auc(answers: Sequence[Answer]) -> float | None:
    """By diagnosis: of the highest score of a record's leads in the three classes of ST and T."""
    records: dict[str, tuple[bool, float]] = {}
    for one in answers:
        highest = max(one.score(name) for name in MORPHOLOGY[2:])
        records[one.record] = one.ischemia, max(highest, records.get(one.record, (False, -np.inf))[1])
    return _auc(records.values())


def main() -> None:
    """Print a table a database."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="folder of the databases")
    options.add_argument("--part", choices=("development", "test"), default="development")
    options.add_argument("--model", type=Path, default=SHIPPED_MORPHOLOGY)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    engine = GeneratedEngine(load_bundle(chosen.model).c_path)
    figures: dict[str, Summary] = {}
    for name, source in SOURCES.items():
        figures[name] = summarize(list(source(chosen.data, chosen.part, engine)))
        _show(name, figures[name])
    if chosen.json:
        write_json(chosen.json, {"part": chosen.part, **figures})


def _show(name: str, one: Summary) -> None:
    print(f"\n{name}: {one['strips']} strips of {one['records']} records")
    print(" ".join(f"{label} {share:.1%}" for label, share in one["answers"].items()))
    print("  called arrhythmia", one["called_arrhythmia"])
    for label, row in zip(MORPHOLOGY, one["confusion"], strict=True):
        print(f"  known {label:14} {row}")
    print("  AUC " + ", ".join(f"{key} {'-' if v is None else f'{v:.3f}'}" for key, v in one["auc"].items()))


if __name__ == "__main__":
    main()
