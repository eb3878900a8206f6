"""EC57 scoring, with the same figures as WFDB's bxb, rxr, epicmp and sumstats.

    comparison = compare_beats(reference, test, fs_hz=360, end_s=650000 / 360)
    comparison.qrs_se, comparison.veb_ppv, comparison.rr_error_ms     # fractions and milliseconds
    runs = compare_runs(reference, test, fs_hz=360, kind="veb", end_s=650000 / 360)
    episodes = compare_episodes(reference, test, fs_hz=360, end_s=650000 / 360)  # of atrial fibrillation
    summary = summarize([("100", comparison)])                        # gross and average
    print(text.beat_summary(summary))                                 # the text that sumstats prints

The rules are ANSI/AAMI EC57's as the C programs apply them; `docs/explanation/scoring.md` states them.
"""

from ecg_edge.ecg.scoring import text
from ecg_edge.ecg.scoring.beats import (
    TABLE_COLUMNS,
    TABLE_ROWS,
    BeatComparison,
    BeatStep,
    Ratio,
    compare_beats,
    list_beats,
    match_beats,
)
from ecg_edge.ecg.scoring.episodes import EpisodeComparison, compare_episodes
from ecg_edge.ecg.scoring.runs import RunComparison, compare_runs
from ecg_edge.ecg.scoring.summary import RunSummary, Summary, summarize, summarize_runs

__all__ = [
    "TABLE_COLUMNS",
    "TABLE_ROWS",
    "BeatComparison",
    "BeatStep",
    "EpisodeComparison",
    "Ratio",
    "RunComparison",
    "RunSummary",
    "Summary",
    "compare_beats",
    "compare_episodes",
    "compare_runs",
    "list_beats",
    "match_beats",
    "summarize",
    "summarize_runs",
    "text",
]
