"""Gross and average figures over records, by the rules of WFDB's `sumstats`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ecg_edge.ecg.scoring.beats import TABLE_COLUMNS, TABLE_ROWS, BeatComparison, Ratio
from ecg_edge.ecg.scoring.runs import RunComparison


class Mean(NamedTuple):
    """Mean of the figures of `records` records, whose sum is `total`."""

    total: float
    records: int

    @property
    def value(self) -> float:
        """The mean; nan when no record has the figure."""
        return self.total / self.records if self.records else math.nan

    @property
    def percent(self) -> float:
        """The mean of fractions in per cent, rounded as in C (not 100 times `value`)."""
        return 100.0 * self.total / self.records if self.records else math.nan


@dataclass(frozen=True, eq=False)
class Summary:
    """Beat-by-beat results of several records.

    Attributes
    ----------
    records : tuple of (str, BeatComparison)
        Each record's name and result.
    total : BeatComparison
        The sums of all tables, RR differences and shutdown times.
    gross_ratios : dict of str to Ratio
        The counts behind `gross`.
    means : dict of str to Mean
        The sums behind `average`.
    """

    records: tuple[tuple[str, BeatComparison], ...]
    total: BeatComparison
    gross_ratios: dict[str, Ratio]
    means: dict[str, Mean]

    @property
    def gross(self) -> dict[str, float]:
        """Figures in which every beat has the same weight, named as in `BeatComparison.figures`."""
        return _values(self.gross_ratios) | {"rr_error_ms": self.total.rr_error_ms}

    @property
    def average(self) -> dict[str, float]:
        """Figures in which every record has the same weight, over the records that have them."""
        return _values(self.means)

    def as_dict(self) -> dict[str, Any]:
        """Collect gross, average and per-record figures with shutdown_s, for a JSON file.

        A record's "shutdown_s" is its own, the gross one the sum, the average one the mean.
        """
        shutdown_s = self.total.shutdown_s
        return {
            "gross": self.gross | {"shutdown_s": shutdown_s},
            "average": self.average | {"shutdown_s": shutdown_s / len(self.records)},
            "records": {
                name: result.figures | {"shutdown_s": result.shutdown_s, "table": result.table}
                for name, result in self.records
            },
        }


@dataclass(frozen=True, eq=False)
class RunSummary:
    """Run-by-run results of several records: see `Summary`; figures as in `RunComparison.figures`."""

    records: tuple[tuple[str, RunComparison], ...]
    total: RunComparison
    means: dict[str, Mean]

    @property
    def gross(self) -> dict[str, float]:
        """Figures in which every run has the same weight."""
        return self.total.figures

    @property
    def average(self) -> dict[str, float]:
        """Figures in which every record has the same weight, over the records that have them."""
        return _values(self.means)

    def as_dict(self) -> dict[str, Any]:
        """Collect gross, average and per-record figures, for a JSON file."""
        records = {name: result.figures for name, result in self.records}
        return {"gross": self.gross, "average": self.average, "records": records}


def summarize(results: Sequence[tuple[str, BeatComparison]]) -> Summary:
    """Compute gross and average figures of beat-by-beat results.

    Parameters
    ----------
    results : sequence of (str, BeatComparison)
        Name and result of each record, at least one.
    """
    comparisons = [comparison for _, comparison in results]
    total = sum(comparisons[1:], comparisons[0])
    means = _means([_values(_summary_ratios(c)) for c in comparisons])
    # sumstats reads these errors from a report, where they have two decimals.
    means["rr_error_ms"] = _mean([round(c.rr_error_ms, 2) for c in comparisons])
    return Summary(tuple(results), total, _summary_ratios(total), means)


def summarize_runs(results: Sequence[tuple[str, RunComparison]]) -> RunSummary:
    """Compute gross and average figures of run-by-run results of one kind.

    Parameters
    ----------
    results : sequence of (str, RunComparison)
        Name and result of each record, at least one; all of the same kind.
    """
    comparisons = [comparison for _, comparison in results]
    total = RunComparison(
        comparisons[0].kind,
        np.sum([c.sensitivity_table for c in comparisons], axis=0),
        np.sum([c.predictivity_table for c in comparisons], axis=0),
    )
    return RunSummary(tuple(results), total, _means([c.figures for c in comparisons]))


def _summary_ratios(comparison: BeatComparison) -> dict[str, Ratio]:
    """Return `BeatComparison.ratios` as sumstats counts them: a fusion beat labelled s is no error."""
    ratios = comparison.ratios
    hits, total = ratios["sveb_ppv"]
    fusion_as_sveb = int(comparison.table[TABLE_ROWS.index("F"), TABLE_COLUMNS.index("s")])
    return ratios | {"sveb_ppv": Ratio(hits, total - fusion_as_sveb)}


def _values(quotients: Mapping[str, Ratio] | Mapping[str, Mean]) -> dict[str, float]:
    return {name: quotient.value for name, quotient in quotients.items()}


def _means(figures: Sequence[Mapping[str, float]]) -> dict[str, Mean]:
    return {name: _mean([record[name] for record in figures]) for name in figures[0]}


def _mean(values: Sequence[float]) -> Mean:
    defined = [value for value in values if not math.isnan(value)]
    total = 0.0
    for value in defined:  # one after another: sum() would round better than sumstats, from Python 3.12 on
        total += value
    return Mean(total, len(defined))
