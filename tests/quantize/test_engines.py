"""The engines on this computer, and the compiler that one of them needs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import BundleError, ToolError
from ecg_edge.quantize.bundle import compile as compiling
from ecg_edge.quantize.bundle.engines import (
    GeneratedEngine,
    Int8Array,
    TflmEngine,
    reference_engine,
    tflm_available,
)
from ecg_edge.quantize.bundle.golden import load_golden
from ecg_edge.quantize.bundle.manifest import Bundle, load_bundle

needs_tflm = pytest.mark.skipif(not tflm_available(), reason="the tflite-micro wheel is not installed")


def random_beats(count: int) -> dict[str, Int8Array]:
    """Make random tensors, (count, 128, 2) and (count, 8)."""
    rng = np.random.default_rng(3)
    shapes = {"beat": (count, 128, 2), "rhythm": (count, 27)}
    return {name: rng.integers(-128, 128, shape).astype(np.int8) for name, shape in shapes.items()}


def tflm_engine(bundle: Bundle) -> TflmEngine:
    """Create TFLM with a bundle's model."""
    return TflmEngine(bundle.model_path, bundle.manifest.input_names)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_generated_engine_gives_the_golden_logits(shipped_bundle: Path) -> None:
    bundle = load_bundle(shipped_bundle)
    golden = load_golden(bundle)
    logits = GeneratedEngine(bundle.c_path).run(golden.inputs)
    np.testing.assert_array_equal(logits, golden.logits)


@needs_tflm
def test_both_engines_agree_on_random_beats(shipped_bundle: Path) -> None:
    bundle, beats = load_bundle(shipped_bundle), random_beats(500)
    expected = tflm_engine(bundle).run(beats)
    np.testing.assert_array_equal(GeneratedEngine(bundle.c_path).run(beats), expected)


@needs_tflm
def test_tflm_is_the_reference_where_its_wheel_is(shipped_bundle: Path) -> None:
    assert reference_engine(load_bundle(shipped_bundle)).name == "tflm"


def test_the_generated_engine_is_the_reference_elsewhere(
    shipped_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    assert reference_engine(load_bundle(shipped_bundle)).name == "generated"
    with pytest.raises(ToolError, match="the tflite-micro wheel is not installed"):
        tflm_engine(load_bundle(shipped_bundle))


def test_no_beats_give_no_logits(shipped_bundle: Path) -> None:
    bundle, beats = load_bundle(shipped_bundle), random_beats(0)
    engines = [GeneratedEngine(bundle.c_path), *([tflm_engine(bundle)] if tflm_available() else [])]
    for engine in engines:
        assert engine.run(beats).shape == (0, len(bundle.manifest.labels))


def test_beats_that_are_not_int8_are_refused(shipped_bundle: Path) -> None:
    beats = random_beats(2)
    engine = GeneratedEngine(load_bundle(shipped_bundle).c_path)
    with pytest.raises(ValueError, match="int8"):
        engine.run({**beats, "beat": beats["beat"].astype(np.int16)})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="same length"):
        engine.run({**beats, "beat": beats["beat"][:1]})


def test_inputs_of_other_names_are_refused(shipped_bundle: Path) -> None:
    bundle, beats = load_bundle(shipped_bundle), random_beats(2)
    engines = [GeneratedEngine(bundle.c_path), *([tflm_engine(bundle)] if tflm_available() else [])]
    for engine in engines:
        with pytest.raises(BundleError, match=r"beat, rhythm.*beat, rr"):
            engine.run({"beat": beats["beat"], "rr": beats["rhythm"]})
        with pytest.raises(BundleError, match="beat, rhythm"):
            engine.run({"beat": beats["beat"]})


def test_a_file_that_tflm_cannot_run_is_named(tmp_path: Path) -> None:
    if not tflm_available():
        pytest.skip("the tflite-micro wheel is not installed")
    with pytest.raises(BundleError, match=r"none\.tflite: TFLM cannot run it"):
        TflmEngine(tmp_path / "none.tflite", ["beat"])


def test_a_folder_without_a_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"network\.h: cannot be read"):
        GeneratedEngine(tmp_path)
    (tmp_path / "network.h").write_text("#define SOME_ARENA_BYTES 5\n")
    with pytest.raises(BundleError, match=r"network\.h"):
        GeneratedEngine(tmp_path)


def test_a_missing_compiler_is_an_error_that_says_what_to_install(
    shipped_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(ToolError, match=r"no C compiler found \(looked for cc, gcc, clang\)\. Install one"):
        GeneratedEngine(load_bundle(shipped_bundle).c_path)


def test_what_the_compiler_says_is_shown(tmp_path: Path, empty_cache: Path) -> None:
    (tmp_path / "bad.c").write_text("int broken(void) { return missing; }\n")
    with pytest.raises(ToolError, match="missing"):
        compiling.compile_library([tmp_path / "bad.c"])


def test_the_same_sources_are_compiled_once(tmp_path: Path, empty_cache: Path) -> None:
    source = tmp_path / "one.c"
    source.write_text("int one(void);\nint one(void) { return 1; }\n")
    first = compiling.compile_library([source])
    written = first.stat().st_mtime_ns
    assert compiling.compile_library([source]) == first
    assert first.stat().st_mtime_ns == written
    source.write_text("int one(void);\nint one(void) { return 2; }\n")
    assert compiling.load_library(compiling.compile_library([source])).one() == 2


def test_a_changed_header_is_compiled_again(tmp_path: Path, empty_cache: Path) -> None:
    (tmp_path / "n.h").write_text("#define N 1\n")
    (tmp_path / "n.c").write_text('#include "n.h"\nint n(void);\nint n(void) { return N; }\n')
    first = compiling.compile_library([tmp_path / "n.c"], [tmp_path])
    (tmp_path / "n.h").write_text("#define N 2\n")
    assert compiling.compile_library([tmp_path / "n.c"], [tmp_path]) != first


def test_a_damaged_library_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(b"no library")
    with pytest.raises(ToolError, match=r"x\.so: cannot be loaded"):
        compiling.load_library(tmp_path / "x.so")
