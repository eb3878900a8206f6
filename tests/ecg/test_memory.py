"""Numbers in a file that ask for more memory than there is: one error before anything is allocated."""

from __future__ import annotations

import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from ecg_edge.ecg import memory, records, signal_files
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.header import read_header
from ecg_edge.ecg.records import load_record
from tests.support.wfdb_files import write_edf, write_record

RAMP = np.arange(-60, 60)
LONG_GAP = "r/2 1 360\na 120\n~ 400000000\n"


@pytest.fixture
def gap(tmp_path: Path) -> Path:
    """A record whose header names 400 million frames without samples."""
    write_record(tmp_path / "d", "a", RAMP)
    (tmp_path / "d" / "r.hea").write_text(LONG_GAP)
    return tmp_path


def free(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: count)


def peak_of(work: Callable[[], Any]) -> int:
    """Memory that a function takes at most, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_gap_that_needs_more_memory_than_there_is(gap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(4_000_000_000, monkeypatch)
    text = (
        r"r\.hea: lead MLII has 400,000,120 samples \(308 h 38 min\), of them 308 h 38 min in one gap "
        r"\(segment 2 of 2\)\. Reading it takes about 13\.6 GB of memory, and this computer has 4\.0 GB"
    )

    def refused() -> None:
        with pytest.raises(RecordError, match=text):
            load_record(gap, "d", "r")

    assert peak_of(refused) < 10_000_000


def test_the_limit_of_a_shell_is_obeyed(gap: Path) -> None:
    most = 6_000_000_000
    done = subprocess.run(
        [sys.executable, "-m", "ecg_edge.host.cli.main", "analyze", str(gap / "d" / "r.hea")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
        **{"cwd": gap, "capture_output": True, "text": True},
    )
    assert done.returncode == 2
    assert "lead MLII has 400,000,120 samples" in done.stderr and "Traceback" not in done.stderr


def test_a_week_at_360_hz_fits_into_8_gb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(8_000_000_000, monkeypatch)
    asked: list[str] = []
    monkeypatch.setattr(signal_files, "_read_with_wfdb", lambda *_: asked.append("read") or RAMP)
    write_record(tmp_path / "d", "a", RAMP, length=str(7 * 86_400 * 360))
    with (tmp_path / "d" / "a.dat").open("r+b") as file:
        file.truncate(2 * 7 * 86_400 * 360)
    load_record(tmp_path, "d", "a")
    assert asked == ["read"]


def test_an_ordinary_record_is_refused_after_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record(tmp_path / "d", "a", RAMP)
    free(20 * len(RAMP) - 1, monkeypatch)
    with pytest.raises(
        RecordError, match=r"a\.dat: lead MLII has 120 samples \(0\.33 s\)\. Reading it takes"
    ):
        load_record(tmp_path, "d", "a")
    free(20 * len(RAMP), monkeypatch)
    assert len(load_record(tmp_path, "d", "a").samples) == 120
    free(0, monkeypatch)
    write_record(tmp_path / "d", "a", RAMP, length="2000000000")
    with pytest.raises(RecordError, match=r"a\.dat: truncated"):
        load_record(tmp_path, "d", "a")


@pytest.mark.parametrize("is_joined", [False, True])
def test_the_estimate_is_what_reading_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_joined: bool
) -> None:
    count, asked = 300_000, [0]
    write_record(tmp_path / "d", "a", np.arange(count) % 2000 - 1000)
    (tmp_path / "d" / "r.hea").write_text(f"r/2 1 360\na {count}\n~ {count}\n")
    name, fs_hz = ("r", 360) if is_joined else ("a", 360)
    load_record(tmp_path, "d", name, fs_hz=fs_hz)  # imports are no part of it
    monkeypatch.setattr(signal_files, "require_memory", lambda path, what, needed: asked.append(needed))
    peak = peak_of(lambda: load_record(tmp_path, "d", name, fs_hz=fs_hz))
    assert 0.75 * max(asked) < peak < 1.05 * max(asked)


def test_a_rate_that_is_far_too_low(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(tmp_path / "d", "a", RAMP, rate="0.001")
    free(1_000_000_000, monkeypatch)
    with pytest.raises(
        RecordError, match=r"a\.hea: 120 samples at 0\.001 Hz are 43,200,000 at 360 Hz\. Reading"
    ):
        load_record(tmp_path, "d", "a")


@pytest.mark.parametrize(("rate", "fs_hz"), [("128", 360), ("360", 250), ("128.0513", 360)])
def test_the_estimate_of_a_conversion_is_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: str, fs_hz: int
) -> None:
    asked = [0]
    write_record(tmp_path / "d", "a", np.arange(300_000) % 2000 - 1000, rate=rate)
    header = read_header(tmp_path / "d" / "a.hea")
    raw = signal_files.read_signal(header, 0)
    records.to_device(raw, fs_hz)
    monkeypatch.setattr(records, "require_memory", lambda path, what, needed: asked.append(needed))
    records.check_resampling(header.path, raw, fs_hz)
    peak = peak_of(lambda: records.to_device(raw, fs_hz))
    assert 0.5 * max(asked) < peak < 1.1 * max(asked)


def test_the_header_of_an_edf_file_is_read_without_its_samples(tmp_path: Path) -> None:
    write_edf(tmp_path / "d" / "n.edf", [("ECG", "mV", (-5.0, 5.0), np.arange(500))], records=2)
    with (tmp_path / "d" / "n.edf").open("r+b") as file:
        file.truncate(200_000_000)
    assert peak_of(lambda: read_header(tmp_path / "d" / "n.edf")) < 10_000_000


def test_a_header_of_gigabytes_is_damaged(tmp_path: Path) -> None:
    with (tmp_path / "r.hea").open("wb") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(RecordError, match=r"r\.hea: damaged header \(more than 50 MB\)"):
        read_header(tmp_path / "r.hea")


def test_samples_per_frame_without_end(tmp_path: Path) -> None:
    (tmp_path / "r.hea").write_text(f"r 1 360 10\nr.dat 16x{'9' * 20} 200 12 0 0 0 0 II\n")
    with pytest.raises(RecordError, match="samples per frame '99999999999999999999'"):
        read_header(tmp_path / "r.hea")


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """6,000,000 bytes free in memory and swap space, no limit of a shell; folder for a container's limits."""
    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: SimpleNamespace(total=9_000_000, available=5_000_000)
    )
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(total=2_000_000, free=1_000_000))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(memory, "_GROUPS", tmp_path)
    return tmp_path


def test_free_memory_is_the_least_of_all_limits(groups: Path) -> None:
    assert memory.free_bytes() == 6_000_000
    (groups / "memory.max").write_text("max\n")
    assert memory.free_bytes() == 6_000_000
    (groups / "memory.max").write_text("3000000\n")
    (groups / "memory.stat").write_text("anon 1000000\nfile 900000\n")
    assert memory.free_bytes() == 2_000_000
    (groups / "memory.stat").write_text("anon 4000000\n")
    assert memory.free_bytes() == 0


def test_the_first_version_of_cgroups_limits_too(groups: Path) -> None:
    (groups / "memory").mkdir()
    (groups / "memory" / "memory.limit_in_bytes").write_text("3000000\n")
    (groups / "memory" / "memory.stat").write_text("cache 900000\ntotal_rss 1000000\n")
    assert memory.free_bytes() == 2_000_000


def test_free_address_space_is_what_the_process_has_not_taken(
    groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda _: (taken + 2_000_000, resource.RLIM_INFINITY))
    assert abs(memory.free_bytes() - 2_000_000) < 1_000_000


def test_free_memory_of_this_computer() -> None:
    most = psutil.virtual_memory().total + psutil.swap_memory().total
    assert 50_000_000 < memory.free_bytes() < most
