"""Instructions per sample of the signal path on a Cortex-M4, counted by the emulator; bytes of its state."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.ecg.records import load_record
from tests.support.bare_board import INSTRUCTIONS_PER_TICK, build, run

PROGRAM = Path(__file__).with_name("core_cost.c")
SAMPLES = 200_000

pytestmark = [pytest.mark.device, pytest.mark.records]


@pytest.mark.parametrize("name", ["105", "203", "207", "232"])
def test_no_sample_takes_longer_than_the_header_says(name: str, data_dir: Path, tmp_path: Path) -> None:
    samples = load_record(data_dir, "mitdb", name).samples[:SAMPLES].tolist()
    values = ",".join(map(str, samples))
    (tmp_path / "samples.h").write_text(
        f"#define SAMPLES {len(samples)}u\nstatic const int16_t samples[] = {{{values}}};\n"
    )
    report = run(build(PROGRAM, "ecg_core", tmp_path))
    longest = report["longest"] * INSTRUCTIONS_PER_TICK
    mean = report["all"] * INSTRUCTIONS_PER_TICK / len(samples)
    print(f"record {name}: {mean:.0f} instructions per sample, at most {longest:.0f}")
    assert longest <= 9000
    assert mean <= 850
    assert report["state_bytes"] <= 10240
