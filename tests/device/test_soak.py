"""Six hours of the native program, and that a soak finds what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ecg_edge.host.devices.soak import soak
from tests.support.core_signals import ADU_PER_MV, ecg

pytestmark = pytest.mark.device
SECONDS, HOURS = 60, 6
SAMPLES = HOURS * 3600 * 360


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_six_hours_have_no_drift_and_its_counters_add_up(shipped_image: Callable[[str], Path]) -> None:
    signal = ecg(SECONDS, 1)[0]
    found = soak(shipped_image("native"), signal, ADU_PER_MV, HOURS)
    assert found.faults(SAMPLES) == []
    assert found.beats > HOURS * 3600
    assert replace(found, beats=found.beats + 1).faults(SAMPLES)
    assert replace(found, samples=found.samples - 1).faults(SAMPLES)
    assert replace(found, beats_per_repeat=[70] * 30 + [71]).faults(SAMPLES)
