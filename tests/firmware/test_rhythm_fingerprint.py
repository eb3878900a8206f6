"""The fingerprint of the rhythm rules changes with each of their constants, weights and classes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ecg_edge.firmware.binding._ecg_rhythm import ffi, lib
from ecg_edge.firmware.binding.rhythm import rhythm_fingerprint
from tests.support.device_c import LIBRARIES
from tests.support.fingerprints import ChangedLibrary

RULES = LIBRARIES / "ecg_rhythm/include/ecg_rhythm/ecg_rhythm_rules.h"
STATE = RULES.with_name("ecg_rhythm_state.h")
SOURCES = LIBRARIES / "ecg_rhythm/src"
LABELS = SOURCES / "labels_rules.h"
LABEL_CONSTANTS = re.findall(r"#define (\w+) \d", LABELS.read_text())
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
    ("ecg_rhythm.c", "is_premature && in_fibrillation", "false && is_premature && in_fibrillation"),
    ("irregular.c", "ALL_FAR) {", "ALL_FAR || (interval->far & 1u)) {"),
]
# The same of the labels.
LABEL_CHANGES = [
    ("labels.c", "outputs[i] > outputs[best]", "outputs[i] >= outputs[best]"),
    ("labels.c", "+ mine) * in_shape", "+ mine) * in_all"),
    ("labels.c", "is_premature ? normal : label", "label"),
    ("labels.c", "!beat->is_learning || !is_ectopic", "!is_ectopic"),
    ("shapes.c", "difference, shape->beats", "difference, 8"),
    ("shapes.c", "shift <= ECG_RHYTHM_SHAPE_SHIFT", "shift < ECG_RHYTHM_SHAPE_SHIFT"),
    ("shapes.c", "is_older = (int32_t)(shape->last - least->last) < 0", "is_older = false"),
]


def rules_fingerprint() -> int:
    """Return the first part of `rhythm_fingerprint`."""
    memory = ffi.new("char[]", lib.ecg_rhythm_state_bytes() + 8)
    return int(lib.ecg_rhythm_fingerprint(ffi.cast("ecg_rhythm_state_t *", memory)))


def labels_fingerprint(crc: int = 0) -> int:
    """Return the second part, which continues the first."""
    memory = ffi.new("char[]", lib.labels_bytes() + 8)
    return int(lib.ecg_rhythm_labels_fingerprint(ffi.cast("ecg_rhythm_labels_t *", memory), crc))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ChangedLibrary:
    return ChangedLibrary("ecg_rhythm", tmp_path_factory.mktemp("objects"))


def test_unchanged_sources_give_the_extensions_fingerprint(library: ChangedLibrary, tmp_path: Path) -> None:
    assert library.fingerprint("ecg_rhythm_fingerprint", tmp_path) == rules_fingerprint()
    assert library.fingerprint("ecg_rhythm_labels_fingerprint", tmp_path, more=(0,)) == labels_fingerprint()
    assert rhythm_fingerprint() == labels_fingerprint(rules_fingerprint()) == rhythm_fingerprint()


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_changed_constant_changes_the_fingerprint(
    library: ChangedLibrary, tmp_path: Path, constant: str
) -> None:
    """All files are compiled again where it is a size in the state; else the one that has every constant."""
    pattern = rf"(#define {constant}) (\(?)(-?)(\d+)"
    text, count = re.subn(pattern, lambda m: f"{m[1]} {m[2]}{m[3]}{other(int(m[4]))}", RULES.read_text())
    assert count == 1
    header = tmp_path / "include/ecg_rhythm" / RULES.name
    header.parent.mkdir(parents=True)
    header.write_text(text)
    is_size = constant in STATE.read_text() or constant in (SOURCES / "private.h").read_text()
    sources = sorted(SOURCES.glob("*.c")) if is_size else [SOURCES / "fingerprint.c"]
    changed = library.fingerprint("ecg_rhythm_fingerprint", tmp_path, sources, [tmp_path / "include"])
    assert changed != rules_fingerprint()


def other(value: int) -> int:
    """Return a value that is a twentieth larger, at least one."""
    return value + max(value // 20, 1)


def changed_sources(folder: Path, name: str, text: str, replacement: str) -> Path:
    """Copy the sources into `folder`, with a change in one of them."""
    before = (SOURCES / name).read_text()
    assert text in before
    copy = Path(shutil.copytree(SOURCES, folder / "src"))
    (copy / name).write_text(before.replace(text, replacement))
    return copy


@pytest.mark.parametrize(("name", "text", "replacement"), CHANGES, ids=[c[0] + " " + c[1] for c in CHANGES])
def test_another_change_changes_the_fingerprint(
    library: ChangedLibrary, tmp_path: Path, name: str, text: str, replacement: str
) -> None:
    folder = changed_sources(tmp_path, name, text, replacement)
    # A header is compiled again with the one file that includes it.
    source = folder / ("fibrillation.c" if name == "fibrillation_weights.h" else name)
    assert library.fingerprint("ecg_rhythm_fingerprint", tmp_path, [source]) != rules_fingerprint()


@pytest.mark.parametrize("constant", LABEL_CONSTANTS)
def test_a_changed_constant_of_the_labels_changes_theirs(
    library: ChangedLibrary, tmp_path: Path, constant: str
) -> None:
    text, count = re.subn(
        rf"(#define {constant}) (\d+)", lambda m: f"{m[1]} {other(int(m[2]))}", LABELS.read_text()
    )
    assert count == 1
    folder = Path(shutil.copytree(SOURCES, tmp_path / "src"))
    (folder / LABELS.name).write_text(text)
    found = library.fingerprint(
        "ecg_rhythm_labels_fingerprint", tmp_path, [folder / "labels_fingerprint.c"], more=(0,)
    )
    assert found != labels_fingerprint()


@pytest.mark.parametrize(("name", "text", "replacement"), LABEL_CHANGES, ids=[c[1] for c in LABEL_CHANGES])
def test_another_change_of_the_labels_changes_theirs(
    library: ChangedLibrary, tmp_path: Path, name: str, text: str, replacement: str
) -> None:
    folder = changed_sources(tmp_path, name, text, replacement)
    found = library.fingerprint("ecg_rhythm_labels_fingerprint", tmp_path, [folder / name], more=(0,))
    assert found != labels_fingerprint()
