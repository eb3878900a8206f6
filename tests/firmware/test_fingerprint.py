"""The fingerprint changes with the signal path: each constant of it, changed alone, gives another value."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ecg_edge.firmware import fingerprint
from tests.support.device_c import LIBRARIES
from tests.support.fingerprints import ChangedLibrary

# File, constant, other value.
CHANGES = [
    ("filters.h", "ECG_FILTER_POLE_RADIUS_Q14", "14700"),
    ("input.h", "ECG_INPUT_FRACTION_BITS", "5"),
    ("detector.h", "ECG_DETECTOR_PEAK_HOLD", "33"),
    ("detector.c", "SHAPE_SCALE", "19"),
    ("detector.c", "SLOPE_REACH", "17"),
    ("detector.c", "AROUND_STEP", "7"),
    ("qrs_classifier.c", "REFRACTORY", "108"),
    ("qrs_classifier.c", "LONGEST_RR", "640"),
    ("qrs_classifier.c", "NEXT_REACH", "200"),
    ("qrs_classifier.c", "REJECTED_REACH", "350"),
    ("qrs_classifier.c", "MATCH_REACH", "150"),
    ("qrs_classifier.c", "PHASE_TOLERANCE", "6"),
    ("qrs_classifier.c", "LIKE_ENERGY", "20"),
    ("qrs_start.c", "NOISE_SHARE", "30"),
    ("ecg_core.c", "START_SAMPLES", "700"),
    ("matched_filter.c", "SLOPE_LIMIT", "100"),
    ("matched_filter.c", "MATCHED_CORR_Q7", "120"),
    ("matched_filter.c", "FIRST_BEATS", "8"),
    ("matched_filter.c", "GAIN_LIMIT", "60"),
    ("ecg_core.c", "PEAK_REACH", "5"),
    ("average_beat.c", "FACTOR_Q16", "5200"),
    ("average_beat.c", "SETTLED_BEATS", "13"),
    ("average_beat.c", "QRS_FIRST", "0"),
    ("average_beat.c", "SAME_SHAPE_PERCENT", "99"),
    ("average_beat.c", "OWN_VOTES", "1"),
    ("average_beat.c", "MOST_VOTES", "10"),
    ("average_beat.c", "KNOWN_VOTES", "8"),
    ("rr_features.c", "MEAN_INTERVALS", "15"),
    ("rr_features.c", "REGULAR_MOST_PERCENT", "115"),
    ("rr_context.c", "EARLY", "(-30)"),
    ("rr_context.c", "CORE", "9"),
    ("rr_context.c", "RECENT", "4"),
    ("beat_segments.c", "SLOPE_PERCENT", "40"),
    ("beat_segments.c", "P_DISTANCE_UNIT", "4"),
    ("beat_segments.c", "RESIDUAL_BEATS", "4"),
    ("ventricular_features.c", "PHASE_DELAY", "40"),
    ("ventricular.c", "SCORE_LIMIT", "700"),
    ("ventricular.c", "THRESHOLD", "(-300)"),
    ("ventricular_features.c", "FIRST_LAG", "9"),
    ("sqi_measures.c", "RAIL_REPEATS", "1"),
    ("sqi_measures.c", "RAIL_FAULT", "400"),
    ("sqi_measures.c", "THIRD", "16"),
    ("sqi_measures.c", "HUM_PURE", "4"),
    ("sqi.c", "BLOCKS_BEFORE", "5"),
    ("sqi.c", "UNCERTAINTY_DECAY", "9"),
    ("sqi.c", "INDEX_MIDDLE", "500"),
    ("sqi.c", "BAD_BELOW", "20"),
    ("sqi.c", "GOOD_BLOCKS", "6"),
    ("sqi.c", "FLAT_PER_MV", "50"),
    ("ecg_core.c", "LONGEST_RR_SAMPLES", "1080"),
    ("ecg_core.c", "LONGEST_RR_SAMPLES", "600"),
    ("sqi.c", "REPETITION_WEIGHT", "300"),
    ("sqi.c", "RESTLESSNESS_WEIGHT_Q6", "10"),
    ("sqi.c", "JUMP_HALVES", "1"),
    ("sqi.c", "HUM_SHARE", "4"),
    ("sqi.c", "FAST_SHARE", "20"),
    ("sqi_repetition.c", "DECAY_BITS", "5"),
    ("sqi_gap.c", "GAP_SAMPLES", "200"),
    ("sqi_gap.c", "DOUBT_CORRELATION_Q6", "65"),
    ("sqi_gap.c", "ENERGY_SHARE", "40"),
    ("sqi.c", "MUSCLE_NOTED", "50"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ChangedLibrary:
    return ChangedLibrary("ecg_core", tmp_path_factory.mktemp("objects"))


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """A copy of the signal path's sources that a test may change."""
    return Path(shutil.copytree(LIBRARIES / "ecg_core" / "src", tmp_path / "src"))


def test_unchanged_sources_give_the_extensions_fingerprint(library: ChangedLibrary, tmp_path: Path) -> None:
    assert library.fingerprint("ecg_core_fingerprint", tmp_path) == fingerprint()


def including(core: Path, name: str) -> list[Path]:
    """The source files that a change of `name` compiles again: itself, or all that include the header."""
    if name.endswith(".c"):
        return [core / name]
    files = [file.name for file in sorted(core.glob("*.[ch]")) if f'"{name}"' in file.read_text()]
    return [source for file in files for source in including(core, file)]


@pytest.mark.parametrize(("name", "constant", "value"), CHANGES, ids=[change[1] for change in CHANGES])
def test_a_changed_constant_changes_the_fingerprint(
    library: ChangedLibrary, core: Path, tmp_path: Path, name: str, constant: str, value: str
) -> None:
    text, count = re.subn(rf"(#define {constant}) \S+", rf"\1 {value}", (core / name).read_text())
    assert count == 1, f"{name} does not define {constant}"
    (core / name).write_text(text)
    changed = including(core, name)
    assert library.fingerprint("ecg_core_fingerprint", tmp_path, changed) != fingerprint()
