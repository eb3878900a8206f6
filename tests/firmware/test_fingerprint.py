"""The fingerprint changes with the signal path: each constant of it, changed alone, gives another value."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ecg_edge.firmware import fingerprint

# File, constant, other value.
CHANGES = [
    ("filters.c", "POLE_RADIUS_Q14", "14700"),
    ("filters.c", "INPUT_UNITS_PER_MV", "799"),
    ("detector.c", "PEAK_HOLD", "33"),
    ("detector.c", "SHAPE_SCALE", "19"),
    ("detector.c", "SLOPE_REACH", "17"),
    ("detector.c", "AROUND_STEP", "7"),
    ("judge.c", "REFRACTORY", "108"),
    ("judge.c", "LONGEST_RR", "640"),
    ("judge.c", "NEXT_REACH", "200"),
    ("judge.c", "REJECTED_REACH", "350"),
    ("judge.c", "MATCH_REACH", "150"),
    ("judge.c", "PHASE_TOLERANCE", "6"),
    ("pattern.c", "SLOPE_LIMIT", "100"),
    ("pattern.c", "FITS", "120"),
    ("pattern.c", "FIRST_BEATS", "8"),
    ("pattern.c", "MATCH_LIMIT", "60"),
    ("ecg_core.c", "PEAK_REACH", "5"),
    ("beat_window.c", "FACTOR_Q16", "5200"),
    ("beat_window.h", "ECG_TEMPLATE_SETTLED", "13"),
    ("rhythm.c", "MEAN_INTERVALS", "15"),
    ("quality.c", "RAIL_REPEATS", "1"),
    ("quality.c", "RAIL_SAMPLES", "60"),
    ("quality.c", "THIRD", "18"),
    ("quality.c", "HUM_PURE", "4"),
    ("signal_state.c", "BLOCKS_BEFORE", "5"),
    ("signal_state.c", "DOUBT_DECAY", "9"),
    ("signal_state.c", "INDEX_MIDDLE", "880"),
    ("signal_state.c", "BAD_BELOW", "40"),
    ("signal_state.c", "GOOD_BLOCKS", "6"),
    ("signal_state.c", "FLAT_PER_MV", "100"),
    ("signal_state.c", "JUMP_HALF_MV", "5"),
    ("signal_state.c", "HUM_LOUD", "300"),
    ("signal_state.c", "MUSCLE_NOTED", "90"),
]


def fingerprint_of(core: Path, library: Path) -> int:
    """Fingerprint of the signal path in folder `core`, compiled to `library`."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    sources = map(str, sorted((core / "src").glob("*.c")))
    options = ["-std=c99", "-O1", "-shared", "-fPIC", f"-I{core / 'include'}", "-o", str(library)]
    subprocess.run([compiler, *options, *sources], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.ecg_core_fingerprint.restype = ctypes.c_uint32
    scratch = ctypes.create_string_buffer(loaded.ecg_core_state_bytes())
    return int(loaded.ecg_core_fingerprint(scratch))


@pytest.fixture
def core(project_root: Path, tmp_path: Path) -> Path:
    """A copy of the signal path that a test may change."""
    return Path(shutil.copytree(project_root / "firmware/lib/ecg_core", tmp_path / "ecg_core"))


def test_unchanged_sources_give_the_extensions_fingerprint(core: Path, tmp_path: Path) -> None:
    assert fingerprint_of(core, tmp_path / "core.so") == fingerprint()


@pytest.mark.parametrize(("name", "constant", "value"), CHANGES, ids=[change[1] for change in CHANGES])
def test_a_changed_constant_changes_the_fingerprint(
    core: Path, tmp_path: Path, name: str, constant: str, value: str
) -> None:
    source = core / "src" / name
    text, count = re.subn(rf"(#define {constant}) \S+", rf"\1 {value}", source.read_text())
    assert count == 1, f"{name} does not define {constant}"
    source.write_text(text)
    assert fingerprint_of(core, tmp_path / "core.so") != fingerprint()
