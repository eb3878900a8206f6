"""What boards compute without a register: calibration, sampling rate, rings between tasks."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, strategies

from tests.support.device_c import WARNINGS, include_options, linked_sources_of, require_program

TRAPS = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-shared", "-fPIC"]
KNOTS = 17


class Calibration(ctypes.Structure):
    _fields_ = (("adu_x8", ctypes.c_uint16 * KNOTS),)


class Rate(ctypes.Structure):
    _fields_ = (
        ("period_q16", ctypes.c_uint64),
        ("rest_q16", ctypes.c_uint32),
        ("nominal_mhz", ctypes.c_uint32),
        ("measured_mhz", ctypes.c_uint32),
        ("instants", ctypes.c_uint32),
        ("elapsed_us", ctypes.c_uint64),
        ("corrections", ctypes.c_uint32),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("board") / "board.so"
    options = [*WARNINGS, *TRAPS, *include_options("ecg_board"), "-o", str(output)]
    subprocess.run(["gcc", *options, *linked_sources_of("ecg_board")], check=True)
    loaded = ctypes.CDLL(str(output))
    loaded.ecg_calibration_knot.restype = ctypes.c_uint16
    loaded.ecg_calibration_apply.restype = ctypes.c_int16
    loaded.ecg_calibration_set.restype = ctypes.c_bool
    loaded.ecg_rate_next.restype = ctypes.c_uint32
    loaded.ecg_rate_measure.restype = ctypes.c_bool
    return loaded


# ---- calibration ------------------------------------------------------------------------------------


def knots(library: ctypes.CDLL) -> list[int]:
    return [library.ecg_calibration_knot(knot) for knot in range(KNOTS)]


def apply(library: ctypes.CDLL, calibration: Calibration) -> list[int]:
    """The corrected readings of 0 to 4095."""
    return [
        library.ecg_calibration_apply(ctypes.byref(calibration), ctypes.c_uint16(reading))
        for reading in range(4096)
    ]


def test_without_a_calibration_nothing_changes_between_the_limits(library: ctypes.CDLL) -> None:
    calibration = Calibration()
    library.ecg_calibration_none(ctypes.byref(calibration))
    assert apply(library, calibration) == [0] * 9 + list(range(9, 4087)) + [4095] * 9


def test_voltages_become_readings_of_an_ideal_converter(library: ctypes.CDLL) -> None:
    """An ESP32's range begins above 0 V, and ends below 3.3 V."""
    calibration = Calibration()
    millivolts = [142 + round(reading * 2950 / 4095) for reading in knots(library)]
    assert library.ecg_calibration_set(ctypes.byref(calibration), (ctypes.c_uint16 * KNOTS)(*millivolts))
    found = apply(library, calibration)
    assert found == sorted(found)
    expected = [(142 + reading * 2950 / 4095) * 4096 / 3300 for reading in range(4096)]
    assert max(abs(found[i] - expected[i]) for i in range(9, 4087)) < 1.3  # a voltage is known to 0.5 mV
    assert (found[0], found[4095]) == (0, 4095)  # saturation stays visible


@pytest.mark.parametrize("millivolts", [[0] * KNOTS, [900, *range(100, 900, 50)], list(range(0, 6800, 400))])
def test_voltages_that_cannot_be_are_not_used(millivolts: list[int], library: ctypes.CDLL) -> None:
    calibration = Calibration()
    assert not library.ecg_calibration_set(ctypes.byref(calibration), (ctypes.c_uint16 * KNOTS)(*millivolts))
    assert list(calibration.adu_x8) == [8 * knot for knot in knots(library)]


@given(steps=strategies.lists(strategies.integers(1, 220), min_size=KNOTS, max_size=KNOTS))
def test_any_rising_voltages_give_rising_readings(library: ctypes.CDLL, steps: list[int]) -> None:
    millivolts = [sum(steps[: i + 1]) for i in range(KNOTS)]
    calibration = Calibration()
    usable = library.ecg_calibration_set(ctypes.byref(calibration), (ctypes.c_uint16 * KNOTS)(*millivolts))
    assert usable == (millivolts[-1] <= 3630)
    found = apply(library, calibration)
    assert found == sorted(found)
    assert 0 <= found[0] <= found[-1] == 4095


# ---- sampling rate ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("timer_hz", "fs_hz"), [(40_000_000, 360), (1_000_000, 360), (1_000_000, 500)])
def test_instants_are_right_on_average(timer_hz: int, fs_hz: int, library: ctypes.CDLL) -> None:
    rate = Rate()
    library.ecg_rate_init(ctypes.byref(rate), timer_hz, ctypes.c_uint16(fs_hz))
    periods = [library.ecg_rate_next(ctypes.byref(rate)) for _ in range(60 * fs_hz)]
    assert max(periods) - min(periods) <= 1
    assert abs(sum(periods) - 60 * timer_hz) <= 1


def run_timer(library: ctypes.CDLL, rate: Rate, true_hz: int, seconds: int) -> float:
    """Sample with a timer that really counts at `true_hz`; the rate of the last ten seconds."""
    elapsed_us, samples, last = 0.0, 0, 0
    while elapsed_us < seconds * 1e6:
        step_us = library.ecg_rate_next(ctypes.byref(rate)) / true_hz * 1e6
        library.ecg_rate_measure(ctypes.byref(rate), 1, round(elapsed_us + step_us) - round(elapsed_us))
        elapsed_us += step_us
        samples += 1
        last += elapsed_us > (seconds - 10) * 1e6
    return last / 10


@pytest.mark.parametrize("factor", [1.0, 1.22, 0.99, 0.8])
def test_a_timer_at_another_rate_is_corrected(factor: float, library: ctypes.CDLL) -> None:
    """A converter of this family has been seen at 1.22 times the rate that was asked for."""
    rate = Rate()
    library.ecg_rate_init(ctypes.byref(rate), 1_000_000, ctypes.c_uint16(360))
    run_timer(library, rate, round(1_000_000 * factor), 11)
    assert abs(rate.measured_mhz / 1000 - 360 * factor) < 0.1
    assert abs(run_timer(library, rate, round(1_000_000 * factor), 40) - 360) <= 0.2
    assert rate.corrections == (0 if factor == 1.0 else rate.corrections)
    assert factor == 1.0 or rate.corrections > 0


def test_a_small_difference_is_left_and_a_large_one_is_no_clock(library: ctypes.CDLL) -> None:
    rate = Rate()
    library.ecg_rate_init(ctypes.byref(rate), 1_000_000, ctypes.c_uint16(360))
    period = rate.period_q16
    assert not library.ecg_rate_measure(ctypes.byref(rate), 100, 300_000)
    library.ecg_rate_restart(ctypes.byref(rate))
    for instants in (3600, 3600 * 2, 0):
        assert library.ecg_rate_measure(ctypes.byref(rate), instants, 10_000_100)
        assert rate.period_q16 == period
    assert rate.measured_mhz == 0


# ---- rings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("checks", ["thread", "address,undefined"])
def test_two_tasks_pass_samples_without_a_lock(checks: str, project_root: Path, tmp_path: Path) -> None:
    """One thread writes and one reads; the thread sanitizer finds an access that nothing orders."""
    source = project_root / "tests/firmware/ring_threads.c"
    options = [
        *WARNINGS,
        "-O2",
        "-g",
        f"-fsanitize={checks}",
        f"-I{project_root / 'firmware/src'}",
        "-pthread",
    ]
    program = tmp_path / "rings"
    subprocess.run([require_program("gcc"), *options, str(source), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


# ---- milliseconds of the sampling periods -----------------------------------------------------------

PERIOD_CLOCK = """
#include "boards/period_clock.h"
uint32_t millis(uint32_t periods);
uint32_t millis(uint32_t periods) {
    static period_clock_t clock;
    return period_clock_millis(&clock, periods);
}
"""


@pytest.mark.parametrize("fs_hz", [250, 360, 500])
def test_milliseconds_go_on_where_the_periods_wrap(project_root: Path, tmp_path: Path, fs_hz: int) -> None:
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(PERIOD_CLOCK)
    options = [f"-DBOARD_FS_HZ={fs_hz}", f"-I{project_root / 'firmware/src'}", *include_options("ecg_store")]
    subprocess.run(["gcc", *WARNINGS, *TRAPS, *options, "-o", str(library), str(source)], check=True)
    millis = ctypes.CDLL(str(library)).millis
    millis.restype = ctypes.c_uint32
    for periods in [0, 1, fs_hz, 2**31, 2**32 - 1, 2**32, 2**32 + fs_hz, 2**33 - 1, 2**33 + 7]:
        assert millis(ctypes.c_uint32(periods % 2**32)) == periods * 1000 // fs_hz % 2**32
