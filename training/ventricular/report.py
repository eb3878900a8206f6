"""Report the ventricular rhythm detector by records left out, on the development parts.

    python -m ecg_edge.training.ventricular.report --data DIR

Each record of vfdb is decided by weights trained without it, every other record by weights
trained without half of the records. The first lead of each record is reported. `ecg-edge evaluate rhythm`
reports shipped weights. Takes ten minutes on one core.
"""

from __future__ import annotations

import argparse
import ctypes
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware import FS_HZ, VENTRICULAR_NONE
from ecg_edge.training.ventricular.signals import (
    FIBRILLATION,
    OTHER,
    STEP,
    TACHYCARDIA,
    Rhythms,
    Signal,
    clean,
    development,
    other_signals,
)
from ecg_edge.training.ventricular.train import (
    Rows,
    Windows,
    all_windows,
    build,
    decide,
    fit,
    rates_of,
    weights_text,
)

TOLD_AFTER_S = 0.9  # a decision is passed on when the signal is settled, 0.8 s, and within 0.1 s
RAPID = 120  # waves a minute
LONG_S = 5  # shortest episode whose delay is reported
NEAR_S = 3  # an alarm so near to a ventricular rhythm is no false one

Mask = npt.NDArray[np.bool_]


@dataclass
class Tally:
    """What was found in the signals of one database.

    Attributes
    ----------
    hours : float
        Of other rhythms.
    false : int
        Episodes with no ventricular rhythm near.
    annotated_s, found_s : dict of str to float
        Time of each ventricular rhythm, and the part of it in episodes.
    delays_s : list of float
        From the onset of each long ventricular rhythm to its first alarm; inf: none.
    right, windows : dict of str to int
        Decisions by the rhythm that fills their window, and how many of them were as they must be.
    """

    hours: float = 0.0
    false: int = 0
    annotated_s: dict[str, float] = field(default_factory=dict)
    found_s: dict[str, float] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    right: dict[str, int] = field(default_factory=dict)
    windows: dict[str, int] = field(default_factory=dict)

    def lines(self, name: str) -> Iterator[str]:
        """Yield the table's lines of this database."""
        yield f"{name}: {self.false} false alarms in {self.hours:.1f} h"
        for rhythm, seconds in self.annotated_s.items():
            yield f"  {rhythm:12} {self.found_s[rhythm] / seconds:.3f} of {seconds:.0f} s"
        if self.delays_s:
            finite = np.minimum(self.delays_s, 999)
            median, late = np.percentile(finite, 50), np.percentile(finite, 95)
            yield f"  first alarm  {median:.1f} s (median), {late:.1f} s (95 %), {len(finite)} episodes"
        for rhythm, count in self.windows.items():
            yield f"  windows      {rhythm:12} {self.right[rhythm] / count:.4f} of {count}"


def spans_of(mask: Mask) -> npt.NDArray[np.int64]:
    """Return first and one past the last index of each run of True, shape (n, 2)."""
    edges: npt.NDArray[np.int64] = np.flatnonzero(
        np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    )
    return edges.reshape(-1, 2)


def episodes_of(rows: Rows, samples: int) -> list[tuple[int, int, float]]:
    """List onset and end in steps, and the time of the alarm in s, of each episode of a detector."""
    episodes = []
    for first, end in spans_of(rows["kind"] != VENTRICULAR_NONE):
        over = int(rows["since"][end]) if end < len(rows) else samples
        told = int(rows["until"][first]) / FS_HZ + TOLD_AFTER_S
        episodes.append((int(rows["since"][first]) // STEP, over // STEP, told))
    return episodes


def rhythm_masks(signal: Signal, rows: Rows) -> dict[str, Mask]:
    """Where each reported rhythm is, in steps; the detector measures the rate of a tachycardia."""
    rates = rates_of(rows)
    steps = np.arange(len(signal.rhythms)) * STEP + 2 * FS_HZ
    at = np.clip(np.searchsorted(rows["until"], steps), 0, max(len(rows) - 1, 0))
    slow = (rates[at] > 0) & (rates[at] < RAPID) if len(rows) else np.zeros(len(steps), bool)
    return {
        "VF, flutter": signal.rhythms == FIBRILLATION,
        "rapid VT": (signal.rhythms == TACHYCARDIA) & ~slow,
    }


def add(tally: Tally, signal: Signal, rows: Rows) -> None:
    """Add one signal with the decisions on it."""
    found = np.zeros(len(signal.rhythms), bool)
    episodes = episodes_of(rows, len(signal.samples))
    for onset, end, _ in episodes:
        found[onset:end] = True
    tally.hours += float(np.sum(signal.rhythms == OTHER)) * STEP / FS_HZ / 3600
    tally.false += sum(_is_false(signal.rhythms, onset, end) for onset, end, _ in episodes)
    for name, mask in rhythm_masks(signal, rows).items():
        if mask.any():
            second = STEP / FS_HZ
            tally.annotated_s[name] = tally.annotated_s.get(name, 0) + float(mask.sum()) * second
            tally.found_s[name] = tally.found_s.get(name, 0) + float((mask & found).sum()) * second
    _add_delays(tally, signal.rhythms, episodes)
    _add_windows(tally, signal, rows)


def _is_false(rhythms: Rhythms, onset: int, end: int) -> bool:
    near = NEAR_S * FS_HZ // STEP
    return bool((rhythms[max(onset - near, 0) : end + near] == OTHER).all())


def _add_delays(tally: Tally, rhythms: Rhythms, episodes: Sequence[tuple[int, int, float]]) -> None:
    second = STEP / FS_HZ
    for first, last in spans_of(np.isin(rhythms, (TACHYCARDIA, FIBRILLATION))):
        onset, end = first * second, last * second
        if end - onset >= LONG_S:
            told = [max(at, onset) for a, b, at in episodes if a < last and b > first and at <= end + 1.5]
            tally.delays_s.append(min(told) - onset if told else np.inf)


def _add_windows(tally: Tally, signal: Signal, rows: Rows) -> None:
    """Count the decisions on windows of 4 s that one rhythm fills."""
    ventricular = rows["kind"] != VENTRICULAR_NONE
    window = 4 * FS_HZ // STEP
    masks = {**rhythm_masks(signal, rows), "other": signal.rhythms == OTHER}
    ends = rows["until"].astype(np.int64) // STEP
    for name, mask in masks.items():
        counts = np.concatenate([[0], np.cumsum(mask)])
        full = counts[np.minimum(ends, len(mask))] - counts[np.maximum(ends - window, 0)] >= window - 1
        if full.any():
            right = ventricular[full] != (name == "other")
            tally.right[name] = tally.right.get(name, 0) + int(right.sum())
            tally.windows[name] = tally.windows.get(name, 0) + int(full.sum())


def trained_without(windows: Sequence[Windows], patients: set[str]) -> ctypes.CDLL:
    """Train without some patients and compile the detector."""
    return build(weights_text(fit([one for one in windows if one.patient not in patients])))


def first_leads(data: Path, database: str) -> Iterator[Signal]:
    """Yield the first lead of each development record; every lead of a strip."""
    for name in development(data, database):
        for signal in clean(data, database, name):
            if signal.lead == 0 or database == "ludb":
                yield signal


def half_of(patient: str) -> int:
    """Divide patients into two halves."""
    return sum(map(ord, patient)) % 2


def report(data: Path) -> Iterator[str]:
    """Yield the lines of the report."""
    windows = all_windows(data, development(data, "vfdb"))
    every = Tally()
    for signal in first_leads(data, "vfdb"):
        rows = decide(trained_without(windows, {signal.patient}), signal)
        one = Tally()
        add(one, signal, rows)
        add(every, signal, rows)
        yield from one.lines(signal.patient)
    yield from every.lines("vfdb")
    patients = {one.patient for one in windows if not one.patient.startswith("vfdb")}
    halves = [trained_without(windows, {p for p in patients if half_of(p) == half}) for half in (0, 1)]
    for database in ("mitdb", "svdb", "qtdb", "ludb", "cinc2017"):
        tally = Tally()
        for signal in first_leads(data, database):
            add(tally, signal, decide(halves[half_of(signal.patient)], signal))
        yield from tally.lines(database)
    noise = Tally()
    for signal in (one for one in other_signals(data) if one.kind == "nstdb"):
        add(noise, signal, decide(halves[half_of(signal.patient)], signal))
    yield from noise.lines("noise without ECG")


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description="Report the ventricular rhythm detector.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    from threadpoolctl import threadpool_limits

    warnings.filterwarnings("ignore", message=".*optimization hasn't converged.*")
    with threadpool_limits(1):
        for line in report(parser.parse_args().data):
            print(line, flush=True)


if __name__ == "__main__":
    main()
