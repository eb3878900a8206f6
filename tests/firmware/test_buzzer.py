"""Patterns and priorities of the buzzer."""

from __future__ import annotations

import ctypes
import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from ecg_edge.firmware.binding.rhythm import ALARM_KINDS
from tests.support.c_tables import c_table
from tests.support.device_c import WARNINGS, include_options, linked_sources_of

TRAPS = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-shared", "-fPIC"]
BEGIN, UPDATE, END = range(3)
ASYSTOLE, TACHYCARDIA, COUPLET, IRREGULAR, LEADS_OFF, HEART_RATE = 3, 5, 6, 11, 15, 1
PATTERNS = {row[0]: [int(field) for field in row[1:5]] for row in c_table("src/buzzer.h", "BUZZER_PATTERNS")}
STEP_MS = 10


class Buzzer:
    """A buzzer and its clock."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.c, self.now_ms = library, 1000
        library.buzzer_reset()
        library.harness_sounds(0, False)

    def event(self, kind: int, phase: int) -> None:
        self.c.buzzer_event(kind, phase, self.now_ms)

    def hear(self, seconds: float, wanted: bool = True) -> list[int]:
        """Lengths in ms of what is heard: the first is silence, then pulses and silences in turns."""
        found = []
        for _ in range(round(1000 * seconds / STEP_MS)):
            found.append(self.c.harness_sounds(self.now_ms, wanted))
            self.now_ms += STEP_MS
        runs = [(on, STEP_MS * len(list(group))) for on, group in groupby(found)]
        return [0, *(ms for _, ms in runs)] if runs[0][0] else [ms for _, ms in runs]

    def pulses(self, seconds: float, wanted: bool = True) -> list[int]:
        """Lengths of the pulses alone."""
        return self.hear(seconds, wanted)[1::2]


@pytest.fixture(scope="module")
def library(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("buzzer") / "buzzer.so"
    source = project_root / "firmware/src"
    options = [*WARNINGS, *TRAPS, f"-I{source}", *include_options("ecg_rhythm", "ecg_store", "ecg_core")]
    files = [str(project_root / "tests/firmware/buzzer_harness.c"), str(source / "buzzer.c")]
    libraries = linked_sources_of("ecg_rhythm", "ecg_core")
    subprocess.run(["gcc", *options, *files, *libraries, "-o", str(output)], check=True)
    loaded = ctypes.CDLL(str(output))
    loaded.harness_sounds.restype = ctypes.c_bool
    return loaded


@pytest.fixture
def buzzer(library: ctypes.CDLL) -> Buzzer:
    return Buzzer(library)


@pytest.mark.parametrize(("kind", "priority"), [(ASYSTOLE, "HIGH"), (TACHYCARDIA, "MEDIUM")])
def test_an_alarm_sounds_in_bursts_until_it_ends(kind: int, priority: str, buzzer: Buzzer) -> None:
    pulses, on, off, period = PATTERNS[priority]
    buzzer.event(kind, BEGIN)
    heard = buzzer.hear(3 * period / 1000)
    burst = [on, off] * (pulses - 1) + [on]
    assert heard == [0, *[*burst, period - sum(burst)] * 3]
    buzzer.event(kind, UPDATE)
    assert buzzer.pulses(period / 1000) == [on] * pulses
    buzzer.event(kind, END)
    assert buzzer.pulses(30) == []


@pytest.mark.parametrize(("kind", "priority"), [(IRREGULAR, "LOW"), (LEADS_OFF, "TECHNICAL")])
def test_what_is_less_urgent_sounds_once(kind: int, priority: str, buzzer: Buzzer) -> None:
    pulses, on, _, _ = PATTERNS[priority]
    buzzer.event(kind, BEGIN)
    assert buzzer.pulses(60) == [on] * pulses
    buzzer.event(kind, END)
    assert buzzer.pulses(10) == []


def test_a_couplet_comes_as_its_end_alone(buzzer: Buzzer) -> None:
    buzzer.event(COUPLET, END)
    assert len(buzzer.pulses(10)) == PATTERNS["LOW"][0]


def test_the_more_urgent_alarm_sounds_and_the_other_goes_on_behind_it(buzzer: Buzzer) -> None:
    buzzer.event(TACHYCARDIA, BEGIN)
    buzzer.hear(3)
    buzzer.event(ASYSTOLE, BEGIN)
    high, medium = PATTERNS["HIGH"], PATTERNS["MEDIUM"]
    assert buzzer.pulses(high[3] / 1000) == [high[1]] * high[0]
    buzzer.event(IRREGULAR, BEGIN)
    buzzer.event(LEADS_OFF, BEGIN)
    assert buzzer.pulses(high[3] / 1000) == [high[1]] * high[0]
    buzzer.event(ASYSTOLE, END)
    assert buzzer.pulses(medium[3] / 1000) == [medium[1]] * medium[0]
    buzzer.event(TACHYCARDIA, END)
    assert buzzer.pulses(30) == []


def test_the_settings_silence_it_and_a_new_session_forgets(buzzer: Buzzer) -> None:
    buzzer.event(ASYSTOLE, BEGIN)
    assert buzzer.pulses(20, wanted=False) == []
    assert buzzer.pulses(20) != []
    buzzer.c.buzzer_reset()
    assert buzzer.pulses(20) == []


def test_a_heart_rate_is_silent(buzzer: Buzzer) -> None:
    buzzer.event(HEART_RATE, UPDATE)
    assert buzzer.pulses(20) == []


def test_every_priority_has_a_pattern_and_the_more_urgent_is_the_more_insistent() -> None:
    assert {kind.priority.upper() for kind in ALARM_KINDS.values()} - {"NONE"} <= set(PATTERNS)
    pulses = [pattern[0] for pattern in PATTERNS.values()]
    assert pulses == sorted(pulses, reverse=True) and len(set(pulses)) == len(pulses)
    assert PATTERNS["HIGH"][3] < PATTERNS["MEDIUM"][3]
