"""Instructions of ecg_strip on a Cortex-M4, counted by the emulator; bytes of its state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bare_board import INSTRUCTIONS_PER_TICK, build, run
from tests.support.core_signals import ecg

PROGRAM = Path(__file__).with_name("strip_cost.c")

pytestmark = pytest.mark.device


def test_it_takes_no_more_than_the_header_says(tmp_path: Path) -> None:
    samples = ecg(seconds=12, seed=1)[0].tolist()
    values = ",".join(map(str, samples))
    (tmp_path / "samples.h").write_text(
        f"#define SAMPLES {len(samples)}u\nstatic const int16_t samples[] = {{{values}}};\n"
    )
    report = run(build(PROGRAM, "ecg_core", tmp_path))
    longest = report["longest"] * INSTRUCTIONS_PER_TICK
    mean = report["all"] * INSTRUCTIONS_PER_TICK / len(samples)
    read = report["read"] * INSTRUCTIONS_PER_TICK
    print(f"{mean:.0f} instructions per sample, at most {longest:.0f}; {read:.0f} to read")
    assert mean <= 300
    assert longest <= 1000
    assert read <= 110_000
    assert report["state_bytes"] <= 2048
