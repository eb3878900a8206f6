"""Alarms on short strips with one label each, as those of the PhysioNet/CinC Challenge 2017.

Labels: N normal rhythm, A atrial fibrillation, O another rhythm, ~ too noisy. They are in the database's
`REFERENCE-v3.csv`; a strip has no beat annotations.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.figures import share
from ecg_edge.firmware.binding.rhythm import all_kinds
from ecg_edge.host.evaluation.alarms import FIBRILLATION, RUN, URGENT, is_urgent
from ecg_edge.host.evaluation.stream import Alarm, Report

REFERENCE_NAME: Final = "REFERENCE-v3.csv"
CLASSES: Final = {"N": "normal", "A": "fibrillation", "O": "other", "~": "noisy"}
LONG_ENOUGH_S: Final = 20.0  # strips on which fibrillation is to be decided
LENGTHS: Final[dict[str, Callable[[float], bool]]] = {
    f"{LONG_ENOUGH_S:.0f} s and more": lambda length_s: length_s >= LONG_ENOUGH_S,
    "under 15 s": lambda length_s: length_s < 15,
    "15 to 25 s": lambda length_s: 15 <= length_s < 25,
    "25 to 31 s": lambda length_s: 25 <= length_s < 31,
    "over 31 s": lambda length_s: length_s >= 31,
}
BEAT_NUMBERS: Final = {
    "1": (0, 1),
    "2": (1, 2),
    "3": (2, 3),
    "4": (3, 4),
    "5 to 10": (4, 10),
    "later": (10, None),
}
START_S: Final = 5.0  # the first seconds, whose V runs are counted apart


@dataclass(frozen=True, eq=False)
class Strip:
    """A strip and the device's report on it.

    Attributes
    ----------
    name, label : str
        Record, and its class: N, A, O or ~.
    length_s : float
        Length in seconds.
    alarms : tuple of Alarm
        All episodes.
    beats : int
        Number of beats.
    is_v : tuple of bool
        For each beat, if it was called ventricular.
    fibrillation_beats : dict of str to int
        For each of `FIBRILLATION` that was told: beats that the device had by then.
    """

    name: str
    label: str
    length_s: float
    alarms: tuple[Alarm, ...]
    beats: int
    is_v: tuple[bool, ...]
    fibrillation_beats: dict[str, int]

    @property
    def kinds(self) -> set[str]:
        """Kinds of its alarms."""
        return {alarm.name for alarm in self.alarms} | {URGENT for alarm in self.alarms if is_urgent(alarm)}


def read_labels(folder: Path) -> dict[str, str] | None:
    """Read the class of each strip of a database; None when it has no such file.

    Raises
    ------
    RecordError
        When a line has not a record and one of the classes.
    """
    path = folder / REFERENCE_NAME
    if not path.is_file():
        return None
    labels: dict[str, str] = {}
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            if len(row) != 2 or row[1].strip() not in CLASSES:
                raise RecordError(
                    f"{path}, line {number}: not a record and one of {', '.join(CLASSES)}. "
                    "Get the file again."
                )
            labels[row[0].strip()] = row[1].strip()
    return labels


def strip_of(name: str, label: str, report: Report) -> Strip:
    """Summarize the report on a strip."""
    alarms = tuple(report.alarms())
    first: dict[str, float] = {}
    for alarm in alarms:
        if alarm.name in FIBRILLATION:
            first[alarm.name] = min(alarm.told_s, first.get(alarm.name, alarm.told_s))
    heard = report.heard
    beats_by = [int(np.searchsorted(heard.taken, round(told_s * heard.fs_hz))) for told_s in first.values()]
    counts = [int(heard.beat_counts[min(block, len(heard.taken) - 1)]) for block in beats_by]
    is_v = tuple((report.symbols == "V").tolist())
    return Strip(
        *(name, label, report.duration_s, alarms, len(heard.beats), is_v),
        dict(zip(first, counts, strict=True)),
    )


def strip_figures(strips: Sequence[Strip]) -> dict[str, Any]:
    """Compute the figures of a set of strips: shares of strips and of beats, and rates an hour."""
    by_class = {label: [strip for strip in strips if strip.label == label] for label in CLASSES}
    normal = by_class["N"]
    return {
        "strips": {label: len(found) for label, found in by_class.items()},
        "with_event": {
            kind: {label: _share_with(kind, found) for label, found in by_class.items()}
            for kind in (*all_kinds(), URGENT)
        },
        "fibrillation": {
            kind: {
                length: _fibrillation(kind, [strip for strip in strips if fits(strip.length_s)])
                for length, fits in LENGTHS.items()
            }
            for kind in FIBRILLATION
            if kind in all_kinds()
        },
        "decision_beats": {
            kind: _decision(kind, by_class["A"]) for kind in FIBRILLATION if kind in all_kinds()
        },
        "v_beats_in_normal": {name: _v_share(normal, *places) for name, places in BEAT_NUMBERS.items()},
        "v_runs_per_hour_in_normal": _runs_per_hour(normal),
        "without_beats": sum(not strip.beats for strip in strips),
    }


def _share_with(kind: str, strips: Sequence[Strip]) -> float | None:
    return share(sum(kind in strip.kinds for strip in strips), len(strips))


def _fibrillation(kind: str, strips: Sequence[Strip]) -> dict[str, float | int | None]:
    """Sensitivity, specificity on normal strips, positive predictivity and F1 of class A against the rest."""
    told = dict.fromkeys(CLASSES, 0)
    count = dict.fromkeys(CLASSES, 0)
    for strip in strips:
        count[strip.label] += 1
        told[strip.label] += kind in strip.kinds
    return {
        "strips": len(strips),
        "of_class_a": count["A"],
        "se": share(told["A"], count["A"]),
        "ppv": share(told["A"], sum(told.values())),
        "f1": share(2 * told["A"], count["A"] + sum(told.values())),
        "specificity_n": share(count["N"] - told["N"], count["N"]),
        "specificity_o": share(count["O"] - told["O"], count["O"]),
    }


def _decision(kind: str, strips: Iterable[Strip]) -> dict[str, float | int | None]:
    """Number of beats that had come when fibrillation was told."""
    beats = [strip.fibrillation_beats[kind] for strip in strips if kind in strip.fibrillation_beats]
    if not beats:
        return {"strips": 0, "least": None, "median": None, "p95": None}
    return {
        "strips": len(beats),
        "least": min(beats),
        "median": float(np.median(beats)),
        "p95": float(np.percentile(beats, 95)),
    }


def _v_share(strips: Iterable[Strip], first: int, last: int | None) -> dict[str, float | int | None]:
    places = [is_v for strip in strips for is_v in strip.is_v[first:last]]
    return {"beats": len(places), "v": share(sum(places), len(places))}


def _runs_per_hour(strips: Sequence[Strip]) -> dict[str, float | None]:
    """V runs an hour that begin in the first seconds, and later."""
    onsets = [alarm.onset_s for strip in strips for alarm in strip.alarms if alarm.name == RUN]
    early_s = sum(min(strip.length_s, START_S) for strip in strips)
    late_s = sum(strip.length_s for strip in strips) - early_s
    early = sum(onset < START_S for onset in onsets)
    return {
        f"first_{START_S:.0f}_s": share(3600 * early, early_s),
        "later": share(3600 * (len(onsets) - early), late_s),
    }
