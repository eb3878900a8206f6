"""Results as the text that WFDB's `bxb`, `rxr`, `epicmp` and `sumstats` print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from ecg_edge.ecg.scoring.beat_sequence import IntArray
from ecg_edge.ecg.scoring.beats import TABLE_COLUMNS, BeatComparison, Ratio
from ecg_edge.ecg.scoring.episodes import EpisodeComparison
from ecg_edge.ecg.scoring.runs import RunComparison
from ecg_edge.ecg.scoring.summary import Mean, RunSummary, Summary

_LINE_HEADER: Final = (
    "Record Nn' Sn' Vn' Fn' On'  Ns  Ss  Vs  Fs' Os' Nv  Sv   Vv  Fv' Ov' No' So' Vo' Fo'"
    "  Q Se   Q +P   V Se   V +P   S Se   S +P RR err\n"
)
_SHUTDOWN_HEADER: Final = (
    "Record Nx   Sx   Vx   Fx   Qx  % beats  % N    % S    % V    % F   Total Shutdown\n"
    "                                missed missed missed missed missed      Time\n"
)
_RUN_HEADER: Final = "Record CTs CFN CTp CFP STs SFN STp SFP LTs LFN LTp LFP  CSe C+P SSe S+P LSe L+P\n"
_SVEB_RUN_HEADER: Final = "(SVE run detection)\n" + _RUN_HEADER

_EPISODE_HEADER: Final = (
    "(AF detection)\nRecord  TPs   FN  TPp   FP  ESe E+P DSe D+P  Ref duration  Test duration \n"
)

_LINE_WIDTHS: Final = (3,) * 12 + (4,) + (3,) * 6
_QRS_VEB: Final = ("qrs_se", "qrs_ppv", "veb_se", "veb_ppv")
_LINE_FIGURES: Final = (*_QRS_VEB, "sveb_se", "sveb_ppv")
_NAMES: Final = {
    "qrs_se": "QRS sensitivity",
    "qrs_ppv": "QRS positive predictivity",
    "veb_se": "VEB sensitivity",
    "veb_ppv": "VEB positive predictivity",
    "veb_fpr": "VEB false positive rate",
    "sveb_se": "SVEB sensitivity",
    "sveb_ppv": "SVEB positive predictivity",
}


def beat_report(
    record: str, reference: str, test: str, comparison: BeatComparison, *, sveb: bool = False
) -> str:
    """Format the report of one record, as `bxb -r RECORD -a REFERENCE TEST` prints it.

    Parameters
    ----------
    record, reference, test : str
        Names of the record and of the two annotators.
    comparison : BeatComparison
        The result.
    sveb : bool
        Count supraventricular beats in a row and column of their own, as bxb's option -S does; else as
        normal.
    """
    parts = [
        f"Beat-by-beat comparison results for record {record}\nReference annotator: {reference}\n"
        f"     Test annotator: {test}\n\n",
        _report_table(comparison.table, sveb),
        _report_figures(comparison, sveb),
        _report_shutdown(comparison, sveb),
    ]
    return "".join(parts)


def beat_lines(results: Sequence[tuple[str, BeatComparison]]) -> str:
    """Format a header and one line per record, as `bxb -L` collects them in its first file."""
    return _LINE_HEADER + "".join(_beat_line(name, result) for name, result in results)


def shutdown_lines(results: Sequence[tuple[str, BeatComparison]]) -> str:
    """Format a header and one line per record, as `bxb -L` collects them in its second file."""
    return _SHUTDOWN_HEADER + "".join(_shutdown_line(name, result) for name, result in results)


def run_lines(results: Sequence[tuple[str, RunComparison]]) -> str:
    """Format a header and one line per record, as in the files of `rxr -L`: first VEB, second SVEB."""
    header = _SVEB_RUN_HEADER if results and results[0][1].kind == "sveb" else _RUN_HEADER
    return header + "".join(_run_line(name, result) for name, result in results)


def episode_lines(results: Sequence[tuple[str, EpisodeComparison]]) -> str:
    """Format a header and one line per record, as `epicmp -L -A` collects them."""
    return _EPISODE_HEADER + "".join(_episode_line(name, result) for name, result in results)


def beat_summary(summary: Summary) -> str:
    """Beat lines with gross and average, as `sumstats` prints them."""
    counts, ratios = _line_counts(summary.total.table), summary.total.ratios
    gross = "".join(_percent(summary.gross_ratios[name].percent) for name in _LINE_FIGURES)
    average = "".join(_percent(summary.means[name].percent) for name in _LINE_FIGURES)
    return (
        f"{beat_lines(summary.records)}{'_' * 132}\nSum {_padded(counts, (6, *_LINE_WIDTHS[1:]))}\n"
        f"Gross{' ' * 78}{gross}\n"
        f"Average{' ' * 76}{average}{_mean_milliseconds(summary.means['rr_error_ms'])}\n"
        f"Total QRS complexes: {ratios['qrs_se'].total}  Total VEBs: {ratios['veb_se'].total}"
        f"  Total SVEBs: {ratios['sveb_se'].total}\n{_record_count(len(summary.records))}"
    )


def shutdown_summary(summary: Summary) -> str:
    """Shutdown lines with their sums, as `sumstats` prints them."""
    counts = [summary.total.missed_in_shutdown(label).hits for label in "NSVFQ"]
    return (
        f"{shutdown_lines(summary.records)}{'_' * 72}\nSum  {_padded(counts, (4,) * 5)}"
        f"{' ' * 38}{summary.total.shutdown_s:4d} seconds\n{_record_count(len(summary.records))}"
    )


def run_summary(summary: RunSummary) -> str:
    """Run lines with gross and average, as `sumstats` prints them."""
    ratios = summary.total.ratios
    gross = "".join(_whole_percent(ratio.percent) for ratio in ratios.values())
    average = "".join(_whole_percent(mean.percent) for mean in summary.means.values())
    return (
        f"{run_lines(summary.records)}{'_' * 77}\n"
        f"Sum   {_padded(_run_counts(summary.total), (4,) + (3,) * 11)}\n"
        f"Gross{' ' * 50}{gross}\nAverage{' ' * 48}{average}\n"
        f"Total couplets: {ratios['couplet_se'].total}  Total short runs: {ratios['short_se'].total}"
        f"  Total long runs: {ratios['long_se'].total}\n{_record_count(len(summary.records))}"
    )


def _report_table(table: IntArray, sveb: bool) -> str:
    labels = TABLE_COLUMNS
    if not sveb:
        table, labels = _without_sveb(table), labels.replace("s", "")
    lines = ["               Algorithm\n", f"{' ' * 8}{'    '.join(labels)}\n"]
    lines.append(f"   {'_' * (5 * len(labels) + 1)}\n")
    for row, label in zip(table.tolist(), labels.upper(), strict=True):
        shown = row[:-2] if label in "OX" else row
        lines.append(f" {label} |{''.join(f' {count:4d}' for count in shown)}\n")
    return "".join(lines) + "\n"


def _without_sveb(table: IntArray) -> IntArray:
    """The table with row and column S added to N, shape (6, 6)."""
    merged = table.copy()
    merged[0] += merged[1]
    merged[:, 0] += merged[:, 1]
    keep = [0, 2, 3, 4, 5, 6]
    kept: IntArray = merged[keep][:, keep]
    return kept


def _report_figures(comparison: BeatComparison, sveb: bool) -> str:
    names = _LINE_FIGURES if sveb else (*_QRS_VEB, "veb_fpr")
    ratios = comparison.ratios
    lines = [
        _report_ratio(_NAMES[name], ratios[name], decimals=3 if name == "veb_fpr" else 2) for name in names
    ]
    if sveb:
        error = comparison.rr_error_ms
        lines.append(f"     RMS RR interval error: {'     -' if math.isnan(error) else f'{error:6.2f} ms'}")
    return "".join(lines) + "\n"


def _report_shutdown(comparison: BeatComparison, sveb: bool) -> str:
    total = _missed_as_bxb_counts(comparison) if sveb else comparison.missed_in_shutdown()
    lines = ["\n" + _report_ratio("Beats missed in shutdown", total)]
    groups = {"N": "N", "S": "S", "V": "V", "F": "F"} if sveb else {"N": "NS", "V": "V", "F": "F"}
    lines += [
        _report_ratio(f"{label} missed in shutdown", comparison.missed_in_shutdown(members))
        for label, members in groups.items()
    ]
    return "".join(lines) + f"       Total shutdown time: {comparison.shutdown_s:5d} seconds\n"


def _report_ratio(name: str, ratio: Ratio, decimals: int = 2) -> str:
    shown = f"{ratio.percent:6.{decimals}f}%" if ratio.total > 0 else "     - "
    return f"{name:>26}: {shown} ({ratio.hits}/{ratio.total})\n"


def _beat_line(record: str, comparison: BeatComparison) -> str:
    counts, ratios = _line_counts(comparison.table), comparison.ratios
    figures = "".join(_percent(ratios[name].percent) for name in _LINE_FIGURES)
    error = _milliseconds(comparison.rr_error_ms)
    return f"{record:>4} {_padded(counts, (5, *_LINE_WIDTHS[1:]))}{figures}{error}\n"


def _line_counts(table: IntArray) -> list[int]:
    """The 19 counts of a line: F and Q together as F', O and X as O', test labels f and q as n."""
    rows = [table[0], table[1], table[2], table[3] + table[4], table[5] + table[6]]
    columns = [[0, 3, 4], [1], [2], [5, 6]]
    return [int(row[column].sum()) for column in columns for row in rows][:-1]


def _shutdown_line(record: str, comparison: BeatComparison) -> str:
    by_label = [comparison.missed_in_shutdown(label) for label in "NSVFQ"]
    missed = "".join(_percent(ratio.percent) for ratio in (_missed_as_bxb_counts(comparison), *by_label[:4]))
    return (
        f"{record:>4} {_padded([ratio.hits for ratio in by_label], (4,) * 5)}  {missed}"
        f"{comparison.shutdown_s:5d} seconds {' '.join(str(ratio.total) for ratio in by_label)}\n"
    )


def _missed_as_bxb_counts(comparison: BeatComparison) -> Ratio:
    """With SVEB in a row of their own, bxb leaves those missed in shutdown out of the sum of all beats."""
    return Ratio(comparison.missed_in_shutdown("NVFQ").hits, comparison.missed_in_shutdown().total)


def _run_line(record: str, comparison: RunComparison) -> str:
    figures = "".join(
        _whole_percent(math.floor(ratio.percent + 0.5) if ratio.total else math.nan)  # halves upwards
        for ratio in comparison.ratios.values()
    )
    return f"{record:>4} {_padded(_run_counts(comparison), (3,) * 12)} {figures}\n"


def _episode_line(record: str, comparison: EpisodeComparison) -> str:
    counts = (comparison.found, comparison.missed, comparison.true, comparison.false)
    figures = "".join(
        f" {math.floor(ratio.percent + 0.5):3d}" if ratio.total else "   -"
        for ratio in comparison.ratios.values()
    )
    durations = [
        _elapsed(samples, comparison.fs_hz)
        for samples in (comparison.reference_samples, comparison.test_samples)
    ]
    return f"{record:>6} {_padded(counts, (4,) * 4)} {figures}  {'   '.join(durations)}\n"


def _elapsed(samples: int, fs_hz: float) -> str:
    """A duration as WFDB writes it."""
    if not samples:
        return "       0.000"
    seconds = int(samples / fs_hz)
    milliseconds = int((samples - seconds * fs_hz) * 1000 / fs_hz + 0.5)
    seconds, milliseconds = seconds + milliseconds // 1000, milliseconds % 1000
    minutes, hours = seconds // 60 % 60, seconds // 3600
    head = f"{hours:2d}:{minutes:02d}" if hours else f"   {minutes:2d}"
    return f"{head}:{seconds % 60:02d}.{milliseconds:03d}"


def _run_counts(comparison: RunComparison) -> list[int]:
    return [count for ratio in comparison.ratios.values() for count in (ratio.hits, ratio.total - ratio.hits)]


def _padded(counts: Sequence[int], widths: Sequence[int]) -> str:
    return " ".join(f"{count:{width}d}" for count, width in zip(counts, widths, strict=True))


def _percent(percent: float) -> str:
    return "      -" if math.isnan(percent) else f" {percent:6.2f}"


def _whole_percent(percent: float) -> str:
    return "   -" if math.isnan(percent) else f" {percent:3.0f}"


def _milliseconds(error_ms: float) -> str:
    return "     -" if math.isnan(error_ms) else f" {error_ms:6.2f}"


def _mean_milliseconds(mean: Mean) -> str:
    """The mean by sumstats' own arithmetic, which takes hundredths to per cent."""
    return _percent(100.0 * (mean.total / 100.0) / mean.records if mean.records else math.nan)


def _record_count(count: int) -> str:
    return f"\nSummary of results from {count} record{'' if count == 1 else 's'}\n"
