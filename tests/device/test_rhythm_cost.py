"""Instructions per beat of labels and rhythm rules on an emulated Cortex-M4; bytes of their states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.firmware.binding.rhythm import rhythm_fingerprint
from tests.support.bare_board import INSTRUCTIONS_PER_TICK, build, run

PROGRAM = Path(__file__).with_name("rhythm_cost.c")
BEATS = 2000

pytestmark = pytest.mark.device


def beats_header() -> str:
    """C text with beats of atrial fibrillation, one in ten of them ventricular."""
    random = np.random.default_rng(1)
    rr = np.maximum(random.normal(240, 60, BEATS), 110).astype(int)
    classes = np.where(random.random(BEATS) < 0.1, 2, random.integers(0, 2, BEATS))
    rows = ",".join(
        f"{{{at},{interval},{c},60,100,10,30}}"
        for at, interval, c in zip(rr.cumsum(), rr, classes, strict=True)
    )
    return (
        '#include "ecg_rhythm/ecg_rhythm.h"\n'
        f"#define BEATS {BEATS}u\nstatic const ecg_rhythm_beat_t beats[] = {{{rows}}};\n"
    )


def test_a_beat_takes_no_longer_than_the_header_says(tmp_path: Path) -> None:
    (tmp_path / "beats.h").write_text(beats_header())
    report = run(build(PROGRAM, "ecg_rhythm", tmp_path))
    mean = report["all"] * INSTRUCTIONS_PER_TICK / BEATS
    longest = report["longest"] * INSTRUCTIONS_PER_TICK
    tick = report["clock"] * INSTRUCTIONS_PER_TICK / report["samples"]
    fingerprint = report["fingerprint_ticks"] * INSTRUCTIONS_PER_TICK
    print(f"{fingerprint / 1e6:.1f} million instructions for the fingerprint")
    print(f"{mean:.0f} instructions per beat, at most {longest:.0f}; {tick:.0f} per tick")
    assert report["events"] > 100
    assert mean <= 12500 and longest <= 16000
    assert tick <= 30
    assert report["all_fingerprint"] == rhythm_fingerprint()
    assert fingerprint <= 25e6
    assert report["state_bytes"] == 1400
    label = report["longest_label"] * INSTRUCTIONS_PER_TICK
    identity = report["labels_fingerprint_ticks"] * INSTRUCTIONS_PER_TICK
    print(f"{label:.0f} instructions for a label, {identity / 1e6:.1f} million for their fingerprint")
    assert label <= 20000 and identity <= 8e6
    assert report["labels_bytes"] == 984
