"""The fingerprint of the rhythm rules changes with each of their constants, weights and classes."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from ecg_edge.firmware.binding.rhythm import rhythm_fingerprint
from tests.support.device_c import BASE, LIBRARIES, require_program, sources_of

RULES = LIBRARIES / "ecg_rhythm/include/ecg_rhythm/ecg_rhythm_rules.h"
FIXED = ("ECG_RHYTHM_IRREGULAR_LAGS",)  # another value does not compile
CONSTANTS = [
    name for name in re.findall(r"#define (ECG_RHYTHM_\w+) \(?-?\d", RULES.read_text()) if name not in FIXED
]
# File, text, other text: what is no constant of the rules.
CHANGES = [
    ("fibrillation_weights.h", "FIBRILLATION_BIAS = ", "FIBRILLATION_BIAS = 256 + "),
    ("fibrillation_weights.h", "IRREGULAR_BIAS = ", "IRREGULAR_BIAS = 256 + "),
    (
        "fibrillation_weights.h",
        "FIBRILLATION_WEIGHT[FIBRILLATION_INPUTS] = {",
        "FIBRILLATION_WEIGHT[FIBRILLATION_INPUTS] = {1 + ",
    ),
    ("fibrillation.c", "{5, 10, 25", "{5, 15, 25"),
    ("fibrillation.c", "= 16 * mean", "= 20 * mean"),
    ("fibrillation.c", "73, 82", "74, 82"),
    ("classes.c", "NLRBejn", "NLRBej"),
    ("classes.c", "VrEF", "VrE"),
    ("runs.c", "step->evidence.certainty == 0", "step->evidence.certainty < 4"),
    ("rate.c", "slow <= ECG", "slow < ECG"),
    ("irregular.c", "ALL_FAR) {", "ALL_FAR || (interval->far & 1u)) {"),
]


def fingerprint_of(compiler: str, sources: Iterable[str], include: Path, folder: Path) -> int:
    """Compute the fingerprint of the rules in these source files, with the headers in `include`."""
    library = folder / "rhythm.so"
    headers = [f"-I{include}", f"-I{LIBRARIES / BASE / 'include'}"]
    options = ["-std=c99", "-O1", "-fPIC", "-shared", *headers]
    subprocess.run([compiler, *options, *sources, *sources_of(BASE), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.ecg_rhythm_fingerprint.restype = ctypes.c_uint32
    return int(loaded.ecg_rhythm_fingerprint(ctypes.create_string_buffer(loaded.ecg_rhythm_state_bytes())))


@pytest.fixture(scope="module")
def compiler() -> str:
    return require_program("gcc")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rules that a test may change."""
    return Path(shutil.copytree(LIBRARIES / "ecg_rhythm", tmp_path / "ecg_rhythm"))


def changed_fingerprint(compiler: str, rules: Path) -> int:
    sources = sorted(str(path) for path in (rules / "src").glob("*.c"))
    return fingerprint_of(compiler, sources, rules / "include", rules)


def test_unchanged_sources_give_the_extensions_fingerprint(compiler: str, rules: Path) -> None:
    assert changed_fingerprint(compiler, rules) == rhythm_fingerprint()
    assert rhythm_fingerprint() == rhythm_fingerprint()


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_changed_constant_changes_the_fingerprint(compiler: str, rules: Path, constant: str) -> None:
    path = rules / "include/ecg_rhythm/ecg_rhythm_rules.h"
    pattern = rf"(#define {constant}) (\(?)(-?)(\d+)"
    text, count = re.subn(pattern, lambda m: f"{m[1]} {m[2]}{m[3]}{other(int(m[4]))}", path.read_text())
    assert count == 1
    path.write_text(text)
    assert changed_fingerprint(compiler, rules) != rhythm_fingerprint()


def other(value: int) -> int:
    """Return a value that is a twentieth larger, at least one."""
    return value + max(value // 20, 1)


@pytest.mark.parametrize(("name", "text", "replacement"), CHANGES, ids=[c[0] + " " + c[1] for c in CHANGES])
def test_another_change_changes_the_fingerprint(
    compiler: str, rules: Path, name: str, text: str, replacement: str
) -> None:
    path = rules / "src" / name
    before = path.read_text()
    assert text in before
    path.write_text(before.replace(text, replacement))
    assert changed_fingerprint(compiler, rules) != rhythm_fingerprint()
