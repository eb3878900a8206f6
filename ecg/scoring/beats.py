"""Beat-by-beat comparison of two annotators, by the rules of WFDB's `bxb`."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.scoring.beat_sequence import FAR, BeatSequence, IntArray, in_latest, read_sequence
from ecg_edge.ecg.scoring.protocol import LEARNING_S, MATCH_WINDOW_S

TABLE_ROWS: Final = "NSVFQOX"
TABLE_COLUMNS: Final = "nsvfqox"
"""Labels of the beat table. O: no beat there; X: no beat there, but shutdown."""

N, S, V, F, Q, O, X = range(7)  # noqa: E741 - the field's own name for it
_BEATS: Final = slice(N, O)
_CODE_OF: Final = {label: code for code, label in enumerate(TABLE_ROWS)} | {"": -1}

_MATCHED, _EXTRA, _MISSED = range(3)
_KINDS: Final = ("matched", "false", "missed")
_TO_THE_LAST: Final = (FAR - 1, FAR - 1)

_Events = list[tuple[int, int, int]]
"""Steps of a comparison: index of the reference beat, index of the test beat, and the outcome."""


class Ratio(NamedTuple):
    """`hits` out of `total`."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """As a fraction; nan when `total` is 0."""
        return self.hits / self.total if self.total > 0 else math.nan

    @property
    def percent(self) -> float:
        """In per cent, rounded as the C programs do (not 100 times `value`); nan when `total` is 0."""
        return 100.0 * self.hits / self.total if self.total > 0 else math.nan


@dataclass(frozen=True, eq=False)
class BeatComparison:
    """Result of a beat-by-beat comparison. Sensitivities and the like are fractions, nan when undefined.

    Attributes
    ----------
    table : ndarray of int64, shape (7, 7)
        Beat label pairs: reference in rows (`TABLE_ROWS`), test in columns (`TABLE_COLUMNS`). Column o holds
        missed beats, x those missed in shutdown; row O holds false detections, X those in the reference's
        shutdown.
    rr_squares_ms2 : float
        Sum of the squared differences of the RR intervals, in ms^2.
    rr_count : int
        Number of these differences.
    shutdown_s : int
        Total time of the test annotator's shutdown in whole seconds.
    """

    table: IntArray
    rr_squares_ms2: float
    rr_count: int
    shutdown_s: int

    @property
    def rr_error_ms(self) -> float:
        """Root mean square difference of the RR intervals, in ms."""
        return math.sqrt(self.rr_squares_ms2 / self.rr_count) if self.rr_count else math.nan

    @property
    def ratios(self) -> dict[str, Ratio]:
        """The counts behind each of `figures`, apart from `rr_error_ms`."""
        table = self.table
        found = self._sum(_BEATS, _BEATS)
        veb_false = self._sum([N, S, O, X], V)
        veb_rejected = self._sum([N, S, F, Q, O, X], [N, S, F, Q])
        return {
            "qrs_se": Ratio(found, self._sum(_BEATS, slice(None))),
            "qrs_ppv": Ratio(found, self._sum(slice(None), _BEATS)),
            "veb_se": Ratio(int(table[V, V]), self._sum(V, slice(None))),
            "veb_ppv": Ratio(int(table[V, V]), int(table[V, V]) + veb_false),  # F and Q as v: no error
            "veb_fpr": Ratio(veb_false, veb_rejected + veb_false),
            "sveb_se": Ratio(int(table[S, S]), self._sum(S, slice(None))),
            "sveb_ppv": Ratio(int(table[S, S]), self._sum([N, S, V, F, O, X], S)),  # Q as s: no error
        }

    @property
    def qrs_se(self) -> float:
        """QRS sensitivity."""
        return self.ratios["qrs_se"].value

    @property
    def qrs_ppv(self) -> float:
        """QRS positive predictivity."""
        return self.ratios["qrs_ppv"].value

    @property
    def veb_se(self) -> float:
        """Sensitivity to ventricular ectopic beats."""
        return self.ratios["veb_se"].value

    @property
    def veb_ppv(self) -> float:
        """Positive predictivity of ventricular ectopic beats; fusion and unknown beats are no errors."""
        return self.ratios["veb_ppv"].value

    @property
    def veb_fpr(self) -> float:
        """False positive rate of ventricular ectopic beats."""
        return self.ratios["veb_fpr"].value

    @property
    def sveb_se(self) -> float:
        """Sensitivity to supraventricular ectopic beats."""
        return self.ratios["sveb_se"].value

    @property
    def sveb_ppv(self) -> float:
        """Positive predictivity of supraventricular ectopic beats; unknown beats are no errors."""
        return self.ratios["sveb_ppv"].value

    @property
    def figures(self) -> dict[str, float]:
        """Every figure by name: the ratios as fractions, and rr_error_ms."""
        return {name: ratio.value for name, ratio in self.ratios.items()} | {"rr_error_ms": self.rr_error_ms}

    def __add__(self, other: BeatComparison) -> BeatComparison:
        """Both together: every beat has the same weight."""
        return BeatComparison(
            self.table + other.table,
            self.rr_squares_ms2 + other.rr_squares_ms2,
            self.rr_count + other.rr_count,
            self.shutdown_s + other.shutdown_s,
        )

    def missed_in_shutdown(self, labels: str = "NSVFQ") -> Ratio:
        """Count reference beats of these labels that were missed in shutdown, out of all of them."""
        rows = [_CODE_OF[label] for label in labels]
        return Ratio(self._sum(rows, X), self._sum(rows, slice(None)))

    def _sum(self, rows: Any, columns: Any) -> int:
        return int(self.table[rows][..., columns].sum())


def compare_beats(
    reference: Annotations,
    test: Annotations,
    *,
    fs_hz: float,
    start_s: float = LEARNING_S,
    end_s: float | None = None,
    match_window_s: float = MATCH_WINDOW_S,
) -> BeatComparison:
    """Compare the beats of two annotators of one record.

    Parameters
    ----------
    reference, test : Annotations
        All annotations of each, in samples of the record. Besides beats, shutdown ("~") and ventricular
        flutter ("[", "]") count.
    fs_hz : float
        Sampling frequency of the record.
    start_s : float
        Start of the comparison in s; the detector learns before it.
    end_s : float, optional
        Length of the record in s. Without it the comparison ends at the last reference beat, and false
        detections after that do not count.
    match_window_s : float
        Greatest distance in s of two annotations of one beat.
    """
    window, start = _to_samples(match_window_s, fs_hz), _to_samples(start_s, fs_hz)
    end = None if end_s is None else _to_samples(end_s, fs_hz)
    sequences = read_sequence(reference, window, end, True), read_sequence(test, window, end, False)
    events, reached = _pair_from(sequences[0].times, sequences[1].times, window, start, end)
    squares, count = _rr_errors(*sequences, events)
    per_second = int(fs_hz + 0.5)
    shutdown = sequences[1].shutdown_samples[reached + 1]  # the beat after the one in turn has been read
    return BeatComparison(
        _table(*sequences, events),
        squares * (1000.0 / per_second) ** 2,
        count,
        int((shutdown + _to_samples(0.5, fs_hz)) / per_second),
    )


class BeatStep(NamedTuple):
    """One step of a comparison.

    Attributes
    ----------
    kind : str
        "matched"; "missed": only the reference has a beat; "false": only the test annotator has one.
    reference_sample, test_sample : int or None
        Sample of the beat in each.
    counted : bool
        True when the table of `compare_beats` counts it: not in ventricular flutter.
    """

    kind: str
    reference_sample: int | None
    test_sample: int | None
    counted: bool


def list_beats(
    reference: Annotations,
    test: Annotations,
    *,
    fs_hz: float,
    start_s: float = LEARNING_S,
    end_s: float | None = None,
    match_window_s: float = MATCH_WINDOW_S,
) -> list[BeatStep]:
    """List the outcome of each beat, in the order of the comparison; parameters as for `compare_beats`."""
    window, start = _to_samples(match_window_s, fs_hz), _to_samples(start_s, fs_hz)
    end = None if end_s is None else _to_samples(end_s, fs_hz)
    sequences = read_sequence(reference, window, end, True), read_sequence(test, window, end, False)
    events, _ = _pair_from(sequences[0].times, sequences[1].times, window, start, end)
    rows, _ = _cells(*sequences, events)
    return [
        BeatStep(
            _KINDS[kind],
            None if kind == _EXTRA else sequences[0].times[i],
            None if kind == _MISSED else sequences[1].times[j],
            bool(row >= 0),
        )
        for (i, j, kind), row in zip(events, rows, strict=True)
    ]


def match_beats(reference_samples: npt.ArrayLike, test_samples: npt.ArrayLike, window: int) -> IntArray:
    """Pair beats by the rules of the beat-by-beat comparison, from the first to the last.

    Parameters
    ----------
    reference_samples, test_samples : array_like of int
        Sample numbers of beats, ascending.
    window : int
        Greatest distance of a pair in samples.

    Returns
    -------
    ndarray of int64, shape (n, 2)
        Index of the reference beat and of the test beat of each pair, ascending; no index occurs twice.
    """
    times = [[*np.asarray(at, np.int64).tolist(), FAR, FAR] for at in (reference_samples, test_samples)]
    events, _ = _pair(times[0], times[1], window, 0, 0, _TO_THE_LAST)
    pairs = [(i, j) for i, j, kind in events if kind == _MATCHED]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _to_samples(seconds: float, fs_hz: float) -> int:
    return int(seconds * fs_hz + 0.5)


def _pair_from(
    reference: list[int], test: list[int], window: int, start: int, end: int | None
) -> tuple[_Events, int]:
    """Pair from `start` on. A test beat just before it may be that of the first reference beat."""
    i = bisect_left(reference, start)
    j = bisect_left(test, start, lo=1) - 1
    first = reference[i]
    events: _Events = []
    if first - test[j] < abs(first - test[j + 1]) and first - test[j] <= window:
        events.append((i, j, _MATCHED))
        i, j = i + 1, j + 1
    else:
        j += 1
        if test[j] - start <= window and abs(first - test[j + 1]) < abs(first - test[j]):
            j += 1  # its reference beat may lie before the start: not counted
    more, reached = _pair(reference, test, window, i, j, (FAR - 1, -1) if end is None else (end, end))
    return events + more, reached


def _pair(
    reference: list[int], test: list[int], window: int, i: int, j: int, ends: tuple[int, int]
) -> tuple[_Events, int]:
    """Go through both lists from `i` and `j` while the reference or the test beat is not after its end.

    Returns the steps, and the test beat that is in turn after the last one.
    """
    reference_end, test_end = ends
    events: _Events = []
    while reference[i] <= reference_end or test[j] <= test_end:
        here, there = reference[i], test[j]
        test_is_first = there < here
        rival = abs(here - test[j + 1]) if test_is_first else abs(there - reference[i + 1])
        gap, next_gap = abs(here - there), abs(reference[i + 1] - test[j + 1])
        # The next beat would be nearer, unless it has a nearer partner itself.
        if gap <= window and (gap < rival or next_gap < rival):
            events.append((i, j, _MATCHED))
            i, j = i + 1, j + 1
        elif test_is_first:
            events.append((i, j, _EXTRA))
            j += 1
        else:
            events.append((i, j, _MISSED))
            i += 1
    return events, j


def _columns(events: _Events) -> tuple[IntArray, IntArray, IntArray]:
    array = np.array(events, np.int64).reshape(-1, 3)
    return array[:, 0], array[:, 1], array[:, 2]


def _table(reference: BeatSequence, test: BeatSequence, events: _Events) -> IntArray:
    rows, columns = _cells(reference, test, events)
    table = np.zeros((7, 7), np.int64)
    np.add.at(table, (rows[rows >= 0], columns[rows >= 0]), 1)
    return table


def _cells(reference: BeatSequence, test: BeatSequence, events: _Events) -> tuple[IntArray, IntArray]:
    """Find row and column of each step in the table; -1 and -1 where it does not count."""
    i, j, kind = _columns(events)
    rows = np.array([_CODE_OF[label] for label in reference.labels], np.int64)[i]
    columns = np.array([_CODE_OF[label] for label in test.labels], np.int64)[j]
    rows = np.where(kind == _EXTRA, _pseudo_rows(reference, i, np.array(test.times)[j]), rows)
    columns = np.where(kind == _MISSED, _pseudo_columns(test, j, np.array(reference.times)[i]), columns)
    counted = (rows >= 0) & (columns >= 0) & ((rows < O) | (columns < O))
    return np.where(counted, rows, -1), np.where(counted, columns, -1)


def _pseudo_rows(reference: BeatSequence, i: IntArray, times: IntArray) -> IntArray:
    """Find the row of false detections: none (-1) in flutter, X in the reference's shutdown, else O."""
    in_shutdown = in_latest(reference.shutdown[i + 1], times)
    return np.where(in_latest(reference.flutter[i + 1], times), -1, np.where(in_shutdown, X, O))


def _pseudo_columns(test: BeatSequence, j: IntArray, times: IntArray) -> IntArray:
    """Find the column of missed beats: X in the test annotator's shutdown, else O."""
    return np.where(in_latest(test.shutdown[j + 1], times), X, O)


def _rr_errors(reference: BeatSequence, test: BeatSequence, events: _Events) -> tuple[int, int]:
    """Compute sum of squares in samples^2, and count. Steps without a match count too, as in bxb."""
    i, j, _ = _columns(events)
    expected, found = reference.rr_samples()[i], test.rr_samples()[j]
    errors = (expected - found)[(expected > 0) & (found > 0)]
    return int((errors**2).sum()), len(errors)
