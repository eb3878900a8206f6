"""The text of bxb, rxr and sumstats, character by character, for two records of the test's own making.

The expected texts are what WFDB 10.7.0's C programs printed for these very annotations, with `-f 10`.
"""
# ruff: noqa: E501 - the programs' lines are long

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.ecg.annotations import Annotations, read_annotations, write_annotations
from ecg_edge.ecg.scoring import compare_beats, compare_runs, summarize, summarize_runs, text

FS_HZ = 100

# Time, symbol, subtype, auxiliary text. All kinds of errors, flutter, shutdown, couplets, runs.
REFERENCE_1 = """
100 N, 1100 N, 1200 N, 1290 V, 1380 V, 1500 N, 1600 A, 1700 N, 1800 F, 1900 Q, 2000 [, 2400 ], 2500 N, 2600 A,
2680 A, 2760 A, 2900 N, 3000 N, 3100 ~ -1, 3400 ~ 0, 3500 V, 3600 N, 3700 N
"""
TEST_1 = """
1104 N, 1200 N, 1292 V, 1380 N, 1450 V, 1500 N, 1603 S, 1700 V, 1800 S, 1900 V, 2100 V, 2200 V, 2500 N, 2601 S,
2680 S, 2900 S, 3000 N, 3200 V, 3450 ~ -1, 3650 ~ 0, 3702 N
"""
# Atrial fibrillation and paced beats.
REFERENCE_2 = """
1200 N, 1300 N, 1350 + 0 (AFIB, 1400 N, 1500 N, 1600 N, 1650 + 0 (N, 1700 N, 1800 /, 1900 f
"""
TEST_2 = "1200 N, 1310 N, 1400 S, 1500 S, 1605 N, 1700 N, 1800 N, 1900 N"

REPORT = """\
Beat-by-beat comparison results for record r1
Reference annotator: atr
     Test annotator: qrs

               Algorithm
        n    v    f    q    o    x
   _______________________________
 N |   10    1    0    0    1    1
 V |    1    1    0    0    0    1
 F |    1    0    0    0    0    0
 Q |    0    1    0    0    0    0
 O |    0    1    0    0
 X |    0    1    0    0

           QRS sensitivity:  83.33% (15/18)
 QRS positive predictivity:  88.24% (15/17)
           VEB sensitivity:  33.33% (1/3)
 VEB positive predictivity:  25.00% (1/4)
   VEB false positive rate: 21.429% (3/14)


  Beats missed in shutdown:  11.11% (2/18)
      N missed in shutdown:   7.69% (1/13)
      V missed in shutdown:  33.33% (1/3)
      F missed in shutdown:   0.00% (0/1)
       Total shutdown time:     2 seconds
"""
SVEB_REPORT = """\
Beat-by-beat comparison results for record r1
Reference annotator: atr
     Test annotator: qrs

               Algorithm
        n    s    v    f    q    o    x
   ____________________________________
 N |    6    1    1    0    0    0    1
 S |    0    3    0    0    0    1    0
 V |    1    0    1    0    0    0    1
 F |    0    1    0    0    0    0    0
 Q |    0    0    1    0    0    0    0
 O |    0    0    1    0    0
 X |    0    0    1    0    0

           QRS sensitivity:  83.33% (15/18)
 QRS positive predictivity:  88.24% (15/17)
           VEB sensitivity:  33.33% (1/3)
 VEB positive predictivity:  25.00% (1/4)
          SVEB sensitivity:  75.00% (3/4)
SVEB positive predictivity:  60.00% (3/5)
     RMS RR interval error: 488.76 ms

  Beats missed in shutdown:  11.11% (2/18)
      N missed in shutdown:  11.11% (1/9)
      S missed in shutdown:   0.00% (0/4)
      V missed in shutdown:  33.33% (1/3)
      F missed in shutdown:   0.00% (0/1)
       Total shutdown time:     2 seconds
"""
BEAT_SUMMARY = """\
Record Nn' Sn' Vn' Fn' On'  Ns  Ss  Vs  Fs' Os' Nv  Sv   Vv  Fv' Ov' No' So' Vo' Fo'  Q Se   Q +P   V Se   V +P   S Se   S +P RR err
  r1     6   0   1   0   0   1   3   0   1   0   1   0    1   1   2   1   1   1   0  83.33  88.24  33.33  25.00  75.00  60.00 488.76
  r2     4   0   0   2   0   2   0   0   0   0   0   0    0   0   0   0   0   0   0 100.00 100.00      -      -      -   0.00  59.76
____________________________________________________________________________________________________________________________________
Sum     10   0   1   2   0   3   3   0   1   0   1   0    1   1   2   1   1   1   0
Gross                                                                                88.46  92.00  33.33  25.00  75.00  50.00
Average                                                                              91.67  94.12  33.33  25.00  75.00  37.50 274.26
Total QRS complexes: 26  Total VEBs: 3  Total SVEBs: 4

Summary of results from 2 records
"""
SHUTDOWN_SUMMARY = """\
Record Nx   Sx   Vx   Fx   Qx  % beats  % N    % S    % V    % F   Total Shutdown
                                missed missed missed missed missed      Time
  r1    1    0    1    0    0    11.11  11.11   0.00  33.33   0.00    2 seconds 9 4 3 1 1
  r2    0    0    0    0    0     0.00   0.00      -      -      -    0 seconds 6 0 0 0 2
________________________________________________________________________
Sum     1    0    1    0    0                                         2 seconds

Summary of results from 2 records
"""
VEB_RUN_SUMMARY = """\
Record CTs CFN CTp CFP STs SFN STp SFP LTs LFN LTp LFP  CSe C+P SSe S+P LSe L+P
  r1   0   1   0   0   0   0   1   0   0   1   0   0    0   -   - 100   0   -
  r2   0   0   0   0   0   0   0   0   0   0   0   0    -   -   -   -   -   -
_____________________________________________________________________________
Sum      0   1   0   0   0   0   1   0   0   1   0   0
Gross                                                     0   -   - 100   0   -
Average                                                   0   -   - 100   0   -
Total couplets: 1  Total short runs: 0  Total long runs: 1

Summary of results from 2 records
"""
SVEB_RUN_SUMMARY = """\
(SVE run detection)
Record CTs CFN CTp CFP STs SFN STp SFP LTs LFN LTp LFP  CSe C+P SSe S+P LSe L+P
  r1   0   0   0   0   0   1   1   0   0   0   0   0    -   -   0 100   -   -
  r2   0   0   1   0   0   0   0   0   0   1   0   0    - 100   -   -   0   -
_____________________________________________________________________________
Sum      0   0   1   0   0   1   1   0   0   1   0   0
Gross                                                     - 100   0 100   0   -
Average                                                   - 100   0 100   0   -
Total couplets: 0  Total short runs: 1  Total long runs: 1

Summary of results from 2 records
"""


def parse(marks: str) -> Annotations:
    words = [mark.split() for mark in marks.replace("\n", " ").split(",")]
    return Annotations.of(
        [int(word[0]) for word in words],
        [word[1] for word in words],
        [int(word[2]) if len(word) > 2 else 0 for word in words],
        [word[3] if len(word) > 3 else "" for word in words],
    )


PAIRS = {"r1": (parse(REFERENCE_1), parse(TEST_1)), "r2": (parse(REFERENCE_2), parse(TEST_2))}
LIMITS = {"fs_hz": FS_HZ, "start_s": 10, "end_s": 40}
BEATS = [(name, compare_beats(*pair, **LIMITS)) for name, pair in PAIRS.items()]
VEB_RUNS = [(name, compare_runs(*pair, kind="veb", **LIMITS)) for name, pair in PAIRS.items()]
SVEB_RUNS = [(name, compare_runs(*pair, kind="sveb", **LIMITS)) for name, pair in PAIRS.items()]


def test_report() -> None:
    assert text.beat_report("r1", "atr", "qrs", BEATS[0][1]) == REPORT


def test_report_with_sveb() -> None:
    assert text.beat_report("r1", "atr", "qrs", BEATS[0][1], sveb=True) == SVEB_REPORT


def test_beat_summary() -> None:
    assert text.beat_summary(summarize(BEATS)) == BEAT_SUMMARY


def test_shutdown_summary() -> None:
    assert text.shutdown_summary(summarize(BEATS)) == SHUTDOWN_SUMMARY


def test_run_summaries() -> None:
    assert text.run_summary(summarize_runs(VEB_RUNS)) == VEB_RUN_SUMMARY
    assert text.run_summary(summarize_runs(SVEB_RUNS)) == SVEB_RUN_SUMMARY


def test_gross_and_average() -> None:
    summary = summarize(BEATS)
    assert summary.gross["qrs_se"] == pytest.approx(23 / 26)
    assert summary.average["qrs_se"] == pytest.approx((15 / 18 + 1) / 2)
    # bxb counts the fusion beat that was called s as an error, sumstats does not.
    assert BEATS[0][1].sveb_ppv == pytest.approx(3 / 5)
    assert summary.average["sveb_ppv"] == pytest.approx((3 / 4 + 0) / 2)


def test_as_dict_holds_what_the_reports_need() -> None:
    figures = summarize(BEATS).as_dict()
    assert figures["gross"]["shutdown_s"] == 2
    assert figures["average"]["shutdown_s"] == 1
    assert figures["records"]["r1"]["qrs_ppv"] == pytest.approx(15 / 17)
    assert figures["records"]["r2"]["rr_error_ms"] == pytest.approx(59.76, abs=0.005)
    runs = summarize_runs(SVEB_RUNS).as_dict()
    assert runs["gross"]["couplet_ppv"] == runs["records"]["r2"]["couplet_ppv"] == 1


@pytest.mark.parametrize("name", PAIRS)
def test_scores_are_the_same_after_writing_and_reading(tmp_path: Path, name: str) -> None:
    reference, test = PAIRS[name]
    write_annotations(tmp_path, name, "atr", reference, FS_HZ)
    write_annotations(tmp_path, name, "qrs", test, FS_HZ)
    read = [read_annotations(tmp_path, name, annotator) for annotator in ("atr", "qrs")]
    report = text.beat_report(name, "atr", "qrs", compare_beats(*read, **LIMITS), sveb=True)
    assert report == text.beat_report(name, "atr", "qrs", dict(BEATS)[name], sveb=True)
    runs = text.run_lines([(name, compare_runs(*read, kind="sveb", **LIMITS))])
    assert runs == text.run_lines([(name, dict(SVEB_RUNS)[name])])
