"""ST episodes by EC57: matched by extremum or half of the duration; notes of the European ST-T Database."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.annotations import Annotations, read_annotations, write_annotations
from ecg_edge.ecg.scoring.st_episodes import StEpisode, compare_st_episodes, st_annotations, st_episodes
from ecg_edge.ecg.synthetic.generator import Settings, generate
from ecg_edge.ecg.writers.wfdb import write_record
from ecg_edge.host.pipeline.morphology.st_database import detect, episodes_of, score
from ecg_edge.quantize.bundle.engines import Inputs, Int8Array

FS = 250


def annotated(*episodes: tuple[int, int] | tuple[int, int, int, int], sign: str = "-") -> Annotations:
    """Episodes of signal 0; times in s, deviation in microvolts."""
    rows = [
        StEpisode(one[0] * FS, one[1] * FS, *((one[2] * FS, one[3]) if len(one) == 4 else (None, None)))
        for one in episodes
    ]
    return st_annotations(rows, 0, [sign] * len(rows))


def test_episodes_are_read_as_they_were_written(tmp_path: Path) -> None:
    both = annotated((100, 160, 120, -250), (300, 400))
    write_annotations(tmp_path, "e0103", "atr", both, FS)
    read = read_annotations(tmp_path, "e0103", "atr")
    assert st_episodes(read, 0, 500 * FS) == [
        StEpisode(100 * FS, 160 * FS, 120 * FS, -250),
        StEpisode(300 * FS, 400 * FS),
    ]
    assert st_episodes(read, 1, 500 * FS) == []


def test_an_episode_without_an_end_lasts_to_the_end() -> None:
    open_end = Annotations.of([1000], ["s"], aux=["(ST0+"])
    assert st_episodes(open_end, 0, 5000) == [StEpisode(1000, 5000)]


@pytest.mark.parametrize(
    ("test", "found", "missed"),
    [
        ((100, 160), 1, 0),
        ((130, 200), 1, 0),  # half of the duration
        ((131, 200), 0, 1),
        ((105, 115), 1, 0),  # the extremum at 110 s
        ((90, 109), 0, 1),
        ((200, 260), 0, 1),
    ],
)
def test_matched_by_the_extremum_or_half_of_the_duration(
    test: tuple[int, int], found: int, missed: int
) -> None:
    compared = compare_st_episodes(
        annotated((100, 160, 110, -200)), annotated(test), fs_hz=FS, end_s=500
    ).episodes
    assert (compared.found, compared.missed) == (found, missed)


def test_durations_and_deviations() -> None:
    reference = annotated((100, 160, 110, -200), (300, 340, 320, -150))
    test = annotated((110, 170, 120, -180), (400, 450, 420, -120))
    both = compare_st_episodes(reference, test, fs_hz=FS, end_s=500)
    assert both.deviation_errors_uv == (20,)
    figures = both.episodes.figures
    assert figures["duration_se"] == pytest.approx(50 / 100)
    assert figures["duration_ppv"] == pytest.approx(50 / 110)
    assert figures["episode_se"] == figures["episode_ppv"] == 0.5


def test_only_the_time_that_is_compared_counts() -> None:
    reference = annotated((10, 60), (290, 330), (480, 600))
    one = compare_st_episodes(reference, reference, fs_hz=FS, start_s=300, end_s=500).episodes
    assert one.found == 2
    assert one.reference_samples == (30 + 20) * FS
    assert compare_st_episodes(reference, reference, fs_hz=FS, end_s=600, shortest_s=45).episodes.found == 2


def test_answers_for_strips_become_episodes() -> None:
    labels = (
        ["normal"] * 3 + ["st-depression"] * 4 + ["normal"] + ["st-depression"] * 4 + ["st-elevation"] * 2
    )
    ends = [(10 + 5 * i) * 360 for i in range(len(labels))]
    ((episode, sign),) = episodes_of(labels, ends, 360)
    assert sign == "-"
    assert episode.end - episode.onset == 9 * 5 * 360


class _ByLevel:
    """A network's place: ST depression where the strip's lowest tenth is low."""

    name = "by level"

    def run(self, inputs: Inputs) -> Int8Array:
        low = np.quantile(inputs["strip"], 0.1, axis=1) < -6
        return np.where(low[:, None], [0, 0, 9, 0, 0], [9, 0, 0, 0, 0]).astype(np.int8)


def test_a_synthetic_database_is_scored(tmp_path: Path) -> None:
    """One patient: 120 s without ST deviation, 90 s with -0.3 mV, 120 s without."""
    parts = [
        generate(Settings("normal", seed=3), 120),
        generate(Settings("st-depression", seed=3, st_mv=-0.3, st_shape="horizontal"), 90),
        generate(Settings("normal", seed=3), 120),
    ]
    samples = np.concatenate([one.samples[:, 0] for one in parts])
    write_record(tmp_path / "edb", "e0001", samples, fs_hz=360, adu_per_mv=200, lead="II")
    reference = st_annotations([StEpisode(120 * 360, 210 * 360, 160 * 360, -300)], 0, ["-"])
    write_annotations(tmp_path / "edb", "e0001", "atr", reference, 360)
    (compared,) = score(tmp_path, "edb", _ByLevel(), start_s=0).values()
    figures = compared.episodes.figures
    assert figures["episode_se"] == figures["episode_ppv"] == 1
    assert figures["duration_se"] > 0.8 and figures["duration_ppv"] > 0.8
    assert len(detect(_ByLevel(), samples, 200)) == 2
