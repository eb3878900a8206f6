"""Signals that no heart makes: nothing crashes, overflows or depends on the machine."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecg_edge.firmware import Beats, SignalPath, fingerprint, process
from tests.support.core_signals import ecg
from tests.support.device_c import SANITIZERS, WARNINGS, include_options, linked_sources_of, require_program

Samples = npt.NDArray[np.int16]
ECG = ecg(seconds=12, seed=2)[0]


def check_order(samples: Samples) -> None:
    beats = process(samples)
    r_samples = beats["r_sample"].astype(int)
    assert np.all(np.diff(r_samples) >= 72)
    assert np.all(r_samples < max(1, len(samples)))
    assert np.array_equal(beats["rr_samples"][1:], np.minimum(np.diff(r_samples), 65535)[: len(beats)])


@settings(max_examples=60, deadline=None)
@given(arrays(np.int16, st.integers(0, 4000)))
def test_any_samples(samples: Samples) -> None:
    check_order(samples)


@settings(max_examples=20, deadline=None)
@given(st.integers(-32768, 32767), st.integers(-32768, 32767), st.integers(1, 400))
def test_square_waves_between_any_levels(low: int, high: int, half_period: int) -> None:
    wave = np.where(np.arange(4000) // half_period % 2, high, low)
    check_order(wave.astype(np.int16))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([20, 200, 20000]), st.sampled_from([0, 50, 60]))
def test_white_noise_at_every_gain(seed: int, adu_per_mv: int, mains_hz: int) -> None:
    samples = np.random.default_rng(seed).integers(-32768, 32768, 6000).astype(np.int16)
    beats = process(samples, adu_per_mv=adu_per_mv, mains_hz=mains_hz)
    assert np.all(np.diff(beats["r_sample"].astype(int)) >= 72)


@settings(max_examples=20, deadline=None)
@given(st.integers(-32768, 32767), st.integers(-32768, 32767), st.sampled_from([250, 360, 500]))
def test_alternating_extremes_at_every_rate(first: int, second: int, fs_hz: int) -> None:
    samples = np.tile(np.array([first, second], np.int16), 2000)
    beats = process(samples, fs_hz=fs_hz)
    assert np.all(beats["r_sample"] < len(samples)) and np.all(beats["quality"] <= 100)
    assert np.all(np.diff(beats["r_sample"].astype(int)) >= 0.2 * fs_hz - 1)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.int16, st.integers(1, 3000)),
    st.lists(st.integers(0, 3000), max_size=20),
    st.sampled_from([250, 360, 500]),
    st.sampled_from([20, 200, 20000]),
)
def test_any_samples_in_any_blocks(samples: Samples, cuts: list[int], fs_hz: int, adu_per_mv: int) -> None:
    """Noise that hypothesis shrinks, on an ECG so that there are beats."""
    signal = np.concatenate([ECG, samples])
    path = SignalPath(adu_per_mv, fs_hz=fs_hz)
    parts = [path.push(block) for block in np.split(signal, sorted(cut + 3000 for cut in cuts))]
    whole = process(signal, adu_per_mv=adu_per_mv, fs_hz=fs_hz)
    assert np.concatenate([*parts, path.finish()]).tobytes() == whole.tobytes()


@pytest.mark.parametrize("height", [-13458, 6000, 30000])
def test_a_jump_in_the_last_samples_gives_no_beat_after_the_end(height: int) -> None:
    def bumps(height: int, half_width: int, pause: int, count: int) -> npt.NDArray[np.float64]:
        rise = 1 - np.abs(np.arange(-half_width, half_width + 1)) / (half_width + 1)
        return np.tile(np.concatenate([np.zeros(pause), height * rise]), count)

    parts = [bumps(4081, 14, 32, 31), bumps(347, 7, 42, 31), np.zeros(1022), bumps(height, 2, 0, 1)]
    signal = np.trunc(np.concatenate(parts)).astype(np.int16)
    r_samples = process(signal)["r_sample"].astype(int)
    assert len(r_samples) >= 5 and r_samples.max() < len(signal) - 17


@pytest.mark.parametrize("value", [-32768, -1, 0, 1, 32767])
def test_a_constant_signal_has_no_beats(value: int) -> None:
    assert len(process(np.full(20000, value, np.int16))) == 0


def test_the_signal_comes_back_after_an_hour_at_the_rail() -> None:
    samples, r_peaks = ecg(seconds=60, seed=8)
    start = 360 * 600
    signal = np.concatenate([np.full(start, 32767, np.int16), samples])
    r_samples = process(signal)["r_sample"].astype(int) - start
    late = r_peaks[r_peaks > 360 * 10]
    found = [np.abs(r_samples - r).min() <= 3 for r in late]
    assert np.mean(found) > 0.95


@pytest.fixture(scope="module")
def harness(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The signal path as a program under AddressSanitizer and UndefinedBehaviorSanitizer."""
    compiler = require_program("gcc")
    program = tmp_path_factory.mktemp("core") / "harness"
    sources = [*linked_sources_of("ecg_core"), project_root / "tests/firmware/core_harness.c"]
    options = [*WARNINGS, *SANITIZERS, *include_options("ecg_core"), "-o", str(program)]
    subprocess.run([compiler, *options, *map(str, sources)], check=True)
    return program


def run_harness(harness: Path, samples: Samples, *arguments: str) -> list[str]:
    """Lines of the harness: the fingerprint, then each beat's R sample and CRC-32, then of the marked run."""
    done = subprocess.run(
        [str(harness), *arguments], input=samples.tobytes(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout.decode().splitlines()


def expected_lines(samples: Samples) -> list[str]:
    marks = np.arange(0, len(samples), 200)
    both = np.concatenate([process(samples), process(samples, r_peaks=marks)])
    return [f"{fingerprint():08x}", *(f"{beat['r_sample']} {beat['crc32']:08x}" for beat in both)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ecg", "noise", "extremes"])
def test_sanitizers_find_nothing_and_the_bytes_are_the_same(harness: Path, kind: str) -> None:
    random = np.random.default_rng(11)
    samples = {
        "ecg": ecg(seconds=60, seed=5)[0],
        "noise": random.integers(-32768, 32768, 30000).astype(np.int16),
        "extremes": random.choice(np.array([-32768, 0, 32767], np.int16), 30000),
    }[kind]
    assert run_harness(harness, samples) == expected_lines(samples)


def lines(beats: Beats) -> list[str]:
    return [f"{beat['r_sample']} {beat['crc32']:08x}" for beat in beats]


def read(data_dir: Path, database: str, name: str) -> Samples:
    from ecg_edge.ecg.records import load_record

    lead = "noise1" if name in ("bw", "em", "ma") else "auto"  # nstdb's recordings of noise
    return load_record(data_dir, database, name, lead=lead, annotator=None).samples


def records_of(data_dir: Path, *databases: str) -> list[tuple[str, str]]:
    return [(d, path.stem) for d in databases for path in sorted((data_dir / d).glob("*.hea"))]


@pytest.mark.slow
@pytest.mark.records
@pytest.mark.timeout(900)  # a minute on two idle cores
def test_sanitizers_find_nothing_on_records(harness: Path, data_dir: Path) -> None:
    """Every eighth record of mitdb, nstdb and svdb that is there, and the same bytes as the extension's."""

    def check(record: tuple[str, str]) -> None:
        samples = read(data_dir, *record)
        assert run_harness(harness, samples, "detected") == lines(process(samples)), record

    records = records_of(data_dir, "mitdb", "nstdb", "svdb")[::8]
    assert len(records) >= 12
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, records))


@pytest.mark.slow
@pytest.mark.records
def test_random_blocks_give_the_same_bytes_on_records(data_dir: Path) -> None:
    random = np.random.default_rng(17)
    for database, name in records_of(data_dir, "mitdb")[::4]:
        samples = read(data_dir, database, name)
        cuts = np.sort(random.integers(0, len(samples), 400))
        cuts = np.concatenate([cuts, cuts[:50] + 1, cuts[:50] + 2])  # blocks of one sample too
        path = SignalPath()
        parts = [path.push(block) for block in np.split(samples, np.sort(cuts))]
        whole = process(samples)
        assert np.concatenate([*parts, path.finish()]).tobytes() == whole.tobytes(), name


@pytest.mark.slow
@pytest.mark.parametrize(
    "compiler",
    [["gcc"], ["clang"], ["arm-none-eabi-gcc", "-mcpu=cortex-m4"]],
    ids=["gcc", "clang", "cortex-m4"],
)
def test_compiles_without_warnings(tmp_path: Path, compiler: list[str]) -> None:
    require_program(compiler[0])
    for source in linked_sources_of("ecg_core"):
        target = str(tmp_path / "core.o")
        subprocess.run(
            [*compiler, *WARNINGS, "-O2", *include_options("ecg_core"), "-c", source, "-o", target],
            check=True,
        )


@pytest.mark.slow
def test_cppcheck_finds_nothing() -> None:
    require_program("cppcheck")
    checks = ["--enable=warning,style,performance,portability", "--inline-suppr", "--error-exitcode=1"]
    options = ["--std=c99", "--quiet", *include_options("ecg_core")]
    subprocess.run(["cppcheck", *checks, *options, *linked_sources_of("ecg_core")], check=True)


def test_no_heap_and_no_floating_point() -> None:
    text = "".join(Path(source).read_text() for source in linked_sources_of("ecg_core"))
    for word in ("malloc", "free(", "float", "double"):
        assert word not in text
