"""Episodes by the rules of WFDB's epicmp: the lines that the C program printed for annotations of our own."""

from __future__ import annotations

import math

import pytest

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.scoring import compare_episodes, text
from ecg_edge.ecg.scoring.episodes import find_episodes

FS_HZ, LENGTH = 360.0, 250_000


def annotations(words: str) -> Annotations:
    """From words such as 130000:(AFIB or 131000:N: a sample with a rhythm's note, or with a beat's symbol."""
    pairs = [word.split(":") for word in words.split()]
    at = [int(sample) for sample, _ in pairs]
    symbols = ["+" if what.startswith("(") else what for _, what in pairs]
    return Annotations.of(at, symbols, aux=[what if what.startswith("(") else "" for _, what in pairs])


# What `epicmp -r pair -a ref tst -L -A -` of WFDB 10.7.0 printed, the record being 250,000 samples long.
PRINTED = [
    pytest.param(
        "130000:(AFIB 180000:(N",
        "132000:(AFIB 170000:(N",
        "  pair    1    0    1    0  100 100  76 100      2:18.889       1:45.556",
        id="one episode, found late and lost early",
    ),
    pytest.param(
        "120000:(AFIB 130000:(VT 131000:(AFIB 150000:(N",
        "118000:(AFIB 160000:(N",
        "  pair    2    0    1    0  100 100 100  69      1:20.556       1:56.667",
        id="two found by one",
    ),
    pytest.param(
        "120000:(AFIB 170000:(N",
        "115000:(AFIB 130000:(N 160000:(AFIB 190000:(N",
        "  pair    1    0    2    0  100 100  40  44      2:18.889       2:05.000",
        id="one found in two pieces",
    ),
    pytest.param(
        "90000:(AFIB 120000:(N",
        "100000:(AFIB 110000:(N 115000:(AFIB 117000:(N",
        "  pair    1    0    2    0  100 100  33 100      0:33.333       0:11.111",
        id="begun in the first five minutes",
    ),
    pytest.param(
        "50000:(AFIB 107999:(N",
        "50000:(AFIB 108000:(N",
        "  pair    0    0    0    1    -   0   -   -         0.000          0.000",
        id="ended in the first five minutes",
    ),
    pytest.param(
        "200000:(AFIB",
        "210000:(AFIB 220000:N",
        "  pair    1    0    1    0  100 100  80 100      2:18.889       1:51.111",
        id="open to the end",
    ),
    pytest.param(
        "120000:(AFL 140000:(AFIB 150000:(AFL 160000:(N",
        "120000:(AFIB 160000:(N",
        "  pair    1    0    1    0  100 100 100  25      0:27.778       1:51.111",
        id="flutter is no fibrillation",
    ),
    pytest.param(
        "120000:(AFIB 140000:(N",
        "140000:(AFIB 150000:(N",
        "  pair    0    1    0    1    0   0   0   0      0:55.556       0:27.778",
        id="meeting without overlap",
    ),
    pytest.param(
        "1000:(N",
        "150000:(AFIB 150400:(N",
        "  pair    0    0    0    1    -   0   -   0         0.000       0:01.111",
        id="nothing in the reference",
    ),
    pytest.param(
        "120000:(AFIB 121000:(SVTA",
        "1000:(N 2000:V",
        "  pair    0    1    0    0    0   -   0   -      0:02.778          0.000",
        id="nothing found",
    ),
    pytest.param(
        "120000:(AFIB 255000:(N",
        "251000:(AFIB 260000:(N",
        "  pair    0    1    0    0    0   -   0   -      6:01.111          0.000",
        id="beyond the end",
    ),
]


@pytest.mark.parametrize(("reference", "test", "printed"), PRINTED)
def test_the_line_is_that_of_the_c_program(reference: str, test: str, printed: str) -> None:
    comparison = compare_episodes(
        annotations(reference), annotations(test), fs_hz=FS_HZ, end_s=LENGTH / FS_HZ
    )
    lines = text.episode_lines([("pair", comparison)]).splitlines()
    assert lines[0] == "(AF detection)"
    assert lines[2] == printed


def test_counts_and_figures() -> None:
    reference, test = (
        annotations("120000:(AFIB 140000:(N 150000:(AFIB 151000:(N"),
        annotations("130000:(AFIB"),
    )
    result = compare_episodes(reference, test, fs_hz=FS_HZ, end_s=LENGTH / FS_HZ)
    assert (result.found, result.missed, result.true, result.false) == (2, 0, 1, 0)
    assert result.figures["duration_se"] == 11 / 21
    assert result.figures["duration_ppv"] == 11 / 120
    assert result.figures["test_s"] == 120_000 / 360
    both = result + result
    assert both.ratios["episode_se"] == (4, 4)
    assert both.figures["duration_se"] == result.figures["duration_se"]
    with pytest.raises(ValueError, match="Hz"):
        _ = result + compare_episodes(reference, test, fs_hz=128.0, end_s=1.0)


def test_what_is_not_there_has_no_figures() -> None:
    empty = annotations("")
    result = compare_episodes(empty, empty, fs_hz=FS_HZ, end_s=LENGTH / FS_HZ)
    assert all(math.isnan(ratio.value) for ratio in result.ratios.values())


def test_another_rhythm_and_other_limits() -> None:
    bigeminy = annotations("1000:(B 5000:(N 9000:(BII 9500:(N")
    assert find_episodes(bigeminy, "(B", LENGTH).tolist() == [[1000, 5000], [9000, 9500]]
    result = compare_episodes(bigeminy, bigeminy, fs_hz=FS_HZ, end_s=10.0, start_s=5.0, rhythm="(B")
    assert (result.reference_samples, result.reference_overlap) == (1800, 1800)
